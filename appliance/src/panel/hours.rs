//! How much waited in the last 24 hours, for the chart on HOME.

use std::collections::VecDeque;

/// The most that waited in each of the last 24 hours.
#[derive(Default)]
pub(super) struct Hours {
    /// Hour and studies; oldest first.
    all: VecDeque<(u64, u64)>,
}

impl Hours {
    /// So many studies wait in this hour.
    pub(super) fn note(&mut self, hour: u64, studies: u64) {
        match self.all.back_mut() {
            Some(last) if last.0 == hour => *last = (hour, last.1.max(studies)),
            _ => self.all.push_back((hour, studies)),
        }
        while self.all.front().is_some_and(|first| first.0 + 24 <= hour) {
            self.all.pop_front();
        }
    }

    /// Parts of 255 of the most, oldest first, and the most.
    pub(super) fn chart(&self) -> ([u8; 24], u32) {
        let most = self.all.iter().map(|hour| hour.1).max().unwrap_or(0);
        let newest = self.all.back().map_or(0, |hour| hour.0);
        let mut chart = [0; 24];
        for (hour, studies) in &self.all {
            if let Some(slot) = usize::try_from(newest - hour).ok().and_then(|age| 23usize.checked_sub(age)) {
                chart[slot] = (studies * 255 / most.max(1)) as u8;
            }
        }
        (chart, u32::try_from(most).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_a_chart_and_a_pace() {
        let mut hours = Hours::default();
        for hour in 0..30 {
            hours.note(hour, hour);
            hours.note(hour, 0);
        }
        let (chart, most) = hours.chart();
        assert_eq!((most, chart[23], hours.all.len()), (29, 255, 24));
        assert!(chart.is_sorted());
    }
}
