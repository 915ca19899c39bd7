//! What can be selected on a screen.

use heapless::Vec;

use super::{Panel, Screen};
use crate::wire::{Capability, Lock};

/// A row of ACTIONS. The number is its place in [`super::Words::menu`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MenuItem {
    TestAll = 0,
    RetryAll = 1,
    Network = 2,
    SetupCode = 3,
    Support = 4,
    Update = 5,
    Rollback = 6,
    Reboot = 7,
    ShutDown = 8,
    Reset = 9,
    Lock = 10,
}

impl MenuItem {
    const ALL: [(Self, Option<Capability>); 11] = [
        (Self::TestAll, Some(Capability::Test)),
        (Self::RetryAll, Some(Capability::Retry)),
        (Self::Network, Some(Capability::Network)),
        (Self::SetupCode, Some(Capability::SetupCode)),
        (Self::Support, Some(Capability::Support)),
        (Self::Update, Some(Capability::Update)),
        (Self::Lock, None),
        (Self::Rollback, Some(Capability::Rollback)),
        (Self::Reboot, Some(Capability::Power)),
        (Self::ShutDown, Some(Capability::Power)),
        (Self::Reset, Some(Capability::Reset)),
    ];
}

impl Panel {
    /// Whether the box allows this here.
    pub(super) fn offers(&self, wanted: MenuItem) -> bool {
        MenuItem::ALL.iter().any(|(item, needs)| {
            *item == wanted
                && match needs {
                    Some(needed) => self.capabilities.has(*needed),
                    None => self.unlocked,
                }
        })
    }

    /// The rows of ACTIONS: what the box allows.
    pub(super) fn menu(&self) -> Vec<MenuItem, 11, u8> {
        MenuItem::ALL.iter().map(|(item, _)| *item).filter(|item| self.offers(*item)).collect()
    }

    /// How many rows can be selected on the screen.
    pub(super) fn rows(&self) -> usize {
        let Some(status) = self.status.as_ref().filter(|_| self.lock() != Lock::All) else { return 0 };
        match self.screen {
            Screen::Scanners => status.peers.len(),
            Screen::Destinations => status.destinations.len(),
            Screen::Queue => status.held.len(),
            Screen::Alerts => status.alerts.len(),
            Screen::Actions => self.menu().len(),
            Screen::Home | Screen::LastStudy | Screen::Storage | Screen::Network | Screen::Software => 0,
        }
    }
}
