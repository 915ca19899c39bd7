//! Destinations and modalities that an admin adds, changes, tries and deletes over the API.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

mod common;

use axum::Router;
use common::{TestBox, Told, from, send};
use relaypacs_domain::Role;
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpListener};

struct Admin<'a> {
    public: &'a Router,
    bearer: String,
}

impl Admin<'_> {
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Told {
        send(self.public, from("203.0.113.9"), method, &format!("/api/v1{path}"), body, &[("authorization", &self.bearer)]).await
    }
}

async fn somebody<'a>(test_box: &TestBox, public: &'a Router, role: Role) -> Admin<'a> {
    Admin { public, bearer: format!("Bearer {}", test_box.sign_in(role).await) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_is_added_changed_and_deleted_and_its_secrets_are_never_shown() {
    let test_box = TestBox::new(json!([])).await;
    let public = test_box.public();
    let admin = somebody(&test_box, &public, Role::Admin).await;
    let body = json!({"name": "pacs", "kind": "stow", "url": "http://127.0.0.1:1/rs",
        "auth": {"kind": "basic", "user": "relay", "password": "very-secret-word"}});
    let added = admin.ask("POST", "/destinations", Some(body.clone())).await;
    assert_eq!((added.status, added.headers["location"].to_str().unwrap()), (201, "/api/v1/destinations/pacs"), "{}", added.text);
    assert_eq!(added.json()["managed"], "box");
    test_box.store(Some("1.2.1"), "1.2.1.1.1", "CT").await;
    let taken = admin.ask("POST", "/destinations", Some(body)).await;
    assert_eq!((taken.status, &taken.json()["code"]), (409, &json!("taken")));

    let shown = admin.ask("GET", "/destinations/pacs", None).await;
    assert_eq!((&shown.json()["settings"]["auth"]["user"], &shown.json()["secrets"]), (&json!("relay"), &json!(["password"])));
    assert_eq!(shown.json()["queue"]["instances"], 1, "it is matched at once");
    let listed = admin.ask("GET", "/destinations", None).await;
    for text in [&added.text, &taken.text, &shown.text, &listed.text] {
        assert!(!text.contains("very-secret"), "{text}");
    }

    let changed = admin.ask("PATCH", "/destinations/pacs", Some(json!({"url": "http://127.0.0.1:2/rs", "max_requests": 2}))).await;
    assert_eq!((changed.status, &changed.json()["url"]), (200, &json!("http://127.0.0.1:2/rs")), "{}", changed.text);
    let bad = admin.ask("PATCH", "/destinations/pacs", Some(json!({"max_requests": 0}))).await;
    assert_eq!((bad.status, &bad.json()["errors"][0]["pointer"]), (422, &json!("/max_requests")));
    assert_eq!(
        admin.ask("GET", "/destinations/pacs", None).await.json()["settings"]["max_requests"],
        2,
        "a refused change changes nothing"
    );

    let paused = admin.ask("PATCH", "/destinations/pacs", Some(json!({"paused": true}))).await;
    assert_eq!(
        (paused.status, &paused.json()["paused"], &paused.json()["paused_by"]),
        (200, &json!(true), &json!("operator")),
        "{}",
        paused.text
    );
    let both = admin.ask("PATCH", "/destinations/pacs", Some(json!({"paused": false, "max_requests": 3}))).await;
    assert_eq!((both.status, &both.json()["paused"]), (200, &json!(false)), "{}", both.text);
    let shown = admin.ask("GET", "/destinations/pacs", None).await.json()["settings"].clone();
    assert_eq!((&shown["max_requests"], shown.get("paused")), (&json!(3), None), "a pause is no setting");
    let bad = admin.ask("PATCH", "/destinations/pacs", Some(json!({"paused": "yes"}))).await;
    assert_eq!((bad.status, &bad.json()["errors"][0]["pointer"]), (422, &json!("/paused")));
    admin.ask("PATCH", "/destinations/pacs", Some(json!({"paused": true}))).await;

    // After a restart it is there with its secrets; the forwarder gets files that only the box can read.
    let data = test_box.dir.path().join("data");
    let configs = relaypacs_http::kept_destinations(&test_box.app.clinic.settings, &data, &[]);
    assert_eq!((configs.len(), configs[0].url.as_deref()), (1, Some("http://127.0.0.1:2/rs")));
    assert_eq!(std::fs::read_to_string(configs[0].auth.password_file.as_ref().unwrap()).unwrap(), "very-secret-word");

    let refused = admin.ask("DELETE", "/destinations/pacs", None).await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("in_use")), "work is queued");
    assert_eq!(admin.ask("DELETE", "/destinations/pacs?give_up=true", None).await.status, 204);
    assert_eq!(admin.ask("GET", "/destinations/pacs", None).await.status, 404);
    assert!(relaypacs_http::kept_destinations(&test_box.app.clinic.settings, &data, &[]).is_empty());
    let trail = test_box.app.clinic.audit.export(1, 100).await.unwrap();
    let told: Vec<_> = trail.iter().filter(|entry| entry.action.ends_with("_destination")).map(|entry| entry.object.as_str()).collect();
    let pacs = "destination pacs";
    assert_eq!(
        told,
        [pacs, pacs, pacs, pacs, pacs, pacs, "destination pacs, 1 instances given up"],
        "added, changed, paused, changed, resumed, paused, deleted"
    );
    let another = admin.ask("POST", "/destinations", Some(json!({"name": "pacs", "kind": "stow", "url": "http://127.0.0.1:3/rs"}))).await;
    assert_eq!((another.status, &another.json()["paused"]), (201, &json!(false)), "the pause went with it: {}", another.text);
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configuration_file_s_are_read_only_and_only_admins_change_anything() {
    let test_box = TestBox::with_two_destinations().await;
    let public = test_box.public();
    let admin = somebody(&test_box, &public, Role::Admin).await;
    for (method, path, body) in [
        ("PATCH", "/destinations/pacs1", Some(json!({"max_requests": 2}))),
        ("DELETE", "/destinations/pacs1", None),
        ("PATCH", "/modalities/CT1", Some(json!({"port": 105}))),
        ("DELETE", "/modalities/CT1", None),
    ] {
        let told = admin.ask(method, path, body).await;
        assert_eq!((told.status, &told.json()["code"]), (409, &json!("read_only")), "{method} {path}");
    }
    let paused = admin.ask("PATCH", "/destinations/pacs1", Some(json!({"paused": true}))).await;
    assert_eq!((paused.status, &paused.json()["paused"]), (200, &json!(true)), "a pause is no change of the file: {}", paused.text);
    let mixed = admin.ask("PATCH", "/destinations/pacs1", Some(json!({"paused": false, "max_requests": 2}))).await;
    assert_eq!((mixed.status, &mixed.json()["code"]), (409, &json!("read_only")));
    assert_eq!(admin.ask("GET", "/destinations/pacs1", None).await.json()["paused"], true, "what is refused changes nothing");
    assert_eq!(admin.ask("POST", "/modalities", Some(json!({"ae_title": "CT1"}))).await.status, 409);
    for role in [Role::Clinician, Role::Radiographer, Role::Radiologist] {
        let other = somebody(&test_box, &public, role).await;
        assert_eq!(other.ask("POST", "/destinations", Some(json!({"name": "x", "kind": "folder", "path": "/tmp"}))).await.status, 403);
        assert_eq!(other.ask("PATCH", "/destinations/pacs1", Some(json!({"paused": false}))).await.status, 403);
        assert_eq!(other.ask("DELETE", "/destinations/pacs1?give_up=true", None).await.status, 403);
        assert_eq!(other.ask("POST", "/modalities", Some(json!({"ae_title": "MR9"}))).await.status, 403);
        let may_try = if role == Role::Radiographer { 200 } else { 403 };
        assert_eq!(other.ask("POST", "/destinations/pacs1/echo", None).await.status, may_try);
    }
    let tried = admin.ask("POST", "/destinations/pacs1/echo", None).await.json();
    assert_eq!((&tried["ok"], &tried["failed_step"]), (&json!(false), &json!("tcp")), "{tried}");
    assert_eq!(admin.ask("POST", "/destinations/nowhere/echo", None).await.status, 404);
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_modality_is_admitted_at_once_and_forgotten_again() {
    let test_box = TestBox::new(json!([])).await;
    let public = test_box.public();
    let admin = somebody(&test_box, &public, Role::Admin).await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let body = json!({"ae_title": "MR 1", "address": "127.0.0.1", "port": nobody, "service_level": "stat", "description": "MR"});
    let added = admin.ask("POST", "/modalities", Some(body)).await;
    assert_eq!((added.status, added.headers["location"].to_str().unwrap()), (201, "/api/v1/modalities/MR%201"), "{}", added.text);
    assert_eq!(*test_box.admitted.lock().unwrap(), ["CT1", "MR 1"]);
    let listed = admin.ask("GET", "/modalities", None).await.json();
    let managed: Vec<_> = listed.as_array().unwrap().iter().map(|m| (m["ae_title"].as_str().unwrap(), m["managed"].as_str())).collect();
    assert_eq!(managed, [("CT1", Some("file")), ("MR 1", Some("box"))]);
    for bad in
        [json!({}), json!({"ae_title": "THIS_IS_FAR_TOO_LONG"}), json!({"ae_title": "A", "port": 0}), json!({"ae_title": "A", "x": 1})]
    {
        assert_eq!(admin.ask("POST", "/modalities", Some(bad.clone())).await.status, 422, "{bad}");
    }
    let tried = admin.ask("POST", "/modalities/MR%201/echo", None).await.json();
    assert_eq!((&tried["ok"], &tried["failed_step"]), (&json!(false), &json!("tcp")), "{tried}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let changed = admin.ask("PATCH", "/modalities/MR%201", Some(json!({"port": port, "description": null}))).await.json();
    assert_eq!((&changed["port"], changed.get("description")), (&json!(port), None));
    // A real C-ECHO begins: an A-ASSOCIATE-RQ from the box to the modality's title arrives.
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut pdu = [0; 74];
        stream.read_exact(&mut pdu).await.unwrap();
        pdu
    });
    let tried = admin.ask("POST", "/modalities/MR%201/echo", None).await.json();
    assert_eq!(tried["failed_step"], "association", "{tried}");
    let pdu = heard.await.unwrap();
    assert_eq!((pdu[0], &pdu[10..26], &pdu[26..42]), (1, &b"MR 1            "[..], &b"RELAYPACS       "[..]));

    assert_eq!(admin.ask("DELETE", "/modalities/MR%201", None).await.status, 204);
    assert_eq!(*test_box.admitted.lock().unwrap(), ["CT1"]);
    assert_eq!(admin.ask("DELETE", "/modalities/MR%201", None).await.status, 404);
    test_box.app.buffer.close().await;
}
