//! `POST /telemetry`: the page's own errors. The page may talk to the box only, so the box takes its envelopes and passes them on.
//!
//! An envelope (develop.sentry.dev, "Envelopes") is lines: a JSON header, then for each item a JSON header `{type, length?}` and its
//! payload. Items of type `event` are read; everything else (sessions, traces, replays, attachments) is left where it is.

use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::StatusCode,
};
use sentry::protocol::Event;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use crate::{
    app::App,
    caller::Caller,
    problem::{Problem, ProblemBody},
};

/// Bytes of an envelope.
const MOST: usize = 200 * 1024;
/// Events of an envelope that are passed on.
const MOST_EVENTS: usize = 4;
/// What is read of an event.
const KNOWN: [&str; 8] = ["event_id", "timestamp", "level", "platform", "release", "exception", "request", "sdk"];

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(telemetry).layer(DefaultBodyLimit::max(MOST)))
}

/// Takes an error of the page: a Sentry envelope of at most 200 KiB. It is scrubbed of everything that could be a patient's and passed on to
/// the collector of the configuration; without one it is forgotten.
#[utoipa::path(post, path = "/api/v1/telemetry", operation_id = "telemetry", tag = "system",
    request_body(content = String, content_type = "application/x-sentry-envelope",
        example = json!("{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n{\"type\":\"event\"}\n{\"exception\":{\"values\":[{\"type\":\"TypeError\",\"value\":\"x is undefined\"}]}}\n")),
    responses(
        (status = 204, description = "taken"),
        (status = 400, description = "no envelope", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "not signed in", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "the body did not arrive", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "the envelope is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "too many", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
    ))]
async fn telemetry(State(app): State<App>, caller: Caller, body: Result<Bytes, BytesRejection>) -> Result<StatusCode, Problem> {
    let body = body.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(format!("an envelope has at most {MOST} bytes")),
        _ => Problem::of_status(StatusCode::REQUEST_TIMEOUT),
    })?;
    for event in events(&body).map_err(Problem::unreadable)? {
        app.entrance.telemetry.pass_on(event, caller.id().0);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The header of an item.
#[derive(Deserialize)]
struct ItemHeader {
    #[serde(rename = "type")]
    kind: String,
    length: Option<usize>,
}

/// The events of an envelope.
pub(super) fn events(envelope: &[u8]) -> Result<Vec<Event<'static>>, String> {
    let (header, mut rest) = line(envelope);
    serde_json::from_slice::<Map<String, Value>>(header).map_err(|error| format!("the first line is no envelope header: {error}"))?;
    let mut events = Vec::new();
    while !rest.is_empty() && events.len() < MOST_EVENTS {
        let (header, after) = line(rest);
        if header.is_empty() {
            rest = after;
            continue;
        }
        let header: ItemHeader = serde_json::from_slice(header).map_err(|error| format!("a line is no item header: {error}"))?;
        let payload;
        (payload, rest) = match header.length {
            Some(length) => {
                let (payload, after) = after.split_at_checked(length).ok_or("an item is shorter than its header says")?;
                (payload, after.strip_prefix(b"\n").unwrap_or(after))
            }
            None => line(after),
        };
        if header.kind == "event" {
            events.push(event(payload).map_err(|error| format!("an event cannot be read: {error}"))?);
        }
    }
    Ok(events)
}

fn event(payload: &[u8]) -> Result<Event<'static>, serde_json::Error> {
    let mut fields: Map<String, Value> = serde_json::from_slice(payload)?;
    fields.retain(|name, _| KNOWN.contains(&name.as_str()));
    if let Some(url) = fields.get_mut("request").and_then(|request| request.get_mut("url")).filter(|url| is_relative(url)) {
        *url = Value::String(format!("app://{}", url.as_str().unwrap_or_default()));
    }
    serde_json::from_value(Value::Object(fields))
}

fn is_relative(url: &Value) -> bool {
    url.as_str().is_some_and(|url| url.starts_with('/'))
}

/// The bytes up to the next line feed, and what follows it.
fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'\n', bytes) {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &[]),
    }
}
