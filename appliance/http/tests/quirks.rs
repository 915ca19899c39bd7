//! What the original product got wrong (the contract's last section), one test each: here it is right.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

mod common;

use std::time::{Duration, Instant};

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use common::{PASSWORD, TestBox, Told, ask_as, from, send};
use http_body_util::BodyExt;
use relaypacs_clinic::notifications::{NewNotification, NotificationKind, Notifications};
use relaypacs_domain::{Failure, FailureCode, HeldReason, Identity, Role, Verdict};
use relaypacs_http::Entrance;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

const CHUNK: usize = 512 << 10;

/// A Part-10 file of study 1.9.1.
fn dicom(number: u32, pixels: usize) -> Vec<u8> {
    let uid = |text: &str| text.parse().unwrap();
    let identity = Identity {
        sop_class: uid("1.2.840.10008.5.1.4.1.1.2"),
        sop_instance: uid(&format!("1.2.3.{number}")),
        transfer_syntax: uid("1.2.840.10008.1.2.1"),
        study: None,
        series: None,
    };
    let mut file = relaypacs_dicom::file_meta(&identity, None);
    let mut text = |tag: [u8; 4], vr: &[u8; 2], value: &str| {
        let padded = if value.len() % 2 == 1 { format!("{value}{}", if vr == b"UI" { '\0' } else { ' ' }) } else { value.to_owned() };
        file.extend([&tag[..], vr, &(padded.len() as u16).to_le_bytes(), padded.as_bytes()].concat());
    };
    text([8, 0, 0x16, 0], b"UI", "1.2.840.10008.5.1.4.1.1.2");
    text([8, 0, 0x18, 0], b"UI", &format!("1.2.3.{number}"));
    text([8, 0, 0x60, 0], b"CS", "CT");
    text([0x10, 0, 0x10, 0], b"PN", "DOE^JANE");
    text([0x20, 0, 0x0D, 0], b"UI", "1.9.1");
    text([0x20, 0, 0x0E, 0], b"UI", "1.9.1.1");
    file.extend([&[0xE0, 0x7F, 0x10, 0, b'O', b'W', 0, 0], &(pixels as u32).to_le_bytes()[..], &vec![7; pixels]].concat());
    file
}

/// Begins an upload of one file `a`; gives its id and token.
async fn begin(public: &Router, access: &str, bytes: usize, force: bool) -> Told {
    let body = json!({
        "study_metadata": {"patient_name": "DOE^JANE", "study_date": "2026-01-15", "modality": "CT"},
        "total_files": 1, "total_size_bytes": bytes, "chunk_size": CHUNK, "force_upload": force,
        "files": [{"file_id": "a", "name": "a.dcm", "size": bytes}],
    });
    ask_as(public, access, "POST", "/api/v1/upload/init", Some(body)).await
}

struct Sent {
    public: Router,
    upload: String,
    token: String,
}

impl Sent {
    async fn begun(public: &Router, access: &str, bytes: usize) -> Self {
        let told = begin(public, access, bytes, false).await;
        assert_eq!(told.status, 201, "{}", told.text);
        let text = |name: &str| told.json()[name].as_str().unwrap().to_owned();
        Self { public: public.clone(), upload: text("upload_id"), token: text("upload_token") }
    }

    async fn ask(&self, method: &str, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Told {
        let mut request = Request::builder().method(method).uri(format!("/api/v1/upload/{}{path}", self.upload));
        request = request.extension(from("203.0.113.9")).header("x-upload-token", &self.token).header(header::CONTENT_LENGTH, body.len());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.public.clone().oneshot(request.body(Body::from(body.to_vec())).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Told { status: head.status.as_u16(), headers: head.headers, text }
    }

    /// Sends the file and completes; gives the answer.
    async fn completed(&self, file: &[u8]) -> Value {
        for (index, chunk) in file.chunks(CHUNK).enumerate() {
            let told = self.ask("PUT", &format!("/chunk?chunk_index={index}&file_id=a"), chunk, &[]).await;
            assert_eq!(told.status, 200, "{}", told.text);
        }
        let told = self.ask("POST", "/complete", &[], &[]).await;
        assert_eq!(told.status, 200, "{}", told.text);
        told.json()
    }

    async fn status(&self) -> Value {
        self.ask("GET", "/status", &[], &[]).await.json()
    }
}

/// On the original `complete` said "success" though the PACS refused every instance.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pacs_that_refuses_every_instance_is_told_of() {
    let test_box = TestBox::with_two_destinations().await;
    let (public, access) = (test_box.public(), test_box.sign_in(Role::Clinician).await);
    let stop = CancellationToken::new();
    let (events, token) = (test_box.app.clinic.events.clone(), stop.clone());
    tokio::spawn(async move { events.run(token).await });
    let file = dicom(1, 100);
    let sent = Sent::begun(&public, &access, file.len()).await;
    let done = sent.completed(&file).await;
    // What `complete` says is true: the box has it. It says nothing of the PACS.
    assert_eq!((&done["status"], &done["pacs_receipt_id"]), (&json!("success"), &Value::Null));
    test_box.app.buffer.settled().await.unwrap();
    for destination in ["archive", "pacs1"] {
        let refused = Verdict::Hold(HeldReason::Refused, Failure::new(FailureCode::Http(409), "FailedSOPSequence"));
        assert!(test_box.settle(destination, refused).await > 0, "{destination}");
    }
    test_box.app.buffer.settled().await.unwrap();
    let status = sent.status().await;
    assert_eq!((&status["pacs_status"], status.get("pacs_receipt_id").filter(|id| !id.is_null())), (&json!("failed"), None));
    let mut told = Value::Null;
    for _ in 0..2000 {
        told = ask_as(&public, &access, "GET", "/api/v1/notifications", None).await.json();
        if told["total"] == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(told["notifications"][0]["notification_type"], "upload_failed", "{told}");
    stop.cancel();
    test_box.app.buffer.close().await;
}

/// On the original a truncated upload reached the PACS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_truncated_upload_reaches_no_pacs() {
    let test_box = TestBox::with_two_destinations().await;
    let (public, access) = (test_box.public(), test_box.sign_in(Role::Clinician).await);
    let file = dicom(1, 2 * CHUNK);
    let sent = Sent::begun(&public, &access, file.len()).await;
    assert_eq!(sent.ask("PUT", "/chunk?chunk_index=0&file_id=a", &file[..CHUNK], &[]).await.status, 200);
    assert_eq!(sent.ask("PUT", "/chunk?chunk_index=2&file_id=a", &file[2 * CHUNK..], &[]).await.status, 200);
    let told = sent.ask("POST", "/complete", &[], &[]).await;
    assert_eq!((told.status, &told.json()["code"], &told.json()["missing"]), (409, &json!("incomplete"), &json!({"a": [1]})));
    assert!(test_box.app.buffer.instances(&"1.2.3.1".parse().unwrap()).unwrap().is_empty());
    test_box.app.buffer.close().await;
}

/// On the original, with the PACS down, the request hung for 94 s and blocked everybody, said "sent to PACS", threw the bytes away, and refused
/// the next try as a duplicate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pacs_that_is_down_holds_nobody_up_and_loses_nothing() {
    let test_box = TestBox::with_two_destinations().await; // pacs1: nobody listens there
    let (public, access) = (test_box.public(), test_box.sign_in(Role::Clinician).await);
    let stop = CancellationToken::new();
    let (forwarder, token) = (test_box.app.forwarder.clone(), stop.clone());
    let forwarding = tokio::spawn(async move { forwarder.run(token).await });
    let file = dicom(1, 100);
    let sent = Sent::begun(&public, &access, file.len()).await;
    let began = Instant::now();
    let done = sent.completed(&file).await;
    // Not a measurement: anything that waited for a PACS would take its connect timeout, ten seconds.
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    assert_eq!((&done["status"], &done["pacs_receipt_id"]), (&json!("success"), &Value::Null));
    assert_ne!(sent.status().await["pacs_status"], "delivered");
    assert_eq!(test_box.app.buffer.instances(&"1.2.3.1".parse().unwrap()).unwrap().len(), 1, "the bytes are there");
    // An upload that was not completed is no duplicate of anything: the next try is free.
    let other = json!({"study_metadata": {"patient_name": "ROE^RICHARD", "study_date": "2026-01-15", "modality": "CT"}, "total_files": 1, "total_size_bytes": 5});
    for _ in 0..2 {
        assert_eq!(ask_as(&public, &access, "POST", "/api/v1/upload/init", Some(other.clone())).await.status, 201);
    }
    assert_eq!(begin(&public, &access, file.len(), true).await.status, 201, "and what was completed can be sent again by force");
    stop.cancel();
    forwarding.await.unwrap();
    test_box.app.buffer.close().await;
}

/// On the original a logged-out token went on working.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_was_logged_out_is_nobody() {
    let test_box = TestBox::with_two_destinations().await;
    let (public, access) = (test_box.public(), test_box.sign_in(Role::Clinician).await);
    assert_eq!(ask_as(&public, &access, "GET", "/api/v1/auth/me", None).await.status, 200);
    assert_eq!(ask_as(&public, &access, "POST", "/api/v1/auth/logout", None).await.status, 200);
    for path in ["/api/v1/auth/me", "/auth/me", "/api/v1/upload"] {
        assert_eq!(ask_as(&public, &access, "GET", path, None).await.status, 401, "{path}");
    }
    test_box.app.buffer.close().await;
}

/// On the original anybody could register as admin.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_registers_as_admin() {
    let test_box = TestBox::with_two_destinations().await;
    test_box.sign_in(Role::Admin).await;
    let (public, clinician) = (test_box.public(), test_box.sign_in(Role::Clinician).await);
    let body = json!({"username": "eve", "email": "eve@clinic.example", "password": PASSWORD, "role": "admin"});
    for path in ["/api/v1/auth/register", "/auth/register"] {
        assert_eq!(send(&public, from("203.0.113.9"), "POST", path, Some(body.clone()), &[]).await.status, 401);
        assert_eq!(ask_as(&public, &clinician, "POST", path, Some(body.clone())).await.status, 403);
    }
    test_box.app.buffer.close().await;
}

/// On the original any upload token read any upload's status.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_token_reads_its_own_upload_only() {
    let test_box = TestBox::with_two_destinations().await;
    let public = test_box.public();
    let mine = Sent::begun(&public, &test_box.sign_in_as("ada", Role::Clinician).await, 500).await;
    let theirs = Sent::begun(&public, &test_box.sign_in_as("bob", Role::Clinician).await, 500).await;
    let crossed = Sent { public, upload: theirs.upload.clone(), token: mine.token.clone() };
    assert_eq!(crossed.ask("GET", "/status", &[], &[]).await.status, 403);
    assert_eq!(mine.ask("GET", "/status", &[], &[]).await.status, 200);
    test_box.app.buffer.close().await;
}

/// On the original `file_id=../../x` and negative chunk indexes were accepted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_no_paths_and_indexes_are_not_negative() {
    let test_box = TestBox::with_two_destinations().await;
    let (public, access) = (test_box.public(), test_box.sign_in(Role::Clinician).await);
    let sent = Sent::begun(&public, &access, 500).await;
    for query in ["chunk_index=0&file_id=../../x", "chunk_index=0&file_id=..%2F..%2Fx", "chunk_index=-1&file_id=a"] {
        let told = sent.ask("PUT", &format!("/chunk?{query}"), &[0; 500], &[]).await;
        assert_eq!(told.status, 422, "{query}: {}", told.text);
    }
    test_box.app.buffer.close().await;
}

/// On the original the figures vanished on restart and ignored the period; the trend was invented.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_are_counted_kept_and_of_their_period() {
    let test_box = TestBox::with_two_destinations().await;
    let (public, access) = (test_box.public(), test_box.sign_in(Role::Clinician).await);
    let file = dicom(1, 100);
    let empty = ask_as(&public, &access, "GET", "/api/v1/upload/stats/trend?period=1w", None).await.json();
    assert!(empty["data"].as_array().unwrap().iter().all(|day| day["count"] == 0), "nothing is invented: {empty}");
    Sent::begun(&public, &access, file.len()).await.completed(&file).await;
    let counted = |told: Value| (told["total_uploads"].clone(), told["modality"]["CT"].clone(), told["total_bytes"].clone());
    let stats = async |period: &str| ask_as(&public, &access, "GET", &format!("/api/v1/upload/stats?period={period}"), None).await.json();
    assert_eq!(counted(stats("1w").await), (json!(1), json!(1), json!(file.len())));
    // Another opening of the same store sees the same: they are on disk, not in memory.
    let store = test_box.app.clinic.store.clone();
    let again = relaypacs_clinic::statistics::Statistics::open(store, test_box.app.clock.clone(), "UTC").unwrap();
    assert_eq!(again.stats(relaypacs_clinic::statistics::Period::OneWeek).await.unwrap().total_uploads, 1);
    test_box.wait(Duration::from_hours(8 * 24));
    let later = test_box.sign_in(Role::Clinician).await;
    let of = async |period: &str| ask_as(&public, &later, "GET", &format!("/api/v1/upload/stats?period={period}"), None).await.json();
    assert_eq!(of("1w").await["total_uploads"], 0);
    assert_eq!(of("2w").await["total_uploads"], 1);
    test_box.app.buffer.close().await;
}

/// On the original TOTP was never asked at login.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_factor_is_asked_at_login() {
    let test_box = TestBox::with_two_destinations().await;
    let (public, access) = (test_box.public(), test_box.sign_in_as("ada", Role::Clinician).await);
    let offer = ask_as(&public, &access, "POST", "/api/v1/totp/enable", None).await.json();
    let at = format!("@{}", test_box.now_s());
    let shown = std::process::Command::new("oathtool").args(["--totp", "-b", "--now", &at, offer["secret"].as_str().unwrap()]).output();
    let code = String::from_utf8(shown.expect("oathtool is installed").stdout).unwrap();
    let on = ask_as(&public, &access, "POST", "/api/v1/totp/enable", Some(json!({"code": code.trim()}))).await;
    assert_eq!(on.status, 200, "{}", on.text);
    for path in ["/api/v1/auth/login", "/auth/login"] {
        let login = json!({"username": "ada", "password": PASSWORD});
        let told = send(&public, from("203.0.113.9"), "POST", path, Some(login), &[]).await;
        assert_eq!((told.status, told.json().get("access_token"), &told.headers["x-totp-required"]), (403, None, &"true".parse().unwrap()));
    }
    test_box.app.buffer.close().await;
}

/// On the original notifications could not be marked read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notifications_are_marked_read() {
    let test_box = TestBox::with_two_destinations().await;
    let (public, access) = (test_box.public(), test_box.sign_in(Role::Clinician).await);
    let to = test_box.app.clinic.accounts.users_with(&[Role::Clinician]);
    let new = NewNotification {
        kind: NotificationKind::UploadComplete,
        title: "An upload was delivered".into(),
        message: "The PACS has taken all of its images.".into(),
        upload: None,
        report: None,
        study: None,
        at: test_box.app.clock.now(),
    };
    test_box.app.clinic.store.write(move |transaction| Notifications::add_in(transaction, &to, &new)).await.unwrap();
    let list = async || ask_as(&public, &access, "GET", "/notifications", None).await.json();
    let id = list().await["notifications"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(list().await["unread_count"], 1);
    assert_eq!(ask_as(&public, &access, "PATCH", &format!("/notifications/{id}/read"), None).await.status, 200);
    assert_eq!((&list().await["unread_count"], &list().await["notifications"][0]["is_read"]), (&json!(0), &json!(true)));
    test_box.app.buffer.close().await;
}

/// On the original checksums of clients were ignored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checksums_of_clients_are_compared() {
    let test_box = TestBox::with_two_destinations().await;
    let (public, access) = (test_box.public(), test_box.sign_in(Role::Clinician).await);
    let sent = Sent::begun(&public, &access, 500).await;
    let right = STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, &[7; 500]));
    let put =
        async |byte: u8, name: &str, value: &str| sent.ask("PUT", "/chunk?chunk_index=0&file_id=a", &[byte; 500], &[(name, value)]).await;
    for (name, value) in [("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="), ("content-digest", &format!("sha-256=:{right}:"))] {
        let told = put(8, name, value).await;
        assert_eq!((told.status, &told.json()["code"]), (422, &json!("checksum_mismatch")), "{}", told.text);
    }
    let told = put(7, "content-digest", &format!("sha-256=:{right}:")).await;
    assert_eq!((told.status, &told.json()["checksum_verified"]), (200, &json!(true)));
    let told = put(8, "x-nothing", "x").await;
    assert_eq!((told.status, &told.json()["code"]), (409, &json!("chunk_differs")), "other bytes under the same index");
    test_box.app.buffer.close().await;
}

/// On the original a 429 had no `Retry-After`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_too_many_is_told_when_to_come_back() {
    let test_box = TestBox::with_two_destinations().await;
    let public = relaypacs_http::public(test_box.with_entrance(Entrance::default()));
    let login = json!({"username": "nobody", "password": PASSWORD});
    let mut last = None;
    for _ in 0..6 {
        last = Some(send(&public, from("203.0.113.9"), "POST", "/api/v1/auth/login", Some(login.clone()), &[]).await);
    }
    let told = last.unwrap();
    assert_eq!((told.status, &told.json()["code"]), (429, &json!("rate_limited")));
    assert!(told.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
    test_box.app.buffer.close().await;
}
