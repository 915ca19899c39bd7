//! One destination at run time: where it leads, its limits, and how it is.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use relaypacs_domain::{Clock, DestinationName, EventKind, Failure, MatchRule, ServiceLevel, Timestamp, Uid};
use tokio::{sync::Notify, time::Instant};

use crate::{
    auth::{self, Authorizer},
    backoff::Backoff,
    batch_size::BatchSize,
    breaker::{Breaker, Permit, Probed, Signal},
    config::{Auth, Checked, ConfigError, Kind, Target, Verify},
    content::Contents,
    deliver::StowDestination,
    dicomweb::Service,
    echo,
    folder::Folder,
    health::{DestinationHealth, EchoReport, Paused, PausedBy, State},
    limiter::{Lane, Limiter},
    metrics::Metrics,
    outcome::{Item, Outcome},
    probe,
    stow::Sending,
    transport::{self, TransportOptions},
};

/// A destination at run time.
pub(crate) struct Destination {
    pub(crate) name: DestinationName,
    pub(crate) matching: MatchRule,
    pub(crate) max_requests: usize,
    pub(crate) backoff: Backoff,
    pub(crate) size: BatchSize,
    verify: Verify,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
    /// Wakes the planner when somebody changed something.
    pub(crate) wake: Notify,
    way: Way,
    limiter: Option<Arc<Limiter>>,
    began: Instant,
    gate: Mutex<Gate>,
}

enum Way {
    Stow(Box<Service>),
    Folder(Folder, PathBuf),
}

/// Whether anything is sent, and what is known of the destination.
struct Gate {
    breaker: Breaker,
    paused_by_operator: bool,
    state: State,
    since: Timestamp,
    latency: Option<Duration>,
    last_error: Option<Failure>,
    last_delivery: Option<Timestamp>,
    last_contact: Option<Instant>,
}

/// What the planner may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gated {
    Open(Permit),
    PausedByOperator,
}

impl Destination {
    /// Builds a destination; reads its certificates and looks whether its secrets are there.
    pub(crate) fn new(checked: Checked, metrics: Metrics, clock: Clock) -> Result<Self, ConfigError> {
        let way = match &checked.target {
            Target::Folder { path } => Way::Folder(Folder::new(path.clone()), path.clone()),
            Target::Stow { .. } => Way::Stow(Box::new(service(&checked)?)),
        };
        Ok(Self {
            matching: checked.matching,
            max_requests: checked.max_requests,
            backoff: checked.backoff,
            verify: checked.verify,
            size: BatchSize::new(checked.max_request_bytes),
            limiter: checked.rate.map(|rate| Arc::new(Limiter::new(rate))),
            way,
            metrics,
            wake: Notify::new(),
            began: Instant::now(),
            gate: Mutex::new(Gate {
                breaker: Breaker::new(),
                paused_by_operator: false,
                state: State::Unknown,
                since: clock.now(),
                latency: None,
                last_error: None,
                last_delivery: None,
                last_contact: None,
            }),
            name: checked.name,
            clock,
        })
    }

    // ---------- work ----------

    /// Delivers a batch of one study.
    pub(crate) async fn deliver(&self, items: Vec<Item>, study: Option<Uid>, level: ServiceLevel, contents: Arc<dyn Contents>) -> Outcome {
        match &self.way {
            Way::Folder(folder, _) => folder.deliver(&self.name, items, &contents, &self.backoff, &self.clock, &self.metrics).await,
            Way::Stow(service) => {
                let lane = if is_urgent(level) { Lane::Urgent } else { Lane::Ordinary };
                let limit = self.limiter.as_ref().map(|limiter| (limiter.clone(), lane));
                let sending = Sending { contents, limit, clock: self.clock.clone() };
                let (name, backoff, size, metrics) = (&self.name, &self.backoff, &self.size, &self.metrics);
                let to = StowDestination { name, service, backoff, size, metrics, verify: self.verify };
                to.deliver(items, study, &sending).await
            }
        }
    }

    /// Asks whether it answers at all.
    pub(crate) async fn probe(&self) -> Option<EventKind> {
        let (probed, answer) = match &self.way {
            Way::Stow(service) => probe::service(service).await,
            Way::Folder(folder, _) => {
                let began = Instant::now();
                match folder.write_test().await {
                    Ok(()) => (Probed::Answered, Ok(began.elapsed())),
                    Err(failure) => (Probed::Nothing, Err(failure)),
                }
            }
        };
        self.probed(probed, answer)
    }

    /// Tries it step by step.
    pub(crate) async fn echo(&self) -> (EchoReport, Option<EventKind>) {
        let report = match &self.way {
            Way::Stow(service) => echo::service(service).await,
            Way::Folder(folder, _) => echo::folder(folder).await,
        };
        // what failed is told but changes nothing: a store-only service may well refuse queries
        let event = match (report.ok(), report.steps.last()) {
            (true, Some(last)) => self.probed(Probed::Answered, Ok(last.took)),
            _ => None,
        };
        self.wake.notify_one();
        (report, event)
    }

    // ---------- gate ----------

    pub(crate) fn permit(&self) -> Gated {
        let now = self.began.elapsed();
        self.with(|gate| if gate.paused_by_operator { Gated::PausedByOperator } else { Gated::Open(gate.breaker.permit(now)) })
    }

    /// Whoever was granted a probe or a trial is gone.
    pub(crate) fn abandoned(&self) {
        let now = self.began.elapsed();
        self.with(|gate| gate.breaker.abandoned(now));
    }

    /// A granted trial was not used.
    pub(crate) fn unused(&self) {
        self.with(|gate| gate.breaker.unused());
    }

    /// A batch ended. Gives the event of a change between up and down.
    pub(crate) fn report(&self, outcome: &Outcome) -> Option<EventKind> {
        let (now, wall) = (self.began.elapsed(), self.clock.now());
        let (event, reconnect) = self.with(|gate| {
            let worked = gate.breaker.is_working();
            gate.breaker.report(now, outcome.signal);
            gate.last_contact = Some(Instant::now());
            gate.last_error = outcome.failure.clone().or(gate.last_error.take());
            if outcome.signal == Signal::Proof {
                gate.last_delivery = Some(wall);
            }
            let answered = matches!(outcome.signal, Signal::Proof | Signal::Judged | Signal::Busy(_));
            (self.moved(gate, answered, wall), worked && !gate.breaker.is_working())
        });
        if let (true, Way::Stow(service)) = (reconnect, &self.way) {
            service.reconnect();
        }
        event
    }

    fn probed(&self, probed: Probed, answer: Result<Duration, Failure>) -> Option<EventKind> {
        let (now, wall) = (self.began.elapsed(), self.clock.now());
        self.with(|gate| {
            let answered = answer.is_ok();
            gate.breaker.probed(now, probed);
            gate.last_contact = Some(Instant::now());
            match answer {
                Ok(latency) => gate.latency = Some(latency),
                Err(failure) => gate.last_error = Some(failure),
            }
            self.moved(gate, answered, wall)
        })
    }

    /// Brings the shown state in line with the breaker's.
    fn moved(&self, gate: &mut Gate, answered: bool, wall: Timestamp) -> Option<EventKind> {
        let state = match (gate.breaker.is_working(), answered) {
            (false, _) => State::Down,
            (true, true) => State::Up,
            (true, false) => gate.state,
        };
        if state == gate.state {
            return None;
        }
        let before = std::mem::replace(&mut gate.state, state);
        gate.since = wall;
        self.metrics.connectivity(&self.name, state == State::Up);
        let destination = self.name.clone();
        match (before, state) {
            (_, State::Down) => Some(EventKind::DestinationDown { destination }),
            (State::Down, State::Up) => Some(EventKind::DestinationUp { destination }),
            _ => None,
        }
    }

    /// Time since it was last heard of; `None`: never.
    pub(crate) fn silent_for(&self) -> Option<Duration> {
        self.with(|gate| gate.last_contact).map(|at| at.elapsed())
    }

    pub(crate) fn pause(&self) {
        self.with(|gate| gate.paused_by_operator = true);
        self.wake.notify_one();
    }

    pub(crate) fn resume(&self) {
        self.with(|gate| {
            gate.paused_by_operator = false;
            gate.breaker.resume();
        });
        self.wake.notify_one();
    }

    pub(crate) fn health(&self) -> DestinationHealth {
        let (kind, url, path) = match &self.way {
            Way::Stow(service) => (Kind::Stow, Some(service.base.to_string()), None),
            Way::Folder(_, path) => (Kind::Folder, None, Some(path.clone())),
        };
        self.with(|gate| {
            let refused = || gate.last_error.clone().filter(|_| gate.breaker.is_refused());
            let by = if gate.paused_by_operator { Some(PausedBy::Operator) } else { refused().map(|reason| PausedBy::Box { reason }) };
            DestinationHealth {
                name: self.name.clone(),
                kind,
                url,
                path,
                paused: by.map(|by| Paused { by }),
                state: gate.state,
                since: gate.since,
                latency: gate.latency,
                last_error: gate.last_error.clone(),
                last_delivery: gate.last_delivery,
            }
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Gate) -> T) -> T {
        act(&mut self.gate.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether a level may use the lane kept free, and goes before the others on a limited line.
pub(crate) const fn is_urgent(level: ServiceLevel) -> bool {
    matches!(level, ServiceLevel::Stat | ServiceLevel::Emergency)
}

fn service(checked: &Checked) -> Result<Service, ConfigError> {
    let Target::Stow { url, auth, ca_file, client_certificate } = &checked.target else {
        return Err(error(checked, "kind", None, "is no STOW-RS destination".into()));
    };
    let authorizer = Authorizer::new(Auth::clone(auth));
    if let Some((field, file)) = authorizer.secret_file() {
        auth::read_secret(file).map_err(|why| error(checked, field, Some(file.display().to_string()), why.to_string()))?;
    }
    let uses_tls = url.scheme() == "https" || authorizer.token_url().is_some_and(|url| url.scheme() == "https");
    let tls = if uses_tls { transport::tls_config(ca_file.as_deref(), client_certificate.as_ref()) } else { transport::no_tls() };
    let tls = tls.map_err(|e| error(checked, e.field, Some(e.file), e.rule))?;
    let options = TransportOptions {
        connections: checked.max_requests,
        connect_timeout: checked.connect_timeout,
        stall_timeout: checked.stall_timeout,
    };
    Service::new(url.clone(), authorizer, tls, options).map_err(|why| error(checked, "url", Some(url.to_string()), why.to_string()))
}

fn error(checked: &Checked, field: &str, value: Option<String>, rule: String) -> ConfigError {
    ConfigError { destination: checked.name.clone(), field: field.into(), value, rule }
}
