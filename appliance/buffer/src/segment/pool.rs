//! Buffers of one record's size, used again and again: memory stays where the number of associations puts it, whatever size objects have.

use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::record::{HEADER, MAX_DATA};

/// Most buffers that writers hold together (each one 1 MiB at most, and only what was written of it takes memory).
const MOST: usize = 192;
/// Most of these that parts of uploads hold: a chunk may come over a slow line, and scanners do not wait for that.
const MOST_PARTS: usize = 128;
/// Buffers that may wait for the disk while their writer goes on filling another one. This is the backpressure on big objects.
const MOST_SPARE: usize = 3;
/// Free buffers that are kept.
const KEPT: usize = 8;

/// A pool of buffers. Cheap to clone; all clones are one pool.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
    all: Arc<Semaphore>,
    parts: Arc<Semaphore>,
    spare: Arc<Semaphore>,
}

/// A buffer with room for a record's header and payload. Goes back to its pool when dropped.
#[derive(Debug)]
pub(crate) struct PooledBuf {
    pub(crate) bytes: Vec<u8>,
    pool: Arc<Mutex<Vec<Vec<u8>>>>,
    permits: [Option<OwnedSemaphorePermit>; 2],
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
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { free: Arc::default(), all: semaphore(MOST), parts: semaphore(MOST_PARTS), spare: semaphore(MOST_SPARE) }
    }

    /// A buffer for a writer of an object; waits while there are too many.
    pub(crate) async fn take(&self) -> PooledBuf {
        let permit = self.all.clone().acquire_owned().await.ok(); // never closed
        let mut buffer = self.take_now();
        buffer.bytes.clear();
        buffer.permits = [permit, None];
        buffer
    }

    /// A buffer for a writer of a part of an upload; waits while there are too many of those, or too many at all.
    pub(crate) async fn take_for_part(&self) -> PooledBuf {
        let permit = self.parts.clone().acquire_owned().await.ok(); // never closed
        let mut buffer = self.take().await;
        buffer.permits[1] = permit;
        buffer
    }

    /// A buffer for a reader (each holds two at most). Its bytes are whatever was in it last.
    pub(crate) fn take_now(&self) -> PooledBuf {
        let reused = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = reused.unwrap_or_else(|| Vec::with_capacity(MAX_DATA + HEADER as usize));
        PooledBuf { bytes, pool: self.free.clone(), permits: [None, None] }
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

#[cfg(test)]
mod tests {
    use std::{
        pin::{Pin, pin},
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn uploads_leave_buffers_for_scanners() {
        let pool = Pool::new();
        let (mut parts, mut objects) = (Vec::new(), Vec::new());
        for _ in 0..MOST_PARTS {
            parts.push(pool.take_for_part().await);
        }
        let mut one_more = pin!(pool.take_for_part());
        assert!(poll(one_more.as_mut()).is_pending());
        for _ in MOST_PARTS..MOST {
            objects.push(pool.take().await);
        }
        assert!(poll(pin!(pool.take())).is_pending());
        objects.pop();
        assert!(poll(one_more.as_mut()).is_pending(), "what a scanner gave back is a scanner's");
        parts.pop();
        assert!(poll(one_more.as_mut()).is_ready());
    }
}
