//! ZIP archives among the files: what is DICOM in them becomes objects.
//!
//! Nothing of an archive is believed: its own table is bounded before it is read, names are shown and never used as paths, an entry that
//! unpacks to far more than it takes, archives in archives and encrypted entries are refused, and all entries of all archives of an upload
//! together stay below the limits of an upload. Entries are unpacked straight into the buffer.
//!
//! An archive has one end record and one table, side by side at the end of the file. The library looks for others further ahead when it does
//! not like the last ones; those would not have been bounded, so it is not shown what stands before the table until it has read that.

use std::{
    cell::Cell,
    io::{self, Read, Seek, SeekFrom},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use relaypacs_buffer::{PiecesFile, ReadError};
use tokio::{runtime::Handle, sync::Semaphore};
use zip::{ZipArchive, read::ZipFile};

use super::{
    FileOutcome, FileStatus, UploadError,
    active::FilePlan,
    complete::{Job, Wanted},
    scan::{FileScan, Found},
};

/// How many times its packed size an entry may have …
const MOST_RATIO: u64 = 300;
/// … beyond this size, in bytes.
const RATIO_FROM: u64 = 16 << 20;
/// Most bytes of an archive's table.
const MOST_TABLE: u64 = 16 << 20;
/// Length of the end record of an archive without comment.
const END_RECORD: u64 = 22;
/// Characters of an entry's name that are shown.
const SHOWN: usize = 200;
/// Bytes unpacked at a time.
const PIECE: usize = 64 << 10;
/// Archives of an upload that are open at once: each holds its table in memory.
const AT_ONCE: usize = 2;

/// What the archives of an upload may still bring, all of them together.
pub(super) struct Budget {
    bytes: AtomicU64,
    entries: AtomicU64,
    at_once: Semaphore,
}

impl Budget {
    pub(super) fn new(bytes: u64, entries: u64) -> Self {
        Self { bytes: bytes.into(), entries: entries.into(), at_once: Semaphore::new(AT_ONCE) }
    }

    /// Takes so many bytes; whether any are left then.
    fn take_bytes(&self, bytes: u64) -> bool {
        let take = |left: u64| Some(left.saturating_sub(bytes));
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok_and(|before| before > bytes)
    }

    fn is_spent(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) == 0
    }

    /// Takes so many entries, if there are as many.
    fn take_entries(&self, entries: u64) -> bool {
        self.entries.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(entries)).is_ok()
    }
}

/// An archive's file. Zeros stand before `hidden`.
struct View {
    file: PiecesFile,
    hidden: Rc<Cell<u64>>,
}

impl Read for View {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let at = self.file.stream_position()?;
        let hidden = self.hidden.get();
        if at >= hidden || into.is_empty() {
            return self.file.read(into);
        }
        let zeros = into.len().min(usize::try_from(hidden - at).unwrap_or(usize::MAX));
        into[..zeros].fill(0);
        self.file.seek(SeekFrom::Start(at + zeros as u64))?;
        Ok(zeros)
    }
}

impl Seek for View {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Takes over what is in an archive.
pub(super) async fn take_over(job: Arc<Job>, plan: FilePlan) -> Result<Vec<FileOutcome>, UploadError> {
    let pieces = job.uploads.inner.buffer.read_parts(&plan.parts)?;
    let handle = Handle::current();
    let owned = job.clone();
    let Ok(_turn) = owned.budget.at_once.acquire().await else { return Err(UploadError::Unavailable("the box is shutting down".into())) };
    let work = move || Unpacking { job, plan, handle: handle.clone() }.run(pieces.into_file(handle));
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(UploadError::Unavailable("unpacking an archive did not end".into())))
}

struct Unpacking {
    job: Arc<Job>,
    plan: FilePlan,
    handle: Handle,
}

/// Why an entry is not taken over.
enum Spoilt {
    /// The entry's fault.
    Entry(String),
    /// The box's.
    Box(UploadError),
}

impl Unpacking {
    fn run(&self, mut file: PiecesFile) -> Result<Vec<FileOutcome>, UploadError> {
        let options = &self.job.uploads.inner.options;
        let whole_failed = |why: String| Ok(vec![self.plan.ended(FileStatus::Failed, None, Some(why))]);
        let table = match check_table(&mut file, u64::from(options.max_files)) {
            Ok(table) => table,
            Err(Spoilt::Entry(why)) => return whole_failed(why),
            Err(Spoilt::Box(why)) => return Err(why),
        };
        if !self.job.budget.take_entries(table.entries) {
            return whole_failed(format!("the archives of this upload have more than {} entries together", options.max_files));
        }
        let hidden = Rc::new(Cell::new(table.offset));
        let mut archive = match ZipArchive::new(View { file, hidden: hidden.clone() }) {
            Ok(archive) => archive,
            Err(error) => return whole_failed(format!("the archive cannot be read: {error}")),
        };
        hidden.set(0);
        let mut outcomes = Vec::new();
        for number in 0..archive.len() {
            let mut entry = match archive.by_index(number) {
                Ok(entry) if entry.is_dir() => continue,
                Ok(entry) => entry,
                Err(error) => {
                    outcomes.push(self.ended(&format!("#{number}"), FileStatus::Failed, None, Some(cannot_unpack(&error))));
                    continue;
                }
            };
            let name: String = entry.name().chars().filter(|character| !character.is_control()).take(SHOWN).collect();
            match self.entry(&mut entry) {
                Ok((status, sop_instance, why)) => outcomes.push(self.ended(&name, status, sop_instance, why)),
                Err(Spoilt::Entry(why)) => outcomes.push(self.ended(&name, FileStatus::Failed, None, Some(why))),
                Err(Spoilt::Box(why)) => return Err(why),
            }
            if self.job.budget.is_spent() {
                let why = format!("the archives of this upload unpack to more than {} bytes; the rest was left out", options.max_bytes);
                outcomes.push(self.plan.ended(FileStatus::Failed, None, Some(why)));
                break;
            }
        }
        if outcomes.is_empty() {
            outcomes.push(self.plan.ended(FileStatus::NotDicom, None, Some("the archive is empty".into())));
        }
        Ok(outcomes)
    }

    fn ended(&self, name: &str, status: FileStatus, sop_instance: Option<relaypacs_domain::Uid>, error: Option<String>) -> FileOutcome {
        FileOutcome { entry: Some(name.to_owned()), ..self.plan.ended(status, sop_instance, error) }
    }

    /// Unpacks an entry into the buffer; it is committed if it is an instance.
    fn entry(&self, entry: &mut ZipFile<'_, View>) -> Result<(FileStatus, Option<relaypacs_domain::Uid>, Option<String>), Spoilt> {
        let packed = entry.compressed_size();
        let most = packed.saturating_mul(MOST_RATIO).max(RATIO_FROM);
        let mut writer = self.job.uploads.inner.buffer.begin().map_err(|why| Spoilt::Box(why.into()))?;
        let mut scan = FileScan::new(false);
        let (mut piece, mut start, mut unpacked) = (vec![0; PIECE], Some(Vec::new()), 0_u64);
        loop {
            let read = match entry.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) => return Err(spoilt(&error)),
            };
            unpacked += read as u64;
            let is_left = self.job.budget.take_bytes(read as u64);
            if unpacked > most {
                return Err(Spoilt::Entry(format!("it unpacks to more than {MOST_RATIO} times its size")));
            }
            if !is_left {
                return Err(Spoilt::Entry("the archives of this upload unpack to more than an upload may have".into()));
            }
            let bytes = &piece[..read];
            scan.feed(bytes);
            if let Some(seen) = &mut start {
                seen.extend_from_slice(bytes);
            }
            match (scan.data_set_offset(), &mut start) {
                (Err(()), _) => break,
                (Ok(None), _) => {}
                (Ok(Some(offset)), Some(seen)) => {
                    let seen = std::mem::take(seen);
                    start = None;
                    self.write(&mut writer, &seen[(offset as usize).min(seen.len())..])?;
                }
                (Ok(Some(_)), None) => self.write(&mut writer, bytes)?,
            }
        }
        if let Some(seen) = start {
            // A small entry: only now it is clear what it is.
            scan.look(true);
            if let Ok(Some(offset)) = scan.data_set_offset() {
                self.write(&mut writer, &seen[(offset as usize).min(seen.len())..])?;
            }
        }
        let instance = match scan.finish().found {
            Found::Instance(instance) => *instance,
            Found::NotDicom(why) => return Ok((FileStatus::NotDicom, None, Some(why.into()))),
            Found::Directory => {
                return Ok((FileStatus::NotDicom, None, Some("it is the index of a medium (DICOMDIR), which is not sent on".into())));
            }
            Found::Zip => return Err(Spoilt::Entry("an archive within an archive is not opened".into())),
            Found::Unusable(why) => return Err(Spoilt::Entry(why)),
        };
        let sop_instance = Some(instance.identity.sop_instance.clone());
        let Some(wanted) = self.job.is_wanted(&instance).map_err(Spoilt::Box)? else {
            return Ok((FileStatus::Duplicate, sop_instance, None));
        };
        let bytes = writer.written();
        if wanted != Wanted::Ours {
            self.handle.block_on(writer.commit(self.job.new_object(&instance))).map_err(|why| Spoilt::Box(why.into()))?;
        }
        self.job.gathered().count(&instance, bytes);
        Ok((if wanted == Wanted::Known { FileStatus::Duplicate } else { FileStatus::Success }, sop_instance, None))
    }

    fn write(&self, writer: &mut relaypacs_buffer::Writer, bytes: &[u8]) -> Result<(), Spoilt> {
        self.handle.block_on(writer.write(bytes)).map_err(|why| Spoilt::Box(why.into()))
    }
}

fn cannot_unpack(error: &impl std::fmt::Display) -> String {
    format!("it cannot be unpacked ({error}): pack the files anew, without a password, or send them as they are")
}

fn spoilt(error: &io::Error) -> Spoilt {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<ReadError>()) {
        Some(_) => Spoilt::Box(UploadError::Unavailable("what was received cannot be read from the disk".into())),
        None => Spoilt::Entry(cannot_unpack(error)),
    }
}

/// Where an archive's table is, and of how many entries.
struct Table {
    offset: u64,
    entries: u64,
}

/// Bounds the archive's table before anything reads it. An archive with a comment could have two ends; none is taken.
fn check_table(file: &mut PiecesFile, most_entries: u64) -> Result<Table, Spoilt> {
    let refused = |why: &str| Err(Spoilt::Entry(why.to_owned()));
    let mut end = [0; END_RECORD as usize];
    let at = file.seek(SeekFrom::End(-(END_RECORD as i64))).map_err(|error| spoilt(&error))?;
    file.read_exact(&mut end).map_err(|error| spoilt(&error))?;
    if !end.starts_with(b"PK\x05\x06") || end[20..] != [0, 0] {
        return refused("the archive is cut off, or has a comment");
    }
    let u16_at = |at: usize| u64::from(u16::from_le_bytes([end[at], end[at + 1]]));
    let u32_at = |at: usize| u64::from(u32::from_le_bytes([end[at], end[at + 1], end[at + 2], end[at + 3]]));
    let (entries, length, offset) = (u16_at(10), u32_at(12), u32_at(16));
    if entries > most_entries || entries == u64::from(u16::MAX) || length > MOST_TABLE {
        return refused(&format!("the archive has more than {most_entries} entries"));
    }
    if offset == u64::from(u32::MAX) || offset + length != at {
        return refused("the archive's table is not where it should be (a ZIP64, split or joined archive is not taken)");
    }
    file.seek(SeekFrom::Start(offset)).map_err(|error| spoilt(&error))?;
    if has_other_ends(&mut file.take(length)).map_err(|error| spoilt(&error))? {
        return refused("the archive has more than one end");
    }
    file.rewind().map_err(|error| spoilt(&error))?;
    Ok(Table { offset, entries })
}

/// Whether a signature of an end record stands in a table, where no honest archive has one.
fn has_other_ends(table: &mut impl Read) -> io::Result<bool> {
    const ENDS: [&[u8]; 3] = [b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"];
    let (mut piece, mut kept) = (vec![0; PIECE], 0);
    loop {
        let read = table.read(&mut piece[kept..])?;
        if read == 0 {
            return Ok(false);
        }
        let seen = kept + read;
        if ENDS.iter().any(|end| memchr::memmem::find(&piece[..seen], end).is_some()) {
            return Ok(true);
        }
        // A signature may begin with the last three bytes.
        let next = seen.min(3);
        piece.copy_within(seen - next..seen, 0);
        kept = next;
    }
}
