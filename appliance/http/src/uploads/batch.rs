//! Many chunks of many files in one request: one wait for the disk for all of them.

use std::time::Instant;

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use relaypacs_clinic::uploads::{BATCH_MAX, Expected, Submitted, UploadError};
use relaypacs_domain::UploadId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PathUpload, digests, drain, may_feed, multipart::Multipart};
use crate::{
    app::App,
    caller::UploadCaller,
    extract::misfit,
    problem::{Problem, ProblemBody},
};

/// Most bytes of a manifest.
const MAX_MANIFEST: usize = 1 << 20;
/// Most chunks of a batch.
const MAX_ENTRIES: usize = 10_000;

/// A chunk of a batch.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ManifestEntry {
    /// Its file's name in the upload.
    file_id: String,
    /// Its number in the file, from 0.
    #[schema(value_type = u32)]
    chunk_index: i64,
    /// Its length in bytes.
    size: u64,
    /// SHA-256 of its bytes in hex or base64: compared when given.
    sha256: Option<String>,
}

/// What became of a chunk of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BatchAnswer {
    /// Its file's name in the upload.
    file_id: String,
    /// Its number.
    #[schema(value_type = u32)]
    chunk_index: i64,
    /// `received`, `exists` or `failed`.
    #[schema(value_type = String, pattern = "^(received|exists|failed)$", example = "received")]
    status: &'static str,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The body of a batch.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it stands for the multipart body in the contract")]
pub(super) struct BatchBody {
    /// The chunks, in the order of their bytes.
    manifest: Vec<ManifestEntry>,
    /// Their bytes, one after the other, at most 16 MiB.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    data: String,
}

/// Takes many chunks of many files. Each is judged alone; all that are received are durable when this answers.
///
/// Where the box could not store one (503, 507), no chunk is to blame and the same request is to be sent again later: those that it did store
/// are then answered with `exists`.
#[utoipa::path(post, path = "/api/v1/upload/{id}/batch", operation_id = "upload_batch", tag = "uploads",
    params(("id" = String, Path, description = "the upload")),
    request_body(content = BatchBody, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "what became of each chunk, in the manifest's order", body = Vec<BatchAnswer>),
        (status = 400, description = "not the two parts that it must have", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "no valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "another upload's token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "no such upload", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "the body did not arrive", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "more than 16 MiB of chunks", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "the manifest makes no sense", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "too many", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "the disk reserve is reached", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn batch(
    State(app): State<App>,
    caller: Result<UploadCaller, Problem>,
    PathUpload(upload): PathUpload,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Vec<BatchAnswer>>, Problem> {
    let (began, stream) = (Instant::now(), body.into_data_stream());
    let allowed = async { may_feed(&app, &caller?, upload).await };
    let opened = match allowed.await {
        Ok(()) => Multipart::new(&headers, stream),
        Err(problem) => Err((problem, stream)),
    };
    let mut multipart = match opened {
        Ok(multipart) => multipart,
        Err((problem, stream)) => {
            drain(&headers, stream).await;
            return Err(problem);
        }
    };
    match take_all(&app, upload, &mut multipart).await {
        Ok(answers) => {
            app.http.chunk_taken(began.elapsed());
            Ok(Json(answers))
        }
        Err(problem) => {
            drain(&headers, multipart.rest()).await;
            Err(problem)
        }
    }
}

async fn take_all(app: &App, upload: UploadId, body: &mut Multipart) -> Result<Vec<BatchAnswer>, Problem> {
    body.part("manifest", true).await?;
    let manifest = checked(&body.gather(MAX_MANIFEST).await?)?;
    body.part("data", false).await?;
    let mut submitted = Vec::with_capacity(manifest.len());
    for entry in &manifest {
        submitted.push(take(app, upload, entry, body).await?);
    }
    body.end().await?;
    let mut passing = None;
    let mut answers = Vec::with_capacity(manifest.len());
    for (entry, submitted) in manifest.into_iter().zip(submitted) {
        let ended = match submitted {
            Ok(submitted) => submitted.durable().await,
            Err(why) => Err(why),
        };
        let (status, error) = match ended {
            Ok(receipt) if receipt.existed => ("exists", None),
            Ok(_) => ("received", None),
            Err(why @ (UploadError::Full | UploadError::TooSlow | UploadError::Unavailable(_) | UploadError::Store(_))) => {
                passing.get_or_insert(why);
                continue;
            }
            Err(why) => ("failed", Some(why.to_string())),
        };
        answers.push(BatchAnswer { file_id: entry.file_id, chunk_index: entry.chunk_index, status, error });
    }
    // No chunk is to blame: the same request will do later, and what is durable of it counts.
    passing.map_or(Ok(answers), |why| Err(why.into()))
}

fn checked(manifest: &[u8]) -> Result<Vec<ManifestEntry>, Problem> {
    let manifest: Vec<ManifestEntry> = misfit::read_part("manifest", manifest)?;
    if manifest.is_empty() || manifest.len() > MAX_ENTRIES {
        return Err(Problem::invalid("manifest", format!("a batch has 1 to {MAX_ENTRIES} chunks, not {}", manifest.len())));
    }
    let bytes = manifest.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
    if bytes > u64::from(BATCH_MAX) {
        return Err(Problem::too_large(format!("a batch has at most {BATCH_MAX} bytes of chunks, not {bytes}")));
    }
    Ok(manifest)
}

/// Takes a chunk's bytes off the body. Outer error: the body's fault; inner: the chunk's.
async fn take(app: &App, upload: UploadId, entry: &ManifestEntry, body: &mut Multipart) -> Result<Result<Submitted, UploadError>, Problem> {
    let mut receiving = begin(app, upload, entry).await;
    let mut left = entry.size as usize;
    while left > 0 {
        let bytes = match &mut receiving {
            Ok(open) => match open.beside(body.take(left)).await {
                Ok(bytes) => bytes?,
                Err(why) => {
                    receiving = Err(why);
                    continue;
                }
            },
            Err(_) => body.take(left).await?,
        };
        left -= bytes.len();
        if let Ok(open) = &mut receiving
            && let Err(why) = open.write(&bytes).await
        {
            receiving = Err(why);
        }
    }
    Ok(match receiving {
        Ok(receiving) => receiving.submit().await,
        Err(why) => Err(why),
    })
}

async fn begin(app: &App, upload: UploadId, entry: &ManifestEntry) -> Result<relaypacs_clinic::uploads::Receiving, UploadError> {
    let invalid = |pointer: &str, detail: &str| UploadError::Invalid { pointer: pointer.into(), detail: detail.into() };
    let index = u32::try_from(entry.chunk_index).map_err(|_| invalid("chunk_index", "chunk_index is a number from 0"))?;
    let sha256 = match &entry.sha256 {
        Some(text) => Some(digests::sha256(text).ok_or_else(|| invalid("sha256", "a SHA-256 is 32 bytes in hex or base64"))?),
        None => None,
    };
    let expected = Expected { bytes: Some(entry.size), md5: None, sha256 };
    app.clinic.uploads.receive(upload, &entry.file_id, index, expected).await
}
