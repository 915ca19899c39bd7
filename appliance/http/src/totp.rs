//! The second factor, under its own names and those of the original client.

use axum::{Json as Answer, body::Bytes, extract::State};
use base64::{Engine, engine::general_purpose::STANDARD};
use relaypacs_clinic::totp::{Offer, png};
use relaypacs_domain::Principal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::{Caller, From},
    extract::{Json, misfit},
    problem::{Problem, ProblemBody},
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(enable))
        .routes(routes!(disable))
        .routes(routes!(two_factor_setup))
        .routes(routes!(two_factor_enable))
        .routes(routes!(two_factor_disable))
}

/// Step 2: a code that proves that the secret was taken over. Absent: step 1.
#[derive(Default, Deserialize, ToSchema)]
struct EnableRequest {
    /// Six digits of the authenticator app.
    #[schema(example = "123456")]
    code: Option<String>,
    /// The secret of step 1, where the client sends it back: it must be that one.
    secret: Option<String>,
}

/// A code of the second factor.
#[derive(Deserialize, ToSchema)]
struct CodeRequest {
    /// Six digits of the authenticator app, or a recovery code.
    #[schema(example = "123456")]
    code: String,
}

/// A code, and the secret it proves.
#[derive(Deserialize, ToSchema)]
struct TwoFactorEnable {
    /// Six digits of the authenticator app.
    #[schema(example = "123456")]
    code: String,
    /// The secret that `/auth/2fa/setup` gave.
    secret: Option<String>,
}

/// A secret on offer.
#[derive(Serialize, ToSchema)]
struct TotpOffer {
    /// Base32, for typing into an app.
    #[schema(example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    secret: String,
    /// For opening in an app.
    #[schema(example = "otpauth://totp/RelayPACS:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=RelayPACS")]
    provisioning_uri: String,
    /// The same as a picture to scan: a PNG as a data URI.
    #[schema(example = "data:image/png;base64,iVBORw0KGgo=")]
    qr_code: String,
}

/// Whether the second factor is on, and its recovery codes when it was just turned on.
#[derive(Serialize, ToSchema)]
struct TotpState {
    /// Whether it is on.
    #[schema(example = true)]
    enabled: bool,
    /// Each signs in once instead of a code; shown only now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recovery_codes: Vec<String>,
}

/// Either step's answer.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum EnableAnswer {
    /// Step 1.
    Offer(TotpOffer),
    /// Step 2.
    State(TotpState),
}

/// Turns the second factor on: without a body a secret is offered, with a code of it the factor is on.
#[utoipa::path(post, path = "/api/v1/totp/enable", operation_id = "enable_totp", tag = "totp", request_body(content = Option<EnableRequest>), responses(
    (status = 200, description = "the secret on offer (step 1), or that it is on (step 2)", body = EnableAnswer),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "the code is wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "it is on already, or no secret is on offer", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field makes no sense", body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, description = "too many wrong codes", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn enable(State(app): State<App>, caller: Caller, from: From, body: Bytes) -> Result<Answer<EnableAnswer>, Problem> {
    let who = caller.person()?;
    let asked: Option<EnableRequest> = if body.is_empty() { None } else { misfit::read(&body)? };
    match asked.unwrap_or_default() {
        EnableRequest { code: None, .. } => Ok(Answer(EnableAnswer::Offer(offer(&app, who).await?))),
        EnableRequest { code: Some(code), secret } => {
            Ok(Answer(EnableAnswer::State(turn_on(&app, who, &code, secret.as_deref(), from).await?)))
        }
    }
}

/// Turns the second factor off.
#[utoipa::path(post, path = "/api/v1/totp/disable", operation_id = "disable_totp", tag = "totp", request_body = CodeRequest, responses(
    (status = 200, description = "it is off", body = TotpState),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "the code is wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "it is not on", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field is missing", body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, description = "too many wrong codes", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn disable(State(app): State<App>, caller: Caller, from: From, Json(asked): Json<CodeRequest>) -> Result<Answer<TotpState>, Problem> {
    turn_off(&app, caller.person()?, &asked.code, from).await
}

/// Offers a secret (the original client's name for step 1).
#[utoipa::path(post, path = "/api/v1/auth/2fa/setup", operation_id = "two_factor_setup", tag = "totp", responses(
    (status = 200, description = "the secret on offer", body = TotpOffer),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "only somebody with an account has one", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "it is on already", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn two_factor_setup(State(app): State<App>, caller: Caller) -> Result<Answer<TotpOffer>, Problem> {
    Ok(Answer(offer(&app, caller.person()?).await?))
}

/// Turns the second factor on (the original client's name for step 2).
#[utoipa::path(post, path = "/api/v1/auth/2fa/enable", operation_id = "two_factor_enable", tag = "totp", request_body = TwoFactorEnable, responses(
    (status = 200, description = "it is on", body = TotpState),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "the code is wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "it is on already, or no secret is on offer", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field is missing", body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, description = "too many wrong codes", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn two_factor_enable(
    State(app): State<App>,
    caller: Caller,
    from: From,
    Json(asked): Json<TwoFactorEnable>,
) -> Result<Answer<TotpState>, Problem> {
    Ok(Answer(turn_on(&app, caller.person()?, &asked.code, asked.secret.as_deref(), from).await?))
}

/// Turns the second factor off (the original client's name).
#[utoipa::path(post, path = "/api/v1/auth/2fa/disable", operation_id = "two_factor_disable", tag = "totp", request_body = CodeRequest, responses(
    (status = 200, description = "it is off", body = TotpState),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "the code is wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "it is not on", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field is missing", body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, description = "too many wrong codes", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn two_factor_disable(
    State(app): State<App>,
    caller: Caller,
    from: From,
    Json(asked): Json<CodeRequest>,
) -> Result<Answer<TotpState>, Problem> {
    turn_off(&app, caller.person()?, &asked.code, from).await
}

async fn offer(app: &App, who: &Principal) -> Result<TotpOffer, Problem> {
    let Offer { secret, provisioning_uri } = app.clinic.totp.offer(who).await?;
    let picture = png(&provisioning_uri).ok_or_else(|| Problem::internal("the provisioning URI does not fit a QR code"))?;
    Ok(TotpOffer { secret, provisioning_uri, qr_code: format!("data:image/png;base64,{}", STANDARD.encode(picture)) })
}

async fn turn_on(app: &App, who: &Principal, code: &str, secret: Option<&str>, From(from): From) -> Result<TotpState, Problem> {
    let recovery_codes = app.clinic.totp.enable(who, code, secret, &from).await?;
    Ok(TotpState { enabled: true, recovery_codes })
}

async fn turn_off(app: &App, who: &Principal, code: &str, From(from): From) -> Result<Answer<TotpState>, Problem> {
    app.clinic.totp.disable(who, code, &from).await?;
    Ok(Answer(TotpState { enabled: false, recovery_codes: Vec::new() }))
}
