//! Studies: what came in, where it stands, and the ledger that proves it.

mod access;
mod bodies;
mod preview;
mod query;
mod search;
mod steering;

use axum::{Json, extract::State};
use relaypacs_domain::Uid;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use self::bodies::ServiceLevelName;
use self::{
    access::{may_see, visible},
    bodies::{Ledger, Studies, StudyDetail},
    query::{LedgerQuery, ListQuery},
};
use crate::{
    app::App,
    caller::Caller,
    extract::{PathUid, Query},
    problem::{Problem, ProblemBody},
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(detail))
        .routes(routes!(ledger))
        .route("/api/v1/studies/", axum::routing::get(list))
}

/// Those of its routes that people have, not the command line, which has its own.
pub(crate) fn peoples_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(search::search))
        .routes(routes!(preview::preview))
        .routes(routes!(steering::retry))
        .routes(routes!(steering::priority))
}

/// What came in and where it stands, newest first.
#[utoipa::path(get, path = "/api/v1/studies", operation_id = "list_studies", tag = "studies", params(ListQuery), responses(
    (status = 200, description = "a page of studies", body = Studies),
    (status = 400, description = "an unknown parameter", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "not for this role", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a value that makes no sense", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(State(app): State<App>, caller: Caller, Query(query): Query<ListQuery>) -> Result<Json<Studies>, Problem> {
    let mut query = query.checked()?;
    query.only = visible(&app, &caller).await?;
    let page = app.ask(move |app| app.buffer.studies(&query)).await?;
    Ok(Json(Studies::new(page, app.clock.now())))
}

/// A study with its series and instances.
#[utoipa::path(get, path = "/api/v1/studies/{uid}", operation_id = "study", tag = "studies", params(("uid" = String, Path, description = "Study Instance UID")),
    responses(
        (status = 200, description = "the study", body = StudyDetail),
        (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "not for this role", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "no such study", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "not a UID", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
    ))]
async fn detail(State(app): State<App>, caller: Caller, PathUid(uid): PathUid) -> Result<Json<StudyDetail>, Problem> {
    may_see(&app, &caller, &uid).await?;
    let found = app.ask(move |app| app.buffer.study(&uid)).await?;
    let detail = found.ok_or_else(no_such_study)?;
    Ok(Json(StudyDetail::new(detail, app.clock.now())))
}

/// The ledger of a study: for each instance and destination when it was accepted, sent and proven. Released instances are included.
#[utoipa::path(get, path = "/api/v1/studies/{uid}/ledger", operation_id = "study_ledger", tag = "studies",
    params(("uid" = String, Path, description = "Study Instance UID"), LedgerQuery),
    responses(
        (status = 200, description = "a page of the ledger", body = Ledger),
        (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "not for this role", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "no such study", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "not a UID, or not a cursor", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
    ))]
async fn ledger(
    State(app): State<App>,
    caller: Caller,
    PathUid(uid): PathUid,
    Query(query): Query<LedgerQuery>,
) -> Result<Json<Ledger>, Problem> {
    may_see(&app, &caller, &uid).await?;
    let (cursor, limit) = query.checked()?;
    let found = app.ask(move |app| app.buffer.ledger(&uid, cursor.as_deref(), limit)).await?;
    Ok(Json(found.ok_or_else(no_such_study)?.into()))
}

/// Whether the buffer or its history knows a study.
pub(crate) async fn is_known(app: &App, uid: &Uid) -> Result<bool, Problem> {
    let uid = uid.clone();
    Ok(app.ask(move |app| app.buffer.ledger(&uid, None, 1)).await?.is_some())
}

/// The answer when nobody knows the study.
pub(crate) fn no_such_study() -> Problem {
    Problem::not_found("the box knows no study with this UID")
}
