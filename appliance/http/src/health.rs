//! Root paths for monitoring: alive, ready, what the original client polls.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::App, box_status::Check, problem::Problem};

/// Paths that anybody may ask.
pub(crate) fn open_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(alive)).routes(routes!(health))
}

/// Paths for monitoring.
pub(crate) fn monitoring_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(ready))
}

/// The daemon answers.
#[derive(Debug, Serialize, ToSchema)]
struct Alive {
    /// Always `ok`.
    #[schema(value_type = String, example = "ok")]
    status: &'static str,
}

/// What the original client asks for.
#[derive(Debug, Serialize, ToSchema)]
struct Healthy {
    /// Always `healthy`.
    #[schema(value_type = String, example = "healthy")]
    status: &'static str,
    /// Always `relay-pacs-api`.
    #[schema(value_type = String, example = "relay-pacs-api")]
    service: &'static str,
}

/// Whether the box takes and keeps studies now.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    /// Whether all checks hold.
    ready: bool,
    /// Each condition.
    checks: Vec<ReadinessCheck>,
}

/// One condition of readiness.
#[derive(Debug, Serialize, ToSchema)]
struct ReadinessCheck {
    /// `catalogue`: log and catalogue can be written. `disk`: above the reserve. `dicom`: the SCP listens.
    #[schema(value_type = CheckName)]
    name: &'static str,
    /// Whether it holds.
    ok: bool,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The names of the checks.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "stands in the schema only; the values come from BoxStatus")]
enum CheckName {
    Catalogue,
    Disk,
    Dicom,
}

/// Whether the daemon is alive.
#[utoipa::path(get, path = "/healthz", operation_id = "alive", tag = "monitoring", responses((status = 200, description = "alive", body = Alive)))]
async fn alive() -> Json<Alive> {
    Json(Alive { status: "ok" })
}

/// What the original client polls.
#[utoipa::path(get, path = "/health", operation_id = "health", tag = "monitoring", responses((status = 200, description = "healthy", body = Healthy)))]
async fn health() -> Json<Healthy> {
    Json(Healthy { status: "healthy", service: "relay-pacs-api" })
}

/// Whether the box takes and keeps studies now: log and catalogue can be written, the disk is above its reserve, the SCP listens.
///
/// For the box itself and the configured monitoring networks.
#[utoipa::path(get, path = "/readyz", operation_id = "readiness", tag = "monitoring", responses(
    (status = 200, description = "ready", body = Readiness),
    (status = 503, description = "not ready, with the reasons", body = Readiness),
    (status = 403, description = "not from this address", body = crate::problem::ProblemBody, content_type = "application/problem+json"),
))]
async fn ready(State(app): State<App>) -> Result<(StatusCode, Json<Readiness>), Problem> {
    let status = app.ask(|app| Ok::<_, Problem>(app.box_status())).await?;
    let code = if status.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let checks = status.checks.iter().map(ReadinessCheck::from).collect();
    Ok((code, Json(Readiness { ready: status.is_ready(), checks })))
}

impl From<&Check> for ReadinessCheck {
    fn from(check: &Check) -> Self {
        Self { name: check.name, ok: check.failed.is_none(), reason: check.failed.clone() }
    }
}
