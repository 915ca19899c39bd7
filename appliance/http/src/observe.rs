//! What happens to every request: it gets a trace id, is timed and counted, a panic in it becomes an answer, and every refusal gets its
//! body (see [`crate::problem`]). Answers that are the box's own fault are reported to the error collector, if there is one.
//!
//! Counted and logged is the route's template (`/api/v1/studies/{uid}`), never the path: paths come from the client without limit.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{Arc, OnceLock},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;

use crate::{
    front::AskedPath,
    metrics::HttpMetrics,
    problem::Problem,
    security,
    telemetry::{ASKED, Asked, Telemetry},
};

/// Wraps every route.
pub(crate) async fn observe(State((metrics, telemetry)): State<(HttpMetrics, Telemetry)>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let trace_id = trace_id(request.headers());
    let asked = request.extensions().get::<AskedPath>().map(|asked| asked.0.to_string());
    let path = asked.unwrap_or_else(|| request.uri().path().to_string());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "unmatched".to_string(), |route| route.as_str().to_string());

    let asked = Arc::new(Asked {
        method: method.to_string(),
        route: route.clone(),
        trace_id: trace_id.clone(),
        upload: upload(&route, &path),
        user: OnceLock::new(),
    });
    let outcome = ASKED.scope(asked.clone(), AssertUnwindSafe(next.run(request)).catch_unwind()).await;
    // A panic has been reported when it happened, with its stack.
    let panicked = outcome.is_err();
    let response = outcome.unwrap_or_else(|panic| axum::response::IntoResponse::into_response(Problem::internal(told(&*panic))));
    if !panicked && let Some(cause) = own_fault(&response) {
        ASKED.sync_scope(asked, || telemetry.failed(response.status().as_u16(), cause));
    }
    let mut response = with_body(response, &path, &method, &route, &trace_id);

    let headers = response.headers_mut();
    security::guard(headers);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&trace_id) {
        headers.insert("x-trace-id", value);
    }
    let took = started.elapsed();
    metrics.answered(&method, &route, response.status(), took);
    tracing::debug!(%method, route, status = response.status().as_u16(), ms = took.as_millis() as u64, trace_id, "answered");
    response
}

/// Gives a refusal its body, unless it has one of its own (such as `/readyz`).
fn with_body(mut response: Response, path: &str, method: &axum::http::Method, route: &str, trace_id: &str) -> Response {
    let status = response.status();
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if is_refusal(status) && !has_json(response.headers()) => Problem::of_status(status),
        None => return response,
    };
    if status.is_server_error() {
        tracing::error!(%method, route, status = status.as_u16(), trace_id, cause = problem.cause(), "a request could not be answered");
    }
    let mut answer = problem.answer(path, trace_id);
    // What layers in between said (Allow, RateLimit …) stays; what described the body that is replaced does not.
    let mut kept = std::mem::take(response.headers_mut());
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
        kept.remove(name);
    }
    for (name, value) in &kept {
        answer.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    answer
}

/// What the log says of an answer that is the box's own fault. (Being full, busy or about to stop is none.)
fn own_fault(response: &Response) -> Option<&str> {
    let status = response.status();
    let cause = response.extensions().get::<Problem>().and_then(Problem::cause).filter(|_| status.is_server_error());
    cause.or_else(|| (status == StatusCode::INTERNAL_SERVER_ERROR).then_some("no cause given"))
}

/// The upload that a request is about.
fn upload(route: &str, path: &str) -> Option<uuid::Uuid> {
    let within = route.contains("/upload/{").then(|| path.split_once("/upload/"))?;
    within?.1.split('/').next()?.parse().ok()
}

fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

fn has_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

/// The trace id of a valid `traceparent` (W3C Trace Context §3.2), else a new one: 32 hex digits.
fn trace_id(headers: &HeaderMap) -> String {
    let given = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(|value| {
        let id = value.split('-').nth(1)?;
        let good = id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) && id.bytes().any(|b| b != b'0');
        good.then(|| id.to_string())
    });
    given.unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string())
}

/// What a panic said, for the log.
fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests;
