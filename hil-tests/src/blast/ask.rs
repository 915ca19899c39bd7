//! Requests over HTTP/1.1 on several kept connections, timed one by one. Says nothing about what they mean.
//!
//! With a rate, a request's time counts from the moment it was due, not from when the connection came to it: a server that holds everybody up
//! for a second shows as a second for all who were due in it.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// A request: its head with the empty line, and its body.
#[derive(Debug, Clone)]
pub struct Request {
    /// Request line and headers.
    pub head: Vec<u8>,
    /// What the body is cut from, and where.
    pub body: Option<(Arc<[u8]>, std::ops::Range<usize>)>,
}

/// What to ask and how.
#[derive(Debug)]
pub struct Asking {
    /// Whom.
    pub peer: SocketAddr,
    /// What each connection asks, in its order.
    pub connections: Vec<Vec<Request>>,
    /// Ask it all again and again for this long; zero: once.
    pub duration: Duration,
    /// Requests a second in all, evenly; 0: as fast as answered.
    pub rate: f64,
}

/// What became of it all.
#[derive(Debug, Default)]
pub struct Answers {
    took: Duration,
    latency_ms: Vec<f64>,
    status: BTreeMap<String, usize>,
    error: String,
}

impl Asking {
    /// Asks; gives what became of it.
    pub fn run(self) -> Answers {
        let begun = Instant::now();
        let all = self.connections.len().max(1) as f64;
        let every = Duration::from_secs_f64(if self.rate > 0.0 { all / self.rate } else { 0.0 });
        let threads: Vec<_> = (0..)
            .zip(self.connections)
            .map(|(number, requests)| {
                let first = begun + every.mul_f64(f64::from(number) / all);
                let one =
                    Connection { peer: self.peer, requests, first, every, end: begun + self.duration, again: !self.duration.is_zero() };
                thread::spawn(move || one.run())
            })
            .collect();
        let mut answers = Answers::default();
        for thread in threads {
            answers
                .add(thread.join().unwrap_or_else(|_| Answers { error: "a connection's thread broke off".into(), ..Answers::default() }));
        }
        answers.took = begun.elapsed();
        answers.latency_ms.sort_by(f64::total_cmp);
        answers
    }
}

struct Connection {
    peer: SocketAddr,
    requests: Vec<Request>,
    first: Instant,
    every: Duration,
    end: Instant,
    again: bool,
}

impl Connection {
    fn run(self) -> Answers {
        let mut answers = Answers::default();
        if let Err(error) = self.ask_all(&mut answers) {
            answers.error = error.to_string();
            *answers.status.entry("none".into()).or_default() += 1;
        }
        answers
    }

    fn ask_all(&self, answers: &mut Answers) -> io::Result<()> {
        let stream = TcpStream::connect(self.peer)?;
        stream.set_nodelay(true)?;
        let (mut writer, mut reader) = (stream.try_clone()?, BufReader::new(stream));
        let mut due = self.first;
        loop {
            for request in &self.requests {
                if self.again && Instant::now() >= self.end {
                    return Ok(());
                }
                thread::sleep(due.saturating_duration_since(Instant::now()));
                let from = if self.every.is_zero() { Instant::now() } else { due };
                let status = ask(request, &mut writer, &mut reader)?;
                answers.latency_ms.push(from.elapsed().as_secs_f64() * 1e3);
                *answers.status.entry(status).or_default() += 1;
                due += self.every;
            }
            if !self.again {
                return Ok(());
            }
        }
    }
}

/// One request and the whole of its answer; gives the status.
fn ask(request: &Request, writer: &mut TcpStream, reader: &mut BufReader<TcpStream>) -> io::Result<String> {
    writer.write_all(&request.head)?;
    if let Some((bytes, range)) = &request.body {
        writer.write_all(&bytes[range.clone()])?;
    }
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let status = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let (name, value) = line.trim().split_once(':').unwrap_or_default();
        if name.is_empty() {
            break;
        }
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    io::copy(&mut reader.take(length), &mut io::sink())?;
    Ok(status)
}

impl Answers {
    fn add(&mut self, other: Self) {
        self.latency_ms.extend(other.latency_ms);
        for (status, count) in other.status {
            *self.status.entry(status).or_default() += count;
        }
        if !other.error.is_empty() {
            self.error = other.error;
        }
    }

    /// One JSON object, as the scripts read it.
    pub fn json(&self) -> Value {
        let seconds = self.took.as_secs_f64();
        let quantile = |q: f64| self.latency_ms.get(((self.latency_ms.len().max(1) - 1) as f64 * q) as usize).copied().unwrap_or_default();
        json!({
            "n": self.latency_ms.len(), "s": seconds, "req_s": self.latency_ms.len() as f64 / seconds, "status": self.status, "error": self.error,
            "p50_ms": quantile(0.5), "p95_ms": quantile(0.95), "p99_ms": quantile(0.99), "max_ms": quantile(1.0),
        })
    }
}
