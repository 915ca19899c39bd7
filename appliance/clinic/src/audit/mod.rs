//! Who did what, when, from where, and how it ended: appended with the change it tells of, chained, exportable.
//!
//! Entry *n* carries `hash = hex(SHA-256(hash of n-1, "\n", line))`, where `line` is the entry without its hash as JSON, keys in the order
//! of [`AuditEntry`] and absent ones left out; the hash before the first entry is 64 zeros. Altering, removing or inserting an entry breaks
//! every hash after it; whoever noted the newest hash elsewhere (each export ends with it) also sees a cut tail. [`chain`] is all that a
//! checker needs.
//!
//! At most [`MOST`] entries are kept; the hash before the oldest kept one stays as the anchor of the chain. No patient data: objects are
//! named by UIDs and ids.

pub mod chain;
mod table;

use std::net::IpAddr;

use relaypacs_domain::{Clock, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::table::{AuditPage, AuditQuery, append_in};
use self::table::{check_all, oldest_from, page};
use crate::{Store, StoreError};

/// Entries kept.
pub const MOST: u64 = 1_000_000;

/// How what was tried ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused: not allowed, or wrong.
    Refused,
    /// It was allowed and failed.
    Failed,
}

/// What is to be recorded.
#[derive(Debug, Clone)]
pub struct AuditFact {
    /// When.
    pub at: Timestamp,
    /// Who: a username, `operator` (the command line), `panel`, or `-` for nobody known.
    pub actor: String,
    /// What: a verb or two with underscores, such as `sign_in`.
    pub action: &'static str,
    /// To what: `user ada`, `study 1.2.3`, or empty.
    pub object: String,
    /// How it ended.
    pub outcome: Outcome,
    /// From where, if over the network.
    pub address: Option<IpAddr>,
}

/// What was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// When, RFC 3339.
    pub at: String,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what.
    pub object: String,
    /// How it ended.
    pub outcome: Outcome,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<IpAddr>,
    /// The chain's hash up to and with this entry, 64 hex digits.
    pub hash: String,
}

/// What checking the whole chain showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Entries read.
    pub entries: u64,
    /// The oldest kept; 0: none.
    pub first: u64,
    /// The newest hash, to be noted elsewhere.
    pub head: String,
    /// The first entries (at most 100) that do not fit, and why.
    pub faults: Vec<(u64, &'static str)>,
}

/// The audit trail. Cheap to clone.
#[derive(Clone)]
pub struct Audit {
    store: Store,
    clock: Clock,
}

impl Audit {
    pub(crate) fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// Records a fact that goes with no other change; durable when it returns.
    pub async fn record(&self, fact: AuditFact) -> Result<(), StoreError> {
        self.store.write(move |transaction| append_in(transaction, &fact)).await
    }

    /// As [`Audit::record`], at this moment.
    pub async fn note(
        &self,
        actor: &str,
        action: &'static str,
        object: impl Into<String>,
        outcome: Outcome,
        address: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        let (actor, object) = (actor.to_owned(), object.into());
        self.record(AuditFact { at: self.clock.now(), actor, action, object, outcome, address }).await
    }

    /// A page of the trail, newest first.
    pub async fn page(&self, query: AuditQuery) -> Result<AuditPage, StoreError> {
        self.store.read(move |transaction| page(transaction, &query)).await
    }

    /// Up to `limit` entries from number `from` on, oldest first: for exports in pieces.
    pub async fn export(&self, from: u64, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.store.read(move |transaction| oldest_from(transaction, from, limit)).await
    }

    /// Reads the whole chain and names what does not fit.
    pub async fn verify(&self) -> Result<AuditReport, StoreError> {
        self.store.read(check_all).await
    }
}

/// As [`Audit::verify`], on the store of a stopped box (blocking).
pub fn verify(store: &Store) -> Result<AuditReport, StoreError> {
    store.read_blocking(check_all)
}

#[cfg(test)]
mod tests;
