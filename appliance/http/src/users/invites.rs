//! Invites: an admin names a role, somebody makes the account.

use std::time::Duration;

use axum::{Json as Answer, extract::State, http::StatusCode};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use relaypacs_clinic::{
    accounts::{AccountError, Invite, NewInvite},
    totp::png,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::RoleName,
    caller::{Admin, From},
    extract::{Json, PathId},
    problem::{Problem, ProblemBody},
    time::Time,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, invite))
        .routes(routes!(one, withdraw))
        .route("/api/v1/users/invites/", axum::routing::get(list))
}

/// An invite to make.
#[derive(Deserialize, ToSchema)]
struct InviteRequest {
    /// The role of the account.
    role: RoleName,
    /// Whom it is for.
    #[schema(max_length = 254, example = "grace@clinic.example")]
    email: Option<String>,
    /// Seconds it is good for, a minute to 30 days; absent: 7 days.
    #[schema(minimum = 60, maximum = 2_592_000, example = 604_800)]
    expires_in: Option<u64>,
}

/// An open invite.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invite)]
struct InviteBody {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// The role of the account.
    role: RoleName,
    /// Whom it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// When it is over.
    expires_at: Time,
    /// Who made it.
    created_by: String,
    /// When.
    created_at: Time,
    /// What to send to whoever is invited; shown only when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "K7RM-2WPX-9QTH-4ZNB")]
    code: Option<String>,
    /// The page that takes the code; shown only when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://192.0.2.7:8443/login#invite=K7RM-2WPX-9QTH-4ZNB")]
    url: Option<String>,
    /// That address as a QR code (a PNG as a data URL), to be scanned by whoever is invited; shown only when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "data:image/png;base64,iVBORw0KGgo=")]
    qr_code: Option<String>,
}

impl std::convert::From<Invite> for InviteBody {
    fn from(invite: Invite) -> Self {
        Self {
            id: invite.id.to_string(),
            role: invite.role.into(),
            email: invite.email,
            expires_at: Time(invite.expires_at),
            created_by: invite.created_by,
            created_at: Time(invite.created_at),
            code: None,
            url: None,
            qr_code: None,
        }
    }
}

/// All open invites, newest first, without their codes.
#[utoipa::path(get, path = "/api/v1/users/invites", operation_id = "list_invites", tag = "users", responses(
    (status = 200, description = "all open invites", body = Vec<InviteBody>),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(State(app): State<App>, _admin: Admin) -> Result<Answer<Vec<InviteBody>>, Problem> {
    Ok(Answer(app.clinic.accounts.invites().await?.into_iter().map(InviteBody::from).collect()))
}

/// Makes an invite, good for one account.
#[utoipa::path(post, path = "/api/v1/users/invites", operation_id = "invite", tag = "users", request_body = InviteRequest, responses(
    (status = 201, description = "made, with its code", body = InviteBody),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "too many invites are open", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field breaks a rule", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn invite(
    State(app): State<App>,
    Admin(admin): Admin,
    From(from): From,
    Json(asked): Json<InviteRequest>,
) -> Result<(StatusCode, Answer<InviteBody>), Problem> {
    let new = NewInvite { role: asked.role.into(), email: asked.email, good_for: asked.expires_in.map(Duration::from_secs) };
    let (invite, code) = app.clinic.accounts.invite(&admin, new, &from).await?;
    let url = format!("{}/login#invite={code}", app.page_url());
    let qr_code = png(&url).map(|picture| format!("data:image/png;base64,{}", STANDARD.encode(picture)));
    Ok((StatusCode::CREATED, Answer(InviteBody { code: Some(code), url: Some(url), qr_code, ..InviteBody::from(invite) })))
}

/// An open invite, without its code.
#[utoipa::path(get, path = "/api/v1/users/invites/{id}", operation_id = "find_invite", tag = "users",
    params(("id" = String, Path, format = "uuid", description = "an open invite")), responses(
    (status = 200, description = "the invite", body = InviteBody),
    (status = 400, description = "the path cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such invite", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn one(State(app): State<App>, _admin: Admin, PathId(id): PathId) -> Result<Answer<InviteBody>, Problem> {
    let found = app.clinic.accounts.invites().await?.into_iter().find(|invite| invite.id == id);
    found.map(|invite| Answer(invite.into())).ok_or_else(|| AccountError::NoInvite.into())
}

/// Takes an invite back.
#[utoipa::path(delete, path = "/api/v1/users/invites/{id}", operation_id = "withdraw_invite", tag = "users",
    params(("id" = String, Path, format = "uuid", description = "an open invite")), responses(
    (status = 204, description = "taken back"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such invite", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn withdraw(State(app): State<App>, Admin(admin): Admin, From(from): From, PathId(id): PathId) -> Result<StatusCode, Problem> {
    app.clinic.accounts.withdraw_invite(&admin, id, &from).await?;
    Ok(StatusCode::NO_CONTENT)
}
