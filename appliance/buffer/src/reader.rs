//! Reading an object, or parts, back: in order, verified, in constant memory.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    sync::Arc,
};

use bytes::{Buf, Bytes};
use relaypacs_domain::{Identity, ObjectId, Sha256};
use tokio::{runtime::Handle, task::JoinHandle};

use crate::{
    CatalogueError,
    catalogue::StoredObject,
    entry::Extent,
    segment::{
        ExtentError,
        handle::read_run,
        pool::{Pool, PooledSlice},
        segment::Segment,
    },
};

/// Reads an object's data set from the log in order, in pieces of at most 1 MiB, checksums verified. Constant memory.
///
/// While it lives, the object's bytes stay where they are, whatever happens to the object. One piece is read ahead.
pub struct Reader {
    identity: Identity,
    sha256: Sha256,
    pieces: Pieces,
}

/// Reads bytes that lie in the log, as [`Reader`] does.
pub struct Pieces {
    /// Whose bytes they are, or the first of those.
    object: ObjectId,
    bytes: u64,
    extents: Vec<Extent>,
    /// The extents' segments, one an extent.
    pins: Vec<Arc<Segment>>,
    pool: Pool,
    /// What is still to be given.
    left: Range<u64>,
    /// The extent in which `left` begins, and the byte of the whole with which that one begins.
    cursor: (usize, u64),
    /// The piece at the beginning of `left`, being read.
    ahead: Option<JoinHandle<Result<Bytes, ReadError>>>,
}

/// Why an object cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It was released, or never was.
    #[error("object {0} is not in the buffer")]
    Unknown(ObjectId),
    /// The disk gives other bytes than were written.
    #[error("object {object} is damaged in segment {segment} at {offset}: {what}")]
    Damaged {
        /// Which object.
        object: ObjectId,
        /// Number of the segment file.
        segment: u64,
        /// Byte of the file.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// The disk gives nothing.
    #[error("reading segment {segment}: {source}")]
    Io {
        /// Number of the segment file.
        segment: u64,
        /// Why.
        source: io::Error,
    },
    /// It could not be looked up.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

impl Reader {
    pub(crate) fn new(object: ObjectId, stored: StoredObject, pins: Vec<Arc<Segment>>, pool: Pool) -> Self {
        let StoredObject { identity, bytes, sha256, extents, .. } = stored;
        Self { identity, sha256, pieces: Pieces::new(object, bytes, extents, pins, pool) }
    }

    /// Bytes of the data set.
    pub fn len(&self) -> u64 {
        self.pieces.len()
    }

    /// Whether the data set has no bytes.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Of the whole data set.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// The next piece; `None` at the end. Disk work happens off the async workers. After an error the same piece is tried again.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        self.pieces.next().await
    }

    /// Restarts at a byte range (cut to the object's length).
    pub fn seek(&mut self, range: Range<u64>) {
        self.pieces.seek(range);
    }

    /// Its bytes alone.
    pub fn into_pieces(self) -> Pieces {
        self.pieces
    }
}

impl Pieces {
    pub(crate) fn new(object: ObjectId, bytes: u64, extents: Vec<Extent>, pins: Vec<Arc<Segment>>, pool: Pool) -> Self {
        Self { object, bytes, extents, pins, pool, left: 0..bytes, cursor: (0, 0), ahead: None }
    }

    /// Bytes in all.
    pub fn len(&self) -> u64 {
        self.bytes
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// The next piece; `None` at the end. Disk work happens off the async workers. After an error the same piece is tried again.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        let Some(ahead) = self.ahead.take().or_else(|| self.begin()) else { return Ok(None) };
        let piece = ahead.await.unwrap_or_else(|_| Err(CatalogueError::Closing.into()))?;
        self.left.start += piece.len() as u64;
        self.ahead = self.begin();
        Ok(Some(piece))
    }

    /// The same as a file, for a thread that may block (never one of the runtime's workers).
    pub fn into_file(self, runtime: Handle) -> PiecesFile {
        PiecesFile { pieces: self, runtime, at: 0, ahead: Bytes::new() }
    }

    /// Restarts at a byte range (cut to the length).
    pub fn seek(&mut self, range: Range<u64>) {
        let end = range.end.min(self.bytes);
        self.left = range.start.min(end)..end;
        self.cursor = (0, 0);
        self.ahead = None;
    }

    /// Begins to read the next piece; `None`: nothing is left.
    fn begin(&mut self) -> Option<JoinHandle<Result<Bytes, ReadError>>> {
        let (object, pool, left) = (self.object, self.pool.clone(), self.left.clone());
        if left.is_empty() {
            return None;
        }
        let (mut index, mut start) = self.cursor;
        while let Some(extent) = self.extents.get(index)
            && start + u64::from(extent.len) <= left.start
        {
            start += u64::from(extent.len);
            index += 1;
        }
        self.cursor = (index, start);
        let wanted = self.extents.get(index).copied().zip(self.pins.get(index).cloned());
        Some(tokio::task::spawn_blocking(move || {
            let Some((extent, segment)) = wanted else {
                return Err(ReadError::Damaged { object, segment: 0, offset: 0, what: "its extents do not cover it".into() });
            };
            let part = (left.start - start) as usize..(left.end - start).min(u64::from(extent.len)) as usize;
            read_piece(object, &segment, &extent, part, &pool)
        }))
    }
}

/// [`Pieces`] as a file. An error of the buffer is the inner error of what `read` gives.
pub struct PiecesFile {
    pieces: Pieces,
    runtime: Handle,
    at: u64,
    ahead: Bytes,
}

impl Read for PiecesFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            match self.runtime.block_on(self.pieces.next()).map_err(io::Error::other)? {
                Some(piece) => self.ahead = piece,
                None => return Ok(0),
            }
        }
        let taken = into.len().min(self.ahead.len());
        self.ahead.copy_to_slice(&mut into[..taken]);
        self.at += taken as u64;
        Ok(taken)
    }
}

impl Seek for PiecesFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let len = self.pieces.len();
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        let target = target.ok_or(io::ErrorKind::InvalidInput)?;
        match target.checked_sub(self.at).filter(|skip| *skip <= self.ahead.len() as u64) {
            Some(skip) => self.ahead.advance(skip as usize),
            None => {
                self.ahead = Bytes::new();
                self.pieces.seek(target..len);
            }
        }
        self.at = target;
        Ok(target)
    }
}

/// Reads an extent, checks it and gives a part of it away.
fn read_piece(object: ObjectId, segment: &Segment, extent: &Extent, part: Range<usize>, pool: &Pool) -> Result<Bytes, ReadError> {
    let mut buffer = pool.take_now();
    let bytes = read_run(segment, extent, &mut buffer.bytes).map_err(|error| ReadError::of(object, error))?;
    Ok(Bytes::from_owner(PooledSlice(buffer, part.start + bytes.start..part.end + bytes.start)))
}

impl ReadError {
    pub(crate) fn of(object: ObjectId, error: ExtentError) -> Self {
        match error {
            ExtentError::Reused { segment } => {
                Self::Damaged { object, segment: segment.into(), offset: 0, what: "the segment holds something else".into() }
            }
            ExtentError::Damaged { segment, offset, what } => {
                Self::Damaged { object, segment: segment.into(), offset: offset.into(), what: what.to_string() }
            }
            ExtentError::Io { segment, source, .. } => Self::Io { segment: segment.into(), source },
        }
    }
}
