use std::net::SocketAddr;

use axum::{
    Router,
    body::Bytes,
    extract::Request,
    http::{HeaderMap, StatusCode},
    middleware,
    routing::{get, post},
};
use serde_json::Value;
use tokio::sync::mpsc;
use tower::ServiceExt;

use super::*;
use crate::{metrics::HttpMetrics, observe::observe, problem::Problem};

/// What a collector was sent.
struct Received {
    headers: HeaderMap,
    /// The lines of the envelope.
    lines: Vec<Value>,
    raw: String,
}

/// A collector on a real socket. It answers `statuses` one after the other, then 200.
async fn collector(statuses: Vec<u16>) -> (SocketAddr, mpsc::UnboundedReceiver<Received>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let answers = Arc::new(std::sync::Mutex::new(statuses));
    let take = move |headers: HeaderMap, body: Bytes| {
        let raw = String::from_utf8(body.to_vec()).unwrap();
        let lines = raw.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        sender.send(Received { headers, lines, raw }).unwrap();
        let mut answers = answers.lock().unwrap();
        let status = if answers.is_empty() { 200 } else { answers.remove(0) };
        async move { StatusCode::from_u16(status).unwrap() }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/sub/api/7/envelope/", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, receiver)
}

fn options(collector: SocketAddr) -> TelemetryOptions {
    TelemetryOptions {
        dsn: format!("http://publickey@{collector}/sub/7"),
        environment: "clinic-north".into(),
        sample_rate: 1.0,
        version: "0.1.0".into(),
        build: "abc123".into(),
    }
}

/// A box whose every answer is wrong.
fn router(telemetry: &Telemetry) -> Router {
    async fn panics() -> StatusCode {
        asked_by(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));
        panic!("no header for DOE^JOHN Walter, PID 4711-0815")
    }
    async fn fails() -> Problem {
        Problem::internal("cannot read \"JOHN DOE\" of 1.2.826.0.1.3680043 from 192.0.2.7 (john@doe.example, DOE_JOHN.dcm)")
    }
    async fn is_full() -> Problem {
        Problem::disk_full("the box is full")
    }
    let observed = (HttpMetrics::default(), telemetry.clone());
    Router::new()
        .route("/api/v1/upload/{id}/complete", get(panics))
        .route("/fails", get(fails))
        .route("/full", get(is_full))
        .layer(middleware::from_fn_with_state(observed, observe))
}

async fn ask(router: &Router, path: &str) -> u16 {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = Request::builder().uri(path).header("traceparent", trace).header("cookie", "session=DOE^JOHN");
    router.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap().status().as_u16()
}

const SECRETS: [&str; 9] = ["DOE", "JOHN", "John", "Walter", "4711", "0815", "1.2.826", "192.0.2.7", "example,"];

#[tokio::test]
async fn a_collector_receives_panics_and_faults_without_patient_data() {
    let (address, mut received) = collector(Vec::new()).await;
    let telemetry = Telemetry::new(&options(address)).unwrap();
    telemetry.watch_panics();
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (telemetry, stop) = (telemetry.clone(), stop.clone());
        async move { telemetry.run(stop).await }
    });
    let router = router(&telemetry);
    assert_eq!(ask(&router, "/full").await, 507, "being full is no error of the box");
    assert_eq!(ask(&router, "/api/v1/upload/01997a00-0000-7000-8000-000000000001/complete").await, 500);
    let panic = received.recv().await.unwrap();
    assert!(SECRETS.iter().all(|secret| !panic.raw.contains(secret)), "{}", panic.raw);
    let auth = panic.headers["x-sentry-auth"].to_str().unwrap();
    assert!(auth.contains("sentry_key=publickey") && auth.contains("sentry_client=relaypacs/0.1.0"), "{auth}");
    assert_eq!(panic.headers["content-type"], "application/x-sentry-envelope");
    let event = &panic.lines[2];
    assert_eq!((&panic.lines[1]["type"], &event["level"]), (&"event".into(), &"fatal".into()));
    assert_eq!((&event["release"], &event["environment"]), (&"relaypacs@0.1.0".into(), &"clinic-north".into()));
    let exception = &event["exception"]["values"][0];
    assert_eq!(exception["value"], "no header for <name> <n>");
    assert!(exception["stacktrace"]["frames"].as_array().unwrap().len() > 1, "{exception}");
    let tags = &event["tags"];
    assert_eq!(tags["route"], "/api/v1/upload/{id}/complete");
    assert_eq!(tags["upload"], "01997a00-0000-7000-8000-000000000001");
    assert_eq!((&tags["trace_id"], &tags["build"]), (&"4bf92f3577b34da6a3ce929d0e0e4736".into(), &"abc123".into()));
    assert_eq!(event["user"]["id"], "01900000-0000-7000-8000-000000000001");
    assert!(event.get("server_name").is_none() && event.get("request").is_none() && event.get("breadcrumbs").is_none());

    assert_eq!(ask(&router, "/fails").await, 500);
    let fault = received.recv().await.unwrap();
    assert!(SECRETS.iter().all(|secret| !fault.raw.contains(secret)), "{}", fault.raw);
    let event = &fault.lines[2];
    assert_eq!(event["exception"]["values"][0]["value"], "cannot read <text> of <uid> from <uid> <address> <file>");
    assert_eq!((&event["tags"]["route"], &event["tags"]["status"]), (&"/fails".into(), &"500".into()));

    telemetry.failed(500, "the last one");
    stop.cancel();
    running.await.unwrap();
    assert!(received.recv().await.unwrap().raw.contains("the last one"), "what is queued at the end still leaves");
}

#[tokio::test]
async fn a_sampling_rate_of_zero_reports_nothing() {
    let (address, mut received) = collector(Vec::new()).await;
    let quiet = Telemetry::new(&TelemetryOptions { sample_rate: 0.0, ..options(address) }).unwrap();
    let loud = Telemetry::new(&options(address)).unwrap();
    for _ in 0..20 {
        quiet.failed(500, "quiet");
    }
    loud.failed(500, "loud");
    let stopped = CancellationToken::new();
    stopped.cancel();
    quiet.run(stopped.clone()).await;
    loud.run(stopped).await;
    assert!(received.recv().await.unwrap().raw.contains("loud"));
    assert!(received.try_recv().is_err());
}

#[tokio::test]
async fn a_collector_that_is_away_costs_neither_memory_nor_requests() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let telemetry = Telemetry::new(&options(nobody)).unwrap();
    for _ in 0..10_000 {
        telemetry.failed(500, "again");
    }
    let stopped = CancellationToken::new();
    stopped.cancel();
    telemetry.run(stopped).await;
}

#[tokio::test]
async fn a_collector_that_asks_for_a_pause_gets_it() {
    let (address, mut received) = collector(vec![429]).await;
    let telemetry = Telemetry::new(&options(address)).unwrap();
    telemetry.failed(500, "first");
    telemetry.failed(500, "second");
    let stop = CancellationToken::new();
    stop.cancel();
    telemetry.run(stop).await;
    assert!(received.recv().await.unwrap().raw.contains("first"));
    assert!(received.try_recv().is_err(), "nothing follows a 429 at once");
}

#[test]
fn a_dsn_is_checked() {
    for wrong in ["", "sentry", "https://sentry.example/1", "https://key:secret@sentry.example/1", "ftp://key@sentry.example/1"] {
        assert!(check_dsn(wrong).is_err(), "{wrong:?}");
    }
    assert!(check_dsn("https://key@sentry.example/1").is_ok());
    assert!(Telemetry::new(&TelemetryOptions { sample_rate: 1.5, ..options(SocketAddr::from(([127, 0, 0, 1], 1))) }).is_err());
    assert!(Telemetry::default().dsn().is_none());
}

#[test]
fn nothing_of_a_patient_is_left_in_a_text() {
    let check = |text: &str, expected: &str| assert_eq!(scrub::text(text), expected, "{text}");
    check("x is undefined in render()", "x is undefined in render()");
    check("can't read DOE^JANE Ann of the study", "can't read <name> of the study");
    check("Müller^Ana", "<name>");
    check("patient Doe, Jane is held", "patient <name> is held");
    check("JANE DOE: no image", "<name> no image");
    check("the C-STORE of CT failed", "the C-STORE of CT failed");
    check("key 'JANE DOE' and “Doe” and \"open", "key <text> and <text> and <text>");
    check("1.2.826.0.1.3680043.10, then 10.0.0.1", "<uid> then <uid>");
    check("fe80::1 said no", "<uid> said no");
    check("P-1002034 born 1980-04-12", "P-<n> born <n>");
    check("id 0190a1b2-0000-7000-8000-0123456789ab gone", "id <id> gone");
    check("/srv/DOE.DCM and a.b@clinic.example", "<file> <address>".replace(' ', " and ").as_str());
    check("took 250 ms, 3 times", "took 250 ms, 3 times");
    assert!(scrub::text(&"word ".repeat(10_000)).len() <= 500);
}

#[test]
fn an_envelope_of_the_page_is_read() {
    let event = r#"{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","timestamp":1790000000.5,"platform":"javascript","level":"error",
        "release":"relaypacs-web-ui@0.1.0","exception":{"values":[{"type":"TypeError","value":"x of DOE^JANE","mechanism":{"type":"generic","handled":false},
        "stacktrace":{"frames":[{"filename":"https://box.clinic.example/assets/index-1.js?DOE","function":"show","lineno":1,"colno":7,"in_app":true,
        "vars":{"name":"DOE^JANE"},"context_line":"DOE^JANE"}]}}]},"request":{"url":"/studies/1.2.3.4?q=DOE#DOE","headers":{"cookie":"DOE"}},
        "user":{"id":"DOE","email":"DOE"},"tags":{"patient":"DOE"},"extra":{"patient":"DOE"},"breadcrumbs":[{"message":"DOE"}],"debug_meta":{"images":[{"type":"sourcemap"}]},
        "sdk":{"name":"sentry.javascript.react","version":"10.0.0","integrations":["GlobalHandlers"]}}"#
        .replace('\n', "");
    let envelope = format!(
        "{{\"dsn\":\"https://evil@elsewhere.example/1\"}}\n{{\"type\":\"session\"}}\n{{\"DOE\":1}}\n{{\"type\":\"event\",\"length\":{}}}\n{event}\n",
        event.len()
    );
    let mut events = relay::events(envelope.as_bytes()).unwrap();
    let sent = serde_json::to_value(scrub::event(events.remove(0))).unwrap();
    assert!(!sent.to_string().contains("DOE") && !sent.to_string().contains("clinic.example"), "{sent}");
    assert_eq!(sent["exception"]["values"][0]["value"], "x of <name>");
    let frame = &sent["exception"]["values"][0]["stacktrace"]["frames"][0];
    assert_eq!((&frame["filename"], &frame["lineno"], &frame["colno"]), (&"/assets/index-1.js".into(), &1.into(), &7.into()));
    assert_eq!((&sent["request"]["url"], &sent["release"]), (&"app:///studies/-".into(), &"relaypacs-web-ui@0.1.0".into()));
}

#[test]
fn what_is_no_envelope_is_refused_and_never_panics() {
    for wrong in [
        "",
        "x",
        "[]",
        "{}\nx",
        "{}\n{\"type\":\"event\",\"length\":10}\n{}",
        "{}\n{\"type\":\"event\"}\n",
        "{}\n{\"type\":\"event\"}\n[1]",
    ] {
        assert!(relay::events(wrong.as_bytes()).is_err(), "{wrong:?}");
    }
    for empty in
        ["{}", "{}\n", "{}\n\n\n", "{}\n{\"type\":\"replay_recording\",\"length\":3}\n\n\n\n", "{}\n{\"type\":\"attachment\"}\nbytes"]
    {
        assert!(relay::events(empty.as_bytes()).unwrap().is_empty(), "{empty:?}");
    }
    let many = format!("{{}}\n{}", "{\"type\":\"event\"}\n{}\n".repeat(100));
    assert_eq!(relay::events(many.as_bytes()).unwrap().len(), 4);
}
