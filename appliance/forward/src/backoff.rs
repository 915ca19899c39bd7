//! How long to wait before an instance is tried again: exponential with full jitter, up to a horizon.
//!
//! Full jitter (a random time between nothing and the exponential step) spreads retries of many instances and many boxes; the exponential
//! step keeps a PACS in trouble from being asked too often.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::duration;

/// The `retry` table of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryConfig {
    /// Longest wait before the second attempt (5s).
    #[serde(with = "duration")]
    pub first: Duration,
    /// Longest wait between attempts (10m).
    #[serde(with = "duration")]
    pub max: Duration,
    /// After this much time without success an instance is held (7d).
    #[serde(with = "duration")]
    pub horizon: Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self { first: Duration::from_secs(5), max: Duration::from_mins(10), horizon: Duration::from_hours(168) }
    }
}

/// A checked retry policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
    horizon: Duration,
}

/// What is wrong with a retry policy: the key, its value and the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BackoffError {
    pub(crate) field: &'static str,
    pub(crate) value: Duration,
    pub(crate) rule: &'static str,
}

impl Backoff {
    const LONGEST: Duration = Duration::from_hours(87600);

    pub(crate) fn new(config: RetryConfig) -> Result<Self, BackoffError> {
        let RetryConfig { first, max, horizon } = config;
        let wrong = |field, value, rule| Err(BackoffError { field, value, rule });
        if first < Duration::from_millis(1) {
            return wrong("retry.first", first, "must be at least 1ms");
        }
        if max < first {
            return wrong("retry.max", max, "must not be shorter than retry.first");
        }
        if horizon < max {
            return wrong("retry.horizon", horizon, "must not be shorter than retry.max");
        }
        if horizon > Self::LONGEST {
            return wrong("retry.horizon", horizon, "must be at most ten years");
        }
        Ok(Self { first, max, horizon })
    }

    /// The longest wait after `attempts` earlier attempts.
    pub(crate) fn ceiling(&self, attempts: u32) -> Duration {
        self.first.saturating_mul(1u32.checked_shl(attempts.min(31)).unwrap_or(u32::MAX)).min(self.max)
    }

    /// A random wait between nothing and [`Self::ceiling`].
    pub(crate) fn delay(&self, attempts: u32) -> Duration {
        self.ceiling(attempts).mul_f64(rand::random::<f64>())
    }

    /// Whether something that has waited this long is held rather than tried again.
    pub(crate) const fn horizon(&self) -> Duration {
        self.horizon
    }

    pub(crate) fn is_over(&self, pending_for: Duration) -> bool {
        pending_for > self.horizon
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(first: u64, max: u64, horizon: u64) -> RetryConfig {
        RetryConfig { first: Duration::from_secs(first), max: Duration::from_secs(max), horizon: Duration::from_secs(horizon) }
    }

    #[test]
    fn nonsense_is_refused_when_built() {
        let check = |config, field: Option<&str>| assert_eq!(Backoff::new(config).err().map(|e| e.field), field, "{config:?}");
        check(RetryConfig::default(), None);
        check(secs(5, 5, 5), None);
        check(secs(0, 5, 10), Some("retry.first"));
        check(secs(5, 4, 10), Some("retry.max"));
        check(secs(5, 10, 9), Some("retry.horizon"));
        check(secs(5, 10, 20 * 365 * 86_400), Some("retry.horizon"));
    }

    #[test]
    fn waits_grow_to_the_most_and_are_spread() {
        let backoff = Backoff::new(RetryConfig::default()).unwrap();
        let steps: Vec<u64> = (0..9).map(|attempts| backoff.ceiling(attempts).as_secs()).collect();
        assert_eq!(steps, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        assert_eq!(backoff.ceiling(u32::MAX), Duration::from_mins(10));
        let delays: Vec<Duration> = (0..100).map(|_| backoff.delay(3)).collect();
        assert!(delays.iter().all(|delay| *delay <= Duration::from_secs(40)));
        assert!(delays.iter().any(|delay| *delay != delays[0]), "no jitter");
    }

    #[test]
    fn the_horizon_ends_it() {
        let backoff = Backoff::new(RetryConfig::default()).unwrap();
        assert!(!backoff.is_over(Duration::from_hours(168)));
        assert!(backoff.is_over(Duration::from_secs(7 * 86_400 + 1)));
    }
}
