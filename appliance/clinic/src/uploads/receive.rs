//! One chunk: its bytes go to the buffer as they come, and are acknowledged when they survive power loss.
//!
//! The same chunk may come again, also while it is on its way: the bytes are compared with the stored ones, whatever digests say. Of two
//! requests with the same chunk the first to be whole counts; the other one's bytes are stored under no name, compared, and given up.
//!
//! A chunk that comes slowly holds memory only while nobody else needs it: what has come of it goes to the disk by itself
//! ([`Receiving::beside`]).

use std::{collections::HashSet, pin::pin, sync::Arc};

use bytes::Bytes;
use md5::{Digest, Md5};
use relaypacs_buffer::{PartKey, Pieces, ReadError, Writer};
use relaypacs_domain::{ObjectId, UploadId};
use sha2::Sha256;
use tokio::task::JoinHandle;

use super::{
    UploadError, Uploads,
    active::{Active, ChunkRule, Turn},
    scan::FileScan,
};

/// What the sender says of a chunk beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expected {
    /// Its length in bytes.
    pub bytes: Option<u64>,
    /// Its MD5 (RFC 1864).
    pub md5: Option<[u8; 16]>,
    /// Its SHA-256 (RFC 9530).
    pub sha256: Option<[u8; 32]>,
}

/// A chunk that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkReceipt {
    /// Its upload.
    pub upload: UploadId,
    /// Its file.
    pub file: String,
    /// Its number.
    pub index: u32,
    /// Its length.
    pub bytes: u64,
    /// It was there before.
    pub existed: bool,
    /// A digest was sent, and it fits.
    pub verified: bool,
}

/// A chunk that comes in. Dropped before [`Self::submit`]: nothing of it remains.
#[must_use = "a chunk counts when it is submitted"]
pub struct Receiving {
    uploads: Uploads,
    active: Arc<Active>,
    file: String,
    index: u32,
    rule: ChunkRule,
    expected: Expected,
    md5: Option<Md5>,
    sha256: Option<Sha256>,
    received: u64,
    way: Way,
    /// How often it gave its memory up to others.
    asides: u64,
}

enum Way {
    /// It is new.
    Store(Box<Writer>, Option<Box<FileScan>>),
    /// It is there: compared with what is stored.
    Compare(Comparison),
    /// An empty file has nothing.
    Nothing,
}

struct Comparison {
    stored: Pieces,
    ahead: Bytes,
    same: bool,
}

/// A chunk on its way to the disk.
#[must_use = "a chunk counts when it is durable"]
pub struct Submitted(Outcome);

enum Outcome {
    Known(ChunkReceipt),
    Storing(JoinHandle<Result<ChunkReceipt, UploadError>>),
}

/// How often a chunk may give its memory up to others, whatever its length, and once more for so many bytes: each time its bytes on the disk
/// are cut in two. Beyond that it is ended.
const FREE_ASIDES: u64 = 4;
const BYTES_AN_ASIDE: u64 = 128 << 10;

/// Under this name parts are stored that count for nothing: no file can have it.
const NOWHERE: &str = "";

impl Uploads {
    /// Begins to take a chunk.
    pub async fn receive(&self, upload: UploadId, file: &str, index: u32, expected: Expected) -> Result<Receiving, UploadError> {
        let active = self.active(upload).await?;
        if self.inner.options.require_checksum && expected.md5.is_none() && expected.sha256.is_none() {
            return Err(UploadError::invalid("Content-Digest", "this box wants the MD5 or SHA-256 of every chunk"));
        }
        let (rule, way) = match active.turn(file, index)? {
            Turn::New(rule, scan) => (rule, Way::Store(Box::new(self.inner.buffer.begin_part()?), scan)),
            Turn::Again { part, bytes } => {
                self.inner.buffer.settled().await?;
                let stored = self.inner.buffer.read_parts(&[part]);
                if let Err(ReadError::Unknown(_)) = stored {
                    self.look_for_parts(&active).await;
                }
                let stored = stored?;
                (ChunkRule { least: bytes, most: bytes }, Way::Compare(Comparison { stored, ahead: Bytes::new(), same: true }))
            }
            Turn::Nothing => (ChunkRule { least: 0, most: 0 }, Way::Nothing),
        };
        let receiving = Receiving {
            uploads: self.clone(),
            file: file.to_owned(),
            index,
            rule,
            expected,
            md5: expected.md5.map(|_| Md5::new()),
            sha256: expected.sha256.map(|_| Sha256::new()),
            received: 0,
            way,
            asides: 0,
            active,
        };
        if let Some(bytes) = expected.bytes {
            receiving.check_length(bytes)?;
        }
        Ok(receiving)
    }

    /// Forgets chunks that are no longer in the buffer: it gives up those that the disk has damaged, and they may be sent again.
    pub(super) async fn look_for_parts(&self, active: &Active) {
        let known = active.parts();
        match self.inner.buffer.parts(active.upload).await {
            Ok(there) => {
                let there: HashSet<ObjectId> = there.into_iter().map(|part| part.object).collect();
                active.forget_parts(&known.into_iter().filter(|part| !there.contains(part)).collect());
            }
            Err(error) => tracing::warn!(upload = %active.upload, %error, "the chunks of an upload cannot be looked for"),
        }
    }
}

impl Receiving {
    /// Takes the next bytes; waits while the disk is behind.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        self.received += bytes.len() as u64;
        if self.received > self.rule.most {
            return self.check_length(self.received);
        }
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
        match &mut self.way {
            Way::Store(writer, scan) => {
                if let Some(scan) = scan {
                    scan.feed(bytes);
                }
                writer.write(bytes).await?;
            }
            Way::Compare(comparison) => comparison.take(bytes).await?,
            Way::Nothing => {}
        }
        Ok(())
    }

    /// Waits for `coming`, what the sender does next. If that takes long, the chunk holds no memory that others wait for.
    pub async fn beside<T>(&mut self, coming: impl Future<Output = T>) -> Result<T, UploadError> {
        let mut coming = pin!(coming);
        loop {
            let Way::Store(writer, _) = &mut self.way else { return Ok(coming.await) };
            tokio::select! {
                biased;
                come = &mut coming => return Ok(come),
                () = writer.wanted() => {}
            }
            if self.asides > FREE_ASIDES + self.received / BYTES_AN_ASIDE {
                return Err(UploadError::TooSlow);
            }
            self.asides += 1;
            writer.set_aside().await?;
        }
    }

    /// All bytes have come: checks them, and hands them over to be made durable.
    pub async fn submit(mut self) -> Result<Submitted, UploadError> {
        self.check_length(self.received)?;
        self.check_digests()?;
        let receipt = |existed| ChunkReceipt {
            upload: self.active.upload,
            file: self.file.clone(),
            index: self.index,
            bytes: self.received,
            existed,
            verified: self.expected.md5.is_some() || self.expected.sha256.is_some(),
        };
        let (new, again) = (receipt(false), receipt(true));
        match std::mem::replace(&mut self.way, Way::Nothing) {
            Way::Nothing => Ok(Submitted(Outcome::Known(new))),
            Way::Compare(Comparison { same: true, .. }) => Ok(Submitted(Outcome::Known(again))),
            Way::Compare(_) => Err(self.differs()),
            Way::Store(writer, scan) => {
                let counts = self.active.claim(&self.file, self.index, self.received)?;
                // On tasks of their own: they come to an end although whoever asked may go away.
                let task =
                    if counts { tokio::spawn(self.store(*writer, scan, new)) } else { tokio::spawn(self.store_beside(*writer, again)) };
                Ok(Submitted(Outcome::Storing(task)))
            }
        }
    }

    async fn store(self, writer: Writer, scan: Option<Box<FileScan>>, receipt: ChunkReceipt) -> Result<ChunkReceipt, UploadError> {
        let stored = writer.commit_part(self.key(&self.file)).durable().await;
        let now = self.uploads.inner.buffer.running_time();
        self.active.settle(&self.file, self.index, self.received, stored.as_ref().ok().copied(), scan, now);
        stored?;
        Ok(receipt)
    }

    /// Another request with this chunk was faster: it counts if its bytes are the same.
    async fn store_beside(self, writer: Writer, receipt: ChunkReceipt) -> Result<ChunkReceipt, UploadError> {
        let buffer = &self.uploads.inner.buffer;
        let mine = writer.commit_part(self.key(NOWHERE)).durable().await?;
        let compared = self.compare_with_the_other(mine).await;
        if buffer.release_parts(&[mine]).await.is_err() {
            self.active.state().stray.push(mine);
        }
        if compared? { Ok(receipt) } else { Err(self.differs()) }
    }

    async fn compare_with_the_other(&self, mine: ObjectId) -> Result<bool, UploadError> {
        let buffer = &self.uploads.inner.buffer;
        let other = loop {
            let changed = self.active.changed.notified();
            match self.active.stored(&self.file, self.index) {
                Ok((other, _)) => break other,
                Err(true) => changed.await,
                Err(false) => return Err(UploadError::Unavailable("the chunk could not be stored; send it again".into())),
            }
        };
        buffer.settled().await?;
        let (mut mine, stored) = (buffer.read_parts(&[mine])?, buffer.read_parts(&[other])?);
        let mut comparison = Comparison { same: mine.len() == stored.len(), stored, ahead: Bytes::new() };
        while let Some(bytes) = mine.next().await? {
            comparison.take(&bytes).await?;
        }
        Ok(comparison.same)
    }

    fn key(&self, file: &str) -> PartKey {
        PartKey { upload: self.active.upload, file: file.to_owned(), index: self.index }
    }

    fn differs(&self) -> UploadError {
        UploadError::Differs { file: self.file.clone(), index: self.index }
    }

    fn check_length(&self, bytes: u64) -> Result<(), UploadError> {
        let ChunkRule { least, most } = self.rule;
        let chunk_size = self.active.row.chunk_size;
        if bytes > u64::from(chunk_size) {
            return Err(UploadError::TooLarge(chunk_size));
        }
        if (least..=most).contains(&bytes) {
            return Ok(());
        }
        if matches!(self.way, Way::Compare(_)) {
            return Err(self.differs());
        }
        let rule = if least == most { most.to_string() } else { format!("{least} to {most}") };
        let detail = format!("chunk {} of {} has {rule} bytes, not {bytes}", self.index, self.file);
        Err(UploadError::invalid("Content-Length", detail))
    }

    fn check_digests(&mut self) -> Result<(), UploadError> {
        let md5 = self.md5.take().map(|digest| <[u8; 16]>::from(digest.finalize()));
        if md5 != self.expected.md5 {
            return Err(UploadError::Checksum("MD5"));
        }
        let sha256 = self.sha256.take().map(|digest| <[u8; 32]>::from(digest.finalize()));
        if sha256 != self.expected.sha256 {
            return Err(UploadError::Checksum("SHA-256"));
        }
        Ok(())
    }
}

impl Comparison {
    async fn take(&mut self, mut bytes: &[u8]) -> Result<(), UploadError> {
        while self.same && !bytes.is_empty() {
            if self.ahead.is_empty() {
                match self.stored.next().await? {
                    Some(piece) => self.ahead = piece,
                    None => self.same = false,
                }
            }
            let both = self.ahead.len().min(bytes.len());
            self.same &= self.ahead.split_to(both) == bytes[..both];
            bytes = &bytes[both..];
        }
        Ok(())
    }
}

impl Submitted {
    /// Waits until the chunk is durable.
    pub async fn durable(self) -> Result<ChunkReceipt, UploadError> {
        match self.0 {
            Outcome::Known(receipt) => Ok(receipt),
            Outcome::Storing(task) => task.await.unwrap_or_else(|_| Err(UploadError::Unavailable("the chunk could not be stored".into()))),
        }
    }
}
