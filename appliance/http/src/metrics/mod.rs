//! `GET /metrics`: every metric of the box, for Prometheus.
//!
//! What the routes themselves measure is counted as it happens ([`HttpMetrics`]); what others already know (queue, disk, destinations,
//! process) is read when Prometheus asks ([`AtScrape`]). Labels hold route templates, method and status, destination names and service
//! levels: all bounded, none from patients.

mod exposition;
mod process;
mod scrape;

use std::time::Duration;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use self::scrape::AtScrape;
use crate::{
    app::App,
    problem::{Problem, ProblemBody},
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// What the routes measure. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct HttpMetrics {
    requests: Family<Answer, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
    chunk_durations: Histogram,
    service_restarts: Family<Service, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Service {
    service: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: String,
}

impl Default for HttpMetrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(durations),
            chunk_durations: durations(),
            service_restarts: Family::default(),
        }
    }
}

/// 1 ms to 8 s, and beyond.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 14))
}

impl HttpMetrics {
    /// Registers everything the routes measure.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("relaypacs_http_requests", "HTTP requests answered, by method, route template and status", self.requests.clone());
        registry.register(
            "relaypacs_http_request_duration_seconds",
            "Time from a request's head to the head of its answer",
            self.durations.clone(),
        );
        registry.register(
            "relaypacs_chunk_upload_duration_seconds",
            "Time from the head of a request to the durable chunk, or batch of chunks, that it brought",
            self.chunk_durations.clone(),
        );
        registry.register("relaypacs_service_restarts", "Restarts of a service of the box after a panic", self.service_restarts.clone());
    }

    /// Counts that a service of the box (a fixed name) was started again after it had failed.
    pub fn service_restarted(&self, service: &'static str) {
        self.service_restarts.get_or_create(&Service { service }).inc();
    }

    /// Notes how long a chunk, or a batch of them, took.
    pub(crate) fn chunk_taken(&self, took: Duration) {
        self.chunk_durations.observe(took.as_secs_f64());
    }

    /// Counts an answer. `route` is a template.
    pub(crate) fn answered(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let method = known(method);
        self.requests.get_or_create(&Answer { method, route: route.into(), status: status.as_u16() }).inc();
        self.durations.get_or_create(&Route { method, route: route.into() }).observe(took.as_secs_f64());
    }
}

/// The method as a label: a client may send any word as one.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Every metric of the box: in Prometheus' text format 0.0.4, or as OpenMetrics 1.0 when `Accept` names it.
///
/// For the box itself and the configured monitoring networks.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "monitoring", responses(
    (status = 200, description = "every metric", body = String, content_type = "text/plain; version=0.0.4; charset=utf-8"),
    (status = 403, description = "not from this address", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let text = app.ask(|app| exposition::open_metrics(&app.registry).map_err(|error| Problem::internal(error.to_string()))).await?;
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let (kind, text) = if accepts.contains("application/openmetrics-text") {
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", text)
    } else {
        ("text/plain; version=0.0.4; charset=utf-8", exposition::prometheus_text(&text))
    };
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response())
}
