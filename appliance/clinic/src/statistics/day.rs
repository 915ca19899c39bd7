//! What one day counts.

use std::collections::BTreeMap;

use relaypacs_domain::{ServiceLevel, SourceKind};
use serde::{Deserialize, Serialize};

use super::Delays;

/// Kinds of studies told apart within a day at most; what comes beyond is counted as modality `OTHER`.
const MAX_KEYS: usize = 512;
/// Longest modality in characters (a DICOM code string has at most 16).
const MAX_MODALITY: usize = 16;

/// What is told apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// A DICOM defined term of (0008,0060), `OTHER` where there is none.
    pub modality: String,
    /// `stat` `emergency` `routine` `subspecialty`, as [`ServiceLevel::as_str`].
    pub service_level: String,
    /// `http` or `dicom`.
    pub source: String,
}

/// Counts of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Count {
    /// All, failed ones included.
    pub(super) all: u64,
    pub(super) failed: u64,
    pub(super) bytes: u64,
}

/// One day, or the sum of several.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Day {
    pub(super) counts: BTreeMap<Key, Count>,
    /// By destination.
    pub(super) delays: BTreeMap<String, Delays>,
}

impl Key {
    /// For a study of this modality.
    pub(super) fn new(modality: &str, level: ServiceLevel, source: SourceKind) -> Self {
        let modality: String = modality.trim().chars().filter(|c| !c.is_control()).take(MAX_MODALITY).collect();
        let modality = if modality.is_empty() { "OTHER".into() } else { modality.to_ascii_uppercase() };
        Self { modality, service_level: level.as_str().into(), source: source.as_str().into() }
    }
}

impl Count {
    fn add(&mut self, other: Self) {
        self.all = self.all.saturating_add(other.all);
        self.failed = self.failed.saturating_add(other.failed);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

impl Day {
    /// Counts one more of a kind.
    pub(super) fn count(&mut self, mut key: Key, count: Count) {
        if self.counts.len() >= MAX_KEYS && !self.counts.contains_key(&key) {
            key.modality = "OTHER".into();
        }
        self.counts.entry(key).or_default().add(count);
    }

    /// Adds another day's counts.
    pub(super) fn merge(&mut self, other: &Self) {
        for (key, count) in &other.counts {
            self.counts.entry(key.clone()).or_default().add(*count);
        }
        for (destination, delays) in &other.delays {
            self.delays.entry(destination.clone()).or_default().merge(delays);
        }
    }

    /// All kinds together.
    pub(super) fn total(&self) -> Count {
        self.counts.values().fold(Count::default(), |mut sum, count| {
            sum.add(*count);
            sum
        })
    }
}
