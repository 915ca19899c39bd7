//! What is told about a period.

use std::{collections::BTreeMap, sync::Arc};

use relaypacs_domain::Timestamp;
use serde::{Serialize, Serializer};

use super::{
    day::{Count, Day},
    period::{Period, date_of},
};

/// Totals of a period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// Which.
    #[serde(serialize_with = "as_text")]
    pub period: Period,
    /// Uploads and C-STORE studies, failed ones included.
    pub total_uploads: u64,
    /// Those that were taken.
    pub successful_uploads: u64,
    /// Those that were not.
    pub failed_uploads: u64,
    /// Share of those taken in percent, 0 to 100, one decimal; 0 where there are none.
    pub success_rate: f64,
    /// Their bytes.
    pub total_bytes: u64,
    /// How many of each modality.
    pub modality: BTreeMap<String, u64>,
    /// How many of each service level.
    pub service_level: BTreeMap<String, u64>,
    /// How many by each entrance; both are always named.
    pub source: BTreeMap<String, u64>,
    /// How long studies took to each destination.
    pub destinations: BTreeMap<String, DestinationDelay>,
    /// When something was last counted; with nothing counted yet, when it was asked.
    #[serde(serialize_with = "as_time")]
    pub last_updated: Timestamp,
}

/// How long studies took, from the acknowledgement of their first instance to the proof of their last.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DestinationDelay {
    /// Studies delivered.
    pub delivered: u64,
    /// Half of them took no longer, in seconds.
    pub delay_p50_s: f64,
    /// 95 % of them took no longer, in seconds.
    pub delay_p95_s: f64,
}

/// A period day by day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trend {
    /// Which.
    #[serde(serialize_with = "as_text")]
    pub period: Period,
    /// Every day of it, oldest first, without gaps.
    pub data: Vec<TrendDay>,
    /// All days together.
    pub summary: TrendSummary,
}

/// One day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrendDay {
    /// `YYYY-MM-DD` in the site's time zone.
    pub date: String,
    /// What came, failed ones included.
    pub count: u64,
    /// What was not taken.
    pub failed: u64,
    /// Bytes of what came.
    pub bytes: u64,
}

/// All days of a trend.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrendSummary {
    /// What came, failed ones included.
    pub count: u64,
    /// What was not taken.
    pub failed: u64,
    /// Bytes of what came.
    pub bytes: u64,
    /// What came on an average day, one decimal.
    pub average_per_day: f64,
    /// The day on which most came; null: nothing came.
    pub busiest_day: Option<String>,
}

impl Stats {
    pub(super) fn of(period: Period, sum: &Day, last_updated: Timestamp) -> Self {
        let total = sum.total();
        let mut stats = Self {
            period,
            total_uploads: total.all,
            successful_uploads: total.all - total.failed,
            failed_uploads: total.failed,
            success_rate: if total.all == 0 { 0.0 } else { tenth(100.0 * (total.all - total.failed) as f64 / total.all as f64) },
            total_bytes: total.bytes,
            modality: BTreeMap::new(),
            service_level: BTreeMap::new(),
            source: [("dicom".into(), 0), ("http".into(), 0)].into(),
            destinations: BTreeMap::new(),
            last_updated,
        };
        for (key, count) in &sum.counts {
            *stats.modality.entry(key.modality.clone()).or_default() += count.all;
            *stats.service_level.entry(key.service_level.clone()).or_default() += count.all;
            *stats.source.entry(key.source.clone()).or_default() += count.all;
        }
        for (destination, delays) in &sum.delays {
            if let (Some(delay_p50_s), Some(delay_p95_s)) = (delays.quantile_s(0.5), delays.quantile_s(0.95)) {
                let told = DestinationDelay { delivered: delays.count(), delay_p50_s, delay_p95_s };
                stats.destinations.insert(destination.clone(), told);
            }
        }
        stats
    }
}

impl Trend {
    /// `days`: those with something, in order, between `first` and `last`.
    pub(super) fn of(period: Period, first: i64, last: i64, days: &[(i64, Arc<Day>)]) -> Self {
        let mut known = days.iter().peekable();
        let mut data = Vec::new();
        for number in first..=last {
            let total = known.next_if(|(day, _)| *day == number).map(|(_, day)| day.total()).unwrap_or_default();
            let Count { all: count, failed, bytes } = total;
            data.push(TrendDay { date: date_of(number).to_string(), count, failed, bytes });
        }
        let sum = |what: fn(&TrendDay) -> u64| data.iter().map(what).sum::<u64>();
        let count = sum(|day| day.count);
        // Of several equally busy days the latest.
        let busiest = data.iter().filter(|day| day.count > 0).max_by_key(|day| day.count);
        let summary = TrendSummary {
            count,
            failed: sum(|day| day.failed),
            bytes: sum(|day| day.bytes),
            average_per_day: tenth(count as f64 / data.len().max(1) as f64),
            busiest_day: busiest.map(|day| day.date.clone()),
        };
        Self { period, data, summary }
    }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn as_text<S: Serializer>(period: &Period, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(period.as_str())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn as_time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}
