//! What happened, in the order in which it became durable.

#![expect(unused_qualifications, reason = "the code that utoipa's macro makes of the query names its type in full")]

use std::time::Duration;

use axum::{Json as Answer, extract::State};
use relaypacs_domain::{Event, EventKind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    extract::Query,
    problem::{Problem, ProblemBody},
    time::Time,
};

/// The routes of this resource.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Most events of one answer.
const MAX_LIMIT: usize = 1000;
/// Longest wait for an event in seconds.
const MAX_WAIT_S: u64 = 60;

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// Only events after this number.
    since: u64,
    /// At most this many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: usize,
    /// Wait this many seconds for one, if there is none yet.
    #[param(maximum = 60, default = 0)]
    wait_s: u64,
}

/// What happened.
#[derive(Debug, Serialize, ToSchema)]
struct Events {
    /// In the order in which it became durable.
    events: Vec<EventBody>,
}

/// One thing that happened. No patient data: a study is named by its UID.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Event)]
struct EventBody {
    /// Its number, from 1, without gaps.
    seq: u64,
    /// When.
    at: Time,
    /// What.
    #[schema(value_type = EventKindName)]
    kind: &'static str,
    /// The study it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    study: Option<String>,
    /// The instance it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    sop_instance_uid: Option<String>,
    /// The destination it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<String>,
    /// Why (of `study_held`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reason: Option<&'static str>,
    /// Who sent it (of `sent_again`).
    #[serde(skip_serializing_if = "Option::is_none")]
    calling_ae: Option<String>,
    /// Instances of the study (of `study_complete`).
    #[serde(skip_serializing_if = "Option::is_none")]
    instances: Option<u64>,
    /// Their bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

/// What can happen.
#[derive(ToSchema)]
#[schema(as = EventKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "stands in the schema only; the values come from the domain")]
enum EventKindName {
    StudyArriving,
    StudyComplete,
    StudyDelivered,
    StudyHeld,
    OtherVersion,
    SentAgain,
    Damaged,
    GivenUp,
    DiskLow,
    DiskFull,
    DiskRecovered,
    DestinationDown,
    DestinationUp,
}

/// What happened after a given event.
#[utoipa::path(get, path = "/admin/events", operation_id = "events", tag = "admin", params(EventsQuery), responses(
    (status = 200, description = "what happened, oldest first", body = Events),
    (status = 422, description = "a value makes no sense", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn events(State(app): State<App>, Query(asked): Query<EventsQuery>) -> Result<Answer<Events>, Problem> {
    if !(1..=MAX_LIMIT).contains(&asked.limit) {
        return Err(Problem::invalid("limit", "the limit is a number from 1 to 1000"));
    }
    let mut newest = app.buffer.newest_event();
    let news = newest.wait_for(|newest| *newest > asked.since);
    // No news in time is an answer too: an empty list.
    let _ = tokio::time::timeout(Duration::from_secs(asked.wait_s.min(MAX_WAIT_S)), news).await;
    let events = app.ask(move |app| app.buffer.changes(asked.since, asked.limit)).await?;
    Ok(Answer(Events { events: events.into_iter().map(EventBody::from).collect() }))
}

impl Default for EventsQuery {
    fn default() -> Self {
        Self { since: 0, limit: 100, wait_s: 0 }
    }
}

impl From<Event> for EventBody {
    fn from(event: Event) -> Self {
        let about = Self { seq: event.seq, at: Time(event.at), ..Self::default() };
        match event.kind {
            EventKind::StudyArriving { study } => Self { kind: "study_arriving", study: Some(study.into()), ..about },
            EventKind::StudyComplete { study, instances, bytes } => {
                Self { kind: "study_complete", study: Some(study.into()), instances: Some(instances), bytes: Some(bytes), ..about }
            }
            EventKind::StudyDelivered { study, destination } => {
                Self { kind: "study_delivered", study: Some(study.into()), destination: Some(destination.into()), ..about }
            }
            EventKind::StudyHeld { study, destination, reason } => Self {
                kind: "study_held",
                study: study.map(String::from),
                destination: destination.map(String::from),
                reason: Some(reason.as_str()),
                ..about
            },
            EventKind::OtherVersion { sop_instance } => {
                Self { kind: "other_version", sop_instance_uid: Some(sop_instance.into()), ..about }
            }
            EventKind::SentAgain { sop_instance, calling_ae } => {
                Self { kind: "sent_again", sop_instance_uid: Some(sop_instance.into()), calling_ae: calling_ae.map(String::from), ..about }
            }
            EventKind::Damaged { sop_instance } => Self { kind: "damaged", sop_instance_uid: sop_instance.map(String::from), ..about },
            EventKind::GivenUp { study, destination } => {
                Self { kind: "given_up", study: Some(study.into()), destination: Some(destination.into()), ..about }
            }
            EventKind::DiskLow => Self { kind: "disk_low", ..about },
            EventKind::DiskFull => Self { kind: "disk_full", ..about },
            EventKind::DiskRecovered => Self { kind: "disk_recovered", ..about },
            EventKind::DestinationDown { destination } => Self { kind: "destination_down", destination: Some(destination.into()), ..about },
            EventKind::DestinationUp { destination } => Self { kind: "destination_up", destination: Some(destination.into()), ..about },
        }
    }
}
