//! A folder as destination: `study/series/instance.dcm`, complete Part-10 files, never half of one.
//!
//! Each file is written under a temporary name, synced, renamed, its directory synced, and then read back from the disk and compared: that
//! is the proof. What exists is never overwritten: equal bytes are a proof, other bytes get a name of their own
//! (`instance.<first 8 hex of the data set's SHA-256>.dcm`). An instance whose study or series could not be read goes to
//! `unparsed/<sop>.dcm`. The folder itself must exist: it may be a mount that is missing, and what is written in its place is lost to
//! everybody. UIDs hold digits and dots only ([`relaypacs_domain::Uid`]), so no name leads out of the folder.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use futures_util::StreamExt as _;
use relaypacs_domain::{Clock, DestinationName, Failure, FailureCode, HeldReason, Proof, ProofKind, Verdict};
use rustix::fs::{Advice, CWD, RenameFlags, fadvise, renameat_with};
use tokio::{
    fs::{self, File, OpenOptions},
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::Instant,
};

use crate::{
    backoff::Backoff,
    breaker::Signal,
    content::{ContentError, Contents, Part, checked},
    file_hash::FileHash,
    metrics::Metrics,
    outcome::{Item, Outcome},
};

/// A folder that takes instances.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    /// Directories whose names are known to be durable.
    durable: Mutex<HashSet<PathBuf>>,
}

/// Why an instance is not in the folder.
#[derive(Debug)]
enum FolderError {
    Content(ContentError),
    Io {
        what: &'static str,
        error: io::Error,
    },
    /// There is no folder to write to.
    NoFolder(&'static str),
    /// What was read back is not what was written.
    ReadBack,
    /// Other bytes stand under both names it could have.
    Occupied,
}

/// What is to be at a path: the whole file, known before it is written.
struct Expected {
    meta: Bytes,
    part: Part,
}

impl Folder {
    const BLOCK: usize = 256 << 10;
    /// Directories remembered as durable.
    const MOST_KNOWN: usize = 1024;

    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, durable: Mutex::default() }
    }

    /// Writes `items` one after the other.
    pub(crate) async fn deliver(
        &self,
        name: &DestinationName,
        items: Vec<Item>,
        contents: &Arc<dyn Contents>,
        backoff: &Backoff,
        clock: &Clock,
        metrics: &Metrics,
    ) -> Outcome {
        let mut outcome = Outcome { verdicts: Vec::with_capacity(items.len()), signal: Signal::Judged, failure: None };
        for item in items {
            let began = Instant::now();
            let verdict = match self.put(&item, contents.as_ref()).await {
                Ok(path) => {
                    outcome.signal = Signal::Proof;
                    metrics.written(name, item.part.bytes, began.elapsed());
                    let detail = format!("written, synced, renamed and read back: {}", path.display());
                    Verdict::Proven(Proof::new(ProofKind::File, clock.now(), detail, None))
                }
                Err(error) => {
                    let failure = error.failure();
                    outcome.failure = Some(failure.clone());
                    match error {
                        FolderError::Content(ContentError::Lost(_)) => Verdict::Hold(HeldReason::Unreadable, failure),
                        FolderError::Occupied => Verdict::Hold(HeldReason::OtherVersionAtPacs, failure),
                        FolderError::Content(ContentError::Io(_)) => item.again(failure, backoff),
                        FolderError::Io { .. } | FolderError::ReadBack | FolderError::NoFolder(_) => {
                            self.durable().clear(); // somebody may have taken directories away
                            outcome.signal = Signal::Failed;
                            outcome.verdicts.push((item.part.object, item.again(failure, backoff)));
                            return outcome; // the folder is at fault: the others would fare no better
                        }
                    }
                }
            };
            outcome.verdicts.push((item.part.object, verdict));
        }
        outcome
    }

    /// Whether the folder can be written: makes a file, syncs it and takes it away.
    pub(crate) async fn write_test(&self) -> Result<(), Failure> {
        let path = self.root.join(format!(".relaypacs-test-{}", std::process::id()));
        self.look_for_root().await.map_err(|error| error.failure())?;
        let tried = async {
            let mut file = File::create(&path).await.map_err(io_error("create a file"))?;
            file.write_all(b"test").await.map_err(io_error("write"))?;
            file.sync_all().await.map_err(io_error("sync"))
        };
        let tried = tried.await;
        let removed = fs::remove_file(&path).await.map_err(io_error("remove a file"));
        tried.and(removed).map_err(|error| error.failure())
    }

    async fn put(&self, item: &Item, contents: &dyn Contents) -> Result<PathBuf, FolderError> {
        let expected = Expected { meta: item.part.file_meta(), part: item.part.clone() };
        let (directory, stem) = self.place(&item.part);
        self.make_directories(&directory).await?;
        let own = directory.join(format!("{stem}.{}.dcm", &item.part.sha256.to_string()[..8]));
        let usual = directory.join(format!("{stem}.dcm"));
        let targets = if item.later_version { vec![own] } else { vec![usual, own] };
        for target in targets {
            if fs::try_exists(&target).await.map_err(io_error("look for"))? {
                if expected.has_data_at(&target).await? {
                    // an attempt before this one may have ended between renaming and syncing
                    File::open(&target).await.map_err(io_error("open"))?.sync_all().await.map_err(io_error("sync"))?;
                    sync_directory(&directory).await?;
                    return Ok(self.relative(&target));
                }
                continue;
            }
            let temporary = directory.join(format!(".{stem}.{}.part", item.part.object));
            if let Err(error) = expected.write(&temporary, contents).await {
                let _ = fs::remove_file(&temporary).await; // a full disk is not kept full by halves; the next attempt overwrites what stays
                return Err(error);
            }
            if !rename_new(&temporary, &target).await? {
                fs::remove_file(&temporary).await.map_err(io_error("remove"))?;
                if !expected.has_data_at(&target).await? {
                    continue; // another instance took the name meanwhile
                }
            }
            sync_directory(&directory).await?;
            return if expected.has_data_at(&target).await? { Ok(self.relative(&target)) } else { Err(FolderError::ReadBack) };
        }
        Err(FolderError::Occupied)
    }

    fn place(&self, part: &Part) -> (PathBuf, String) {
        let directory = match (&part.identity.study, &part.identity.series) {
            (Some(study), Some(series)) => self.root.join(study.as_str()).join(series.as_str()),
            _ => self.root.join("unparsed"),
        };
        (directory, part.identity.sop_instance.to_string())
    }

    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_path_buf()
    }

    /// Creates the directories below the folder down to `directory`; their names are durable afterwards.
    async fn make_directories(&self, directory: &Path) -> Result<(), FolderError> {
        if self.durable().contains(directory) {
            return Ok(());
        }
        self.look_for_root().await?;
        let mut path = self.root.clone();
        for name in directory.strip_prefix(&self.root).into_iter().flatten() {
            let parent = path.clone();
            path.push(name);
            match fs::create_dir(&path).await {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(io_error("create a directory")(error)),
                _ => {}
            }
            // also where it existed: whoever made it may have ended before this
            sync_directory(&parent).await?;
        }
        let mut durable = self.durable();
        if durable.len() >= Self::MOST_KNOWN {
            durable.clear();
        }
        durable.insert(directory.to_owned());
        Ok(())
    }

    /// The folder is never made: it may be a mount that is missing.
    async fn look_for_root(&self) -> Result<(), FolderError> {
        match fs::metadata(&self.root).await {
            Ok(about) if about.is_dir() => Ok(()),
            Ok(_) => Err(FolderError::NoFolder("what stands at its path is no folder")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(FolderError::NoFolder("the folder does not exist: mount it, or make it; the box does not"))
            }
            Err(error) => Err(io_error("look at the folder")(error)),
        }
    }

    fn durable(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expected {
    async fn write(&self, path: &Path, contents: &dyn Contents) -> Result<(), FolderError> {
        let mut file = File::create(path).await.map_err(io_error("create"))?;
        file.write_all(&self.meta).await.map_err(io_error("write"))?;
        let mut pieces = checked(contents, &self.part);
        while let Some(piece) = pieces.next().await {
            file.write_all(&piece.map_err(FolderError::Content)?).await.map_err(io_error("write"))?;
        }
        file.flush().await.map_err(io_error("write"))?;
        file.sync_all().await.map_err(io_error("sync"))
    }

    /// Whether the file at `path` holds this data set, read from the disk and not from memory where the system allows it. Its file meta
    /// group may have been written by another release.
    async fn has_data_at(&self, path: &Path) -> Result<bool, FolderError> {
        let mut file = OpenOptions::new().read(true).open(path).await.map_err(io_error("open"))?;
        file = without_pages(file).await?;
        let (mut hash, mut block) = (FileHash::default(), vec![0; Folder::BLOCK]);
        loop {
            match file.read(&mut block).await.map_err(io_error("read"))? {
                0 => return Ok(hash.finish() == Some(self.part.sha256)),
                read if hash.feed(&block[..read]).is_err() => return Ok(false),
                _ => {}
            }
        }
    }
}

impl FolderError {
    fn failure(&self) -> Failure {
        match self {
            Self::Content(error) => Failure::new(FailureCode::Unreadable, error.to_string()),
            Self::Io { what, error } => Failure::new(FailureCode::Io, format!("cannot {what}: {error}")),
            Self::NoFolder(why) => Failure::new(FailureCode::Io, why),
            Self::ReadBack => Failure::new(FailureCode::Io, "what was read back is not what was written"),
            Self::Occupied => Failure::new(FailureCode::OtherBytes, "other files have both names this instance could have"),
        }
    }
}

fn io_error(what: &'static str) -> impl Fn(io::Error) -> FolderError {
    move |error| FolderError::Io { what, error }
}

/// The same file, its pages forgotten. A file system that cannot do that is read from memory: no reason to fail.
async fn without_pages(file: File) -> Result<File, FolderError> {
    let file = file.into_std().await;
    let forgotten = tokio::task::spawn_blocking(move || {
        let _ = fadvise(&file, 0, None, Advice::DontNeed);
        file
    });
    forgotten.await.map(File::from_std).map_err(|error| io_error("read")(error.into()))
}

/// Renames without overwriting; `false`: the name is taken.
async fn rename_new(from: &Path, to: &Path) -> Result<bool, FolderError> {
    let (source, target) = (from.to_owned(), to.to_owned());
    // Off the async workers, as all that may wait for a file system: one on a network may wait for long.
    let renamed = tokio::task::spawn_blocking(move || renameat_with(CWD, &source, CWD, &target, RenameFlags::NOREPLACE));
    match renamed.await.map_err(|error| io_error("rename")(error.into()))? {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::EXIST) => Ok(false),
        // some network file systems know no such rename: nobody else writes here, so look, then rename
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            if fs::try_exists(to).await.map_err(io_error("look for"))? {
                return Ok(false);
            }
            fs::rename(from, to).await.map_err(io_error("rename")).map(|()| true)
        }
        Err(error) => Err(FolderError::Io { what: "rename", error: error.into() }),
    }
}

async fn sync_directory(path: &Path) -> Result<(), FolderError> {
    let directory = File::open(path).await.map_err(io_error("open the directory"))?;
    directory.sync_all().await.map_err(io_error("sync the directory"))
}

#[cfg(test)]
mod tests;
