//! Problem details (RFC 9457): every answer from 400 on has the same shape.
//!
//! A handler returns a [`Problem`]: what the client may know, and apart from it what only the log may know. [`crate::observe`] gives it the
//! request's path and trace id and writes the body, for handlers, for what the router refuses by itself (404, 405, 413 …) and for panics.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use relaypacs_buffer::CatalogueError;
use serde::Serialize;
use utoipa::ToSchema;

/// Media type of problem details.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was not answered as asked.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<FieldProblem>,
    retry_after_s: Option<u32>,
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

/// The body of a problem (RFC 9457 §3).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// Which kind: `about:blank` when the status says it all, else a path that names it.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened this time.
    detail: String,
    /// The path that was asked.
    instance: String,
    /// Names this request in the box's log.
    trace_id: String,
    /// What is wrong, field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, title, detail: detail.into(), errors: Vec::new(), retry_after_s: None, cause: None }
    }

    /// A status that says it all.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let detail = match status {
            StatusCode::NOT_FOUND => "there is nothing at this path",
            StatusCode::METHOD_NOT_ALLOWED => "this path does not take this method; the Allow header names those it takes",
            StatusCode::PAYLOAD_TOO_LARGE => "the body is larger than this path takes",
            StatusCode::REQUEST_TIMEOUT => "the request did not arrive in time",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "the body must be application/json",
            status if status.is_server_error() => "the box could not answer; its log has the reason under this trace_id",
            _ => "the request cannot be answered as it was asked",
        };
        Self::new(status, "about:blank", status.canonical_reason().unwrap_or("Error"), detail)
    }

    /// 404: no such thing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "about:blank", "Not Found", detail)
    }

    /// 422: the request does not say what it must; `pointer` names the field.
    pub(crate) fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let error = FieldProblem { pointer: pointer.into(), detail: detail.into() };
        let detail = error.detail.clone();
        let mut problem =
            Self::new(StatusCode::UNPROCESSABLE_ENTITY, "/problems/invalid-request", "The request does not say what it must", detail);
        problem.errors.push(error);
        problem
    }

    /// 400: query or body cannot be read at all.
    pub(crate) fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "/problems/unreadable-request", "The request cannot be read", detail)
    }

    /// 403: not from here.
    pub(crate) fn local_only(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "/problems/local-only", "Not from this address", detail)
    }

    /// 409: what is asked does not fit the state of things.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "/problems/conflict", "Not in this state", detail)
    }

    /// 503: not now.
    pub(crate) fn unavailable(detail: impl Into<String>, retry_after_s: u32) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "/problems/unavailable", "Not now", detail);
        problem.retry_after_s = Some(retry_after_s);
        problem
    }

    /// 500: the box's own fault; `cause` goes to the log.
    pub(crate) fn internal(cause: impl Into<String>) -> Self {
        Self { cause: Some(cause.into()), ..Self::of_status(StatusCode::INTERNAL_SERVER_ERROR) }
    }

    fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What only the log may know.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The answer to a request for `instance`.
    pub(crate) fn answer(self, instance: &str, trace_id: &str) -> Response {
        let body = ProblemBody {
            kind: self.kind,
            title: self.title,
            status: self.status.as_u16(),
            detail: self.detail,
            instance: instance.into(),
            trace_id: trace_id.into(),
            errors: self.errors,
        };
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (self.status, [(header::CONTENT_TYPE, MEDIA_TYPE)], Body::from(bytes)).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl IntoResponse for Problem {
    /// An answer without body that carries the problem to [`crate::observe`].
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
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
