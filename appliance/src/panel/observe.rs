//! From the box's state to what fits a panel: once a second while a panel is there, sooner when something has changed.

use std::{sync::Arc, time::Duration};

use relaypacs_buffer::{Study, StudyQuery};
use relaypacs_dicom::PeerSeen;
use relaypacs_domain::{AlertCode, EventKind, Failure, FailureCode, HeldReason, Severity, Timestamp};
use relaypacs_forward::{DestinationHealth, PausedBy, State};
use relaypacs_http::BoxStatus;
use relaypacs_panel_core::{
    Text,
    wire::{
        Alert, Code, Destination, DestinationState, FailureKind, Held, HeldReason as Reason, Io, LastSent, LastStudy, List, Lock, Moment,
        Peer, Queue, Refusal, Software, Status, Storage, StudyState, Update, Word,
    },
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    hours::Hours,
    machine::{self, Machine},
    update::{self, UpdateState},
};
use crate::config::StudyLabel;

/// Between two looks at most.
const EVERY: Duration = Duration::from_secs(1);
/// Between two looks at least.
const APART: Duration = Duration::from_millis(250);
/// The machine changes slowly.
const MACHINE_EVERY: Duration = Duration::from_secs(3);
/// Held studies are looked for at most this often.
const HELD_EVERY: Duration = Duration::from_secs(1);
/// Held studies whose bytes are looked up; of more, the average tells.
const HELD_LOOKED_AT: usize = 32;
/// Events looked back for what was last sent before this start.
const LOOK_BACK: u64 = 1_000;
/// From here on the machine is too hot.
const HOT_CELSIUS: i8 = 80;

/// What is remembered between looks.
#[derive(Default)]
struct Memory {
    machine: Machine,
    machine_at: Option<Instant>,
    update: UpdateState,
    held: Vec<Study>,
    held_at: Option<Instant>,
    last_sent: Option<(Timestamp, String)>,
    events_seen: Option<u64>,
    hours: Hours,
}

/// Looks until `stop`.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut memory = Memory::default();
    while !stop.is_cancelled() {
        let began = Instant::now();
        if shared.status.receiver_count() > 0 {
            let asked = shared.clone();
            let looked = tokio::task::spawn_blocking(move || {
                let mut memory = memory;
                let status = memory.look(&asked);
                (memory, status)
            });
            match looked.await {
                Ok((kept, status)) => {
                    memory = kept;
                    shared.status.send_replace(Some(Arc::new(status)));
                }
                Err(error) => {
                    tracing::error!(%error, "looking at the box for the panel broke off");
                    memory = Memory::default();
                }
            }
        } else {
            // The last one would be old when somebody comes.
            shared.status.send_replace(None);
        }
        let next = async {
            tokio::time::sleep_until(began + APART).await;
            tokio::select! {
                () = tokio::time::sleep_until(began + EVERY) => {}
                () = shared.changed.notified() => {}
            }
        };
        stop.run_until_cancelled(next).await;
    }
}

impl Memory {
    fn look(&mut self, shared: &Shared) -> Status {
        let app = &shared.app;
        if self.machine_at.is_none_or(|at| at.elapsed() >= MACHINE_EVERY) {
            (self.machine, self.machine_at) = (machine::look(), Some(Instant::now()));
            let hot = self.machine.celsius.is_some_and(|celsius| celsius >= HOT_CELSIUS);
            let weak = self.machine.undervoltage == Some(true);
            let text = match (hot, weak) {
                (true, _) => Some(format!("the machine has {} °C", self.machine.celsius.unwrap_or_default())),
                (false, true) => Some("the supply's voltage is too low".to_owned()),
                (false, false) => None,
            };
            app.conditions.set(AlertCode::E61, text);
            self.update = update::look(shared.requests.folder());
            let failed = self.update.failed.as_ref().map(|failed| format!("release {} did not get well", failed.version));
            app.conditions.set(AlertCode::E51, failed);
        }
        let seen = app.box_status();
        let held_studies = seen.queue.as_ref().map_or(0, |queue| queue.held_studies);
        if held_studies == 0 {
            self.held.clear();
        } else if self.held_at.is_none_or(|at| at.elapsed() >= HELD_EVERY) {
            self.held = app.buffer.held_studies(HELD_LOOKED_AT).unwrap_or_default();
            self.held_at = Some(Instant::now());
        }
        self.follow_events(shared);
        self.hours.note(seen.uptime.as_secs() / 3600, seen.queue.as_ref().map_or(0, |queue| queue.studies));
        let newest = app.buffer.studies(&StudyQuery { limit: 1, ..StudyQuery::default() });
        let newest = newest.ok().and_then(|page| page.studies.into_iter().next());
        View { shared, seen: &seen }.status(self, newest.as_ref())
    }

    /// What last reached a destination.
    fn follow_events(&mut self, shared: &Shared) {
        let latest = *shared.app.buffer.newest_event().borrow();
        let since = self.events_seen.unwrap_or_else(|| latest.saturating_sub(LOOK_BACK)).max(latest.saturating_sub(LOOK_BACK));
        if since >= latest {
            self.events_seen = Some(latest);
            return;
        }
        let Ok(events) = shared.app.buffer.changes(since, LOOK_BACK as usize) else { return };
        let sent = events.iter().rev().find_map(|event| match &event.kind {
            EventKind::StudyDelivered { study, .. } => Some((event.at, study)),
            _ => None,
        });
        if let Some((at, study)) = sent {
            let study = shared.app.buffer.study_in_short(study).ok().flatten();
            self.last_sent = Some((at, study.and_then(|study| study.modalities.first().cloned()).unwrap_or_default()));
        }
        self.events_seen = Some(events.last().map_or(latest, |event| event.seq));
    }
}

/// One look, being put into a panel's words.
struct View<'a> {
    shared: &'a Shared,
    seen: &'a BoxStatus,
}

impl View<'_> {
    fn status(&self, memory: &Memory, newest: Option<&Study>) -> Status {
        let (shared, seen, info) = (self.shared, self.seen, &self.shared.app.info);
        let (history, history_most) = memory.hours.chart();
        let mut destinations = self.destinations();
        let more_destinations = destinations.len().saturating_sub(8);
        destinations.truncate(8);
        let mut network = memory.machine.network.clone();
        network.clock = seen.clock_synchronised.map_or(Io::Unknown, |good| if good { Io::Good } else { Io::Bad });
        network.https_port = shared.https_port;
        network.fingerprint = shared.app.tls.as_ref().map_or([0; 8], |tls| fingerprint(&tls.current().sha256));
        network.reverts_in_s = shared.network.reverts_in_s();
        let total = seen.usage.total;
        Status {
            now: self.moment(seen.time),
            uptime_s: small(seen.uptime.as_secs()),
            word: word(seen),
            lock: Lock::Open,
            first_start: shared.app.clinic.accounts.setup_required(),
            name: Text::new(&info.node_name),
            ae_title: Text::new(info.ae_title.as_str()),
            dicom_port: info.dicom_port,
            tls_port: shared.tls_dicom_port,
            queue: self.queue(&destinations),
            last_sent: memory.last_sent.as_ref().map(|(at, modality)| LastSent { at: self.moment(*at), modality: Text::new(modality) }),
            last_study: newest.map(|study| self.last_study(study)),
            destinations: destinations.into_iter().collect(),
            more_destinations: u8::try_from(more_destinations).unwrap_or(u8::MAX),
            peers: self.peers().into_iter().take(4).collect(),
            more_peers: u8::try_from(seen.peers.len().saturating_sub(4)).unwrap_or(u8::MAX),
            held: memory.held.iter().take(4).map(|study| self.held(study)).collect(),
            alerts: self.alerts(),
            network,
            storage: Storage {
                total,
                used: seen.usage.used,
                waiting: seen.queue.as_ref().map_or(0, |queue| queue.bytes + held_bytes(queue, &memory.held)).min(seen.usage.used),
                days_left: seen.usage.refuses_in.and_then(|left| u16::try_from(left.as_secs() / 86_400).ok()).filter(|days| *days <= 365),
                wear_percent: memory.machine.wear_percent,
                celsius: memory.machine.celsius,
                undervoltage: memory.machine.undervoltage,
                unclean_stops: shared.unclean_stops,
                low: seen.usage.low,
                refusing: seen.usage.refusing,
            },
            software: Software {
                version: Text::new(&info.version),
                build: Text::new(&info.build),
                slot: Text::new(&memory.update.slot),
                update: self.update(&memory.update),
            },
            history,
            history_most,
        }
    }

    /// A point of time on the clinic's clock.
    fn moment(&self, at: Timestamp) -> Moment {
        let Ok(time) = jiff::Timestamp::from_millisecond(at.as_millis()) else { return Moment(0) };
        let local = time.as_second() + i64::from(self.shared.time_zone.to_offset(time).seconds());
        Moment(u32::try_from(local).unwrap_or(0))
    }

    fn update(&self, state: &UpdateState) -> Update {
        match (&state.failed, state.installing_percent, &state.ready) {
            (_, Some(percent), _) => Update::Running(percent.min(100)),
            (Some(failed), ..) => {
                let at = failed.at.as_deref().and_then(|at| at.parse::<jiff::Timestamp>().ok());
                let at = at.map_or(Moment(0), |at| self.moment(Timestamp::from_millis(at.as_millisecond())));
                Update::RolledBack { failed: Text::new(&failed.version), at }
            }
            (None, None, Some(ready)) => Update::Ready(Text::new(ready)),
            (None, None, None) => Update::None,
        }
    }

    fn queue(&self, destinations: &[Destination]) -> Option<Queue> {
        let queue = self.seen.queue.as_ref()?;
        let sending = destinations.iter().filter(|one| one.state == DestinationState::Up && one.waiting > 0).count();
        Some(Queue {
            studies: small(queue.studies),
            // Each destination that works sends the first of what waits for it.
            sending: small(sending as u64).min(small(queue.studies)),
            held: small(queue.held_studies),
            bytes: queue.bytes,
            oldest_s: small(queue.oldest.map_or(0, |age| age.as_secs())),
        })
    }

    /// Worst first.
    fn destinations(&self) -> Vec<Destination> {
        let mut all: Vec<_> = self.seen.destinations.iter().enumerate().map(|(index, health)| self.destination(index, health)).collect();
        all.sort_by_key(|one| match one.state {
            DestinationState::Down => 0,
            DestinationState::Refused => 1,
            DestinationState::Paused => 2,
            DestinationState::Unknown => 3,
            DestinationState::Up => 4,
        });
        all
    }

    fn destination(&self, index: usize, health: &DestinationHealth) -> Destination {
        let state = match (&health.paused, health.state) {
            (Some(paused), _) if matches!(paused.by, PausedBy::Operator) => DestinationState::Paused,
            (Some(_), _) => DestinationState::Refused,
            (None, State::Up) => DestinationState::Up,
            (None, State::Down) => DestinationState::Down,
            (None, State::Unknown) => DestinationState::Unknown,
        };
        let troubled = matches!(state, DestinationState::Down | DestinationState::Refused);
        let queue = self.shared.app.buffer.queue(&health.name).unwrap_or_default();
        Destination {
            handle: u8::try_from(index).unwrap_or(u8::MAX),
            name: Text::new(health.name.as_str()),
            state,
            since: self.moment(health.since),
            latency_ms: health.latency.map_or(0, |latency| u16::try_from(latency.as_millis()).unwrap_or(u16::MAX)),
            waiting: small(queue.studies),
            held: u16::try_from(queue.held_studies).unwrap_or(u16::MAX),
            // Rounded up: a second is still a second.
            next_try_s: health.next_try.map_or(0, |wait| u16::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u16::MAX)),
            failure: health.last_error.as_ref().filter(|_| troubled).map(failure),
        }
    }

    /// Latest first; configured ones that can be asked are told by their place in the configuration.
    fn peers(&self) -> Vec<Peer> {
        let known = &self.shared.app.info.modalities;
        self.seen
            .peers
            .iter()
            .map(|peer| {
                let place = known.iter().position(|modality| {
                    modality.ae_title.as_str() == peer.calling_ae && modality.address.is_some() && modality.port.is_some()
                });
                Peer {
                    handle: place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX),
                    ae_title: Text::new(&peer.calling_ae),
                    at: self.moment(peer.last_seen),
                    images: small(peer.instances),
                    connected: peer.associations_open > 0,
                    refused: refusal(peer),
                    can_test: place.is_some(),
                }
            })
            .collect()
    }

    fn label(&self, study: &Study) -> Text<24> {
        match self.shared.label {
            StudyLabel::None => Text::default(),
            StudyLabel::AccessionTail => {
                let accession = study.accession_number.as_deref().unwrap_or_default().trim();
                let tail: Vec<char> = accession.chars().rev().take(4).collect();
                Text::new(&tail.into_iter().rev().collect::<String>())
            }
            StudyLabel::Name => Text::new(study.patient_name.as_deref().unwrap_or_default()),
        }
    }

    fn last_study(&self, study: &Study) -> LastStudy {
        let is = |wanted: &str| study.deliveries.iter().any(|delivery| delivery.state == wanted);
        let all_there =
            !study.deliveries.is_empty() && study.deliveries.iter().all(|delivery| matches!(delivery.state, "delivered" | "given_up"));
        let state = if is("held") {
            StudyState::Held
        } else if !study.complete {
            StudyState::Arriving
        } else if all_there {
            StudyState::Delivered
        } else if is("forwarding") {
            StudyState::Sending
        } else {
            StudyState::Queued
        };
        LastStudy {
            modality: Text::new(study.modalities.first().map_or("", String::as_str)),
            ae_title: Text::new(study.calling_ae.as_ref().map_or("", |ae| ae.as_str())),
            at: self.moment(study.received_at),
            images: small(study.instances),
            bytes: study.bytes,
            state,
            done: small(study.deliveries.iter().map(|delivery| delivery.done).sum()),
            total: small(study.deliveries.iter().map(|delivery| delivery.total).sum()),
            label: self.label(study),
        }
    }

    fn held(&self, study: &Study) -> Held {
        let reason = study.deliveries.iter().find_map(|delivery| delivery.held).unwrap_or(HeldReason::NoDestination);
        let mut handles = self.shared.handles.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Held {
            handle: study.study_instance_uid.as_ref().map_or(0, |uid| handles.of(uid)),
            modality: Text::new(study.modalities.first().map_or("", String::as_str)),
            at: self.moment(study.received_at),
            images: small(study.instances),
            reason: match reason {
                HeldReason::NoDestination => Reason::NoDestination,
                HeldReason::DestinationNotConfigured => Reason::DestinationGone,
                HeldReason::OtherVersionAtPacs => Reason::OtherVersion,
                HeldReason::Refused => Reason::Refused,
                HeldReason::TooLarge => Reason::TooLarge,
                HeldReason::RetryHorizon => Reason::TooLong,
                HeldReason::Unreadable => Reason::Unreadable,
                HeldReason::NotVerified => Reason::NotVerified,
            },
            label: self.label(study),
        }
    }

    /// Worst first; nothing is worse than that scanners are refused.
    fn alerts(&self) -> List<Alert, 10> {
        let (full, others): (Vec<_>, Vec<_>) = self.seen.alerts.iter().partition(|alert| alert.code == AlertCode::E32);
        full.into_iter().chain(others).take(10).map(|alert| self.alert(alert)).collect()
    }

    fn alert(&self, alert: &relaypacs_domain::Alert) -> Alert {
        Alert { code: code(alert.code), since: self.moment(alert.since), about: Text::new(alert.about.as_deref().unwrap_or_default()) }
    }
}

/// About how many bytes the held studies have.
fn held_bytes(queue: &relaypacs_buffer::Queue, looked_at: &[Study]) -> u64 {
    let bytes: u64 = looked_at.iter().map(|study| study.bytes).sum();
    let average = bytes.checked_div(looked_at.len() as u64).unwrap_or(0);
    bytes + average * queue.held_studies.saturating_sub(looked_at.len() as u64)
}

/// The box in one word: the readiness check and the worst alert decide.
fn word(seen: &BoxStatus) -> Word {
    let stopped = !seen.is_ready();
    let acts = seen.alerts.iter().any(|alert| matches!(alert.code.severity(), Severity::Error | Severity::Warning));
    match (stopped, acts) {
        (true, _) => Word::Stopped,
        (false, true) => Word::Degraded,
        (false, false) => Word::Ok,
    }
}

const fn code(code: AlertCode) -> Code {
    match code {
        AlertCode::E11 => Code::E11,
        AlertCode::E21 => Code::E21,
        AlertCode::E22 => Code::E22,
        AlertCode::E23 => Code::E23,
        AlertCode::E31 => Code::E31,
        AlertCode::E32 => Code::E32,
        AlertCode::E41 => Code::E41,
        AlertCode::E51 => Code::E51,
        AlertCode::E61 => Code::E61,
        AlertCode::E71 => Code::E71,
        AlertCode::E72 => Code::E72,
    }
}

const fn failure(failure: &Failure) -> FailureKind {
    match failure.code {
        FailureCode::Dns => FailureKind::Name,
        FailureCode::Connect => FailureKind::Connect,
        FailureCode::Tls => FailureKind::Tls,
        FailureCode::Line => FailureKind::Line,
        FailureCode::Auth => FailureKind::Login,
        FailureCode::Http(status) => FailureKind::Http(status),
        FailureCode::Dicom(_) => FailureKind::Refused,
        FailureCode::Io => FailureKind::Disk,
        _ => FailureKind::Answer,
    }
}

/// Why a peer was rejected last, unless it was accepted since. The SCP tells it in words.
fn refusal(peer: &PeerSeen) -> Option<Refusal> {
    let (at, reason) = peer.last_refusal.as_ref()?;
    if peer.last_seen > *at {
        return None;
    }
    Some(match reason.as_str() {
        reason if reason.contains("called AE title") => Refusal::CalledTitle,
        reason if reason.contains("from this address") || reason.contains("calling AE title") => Refusal::CallingTitle,
        reason if reason.contains("too many") => Refusal::Busy,
        reason if reason.contains("full") || reason.contains("disk") => Refusal::Full,
        _ => Refusal::Protocol,
    })
}

/// The first eight bytes of a digest in hexadecimal.
fn fingerprint(hex: &str) -> [u8; 8] {
    let mut bytes = [0; 8];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = hex.get(index * 2..index * 2 + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or(0);
    }
    bytes
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_beginning_of_the_digest() {
        assert_eq!(fingerprint("3a915ce0770db248ffff"), [0x3a, 0x91, 0x5c, 0xe0, 0x77, 0x0d, 0xb2, 0x48]);
        assert_eq!(fingerprint("x"), [0; 8]);
    }
}
