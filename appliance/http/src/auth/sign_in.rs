//! Register, login, refresh, logout, the public keys.

use axum::{Json as Answer, body::Bytes, extract::State, http::StatusCode};
use relaypacs_clinic::{
    accounts::{Grant, NewAccount},
    sessions::Credentials,
};
use relaypacs_domain::Action;
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::bodies::{Jwks, LoginRequest, LogoutRequest, RefreshRequest, TokenPair, UserCreate};
use crate::{
    app::App,
    caller::{Caller, From},
    extract::{Json, misfit},
    problem::{Problem, ProblemBody},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .routes(routes!(jwks))
}

/// Makes an account and signs it in: the first with a set-up code (it is an admin), others with an invite or by an admin.
#[utoipa::path(post, path = "/api/v1/auth/register", operation_id = "register", tag = "auth", request_body = UserCreate, responses(
    (status = 201, description = "made and signed in", body = TokenPair),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "the access token is not valid", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "the code is wrong, used, or over; or the caller is no admin", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "the username is taken", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field breaks a rule", body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, description = "too many wrong codes", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn register(
    State(app): State<App>,
    caller: Result<Caller, Problem>,
    From(from): From,
    Json(asked): Json<UserCreate>,
) -> Result<(StatusCode, Answer<TokenPair>), Problem> {
    let grant = match (asked.setup_code, asked.invite) {
        (Some(code), None) => Grant::SetupCode(code),
        (None, Some(code)) => Grant::Invite(code),
        (Some(_), Some(_)) => return Err(Problem::invalid("/invite", "send either setup_code or invite")),
        (None, None) => {
            let caller = caller.map_err(|_| Problem::unauthorized("an account needs a set-up code, an invite, or an admin"))?;
            caller.may(Action::Administer)?;
            Grant::Admin(caller.0)
        }
    };
    let new = NewAccount {
        username: asked.username,
        email: asked.email,
        full_name: asked.full_name,
        password: asked.password,
        role: asked.role.map(Into::into),
    };
    let account = app.clinic.accounts.register(new, grant, &from).await?;
    let signed_in = app.clinic.sessions.begin_new(account.id, &from).await?;
    Ok((StatusCode::CREATED, Answer(signed_in.into())))
}

/// Signs in. Wrong name, password and code are one answer.
#[utoipa::path(post, path = "/api/v1/auth/login", operation_id = "login", tag = "auth", request_body = LoginRequest, responses(
    (status = 200, description = "signed in", body = TokenPair),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "username, password or code are wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "a code is needed (X-TOTP-Required: true), or the account is switched off", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field is missing", body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, description = "too many failures", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn login(State(app): State<App>, From(from): From, Json(asked): Json<LoginRequest>) -> Result<Answer<TokenPair>, Problem> {
    let code = asked.totp_code.filter(|code| !code.trim().is_empty());
    let with = Credentials { username: asked.username, password: asked.password, totp_code: code };
    Ok(Answer(app.clinic.sessions.sign_in(&with, &from).await?.into()))
}

/// Exchanges a refresh token, which is good once, for a new pair.
#[utoipa::path(post, path = "/api/v1/auth/refresh", operation_id = "refresh", tag = "auth", request_body = RefreshRequest, responses(
    (status = 200, description = "a new pair", body = TokenPair),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "the token is not valid, was used before (its session has ended), or its session has ended", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "the account is switched off", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field is missing or breaks a rule", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn refresh(State(app): State<App>, From(from): From, Json(asked): Json<RefreshRequest>) -> Result<Answer<TokenPair>, Problem> {
    Ok(Answer(app.clinic.sessions.refresh(&asked.refresh_token, asked.attempt()?, &from).await?.into()))
}

/// Ends the session: its refresh tokens and its access tokens are not taken any more.
#[utoipa::path(post, path = "/api/v1/auth/logout", operation_id = "logout", tag = "auth", request_body(content = Option<LogoutRequest>), responses(
    (status = 200, description = "signed out", body = Value, example = json!({"message": "signed out"})),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "only somebody with an account has a session", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field makes no sense", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn logout(State(app): State<App>, caller: Caller, From(from): From, body: Bytes) -> Result<Answer<Value>, Problem> {
    let who = caller.person()?;
    let asked: LogoutRequest =
        if body.is_empty() { LogoutRequest::default() } else { misfit::read::<Option<LogoutRequest>>(&body)?.unwrap_or_default() };
    if let Some(other) = asked.refresh_token.and_then(|token| app.clinic.sessions.session_of(who, &token)) {
        app.clinic.sessions.end(who, other, "sign_out", &from).await?;
    }
    app.clinic.sessions.end(who, who.session, "sign_out", &from).await?;
    Ok(Answer(json!({"message": "signed out"})))
}

/// The public keys of the box's tokens.
#[utoipa::path(get, path = "/api/v1/auth/jwks.json", operation_id = "jwks", tag = "auth", responses(
    (status = 200, description = "the keys, the signing one last", body = Jwks),
))]
async fn jwks(State(app): State<App>) -> Answer<Jwks> {
    Answer(app.clinic.tokens.jwks().into())
}
