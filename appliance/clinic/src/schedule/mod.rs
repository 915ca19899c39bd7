//! Jobs that run by the clock: clean-up at night, report sync every five minutes, and what else the box must not forget.
//!
//! A job is a cron pattern in the site's time zone and a closure that the composition root gives; what it does is not known here.
//!
//! - A job never runs beside itself, and one that hangs is cut off after its `longest`.
//! - After sleep, a long run or a jump of the clock a job runs once, however many of its times have passed; a clock that jumps back lets no
//!   job run twice for the same time.
//! - What a job was last told and how it ended is kept in `clinic.redb`; a daily job whose time passed while the box was off runs a minute
//!   after the start.

mod plan;
mod record;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::tz::TimeZone;
use relaypacs_domain::{Clock, Timestamp};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::Store;
pub use plan::PatternError;
use plan::Plan;
use record::Run;

/// The wall clock is looked at again at least this often: it may jump, and the machine may have slept.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// A job missed while the box was off runs this long after the start.
const SETTLE: Duration = Duration::from_mins(1);
/// Longest text of a result that is kept, in characters.
const MAX_RESULT: usize = 200;

/// What a job's closure gives: what it did, or why it failed, each in a short sentence without patient data.
pub type Outcome = Result<String, String>;
/// A job's work.
pub type Work = dyn Fn() -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync;

/// A job.
#[derive(Clone)]
pub struct Job {
    name: &'static str,
    plan: Plan,
    longest: Duration,
    work: Arc<Work>,
}

impl Job {
    /// A job named `name` (lower case, words joined by hyphens) at the times of a cron `pattern` (five fields: minute, hour, day of the month,
    /// month, day of the week).
    pub fn new<F>(name: &'static str, pattern: &str, work: impl Fn() -> F + Send + Sync + 'static) -> Result<Self, PatternError>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let work: Arc<Work> = Arc::new(move || Box::pin(work()));
        Ok(Self { name, plan: Plan::new(pattern)?, longest: Duration::from_hours(1), work })
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Does its work now, once, whatever the time. A panic in it, and running longer than it may, are failures.
    pub async fn run(&self) -> Outcome {
        let mut task = JoinSet::new();
        task.spawn((self.work)());
        match tokio::time::timeout(self.longest, task.join_next()).await {
            Ok(Some(Ok(outcome))) => outcome,
            Ok(Some(Err(_)) | None) => Err("it broke off".into()),
            Err(_) => Err(format!("it took longer than {} s and was cut off", self.longest.as_secs())),
        }
    }

    /// Cuts it off after this time instead of an hour.
    #[must_use]
    pub fn at_most(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("name", &self.name).field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// How a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStatus {
    /// Its name.
    pub job: &'static str,
    /// When it last began.
    pub last_run: Option<Timestamp>,
    /// How that ended: `ok: …` or `failed: …`; nothing while the first run is under way.
    pub result: Option<String>,
    /// Whether it runs now.
    pub running: bool,
    /// When it runs next; `None` for a pattern that never comes again.
    pub next_run: Option<Timestamp>,
}

/// The jobs of the box. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Schedule(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Clock,
    zone: TimeZone,
    jobs: Mutex<Vec<Entry>>,
    changed: watch::Sender<()>,
}

#[derive(Clone)]
struct Entry {
    job: Job,
    last: Option<Run>,
    running: bool,
    next: Option<Timestamp>,
}

impl Schedule {
    /// A schedule without jobs, whose patterns mean times in `zone`.
    pub fn new(store: Store, clock: Clock, zone: TimeZone) -> Self {
        Self(Arc::new(Inner { store, clock, zone, jobs: Mutex::default(), changed: watch::Sender::new(()) }))
    }

    /// Adds a job. To be called before [`Self::run`]; a second one of the same name replaces the first.
    pub fn add(&self, job: Job) {
        let last = record::read(&self.0.store, job.name).unwrap_or_else(|error| {
            tracing::warn!(job = job.name, %error, "what a job last did cannot be read");
            None
        });
        let next = job.plan.next(self.0.clock.now(), last.as_ref().map(|run| run.due), &self.0.zone);
        let mut jobs = self.jobs();
        jobs.retain(|entry| entry.job.name != job.name);
        jobs.push(Entry { job, last, running: false, next });
    }

    /// How every job stands, in the order in which they were added.
    pub fn status(&self) -> Vec<JobStatus> {
        let status = |entry: &Entry| JobStatus {
            job: entry.job.name,
            last_run: entry.last.as_ref().map(|run| run.began),
            result: entry.last.as_ref().and_then(|run| run.result.clone()),
            running: entry.running,
            next_run: entry.next,
        };
        self.jobs().iter().map(status).collect()
    }

    /// Tells of every change of a job's standing.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.0.changed.subscribe()
    }

    /// Runs the jobs until `stop`; what is under way then is cut off.
    pub async fn run(&self, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        for entry in self.jobs().clone() {
            let (schedule, stop) = (self.clone(), stop.clone());
            tasks.spawn(async move { stop.run_until_cancelled(schedule.keep(entry.job)).await });
        }
        stop.cancelled().await;
        tasks.shutdown().await;
        tracing::info!("the schedule ended");
    }

    /// One job, again and again.
    async fn keep(&self, job: Job) {
        let last = self.entry(job.name, |entry| entry.last.clone()).flatten();
        let mut due = last.as_ref().map(|run| run.due);
        let missed = job.plan.missed(self.0.clock.now(), due, &self.0.zone);
        if let Some(at) = missed {
            tokio::time::sleep(SETTLE).await;
            self.run_once(&job, at).await;
            due = Some(at);
        }
        loop {
            let Some(at) = self.wait(&job, due).await else { return };
            self.run_once(&job, at).await;
            due = Some(at);
        }
    }

    /// Waits until the job's next time by the wall clock has come; gives that time. `None`: it never comes.
    async fn wait(&self, job: &Job, due: Option<Timestamp>) -> Option<Timestamp> {
        let mut planned = self.entry(job.name, |entry| entry.next).flatten();
        loop {
            let now = self.0.clock.now();
            // A clock set right may bring the next time nearer; it never pushes back one that was planned.
            let fresh = job.plan.next(now, due, &self.0.zone)?;
            let at = planned.map_or(fresh, |planned: Timestamp| planned.min(fresh));
            if planned != Some(at) {
                planned = Some(at);
                self.entry(job.name, |entry| entry.next = Some(at));
                self.0.changed.send_replace(());
            }
            if at <= now {
                return Some(at);
            }
            let left = Duration::from_millis((at.as_millis() - now.as_millis()).unsigned_abs());
            tokio::time::sleep(left.min(LOOK_EVERY)).await;
        }
    }

    async fn run_once(&self, job: &Job, due: Timestamp) {
        let began = self.0.clock.now();
        // After a jump or a sleep the times that passed count as this one.
        let due = due.max(job.plan.latest(began, &self.0.zone).unwrap_or(due));
        self.entry(job.name, |entry| {
            entry.running = true;
            entry.next = job.plan.next(began, Some(due), &self.0.zone);
        });
        self.0.changed.send_replace(());
        tracing::info!(job = job.name, "a job begins");
        let outcome = job.run().await;
        let result = match &outcome {
            Ok(text) => format!("ok: {text}"),
            Err(text) => format!("failed: {text}"),
        };
        let result: String = result.chars().take(MAX_RESULT).collect();
        if outcome.is_ok() {
            tracing::info!(job = job.name, result, "a job ended");
        } else {
            tracing::error!(job = job.name, result, "a job failed");
        }
        let run = Run { due, began, result: Some(result) };
        if let Err(error) = record::write(&self.0.store, job.name, run.clone()).await {
            tracing::warn!(job = job.name, %error, "what a job did cannot be kept");
        }
        self.entry(job.name, |entry| {
            entry.running = false;
            entry.last = Some(run);
        });
        self.0.changed.send_replace(());
    }

    fn jobs(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry<T>(&self, name: &str, act: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        self.jobs().iter_mut().find(|entry| entry.job.name == name).map(act)
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schedule").field(&self.status()).finish()
    }
}
