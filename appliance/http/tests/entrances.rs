//! Who may ask what, readiness, and metrics as Prometheus' own tool reads them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

mod common;

use std::{
    io::Write,
    process::{Command, Stdio},
};

use axum::{body::Body, http::Request};
use common::{TestBox, from, get, get_as, loopback, send};
use relaypacs_domain::Role;
use relaypacs_http::{Entrance, Peer};
use tower::ServiceExt;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_people_with_an_account_read_studies_and_only_monitoring_reads_metrics() {
    let test_box = TestBox::with_two_destinations().await;
    let public = test_box.public();
    let elsewhere = from("203.0.113.9");
    let monitoring = from("192.0.2.7");
    let check = async |peer: Peer, path: &str, status: u16| {
        let told = get(&public, peer, path).await;
        assert_eq!(told.status, status, "{peer:?} {path}: {}", told.text);
        if status == 403 {
            assert_eq!(told.json()["type"], "/problems/local-only");
            assert!(told.json()["detail"].as_str().is_some_and(|detail| detail.contains("only")));
        }
    };
    for path in ["/healthz", "/health", "/openapi.json"] {
        check(elsewhere, path, 200).await;
    }
    for path in ["/metrics", "/readyz"] {
        check(elsewhere, path, 403).await;
        check(monitoring, path, 200).await;
        check(loopback(), path, 200).await;
    }
    let token = test_box.sign_in(Role::Radiographer).await;
    for path in ["/api/v1/system", "/api/v1/studies", "/api/v1/studies/", "/api/v1/destinations", "/api/v1/modalities"] {
        for nobody in [elsewhere, monitoring, loopback()] {
            check(nobody, path, 401).await;
        }
        assert_eq!(get_as(&public, &token, path).await.status, 200, "{path}");
    }
    for path in ["/api/v1/studies/1.2.3", "/api/v1/studies/1.2.3/ledger"] {
        check(loopback(), path, 401).await;
        assert_eq!(get_as(&public, &token, path).await.status, 404, "{path}");
    }
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_changed_over_tcp() {
    let test_box = TestBox::with_two_destinations().await;
    let public = test_box.public();
    let contract = serde_json::to_value(relaypacs_http::admin_openapi()).unwrap();
    let mut tried = 0;
    for path in contract["paths"].as_object().unwrap().keys().filter(|path| path.starts_with("/admin/")) {
        for method in ["GET", "POST"] {
            let told = send(&public, loopback(), method, path, Some(serde_json::json!({})), &[]).await;
            assert_eq!(told.status, 404, "{method} {path}");
            tried += 1;
        }
    }
    assert!(tried >= 20, "{tried}");
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let told = send(&public, loopback(), method, "/api/v1/studies", None, &[]).await;
        assert_eq!(told.status, 405, "{method}");
    }
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_or_a_foreign_name_is_not_the_box_itself() {
    let test_box = TestBox::with_two_destinations().await;
    let public = test_box.public();
    for header in [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9"), ("host", "clinic.example")] {
        let told = send(&public, loopback(), "GET", "/metrics", None, &[header]).await;
        assert_eq!(told.status, 403, "{header:?}");
    }
    let told = send(&public, from("192.0.2.7"), "GET", "/metrics", None, &[("x-forwarded-for", "203.0.113.9")]).await;
    assert_eq!(told.status, 403, "somebody behind a proxy in a monitoring network");
    // As it is configured by default: the box's own networks.
    let mut app = test_box.app.clone();
    let info = relaypacs_http::BoxInfo { monitoring_networks: vec!["127.0.0.0/8".parse().unwrap()], ..(*app.info).clone() };
    app.info = std::sync::Arc::new(info);
    let proxied = Entrance { trusted_proxies: vec!["127.0.0.1".parse().unwrap()], ..Entrance::default() };
    for public in [relaypacs_http::public(app.clone()), relaypacs_http::public(app.behind(proxied))] {
        for header in [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "127.0.0.1"), ("host", "clinic.example")] {
            assert_eq!(send(&public, loopback(), "GET", "/metrics", None, &[header]).await.status, 403, "{header:?}");
        }
        assert_eq!(get(&public, loopback(), "/metrics").await.status, 200);
    }
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_ready_says_why() {
    let test_box = TestBox::with_two_destinations().await;
    let public = test_box.public();
    test_box.listening(false);
    let told = get(&public, loopback(), "/readyz").await;
    assert_eq!((told.status, &told.json()["ready"]), (503, &serde_json::json!(false)));
    let checks = told.json()["checks"].clone();
    let failed: Vec<_> = checks.as_array().unwrap().iter().filter(|check| check["ok"] == false).collect();
    assert_eq!((failed.len(), &failed[0]["name"]), (1, &serde_json::json!("dicom")), "{checks}");
    assert!(failed[0]["reason"].as_str().is_some_and(|why| !why.is_empty()));
    test_box.listening(true);
    assert_eq!(get(&public, loopback(), "/readyz").await.status, 200);
    test_box.app.buffer.close().await;
}

#[tokio::test]
async fn a_body_that_never_ends_is_refused_in_time() {
    let test_box = TestBox::with_two_destinations().await;
    let never: Body = Body::from_stream(futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>());
    let request = Request::post("/admin/log").extension(Peer::AdminSocket).header("content-type", "application/json").body(never).unwrap();
    tokio::time::pause();
    let answer = test_box.admin().oneshot(request).await.unwrap();
    tokio::time::resume();
    assert_eq!(answer.status(), 408);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    test_box.app.buffer.close().await;
}

/// Debian's package `prometheus` has promtool.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promtool_finds_the_metrics_clean() {
    let test_box = TestBox::with_two_destinations().await;
    test_box.store(Some("1.2.3"), "1.2.3.1.1", "CT").await;
    let public = test_box.public();
    let token = test_box.sign_in(Role::Radiologist).await;
    get_as(&public, &token, "/api/v1/studies/1.2.3").await;
    get_as(&public, &token, "/api/v1/studies/1.2.99").await;
    let told = get(&public, loopback(), "/metrics").await;
    assert_eq!(told.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool (Debian package prometheus) is installed");
    promtool.stdin.take().unwrap().write_all(told.text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}\n{}", told.text);

    let has = |line: &str| assert!(told.text.lines().any(|found| found.starts_with(line)), "{line} is not in\n{}", told.text);
    has("relaypacs_build_info{version=\"0.1.0\",build=\"test\"} 1");
    has("relaypacs_queue_instances{destination=\"pacs1\",service_level=\"routine\"} 1");
    has("relaypacs_queue_instances{destination=\"pacs1\",service_level=\"stat\"} 0");
    has("relaypacs_queue_bytes{destination=\"archive\"}");
    has("relaypacs_queue_oldest_age_seconds{destination=\"archive\"}");
    has("relaypacs_held_instances 0");
    has("relaypacs_disk_total_bytes");
    has("relaypacs_upload_success_rate{source=\"http\"} NaN");
    has("relaypacs_uploads{outcome=\"success\"} 0");
    has("relaypacs_chunk_upload_duration_seconds_count 0");
    has("relaypacs_http_requests_total{method=\"GET\",route=\"/api/v1/studies/{uid}\",status=\"404\"} 1");
    has("process_resident_memory_bytes");
    for secret in common::PATIENT {
        assert!(!told.text.contains(secret), "{}", told.text);
    }
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scraper_that_asks_for_open_metrics_gets_it() {
    let test_box = TestBox::with_two_destinations().await;
    let accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
    let told = send(&test_box.public(), loopback(), "GET", "/metrics", None, &[("accept", accept)]).await;
    assert_eq!(told.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(told.text.ends_with("# EOF\n"));
    test_box.app.buffer.close().await;
}

#[tokio::test]
async fn a_box_without_https_says_that_it_has_no_certificate() {
    let test_box = TestBox::with_two_destinations().await;
    let token = test_box.sign_in(Role::Clinician).await;
    let system = get_as(&test_box.public(), &token, "/api/v1/system").await.json();
    assert_eq!(system.get("certificate"), Some(&serde_json::Value::Null));
}
