//! What senders were promised against what the PACS got.
//!
//! - *lost*: promised (0000 or a warning Bxxx), but these bytes never reached the PACS under this UID
//! - *altered*: the PACS got bytes under a sent UID that nobody sent
//! - *duplicated*: the same bytes reached the PACS more than once; after a crash that is allowed (the answer may have been lost)
//!
//! An instance that was sent but never answered may arrive or not; a refused one need not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::Path,
    time::Duration,
};

use serde_json::Value;

use crate::{peers::StowSink, wait};

/// How long a backlog may take to leave.
const REACHES_WITHIN: Duration = Duration::from_secs(300);

/// A SOP Instance UID and the SHA-256 of a data set sent under it.
pub type Entry = (String, String);

/// One answer to a sender.
#[derive(Debug, Clone)]
pub struct Ack {
    /// UID and bytes.
    pub entry: Entry,
    /// Status in hexadecimal; `none`: no answer.
    pub status: String,
}

impl Ack {
    fn promises(&self) -> bool {
        self.status == "0000" || self.status.starts_with('B')
    }
}

/// The comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Entries that were promised.
    pub acknowledged: usize,
    /// Entries sent and never answered.
    pub unanswered: usize,
    /// Answers that were refusals.
    pub refused: usize,
    /// Distinct entries that reached the PACS.
    pub arrived: usize,
    /// See the module.
    pub lost: Vec<Entry>,
    /// See the module.
    pub altered: Vec<Entry>,
    /// See the module.
    pub duplicated: Vec<Entry>,
}

/// Reads what senders noted (`blast --acks`).
pub fn acks(file: &Path) -> Vec<Ack> {
    lines(file).map(|l| Ack { entry: (string(&l, "sop"), string(&l, "sha256")), status: string(&l, "status") }).collect()
}

/// Reads what `stow_sink` noted: how often the bytes of each entry reached it, in order of first arrival.
pub fn arrivals(file: &Path) -> Vec<Entry> {
    lines(file)
        .filter(|l| {
            l["kind"] == "instance" && ["stored", "duplicate", "ignored", "stored-unlisted"].contains(&l["result"].as_str().unwrap_or(""))
        })
        .map(|l| (string(&l, "sop"), string(&l, "sha256")))
        .collect()
}

/// Compares.
pub fn compare(acks: &[Ack], arrivals: &[Entry]) -> Ledger {
    let promised: BTreeSet<&Entry> = acks.iter().filter(|a| a.promises()).map(|a| &a.entry).collect();
    let sent: BTreeSet<&Entry> = acks.iter().map(|a| &a.entry).collect();
    let uids: BTreeSet<&str> = sent.iter().map(|e| e.0.as_str()).collect();
    let unanswered: BTreeSet<&Entry> =
        acks.iter().filter(|a| a.status == "none" && !promised.contains(&a.entry)).map(|a| &a.entry).collect();
    let mut got: BTreeMap<&Entry, usize> = BTreeMap::new();
    for entry in arrivals {
        *got.entry(entry).or_default() += 1;
    }
    Ledger {
        acknowledged: promised.len(),
        unanswered: unanswered.len(),
        refused: acks.iter().filter(|a| !a.promises() && a.status != "none").count(),
        arrived: got.len(),
        lost: promised.iter().filter(|e| !got.contains_key(**e)).map(|e| (*e).clone()).collect(),
        altered: got.keys().filter(|e| uids.contains(e.0.as_str()) && !sent.contains(**e)).map(|e| (*e).clone()).collect(),
        duplicated: got.iter().filter(|(_, n)| **n > 1).map(|(e, _)| (*e).clone()).collect(),
    }
}

/// Waits until everything that was promised has reached the PACS; gives the comparison, also when something never comes.
pub fn all_reach(sink: &StowSink, acks: &[Ack]) -> Ledger {
    let mut last = Ledger::default();
    let complete = wait::until_or(REACHES_WITHIN, || {
        last = compare(acks, &sink.arrivals());
        last.lost.is_empty().then(|| last.clone())
    });
    complete.unwrap_or(last)
}

impl Ledger {
    /// Panics when anything was lost or altered, or when there was nothing to compare.
    pub fn assert_holds(&self) {
        assert!(self.acknowledged > 0, "nothing was acknowledged: {self}");
        assert!(self.lost.is_empty() && self.altered.is_empty(), "THE LEDGER IS BROKEN: {self}");
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "acknowledged {}, unanswered {}, refused {}; reached the PACS {}; lost {}, altered {}, duplicated {}",
            self.acknowledged,
            self.unanswered,
            self.refused,
            self.arrived,
            self.lost.len(),
            self.altered.len(),
            self.duplicated.len()
        )?;
        for (what, entries) in [("lost", &self.lost), ("altered", &self.altered)] {
            for (sop, sha256) in entries.iter().take(5) {
                write!(f, "\n  {what} {sop} {sha256}")?;
            }
        }
        Ok(())
    }
}

/// The complete lines of a file; one that is still being written is left out.
fn lines(file: &Path) -> impl Iterator<Item = Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let complete = text.rfind('\n').map_or(0, |i| i + 1);
    let lines: Vec<Value> =
        text[..complete].lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{}: {e}", file.display()))).collect();
    lines.into_iter()
}

fn string(line: &Value, key: &str) -> String {
    line[key].as_str().unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sop: &str, sha256: &str) -> Entry {
        (sop.into(), sha256.into())
    }

    fn ack(sop: &str, sha256: &str, status: &str) -> Ack {
        Ack { entry: entry(sop, sha256), status: status.into() }
    }

    #[test]
    fn each_kind_of_loss_is_named() {
        let acks = [ack("1", "a", "0000"), ack("2", "b", "B000"), ack("3", "c", "none"), ack("4", "d", "A700"), ack("5", "e", "0000")];
        let arrivals = [entry("1", "a"), entry("1", "a"), entry("2", "x"), entry("5", "e")];
        let ledger = compare(&acks, &arrivals);
        assert_eq!(ledger.lost, [entry("2", "b")]);
        assert_eq!(ledger.altered, [entry("2", "x")]);
        assert_eq!(ledger.duplicated, [entry("1", "a")]);
        assert_eq!((ledger.acknowledged, ledger.unanswered, ledger.refused, ledger.arrived), (3, 1, 1, 3));
    }

    #[test]
    fn an_answer_after_a_broken_first_try_is_a_promise() {
        let ledger = compare(&[ack("1", "a", "none"), ack("1", "a", "0000")], &[]);
        assert_eq!((ledger.acknowledged, ledger.unanswered), (1, 0));
        assert_eq!(ledger.lost, [entry("1", "a")]);
    }
}
