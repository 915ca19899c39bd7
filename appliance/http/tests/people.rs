//! Reports, notifications, figures and live events over HTTP, held against the contract.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

mod common;

use std::time::Duration;

use axum::{Router, body::Body, http::Request};
use common::{TestBox, Told, ask_as, checked::Checked, from, send};
use http_body_util::BodyExt;
use relaypacs_clinic::{
    notifications::{NewNotification, NotificationKind},
    reports::{NewReport, assign_in},
    statistics::{UploadFact, record_upload_in},
};
use relaypacs_domain::{ReportId, Role, ServiceLevel, SourceKind, Timestamp};
use serde_json::{Value, json};
use tower::ServiceExt;

/// A report on a study that a modality sent.
async fn assigned(test_box: &TestBox) -> ReportId {
    let new = NewReport {
        upload: None,
        study: "1.2.3".parse().unwrap(),
        user: None,
        patient_name: Some("DOE^JANE".into()),
        modality: "CT".into(),
        study_description: None,
        service_level: ServiceLevel::Routine,
        at: test_box.app.clock.now(),
    };
    test_box.app.clinic.store.write(move |transaction| assign_in(transaction, &new)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_radiologist_writes_and_others_read() {
    let test_box = TestBox::with_two_destinations().await;
    let (writer, reader) = (test_box.sign_in(Role::Radiologist).await, test_box.sign_in(Role::Radiographer).await);
    let outsider = test_box.sign_in(Role::Clinician).await;
    let id = assigned(&test_box).await;
    let mut public = Checked::public(&test_box);
    let (one, at) = ("/api/v1/reports/{id}", format!("/api/v1/reports/{id}"));
    let listed = public.ask(&reader, "GET", "/api/v1/reports", "/api/v1/reports", None, 200).await;
    assert_eq!((&listed["total"], &listed["unread"]["assigned"]), (&json!(1), &json!(1)));
    assert_eq!(public.ask(&outsider, "GET", "/api/v1/reports", "/api/v1/reports", None, 200).await["total"], 0);
    public.ask(&outsider, "GET", one, &at, None, 404).await;
    public.ask(&reader, "PATCH", one, &at, Some(json!({"status": "pending"})), 403).await;
    public.ask(&writer, "PATCH", one, &at, Some(json!({"status": "ready"})), 409).await;
    public.ask(&writer, "PATCH", one, &at, Some(json!({"status": "done"})), 422).await;
    public.ask(&writer, "PATCH", one, &at, Some(json!({"status": "pending"})), 200).await;
    let textless = public.ask(&writer, "PATCH", one, &at, Some(json!({"status": "ready"})), 422).await;
    assert_eq!(textless["errors"][0]["pointer"], "/report_text");
    let download = ("/api/v1/reports/{id}/download", format!("{at}/download"));
    let early = public.ask(&reader, "GET", download.0, &download.1, None, 404).await;
    assert_eq!((&early["code"], &early["type"]), (&json!("report_not_ready"), &json!("/problems/report-not-ready")));
    let text = json!({"status": "ready", "radiologist_name": "Dr. Roe", "report_text": "肺".repeat(50_000)});
    let ready = public.ask(&writer, "PATCH", one, &at, Some(text), 200).await;
    assert_eq!(ready["report_url"], json!(download.1));
    let read = public.ask(&reader, "POST", "/api/v1/reports/{id}/read", &format!("{at}/read"), None, 200).await;
    assert_eq!(read["is_read"], true);
    let (status, pdf) = raw(&test_box, &reader, &download.1).await;
    assert!(status == 200 && pdf.starts_with(b"%PDF-"), "{status}");
    public.ask(&reader, "GET", "/api/v1/reports", "/api/v1/reports?limit=0", None, 422).await;
    public.ask(&reader, "GET", one, "/api/v1/reports/x", None, 422).await;
    let asked = ask_as(&test_box.public(), &reader, "POST", &format!("{at}/sync"), None).await;
    assert_eq!(asked.status, 409, "no PACS is connected in this test: {}", asked.text);
    test_box.app.buffer.close().await;
}

async fn raw(test_box: &TestBox, token: &str, path: &str) -> (u16, Vec<u8>) {
    let request = Request::builder().uri(path).header("authorization", format!("Bearer {token}")).extension(from("203.0.113.9"));
    let answer = test_box.public().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    (answer.status().as_u16(), answer.into_body().collect().await.unwrap().to_bytes().to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notifications_can_be_read_kept_unread_and_deleted() {
    let test_box = TestBox::with_two_destinations().await;
    let token = test_box.sign_in(Role::Admin).await;
    let users = test_box.app.clinic.accounts.users_with(&[Role::Admin]);
    for n in 0..2 {
        let new = NewNotification {
            kind: NotificationKind::Security,
            title: format!("{n}"),
            message: "Look".into(),
            upload: None,
            report: None,
            study: None,
            at: Timestamp::from_millis(1_795_400_000_000 + n),
        };
        test_box.app.clinic.notifications.add(users.clone(), new).await.unwrap();
    }
    let mut public = Checked::public(&test_box);
    let all = "/api/v1/notifications";
    let listed = public.ask(&token, "GET", all, all, None, 200).await;
    assert_eq!((&listed["unread_count"], &listed["total"]), (&json!(2), &json!(2)));
    let id = listed["notifications"][0]["id"].as_str().unwrap().to_owned();
    let at = |what: &str| (format!("{all}/{{id}}{what}"), format!("{all}/{id}{what}"));
    let (template, path) = at("/read");
    assert_eq!(public.ask(&token, "PATCH", &template, &path, None, 200).await["is_read"], true);
    assert_eq!(public.ask(&token, "GET", all, &format!("{all}?unread_only=true"), None, 200).await["total"], 1);
    let (template, path) = at("/unread");
    assert_eq!(public.ask(&token, "PATCH", &template, &path, None, 200).await["is_read"], false);
    assert_eq!(public.ask(&token, "PATCH", &format!("{all}/read-all"), &format!("{all}/read-all"), None, 200).await["marked"], 2);
    let (template, path) = at("");
    public.ask(&token, "DELETE", &template, &path, None, 200).await;
    public.ask(&token, "DELETE", &template, &path, None, 404).await;
    let stranger = test_box.sign_in(Role::Clinician).await;
    assert_eq!(public.ask(&stranger, "GET", all, all, None, 200).await["total"], 0);
    let push = format!("{all}/push-subscriptions");
    let keys = json!({"p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "auth": "BTBZMqHH6r4Tts7J_aSIgg"});
    let subscription = json!({"endpoint": "https://push.example/a", "expirationTime": null, "keys": keys});
    public.ask(&stranger, "POST", &push, &push, Some(subscription), 201).await;
    public.ask(&stranger, "POST", &push, &push, Some(json!({"endpoint": "nowhere", "keys": keys})), 422).await;
    public.ask(&stranger, "DELETE", &push, &push, Some(json!({"endpoint": "https://push.example/a"})), 204).await;
    let key = public.ask(&stranger, "GET", &format!("{all}/vapid-key"), &format!("{all}/vapid-key"), None, 200).await;
    assert_eq!(key["key"].as_str().unwrap().len(), 87);
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_are_those_of_the_period() {
    let test_box = TestBox::with_two_destinations().await;
    let token = test_box.sign_in(Role::Admin).await;
    let mut public = Checked::public(&test_box);
    let (stats, trend) = ("/api/v1/upload/stats", "/api/v1/upload/stats/trend");
    assert_eq!(public.ask(&token, "GET", stats, stats, None, 200).await["total_uploads"], 0);
    let now = test_box.app.clock.now();
    for (days, succeeded) in [(0, true), (10, false)] {
        let at = Timestamp::from_millis(now.as_millis() - days * 86_400_000);
        let (modality, service_level) = ("CT".into(), ServiceLevel::Stat);
        let fact = UploadFact { at, modality, service_level, source: SourceKind::Http, bytes: 7, succeeded };
        test_box.app.clinic.store.write(move |transaction| record_upload_in(transaction, &fact)).await.unwrap();
    }
    let ask =
        async |public: &mut Checked, path: &str, template: &str| -> Value { public.ask(&token, "GET", template, path, None, 200).await };
    assert_eq!(ask(&mut public, "/api/v1/upload/stats?period=1w", stats).await["total_uploads"], 1);
    let two_weeks = ask(&mut public, "/api/v1/upload/stats?period=2w", stats).await;
    assert_eq!((&two_weeks["total_uploads"], &two_weeks["success_rate"], &two_weeks["total_bytes"]), (&json!(2), &json!(50.0), &json!(14)));
    let days = ask(&mut public, "/api/v1/upload/stats/trend?period=2w", trend).await;
    assert_eq!(days["data"].as_array().unwrap().len(), 14);
    public.ask(&token, "GET", stats, "/api/v1/upload/stats?period=1y", None, 422).await;
    let export = ask_as(&test_box.public(), &token, "GET", "/api/v1/upload/stats/export?period=all", None).await;
    assert_eq!(export.headers["content-disposition"], "attachment; filename=\"relaypacs_stats_all.csv\"");
    assert_eq!(export.text.lines().count(), 3, "{}", export.text);
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_takes_its_token_in_the_query_and_says_where_it_stands() {
    let test_box = TestBox::with_two_destinations().await;
    let token = test_box.sign_in(Role::Clinician).await;
    for path in ["/api/v1/events", "/api/v1/reports/stream", "/api/v1/notifications/stream"] {
        let in_query = format!("{path}?token={token}");
        let told: Told = send(&test_box.public(), from("203.0.113.9"), "GET", &in_query, None, &[]).await;
        assert_eq!((told.status, told.headers["content-type"].to_str().unwrap()), (200, "text/event-stream"));
        assert!(told.text.starts_with("retry: 3000\n\nid: ") && told.text.contains("\nevent: connected\ndata: {}\n\n"), "{}", told.text);
        assert_eq!(told.text.contains("unread_count"), path != "/api/v1/reports/stream");
        assert_eq!(send(&test_box.public(), from("203.0.113.9"), "GET", path, None, &[]).await.status, 401);
    }
    test_box.app.buffer.close().await;
}

/// The body of a stream, its first piece read.
async fn stream(public: &Router, token: &str) -> Body {
    let request = Request::builder().uri(format!("/api/v1/events?token={token}")).extension(from("203.0.113.9")).body(Body::empty());
    let mut body = public.clone().oneshot(request.unwrap()).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_its_session_and_no_other_does() {
    let test_box = TestBox::with_two_destinations().await;
    let public = test_box.public();
    let (one, two) = (test_box.sign_in(Role::Clinician).await, test_box.sign_in(Role::Radiographer).await);
    let (ends, mut goes_on) = (stream(&public, &one).await, stream(&public, &two).await);
    let told = ask_as(&public, &one, "POST", "/api/v1/auth/logout", None).await;
    assert_eq!(told.status, 200, "{}", told.text);
    tokio::time::timeout(Duration::from_secs(30), ends.collect()).await.expect("the stream of an ended session ends").unwrap();
    let next = tokio::time::timeout(Duration::from_millis(200), goes_on.frame()).await;
    assert!(!matches!(next, Ok(None)), "a stream ended with another's session");
    test_box.app.buffer.close().await;
}
