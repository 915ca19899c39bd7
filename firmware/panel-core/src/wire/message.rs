//! The messages, both ways, and which kind byte each has.

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use super::{
    frame::{Message, MessageError, payload, put},
    status::{Code, Status},
};
use crate::Text;

/// What the daemon says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is no allocator to put the large one behind a pointer")]
pub enum FromBox {
    /// First of all.
    Hello(BoxHello),
    /// How the box is: every second, and on change.
    Status(Status),
    /// Something happened.
    Event(Event),
    /// A command was accepted, or why not.
    Ack(Ack),
    /// A command has ended.
    Done(Done),
    /// Something to be shown and forgotten.
    Secret(Secret),
    /// The last message on this link.
    Bye(Bye),
}

/// What a panel says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromPanel {
    /// First of all.
    Hello(PanelHello),
    /// Somebody pressed keys for this.
    Command(Command),
    /// Every second.
    Alive(Alive),
}

/// The daemon's greeting.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BoxHello {
    /// What the daemon's protocol has more than [`super::VERSION`].
    pub minor: u8,
    /// What panels may do.
    pub capabilities: Capabilities,
}

/// A panel's greeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanelHello {
    /// What the panel's protocol has more than [`super::VERSION`].
    pub minor: u8,
    /// What it shows on.
    pub display: DisplayKind,
    /// Which build of the panel's program.
    pub build: Text<24>,
}

/// What a panel shows on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DisplayKind {
    /// 128 × 64, on or off.
    Mono,
    /// 320 × 240 in colour.
    Colour,
    /// A text terminal.
    Console,
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

/// Something happened. An event is a hint: what counts is in the next status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What.
    pub code: EventCode,
    /// How bad it is.
    pub level: Level,
    /// About what: a modality, a destination; else empty.
    pub about: Text<24>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventCode {
    /// The first image of a study came.
    StudyArriving,
    /// No more images of a study are expected.
    StudyComplete,
    /// A study is proven at a destination.
    StudyDelivered,
    /// A study needs somebody.
    StudyHeld,
    /// A destination stopped answering.
    DestinationDown,
    /// A destination answers again.
    DestinationUp,
    /// An alert was raised.
    Alert(Code),
    /// Anything else that is in the box's events.
    Other,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// Good or indifferent.
    Info,
    /// Somebody should look.
    Warning,
    /// Something does not work.
    Error,
}

/// Whether a command is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The command's id.
    pub id: u16,
    /// Accepted, or why not.
    pub verdict: Verdict,
}

/// Accepted, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It begins; [`Done`] tells its end.
    Accepted,
    /// `panel.allow` does not have it.
    NotAllowed,
    /// The PIN is needed first.
    Locked,
    /// The box cannot do this here.
    NotAvailable,
    /// What it names is not there (any more).
    Unknown,
    /// Another of its kind is still running.
    Busy,
    /// A value makes no sense.
    Invalid,
    /// Wrong PIN; so many tries are left.
    WrongPin(u8),
    /// Too many wrong tries; wait so many seconds.
    Wait(u16),
    /// So many studies would be lost and the command does not say that this is meant.
    WouldLose(u32),
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The command's id.
    pub id: u16,
    /// How.
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Well.
    Good,
    /// Well, and it touched so many.
    Count(u32),
    /// So many of so many destinations answered.
    Some {
        /// Answered.
        good: u8,
        /// Asked.
        asked: u8,
    },
    /// Not well.
    Failed {
        /// The step that failed first.
        step: Step,
        /// What was seen there.
        detail: Text<48>,
    },
}

/// A step of reaching another system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Resolving the name.
    Name,
    /// Connecting.
    Connect,
    /// TLS.
    Tls,
    /// Credentials.
    Login,
    /// The service itself.
    Service,
    /// Within the box.
    Box,
    /// It did not end in time.
    Time,
}

/// Something to be shown and forgotten.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// The command that asked for it.
    pub id: u16,
    /// What to show.
    pub code: Text<16>,
    /// How long it holds, in seconds.
    pub expires_s: u16,
}

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Secret").field("id", &self.id).field("expires_s", &self.expires_s).finish_non_exhaustive()
    }
}

/// Why the link ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bye {
    /// The other side speaks another version; this is ours.
    Version(u8),
    /// Too many panels.
    Full,
    /// The panel did not read, or sent nonsense.
    Misbehaved,
    /// The daemon ends.
    Stopping,
}

/// Somebody pressed keys for this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Chosen by the panel; the daemon carries out an id once.
    pub id: u16,
    /// What.
    pub action: Action,
}

/// What a panel may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// An IP address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Address {
    /// IPv4.
    V4([u8; 4]),
    /// IPv6.
    V6([u8; 16]),
}

impl core::fmt::Display for Address {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::V4(octets) => core::net::Ipv4Addr::from(*octets).fmt(f),
            Self::V6(octets) => core::net::Ipv6Addr::from(*octets).fmt(f),
        }
    }
}

/// What the network is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NetworkPlan {
    /// Ask the network.
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

/// The panel's own state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Alive {
    /// Keys that are stuck, a bit each in the order UP, DOWN, OK, BACK.
    pub stuck_keys: u8,
    /// Whether the display takes pictures.
    pub display_ok: bool,
    /// Frames that could not be read since the link began.
    pub dropped: u16,
}

impl Message for FromBox {
    fn kind(&self) -> u8 {
        match self {
            Self::Hello(_) => 1,
            Self::Status(_) => 2,
            Self::Event(_) => 3,
            Self::Ack(_) => 4,
            Self::Done(_) => 5,
            Self::Secret(_) => 6,
            Self::Bye(_) => 7,
        }
    }

    fn write<F: Flavor>(&self, to: &mut postcard::Serializer<F>) -> Result<(), postcard::Error> {
        match self {
            Self::Hello(it) => put(it, to),
            Self::Status(it) => put(it, to),
            Self::Event(it) => put(it, to),
            Self::Ack(it) => put(it, to),
            Self::Done(it) => put(it, to),
            Self::Secret(it) => put(it, to),
            Self::Bye(it) => put(it, to),
        }
    }

    fn read(kind: u8, bytes: &[u8]) -> Result<Self, MessageError> {
        Ok(match kind {
            1 => Self::Hello(payload(bytes)?),
            2 => Self::Status(payload(bytes)?),
            3 => Self::Event(payload(bytes)?),
            4 => Self::Ack(payload(bytes)?),
            5 => Self::Done(payload(bytes)?),
            6 => Self::Secret(payload(bytes)?),
            7 => Self::Bye(payload(bytes)?),
            other => return Err(MessageError::Kind(other)),
        })
    }
}

impl Message for FromPanel {
    fn kind(&self) -> u8 {
        match self {
            Self::Hello(_) => 0x81,
            Self::Command(_) => 0x82,
            Self::Alive(_) => 0x83,
        }
    }

    fn write<F: Flavor>(&self, to: &mut postcard::Serializer<F>) -> Result<(), postcard::Error> {
        match self {
            Self::Hello(it) => put(it, to),
            Self::Command(it) => put(it, to),
            Self::Alive(it) => put(it, to),
        }
    }

    fn read(kind: u8, bytes: &[u8]) -> Result<Self, MessageError> {
        Ok(match kind {
            0x81 => Self::Hello(payload(bytes)?),
            0x82 => Self::Command(payload(bytes)?),
            0x83 => Self::Alive(payload(bytes)?),
            other => return Err(MessageError::Kind(other)),
        })
    }
}
