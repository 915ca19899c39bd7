//! What radiographers and admins do with studies on their way.

use axum::{Json, extract::State, http::StatusCode};
use bytes::Bytes;
use relaypacs_clinic::audit::Outcome;
use relaypacs_domain::{Action, DestinationName, ServiceLevel};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ServiceLevelName, is_known, no_such_study};
use crate::{
    app::App,
    caller::{Caller, From},
    extract::{self, PathUid, misfit},
    problem::{Problem, ProblemBody},
};

/// Somebody whose role may steer forwarding.
pub(super) struct Steerer(Caller);

impl axum::extract::FromRequestParts<App> for Steerer {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut axum::http::request::Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        caller.may(Action::SteerForwarding)?;
        Ok(Self(caller))
    }
}

/// Where to try again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct RetryBody {
    /// Only there; absent: everywhere.
    #[schema(value_type = Option<String>)]
    destination: Option<DestinationName>,
}

impl RetryBody {
    /// A body; an empty one asks for everything.
    fn read(body: &[u8]) -> Result<Self, Problem> {
        if body.is_empty() { Ok(Self::default()) } else { misfit::read(body) }
    }
}

/// How urgent a study becomes.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct PriorityBody {
    /// Its new service level.
    #[schema(value_type = ServiceLevelName)]
    service_level: ServiceLevel,
}

/// What a request set in motion.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Accepted {
    /// How many deliveries (instance and destination) it touches.
    #[schema(example = 2)]
    deliveries: u64,
}

/// Tries a study's retrying and held deliveries again, now.
#[utoipa::path(post, path = "/api/v1/studies/{uid}/retry", operation_id = "retry_study", tag = "studies",
    params(("uid" = String, Path, description = "Study Instance UID")), request_body = Option<RetryBody>,
    responses(
        (status = 202, description = "they are tried", body = Accepted),
        (status = 400, description = "not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "not for this role", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "no such study or destination", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "the body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "a value makes no sense", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn retry(
    State(app): State<App>,
    Steerer(caller): Steerer,
    from: From,
    PathUid(uid): PathUid,
    body: Bytes,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let asked = RetryBody::read(&body)?;
    let deliveries = app.buffer.retry(&uid, asked.destination.as_ref()).await?;
    if deliveries == 0 && !is_known(&app, &uid).await? {
        return Err(no_such_study());
    }
    let is_configured = |name: &DestinationName| app.forwarder.routing().0.iter().any(|(known, _)| known == name);
    if let Some(name) = asked.destination.as_ref().filter(|name| deliveries == 0 && !is_configured(name)) {
        return Err(Problem::not_found(format!("there is no destination {name}")));
    }
    app.clinic.audit.note(&caller.0.username, "retry_study", format!("study {uid}"), Outcome::Done, from.0.address).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { deliveries })))
}

/// Makes a study more or less urgent.
#[utoipa::path(post, path = "/api/v1/studies/{uid}/priority", operation_id = "set_study_priority", tag = "studies",
    params(("uid" = String, Path, description = "Study Instance UID")), request_body = PriorityBody,
    responses(
        (status = 202, description = "it takes its new place", body = Accepted),
        (status = 400, description = "not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "not for this role", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "no such study in the buffer", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "the body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "not application/json", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "a value makes no sense", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn priority(
    State(app): State<App>,
    Steerer(caller): Steerer,
    from: From,
    PathUid(uid): PathUid,
    extract::Json(asked): extract::Json<PriorityBody>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let deliveries = app.buffer.set_priority(&uid, asked.service_level).await?;
    if deliveries == 0 && !is_known(&app, &uid).await? {
        return Err(no_such_study());
    }
    let object = format!("study {uid} {}", asked.service_level);
    app.clinic.audit.note(&caller.0.username, "set_study_priority", object, Outcome::Done, from.0.address).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { deliveries })))
}
