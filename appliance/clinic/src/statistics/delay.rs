//! Delays as a histogram that can be summed: bins grow by an eighth of an octave, so that a percentile is at most 9 % too high.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

/// Bins in one doubling.
const PER_OCTAVE: f64 = 8.0;
/// Delays up to this many seconds share the first bin.
const SHORTEST_S: f64 = 0.01;
/// The last bin, which also takes all longer ones: 2^30 × 10 ms, 124 days.
const LAST: u16 = 240;

/// How long studies took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delays(BTreeMap<u16, u64>);

impl Delays {
    /// Counts one.
    pub fn add(&mut self, delay: Duration) {
        let octaves = (delay.as_secs_f64() / SHORTEST_S).max(1.0).log2();
        let bin = ((octaves * PER_OCTAVE).ceil() as u16).min(LAST);
        *self.0.entry(bin).or_default() += 1;
    }

    /// Adds another histogram.
    pub fn merge(&mut self, other: &Self) {
        for (bin, count) in &other.0 {
            *self.0.entry(*bin).or_default() += count;
        }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// The delay in seconds that `share` (0 to 1) of them did not exceed (the upper end of its bin); `None`: there are none.
    pub fn quantile_s(&self, share: f64) -> Option<f64> {
        let rank = ((self.count() as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        let (bin, _) = self.0.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        })?;
        let seconds = SHORTEST_S * (f64::from(*bin) / PER_OCTAVE).exp2();
        Some((seconds * 1000.0).round() / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_at_most_a_bin_too_high_and_sums_are_exact() {
        let (mut even, mut odd) = (Delays::default(), Delays::default());
        for n in 1..=1000_u64 {
            if n % 2 == 0 { &mut even } else { &mut odd }.add(Duration::from_secs(n));
        }
        even.merge(&odd);
        assert_eq!(even.count(), 1000);
        for (share, exact) in [(0.5, 500.0), (0.95, 950.0), (1.0, 1000.0)] {
            let told = even.quantile_s(share).unwrap();
            assert!((exact..exact * 1.0906).contains(&told), "{share}: {told}");
        }
    }

    #[test]
    fn the_ends_are_bounded() {
        let mut delays = Delays::default();
        assert_eq!(delays.quantile_s(0.5), None);
        delays.add(Duration::ZERO);
        assert_eq!(delays.quantile_s(0.5), Some(0.01));
        delays.add(Duration::MAX);
        assert!(delays.quantile_s(1.0).unwrap() < 124.3 * 86_400.0);
    }
}
