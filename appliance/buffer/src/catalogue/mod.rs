//! The catalogue: what queries and the outbox need to know about the log, in one redb file, plus the history in another.
//!
//! The log is the truth; every row here is a function of the log's entries, applied in their order. The catalogue knows nothing of segment
//! files, of the network or of wall-clock time.
//!
//! The facade's methods about outbox, queries and upkeep stand in `outbox.rs`, `query.rs`, … as further `impl Buffer` blocks; they reach the
//! two halves through `Buffer::catalogue(&self) -> &Catalogue` and `Buffer::log(&self) -> &LogHandle`.

#![expect(dead_code, reason = "the log's side of the crate is being wired to it")]
#![expect(clippy::todo, reason = "signatures first")]

use std::{sync::Arc, time::Duration};

use relaypacs_domain::{Clock, Identity, ObjectId, Routing, Sha256, Timestamp};

use crate::{
    CatalogueError, OpenError,
    entry::{BufferTime, Entry, Extent, LogPosition},
    segment::LogHandle,
};

/// The catalogue. Cheap to clone; all clones are one catalogue.
#[derive(Clone)]
pub(crate) struct Catalogue {
    _inner: Arc<()>,
}

/// How far the catalogue file was when it was last durable. A new file has the default (replay everything).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Checkpoint {
    /// Entries up to and including this position are in it.
    pub(crate) position: LogPosition,
    /// The buffer's running time then.
    pub(crate) buffer_time: BufferTime,
    /// The lowest object number that no applied commit has used.
    pub(crate) next_object: u64,
    /// Whether the buffer was closed in order ([`Catalogue::close`]).
    pub(crate) clean: bool,
}

/// What applying a group did that the caller must know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Applied {
    /// Commits that brought an instance which is stored already, byte for byte: (the new object's number, the stored one's). The new bytes
    /// are dead; whoever asked is told the stored one's number.
    pub(crate) stored_before: Vec<(ObjectId, ObjectId)>,
}

/// What reading an object needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredObject {
    /// Who it is.
    pub(crate) identity: Identity,
    /// Length of its data set.
    pub(crate) bytes: u64,
    /// Of its data set.
    pub(crate) sha256: Sha256,
    /// When it was acknowledged.
    pub(crate) accepted_at: Timestamp,
    /// Where its bytes lie, in order.
    pub(crate) extents: Vec<Extent>,
}

impl Catalogue {
    /// Opens both files (empty ones are set up) and says from where the log is to be replayed. If `catalogue` cannot be opened for another
    /// reason than [`OpenError::Newer`], hand in an empty one and replay everything: the history's numbers are respected.
    pub(crate) fn open(
        _catalogue: impl redb::StorageBackend,
        _history: impl redb::StorageBackend,
        _clock: Clock,
    ) -> Result<(Self, Checkpoint), OpenError> {
        todo!()
    }

    /// Opens both files again after an I/O error (redb refuses everything after one). Leases, routing and watchers stay. The caller
    /// replays from the answer's position before it applies anything new.
    pub(crate) fn reopen(&self, _catalogue: impl redb::StorageBackend, _history: impl redb::StorageBackend) -> Result<Checkpoint, OpenError> {
        todo!()
    }

    /// Applies durable entries in log order, in one transaction that is visible at once and durable with the next checkpoint. Entries at or
    /// below the last applied position are passed over. Used for replay too (any group size; at most some thousand entries at a time).
    pub(crate) fn apply(&self, _entries: &[(LogPosition, Entry)]) -> Result<Applied, CatalogueError> {
        todo!()
    }

    /// Makes everything applied so far durable (two syncs; call it from a plain thread).
    pub(crate) fn checkpoint(&self, _position: LogPosition, _buffer_time: BufferTime) -> Result<(), CatalogueError> {
        todo!()
    }

    /// The last checkpoint of an orderly stop.
    pub(crate) fn close(&self, _position: LogPosition, _buffer_time: BufferTime) -> Result<(), CatalogueError> {
        todo!()
    }

    /// The buffer's running time now: what the last checkpoint saved (or a later applied entry says) plus boot time since.
    pub(crate) fn now(&self) -> BufferTime {
        todo!()
    }

    /// The lowest object number not used by any applied commit nor by the history.
    pub(crate) fn next_object(&self) -> u64 {
        todo!()
    }

    /// The routing in force; a commit takes its destinations from here (`routing().matching(&source, &facts)`).
    pub(crate) fn routing(&self) -> Arc<Routing> {
        todo!()
    }

    /// What reading an object needs; `None`: it is not (or no longer) in the buffer.
    pub(crate) fn object(&self, _object: ObjectId) -> Result<Option<StoredObject>, CatalogueError> {
        todo!()
    }

    /// How many objects are in the buffer.
    pub(crate) fn objects(&self) -> Result<u64, CatalogueError> {
        todo!()
    }

    /// Live bytes by epoch of the segment (extents and the commit records of live objects). An epoch that is not listed holds nothing live.
    pub(crate) fn live_segments(&self) -> Result<Vec<(u64, u64)>, CatalogueError> {
        todo!()
    }
}

/// How the upkeep works.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UpkeepSettings {
    /// How long objects stay after the last proof.
    pub(crate) retention: Duration,
    /// How long the history remembers.
    pub(crate) history: Duration,
    /// Size of a segment file.
    pub(crate) segment_bytes: u64,
}

/// The background work: retention, release, reclaim, compaction, slow scrub, pruning. One named thread (`relaypacs-upkeep`).
pub(crate) struct Upkeep {
    _private: (),
}

impl Upkeep {
    /// Starts the thread. Called by `Buffer::open` after replay.
    pub(crate) fn start(_catalogue: Catalogue, _log: LogHandle, _settings: UpkeepSettings) -> Result<Self, OpenError> {
        todo!()
    }

    /// Wakes it now: space is needed, or something was released.
    pub(crate) fn wake(&self) {
        todo!()
    }

    /// Ends the thread and waits for it (blocking, at most one bounded step). Called by `Buffer::close` before the last checkpoint.
    pub(crate) fn stop(&self) {
        todo!()
    }
}
