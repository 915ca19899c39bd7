//! STOW-RS receiver for tests: answers like real PACSs, fails on demand, writes down what it got. Streams; memory does not grow with the object.
//!
//!   stow_sink --port P (0 = a free one; the first line on stdout is {"port":P}) [--records FILE] [--flavour dcm4chee] [--aet DCM4CHEE] [--fault SPEC]... [--auth bearer|basic:USER:PASSWORD] [--token-ttl S] [--keep DIR]
//!
//! --records FILE  one JSON line per instance {"kind":"instance","req","part_type","sop","study","series","cls","ts","sha256","bytes","result","code"} and per
//!                 request {"kind":"request","req","begun","type","status","parts","bytes","fault",...}. sha256 is of the data set bytes after the file meta group.
//!                 result: stored | duplicate (same bytes again) | ignored (same UID, other bytes: old kept) | failed | unlisted (not stored,
//!                 in no list) | stored-unlisted | listed-not-stored | not-dicom | dropped (a quirk of the flavour)
//! --flavour       dcm4chee (5.x), orthanc (1.24), orthanc17 (Debian), google, microsoft
//! --auth bearer   tokens from POST .../token (client_credentials), valid --token-ttl seconds (300)
//! --keep DIR      keeps the files and serves them by WADO-RS;  QIDO-RS instances are always answered
//!
//! Faults, SPEC = NAME[:VALUE][,every=N][,skip=N][,times=N][,sticky]   (per part: P, per request: R; sticky: an instance once struck is struck again)
//!   fail:A700             P the instance is in FailedSOPSequence with this reason (hex), not stored
//!   unlisted              P not stored and in neither list           stored-unlisted   P stored, in neither list
//!   listed-not-stored     P listed as stored, but thrown away        alter             P one byte flipped before it is stored
//!   status:503            R body read, nothing stored, this status   retry-after=S     adds Retry-After to it (also 429)
//!   early:413             R answers before the body and closes       limit:BYTES       R 413 for longer bodies
//!   empty                 R 200, nothing stored, both lists empty    html              R 200 with a log-in page, nothing stored
//!   no-body               R stored, 200 without a body               cut-answer        R stored, answer breaks off half way
//!   stall:S               R stored, answers after S seconds          stall-read:S      R reads nothing for S seconds
//!   reset-after:BYTES     R TCP reset after that many body bytes     reset-answer      R stored, TCP reset instead of an answer
//!   crash-after:K         R 500 with a stack trace after K parts (those stay stored)
//!   slow:KBIT               the line: all connections together receive this many kbit/s
//!   qido:404                QIDO and WADO answer this status
//! At run time: POST /_control?fault=SPEC adds (URL-encoded), DELETE /_control clears, GET /_control shows counts.
use base64::Engine as _;
use memchr::memmem;
use relaypacs_hil_tests::part10::*;
use sha2::{Digest, Sha256};
use socket2::SockRef;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering::Relaxed},
};
use std::thread::{self, sleep};
use std::time::{Duration, SystemTime};

#[derive(Clone, Debug)]
struct Fault {
    name: String,
    value: String,
    every: u64,
    skip: u64,
    times: u64,
    retry_after: Option<String>,
    seen: u64,
    sticky: bool,
    struck: HashSet<String>,
    spec: String,
}
impl Fault {
    fn parse(spec: &str) -> Fault {
        let mut parts = spec.split(',');
        let (name, value) = parts.next().unwrap_or("").split_once(':').map_or_else(|| (spec.split(',').next().unwrap_or(""), ""), |x| x);
        let mut f = Fault {
            name: name.into(),
            value: value.into(),
            every: 1,
            skip: 0,
            times: u64::MAX,
            retry_after: None,
            seen: 0,
            sticky: false,
            struck: HashSet::new(),
            spec: spec.into(),
        };
        for p in parts {
            match p.split_once('=') {
                Some(("every", v)) => f.every = v.parse().unwrap_or(1).max(1),
                Some(("skip", v)) => f.skip = v.parse().unwrap_or(0),
                Some(("times", v)) => f.times = v.parse().unwrap_or(1),
                Some(("retry-after", v)) => f.retry_after = Some(v.into()),
                None if p == "sticky" => f.sticky = true,
                _ => eprintln!("fault {spec}: {p} is not known"),
            }
        }
        f
    }
    fn number(&self) -> u64 {
        self.value.parse().unwrap_or(0)
    }
    fn code(&self) -> u16 {
        u16::from_str_radix(&self.value, 16).unwrap_or(0x0110)
    }
}
const PER_PART: &[&str] = &["fail", "unlisted", "stored-unlisted", "listed-not-stored", "alter"];
const STANDING: &[&str] = &["slow", "limit", "qido"];

#[derive(Clone)]
struct Version {
    sha: String,
    study: String,
    series: String,
    class: String,
    file: Option<String>,
}
struct Sink {
    flavour: String,
    aet: String,
    auth: String,
    ttl: u64,
    keep: Option<String>,
    records: Option<Mutex<File>>,
    faults: Mutex<Vec<Fault>>,
    stored: Mutex<HashMap<String, Vec<Version>>>,
    requests: AtomicU64,
    instances: AtomicU64,
    bytes: AtomicU64,
    line: Mutex<()>,
    port: u16,
}
fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64()
}

impl Sink {
    /// The faults that strike this time, of those `wanted`; counts their uses. `sop`: the instance, for sticky ones.
    fn strike(&self, sop: &str, wanted: impl Fn(&str) -> bool) -> Vec<Fault> {
        let mut all = self.faults.lock().unwrap();
        let mut out = vec![];
        for f in all.iter_mut().filter(|f| wanted(&f.name)) {
            if f.struck.contains(sop) {
                out.push(f.clone());
                continue;
            }
            f.seen += 1;
            if f.seen > f.skip && (f.seen - f.skip - 1) % f.every == 0 && (f.seen - f.skip - 1) / f.every < f.times {
                if f.sticky {
                    f.struck.insert(sop.into());
                }
                out.push(f.clone());
            }
        }
        out
    }
    fn standing(&self, name: &str) -> Option<Fault> {
        self.faults.lock().unwrap().iter().find(|f| f.name == name).cloned()
    }
    fn record(&self, line: String) {
        if let Some(f) = &self.records {
            f.lock().unwrap().write_all(format!("{{\"t\":{:.3},{line}}}\n", now()).as_bytes()).expect("records file");
        }
    }
}

/// A socket that obeys the `slow` fault.
struct Line {
    socket: TcpStream,
    sink: Arc<Sink>,
}
impl Read for Line {
    fn read(&mut self, b: &mut [u8]) -> io::Result<usize> {
        match self.sink.standing("slow").map(|f| f.number().max(1)) {
            None => self.socket.read(b),
            Some(kbit) => {
                let most = b.len().min(4096);
                let n = self.socket.read(&mut b[..most])?;
                let _turn = self.sink.line.lock().unwrap();
                sleep(Duration::from_secs_f64(n as f64 * 8.0 / 1000.0 / kbit as f64));
                Ok(n)
            }
        }
    }
}
type Stream = BufReader<Line>;

#[derive(Default)]
struct Request {
    method: String,
    path: String,
    query: String,
    headers: HashMap<String, String>,
}
fn read_request(s: &mut Stream) -> io::Result<Option<Request>> {
    let mut text = vec![];
    while !text.ends_with(b"\r\n\r\n") {
        if s.take(64 << 10).read_until(b'\n', &mut text)? == 0 || text.len() > 256 << 10 {
            return Ok(None);
        }
        if text == b"\r\n" {
            text.clear();
        }
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or("").split(' ');
    let (method, target) = (first.next().unwrap_or("").to_string(), first.next().unwrap_or("/").to_string());
    let (path, query) = target.split_once('?').map_or((target.clone(), String::new()), |(p, q)| (p.into(), q.into()));
    let headers = lines.filter_map(|l| l.split_once(':')).map(|(k, v)| (k.trim().to_ascii_lowercase(), v.trim().to_string())).collect();
    Ok(Some(Request { method, path, query, headers }))
}
impl Request {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |s| s)
    }
    fn query(&self, name: &str) -> Option<String> {
        self.query.split('&').filter_map(|p| p.split_once('=')).find(|(k, _)| *k == name).map(|(_, v)| decode(v))
    }
}
fn decode(s: &str) -> String {
    let (b, mut out, mut i) = (s.as_bytes(), vec![], 0);
    while i < b.len() {
        match (b[i], s.get(i + 1..i + 3).and_then(|h| u8::from_str_radix(h, 16).ok())) {
            (b'%', Some(v)) => {
                out.push(v);
                i += 3
            }
            (c, _) => {
                out.push(c);
                i += 1
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The request body: Content-Length or chunked. Fails with `ConnectionReset` where the fault wants a reset.
struct Body<'a> {
    s: &'a mut Stream,
    left: u64,
    chunked: bool,
    got: u64,
    reset_after: u64,
    limit: u64,
}
impl Read for Body<'_> {
    fn read(&mut self, b: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && self.chunked {
            let mut l = String::new();
            self.s.read_line(&mut l)?;
            if l.trim().is_empty() {
                l.clear();
                self.s.read_line(&mut l)?;
            }
            self.left = u64::from_str_radix(l.trim().split(';').next().unwrap_or(""), 16)
                .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            if self.left == 0 {
                self.chunked = false;
                self.s.read_line(&mut l)?;
            }
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
        let n = self.s.read(&mut b[..most])?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= n as u64;
        self.got += n as u64;
        Ok(n)
    }
}

/// One part while it streams by: hash, header and (with --keep) file.
struct Part {
    kind: String,
    head: Vec<u8>,
    meta: Option<Meta>,
    not_dicom: bool,
    hash: Sha256,
    bytes: u64,
    keep: Option<(File, String)>,
    alter: bool,
}
impl Part {
    fn feed(&mut self, b: &[u8]) -> io::Result<()> {
        if let Some((f, _)) = &mut self.keep {
            f.write_all(b)?;
        }
        if self.meta.is_some() {
            let room = (512usize << 10).saturating_sub(self.head.len()).min(b.len());
            self.head.extend_from_slice(&b[..room]);
            self.hash.update(b);
            self.bytes += b.len() as u64;
        } else if !self.not_dicom {
            self.head.extend_from_slice(b);
            match meta(&self.head) {
                None => self.not_dicom = true,
                Some(Err(_)) => {}
                Some(Ok(m)) => {
                    self.hash.update(&self.head[m.body..]);
                    self.bytes = (self.head.len() - m.body) as u64;
                    self.meta = Some(m);
                }
            }
        }
        Ok(())
    }
}

/// Calls `part` for every part of a multipart body and `end` after it; true = the closing boundary was seen.
fn multipart(body: &mut Body, boundary: &str, sink: &Sink, done: &mut dyn FnMut(Part) -> io::Result<()>) -> io::Result<bool> {
    let mark = format!("\r\n--{boundary}").into_bytes();
    let finder = memmem::Finder::new(&mark);
    let (mut buffer, mut start, mut end) = (vec![0u8; 512 << 10], 2usize, 2usize);
    buffer[..2].copy_from_slice(b"\r\n");
    start -= 2;
    let mut part: Option<Part> = None;
    loop {
        if let Some(at) = finder.find(&buffer[start..end]).map(|p| p + start) {
            // a boundary: what follows must be "--" or header lines up to an empty line
            let after = at + mark.len();
            let tail = &buffer[after..end];
            let closing = tail.starts_with(b"--");
            let headers = memmem::find(tail, b"\r\n\r\n");
            if closing || headers.is_some() {
                if let Some(mut p) = part.take() {
                    p.feed(&buffer[start..at])?;
                    done(p)?;
                }
                if closing {
                    io::copy(body, &mut io::sink())?;
                    return Ok(true);
                }
                let n = headers.unwrap();
                let text = String::from_utf8_lossy(&tail[..n]).to_ascii_lowercase();
                let kind = text.lines().find_map(|l| l.strip_prefix("content-type:")).unwrap_or("").trim().to_string();
                let keep = match &sink.keep {
                    Some(d) => {
                        let path = format!("{d}/{}.part", sink.instances.load(Relaxed) * 1000 + thread_number());
                        Some((File::create(&path)?, path))
                    }
                    None => None,
                };
                let alter = sink.strike("", |n| n == "alter").len() > 0;
                part = Some(Part { kind, head: vec![], meta: None, not_dicom: false, hash: Sha256::new(), bytes: 0, keep, alter });
                start = after + n + 4;
                continue;
            }
            if end - at > 64 << 10 {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if let Some(p) = &mut part {
                p.feed(&buffer[start..at])?;
            }
            start = at;
        } else if end - start > mark.len() {
            let safe = end - mark.len();
            if let Some(p) = &mut part {
                p.feed(&buffer[start..safe])?;
            }
            start = safe;
        }
        buffer.copy_within(start..end, 0);
        end -= start;
        start = 0;
        let n = body.read(&mut buffer[end..])?;
        if n == 0 {
            return Ok(false);
        }
        end += n;
    }
}
fn thread_number() -> u64 {
    static N: AtomicU64 = AtomicU64::new(0);
    N.fetch_add(1, Relaxed)
}

struct Listed {
    class: String,
    sop: String,
    study: String,
    series: String,
    code: u16,
}
fn ui(tag: &str, v: &str) -> String {
    format!("\"{tag}\":{{\"vr\":\"UI\",\"Value\":[\"{}\"]}}", json(v))
}

/// What became of a whole request.
#[derive(Default)]
struct Outcome {
    good: Vec<Listed>,
    bad: Vec<Listed>,
    parts: u64,
    mismatch: bool,
    not_dicom: bool,
    conflict: bool,
}

impl Sink {
    fn finish_part(&self, mut p: Part, request: u64, url_study: Option<&str>, out: &mut Outcome) -> io::Result<()> {
        out.parts += 1;
        let orthanc17 = self.flavour == "orthanc17";
        let m = p.meta.take();
        let (mut sop, mut study, mut series) = (String::new(), String::new(), String::new());
        if let Some(m) = &m {
            sop = m.instance.clone();
            for (tag, at, n) in uids(&p.head[m.body..], &m.syntax) {
                let v = text(&p.head[m.body + at..m.body + at + n]);
                match tag {
                    (8, 0x18) => sop = v,
                    (0x20, 0x0D) => study = v,
                    _ => series = v,
                }
            }
        }
        if study.is_empty() {
            study = url_study.unwrap_or("").into();
        }
        let m = m.unwrap_or_default();
        let mut sha = hex(&std::mem::replace(&mut p.hash, Sha256::new()).finalize());
        if p.alter {
            sha = sha256_hex(sha.as_bytes());
            if let Some((f, _)) = &p.keep {
                f.write_all_at(b"X", f.metadata()?.len().saturating_sub(1))?;
            }
        }
        let listed = |code| Listed { class: m.class.clone(), sop: sop.clone(), study: study.clone(), series: series.clone(), code };
        let (mut result, mut code) = ("stored", 0u16);
        let known = self.stored.lock().unwrap().get(&sop).cloned().unwrap_or_default();
        let fault = self.strike(&sop, |n| PER_PART[..4].contains(&n)).into_iter().next();
        if !p.kind.starts_with("application/dicom") || (orthanc17 && p.kind.contains("transfer-syntax")) {
            result = "dropped";
        } else if m.body == 0 {
            result = "not-dicom";
            out.not_dicom = true;
            if self.flavour == "dcm4chee" {
                out.bad.push(Listed {
                    class: "1.2.40.0.13.1.15.110.3.165.2".into(),
                    sop: format!("2.25.{}", 1 + thread_number() + (now() * 1e6) as u64),
                    study: String::new(),
                    series: String::new(),
                    code: 0xC499,
                });
            }
        } else if let Some(f) = fault {
            match f.name.as_str() {
                "fail" => {
                    result = "failed";
                    code = f.code();
                    out.bad.push(listed(code))
                }
                "unlisted" => result = "unlisted",
                "stored-unlisted" => result = "stored-unlisted",
                _ => {
                    result = "listed-not-stored";
                    out.good.push(listed(0))
                }
            }
        } else if url_study.is_some_and(|u| u != study) {
            result = "failed";
            out.mismatch = true;
            code = if self.flavour == "dcm4chee" { 0xC409 } else { 0x0110 };
            out.bad.push(listed(code));
        } else if !known.is_empty() {
            let same = known.iter().any(|v| v.sha == sha);
            result = if same { "duplicate" } else { "ignored" };
            if self.flavour == "microsoft" || (self.flavour == "google" && !same) {
                result = "failed";
                code = if self.flavour == "microsoft" { 45070 } else { 0x0111 };
                out.conflict = true;
                out.bad.push(listed(code));
            } else {
                out.good.push(listed(0));
            }
        } else {
            out.good.push(listed(0));
        }
        let mut file = p.keep.take().map(|k| k.1);
        if matches!(result, "stored" | "stored-unlisted") {
            let version =
                Version { sha: sha.clone(), study: study.clone(), series: series.clone(), class: m.class.clone(), file: file.take() };
            self.stored.lock().unwrap().entry(sop.clone()).or_default().push(version);
            self.instances.fetch_add(1, Relaxed);
        }
        if let Some(f) = file {
            let _ = fs::remove_file(f);
        }
        self.record(format!("\"kind\":\"instance\",\"req\":{request},\"part_type\":\"{}\",\"sop\":\"{}\",\"study\":\"{}\",\"series\":\"{}\",\"cls\":\"{}\",\"ts\":\"{}\",\"sha256\":\"{sha}\",\"bytes\":{},\"result\":\"{result}\",\"code\":\"{code:04X}\"",
            json(&p.kind), json(&sop), json(&study), json(&series), json(&m.class), json(&m.syntax), p.bytes));
        Ok(())
    }

    fn answer(&self, out: &Outcome, base: &str) -> (u16, String) {
        let (good, bad) = (!out.good.is_empty(), !out.bad.is_empty());
        let status = match self.flavour.as_str() {
            "orthanc17" if out.mismatch || bad => 409, // although others were stored
            "orthanc17" | "orthanc" if out.not_dicom && !good => 400,
            "orthanc17" if out.not_dicom => 400,
            "orthanc17" if !good && !bad => 200,
            "google" | "microsoft" if out.conflict || out.not_dicom => {
                if good {
                    202
                } else {
                    409
                }
            }
            _ if !good => 409,
            _ if bad || out.not_dicom => 202,
            _ => 200,
        };
        let studies: std::collections::BTreeSet<&str> = out.good.iter().map(|g| g.study.as_str()).collect();
        let url = match (studies.len(), studies.first()) {
            (1, Some(s)) => format!(",\"Value\":[\"{base}/studies/{}\"]", json(s)),
            _ => String::new(),
        };
        let good_items: Vec<String> = out
            .good
            .iter()
            .map(|g| {
                format!(
                    "{{{},{},\"00081190\":{{\"vr\":\"UR\",\"Value\":[\"{base}/studies/{}/series/{}/instances/{}\"]}}}}",
                    ui("00081150", &g.class),
                    ui("00081155", &g.sop),
                    json(&g.study),
                    json(&g.series),
                    json(&g.sop)
                )
            })
            .collect();
        let bad_items: Vec<String> = out
            .bad
            .iter()
            .map(|b| {
                format!("{{{},{},\"00081197\":{{\"vr\":\"US\",\"Value\":[{}]}}}}", ui("00081150", &b.class), ui("00081155", &b.sop), b.code)
            })
            .collect();
        let sequence = |tag: &str, items: &[String], always: bool| {
            if items.is_empty() && !always {
                String::new()
            } else {
                format!(",\"{tag}\":{{\"vr\":\"SQ\",\"Value\":[{}]}}", items.join(","))
            }
        };
        let always = self.flavour == "orthanc17";
        (
            status,
            format!(
                "{{\"00081190\":{{\"vr\":\"UR\"{url}}}{}{}}}",
                sequence("00081198", &bad_items, always),
                sequence("00081199", &good_items, always)
            ),
        )
    }

    fn authorised(&self, r: &Request) -> bool {
        match self.auth.split_once(':') {
            None if self.auth.is_empty() => true,
            Some(("basic", pair)) => r.header("authorization") == format!("Basic {}", base64(pair.as_bytes())),
            _ => r.header("authorization").strip_prefix("Bearer t-").and_then(|t| t.parse::<f64>().ok()).is_some_and(|until| until > now()),
        }
    }
}
fn base64(b: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(b)
}

fn reply(s: &Stream, status: u16, kind: &str, body: &[u8], extra: &str, close: bool) -> io::Result<()> {
    let kind = if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
    let head = format!(
        "HTTP/1.1 {status} X\r\n{kind}Content-Length: {}\r\n{extra}{}\r\n",
        body.len(),
        if close { "Connection: close\r\n" } else { "" }
    );
    (&s.get_ref().socket).write_all(&[head.as_bytes(), body].concat())
}
/// Makes the coming close a TCP reset (SO_LINGER with zero seconds).
fn reset(s: &Stream) -> io::Error {
    let _ = SockRef::from(&s.get_ref().socket).set_linger(Some(Duration::ZERO));
    io::ErrorKind::ConnectionReset.into()
}

/// A receive buffer so small that a slow line is felt by the sender at once (SO_RCVBUF).
fn small_window(s: &TcpStream) {
    let _ = SockRef::from(s).set_recv_buffer_size(16384);
}

fn store(sink: &Arc<Sink>, s: &mut Stream, r: &Request, base: &str, url_study: Option<&str>) -> io::Result<bool> {
    let request = sink.requests.fetch_add(1, Relaxed) + 1;
    let (begun, faults) = (now(), sink.strike("", |n| !PER_PART.contains(&n) && !STANDING.contains(&n)));
    let get = |name: &str| faults.iter().find(|f| f.name == name);
    let length: u64 = r.header("content-length").parse().unwrap_or(0);
    let note = |status: u16, parts: u64, bytes: u64| {
        let f: Vec<String> = faults.iter().map(|f| json(&f.spec)).collect();
        sink.record(format!("\"kind\":\"request\",\"req\":{request},\"begun\":{begun:.3},\"type\":\"{}\",\"path\":\"{}\",\"status\":{status},\"parts\":{parts},\"bytes\":{bytes},\"content_length\":{length},\"chunked\":{},\"accept\":\"{}\",\"fault\":\"{}\"",
            json(r.header("content-type")), json(&r.path), r.header("transfer-encoding").contains("chunked"), json(r.header("accept")), f.join(" ")));
    };
    let limit = sink.standing("limit").map_or(u64::MAX, |f| f.number());
    let kind = r.header("content-type").to_string();
    let boundary =
        kind.split(';').find_map(|p| p.trim().strip_prefix("boundary=")).map(|b| b.trim_matches('"').to_string()).unwrap_or_default();
    let accept = r.header("accept");
    let plain = |status: u16, text: &str| (status, format!("{{\"errorMessage\":\"{text}\"}}"));
    let refused = if let Some(f) = get("early") {
        Some(plain(f.number() as u16, "refused"))
    } else if !sink.authorised(r) {
        Some(plain(401, "no valid token"))
    } else if length > limit {
        Some(plain(413, "too large"))
    } else if r.path.contains("/aets/") && !r.path.contains(&format!("/aets/{}/", sink.aet)) {
        Some(plain(404, "No such Application Entity"))
    } else if !kind.to_ascii_lowercase().starts_with("multipart/related") {
        Some(plain(415, "unsupported media type"))
    } else if boundary.is_empty() {
        Some(plain(if sink.flavour == "dcm4chee" { 400 } else { 415 }, "Missing Boundary Parameter"))
    } else if sink.flavour == "dcm4chee"
        && !accept.is_empty()
        && !["application/dicom+json", "application/dicom+xml", "*/*"].iter().any(|a| accept.contains(a))
    {
        Some(plain(406, "not acceptable"))
    } else {
        None
    };
    if let Some((status, text)) = refused {
        let retry = get("early").and_then(|f| f.retry_after.clone()).map_or(String::new(), |s| format!("Retry-After: {s}\r\n"));
        note(status, 0, 0);
        reply(s, status, "text/plain", text.as_bytes(), &retry, true)?;
        sleep(Duration::from_millis(100));
        return Ok(false);
    }
    if let Some(f) = get("stall-read") {
        sleep(Duration::from_secs_f64(f.value.parse().unwrap_or(1.0)));
    }
    if r.header("expect").contains("100") {
        (&s.get_ref().socket).write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let crash_after = get("crash-after").map(|f| f.number());
    let swallowed = sink.flavour == "orthanc17" && r.header("transfer-encoding").contains("chunked");
    let nothing = swallowed || get("status").or(get("empty")).or(get("html")).is_some();
    let mut body = Body {
        left: length,
        chunked: r.header("transfer-encoding").contains("chunked"),
        got: 0,
        reset_after: get("reset-after").map_or(u64::MAX, |f| f.number()),
        limit,
        s,
    };
    let mut out = Outcome::default();
    let done = if nothing {
        io::copy(&mut body, &mut io::sink()).map(|_| true)
    } else {
        multipart(&mut body, &boundary, sink, &mut |p| {
            if crash_after == Some(out.parts) {
                return Err(io::ErrorKind::Other.into());
            }
            sink.finish_part(p, request, url_study, &mut out)
        })
    };
    let got = body.got;
    sink.bytes.fetch_add(got, Relaxed);
    let closed = match done {
        Ok(closed) => closed,
        Err(e) => {
            let status = match e.kind() {
                io::ErrorKind::FileTooLarge => 413,
                io::ErrorKind::Other => 500,
                io::ErrorKind::InvalidData => 400,
                _ => 0,
            };
            note(status, out.parts, got);
            match status {
                0 => return Err(if e.kind() == io::ErrorKind::ConnectionReset { reset(s) } else { e }),
                500 => reply(
                    s,
                    500,
                    "text/plain",
                    b"java.lang.IllegalStateException: transaction rolled back\n\tat org.example.Store.store(Store.java:123)\n",
                    "",
                    true,
                )?,
                n => reply(s, n, "text/plain", b"refused", "", true)?,
            }
            return Ok(false);
        }
    };
    if let Some(f) = get("stall") {
        sleep(Duration::from_secs_f64(f.value.parse().unwrap_or(1.0)));
    }
    if get("reset-answer").is_some() {
        note(0, out.parts, got);
        return Err(reset(s));
    }
    let json_kind = if sink.flavour == "orthanc17" && (out.mismatch || out.not_dicom) { "" } else { "application/dicom+json" };
    let (mut status, mut text) = sink.answer(&out, base);
    if swallowed || sink.flavour == "orthanc17" && !closed {
        (status, text) = (
            200,
            "{\"00081190\":{\"vr\":\"UR\"},\"00081198\":{\"vr\":\"SQ\",\"Value\":[]},\"00081199\":{\"vr\":\"SQ\",\"Value\":[]}}".into(),
        );
    }
    let mut extra = match out.bad.last() {
        Some(b) if sink.flavour == "dcm4chee" => format!("Warning: 299 dcm4chee-arc \"failed with {:04X}\"\r\n", b.code),
        _ => String::new(),
    };
    let mut kind = json_kind;
    if let Some(f) = get("status") {
        status = f.number() as u16;
        text = "{\"errorMessage\":\"not now\"}".into();
        kind = "text/plain";
        if let Some(a) = &f.retry_after {
            extra = format!("Retry-After: {a}\r\n");
        }
    }
    if get("empty").is_some() {
        status = 200;
        text = "{\"00081190\":{\"vr\":\"UR\"},\"00081198\":{\"vr\":\"SQ\",\"Value\":[]},\"00081199\":{\"vr\":\"SQ\",\"Value\":[]}}".into();
    }
    if get("html").is_some() {
        status = 200;
        kind = "text/html";
        text = "<html><body><h1>Sign in to the hospital network</h1></body></html>".into();
    }
    if get("no-body").is_some() {
        status = 200;
        kind = "";
        text.clear();
    }
    note(status, out.parts, got);
    if get("cut-answer").is_some() {
        (&s.get_ref().socket).write_all(
            format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{}", text.len(), &text[..text.len() / 2])
                .as_bytes(),
        )?;
        return Ok(false);
    }
    reply(s, status, kind, text.as_bytes(), &extra, r.header("connection").eq_ignore_ascii_case("close"))?;
    Ok(true)
}

/// QIDO-RS instances and WADO-RS of one instance.
fn query(sink: &Sink, s: &Stream, r: &Request, base: &str) -> io::Result<()> {
    if let Some(f) = sink.standing("qido") {
        return reply(s, f.number() as u16, "text/plain", b"not here", "", false);
    }
    if !sink.authorised(r) {
        return reply(s, 401, "text/plain", b"no valid token", "", false);
    }
    let path: Vec<&str> = r.path.trim_end_matches('/').split('/').collect();
    let after = |word: &str| path.iter().rposition(|p| *p == word).and_then(|i| path.get(i + 1)).map(|s| s.to_string());
    let (study, series, sop) = (after("studies"), after("series"), after("instances"));
    let stored = sink.stored.lock().unwrap();
    let hits = |want: Option<&String>| -> Vec<(String, Version)> {
        let fits = |v: &Version| study.as_ref().map_or(true, |u| *u == v.study) && series.as_ref().map_or(true, |u| *u == v.series);
        match want {
            Some(u) => stored.get(u).into_iter().flatten().filter(|v| fits(v)).map(|v| (u.clone(), v.clone())).collect(),
            None => stored
                .iter()
                .flat_map(|(u, vs)| vs.iter().map(move |v| (u, v)))
                .filter(|(_, v)| fits(v))
                .map(|(u, v)| (u.clone(), v.clone()))
                .collect(),
        }
    };
    if let Some(u) = sop {
        // WADO-RS
        return match hits(Some(&u)).first() {
            Some((_, Version { file: Some(f), .. })) => {
                let data = fs::read(f)?;
                let body = [b"--B\r\nContent-Type: application/dicom\r\n\r\n".as_slice(), &data, b"\r\n--B--\r\n"].concat();
                reply(s, 200, "multipart/related; type=\"application/dicom\"; boundary=B", &body, "", false)
            }
            _ => reply(s, 404, "text/plain", b"no such instance, or started without --keep", "", false),
        };
    }
    let wanted = r.query("SOPInstanceUID").or_else(|| r.query("00080018"));
    let items: Vec<String> = hits(wanted.as_ref())
        .iter()
        .map(|(u, v)| {
            format!(
                "{{{},{},{},{},\"00081190\":{{\"vr\":\"UR\",\"Value\":[\"{base}/studies/{}/series/{}/instances/{}\"]}}}}",
                ui("00080016", &v.class),
                ui("00080018", u),
                ui("0020000D", &v.study),
                ui("0020000E", &v.series),
                v.study,
                v.series,
                u
            )
        })
        .collect();
    if items.is_empty() && sink.flavour == "dcm4chee" {
        return reply(s, 204, "", b"", "", false);
    }
    reply(s, 200, "application/dicom+json", format!("[{}]", items.join(",")).as_bytes(), "", false)
}

fn control(sink: &Sink, s: &Stream, r: &Request) -> io::Result<()> {
    match r.method.as_str() {
        "POST" => sink
            .faults
            .lock()
            .unwrap()
            .extend(r.query.split('&').filter_map(|p| p.strip_prefix("fault=")).map(|v| Fault::parse(&decode(v)))),
        "DELETE" => sink.faults.lock().unwrap().clear(),
        _ => {}
    }
    let faults: Vec<String> = sink.faults.lock().unwrap().iter().map(|f| format!("\"{}\"", json(&f.spec))).collect();
    let text = format!(
        "{{\"requests\":{},\"instances\":{},\"bytes\":{},\"faults\":[{}]}}",
        sink.requests.load(Relaxed),
        sink.instances.load(Relaxed),
        sink.bytes.load(Relaxed),
        faults.join(",")
    );
    reply(s, 200, "application/json", text.as_bytes(), "", false)
}

fn serve(sink: Arc<Sink>, socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    if sink.standing("slow").is_some() {
        small_window(&socket);
    }
    let mut s = BufReader::with_capacity(256 << 10, Line { socket, sink: sink.clone() });
    while let Some(r) = read_request(&mut s)? {
        let base = format!("http://127.0.0.1:{}{}", sink.port, r.path.split("/studies").next().unwrap_or(""));
        let stow = r.path.split_once("/studies").map(|(_, rest)| rest.trim_matches('/').to_string());
        match (r.method.as_str(), stow) {
            _ if r.path == "/_control" => control(&sink, &s, &r)?,
            ("POST", Some(study)) if !study.contains('/') => {
                if !store(&sink, &mut s, &r, &base, Some(study.as_str()).filter(|u| !u.is_empty()))? {
                    break;
                }
            }
            ("POST", _) if r.path.ends_with("/token") => {
                io::copy(&mut (&mut s).take(r.header("content-length").parse().unwrap_or(0)), &mut io::sink())?;
                reply(
                    &s,
                    200,
                    "application/json",
                    format!(
                        "{{\"access_token\":\"t-{:.3}\",\"token_type\":\"Bearer\",\"expires_in\":{}}}",
                        now() + sink.ttl as f64,
                        sink.ttl
                    )
                    .as_bytes(),
                    "",
                    false,
                )?
            }
            ("GET", _) if r.path.contains("/instances") || r.path.ends_with("/studies") => query(&sink, &s, &r, &base)?,
            _ => reply(&s, 404, "text/plain", b"not here", "", true)?,
        }
    }
    Ok(())
}

fn main() -> Fail<()> {
    let a: Vec<String> = std::env::args().skip(1).collect();
    if !a.contains(&"--port".into()) {
        for l in include_str!("stow_sink.rs").lines().take_while(|l| l.starts_with("//!")) {
            println!("{}", l[3..].strip_prefix(' ').unwrap_or(""));
        }
        return Ok(());
    }
    let given = |name: &str| Some(option(&a, name, "")).filter(|v| !v.is_empty());
    let listener = TcpListener::bind(("127.0.0.1", option(&a, "--port", "0").parse()?))?;
    let port = listener.local_addr()?.port();
    if let Some(d) = given("--keep") {
        fs::create_dir_all(d)?;
    }
    let records = given("--records").map(|f| OpenOptions::new().create(true).append(true).open(f)).transpose()?.map(Mutex::new);
    let sink = Arc::new(Sink {
        flavour: option(&a, "--flavour", "dcm4chee"),
        aet: option(&a, "--aet", "DCM4CHEE"),
        auth: option(&a, "--auth", ""),
        ttl: option(&a, "--token-ttl", "300").parse()?,
        keep: given("--keep"),
        records,
        faults: Mutex::new(options(&a, "--fault").iter().map(|f| Fault::parse(f)).collect()),
        stored: Mutex::default(),
        requests: AtomicU64::new(0),
        instances: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        line: Mutex::new(()),
        port,
    });
    println!("{{\"port\":{port}}}");
    for socket in listener.incoming() {
        let (sink, socket) = (sink.clone(), socket?);
        thread::spawn(move || {
            if let Err(e) = serve(sink, socket) {
                if e.kind() != io::ErrorKind::ConnectionReset {
                    eprintln!("connection: {e}");
                }
            }
        });
    }
    Ok(())
}
