//! The forwarder: all destinations, each with its own supervised task.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use relaypacs_buffer::{Buffer, CatalogueError};
use relaypacs_domain::{Clock, DestinationName, Routing};
use tokio::{sync::watch, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{
    config::{ConfigError, DestinationConfig},
    destination::{Destination, check_files},
    health::{DestinationHealth, EchoReport},
    metrics::Metrics,
    planner::{Planner, tell},
};

/// Sends what the buffer holds to where it belongs. Cheap to clone; all clones are one forwarder.
#[derive(Clone)]
pub struct Forwarder(Arc<Inner>);

struct Inner {
    buffer: Buffer,
    clock: Clock,
    destinations: RwLock<Vec<Entry>>,
    /// Wakes [`Forwarder::run`] when destinations came or went.
    changed: watch::Sender<()>,
    metrics: Metrics,
}

/// A destination and what ends its task.
#[derive(Clone)]
struct Entry {
    destination: Arc<Destination>,
    stop: CancellationToken,
}

impl Entry {
    fn new(destination: Destination) -> Self {
        Self { destination: Arc::new(destination), stop: CancellationToken::new() }
    }
}

/// Why the destinations were not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It is configured wrongly.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Who goes where could not be written: the change is in force and is written with the next start.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

impl Forwarder {
    /// Checks the configuration; nothing is sent yet. Names must differ. A destination whose files (secrets, certificates) cannot be read is
    /// down until they can. What an operator has paused stays paused.
    pub fn new(buffer: Buffer, clock: Clock, destinations: Vec<DestinationConfig>) -> Result<Self, ConfigError> {
        let (metrics, paused) = (Metrics::default(), buffer.paused());
        let mut names = HashSet::new();
        let mut built = Vec::with_capacity(destinations.len());
        for config in destinations {
            if !names.insert(config.name.clone()) {
                let (destination, value) = (config.name.clone(), Some(config.name.to_string()));
                return Err(ConfigError { destination, field: "name".into(), value, rule: "is used twice".into() });
            }
            let destination = Destination::new(config.checked()?, metrics.clone(), clock.clone());
            if paused.contains(&destination.name) {
                info!(destination = %destination.name, "an operator has paused the destination; nothing is sent to it until it is resumed");
                destination.pause();
            }
            built.push(Entry::new(destination));
        }
        Ok(Self(Arc::new(Inner { buffer, clock, destinations: RwLock::new(built), changed: watch::Sender::new(()), metrics })))
    }

    /// Adds a destination, or puts another one of the same name in its place; what is held is matched again. Requests in flight of one that
    /// is replaced end.
    pub async fn put(&self, config: &DestinationConfig) -> Result<(), ChangeError> {
        let destination = Destination::new(config.checked()?, self.0.metrics.clone(), self.0.clock.clone());
        if self.0.buffer.paused().contains(&destination.name) {
            destination.pause();
        }
        self.change(|all| {
            let entry = Entry::new(destination);
            match all.iter_mut().find(|known| known.destination.name == entry.destination.name) {
                Some(known) => std::mem::replace(known, entry).stop.cancel(),
                None => all.push(entry),
            }
        });
        Ok(self.0.buffer.set_routing(self.routing()).await?)
    }

    /// Takes a destination away; requests in flight end, and what waits for it is held. `false`: there is no such destination.
    pub async fn remove(&self, name: &DestinationName) -> Result<bool, CatalogueError> {
        let mut found = false;
        self.change(|all| {
            all.retain(|entry| {
                let is_it = entry.destination.name == *name;
                if is_it {
                    entry.stop.cancel();
                    found = true;
                }
                !is_it
            });
        });
        if found {
            self.0.buffer.set_routing(self.routing()).await?;
        }
        Ok(found)
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Entry>)) {
        change(&mut self.0.destinations.write().unwrap_or_else(PoisonError::into_inner));
        self.0.changed.send_replace(());
    }

    /// Whether a destination could be used: its rules are checked, its secrets, certificates and keys read, nothing is sent. To be called as
    /// the user the box runs as; another one may not read the secrets.
    pub fn check(destination: &DestinationConfig) -> Result<(), ConfigError> {
        check_files(&destination.checked()?)
    }

    /// Which objects go where, for [`Buffer::set_routing`].
    pub fn routing(&self) -> Routing {
        Routing(self.all().into_iter().map(|destination| (destination.name.clone(), destination.matching.clone())).collect())
    }

    /// Forwards until `stop`; then lets requests in flight end for at most 15 s. A destination's task that panics is started again; no
    /// other destination notices.
    pub async fn run(&self, stop: CancellationToken) {
        let (mut tasks, mut running) = (JoinSet::new(), Vec::<Arc<Destination>>::new());
        let mut changed = self.0.changed.subscribe();
        while !stop.is_cancelled() {
            let wanted = self.entries();
            running.retain(|old| wanted.iter().any(|entry| Arc::ptr_eq(&entry.destination, old)));
            for entry in wanted {
                if running.iter().any(|known| Arc::ptr_eq(known, &entry.destination)) {
                    continue;
                }
                running.push(entry.destination.clone());
                tasks.spawn(self.keep(entry, stop.clone()));
            }
            tokio::select! {
                () = stop.cancelled() => {}
                _ = changed.changed() => {}
                Some(_) = tasks.join_next() => {}
            }
        }
        tasks.join_all().await;
    }

    /// One destination's task, until `stop` or until it is taken away.
    fn keep(&self, entry: Entry, stop: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let Entry { destination, stop: taken } = entry;
        let (buffer, metrics, name) = (self.0.buffer.clone(), self.0.metrics.clone(), destination.name.clone());
        async move {
            let ends = taken.clone();
            let start = move || Planner::new(destination.clone(), buffer.clone()).run(ends.clone());
            let work = supervise(name, metrics, taken.clone(), start);
            let follow = async {
                stop.cancelled().await;
                taken.cancel();
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = work => {}
                () = follow => {}
            }
        }
    }

    /// How every destination is, in the order of the configuration.
    pub fn destinations(&self) -> Vec<DestinationHealth> {
        self.all().into_iter().map(|destination| destination.health()).collect()
    }

    /// Sends nothing more to a destination until [`Self::resume`], over restarts too; requests in flight end. `false`: there is no such
    /// destination. An error: it could not be kept, and nothing has changed.
    pub async fn pause(&self, name: &DestinationName) -> Result<bool, CatalogueError> {
        let Some(destination) = self.find(name) else { return Ok(false) };
        self.0.buffer.set_paused(name, true).await?;
        destination.pause();
        Ok(true)
    }

    /// Lifts a pause, whoever made it, and tries the destination at once. Answers as [`Self::pause`] does.
    pub async fn resume(&self, name: &DestinationName) -> Result<bool, CatalogueError> {
        let Some(destination) = self.find(name) else { return Ok(false) };
        if self.0.buffer.paused().contains(name) {
            self.0.buffer.set_paused(name, false).await?;
        }
        destination.resume();
        Ok(true)
    }

    /// Tries a destination step by step without storing anything. `None`: there is no such destination.
    pub async fn echo(&self, name: &DestinationName) -> Option<EchoReport> {
        let destination = self.find(name)?;
        let (report, event) = destination.echo().await;
        tell(&destination, &self.0.buffer, event).await;
        Some(report)
    }

    /// What the forwarder measures.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Every destination.
    pub(crate) fn all(&self) -> Vec<Arc<Destination>> {
        self.entries().into_iter().map(|entry| entry.destination).collect()
    }

    fn entries(&self) -> Vec<Entry> {
        self.0.destinations.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn find(&self, name: &DestinationName) -> Option<Arc<Destination>> {
        self.all().into_iter().find(|destination| destination.name == *name)
    }
}

/// Runs a destination's task; starts it anew whenever it panics, with a growing pause.
async fn supervise<T>(name: DestinationName, metrics: Metrics, stop: CancellationToken, start: impl Fn() -> T)
where
    T: Future<Output = ()> + Send + 'static,
{
    const FIRST_PAUSE: Duration = Duration::from_secs(1);
    const LONGEST_PAUSE: Duration = Duration::from_mins(1);
    let mut pause = FIRST_PAUSE;
    loop {
        let mut task = JoinSet::new();
        task.spawn(start());
        match task.join_next().await {
            Some(Err(fault)) if fault.is_panic() => {}
            _ => return,
        }
        metrics.restarted(&name);
        error!(destination = %name, seconds = pause.as_secs(), "the destination's task panicked; it starts again");
        tokio::select! {
            () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            () = stop.cancelled() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_starts_again_until_it_is_stopped() {
        let (starts, stop) = (Arc::new(AtomicU32::new(0)), CancellationToken::new());
        let (counter, token) = (starts.clone(), stop.clone());
        let start = move || {
            let (counter, token) = (counter.clone(), token.clone());
            async move {
                match counter.fetch_add(1, Ordering::Relaxed) {
                    0 | 1 => panic!("as planned"),
                    _ => token.cancel(),
                }
            }
        };
        supervise("pacs".parse().unwrap(), Metrics::default(), stop.clone(), start).await;
        assert_eq!(starts.load(Ordering::Relaxed), 3);
        assert!(stop.is_cancelled());
    }
}
