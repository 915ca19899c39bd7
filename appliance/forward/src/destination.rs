//! One destination at run time: where it leads, its limits, and how it is.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use relaypacs_buffer::CatalogueError;
use relaypacs_domain::{
    Clock, DestinationName, EventKind, Failure, FailureCode, HeldReason, MatchRule, ServiceLevel, Timestamp, Uid, Verdict,
};
use tokio::{sync::Notify, time::Instant};
use tracing::warn;

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
    refusals::Refusals,
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
    Stow(Box<Late>),
    Folder(Folder, PathBuf),
}

/// A service that is built as soon as the files it needs (secrets, certificates) can be used.
struct Late {
    checked: Checked,
    built: Mutex<Option<Arc<Service>>>,
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
    refusals: Refusals,
    /// How often in a row it could not be recorded what became of a batch.
    unrecorded: u32,
}

/// What the planner may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gated {
    Open(Permit),
    PausedByOperator,
}

impl Destination {
    /// Longest time without sending after what became of a batch could not be recorded.
    const LONGEST_UNRECORDED: Duration = Duration::from_mins(1);

    /// Builds a destination. One whose secrets or certificates cannot be read is down until they can.
    pub(crate) fn new(checked: Checked, metrics: Metrics, clock: Clock) -> Self {
        let way = match &checked.target {
            Target::Folder { path } => Way::Folder(Folder::new(path.clone()), path.clone()),
            Target::Stow { .. } => Way::Stow(Box::new(Late { checked: checked.clone(), built: Mutex::default() })),
        };
        let destination = Self {
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
                refusals: Refusals::default(),
                unrecorded: 0,
            }),
            name: checked.name,
            clock,
        };
        if let Way::Stow(late) = &destination.way
            && let Err(failure) = late.service()
        {
            warn!(destination = %destination.name, why = failure.detail, "the destination cannot be used until this is mended");
            // the event is told when the first probe finds the same
            let _ = destination.probed(Probed::Nothing, Err(failure));
        }
        destination
    }

    // ---------- work ----------

    /// Delivers a batch of one study.
    pub(crate) async fn deliver(&self, items: Vec<Item>, study: Option<Uid>, level: ServiceLevel, contents: Arc<dyn Contents>) -> Outcome {
        match &self.way {
            Way::Folder(folder, _) => folder.deliver(&self.name, items, &contents, &self.backoff, &self.clock, &self.metrics).await,
            Way::Stow(late) => {
                let service = match late.service() {
                    Ok(service) => service,
                    Err(failure) => return Outcome { verdicts: Vec::new(), signal: Signal::Unreachable, failure: Some(failure) },
                };
                let lane = if is_urgent(level) { Lane::Urgent } else { Lane::Ordinary };
                let limit = self.limiter.as_ref().map(|limiter| (limiter.clone(), lane));
                let sending = Sending { contents, limit, clock: self.clock.clone() };
                let (name, backoff, size, metrics) = (&self.name, &self.backoff, &self.size, &self.metrics);
                let to = StowDestination { name, service: &service, backoff, size, metrics, verify: self.verify };
                let mut outcome = to.deliver(items, study.clone(), &sending).await;
                self.weigh(study.as_ref(), &mut outcome);
                outcome
            }
        }
    }

    /// A refusal that is one study's own fault is no reason to pause the destination: what was refused is held.
    fn weigh(&self, study: Option<&Uid>, outcome: &mut Outcome) {
        let now = self.began.elapsed();
        match (outcome.signal, &outcome.failure) {
            (Signal::Proof, _) => self.with(|gate| gate.refusals.proven(now, study)),
            (Signal::Refused, Some(Failure { code: refused @ FailureCode::Http(_), .. })) => {
                let refused = *refused;
                if !self.with(|gate| gate.refusals.refused(now, study)) {
                    return;
                }
                outcome.signal = Signal::Judged;
                for (_, verdict) in &mut outcome.verdicts {
                    if let Verdict::Retry { failure, .. } = verdict
                        && failure.code == refused
                    {
                        let detail = format!("{}; it takes other studies", failure.detail);
                        *verdict = Verdict::Hold(HeldReason::Refused, Failure::new(refused, detail));
                    }
                }
            }
            _ => {}
        }
    }

    /// Studies that were refused and not taken since: others show better whether the destination takes anything.
    pub(crate) fn refused_studies(&self) -> Vec<Option<Uid>> {
        self.with(|gate| gate.refusals.studies())
    }

    /// What became of a batch was recorded, or could not be: then nothing is sent for a while, longer each time, since it is sent again and
    /// again to no purpose. Answers how long.
    pub(crate) fn recorded(&self, failed: Option<&CatalogueError>) -> Duration {
        let now = self.began.elapsed();
        self.with(|gate| {
            let Some(error) = failed else {
                gate.unrecorded = 0;
                return Duration::ZERO;
            };
            let pause = Duration::from_secs(1 << gate.unrecorded.min(6)).min(Self::LONGEST_UNRECORDED);
            gate.unrecorded += 1;
            gate.breaker.report(now, Signal::Busy(pause));
            gate.last_error = Some(Failure::new(FailureCode::Io, format!("the box cannot record what became of a batch: {error}")));
            pause
        })
    }

    /// Its DICOMweb service, where it has one; `Err`: it cannot be built now.
    pub(crate) fn dicomweb(&self) -> Option<Result<Arc<Service>, Failure>> {
        match &self.way {
            Way::Stow(late) => Some(late.service()),
            Way::Folder(..) => None,
        }
    }

    /// Asks whether it answers at all.
    pub(crate) async fn probe(&self) -> Option<EventKind> {
        let (probed, answer) = match &self.way {
            Way::Stow(late) => match late.service() {
                Ok(service) => probe::service(&service).await,
                Err(failure) => (Probed::Nothing, Err(failure)),
            },
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
            Way::Stow(late) => match late.service() {
                Ok(service) => echo::service(&service).await,
                Err(failure) => echo::unusable(failure),
            },
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
        if let (true, Way::Stow(late)) = (reconnect, &self.way)
            && let Ok(service) = late.service()
        {
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
            Way::Stow(late) => (Kind::Stow, late.url(), None),
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
                next_try: gate.breaker.next_try(self.began.elapsed()),
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

impl Late {
    /// The service, built now if it has not been.
    fn service(&self) -> Result<Arc<Service>, Failure> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(service) = &*built {
            return Ok(service.clone());
        }
        let fresh = service(&self.checked).map(Arc::new).map_err(|error| {
            let ConfigError { field, value, rule, .. } = error;
            Failure::new(FailureCode::Configuration, format!("{field} {}: {rule}", value.unwrap_or_default()))
        })?;
        *built = Some(fresh.clone());
        Ok(fresh)
    }

    fn url(&self) -> Option<String> {
        match &self.checked.target {
            Target::Stow { url, .. } => Some(url.to_string()),
            Target::Folder { .. } => None,
        }
    }
}

/// Whether the files that a destination needs can be used.
pub(crate) fn check_files(checked: &Checked) -> Result<(), ConfigError> {
    match &checked.target {
        Target::Stow { .. } => service(checked).map(drop),
        Target::Folder { .. } => Ok(()),
    }
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

#[cfg(test)]
mod tests;
