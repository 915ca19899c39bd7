//! Destinations: how each is and what waits for it.

use axum::{Json, extract::State};
use relaypacs_buffer::{CatalogueError, Queue};
use relaypacs_domain::{Action, DestinationName, Failure, Timestamp};
use relaypacs_forward::{DestinationHealth, PausedBy};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

mod kept;
mod manage;

pub use kept::kept_destinations;
pub(crate) use kept::{SecretFiles, merge};
pub(crate) use manage::set_paused;

use crate::{
    app::{App, BoxInfo},
    caller::Caller,
    problem::{Problem, ProblemBody},
    time::Time,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).merge(manage::routes()).route("/api/v1/destinations/", axum::routing::get(list))
}

/// A destination.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Destination {
    /// Its name.
    name: String,
    /// What it is: `stow` or `folder`.
    kind: String,
    /// Its base URL, where it has one. Never holds credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Its folder, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Where it is configured.
    managed: ManagedBy,
    /// Whether nothing is sent to it.
    paused: bool,
    /// Who paused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_by: Option<PauserName>,
    /// Whether it answers.
    state: StateName,
    /// Since when `state` holds.
    since: Time,
    /// How long its last answer to a cheap question took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<u64>,
    /// What waits for it.
    queue: DestinationQueue,
    /// What last went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<FailureBody>,
    /// When it last took an instance, proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_delivery: Option<Time>,
}

/// What waits for a destination.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DestinationQueue {
    /// Studies with something waiting.
    pub(crate) studies: u64,
    /// Instances waiting.
    pub(crate) instances: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Since when the oldest has been waiting; null: nothing waits.
    #[schema(required)]
    pub(crate) oldest: Option<Time>,
    /// Held instances, which need somebody.
    pub(crate) held: u64,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Failure)]
pub(crate) struct FailureBody {
    /// For programs, such as `connect` or `http-503`.
    pub(crate) code: String,
    /// For people.
    pub(crate) detail: String,
}

/// Where a destination is configured.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ManagedBy {
    /// In the configuration file: changed on the box only.
    File,
    /// In the box: changed over the API.
    Box,
}

/// Who paused a destination.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum PauserName {
    /// The box, because the destination refuses it; it resumes by itself.
    Box,
    /// Somebody; until they lift it.
    Operator,
}

/// Whether a destination answers.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StateName {
    /// It answered last time.
    Up,
    /// It cannot be reached, fails, or refuses the box.
    Down,
    /// Nothing was asked of it yet.
    Unknown,
}

/// All destinations.
#[utoipa::path(get, path = "/api/v1/destinations", operation_id = "list_destinations", tag = "destinations", responses(
    (status = 200, description = "all destinations", body = Vec<Destination>),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Vec<Destination>>, Problem> {
    caller.may(Action::UseTheBox)?;
    Ok(Json(app.ask(read_all).await?))
}

fn read_all(app: &App) -> Result<Vec<Destination>, CatalogueError> {
    let now = app.clock.now();
    let all = app.forwarder.destinations();
    all.into_iter().map(|health| Ok(Destination::new(&app.buffer.queue(&health.name)?, health, now, &app.info))).collect()
}

/// One destination.
fn one(app: &App, name: &DestinationName) -> Result<Option<Destination>, CatalogueError> {
    let Some(health) = app.forwarder.destinations().into_iter().find(|health| health.name == *name) else { return Ok(None) };
    Ok(Some(Destination::new(&app.buffer.queue(name)?, health, app.clock.now(), &app.info)))
}

impl Destination {
    fn new(queue: &Queue, health: DestinationHealth, now: Timestamp, info: &BoxInfo) -> Self {
        let paused_by = health.paused.as_ref().map(|paused| match paused.by {
            PausedBy::Box { .. } => PauserName::Box,
            PausedBy::Operator => PauserName::Operator,
        });
        Self {
            name: health.name.to_string(),
            kind: health.kind.as_str().into(),
            url: health.url,
            path: health.path.map(|path| path.display().to_string()),
            managed: if info.file_destinations.contains(&health.name) { ManagedBy::File } else { ManagedBy::Box },
            paused: health.paused.is_some(),
            paused_by,
            state: health.state.into(),
            since: Time(health.since),
            latency_ms: health.latency.map(|latency| latency.as_millis() as u64),
            queue: DestinationQueue::new(queue, now),
            last_error: health.last_error.as_ref().map(FailureBody::from),
            last_delivery: health.last_delivery.map(Time),
        }
    }
}

impl DestinationQueue {
    /// `queue` as seen at `now`.
    pub(crate) fn new(queue: &Queue, now: Timestamp) -> Self {
        Self {
            studies: queue.studies,
            instances: queue.instances,
            bytes: queue.bytes,
            oldest: queue.oldest.map(|age| Time::before(now, age)),
            held: queue.held_instances,
        }
    }
}

impl From<&Failure> for FailureBody {
    fn from(failure: &Failure) -> Self {
        Self { code: failure.code.name(), detail: failure.detail.clone() }
    }
}

impl From<relaypacs_forward::State> for StateName {
    fn from(state: relaypacs_forward::State) -> Self {
        match state {
            relaypacs_forward::State::Up => Self::Up,
            relaypacs_forward::State::Down => Self::Down,
            relaypacs_forward::State::Unknown => Self::Unknown,
        }
    }
}
