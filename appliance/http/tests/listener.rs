//! The listeners: who is let in, who is cut off, how they end.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Extension, Router, routing::get};
use relaypacs_http::{Limits, Peer, serve, serve_unix};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::Notify,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// A listener on a free loopback port.
struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

async fn served(router: Router, limits: Limits) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn(serve(listener, router, limits, stop.clone()));
    Served { address, stop, task }
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Sends a request and reads until the other side closes.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> String {
    stream.write_all(request).await.unwrap();
    until_closed(stream).await
}

async fn until_closed(mut stream: impl AsyncRead + Unpin) -> String {
    let mut answer = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn says_who() -> Router {
    Router::new().route("/", get(|Extension(peer): Extension<Peer>| async move { format!("{peer:?}") }))
}

#[tokio::test]
async fn requests_know_where_they_come_from() {
    let tcp = served(says_who(), Limits::default()).await;
    let answer = ask(tcp.connect().await, GET).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("Tcp(127.0.0.1:"), "{answer}");
    tcp.end().await;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin.sock");
    let stop = CancellationToken::new();
    let task = tokio::spawn(serve_unix(UnixListener::bind(&path).unwrap(), says_who(), stop.clone()));
    let answer = ask(UnixStream::connect(&path).await.unwrap(), GET).await;
    assert!(answer.ends_with("AdminSocket"), "{answer}");
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn half_a_head_and_silence_are_cut_off() {
    let limits = Limits { header_read_timeout: Duration::from_millis(100), ..Limits::default() };
    let served = served(says_who(), limits).await;
    for begin in [&b""[..], b"GET / HTT", b"GET / HTTP/1.1\r\nHost: localhost\r\n"] {
        let answer = ask(served.connect().await, begin).await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    // A connection that is kept alive and falls silent ends too.
    let answer = ask(served.connect().await, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(answer.matches("200 OK").count(), 1, "{answer}");
    served.end().await;
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let served = served(says_who(), Limits::default()).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ").await.unwrap();
    // Writing may fail once the box has closed.
    for _ in 0..64 {
        if stream.write_all(&[b'a'; 1024]).await.is_err() {
            break;
        }
    }
    let answer = until_closed(stream).await;
    assert!(!answer.contains("200 OK"), "{answer}");
    served.end().await;
}

#[tokio::test]
async fn one_connection_too_many_waits_its_turn() {
    let limits = Limits { max_connections: 1, ..Limits::default() };
    let served = served(says_who(), limits).await;
    let mut first = served.connect().await;
    first.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut begin = [0; 12];
    first.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200");

    let mut second = served.connect().await;
    second.write_all(GET).await.unwrap();
    let waits = tokio::time::timeout(Duration::from_millis(200), second.read(&mut begin)).await;
    assert!(waits.is_err(), "served beside the first: {waits:?}");
    drop(first);
    assert!(until_closed(second).await.starts_with("HTTP/1.1 200"));
    served.end().await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut_off() {
    let router = Router::new().route("/", get(|| async { vec![0_u8; 64 * 1024 * 1024] }));
    let limits = Limits { stall_timeout: Duration::from_millis(200), max_connections: 1, ..Limits::default() };
    let served = served(router, limits).await;
    let mut deaf = served.connect().await;
    deaf.write_all(GET).await.unwrap();
    // The only permit comes back when the deaf one is cut off.
    let second = ask(served.connect().await, b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert!(second.starts_with("HTTP/1.1 404"), "{second}");
    let got = until_closed(deaf).await;
    assert!(got.len() < 64 * 1024 * 1024, "it got everything");
    served.end().await;
}

/// A route that says when it was entered and waits to be let go.
fn waiting(entered: Arc<Notify>, go: Arc<Notify>) -> Router {
    let handler = move || {
        let (entered, go) = (entered.clone(), go.clone());
        async move {
            entered.notify_one();
            go.notified().await;
            "done"
        }
    };
    Router::new().route("/", get(handler))
}

#[tokio::test]
async fn a_request_under_way_may_end_after_stop() {
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let served = served(waiting(entered.clone(), go.clone()), Limits::default()).await;
    let answer = tokio::spawn(ask(served.connect().await, GET));
    entered.notified().await;
    served.stop.cancel();
    go.notify_one();
    served.task.await.unwrap();
    assert!(answer.await.unwrap().ends_with("done"));
    assert!(TcpStream::connect(served.address).await.is_err(), "it still listens");
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off_after_the_drain() {
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let limits = Limits { drain: Duration::from_millis(100), ..Limits::default() };
    let served = served(waiting(entered.clone(), go), limits).await;
    let answer = tokio::spawn(ask(served.connect().await, GET));
    entered.notified().await;
    served.end().await;
    assert_eq!(answer.await.unwrap(), "");
}
