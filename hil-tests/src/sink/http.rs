//! As much of HTTP/1.1 as a STOW-RS receiver needs, on a socket that can be slow and can be reset on demand.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::Arc,
    thread::sleep,
    time::Duration,
};

use socket2::SockRef;

use super::{Sink, lock};

/// A socket that obeys the `slow` fault.
pub(super) struct Line {
    socket: TcpStream,
    sink: Arc<Sink>,
}

impl Line {
    pub(super) fn new(socket: TcpStream, sink: Arc<Sink>) -> Self {
        Self { socket, sink }
    }
}

impl Read for Line {
    fn read(&mut self, b: &mut [u8]) -> io::Result<usize> {
        let Some(fault) = self.sink.standing("slow") else { return self.socket.read(b) };
        let most = b.len().min(4096);
        let n = self.socket.read(&mut b[..most])?;
        let _turn = lock(&self.sink.line);
        sleep(Duration::from_secs_f64(n as f64 * 8.0 / 1000.0 / fault.number().max(1) as f64));
        Ok(n)
    }
}

/// A buffered connection.
pub(super) type Stream = BufReader<Line>;

/// The head of a request.
#[derive(Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    headers: HashMap<String, String>,
}

impl Request {
    /// A header's value, empty when absent.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |s| s)
    }

    pub(super) fn content_length(&self) -> u64 {
        self.header("content-length").parse().unwrap_or(0)
    }

    pub(super) fn chunked(&self) -> bool {
        self.header("transfer-encoding").contains("chunked")
    }

    /// The values of a query parameter, decoded.
    pub(super) fn query<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        self.query.split('&').filter_map(|p| p.split_once('=')).filter(move |(k, _)| *k == name).map(|(_, v)| decode(v))
    }
}

/// Reads the head of the next request; `None` at the end of the connection.
pub(super) fn read_request(s: &mut Stream) -> io::Result<Option<Request>> {
    let mut text = vec![];
    while !text.ends_with(b"\r\n\r\n") {
        if s.take(64 << 10).read_until(b'\n', &mut text)? == 0 || text.len() > 256 << 10 {
            return Ok(None);
        }
        if text == b"\r\n" {
            text.clear();
        }
    }
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (first.next().unwrap_or_default().to_string(), first.next().unwrap_or("/"));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines.filter_map(|l| l.split_once(':')).map(|(k, v)| (k.trim().to_ascii_lowercase(), v.trim().to_string())).collect();
    Ok(Some(Request { method, path: path.into(), query: query.into(), headers }))
}

fn decode(s: &str) -> String {
    let (b, mut out, mut i) = (s.as_bytes(), vec![], 0);
    while i < b.len() {
        let escaped = s.get(i + 1..i + 3).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (b[i], escaped) {
            (b'%', Some(v)) => {
                out.push(v);
                i += 3;
            }
            (c, _) => {
                out.push(c);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A request body, with a length or chunked. Ends in `ConnectionReset` where a fault wants a reset and in `FileTooLarge` above the limit.
pub(super) struct Body<'a> {
    pub(super) stream: &'a mut Stream,
    pub(super) got: u64,
    left: u64,
    chunked: bool,
    reset_after: u64,
    limit: u64,
}

impl<'a> Body<'a> {
    pub(super) fn new(stream: &'a mut Stream, request: &Request, reset_after: u64, limit: u64) -> Self {
        Self { stream, got: 0, left: request.content_length(), chunked: request.chunked(), reset_after, limit }
    }

    /// Reads the head of the next chunk.
    fn next_chunk(&mut self) -> io::Result<()> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        if line.trim().is_empty() {
            line.clear();
            self.stream.read_line(&mut line)?;
        }
        let size = line.trim().split(';').next().unwrap_or_default();
        self.left = u64::from_str_radix(size, 16).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        if self.left == 0 {
            self.chunked = false;
            self.stream.read_line(&mut line)?;
        }
        Ok(())
    }
}

impl Read for Body<'_> {
    fn read(&mut self, b: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && self.chunked {
            self.next_chunk()?;
        }
        if self.left == 0 {
            return Ok(0);
        }
        if self.got >= self.reset_after {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if self.got > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = (b.len() as u64).min(self.left).min(self.reset_after - self.got) as usize;
        let n = self.stream.read(&mut b[..most])?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= n as u64;
        self.got += n as u64;
        Ok(n)
    }
}

/// Answers. `extra`: more header lines, each with its line end.
pub(super) fn reply(s: &Stream, status: u16, kind: &str, body: &[u8], extra: &str, close: bool) -> io::Result<()> {
    let kind = if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
    let close = if close { "Connection: close\r\n" } else { "" };
    let head = format!("HTTP/1.1 {status} X\r\n{kind}Content-Length: {}\r\n{extra}{close}\r\n", body.len());
    write_raw(s, &[head.as_bytes(), body].concat())
}

/// Writes bytes as they are.
pub(super) fn write_raw(s: &Stream, bytes: &[u8]) -> io::Result<()> {
    (&s.get_ref().socket).write_all(bytes)
}

/// Makes the coming close a TCP reset.
pub(super) fn reset(s: &Stream) -> io::Error {
    match SockRef::from(&s.get_ref().socket).set_linger(Some(Duration::ZERO)) {
        Ok(()) => io::ErrorKind::ConnectionReset.into(),
        Err(e) => e,
    }
}

/// A receive buffer so small that the sender feels a slow line at once. Best effort: only the figures of a slow run would suffer.
pub(super) fn small_window(s: &TcpStream) {
    let _ = SockRef::from(s).set_recv_buffer_size(16_384);
}
