//! Problem details (RFC 9457): every answer from 400 on has the same shape.
//!
//! A handler returns a [`Problem`]: what the client may know, and apart from it what only the log may know. [`crate::observe`] gives it the
//! request's path and trace id and writes the body, for handlers, for what the router refuses by itself (404, 405, 413 …) and for panics.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use relaypacs_buffer::CatalogueError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::time::Time;

mod code;
#[cfg(test)]
mod tests;

pub(crate) use code::Code;

/// Media type of problem details.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was not answered as asked.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Told>);

#[derive(Debug, Clone)]
struct Told {
    status: StatusCode,
    code: Option<Code>,
    detail: String,
    errors: Vec<FieldProblem>,
    duplicate: Option<Duplicate>,
    missing: BTreeMap<String, Vec<u32>>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// For the log only.
    cause: Option<String>,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FieldProblem {
    /// Where: a JSON Pointer (RFC 6901) into the body, or the name of a query parameter.
    pub(crate) pointer: String,
    /// What is wrong with it.
    pub(crate) detail: String,
}

/// The upload that a duplicate repeats.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Duplicate {
    /// Its id.
    pub(crate) upload_id: String,
    /// When it was completed.
    pub(crate) uploaded_at: Time,
    /// The user name of whoever sent it.
    pub(crate) uploaded_by: String,
}

/// The body of a problem (RFC 9457 §3).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// Which kind: `about:blank` when the status says it all, else a path that names it.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "/problems/invalid-request")]
    kind: &'static str,
    /// The kind in words.
    #[schema(value_type = String, example = "The request does not say what it must")]
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    status: u16,
    /// What happened this time.
    detail: String,
    /// The path that was asked.
    instance: String,
    /// Names this request in the box's log.
    trace_id: String,
    /// Why, for programs: one of the codes listed in the description of this contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "invalid_request")]
    code: Option<&'static str>,
    /// What is wrong, field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
    /// With code DUPLICATE_STUDY: the upload that this one repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_id: Option<String>,
    /// With code DUPLICATE_STUDY: when that one was completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    uploaded_at: Option<Time>,
    /// With code DUPLICATE_STUDY: who sent that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    uploaded_by: Option<String>,
    /// With code incomplete: by file_id, the indexes of the chunks that are missing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    missing: BTreeMap<String, Vec<u32>>,
}

#[allow(dead_code, reason = "one constructor a refusal of the contract; resources take what they need")]
impl Problem {
    fn new(status: StatusCode, code: Option<Code>, detail: impl Into<String>) -> Self {
        Self(Box::new(Told {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            duplicate: None,
            missing: BTreeMap::new(),
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// Any refusal with a code.
    pub(crate) fn coded(status: StatusCode, code: Code, detail: impl Into<String>) -> Self {
        Self::new(status, Some(code), detail)
    }

    /// A status that says it all.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let detail = match status {
            StatusCode::NOT_FOUND => "there is nothing at this path",
            StatusCode::METHOD_NOT_ALLOWED => "this path does not take this method; the Allow header names those it takes",
            StatusCode::PAYLOAD_TOO_LARGE => return Self::too_large("the body is larger than this path takes"),
            StatusCode::REQUEST_TIMEOUT => "the request did not arrive in time",
            // What a layer says when the time for an answer is over.
            StatusCode::SERVICE_UNAVAILABLE => return Self::unavailable("the box could not answer in time; ask again", 5),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "the body must be application/json",
            status if status.is_server_error() => "the box could not answer; its log has the reason under this trace_id",
            _ => "the request cannot be answered as it was asked",
        };
        Self::new(status, None, detail)
    }

    /// 400: query or body cannot be read at all.
    pub(crate) fn unreadable(detail: impl Into<String>) -> Self {
        Self::coded(StatusCode::BAD_REQUEST, Code::Unreadable, detail)
    }

    /// 401 with `WWW-Authenticate` (RFC 6750 §3): no token, or one that is not (or no longer) valid.
    pub(crate) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::coded(StatusCode::UNAUTHORIZED, Code::Unauthorized, detail)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"relaypacs\""))
    }

    /// 401 at sign-in: never tells what was wrong.
    pub(crate) fn invalid_credentials() -> Self {
        Self::coded(StatusCode::UNAUTHORIZED, Code::InvalidCredentials, "Invalid credentials or authentication code.")
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"relaypacs\""))
    }

    /// 403 at sign-in: the password was right, a code is needed.
    pub(crate) fn totp_required() -> Self {
        Self::coded(StatusCode::FORBIDDEN, Code::TotpRequired, "this account asks for a code of its second factor: send totp_code")
            .header(HeaderName::from_static("x-totp-required"), HeaderValue::from_static("true"))
    }

    /// 403: this role may not, or this object is somebody else's.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::coded(StatusCode::FORBIDDEN, Code::Forbidden, detail)
    }

    /// 403: not from here.
    pub(crate) fn local_only(detail: impl Into<String>) -> Self {
        Self::coded(StatusCode::FORBIDDEN, Code::LocalOnly, detail)
    }

    /// 404: no such thing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, None, detail)
    }

    /// 409: what is asked does not fit the state of things.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::coded(StatusCode::CONFLICT, Code::Conflict, detail)
    }

    /// 409: it stands in the configuration file, which is changed on the box only.
    pub(crate) fn read_only(detail: impl Into<String>) -> Self {
        Self::coded(StatusCode::CONFLICT, Code::ReadOnly, detail)
    }

    /// 409: the same study was uploaded before.
    pub(crate) fn duplicate(earlier: Duplicate) -> Self {
        let detail = "the same study (patient, date, modality) was uploaded within the last 30 days; force_upload sends it anyway";
        let mut problem = Self::coded(StatusCode::CONFLICT, Code::DuplicateStudy, detail);
        problem.0.duplicate = Some(earlier);
        problem
    }

    /// 409: chunks are missing, by `file_id`. Callers bound what they name.
    pub(crate) fn incomplete(detail: impl Into<String>, missing: BTreeMap<String, Vec<u32>>) -> Self {
        let mut problem = Self::coded(StatusCode::CONFLICT, Code::Incomplete, detail);
        problem.0.missing = missing;
        problem
    }

    /// 413: the body is larger than what was declared or than this path takes.
    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::coded(StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge, detail)
    }

    /// 422: the request does not say what it must; `pointer` names the field.
    pub(crate) fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::coded(StatusCode::UNPROCESSABLE_ENTITY, Code::Invalid, detail.clone()).and(pointer, detail)
    }

    /// What was found wrong with query parameters, of a body with fields of these names.
    pub(crate) fn of_body(mut self) -> Self {
        self.0.errors.iter_mut().for_each(|error| error.pointer.insert(0, '/'));
        self
    }

    /// Names one more field that is wrong.
    pub(crate) fn and(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.errors.push(FieldProblem { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// 429: too many; come back after so many seconds (at least one).
    pub(crate) fn too_many(detail: impl Into<String>, retry_after_s: u32) -> Self {
        Self::coded(StatusCode::TOO_MANY_REQUESTS, Code::RateLimited, detail).retry_after(retry_after_s.max(1))
    }

    /// 503: not now.
    pub(crate) fn unavailable(detail: impl Into<String>, retry_after_s: u32) -> Self {
        Self::coded(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, detail).retry_after(retry_after_s)
    }

    /// 507: the disk reserve is reached.
    pub(crate) fn disk_full(detail: impl Into<String>) -> Self {
        Self::coded(StatusCode::INSUFFICIENT_STORAGE, Code::DiskFull, detail).retry_after(60)
    }

    /// 500: the box's own fault; `cause` goes to the log.
    pub(crate) fn internal(cause: impl Into<String>) -> Self {
        Self::of_status(StatusCode::INTERNAL_SERVER_ERROR).caused_by(cause)
    }

    /// Adds what only the log may know.
    pub(crate) fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Says something else than the status alone.
    pub(crate) fn set_detail(&mut self, detail: impl Into<String>) {
        self.0.detail = detail.into();
    }

    /// Adds a header to the answer.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    fn retry_after(self, seconds: u32) -> Self {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// What only the log may know.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The answer to a request for `instance`.
    pub(crate) fn answer(self, instance: &str, trace_id: &str) -> Response {
        let Told { status, code, detail, errors, duplicate, missing, headers, .. } = *self.0;
        let (upload_id, uploaded_at, uploaded_by) =
            duplicate.map_or((None, None, None), |d| (Some(d.upload_id), Some(d.uploaded_at), Some(d.uploaded_by)));
        let body = ProblemBody {
            kind: code.map_or("about:blank", Code::kind),
            title: code.map_or_else(|| status.canonical_reason().unwrap_or("Error"), Code::title),
            status: status.as_u16(),
            detail,
            instance: instance.into(),
            trace_id: trace_id.into(),
            code: code.map(Code::name),
            errors,
            upload_id,
            uploaded_at,
            uploaded_by,
            missing,
        };
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], Body::from(bytes)).into_response();
        response.headers_mut().extend(headers);
        response
    }
}

impl IntoResponse for Problem {
    /// An answer without body that carries the problem to [`crate::observe`].
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<CatalogueError> for Problem {
    fn from(error: CatalogueError) -> Self {
        match &error {
            CatalogueError::Cursor => Self::invalid("cursor", error.to_string()),
            CatalogueError::Closing => Self::unavailable("the box is shutting down", 10),
            CatalogueError::Storage(_) => {
                Self::unavailable("the catalogue cannot be used now; receiving goes on", 10).caused_by(error.to_string())
            }
            CatalogueError::Log(_) => Self::unavailable("the log cannot be written now", 10).caused_by(error.to_string()),
            CatalogueError::Record(_) => Self::internal(error.to_string()),
        }
    }
}
