//! A small PACS for the demo: takes STOW-RS (PS3.18 §10.5) and stores every instance as a file on disk.
//!
//! It answers as the standard says: 00081199 names what is stored, 00081198 what is not. It keeps what it stored by the SHA-256 of the data
//! set, so that the demo can compare it with what was sent. It is no product: it knows no user, no query beyond the list of its studies.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use relaypacs_dicom::{HeaderScanner, read_file_meta};
use relaypacs_domain::{Sha256, Uid};
use serde_json::{Value, json};
use sha2::Digest;
use tokio_util::sync::CancellationToken;

use super::multipart::{Multipart, MultipartError};

/// Failure Reason "cannot understand" (PS3.18 Table I.2-2: Cxxx).
const CANNOT_UNDERSTAND: u16 = 0xC000;
/// Failure Reason "out of resources" (A7xx).
const OUT_OF_RESOURCES: u16 = 0xA700;

/// The receiver. Cheap to clone.
#[derive(Clone)]
pub(super) struct Receiver {
    folder: Arc<Path>,
    base: Arc<str>,
    stored: Arc<Mutex<BTreeMap<Uid, Stored>>>,
}

/// An instance it has stored.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    /// SHA-256 of the data set as it stands in the file.
    pub(super) sha256: Sha256,
    study: Uid,
    class: Uid,
}

impl Receiver {
    /// Stores under `folder`; `base` is the URL at which it is reached.
    pub(super) fn new(folder: PathBuf, base: String) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder: folder.into(), base: base.into(), stored: Arc::default() })
    }

    /// What it has stored since it started, by SOP Instance UID.
    pub(super) fn find(&self, sop_instance: &Uid) -> Option<Stored> {
        self.stored().get(sop_instance).cloned()
    }

    /// Serves until `stop`.
    pub(super) async fn serve(self, listener: TcpListener, stop: CancellationToken) -> io::Result<()> {
        let routes = Router::new()
            .route("/rs/studies", get(list).post(store))
            .route("/rs/studies/{study}", axum::routing::post(store))
            .layer(DefaultBodyLimit::disable())
            .with_state(self);
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await
    }

    fn stored(&self) -> MutexGuard<'_, BTreeMap<Uid, Stored>> {
        // Whatever panicked, each entry is whole.
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// QIDO-RS search for studies, without any matching: enough for a client that asks whether somebody is there.
async fn list(State(receiver): State<Receiver>) -> Response {
    let mut studies: Vec<Uid> = receiver.stored().values().map(|stored| stored.study.clone()).collect();
    studies.sort();
    studies.dedup();
    let found: Vec<Value> = studies.iter().take(100).map(|study| json!({"0020000D": {"vr": "UI", "Value": [study]}})).collect();
    dicom_json(StatusCode::OK, json!(found))
}

/// STOW-RS: stores every part of the request.
async fn store(State(receiver): State<Receiver>, headers: HeaderMap, body: Body) -> Response {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let outcome = match Multipart::new(content_type, body.into_data_stream()) {
        Ok(parts) => receiver.take(parts).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(outcomes) => answer(&receiver.base, &outcomes),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

/// One part: what is stored, or the failure reason.
type Outcome = Result<(Uid, Stored), u16>;

impl Receiver {
    async fn take<S, E>(&self, mut parts: Multipart<S>) -> Result<Vec<Outcome>, MultipartError>
    where
        S: futures_util::Stream<Item = Result<bytes::Bytes, E>> + Unpin,
        E: std::fmt::Display,
    {
        let mut outcomes = Vec::new();
        while parts.next_part().await? {
            let mut file = Incoming::create(&self.folder);
            while let Some(piece) = parts.piece().await? {
                file = file.and_then(|file| file.with(&piece));
            }
            let folder = self.folder.clone();
            let kept = tokio::task::spawn_blocking(move || file.map_err(|_| OUT_OF_RESOURCES)?.keep(&folder)).await;
            let outcome = kept.unwrap_or(Err(OUT_OF_RESOURCES));
            if let Ok((uid, stored)) = &outcome {
                self.stored().insert(uid.clone(), stored.clone());
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }
}

/// A part while it is being received. Its file goes when it is dropped before [`Incoming::keep`].
struct Incoming {
    path: PathBuf,
    file: File,
}

impl Incoming {
    fn create(folder: &Path) -> io::Result<Self> {
        let path = folder.join(format!(".incoming-{}", uuid::Uuid::new_v4()));
        Ok(Self { file: File::create(&path)?, path })
    }

    /// Writes a piece. (Blocks a worker for a copy into the page cache: the demo's only other work is its own.)
    fn with(mut self, piece: &[u8]) -> io::Result<Self> {
        self.file.write_all(piece)?;
        Ok(self)
    }

    /// Checks what was received, syncs it and gives it its name `study/series/instance.dcm`.
    fn keep(self, folder: &Path) -> Outcome {
        self.file.sync_all().map_err(|_| OUT_OF_RESOURCES)?;
        let (uid, series, stored) = described(&self.path).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => CANNOT_UNDERSTAND,
            _ => OUT_OF_RESOURCES,
        })?;
        // UIDs hold digits and dots only and are never "." or "..": safe as names.
        let series = series.as_ref().map_or("unknown", Uid::as_str);
        let directory = folder.join(stored.study.as_str()).join(series);
        std::fs::create_dir_all(&directory).map_err(|_| OUT_OF_RESOURCES)?;
        std::fs::rename(&self.path, directory.join(format!("{uid}.dcm"))).map_err(|_| OUT_OF_RESOURCES)?;
        Ok((uid, stored))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // After `keep` it has another name and this finds nothing.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Reads a Part-10 file: who it is, and the SHA-256 of its data set.
fn described(path: &Path) -> io::Result<(Uid, Option<Uid>, Stored)> {
    let mut file = io::BufReader::new(File::open(path)?);
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let meta = read_file_meta(&mut file).map_err(|error| invalid(error.to_string()))?;
    let mut file = File::open(path)?;
    io::copy(&mut (&mut file).take(meta.data_set_offset), &mut io::sink())?;
    let (mut digest, mut scanner, mut piece) = (sha2::Sha256::new(), HeaderScanner::new(&meta.transfer_syntax), vec![0; 256 * 1024]);
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        digest.update(&piece[..read]);
        scanner.feed(&piece[..read]);
    }
    let (facts, _) = scanner.finish();
    let study = facts.study_instance_uid.ok_or_else(|| invalid("no Study Instance UID".into()))?;
    let stored = Stored { sha256: Sha256(digest.finalize().into()), study, class: meta.sop_class };
    Ok((meta.sop_instance, facts.series_instance_uid, stored))
}

/// The Store Instances Response (PS3.18 §10.5.3): 200 all, 202 some, 409 none stored.
fn answer(base: &str, outcomes: &[Outcome]) -> Response {
    let retrieve = |uid: &Uid, stored: &Stored| format!("{base}/studies/{}/instances/{uid}", stored.study);
    let text = |vr: &str, value: &str| json!({"vr": vr, "Value": [value]});
    let referenced: Vec<Value> = outcomes
        .iter()
        .flatten()
        .map(|(uid, stored)| {
            json!({"00081150": text("UI", stored.class.as_str()), "00081155": text("UI", uid.as_str()), "00081190": text("UR", &retrieve(uid, stored))})
        })
        .collect();
    let failed: Vec<Value> = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().err())
        .map(|reason| json!({"00081197": {"vr": "US", "Value": [reason]}}))
        .collect();
    let status = match (referenced.is_empty(), failed.is_empty()) {
        (false, true) => StatusCode::OK,
        (false, false) => StatusCode::ACCEPTED,
        (true, _) => StatusCode::CONFLICT,
    };
    let mut body = json!({});
    if let Some((_, stored)) = outcomes.iter().flatten().next() {
        body["00081190"] = text("UR", &format!("{base}/studies/{}", stored.study));
    }
    for (tag, items) in [("00081199", referenced), ("00081198", failed)] {
        if !items.is_empty() {
            body[tag] = json!({"vr": "SQ", "Value": items});
        }
    }
    dicom_json(status, body)
}

fn dicom_json(status: StatusCode, body: Value) -> Response {
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/dicom+json"));
    response
}
