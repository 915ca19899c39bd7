//! Bodies that trickle, over real connections: they may take their time, but not what others need.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

mod common;

use std::net::SocketAddr;

use common::{TestBox, ask_as};
use relaypacs_domain::Role;
use relaypacs_http::{Limits, serve};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

/// Bytes of each file, which is one chunk.
const CHUNK: usize = 64 << 10;
/// More than there are buffers for chunks (128).
const SLOW: usize = 150;
/// What a slow sender sends before it pauses.
const BEGUN: usize = 1000;

/// A connection on which one request is made.
struct Sender(TcpStream);

impl Sender {
    /// Sends the head of a request and the first bytes of its body.
    async fn begin(address: SocketAddr, target: &str, token: &str, kind: &str, length: usize, first: &[u8]) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "{target} HTTP/1.1\r\nHost: localhost\r\nX-Upload-Token: {token}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(first).await.unwrap();
        Self(stream)
    }

    /// Sends the rest and reads the answer to its end.
    async fn end(mut self, rest: &[u8]) -> String {
        self.0.write_all(rest).await.unwrap();
        let mut answer = Vec::new();
        self.0.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

fn pixels(number: usize) -> Vec<u8> {
    (0..CHUNK).map(|at| (at * 31 + number * 7) as u8).collect()
}

/// A hundred and fifty senders stop in the middle of a chunk, one of them in the middle of a batch: a chunk that comes at once is answered while
/// all of them are open, and theirs are taken when they go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_that_pause_keep_nobody_waiting() {
    let test_box = TestBox::with_two_destinations().await;
    let access = test_box.sign_in(Role::Clinician).await;
    let names = (0..=SLOW).map(|number| format!("f{number}"));
    let files: Vec<_> = names.map(|id| json!({"file_id": id, "name": id, "size": CHUNK})).collect();
    let asked = json!({
        "study_metadata": {"patient_name": "DOE^JANE", "study_date": "2026-01-15", "modality": "CT"},
        "total_files": SLOW + 1, "total_size_bytes": (SLOW + 1) * CHUNK, "files": files,
    });
    let told = ask_as(&test_box.public(), &access, "POST", "/api/v1/upload/init", Some(asked)).await;
    assert_eq!(told.status, 201, "{}", told.text);
    let begun = told.json();
    let (upload, token) = (begun["upload_id"].as_str().unwrap().to_owned(), begun["upload_token"].as_str().unwrap().to_owned());

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let served = tokio::spawn(serve(listener, test_box.public(), Limits::default(), stop.clone()));
    let chunk = |number: usize| format!("PUT /api/v1/upload/{upload}/chunk?chunk_index=0&file_id=f{number}");

    let mut slow = Vec::new();
    for number in 1..SLOW {
        let body = pixels(number);
        slow.push(Sender::begin(address, &chunk(number), &token, "application/octet-stream", CHUNK, &body[..BEGUN]).await);
    }
    let (body, batch) = (batch(SLOW), format!("POST /api/v1/upload/{upload}/batch"));
    let begun = body.len() - CHUNK;
    slow.push(Sender::begin(address, &batch, &token, "multipart/form-data; boundary=BOUND", body.len(), &body[..begun]).await);

    let quick = Sender::begin(address, &chunk(0), &token, "application/octet-stream", CHUNK, &[]).await;
    let answer = quick.end(&pixels(0)).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"received\""), "{answer}");

    // All of them were there all the time: whoever goes on is taken.
    let mut ends = tokio::task::JoinSet::new();
    for (number, sender) in (1..=SLOW).zip(slow) {
        let rest = if number == SLOW { body[begun..].to_vec() } else { pixels(number)[BEGUN..].to_vec() };
        ends.spawn(async move { (number, sender.end(&rest).await) });
    }
    while let Some(ended) = ends.join_next().await {
        let (number, answer) = ended.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"received\""), "sender {number}: {answer}");
    }
    let status = ask_as(&test_box.public(), &access, "GET", &format!("/api/v1/upload/{upload}/status?files=incomplete"), None).await.json();
    assert_eq!((&status["uploaded_bytes"], &status["files"]), (&json!((SLOW + 1) * CHUNK), &json!({})));
    stop.cancel();
    served.await.unwrap();
    test_box.app.buffer.close().await;
}

/// A batch of one chunk.
fn batch(number: usize) -> Vec<u8> {
    let manifest = json!([{"file_id": format!("f{number}"), "chunk_index": 0, "size": CHUNK}]);
    [
        b"--BOUND\r\nContent-Disposition: form-data; name=\"manifest\"\r\n\r\n".as_slice(),
        manifest.to_string().as_bytes(),
        b"\r\n--BOUND\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n",
        &pixels(number),
        b"\r\n--BOUND--\r\n",
    ]
    .concat()
}
