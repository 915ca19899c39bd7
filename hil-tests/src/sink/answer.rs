//! The Store Instances Response (PS3.18 annex I) and its status, as each archive words it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Flavour, Sink};

/// An instance in one of the two lists.
pub(super) struct Listed {
    pub(super) class: String,
    pub(super) sop: String,
    pub(super) study: String,
    pub(super) series: String,
    /// Failure Reason; 0 in the list of stored ones.
    pub(super) reason: u16,
}

/// What became of a whole request.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) stored: Vec<Listed>,
    pub(super) failed: Vec<Listed>,
    pub(super) parts: u64,
    /// A study UID was not that of the URL.
    pub(super) mismatch: bool,
    pub(super) not_dicom: bool,
    /// A duplicate that the archive refuses.
    pub(super) conflict: bool,
}

/// A UI element in DICOM JSON.
pub(super) fn ui(value: &str) -> Value {
    json!({ "vr": "UI", "Value": [value] })
}

/// A UR element in DICOM JSON.
pub(super) fn ur(value: &str) -> Value {
    json!({ "vr": "UR", "Value": [value] })
}

fn sequence(items: Vec<Value>) -> Value {
    json!({ "vr": "SQ", "Value": items })
}

/// 200 with nothing in either list.
pub(super) fn empty_lists() -> Value {
    json!({ "00081190": { "vr": "UR" }, "00081198": sequence(vec![]), "00081199": sequence(vec![]) })
}

impl Sink {
    /// Status and body.
    pub(super) fn answer(&self, outcome: &Outcome, base: &str) -> (u16, Value) {
        let mut body = Map::new();
        let studies: BTreeSet<&str> = outcome.stored.iter().map(|s| s.study.as_str()).collect();
        let url = match (studies.len(), studies.first()) {
            (1, Some(study)) => ur(&format!("{base}/studies/{study}")),
            _ => json!({ "vr": "UR" }),
        };
        body.insert("00081190".into(), url);
        let always = self.is(Flavour::Orthanc17);
        if always || !outcome.failed.is_empty() {
            body.insert("00081198".into(), sequence(outcome.failed.iter().map(failed_item).collect()));
        }
        if always || !outcome.stored.is_empty() {
            body.insert("00081199".into(), sequence(outcome.stored.iter().map(|s| stored_item(s, base)).collect()));
        }
        (self.status(outcome), Value::Object(body))
    }

    fn status(&self, outcome: &Outcome) -> u16 {
        let (stored, failed) = (!outcome.stored.is_empty(), !outcome.failed.is_empty());
        match self.options.flavour {
            Flavour::Orthanc17 if outcome.mismatch || failed => 409, // although others were stored
            Flavour::Orthanc17 if outcome.not_dicom => 400,
            Flavour::Orthanc17 if !stored => 200,
            Flavour::Orthanc if outcome.not_dicom && !stored => 400,
            Flavour::Dcm4chee | Flavour::Orthanc | Flavour::Orthanc17 | Flavour::Google | Flavour::Microsoft | Flavour::Aws => {
                match (stored, failed || outcome.not_dicom || outcome.conflict) {
                    (false, _) => 409,
                    (true, true) => 202,
                    (true, false) => 200,
                }
            }
        }
    }
}

fn failed_item(l: &Listed) -> Value {
    json!({ "00081150": ui(&l.class), "00081155": ui(&l.sop), "00081197": { "vr": "US", "Value": [l.reason] } })
}

fn stored_item(l: &Listed, base: &str) -> Value {
    let url = format!("{base}/studies/{}/series/{}/instances/{}", l.study, l.series, l.sop);
    json!({ "00081150": ui(&l.class), "00081155": ui(&l.sop), "00081190": ur(&url) })
}
