//! Accounts and invites, for admins.

mod invites;

use axum::{Json as Answer, extract::State, http::StatusCode};
use relaypacs_clinic::accounts::{Change, Grant, NewAccount};
use relaypacs_domain::UserId;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::{RoleName, UserResponse},
    caller::{Admin, From},
    extract::{Json, PathId},
    problem::{Problem, ProblemBody},
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(user, change, delete))
        .route("/api/v1/users/", axum::routing::get(list))
        .merge(invites::routes())
}

/// An account that an admin makes.
#[derive(Deserialize, ToSchema)]
struct UserAdd {
    /// Letters, digits, `_` and `-`; taken for good, in any case.
    #[schema(min_length = 3, max_length = 50, pattern = "^[A-Za-z0-9_-]+$", example = "ada")]
    username: String,
    /// An e-mail address.
    #[schema(max_length = 254, example = "ada@clinic.example")]
    email: String,
    /// Who it is.
    #[schema(max_length = 200, example = "Ada Lovelace")]
    full_name: Option<String>,
    /// The rules are those of `UserCreate`.
    #[schema(min_length = 12, max_length = 128, format = Password, example = "Correct-Horse-7")]
    password: String,
    /// What it may do; absent: `clinician`.
    role: Option<RoleName>,
}

/// What to change of an account; absent fields stay.
#[derive(Deserialize, ToSchema)]
struct UserPatch {
    /// Who it is.
    #[schema(max_length = 200)]
    full_name: Option<String>,
    /// Where it gets mail.
    #[schema(max_length = 254)]
    email: Option<String>,
    /// What it may do.
    role: Option<RoleName>,
    /// Whether it can sign in; switched off, its sessions end.
    is_active: Option<bool>,
    /// True: its second factor is taken away.
    totp_reset: Option<bool>,
    /// False: it may try again after failed sign-ins.
    locked: Option<bool>,
}

/// All accounts, by name.
#[utoipa::path(get, path = "/api/v1/users", operation_id = "list_users", tag = "users", responses(
    (status = 200, description = "all accounts", body = Vec<UserResponse>),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(State(app): State<App>, _admin: Admin) -> Result<Answer<Vec<UserResponse>>, Problem> {
    Ok(Answer(app.clinic.accounts.list().await?.into_iter().map(UserResponse::from).collect()))
}

/// Makes an account without signing it in.
#[utoipa::path(post, path = "/api/v1/users", operation_id = "add_user", tag = "users", request_body = UserAdd, responses(
    (status = 201, description = "made", body = UserResponse),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "the username is taken", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field breaks a rule", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn add(
    State(app): State<App>,
    Admin(admin): Admin,
    From(from): From,
    Json(asked): Json<UserAdd>,
) -> Result<(StatusCode, Answer<UserResponse>), Problem> {
    let new = NewAccount {
        username: asked.username,
        email: asked.email,
        full_name: asked.full_name,
        password: asked.password,
        role: asked.role.map(Into::into),
    };
    let account = app.clinic.accounts.register(new, Grant::Admin(admin), &from).await?;
    Ok((StatusCode::CREATED, Answer(account.into())))
}

/// An account.
#[utoipa::path(get, path = "/api/v1/users/{id}", operation_id = "user", tag = "users",
    params(("id" = String, Path, format = "uuid", description = "an account")), responses(
    (status = 200, description = "the account", body = UserResponse),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such account", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn user(State(app): State<App>, _admin: Admin, PathId(id): PathId) -> Result<Answer<UserResponse>, Problem> {
    Ok(Answer(app.clinic.accounts.find(UserId(id)).await?.into()))
}

/// Changes an account. The last admin who can sign in stays one.
#[utoipa::path(patch, path = "/api/v1/users/{id}", operation_id = "change_user", tag = "users", request_body = UserPatch,
    params(("id" = String, Path, format = "uuid", description = "an account")), responses(
    (status = 200, description = "the account after the change", body = UserResponse),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such account", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "it is the last admin", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field breaks a rule", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn change(
    State(app): State<App>,
    Admin(admin): Admin,
    From(from): From,
    PathId(id): PathId,
    Json(asked): Json<UserPatch>,
) -> Result<Answer<UserResponse>, Problem> {
    if asked.totp_reset == Some(false) {
        return Err(Problem::invalid("/totp_reset", "a second factor is only taken away here: totp_reset is true or absent"));
    }
    if asked.locked == Some(true) {
        return Err(Problem::invalid("/locked", "failed sign-ins lock an account; is_active: false switches it off"));
    }
    let change = Change {
        full_name: asked.full_name,
        email: asked.email,
        role: asked.role.map(Into::into),
        is_active: asked.is_active,
        totp_reset: asked.totp_reset.is_some(),
        unlock: asked.locked.is_some(),
        preferences: None,
    };
    Ok(Answer(app.clinic.accounts.change(&admin.username, UserId(id), change, &from).await?.into()))
}

/// Deletes an account: its sessions end, what is known of the person goes, its name stays taken.
#[utoipa::path(delete, path = "/api/v1/users/{id}", operation_id = "delete_user", tag = "users",
    params(("id" = String, Path, format = "uuid", description = "an account")), responses(
    (status = 204, description = "deleted"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such account", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "it is the last admin", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn delete(State(app): State<App>, Admin(admin): Admin, From(from): From, PathId(id): PathId) -> Result<StatusCode, Problem> {
    app.clinic.accounts.delete(&admin.username, UserId(id), &from).await?;
    Ok(StatusCode::NO_CONTENT)
}
