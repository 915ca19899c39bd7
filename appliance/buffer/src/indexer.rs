//! The thread that carries the log's entries into the catalogue, behind the acks: applies each group, makes a checkpoint every second, and
//! when the catalogue cannot be written reopens or rebuilds it while the log goes on receiving.
//!
//! Memory is bounded: when more entries wait than [`MOST_ENTRIES`], or the catalogue is down, they are forgotten here and read again from
//! the log ("behind").

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;
use tracing::{error, info, warn};

use crate::{
    CatalogueError, OpenError,
    catalogue::{Catalogue, Checkpoint},
    entry::{Entry, LogPosition},
    metrics::Metrics,
    segment::{
        log::Log,
        queue::FactTicket,
        record::{SEGMENT_HEADER, decode_entry},
        segment::{Depth, Step, WritePin},
    },
};

/// A durable entry on its way into the catalogue.
#[derive(Debug)]
pub(crate) struct Indexed {
    pub(crate) position: LogPosition,
    /// `None`: nothing to apply, only somebody to tell that all before it is.
    pub(crate) entry: Option<Entry>,
    /// Segments that the entry refers to: the catalogue cannot know yet that they live.
    pub(crate) pins: Vec<WritePin>,
    pub(crate) ticket: Option<FactTicket>,
}

/// The way to the indexer. Never blocks the committer.
#[derive(Debug, Default)]
pub(crate) struct IndexQueue {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<Indexed>,
    /// Entries were forgotten: the log has more than `entries`.
    behind: bool,
    /// Who waits for entries that were forgotten.
    tickets: Vec<(LogPosition, FactTicket)>,
    checkpoints: Vec<oneshot::Sender<Result<LogPosition, CatalogueError>>>,
    closed: bool,
    down: Option<String>,
}

/// What the indexer is woken for.
#[derive(Debug, Default)]
struct Work {
    entries: Vec<Indexed>,
    behind: bool,
    checkpoints: Vec<oneshot::Sender<Result<LogPosition, CatalogueError>>>,
    closed: bool,
}

/// Most entries that wait in memory.
const MOST_ENTRIES: usize = 4096;
/// Most entries that are applied in one transaction when they are read from the log.
const BATCH: usize = 512;
/// How often the catalogue is made durable while something comes in.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
/// How often when nothing comes in, so that the running time is not forgotten.
const IDLE_CHECKPOINT_EVERY: Duration = Duration::from_mins(1);
/// How often a catalogue that cannot be opened is tried again.
const REOPEN_EVERY: Duration = Duration::from_secs(1);

impl IndexQueue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands durable entries over, in log order.
    pub(crate) fn push(&self, entries: Vec<Indexed>) {
        let mut state = self.state();
        state.behind |= state.entries.len() + entries.len() > MOST_ENTRIES;
        if state.behind {
            let tickets = entries.into_iter().filter_map(|indexed| Some((indexed.position, indexed.ticket?)));
            state.tickets.extend(tickets);
        } else {
            state.entries.extend(entries);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Asks for a durable checkpoint now.
    pub(crate) fn checkpoint(&self) -> oneshot::Receiver<Result<LogPosition, CatalogueError>> {
        let (ticket, answer) = oneshot::channel();
        self.state().checkpoints.push(ticket);
        self.wake.notify_one();
        answer
    }

    /// Whether the log has entries that are neither applied nor known here: no segment may be called dead meanwhile.
    pub(crate) fn is_behind(&self) -> bool {
        self.state().behind
    }

    /// Why the catalogue cannot be written, if it cannot.
    pub(crate) fn down(&self) -> Option<String> {
        self.state().down.clone()
    }

    /// What waits, for tests without an indexer.
    #[cfg(test)]
    pub(crate) fn drain(&self) -> Vec<Indexed> {
        std::mem::take(&mut self.state().entries)
    }

    /// What came before is still applied; then the last checkpoint is made.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.wake.notify_one();
    }

    fn take(&self, patience: Duration) -> Work {
        let idle = |state: &mut State| state.entries.is_empty() && !state.behind && !state.closed && state.checkpoints.is_empty();
        let (mut state, _) = self.wake.wait_timeout_while(self.state(), patience, idle).unwrap_or_else(PoisonError::into_inner);
        Work {
            entries: std::mem::take(&mut state.entries),
            behind: state.behind,
            checkpoints: std::mem::take(&mut state.checkpoints),
            closed: state.closed,
        }
    }

    /// Forgets what waits here; the log has it.
    fn fall_behind(&self, why: &CatalogueError) {
        let mut state = self.state();
        let entries = std::mem::take(&mut state.entries);
        state.tickets.extend(entries.into_iter().filter_map(|indexed| Some((indexed.position, indexed.ticket?))));
        state.behind = true;
        state.down = Some(why.to_string());
    }

    /// Everything up to `applied` is applied; whoever waited for that is told. Whether that was all is decided by `log_ends_at`, asked while
    /// nothing can be pushed.
    fn caught_up(&self, applied: LogPosition, reached: LogPosition, log: &Log) -> bool {
        let mut state = self.state();
        let (done, waiting) = std::mem::take(&mut state.tickets).into_iter().partition(|(position, _)| *position <= applied.max(reached));
        state.tickets = waiting;
        let done: Vec<(LogPosition, FactTicket)> = done;
        state.behind = reached < log.durable();
        state.down = None;
        let behind = state.behind;
        drop(state);
        tell(done);
        !behind
    }
}

/// Opens the catalogue's files again; an empty catalogue file if `fresh`.
pub(crate) type Reopen = Box<dyn Fn(&Catalogue, bool) -> Result<Checkpoint, OpenError> + Send>;

/// The indexer; [`Self::run`] is its thread.
pub(crate) struct Indexer {
    pub(crate) log: Arc<Log>,
    pub(crate) queue: Arc<IndexQueue>,
    pub(crate) catalogue: Catalogue,
    pub(crate) reopen: Reopen,
    pub(crate) metrics: Metrics,
    /// Everything up to and including this entry is applied.
    pub(crate) applied: LogPosition,
}

impl Indexer {
    /// Works until the queue is closed, then makes the last checkpoint.
    pub(crate) fn run(mut self) {
        let mut checkpointed = (Instant::now(), self.applied);
        loop {
            let every = if self.applied == checkpointed.1 { IDLE_CHECKPOINT_EVERY } else { CHECKPOINT_EVERY };
            let work = self.queue.take(every.saturating_sub(checkpointed.0.elapsed()));
            let done = self.apply(work.entries).and_then(|()| if work.behind { self.catch_up() } else { Ok(()) });
            if let Err(why) = done
                && !self.recover(&why)
            {
                break;
            }
            let every = if self.applied == checkpointed.1 { IDLE_CHECKPOINT_EVERY } else { CHECKPOINT_EVERY };
            if !work.checkpoints.is_empty() || checkpointed.0.elapsed() >= every {
                let done = self.checkpoint();
                work.checkpoints.into_iter().for_each(|ticket| drop(ticket.send(done.clone())));
                checkpointed = (Instant::now(), self.applied);
                if let Err(why) = done
                    && !self.recover(&why)
                {
                    break;
                }
            }
            if work.closed && !self.queue.is_behind() {
                break;
            }
        }
        if let Err(why) = self.catalogue.close(self.applied, self.catalogue.now()) {
            warn!(error = %why, "the last checkpoint failed; the log is replayed at the next start");
        }
        self.give_up();
    }

    fn apply(&mut self, entries: Vec<Indexed>) -> Result<(), CatalogueError> {
        let mut group = Vec::with_capacity(entries.len());
        let mut told = Vec::new();
        let mut pins = Vec::new();
        for indexed in entries {
            if let Some(entry) = indexed.entry {
                group.push((indexed.position, entry));
            }
            told.extend(indexed.ticket.map(|ticket| (indexed.position, ticket)));
            pins.extend(indexed.pins);
        }
        if let Err(why) = self.apply_group(&group) {
            self.queue.fall_behind(&why); // before the pins go: nothing may be called dead now
            self.queue.state().tickets.extend(told);
            return Err(why);
        }
        drop(pins); // from here on the catalogue knows what lives
        tell(told);
        Ok(())
    }

    fn apply_group(&mut self, group: &[(LogPosition, Entry)]) -> Result<(), CatalogueError> {
        let Some((last, _)) = group.last() else { return Ok(()) };
        let began = Instant::now();
        self.catalogue.apply(group)?;
        self.metrics.apply_seconds.observe(began.elapsed().as_secs_f64());
        self.applied = self.applied.max(*last);
        Ok(())
    }

    /// Applies what the log has behind the last applied entry.
    fn catch_up(&mut self) -> Result<(), CatalogueError> {
        loop {
            let reached = self.log.durable();
            let catalogue = self.catalogue.clone();
            let mut applied = self.applied;
            let read = replay(&self.log, self.applied, |group| {
                catalogue.apply(group)?;
                applied = group.last().map_or(applied, |(position, _)| *position);
                Ok(())
            });
            self.applied = self.applied.max(applied);
            read?;
            if self.queue.caught_up(self.applied, reached, &self.log) {
                return Ok(());
            }
        }
    }

    fn checkpoint(&mut self) -> Result<LogPosition, CatalogueError> {
        let number = self.log.checkpoint_begins();
        self.catalogue.checkpoint(self.applied, self.catalogue.now())?;
        self.log.checkpoint_done(number, self.applied);
        self.metrics.checkpoints.inc();
        self.catalogue.check_history()?; // nobody else would open it again: no claim and no release goes on without it
        Ok(self.applied)
    }

    /// Gets a catalogue that works again: reopened, or built anew from the log. `false`: the buffer was closed meanwhile.
    fn recover(&mut self, why: &CatalogueError) -> bool {
        error!(error = %why, "the catalogue cannot be used; receiving goes on");
        self.metrics.catalogue_failures.inc();
        self.queue.fall_behind(why);
        for fresh in [false, true].into_iter().chain(std::iter::repeat(true)) {
            let opened = (self.reopen)(&self.catalogue, fresh).map_err(|error| CatalogueError::Storage(error.to_string()));
            let caught_up = opened.and_then(|checkpoint| {
                self.applied = checkpoint.position;
                self.catch_up()
            });
            match caught_up {
                Ok(()) => {
                    info!(rebuilt = fresh, "the catalogue works again");
                    return true;
                }
                Err(error) => warn!(%error, fresh, "the catalogue still cannot be used"),
            }
            let (state, _) = self
                .queue
                .wake
                .wait_timeout_while(self.queue.state(), REOPEN_EVERY, |state| !state.closed)
                .unwrap_or_else(PoisonError::into_inner);
            if fresh && state.closed {
                return false;
            }
        }
        false
    }

    /// Tells everybody who still waits that the box ends.
    fn give_up(&self) {
        let mut state = self.queue.state();
        state.tickets.drain(..).for_each(|(_, ticket)| drop(ticket.send(Err(CatalogueError::Closing))));
        state.checkpoints.drain(..).for_each(|ticket| drop(ticket.send(Err(CatalogueError::Closing))));
    }
}

/// Tells whoever still waits that the entries up to theirs are applied.
fn tell(done: Vec<(LogPosition, FactTicket)>) {
    for (position, ticket) in done {
        let _ = ticket.send(Ok(position)); // who no longer waits need not be told
    }
}

/// Reads the log's entries at and behind `from` and hands them over in groups. Answers how many there were.
pub(crate) fn replay(
    log: &Log,
    from: LogPosition,
    mut apply: impl FnMut(&[(LogPosition, Entry)]) -> Result<(), CatalogueError>,
) -> Result<u64, CatalogueError> {
    let (mut group, mut count) = (Vec::new(), 0);
    for (segment, end) in log.since(from) {
        let start = if segment.epoch == from.epoch { from.offset } else { SEGMENT_HEADER };
        for step in segment.walk(start, end, Depth::Entries) {
            // What is bad here was found and reported at recovery, or will be by the scrub; the rest counts.
            let Step::Record { at, header, payload } = step else { continue };
            let Ok(Some(entry)) = decode_entry(header.kind, &payload) else { continue };
            group.push((LogPosition { epoch: segment.epoch, offset: at }, entry));
            if group.len() == BATCH {
                apply(&group)?;
                count += group.len() as u64;
                group.clear();
            }
        }
    }
    if !group.is_empty() {
        apply(&group)?;
    }
    Ok(count + group.len() as u64)
}
