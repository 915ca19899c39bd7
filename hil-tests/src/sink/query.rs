//! What is asked beside storing: QIDO-RS instances, WADO-RS of one instance, tokens, and the tests' own control.

use std::{
    fs,
    io::{self, Read},
    sync::atomic::Ordering::Relaxed,
};

use serde_json::{Value, json};

use super::{
    Flavour, Sink, Version,
    answer::{ui, ur},
    fault::Fault,
    http::{Request, Stream, reply},
    lock, now,
};

/// QIDO-RS instances and WADO-RS of one instance.
pub(super) fn query(sink: &Sink, s: &Stream, request: &Request) -> io::Result<()> {
    if let Some(f) = sink.standing("qido") {
        return reply(s, f.number() as u16, "text/plain", b"not here", "", false);
    }
    if !sink.authorised(request) {
        return reply(s, 401, "text/plain", b"no valid token", "", false);
    }
    let path: Vec<&str> = request.path.trim_end_matches('/').split('/').collect();
    let after = |word: &str| path.iter().rposition(|p| *p == word).and_then(|i| path.get(i + 1)).copied();
    let (study, series) = (after("studies"), after("series"));
    if let Some(sop) = after("instances") {
        return wado(s, sink.find(study, series, Some(sop)).first());
    }
    let base = sink.base(request);
    let wanted = request.query("SOPInstanceUID").chain(request.query("00080018")).next();
    let items: Vec<Value> = sink
        .find(study, series, wanted.as_deref())
        .iter()
        .map(|(sop, v)| {
            json!({
                "00080016": ui(&v.class), "00080018": ui(sop), "0020000D": ui(&v.study), "0020000E": ui(&v.series),
                "00081190": ur(&format!("{base}/studies/{}/series/{}/instances/{sop}", v.study, v.series)),
            })
        })
        .collect();
    if items.is_empty() && sink.is(Flavour::Dcm4chee) {
        return reply(s, 204, "", b"", "", false);
    }
    reply(s, 200, "application/dicom+json", Value::Array(items).to_string().as_bytes(), "", false)
}

fn wado(s: &Stream, hit: Option<&(String, Version)>) -> io::Result<()> {
    let Some((_, Version { file: Some(file), .. })) = hit else {
        return reply(s, 404, "text/plain", b"no such instance, or started without --keep", "", false);
    };
    let body = [&b"--B\r\nContent-Type: application/dicom\r\n\r\n"[..], &fs::read(file)?, b"\r\n--B--\r\n"].concat();
    reply(s, 200, "multipart/related; type=\"application/dicom\"; boundary=B", &body, "", false)
}

impl Sink {
    fn find(&self, study: Option<&str>, series: Option<&str>, sop: Option<&str>) -> Vec<(String, Version)> {
        let fits = |v: &Version| study.is_none_or(|u| u == v.study) && series.is_none_or(|u| u == v.series);
        lock(&self.stored)
            .iter()
            .filter(|(u, _)| sop.is_none_or(|sop| sop == *u))
            .flat_map(|(u, versions)| versions.iter().filter(|v| fits(v)).map(|v| (u.clone(), v.clone())))
            .collect()
    }
}

/// OAuth2 client credentials: whoever asks gets a token that says when it ends.
pub(super) fn token(sink: &Sink, s: &mut Stream, request: &Request) -> io::Result<()> {
    io::copy(&mut s.take(request.content_length()), &mut io::sink())?;
    let ttl = sink.options.token_ttl;
    let body = json!({ "access_token": format!("t-{:.3}", now() + ttl as f64), "token_type": "Bearer", "expires_in": ttl });
    reply(s, 200, "application/json", body.to_string().as_bytes(), "", false)
}

/// Faults at run time, and counts.
pub(super) fn control(sink: &Sink, s: &Stream, request: &Request) -> io::Result<()> {
    match request.method.as_str() {
        "POST" => {
            for spec in request.query("fault") {
                match Fault::parse(&spec) {
                    Ok(fault) => lock(&sink.faults).add(fault),
                    Err(e) => return reply(s, 400, "text/plain", e.as_bytes(), "", false),
                }
            }
        }
        "DELETE" => lock(&sink.faults).clear(),
        _ => {}
    }
    let body = json!({
        "requests": sink.requests.load(Relaxed), "instances": sink.instances.load(Relaxed), "bytes": sink.bytes.load(Relaxed),
        "faults": lock(&sink.faults).specs(),
    });
    reply(s, 200, "application/json", body.to_string().as_bytes(), "", false)
}
