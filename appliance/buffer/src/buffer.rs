//! The buffer itself: opening, its threads, receiving, reading, closing.

use std::{
    fs::{DirBuilder, File},
    io::{self, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use relaypacs_domain::{Clock, ObjectId, Uid};
use tracing::{error, info, warn};

use crate::{
    CatalogueError, Metrics, OpenError, ReadError, Reader, Writer,
    catalogue::{Catalogue, Checkpoint},
    entry::{Entry, Extent, Note},
    hurt::Hurt,
    indexer::replay,
    metrics::{ReadState, State},
    recovery::{Found, inspect},
    segment::{
        ExtentError, LogHandle,
        disk::{Disk, RealDisk, RedbFile},
        log::{Limits, Log},
        pool::Pool,
        queue::Request,
        record::{HEADER, MAX_DATA, SEGMENT_HEADER},
        segment::Segment,
    },
    threads,
    upkeep::{Keeper, Upkeep, UpkeepSettings},
};

/// How a buffer is to work.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder it lives in (segments in `segments/`, `catalogue.redb`, `history.redb`).
    pub dir: PathBuf,
    /// Most bytes that segments may take; `None`: 80 % of the file system.
    pub max_bytes: Option<u64>,
    /// Bytes of the file system left to everybody else; `None`: min(1 GiB, 5 %).
    pub reserve_bytes: Option<u64>,
    /// Size of a segment file (64 MiB). At most 1 GiB; what is smaller than 4 KiB is taken as 4 KiB.
    pub segment_bytes: u64,
    /// How long objects stay after the last proof.
    pub retention: Duration,
    /// How long the ledger remembers released objects.
    pub history: Duration,
}

/// The buffer. Cheap to clone; all clones are one buffer.
#[derive(Clone)]
pub struct Buffer {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    catalogue: Catalogue,
    log: LogHandle,
    metrics: Metrics,
    next_object: AtomicU64,
    /// Most bytes in one run of an object.
    most_run: usize,
    /// Held shared while a commit takes the routing in force and its place in the queue.
    commits: RwLock<()>,
    upkeep: Upkeep,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What opening found and mended.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Recovery {
    /// How long opening took.
    pub took: Duration,
    /// Objects in the buffer.
    pub objects: u64,
    /// Entries of the log that the catalogue had not had yet.
    pub replayed_records: u64,
    /// Bytes above the last durable position that were dropped (never acknowledged).
    pub torn_bytes: u64,
    /// Acknowledged objects that can no longer be read.
    pub damaged: Vec<Damage>,
    /// Whether the catalogue had to be rebuilt from the segments.
    pub rebuilt: bool,
}

/// Bytes that the disk lost.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Damage {
    /// Number of the segment file.
    pub segment: u64,
    /// Byte of the file.
    pub offset: u64,
    /// The object, where it is known.
    pub object: Option<ObjectId>,
    /// Its SOP Instance UID, where it is known.
    pub sop_instance: Option<Uid>,
    /// What is wrong.
    pub what: String,
}

/// Whether the buffer works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Good,
    /// The catalogue cannot be written (it is being rebuilt); receiving goes on.
    CatalogueDown(String),
    /// The log cannot be written; nothing is accepted.
    LogDown(String),
}

/// Why an object cannot begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The 95 % mark is passed.
    #[error("the buffer is full: studies must leave first")]
    Full,
    /// The buffer is being closed.
    #[error("the box is shutting down")]
    Closing,
    /// The disk fails.
    #[error("the log cannot be written: {0}")]
    LogDown(String),
}

/// What was looked up, where its bytes lie, and what keeps them there.
pub(crate) type Pinned<T> = (T, Vec<Extent>, Vec<Arc<Segment>>);

pub(crate) const CATALOGUE: &str = "catalogue.redb";
pub(crate) const HISTORY: &str = "history.redb";
pub(crate) const LOCK: &str = "lock";
const SMALLEST_SEGMENT: u64 = 4 << 10;
const BIGGEST_SEGMENT: u64 = 1 << 30;

impl Buffer {
    /// Opens or creates the buffer in `options.dir` (blocking; call before the runtime serves). Starts its named threads.
    #[expect(clippy::needless_pass_by_value, reason = "opening consumes the options")]
    pub fn open(options: Options, clock: Clock) -> Result<(Self, Recovery), OpenError> {
        let segments = options.dir.join("segments");
        let create = |dir: &Path| DirBuilder::new().recursive(true).mode(0o700).create(dir);
        create(&options.dir).and_then(|()| create(&segments)).map_err(|source| failed("creating", &segments, source))?;
        let lock = lock(&options.dir.join(LOCK))?;
        crate::migrate::prepare(&options.dir)?;
        let disks = Disks { index: Arc::new(RealDisk::new(&options.dir)), log: Arc::new(RealDisk::of_growing_files(segments)) };
        Self::open_on(disks, &options, clock, Some(lock))
    }

    /// Opens the buffer on these disks.
    pub(crate) fn open_on(disks: Disks, options: &Options, clock: Clock, lock: Option<File>) -> Result<(Self, Recovery), OpenError> {
        let began = Instant::now();
        let segment_bytes = options.segment_bytes.clamp(SMALLEST_SEGMENT, BIGGEST_SEGMENT).next_multiple_of(SMALLEST_SEGMENT) as u32;
        let limits = Limits { segment_bytes, max_bytes: options.max_bytes, reserve_bytes: options.reserve_bytes };
        let opened = disks.open_catalogue(&options.dir, &clock)?;
        let Opened { catalogue, checkpoint, rebuilt } = opened;
        let found = inspect(&disks.log, segment_bytes, checkpoint.position).map_err(|source| failed("reading", &options.dir, source))?;
        let Found { node, table, damage, torn_bytes, highest_object } = found;
        let log = Arc::new(Log::new(disks.log.clone(), node, limits, table));
        let mut hurt = Hurt::new(damage);
        let mut applied = checkpoint.position;
        let replayed_records = replay(&log, checkpoint.position, |group| {
            catalogue.apply(group)?;
            for (_, entry) in group {
                hurt.look_at(entry);
            }
            applied = group.last().map_or(applied, |(position, _)| *position);
            Ok(())
        })
        .map_err(|error| OpenError::Catalogue(error.to_string()))?;
        let in_catalogue = |error: CatalogueError| OpenError::Catalogue(error.to_string());
        let next_object = (highest_object + 1).max(catalogue.next_object().map_err(in_catalogue)?);
        let (damaged, objects) = hurt.report(&catalogue);
        let mut recovery = Recovery { replayed_records, torn_bytes, damaged, rebuilt, ..Recovery::default() };

        let handle = LogHandle { log, queue: Arc::default(), index: Arc::default(), pool: Pool::new() };
        let buffer = Self {
            inner: Arc::new(Inner {
                clock,
                catalogue,
                log: handle,
                metrics: Metrics::default(),
                next_object: AtomicU64::new(next_object),
                most_run: MAX_DATA.min((segment_bytes - SEGMENT_HEADER - HEADER) as usize / 2),
                commits: RwLock::default(),
                upkeep: Upkeep::default(),
                threads: Mutex::default(),
            }),
        };
        buffer.start(disks, applied, lock).map_err(|source| failed("starting threads for", &options.dir, source))?;
        buffer.tell(objects);
        let settings = UpkeepSettings { retention: options.retention, history: options.history, segment_bytes: segment_bytes.into() };
        buffer.keep_up(settings).map_err(|source| failed("starting threads for", &options.dir, source))?;
        recovery.objects = buffer.catalogue().objects().map_err(in_catalogue)?;
        recovery.took = began.elapsed();
        buffer.measure(recovery.took);
        info!(?recovery.took, recovery.objects, replayed_records, torn_bytes, damaged = recovery.damaged.len(), rebuilt, "the buffer is open");
        Ok((buffer, recovery))
    }

    fn start(&self, disks: Disks, applied: crate::entry::LogPosition, lock: Option<File>) -> io::Result<()> {
        let started = threads::start(self.log(), self.catalogue(), self.metrics(), disks.reopen(), applied, lock)?;
        self.threads().extend(started);
        Ok(())
    }

    fn keep_up(&self, settings: UpkeepSettings) -> io::Result<()> {
        let (catalogue, log) = (self.catalogue().clone(), self.log().clone());
        let make = move || {
            let mut keeper = Keeper::new(catalogue.clone(), log.clone(), settings)?;
            Ok(move || keeper.round())
        };
        let thread = self.inner.upkeep.start(make, self.metrics().upkeep_restarts.clone())?;
        self.threads().insert(0, thread);
        Ok(())
    }

    /// Ends the upkeep's thread, so that a test can do its rounds by hand.
    #[cfg(test)]
    pub(crate) fn take_over_upkeep(&self, settings: UpkeepSettings) -> Keeper {
        self.inner.upkeep.stop();
        self.threads().remove(0).join().unwrap();
        Keeper::new(self.catalogue().clone(), self.log().clone(), settings).unwrap()
    }

    fn threads(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.inner.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes objects that were found to be damaged.
    fn tell(&self, objects: Vec<ObjectId>) {
        if objects.is_empty() {
            return;
        }
        self.metrics().damaged.inc_by(objects.len() as u64);
        // A damaged part is gone: whoever uploads it is told that it is missing, and sends it again.
        let (parts, objects): (Vec<_>, Vec<_>) = objects.into_iter().partition(|object| self.catalogue().is_part(*object).unwrap_or(false));
        let note = Note::Damaged { objects, at: self.inner.clock.now() };
        // On a thread of its own: whoever opens may stand on one that drives a runtime, where this wait is not allowed.
        let append = || self.log().append_blocking(Entry::Release(parts)).and_then(|_| self.log().append_blocking(Entry::Note(note)));
        let noted = thread::scope(|scope| scope.spawn(append).join());
        if let Err(why) = noted.unwrap_or(Err(CatalogueError::Closing)) {
            warn!(error = %why, "damaged objects could not be noted; they are found again when they are read");
        }
    }

    fn measure(&self, took: Duration) {
        let inner = Arc::downgrade(&self.inner);
        let read = move || {
            let Some(inner) = inner.upgrade() else { return State::default() };
            let buffer = Self { inner };
            State {
                usage: buffer.usage(),
                objects: buffer.catalogue().objects().unwrap_or(0),
                recovery_seconds: took.as_secs_f64(),
                log_up: buffer.log().queue.down().is_none(),
                catalogue_up: buffer.log().index.down().is_none(),
            }
        };
        let _ = self.metrics().state.set(ReadState(Box::new(read))); // set once, here
    }

    /// Stops: fails writers that begin now, waits for tickets under way, checkpoints, ends the threads.
    pub async fn close(&self) {
        let buffer = self.clone();
        // A task that panicked has said so; there is nothing left to wait for then.
        let _ = tokio::task::spawn_blocking(move || buffer.close_blocking()).await;
    }

    /// [`Self::close`] for a plain thread.
    pub fn close_blocking(&self) {
        self.inner.upkeep.stop();
        self.log().queue.close();
        let threads = std::mem::take(&mut *self.threads());
        for thread in threads {
            if thread.join().is_err() {
                error!("a thread of the buffer panicked");
            }
        }
    }

    // ---------- receiving ----------

    /// Begins an object. Fails at once at the 95 % mark, when closing, or when the log cannot be written.
    pub fn begin(&self) -> Result<Writer, Refused> {
        self.may_begin()?;
        self.begin_addition()
    }

    /// Begins a small object that the box itself adds to a study it has. As [`Self::begin`], but above the 95 % mark too: what has arrived
    /// could not be completed otherwise, and never leave.
    pub fn begin_addition(&self) -> Result<Writer, Refused> {
        self.may_write()?;
        Ok(Writer::new(self.clone(), self.next_object(), self.inner.most_run, Some(sha2::Sha256::default())))
    }

    fn may_begin(&self) -> Result<(), Refused> {
        self.may_write()?;
        if self.usage().refusing {
            return Err(Refused::Full);
        }
        Ok(())
    }

    fn may_write(&self) -> Result<(), Refused> {
        if self.log().queue.is_closed() {
            return Err(Refused::Closing);
        }
        match self.log().queue.down() {
            Some(why) => Err(Refused::LogDown(why)),
            None => Ok(()),
        }
    }

    /// Begins a part of an upload: as [`Self::begin`], but its bytes are an object's only when one is made of them ([`Self::compose`]).
    pub fn begin_part(&self) -> Result<Writer, Refused> {
        self.may_begin()?;
        Ok(Writer::new(self.clone(), self.next_object(), self.inner.most_run, None))
    }

    /// The number of the next object.
    pub(crate) fn next_object(&self) -> ObjectId {
        ObjectId(self.inner.next_object.fetch_add(1, Ordering::Relaxed))
    }

    /// Hands a commit over that is made under the routing in force: nothing changes that in between.
    pub(crate) fn hand_over_commit(&self, request: impl FnOnce(&Clock, &Catalogue) -> Request) {
        let _shared = self.inner.commits.read().unwrap_or_else(PoisonError::into_inner);
        self.log().queue.push(request(&self.inner.clock, self.catalogue())); // not taken: the ticket is dropped, which says so
    }

    /// Runs `change` while no commit is on its way into the queue.
    pub(crate) fn between_commits<T>(&self, change: impl FnOnce() -> T) -> T {
        let _alone = self.inner.commits.write().unwrap_or_else(PoisonError::into_inner);
        change()
    }

    // ---------- reading ----------

    /// Opens the data set of an object for reading (any range of its bytes); pins its extents while the reader lives. The number of an
    /// instance that was stored before, byte for byte, leads to those bytes.
    pub fn read(&self, object: ObjectId) -> Result<Reader, ReadError> {
        let look_up = || {
            let stored = self.catalogue().stored(object)?.ok_or(ReadError::Unknown(object))?;
            let extents = stored.extents.clone();
            Ok((stored, extents))
        };
        let (stored, _, pins) = self.look_up_and_pin(object, look_up)?;
        Ok(Reader::new(object, stored, pins, self.log().pool.clone()))
    }

    /// Looks extents up and keeps their bytes in place; again if they were moved in between.
    pub(crate) fn look_up_and_pin<T>(
        &self,
        object: ObjectId,
        look_up: impl Fn() -> Result<(T, Vec<Extent>), ReadError>,
    ) -> Result<Pinned<T>, ReadError> {
        let mut tries = 0;
        loop {
            let (found, extents) = look_up()?;
            let pins: Result<Vec<_>, ExtentError> = extents.iter().map(|extent| self.log().pin(extent)).collect();
            match pins {
                Ok(pins) => return Ok((found, extents, pins)),
                // It was moved, or released, since it was looked up.
                Err(ExtentError::Reused { .. }) if tries < 3 => tries += 1,
                Err(error) => return Err(ReadError::of(object, error)),
            }
        }
    }

    // ---------- state ----------

    /// Whether catalogue and log can be written (for `/readyz`), and if not why.
    pub fn health(&self) -> Health {
        match (self.log().queue.down(), self.log().index.down()) {
            (Some(why), _) => Health::LogDown(why),
            (None, Some(why)) => Health::CatalogueDown(why),
            (None, None) => Health::Good,
        }
    }

    /// What it measures.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// What is known about the log.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.inner.catalogue
    }

    /// The log.
    pub(crate) fn log(&self) -> &LogHandle {
        &self.inner.log
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.upkeep.stop();
        self.log.queue.close(); // the threads end by themselves
    }
}

/// Where a buffer keeps its things.
#[derive(Debug, Clone)]
pub(crate) struct Disks {
    pub(crate) index: Arc<dyn Disk>,
    pub(crate) log: Arc<dyn Disk>,
}

struct Opened {
    catalogue: Catalogue,
    checkpoint: Checkpoint,
    rebuilt: bool,
}

impl Disks {
    fn files(&self, dir: &Path) -> Result<(RedbFile, RedbFile), OpenError> {
        let open = |name| RedbFile::open_or_create(&*self.index, name).map_err(|source| failed("opening", &dir.join(name), source));
        Ok((open(CATALOGUE)?, open(HISTORY)?))
    }

    /// Opens the catalogue, an empty one if it is broken: the log has everything.
    fn open_catalogue(&self, dir: &Path, clock: &Clock) -> Result<Opened, OpenError> {
        let (catalogue, history) = self.files(dir)?;
        match Catalogue::open(catalogue, history, clock.clone()) {
            Ok((catalogue, checkpoint)) => Ok(Opened { catalogue, checkpoint, rebuilt: false }),
            Err(OpenError::Catalogue(why)) => {
                warn!(error = why, "the catalogue is broken; it is built anew from the log");
                self.set_aside().map_err(|source| failed("renaming", &dir.join(CATALOGUE), source))?;
                let (catalogue, history) = self.files(dir)?;
                let (catalogue, checkpoint) = Catalogue::open(catalogue, history, clock.clone())?;
                Ok(Opened { catalogue, checkpoint, rebuilt: true })
            }
            Err(other) => Err(other),
        }
    }

    /// Puts a broken catalogue where somebody can look at it.
    fn set_aside(&self) -> io::Result<()> {
        self.index.rename(CATALOGUE, "catalogue.redb.broken")?;
        self.index.sync_dir()
    }

    fn reopen(self) -> crate::indexer::Reopen {
        Box::new(move |catalogue, fresh| {
            // The history first: a catalogue that works is not given up for its sake.
            let (file, history) = self.files(Path::new(""))?;
            let was_history = catalogue.reopen_history(history)? && catalogue.check().is_ok();
            if !fresh || was_history {
                return catalogue.reopen(file, false);
            }
            self.set_aside().map_err(|source| failed("renaming", Path::new(CATALOGUE), source))?;
            let (file, _) = self.files(Path::new(""))?;
            catalogue.reopen(file, true)
        })
    }
}

/// Locks the folder; the file says who holds it.
pub(crate) fn lock(path: &Path) -> Result<File, OpenError> {
    let fail = |source| failed("locking", path, source);
    let open = std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let mut file = open.map_err(fail)?;
    match file.try_lock() {
        Ok(()) => {
            let name = std::env::current_exe().ok().and_then(|exe| Some(exe.file_name()?.to_string_lossy().into_owned()));
            let holder = format!("process {} ({})\n", std::process::id(), name.unwrap_or_default());
            file.set_len(0).and_then(|()| file.write_all(holder.as_bytes())).map_err(fail)?;
            Ok(file)
        }
        Err(std::fs::TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.rewind().and_then(|()| file.take(100).read_to_string(&mut holder)); // better an unknown holder than another error
            let holder = holder.trim();
            Err(OpenError::Locked(if holder.is_empty() { "another process".into() } else { holder.into() }))
        }
        Err(std::fs::TryLockError::Error(source)) => Err(fail(source)),
    }
}

pub(crate) fn failed(what: &'static str, path: &Path, source: io::Error) -> OpenError {
    OpenError::Io { what, path: path.into(), source }
}

#[cfg(test)]
mod tests;
