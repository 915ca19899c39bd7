//! What panels ask for: whether it makes sense, what is done, what the audit trail says.

use std::{collections::VecDeque, sync::PoisonError, time::Duration};

use relaypacs_clinic::{
    audit::Outcome as Audited,
    notifications::{NewNotification, NotificationKind},
};
use relaypacs_dicom::ScuOptions;
use relaypacs_domain::{DestinationName, Role, Uid};
use relaypacs_panel_core::{
    Text,
    wire::{Action, Done, FromBox, Outcome, Secret, Step, Verdict},
};
use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use super::{Shared, network, requests::Request, update};

/// A command ends within this time.
const DEADLINE: Duration = Duration::from_secs(15);
/// Who the panel is in the audit trail.
const ACTOR: &str = "panel";
/// Held studies that can be named.
const HANDLES: usize = 64;
/// How long the digits of a factory reset hold.
const RESET_CODE_HOLDS: Duration = Duration::from_mins(2);
/// How long a set-up code holds.
const SETUP_CODE_S: u16 = 600;

/// Opaque names of held studies: the panel never hears a UID.
#[derive(Default)]
pub(super) struct Handles {
    known: VecDeque<(u32, Uid)>,
    last: u32,
}

impl Handles {
    /// The name of a study; the oldest is forgotten when there are too many.
    pub(super) fn of(&mut self, study: &Uid) -> u32 {
        if let Some((handle, _)) = self.known.iter().find(|(_, known)| known == study) {
            return *handle;
        }
        if self.known.len() == HANDLES {
            self.known.pop_front();
        }
        self.last = self.last.wrapping_add(1).max(1);
        self.known.push_back((self.last, study.clone()));
        self.last
    }

    fn find(&self, handle: u32) -> Option<Uid> {
        self.known.iter().find(|(known, _)| *known == handle).map(|(_, study)| study.clone())
    }
}

/// The digits that a factory reset needs.
pub(super) struct ResetCode {
    digits: u16,
    until: Instant,
    /// Wrong ones so far.
    wrong: u8,
}

/// Whether a command can be carried out, before it is begun.
pub(super) fn check(shared: &Shared, action: &Action) -> Verdict {
    let possible = |possible: bool| if possible { Verdict::Accepted } else { Verdict::NotAvailable };
    match action {
        Action::TestDestination(handle) | Action::Pause(handle) | Action::Resume(handle) => {
            if destination(shared, *handle).is_some() {
                Verdict::Accepted
            } else {
                Verdict::Unknown
            }
        }
        Action::TestPeer(handle) => {
            if modality(shared, *handle).is_some() {
                Verdict::Accepted
            } else {
                Verdict::Unknown
            }
        }
        Action::Retry(handle) => {
            if study(shared, *handle).is_some_and(|study| is_held(shared, &study)) {
                Verdict::Accepted
            } else {
                Verdict::Unknown
            }
        }
        Action::SetNetwork(plan) if !network::is_sound(plan) => Verdict::Invalid,
        Action::SetNetwork(_) => possible(shared.requests.are_possible()),
        Action::KeepNetwork | Action::RevertNetwork if shared.network.reverts_in_s() == 0 => Verdict::Unknown,
        Action::ShowSetupCode => possible(shared.app.clinic.accounts.setup_required()),
        Action::Reset { digits, lose_studies } => check_reset(shared, *digits, *lose_studies),
        Action::AcknowledgeUpdate if update::look(shared.requests.folder()).failed.is_none() && shared.requests.are_possible() => {
            Verdict::Unknown
        }
        Action::Support
        | Action::Update
        | Action::Rollback
        | Action::AcknowledgeUpdate
        | Action::Reboot
        | Action::ShutDown
        | Action::ResetCode => possible(shared.requests.are_possible()),
        Action::TestAll | Action::RetryAll | Action::KeepNetwork | Action::RevertNetwork | Action::Unlock { .. } | Action::Lock => {
            Verdict::Accepted
        }
    }
}

/// The digits must be those that were shown; studies that were not sent are not lost unless that is said.
fn check_reset(shared: &Shared, digits: u16, lose_studies: bool) -> Verdict {
    if !shared.requests.are_possible() {
        return Verdict::NotAvailable;
    }
    let mut code = shared.reset_code.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(known) = code.as_mut().filter(|known| Instant::now() < known.until) else {
        *code = None;
        return Verdict::Unknown;
    };
    if known.digits != digits {
        known.wrong += 1;
        if known.wrong >= 3 {
            *code = None;
        }
        return Verdict::Invalid;
    }
    // A catalogue that cannot be read may hold anything.
    let waiting = shared.app.buffer.queue_total().map_or(u64::MAX, |queue| queue.studies + queue.held_studies);
    if waiting > 0 && !lose_studies {
        return Verdict::WouldLose(u32::try_from(waiting).unwrap_or(u32::MAX));
    }
    *code = None;
    Verdict::Accepted
}

/// Carries an accepted command out and tells how it ended.
pub(super) async fn carry_out(shared: &Shared, id: u16, action: Action, answers: &mpsc::Sender<FromBox>) {
    let began = Instant::now();
    let late = || Outcome::Failed { step: Step::Time, detail: Text::default() };
    let done = timeout(DEADLINE, act(shared, id, &action, answers)).await.unwrap_or_else(|_| late());
    // What was done shows at once.
    shared.changed.notify_one();
    if let Outcome::Failed { step, detail } = &done {
        tracing::warn!(action = action.as_str(), ?step, %detail, "a command of the panel failed");
    }
    let took_ms = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
    // The panel may have gone.
    let _ = answers.send(FromBox::Done(Done { id, outcome: done, took_ms })).await;
}

async fn act(shared: &Shared, id: u16, action: &Action, answers: &mpsc::Sender<FromBox>) -> Outcome {
    let app = &shared.app;
    match action {
        Action::TestDestination(handle) => match destination(shared, *handle) {
            Some(name) => echo(shared, &name).await,
            None => gone(),
        },
        Action::TestPeer(handle) => test_peer(shared, *handle).await,
        Action::TestAll => test_all(shared).await,
        Action::Retry(handle) => match study(shared, *handle) {
            Some(study) => counted(app.buffer.retry(&study, None).await),
            None => gone(),
        },
        Action::RetryAll => counted(app.buffer.retry_held(None).await),
        Action::Pause(handle) | Action::Resume(handle) => match destination(shared, *handle) {
            Some(name) if matches!(action, Action::Pause(_)) => known(app.forwarder.pause(&name).await),
            Some(name) => known(app.forwarder.resume(&name).await),
            None => gone(),
        },
        Action::SetNetwork(plan) => ended(shared.network.ask(&shared.requests, plan).await),
        Action::KeepNetwork => known(shared.network.end(&shared.requests, true).await),
        Action::RevertNetwork => known(shared.network.end(&shared.requests, false).await),
        Action::ShowSetupCode => match app.clinic.accounts.issue_setup_code() {
            Ok(code) => show(answers, id, &code.code, SETUP_CODE_S).await,
            Err(error) => failed(&error),
        },
        Action::ResetCode => reset_code(shared, id, answers).await,
        Action::Reset { .. } => leave(shared, Request::FactoryReset).await,
        Action::Support => leave(shared, Request::Support).await,
        Action::Update => leave(shared, Request::Update).await,
        Action::Rollback => leave(shared, Request::Rollback).await,
        Action::AcknowledgeUpdate => leave(shared, Request::AcknowledgeUpdate).await,
        Action::Reboot => leave(shared, Request::Reboot).await,
        Action::ShutDown => leave(shared, Request::ShutDown).await,
        Action::Unlock { .. } | Action::Lock => Outcome::Good,
    }
}

/// Four digits from the system's generator.
async fn reset_code(shared: &Shared, id: u16, answers: &mpsc::Sender<FromBox>) -> Outcome {
    let random = uuid::Uuid::new_v4().as_u128();
    let digits = (random % 10_000) as u16;
    let until = Instant::now() + RESET_CODE_HOLDS;
    *shared.reset_code.lock().unwrap_or_else(PoisonError::into_inner) = Some(ResetCode { digits, until, wrong: 0 });
    show(answers, id, &format!("{digits:04}"), RESET_CODE_HOLDS.as_secs() as u16).await
}

async fn show(answers: &mpsc::Sender<FromBox>, id: u16, code: &str, expires_s: u16) -> Outcome {
    let secret = Secret { id, code: Text::new(code), expires_s };
    // The panel may have gone.
    let _ = answers.send(FromBox::Secret(secret)).await;
    Outcome::Good
}

async fn leave(shared: &Shared, request: Request) -> Outcome {
    let contents = json!({ "by": ACTOR }).to_string().into_bytes();
    ended(shared.requests.leave(request, contents).await)
}

async fn echo(shared: &Shared, name: &DestinationName) -> Outcome {
    let Some(report) = shared.app.forwarder.echo(name).await else { return gone() };
    match report.failed_step() {
        None => Outcome::Good,
        Some(failed) => Outcome::Failed { step: step(failed.step), detail: Text::new(failed.detail.as_deref().unwrap_or_default()) },
    }
}

async fn test_all(shared: &Shared) -> Outcome {
    let names: Vec<DestinationName> = shared.app.forwarder.destinations().into_iter().map(|health| health.name).collect();
    let tests = names.iter().map(|name| async { shared.app.forwarder.echo(name).await.is_some_and(|report| report.ok()) });
    let good = futures_util::future::join_all(tests).await.into_iter().filter(|good| *good).count();
    let small = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
    Outcome::Some { good: small(good), asked: small(names.len()) }
}

async fn test_peer(shared: &Shared, handle: u8) -> Outcome {
    let Some((address, called_ae)) = modality(shared, handle) else { return gone() };
    let options = ScuOptions {
        address,
        calling_ae: shared.app.info.ae_title.clone(),
        called_ae,
        connect_timeout: Duration::from_secs(3),
        timeout: Duration::from_secs(3),
    };
    let report = relaypacs_dicom::echo(&options).await;
    match report.steps.iter().find(|step| !step.ok) {
        None => Outcome::Good,
        Some(failed) => Outcome::Failed { step: step(failed.step), detail: Text::new(failed.detail.as_deref().unwrap_or_default()) },
    }
}

fn step(name: &str) -> Step {
    match name {
        "dns" => Step::Name,
        "tcp" => Step::Connect,
        "tls" => Step::Tls,
        "auth" | "association" => Step::Login,
        _ => Step::Service,
    }
}

fn destination(shared: &Shared, handle: u8) -> Option<DestinationName> {
    shared.app.forwarder.destinations().into_iter().nth(usize::from(handle)).map(|health| health.name)
}

fn modality(shared: &Shared, handle: u8) -> Option<(String, relaypacs_domain::AeTitle)> {
    let modality = shared.app.info.modalities.get(usize::from(handle))?;
    let (address, port) = (modality.address?, modality.port?);
    Some((std::net::SocketAddr::new(address, port).to_string(), modality.ae_title.clone()))
}

fn study(shared: &Shared, handle: u32) -> Option<Uid> {
    shared.handles.lock().unwrap_or_else(PoisonError::into_inner).find(handle)
}

/// Whether there is anything to retry. A catalogue that cannot be read is asked again when it is carried out, and tells then.
fn is_held(shared: &Shared, study: &Uid) -> bool {
    let study = shared.app.buffer.study_in_short(study);
    study.map_or(true, |study| study.is_some_and(|study| study.deliveries.iter().any(|delivery| delivery.state == "held")))
}

fn failed(error: &impl std::fmt::Display) -> Outcome {
    Outcome::Failed { step: Step::Box, detail: Text::new(&error.to_string()) }
}

fn gone() -> Outcome {
    failed(&"no longer there")
}

fn ended<T, E: std::fmt::Display>(result: Result<T, E>) -> Outcome {
    result.map_or_else(|error| failed(&error), |_| Outcome::Good)
}

fn known<E: std::fmt::Display>(result: Result<bool, E>) -> Outcome {
    match result {
        Ok(true) => Outcome::Good,
        Ok(false) => gone(),
        Err(error) => failed(&error),
    }
}

fn counted<E: std::fmt::Display>(result: Result<u64, E>) -> Outcome {
    result.map_or_else(|error| failed(&error), |count| Outcome::Count(u32::try_from(count).unwrap_or(u32::MAX)))
}

/// Tells admins that somebody tried PINs at the panel.
pub(super) async fn tell_of_wrong_pins(shared: &Shared) {
    let clinic = &shared.app.clinic;
    let new = NewNotification {
        kind: NotificationKind::Security,
        title: "Somebody tried PINs at the box's panel".into(),
        message: "Five wrong ones in a row. The panel takes none for five minutes.".into(),
        upload: None,
        report: None,
        study: None,
        at: shared.app.clock.now(),
    };
    if let Err(error) = clinic.notifications.add(clinic.accounts.users_with(&[Role::Admin]), new).await {
        tracing::error!(%error, "wrong PINs at the panel cannot be told");
    }
}

/// Writes into the audit trail that a network nobody confirmed went back.
pub(super) async fn audit_return(shared: &Shared) {
    let why = "nobody confirmed the new network";
    if let Err(error) = shared.app.clinic.audit.note(ACTOR, Action::RevertNetwork.as_str(), why, Audited::Done, None).await {
        tracing::error!(%error, "the network's way back cannot be written into the audit trail");
    }
}

/// Writes what was asked, and whether it was allowed, into the audit trail. No digits, no codes.
pub(super) async fn audit(shared: &Shared, action: &Action, verdict: Verdict) {
    let object = match action {
        Action::TestDestination(handle) | Action::Pause(handle) | Action::Resume(handle) => {
            destination(shared, *handle).map(|name| format!("destination {name}")).unwrap_or_default()
        }
        Action::Retry(handle) => study(shared, *handle).map(|study| format!("study {study}")).unwrap_or_default(),
        Action::SetNetwork(plan) => format!("{plan:?}"),
        _ => String::new(),
    };
    let outcome = if verdict == Verdict::Accepted { Audited::Done } else { Audited::Refused };
    tracing::info!(action = action.as_str(), object, ?verdict, "a command of the panel");
    if let Err(error) = shared.app.clinic.audit.note(ACTOR, action.as_str(), object, outcome, None).await {
        tracing::error!(%error, "a command of the panel cannot be written into the audit trail");
    }
}
