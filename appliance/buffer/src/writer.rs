//! Receiving one object: bytes in, a durable record out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use relaypacs_domain::{Flag, HeaderFacts, Identity, ObjectId, ServiceLevel, Sha256, Source};
use sha2::Digest;
use tokio::{sync::oneshot, time::Instant};

use crate::{
    Buffer,
    entry::{Commit, Part, PartKey},
    segment::{
        pool::{Handover, PooledBuf},
        queue::{Request, Run},
        record::MAX_DATA,
    },
};

/// Receives one object's bytes. Dropping it before `commit` aborts: nothing of it remains.
///
/// Holds one buffer of at most 1 MiB; bigger objects are handed to the log run by run.
#[must_use = "an object is only kept when it is committed"]
pub struct Writer {
    buffer: Buffer,
    object: ObjectId,
    /// Of an object; parts are not hashed as such.
    hash: Option<sha2::Sha256>,
    run: Option<Filling>,
    written: u64,
    most: usize,
    /// Runs were handed over: somebody must hear how it ends.
    begun: bool,
    broken: Arc<AtomicBool>,
}

/// A run that grows.
struct Filling {
    buffer: PooledBuf,
    crc: u32,
    since: Instant,
}

/// How long a buffer may be filled before somebody who waits for one may ask for it. At 1 Mbit/s a quarter of it is full by then.
const SLOW: Duration = Duration::from_secs(2);

/// What is known at the end of an object.
#[derive(Debug, Clone)]
pub struct NewObject {
    /// Who it is.
    pub identity: Identity,
    /// What its header says.
    pub facts: HeaderFacts,
    /// Where it came from.
    pub source: Source,
    /// How urgent it is.
    pub service_level: ServiceLevel,
    /// What is unusual about it.
    pub flags: Vec<Flag>,
}

/// Where a committed object lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its number. Where the same instance was stored before, byte for byte, [`Buffer::read`] takes it for that one's.
    pub object: ObjectId,
    /// Of its bytes.
    pub sha256: Sha256,
    /// How many there are.
    pub bytes: u64,
    /// How many disks hold it.
    pub copies: u8,
}

/// Why an object's bytes could not be kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The disk has no room for it.
    #[error("no room on the disk")]
    Full,
    /// The buffer is being closed.
    #[error("the box is shutting down")]
    Closing,
    /// The disk failed.
    #[error("writing the log failed: {0}")]
    Log(String),
}

impl Writer {
    pub(crate) fn new(buffer: Buffer, object: ObjectId, most: usize, hash: Option<sha2::Sha256>) -> Self {
        Self { buffer, object, hash, run: None, written: 0, most: most.min(MAX_DATA), begun: false, broken: Arc::default() }
    }

    /// Appends bytes of the data set. Waits while the committer is behind (that is the backpressure).
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), WriteError> {
        while !bytes.is_empty() {
            let mut run = match self.run.take() {
                Some(full) if full.buffer.bytes.len() == self.most => {
                    self.hand_over(full).await?;
                    self.begin_run().await
                }
                Some(going_on) => going_on,
                None => self.begin_run().await,
            };
            let (now, later) = bytes.split_at(bytes.len().min(self.most - run.buffer.bytes.len()));
            run.buffer.bytes.extend_from_slice(now);
            if let Some(hash) = &mut self.hash {
                hash.update(now);
            }
            run.crc = crc32c::crc32c_append(run.crc, now);
            self.run = Some(run);
            self.written += now.len() as u64;
            bytes = later;
        }
        Ok(())
    }

    /// Waits until somebody else wants the buffer that this writer has been filling for long: [`Self::set_aside`] is to follow. Without end
    /// while it holds none.
    pub async fn wanted(&self) {
        match &self.run {
            Some(run) => {
                tokio::time::sleep_until(run.since + SLOW).await;
                self.buffer.log().pool.wanted().await;
            }
            None => std::future::pending().await,
        }
    }

    /// Hands over what has come so far, as a run of its own, and holds no buffer until more comes.
    pub async fn set_aside(&mut self) -> Result<(), WriteError> {
        match self.run.take() {
            Some(run) => self.hand_over(run).await,
            None => Ok(()),
        }
    }

    async fn begin_run(&self) -> Filling {
        let pool = &self.buffer.log().pool;
        let buffer = if self.hash.is_some() { pool.take().await } else { pool.take_for_part().await };
        Filling { buffer, crc: 0, since: Instant::now() }
    }

    async fn hand_over(&mut self, Filling { buffer, crc, .. }: Filling) -> Result<(), WriteError> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(WriteError::Log("the disk refused earlier bytes of the object".into()));
        }
        let handover = self.buffer.log().pool.handover().await;
        let run = Run { buffer, crc, _handover: handover };
        self.begun = true;
        let request = Request::Data { object: self.object, run, broken: self.broken.clone() };
        if self.buffer.log().queue.push(request) { Ok(()) } else { Err(WriteError::Closing) }
    }

    /// Makes the object durable. When it answers `Ok`, bytes and record survive power loss.
    pub async fn commit(mut self, object: NewObject) -> Result<Placed, WriteError> {
        let sha256 = Sha256(self.hash.take().unwrap_or_default().finalize().into());
        let placed = Placed { object: self.object, sha256, bytes: self.written, copies: 1 };
        let last = self.run.take().map(|Filling { buffer, crc, .. }| Run { buffer, crc, _handover: Handover::last() });
        self.begun = false; // from here on the committer ends the object
        let (ticket, answer) = oneshot::channel();
        self.buffer.hand_over_commit(|clock, catalogue| {
            let commit = Commit {
                object: placed.object,
                destinations: catalogue.routing().matching(&object.source, &object.facts),
                identity: object.identity,
                facts: object.facts,
                source: object.source,
                service_level: object.service_level,
                flags: object.flags,
                bytes: placed.bytes,
                sha256,
                extents: Vec::new(),
                accepted_at: clock.now(),
                accepted: catalogue.now(),
            };
            Request::Commit { last, commit: Box::new(commit), ticket }
        });
        answer.await.unwrap_or(Err(WriteError::Closing))?;
        Ok(placed)
    }

    /// Hands a part over to be made durable. What it answers with says when it is; whoever does not wait for that does not undo it.
    pub fn commit_part(mut self, key: PartKey) -> PartTicket {
        let last = self.run.take().map(|Filling { buffer, crc, .. }| Run { buffer, crc, _handover: Handover::last() });
        self.begun = false; // from here on the committer ends it
        let (ticket, answer) = oneshot::channel();
        let (object, bytes) = (self.object, self.written);
        let part = Box::new(Part { object, key, bytes, extents: Vec::new(), accepted: self.buffer.catalogue().now() });
        self.buffer.log().queue.push(Request::Part { last, part, ticket }); // not taken: the ticket is dropped, which says so
        PartTicket { object, answer }
    }

    /// Bytes taken so far.
    pub fn written(&self) -> u64 {
        self.written
    }
}

/// A part on its way to the disk.
#[must_use = "a part counts when it is durable"]
#[derive(Debug)]
pub struct PartTicket {
    object: ObjectId,
    answer: oneshot::Receiver<Result<(), WriteError>>,
}

impl PartTicket {
    /// Waits until the part survives power loss; answers its number.
    pub async fn durable(self) -> Result<ObjectId, WriteError> {
        self.answer.await.unwrap_or(Err(WriteError::Closing))?;
        Ok(self.object)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.begun {
            self.buffer.log().queue.push(Request::Abort { object: self.object });
        }
    }
}
