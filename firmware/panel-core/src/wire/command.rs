//! What a panel may ask for, and what the configuration must allow for it.

use serde::{Deserialize, Serialize};

/// Somebody pressed keys for this.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Command {
    /// Chosen by the panel; the daemon carries out an id once.
    pub id: u16,
    /// What.
    pub action: Action,
}

/// What a panel may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Action {
    /// Try a destination step by step.
    TestDestination(u8),
    /// Ask a scanner by C-ECHO.
    TestPeer(u8),
    /// Try all destinations.
    TestAll,
    /// Try a held study again.
    Retry(u32),
    /// Try everything held again.
    RetryAll,
    /// Send nothing more to a destination.
    Pause(u8),
    /// Send to a destination again.
    Resume(u8),
    /// Change the network; goes back after 60 s unless confirmed.
    SetNetwork(NetworkPlan),
    /// The new network is good.
    KeepNetwork,
    /// Back to the network before.
    RevertNetwork,
    /// Make a set-up code; it comes as a [`Secret`].
    ShowSetupCode,
    /// Write a support bundle to a stick.
    Support,
    /// Install an update from a stick.
    Update,
    /// Start the release before.
    Rollback,
    /// The note about a failed update was read.
    AcknowledgeUpdate,
    /// Start anew.
    Reboot,
    /// Switch off.
    ShutDown,
    /// Ask for the four digits of a factory reset; they come as a [`Secret`].
    ResetCode,
    /// Forget everything.
    Reset {
        /// The digits as typed.
        digits: u16,
        /// Studies that were not sent may be lost.
        lose_studies: bool,
    },
    /// The PIN: its digits as a number, and how many they are.
    Unlock {
        /// The digits.
        pin: u32,
        /// How many (leading zeros count).
        len: u8,
    },
    /// Lock at once.
    #[default]
    Lock,
}

impl Action {
    /// What the configuration must allow for it; `None`: anybody at the panel may.
    pub const fn needs(&self) -> Option<Capability> {
        match self {
            Self::TestDestination(_) | Self::TestPeer(_) | Self::TestAll => Some(Capability::Test),
            Self::Retry(_) | Self::RetryAll => Some(Capability::Retry),
            Self::Pause(_) | Self::Resume(_) => Some(Capability::Pause),
            Self::SetNetwork(_) | Self::KeepNetwork | Self::RevertNetwork => Some(Capability::Network),
            Self::ShowSetupCode => Some(Capability::SetupCode),
            Self::Support => Some(Capability::Support),
            Self::Update | Self::AcknowledgeUpdate => Some(Capability::Update),
            Self::Rollback => Some(Capability::Rollback),
            Self::Reboot | Self::ShutDown => Some(Capability::Power),
            Self::ResetCode | Self::Reset { .. } => Some(Capability::Reset),
            Self::Unlock { .. } | Self::Lock => None,
        }
    }

    /// Its name in the audit log.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::TestDestination(_) => "test_destination",
            Self::TestPeer(_) => "test_peer",
            Self::TestAll => "test_all",
            Self::Retry(_) => "retry",
            Self::RetryAll => "retry_all",
            Self::Pause(_) => "pause",
            Self::Resume(_) => "resume",
            Self::SetNetwork(_) => "set_network",
            Self::KeepNetwork => "keep_network",
            Self::RevertNetwork => "revert_network",
            Self::ShowSetupCode => "show_setup_code",
            Self::Support => "support_bundle",
            Self::Update => "update",
            Self::Rollback => "rollback",
            Self::AcknowledgeUpdate => "acknowledge_update",
            Self::Reboot => "reboot",
            Self::ShutDown => "shut_down",
            Self::ResetCode => "reset_code",
            Self::Reset { .. } => "factory_reset",
            Self::Unlock { .. } => "unlock",
            Self::Lock => "lock",
        }
    }
}

/// What the network is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum NetworkPlan {
    /// Ask the network.
    #[default]
    Dhcp,
    /// This IPv4 address.
    Static {
        /// The box's address.
        address: [u8; 4],
        /// Length of the network's prefix, 1 to 30.
        prefix: u8,
        /// The gateway; zeros: none.
        gateway: [u8; 4],
        /// The name server; zeros: none.
        dns: [u8; 4],
    },
}

/// A group of commands that the configuration allows together (`panel.allow`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Capability {
    /// See the box's state.
    View,
    /// Test destinations and scanners.
    Test,
    /// Retry held studies.
    Retry,
    /// Pause and resume destinations.
    Pause,
    /// Change the network.
    Network,
    /// Show a set-up code.
    SetupCode,
    /// Write a support bundle.
    Support,
    /// Install an update from a stick.
    Update,
    /// Go back to the release before.
    Rollback,
    /// Reboot and shut down.
    Power,
    /// Factory reset.
    Reset,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::View,
        Self::Test,
        Self::Retry,
        Self::Pause,
        Self::Network,
        Self::SetupCode,
        Self::Support,
        Self::Update,
        Self::Rollback,
        Self::Power,
        Self::Reset,
    ];

    /// Its name in the configuration and the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Test => "test",
            Self::Retry => "retry",
            Self::Pause => "pause",
            Self::Network => "network",
            Self::SetupCode => "setup_code",
            Self::Support => "support",
            Self::Update => "update",
            Self::Rollback => "rollback",
            Self::Power => "power",
            Self::Reset => "reset",
        }
    }
}

/// A set of capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Capabilities(pub u16);

impl Capabilities {
    /// Every capability there is.
    pub const ALL: Self = Self((1 << Capability::ALL.len()) - 1);

    /// With one more.
    #[must_use]
    pub const fn with(self, capability: Capability) -> Self {
        Self(self.0 | 1 << capability as u16)
    }

    /// With one less.
    #[must_use]
    pub const fn without(self, capability: Capability) -> Self {
        Self(self.0 & !(1 << capability as u16))
    }

    /// Whether it is one of them.
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & 1 << capability as u16 != 0
    }
}
