//! Studies on their way: retry, priority, give up, and the queue.

use axum::{Json as Answer, extract::State};
use relaypacs_buffer::CatalogueError;
use relaypacs_clinic::audit::Outcome;
use relaypacs_domain::{DestinationName, ServiceLevel, Uid};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    admin::forwarding::no_such_destination,
    app::App,
    caller::Caller,
    destinations::DestinationQueue,
    extract::Json,
    problem::{Problem, ProblemBody},
    studies::{ServiceLevelName, is_known, no_such_study},
};

/// The routes of this resource.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(retry)).routes(routes!(priority)).routes(routes!(give_up)).routes(routes!(queue))
}

/// What to try again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Retry {
    /// Only this study; absent: everything that is held.
    #[schema(value_type = Option<String>)]
    study: Option<Uid>,
    /// Only to this destination; absent: to all.
    #[schema(value_type = Option<String>)]
    destination: Option<DestinationName>,
}

/// How urgent a study becomes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Priority {
    /// The study.
    #[schema(value_type = String)]
    study: Uid,
    /// Its new service level.
    #[schema(value_type = ServiceLevelName)]
    service_level: ServiceLevel,
}

/// What need not arrive any more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GiveUp {
    /// The study.
    #[schema(value_type = String)]
    study: Uid,
    /// The destination where it need not arrive; it may be one that is no longer configured.
    #[schema(value_type = String)]
    destination: DestinationName,
}

/// What a request changed.
#[derive(Debug, Serialize, ToSchema)]
struct Touched {
    /// How many deliveries (instance and destination) it touched.
    deliveries: u64,
}

/// What waits.
#[derive(Debug, Serialize, ToSchema)]
struct Queues {
    /// For all destinations together, and what is held for want of one.
    total: DestinationQueue,
    /// For each destination.
    destinations: Vec<NamedQueue>,
}

/// What waits for one destination.
#[derive(Debug, Serialize, ToSchema)]
struct NamedQueue {
    /// The destination.
    destination: String,
    /// What waits for it.
    #[serde(flatten)]
    queue: DestinationQueue,
    /// Waiting instances by service level.
    by_level: ByLevel,
}

/// Waiting instances by service level, in the order of forwarding.
#[derive(Debug, Serialize, ToSchema)]
struct ByLevel {
    stat: u64,
    emergency: u64,
    routine: u64,
    subspecialty: u64,
}

/// Tries again now: a study, or everything that is held, to one destination or all.
#[utoipa::path(post, path = "/admin/retry", operation_id = "retry", tag = "admin", request_body = Retry, responses(
    (status = 200, description = "how many deliveries are tried again", body = Touched),
    (status = 404, description = "no such study or destination", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field makes no sense", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn retry(State(app): State<App>, caller: Caller, Json(asked): Json<Retry>) -> Result<Answer<Touched>, Problem> {
    let Some(study) = asked.study else {
        let touched = app.buffer.retry_held(asked.destination.as_ref()).await?;
        if let Some(name) = asked.destination.as_ref().filter(|name| touched == 0 && !is_configured(&app, name)) {
            return Err(no_such_destination(name));
        }
        tracing::info!(destination = asked.destination.as_ref().map(tracing::field::display), touched, "an operator retries what is held");
        let object = asked.destination.as_ref().map_or_else(|| "all destinations".into(), |name| format!("destination {name}"));
        note(&app, &caller, "retry_held", object, touched).await?;
        return Ok(Answer(Touched { deliveries: touched }));
    };
    let touched = app.buffer.retry(&study, asked.destination.as_ref()).await?;
    tracing::info!(%study, touched, "an operator retries a study");
    note(&app, &caller, "retry_study", format!("study {study}"), touched).await?;
    touched_or_unknown(&app, &study, asked.destination.as_ref(), touched).await
}

/// Makes a study more or less urgent.
#[utoipa::path(post, path = "/admin/priority", operation_id = "set_priority", tag = "admin", request_body = Priority, responses(
    (status = 200, description = "how many deliveries changed", body = Touched),
    (status = 404, description = "no such study", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field makes no sense", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn priority(State(app): State<App>, caller: Caller, Json(asked): Json<Priority>) -> Result<Answer<Touched>, Problem> {
    let touched = app.buffer.set_priority(&asked.study, asked.service_level).await?;
    tracing::info!(study = %asked.study, service_level = %asked.service_level, touched, "an operator sets a study's service level");
    note(&app, &caller, "set_study_priority", format!("study {} {}", asked.study, asked.service_level), touched).await?;
    touched_or_unknown(&app, &asked.study, None, touched).await
}

/// Gives up what is not delivered of a study for one destination. Recorded in the ledger.
#[utoipa::path(post, path = "/admin/give-up", operation_id = "give_up", tag = "admin", request_body = GiveUp, responses(
    (status = 200, description = "how many deliveries were given up", body = Touched),
    (status = 404, description = "no such study or destination", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field makes no sense", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn give_up(State(app): State<App>, caller: Caller, Json(asked): Json<GiveUp>) -> Result<Answer<Touched>, Problem> {
    let touched = app.buffer.give_up(&asked.study, &asked.destination).await?;
    tracing::info!(study = %asked.study, destination = %asked.destination, touched, "an operator gives a study up");
    note(&app, &caller, "give_up_study", format!("study {}, destination {}", asked.study, asked.destination), touched).await?;
    touched_or_unknown(&app, &asked.study, Some(&asked.destination), touched).await
}

/// Writes what an operator did into the audit trail; what touched nothing was not done.
async fn note(app: &App, caller: &Caller, action: &'static str, object: String, touched: u64) -> Result<(), Problem> {
    if touched > 0 {
        app.clinic.audit.note(&caller.0.username, action, object, Outcome::Done, None).await?;
    }
    Ok(())
}

/// What waits, in all and for each destination.
#[utoipa::path(get, path = "/admin/queue", operation_id = "queue", tag = "admin", responses((status = 200, description = "what waits", body = Queues)))]
async fn queue(State(app): State<App>) -> Result<Answer<Queues>, Problem> {
    Ok(Answer(app.ask(read_queues).await?))
}

fn read_queues(app: &App) -> Result<Queues, CatalogueError> {
    let now = app.clock.now();
    let names = app.forwarder.routing().0.into_iter().map(|(name, _)| name);
    let named = names.map(|name| {
        let queue = app.buffer.queue(&name)?;
        let [stat, emergency, routine, subspecialty] = queue.by_level;
        let by_level = ByLevel { stat, emergency, routine, subspecialty };
        Ok(NamedQueue { destination: name.into(), queue: DestinationQueue::new(&queue, now), by_level })
    });
    Ok(Queues {
        destinations: named.collect::<Result<_, CatalogueError>>()?,
        total: DestinationQueue::new(&app.buffer.queue_total()?, now),
    })
}

fn is_configured(app: &App, name: &DestinationName) -> bool {
    app.forwarder.routing().0.iter().any(|(configured, _)| configured == name)
}

/// The number of deliveries; 404 when it is zero because nobody knows the study or the destination. (One that is no longer configured may
/// still have work, so the work is asked first.)
async fn touched_or_unknown(
    app: &App,
    study: &Uid,
    destination: Option<&DestinationName>,
    touched: u64,
) -> Result<Answer<Touched>, Problem> {
    if touched == 0 && !is_known(app, study).await? {
        return Err(no_such_study());
    }
    if let Some(name) = destination.filter(|name| touched == 0 && !is_configured(app, name)) {
        return Err(no_such_destination(name));
    }
    Ok(Answer(Touched { deliveries: touched }))
}
