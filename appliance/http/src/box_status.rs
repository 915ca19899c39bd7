//! How the box is, derived in one place for the API, the readiness check and the panel.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use relaypacs_buffer::{Health, Queue, Usage};
use relaypacs_dicom::PeerSeen;
use relaypacs_domain::{Alert, AlertCode, Failure, FailureCode, Timestamp};
use relaypacs_forward::{DestinationHealth, PausedBy, State};

use crate::{app::App, clock_sync};

/// How long the rejection of an association stays an alert, unless the same AE title is accepted before.
const REJECTION_SHOWN: Duration = Duration::from_hours(1);

/// How the box is at one moment.
#[derive(Debug, Clone)]
pub struct BoxStatus {
    /// When it was looked at.
    pub time: Timestamp,
    /// How long the daemon has been running.
    pub uptime: Duration,
    /// What must hold for the box to be ready.
    pub checks: Vec<Check>,
    /// The disk.
    pub usage: Usage,
    /// What waits; `None` while the catalogue cannot be read.
    pub queue: Option<Queue>,
    /// Every destination.
    pub destinations: Vec<DestinationHealth>,
    /// Who has sent, and who was rejected.
    pub peers: Vec<PeerSeen>,
    /// Whether the kernel says that its clock follows a time server; `None`: it does not say.
    pub clock_synchronised: Option<bool>,
    /// What needs somebody, worst first.
    pub alerts: Vec<Alert>,
}

/// One condition of readiness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// `catalogue`, `disk` or `dicom`.
    pub name: &'static str,
    /// Why it does not hold; `None`: it holds.
    pub failed: Option<String>,
}

/// Since when each alert that has no time of its own has been seen by this process.
#[derive(Debug, Default)]
pub(crate) struct AlertMemory(Mutex<BTreeMap<AlertCode, Timestamp>>);

/// Conditions that other parts of the daemon see (the panel's keys, the machine's temperature): each is an alert for as long as it is set.
#[derive(Debug, Clone, Default)]
pub struct Conditions(Arc<Mutex<BTreeMap<AlertCode, String>>>);

impl Conditions {
    /// Sets a condition with what to say about it, or ends it.
    pub fn set(&self, code: AlertCode, text: Option<String>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match text {
            Some(text) => drop(all.insert(code, text)),
            None => drop(all.remove(&code)),
        }
    }

    fn all(&self) -> Vec<(AlertCode, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(code, text)| (*code, text.clone())).collect()
    }
}

impl App {
    /// Looks at the whole box. Reads the catalogue: call it off the async workers.
    pub fn box_status(&self) -> BoxStatus {
        let usage = self.buffer.usage();
        let listening = self.info.dicom_port == 0 || self.dicom_listening.load(Ordering::Relaxed);
        let mut status = BoxStatus {
            time: self.clock.now(),
            uptime: self.clock.boot().saturating_sub(self.started),
            checks: checks(&self.buffer.health(), &usage, listening),
            usage,
            queue: self.buffer.queue_total().inspect_err(|error| tracing::warn!(%error, "the queue cannot be read")).ok(),
            destinations: self.forwarder.destinations(),
            peers: self.scp.peers(),
            clock_synchronised: clock_sync::synchronised(),
            alerts: Vec::new(),
        };
        status.alerts = status.derive_alerts(&self.alert_memory, self.conditions.all());
        status
    }
}

impl BoxStatus {
    /// Whether every condition of readiness holds.
    pub fn is_ready(&self) -> bool {
        self.checks.iter().all(|check| check.failed.is_none())
    }

    fn derive_alerts(&self, memory: &AlertMemory, others: Vec<(AlertCode, String)>) -> Vec<Alert> {
        let mut alerts: Vec<Alert> = self.peers.iter().filter_map(|peer| self.rejected(peer)).collect();
        alerts.extend(self.destinations.iter().filter_map(unreachable));
        let mut lasting = self.lasting();
        lasting.extend(others);
        alerts.extend(memory.lasting(&lasting, self.time));
        alerts.sort_by_key(|alert| (std::cmp::Reverse(alert.code.severity()), alert.code, alert.since));
        alerts
    }

    /// An association that was rejected lately.
    fn rejected(&self, peer: &PeerSeen) -> Option<Alert> {
        let (at, reason) = peer.last_refusal.as_ref()?;
        let age = u64::try_from(self.time.as_millis().saturating_sub(at.as_millis())).unwrap_or(0);
        let accepted_since = peer.last_seen > *at;
        if accepted_since || u128::from(age) > REJECTION_SHOWN.as_millis() {
            return None;
        }
        let text = format!("an association of {} was rejected: {reason}", peer.calling_ae);
        Some(Alert { code: AlertCode::E11, since: *at, about: Some(peer.calling_ae.clone()), text })
    }

    /// Conditions that have no time of their own, with what to say about them.
    fn lasting(&self) -> Vec<(AlertCode, String)> {
        let mut found = Vec::new();
        if let Some(queue) = self.queue.as_ref().filter(|queue| queue.held_instances > 0) {
            let plural = |count: u64, one: &'static str, many: &'static str| if count == 1 { one } else { many };
            let (studies, instances) = (queue.held_studies, queue.held_instances);
            let (studies_are, instances_of) = (plural(studies, "study is", "studies are"), plural(instances, "instance", "instances"));
            found.push((AlertCode::E23, format!("{studies} {studies_are} held ({instances} {instances_of})")));
        }
        let percent = self.usage.used.saturating_mul(100) / self.usage.total.max(1);
        if self.usage.refusing && self.usage.total == 0 {
            found.push((AlertCode::E32, "the disk has no room for studies: nothing is accepted".into()));
        } else if self.usage.refusing {
            found.push((AlertCode::E32, format!("the buffer is full ({percent} % of its share): nothing is accepted")));
        } else if self.usage.low {
            found.push((AlertCode::E31, format!("{percent} % of the buffer's share of the disk is in use")));
        }
        if self.clock_synchronised == Some(false) {
            found.push((AlertCode::E41, "the clock does not follow a time server".into()));
        }
        found
    }
}

/// A destination that does not take what waits for it.
fn unreachable(destination: &DestinationHealth) -> Option<Alert> {
    let refuses = |failure: &Failure| matches!(failure.code, FailureCode::Auth | FailureCode::Http(401 | 403));
    let refused = destination.paused.as_ref().and_then(|paused| match &paused.by {
        PausedBy::Box { reason } => Some(reason),
        PausedBy::Operator => None,
    });
    if destination.state != State::Down && refused.is_none() {
        return None;
    }
    let name = &destination.name;
    let failure = refused.or(destination.last_error.as_ref());
    let code = if failure.is_some_and(refuses) { AlertCode::E22 } else { AlertCode::E21 };
    let what = match (code, refused.is_some()) {
        (AlertCode::E22, _) => "refuses our credentials",
        (_, true) => "takes nothing",
        (_, false) => "cannot be reached",
    };
    let why = failure.map(|failure| format!(" ({}: {})", failure.code.name(), failure.detail)).unwrap_or_default();
    Some(Alert { code, since: destination.since, about: Some(name.to_string()), text: format!("{name} {what}{why}") })
}

impl AlertMemory {
    /// The alerts that hold now, each with the time at which this process first saw it; forgets those that no longer hold.
    fn lasting(&self, found: &[(AlertCode, String)], now: Timestamp) -> Vec<Alert> {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.retain(|known, _| found.iter().any(|(code, _)| code == known));
        let mut alert = |(code, text): &(AlertCode, String)| Alert {
            code: *code,
            since: *since.entry(*code).or_insert(now),
            about: None,
            text: text.clone(),
        };
        found.iter().map(&mut alert).collect()
    }
}

fn checks(health: &Health, usage: &Usage, listening: bool) -> Vec<Check> {
    let catalogue = match health {
        Health::Good => None,
        Health::CatalogueDown(why) => Some(format!("the catalogue cannot be written: {why}")),
        Health::LogDown(why) => Some(format!("the log cannot be written: {why}")),
    };
    let disk = usage.refusing.then(|| "the reserve is reached: nothing is accepted until studies have left".to_string());
    let dicom = (!listening).then(|| "the SCP does not listen".to_string());
    vec![Check { name: "catalogue", failed: catalogue }, Check { name: "disk", failed: disk }, Check { name: "dicom", failed: dicom }]
}

#[cfg(test)]
mod tests;
