//! Buffers of one record's size, used again and again: memory stays where the number of associations puts it, whatever size objects have.

use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::record::{HEADER, MAX_DATA};

/// Most buffers that writers hold together (each one 1 MiB at most, and only what was written of it takes memory).
const MOST: usize = 192;
/// Buffers that may wait for the disk while their writer goes on filling another one. This is the backpressure on big objects.
const MOST_SPARE: usize = 3;
/// Free buffers that are kept.
const KEPT: usize = 8;

/// A pool of buffers. Cheap to clone; all clones are one pool.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
    all: Arc<Semaphore>,
    spare: Arc<Semaphore>,
}

/// A buffer with room for a record's header and payload. Goes back to its pool when dropped.
#[derive(Debug)]
pub(crate) struct PooledBuf {
    pub(crate) bytes: Vec<u8>,
    pool: Arc<Mutex<Vec<Vec<u8>>>>,
    permit: Option<OwnedSemaphorePermit>,
}

/// Part of a pooled buffer, to be given away as `Bytes`.
#[derive(Debug)]
pub(crate) struct PooledSlice(pub(crate) PooledBuf, pub(crate) Range<usize>);

/// Leave to hand a full buffer over and go on with another one. Held until the buffer is written.
#[derive(Debug)]
pub(crate) struct Handover {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Pool {
    pub(crate) fn new() -> Self {
        Self { free: Arc::default(), all: Arc::new(Semaphore::new(MOST)), spare: Arc::new(Semaphore::new(MOST_SPARE)) }
    }

    /// A buffer for a writer; waits while there are too many.
    pub(crate) async fn take(&self) -> PooledBuf {
        let permit = self.all.clone().acquire_owned().await.ok(); // never closed
        let mut buffer = self.take_now();
        buffer.bytes.clear();
        buffer.permit = permit;
        buffer
    }

    /// A buffer for a reader (each holds two at most). Its bytes are whatever was in it last.
    pub(crate) fn take_now(&self) -> PooledBuf {
        let reused = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = reused.unwrap_or_else(|| Vec::with_capacity(MAX_DATA + HEADER as usize));
        PooledBuf { bytes, pool: self.free.clone(), permit: None }
    }

    /// Waits until the disk has caught up enough for another full buffer.
    pub(crate) async fn handover(&self) -> Handover {
        Handover { _permit: self.spare.clone().acquire_owned().await.ok() }
    }
}

impl Handover {
    /// For the last buffer of an object: its writer needs no other one.
    pub(crate) const fn last() -> Self {
        Self { _permit: None }
    }
}

impl Drop for PooledBuf {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let mut free = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT && bytes.capacity() == MAX_DATA + HEADER as usize {
            free.push(bytes);
        }
    }
}

impl AsRef<[u8]> for PooledSlice {
    fn as_ref(&self) -> &[u8] {
        &self.0.bytes[self.1.clone()]
    }
}
