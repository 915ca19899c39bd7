//! The one seam to the disk: everything the buffer keeps passes through [`Disk`] and [`DiskFile`], so that the power-loss tests can put a
//! simulated disk (`sim.rs`) under log and catalogue alike. Only this file knows paths.
//!
//! All calls block and belong on named threads. A failed `sync` is final: the kernel may have dropped the pages and say yes the next time
//! (the callers seal the file and go on elsewhere).

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, IoSlice},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use rustix::{
    fs::{FallocateFlags, fallocate, fdatasync, statvfs},
    io::{Errno, pwritev},
};

use super::direct::{GrowingFile, Stage};

/// A folder on a disk.
pub(crate) trait Disk: fmt::Debug + Send + Sync {
    /// Creates a file that must not exist yet, with `len` bytes of room reserved for it. Its name is durable after [`Self::sync_dir`].
    fn create(&self, name: &str, len: u64) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file that exists.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Gives a file another name, replacing what has it. Durable after [`Self::sync_dir`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file. Durable after [`Self::sync_dir`].
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes creations, renames and removals durable.
    fn sync_dir(&self) -> io::Result<()>;
    /// How much room the file system has.
    fn space(&self) -> io::Result<Space>;
}

/// An open file.
pub(crate) trait DiskFile: fmt::Debug + Send + Sync {
    /// Writes the slices one after the other from `offset` on; answers how many bytes it took, which may be fewer. At most 1,024 slices.
    fn write_at(&self, slices: &[IoSlice<'_>], offset: u64) -> io::Result<usize>;
    /// Reads from `offset` on; answers how many bytes it gave, 0 only at the end of the file.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Cuts or extends (with zeros) the file.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes what was written durable, and the length that is needed to read it back.
    fn sync(&self) -> io::Result<()>;
}

/// Room of a file system in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    /// Its size.
    pub(crate) total: u64,
    /// What we may still take.
    pub(crate) free: u64,
}

/// Most slices of one [`DiskFile::write_at`] (Linux: `IOV_MAX`).
pub(crate) const MAX_SLICES: usize = 1024;

/// Writes all of `slices` from `offset` on.
pub(crate) fn write_all_at(file: &dyn DiskFile, mut slices: &mut [IoSlice<'_>], mut offset: u64) -> io::Result<()> {
    IoSlice::advance_slices(&mut slices, 0); // leaves no empty slice in front
    while !slices.is_empty() {
        let most = slices.len().min(MAX_SLICES);
        match file.write_at(&slices[..most], offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                offset += written as u64;
                IoSlice::advance_slices(&mut slices, written);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Fills `into` from `offset` on; answers how many bytes there were before the end of the file.
pub(crate) fn read_up_to(file: &dyn DiskFile, into: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match file.read_at(&mut into[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A real folder.
#[derive(Debug)]
pub(crate) struct RealDisk {
    dir: PathBuf,
    /// Files are written around the page cache.
    growing: Option<Arc<Mutex<Stage>>>,
}

impl RealDisk {
    /// The folder must exist.
    pub(crate) fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), growing: None }
    }

    /// A folder whose files only ever grow at their end (see [`GrowingFile`]): they are written around the page cache where the file system
    /// can do that. The folder must exist.
    pub(crate) fn of_growing_files(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), growing: Some(Arc::default()) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn file(&self, path: PathBuf, file: File) -> Arc<dyn DiskFile> {
        Arc::new(match &self.growing {
            Some(stage) => RealFile::Growing(GrowingFile::new(stage, path, file)),
            None => RealFile::Plain(file),
        })
    }
}

fn reserve(file: &File, len: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, len) {
        Err(Errno::OPNOTSUPP) => file.set_len(len), // a file system that reserves nothing: no room shows up as a failed write
        other => Ok(other?),
    }
}

fn open_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.read(true).write(true).mode(0o600).open(path)
}

impl Disk for RealDisk {
    fn create(&self, name: &str, len: u64) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.path(name);
        let file = open_with(&path, OpenOptions::new().create_new(true))?;
        if len > 0
            && let Err(error) = reserve(&file, len)
        {
            let _ = fs::remove_file(&path); // the first error is the one to tell
            return Err(error);
        }
        Ok(self.file(path, file))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.path(name);
        let file = open_with(&path, &mut OpenOptions::new())?;
        Ok(self.file(path, file))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.dir)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }

    fn space(&self) -> io::Result<Space> {
        let about = statvfs(&self.dir)?;
        Ok(Space { total: about.f_blocks.saturating_mul(about.f_frsize), free: about.f_bavail.saturating_mul(about.f_frsize) })
    }
}

#[derive(Debug)]
enum RealFile {
    Plain(File),
    Growing(GrowingFile),
}

impl RealFile {
    fn plain(&self) -> &File {
        match self {
            Self::Plain(file) => file,
            Self::Growing(file) => file.plain(),
        }
    }
}

impl DiskFile for RealFile {
    fn write_at(&self, slices: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        match self {
            Self::Plain(file) => Ok(pwritev(file, slices, offset)?),
            Self::Growing(file) => file.write_at(slices, offset),
        }
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self.plain(), into, offset)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.plain().metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if let Self::Growing(file) = self {
            file.forget();
        }
        self.plain().set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(fdatasync(self.plain())?)
    }
}

/// A file as redb's storage. redb's own file locking is left out: the buffer's lock file guards the whole folder.
#[derive(Debug)]
pub(crate) struct RedbFile(Arc<dyn DiskFile>);

impl RedbFile {
    /// Opens `name`, or creates an empty database of that name. It gets the name when it is complete: power loss leaves all of it or nothing.
    pub(crate) fn open_or_create(disk: &dyn Disk, name: &str) -> io::Result<Self> {
        match disk.open(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other.map(Self),
        }
        let temporary = format!("{name}.new");
        match disk.remove(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = disk.create(&temporary, 0)?;
        let database = redb::Database::builder().create_with_backend(Self(file.clone())).map_err(io::Error::other)?;
        drop(database);
        file.sync()?;
        disk.rename(&temporary, name)?;
        disk.sync_dir()?;
        disk.open(name).map(Self)
    }
}

impl redb::StorageBackend for RedbFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let read = read_up_to(&*self.0, out, offset)?;
        if read == out.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        write_all_at(&*self.0, &mut [IoSlice::new(data)], offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_file_takes_slices_and_gives_them_back() {
        let dir = tempfile::tempdir().unwrap();
        let disk = RealDisk::new(dir.path());
        let file = disk.create("a", 8192).unwrap();
        assert_eq!(file.len().unwrap(), 8192);
        write_all_at(&*file, &mut [IoSlice::new(b""), IoSlice::new(b"abc"), IoSlice::new(b"defg")], 10).unwrap();
        file.sync().unwrap();
        let mut back = [0; 7];
        assert_eq!(read_up_to(&*file, &mut back, 10).unwrap(), 7);
        assert_eq!(&back, b"abcdefg");
        assert_eq!(read_up_to(&*file, &mut [0; 20], 8190).unwrap(), 2);
        assert_eq!(disk.create("a", 1).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        disk.rename("a", "b").unwrap();
        disk.sync_dir().unwrap();
        assert_eq!(disk.list().unwrap(), ["b"]);
        disk.remove("b").unwrap();
        assert!(disk.open("b").is_err());
        assert!(disk.space().unwrap().total > 0);
    }

    #[test]
    fn more_slices_than_one_call_takes_are_written_all() {
        let dir = tempfile::tempdir().unwrap();
        for disk in [RealDisk::new(dir.path()), RealDisk::of_growing_files(dir.path())] {
            let file = disk.create("a", 0).unwrap();
            let bytes: Vec<u8> = (0..5000_u32).map(|n| n as u8).collect();
            let mut slices: Vec<_> = bytes.chunks(2).map(IoSlice::new).collect();
            write_all_at(&*file, &mut slices, 0).unwrap();
            let mut back = vec![0; bytes.len()];
            read_up_to(&*file, &mut back, 0).unwrap();
            assert_eq!(back, bytes);
            disk.remove("a").unwrap();
        }
    }

    #[test]
    fn a_growing_file_holds_what_was_written_whatever_the_pieces() {
        let dir = tempfile::tempdir().unwrap();
        let disk = RealDisk::of_growing_files(dir.path());
        let file = disk.create("a", 8 << 20).unwrap();
        let bytes: Vec<u8> = (0..5_u32 << 20).map(|n| (n ^ (n >> 9)) as u8).collect();
        let (mut at, mut model) = (0, vec![0; 8 << 20]);
        for (round, len) in [64, 1, 4031, 4096, 4095, 2, 700_000, 12_288, 3 << 20, 5, 8191].into_iter().cycle().take(14).enumerate() {
            let piece = &bytes[at % 1000..][..len];
            write_all_at(&*file, &mut [IoSlice::new(&piece[..len / 3]), IoSlice::new(&piece[len / 3..])], at as u64).unwrap();
            model[at..at + len].copy_from_slice(piece);
            at += len;
            if round % 4 == 1 {
                file.sync().unwrap();
                write_all_at(&*file, &mut [IoSlice::new(b"header")], 10).unwrap(); // as a segment's header is, before anything else
                model[10..16].copy_from_slice(b"header");
            }
            let mut back = vec![0; at];
            assert_eq!(read_up_to(&*file, &mut back, 0).unwrap(), at);
            assert!(back == model[..at], "round {round}");
        }
        assert_eq!(file.len().unwrap(), 8 << 20);
        let again = disk.open("a").unwrap();
        write_all_at(&*again, &mut [IoSlice::new(b"more")], at as u64).unwrap();
        let mut back = vec![0; at + 4];
        read_up_to(&*file, &mut back, 0).unwrap();
        assert!(back[..at] == model[..at] && &back[at..] == b"more");
        again.set_len(at as u64).unwrap();
        write_all_at(&*again, &mut [IoSlice::new(b"last")], at as u64).unwrap();
        let other = disk.create("b", 8192).unwrap();
        write_all_at(&*other, &mut [IoSlice::new(b"other")], 3).unwrap();
        write_all_at(&*again, &mut [IoSlice::new(b"!")], at as u64 + 4).unwrap();
        let mut back = vec![0; at + 5];
        read_up_to(&*again, &mut back, 0).unwrap();
        assert!(back[..at] == model[..at] && &back[at..] == b"last!", "two files in turns, one of them cut before");
    }
}
