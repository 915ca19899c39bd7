//! Counting: always inside the transaction that makes the counted thing a fact.

use std::{ops::Bound, time::Duration};

use jiff::tz::TimeZone;
use redb::{ReadTransaction, ReadableTable, WriteTransaction};
use relaypacs_domain::{DestinationName, ServiceLevel, SourceKind, Timestamp, Uid};
use serde::{Deserialize, Serialize};

use super::{
    DAYS, STATE, STUDIES,
    day::{Count, Day, Key},
    period::day_of,
};
use crate::{
    StoreError,
    store::{decode, encode},
};

const DAYS_NAME: &str = "statistics_days";
const STUDIES_NAME: &str = "statistics_studies";
/// Number of the last change.
pub(super) const CHANGE: &str = "change";
/// When the last fact was counted.
pub(super) const LAST_AT: &str = "last_at";
/// The last day that has something.
const NEWEST_DAY: &str = "newest_day";
/// IANA name of the zone in which days are told apart.
pub(super) const ZONE: &str = "zone";
/// Before this time the machine's clock was not set yet (2024-01-01).
const CLOCK_IS_SET: Timestamp = Timestamp::from_millis(1_704_067_200_000);

/// An upload that ended.
#[derive(Debug, Clone)]
pub struct UploadFact {
    /// When it ended.
    pub at: Timestamp,
    /// (0008,0060).
    pub modality: String,
    /// How urgent it was.
    pub service_level: ServiceLevel,
    /// By which entrance it came.
    pub source: SourceKind,
    /// Its bytes.
    pub bytes: u64,
    /// Whether it was taken.
    pub succeeded: bool,
}

/// A study that a modality sent.
#[derive(Debug, Clone)]
pub struct StudyArrived {
    /// The study.
    pub study: Uid,
    /// Its bytes so far; what was counted before is taken off.
    pub bytes: u64,
    /// When it was complete.
    pub at: Timestamp,
    /// (0008,0060) of its first series.
    pub modality: String,
    /// How urgent it is.
    pub service_level: ServiceLevel,
}

/// What of a study is counted already.
#[derive(Debug, Default, Serialize, Deserialize)]
struct StudyRow {
    arrived: bool,
    bytes: u64,
    delivered: Vec<String>,
}

/// Counts an upload (or anything that came) on its day.
pub fn record_upload_in(transaction: &WriteTransaction, fact: &UploadFact) -> Result<(), StoreError> {
    let key = Key::new(&fact.modality, fact.service_level, fact.source);
    let count = Count { all: 1, failed: u64::from(!fact.succeeded), bytes: fact.bytes };
    change(transaction, fact.at, |day| day.count(key, count))
}

/// Counts a study that came by C-STORE: once, however often it is complete again; images that came later add their bytes.
pub fn record_study_in(transaction: &WriteTransaction, arrived: &StudyArrived) -> Result<(), StoreError> {
    let mut row = study(transaction, &arrived.study)?;
    let count = Count { all: u64::from(!row.arrived), failed: 0, bytes: arrived.bytes.saturating_sub(row.bytes) };
    if count == Count::default() {
        return Ok(());
    }
    (row.arrived, row.bytes) = (true, arrived.bytes);
    keep(transaction, &arrived.study, &row)?;
    let key = Key::new(&arrived.modality, arrived.service_level, SourceKind::Dicom);
    change(transaction, arrived.at, |day| day.count(key, count))
}

/// Counts how long a study took from its first instance's acknowledgement to the last instance's proof at a destination, once for each.
pub fn record_delivery_in(
    transaction: &WriteTransaction,
    delivered: &Uid,
    destination: &DestinationName,
    at: Timestamp,
    delay: Duration,
) -> Result<(), StoreError> {
    const MAX_DESTINATIONS: usize = 64;
    let mut row = study(transaction, delivered)?;
    let name = destination.to_string();
    if row.delivered.contains(&name) || row.delivered.len() >= MAX_DESTINATIONS {
        return Ok(());
    }
    row.delivered.push(name.clone());
    keep(transaction, delivered, &row)?;
    change(transaction, at, |day| day.delays.entry(name).or_default().add(delay))
}

/// Makes the tables, so that questions before the first fact find them.
pub(super) fn ensure_tables(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(DAYS).map_err(StoreError::failed)?;
    transaction.open_table(STUDIES).map_err(StoreError::failed)?;
    Ok(())
}

/// Changes the bucket of the day to which `at` belongs.
fn change(transaction: &WriteTransaction, at: Timestamp, mend: impl FnOnce(&mut Day)) -> Result<(), StoreError> {
    let mut state = transaction.open_table(STATE).map_err(StoreError::failed)?;
    let mut days = transaction.open_table(DAYS).map_err(StoreError::failed)?;
    let zone = state.get(ZONE).map_err(StoreError::failed)?.map(|name| name.value().to_vec());
    let zone = zone.and_then(|name| TimeZone::get(&String::from_utf8_lossy(&name)).ok()).unwrap_or(TimeZone::UTC);
    let newest = number(&state, NEWEST_DAY)?;
    // A machine without a battery-backed clock begins in 1970: what comes before its time is set belongs to the last day known.
    let number_of_day = match newest {
        Some(newest) if at < CLOCK_IS_SET => newest,
        _ => day_of(at, &zone),
    };
    let mut day = match days.get(number_of_day).map_err(StoreError::failed)? {
        Some(row) => day_in(row.value())?,
        None => Day::default(),
    };
    mend(&mut day);
    let change = number(&state, CHANGE)?.unwrap_or(0) + 1;
    let mut row = change.to_le_bytes().to_vec();
    row.extend(encode(DAYS_NAME, &day)?);
    days.insert(number_of_day, row.as_slice()).map_err(StoreError::failed)?;
    set(&mut state, CHANGE, change)?;
    set(&mut state, NEWEST_DAY, newest.map_or(number_of_day, |newest| newest.max(number_of_day)))?;
    set(&mut state, LAST_AT, at.as_millis())
}

fn study(transaction: &WriteTransaction, study: &Uid) -> Result<StudyRow, StoreError> {
    let table = transaction.open_table(STUDIES).map_err(StoreError::failed)?;
    let row = table.get(study.as_str()).map_err(StoreError::failed)?;
    row.map_or(Ok(StudyRow::default()), |row| decode(STUDIES_NAME, row.value()))
}

fn keep(transaction: &WriteTransaction, study: &Uid, row: &StudyRow) -> Result<(), StoreError> {
    let mut table = transaction.open_table(STUDIES).map_err(StoreError::failed)?;
    table.insert(study.as_str(), encode(STUDIES_NAME, row)?.as_slice()).map_err(StoreError::failed)?;
    Ok(())
}

/// Studies after `after`, in order, at most `most`.
pub(super) fn studies(transaction: &ReadTransaction, after: Option<&Uid>, most: usize) -> Result<Vec<Uid>, StoreError> {
    let table = transaction.open_table(STUDIES).map_err(StoreError::failed)?;
    let from = after.map_or(Bound::Unbounded, |uid| Bound::Excluded(uid.as_str()));
    let rows = table.range::<&str>((from, Bound::Unbounded)).map_err(StoreError::failed)?.take(most);
    let uid = |text: &str| text.parse().map_err(|_| StoreError::Row { table: STUDIES_NAME, error: "a key is no UID".into() });
    rows.map(|row| uid(row.map_err(StoreError::failed)?.0.value())).collect()
}

/// Forgets studies.
pub(super) fn forget_studies_in(transaction: &WriteTransaction, studies: &[Uid]) -> Result<(), StoreError> {
    let mut table = transaction.open_table(STUDIES).map_err(StoreError::failed)?;
    studies.iter().try_for_each(|study| table.remove(study.as_str()).map(drop).map_err(StoreError::failed))
}

fn set(state: &mut redb::Table<'_, &'static str, &'static [u8]>, key: &'static str, value: i64) -> Result<(), StoreError> {
    state.insert(key, value.to_le_bytes().as_slice()).map_err(StoreError::failed)?;
    Ok(())
}

/// A number of the state.
pub(super) fn number(state: &impl ReadableTable<&'static str, &'static [u8]>, key: &'static str) -> Result<Option<i64>, StoreError> {
    let value = state.get(key).map_err(StoreError::failed)?;
    Ok(value.and_then(|value| value.value().try_into().ok()).map(i64::from_le_bytes))
}

/// The change number of a day's row.
pub(super) fn change_of(row: &[u8]) -> Result<u64, StoreError> {
    let short = || StoreError::Row { table: DAYS_NAME, error: "it is too short".into() };
    row.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)).ok_or_else(short)
}

/// The bucket in a day's row.
pub(super) fn day_in(row: &[u8]) -> Result<Day, StoreError> {
    change_of(row)?;
    decode(DAYS_NAME, &row[8..])
}
