//! The hash chain by itself: what anybody needs to check an export.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{AuditEntry, Outcome};

/// The hash before the first entry.
pub const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// An entry without its hash, in the order that is hashed.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    at: &'a str,
    actor: &'a str,
    action: &'a str,
    object: &'a str,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<std::net::IpAddr>,
}

/// The hash of an entry (whatever it carries as its hash) after `previous`.
pub fn hash(previous: &str, entry: &AuditEntry) -> String {
    let AuditEntry { seq, at, actor, action, object, outcome, address, hash: _ } = entry;
    let line = Line { seq: *seq, at, actor, action, object, outcome: *outcome, address: *address };
    let mut hashed = Sha256::new();
    hashed.update(previous);
    hashed.update("\n");
    hashed.update(serde_json::to_vec(&line).unwrap_or_default()); // strings and numbers: cannot fail
    hashed.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        hex.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        hex.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        hex
    })
}
