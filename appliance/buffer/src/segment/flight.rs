//! What was written and is not yet durable: one sync at a time makes it so and tells who waits, while the next group is written.
//!
//! - A sync answers for what had been written when it began, for nothing else.
//! - Tickets are answered in log order: only one thread syncs at a time, and tells before it syncs again.
//! - A failed sync is final: whoever waits for anything behind the durable end is told so, nothing is synced again, and the committer
//!   seals the segment before it goes on in another one.
//!
//! Gives nothing a place and writes nothing; see `committer.rs`.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{
    log::Log,
    queue::{ObjectTicket, Queue},
    record::SEGMENT_HEADER,
    segment::Segment,
};
use crate::{
    CatalogueError, WriteError,
    entry::LogPosition,
    indexer::{IndexQueue, Indexed},
    metrics::Metrics,
};

/// Somebody to tell when a group is durable: the catalogue, and who waits for the ack.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) fact: Indexed,
    pub(crate) object: Option<ObjectTicket>,
}

/// Groups on their way to the disk.
#[derive(Debug)]
pub(crate) struct Flight {
    log: Arc<Log>,
    queue: Arc<Queue>,
    index: Arc<IndexQueue>,
    metrics: Metrics,
    state: Mutex<State>,
    /// A sync has ended.
    landed: Condvar,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// The segment that is written and the end of what it was given.
    written: Option<(Arc<Segment>, u32)>,
    /// Who waits for what no sync under way answers for, in log order.
    waiting: Vec<Waiting>,
    /// Everything before is durable, over all segments.
    durable: LogPosition,
    #[cfg(test)]
    sabotage: Sabotage,
    #[cfg(test)]
    held: Option<Held>,
}

#[derive(Debug)]
enum Phase {
    /// Nobody syncs.
    Idle,
    /// Somebody does.
    Syncing,
    /// The last sync failed; the committer does not know yet.
    Failed(io::Error),
}

/// A sync: what it answers for, and to whom.
#[derive(Debug)]
struct Job {
    /// `None`: everything was durable before.
    written: Option<(Arc<Segment>, u32)>,
    waiting: Vec<Waiting>,
}

/// Breaks a promise on purpose: the tests must notice.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Sabotage {
    #[default]
    None,
    /// Tells everybody that the group is durable without syncing it.
    SkipSync,
    /// Takes a sync to answer for what was written while it was under way.
    TrustLateWrites,
}

/// When a sync that takes its time ([`Flight::hold`]) really works.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Works {
    /// When it begins: what is written meanwhile is not durable.
    AtFirst,
    /// When it ends.
    AtLast,
}

/// A sync under way.
#[cfg(test)]
#[derive(Debug)]
struct Held {
    job: Job,
    result: Option<io::Result<()>>,
}

/// Unsynced bytes of big objects that may gather before they are synced though nobody waits: bounds how long the next ticket takes.
const MOST_UNSYNCED: u32 = 8 << 20;
/// Unsynced bytes at which writing waits for the sync under way.
const MOST_AHEAD: u32 = 2 * MOST_UNSYNCED;

impl Flight {
    pub(crate) fn new(log: Arc<Log>, queue: Arc<Queue>, index: Arc<IndexQueue>, metrics: Metrics) -> Self {
        let state = State {
            phase: Phase::Idle,
            written: None,
            waiting: Vec::new(),
            durable: log.durable(),
            #[cfg(test)]
            sabotage: Sabotage::None,
            #[cfg(test)]
            held: None,
        };
        Self { log, queue, index, metrics, state: Mutex::new(state), landed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state while nobody syncs.
    fn landed(&self) -> MutexGuard<'_, State> {
        #[cfg(test)]
        self.land();
        self.landed.wait_while(self.state(), |state| matches!(state.phase, Phase::Syncing)).unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything before is durable.
    pub(crate) fn durable(&self) -> LogPosition {
        self.state().durable
    }

    /// The active segment was written up to `written`; these wait for that. Answers at once unless writing is too far ahead of syncing.
    pub(crate) fn launch(&self, written: Option<(&Arc<Segment>, u32)>, waiting: Vec<Waiting>) {
        let mut state = self.state();
        if let Phase::Failed(source) = &state.phase {
            refuse(waiting, &WriteError::Log(source.to_string()));
            return;
        }
        state.written = written.map(|(segment, end)| (segment.clone(), end));
        state.waiting.extend(waiting);
        let too_far = |state: &mut State| matches!(state.phase, Phase::Syncing) && state.unsynced() > MOST_AHEAD;
        drop(self.landed.wait_while(state, too_far).unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether [`Self::sync`] has something to do and nobody does it.
    pub(crate) fn is_due(&self) -> bool {
        self.state().is_due(MOST_UNSYNCED)
    }

    /// Syncs and tells as long as somebody waits, or much is unsynced; returns at once while another thread does that.
    pub(crate) fn sync(&self) {
        loop {
            let Some(job) = self.state().begin(MOST_UNSYNCED) else { return };
            self.carry_out(job);
        }
    }

    /// Makes everything that was written durable and tells everybody; afterwards nothing is under way. After a failure it only waits.
    pub(crate) fn drain(&self) {
        loop {
            let mut state = self.landed();
            let Some(job) = state.begin(1) else {
                if !matches!(state.phase, Phase::Failed(_)) {
                    state.written = None;
                }
                return;
            };
            drop(state);
            self.carry_out(job);
        }
    }

    /// Why the last sync failed; answered once. Nobody syncs that segment again.
    pub(crate) fn take_failure(&self) -> Option<io::Error> {
        let mut state = self.state();
        match std::mem::replace(&mut state.phase, Phase::Idle) {
            Phase::Failed(source) => {
                state.written = None;
                Some(source)
            }
            phase @ (Phase::Idle | Phase::Syncing) => {
                state.phase = phase;
                None
            }
        }
    }

    /// The active segment cannot be written: a sync under way may still end well, everybody else is told, these too. Answers up to where
    /// the log is durable; nobody syncs that segment any more.
    pub(crate) fn give_up(&self, why: &io::Error, waiting: Vec<Waiting>) -> LogPosition {
        let mut state = self.landed();
        state.phase = Phase::Idle;
        state.written = None;
        refuse(std::mem::take(&mut state.waiting).into_iter().chain(waiting), &WriteError::Log(why.to_string()));
        state.durable
    }

    fn carry_out(&self, job: Job) {
        let result = self.sync_file(&job);
        self.end(job, result);
    }

    fn sync_file(&self, job: &Job) -> io::Result<()> {
        let Some((segment, _)) = &job.written else { return Ok(()) };
        #[cfg(test)]
        if self.state().sabotage == Sabotage::SkipSync {
            return Ok(());
        }
        let began = Instant::now();
        segment.file().sync()?;
        self.metrics.fsync_seconds.observe(began.elapsed().as_secs_f64());
        Ok(())
    }

    fn end(&self, job: Job, result: io::Result<()>) {
        let mut state = self.state();
        #[cfg(test)]
        let job = state.sabotaged(job);
        match result {
            Ok(()) => {
                if let Some((segment, end)) = &job.written {
                    state.durable = LogPosition { epoch: segment.epoch, offset: *end };
                    self.log.set_durable(state.durable);
                }
                self.tell(job.waiting, state.durable); // still locked: nobody is told before those
                state.phase = Phase::Idle;
            }
            Err(source) => {
                let late = std::mem::take(&mut state.waiting);
                refuse(job.waiting.into_iter().chain(late), &WriteError::Log(source.to_string()));
                state.phase = Phase::Failed(source);
                self.queue.nudge(); // the committer seals the segment
            }
        }
        drop(state);
        self.landed.notify_all();
    }

    fn tell(&self, mut waiting: Vec<Waiting>, durable: LogPosition) {
        if waiting.is_empty() {
            return;
        }
        self.metrics.group_entries.observe(waiting.len() as f64);
        for Waiting { fact, .. } in waiting.iter_mut().filter(|waiting| waiting.fact.entry.is_none()) {
            fact.position = durable; // a barrier stands behind all that came with it
        }
        let (facts, objects): (Vec<_>, Vec<_>) = waiting.into_iter().map(|waiting| (waiting.fact, waiting.object)).unzip();
        self.index.push(facts);
        objects.into_iter().flatten().for_each(|ticket| drop(ticket.send(Ok(()))));
    }
}

impl State {
    fn unsynced(&self) -> u32 {
        self.written.as_ref().map_or(0, |(segment, end)| end - durable_offset(self.durable, segment))
    }

    /// Whether somebody waits, or `least` bytes (at least 1) are unsynced.
    fn is_due(&self, least: u32) -> bool {
        matches!(self.phase, Phase::Idle) && (!self.waiting.is_empty() || self.unsynced() >= least)
    }

    fn begin(&mut self, least: u32) -> Option<Job> {
        if !self.is_due(least) {
            return None;
        }
        self.phase = Phase::Syncing;
        let written = self.written.clone().filter(|_| self.unsynced() > 0);
        Some(Job { written, waiting: std::mem::take(&mut self.waiting) })
    }
}

/// The end of what is durable in a segment.
pub(super) fn durable_offset(durable: LogPosition, segment: &Segment) -> u32 {
    if durable.epoch == segment.epoch { durable.offset } else { SEGMENT_HEADER }
}

fn refuse(waiting: impl IntoIterator<Item = Waiting>, why: &WriteError) {
    for Waiting { fact, object } in waiting {
        if let Some(ticket) = object {
            let _ = ticket.send(Err(why.clone())); // who no longer waits need not be told
        }
        if let Some(ticket) = fact.ticket {
            let _ = ticket.send(Err(fact_error(why)));
        }
    }
}

pub(super) fn fact_error(why: &WriteError) -> CatalogueError {
    match why {
        WriteError::Closing => CatalogueError::Closing,
        WriteError::Full | WriteError::Log(_) => CatalogueError::Log(why.to_string()),
    }
}

/// A sync that takes as long as a test wants, and promises broken on purpose.
#[cfg(test)]
impl Flight {
    pub(crate) fn sabotage(&self, sabotage: Sabotage) {
        self.state().sabotage = sabotage;
    }

    /// Begins a sync, if one is due, that ends with [`Self::land`], or when somebody has to wait for it.
    pub(crate) fn hold(&self, works: Works) {
        let Some(job) = self.state().begin(MOST_UNSYNCED) else { return };
        let result = (works == Works::AtFirst).then(|| self.sync_file(&job));
        self.state().held = Some(Held { job, result });
    }

    /// Ends the sync under way.
    pub(crate) fn land(&self) {
        let Some(Held { job, result }) = self.state().held.take() else { return };
        let result = result.unwrap_or_else(|| self.sync_file(&job));
        self.end(job, result);
    }
}

#[cfg(test)]
impl State {
    fn sabotaged(&mut self, job: Job) -> Job {
        let Job { mut written, mut waiting } = job;
        if self.sabotage == Sabotage::TrustLateWrites {
            written.clone_from(&self.written);
            waiting.append(&mut self.waiting);
        }
        Job { written, waiting }
    }
}
