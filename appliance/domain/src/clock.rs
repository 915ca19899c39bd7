//! The one clock handle: wall time for showing, boot time for waiting.
//!
//! Boot time (`CLOCK_BOOTTIME`) never jumps and counts suspended time; a Pi's wall clock is wrong until the network corrects it. So
//! deadlines are boot time, and what must outlive a restart is saved as *remaining* time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::Timestamp;

/// Where every part of the product asks for the time. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Clock(Inner);

#[derive(Debug, Clone, Default)]
enum Inner {
    #[default]
    System,
    Manual(Arc<ManualClock>),
}

/// A clock that tests move by hand.
#[derive(Debug, Default)]
pub struct ManualClock {
    wall_ms: AtomicI64,
    boot_ms: AtomicU64,
}

impl Clock {
    /// The machine's clocks.
    pub fn system() -> Self {
        Self(Inner::System)
    }

    /// A clock that stands still until it is moved.
    pub fn manual(clock: Arc<ManualClock>) -> Self {
        Self(Inner::Manual(clock))
    }

    /// Wall-clock time, for showing and recording. May jump.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Inner::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Inner::Manual(clock) => Timestamp::from_millis(clock.wall_ms.load(Ordering::Relaxed)),
        }
    }

    /// Time since the machine started, suspended time included. Never jumps, starts anew with every boot.
    pub fn boot(&self) -> Duration {
        match &self.0 {
            Inner::System => {
                let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
                Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
            }
            Inner::Manual(clock) => Duration::from_millis(clock.boot_ms.load(Ordering::Relaxed)),
        }
    }
}

impl ManualClock {
    /// Moves boot time and wall time forward together.
    pub fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.boot_ms.fetch_add(millis, Ordering::Relaxed);
        self.wall_ms.fetch_add(i64::try_from(millis).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Lets the wall clock jump, as a time server's first answer does.
    pub fn set_wall(&self, to: Timestamp) {
        self.wall_ms.store(to.as_millis(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_of_the_wall_clock_leaves_boot_time_alone() {
        let hand = Arc::new(ManualClock::default());
        let clock = Clock::manual(hand.clone());
        hand.advance(Duration::from_secs(5));
        hand.set_wall(Timestamp::from_millis(1_000_000));
        assert_eq!(clock.boot(), Duration::from_secs(5));
        assert_eq!(clock.now(), Timestamp::from_millis(1_000_000));
    }

    #[test]
    fn the_system_clock_runs() {
        let clock = Clock::system();
        let before = clock.boot();
        assert!(clock.boot() >= before);
        assert!(clock.now() > Timestamp::from_millis(1_700_000_000_000));
    }
}
