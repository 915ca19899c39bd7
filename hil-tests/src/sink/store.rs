//! One STOW-RS request: refused, broken or stored, and answered in the flavour's way.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::atomic::Ordering::Relaxed,
    thread::sleep,
    time::Duration,
};

use serde_json::{Value, json};
use sha2::Digest;

use super::{
    Fate, Flavour, Sink, Version,
    answer::{Listed, Outcome, empty_lists},
    fault::Fault,
    http::{Body, Request, Stream, reply, reset, write_raw},
    lock,
    multipart::{End, Part, read_parts},
    now,
};
use crate::part10::{SERIES, SOP_INSTANCE, STUDY, hex, sha256_hex, text, uids};

/// AWS HealthImaging's limit of one request.
const AWS_LIMIT: u64 = 1_000_000_000;
const JSON: &str = "application/dicom+json";

/// What is known of a request from its head.
struct Incoming<'a> {
    number: u64,
    begun: f64,
    faults: Vec<Fault>,
    request: &'a Request,
    url_study: Option<&'a str>,
    base: String,
}

impl Incoming<'_> {
    fn fault(&self, name: &str) -> Option<&Fault> {
        self.faults.iter().find(|f| f.name == name)
    }

    fn boundary(&self) -> String {
        let kind = self.request.header("content-type");
        let boundary = kind.split(';').find_map(|p| p.trim().strip_prefix("boundary="));
        boundary.unwrap_or_default().trim_matches('"').to_string()
    }
}

/// Takes one request; gives whether the connection stays open.
pub(super) fn store(sink: &Sink, s: &mut Stream, request: &Request, url_study: Option<&str>) -> io::Result<bool> {
    let incoming = Incoming {
        number: sink.requests.fetch_add(1, Relaxed) + 1,
        begun: now(),
        faults: lock(&sink.faults).strike_request(url_study),
        request,
        url_study,
        base: sink.base(request),
    };
    if let Some((status, text)) = refusal(sink, &incoming) {
        sink.note(&incoming, status, 0, 0);
        let retry = incoming.fault("early").map_or(String::new(), retry_after);
        reply(s, status, "text/plain", json!({ "errorMessage": text }).to_string().as_bytes(), &retry, true)?;
        // The answer must be on its way before unread bytes turn the close into a reset.
        sleep(Duration::from_millis(100));
        return Ok(false);
    }
    if let Some(f) = incoming.fault("stall-read") {
        sleep(Duration::from_secs_f64(f.seconds()));
    }
    if request.header("expect").contains("100") {
        write_raw(s, b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    match take_body(sink, s, &incoming)? {
        Some((outcome, got, end)) => give_answer(sink, s, &incoming, &outcome, got, end),
        None => Ok(false),
    }
}

fn retry_after(f: &Fault) -> String {
    f.retry_after.as_ref().map_or(String::new(), |s| format!("Retry-After: {s}\r\n"))
}

/// What is refused by the head alone.
fn refusal(sink: &Sink, incoming: &Incoming<'_>) -> Option<(u16, &'static str)> {
    let request = incoming.request;
    let accept = request.header("accept");
    let dcm4chee = sink.is(Flavour::Dcm4chee);
    let limit = sink.standing("limit").map_or(if sink.is(Flavour::Aws) { AWS_LIMIT } else { u64::MAX }, |f| f.number());
    if let Some(f) = incoming.fault("early") {
        return Some((f.number() as u16, "refused"));
    }
    if !sink.authorised(request) {
        return Some((401, "no valid token"));
    }
    if request.content_length() > limit {
        return Some((413, "too large"));
    }
    if request.path.contains("/aets/") && !request.path.contains(&format!("/aets/{}/", sink.options.aet)) {
        return Some((404, "No such Application Entity"));
    }
    if !request.header("content-type").to_ascii_lowercase().starts_with("multipart/related") {
        return Some((415, "unsupported media type"));
    }
    if incoming.boundary().is_empty() {
        return Some((if dcm4chee { 400 } else { 415 }, "Missing Boundary Parameter"));
    }
    let acceptable = ["application/dicom+json", "application/dicom+xml", "*/*"].iter().any(|a| accept.contains(a));
    (dcm4chee && !accept.is_empty() && !acceptable).then_some((406, "not acceptable"))
}

/// Reads the body to its end. `None`: the request is over, answered or reset.
fn take_body(sink: &Sink, s: &mut Stream, incoming: &Incoming<'_>) -> io::Result<Option<(Outcome, u64, End)>> {
    let request = incoming.request;
    let crash_after = incoming.fault("crash-after").map(Fault::number);
    let reset_after = incoming.fault("reset-after").map_or(u64::MAX, Fault::number);
    let nothing = swallowed(sink, request) || ["status", "empty", "html"].iter().any(|f| incoming.fault(f).is_some());
    let mut body = Body::new(s, request, reset_after, sink.standing("limit").map_or(u64::MAX, |f| f.number()));
    let mut outcome = Outcome::default();
    let done = if nothing {
        io::copy(&mut body, &mut io::sink()).map(|_| End::Closed)
    } else {
        read_parts(
            &mut body,
            &incoming.boundary(),
            || sink.new_file(),
            |part| {
                if crash_after == Some(outcome.parts) {
                    return Err(io::ErrorKind::Other.into());
                }
                sink.take_part(part, incoming, &mut outcome)
            },
        )
    };
    let got = body.got;
    sink.bytes.fetch_add(got, Relaxed);
    let error = match done {
        Ok(end) => return Ok(Some((outcome, got, end))),
        Err(e) => e,
    };
    let status = match error.kind() {
        io::ErrorKind::FileTooLarge => 413,
        io::ErrorKind::Other => 500,
        io::ErrorKind::InvalidData => 400,
        _ => 0,
    };
    sink.note(incoming, status, outcome.parts, got);
    match status {
        0 if error.kind() == io::ErrorKind::ConnectionReset => return Err(reset(s)),
        0 => return Err(error),
        500 => {
            let trace = b"java.lang.IllegalStateException: transaction rolled back\n\tat org.example.Store.store(Store.java:123)\n";
            reply(s, 500, "text/plain", trace, "", true)?;
        }
        status => reply(s, status, "text/plain", b"refused", "", true)?,
    }
    Ok(None)
}

/// The old Orthanc answers 200 to a chunked body and stores nothing.
fn swallowed(sink: &Sink, request: &Request) -> bool {
    sink.is(Flavour::Orthanc17) && request.chunked()
}

fn give_answer(sink: &Sink, s: &Stream, incoming: &Incoming<'_>, outcome: &Outcome, got: u64, end: End) -> io::Result<bool> {
    if let Some(f) = incoming.fault("stall") {
        sleep(Duration::from_secs_f64(f.seconds()));
    }
    if incoming.fault("reset-answer").is_some() {
        sink.note(incoming, 0, outcome.parts, got);
        return Err(reset(s));
    }
    let old_orthanc = sink.is(Flavour::Orthanc17);
    let (mut status, mut body) = sink.answer(outcome, &incoming.base);
    if swallowed(sink, incoming.request) || old_orthanc && end == End::Open {
        (status, body) = (200, empty_lists());
    }
    let mut kind = if old_orthanc && (outcome.mismatch || outcome.not_dicom) { "" } else { JSON };
    let mut text = body.to_string();
    let mut extra = match outcome.failed.last() {
        Some(f) if sink.is(Flavour::Dcm4chee) => format!("Warning: 299 dcm4chee-arc \"failed with {:04X}\"\r\n", f.reason),
        _ => String::new(),
    };
    if let Some(f) = incoming.fault("status") {
        (status, kind, text) = (f.number() as u16, "text/plain", json!({ "errorMessage": "not now" }).to_string());
        extra = retry_after(f);
    }
    if incoming.fault("empty").is_some() {
        (status, text) = (200, empty_lists().to_string());
    }
    if incoming.fault("html").is_some() {
        (status, kind, text) = (200, "text/html", "<html><body><h1>Sign in to the hospital network</h1></body></html>".into());
    }
    if incoming.fault("no-body").is_some() {
        (status, kind, text) = (200, "", String::new());
    }
    sink.note(incoming, status, outcome.parts, got);
    if incoming.fault("cut-answer").is_some() {
        let (half, all) = (&text[..text.len() / 2], text.len());
        write_raw(s, format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {all}\r\n\r\n{half}").as_bytes())?;
        return Ok(false);
    }
    reply(s, status, kind, text.as_bytes(), &extra, incoming.request.header("connection").eq_ignore_ascii_case("close"))?;
    Ok(true)
}

impl Sink {
    fn note(&self, incoming: &Incoming<'_>, status: u16, parts: u64, bytes: u64) {
        let request = incoming.request;
        let faults: Vec<&str> = incoming.faults.iter().map(|f| f.spec.as_str()).collect();
        self.record(json!({
            "kind": "request", "req": incoming.number, "begun": incoming.begun, "type": request.header("content-type"), "path": request.path,
            "status": status, "parts": parts, "bytes": bytes, "content_length": request.content_length(), "chunked": request.chunked(),
            "accept": request.header("accept"), "fault": faults.join(" "),
        }));
    }

    fn new_file(&self) -> io::Result<Option<(File, PathBuf)>> {
        let Some(dir) = &self.options.keep else { return Ok(None) };
        let path = dir.join(format!("{}.part", self.number()));
        Ok(Some((File::options().read(true).write(true).create(true).truncate(true).open(&path)?, path)))
    }

    fn take_part(&self, mut part: Part, incoming: &Incoming<'_>, outcome: &mut Outcome) -> io::Result<()> {
        outcome.parts += 1;
        let meta = part.meta.take();
        let (mut sop, mut study, mut series) = (String::new(), String::new(), String::new());
        if let Some(m) = &meta {
            sop.clone_from(&m.instance);
            let data = &part.head[m.body..];
            for u in uids(data, &m.syntax) {
                let value = text(&data[u.at..u.at + u.len]);
                match u.tag {
                    SOP_INSTANCE => sop = value,
                    STUDY => study = value,
                    SERIES => series = value,
                    _ => {}
                }
            }
        }
        if study.is_empty() {
            study = incoming.url_study.unwrap_or_default().into();
        }
        let dicom = meta.is_some();
        let meta = meta.unwrap_or_default();
        let mut sha256 = hex(&part.hash.finalize_reset());
        if lock(&self.faults).strike_alter() {
            sha256 = sha256_hex(sha256.as_bytes());
            if let Some((file, _)) = &part.keep {
                file.write_all_at(b"X", file.metadata()?.len().saturating_sub(1))?;
            }
        }
        let listed = Listed { class: meta.class.clone(), sop: sop.clone(), study: study.clone(), series: series.clone(), reason: 0 };
        let dropped = !part.kind.starts_with("application/dicom") || (self.is(Flavour::Orthanc17) && part.kind.contains("transfer-syntax"));
        let (fate, reason) = match (dropped, dicom) {
            (true, _) => (Fate::Dropped, 0),
            (_, false) => self.not_dicom(outcome),
            (false, true) => self.judge(listed, &sha256, incoming.url_study, outcome),
        };
        let file = part.keep.take().map(|k| k.1);
        let record: Value = json!({
            "kind": "instance", "req": incoming.number, "part_type": part.kind, "sop": sop, "study": study, "series": series, "cls": meta.class,
            "ts": meta.syntax, "sha256": sha256, "bytes": part.bytes, "result": fate.name(), "code": format!("{reason:04X}"),
        });
        if matches!(fate, Fate::Stored | Fate::StoredUnlisted) {
            lock(&self.stored).entry(sop).or_default().push(Version { sha256, study, series, class: meta.class, file });
            self.instances.fetch_add(1, Relaxed);
        } else if let Some(file) = file {
            fs::remove_file(file)?;
        }
        self.record(record);
        Ok(())
    }

    fn not_dicom(&self, outcome: &mut Outcome) -> (Fate, u16) {
        outcome.not_dicom = true;
        if self.is(Flavour::Dcm4chee) {
            // dcm4chee names a UID of its own making.
            let sop = format!("2.25.{}", (now() * 1e6) as u64 + self.number());
            outcome.failed.push(Listed {
                class: "1.2.40.0.13.1.15.110.3.165.2".into(),
                sop,
                study: String::new(),
                series: String::new(),
                reason: 0xC499,
            });
        }
        (Fate::NotDicom, 0)
    }

    /// What becomes of a DICOM part, and the failure reason it is listed with.
    fn judge(&self, listed: Listed, sha256: &str, url_study: Option<&str>, outcome: &mut Outcome) -> (Fate, u16) {
        let fail = |outcome: &mut Outcome, mut listed: Listed, reason| {
            listed.reason = reason;
            outcome.failed.push(listed);
            (Fate::Failed, reason)
        };
        if let Some(f) = lock(&self.faults).strike_instance(&listed.sop) {
            return match f.name.as_str() {
                "fail" => fail(outcome, listed, f.code()),
                "unlisted" => (Fate::Unlisted, 0),
                "stored-unlisted" => (Fate::StoredUnlisted, 0),
                _ => {
                    outcome.stored.push(listed);
                    (Fate::ListedNotStored, 0)
                }
            };
        }
        if url_study.is_some_and(|u| u != listed.study) {
            outcome.mismatch = true;
            return fail(outcome, listed, if self.is(Flavour::Dcm4chee) { 0xC409 } else { 0x0110 });
        }
        let known = lock(&self.stored).get(&listed.sop).cloned().unwrap_or_default();
        let same = known.iter().any(|v| v.sha256 == sha256);
        let conflict = match self.options.flavour {
            _ if known.is_empty() => None,
            Flavour::Microsoft => Some(45070),
            Flavour::Google if !same => Some(0x0111),
            Flavour::Dcm4chee | Flavour::Orthanc | Flavour::Orthanc17 | Flavour::Google | Flavour::Aws => None,
        };
        if let Some(reason) = conflict {
            outcome.conflict = true;
            return fail(outcome, listed, reason);
        }
        outcome.stored.push(listed);
        match (known.is_empty(), same) {
            (true, _) => (Fate::Stored, 0),
            (_, true) => (Fate::Duplicate, 0),
            (_, false) if self.is(Flavour::Aws) => (Fate::Stored, 0),
            (_, false) => (Fate::Ignored, 0),
        }
    }
}
