//! `SECURITY.md`: the tests it names exist; and what is tried here beside them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

mod common;

use std::{collections::HashMap, path::Path};

use common::{PASSWORD, TestBox, from, get, send};
use relaypacs_domain::Role;
use serde_json::json;

/// `file` and `test` pairs of a table's row: what stands between backquotes in its last column.
fn named(row: &str) -> Vec<(&str, &str)> {
    let Some(cell) = row.trim_end_matches('|').rsplit('|').next() else { return Vec::new() };
    let words: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
    words.chunks(2).map(|pair| (pair[0], *pair.get(1).unwrap_or(&""))).collect()
}

#[test]
fn every_line_names_a_test_that_exists() {
    let appliance = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut sources: HashMap<&str, String> = HashMap::new();
    let (mut rows, mut missing) = (0, Vec::new());
    let page = include_str!("../SECURITY.md");
    for row in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ASVS")) {
        rows += 1;
        let tests = named(row);
        if tests.is_empty() {
            missing.push(format!("no test: {row}"));
        }
        for (file, test) in tests {
            let source = sources.entry(file).or_insert_with(|| std::fs::read_to_string(appliance.join(file)).unwrap_or_default());
            let is_test = source.split_once(&format!("fn {test}(")).is_some_and(|(before, _)| {
                let attributes: Vec<&str> = before.lines().rev().take(4).collect();
                attributes.iter().any(|line| line.trim_start().starts_with("#[test]") || line.trim_start().starts_with("#[tokio::test"))
            });
            if !is_test {
                missing.push(format!("{file} has no test {test:?}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(rows > 50, "{rows}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_sites_get_no_leave_and_no_cookie_is_set() {
    let test_box = TestBox::with_two_destinations().await;
    test_box.sign_in_as("ada", Role::Clinician).await;
    let public = test_box.public();
    let elsewhere = ("origin", "https://evil.example");
    let asked = [("access-control-request-method", "POST"), ("access-control-request-headers", "authorization"), elsewhere];
    for path in ["/api/v1/auth/login", "/auth/login", "/api/v1/upload/init", "/api/v1/system/public"] {
        let told = send(&public, from("203.0.113.9"), "OPTIONS", path, None, &asked).await;
        assert_eq!(told.status, 405, "{path}");
        assert!(told.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{path}: {:?}", told.headers);
    }
    let login = json!({"username": "ada", "password": PASSWORD});
    let told = send(&public, from("203.0.113.9"), "POST", "/api/v1/auth/login", Some(login), &[elsewhere]).await;
    assert_eq!(told.status, 200, "{}", told.text);
    assert!(!told.headers.contains_key("set-cookie") && !told.headers.contains_key("access-control-allow-origin"), "{:?}", told.headers);
    assert_eq!(told.headers["cache-control"], "no-store");
    // A form of another site cannot even ask: it sends no JSON.
    let form = [("content-type", "text/plain"), elsewhere];
    let told = send(&public, from("203.0.113.9"), "POST", "/api/v1/auth/login", Some(json!({"username": "ada"})), &form).await;
    assert!([415, 422].contains(&told.status), "{}", told.status);
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_in_the_query_opens_streams_only() {
    let test_box = TestBox::with_two_destinations().await;
    let token = test_box.sign_in(Role::Admin).await;
    let public = test_box.public();
    for path in ["/api/v1/auth/me", "/api/v1/users", "/api/v1/studies", "/api/v1/upload", "/api/v1/reports", "/api/v1/notifications"] {
        let told = get(&public, from("203.0.113.9"), &format!("{path}?token={token}")).await;
        assert!([400, 401].contains(&told.status), "{path}: {}", told.status);
        assert!(!told.text.contains(&token), "{path} repeats the token");
    }
    test_box.app.buffer.close().await;
}

/// Names, reasons and paths come from people; none reaches a header, where a line break would begin another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_of_people_stands_in_a_header() {
    let test_box = TestBox::with_two_destinations().await;
    let token = test_box.sign_in(Role::Admin).await;
    let public = test_box.public();
    let bearer = common::bearer(&token);
    for path in [
        "/reports/%0d%0aset-cookie:x=1",
        "/upload/%22%3e%3cscript%3e/status",
        "/api/v1/upload/stats/export?period=%0d%0aset-cookie:x=1",
        "/api/v1/studies/%0d%0aset-cookie:x=1",
    ] {
        let told =
            send(&public, from("203.0.113.9"), "GET", path, None, &[("authorization", &bearer), ("traceparent", "00-<x>-y-01")]).await;
        assert!(told.status >= 400, "{path}: {}", told.status);
        let headers = format!("{:?}", told.headers);
        assert!(!headers.contains("set-cookie") && !headers.contains('<') || headers.contains("</api/v1/"), "{path}: {headers}");
        assert!(!told.headers.contains_key("set-cookie"), "{path}");
    }
    test_box.app.buffer.close().await;
}
