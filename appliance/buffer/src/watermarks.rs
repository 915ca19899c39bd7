//! How full the buffer is, and the marks at which it says so: 85 % low, 95 % refusing; each is taken back 3 % lower.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

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
    /// When it will refuse new objects if it goes on filling as in the last hour or day, whichever is sooner; `None`: it does not fill, or
    /// has been watched for less than half an hour.
    pub refuses_in: Option<Duration>,
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
    trend: Mutex<Trend>,
}

/// How much was used when, over a day.
#[derive(Debug, Default)]
struct Trend(VecDeque<(Duration, u64)>);

impl Marks {
    /// The level now that `used` of `total` bytes are taken.
    pub(crate) fn look(&self, used: u64, total: u64) -> Level {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        *level = level.after(used, total);
        *level
    }
}

impl Marks {
    /// Takes note that `used` bytes are taken at this boot time.
    pub(crate) fn note(&self, now: Duration, used: u64) {
        self.trend().note(now, used);
    }

    fn refuses_in(&self, now: Duration, used: u64, total: u64) -> Option<Duration> {
        self.trend().refuses_in(now, used, total)
    }

    fn trend(&self) -> MutexGuard<'_, Trend> {
        self.trend.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trend {
    const EVERY: Duration = Duration::from_mins(5);
    const LEAST: Duration = Duration::from_mins(30);
    const WINDOWS: [Duration; 2] = [Duration::from_hours(1), Duration::from_hours(24)];

    fn note(&mut self, now: Duration, used: u64) {
        if self.0.back().is_some_and(|(last, _)| now.saturating_sub(*last) < Self::EVERY) {
            return;
        }
        self.0.push_back((now, used));
        while self.0.front().is_some_and(|(first, _)| now.saturating_sub(*first) > Self::WINDOWS[1]) {
            self.0.pop_front();
        }
    }

    fn refuses_in(&self, now: Duration, used: u64, total: u64) -> Option<Duration> {
        let room = (u128::from(total) * u128::from(REFUSE) / 100).saturating_sub(used.into());
        let by_window = Self::WINDOWS.into_iter().filter_map(|window| {
            let (then, before) = self.0.iter().find(|(then, _)| now.saturating_sub(*then) <= window)?;
            let (watched, grown) = (now.saturating_sub(*then), used.checked_sub(*before)?);
            let enough = watched >= Self::LEAST && grown > 0;
            let seconds = || u64::try_from(room * u128::from(watched.as_secs()) / u128::from(grown)).unwrap_or(u64::MAX);
            enough.then(|| Duration::from_secs(seconds()))
        });
        by_window.min()
    }
}

impl Level {
    /// The level that follows when `used` of `total` bytes are taken. A share of nothing has no room for anything, empty as it is.
    pub(crate) fn after(self, used: u64, total: u64) -> Self {
        let above = |percent: u64| total == 0 || u128::from(used) * 100 > u128::from(total) * u128::from(percent);
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
            refuses_in: self.catalogue().marks().refuses_in(self.catalogue().clock().boot(), room.used, room.total),
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
    fn how_long_the_room_lasts_is_known_after_half_an_hour_and_follows_the_faster_filling() {
        let (mut trend, hour) = (Trend::default(), Duration::from_hours(1));
        let hours = |hours: u64| Some(Duration::from_hours(hours));
        for minute in 0..=29 {
            trend.note(Duration::from_mins(minute), 0);
        }
        assert_eq!(trend.refuses_in(Duration::from_mins(29), 10, 1000), None, "too soon");
        assert_eq!(trend.refuses_in(hour, 10, 1000), hours(94), "10 an hour, 940 to 95 %");
        assert_eq!(trend.refuses_in(hour, 0, 1000), None, "it does not fill");
        for quarter in 4..=96 {
            trend.note(Duration::from_mins(15 * quarter), 100); // slowly at first …
        }
        assert_eq!(trend.refuses_in(24 * hour, 340, 1000), Some(Duration::from_secs(9150)), "… then 240 in an hour");
        assert!(trend.0.len() <= 24 * 12 + 1);
    }

    #[test]
    fn a_disk_that_others_have_filled_refuses_before_anything_was_kept() {
        assert_eq!(Level::default().after(0, 0), Level::Refusing, "every instance would be refused");
        assert_eq!(Level::default().after(1, 0), Level::Refusing);
        assert_eq!(Level::Refusing.after(0, 100), Level::Enough);
    }
}
