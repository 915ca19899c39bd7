//! What is known in memory of an upload under way: which chunks are there, and what each file has been found to be so far.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use relaypacs_buffer::StoredPart;
use relaypacs_domain::{ObjectId, UploadId};
use tokio::sync::{Notify, OnceCell, watch};

use super::{
    FileDeclaration, MissingChunks, Outcome, UploadError,
    request::check_file_id,
    row::{RowState, UploadRow},
    scan::{FileScan, Scanned},
};

/// An upload.
pub(super) struct Active {
    pub(super) upload: UploadId,
    /// As it was announced.
    pub(super) row: UploadRow,
    state: Mutex<State>,
    /// Woken whenever a chunk was stored or failed.
    pub(super) changed: Notify,
    /// How the completion goes.
    pub(super) progress: watch::Sender<Progress>,
}

/// How far a completion is.
#[derive(Debug, Clone)]
pub(super) enum Progress {
    /// Nobody asked for it yet, or it is under way.
    Waiting,
    /// It is over.
    Done(Arc<Outcome>),
    /// It could not be done now; it is tried again.
    Failed(UploadError),
}

pub(super) struct State {
    pub(super) phase: Phase,
    files: HashMap<String, FileState>,
    /// The files' names in their order: as announced, else as they came.
    order: Vec<String>,
    pub(super) stored_bytes: u64,
    under_way: u64,
    /// The box's running time when the last chunk came.
    pub(super) last: Duration,
    /// Parts that belong to nothing (of a race that a crash cut off).
    pub(super) stray: Vec<ObjectId>,
}

/// Whether chunks are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    Completing,
    Finished,
    Expired,
    Deleted,
}

#[derive(Default)]
struct FileState {
    name: String,
    bytes: Option<u64>,
    sha256: Option<[u8; 32]>,
    chunks: BTreeMap<u32, Chunk>,
    scan: Scan,
}

/// A chunk that is there, or nearly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunk {
    /// On its way to the disk.
    Committing,
    Stored {
        part: ObjectId,
        bytes: u64,
    },
}

/// The scan of a file's chunks that came in order.
#[derive(Default)]
enum Scan {
    /// Before the first chunk, or lost.
    #[default]
    None,
    /// Up to this chunk, which is next.
    UpTo(u32, Box<FileScan>),
    Whole(Box<Scanned>),
}

/// What a chunk must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChunkRule {
    pub(super) least: u64,
    pub(super) most: u64,
}

/// How a chunk is to be taken.
pub(super) enum Turn {
    /// It is new; with the scan of what came before it, if that is known.
    New(ChunkRule, Option<Box<FileScan>>),
    /// It is there already.
    Again { part: ObjectId, bytes: u64 },
    /// The file is empty.
    Nothing,
}

/// A file as the completion takes it.
pub(super) struct FilePlan {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) parts: Vec<ObjectId>,
    pub(super) sha256: Option<[u8; 32]>,
    pub(super) scanned: Option<Box<Scanned>>,
}

/// What is there of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileView {
    pub(super) id: String,
    pub(super) received: Vec<u32>,
    pub(super) complete: bool,
    pub(super) bytes: Option<u64>,
}

/// Missing chunks listed at most.
const MOST_LISTED: usize = 1000;

impl Active {
    /// From what store and buffer know.
    pub(super) fn new(upload: UploadId, row: UploadRow, files: Vec<FileDeclaration>, parts: Vec<StoredPart>) -> Self {
        let phase = match row.state {
            // A completion that was cut off begins anew.
            RowState::Open | RowState::Processing => Phase::Open,
            RowState::Complete | RowState::Failed => Phase::Finished,
            RowState::Expired => Phase::Expired,
        };
        let mut state =
            State { phase, files: HashMap::new(), order: Vec::new(), stored_bytes: 0, under_way: 0, last: row.created, stray: Vec::new() };
        for file in files {
            state.order.push(file.id.clone());
            let FileDeclaration { id, name, bytes, sha256 } = file;
            state.files.insert(id, FileState { name, bytes: Some(bytes), sha256, ..FileState::default() });
        }
        for part in parts {
            state.last = state.last.max(part.accepted);
            state.restore(part, &row);
        }
        Self { upload, row, state: Mutex::new(state), changed: Notify::new(), progress: watch::Sender::new(Progress::Waiting) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How a chunk is to be taken; refuses what does not belong to the upload.
    pub(super) fn turn(&self, file: &str, index: u32) -> Result<Turn, UploadError> {
        check_file_id(file).map_err(|detail| UploadError::invalid("file_id", detail))?;
        let mut state = self.state();
        state.check_open()?;
        let rule = state.rule(file, index, &self.row)?;
        let Some(known) = state.files.get_mut(file) else {
            return Ok(Turn::New(rule, (index == 0).then(|| Box::new(FileScan::new(false)))));
        };
        if known.bytes == Some(0) {
            return Ok(Turn::Nothing);
        }
        if let Some(Chunk::Stored { part, bytes }) = known.chunks.get(&index) {
            return Ok(Turn::Again { part: *part, bytes: *bytes });
        }
        let scan = match std::mem::take(&mut known.scan) {
            Scan::UpTo(next, scan) if next == index => Some(scan),
            Scan::None if index == 0 => Some(Box::new(FileScan::new(known.sha256.is_some()))),
            other => {
                known.scan = other;
                None
            }
        };
        Ok(Turn::New(rule, scan))
    }

    /// A chunk of `bytes` has come whole. `Ok(true)`: it is the one that counts, and [`Self::settle`] must follow; `Ok(false)`: another one was
    /// faster.
    pub(super) fn claim(&self, file: &str, index: u32, bytes: u64) -> Result<bool, UploadError> {
        let mut state = self.state();
        state.check_open()?;
        state.rule(file, index, &self.row)?;
        if state.files.get(file).is_some_and(|known| known.chunks.contains_key(&index)) {
            return Ok(false);
        }
        if state.stored_bytes + state.under_way + bytes > self.row.total_bytes {
            let rule = format!("with this chunk there are more than the {} bytes announced", self.row.total_bytes);
            return Err(UploadError::invalid("/total_size_bytes", rule));
        }
        state.under_way += bytes;
        if !state.files.contains_key(file) {
            state.order.push(file.to_owned());
        }
        state.files.entry(file.to_owned()).or_default().chunks.insert(index, Chunk::Committing);
        Ok(true)
    }

    /// A claimed chunk is stored under `part`, or (`None`) could not be.
    pub(super) fn settle(&self, file: &str, index: u32, bytes: u64, part: Option<ObjectId>, scan: Option<Box<FileScan>>, at: Duration) {
        let mut state = self.state();
        state.under_way -= bytes;
        let chunk_size = self.row.chunk_size;
        if let Some(known) = state.files.get_mut(file) {
            match part {
                Some(part) => {
                    known.chunks.insert(index, Chunk::Stored { part, bytes });
                    known.scan_goes_on(index, scan, chunk_size);
                    state.stored_bytes += bytes;
                    state.last = state.last.max(at);
                }
                None => drop(known.chunks.remove(&index)),
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// The part of a chunk, once it is neither under way nor absent. `Err(true)`: under way.
    pub(super) fn stored(&self, file: &str, index: u32) -> Result<(ObjectId, u64), bool> {
        match self.state().files.get(file).and_then(|known| known.chunks.get(&index)) {
            Some(Chunk::Stored { part, bytes }) => Ok((*part, *bytes)),
            Some(Chunk::Committing) => Err(true),
            None => Err(false),
        }
    }

    /// Begins the completion if everything is there: what it has to do. From here on no chunk is taken.
    pub(super) fn begin_completing(&self) -> Result<Vec<FilePlan>, UploadError> {
        let mut state = self.state();
        state.check_complete(&self.row)?;
        state.phase = Phase::Completing;
        self.progress.send_replace(Progress::Waiting);
        Ok(state.plan(self.row.chunk_size))
    }

    /// Every part in the buffer that belongs to the upload.
    pub(super) fn parts(&self) -> Vec<ObjectId> {
        let state = self.state();
        let chunks = state.files.values().flat_map(|file| file.chunks.values());
        let stored = chunks.filter_map(|chunk| match chunk {
            Chunk::Stored { part, .. } => Some(*part),
            Chunk::Committing => None,
        });
        stored.chain(state.stray.iter().copied()).collect()
    }

    /// These parts are gone: their chunks are missing.
    pub(super) fn forget_parts(&self, gone: &HashSet<ObjectId>) {
        let mut state = self.state();
        let mut lost = 0;
        for file in state.files.values_mut() {
            file.chunks.retain(|_, chunk| match chunk {
                Chunk::Stored { part, bytes } if gone.contains(part) => {
                    lost += *bytes;
                    file.scan = Scan::None;
                    false
                }
                Chunk::Stored { .. } | Chunk::Committing => true,
            });
        }
        state.stored_bytes = state.stored_bytes.saturating_sub(lost);
    }

    /// What is there of each file, in their order.
    pub(super) fn files(&self) -> Vec<FileView> {
        let state = self.state();
        let view = |id: &String| {
            let file = state.files.get(id)?;
            let received = file.stored().map(|(index, _)| index).collect::<Vec<_>>();
            let complete = file.is_complete(self.row.chunk_size);
            Some(FileView { id: id.clone(), received, complete, bytes: file.bytes })
        };
        state.order.iter().filter_map(view).collect()
    }

    /// Chunks that are there, and how many there will be where that is known.
    pub(super) fn chunk_counts(&self) -> (u64, Option<u64>) {
        let state = self.state();
        let stored = state.files.values().map(|file| file.stored().count() as u64).sum();
        let size = u64::from(self.row.chunk_size);
        let total = self.row.declared.then(|| state.files.values().map(|file| file.bytes.unwrap_or(0).div_ceil(size)).sum());
        (stored, total)
    }
}

impl State {
    /// A part that the buffer has.
    fn restore(&mut self, part: StoredPart, row: &UploadRow) {
        let StoredPart { object, key, bytes, .. } = part;
        let known = check_file_id(&key.file).is_ok() && (self.files.contains_key(&key.file) || !row.declared);
        let taken = self.files.get(&key.file).is_some_and(|file| file.chunks.contains_key(&key.index));
        if !known || taken {
            self.stray.push(object);
            return;
        }
        if !self.files.contains_key(&key.file) {
            self.order.push(key.file.clone());
        }
        self.files.entry(key.file).or_default().chunks.insert(key.index, Chunk::Stored { part: object, bytes });
        self.stored_bytes += bytes;
    }

    pub(super) fn check_open(&self) -> Result<(), UploadError> {
        match self.phase {
            Phase::Open => Ok(()),
            Phase::Completing => Err(UploadError::Closed("being completed")),
            Phase::Finished => Err(UploadError::Closed("complete")),
            Phase::Expired => Err(UploadError::Closed("expired")),
            Phase::Deleted => Err(UploadError::Unknown),
        }
    }

    /// How long a chunk must be.
    fn rule(&self, file: &str, index: u32, row: &UploadRow) -> Result<ChunkRule, UploadError> {
        let size = u64::from(row.chunk_size);
        let out_of_range = |chunks: u64| {
            let rule = format!("chunk {index} is beyond the file's {chunks} chunks of {size} bytes");
            Err(UploadError::invalid("chunk_index", rule))
        };
        match self.files.get(file) {
            Some(FileState { bytes: Some(bytes), .. }) => {
                let chunks = bytes.div_ceil(size);
                if u64::from(index) >= chunks.max(1) {
                    return out_of_range(chunks);
                }
                let len = (bytes - u64::from(index) * size).min(size);
                Ok(ChunkRule { least: len, most: len })
            }
            None if row.declared => Err(UploadError::invalid("file_id", format!("the upload has no file {file:?}"))),
            known => {
                if known.is_none() && self.files.len() >= row.total_files as usize {
                    let rule = format!("this would be more than the {} files announced", row.total_files);
                    return Err(UploadError::invalid("file_id", rule));
                }
                let chunks = row.total_bytes.div_ceil(size);
                if u64::from(index) >= chunks {
                    return out_of_range(chunks);
                }
                Ok(ChunkRule { least: 1, most: size.min(row.total_bytes) })
            }
        }
    }

    /// Whether every file is whole.
    pub(super) fn check_complete(&self, row: &UploadRow) -> Result<(), UploadError> {
        self.check_open()?;
        let mut missing = Vec::new();
        let mut listed = 0;
        for id in &self.order {
            let Some(file) = self.files.get(id) else { continue };
            if file.is_complete(row.chunk_size) {
                continue;
            }
            let chunks: Vec<u32> = file.missing(row.chunk_size).take(MOST_LISTED - listed.min(MOST_LISTED)).collect();
            listed += chunks.len().max(1);
            if listed <= MOST_LISTED {
                missing.push(MissingChunks { file: id.clone(), chunks });
            }
        }
        let short = self.stored_bytes != row.total_bytes || self.files.len() != row.total_files as usize;
        if missing.is_empty() && !short {
            return Ok(());
        }
        let detail = format!(
            "{} of {} bytes have been received, of {} of {} files: send the rest, then complete again",
            self.stored_bytes,
            row.total_bytes,
            self.files.values().filter(|file| !file.chunks.is_empty()).count(),
            row.total_files
        );
        Err(UploadError::Incomplete { detail, missing })
    }

    fn plan(&mut self, chunk_size: u32) -> Vec<FilePlan> {
        let mut plans = Vec::with_capacity(self.order.len());
        for id in &self.order {
            let Some(file) = self.files.get_mut(id) else { continue };
            file.end_scan(chunk_size);
            let scanned = match std::mem::take(&mut file.scan) {
                Scan::Whole(scanned) => Some(scanned),
                Scan::None | Scan::UpTo(..) => None,
            };
            plans.push(FilePlan {
                id: id.clone(),
                name: file.name.clone(),
                bytes: file.stored().map(|(_, bytes)| bytes).sum(),
                parts: file.chunks.values().filter_map(Chunk::part).collect(),
                sha256: file.sha256,
                scanned,
            });
        }
        plans
    }
}

impl FileState {
    fn stored(&self) -> impl Iterator<Item = (u32, u64)> {
        self.chunks.iter().filter_map(|(index, chunk)| match chunk {
            Chunk::Stored { bytes, .. } => Some((*index, *bytes)),
            Chunk::Committing => None,
        })
    }

    /// Whether it has no hole, and its length if that was announced.
    fn is_complete(&self, chunk_size: u32) -> bool {
        let size = u64::from(chunk_size);
        let mut sum = 0;
        let mut short = false;
        for (place, (index, bytes)) in (0..).zip(self.stored()) {
            if index != place || short {
                return false;
            }
            short = bytes < size;
            sum += bytes;
        }
        self.bytes.map_or(sum > 0, |bytes| bytes == sum)
    }

    /// Numbers of chunks that are not there, as far as that is known.
    fn missing(&self, chunk_size: u32) -> impl Iterator<Item = u32> {
        let known = self.bytes.map_or(0, |bytes| bytes.div_ceil(u64::from(chunk_size)) as u32);
        let end = known.max(self.chunks.keys().next_back().map_or(0, |last| last + 1));
        (0..end).filter(|index| !matches!(self.chunks.get(index), Some(Chunk::Stored { .. })))
    }

    /// The scan has seen chunk `index`.
    fn scan_goes_on(&mut self, index: u32, scan: Option<Box<FileScan>>, chunk_size: u32) {
        let Some(scan) = scan else { return };
        if matches!(self.scan, Scan::None) {
            self.scan = Scan::UpTo(index + 1, scan);
            let announced = self.bytes.is_some_and(|bytes| u64::from(index + 1) >= bytes.div_ceil(u64::from(chunk_size)));
            if announced {
                self.end_scan(chunk_size);
            }
        }
    }

    /// Takes the scan's answer if it has seen all chunks: that takes less memory than the scan.
    fn end_scan(&mut self, chunk_size: u32) {
        if let Scan::UpTo(next, _) = self.scan
            && next as usize == self.chunks.len()
            && self.is_complete(chunk_size)
            && let Scan::UpTo(_, scan) = std::mem::take(&mut self.scan)
        {
            self.scan = Scan::Whole(Box::new(scan.finish()));
        }
    }
}

impl Chunk {
    fn part(&self) -> Option<ObjectId> {
        match self {
            Self::Stored { part, .. } => Some(*part),
            Self::Committing => None,
        }
    }
}

/// Makes room: uploads nobody is at now can be read again.
pub(super) fn forget_idle(map: &mut HashMap<UploadId, Arc<OnceCell<Arc<Active>>>>) {
    map.retain(|_, cell| match cell.get() {
        Some(active) => Arc::strong_count(active) > 1 || Arc::strong_count(cell) > 1 || active.state().phase == Phase::Completing,
        None => Arc::strong_count(cell) > 1,
    });
}
