//! The way to the committer: what it can be asked, in order of asking.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use relaypacs_domain::ObjectId;
use tokio::sync::oneshot;

use super::{
    pool::{Handover, PooledBuf},
    segment::WritePin,
};
use crate::{
    CatalogueError, WriteError,
    entry::{Commit, Entry, LogPosition, Part},
};

/// Told when an object is durable, or why it will never be.
pub(crate) type ObjectTicket = oneshot::Sender<Result<(), WriteError>>;
/// Told when a fact is durable and applied, or why it will never be.
pub(crate) type FactTicket = oneshot::Sender<Result<LogPosition, CatalogueError>>;

/// A run of an object's bytes, ready to be written.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) buffer: PooledBuf,
    /// CRC-32C of the bytes.
    pub(crate) crc: u32,
    /// Given back when it is written.
    pub(crate) _handover: Handover,
}

/// What the committer is asked.
#[derive(Debug)]
pub(crate) enum Request {
    /// A run of an object that goes on. `broken` is set when it can no longer be completed.
    Data { object: ObjectId, run: Run, broken: Arc<AtomicBool> },
    /// The last run and what the object is (its extents are filled in by the committer).
    Commit { last: Option<Run>, commit: Box<Commit>, ticket: ObjectTicket },
    /// The last run of a part and what it is (its extents are filled in by the committer).
    Part { last: Option<Run>, part: Box<Part>, ticket: ObjectTicket },
    /// An object that is made of bytes which are in the log already, in segments that are pinned until the catalogue knows.
    Compose { commit: Box<Commit>, pins: Vec<WritePin>, ticket: ObjectTicket },
    /// The runs were a copy: the object lives there from now on.
    Move { object: ObjectId, ticket: FactTicket },
    /// The object is given up.
    Abort { object: ObjectId },
    /// A note or release.
    Append { entry: Entry, ticket: FactTicket },
    /// Answers when everything before is durable and applied.
    Barrier { ticket: FactTicket },
}

/// A queue of requests. Bounded by the buffers that the requests carry (see `pool.rs`) and by the callers that wait for tickets.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    requests: VecDeque<Request>,
    closed: bool,
    nudged: bool,
    down: Option<String>,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a request over; `false`: the log is closed.
    pub(crate) fn push(&self, request: Request) -> bool {
        let mut state = self.state();
        if state.closed {
            return false;
        }
        state.requests.push_back(request);
        drop(state);
        self.wake.notify_one();
        true
    }

    /// What came before is still done; nothing more is taken.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.wake.notify_one();
    }

    /// Whether nothing more is taken.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Whether nothing waits to be taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.state().requests.is_empty()
    }

    /// Lets [`Self::take`] answer although nothing has come.
    pub(crate) fn nudge(&self) {
        self.state().nudged = true;
        self.wake.notify_one();
    }

    /// Why the log cannot be written, if it cannot.
    pub(crate) fn down(&self) -> Option<String> {
        self.state().down.clone()
    }

    /// The log cannot be written (`Some`: why), or can again.
    pub(crate) fn set_down(&self, why: Option<String>) {
        self.state().down = why;
    }

    /// Takes all that has come into `batch` (empty before), waiting for something for as long as `patience` (`None`: for ever) or for a nudge. `false`:
    /// closed and nothing left.
    pub(crate) fn take(&self, batch: &mut VecDeque<Request>, patience: Option<Duration>) -> bool {
        let idle = |state: &mut State| state.requests.is_empty() && !state.closed && !state.nudged;
        let mut state = match patience {
            None => self.wake.wait_while(self.state(), idle).unwrap_or_else(PoisonError::into_inner),
            Some(patience) => self.wake.wait_timeout_while(self.state(), patience, idle).unwrap_or_else(PoisonError::into_inner).0,
        };
        state.nudged = false;
        std::mem::swap(&mut state.requests, batch);
        !(batch.is_empty() && state.closed)
    }
}
