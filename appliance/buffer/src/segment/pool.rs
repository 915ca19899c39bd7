//! Buffers of one record's size, used again and again: memory stays where the number of associations puts it, whatever size objects have.

use std::{
    ops::Range,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

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
    queue: Arc<Waiting>,
}

/// Writers that wait for a buffer, and their call to those who fill one slowly: one answers each call.
#[derive(Debug, Default)]
struct Waiting {
    count: AtomicUsize,
    call: Notify,
}

/// A place among those who wait.
struct Place<'a>(&'a Waiting);

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
        Self {
            free: Arc::default(),
            all: semaphore(MOST),
            parts: semaphore(MOST_PARTS),
            spare: semaphore(MOST_SPARE),
            queue: Arc::default(),
        }
    }

    /// A buffer for a writer of an object; waits while there are too many.
    pub(crate) async fn take(&self) -> PooledBuf {
        self.queue.in_turn(self.take_one()).await
    }

    /// A buffer for a writer of a part of an upload; waits while there are too many of those, or too many at all.
    pub(crate) async fn take_for_part(&self) -> PooledBuf {
        let taking = async {
            let permit = self.parts.clone().acquire_owned().await.ok(); // never closed
            let mut buffer = self.take_one().await;
            buffer.permits[1] = permit;
            buffer
        };
        self.queue.in_turn(taking).await
    }

    /// Waits until somebody waits for a buffer, and this caller is the one who is to give its own up.
    pub(crate) async fn wanted(&self) {
        loop {
            self.queue.call.notified().await;
            if self.queue.count.load(Ordering::SeqCst) > 0 {
                return;
            }
        }
    }

    async fn take_one(&self) -> PooledBuf {
        let permit = self.all.clone().acquire_owned().await.ok(); // never closed
        let mut buffer = self.take_now();
        buffer.bytes.clear();
        buffer.permits = [permit, None];
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

impl Waiting {
    /// What `taking` gives; while it must wait, that is known.
    async fn in_turn<T>(&self, taking: impl Future<Output = T>) -> T {
        let mut taking = pin!(taking);
        tokio::select! {
            biased;
            // Without tokio's budget: a task that has used its own up waits for nobody.
            taken = tokio::task::unconstrained(&mut taking) => return taken,
            () = std::future::ready(()) => {}
        }
        self.count.fetch_add(1, Ordering::SeqCst);
        let _place = Place(self);
        self.call.notify_one();
        taking.await
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // Calls that came while nobody listened are one: those who wait yet call again.
        if self.0.count.fetch_sub(1, Ordering::SeqCst) > 1 {
            self.0.call.notify_one();
        }
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

    #[tokio::test]
    async fn one_who_holds_a_buffer_is_called_for_each_who_waits() {
        let pool = Pool::new();
        let mut parts = Vec::new();
        for _ in 0..MOST_PARTS {
            parts.push(pool.take_for_part().await);
        }
        tokio::task::yield_now().await; // a new budget
        let (mut first, mut second) = (Box::pin(pool.take_for_part()), Box::pin(pool.take_for_part()));
        assert!(poll(pin!(pool.wanted())).is_pending(), "nobody waits");
        // They call while nobody listens.
        assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
        let (mut one, mut another) = (Box::pin(pool.wanted()), Box::pin(pool.wanted()));
        assert!(poll(one.as_mut()).is_ready() && poll(another.as_mut()).is_pending(), "one is enough for the time being");
        parts.pop();
        assert!(poll(first.as_mut()).is_ready());
        assert!(poll(another.as_mut()).is_ready(), "the second one waits yet");
        let mut third = Box::pin(pool.wanted());
        assert!(poll(third.as_mut()).is_pending());
        drop(second);
        assert!(poll(third.as_mut()).is_pending(), "nobody waits any more");
    }
}
