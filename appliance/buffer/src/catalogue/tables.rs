//! The tables of `catalogue.redb`. Rows are postcard; keys are ordered so that every question is a short range.
//!
//! Destinations are named by their text; `""` stands for "held for want of a destination". A study's key is the number of its first object.

use redb::TableDefinition;

use crate::CatalogueError;

/// Object → [`super::row::ObjectRow`].
pub(super) const OBJECTS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("objects");
/// SOP Instance UID → the numbers of the objects under it, oldest first.
pub(super) const INSTANCES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("instances");
/// Study → [`super::row::StudyRow`].
pub(super) const STUDIES: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("studies");
/// Study Instance UID → study.
pub(super) const STUDY_UIDS: TableDefinition<'static, &str, u64> = TableDefinition::new("study_uids");
/// (Study, object).
pub(super) const STUDY_OBJECTS: TableDefinition<'static, (u64, u64), ()> = TableDefinition::new("study_objects");
/// Studies with a UID that are not marked complete.
pub(super) const INCOMPLETE: TableDefinition<'static, u64, ()> = TableDefinition::new("incomplete");

/// (Destination, study, object) of deliveries that may be tried at once.
pub(super) const READY: TableDefinition<'static, (&str, u64, u64), ()> = TableDefinition::new("ready");
/// (Destination, study, due, object) of deliveries that wait for their next try.
pub(super) const DELAYED: TableDefinition<'static, (&str, u64, u64, u64), ()> = TableDefinition::new("delayed");
/// (Destination, rank, study) of studies with something in [`READY`].
pub(super) const TURNS: TableDefinition<'static, (&str, u8, u64), ()> = TableDefinition::new("turns");
/// (Destination, rank, earliest due, study) of studies with something in [`DELAYED`].
pub(super) const LATER: TableDefinition<'static, (&str, u8, u64, u64), ()> = TableDefinition::new("later");
/// (Destination, study) of studies with something in [`READY`] or [`DELAYED`].
pub(super) const WAITING: TableDefinition<'static, (&str, u64), ()> = TableDefinition::new("waiting");
/// (Destination, study, object) of held deliveries → whether only because their destination is not configured.
pub(super) const HELD: TableDefinition<'static, (&str, u64, u64), bool> = TableDefinition::new("held");
/// Destination, or `"*"` for all together → [`super::row::QueueRow`].
pub(super) const QUEUES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("queues");

/// Event number → (epoch and offset of the entry that made it, event).
pub(super) const EVENTS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("events");

/// (Epoch, object) → the object's live bytes in the segment of that epoch.
pub(super) const RESIDENTS: TableDefinition<'static, (u64, u64), u64> = TableDefinition::new("residents");
/// Epoch → live bytes in its segment.
pub(super) const SEGMENTS: TableDefinition<'static, u64, u64> = TableDefinition::new("segments");
/// (When all deliveries were settled, object).
pub(super) const SETTLED: TableDefinition<'static, (u64, u64), ()> = TableDefinition::new("settled");
/// Objects whose bytes are stored under another number and for which no `Release` is in the log yet (without one they would come back when
/// the catalogue is rebuilt) → the other number, then the epochs of their commit records.
pub(super) const DEAD: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("dead");
/// Released objects and parts → epochs of their records. While one of those is on the disk, the `Release` must be carried on. Of parts,
/// [`A_PART`] stands first: the history knows nothing of them.
pub(super) const TOMBSTONES: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("tombstones");

/// Part → [`super::row::PartRow`].
pub(super) const PARTS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("parts");
/// (Upload, part).
pub(super) const UPLOAD_PARTS: TableDefinition<'static, (u128, u64), ()> = TableDefinition::new("upload_parts");

/// `"format"` → schema and min_reader, `"state"` → [`super::row::State`], `"checkpoint"` → [`super::row::Saved`].
pub(super) const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");

/// No segment's epoch: marks the tombstone of a part.
pub(super) const A_PART: u64 = u64::MAX;

/// The key of all destinations together in [`QUEUES`].
pub(super) const TOTAL: &str = "*";
/// The key of what is held for want of a destination.
pub(super) const NOWHERE: &str = "";

/// Encodes a row.
pub(super) fn encode<T: serde::Serialize>(row: &T) -> Result<Vec<u8>, CatalogueError> {
    postcard::to_stdvec(row).map_err(|error| CatalogueError::Record(error.to_string()))
}

/// Decodes a row. A row that does not decode names its table, never its content.
pub(super) fn decode<'de, T: serde::Deserialize<'de>>(table: &str, bytes: &'de [u8]) -> Result<T, CatalogueError> {
    postcard::from_bytes(bytes).map_err(|error| CatalogueError::Record(format!("{table}: {error}")))
}

/// Any error of redb is a fault of the store.
pub(super) fn storage(error: impl Into<redb::Error>) -> CatalogueError {
    CatalogueError::Storage(error.into().to_string())
}
