//! Uploads: studies that people send in chunks.
//!
//! | file | what it does |
//! |---|---|
//! | `request` | what an upload is said to be, checked |
//! | `duplicates` | the same study uploaded again (DEV-BE-08) |
//! | `row` | what is kept in `clinic.redb` |
//! | `active` | what is known in memory of an upload under way: which chunks are there |
//! | `receive` | one chunk: bytes in, durable when acknowledged |
//! | `scan` | what a file is, found while its bytes pass by |
//! | `complete` | from chunks to objects in the buffer, once and for all |
//! | `archive`, `directory` | ZIP archives and DICOMDIRs among the files |
//! | `history` | the clinical history as a DICOM object |
//! | `tell` | reports, statistics, notifications and live events that follow |
//! | `views` | what is shown of uploads |
//! | `expiry` | what becomes of uploads that nobody goes on with |
//!
//! A chunk is a part in the buffer's log: durable when it is acknowledged, never copied. `complete` first notes durably that it has begun; a box
//! that goes down in the midst of it goes on with it when it starts. What is in memory can be had again from the store and the buffer at any
//! time, but for running digests, in whose place the bytes are then read back.

mod active;
mod archive;
mod complete;
mod directory;
mod duplicates;
mod error;
mod expiry;
mod history;
mod receive;
mod request;
mod row;
mod scan;
mod tell;
#[cfg(test)]
mod tests;
mod views;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use relaypacs_buffer::Buffer;
use relaypacs_domain::{Clock, Principal, Timestamp, UploadId, UserId};
use tokio::sync::{OnceCell, Semaphore};

use self::{active::Active, row::UploadRow};
pub use self::{
    complete::{FileOutcome, FileStatus, Outcome, OutcomeStatus},
    error::{MissingChunks, UploadError},
    history::HistoryForm,
    receive::{ChunkReceipt, Expected, Receiving, Submitted},
    request::{FileDeclaration, NewUpload, Patient},
    views::{Completion, FileProgress, PacsStatus, UploadList, UploadState, UploadStatus, UploadSummary},
};
use crate::{
    Store,
    ids::new_id,
    live::Live,
    notifications::Notifications,
    reports::{Reports, pdf::Letterhead},
};

/// Limits and choices.
#[derive(Debug, Clone)]
pub struct UploadOptions {
    /// Most bytes of an upload.
    pub max_bytes: u64,
    /// Most files of an upload.
    pub max_files: u32,
    /// How long after its last chunk an upload stays, in the box's running time.
    pub expiry: Duration,
    /// How far back a study uploaded before counts as the same.
    pub duplicates: Duration,
    /// In what form the clinical history travels.
    pub history: HistoryForm,
    /// What is on documents made here; its facility is named in objects made here.
    pub letterhead: Letterhead,
    /// Whether chunks without a digest are refused.
    pub require_checksum: bool,
}

impl Default for UploadOptions {
    fn default() -> Self {
        Self {
            max_bytes: 2 << 30,
            max_files: 10_000,
            expiry: Duration::from_hours(72),
            duplicates: Duration::from_hours(30 * 24),
            history: HistoryForm::default(),
            letterhead: Letterhead::default(),
            require_checksum: false,
        }
    }
}

/// Smallest chunk that can be asked for, in bytes.
pub const CHUNK_MIN: u32 = 512 << 10;
/// Biggest chunk, in bytes.
pub const CHUNK_MAX: u32 = 10 << 20;
/// The chunk if none is asked for, in bytes.
pub const CHUNK_DEFAULT: u32 = 5 << 20;
/// Most chunk bytes in a batch.
pub const BATCH_MAX: u32 = 16 << 20;
/// Uploads of which more than is written down is kept in memory.
const MOST_ACTIVE: usize = 2048;
/// Uploads of one owner that are neither complete nor expired; each takes up to some megabytes of the store.
const MOST_UNFINISHED: u64 = 500;
/// Uploads completed at once.
const COMPLETING: usize = 4;

/// The service. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Uploads {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    buffer: Buffer,
    clock: Clock,
    options: UploadOptions,
    neighbours: Neighbours,
    active: Mutex<HashMap<UploadId, Arc<OnceCell<Arc<Active>>>>>,
    completing: Arc<Semaphore>,
}

/// Who hears of what becomes of uploads.
#[derive(Clone)]
pub struct Neighbours {
    /// Open pages.
    pub live: Live,
    /// People.
    pub notifications: Notifications,
    /// A study that was uploaded is to be reported.
    pub reports: Reports,
}

/// An upload that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Its name.
    pub upload: UploadId,
    /// Bytes of every chunk but a file's last.
    pub chunk_size: u32,
    /// Until when it is kept if no chunk comes.
    pub expires_at: Timestamp,
    /// What the sender should know.
    pub warning: Option<String>,
}

impl Uploads {
    /// The service over a store and a buffer. Completions that were under way go on with [`Self::resume`].
    pub fn new(store: Store, buffer: Buffer, clock: Clock, options: UploadOptions, neighbours: Neighbours) -> Self {
        let completing = Arc::new(Semaphore::new(COMPLETING));
        Self { inner: Arc::new(Inner { store, buffer, clock, options, neighbours, active: Mutex::default(), completing }) }
    }

    /// The limits in force.
    pub fn options(&self) -> &UploadOptions {
        &self.inner.options
    }

    /// Begins an upload. Durable when it answers.
    pub async fn init(&self, who: &Principal, address: Option<IpAddr>, request: NewUpload) -> Result<Begun, UploadError> {
        let checked = request.checked(&self.inner.options)?;
        let room = self.inner.buffer.usage();
        let left = (room.total / 100 * 95).saturating_sub(room.used);
        if room.refusing || checked.total_bytes > left {
            return Err(UploadError::Full);
        }
        let now = self.inner.clock.now();
        let upload = UploadId(new_id(now));
        let since = Timestamp::from_millis(now.as_millis().saturating_sub(self.inner.options.duplicates.as_millis() as i64));
        let running = self.inner.buffer.running_time();
        let expires_at = Timestamp::from_millis(now.as_millis().saturating_add(self.inner.options.expiry.as_millis() as i64));
        let row = UploadRow::new(&checked, who, address, now, running);
        let begun = Begun { upload, chunk_size: row.chunk_size, expires_at, warning: checked.warning.clone() };
        self.inner
            .store
            .write(move |tx| {
                if !checked.force
                    && let Some(before) = duplicates::find_in(tx, &row.study_key, since)?
                {
                    return Err(UploadError::Duplicate { upload: before.upload, uploaded_at: before.at, uploaded_by: before.by });
                }
                if row::unfinished_of_in(tx, row.owner, MOST_UNFINISHED)? >= MOST_UNFINISHED {
                    return Err(UploadError::TooMany(MOST_UNFINISHED));
                }
                row::insert_in(tx, upload, &row, checked.files.as_ref())?;
                Ok(())
            })
            .await?;
        Ok(begun)
    }

    /// Whose an upload is.
    pub async fn owner(&self, upload: UploadId) -> Result<UserId, UploadError> {
        let row = self.inner.store.read(move |tx| row::load(tx, upload)).await?;
        Ok(row.ok_or(UploadError::Unknown)?.owner)
    }

    /// The uploads that brought instances of a study, with their owners.
    pub async fn of_study(&self, study: relaypacs_domain::Uid) -> Result<Vec<(UploadId, UserId)>, UploadError> {
        self.inner.store.read(move |tx| row::of_study(tx, &study)).await
    }

    /// All studies that somebody's uploads brought.
    pub async fn studies_of(&self, user: UserId) -> Result<HashSet<relaypacs_domain::Uid>, UploadError> {
        self.inner.store.read(move |tx| row::studies_of(tx, user)).await
    }

    /// The studies an upload brought, once it is complete.
    pub async fn studies(&self, upload: UploadId) -> Result<Vec<relaypacs_domain::Uid>, UploadError> {
        self.inner.store.read(move |tx| row::studies(tx, upload)).await
    }

    fn active_map(&self) -> MutexGuard<'_, HashMap<UploadId, Arc<OnceCell<Arc<Active>>>>> {
        self.inner.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of an upload; read from store and buffer when it is not in memory.
    async fn active(&self, upload: UploadId) -> Result<Arc<Active>, UploadError> {
        let cell = {
            let mut map = self.active_map();
            if let Some(known) = map.get(&upload) {
                known.clone()
            } else {
                if map.len() >= MOST_ACTIVE {
                    active::forget_idle(&mut map);
                }
                map.entry(upload).or_default().clone()
            }
        };
        let loaded = cell.get_or_try_init(|| self.load(upload)).await.cloned();
        if loaded.is_err() {
            self.forget(upload);
        }
        loaded
    }

    async fn load(&self, upload: UploadId) -> Result<Arc<Active>, UploadError> {
        let found = self.inner.store.read(move |tx| Ok::<_, UploadError>((row::load(tx, upload)?, row::load_files(tx, upload)?))).await?;
        let (Some(row), files) = found else { return Err(UploadError::Unknown) };
        let parts = if row.state.is_open() { self.inner.buffer.parts(upload).await? } else { Vec::new() };
        Ok(Arc::new(Active::new(upload, row, files, parts)))
    }

    fn forget(&self, upload: UploadId) {
        self.active_map().remove(&upload);
    }
}

impl fmt::Debug for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploads").field("options", &self.inner.options).finish_non_exhaustive()
    }
}
