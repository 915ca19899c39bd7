//! What goes next to one destination: takes work from the buffer's outbox as soon as there is any, highest service level and oldest first
//! (the outbox's order), within the destination's limits.
//!
//! - A batch that is not full waits until its oldest instance has waited 500 ms (100 ms when urgent), so that a study that trickles in is
//!   not sent one instance a request; meanwhile other work goes on. A batch of half the allowed size goes at once.
//! - With two or more parallel requests one is kept for urgent studies.
//! - While the destination is down or refuses, nothing is claimed but single instances to try it; what passed its horizon is held.
//!
//! It keeps nothing that must survive: a claim that is dropped goes back to the outbox.

use std::{collections::HashMap, sync::Arc, time::Duration};

use relaypacs_buffer::{Buffer, Claim, ClaimLimits, ClaimedInstance};
use relaypacs_domain::{EventKind, Failure, FailureCode, ObjectId, ServiceLevel, Verdict};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::{self, JoinError, JoinSet},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    breaker::Permit,
    content::{Contents, Part},
    destination::{Destination, Gated, is_urgent},
    outcome::{Item, Outcome},
};

/// The task of one destination.
pub(crate) struct Planner {
    destination: Arc<Destination>,
    buffer: Buffer,
    contents: Arc<dyn Contents>,
    jobs: JoinSet<()>,
    kinds: HashMap<task::Id, Job>,
    gathering: Option<Gathering>,
    /// On the clock of the box, which tests move.
    last_sweep: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Batch,
    Probe,
    Sweep,
}

/// Small young batches that wait for more of their kind.
struct Gathering {
    claims: Vec<Claim>,
    until: Instant,
}

/// Until when there is nothing to do, unless something happens.
const LONG: Duration = Duration::from_secs(30);

impl Planner {
    const GATHER: Duration = Duration::from_millis(500);
    const GATHER_URGENT: Duration = Duration::from_millis(100);
    /// Most small batches that wait at once.
    const MOST_GATHERING: usize = 16;
    const MAX_INSTANCES: usize = 1000;
    /// A destination that has been silent this long is probed.
    const SILENCE: Duration = Duration::from_mins(1);
    const SWEEP_EVERY: Duration = Duration::from_mins(1);
    /// How long batches in flight may take at the end.
    const DRAIN: Duration = Duration::from_secs(15);

    pub(crate) fn new(destination: Arc<Destination>, buffer: Buffer) -> Self {
        Self {
            destination,
            contents: Arc::new(buffer.clone()),
            buffer,
            jobs: JoinSet::new(),
            kinds: HashMap::new(),
            gathering: None,
            last_sweep: None,
        }
    }

    /// The same with data sets from elsewhere, for tests.
    #[cfg(test)]
    fn with_contents(self, contents: Arc<dyn Contents>) -> Self {
        Self { contents, ..self }
    }

    /// Works until `stop`, then lets batches in flight end for a while.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut work = self.buffer.work();
        let destination = self.destination.clone();
        destination.abandoned(); // a planner that panicked took its jobs with it
        while !stop.is_cancelled() {
            work.mark_unchanged();
            let wait = self.step();
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                Some(ended) = self.jobs.join_next_with_id() => self.ended(ended),
                () = destination.wake.notified() => {}
                () = sleep(wait) => {}
                changed = work.changed() => if changed.is_err() { break },
            }
        }
        drop(self.gathering.take());
        let drained = timeout(Self::DRAIN, async {
            while let Some(ended) = self.jobs.join_next_with_id().await {
                self.ended(ended);
            }
        });
        if drained.await.is_err() {
            warn!(destination = %self.destination.name, "requests in flight were broken off at the end; they are repeated after the next start");
        }
    }

    /// Starts all that may be started now; says how long there is nothing else to do.
    fn step(&mut self) -> Duration {
        loop {
            let permit = match self.destination.permit() {
                Gated::PausedByOperator => {
                    self.gathering = None;
                    return LONG;
                }
                Gated::Open(permit) => permit,
            };
            let wait = match permit {
                Permit::Send => self.send(),
                Permit::Trial => Some(self.trial()),
                Permit::Probe => {
                    self.spawn(Job::Probe, probe(self.destination.clone(), self.buffer.clone()));
                    Some(LONG)
                }
                Permit::Wait(wait) => Some(wait.min(LONG)),
            };
            if permit != Permit::Send {
                self.gathering = None;
                self.sweep();
            }
            if let Some(wait) = wait {
                return wait;
            }
        }
    }

    /// Starts one batch; `None`: there may be more to start.
    fn send(&mut self) -> Option<Duration> {
        let ripe = self.gathering.as_ref().is_some_and(|gathering| Instant::now() >= gathering.until);
        if ripe {
            self.gathering = None; // they go back, and come again together with what has arrived meanwhile
        }
        let (batches, most) = (self.batches(), self.destination.max_requests);
        let ordinary = most.max(2) - 1;
        if batches >= most {
            return Some(LONG);
        }
        let only_urgent = batches >= ordinary;
        let limits = ClaimLimits {
            max_bytes: self.destination.size.current(),
            max_instances: Self::MAX_INSTANCES,
            at_least: only_urgent.then_some(ServiceLevel::Emergency),
        };
        match self.claim(limits) {
            Err(wait) => Some(wait),
            Ok(None) => Some(self.idle(only_urgent)),
            Ok(Some(claim)) => {
                let wait = if ripe { None } else { self.too_small(&claim) };
                if let Some(wait) = wait {
                    self.gather(claim, wait)
                } else {
                    self.start(claim);
                    None
                }
            }
        }
    }

    /// How long a batch should still wait for more; `None`: it goes now.
    fn too_small(&self, claim: &Claim) -> Option<Duration> {
        let bytes: u64 = claim.items.iter().map(|item| item.bytes).sum();
        if bytes >= self.destination.size.current() / 2 || claim.items.len() >= Self::MAX_INSTANCES / 2 {
            return None;
        }
        let patience = if is_urgent(claim.service_level) { Self::GATHER_URGENT } else { Self::GATHER };
        let waited = claim.items.iter().map(|item| item.pending_for).max().unwrap_or(patience);
        patience.checked_sub(waited).filter(|rest| !rest.is_zero())
    }

    /// Lets a small batch wait; other work may go on.
    fn gather(&mut self, claim: Claim, wait: Duration) -> Option<Duration> {
        let until = Instant::now() + wait;
        let gathering = self.gathering.get_or_insert_with(|| Gathering { claims: Vec::new(), until });
        gathering.until = gathering.until.min(until);
        gathering.claims.push(claim);
        (gathering.claims.len() >= Self::MOST_GATHERING).then(|| gathering.until - Instant::now())
    }

    /// Nothing can be claimed now: when to look again.
    fn idle(&mut self, only_urgent: bool) -> Duration {
        if let Some(gathering) = &self.gathering {
            return gathering.until.saturating_duration_since(Instant::now());
        }
        if only_urgent {
            return Duration::from_secs(1); // urgent retries become due by time too
        }
        let silent = self.destination.silent_for();
        let probe_in = silent.map_or(Duration::ZERO, |silent| Self::SILENCE.saturating_sub(silent));
        if probe_in.is_zero() && self.batches() == 0 && !self.has(Job::Probe) {
            self.spawn(Job::Probe, probe(self.destination.clone(), self.buffer.clone()));
        }
        match self.buffer.next_due(&self.destination.name) {
            Ok(Some(due)) => due.clamp(Duration::from_millis(5), LONG),
            Ok(None) => LONG,
            Err(error) => self.catalogue_fault(&error),
        }
    }

    /// One instance, to see whether the destination does its work again.
    fn trial(&mut self) -> Duration {
        let one = ClaimLimits { max_bytes: self.destination.size.current(), max_instances: 1, at_least: None };
        let claimed = if self.batches() == 0 { self.claim_trial(one) } else { Ok(None) };
        match claimed {
            Ok(Some(claim)) => {
                self.start(claim);
                LONG
            }
            Ok(None) => {
                self.destination.unused();
                let due = self.buffer.next_due(&self.destination.name).ok().flatten();
                due.unwrap_or(LONG).clamp(Duration::from_millis(100), LONG)
            }
            Err(wait) => {
                self.destination.unused();
                wait
            }
        }
    }

    /// Once a minute while nothing can be sent: holds what has waited beyond its horizon.
    fn sweep(&mut self) {
        let now = self.destination.clock.boot();
        let due = self.last_sweep.is_none_or(|last| now.saturating_sub(last) >= Self::SWEEP_EVERY);
        if due && !self.has(Job::Sweep) {
            self.last_sweep = Some(now);
            self.spawn(Job::Sweep, hold_overdue(self.destination.clone(), self.buffer.clone()));
        }
    }

    fn claim(&self, limits: ClaimLimits) -> Result<Option<Claim>, Duration> {
        waiting_on_disk(|| self.buffer.claim(&self.destination.name, limits)).map_err(|error| self.catalogue_fault(&error))
    }

    /// What is to show whether the destination takes anything: rather not of a study that it has refused.
    fn claim_trial(&self, one: ClaimLimits) -> Result<Option<Claim>, Duration> {
        let refused = self.destination.refused_studies();
        let other = waiting_on_disk(|| self.buffer.claim_other(&self.destination.name, one, &refused));
        match other.map_err(|error| self.catalogue_fault(&error))? {
            None if !refused.is_empty() => self.claim(one),
            other => Ok(other),
        }
    }

    fn catalogue_fault(&self, error: &relaypacs_buffer::CatalogueError) -> Duration {
        warn!(destination = %self.destination.name, %error, "the outbox cannot be read; trying again");
        Duration::from_secs(1)
    }

    fn start(&mut self, claim: Claim) {
        let work = deliver(self.destination.clone(), self.buffer.clone(), self.contents.clone(), claim);
        self.spawn(Job::Batch, work);
        self.destination.metrics.in_flight(&self.destination.name, self.batches());
    }

    fn spawn(&mut self, kind: Job, work: impl Future<Output = ()> + Send + 'static) {
        let id = self.jobs.spawn(work).id();
        self.kinds.insert(id, kind);
    }

    fn batches(&self) -> usize {
        self.kinds.values().filter(|kind| **kind == Job::Batch).count()
    }

    fn has(&self, kind: Job) -> bool {
        self.kinds.values().any(|k| *k == kind)
    }

    /// A job ended. A panic in it harms nobody else: its claim went back when it was dropped.
    fn ended(&mut self, ended: Result<(task::Id, ()), JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        let kind = self.kinds.remove(&id);
        if let Err(error) = ended
            && error.is_panic()
        {
            error!(destination = %self.destination.name, "a delivery panicked; its instances are tried again");
            let failure = Failure::new(FailureCode::Io, "an internal fault; see the log");
            let outcome = Outcome { verdicts: Vec::new(), signal: crate::breaker::Signal::Failed, failure: Some(failure) };
            // the breaker slows a delivery that panics again and again
            let _ = self.destination.report(&outcome);
            self.destination.abandoned();
        }
        if kind == Some(Job::Batch) {
            self.destination.metrics.in_flight(&self.destination.name, self.batches());
        }
    }
}

async fn probe(destination: Arc<Destination>, buffer: Buffer) {
    let event = destination.probe().await;
    tell(&destination, &buffer, event).await;
}

/// Delivers one claim and records what came of it.
async fn deliver(destination: Arc<Destination>, buffer: Buffer, contents: Arc<dyn Contents>, claim: Claim) {
    let began = Instant::now();
    let items: Vec<Item> = claim.items.iter().map(item).collect();
    let (study, level) = (claim.study.clone(), claim.service_level);
    let bytes: u64 = items.iter().map(|item| item.part.bytes).sum();
    let instances = items.len();
    let outcome = destination.deliver(items, study.clone(), level, contents).await;
    let event = destination.report(&outcome);
    log(&destination, study.as_ref(), instances, bytes, began.elapsed(), &outcome);
    settle(&destination, &buffer, claim, outcome.verdicts).await;
    tell(&destination, &buffer, event).await;
}

/// Records what came of a claim; `false`: it could not be, and the destination gets nothing for a while.
async fn settle(destination: &Destination, buffer: &Buffer, claim: Claim, verdicts: Vec<(ObjectId, Verdict)>) -> bool {
    for (_, verdict) in &verdicts {
        destination.metrics.settled(&destination.name, verdict);
    }
    let recorded = buffer.settle(claim, verdicts).await;
    let pause = destination.recorded(recorded.as_ref().err());
    if let Err(error) = &recorded {
        // nothing is lost: the instances go back to the outbox and are sent again
        error!(destination = %destination.name, %error, pause_s = pause.as_secs(), "what became of a batch could not be recorded");
    }
    recorded.is_ok()
}

/// Runs what waits for the disk where that holds nobody else up.
fn waiting_on_disk<T>(work: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => task::block_in_place(work),
        _ => work(), // tests
    }
}

/// Records that a destination went down or came back.
pub(crate) async fn tell(destination: &Destination, buffer: &Buffer, event: Option<EventKind>) {
    let Some(event) = event else { return };
    if let EventKind::DestinationDown { .. } = &event {
        let why = destination.health().last_error.map(|failure| failure.detail).unwrap_or_default();
        warn!(destination = %destination.name, why, "destination down");
    } else {
        info!(destination = %destination.name, "destination up");
    }
    if let Err(error) = buffer.record_event(event).await {
        warn!(destination = %destination.name, %error, "an event could not be recorded");
    }
}

/// Holds what has waited beyond its horizon, study by study, until there is no more.
async fn hold_overdue(destination: Arc<Destination>, buffer: Buffer) {
    let (name, horizon) = (&destination.name, destination.backoff.horizon());
    let away = || Failure::new(FailureCode::Connect, "the destination was away all the time");
    while let Ok(Some(claim)) = waiting_on_disk(|| buffer.claim_overdue(name, horizon, Planner::MAX_INSTANCES)) {
        let why = destination.health().last_error.unwrap_or_else(away);
        let verdicts: Vec<_> = claim.items.iter().map(|claimed| (claimed.object, item(claimed).overdue(&why))).collect();
        warn!(destination = %name, study = claim.study.as_ref().map(tracing::field::display), instances = verdicts.len(), "held: the retry horizon has passed");
        if !settle(&destination, &buffer, claim, verdicts).await {
            return;
        }
    }
}

fn item(claimed: &ClaimedInstance) -> Item {
    Item {
        part: Part { object: claimed.object, identity: claimed.identity.clone(), bytes: claimed.bytes, sha256: claimed.sha256 },
        attempts: claimed.attempts,
        last_failure: claimed.last_failure,
        pending_for: claimed.pending_for,
        later_version: claimed.later_version,
        other_versions: claimed.other_versions,
    }
}

/// One line a batch.
fn log(destination: &Destination, study: Option<&relaypacs_domain::Uid>, instances: usize, bytes: u64, took: Duration, outcome: &Outcome) {
    let count = |fits: fn(&Verdict) -> bool| outcome.verdicts.iter().filter(|(_, verdict)| fits(verdict)).count();
    let proven = count(|verdict| matches!(verdict, Verdict::Proven(_)));
    let again = count(|verdict| matches!(verdict, Verdict::Retry { .. }));
    let held = count(|verdict| matches!(verdict, Verdict::Hold(..)));
    let study = study.map_or("unknown", relaypacs_domain::Uid::as_str);
    let (name, seconds) = (&destination.name, took.as_secs_f64());
    match &outcome.failure {
        None => info!(destination = %name, study, instances, bytes, seconds, proven, "batch delivered"),
        Some(failure) => warn!(
            destination = %name, study, instances, bytes, seconds, proven, again, held,
            code = failure.code.name(), why = failure.detail, "batch not all delivered"
        ),
    }
}

#[cfg(test)]
mod tests;
