//! The log as the rest of the crate sees it: append facts, read extents, walk over segments, free them.

use std::{
    io,
    ops::Range,
    sync::{Arc, atomic::AtomicBool},
};

use relaypacs_domain::ObjectId;
use tokio::sync::oneshot;

use super::{
    log::Log,
    pool::{Handover, Pool},
    queue::{Queue, Request, Run},
    record::{BadRecord, HEADER, Kind, SEGMENT_HEADER, decode_entry},
    segment::{Depth, RecordError, Segment, Step, WritePin},
};
use crate::{
    CatalogueError,
    entry::{Entry, Extent, LogPosition},
    indexer::IndexQueue,
};

/// The log. Cheap to clone; all clones are one log.
#[derive(Debug, Clone)]
pub(crate) struct LogHandle {
    pub(crate) log: Arc<Log>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) index: Arc<IndexQueue>,
    pub(crate) pool: Pool,
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
    #[expect(dead_code, reason = "where it lies is shown when a walk is printed")]
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
    Data,
    /// An object that was given up while it came in.
    Abort,
    /// The segment's last record.
    End,
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
    Damaged { segment: u32, offset: u32, what: BadRecord },
    /// The disk does not give them.
    #[error("reading segment {segment} at {offset}: {source}")]
    Io { segment: u32, offset: u32, source: io::Error },
}

impl LogHandle {
    /// Appends a note or a release. When it answers, the entry is durable and the catalogue has applied it.
    pub(crate) async fn append(&self, entry: Entry) -> Result<LogPosition, CatalogueError> {
        self.ask(|ticket| Request::Append { entry, ticket }).await.unwrap_or(Err(CatalogueError::Closing))
    }

    /// [`Self::append`] for a plain thread.
    pub(crate) fn append_blocking(&self, entry: Entry) -> Result<LogPosition, CatalogueError> {
        self.ask(|ticket| Request::Append { entry, ticket }).blocking_recv().unwrap_or(Err(CatalogueError::Closing))
    }

    /// Waits until everything handed to the log before is durable and applied.
    pub(crate) async fn barrier(&self) -> Result<(), CatalogueError> {
        self.ask(|ticket| Request::Barrier { ticket }).await.unwrap_or(Err(CatalogueError::Closing)).map(drop)
    }

    /// [`Self::barrier`] for a plain thread.
    pub(crate) fn barrier_blocking(&self) -> Result<(), CatalogueError> {
        self.ask(|ticket| Request::Barrier { ticket }).blocking_recv().unwrap_or(Err(CatalogueError::Closing)).map(drop)
    }

    fn ask(&self, request: impl FnOnce(oneshot::Sender<Result<LogPosition, CatalogueError>>) -> Request) -> FactAnswer {
        let (ticket, answer) = oneshot::channel();
        self.queue.push(request(ticket)); // one that is not taken drops the ticket: the answer is then "closing"
        answer
    }

    /// Copies an object's bytes to the end of the log (blocking, piece by piece) and appends `Note::Moved` with the new extents. When it
    /// answers, that is durable and applied. Inner error: a piece could not be read; nothing has changed.
    pub(crate) fn move_object_blocking(&self, object: ObjectId, from: &[Extent]) -> Result<Result<(), ExtentError>, CatalogueError> {
        let moved = self.copy_blocking(object, from);
        if !matches!(moved, Ok(Ok(()))) {
            self.queue.push(Request::Abort { object }); // what was copied keeps no segment in use
        }
        moved
    }

    fn copy_blocking(&self, object: ObjectId, from: &[Extent]) -> Result<Result<(), ExtentError>, CatalogueError> {
        let broken = Arc::new(AtomicBool::new(false));
        for extent in from {
            let mut buffer = self.pool.take_now();
            if let Err(why) = self.read_extent(extent, &mut buffer.bytes) {
                return Ok(Err(why));
            }
            let run = Run { crc: crc32c::crc32c(&buffer.bytes), buffer, _handover: Handover::last() };
            self.queue.push(Request::Data { object, run, broken: broken.clone() });
            // One piece at a time: the copy must not crowd out what comes in.
            self.barrier_blocking()?;
        }
        self.ask(|ticket| Request::Move { object, ticket }).blocking_recv().unwrap_or(Err(CatalogueError::Closing))?;
        Ok(Ok(()))
    }

    /// Makes a durable checkpoint of the catalogue now (blocking). Answers the position it stands for.
    pub(crate) fn checkpoint_blocking(&self) -> Result<LogPosition, CatalogueError> {
        self.index.checkpoint().blocking_recv().unwrap_or(Err(CatalogueError::Closing))
    }

    /// Segments to which nothing new can come. Take this list *first*, then ask the catalogue what lives in them: what it does not know to
    /// live is dead for good and may go to [`Self::free_segment`]. Empty while the catalogue lags behind the log.
    pub(crate) fn quiet_segments(&self) -> Vec<SegmentInfo> {
        let quiet = self.log.quiet();
        if self.index.is_behind() { Vec::new() } else { quiet }
    }

    /// Epochs of which records may be on the disk, of segments that are free as well: after a crash they may be read again.
    pub(crate) fn epochs_on_disk(&self) -> std::collections::BTreeSet<u64> {
        self.log.epochs_on_disk()
    }

    /// Frees a segment in which nothing lives. It is used again after the next durable checkpoint and when nobody reads it any more.
    /// `false`: it is not quiet (see [`Self::quiet_segments`]) or not of this epoch; nothing happened.
    pub(crate) fn free_segment(&self, segment: u32, epoch: u64) -> bool {
        self.log.free(segment, epoch)
    }

    /// Walks over a segment's records in order, up to the end of what is durable. Checksums of `Data` payloads are not compared.
    pub(crate) fn scan_segment(&self, segment: u32) -> impl Iterator<Item = Scanned> + Send + use<> {
        let found = self.log.records_of(segment);
        found.into_iter().flat_map(|(segment, end)| {
            let walk = segment.walk(SEGMENT_HEADER, end, Depth::Entries);
            walk.map(move |step| scanned(&segment, step))
        })
    }

    /// Reads an extent's bytes (at most 1 MiB) into `into`, in place of what was there; checksums verified. Blocking.
    pub(crate) fn read_extent(&self, extent: &Extent, into: &mut Vec<u8>) -> Result<(), ExtentError> {
        let segment = self.pin(extent)?;
        let bytes = read_run(&segment, extent, into)?;
        into.truncate(bytes.end);
        into.drain(..bytes.start);
        Ok(())
    }

    /// Keeps the segments of extents from being freed while the pins live; `None`: one of them is, or was, and the bytes must be looked up again.
    pub(crate) fn keep(&self, extents: &[Extent]) -> Option<Vec<WritePin>> {
        self.log.keep(extents)
    }

    /// The segment of an extent; holding it keeps its bytes in place.
    pub(crate) fn pin(&self, extent: &Extent) -> Result<Arc<Segment>, ExtentError> {
        self.log.segment(extent.segment, extent.epoch).ok_or(ExtentError::Reused { segment: extent.segment })
    }

    /// How much room there is.
    pub(crate) fn usage(&self) -> LogUsage {
        self.log.usage()
    }
}

type FactAnswer = oneshot::Receiver<Result<LogPosition, CatalogueError>>;

/// Reads the record of an extent of a pinned segment whole into `into`, checks it, and answers where in `into` the extent's bytes are. Blocking.
pub(crate) fn read_run(segment: &Segment, extent: &Extent, into: &mut Vec<u8>) -> Result<Range<usize>, ExtentError> {
    let (number, offset) = (extent.segment, extent.offset);
    let bytes = (HEADER + extent.skip) as usize..(HEADER + extent.skip + extent.len) as usize;
    match segment.read_record(offset, extent.run, into) {
        Ok(header) if header.kind == Kind::Data && bytes.end <= into.len() => Ok(bytes),
        Ok(_) => Err(ExtentError::Damaged { segment: number, offset, what: BadRecord::Unknown }),
        Err(RecordError::Bad(what)) => Err(ExtentError::Damaged { segment: number, offset, what }),
        Err(RecordError::Io(source)) => Err(ExtentError::Io { segment: number, offset, source }),
    }
}

fn scanned(segment: &Segment, step: Step) -> Scanned {
    let at = |offset| LogPosition { epoch: segment.epoch, offset };
    match step {
        Step::Record { at: offset, header, payload } => {
            let record = match header.kind {
                Kind::Data => Ok(ScannedRecord::Data),
                Kind::Abort => Ok(ScannedRecord::Abort),
                Kind::End => Ok(ScannedRecord::End),
                Kind::Commit | Kind::Part | Kind::Release | Kind::Note => {
                    decode_entry(header.kind, &payload).and_then(|entry| Ok(ScannedRecord::Entry(entry.ok_or(BadRecord::Payload)?)))
                }
            };
            match record {
                Ok(record) => Scanned::Record(at(offset), record),
                Err(why) => {
                    Scanned::Damaged { at: at(offset), len: header.record_len(), object: Some(header.object), what: why.to_string() }
                }
            }
        }
        Step::Bad { at: offset, len, header, why } => {
            Scanned::Damaged { at: at(offset), len, object: header.map(|header| header.object), what: why.to_string() }
        }
        Step::Unreadable { at: offset, len, source, .. } => Scanned::Unreadable { at: at(offset), len, source },
    }
}
