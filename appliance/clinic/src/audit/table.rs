//! `audit`: number → entry; `audit_anchor`: the hash before the oldest kept entry.

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, TableDefinition, TableError, WriteTransaction};
use relaypacs_domain::Timestamp;

use super::{AuditEntry, AuditFact, AuditReport, MOST, chain};
use crate::StoreError;

const ENTRIES: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("audit");
/// `0` → the hash before the oldest kept entry, once one was given up.
const ANCHOR: TableDefinition<'static, u8, &str> = TableDefinition::new("audit_anchor");
/// Longest actor and object kept, in characters.
const MOST_TEXT: usize = 200;
/// Faults named by a check.
const MOST_FAULTS: usize = 100;

/// Which entries to show.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Only older than this number.
    pub before: Option<u64>,
    /// At most this many, 1 to 500.
    pub limit: usize,
    /// Only of this actor.
    pub actor: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only about this object.
    pub object: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not after.
    pub to: Option<Timestamp>,
}

/// A page of the trail.
#[derive(Debug, Clone)]
pub struct AuditPage {
    /// Newest first.
    pub entries: Vec<AuditEntry>,
    /// Ask on with `before` = this; `None`: that was all.
    pub next: Option<u64>,
}

/// Appends a fact within somebody's transaction: it stands exactly if the change stands.
pub fn append_in(transaction: &WriteTransaction, fact: &AuditFact) -> Result<(), StoreError> {
    let mut entries = transaction.open_table(ENTRIES).map_err(StoreError::failed)?;
    let mut anchor = transaction.open_table(ANCHOR).map_err(StoreError::failed)?;
    let last = entries.last().map_err(StoreError::failed)?.map(|(_, row)| decode(row.value())).transpose()?;
    let anchored = anchor.get(0).map_err(StoreError::failed)?.map(|hash| hash.value().to_owned());
    let (seq, previous) = match last {
        Some(last) => (last.seq + 1, last.hash),
        None => (1, anchored.unwrap_or_else(|| chain::START.to_owned())),
    };
    let cut = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_TEXT).collect::<String>();
    let mut entry = AuditEntry {
        seq,
        at: fact.at.to_string(),
        actor: cut(&fact.actor),
        action: fact.action.to_owned(),
        object: cut(&fact.object),
        outcome: fact.outcome,
        address: fact.address.map(|address| address.to_canonical()),
        hash: String::new(),
    };
    entry.hash = chain::hash(&previous, &entry);
    entries.insert(seq, encode(&entry)?.as_slice()).map_err(StoreError::failed)?;
    if let Some(over) = seq.checked_sub(MOST)
        && let Some(given_up) = entries.remove(over).map_err(StoreError::failed)?
    {
        let given_up: AuditEntry = decode(given_up.value())?;
        anchor.insert(0, given_up.hash.as_str()).map_err(StoreError::failed)?;
    }
    Ok(())
}

/// A page, newest first. Looks at 20,000 entries at most; a page may then be shorter and still have a next one.
pub(super) fn page(transaction: &ReadTransaction, query: &AuditQuery) -> Result<AuditPage, StoreError> {
    const LOOKS: usize = 20_000;
    let mut page = AuditPage { entries: Vec::new(), next: None };
    let Some(table) = entries(transaction)? else { return Ok(page) };
    let (from, to) = (query.from.map(|time| time.to_string()), query.to.map(|time| time.to_string()));
    let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    // RFC 3339 in UTC with milliseconds sorts as text.
    let asked = |entry: &AuditEntry| {
        is(&query.actor, &entry.actor)
            && is(&query.action, &entry.action)
            && is(&query.object, &entry.object)
            && from.as_ref().is_none_or(|from| entry.at >= *from)
            && to.as_ref().is_none_or(|to| entry.at <= *to)
    };
    let range = table.range(..query.before.unwrap_or(u64::MAX)).map_err(StoreError::failed)?;
    for (looked, row) in range.rev().enumerate() {
        let (_, row) = row.map_err(StoreError::failed)?;
        let entry: AuditEntry = decode(row.value())?;
        if page.entries.len() == query.limit || looked == LOOKS {
            page.next = Some(entry.seq + 1);
            break;
        }
        if asked(&entry) {
            page.entries.push(entry);
        }
    }
    Ok(page)
}

/// Up to `limit` entries from `from` on, oldest first.
pub(super) fn oldest_from(transaction: &ReadTransaction, from: u64, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
    let Some(table) = entries(transaction)? else { return Ok(Vec::new()) };
    let range = table.range(from..).map_err(StoreError::failed)?.take(limit);
    range.map(|row| row.map_err(StoreError::failed).and_then(|(_, row)| decode(row.value()))).collect()
}

/// Reads the whole chain.
pub(super) fn check_all(transaction: &ReadTransaction) -> Result<AuditReport, StoreError> {
    let mut report = AuditReport { entries: 0, first: 0, head: anchor(transaction)?, faults: Vec::new() };
    let Some(table) = entries(transaction)? else { return Ok(report) };
    let mut expected = None;
    for row in table.iter().map_err(StoreError::failed)? {
        let (key, row) = row.map_err(StoreError::failed)?;
        let seq = key.value();
        let fault = match decode(row.value()) {
            Err(_) => Some("cannot be read"),
            Ok(entry) => {
                let hash = chain::hash(&report.head, &entry);
                let fault = match () {
                    () if entry.seq != seq => Some("carries another number"),
                    () if expected.is_some_and(|expected| expected != seq) => Some("entries before it are missing"),
                    () if entry.hash != hash => Some("it or the one before it was altered"),
                    () => None,
                };
                report.head = entry.hash;
                fault
            }
        };
        if report.entries == 0 {
            report.first = seq;
        }
        report.entries += 1;
        expected = Some(seq + 1);
        if let Some(fault) = fault
            && report.faults.len() < MOST_FAULTS
        {
            report.faults.push((seq, fault));
        }
    }
    Ok(report)
}

fn entries(transaction: &ReadTransaction) -> Result<Option<ReadOnlyTable<u64, &'static [u8]>>, StoreError> {
    match transaction.open_table(ENTRIES) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(StoreError::failed(error)),
    }
}

fn anchor(transaction: &ReadTransaction) -> Result<String, StoreError> {
    let table = match transaction.open_table(ANCHOR) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(chain::START.to_owned()),
        Err(error) => return Err(StoreError::failed(error)),
    };
    Ok(table.get(0).map_err(StoreError::failed)?.map_or_else(|| chain::START.to_owned(), |hash| hash.value().to_owned()))
}

/// Rows are JSON, as they are exported: the hash is over that, and absent keys stay absent.
pub(super) fn encode(entry: &AuditEntry) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(entry).map_err(|error| StoreError::Row { table: "audit", error: error.to_string() })
}

pub(super) fn decode(row: &[u8]) -> Result<AuditEntry, StoreError> {
    serde_json::from_slice(row).map_err(|error| StoreError::Row { table: "audit", error: error.to_string() })
}
