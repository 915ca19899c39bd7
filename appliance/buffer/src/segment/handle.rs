//! The log as the catalogue's side of the crate sees it.

use std::{io, sync::Arc};

use relaypacs_domain::ObjectId;

use crate::{
    CatalogueError,
    entry::{Entry, Extent, LogPosition},
};

/// The log. Cheap to clone; all clones are one log.
#[derive(Debug, Clone)]
pub(crate) struct LogHandle {
    _inner: Arc<()>,
}

/// A segment file that is no longer written and to which no object under way refers: nothing new can ever come to live in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentInfo {
    /// Number of the segment file.
    pub(crate) segment: u32,
    /// The epoch it was written under.
    pub(crate) epoch: u64,
    /// Bytes it takes on the disk.
    pub(crate) bytes: u64,
}

/// Room for segments, all in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LogUsage {
    /// What the segments may take.
    pub(crate) total: u64,
    /// What segments take that are not free for new records.
    pub(crate) used: u64,
    /// What the file system keeps for everybody else.
    pub(crate) reserve: u64,
    /// Free bytes of the file system.
    pub(crate) free: u64,
}

/// What a walk over a segment meets.
#[derive(Debug)]
pub(crate) enum Scanned {
    /// A good record.
    Record(LogPosition, ScannedRecord),
    /// Bytes that were durable and are no good record any more. `object` is known when the record's header is still good.
    Damaged { at: LogPosition, len: u32, object: Option<ObjectId>, what: String },
    /// Bytes that the disk does not give. The walk goes on behind them.
    Unreadable { at: LogPosition, len: u32, source: io::Error },
}

/// A good record. Payloads of `Data` are not decoded.
#[derive(Debug)]
pub(crate) enum ScannedRecord {
    /// A run of an object's bytes.
    Data(ObjectId, Extent),
    /// An object that was given up while it came in.
    Abort(ObjectId),
    /// A fact for the catalogue.
    Entry(Entry),
}

/// Why an extent's bytes cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExtentError {
    /// The segment holds something else by now; look the object up again.
    #[error("segment {segment} was reused")]
    Reused { segment: u32 },
    /// The bytes on the disk are not the ones that were written.
    #[error("segment {segment} is damaged at {offset}: {what}")]
    Damaged { segment: u32, offset: u32, what: &'static str },
    /// The disk does not give them.
    #[error("reading segment {segment} at {offset}: {source}")]
    Io { segment: u32, offset: u32, source: io::Error },
}

impl LogHandle {
    /// Appends a note, a release, or the commit of an object that compaction carries on (its extents lie in the log already). When it
    /// answers, the entry is durable and the catalogue has applied it.
    pub(crate) async fn append(&self, _entry: Entry) -> Result<LogPosition, CatalogueError> {
        todo!()
    }

    /// [`Self::append`] for a plain thread.
    pub(crate) fn append_blocking(&self, _entry: Entry) -> Result<LogPosition, CatalogueError> {
        todo!()
    }

    /// Waits until everything handed to the log before is durable and applied.
    pub(crate) async fn barrier(&self) -> Result<(), CatalogueError> {
        todo!()
    }

    /// Copies an object's bytes to the end of the log (blocking, in pieces) and appends `Note::Moved` with the new extents. When it answers,
    /// that is durable and applied. `Ok(None)`: a piece could not be read; nothing has changed.
    pub(crate) fn move_object_blocking(
        &self,
        _object: ObjectId,
        _from: &[Extent],
    ) -> Result<Result<Vec<Extent>, ExtentError>, CatalogueError> {
        todo!()
    }

    /// Makes a durable checkpoint of the catalogue now (blocking). Answers the position it stands for.
    pub(crate) fn checkpoint_blocking(&self) -> Result<LogPosition, CatalogueError> {
        todo!()
    }

    /// Segments to which nothing new can come. Take this list *first*, then ask the catalogue what lives in them: what it does not know to
    /// live is dead for good and may go to [`Self::free_segment`].
    pub(crate) fn quiet_segments(&self) -> Vec<SegmentInfo> {
        todo!()
    }

    /// Frees a segment in which nothing lives. It is used again after the next durable checkpoint and when nobody reads it any more.
    /// `false`: it is not quiet (see [`Self::quiet_segments`]) or not of this epoch; nothing happened.
    pub(crate) fn free_segment(&self, _segment: u32, _epoch: u64) -> bool {
        todo!()
    }

    /// Walks over a segment's records in order, up to its end.
    pub(crate) fn scan_segment(&self, _segment: u32) -> Box<dyn Iterator<Item = Scanned> + Send> {
        todo!()
    }

    /// Reads an extent's bytes (at most 1 MiB) into `into`, which is cleared first; checksums verified. Blocking.
    pub(crate) fn read_extent(&self, _object: ObjectId, _extent: &Extent, _into: &mut Vec<u8>) -> Result<(), ExtentError> {
        todo!()
    }

    /// How much room there is.
    pub(crate) fn usage(&self) -> LogUsage {
        todo!()
    }
}
