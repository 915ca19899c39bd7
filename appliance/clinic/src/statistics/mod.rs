//! How much came, from where, how well it went: totals, trends and delays over any period.
//!
//! Every upload and every study that a modality sent is counted once, in the transaction that makes it a fact, in the bucket of its day in
//! the site's time zone. A period is a sum over at most a few thousand buckets, kept with the number of the last change it has seen, so that
//! asking costs the same for ten uploads and for a million. No patient data: a bucket knows modalities, levels and destinations only.
//!
//! | table | row |
//! |---|---|
//! | `statistics_days` | day (from 1970-01-01) → change number (8 bytes, LE), [`Day`] |
//! | `statistics_studies` | Study Instance UID → [`StudyRow`], what of it is counted already |
//! | `statistics_state` | `change`, `newest_day`, `last_at`, `zone` |

mod answers;
mod day;
mod delay;
mod export;
mod period;
mod recording;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::tz::TimeZone;
use redb::{ReadTransaction, TableDefinition};
use relaypacs_domain::{Clock, SourceKind, Timestamp, Uid};

pub use answers::{DestinationDelay, Stats, Trend, TrendDay, TrendSummary};
use day::Day;
pub use day::Key;
pub use delay::Delays;
pub use export::{COLUMNS, CsvRow};
pub use period::{Period, UnknownPeriod};
use recording::{CHANGE, LAST_AT, ZONE, ensure_tables};
pub use recording::{StudyArrived, UploadFact, record_delivery_in, record_study_in, record_upload_in};

use crate::{Store, StoreError};

pub(crate) const DAYS: TableDefinition<'static, i64, &[u8]> = TableDefinition::new("statistics_days");
pub(crate) const STUDIES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("statistics_studies");
pub(crate) const STATE: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("statistics_state");

/// The service. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Statistics {
    store: Store,
    clock: Clock,
    zone: TimeZone,
    cache: Arc<Mutex<Cache>>,
}

/// Decoded days, each with the change number of the row it was read from, and finished answers.
#[derive(Default)]
struct Cache {
    days: HashMap<i64, (u64, Arc<Day>)>,
    answers: HashMap<(Period, Answer), Finished>,
}

/// Kinds of kept answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Answer {
    Stats,
    Trend,
}

/// An answer, good as long as nothing was counted since and the day is the same.
#[derive(Clone)]
struct Finished {
    change: u64,
    today: i64,
    json: Arc<str>,
}

impl Statistics {
    /// Opens the service and notes the zone in which days are told apart from now on (`zone`: IANA name; empty: the machine's). Days that are
    /// counted already stay as they are. Blocking.
    pub fn open(store: Store, clock: Clock, zone: &str) -> Result<Self, StoreError> {
        let zone = zone_of(zone);
        let name = zone.iana_name().unwrap_or("UTC").to_owned();
        store.write_blocking(move |transaction| {
            ensure_tables(transaction)?;
            let mut state = transaction.open_table(STATE).map_err(StoreError::failed)?;
            state.insert(ZONE, name.as_bytes()).map_err(StoreError::failed)?;
            Ok::<(), StoreError>(())
        })?;
        Ok(Self { store, clock, zone, cache: Arc::default() })
    }

    /// The totals of a period that ends today.
    pub async fn stats(&self, period: Period) -> Result<Stats, StoreError> {
        let service = self.clone();
        self.store.read(move |transaction| service.stats_now(transaction, period)).await
    }

    /// The totals as JSON. Usually answered from memory, after one look whether anything was counted since. Blocks for microseconds then,
    /// for some milliseconds after a change.
    pub fn stats_json(&self, period: Period) -> Result<Arc<str>, StoreError> {
        self.json(period, Answer::Stats, |transaction| Ok(to_json(&self.stats_now(transaction, period)?)))
    }

    /// Day by day, days without anything as zeros.
    pub async fn trend(&self, period: Period) -> Result<Trend, StoreError> {
        let service = self.clone();
        self.store.read(move |transaction| service.trend_now(transaction, period)).await
    }

    /// The trend as JSON, as [`Statistics::stats_json`].
    pub fn trend_json(&self, period: Period) -> Result<Arc<str>, StoreError> {
        self.json(period, Answer::Trend, |transaction| Ok(to_json(&self.trend_now(transaction, period)?)))
    }

    /// The days of a period that have something, in order, a few at a time: at most `most` days after `after` (`None`: from the first).
    /// For exports that stream.
    pub async fn rows(&self, period: Period, after: Option<i64>, most: usize) -> Result<Vec<(i64, Vec<CsvRow>)>, StoreError> {
        let service = self.clone();
        self.store
            .read(move |transaction| {
                let (first, last) = period.days(service.today());
                let from = after.map_or(first, |day| first.max(day + 1));
                let days = service.days(transaction, from, last, most)?;
                Ok(days.into_iter().map(|(day, bucket)| (day, export::rows(day, &bucket))).collect())
            })
            .await
    }

    /// Uploads over HTTP since the first day: how many were taken, and how many were not. Blocks for microseconds up to milliseconds.
    pub fn uploads(&self) -> Result<(u64, u64), StoreError> {
        self.store.read_blocking(|transaction| {
            let days = self.days(transaction, i64::MIN, i64::MAX, usize::MAX)?;
            let counts = days.iter().flat_map(|(_, day)| &day.counts).filter(|(key, _)| key.source == SourceKind::Http.as_str());
            Ok(counts.fold((0, 0), |(taken, failed), (_, count)| (taken + count.all - count.failed, failed + count.failed)))
        })
    }

    /// Studies of which something was counted, in the order of their UIDs, at most `most` after `after`.
    pub async fn studies(&self, after: Option<Uid>, most: usize) -> Result<Vec<Uid>, StoreError> {
        self.store.read(move |transaction| recording::studies(transaction, after.as_ref(), most)).await
    }

    /// Forgets what of these studies was counted: they are known nowhere else any more. (Their counts stay; one that came again would be new.)
    pub async fn forget_studies(&self, studies: Vec<Uid>) -> Result<(), StoreError> {
        self.store.write(move |transaction| recording::forget_studies_in(transaction, &studies)).await
    }

    fn stats_now(&self, transaction: &ReadTransaction, period: Period) -> Result<Stats, StoreError> {
        let (first, last) = period.days(self.today());
        let mut sum = Day::default();
        for (_, day) in self.days(transaction, first, last, usize::MAX)? {
            sum.merge(&day);
        }
        let state = transaction.open_table(STATE).map_err(StoreError::failed)?;
        let last_at = recording::number(&state, LAST_AT)?.map_or(self.clock.now(), Timestamp::from_millis);
        Ok(Stats::of(period, &sum, last_at))
    }

    fn trend_now(&self, transaction: &ReadTransaction, period: Period) -> Result<Trend, StoreError> {
        let (first, last) = period.days(self.today());
        let days = self.days(transaction, first, last, usize::MAX)?;
        // "all" begins with the first day that has something.
        let begins = if period == Period::All { days.first().map_or(last, |(day, _)| *day) } else { first };
        Ok(Trend::of(period, begins, last, &days))
    }

    /// Today's number in the site's time zone.
    fn today(&self) -> i64 {
        period::day_of(self.clock.now(), &self.zone)
    }

    fn json(
        &self,
        period: Period,
        answer: Answer,
        make: impl FnOnce(&ReadTransaction) -> Result<Arc<str>, StoreError>,
    ) -> Result<Arc<str>, StoreError> {
        let today = self.today();
        self.store.read_blocking(|transaction| {
            let change = {
                let state = transaction.open_table(STATE).map_err(StoreError::failed)?;
                recording::number(&state, CHANGE)?.unwrap_or(0).unsigned_abs()
            };
            let kept = self.cache().answers.get(&(period, answer)).filter(|kept| kept.change == change && kept.today == today).cloned();
            if let Some(kept) = kept {
                return Ok(kept.json);
            }
            let json = make(transaction)?;
            self.cache().answers.insert((period, answer), Finished { change, today, json: json.clone() });
            Ok(json)
        })
    }

    /// Days that have something, oldest first. A row that has not changed since it was last read is not decoded again.
    fn days(&self, transaction: &ReadTransaction, first: i64, last: i64, most: usize) -> Result<Vec<(i64, Arc<Day>)>, StoreError> {
        let table = transaction.open_table(DAYS).map_err(StoreError::failed)?;
        let mut days = Vec::new();
        for row in table.range(first..=last).map_err(StoreError::failed)?.take(most) {
            let (day, value) = row.map_err(StoreError::failed)?;
            let (day, value) = (day.value(), value.value());
            let change = recording::change_of(value)?;
            let kept = self.cache().days.get(&day).filter(|(seen, _)| *seen == change).map(|(_, bucket)| bucket.clone());
            let bucket = if let Some(bucket) = kept {
                bucket
            } else {
                let bucket = Arc::new(recording::day_in(value)?);
                self.cache().days.insert(day, (change, bucket.clone()));
                bucket
            };
            days.push((day, bucket));
        }
        Ok(days)
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // Held for one map operation; what a panic could leave is re-read by its change number.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn to_json<T: serde::Serialize>(answer: &T) -> Arc<str> {
    // Numbers, names and maps with text keys always serialize.
    Arc::from(serde_json::to_string(answer).unwrap_or_default())
}

/// The time zone of a name; empty: the machine's. One that is not known is UTC.
pub(crate) fn zone_of(name: &str) -> TimeZone {
    let found = if name.is_empty() { Ok(TimeZone::system()) } else { TimeZone::get(name) };
    match found {
        Ok(zone) if zone.iana_name().is_some() => zone,
        Ok(_) => TimeZone::UTC,
        Err(error) => {
            tracing::warn!(%error, "the site's time zone is not known to this machine; days are counted in UTC");
            TimeZone::UTC
        }
    }
}
