//! Listeners: a bounded number of connections, each with time limits, ended gracefully.
//!
//! The listener is polled only while a connection may still be taken (permit before accept). Plain HTTP/1.1 is all that is spoken here;
//! HTTP/2 comes with TLS, where ALPN settles it before a byte is read.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::Request};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::{
    limits::{Limits, MAX_HEAD_BYTES},
    peer::Peer,
    stall::StallGuard,
};

/// Serves `router` on a TCP listener until `stop`, with the default [`Limits`]. Requests then under way may end.
pub async fn serve_tcp(listener: TcpListener, router: Router, stop: CancellationToken) {
    serve(listener, router, Limits::default(), stop).await;
}

/// Serves `router` on the admin socket until `stop`, with the default [`Limits`].
pub async fn serve_unix(listener: UnixListener, router: Router, stop: CancellationToken) {
    serve(listener, router, Limits::default(), stop).await;
}

/// Serves `router` on a listener until `stop`; then takes no more connections, lets requests under way end for `limits.drain` and cuts off
/// the rest.
pub async fn serve<L: Accept>(listener: L, router: Router, limits: Limits, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(limits.max_connections));
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    while let Some((stream, peer, permit)) = next_connection(&listener, &permits, &stop).await {
        let connection = connection(stream, peer, router.clone(), limits, stop.clone());
        let cut = cut.clone();
        connections.spawn(async move {
            cut.run_until_cancelled(connection).await;
            drop(permit);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(limits.drain, connections.wait()).await.is_err() {
        cut.cancel();
        connections.wait().await;
    }
}

/// A listener that tells who connected.
pub trait Accept: Send {
    /// The connection's stream.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// Waits for the next connection.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Peer)>> + Send;
}

impl Accept for TcpListener {
    type Stream = TcpStream;
    async fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, address): (TcpStream, SocketAddr) = Self::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok((stream, Peer::Tcp(address)))
    }
}

impl Accept for UnixListener {
    type Stream = UnixStream;
    async fn accept(&self) -> io::Result<(UnixStream, Peer)> {
        let (stream, _) = Self::accept(self).await?;
        Ok((stream, Peer::AdminSocket))
    }
}

/// The next connection and its permit; `None` after `stop`.
async fn next_connection<L: Accept>(
    listener: &L,
    permits: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(L::Stream, Peer, tokio::sync::OwnedSemaphorePermit)> {
    stop.run_until_cancelled(async {
        let permit = permits.clone().acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return Some((stream, peer, permit)),
                Err(error) => {
                    tracing::warn!(%error, "taking an HTTP connection failed");
                    // Out of descriptors, say: other connections must end first. Errors of the one connection cost as much, which is harmless.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    })
    .await
    .flatten()
}

/// Answers the requests of one connection until it ends, goes idle or, after `stop`, has its answer.
async fn connection<S>(stream: S, peer: Peer, router: Router, limits: Limits, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.map(axum::body::Body::new)
    });
    let io = TokioIo::new(StallGuard::new(stream, limits.stall_timeout));
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_read_timeout)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(io, TowerToHyperService::new(service))
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an HTTP connection ended early");
    }
}
