use axum::{Router, body::Body, middleware, response::IntoResponse, routing::get};
use http_body_util::BodyExt;
use prometheus_client::registry::Registry;
use relaypacs_buffer::CatalogueError;
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::extract::{Json, PathUid};

struct Told {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

fn router(metrics: &HttpMetrics) -> Router {
    async fn panics() -> StatusCode {
        panic!("patient DOE^JOHN")
    }
    async fn fails() -> Problem {
        CatalogueError::Storage("the disk said EIO at /var/lib/relaypacs".into()).into()
    }
    async fn closing() -> Problem {
        CatalogueError::Closing.into()
    }
    async fn bare() -> Response {
        (StatusCode::IM_A_TEAPOT, "with a text that is no problem detail").into_response()
    }
    async fn takes(Json(_): Json<Vec<u8>>) {}
    async fn uid(PathUid(_): PathUid) {}
    Router::new()
        .route("/fine", get(|| async { "fine" }).post(takes))
        .route("/panics", get(panics))
        .route("/fails", get(fails))
        .route("/closing", get(closing))
        .route("/bare", get(bare))
        .route("/uid/{uid}", get(uid))
        .fallback(|| async { Problem::of_status(StatusCode::NOT_FOUND) })
        .layer(axum::extract::DefaultBodyLimit::max(16))
        .layer(middleware::from_fn_with_state((metrics.clone(), Telemetry::default()), observe))
}

async fn ask(metrics: &HttpMetrics, request: Request) -> Told {
    let response = router(metrics).oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Told { status: head.status.as_u16(), headers: head.headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
}

fn request(method: &str, path: &str, body: &'static str) -> Request {
    Request::builder().method(method).uri(path).header("content-type", "application/json").body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn every_refusal_is_a_problem_detail() {
    let metrics = HttpMetrics::default();
    let check = async |method: &str, path: &str, body: &'static str, status: u16| {
        let told = ask(&metrics, request(method, path, body)).await;
        assert_eq!(told.status, status, "{method} {path}");
        assert_eq!(told.headers["content-type"], crate::problem::MEDIA_TYPE, "{method} {path}");
        assert_eq!(told.body["status"], status, "{method} {path}");
        assert_eq!(told.body["instance"], path.split('?').next().unwrap());
        assert_eq!(told.body["trace_id"], told.headers["x-trace-id"].to_str().unwrap());
        for field in ["type", "title", "detail"] {
            assert!(told.body[field].as_str().is_some_and(|text| !text.is_empty()), "{method} {path} {field}");
        }
        told
    };
    check("GET", "/nowhere", "", 404).await;
    check("GET", "/uid/1.2..3", "", 422).await;
    check("POST", "/fine", "[1, 2", 400).await;
    check("POST", "/fine", "{\"a\": 1}", 422).await;
    check("POST", "/fine", "[1,2,3,4,5,6,7,8,9,10]", 413).await;
    check("GET", "/bare", "", 418).await;
    let not_allowed = check("DELETE", "/fine", "", 405).await;
    assert_eq!(not_allowed.headers["allow"], "GET,HEAD,POST");
    let closing = check("GET", "/closing", "", 503).await;
    assert_eq!(closing.headers["retry-after"], "10");
}

#[tokio::test]
async fn what_only_the_log_may_know_stays_in_the_box() {
    let metrics = HttpMetrics::default();
    for (path, status) in [("/panics", 500), ("/fails", 503)] {
        let told = ask(&metrics, request("GET", path, "")).await;
        assert_eq!(told.status, status);
        let text = told.body.to_string();
        assert!(!text.contains("DOE") && !text.contains("EIO") && !text.contains("/var/lib"), "{text}");
    }
}

#[tokio::test]
async fn a_callers_trace_id_is_taken_over_when_it_is_one() {
    let metrics = HttpMetrics::default();
    let traced = async |parent: &str| {
        let mut asked = request("GET", "/fine", "");
        asked.headers_mut().insert("traceparent", parent.parse().unwrap());
        ask(&metrics, asked).await.headers["x-trace-id"].to_str().unwrap().to_string()
    };
    let id = "0af7651916cd43dd8448eb211c80319c";
    assert_eq!(traced(&format!("00-{id}-b7ad6b7169203331-01")).await, id);
    let zero = "0".repeat(32);
    for bad in [format!("00-{zero}-b7ad6b7169203331-01"), "00-DOE^JOHN-1-01".into(), "rubbish".into()] {
        let given = traced(&bad).await;
        assert!(given.len() == 32 && given != zero && given.bytes().all(|b| b.is_ascii_hexdigit()), "{given}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_template_not_by_path() {
    let metrics = HttpMetrics::default();
    for path in ["/uid/1.2.3", "/uid/4.5.6", "/uid/DOE", "/secret/4711"] {
        ask(&metrics, request("GET", path, "")).await;
    }
    ask(&metrics, request("BREW", "/fine", "")).await;
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    let has = |line: &str| assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    has(r#"relaypacs_http_requests_total{method="GET",route="/uid/{uid}",status="200"} 2"#);
    has(r#"relaypacs_http_requests_total{method="GET",route="/uid/{uid}",status="422"} 1"#);
    has(r#"relaypacs_http_requests_total{method="GET",route="unmatched",status="404"} 1"#);
    has(r#"relaypacs_http_requests_total{method="other",route="/fine",status="405"} 1"#);
    assert!(!text.contains("1.2.3") && !text.contains("4711") && !text.contains("BREW"), "{text}");
}
