//! The contract: the checked-in document is what the code says, and every route answers as it promises.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

mod common;

use std::{collections::BTreeSet, time::Duration};

use common::{TestBox, ask_as, checked::Checked, get, get_as};
use relaypacs_domain::{Failure, FailureCode, HeldReason, Proof, ProofKind, Timestamp, Verdict};
use serde_json::{Value, json};

/// `UPDATE_OPENAPI=1 cargo test -p relaypacs-http --test contract` writes the file anew.
#[test]
fn the_checked_in_document_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let made = relaypacs_http::openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    assert!(kept == made, "openapi.json is not what the code says; UPDATE_OPENAPI=1 writes it anew");
    assert!(made.contains("\"openapi\": \"3.1.0\""), "{}", &made[..200]);
}

/// What generators of clients stumble over.
#[test]
fn operations_have_names_of_their_own_and_answers_descriptions() {
    let document = serde_json::to_value(relaypacs_http::admin_openapi()).unwrap();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_string()), "{method} {path}: {name} is taken");
            for (status, answer) in operation["responses"].as_object().unwrap() {
                assert!(answer["description"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path} {status}");
            }
        }
    }
    assert!(names.len() >= 20, "{names:?}");
}

fn failure() -> Failure {
    Failure::new(FailureCode::Http(503), "busy")
}

/// A box in which every state of a delivery occurs.
async fn busy_box() -> TestBox {
    let test_box = TestBox::with_two_destinations().await;
    let at = Timestamp::from_millis(1_795_400_000_000);
    test_box.store(Some("1.2.1"), "1.2.1.1.1", "CT").await;
    let proof = Proof::new(ProofKind::File, at, "written and read back", Some("http://pacs/1"));
    assert_eq!(test_box.settle("archive", Verdict::Proven(proof)).await, 1);
    assert_eq!(test_box.settle("pacs1", Verdict::Retry { failure: failure(), after: Duration::from_mins(10) }).await, 1);
    test_box.app.buffer.mark_complete(&"1.2.1".parse().unwrap()).await.unwrap();
    test_box.store(Some("1.2.2"), "1.2.2.1.1", "MR").await;
    assert_eq!(test_box.settle("pacs1", Verdict::Hold(HeldReason::Refused, failure())).await, 1);
    test_box.store(Some("1.2.3"), "1.2.3.1.1", "US").await;
    test_box.store(None, "1.2.4.1.1", "US").await;
    test_box
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_answers_as_the_contract_promises() {
    let test_box = busy_box().await;
    let mut api = Checked::new(&test_box);
    api.get("/healthz", "/healthz", 200).await;
    api.get("/health", "/health", 200).await;
    api.get("/readyz", "/readyz", 200).await;
    api.get("/metrics", "/metrics", 200).await;
    let system = api.get("/api/v1/system", "/api/v1/system", 200).await;
    assert_eq!(system["queue"]["held"], 1, "{system}");
    assert!(system["alerts"].as_array().unwrap().iter().any(|alert| alert["code"] == "E23"), "{system}");
    api.get("/api/v1/destinations", "/api/v1/destinations", 200).await;
    let modalities = api.get("/api/v1/modalities", "/api/v1/modalities", 200).await;
    assert_eq!(modalities[0]["ae_title"], "CT1");
    read_studies(&mut api).await;
    operate(&test_box, &mut api).await;
    assert_eq!(api.not_asked(), Vec::<String>::new());
    test_box.app.buffer.close().await;
}

async fn read_studies(api: &mut Checked) {
    let (studies, study, ledger) = ("/api/v1/studies", "/api/v1/studies/{uid}", "/api/v1/studies/{uid}/ledger");
    let all = api.get(studies, "/api/v1/studies", 200).await;
    assert_eq!((all["total"].as_u64(), all["studies"].as_array().map(Vec::len)), (Some(4), Some(4)), "{all}");
    assert!(all["studies"].as_array().unwrap().iter().any(|study| study["study_instance_uid"].is_null()), "{all}");
    let states: BTreeSet<&str> = all["studies"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|study| study["deliveries"].as_array().unwrap())
        .map(|delivery| delivery["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, BTreeSet::from(["queued", "delivered", "retrying", "held"]));

    let first = api.get(studies, "/api/v1/studies?limit=3", 200).await;
    let cursor = first["next_cursor"].as_str().expect("there is a second page");
    let second = api.get(studies, &format!("/api/v1/studies?limit=3&cursor={cursor}"), 200).await;
    assert_eq!((second["studies"].as_array().unwrap().len(), second.get("next_cursor")), (1, None));
    let held = api.get(studies, "/api/v1/studies?state=held&modality=MR&source=dicom&from=2020-01-01", 200).await;
    assert_eq!(held["studies"][0]["study_instance_uid"], "1.2.2", "{held}");
    let delivery = held["studies"][0]["deliveries"].as_array().unwrap().iter().find(|one| one["state"] == "held").unwrap();
    assert_eq!(delivery["error"]["code"], "refused");
    assert_eq!(api.get(studies, "/api/v1/studies?to=2020-01-01", 200).await["total"], 0);

    let detail = api.get(study, "/api/v1/studies/1.2.1", 200).await;
    assert_eq!(detail["patient_name"], common::PATIENT[0]);
    assert_eq!(detail["series"][0]["instances"][0]["sop_instance_uid"], "1.2.1.1.1");
    let entries = api.get(ledger, "/api/v1/studies/1.2.1/ledger", 200).await;
    let deliveries = entries["entries"][0]["deliveries"].as_array().unwrap();
    let of = |name: &str| deliveries.iter().find(|delivery| delivery["destination"] == name).unwrap();
    assert_eq!((&of("archive")["proof"], &of("archive")["retrieve_url"]), (&json!("file"), &json!("http://pacs/1")));
    assert_eq!((&of("pacs1")["attempts"], &of("pacs1")["answer"]), (&json!(1), &json!("http-503: busy")));

    api.get(studies, "/api/v1/studies?patient_name=DOE", 400).await;
    api.get(studies, "/api/v1/studies?limit=0", 422).await;
    api.get(studies, "/api/v1/studies?cursor=forged", 422).await;
    api.get(study, "/api/v1/studies/1.2.99", 404).await;
    api.get(study, "/api/v1/studies/DOE", 422).await;
    api.get(ledger, "/api/v1/studies/1.2.99/ledger", 404).await;
}

async fn operate(test_box: &TestBox, api: &mut Checked) {
    let touched = async |api: &mut Checked, path: &str, body: Value| api.post(path, body, 200).await["deliveries"].as_u64().unwrap();
    assert_eq!(touched(api, "/admin/retry", json!({"study": "1.2.2"})).await, 1);
    assert_eq!(test_box.settle("pacs1", Verdict::Hold(HeldReason::Refused, failure())).await, 1);
    assert_eq!(touched(api, "/admin/retry", json!({"destination": "archive"})).await, 0);
    assert_eq!(touched(api, "/admin/retry", json!({})).await, 1);
    assert!(touched(api, "/admin/priority", json!({"study": "1.2.3", "service_level": "stat"})).await > 0);
    assert_eq!(api.get("/api/v1/studies/{uid}", "/api/v1/studies/1.2.3", 200).await["service_level"], "stat");
    assert_eq!(touched(api, "/admin/give-up", json!({"study": "1.2.3", "destination": "pacs1"})).await, 1);
    let given_up = api.get("/api/v1/studies/{uid}/ledger", "/api/v1/studies/1.2.3/ledger", 200).await;
    assert!(given_up.to_string().contains("given_up"), "{given_up}");
    api.post("/admin/retry", json!({"study": "1.2.99"}), 404).await;
    api.post("/admin/retry", json!({"study": "DOE"}), 422).await;
    api.post("/admin/priority", json!({"study": "1.2.3", "service_level": "soon"}), 422).await;
    api.post("/admin/give-up", json!({"study": "1.2.99", "destination": "pacs1"}), 404).await;

    let queue = api.get("/admin/queue", "/admin/queue", 200).await;
    assert_eq!(queue["destinations"][1]["destination"], "pacs1", "{queue}");
    assert_eq!(api.post("/admin/pause", json!({"destination": "pacs1"}), 200).await["paused"], true);
    let destinations = api.get("/api/v1/destinations", "/api/v1/destinations", 200).await;
    assert_eq!((&destinations[1]["paused"], &destinations[1]["paused_by"]), (&json!(true), &json!("operator")));
    assert_eq!(api.post("/admin/resume", json!({"destination": "pacs1"}), 200).await["paused"], false);
    api.post("/admin/pause", json!({"destination": "nobody"}), 404).await;
    let echo = api.post("/admin/echo", json!({"destination": "pacs1"}), 200).await;
    assert_eq!((&echo["ok"], &echo["failed_step"]), (&json!(false), &json!("tcp")), "{echo}");
    api.post("/admin/echo", json!({"destination": "nobody"}), 404).await;

    let trail = test_box.app.clinic.audit.export(1, 100).await.unwrap();
    let told: Vec<_> =
        trail.iter().filter(|entry| entry.actor == "operator").map(|entry| format!("{} {}", entry.action, entry.object)).collect();
    let expected = [
        "retry_study study 1.2.2",
        "retry_held all destinations",
        "set_study_priority study 1.2.3 stat",
        "give_up_study study 1.2.3, destination pacs1",
        "pause_destination destination pacs1",
        "resume_destination destination pacs1",
    ];
    assert_eq!(told, expected, "what was done, and nothing that was refused or touched nothing");
    operate_people(api).await;
    operate_peers(api).await;
    api.post("/admin/log", json!({"filter": "info,relaypacs_forward=debug"}), 204).await;
    assert_eq!(*test_box.log_filters.lock().unwrap(), ["info,relaypacs_forward=debug"]);
    api.post("/admin/log", json!({"filter": "rubbish"}), 422).await;
    let events = api.get("/admin/events", "/admin/events?since=0&limit=2", 200).await;
    assert_eq!(events["events"].as_array().map(Vec::len), Some(2), "{events}");
    let later = api.get("/admin/events", "/admin/events?since=1&limit=1&wait_s=1", 200).await;
    assert_eq!(later["events"][0]["seq"], 2, "{later}");
    let all = api.get("/admin/events", "/admin/events?limit=1000", 200).await;
    let kinds: BTreeSet<&str> = all["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert!(["study_arriving", "study_complete", "study_held", "given_up"].iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    api.get("/admin/events", "/admin/events?limit=0", 422).await;

    let scrubbed = api.post("/admin/scrub", json!(null), 200).await;
    assert_eq!((&scrubbed["objects"], &scrubbed["damaged"]), (&json!(4), &json!([])), "{scrubbed}");
    let to = test_box.dir.path().join("backup");
    std::fs::create_dir(&to).unwrap();
    let lines = api.post("/admin/backup", json!({"to": to}), 200).await;
    assert_eq!(lines.as_array().unwrap().last().unwrap()["ok"], true, "{lines}");
    api.post("/admin/backup", json!({"to": to}), 409).await;
    api.post("/admin/backup", json!({"to": "relative"}), 422).await;
}

/// What admins set by the API is set on the box too.
async fn operate_peers(api: &mut Checked) {
    let (all, one, own) = ("/api/v1/destinations", "/api/v1/destinations/{name}", "/api/v1/destinations/spare");
    let spare = json!({"name": "spare", "kind": "stow", "url": "http://127.0.0.1:1/rs"});
    assert_eq!(api.socket("POST", all, all, Some(spare.clone()), 201).await["managed"], "box");
    api.socket("POST", all, all, Some(spare), 409).await;
    api.socket("PATCH", one, own, Some(json!({"max_requests": 2})), 200).await;
    assert_eq!(api.get(one, own, 200).await["settings"]["max_requests"], 2);
    assert_eq!(api.socket("POST", "/api/v1/destinations/{name}/echo", &format!("{own}/echo"), None, 200).await["ok"], false);
    api.socket("DELETE", one, &format!("{own}?give_up=true"), None, 204).await;
    api.get(one, own, 404).await;
    let (all, one, own) = ("/api/v1/modalities", "/api/v1/modalities/{ae_title}", "/api/v1/modalities/MR2");
    let modality = json!({"ae_title": "MR2", "address": "127.0.0.1", "port": 1});
    assert_eq!(api.socket("POST", all, all, Some(modality), 201).await["managed"], "box");
    assert_eq!(api.socket("PATCH", one, own, Some(json!({"description": "MR in room 2"})), 200).await["description"], "MR in room 2");
    assert_eq!(api.get(one, own, 200).await["description"], "MR in room 2");
    api.get(one, "/api/v1/modalities/NOBODY", 404).await;
    assert_eq!(api.socket("POST", "/api/v1/modalities/{ae_title}/echo", &format!("{own}/echo"), None, 200).await["ok"], false);
    api.socket("DELETE", one, own, None, 204).await;
    api.socket("DELETE", one, own, None, 404).await;
}

async fn operate_people(api: &mut Checked) {
    let code = api.post("/admin/setup-code", Value::Null, 200).await;
    assert!(code["url"].as_str().unwrap().ends_with(&format!("https://192.0.2.7:8443/setup#{}", code["code"].as_str().unwrap())), "{code}");
    let made = api.post("/admin/users", json!({"username": "ada", "role": "admin"}), 201).await;
    assert!(made["password"].as_str().is_some_and(|password| password.len() >= 12), "{made}");
    api.post("/admin/setup-code", Value::Null, 409).await;
    api.post("/admin/users", json!({"username": "ADA", "role": "admin"}), 409).await;
    let own = json!({"username": "bob", "role": "clinician", "password": common::PASSWORD, "email": "bob@clinic.example"});
    assert_eq!(api.post("/admin/users", own, 201).await.get("password"), None);
    api.post("/admin/users", json!({"username": "eve", "role": "clinician", "password": "weak"}), 422).await;
    api.post("/admin/users/disable", json!({"username": "ada"}), 409).await;
    assert_eq!(api.post("/admin/users/disable", json!({"username": "Bob"}), 200).await["is_active"], false);
    api.post("/admin/users/disable", json!({"username": "nobody"}), 404).await;
    api.post("/admin/users/reset-2fa", json!({"username": "ada"}), 200).await;
    assert!(api.post("/admin/users/reset-password", json!({"username": "ada"}), 200).await["password"].is_string());
    api.post("/admin/users/reset-password", json!({"username": "ada", "password": "weak"}), 422).await;
    assert_eq!(api.get("/admin/users", "/admin/users", 200).await.as_array().map(Vec::len), Some(2));
    assert!(api.post("/admin/keys/rotate", json!({"forget": true}), 200).await["kid"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_is_served_and_lists_answer_with_and_without_slash() {
    let test_box = TestBox::with_two_destinations().await;
    let public = test_box.public();
    let served = get(&public, common::from("203.0.113.9"), "/openapi.json").await;
    assert_eq!(served.json(), serde_json::to_value(relaypacs_http::openapi()).unwrap());
    let token = test_box.sign_in(relaypacs_domain::Role::Radiographer).await;
    for path in ["/api/v1/studies", "/api/v1/destinations", "/api/v1/modalities"] {
        let plain = get_as(&public, &token, path).await;
        let slashed = get_as(&public, &token, &format!("{path}/")).await;
        assert_eq!((plain.status, slashed.status), (200, 200), "{path}");
        assert_eq!(plain.text, slashed.text);
    }
    let head = ask_as(&public, &token, "HEAD", "/api/v1/studies", None).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    test_box.app.buffer.close().await;
}
