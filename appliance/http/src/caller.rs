//! Who is asking, and where from.
//!
//! An access token says who; [`relaypacs_clinic::Sessions`] says at every call whether that still holds, and as what. What a role may do is
//! [`relaypacs_domain::Role::may`]; whether an object is the caller's own is asked where the object is known. Callers on the admin socket were
//! let in by its file permissions: they are the admin `operator`.

use std::net::IpAddr;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use relaypacs_clinic::accounts::Origin;
use relaypacs_domain::{Action, Principal, Role, SessionId, UploadId, UserId};

use crate::{app::App, forwarded::ClientAddress, peer::Peer, problem::Problem};

/// Where clients put an upload token.
const UPLOAD_TOKEN: &str = "x-upload-token";
/// What the command line is called in the audit trail.
const OPERATOR: &str = "operator";

/// Somebody signed in.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Principal);

/// An admin. Everybody else is refused (403) before the request's body is read.
#[derive(Debug, Clone)]
pub(crate) struct Admin(pub(crate) Principal);

/// Somebody signed in who asks for a stream: a browser's EventSource can send no header, so the token may stand in the query.
#[derive(Debug, Clone)]
#[allow(dead_code, reason = "taken by the streams")]
pub(crate) struct StreamCaller(pub(crate) Principal);

/// Somebody who may feed an upload.
#[derive(Debug, Clone)]
#[allow(dead_code, reason = "taken by the uploads")]
pub(crate) struct UploadCaller {
    /// The upload of the token; of an access token: not known, the handler compares the owner.
    pub(crate) upload: Option<UploadId>,
    /// Who asks with an access token.
    pub(crate) owner: Option<Principal>,
}

/// Where a request comes from, as the audit trail and lock-out want it.
#[derive(Debug, Clone)]
pub(crate) struct From(pub(crate) Origin);

impl Caller {
    /// Refuses (403) what the caller's role does not allow.
    pub(crate) fn may(&self, action: Action) -> Result<(), Problem> {
        if self.0.role.may(action) { Ok(()) } else { Err(Problem::forbidden(format!("the role {} may not do this", self.0.role))) }
    }

    /// The account.
    #[allow(dead_code, reason = "taken by resources with owners")]
    pub(crate) fn id(&self) -> UserId {
        self.0.user
    }

    /// What it is.
    #[allow(dead_code, reason = "taken by resources with owners")]
    pub(crate) fn role(&self) -> Role {
        self.0.role
    }

    /// Refuses the command line where only a person has something (a password, sessions).
    pub(crate) fn person(&self) -> Result<&Principal, Problem> {
        if self.0.user.0.is_nil() { Err(Problem::forbidden("only somebody with an account has this")) } else { Ok(&self.0) }
    }
}

impl UploadCaller {
    /// Refuses (403) whoever may not touch `upload`, which belongs to `owner`.
    #[allow(dead_code, reason = "taken by the uploads")]
    pub(crate) fn may_feed(&self, upload: UploadId, owner: UserId) -> Result<(), Problem> {
        let by_token = self.upload == Some(upload);
        let by_owner = self.owner.as_ref().is_some_and(|who| who.user == owner);
        if by_token || by_owner { Ok(()) } else { Err(Problem::forbidden("this token is for another upload")) }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match operator(parts) {
            Some(operator) => Ok(Self(operator)),
            None => signed_in(app, bearer(&parts.headers)?).map(Self),
        }
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        caller.may(Action::Administer)?;
        Ok(Self(caller.0))
    }
}

impl FromRequestParts<App> for StreamCaller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if let Some(operator) = operator(parts) {
            return Ok(Self(operator));
        }
        if parts.headers.contains_key(header::AUTHORIZATION) {
            return signed_in(app, bearer(&parts.headers)?).map(Self);
        }
        // A token has no character that a query would escape.
        let query = parts.uri.query().unwrap_or_default();
        let token = query.split('&').find_map(|pair| pair.strip_prefix("token=")).ok_or_else(no_token)?;
        signed_in(app, token).map(Self)
    }
}

impl FromRequestParts<App> for UploadCaller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if let Some(token) = parts.headers.get(UPLOAD_TOKEN) {
            return uploading(app, token.to_str().map_err(|_| no_token())?);
        }
        let token = bearer(&parts.headers)?;
        // The original client sends the upload token as the Bearer token of the upload calls.
        match signed_in(app, token) {
            Ok(principal) => Ok(Self { upload: None, owner: Some(principal) }),
            Err(refused) => uploading(app, token).map_err(|_| refused),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for From {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let user_agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).map(str::to_owned);
        Ok(Self(Origin { address: client_address(parts), user_agent }))
    }
}

/// The address of whoever asks.
pub(crate) fn client_address(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ClientAddress>().map(|client| client.0)
}

/// Whoever can open the admin socket runs the box.
fn operator(parts: &Parts) -> Option<Principal> {
    let nobody = uuid::Uuid::nil();
    (parts.extensions.get::<Peer>() == Some(&Peer::AdminSocket)).then(|| Principal {
        user: UserId(nobody),
        username: OPERATOR.into(),
        role: Role::Admin,
        session: SessionId(nobody),
    })
}

/// The token of `Authorization: Bearer …` (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let value = headers.get(header::AUTHORIZATION).ok_or_else(no_token)?;
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(no_token)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(no_token()) }
}

fn signed_in(app: &App, token: &str) -> Result<Principal, Problem> {
    app.clinic.sessions.principal(token).map_err(|refused| Problem::unauthorized(refused.to_string()))
}

fn uploading(app: &App, token: &str) -> Result<UploadCaller, Problem> {
    let grant = app.clinic.tokens.check_upload(token).map_err(|refused| Problem::unauthorized(refused.to_string()))?;
    // Somebody who was switched off feeds nothing any more.
    app.clinic.accounts.role(grant.owner).ok_or_else(|| Problem::unauthorized("the upload's owner can no longer use the box"))?;
    Ok(UploadCaller { upload: Some(grant.upload), owner: None })
}

fn no_token() -> Problem {
    Problem::unauthorized("send an access token: Authorization: Bearer …")
}
