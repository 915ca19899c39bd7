//! Counts uploads of a year that never were, so that questions about a full box can be measured:
//!
//! `fill_statistics FOLDER [UPLOADS]` (a million) writes into `FOLDER/clinic.redb` of a box that does not run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a program for people at a terminal")]

use std::path::Path;

use relaypacs_clinic::{
    Store, StoreError,
    statistics::{UploadFact, record_upload_in},
};
use relaypacs_domain::{ServiceLevel, SourceKind, Timestamp};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Uploads in one transaction.
const AT_ONCE: u64 = 20_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("the data directory of a box");
    let uploads: u64 = arguments.next().map_or(1_000_000, |number| number.parse().expect("how many uploads"));
    let store = Store::open(Path::new(&folder)).unwrap();
    let end = jiff::Timestamp::now().as_millisecond().unsigned_abs();
    for first in (0..uploads).step_by(AT_ONCE as usize) {
        let all = first..uploads.min(first + AT_ONCE);
        let count = move |transaction: &_| all.clone().try_for_each(|number| record_upload_in(transaction, &fact(number, uploads, end)));
        store.write_blocking::<_, StoreError>(count).unwrap();
    }
    println!("{uploads} uploads counted");
}

/// Upload `number` of `all`, spread evenly over the year that ends at `end` (ms since 1970).
fn fact(number: u64, all: u64, end: u64) -> UploadFact {
    let at = end - 365 * DAY_MS + number * 365 * DAY_MS / all;
    let of = |names: &[&'static str]| names[number as usize % names.len()];
    UploadFact {
        at: Timestamp::from_millis(at.cast_signed()),
        modality: of(&["CT", "MR", "CR", "DX", "US", "XA", "MG", "NM", "PT"]).into(),
        service_level: ServiceLevel::ALL[number as usize / 9 % ServiceLevel::ALL.len()],
        source: if number.is_multiple_of(2) { SourceKind::Http } else { SourceKind::Dicom },
        bytes: 1_000_000 + number % 1000,
        succeeded: !number.is_multiple_of(100),
    }
}
