//! Uploads over HTTP: the contract's bodies and refusals, tokens, digests, batches, and what the original product got wrong about uploads.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

mod common;

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use common::{TestBox, Told, ask_as, from, send};
use http_body_util::BodyExt;
use relaypacs_domain::{Identity, Role};
use serde_json::{Value, json};
use tower::ServiceExt;

const CHUNK: usize = 512 << 10;

/// A Part-10 file of an instance of study 1.9.1.
fn dicom(number: u32, pixels: usize) -> Vec<u8> {
    let identity = Identity {
        sop_class: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
        sop_instance: format!("1.2.3.{number}").parse().unwrap(),
        transfer_syntax: "1.2.840.10008.1.2.1".parse().unwrap(),
        study: None,
        series: None,
    };
    let mut file = relaypacs_dicom::file_meta(&identity, None);
    let mut text = |tag: [u8; 4], vr: &[u8; 2], value: &str| {
        let padded = format!("{value}{}", if value.len() % 2 == 1 { if vr == b"UI" { "\0" } else { " " } } else { "" });
        file.extend_from_slice(&tag);
        file.extend_from_slice(vr);
        file.extend_from_slice(&(padded.len() as u16).to_le_bytes());
        file.extend_from_slice(padded.as_bytes());
    };
    text([8, 0, 0x16, 0], b"UI", "1.2.840.10008.5.1.4.1.1.2");
    text([8, 0, 0x18, 0], b"UI", &format!("1.2.3.{number}"));
    text([8, 0, 0x60, 0], b"CS", "CT");
    text([0x10, 0, 0x10, 0], b"PN", "DOE^JANE");
    text([0x20, 0, 0x0D, 0], b"UI", "1.9.1");
    text([0x20, 0, 0x0E, 0], b"UI", "1.9.1.1");
    file.extend_from_slice(&[0xE0, 0x7F, 0x10, 0, b'O', b'W', 0, 0]);
    file.extend_from_slice(&(pixels as u32).to_le_bytes());
    file.extend((0..pixels).map(|at| (at as u32 * 31 + number) as u8));
    file
}

fn init_body(files: &[(&str, &[u8])]) -> Value {
    json!({
        "study_metadata": {"patient_name": "DOE^JANE", "study_date": "2026-01-15", "modality": "CT", "service_level": "stat", "age": 47},
        "total_files": files.len(),
        "total_size_bytes": files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>(),
        "files": files.iter().map(|(id, bytes)| json!({"file_id": id, "name": format!("{id}.dcm"), "size": bytes.len()})).collect::<Vec<_>>(),
        "chunk_size": CHUNK,
    })
}

/// An upload by a client.
struct Client {
    router: Router,
    upload: String,
    token: String,
}

impl Client {
    async fn begin(test_box: &TestBox, access: &str, body: Value) -> Self {
        let router = test_box.public();
        let told = ask_as(&router, access, "POST", "/api/v1/upload/init", Some(body)).await;
        assert_eq!(told.status, 201, "{}", told.text);
        let body = told.json();
        assert_eq!(body["upload_token"], body["session_token"]);
        assert_eq!((body["chunk_size"].as_u64(), &body["warning"]), (Some(CHUNK as u64), &Value::Null));
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self { router, upload: text("upload_id"), token: text("upload_token") }
    }

    async fn raw(&self, method: &str, path: &str, body: Vec<u8>, headers: &[(&str, &str)]) -> Told {
        let mut request =
            Request::builder().method(method).uri(format!("/api/v1/upload/{}{path}", self.upload)).extension(from("203.0.113.9"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header(header::CONTENT_LENGTH, body.len()).body(Body::from(body)).unwrap();
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Told { status: head.status.as_u16(), headers: head.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    async fn chunk(&self, query: &str, bytes: &[u8], headers: &[(&str, &str)]) -> Told {
        let all = [headers, &[("x-upload-token", self.token.as_str())]].concat();
        self.raw("PUT", &format!("/chunk?{query}"), bytes.to_vec(), &all).await
    }

    async fn file(&self, id: &str, bytes: &[u8]) {
        for (index, chunk) in bytes.chunks(CHUNK).enumerate() {
            let told = self.chunk(&format!("chunk_index={index}&file_id={id}"), chunk, &[]).await;
            assert_eq!(told.status, 200, "{}", told.text);
        }
    }

    async fn ask(&self, method: &str, path: &str) -> Told {
        self.raw(method, path, Vec::new(), &[("x-upload-token", self.token.as_str())]).await
    }

    async fn batch(&self, manifest: &Value, data: &[u8]) -> Told {
        let body = [
            b"--BOUND\r\nContent-Disposition: form-data; name=\"manifest\"\r\nContent-Type: application/json\r\n\r\n".as_slice(),
            manifest.to_string().as_bytes(),
            b"\r\n--BOUND\r\nContent-Disposition: form-data; name=\"data\"\r\nContent-Type: application/octet-stream\r\n\r\n",
            data,
            b"\r\n--BOUND--\r\n",
        ]
        .concat();
        self.raw(
            "POST",
            "/batch",
            body,
            &[("x-upload-token", self.token.as_str()), ("content-type", "multipart/form-data; boundary=BOUND")],
        )
        .await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_goes_through_from_init_to_list() {
    let test_box = TestBox::with_two_destinations().await;
    let access = test_box.sign_in(Role::Clinician).await;
    let (one, two) = (dicom(1, 3 * CHUNK), dicom(2, 100));
    let client = Client::begin(&test_box, &access, init_body(&[("a", &one), ("b", &two)])).await;
    let told = client.ask("GET", "/status").await.json();
    assert_eq!((&told["state"], &told["chunks_total"], &told["progress_percent"]), (&json!("pending"), &json!(5), &json!(0)));
    client.file("a", &one).await;
    let told = client.ask("POST", "/complete").await;
    assert_eq!((told.status, told.json()["code"].as_str()), (409, Some("incomplete")), "{}", told.text);
    assert_eq!(told.json()["missing"], json!({"b": [0]}));
    client.file("b", &two).await;
    let told = client.ask("GET", "/status?files=incomplete").await.json();
    assert_eq!((&told["state"], &told["files"], &told["uploaded_bytes"]), (&json!("uploading"), &json!({}), &json!(one.len() + two.len())));

    let told = client.ask("POST", "/complete").await;
    assert_eq!(told.status, 200, "{}", told.text);
    let done = told.json();
    assert_eq!((&done["status"], &done["processed_files"], &done["failed_files"]), (&json!("success"), &json!(2), &json!(0)));
    assert_eq!(
        done["files"],
        json!([
            {"file_id": "a", "status": "success", "sop_instance_uid": "1.2.3.1"},
            {"file_id": "b", "status": "success", "sop_instance_uid": "1.2.3.2"},
        ])
    );
    assert!(done["report_id"].is_string() && done["report_ids"][0] == done["report_id"] && done["pacs_receipt_id"].is_null());
    assert_eq!(client.ask("POST", "/complete").await.json(), done, "the same answer again");
    assert_eq!(client.ask("DELETE", "").await.status, 409);
    assert_eq!(client.chunk("chunk_index=0&file_id=b", &two, &[]).await.status, 409);
    let told = client.ask("GET", "/status").await.json();
    assert_eq!(
        (&told["state"], &told["study_instance_uids"], &told["pacs_status"]),
        (&json!("complete"), &json!(["1.9.1"]), &json!("queued"))
    );

    let list = ask_as(&client.router, &access, "GET", "/api/v1/upload?state=complete", None).await.json();
    assert_eq!((&list["total"], &list["uploads"][0]["upload_id"]), (&json!(1), &json!(client.upload)));
    assert_eq!((&list["uploads"][0]["username"], &list["uploads"][0]["service_level"]), (&json!("the-clinician"), &json!("stat")));
    assert_eq!(ask_as(&client.router, &access, "GET", "/api/v1/upload/?limit=0", None).await.status, 422);

    // Uploaded already: refused with what people need to decide.
    let told = ask_as(&client.router, &access, "POST", "/api/v1/upload/init", Some(init_body(&[("a", &one), ("b", &two)]))).await;
    let body = told.json();
    assert_eq!((told.status, &body["code"], &body["upload_id"]), (409, &json!("DUPLICATE_STUDY"), &json!(client.upload)));
    assert_eq!(body["uploaded_by"], "the-clinician");
    assert!(body["uploaded_at"].as_str().unwrap().ends_with('Z'));
    test_box.app.buffer.close().await;
}

/// The data of the next event of this name on a stream.
async fn next_event(stream: &mut Body, name: &str) -> Value {
    let mut text = String::new();
    for _ in 0..1000 {
        let event = text.split("\n\n").find(|event| event.contains(&format!("\nevent: {name}\n")) && event.ends_with('}'));
        if let Some((_, data)) = event.and_then(|event| event.split_once("\ndata: ")) {
            return serde_json::from_str(data).unwrap();
        }
        let piece = stream.frame().await.unwrap().unwrap().into_data().unwrap();
        text.push_str(std::str::from_utf8(&piece).unwrap());
    }
    panic!("no {name} in {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_event_of_an_upload_is_its_status() {
    let test_box = TestBox::with_two_destinations().await;
    let access = test_box.sign_in(Role::Clinician).await;
    let request = Request::builder().uri(format!("/api/v1/events?token={access}")).extension(from("203.0.113.9"));
    let mut stream = test_box.public().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().into_body();
    let (image, letter) = (dicom(1, 100), b"Dear colleague".to_vec());
    let client = Client::begin(&test_box, &access, init_body(&[("image", &image), ("letter", &letter)])).await;
    client.file("image", &image).await;
    client.file("letter", &letter).await;
    assert_eq!(client.ask("POST", "/complete").await.status, 200);
    let told = next_event(&mut stream, "upload").await;
    let mut status = client.ask("GET", "/status").await.json();
    status.as_object_mut().unwrap().remove("result").expect("what became of it");
    assert_eq!(told, status);
    assert_eq!((&told["study_instance_uids"], &told["files"]["image"]["complete"]), (&json!(["1.9.1"]), &json!(true)));
    assert!(told["files"]["letter"]["error"].is_string(), "{told}");
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_good_for_its_own_upload_only() {
    let test_box = TestBox::with_two_destinations().await;
    let access = test_box.sign_in(Role::Clinician).await;
    let other_access = test_box.sign_in_as("another", Role::Clinician).await;
    let file = dicom(1, 100);
    let mine = Client::begin(&test_box, &access, init_body(&[("a", &file)])).await;
    let theirs = Client::begin(&test_box, &other_access, init_body(&[("a", &file)])).await;
    let ask = async |client: &Client, method: &str, path: &str, headers: &[(&str, &str)]| {
        client.raw(method, path, file.clone(), headers).await.status
    };
    let their_bearer = format!("Bearer {other_access}");
    let my_bearer = format!("Bearer {access}");
    let my_upload_bearer = format!("Bearer {}", mine.token);
    for (method, path) in
        [("PUT", "/chunk?chunk_index=0&file_id=a"), ("GET", "/status"), ("POST", "/complete"), ("DELETE", ""), ("POST", "/batch")]
    {
        assert_eq!(ask(&mine, method, path, &[]).await, 401, "{path}");
        assert_eq!(
            ask(&mine, method, path, &[("x-upload-token", "rubbish"), ("content-type", "multipart/form-data; boundary=B")]).await,
            401,
            "{path}"
        );
        let headers = [("x-upload-token", theirs.token.as_str()), ("content-type", "multipart/form-data; boundary=B")];
        assert_eq!(ask(&mine, method, path, &headers).await, 403, "another upload's token: {path}");
        let headers = [("authorization", their_bearer.as_str()), ("content-type", "multipart/form-data; boundary=B")];
        assert_eq!(ask(&mine, method, path, &headers).await, 403, "another person: {path}");
    }
    // As the original client sends it, and the owner.
    assert_eq!(ask(&mine, "PUT", "/chunk?chunk_index=0&file_id=a", &[("authorization", &my_upload_bearer)]).await, 200);
    assert_eq!(ask(&mine, "GET", "/status", &[("authorization", &my_bearer)]).await, 200);
    let radiologist = format!("Bearer {}", test_box.sign_in(Role::Radiologist).await);
    assert_eq!(ask(&mine, "GET", "/status", &[("authorization", &radiologist)]).await, 200, "who sees all uploads");
    assert_eq!(ask(&mine, "DELETE", "", &[("authorization", &radiologist)]).await, 403);
    // An upload token opens nothing else, and is given anew to the owner only.
    let told = send(&mine.router, from("203.0.113.9"), "GET", "/api/v1/upload", None, &[("authorization", &my_upload_bearer)]).await;
    assert_eq!(told.status, 401);
    let path = format!("/api/v1/auth/refresh-upload-token?upload_id={}", mine.upload);
    assert_eq!(ask_as(&mine.router, &other_access, "POST", &path, None).await.status, 403);
    let fresh = ask_as(&mine.router, &access, "POST", &path, None).await.json()["upload_token"].as_str().unwrap().to_owned();
    assert_eq!(ask(&mine, "GET", "/status", &[("x-upload-token", &fresh)]).await, 200);
    // Radiologists upload nothing.
    let radiologist = test_box.sign_in(Role::Radiologist).await;
    assert_eq!(ask_as(&mine.router, &radiologist, "POST", "/api/v1/upload/init", Some(init_body(&[("a", &file)]))).await.status, 403);
    assert_eq!(ask(&mine, "DELETE", "", &[("authorization", &my_bearer)]).await, 204);
    assert_eq!(ask(&mine, "GET", "/status", &[("authorization", &my_bearer)]).await, 404);
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_original_took_is_refused() {
    let test_box = TestBox::with_two_destinations().await;
    let access = test_box.sign_in(Role::Clinician).await;
    let file = dicom(1, CHUNK);
    let client = Client::begin(&test_box, &access, init_body(&[("a", &file)])).await;
    let check = async |query: &str, bytes: &[u8], headers: &[(&str, &str)], status: u16| {
        let told = client.chunk(query, bytes, headers).await;
        assert_eq!(told.status, status, "{query} {headers:?}: {}", told.text);
        assert_eq!(told.json()["status"], status);
    };
    let first = &file[..CHUNK];
    for path in ["..%2F..%2Fx", "..", "a%2Fb", "a%00", ""] {
        check(&format!("chunk_index=0&file_id={path}"), first, &[], 422).await;
    }
    for index in ["-1", "2", "4294967296", "1e3", "x", ""] {
        check(&format!("chunk_index={index}&file_id=a"), first, &[], 422).await;
    }
    check("file_id=a", first, &[], 400).await;
    check("chunk_index=0&file_id=a", &first[1..], &[], 422).await;
    check("chunk_index=0&file_id=a", &vec![0; CHUNK + 1], &[], 413).await;
    // Digests are compared, not ignored.
    check("chunk_index=0&file_id=a", first, &[("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")], 422).await;
    check("chunk_index=0&file_id=a", first, &[("content-md5", "rubbish")], 422).await;
    check("chunk_index=0&file_id=a", first, &[("content-digest", "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:")], 422).await;
    let sha = STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, first));
    let told = client.chunk("chunk_index=0&file_id=a", first, &[("content-digest", &format!("sha-256=:{sha}:"))]).await;
    assert_eq!((told.status, &told.json()["checksum_verified"], &told.json()["status"]), (200, &json!(true), &json!("received")));
    let told = client.chunk("chunk_index=0&file_id=a", first, &[]).await;
    assert_eq!((&told.json()["checksum_verified"], &told.json()["status"]), (&json!(false), &json!("exists")));
    let mut other = first.to_vec();
    other[5000] ^= 1;
    check("chunk_index=0&file_id=a", &other, &[], 409).await;
    // A truncated upload does not complete, and reaches no PACS.
    assert_eq!(client.ask("POST", "/complete").await.status, 409);
    assert!(test_box.app.buffer.instances(&"1.2.3.1".parse().unwrap()).unwrap().is_empty());
    assert_eq!(client.ask("DELETE", "").await.status, 204);
    // Bodies that make no sense name the field.
    for (change, pointer) in [
        (json!({"total_files": 0}), "/total_files"),
        (json!({"total_size_bytes": 0}), "/total_size_bytes"),
        (json!({"chunk_size": 5}), "/chunk_size"),
        (json!({"clinical_history": "x".repeat(2001)}), "/clinical_history"),
    ] {
        let mut body = init_body(&[("a", &file)]);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let told = ask_as(&client.router, &access, "POST", "/api/v1/upload/init", Some(body)).await;
        assert_eq!((told.status, told.json()["errors"][0]["pointer"].as_str()), (422, Some(pointer)), "{}", told.text);
    }
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_the_box_cannot_store_is_to_be_sent_again_and_blames_no_chunk() {
    let test_box = TestBox::with_two_destinations().await;
    let access = test_box.sign_in(Role::Radiographer).await;
    let bytes = dicom(1, 100);
    let client = Client::begin(&test_box, &access, init_body(&[("a", &bytes)])).await;
    test_box.app.buffer.close().await;
    let told = client.batch(&json!([{"file_id": "a", "chunk_index": 0, "size": bytes.len()}]), &bytes).await;
    assert_eq!((told.status, &told.json()["code"]), (503, &json!("unavailable")), "{}", told.text);
    assert!(told.headers.contains_key("retry-after"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_takes_many_files_and_judges_each_alone() {
    let test_box = TestBox::with_two_destinations().await;
    let access = test_box.sign_in(Role::Radiographer).await;
    let files: Vec<(String, Vec<u8>)> = (0..20).map(|number| (format!("f{number}"), dicom(number, 1000 * number as usize))).collect();
    let named: Vec<(&str, &[u8])> = files.iter().map(|(id, bytes)| (id.as_str(), bytes.as_slice())).collect();
    let client = Client::begin(&test_box, &access, init_body(&named)).await;
    let entry = |id: &str, bytes: &[u8]| json!({"file_id": id, "chunk_index": 0, "size": bytes.len()});
    let manifest: Vec<Value> = named[..10].iter().map(|(id, bytes)| entry(id, bytes)).collect();
    let told = client.batch(&json!(manifest), &named[..10].iter().flat_map(|(_, bytes)| bytes.to_vec()).collect::<Vec<_>>()).await;
    assert_eq!(told.status, 200, "{}", told.text);
    assert!(told.json().as_array().unwrap().iter().all(|answer| answer["status"] == "received"), "{}", told.text);

    // One that is there, one with a wrong digest, one that is none of the upload's, and the rest.
    let mut manifest: Vec<Value> = vec![entry("f3", named[3].1), entry("f10", named[10].1), entry("nobody", b"xyz")];
    manifest[1]["sha256"] = json!("00".repeat(32));
    let mut data = [named[3].1, named[10].1, b"xyz"].concat();
    for (id, bytes) in &named[11..] {
        manifest.push(entry(id, bytes));
        data.extend_from_slice(bytes);
    }
    let told = client.batch(&json!(manifest), &data).await;
    assert_eq!(told.status, 200, "{}", told.text);
    let answers = told.json();
    let statuses: Vec<&str> = answers.as_array().unwrap().iter().map(|answer| answer["status"].as_str().unwrap()).collect();
    assert_eq!(statuses[..3], ["exists", "failed", "failed"]);
    assert!(statuses[3..].iter().all(|status| *status == "received"));
    assert!(answers[1]["error"].as_str().unwrap().contains("SHA-256") && answers[2]["error"].is_string());
    assert_eq!(client.ask("GET", "/status?files=incomplete").await.json()["files"].as_object().unwrap().len(), 1);

    // What is no batch.
    let big = json!([{"file_id": "f10", "chunk_index": 0, "size": (16 << 20) + 1}]);
    assert_eq!(client.batch(&big, b"").await.status, 413);
    assert_eq!(client.batch(&json!([]), b"").await.status, 422);
    assert_eq!(client.batch(&json!("x"), b"").await.status, 422);
    assert_eq!(client.batch(&json!([entry("f10", b"12345")]), b"123").await.status, 400);
    let told =
        client.raw("POST", "/batch", b"{}".to_vec(), &[("x-upload-token", &client.token), ("content-type", "application/json")]).await;
    assert_eq!(told.status, 400);

    let told = client.batch(&json!([entry("f10", named[10].1)]), named[10].1).await;
    assert_eq!(told.json()[0]["status"], "received");
    let told = client.ask("POST", "/complete").await;
    assert_eq!((told.status, &told.json()["processed_files"]), (200, &json!(20)), "{}", told.text);
    test_box.app.buffer.close().await;
}
