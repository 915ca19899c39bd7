//! What every caller by TCP meets before a handler: limits, legacy mounts, documentation pages, the web page.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

mod common;

use common::{TestBox, from, get, loopback, send};
use relaypacs_http::{Entrance, Rates};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_documentation_pages_come_whole_from_the_box() {
    let test_box = TestBox::with_two_destinations().await;
    let public = test_box.public();
    for (page, files) in [
        ("/docs", &["/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/start.js"][..]),
        ("/redoc", &["/redoc/redoc.standalone.js", "/redoc/start.js"]),
    ] {
        let told = get(&public, from("203.0.113.9"), page).await;
        assert_eq!((told.status, told.headers["content-type"].to_str().unwrap()), (200, "text/html; charset=utf-8"));
        let policy = told.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self';") && !policy.contains("http"), "{policy}");
        assert!(!told.text.contains("http:") && !told.text.contains("https:") && !told.text.contains("//"), "{}", told.text);
        for file in files {
            assert!(told.text.contains(file), "{page} does not load {file}");
            let found = get(&public, from("203.0.113.9"), file).await;
            assert_eq!(found.status, 200, "{file}");
            assert!(found.text.len() > 80, "{file}");
        }
        assert_eq!(get(&public, loopback(), &format!("{page}/")).await.status, 200, "with a slash");
    }
    assert_eq!(get(&public, loopback(), "/docs/oauth2-redirect.html").await.status, 404);
    let told = get(&public, loopback(), "/redoc/redoc.standalone.js").await;
    assert!(!told.text.contains("cdn.redoc.ly"), "an address outside");
    assert!(get(&public, loopback(), "/healthz").await.headers["content-security-policy"].to_str().unwrap().contains("style-src 'self';"));
    test_box.app.buffer.close().await;
}

#[test]
fn the_contract_marks_every_legacy_mount() {
    let contract = serde_json::to_value(relaypacs_http::openapi()).unwrap();
    let paths = contract["paths"].as_object().unwrap();
    let is_legacy = |path: &str| ["/auth", "/totp", "/upload", "/reports", "/notifications"].iter().any(|first| path.starts_with(first));
    for (path, item) in paths.iter().filter(|(path, _)| is_legacy(path)) {
        let successor = &paths[&format!("/api/v1{path}")];
        for (method, operation) in item.as_object().unwrap() {
            assert_eq!((&operation["tags"], &operation["deprecated"]), (&json!(["legacy"]), &json!(true)), "{method} {path}");
            assert_eq!(operation["responses"], successor[method]["responses"], "{method} {path}");
        }
    }
    for path in paths.keys().filter_map(|path| path.strip_prefix("/api/v1")).filter(|path| is_legacy(path)) {
        assert!(paths.contains_key(path), "{path} has no legacy mount");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_too_many_is_told_when_to_come_back() {
    let test_box = TestBox::with_two_destinations().await;
    let rates = Rates { other: "2/h".parse().unwrap(), ..Rates::default() };
    let trusted_proxies = vec!["198.51.100.1".parse().unwrap()];
    let app = test_box.with_entrance(Entrance { rates, trusted_proxies, ..Entrance::default() });
    let public = relaypacs_http::public(app);
    let ask =
        async |peer: &str, client: &str| send(&public, from(peer), "GET", "/api/v1/studies/", None, &[("x-forwarded-for", client)]).await;
    for left in [1, 0] {
        let told = ask("203.0.113.9", "192.0.2.1").await;
        assert_eq!(told.headers["ratelimit-policy"], "\"other\";q=2;w=3600");
        assert!(told.headers["ratelimit"].to_str().unwrap().starts_with(&format!("\"other\";r={left};t=")));
    }
    let refused = ask("203.0.113.9", "192.0.2.99").await;
    assert_eq!((refused.status, &refused.json()["code"]), (429, &json!("rate_limited")));
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
    // Behind the trusted proxy everybody counts for themselves; elsewhere the header means nothing.
    assert_ne!(ask("198.51.100.1", "192.0.2.1").await.status, 429);
    assert_ne!(ask("198.51.100.1", "192.0.2.2").await.status, 429);
    assert_eq!(get(&public, from("203.0.113.9"), "/healthz").await.status, 200, "health is not limited");
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_route_knows_is_the_page_s_but_never_under_api() {
    let test_box = TestBox::with_two_destinations().await;
    let page = axum::Router::new().fallback(|| async { "the page" });
    let app = test_box.with_entrance(Entrance { page: Some(page), ..Entrance::default() });
    let public = relaypacs_http::public(app);
    for path in ["/", "/setup", "/studies/1.2.3", "/assets/x.js"] {
        let told = get(&public, from("203.0.113.9"), path).await;
        assert_eq!((told.status, told.text.as_str()), (200, "the page"), "{path}");
        assert!(told.headers.contains_key("content-security-policy"));
    }
    // Without HTTPS there is no authority: its file must not be a page.
    for path in ["/api", "/api/v1/nothing", "/api/v2/studies", "/ca.crt", "/.well-known/acme-challenge/x"] {
        assert_eq!(get(&public, from("203.0.113.9"), path).await.status, 404, "{path}");
    }
    assert_eq!(send(&public, from("203.0.113.9"), "POST", "/setup", None, &[]).await.status, 404);
    let told = send(&public, from("203.0.113.9"), "GET", "/reports", None, &[("sec-fetch-mode", "navigate")]).await;
    assert_eq!((told.text.as_str(), told.headers["vary"].to_str().unwrap()), ("the page", "Accept, Sec-Fetch-Mode"));
    let told = send(&public, from("203.0.113.9"), "GET", "/reports", None, &[("accept", "application/json")]).await;
    assert_ne!(told.text, "the page");
    assert_eq!(told.headers["link"], "</api/v1/reports>; rel=\"successor-version\"");
    test_box.app.buffer.close().await;
}
