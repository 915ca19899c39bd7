//! The role matrix, whole: every operation of the contract × nobody × every role, and objects that belong to somebody else.
//!
//! [`TABLE`] has one row an operation; an operation without a row fails the test. Legacy mounts are held to the row of the path they stand
//! for.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

mod common;

use std::collections::BTreeSet;

use Who::{Anyone, Monitoring, Roles};
use common::{PASSWORD, TestBox, ask_as, from, send};
use relaypacs_clinic::{
    notifications::{NewNotification, NotificationKind},
    reports::{NewReport, assign_in},
};
use relaypacs_domain::{
    ReportId,
    Role::{self, Admin, Clinician, Radiographer, Radiologist},
    ServiceLevel, UploadId, UserId,
};
use serde_json::{Value, json};

/// Who may use an operation.
#[derive(Debug, Clone, Copy)]
enum Who {
    /// Anybody on the network.
    Anyone,
    /// The box itself and the monitoring networks.
    Monitoring,
    /// People with an account of one of these roles.
    Roles(&'static [Role]),
}

/// Everybody with an account.
const USERS: Who = Roles(&[Clinician, Radiographer, Radiologist, Admin]);
const ADMINS: Who = Roles(&[Admin]);
/// Who may retry and prioritise.
const STEERERS: Who = Roles(&[Radiographer, Admin]);
/// Who may begin an upload.
const UPLOADERS: Who = Roles(&[Clinician, Radiographer, Admin]);
/// Who writes reports.
const WRITERS: Who = Roles(&[Radiologist, Admin]);

/// Method, path, who may.
const TABLE: &[(&str, &str, Who)] = &[
    ("GET", "/healthz", Anyone),
    ("GET", "/health", Anyone),
    ("GET", "/readyz", Monitoring),
    ("GET", "/metrics", Monitoring),
    ("GET", "/api/v1/system/public", Anyone),
    ("GET", "/api/v1/system", USERS),
    ("GET", "/api/v1/destinations", USERS),
    ("GET", "/api/v1/modalities", USERS),
    // Clinicians see the studies of their own uploads; others do not exist for them.
    ("GET", "/api/v1/studies", USERS),
    ("POST", "/api/v1/studies/search", USERS),
    ("GET", "/api/v1/studies/{uid}", USERS),
    ("GET", "/api/v1/studies/{uid}/ledger", USERS),
    ("GET", "/api/v1/studies/{uid}/instances/{sop}/preview", USERS),
    ("POST", "/api/v1/studies/{uid}/retry", STEERERS),
    ("POST", "/api/v1/studies/{uid}/priority", STEERERS),
    // An upload that is not there is nobody's.
    ("POST", "/api/v1/upload/init", UPLOADERS),
    ("PUT", "/api/v1/upload/{id}/chunk", USERS),
    ("POST", "/api/v1/upload/{id}/batch", USERS),
    ("GET", "/api/v1/upload/{id}/status", USERS),
    ("POST", "/api/v1/upload/{id}/complete", USERS),
    ("DELETE", "/api/v1/upload/{id}", USERS),
    ("GET", "/api/v1/upload", USERS),
    ("POST", "/api/v1/auth/refresh-upload-token", USERS),
    ("POST", "/api/v1/dicom/inspect", USERS),
    ("POST", "/api/v1/telemetry", USERS),
    ("POST", "/api/v1/auth/register", Anyone),
    ("POST", "/api/v1/auth/login", Anyone),
    ("POST", "/api/v1/auth/refresh", Anyone),
    ("GET", "/api/v1/auth/jwks.json", Anyone),
    ("POST", "/api/v1/auth/logout", USERS),
    ("GET", "/api/v1/auth/me", USERS),
    ("PATCH", "/api/v1/auth/me", USERS),
    ("GET", "/api/v1/auth/me/export", USERS),
    ("POST", "/api/v1/auth/change-password", USERS),
    ("GET", "/api/v1/auth/sessions", USERS),
    ("GET", "/api/v1/auth/sessions/{id}", USERS),
    ("DELETE", "/api/v1/auth/sessions/{id}", USERS),
    ("POST", "/api/v1/totp/enable", USERS),
    ("POST", "/api/v1/totp/disable", USERS),
    ("POST", "/api/v1/auth/2fa/setup", USERS),
    ("POST", "/api/v1/auth/2fa/enable", USERS),
    ("POST", "/api/v1/auth/2fa/disable", USERS),
    ("GET", "/api/v1/users", ADMINS),
    ("POST", "/api/v1/users", ADMINS),
    ("GET", "/api/v1/users/{id}", ADMINS),
    ("PATCH", "/api/v1/users/{id}", ADMINS),
    ("DELETE", "/api/v1/users/{id}", ADMINS),
    ("GET", "/api/v1/users/invites", ADMINS),
    ("POST", "/api/v1/users/invites", ADMINS),
    ("GET", "/api/v1/users/invites/{id}", ADMINS),
    ("DELETE", "/api/v1/users/invites/{id}", ADMINS),
    ("GET", "/api/v1/audit", ADMINS),
    ("GET", "/api/v1/audit/export", ADMINS),
    ("POST", "/api/v1/destinations", ADMINS),
    ("GET", "/api/v1/destinations/{name}", ADMINS),
    ("PATCH", "/api/v1/destinations/{name}", ADMINS),
    ("DELETE", "/api/v1/destinations/{name}", ADMINS),
    ("POST", "/api/v1/destinations/{name}/echo", STEERERS),
    ("POST", "/api/v1/modalities", ADMINS),
    ("GET", "/api/v1/modalities/{ae_title}", USERS),
    ("PATCH", "/api/v1/modalities/{ae_title}", ADMINS),
    ("DELETE", "/api/v1/modalities/{ae_title}", ADMINS),
    ("POST", "/api/v1/modalities/{ae_title}/echo", STEERERS),
    ("GET", "/api/v1/system/certificate", ADMINS),
    ("PUT", "/api/v1/system/certificate", ADMINS),
    ("DELETE", "/api/v1/system/certificate", ADMINS),
    ("GET", "/api/v1/reports", USERS),
    ("GET", "/api/v1/reports/{id}", USERS),
    ("PATCH", "/api/v1/reports/{id}", WRITERS),
    ("GET", "/api/v1/reports/upload/{id}", USERS),
    ("POST", "/api/v1/reports/{id}/read", USERS),
    ("GET", "/api/v1/reports/{id}/download", USERS),
    ("POST", "/api/v1/reports/{id}/sync", USERS),
    ("GET", "/api/v1/reports/stream", USERS),
    ("GET", "/api/v1/notifications", USERS),
    ("PATCH", "/api/v1/notifications/{id}/read", USERS),
    ("PATCH", "/api/v1/notifications/{id}/unread", USERS),
    ("PATCH", "/api/v1/notifications/read-all", USERS),
    ("DELETE", "/api/v1/notifications/{id}", USERS),
    ("POST", "/api/v1/notifications/push-subscriptions", USERS),
    ("DELETE", "/api/v1/notifications/push-subscriptions", USERS),
    ("GET", "/api/v1/notifications/vapid-key", USERS),
    ("GET", "/api/v1/notifications/stream", USERS),
    ("GET", "/api/v1/events", USERS),
    ("GET", "/api/v1/upload/stats", USERS),
    ("GET", "/api/v1/upload/stats/trend", USERS),
    ("GET", "/api/v1/upload/stats/export", ADMINS),
];

/// A path with something in the place of its parameters that does not exist.
fn filled(template: &str) -> String {
    let nothing = "01997a00-0000-7000-8000-00000000dead";
    template
        .replace("{id}", nothing)
        .replace("{uid}", "1.2.99")
        .replace("{upload_id}", nothing)
        .replace("{sop}", "1.2.99.1")
        .replace("{name}", "nowhere")
        .replace("{ae_title}", "NOBODY")
}

/// The path under `/api/v1` that a legacy path stands for.
fn successor(path: &str, operation: &Value) -> String {
    let is_legacy = operation["tags"].as_array().is_some_and(|tags| tags.contains(&json!("legacy")));
    if is_legacy { format!("/api/v1{path}") } else { path.to_owned() }
}

/// Every operation of the contract: method, path as it is asked, path of its row.
fn operations() -> Vec<(String, String, String)> {
    let contract = serde_json::to_value(relaypacs_http::openapi()).unwrap();
    let mut all = Vec::new();
    for (path, item) in contract["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if ["get", "put", "post", "patch", "delete"].contains(&method.as_str()) {
                all.push((method.to_uppercase(), path.clone(), successor(path, operation)));
            }
        }
    }
    all
}

/// What the table says of tokens, the contract says too.
#[test]
fn the_contract_asks_for_tokens_where_the_table_does() {
    let contract = serde_json::to_value(relaypacs_http::openapi()).unwrap();
    for (method, path, of) in operations() {
        let Some(who) = row(&method, &of) else { continue };
        let asks = &contract["paths"][&path][method.to_lowercase()]["security"];
        let needs_token = asks.as_array().is_some_and(|all| !all.iter().any(|one| *one == json!({})));
        assert_eq!(needs_token, matches!(who, Roles(_)), "{method} {path}: {asks}");
    }
}

fn row(method: &str, path: &str) -> Option<Who> {
    TABLE.iter().find(|row| row.0 == method && row.1 == path).map(|row| row.2)
}

#[test]
fn every_operation_has_a_row_and_every_row_an_operation() {
    let operations = operations();
    let missing: Vec<_> = operations.iter().filter(|(method, _, path)| row(method, path).is_none()).collect();
    assert!(missing.is_empty(), "say in TABLE of tests/roles.rs who may use {missing:#?}");
    let known: BTreeSet<(&str, &str)> = operations.iter().map(|(method, _, path)| (method.as_str(), path.as_str())).collect();
    let gone: Vec<_> = TABLE.iter().filter(|row| !known.contains(&(row.0, row.1))).collect();
    assert!(gone.is_empty(), "TABLE of tests/roles.rs has rows of nothing: {gone:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_and_every_role_get_what_the_table_says() {
    let test_box = TestBox::with_two_destinations().await;
    test_box.sign_in_as("another-admin", Admin).await;
    let public = test_box.public();
    for (method, path, of) in operations() {
        let Some(who) = row(&method, &of) else { continue };
        let path = filled(&path);
        let body = || (method != "GET" && method != "DELETE").then(|| json!({}));
        let nobody = send(&public, from("203.0.113.9"), &method, &path, body(), &[]).await.status;
        match who {
            Anyone => assert!(![403, 404].contains(&nobody), "{method} {path}: {nobody} for anyone"),
            Monitoring => {
                assert_eq!(nobody, 403, "{method} {path} from anywhere");
                assert_eq!(
                    send(&public, from("192.0.2.7"), &method, &path, body(), &[]).await.status,
                    200,
                    "{method} {path} for monitoring"
                );
            }
            Roles(allowed) => {
                assert_eq!(nobody, 401, "{method} {path} without a token");
                for role in Role::ALL {
                    // A token of its own each time: some operations end the session.
                    let token = test_box.sign_in(role).await;
                    let told = ask_as(&public, &token, &method, &path, body()).await;
                    if allowed.contains(&role) {
                        assert!(![401, 403, 405].contains(&told.status), "{method} {path} as {role}: {} {}", told.status, told.text);
                    } else {
                        assert_eq!(
                            (told.status, &told.json()["code"]),
                            (403, &json!("forbidden")),
                            "{method} {path} as {role}: {}",
                            told.text
                        );
                    }
                }
            }
        }
    }
    test_box.app.buffer.close().await;
}

/// No token, rubbish, another type of token, another box's token, and the token of a session that ended are all nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_access_token_of_a_session_that_goes_on_is_somebody() {
    let (test_box, other_box) = (TestBox::with_two_destinations().await, TestBox::with_two_destinations().await);
    let public = test_box.public();
    let login = json!({"username": "the-admin", "password": PASSWORD});
    test_box.sign_in(Admin).await;
    let pair = send(&public, from("203.0.113.9"), "POST", "/api/v1/auth/login", Some(login), &[]).await.json();
    let ended = test_box.sign_in(Admin).await;
    assert_eq!(ask_as(&public, &ended, "POST", "/api/v1/auth/logout", None).await.status, 200);
    // The boxes of these tests share their keys, as a box and its stolen backup would: the sessions differ.
    let foreign = other_box.sign_in(Admin).await;
    let refresh = pair["refresh_token"].as_str().unwrap();
    for token in ["", "rubbish", "a.b.c", refresh, &ended, &foreign] {
        let told = ask_as(&public, token, "GET", "/api/v1/system", None).await;
        assert_eq!((told.status, &told.json()["code"]), (401, &json!("unauthorized")), "{token}");
        assert!(told.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer"), "{token}");
    }
    for header in [("authorization", "Basic dTpw"), ("authorization", "Bearer")] {
        assert_eq!(send(&public, from("203.0.113.9"), "GET", "/api/v1/system", None, &[header]).await.status, 401, "{header:?}");
    }
    let access = pair["access_token"].as_str().unwrap();
    assert_eq!(ask_as(&public, access, "GET", "/api/v1/system", None).await.status, 200);
    let in_query = format!("/api/v1/system?token={access}");
    assert_eq!(send(&public, from("203.0.113.9"), "GET", &in_query, None, &[]).await.status, 401, "a token in the query");
    test_box.wait(std::time::Duration::from_mins(15));
    assert_eq!(ask_as(&public, access, "GET", "/api/v1/system", None).await.status, 401, "an expired token");
    test_box.app.buffer.close().await;
    other_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_else_s_session_is_not_there() {
    let test_box = TestBox::with_two_destinations().await;
    let public = test_box.public();
    let (ada, eve) = (test_box.sign_in_as("ada", Clinician).await, test_box.sign_in_as("eve", Admin).await);
    let sessions = ask_as(&public, &ada, "GET", "/api/v1/auth/sessions", None).await.json();
    let path = format!("/api/v1/auth/sessions/{}", sessions[0]["id"].as_str().unwrap());
    assert_eq!(ask_as(&public, &eve, "DELETE", &path, None).await.status, 404);
    assert_eq!(ask_as(&public, &ada, "GET", "/api/v1/auth/me", None).await.status, 200);
    assert_eq!(ask_as(&public, &ada, "DELETE", &path, None).await.status, 204);
    assert_eq!(ask_as(&public, &ada, "GET", "/api/v1/auth/me", None).await.status, 401);
    test_box.app.buffer.close().await;
}

/// Every operation on one thing that clinicians may ask for at all: another clinician's is refused, as if it were not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_somebody_else_s_is_refused() {
    let test_box = TestBox::with_two_destinations().await;
    let public = test_box.public();
    let (ada, eve) = (test_box.sign_in_as("ada", Clinician).await, test_box.sign_in_as("eve", Clinician).await);
    let owned = owned(&test_box, &ada).await;
    let mut tried = 0;
    for (method, path, of) in operations() {
        let Some(Roles(allowed)) = row(&method, &of) else { continue };
        let Some(path) = owned.place(&path, &of).filter(|_| allowed.contains(&Clinician)) else { continue };
        let ask = async |token: &str| ask_as(&public, token, &method, &path, (method != "GET").then(|| json!({}))).await;
        let told = ask(&eve).await;
        // Uploads say whose they are not: their names cannot be guessed.
        let is_upload = of.starts_with("/api/v1/upload/") || of.ends_with("/refresh-upload-token");
        assert_eq!(told.status, if is_upload { 403 } else { 404 }, "{method} {path} as another: {}", told.text);
        // What ends the thing itself would leave nothing for the rows after it.
        if method != "DELETE" && !path.contains("2.25.9") {
            let told = ask(&ada).await;
            let is_refused = [401, 403, 404].contains(&told.status) && told.json()["code"] != "report_not_ready";
            assert!(!is_refused, "{method} {path} as the owner: {}", told.text);
        }
        tried += 1;
    }
    assert!(tried >= 25, "{tried} operations");
    test_box.app.buffer.close().await;
}

/// Things of one person.
struct Owned {
    upload: String,
    report: ReportId,
    notification: String,
    session: String,
}

/// An upload, a report, a notification and a session; and a study that a modality sent, which is no clinician's.
async fn owned(test_box: &TestBox, token: &str) -> Owned {
    let public = test_box.public();
    let me = ask_as(&public, token, "GET", "/api/v1/auth/me", None).await.json();
    let user = UserId(me["id"].as_str().unwrap().parse().unwrap());
    let metadata = json!({"patient_name": "DOE^JANE", "study_date": "2026-01-15", "modality": "CT"});
    let init = json!({"study_metadata": metadata, "total_files": 1, "total_size_bytes": 10});
    let begun = ask_as(&public, token, "POST", "/api/v1/upload/init", Some(init)).await.json();
    let upload = begun["upload_id"].as_str().unwrap().to_owned();
    let at = test_box.app.clock.now();
    let report = NewReport {
        upload: Some(UploadId(upload.parse().unwrap())),
        study: "2.25.7".parse().unwrap(),
        user: Some(user),
        patient_name: None,
        modality: "CT".into(),
        study_description: None,
        service_level: ServiceLevel::Routine,
        at,
    };
    let report = test_box.app.clinic.store.write(move |transaction| assign_in(transaction, &report)).await.unwrap();
    let (title, message) = ("A title".to_owned(), "A message".to_owned());
    let new = NewNotification { kind: NotificationKind::Security, title, message, upload: None, report: None, study: None, at };
    test_box.app.clinic.notifications.add(vec![user], new).await.unwrap();
    let listed = ask_as(&public, token, "GET", "/api/v1/notifications", None).await.json();
    let sessions = ask_as(&public, token, "GET", "/api/v1/auth/sessions", None).await.json();
    test_box.store(Some("2.25.9"), "2.25.9.1.1", "CT").await;
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    Owned { upload, report, notification: id(&listed["notifications"][0]), session: id(&sessions[0]) }
}

impl Owned {
    /// The path of the thing that a row is about; `None`: it is about no single thing.
    fn place(&self, path: &str, row: &str) -> Option<String> {
        let id = match row.strip_prefix("/api/v1").unwrap_or(row) {
            "/auth/refresh-upload-token" => return Some(format!("{path}?upload_id={}", self.upload)),
            row if row.starts_with("/upload/{id}") || row == "/reports/upload/{id}" => self.upload.clone(),
            row if row.starts_with("/reports/{id}") => self.report.0.to_string(),
            row if row.starts_with("/notifications/{id}") => self.notification.clone(),
            row if row.starts_with("/auth/sessions/{id}") => self.session.clone(),
            row if row.starts_with("/studies/{uid}") => return Some(path.replace("{uid}", "2.25.9").replace("{sop}", "2.25.9.1.1")),
            _ => return None,
        };
        let query = if row.ends_with("/chunk") { "?chunk_index=0&file_id=0" } else { "" };
        Some(path.replace("{id}", &id).replace("{upload_id}", &id) + query)
    }
}
