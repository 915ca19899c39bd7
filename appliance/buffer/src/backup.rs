//! Copies of a buffer.
//!
//! A copy holds the log up to a place, the catalogue as it was before that place, and the history as it was after it: opening the copy replays
//! the rest, and whatever the log calls released by then is in the history. Segments are held while they are copied, so that none is used
//! again meanwhile; receiving and forwarding go on.

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, IoSlice},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::oneshot;

use crate::{
    Buffer, CatalogueError, OpenError,
    buffer::{CATALOGUE, HISTORY, LOCK, lock},
    catalogue::Catalogue,
    entry::LogPosition,
    segment::{
        LogHandle,
        disk::{Disk, DiskFile, RealDisk, RedbFile, read_up_to, write_all_at},
        segment::Segment,
    },
};

/// Why a copy could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is something in it.
    #[error("{0} is not an empty folder")]
    NotEmpty(PathBuf),
    /// It holds no copy of a buffer.
    #[error("{0} holds no backup")]
    NoBackup(PathBuf),
    /// Reading or writing a file failed.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder to be read is in use.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The catalogue could not be read.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

/// The folder of the segment files.
const SEGMENTS: &str = "segments";
/// Bytes copied at a time.
const PIECE: usize = 1 << 20;

impl Buffer {
    /// A consistent copy into an empty folder (made if it is not there) while running. `progress` gets bytes done and bytes in all, more than
    /// once.
    pub async fn backup(&self, to: PathBuf, progress: impl Fn(u64, u64) + Send + 'static) -> Result<(), BackupError> {
        let (catalogue, log) = (self.catalogue().clone(), self.log().clone());
        let (answer, done) = oneshot::channel();
        let work = {
            let to = to.clone();
            // Nobody waits any more when sending fails: the caller was dropped.
            move || drop(answer.send(copy_running(&catalogue, &log, &to, &progress)))
        };
        let thread = std::thread::Builder::new().name("relaypacs-backup".into()).spawn(work);
        thread.map_err(|source| BackupError::Io { path: to, source })?;
        done.await.unwrap_or(Err(BackupError::Catalogue(CatalogueError::Closing)))
    }
}

/// Copies a backup into an empty folder (blocking), where a box then starts from it. `progress` as in [`Buffer::backup`].
pub fn restore(from: &Path, to: &Path, progress: impl Fn(u64, u64)) -> Result<(), BackupError> {
    if !from.join(CATALOGUE).is_file() || !from.join(SEGMENTS).is_dir() {
        return Err(BackupError::NoBackup(from.into()));
    }
    let _lock = lock(&from.join(LOCK))?;
    make_empty(to)?;
    let (source, target) = (RealDisk::new(from), RealDisk::new(to));
    let (old_segments, new_segments) = (RealDisk::new(from.join(SEGMENTS)), RealDisk::new(to.join(SEGMENTS)));
    let names = old_segments.list().map_err(at(&from.join(SEGMENTS)))?;
    let mut files: Vec<(&dyn Disk, &dyn Disk, &Path, String)> = Vec::new();
    let segments_dir = to.join(SEGMENTS);
    files.extend(names.into_iter().map(|name| (&old_segments as &dyn Disk, &new_segments as &dyn Disk, segments_dir.as_path(), name)));
    files.extend([CATALOGUE, HISTORY].map(|name| (&source as &dyn Disk, &target as &dyn Disk, to, name.to_owned())));
    let mut total = 0;
    for (from, _, dir, name) in &files {
        total += from.open(name).and_then(|file| file.len()).map_err(at(&dir.join(name)))?;
    }
    let mut done = 0;
    for (from, to, dir, name) in files {
        let file = from.open(&name).map_err(at(&dir.join(&name)))?;
        let len = file.len().map_err(at(&dir.join(&name)))?;
        copy_file(&*file, len, to, &name, &mut |bytes| {
            done += bytes;
            progress(done, total);
        })
        .map_err(at(&dir.join(&name)))?;
    }
    new_segments.sync_dir().and_then(|()| target.sync_dir()).map_err(at(to))
}

fn copy_running(catalogue: &Catalogue, log: &LogHandle, to: &Path, progress: &dyn Fn(u64, u64)) -> Result<(), BackupError> {
    make_empty(to)?;
    // What is held here is not used again before the copy is done. Segments that the snapshot needs are held from before it was taken; those
    // taken into use meanwhile come with the second list.
    let mut held: BTreeMap<u64, (Arc<Segment>, u32)> = BTreeMap::new();
    let hold = |held: &mut BTreeMap<u64, (Arc<Segment>, u32)>| {
        held.extend(log.log.since(LogPosition::default()).into_iter().map(|(segment, end)| (segment.epoch, (segment, end))));
    };
    hold(&mut held);
    let snapshot = catalogue.snapshot()?;
    hold(&mut held);

    let segments = RealDisk::new(to.join(SEGMENTS));
    let total = held.values().map(|(_, end)| u64::from(*end)).sum::<u64>();
    let mut done = 0;
    progress(0, total);
    for (segment, end) in held.values() {
        let name = Segment::name(segment.number);
        copy_file(segment.file(), u64::from(*end), &segments, &name, &mut |bytes| {
            done += bytes;
            progress(done, total);
        })
        .map_err(at(&to.join(SEGMENTS).join(&name)))?;
    }
    segments.sync_dir().map_err(at(&to.join(SEGMENTS)))?;

    let target = RealDisk::new(to);
    let create = |name: &str| RedbFile::open_or_create(&target, name).map_err(at(&to.join(name)));
    // The history after the log: it knows everything that the copied log calls released.
    snapshot.copy(create(CATALOGUE)?)?;
    catalogue.copy_history(create(HISTORY)?)?;
    target.sync_dir().map_err(at(to))
}

fn make_empty(dir: &Path) -> Result<(), BackupError> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(dir).map_err(at(dir))?;
    if fs::read_dir(dir).map_err(at(dir))?.next().is_some() {
        return Err(BackupError::NotEmpty(dir.into()));
    }
    builder.create(dir.join(SEGMENTS)).map_err(at(dir))
}

/// Copies the first `len` bytes of a file, durably but for its name.
fn copy_file(from: &dyn DiskFile, len: u64, to: &dyn Disk, name: &str, copied: &mut dyn FnMut(u64)) -> io::Result<()> {
    let file = to.create(name, 0)?;
    let mut piece = vec![0; PIECE];
    let mut offset = 0;
    while offset < len {
        let wanted = PIECE.min(usize::try_from(len - offset).unwrap_or(PIECE));
        let read = read_up_to(from, &mut piece[..wanted], offset)?;
        if read < wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        write_all_at(&*file, &mut [IoSlice::new(&piece[..read])], offset)?;
        offset += read as u64;
        copied(read as u64);
    }
    file.sync()
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    |source| BackupError::Io { path, source }
}
