//! Errors of the page: `POST /telemetry`, and what the page is told about where they are filed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

mod common;

use axum::{Router, body::Bytes, routing::post};
use common::{TestBox, bearer, from, get};
use http_body_util::BodyExt;
use relaypacs_domain::Role;
use relaypacs_http::{Entrance, Telemetry, TelemetryOptions};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

const ENVELOPE: &str = "{\"dsn\":\"https://evil@elsewhere.example/1\"}\n{\"type\":\"event\"}\n{\"exception\":{\"values\":[{\"type\":\"TypeError\",\"value\":\"no DOE^JANE\"}]},\"user\":{\"id\":\"DOE\"}}\n";

async fn send(router: &Router, token: Option<&str>, body: impl Into<axum::body::Body>) -> (u16, String) {
    let mut request = axum::http::Request::builder().method("POST").uri("/api/v1/telemetry").extension(from("203.0.113.9"));
    request = request.header("content-type", "text/plain;charset=UTF-8");
    if let Some(token) = token {
        request = request.header("authorization", bearer(token));
    }
    let answer = router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    (status, String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_the_page_are_passed_on_scrubbed_and_to_the_configured_collector_only() {
    let (sender, mut received) = mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dsn = format!("http://publickey@{}/7", listener.local_addr().unwrap());
    let take = move |body: Bytes| {
        let _ = sender.send(String::from_utf8(body.to_vec()).unwrap());
        async {}
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/api/7/envelope/", post(take))).await });
    let options = TelemetryOptions {
        dsn: dsn.clone(),
        environment: "clinic-north".into(),
        sample_rate: 1.0,
        version: "0.1.0".into(),
        build: "test".into(),
    };
    let telemetry = Telemetry::new(&options).unwrap();
    let stop = CancellationToken::new();
    tokio::spawn({
        let (telemetry, stop) = (telemetry.clone(), stop.clone());
        async move { telemetry.run(stop).await }
    });

    let test_box = TestBox::new(serde_json::json!([])).await;
    let token = test_box.sign_in(Role::Clinician).await;
    let public = relaypacs_http::public(test_box.with_entrance(Entrance { telemetry, ..Entrance::default() }));
    assert_eq!(get(&public, from("203.0.113.9"), "/api/v1/system/public").await.json()["sentry_dsn"], dsn.as_str());
    assert_eq!(send(&public, None, ENVELOPE).await.0, 401);
    assert_eq!(send(&public, Some(&token), "no envelope").await.0, 400);
    assert_eq!(send(&public, Some(&token), "x".repeat(300_000)).await.0, 413);
    assert_eq!(send(&public, Some(&token), ENVELOPE).await, (204, String::new()));
    let passed_on = received.recv().await.unwrap();
    let user = test_box.app.clinic.accounts.users_with(&[Role::Clinician])[0];
    assert!(passed_on.contains("no <name>") && passed_on.contains(&user.0.to_string()), "{passed_on}");
    assert!(passed_on.contains("clinic-north") && !passed_on.contains("DOE") && !passed_on.contains("elsewhere"), "{passed_on}");
    stop.cancel();
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_collector_they_are_forgotten_and_nothing_is_told() {
    let test_box = TestBox::new(serde_json::json!([])).await;
    let token = test_box.sign_in(Role::Clinician).await;
    let public = relaypacs_http::public(test_box.with_entrance(Entrance::default()));
    assert_eq!(send(&public, Some(&token), ENVELOPE).await.0, 204);
    assert!(get(&public, from("203.0.113.9"), "/api/v1/system/public").await.json().get("sentry_dsn").is_none());
    let answers: Vec<u16> = futures_util::future::join_all((0..40).map(|_| send(&public, Some(&token), ENVELOPE)))
        .await
        .iter()
        .map(|answer| answer.0)
        .collect();
    assert!(answers.contains(&429), "a page that fails all the time is held up: {answers:?}");
    test_box.app.buffer.close().await;
}
