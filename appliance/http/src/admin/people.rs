//! Accounts, the set-up code and the keys of tokens, for the command line.

use axum::{Json as Answer, extract::State, http::StatusCode};
use relaypacs_clinic::{
    accounts::{Account, Change, Grant, NewAccount},
    audit::Outcome,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::{RoleName, UserResponse},
    caller::{Caller, From},
    extract::Json,
    problem::{Problem, ProblemBody},
    time::Time,
};

/// The routes of this resource.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(disable))
        .routes(routes!(reset_2fa))
        .routes(routes!(reset_password))
        .routes(routes!(setup_code))
        .routes(routes!(rotate_keys))
}

/// A new account. Without a password the box makes one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddUser {
    /// Its name.
    #[schema(example = "ada")]
    username: String,
    /// Where it gets mail; absent: nowhere.
    email: Option<String>,
    /// Who it is.
    full_name: Option<String>,
    /// What it may do.
    role: RoleName,
    /// Its password.
    #[schema(format = Password)]
    password: Option<String>,
}

/// Which account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OfUser {
    /// Its name, in any case.
    #[schema(example = "ada")]
    username: String,
}

/// Another password for an account. Absent: the box makes one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResetPassword {
    /// Whose.
    #[schema(example = "ada")]
    username: String,
    /// The new one.
    #[schema(format = Password)]
    password: Option<String>,
}

/// An account and, where the box made it, its password, which is not shown again.
#[derive(Serialize, ToSchema)]
struct Added {
    /// The account.
    user: UserResponse,
    /// The password that the box made.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

/// The code that makes the first admin.
#[derive(Serialize, ToSchema)]
struct SetupCodeBody {
    /// Eight characters.
    #[schema(example = "K7RM-2WPX")]
    code: String,
    /// The page that takes it.
    #[schema(example = "https://192.0.2.7:8443/setup#K7RM-2WPX")]
    url: String,
    /// When it is over.
    expires_at: Time,
}

/// How to change keys.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateKeys {
    /// Whether what the old keys signed counts no more: everybody signs in again.
    #[serde(default)]
    forget: bool,
}

/// The key that signs now.
#[derive(Serialize, ToSchema)]
struct Rotated {
    /// Its name in the tokens' headers.
    kid: String,
}

/// All accounts, by name.
#[utoipa::path(get, path = "/admin/users", operation_id = "operator_users", tag = "admin", responses(
    (status = 200, description = "all accounts", body = Vec<UserResponse>),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(State(app): State<App>) -> Result<Answer<Vec<UserResponse>>, Problem> {
    Ok(Answer(app.clinic.accounts.list().await?.into_iter().map(UserResponse::from).collect()))
}

/// Makes an account.
#[utoipa::path(post, path = "/admin/users", operation_id = "operator_add_user", tag = "admin", request_body = AddUser, responses(
    (status = 201, description = "made", body = Added),
    (status = 409, description = "the username is taken", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field breaks a rule", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn add(
    State(app): State<App>,
    caller: Caller,
    From(from): From,
    Json(asked): Json<AddUser>,
) -> Result<(StatusCode, Answer<Added>), Problem> {
    let made = if asked.password.is_none() { Some(made_password(&app)?) } else { None };
    let new = NewAccount {
        // A command line has no mailbox: an address in a domain that is reserved for being nobody's (RFC 2606).
        email: asked.email.unwrap_or_else(|| format!("{}@invalid", asked.username)),
        username: asked.username,
        full_name: asked.full_name,
        password: asked.password.or_else(|| made.clone()).unwrap_or_default(),
        role: Some(asked.role.into()),
    };
    let account = app.clinic.accounts.register(new, Grant::Admin(caller.0), &from).await?;
    Ok((StatusCode::CREATED, Answer(Added { user: account.into(), password: made })))
}

/// Switches an account off; its sessions end.
#[utoipa::path(post, path = "/admin/users/disable", operation_id = "operator_disable_user", tag = "admin", request_body = OfUser, responses(
    (status = 200, description = "switched off", body = UserResponse),
    (status = 404, description = "no such account", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "it is the last admin", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn disable(
    State(app): State<App>,
    caller: Caller,
    From(from): From,
    Json(asked): Json<OfUser>,
) -> Result<Answer<UserResponse>, Problem> {
    let change = Change { is_active: Some(false), ..Change::default() };
    let user = find(&app, &asked.username).await?;
    Ok(Answer(app.clinic.accounts.change(&caller.0.username, user.id, change, &from).await?.into()))
}

/// Takes the second factor of an account away, for somebody who lost it.
#[utoipa::path(post, path = "/admin/users/reset-2fa", operation_id = "operator_reset_2fa", tag = "admin", request_body = OfUser, responses(
    (status = 200, description = "taken away", body = UserResponse),
    (status = 404, description = "no such account", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn reset_2fa(
    State(app): State<App>,
    caller: Caller,
    From(from): From,
    Json(asked): Json<OfUser>,
) -> Result<Answer<UserResponse>, Problem> {
    let change = Change { totp_reset: true, unlock: true, ..Change::default() };
    let user = find(&app, &asked.username).await?;
    Ok(Answer(app.clinic.accounts.change(&caller.0.username, user.id, change, &from).await?.into()))
}

/// Sets another password for an account; its sessions end.
#[utoipa::path(post, path = "/admin/users/reset-password", operation_id = "operator_reset_password", tag = "admin", request_body = ResetPassword,
    responses(
        (status = 200, description = "set", body = Added),
        (status = 404, description = "no such account", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "the password breaks a rule", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
    ))]
async fn reset_password(
    State(app): State<App>,
    caller: Caller,
    From(from): From,
    Json(asked): Json<ResetPassword>,
) -> Result<Answer<Added>, Problem> {
    let user = find(&app, &asked.username).await?;
    let made = if asked.password.is_none() { Some(made_password(&app)?) } else { None };
    let password = asked.password.or_else(|| made.clone()).unwrap_or_default();
    app.clinic.accounts.reset_password(&caller.0.username, user.id, &password, &from).await?;
    Ok(Answer(Added { user: find(&app, &asked.username).await?.into(), password: made }))
}

/// A new set-up code: ten minutes, once, while there is no admin.
#[utoipa::path(post, path = "/admin/setup-code", operation_id = "operator_setup_code", tag = "admin", responses(
    (status = 200, description = "the code", body = SetupCodeBody),
    (status = 409, description = "the box has an admin", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn setup_code(State(app): State<App>) -> Result<Answer<SetupCodeBody>, Problem> {
    let code = app.clinic.accounts.issue_setup_code()?;
    let url = format!("{}/setup#{}", app.page_url(), code.code);
    Ok(Answer(SetupCodeBody { code: code.code, url, expires_at: Time(code.expires_at) }))
}

/// Signs tokens with a new key from now on.
#[utoipa::path(post, path = "/admin/keys/rotate", operation_id = "operator_rotate_keys", tag = "admin", request_body = RotateKeys, responses(
    (status = 200, description = "the new key", body = Rotated),
    (status = 500, description = "the key cannot be kept", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn rotate_keys(State(app): State<App>, caller: Caller, Json(asked): Json<RotateKeys>) -> Result<Answer<Rotated>, Problem> {
    let tokens = app.clinic.tokens.clone();
    let made = tokio::task::spawn_blocking(move || tokens.rotate(asked.forget)).await;
    let kid = match made {
        Ok(Ok(kid)) => kid,
        Ok(Err(error)) => return Err(Problem::internal(error.to_string())),
        Err(error) => return Err(Problem::internal(error.to_string())),
    };
    let object = if asked.forget { "token keys, the old ones forgotten" } else { "token keys" };
    app.clinic.audit.note(&caller.0.username, "rotate_keys", object, Outcome::Done, None).await?;
    Ok(Answer(Rotated { kid }))
}

async fn find(app: &App, username: &str) -> Result<Account, Problem> {
    Ok(app.clinic.accounts.find_by_name(username).await?)
}

/// A password that keeps the rules: 80 random bits and one of each kind of character.
fn made_password(app: &App) -> Result<String, Problem> {
    let code = app.clinic.secrets.code(4).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(format!("{code}-x7"))
}
