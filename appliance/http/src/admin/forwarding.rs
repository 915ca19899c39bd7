//! Destinations: trying one step by step, pausing and resuming.

use axum::{Json as Answer, extract::State};
use relaypacs_domain::DestinationName;
use relaypacs_forward::{EchoReport, EchoStep};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::Caller,
    destinations::set_paused,
    extract::Json,
    problem::{Problem, ProblemBody},
};

/// The routes of this resource.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(echo)).routes(routes!(pause)).routes(routes!(resume))
}

/// Which destination.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Named {
    /// Its name.
    #[schema(value_type = String)]
    destination: DestinationName,
}

/// What trying a destination or a modality showed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Echo {
    /// Whether every step succeeded.
    ok: bool,
    /// The steps in order; the last one is the first that failed.
    steps: Vec<Step>,
    /// The step that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<StepName>)]
    failed_step: Option<&'static str>,
}

/// One step of trying a destination.
#[expect(clippy::struct_field_names, reason = "the contract names the fields")]
#[derive(Debug, Serialize, ToSchema)]
struct Step {
    /// Which.
    #[schema(value_type = StepName)]
    step: &'static str,
    /// Whether it succeeded.
    ok: bool,
    /// How long it took, in milliseconds.
    ms: u64,
    /// What was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// The steps of trying a destination (the first five) or a modality (`dns`, `tcp`, `association`, `echo`).
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "stands in the schema only; the values come from the forwarder")]
enum StepName {
    Dns,
    Tcp,
    Tls,
    Auth,
    Service,
    Association,
    Echo,
}

/// Whether a destination is paused by an operator now.
#[derive(Debug, Serialize, ToSchema)]
struct PauseState {
    /// Its name.
    destination: String,
    /// Whether nothing is sent to it.
    paused: bool,
}

/// Tries a destination step by step and names the first step that fails.
#[utoipa::path(post, path = "/admin/echo", operation_id = "echo", tag = "admin", request_body = Named, responses(
    (status = 200, description = "tried; ok says how it went", body = Echo),
    (status = 404, description = "no such destination", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field makes no sense", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn echo(State(app): State<App>, Json(asked): Json<Named>) -> Result<Answer<Echo>, Problem> {
    let report = app.forwarder.echo(&asked.destination).await.ok_or_else(|| no_such_destination(&asked.destination))?;
    Ok(Answer(Echo::from(report)))
}

/// Sends nothing more to a destination until it is resumed; the pause lasts over restarts.
#[utoipa::path(post, path = "/admin/pause", operation_id = "pause", tag = "admin", request_body = Named, responses(
    (status = 200, description = "paused", body = PauseState),
    (status = 404, description = "no such destination", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field makes no sense", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn pause(State(app): State<App>, caller: Caller, Json(asked): Json<Named>) -> Result<Answer<PauseState>, Problem> {
    set_paused(&app, &caller, &asked.destination, true, None).await?;
    tracing::info!(destination = %asked.destination, "an operator pauses a destination");
    Ok(Answer(PauseState { destination: asked.destination.into(), paused: true }))
}

/// Sends to a destination again.
#[utoipa::path(post, path = "/admin/resume", operation_id = "resume", tag = "admin", request_body = Named, responses(
    (status = 200, description = "resumed", body = PauseState),
    (status = 404, description = "no such destination", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field makes no sense", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn resume(State(app): State<App>, caller: Caller, Json(asked): Json<Named>) -> Result<Answer<PauseState>, Problem> {
    set_paused(&app, &caller, &asked.destination, false, None).await?;
    tracing::info!(destination = %asked.destination, "an operator resumes a destination");
    Ok(Answer(PauseState { destination: asked.destination.into(), paused: false }))
}

pub(crate) fn no_such_destination(name: &DestinationName) -> Problem {
    Problem::not_found(format!("no destination is configured under the name {name}"))
}

impl From<relaypacs_dicom::EchoReport> for Echo {
    fn from(report: relaypacs_dicom::EchoReport) -> Self {
        let step =
            |step: relaypacs_dicom::EchoStep| Step { step: step.step, ok: step.ok, ms: step.took.as_millis() as u64, detail: step.detail };
        Self {
            ok: report.is_ok(),
            failed_step: report.steps.iter().find(|step| !step.ok).map(|step| step.step),
            steps: report.steps.into_iter().map(step).collect(),
        }
    }
}

impl From<EchoReport> for Echo {
    fn from(report: EchoReport) -> Self {
        Self {
            ok: report.ok(),
            failed_step: report.failed_step().map(|step| step.step),
            steps: report.steps.into_iter().map(Step::from).collect(),
        }
    }
}

impl From<EchoStep> for Step {
    fn from(step: EchoStep) -> Self {
        Self { step: step.step, ok: step.ok, ms: step.took.as_millis() as u64, detail: step.detail }
    }
}
