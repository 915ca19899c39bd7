//! Server-sent events (WHATWG HTML §9.2): what people see at once.
//!
//! Every event has an id; a client that comes back with `Last-Event-ID` is told what it missed, or `reset` when that cannot be told any more.
//! A stream ends with its session. `EventSource` can send no header, so these paths alone also take the token in the query.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use futures_util::stream;
use relaypacs_clinic::{
    Clinic,
    live::{Follower, Listener, LiveKind, Told},
};
use relaypacs_domain::Principal;
use tokio_util::sync::CancellationToken;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::StreamCaller,
    problem::{Problem, ProblemBody},
};

/// A comment at least this often, so that nobody between takes the line for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What the client is told to wait before it comes back, in milliseconds.
const RETRY: &str = "retry: 3000\n\n";

const REPORTS: &[LiveKind] = &[LiveKind::Report, LiveKind::Upload];
const NOTIFICATIONS: &[LiveKind] = &[LiveKind::Notification, LiveKind::UnreadCount];
const EVERYTHING: &[LiveKind] =
    &[LiveKind::Report, LiveKind::Upload, LiveKind::Notification, LiveKind::UnreadCount, LiveKind::Study, LiveKind::Destination];

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events)).routes(routes!(reports)).routes(routes!(notifications))
}

/// Everything that happens and that the caller may see.
///
/// Events: `connected`, `unread_count`, `notification`, `report`, `upload`, `study`, `destination`, `reset`; each with an `id`.
///
/// An `upload` is the body of `GET /upload/{id}/status` without its `result`. Of more than 100 files only those with an error are in it, at most
/// 100, and of more than 100 studies the first 100: `files_omitted` and `studies_omitted` say how many are not.
#[utoipa::path(get, path = "/api/v1/events", operation_id = "live_events", tag = "events",
    params(("token" = Option<String>, Query, description = "the access token, for clients that can send no header"),
        ("Last-Event-ID" = Option<String>, Header, description = "the id of the last event seen: what was missed is told first")),
    responses(
    (status = 200, description = "a stream of events", content_type = "text/event-stream", body = String,
        example = "retry: 3000\n\nid: 19a-7\nevent: unread_count\ndata: {\"count\":1}\n\n"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn events(State(app): State<App>, StreamCaller(who): StreamCaller, headers: HeaderMap) -> Result<Response, Problem> {
    open(&app, who, &headers, EVERYTHING).await
}

/// What happens to the caller's reports and uploads.
#[utoipa::path(get, path = "/api/v1/reports/stream", operation_id = "live_reports", tag = "reports",
    params(("token" = Option<String>, Query, description = "the access token, for clients that can send no header"),
        ("Last-Event-ID" = Option<String>, Header, description = "the id of the last event seen: what was missed is told first")),
    responses(
    (status = 200, description = "a stream of `report` and `upload` events", content_type = "text/event-stream", body = String,
        example = "retry: 3000\n\nid: 19a-8\nevent: upload\ndata: {\"upload_id\":\"01997a00-0000-7000-8000-000000000001\",\"state\":\"complete\"}\n\n"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn reports(State(app): State<App>, StreamCaller(who): StreamCaller, headers: HeaderMap) -> Result<Response, Problem> {
    open(&app, who, &headers, REPORTS).await
}

/// The caller's notifications.
#[utoipa::path(get, path = "/api/v1/notifications/stream", operation_id = "live_notifications", tag = "notifications",
    params(("token" = Option<String>, Query, description = "the access token, for clients that can send no header"),
        ("Last-Event-ID" = Option<String>, Header, description = "the id of the last event seen: what was missed is told first")),
    responses(
    (status = 200, description = "a stream of `notification` and `unread_count` events", content_type = "text/event-stream", body = String,
        example = "retry: 3000\n\nid: 19a-9\nevent: unread_count\ndata: {\"count\":0}\n\n"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn notifications(State(app): State<App>, StreamCaller(who): StreamCaller, headers: HeaderMap) -> Result<Response, Problem> {
    open(&app, who, &headers, NOTIFICATIONS).await
}

/// One open stream.
struct Open {
    clinic: Clinic,
    who: Principal,
    ended: Option<CancellationToken>,
    follower: Follower,
}

async fn open(app: &App, who: Principal, headers: &HeaderMap, kinds: &'static [LiveKind]) -> Result<Response, Problem> {
    let listener = Listener { user: who.user, role: who.role, kinds };
    let last = headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default());
    let follower = app.clinic.live.follow(listener, last);
    let mut hello = format!("{RETRY}{}", event(&follower.id(), "connected", "{}"));
    if kinds.contains(&LiveKind::UnreadCount) {
        let count = app.clinic.notifications.unread_count(who.user).await?;
        hello.push_str(&event(&follower.id(), "unread_count", &format!("{{\"count\":{count}}}")));
    }
    // The operator on the admin socket has no session that could end.
    let ended = (!who.user.0.is_nil()).then(|| app.clinic.sessions.ended(who.session));
    let open = Open { clinic: app.clinic.clone(), who, ended, follower };
    let rest = stream::unfold(open, |mut open| async move { Some((open.next().await?, open)) });
    let first = stream::once(async move { Bytes::from(hello) });
    let body = futures_util::StreamExt::map(futures_util::StreamExt::chain(first, rest), Ok::<Bytes, Infallible>);
    let mut response = Response::new(Body::from_stream(body));
    let mut set = |name, value| response.headers_mut().insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, "text/event-stream");
    set(header::CACHE_CONTROL, "no-store");
    set(header::HeaderName::from_static("x-accel-buffering"), "no");
    Ok(response)
}

impl Open {
    /// The next piece of the stream; `None`: it is over.
    async fn next(&mut self) -> Option<Bytes> {
        let heartbeat = tokio::time::sleep(HEARTBEAT);
        let over = async {
            match &self.ended {
                Some(ended) => ended.cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = over => None,
            told = self.follower.next() => told.map(|told| Bytes::from(written(&told))),
            () = heartbeat => {
                // A session that ends by time tells nobody.
                let goes_on = self.who.user.0.is_nil() || self.clinic.sessions.goes_on(&self.who);
                goes_on.then(|| Bytes::from_static(b": still here\n\n"))
            }
        }
    }
}

fn written(told: &Told) -> String {
    match told {
        Told::Reset { id } => event(id, "reset", "{}"),
        Told::Event { id, kind, json } => event(id, kind.as_str(), json),
    }
}

/// One event; `data` is JSON without line breaks.
fn event(id: &str, name: &str, data: &str) -> String {
    format!("id: {id}\nevent: {name}\ndata: {data}\n\n")
}
