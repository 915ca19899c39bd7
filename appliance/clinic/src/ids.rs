//! New names of things: UUIDs that sort by when they were made (RFC 9562 §5.7).

use relaypacs_domain::Timestamp;
use uuid::{NoContext, Uuid};

/// A new one, made at `at`.
pub(crate) fn new_id(at: Timestamp) -> Uuid {
    let millis = at.as_millis().max(0).unsigned_abs();
    let nanos = u32::try_from(millis % 1000).unwrap_or(0) * 1_000_000;
    Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, millis / 1000, nanos))
}
