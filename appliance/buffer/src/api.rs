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
    /// Which destinations there are. Held objects are matched again; destinations that are gone leave their work held.
    pub async fn set_routing(&self, _routing: Routing) -> Result<(), CatalogueError> {
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

    // ---------- outbox: each call is one atomic step ----------

    /// Claims the next batch for a destination: highest service level first, oldest study first inside it, all of one study, whose next try
    /// has come. Objects that share a SOP Instance UID never come in one batch; unparsed ones come alone. `None`: nothing is due.
    pub fn claim(&self, _destination: &DestinationName, _most: ClaimLimits) -> Result<Option<Claim>, CatalogueError> {
        todo!()
    }
    /// When the next waiting delivery of a destination is due: zero = now; `None`: nothing waits (claimed ones do not count).
    pub fn next_due(&self, _destination: &DestinationName) -> Result<Option<Duration>, CatalogueError> {
        todo!()
    }
    /// Wakes when work for any destination may have become due by something else than time (commit, retry, priority, routing).
    pub fn work(&self) -> tokio::sync::watch::Receiver<u64> {
        todo!()
    }
    /// Records how an attempt ended, durably (a `Note` in the log) before it answers. Items of the claim without a verdict go back unchanged.
    pub async fn settle(&self, _claim: Claim, _verdicts: Vec<(ObjectId, Verdict)>) -> Result<(), CatalogueError> {
        todo!()
    }
    /// Gives a claim back unattempted. Dropping a claim does the same.
    pub fn give_back(&self, _claim: Claim) {
        todo!()
    }

    // ---------- what people ask for; durable when it answers; the number is how many deliveries it touched ----------

    pub async fn retry(&self, _study: &Uid, _destination: Option<&DestinationName>) -> Result<u64, CatalogueError> {
        todo!()
    }
    /// Retries everything that is held, of one destination or all.
    pub async fn retry_held(&self, _destination: Option<&DestinationName>) -> Result<u64, CatalogueError> {
        todo!()
    }
    pub async fn set_priority(&self, _study: &Uid, _level: ServiceLevel) -> Result<u64, CatalogueError> {
        todo!()
    }
    pub async fn give_up(&self, _study: &Uid, _destination: &DestinationName) -> Result<u64, CatalogueError> {
        todo!()
    }
    pub async fn mark_complete(&self, _study: &Uid) -> Result<(), CatalogueError> {
        todo!()
    }
    /// Studies not marked complete, with the time since their last instance.
    pub fn incomplete_studies(&self) -> Result<Vec<(Uid, Duration)>, CatalogueError> {
        todo!()
    }

    // ---------- queries ----------

    pub fn studies(&self, _query: &StudyQuery) -> Result<StudyPage, CatalogueError> {
        todo!()
    }
    pub fn study(&self, _study: &Uid) -> Result<Option<StudyDetail>, CatalogueError> {
        todo!()
    }
    /// The ledger of a study, released objects included.
    pub fn ledger(&self, _study: &Uid, _cursor: Option<&str>, _limit: usize) -> Result<Option<LedgerPage>, CatalogueError> {
        todo!()
    }
    pub fn queue(&self, _destination: &DestinationName) -> Result<Queue, CatalogueError> {
        todo!()
    }
    /// All destinations together, and what is held for want of one.
    pub fn queue_total(&self) -> Result<Queue, CatalogueError> {
        todo!()
    }
    pub fn usage(&self) -> Usage {
        todo!()
    }
    /// Events after `since`, at most `limit`.
    pub fn changes(&self, _since: u64, _limit: usize) -> Result<Vec<Event>, CatalogueError> {
        todo!()
    }
    /// The newest event's sequence number, to wait on.
    pub fn newest_event(&self) -> tokio::sync::watch::Receiver<u64> {
        todo!()
    }
    /// Records an event that did not come from an object (destination up or down, disk marks).
    pub async fn record_event(&self, _kind: EventKind) -> Result<(), CatalogueError> {
        todo!()
    }
    /// Whether catalogue and log can be written (for `/readyz`), and if not why.
    pub fn health(&self) -> Health {
        todo!()
    }

    // ---------- upkeep ----------

    /// Reads every live object back and compares checksums; damaged ones are flagged, held and reported. Runs slowly by itself too.
    pub async fn scrub(&self) -> Result<ScrubReport, CatalogueError> {
        todo!()
    }
    /// A consistent copy into an empty folder while running.
    pub async fn backup(&self, _to: PathBuf, _progress: impl Fn(u64, u64) + Send + 'static) -> Result<(), BackupError> {
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

#[derive(Debug, Clone, Copy)]
pub struct ClaimLimits {
    pub max_bytes: u64,
    pub max_instances: usize,
    /// Only this service level or more urgent ones (`None`: any): keeps a lane free for urgent studies.
    pub at_least: Option<ServiceLevel>,
}

/// Work handed out to one worker; nobody else gets it until it is settled, given back or dropped.
#[derive(Debug)]
pub struct Claim {
    pub destination: DestinationName,
    pub study: Option<Uid>,
    pub service_level: ServiceLevel,
    pub items: Vec<ClaimedInstance>,
    // plus a private lease that gives back on drop
}

#[derive(Debug, Clone)]
pub struct ClaimedInstance {
    pub object: ObjectId,
    pub identity: Identity,
    pub bytes: u64,
    pub sha256: Sha256,
    pub accepted_at: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// The last attempt's failure code, if it failed.
    pub last_failure: Option<FailureCode>,
    /// Time spent waiting for delivery so far (does not jump with the wall clock), for the retry horizon.
    pub pending_for: Duration,
    /// An older object with other bytes has the same SOP Instance UID: needs proof by retrieval.
    pub later_version: bool,
}

#[derive(Debug, Clone, Default)]
pub struct StudyQuery {
    pub modality: Option<String>,
    pub source: Option<SourceKind>,
    /// `queued`, `forwarding`, `delivered`, `retrying` or `held`.
    pub state: Option<String>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// At most this many (1–500).
    pub limit: usize,
    pub cursor: Option<String>,
}

#[derive(Debug, Clone)]
pub struct StudyPage {
    pub studies: Vec<Study>,
    pub total: u64,
    pub next_cursor: Option<String>,
}

/// A study as lists show it. An instance whose study could not be read is listed with `study_instance_uid: None`.
#[derive(Debug, Clone)]
pub struct Study {
    pub study_instance_uid: Option<Uid>,
    pub patient_name: Option<String>,
    pub patient_id: Option<String>,
    pub study_date: Option<String>,
    pub accession_number: Option<String>,
    pub modalities: Vec<String>,
    pub description: Option<String>,
    pub source: SourceKind,
    pub calling_ae: Option<AeTitle>,
    pub service_level: ServiceLevel,
    pub instances: u64,
    pub bytes: u64,
    pub received_at: Timestamp,
    pub complete: bool,
    pub flags: Vec<Flag>,
    pub deliveries: Vec<StudyDelivery>,
}

#[derive(Debug, Clone)]
pub struct StudyDelivery {
    /// `None`: held for want of a destination.
    pub destination: Option<DestinationName>,
    /// `queued` `forwarding` `delivered` `retrying` `held` `given_up`.
    pub state: &'static str,
    pub done: u64,
    pub total: u64,
    pub next_try_in: Option<Duration>,
    pub held: Option<HeldReason>,
    pub failure: Option<Failure>,
    pub proven_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub struct StudyDetail {
    pub study: Study,
    pub series: Vec<SeriesDetail>,
}

#[derive(Debug, Clone)]
pub struct SeriesDetail {
    pub series_instance_uid: Option<Uid>,
    pub modality: Option<String>,
    pub number: Option<i32>,
    pub description: Option<String>,
    pub instances: Vec<InstanceDetail>,
}

#[derive(Debug, Clone)]
pub struct InstanceDetail {
    pub object: ObjectId,
    pub sop_instance_uid: Uid,
    pub number: Option<i32>,
    pub rows: Option<u16>,
    pub columns: Option<u16>,
    pub frames: Option<u32>,
    pub sha256: Sha256,
    pub flags: Vec<Flag>,
}

#[derive(Debug, Clone)]
pub struct LedgerPage {
    pub entries: Vec<LedgerEntry>,
    pub next_cursor: Option<String>,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct LedgerEntry {
    pub object: ObjectId,
    pub sop_instance_uid: Uid,
    pub sha256: Sha256,
    pub bytes: u64,
    pub accepted_at: Timestamp,
    pub source: Source,
    /// Told in the ledger when a modality sent it again after all proofs: `resent by <AE>`.
    pub notes: Vec<String>,
    pub deliveries: Vec<(DestinationName, Delivery)>,
    /// When its bytes left the buffer.
    pub released_at: Option<Timestamp>,
}

/// What waits for a destination.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    pub studies: u64,
    pub instances: u64,
    pub bytes: u64,
    /// Age of the oldest waiting object.
    pub oldest: Option<Duration>,
    pub held_instances: u64,
    pub held_studies: u64,
    /// Waiting instances by service level.
    pub by_level: [u64; 4],
}

#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// What the segments may take.
    pub total: u64,
    /// What holds live objects (and the records about them).
    pub used: u64,
    /// Bytes of the file system kept for everybody else.
    pub reserve: u64,
    /// Free bytes of the file system.
    pub free: u64,
    /// Above 85 %.
    pub low: bool,
    /// Above 95 %: new objects are refused.
    pub refusing: bool,
}

#[derive(Debug, Clone)]
pub enum Health {
    Good,
    /// The catalogue cannot be written (it is being rebuilt); receiving goes on.
    CatalogueDown(String),
    /// The log cannot be written; nothing is accepted.
    LogDown(String),
}

#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct ScrubReport {
    pub objects: u64,
    pub bytes: u64,
    pub damaged: Vec<Damage>,
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

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{0} is not an empty folder")]
    NotEmpty(PathBuf),
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
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
