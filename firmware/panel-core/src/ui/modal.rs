//! What may stand in front of a screen.

use super::{LocalRequest, editor::Editor};
use crate::{
    Text,
    wire::{Action, Code, Outcome, Verdict},
};

/// What stands in front of a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Modal {
    /// Nothing.
    None,
    /// What to do about an alert.
    Todo { code: Code, about: Text<20> },
    /// A command is under way.
    Waiting { id: u16, action: Action, sent_at: u32, accepted: bool },
    /// How it ended.
    Result(Result_),
    /// OK does it, BACK does not.
    Confirm(Action),
    /// OK held for long does it.
    Hold { danger: Danger, held_ms: u32 },
    /// The PIN is typed.
    Pin(Digits),
    /// The digits of a factory reset are typed.
    ResetCode { code: Text<16>, typed: Digits },
    /// The loss of studies is to be confirmed.
    Lose { digits: u16, studies: u32 },
    /// A code is shown until then.
    Secret { code: Text<16>, until: u32 },
    /// How the box gets its address: by DHCP or fixed.
    NetworkKind { row: u8 },
    /// A fixed address is typed.
    Network(Editor),
}

/// What needs OK held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Danger {
    /// A command to the box.
    Ask(Action),
    /// A request to the machine.
    Local(LocalRequest),
}

/// How something ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Result_ {
    /// The box did it, or could not.
    Ended { action: Action, outcome: Outcome, took_ms: u32 },
    /// The box would not.
    Refused(Verdict),
    /// Nothing came back.
    NoAnswer,
    /// The machine was asked.
    Requested(LocalRequest),
}

/// Digits typed one after the other with UP and DOWN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Digits {
    typed: [u8; 8],
    len: u8,
    /// The one being chosen.
    pub(super) at_hand: u8,
}

impl Digits {
    /// Most digits.
    pub(super) const MOST: usize = 8;

    pub(super) fn up(&mut self) {
        self.at_hand = (self.at_hand + 1) % 10;
    }

    pub(super) fn down(&mut self) {
        self.at_hand = (self.at_hand + 9) % 10;
    }

    /// Takes the digit at hand; `false`: there are enough.
    pub(super) fn take(&mut self) -> bool {
        let Some(slot) = self.typed.get_mut(usize::from(self.len)) else { return false };
        *slot = self.at_hand;
        self.len += 1;
        self.at_hand = 0;
        true
    }

    /// Takes the last one back; `false`: there is none.
    pub(super) fn back(&mut self) -> bool {
        if self.len == 0 {
            return false;
        }
        self.len -= 1;
        self.at_hand = 0;
        true
    }

    pub(super) const fn len(&self) -> u8 {
        self.len
    }

    pub(super) fn digits(&self) -> &[u8] {
        &self.typed[..usize::from(self.len)]
    }

    /// The digits as a number.
    pub(super) fn value(&self) -> u32 {
        self.digits().iter().fold(0, |value, digit| value * 10 + u32::from(*digit))
    }
}

impl Modal {
    pub(super) fn pin() -> Self {
        Self::Pin(Digits::default())
    }

    pub(super) fn reset_code(code: Text<16>) -> Self {
        Self::ResetCode { code, typed: Digits::default() }
    }

    pub(super) const fn hold(danger: Danger) -> Self {
        Self::Hold { danger, held_ms: 0 }
    }

    /// Whether UP and DOWN change something that may repeat.
    pub(super) const fn is_editor(&self) -> bool {
        matches!(self, Self::Pin(_) | Self::ResetCode { .. } | Self::Network(_))
    }

    /// Whether it stays though nobody touches a key.
    pub(super) const fn stays(&self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Secret { .. })
    }
}
