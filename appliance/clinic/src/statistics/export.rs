//! Rows of the CSV export.

use serde::Serialize;

use super::{day::Day, period::date_of};

/// The columns, in order.
pub const COLUMNS: [&str; 7] = ["date", "count", "failed", "bytes", "modality", "service_level", "source"];

/// What came on one day of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CsvRow {
    /// `YYYY-MM-DD` in the site's time zone.
    pub date: String,
    /// What came, failed ones included.
    pub count: u64,
    /// What was not taken.
    pub failed: u64,
    /// Bytes of what came.
    pub bytes: u64,
    /// (0008,0060).
    pub modality: String,
    /// How urgent.
    pub service_level: String,
    /// `http` or `dicom`.
    pub source: String,
}

/// The rows of a day.
pub(super) fn rows(number: i64, day: &Day) -> Vec<CsvRow> {
    let date = date_of(number).to_string();
    let row = |(key, count): (&super::Key, &super::day::Count)| CsvRow {
        date: date.clone(),
        count: count.all,
        failed: count.failed,
        bytes: count.bytes,
        modality: safe(&key.modality),
        service_level: key.service_level.clone(),
        source: key.source.clone(),
    };
    day.counts.iter().map(row).collect()
}

/// A modality comes from outside: a text that a spreadsheet would take for a formula is made plain.
fn safe(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.into() }
}
