//! CONTRACT SKELETON: the signatures that the other crates rely on. The two buffer helpers move each item into its own room
//! (writer.rs, reader.rs, outbox.rs, query.rs, …) and fill it in; names and shapes stay.

use std::{ops::Range, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use relaypacs_domain::*;

// ---------- opening ----------

/// How a buffer is to work.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder it lives in (segments in `segments/`, `catalogue.redb`, `history.redb`).
    pub dir: PathBuf,
    /// Most bytes that segments may take; `None`: 80 % of the file system.
    pub max_bytes: Option<u64>,
    /// Bytes of the file system left to everybody else; `None`: min(1 GiB, 5 %).
    pub reserve_bytes: Option<u64>,
    /// Size of a segment file (64 MiB).
    pub segment_bytes: u64,
    /// How long objects stay after the last proof.
    pub retention: Duration,
    /// How long the ledger remembers released objects.
    pub history: Duration,
}

/// The buffer. Cheap to clone; all clones are one buffer.
#[derive(Clone)]
pub struct Buffer {
    _inner: Arc<()>,
}

/// What opening found and mended.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Recovery {
    pub took: Duration,
    pub objects: u64,
    pub replayed_records: u64,
    /// Bytes above the last durable position that were dropped (never acknowledged).
    pub torn_bytes: u64,
    /// Acknowledged objects that can no longer be read.
    pub damaged: Vec<Damage>,
    /// Whether the catalogue had to be rebuilt from the segments.
    pub rebuilt: bool,
}

#[derive(Debug, Clone, serde::Serialize)]
pub struct Damage {
    pub segment: u64,
    pub offset: u64,
    pub object: Option<ObjectId>,
    pub sop_instance: Option<Uid>,
    pub what: String,
}

impl Buffer {
    /// Opens or creates the buffer in `options.dir` (blocking; call before the runtime serves). Starts its named threads.
    pub fn open(_options: Options, _clock: Clock) -> Result<(Self, Recovery), OpenError> {
        todo!()
    }
    /// What is known about the log.
    pub(crate) fn catalogue(&self) -> &crate::catalogue::Catalogue {
        todo!()
    }
    /// The log.
    pub(crate) fn log(&self) -> &crate::segment::LogHandle {
        todo!()
    }
    /// Stops: fails writers that begin now, waits for tickets under way, checkpoints, ends the threads.
    pub async fn close(&self) {
        todo!()
    }

    // ---------- receiving ----------

    /// Begins an object. Fails at once at the 95 % mark, when closing, or when the log cannot be written.
    pub fn begin(&self) -> Result<Writer, Refused> {
        todo!()
    }

    // ---------- reading ----------

    /// Opens the data set of an object for reading (any range of its bytes); pins its extents while the reader lives.
    pub fn read(&self, _object: ObjectId) -> Result<Reader, ReadError> {
        todo!()
    }

    /// Whether catalogue and log can be written (for `/readyz`), and if not why.
    pub fn health(&self) -> Health {
        todo!()
    }

    pub fn metrics(&self) -> &crate::Metrics {
        todo!()
    }
}

/// Receives one object's bytes. Dropping it before `commit` aborts: nothing of it remains.
pub struct Writer {
    _private: (),
}

/// What is known at the end of an object.
#[derive(Debug, Clone)]
pub struct NewObject {
    pub identity: Identity,
    pub facts: HeaderFacts,
    pub source: Source,
    pub service_level: ServiceLevel,
    pub flags: Vec<Flag>,
}

/// Where a committed object lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub object: ObjectId,
    pub sha256: Sha256,
    pub bytes: u64,
    /// How many disks hold it.
    pub copies: u8,
}

impl Writer {
    /// Appends bytes of the data set. Waits while the committer is behind (that is the backpressure).
    pub async fn write(&mut self, _bytes: &[u8]) -> Result<(), WriteError> {
        todo!()
    }
    /// Makes the object durable. When it answers `Ok`, bytes and record survive power loss.
    pub async fn commit(self, _object: NewObject) -> Result<Placed, WriteError> {
        todo!()
    }
    pub fn written(&self) -> u64 {
        todo!()
    }
}

/// Reads an object's data set from the log in order, in pieces of at most 1 MiB, checksums verified. Constant memory.
pub struct Reader {
    _private: (),
}

impl Reader {
    pub fn len(&self) -> u64 {
        todo!()
    }
    pub fn is_empty(&self) -> bool {
        todo!()
    }
    pub fn identity(&self) -> &Identity {
        todo!()
    }
    pub fn sha256(&self) -> Sha256 {
        todo!()
    }
    /// The next piece; `None` at the end. Disk work happens off the async workers.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        todo!()
    }
    /// Restarts at a byte range.
    pub fn seek(&mut self, _range: Range<u64>) {
        todo!()
    }
}

#[derive(Debug, Clone)]
pub enum Health {
    Good,
    /// The catalogue cannot be written (it is being rebuilt); receiving goes on.
    CatalogueDown(String),
    /// The log cannot be written; nothing is accepted.
    LogDown(String),
}

/// Why an object cannot begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the buffer is full: studies must leave first")]
    Full,
    #[error("the box is shutting down")]
    Closing,
    #[error("the log cannot be written: {0}")]
    LogDown(String),
}

/// Why an object's bytes could not be kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    #[error("no room on the disk")]
    Full,
    #[error("the box is shutting down")]
    Closing,
    #[error("writing the log failed: {0}")]
    Log(String),
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("object {0} is not in the buffer")]
    Unknown(ObjectId),
    #[error("object {object} is damaged in segment {segment} at {offset}: {what}")]
    Damaged { object: ObjectId, segment: u64, offset: u64, what: String },
    #[error("reading segment {segment}: {source}")]
    Io { segment: u64, source: std::io::Error },
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum CatalogueError {
    #[error("the catalogue cannot be used: {0}")]
    Storage(String),
    #[error("a record of the catalogue cannot be read: {0}")]
    Record(String),
    #[error("the cursor is not one this box gave")]
    Cursor,
    #[error("writing the log failed: {0}")]
    Log(String),
    #[error("the box is shutting down")]
    Closing,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{what} {path}: {source}")]
    Io { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the data directory is used by {0}")]
    Locked(String),
    #[error("{path} was written by a newer release (it asks for at least version {min_reader}); start that release, or restore a backup")]
    Newer { path: PathBuf, min_reader: u32 },
    #[error("the catalogue cannot be built: {0}")]
    Catalogue(String),
}

/// What the buffer measures (prefix `relaypacs_buffer`).
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    _private: (),
}

impl Metrics {
    /// Registers everything.
    pub fn register(&self, _registry: &mut prometheus_client::registry::Registry) {
        todo!()
    }
}
