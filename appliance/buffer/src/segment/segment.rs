//! One segment file under one epoch: reading a record at a place, and walking over all of them.
//!
//! Knows nothing of other segments. What a bad record *means* (torn or damaged) is not decided here.

use std::{
    io::{self, IoSlice},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use uuid::Uuid;

use super::{
    disk::{DiskFile, read_up_to, write_all_at},
    record::{BadRecord, HEADER, Header, Kind, MAGIC, SEGMENT_HEADER, Seed, SegmentHeader},
};

/// A segment file under one epoch. Whoever holds it keeps the file from being used again.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u32,
    pub(crate) epoch: u64,
    /// Length of the file in bytes.
    pub(crate) len: u32,
    seed: Seed,
    file: Arc<dyn DiskFile>,
    /// Shared with the segment after it was cut: pins hold then as well.
    writers: Arc<AtomicUsize>,
}

/// Keeps a segment from being freed: an object under way has bytes in it, or the catalogue has yet to hear of one.
#[derive(Debug)]
pub(crate) struct WritePin(Arc<Segment>);

/// What a walk meets. `at` and `len` are bytes of the file.
#[derive(Debug)]
pub(crate) enum Step {
    /// A good record. `payload` is empty for `Data`.
    Record { at: u32, header: Header, payload: Vec<u8> },
    /// No good record. `header`: it is good, its payload is not.
    Bad { at: u32, len: u32, header: Option<Header>, why: BadRecord },
    /// The disk does not give these bytes. `header`: it could be read.
    Unreadable { at: u32, len: u32, header: Option<Header>, source: io::Error },
}

/// What a walk reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Everything, all checksums compared.
    Full,
    /// Headers, and the payloads of all but `Data`.
    Entries,
    /// Headers only; every payload is given as empty.
    Headers,
}

/// Why a record could not be had from its place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error(transparent)]
    Bad(#[from] BadRecord),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Segment {
    pub(crate) fn new(node: Uuid, number: u32, epoch: u64, len: u32, file: Arc<dyn DiskFile>) -> Self {
        Self { number, epoch, len, seed: Seed::new(node, number), file, writers: Arc::default() }
    }

    /// The name of a segment's file.
    pub(crate) fn name(number: u32) -> String {
        format!("seg-{number:08}")
    }

    /// The number in a segment file's name.
    pub(crate) fn number_of(name: &str) -> Option<u32> {
        let number = name.strip_prefix("seg-")?.parse().ok()?;
        (Self::name(number) == name).then_some(number)
    }

    /// The header that stands at the start of the file.
    pub(crate) fn read_header(file: &dyn DiskFile) -> Result<SegmentHeader, RecordError> {
        let mut bytes = [0; SEGMENT_HEADER as usize];
        let read = read_up_to(file, &mut bytes, 0)?;
        Ok(SegmentHeader::decode(&bytes[..read])?)
    }

    /// The same file under a new epoch: its header is durable when this answers, so an epoch of which any record exists is known at restart.
    pub(crate) fn begin_epoch(&self, node: Uuid, epoch: u64) -> io::Result<Self> {
        let header = SegmentHeader { node, segment: self.number, epoch }.encode();
        write_all_at(&*self.file, &mut [IoSlice::new(&header)], 0)?;
        self.file.sync()?;
        Ok(Self::new(node, self.number, epoch, self.len, self.file.clone()))
    }

    /// The newest epoch of which a file still has records, for one whose own header is lost. Reads the whole file.
    pub(crate) fn surviving_epoch(node: Uuid, number: u32, len: u32, file: &dyn DiskFile) -> io::Result<Option<u64>> {
        let seed = Seed::new(node, number);
        let mut newest = None;
        let mut bytes = vec![0; SEARCH as usize];
        let mut at = SEGMENT_HEADER;
        while at < len {
            let read = read_up_to(file, &mut bytes, at.into())?;
            let headers = (0..read).step_by(8).filter_map(|from| Header::decode(&bytes[from..read], seed).ok());
            newest = headers.map(|header| header.epoch).max().max(newest);
            at = at.saturating_add(SEARCH - HEADER); // a header may lie across two reads; both places are multiples of 8
        }
        Ok(newest)
    }

    pub(crate) fn seed(&self) -> Seed {
        self.seed
    }

    pub(crate) fn file(&self) -> &dyn DiskFile {
        &*self.file
    }

    /// Whether an object under way refers to it.
    pub(crate) fn has_writers(&self) -> bool {
        self.writers.load(Ordering::Acquire) > 0
    }

    /// Cuts the file off at `end`, durably: the segment is never written again under this epoch.
    pub(crate) fn cut(&self, node: Uuid, end: u32) -> io::Result<Self> {
        self.file.set_len(u64::from(end))?;
        self.file.sync()?;
        let writers = self.writers.clone();
        Ok(Self { writers, ..Self::new(node, self.number, self.epoch, end, self.file.clone()) })
    }

    /// Reads the record at `at` whole into `into` and checks it; afterwards `into` holds header and payload. `len` is what the caller knows
    /// the payload's length to be: one read then does.
    pub(crate) fn read_record(&self, at: u32, len: u32, into: &mut Vec<u8>) -> Result<Header, RecordError> {
        into.resize((HEADER + len) as usize, 0);
        let read = read_up_to(&*self.file, into, u64::from(at))?;
        let header = Header::decode(&into[..read], self.seed)?;
        if header.epoch != self.epoch || header.len != len {
            return Err(BadRecord::Unknown.into());
        }
        header.check(&into[HEADER as usize..read])?;
        Ok(header)
    }

    /// Walks over the records from `from` (a record's start) to `end`.
    pub(crate) fn walk(self: &Arc<Self>, from: u32, end: u32, depth: Depth) -> Walk {
        let window = Window { segment: self.clone(), start: 0, bytes: Vec::new() };
        Walk { window, at: from.max(SEGMENT_HEADER), end: end.min(self.len), depth }
    }
}

impl WritePin {
    pub(crate) fn new(segment: &Arc<Segment>) -> Self {
        segment.writers.fetch_add(1, Ordering::AcqRel);
        Self(segment.clone())
    }

    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.0
    }
}

impl Drop for WritePin {
    fn drop(&mut self) {
        self.0.writers.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An iterator over a segment's records. Holds at most one payload and a small window in memory.
#[derive(Debug)]
pub(crate) struct Walk {
    window: Window,
    at: u32,
    end: u32,
    depth: Depth,
}

/// Bytes of the file read ahead.
#[derive(Debug)]
struct Window {
    segment: Arc<Segment>,
    start: u32,
    bytes: Vec<u8>,
}

/// Bytes read at once when the next header is looked for.
const SEARCH: u32 = 64 << 10;
/// Bytes read at once when payloads are passed over.
const HOP: u32 = 4 << 10;
/// Unreadable bytes are given up in pages of this size.
const PAGE: u32 = 4 << 10;

impl Window {
    /// `len` bytes from `at` on, fewer only at the end of the file; when they must be read, `ahead` bytes are.
    fn fetch(&mut self, at: u32, len: u32, ahead: u32) -> io::Result<&[u8]> {
        let have = self.start + self.bytes.len() as u32;
        if at < self.start || at + len > have {
            let want = len.max(ahead) as usize;
            let fill = |bytes: &mut Vec<u8>, want: usize| {
                bytes.clear();
                bytes.resize(want, 0);
                read_up_to(self.segment.file(), bytes, u64::from(at))
            };
            let read = match fill(&mut self.bytes, want) {
                Err(_) if want > len as usize => fill(&mut self.bytes, len as usize), // what lies ahead may be readable another time
                other => other,
            };
            let read = read.inspect_err(|_| self.bytes.clear())?;
            self.bytes.truncate(read);
            self.start = at;
        }
        let from = (at - self.start) as usize;
        Ok(&self.bytes[from..self.bytes.len().min(from + len as usize)])
    }
}

impl Window {
    /// The next place from `at` (a multiple of 8) on where a header may stand, or the first one that is not in the window.
    fn next_magic(&self, at: u32) -> u32 {
        let ahead = self.bytes.get((at - self.start) as usize..).unwrap_or_default();
        let places = ahead.chunks_exact(8);
        let skipped = places.clone().position(|place| place.starts_with(MAGIC)).unwrap_or(places.len());
        at + 8 * skipped as u32
    }
}

impl Walk {
    fn header_at(&mut self, at: u32, ahead: u32) -> io::Result<Result<Header, BadRecord>> {
        let (seed, epoch, end) = (self.window.segment.seed, self.window.segment.epoch, self.end);
        let bytes = self.window.fetch(at, HEADER, ahead)?;
        Ok(Header::decode(bytes, seed).and_then(|header| {
            let fits = header.epoch == epoch && u64::from(at) + u64::from(header.record_len()) <= u64::from(end);
            if fits { Ok(header) } else { Err(BadRecord::Unknown) }
        }))
    }

    /// The next good header's place behind `at`, or the end, or where the disk gives nothing.
    fn next_header(&mut self, at: u32) -> u32 {
        let mut candidate = (at + 1).next_multiple_of(8);
        while candidate.saturating_add(HEADER) <= self.end {
            match self.header_at(candidate, SEARCH) {
                Ok(Ok(_)) | Err(_) => return candidate,
                Ok(Err(_)) => candidate = self.window.next_magic(candidate + 8),
            }
        }
        self.end
    }

    fn record(&mut self, at: u32, header: Header) -> Step {
        let wanted = match self.depth {
            Depth::Full => true,
            Depth::Entries => header.kind != Kind::Data,
            Depth::Headers => false,
        };
        if !wanted {
            return Step::Record { at, header, payload: Vec::new() };
        }
        match self.window.fetch(at + HEADER, header.len, SEARCH) {
            Err(source) => Step::Unreadable { at, len: header.record_len(), header: Some(header), source },
            Ok(payload) => match header.check(payload) {
                Err(why) => Step::Bad { at, len: header.record_len(), header: Some(header), why },
                Ok(()) if header.kind == Kind::Data => Step::Record { at, header, payload: Vec::new() },
                Ok(()) => Step::Record { at, header, payload: payload.to_vec() },
            },
        }
    }
}

impl Iterator for Walk {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.at.saturating_add(HEADER) > self.end {
            return None; // what is left is too short for a record
        }
        let at = self.at;
        let ahead = if self.depth == Depth::Full { SEARCH } else { HOP };
        let step = match self.header_at(at, ahead) {
            Ok(Ok(header)) => self.record(at, header),
            Ok(Err(why)) => Step::Bad { at, len: self.next_header(at) - at, header: None, why },
            Err(source) => Step::Unreadable { at, len: (at + 1).next_multiple_of(PAGE).min(self.end) - at, header: None, source },
        };
        self.at = at
            + match &step {
                Step::Record { header, .. } if header.kind == Kind::End => self.end - at,
                Step::Record { header, .. } => header.record_len(),
                Step::Bad { len, .. } | Step::Unreadable { len, .. } => *len,
            };
        Some(step)
    }
}
