//! How full the buffer is, and the marks at which it says so: 85 % low, 95 % refusing; each is taken back 3 % lower.

use std::sync::{Mutex, PoisonError};

use relaypacs_domain::EventKind;

use crate::Buffer;

/// Room for the buffer's data, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// What the segments may take.
    pub total: u64,
    /// What holds live objects (and the records about them).
    pub used: u64,
    /// Bytes of the file system kept for everybody else.
    pub reserve: u64,
    /// Free bytes of the file system.
    pub free: u64,
    /// Above 85 %.
    pub low: bool,
    /// Above 95 %: new objects are refused.
    pub refusing: bool,
}

/// Percent of the share at which the buffer says that room gets scarce.
pub(crate) const LOW: u64 = 85;
/// Percent of the share at which it refuses new objects.
pub(crate) const REFUSE: u64 = 95;
/// How many percent lower a mark is taken back.
pub(crate) const HYSTERESIS: u64 = 3;

/// How scarce room is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Level {
    #[default]
    Enough,
    Low,
    Refusing,
}

/// The marks, with their memory.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    level: Mutex<Level>,
}

impl Marks {
    /// The level now that `used` of `total` bytes are taken.
    pub(crate) fn look(&self, used: u64, total: u64) -> Level {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        *level = level.after(used, total);
        *level
    }
}

impl Level {
    /// The level that follows when `used` of `total` bytes are taken.
    pub(crate) fn after(self, used: u64, total: u64) -> Self {
        let above = |percent: u64| u128::from(used) * 100 > u128::from(total) * u128::from(percent);
        let stays = |mark: Self, percent: u64| above(if self >= mark { percent - HYSTERESIS } else { percent });
        if stays(Self::Refusing, REFUSE) {
            Self::Refusing
        } else if stays(Self::Low, LOW) {
            Self::Low
        } else {
            Self::Enough
        }
    }

    /// What is to be told when this level follows `before`.
    pub(crate) fn event_after(self, before: Self) -> Option<EventKind> {
        match (before, self) {
            (Self::Enough, Self::Low) => Some(EventKind::DiskLow),
            (Self::Enough | Self::Low, Self::Refusing) => Some(EventKind::DiskFull),
            (Self::Low | Self::Refusing, Self::Enough) => Some(EventKind::DiskRecovered),
            (Self::Refusing | Self::Low, Self::Low) | (Self::Enough, Self::Enough) | (Self::Refusing, Self::Refusing) => None,
        }
    }
}

impl Buffer {
    /// How much room there is.
    pub fn usage(&self) -> Usage {
        let room = self.log().usage();
        let level = self.catalogue().marks().look(room.used, room.total);
        Usage {
            total: room.total,
            used: room.used,
            reserve: room.reserve,
            free: room.free,
            low: level >= Level::Low,
            refusing: level == Level::Refusing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_back_lower_than_they_are_set() {
        let marks = Marks::default();
        let check = |used, expected| assert_eq!(marks.look(used, 100), expected, "{used} %");
        check(85, Level::Enough);
        check(86, Level::Low);
        check(83, Level::Low);
        check(82, Level::Enough);
        check(96, Level::Refusing);
        check(93, Level::Refusing);
        check(92, Level::Low);
        check(93, Level::Low);
        check(96, Level::Refusing);
        check(10, Level::Enough);
    }

    #[test]
    fn each_change_for_the_worse_and_the_return_are_told() {
        assert_eq!(Level::Low.event_after(Level::Enough), Some(EventKind::DiskLow));
        assert_eq!(Level::Refusing.event_after(Level::Low), Some(EventKind::DiskFull));
        assert_eq!(Level::Low.event_after(Level::Refusing), None);
        assert_eq!(Level::Enough.event_after(Level::Low), Some(EventKind::DiskRecovered));
    }

    #[test]
    fn an_empty_share_refuses_nothing_by_division() {
        assert_eq!(Level::default().after(0, 0), Level::Enough);
        assert_eq!(Level::default().after(1, 0), Level::Refusing);
    }
}
