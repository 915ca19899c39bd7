//! Reading and writing a connection with time limits. Knows bytes, no messages.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    pdu::{PDU_HEADER, kind},
    request::MAX_ASSOCIATE,
    violation::{AbortReason, Violation},
};

/// Bytes that a peer may go on sending after it was told that the association is over.
const MAX_WASTE: usize = 8 << 20;
/// How long a peer has for closing while the box shuts down.
const CLOSING_PATIENCE: Duration = Duration::from_secs(1);
/// How long an A-ABORT may take to write.
const ABORT_PATIENCE: Duration = Duration::from_secs(1);

/// A connection of any kind: TCP now, TLS over it later, memory in tests.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Why nothing can be exchanged any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The peer closed, or the connection failed.
    Lost,
    /// The peer was silent, or read nothing, for too long.
    Idle,
}

/// What opens a connection.
#[derive(Debug)]
pub(crate) enum Opening {
    /// The body of an A-ASSOCIATE-RQ.
    Request(Vec<u8>),
    /// The peer went, or aborted, before it asked for anything.
    Gone,
}

/// A connection with its limit of silence.
pub(crate) struct Link<T> {
    stream: T,
    idle_timeout: Duration,
}

impl<T: Stream> Link<T> {
    pub(crate) fn new(stream: T, idle_timeout: Duration) -> Self {
        Self { stream, idle_timeout }
    }

    /// Reads what is there, at least one byte.
    pub(crate) async fn read(&mut self, space: &mut [u8]) -> Result<usize, Broken> {
        match timeout(self.idle_timeout, self.stream.read(space)).await {
            Err(_) => Err(Broken::Idle),
            Ok(Ok(count)) if count > 0 => Ok(count),
            Ok(_) => Err(Broken::Lost),
        }
    }

    /// Writes all of it, in one call where the socket takes it.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout(self.idle_timeout, write).await {
            Err(_) => Err(Broken::Idle),
            Ok(Err(_)) => Err(Broken::Lost),
            Ok(Ok(())) => Ok(()),
        }
    }

    /// State Sta2 (PS3.8 §9.2): waits for an A-ASSOCIATE-RQ. Memory grows with what really comes. The caller sets the time limit.
    pub(crate) async fn opening(&mut self) -> Result<Opening, Violation> {
        let mut header = [0; PDU_HEADER];
        if self.stream.read_exact(&mut header).await.is_err() {
            return Ok(Opening::Gone);
        }
        let [kind, _, length @ ..] = header;
        let length = u32::from_be_bytes(length);
        match kind {
            kind::ASSOCIATE_RQ if length <= MAX_ASSOCIATE => {}
            kind::ASSOCIATE_RQ => return Err(Violation::PduLength { kind, length, limit: MAX_ASSOCIATE }),
            kind::ABORT => return Ok(Opening::Gone),
            kind::ASSOCIATE_AC..=kind::RELEASE_RP => return Err(Violation::UnexpectedPdu { got: kind, expected: "A-ASSOCIATE-RQ" }),
            _ => return Err(Violation::UnknownPdu(kind)),
        }
        let mut body = Vec::new();
        match (&mut self.stream).take(u64::from(length)).read_to_end(&mut body).await {
            Ok(count) if count == length as usize => Ok(Opening::Request(body)),
            _ => Ok(Opening::Gone),
        }
    }

    /// Sends an A-ABORT; whether it arrives does not matter any more.
    pub(crate) async fn abort(&mut self, reason: AbortReason) {
        let pdu = reason.pdu();
        drop(timeout(ABORT_PATIENCE, self.write(&pdu)).await);
    }

    /// State Sta13 (PS3.8 §9.2): the peer has to close; until then, or until ARTIM expires, what it sends is thrown away. A close with unread
    /// bytes would reset the connection and might take our last PDU from the peer.
    pub(crate) async fn await_close(mut self, artim: Duration, stop: &CancellationToken) {
        let until = Instant::now() + artim;
        let read = async {
            let mut waste = [0; 4096];
            let mut left = MAX_WASTE;
            while left > 0 {
                match self.stream.read(&mut waste).await {
                    Ok(count) if count > 0 => left = left.saturating_sub(count),
                    Ok(_) | Err(_) => break,
                }
            }
        };
        let closing = async {
            stop.cancelled().await;
            tokio::time::sleep(CLOSING_PATIENCE).await;
        };
        tokio::select! {
            _ = timeout_at(until, read) => {}
            () = closing => {}
        }
        drop::<io::Result<()>>(self.stream.shutdown().await);
    }
}
