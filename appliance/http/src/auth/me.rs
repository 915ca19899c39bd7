//! One's own account.

use axum::{Json as Answer, extract::State, http::StatusCode};
use relaypacs_clinic::{
    accounts::Change,
    audit::{AuditEntry, AuditQuery},
};
use relaypacs_domain::{SessionId, UserId};
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::bodies::{ChangePassword, MePatch, SessionBody, UserResponse};
use crate::{
    app::App,
    caller::{Caller, From},
    extract::{Json, PathId},
    notifications,
    problem::{Problem, ProblemBody},
    reports, uploads,
};

/// Entries of each kind in an export of one's own data.
const MOST: usize = 20_000;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(me, change_me))
        .routes(routes!(change_password))
        .routes(routes!(sessions))
        .routes(routes!(session, end_session))
        .routes(routes!(export))
        .route("/api/v1/auth/sessions/", axum::routing::get(sessions))
}

/// Who one is.
#[utoipa::path(get, path = "/api/v1/auth/me", operation_id = "me", tag = "auth", responses(
    (status = 200, description = "one's own account", body = UserResponse),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "only somebody with an account has one", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn me(State(app): State<App>, caller: Caller) -> Result<Answer<UserResponse>, Problem> {
    Ok(Answer(app.clinic.accounts.find(caller.person()?.user).await?.into()))
}

/// Changes one's own name, e-mail address and preferences.
#[utoipa::path(patch, path = "/api/v1/auth/me", operation_id = "change_me", tag = "auth", request_body = MePatch, responses(
    (status = 200, description = "the account after the change", body = UserResponse),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "only somebody with an account has one", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field breaks a rule", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn change_me(
    State(app): State<App>,
    caller: Caller,
    From(from): From,
    Json(asked): Json<MePatch>,
) -> Result<Answer<UserResponse>, Problem> {
    let who = caller.person()?;
    let before = app.clinic.accounts.find(who.user).await?;
    let change = Change {
        full_name: asked.full_name,
        email: asked.email,
        preferences: asked.preferences.map(|asked| asked.over(before.preferences)),
        ..Change::default()
    };
    Ok(Answer(app.clinic.accounts.change(&who.username, who.user, change, &from).await?.into()))
}

/// Sets another password. All other sessions of the account end.
#[utoipa::path(post, path = "/api/v1/auth/change-password", operation_id = "change_password", tag = "auth", request_body = ChangePassword, responses(
    (status = 204, description = "changed"),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "the current password is wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "the new password breaks a rule", body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, description = "too many failures", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn change_password(
    State(app): State<App>,
    caller: Caller,
    From(from): From,
    Json(asked): Json<ChangePassword>,
) -> Result<StatusCode, Problem> {
    use relaypacs_clinic::accounts::AccountError;
    let changed = app.clinic.accounts.change_password(caller.person()?, &asked.current_password, &asked.new_password, &from).await;
    match changed {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(AccountError::Password(fault)) => Err(Problem::invalid("/new_password", fault.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// The devices that are signed in, last used first.
#[utoipa::path(get, path = "/api/v1/auth/sessions", operation_id = "list_sessions", tag = "auth", responses(
    (status = 200, description = "one's own sessions", body = Vec<SessionBody>),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "only somebody with an account has sessions", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn sessions(State(app): State<App>, caller: Caller) -> Result<Answer<Vec<SessionBody>>, Problem> {
    let who = caller.person()?;
    let all = app.clinic.sessions.list(who).await?;
    Ok(Answer(all.into_iter().map(|session| SessionBody::new(session, who.session)).collect()))
}

/// A device of one's own that is signed in.
#[utoipa::path(get, path = "/api/v1/auth/sessions/{id}", operation_id = "session", tag = "auth",
    params(("id" = String, Path, format = "uuid", description = "a session of one's own")), responses(
    (status = 200, description = "the session", body = SessionBody),
    (status = 400, description = "the path cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "only somebody with an account has sessions", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such session of one's own", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn session(State(app): State<App>, caller: Caller, PathId(id): PathId) -> Result<Answer<SessionBody>, Problem> {
    let who = caller.person()?;
    let found = app.clinic.sessions.list(who).await?.into_iter().find(|session| session.id == SessionId(id));
    found.map(|found| Answer(SessionBody::new(found, who.session))).ok_or_else(no_session)
}

/// Signs a device of one's own out.
#[utoipa::path(delete, path = "/api/v1/auth/sessions/{id}", operation_id = "end_session", tag = "auth",
    params(("id" = String, Path, format = "uuid", description = "a session of one's own")), responses(
    (status = 204, description = "signed out"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "only somebody with an account has sessions", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such session of one's own", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn end_session(State(app): State<App>, caller: Caller, From(from): From, PathId(id): PathId) -> Result<StatusCode, Problem> {
    let ended = app.clinic.sessions.end(caller.person()?, SessionId(id), "end_session", &from).await?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(no_session()) }
}

fn no_session() -> Problem {
    Problem::not_found("you have no such session")
}

/// Everything the box holds on the caller, as JSON.
#[utoipa::path(get, path = "/api/v1/auth/me/export", operation_id = "export_me", tag = "auth", responses(
    (status = 200, description = "account, sessions, uploads, reports on them, notifications, and what the audit trail says the caller did", body = Value,
        example = json!({"account": {"username": "ada"}, "sessions": [], "uploads": [], "reports": [], "notifications": [], "audit": []})),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "only somebody with an account has data", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn export(State(app): State<App>, caller: Caller) -> Result<Answer<Value>, Problem> {
    let who = caller.person()?;
    let account = UserResponse::from(app.clinic.accounts.find(who.user).await?);
    let sessions = app.clinic.sessions.list(who).await?;
    let sessions: Vec<SessionBody> = sessions.into_iter().map(|session| SessionBody::new(session, who.session)).collect();
    let user = who.user;
    let uploads = all(&app, Kept::Uploads, user).await?;
    let reports = all(&app, Kept::Reports, user).await?;
    let notifications = all(&app, Kept::Notifications, user).await?;
    let audit = audit(&app, &who.username).await?;
    Ok(Answer(json!({
        "account": account, "sessions": sessions, "uploads": uploads, "reports": reports, "notifications": notifications, "audit": audit,
    })))
}

/// What is kept of somebody in lists.
#[derive(Clone, Copy)]
enum Kept {
    Uploads,
    Reports,
    Notifications,
}

/// Every page of a list, at most [`MOST`] entries.
async fn all(app: &App, kept: Kept, user: UserId) -> Result<Vec<Value>, Problem> {
    let mut entries = Vec::new();
    loop {
        let (next, total) = match kept {
            Kept::Uploads => uploads::own(app, user, entries.len()).await?,
            Kept::Reports => reports::own(app, user, entries.len()).await?,
            Kept::Notifications => notifications::own(app, user, entries.len()).await?,
        };
        let Value::Array(next) = next else { break };
        let is_last = next.is_empty();
        entries.extend(next);
        if is_last || entries.len() as u64 >= total || entries.len() >= MOST {
            break;
        }
    }
    Ok(entries)
}

/// What the audit trail says that somebody did, newest first.
async fn audit(app: &App, username: &str) -> Result<Vec<AuditEntry>, Problem> {
    let (mut entries, mut before) = (Vec::new(), None);
    loop {
        let query = AuditQuery { limit: 500, actor: Some(username.to_owned()), before, ..AuditQuery::default() };
        let page = app.clinic.audit.page(query).await?;
        entries.extend(page.entries);
        before = page.next;
        if before.is_none() || entries.len() >= MOST {
            return Ok(entries);
        }
    }
}
