//! The accepted TCP socket.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A TCP stream that acknowledges at once what it reads.
///
/// Most senders leave Nagle's algorithm on: they hold the end of an image back until what they sent before is acknowledged, and the kernel
/// delays that by 40 ms. `TCP_QUICKACK` turns the delay off, but not for good: it has to be set again after every read.
#[derive(Debug)]
pub(crate) struct QuickAck(TcpStream);

impl QuickAck {
    /// Also sets `TCP_NODELAY`, so that answers leave at once.
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let stream = Self(stream);
        stream.acknowledge();
        Ok(stream)
    }

    /// A socket where this fails is merely slower.
    fn acknowledge(&self) {
        #[cfg(target_os = "linux")]
        drop(SockRef::from(&self.0).set_tcp_quickack(true));
    }
}

impl AsyncRead for QuickAck {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.0).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.acknowledge();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for QuickAck {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
