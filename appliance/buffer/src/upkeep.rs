//! The background work of a buffer, on one named thread: rounds of bounded steps, one a second, sooner while there is something to do.

#[cfg(test)]
mod tests;

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use prometheus_client::metrics::counter::Counter;

use crate::{
    CatalogueError, ScrubReport,
    catalogue::Catalogue,
    entry::{BufferTime, Entry, Note},
    operations::follow_routing,
    reclaim::Reclaim,
    scrub::Pass,
    segment::LogHandle,
    watermarks::Level,
};

/// How the upkeep works.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UpkeepSettings {
    /// How long objects stay after the last proof.
    pub(crate) retention: Duration,
    /// How long the history remembers.
    pub(crate) history: Duration,
    /// Size of a segment file.
    pub(crate) segment_bytes: u64,
}

/// The way to the upkeep's thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct Upkeep {
    signal: Arc<(Mutex<Signal>, Condvar)>,
}

#[derive(Debug, Default)]
struct Signal {
    stopped: bool,
}

/// The work itself.
pub(crate) struct Keeper {
    catalogue: Catalogue,
    log: LogHandle,
    settings: UpkeepSettings,
    reclaim: Reclaim,
    runtime: tokio::runtime::Runtime,
    level: Level,
    scrub: Option<Pass>,
    next_scrub: Duration,
    objects_before: u64,
    routed: (usize, u64),
}

/// The longest pause between rounds.
const PAUSE: Duration = Duration::from_secs(1);
/// The pause after a round that found something to do.
const SHORT_PAUSE: Duration = Duration::from_millis(20);
/// The pause after a panic, at first and at most.
const FIRST_RESTART: Duration = Duration::from_millis(100);
const LONGEST_RESTART: Duration = Duration::from_mins(1);
/// Bytes read back in a round, about.
const SCRUB_BYTES: u64 = 1 << 20;
/// The pause between two passes of the scrub.
const SCRUB_PAUSE: Duration = Duration::from_hours(24);
/// Events that stay in the catalogue for live views; all are in the history.
const EVENTS_KEPT: u64 = 10_000;
/// Rows of a kind that one step touches.
const STEP: usize = 1000;
/// More new objects than this since the last round: the box is busy, and compaction waits unless room is scarce.
const BUSY_OBJECTS: u64 = 20;

impl Upkeep {
    /// Starts the thread. `make` gives what does a round; when a round panics, that is thrown away, counted, and another one made, more slowly
    /// each time: log and catalogue are whole, since each of their steps is.
    pub(crate) fn start<R: FnMut() -> bool>(
        &self,
        mut make: impl FnMut() -> io::Result<R> + Send + 'static,
        restarts: Counter,
    ) -> io::Result<JoinHandle<()>> {
        let upkeep = self.clone();
        std::thread::Builder::new().name("relaypacs-upkeep".into()).spawn(move || {
            let (mut after_panic, mut round) = (FIRST_RESTART, None);
            let mut pause = PAUSE;
            while upkeep.wait(pause) {
                let step = || -> io::Result<bool> {
                    let round = match &mut round {
                        Some(round) => round,
                        none => none.insert(make()?),
                    };
                    Ok(round())
                };
                pause = match catch_unwind(AssertUnwindSafe(step)) {
                    Ok(Ok(true)) => SHORT_PAUSE,
                    Ok(Ok(false)) => PAUSE,
                    Ok(Err(error)) => {
                        tracing::error!(%error, "the upkeep cannot start; it is tried again");
                        LONGEST_RESTART
                    }
                    Err(_) => {
                        tracing::error!(pause_s = after_panic.as_secs_f64(), "the upkeep of the buffer panicked; it starts again");
                        restarts.inc();
                        round = None;
                        let pause = after_panic;
                        after_panic = (pause * 2).min(LONGEST_RESTART);
                        pause
                    }
                };
            }
        })
    }

    /// Ends the thread after the step it is at.
    pub(crate) fn stop(&self) {
        self.signal().stopped = true;
        self.signal.1.notify_one();
    }

    fn signal(&self) -> MutexGuard<'_, Signal> {
        self.signal.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the next round; `false`: it is to end.
    fn wait(&self, pause: Duration) -> bool {
        let waited = self.signal.1.wait_timeout_while(self.signal(), pause, |signal| !signal.stopped);
        let (signal, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !signal.stopped
    }
}

/// Does a bounded piece of work; answers whether there is more.
type Step = fn(&mut Keeper) -> Result<bool, CatalogueError>;

impl Keeper {
    pub(crate) fn new(catalogue: Catalogue, log: LogHandle, settings: UpkeepSettings) -> io::Result<Self> {
        let reclaim = Reclaim::new(catalogue.clone(), log.clone(), settings.retention, settings.segment_bytes)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        Ok(Self {
            catalogue,
            log,
            settings,
            reclaim,
            runtime,
            level: Level::Enough,
            scrub: None,
            next_scrub: Duration::ZERO,
            objects_before: 0,
            routed: (0, 0),
        })
    }

    /// One bounded step of each kind of work. Answers whether there is more to do at once.
    pub(crate) fn round(&mut self) -> bool {
        let steps: [(&str, Step); 8] = [
            ("watching the marks", Self::watch_marks),
            ("copying events", Self::copy_events),
            ("releasing", Self::release),
            ("freeing segments", Self::free),
            ("compacting", Self::compact),
            ("following the routing", Self::route),
            ("forgetting history", Self::forget),
            ("scrubbing", Self::scrub),
        ];
        let mut more = false;
        for (what, step) in steps {
            match step(self) {
                Ok(again) => more |= again,
                Err(CatalogueError::Closing) => return false,
                Err(error) => {
                    tracing::warn!(%error, "{what} failed; it is tried again");
                    if self.log.index.down().is_none() {
                        drop(self.log.index.checkpoint()); // looks whether the files still work, and opens them again
                    }
                }
            }
        }
        more
    }

    fn watch_marks(&mut self) -> Result<bool, CatalogueError> {
        let room = self.log.usage();
        let level = self.catalogue.marks().look(room.used, room.total);
        self.catalogue.marks().note(self.catalogue.clock().boot(), room.used);
        if let Some(kind) = level.event_after(self.level) {
            tracing::warn!(?level, used = room.used, total = room.total, "room for the buffer");
            self.log.append_blocking(Entry::Note(Note::Happened { at: self.catalogue.clock().now(), kind }))?;
        }
        self.level = level;
        Ok(false)
    }

    fn copy_events(&mut self) -> Result<bool, CatalogueError> {
        let copied = self.catalogue.copy_events(STEP)?;
        self.catalogue.prune_events(EVENTS_KEPT, STEP)?;
        Ok(copied >= STEP)
    }

    fn release(&mut self) -> Result<bool, CatalogueError> {
        let dead = self.reclaim.release_dead()?;
        let settled = self.reclaim.release_settled(self.level)?;
        Ok(dead + settled > 0)
    }

    fn free(&mut self) -> Result<bool, CatalogueError> {
        let freed = self.reclaim.free_segments(self.level)?;
        if freed > 0 && self.level > Level::Enough {
            self.log.checkpoint_blocking()?;
        }
        Ok(freed > 0)
    }

    fn compact(&mut self) -> Result<bool, CatalogueError> {
        let objects = self.catalogue.next_object()?;
        let busy = objects.saturating_sub(self.objects_before) > BUSY_OBJECTS;
        self.objects_before = objects;
        if busy && self.level == Level::Enough { Ok(false) } else { self.reclaim.compact() }
    }

    /// Mends what slipped past a change of the routing.
    fn route(&mut self) -> Result<bool, CatalogueError> {
        if !self.catalogue.routing_is_known() {
            return Ok(false);
        }
        let state = (Arc::as_ptr(&self.catalogue.routing()) as usize, self.catalogue.unrouted()?);
        if self.routed != state && state.1 > 0 {
            self.runtime.block_on(follow_routing(&self.catalogue, &self.log))?;
        }
        self.routed = (state.0, self.catalogue.unrouted()?);
        Ok(false)
    }

    fn forget(&mut self) -> Result<bool, CatalogueError> {
        let before = BufferTime(self.catalogue.now().0.saturating_sub(self.settings.history));
        Ok(before > BufferTime::default() && self.catalogue.forget(before, STEP)? > 0)
    }

    fn scrub(&mut self) -> Result<bool, CatalogueError> {
        let now = self.catalogue.clock().boot();
        if self.scrub.is_none() && now < self.next_scrub {
            return Ok(false);
        }
        let pass = self.scrub.get_or_insert_default();
        if !pass.step(&self.catalogue, &self.log, SCRUB_BYTES, &mut ScrubReport::default())? {
            self.scrub = None;
            self.next_scrub = now + SCRUB_PAUSE;
        }
        Ok(false)
    }
}
