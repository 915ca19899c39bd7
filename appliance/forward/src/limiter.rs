//! A destination's limit in bytes per second, shared by all its requests: a virtual line with two lanes.
//!
//! Each piece reserves the time it takes on the line. Urgent pieces reserve in a lane of their own and push the ordinary lane back, so an
//! urgent study gets the whole rate while ordinary requests in flight wait.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Which lane a piece takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Urgent,
    Ordinary,
}

/// The virtual line.
#[derive(Debug)]
pub(crate) struct Limiter {
    bytes_per_s: f64,
    free: Mutex<Free>,
}

/// From when on each lane is free.
#[derive(Debug, Clone, Copy)]
struct Free {
    urgent: Instant,
    ordinary: Instant,
}

impl Limiter {
    /// Largest piece that is sent at once, so that the line is used evenly.
    pub(crate) const PIECE: usize = 32 << 10;

    pub(crate) fn new(bytes_per_s: f64) -> Self {
        let now = Instant::now();
        Self { bytes_per_s, free: Mutex::new(Free { urgent: now, ordinary: now }) }
    }

    /// Waits until `bytes` (at most [`Self::PIECE`]) may leave.
    pub(crate) async fn pass(&self, bytes: usize, lane: Lane) {
        tokio::time::sleep_until(self.reserve(bytes, lane, Instant::now())).await;
    }

    fn reserve(&self, bytes: usize, lane: Lane, now: Instant) -> Instant {
        let takes = Duration::from_secs_f64(bytes as f64 / self.bytes_per_s);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        match lane {
            Lane::Urgent => {
                let start = free.urgent.max(now);
                free.urgent = start + takes;
                free.ordinary = free.ordinary.max(start) + takes;
                start
            }
            Lane::Ordinary => {
                let start = free.ordinary.max(now);
                free.ordinary = start + takes;
                start
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_kept_and_urgent_pieces_go_first() {
        let (limiter, now) = (Limiter::new(1000.0), Instant::now());
        let check = |lane, expected_ms| {
            assert_eq!(limiter.reserve(100, lane, now).saturating_duration_since(now).as_millis(), expected_ms);
        };
        check(Lane::Ordinary, 0);
        check(Lane::Ordinary, 100);
        check(Lane::Urgent, 0);
        check(Lane::Urgent, 100);
        check(Lane::Ordinary, 400);
    }

    #[test]
    fn time_that_was_not_used_is_not_saved_up() {
        let (limiter, now) = (Limiter::new(1000.0), Instant::now() + Duration::from_mins(1));
        assert_eq!(limiter.reserve(1000, Lane::Ordinary, now), now);
        assert_eq!(limiter.reserve(1000, Lane::Ordinary, now), now + Duration::from_secs(1));
    }
}
