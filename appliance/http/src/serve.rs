//! Listeners: a bounded number of connections, each with time limits, ended gracefully.
//!
//! The listener is polled only while a connection may still be taken (permit before accept). Without TLS only HTTP/1.1 is spoken; with TLS,
//! ALPN settles between HTTP/2 and HTTP/1.1 before a byte is read. One address gets a bounded share of the connections.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, extract::Request};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::{
    limits::{Limits, MAX_HEAD_BYTES, READ_BYTES},
    peer::Peer,
    stall::StallGuard,
    tls::{Tls, TlsError},
};

/// Streams (requests) of one HTTP/2 connection at once.
const MAX_STREAMS: u32 = 100;
/// Bytes one HTTP/2 request may have on the way, and all of a connection together.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 2 << 20;

/// Serves `router` on the admin socket until `stop`, with the default [`Limits`].
pub async fn serve_unix(listener: UnixListener, router: Router, stop: CancellationToken) {
    serve(listener, router, Limits::default(), stop).await;
}

/// Serves `router` on a listener until `stop`; then takes no more connections, lets requests under way end for `limits.drain` and cuts off
/// the rest.
pub async fn serve<L: Accept>(listener: L, router: Router, limits: Limits, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(limits.max_connections));
    let shares = Shares::new(limits.max_connections_per_address);
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    while let Some((stream, peer, permit)) = next_connection(&listener, &permits, &stop).await {
        // One address too many: the connection is closed at once, which costs nobody else anything.
        let Some(share) = shares.take(peer) else { continue };
        let (ready, router, stop) = (L::ready(&listener, stream), router.clone(), stop.clone());
        let cut = cut.clone();
        connections.spawn(async move {
            let served = async {
                match tokio::time::timeout(limits.header_read_timeout, ready).await {
                    Ok(Ok((stream, protocol))) => connection(stream, protocol, peer, router, limits, stop).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_) => tracing::debug!("a TLS handshake took too long"),
                }
            };
            cut.run_until_cancelled(served).await;
            drop((permit, share));
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(limits.drain, connections.wait()).await.is_err() {
        cut.cancel();
        connections.wait().await;
    }
}

/// What is spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 (RFC 9112).
    Http1,
    /// HTTP/2 (RFC 9113).
    Http2,
}

/// A listener that tells who connected.
pub trait Accept: Send {
    /// A connection as it was accepted.
    type Raw: Send + 'static;
    /// A connection that speaks HTTP.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// Waits for the next connection.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Raw, Peer)>> + Send;
    /// Brings it to where HTTP begins.
    fn ready(&self, raw: Self::Raw) -> impl Future<Output = io::Result<(Self::Stream, Protocol)>> + Send + 'static;
}

impl Accept for TcpListener {
    type Raw = TcpStream;
    type Stream = TcpStream;
    async fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, address): (TcpStream, SocketAddr) = Self::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok((stream, Peer::Tcp(address)))
    }
    fn ready(&self, raw: TcpStream) -> impl Future<Output = io::Result<(TcpStream, Protocol)>> + Send + 'static {
        std::future::ready(Ok((raw, Protocol::Http1)))
    }
}

/// A TCP listener whose connections begin with a TLS handshake.
pub struct Secured {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Secured {
    /// Shakes hands with what `tls` has in force at each moment.
    pub fn new(listener: TcpListener, tls: &Tls) -> Result<Self, TlsError> {
        Ok(Self { listener, acceptor: TlsAcceptor::from(tls.server_config()?) })
    }
}

impl Accept for Secured {
    type Raw = TcpStream;
    type Stream = TlsStream<TcpStream>;
    async fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        Accept::accept(&self.listener).await
    }
    fn ready(&self, raw: TcpStream) -> impl Future<Output = io::Result<(TlsStream<TcpStream>, Protocol)>> + Send + 'static {
        let shake = self.acceptor.accept(raw);
        async move {
            let stream = shake.await?;
            let protocol = if stream.get_ref().1.alpn_protocol() == Some(b"h2") { Protocol::Http2 } else { Protocol::Http1 };
            Ok((stream, protocol))
        }
    }
}

impl Accept for UnixListener {
    type Raw = UnixStream;
    type Stream = UnixStream;
    async fn accept(&self) -> io::Result<(UnixStream, Peer)> {
        let (stream, _) = Self::accept(self).await?;
        Ok((stream, Peer::AdminSocket))
    }
    fn ready(&self, raw: UnixStream) -> impl Future<Output = io::Result<(UnixStream, Protocol)>> + Send + 'static {
        std::future::ready(Ok((raw, Protocol::Http1)))
    }
}

/// How many connections each address has. Bounded by the listener's connections.
#[derive(Clone)]
struct Shares {
    most: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Shares {
    fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    /// A share for a connection of `peer`; `None`: it has all it may have. Callers on the box itself are not counted.
    fn take(&self, peer: Peer) -> Option<Share> {
        let address = match peer {
            Peer::Tcp(address) if !address.ip().to_canonical().is_loopback() => address.ip().to_canonical(),
            Peer::Tcp(_) | Peer::AdminSocket => return Some(Share(None)),
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Share(Some((self.clone(), address))))
    }
}

/// A connection's share; given back when dropped.
struct Share(Option<(Shares, IpAddr)>);

impl Drop for Share {
    fn drop(&mut self) {
        let Some((shares, address)) = &self.0 else { return };
        let mut open = shares.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                open.remove(address);
            }
        }
    }
}

/// The next connection and its permit; `None` after `stop`.
async fn next_connection<L: Accept>(
    listener: &L,
    permits: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(L::Raw, Peer, OwnedSemaphorePermit)> {
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
async fn connection<S>(stream: S, protocol: Protocol, peer: Peer, router: Router, limits: Limits, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.map(axum::body::Body::new)
    }));
    let io = TokioIo::new(StallGuard::new(stream, limits.stall_timeout));
    /// Drives a connection to its end; after `stop`, asks it to end.
    macro_rules! drive {
        ($connection:expr) => {{
            let mut connection = std::pin::pin!($connection);
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }};
    }
    let ended = match protocol {
        Protocol::Http1 => drive!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.header_read_timeout)
                .max_header_size(MAX_HEAD_BYTES)
                .max_buf_size(READ_BYTES)
                .serve_connection(io, service)
        ),
        Protocol::Http2 => drive!(
            http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(MAX_STREAMS)
                .max_header_list_size(MAX_HEAD_BYTES as u32)
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .max_frame_size(READ_BYTES as u32)
                .max_send_buf_size(256 * 1024)
                // A peer that is gone without a word is found out.
                .keep_alive_interval(limits.stall_timeout)
                .keep_alive_timeout(limits.stall_timeout)
                .serve_connection(io, service)
        ),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an HTTP connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_no_more() {
        let shares = Shares::new(2);
        let peer = |address: &str| Peer::Tcp(SocketAddr::new(address.parse().unwrap(), 4711));
        let first = shares.take(peer("192.0.2.1"));
        let _second = shares.take(peer("::ffff:192.0.2.1"));
        assert!(shares.take(peer("192.0.2.1")).is_none());
        assert!(shares.take(peer("192.0.2.2")).is_some() && shares.take(peer("127.0.0.1")).is_some());
        drop(first);
        assert!(shares.take(peer("192.0.2.1")).is_some());
        assert_eq!(shares.open.lock().unwrap().len(), 1);
    }
}
