//! Uploads: studies that people send in chunks. Thin: what an upload is stands in `relaypacs_clinic::uploads`.
//!
//! Bodies of chunks and batches are handed on as they come, whatever their length; nothing of them is gathered here.

mod batch;
mod bodies;
mod digests;
mod multipart;
mod pace;
mod queries;

use std::time::{Duration, Instant};

use axum::{
    Json,
    body::Body,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use relaypacs_clinic::uploads::{Completion, UploadError, UploadState};
use relaypacs_domain::{Action, UploadId, UserId};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use self::bodies::{
    ChunkUploadResponse, Processing, UploadCompleteResponse, UploadInitRequest, UploadInitResponse, UploadList, UploadStatusResponse,
    UploadToken,
};
use self::pace::PacedBody;
use self::queries::{ChunkQuery, ListQuery, StatusQuery, TokenQuery};
use crate::{
    app::App,
    caller::{Caller, UploadCaller, client_address},
    extract::{self, Query},
    problem::{Code, Duplicate, Problem, ProblemBody},
    time::Time,
};

/// Largest body that begins an upload, in bytes: it may name ten thousand files.
const MAX_INIT_BYTES: usize = 4 << 20;
/// Bytes of a refused body that are read and thrown away, so that the sender gets to read why.
const MAX_DRAIN: u64 = 20 << 20;

/// How long that may take.
const MAX_DRAIN_TIME: Duration = Duration::from_secs(30);

/// Uploads of an export that are read at once.
const OWN_AT_ONCE: usize = 200;

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(init).layer(DefaultBodyLimit::max(MAX_INIT_BYTES)))
        .routes(routes!(chunk))
        .routes(routes!(batch::batch))
        .routes(routes!(status))
        .routes(routes!(complete))
        .routes(routes!(delete))
        .routes(routes!(list))
        .routes(routes!(refresh_token))
}

/// Begins an upload.
#[utoipa::path(post, path = "/api/v1/upload/init", operation_id = "begin_upload", tag = "uploads", request_body = UploadInitRequest, responses(
    (status = 201, description = "begun; send the chunks", body = UploadInitResponse),
    (status = 400, description = "not JSON", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "not signed in", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "this role uploads nothing", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "uploaded within the last 30 days (code DUPLICATE_STUDY), or too many uploads of the caller are not complete", body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, description = "the body is too large", body = ProblemBody, content_type = "application/problem+json"),
    (status = 415, description = "not application/json", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field makes no sense", body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, description = "too many", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
    (status = 507, description = "the disk reserve is reached", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn init(
    State(app): State<App>,
    Uploader(caller): Uploader,
    address: Address,
    extract::Json(request): extract::Json<UploadInitRequest>,
) -> Result<(StatusCode, Json<UploadInitResponse>), Problem> {
    let begun = app.clinic.uploads.init(&caller.0, address.0, request.checked()?).await?;
    let token = upload_token(&app, begun.upload, &caller)?;
    Ok((StatusCode::CREATED, Json(UploadInitResponse::new(begun, token))))
}

/// Takes a chunk. It is acknowledged when it survives power loss.
#[utoipa::path(put, path = "/api/v1/upload/{id}/chunk", operation_id = "upload_chunk", tag = "uploads",
    params(
        ("id" = String, Path, description = "the upload"), ChunkQuery,
        ("Content-MD5" = Option<String>, Header, description = "MD5 of the chunk (RFC 1864, base64 or hex): compared when sent"),
        ("Content-Digest" = Option<String>, Header, description = "`sha-256=:…:` (RFC 9530): compared when sent"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "durable", body = ChunkUploadResponse),
        (status = 401, description = "no valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "another upload's token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "no such upload", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "the body did not arrive", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "received before with other bytes, or the upload takes no more chunks", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "longer than a chunk may be", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "index, length or digest is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "too many", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "the disk reserve is reached", body = ProblemBody, content_type = "application/problem+json"),
    ))]
async fn chunk(
    State(app): State<App>,
    caller: Result<UploadCaller, Problem>,
    PathUpload(upload): PathUpload,
    query: Result<Query<ChunkQuery>, Problem>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ChunkUploadResponse>, Problem> {
    let (began, mut stream) = (Instant::now(), PacedBody::new(body.into_data_stream()));
    let received = async {
        may_feed(&app, &caller?, upload).await?;
        let Query(query) = query?;
        let index = chunk_index(&query.chunk_index)?;
        let mut receiving = app.clinic.uploads.receive(upload, &query.file_id, index, digests::expected(&headers)?).await?;
        while let Some(bytes) = receiving.beside(stream.next()).await? {
            receiving.write(&bytes?).await?;
        }
        Ok::<_, Problem>(receiving.submit().await?.durable().await?)
    };
    match received.await {
        Ok(receipt) => {
            app.http.chunk_taken(began.elapsed());
            Ok(Json(receipt.into()))
        }
        Err(problem) => {
            drain(&headers, stream.rest()).await;
            Err(problem)
        }
    }
}

/// How far an upload is.
#[utoipa::path(get, path = "/api/v1/upload/{id}/status", operation_id = "upload_status", tag = "uploads",
    params(("id" = String, Path, description = "the upload"), StatusQuery),
    responses(
        (status = 200, description = "how far", body = UploadStatusResponse),
        (status = 401, description = "no valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "somebody else's", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "no such upload", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
    ))]
async fn status(
    State(app): State<App>,
    caller: UploadCaller,
    PathUpload(upload): PathUpload,
    Query(query): Query<StatusQuery>,
) -> Result<Json<UploadStatusResponse>, Problem> {
    let sees_all = caller.owner.as_ref().is_some_and(|who| who.role.may(Action::SeeAllUploads));
    if !sees_all {
        may_feed(&app, &caller, upload).await?;
    }
    let unfinished_only = match query.files.as_deref() {
        None | Some("all") => false,
        Some("incomplete") => true,
        Some(_) => return Err(Problem::invalid("files", "files is all or incomplete")),
    };
    Ok(Json(app.clinic.uploads.status(upload, unfinished_only).await?.into()))
}

/// Completes an upload: durable when it answers; it does not wait for a PACS. Asked again, the answer is the same.
#[utoipa::path(post, path = "/api/v1/upload/{id}/complete", operation_id = "complete_upload", tag = "uploads",
    params(("id" = String, Path, description = "the upload")),
    responses(
        (status = 200, description = "what became of each file", body = UploadCompleteResponse),
        (status = 202, description = "still being read; ask again, or look at the status", body = Processing),
        (status = 401, description = "no valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "another upload's token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "no such upload", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "chunks are missing (code incomplete), or the upload has expired", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "too many", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "the disk reserve is reached", body = ProblemBody, content_type = "application/problem+json"),
    ))]
async fn complete(State(app): State<App>, caller: UploadCaller, PathUpload(upload): PathUpload) -> Result<Response, Problem> {
    may_feed(&app, &caller, upload).await?;
    match app.clinic.uploads.complete(upload).await? {
        Completion::Done(outcome) => {
            let receipt = app.clinic.uploads.status(upload, true).await?.pacs_receipt_id;
            Ok(Json(UploadCompleteResponse::new(upload, *outcome, receipt)).into_response())
        }
        Completion::Processing => {
            let retry = [(header::RETRY_AFTER, "1")];
            Ok((StatusCode::ACCEPTED, retry, Json(Processing::new(upload))).into_response())
        }
    }
}

/// Gives an upload up that is not complete; its bytes are freed.
#[utoipa::path(delete, path = "/api/v1/upload/{id}", operation_id = "delete_upload", tag = "uploads",
    params(("id" = String, Path, description = "the upload")),
    responses(
        (status = 204, description = "gone"),
        (status = 401, description = "no valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "somebody else's", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "no such upload", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "complete already", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
    ))]
async fn delete(State(app): State<App>, caller: UploadCaller, PathUpload(upload): PathUpload) -> Result<StatusCode, Problem> {
    let is_admin = caller.owner.as_ref().is_some_and(|who| who.role.may(Action::Administer));
    if !is_admin {
        may_feed(&app, &caller, upload).await?;
    }
    app.clinic.uploads.delete(upload).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's own uploads, newest first; radiologists and admins see all.
#[utoipa::path(get, path = "/api/v1/upload", operation_id = "list_uploads", tag = "uploads", params(ListQuery), responses(
    (status = 200, description = "a page of uploads", body = UploadList),
    (status = 400, description = "an unknown parameter", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "not signed in", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a value that makes no sense", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(State(app): State<App>, caller: Caller, Query(query): Query<ListQuery>) -> Result<Json<UploadList>, Problem> {
    let state = match query.state.as_deref() {
        None => None,
        Some(text) => Some(upload_state(text)?),
    };
    let limit = query.limit.unwrap_or(50);
    if !(1..=200).contains(&limit) {
        return Err(Problem::invalid("limit", format!("limit is 1 to 200, not {limit}")));
    }
    let page = app.clinic.uploads.list(&caller.0, state, query.offset.unwrap_or(0) as usize, limit as usize).await?;
    Ok(Json(page.into()))
}

/// A page of what somebody uploaded, for the export of one's own data; and how many there are.
pub(crate) async fn own(app: &App, user: UserId, offset: usize) -> Result<(serde_json::Value, u64), Problem> {
    let page = app.clinic.uploads.list_own(user, offset, OWN_AT_ONCE).await?;
    let total = page.total;
    let list = serde_json::to_value(UploadList::from(page)).unwrap_or_default();
    Ok((list["uploads"].clone(), total))
}

/// Another upload token for an upload of one's own.
#[utoipa::path(post, path = "/api/v1/auth/refresh-upload-token", operation_id = "refresh_upload_token", tag = "auth", params(TokenQuery), responses(
    (status = 200, description = "the token", body = UploadToken),
    (status = 401, description = "not signed in", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "somebody else's", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such upload", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn refresh_token(State(app): State<App>, caller: Caller, Query(query): Query<TokenQuery>) -> Result<Json<UploadToken>, Problem> {
    let upload = upload_id("upload_id", &query.upload_id)?;
    if app.clinic.uploads.owner(upload).await? != caller.id() {
        return Err(Problem::forbidden("this upload is somebody else's"));
    }
    Ok(Json(UploadToken { upload_token: upload_token(&app, upload, &caller)? }))
}

fn upload_token(app: &App, upload: UploadId, caller: &Caller) -> Result<String, Problem> {
    app.clinic.tokens.upload_token(upload, &caller.0).map_err(|error| Problem::internal(format!("an upload token cannot be made: {error}")))
}

/// Refuses whoever may not feed an upload.
async fn may_feed(app: &App, caller: &UploadCaller, upload: UploadId) -> Result<(), Problem> {
    if caller.upload == Some(upload) {
        return Ok(());
    }
    let owner = app.clinic.uploads.owner(upload).await?;
    caller.may_feed(upload, owner)
}

fn chunk_index(text: &str) -> Result<u32, Problem> {
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(20).collect();
        Problem::invalid("chunk_index", format!("chunk_index is a number from 0, not {shown:?}"))
    })
}

fn upload_state(text: &str) -> Result<UploadState, Problem> {
    let all = [
        UploadState::Pending,
        UploadState::Uploading,
        UploadState::Processing,
        UploadState::Complete,
        UploadState::Failed,
        UploadState::Expired,
    ];
    let known = all.into_iter().find(|state| state.as_str() == text);
    known.ok_or_else(|| Problem::invalid("state", "state is pending, uploading, processing, complete, failed or expired"))
}

fn upload_id(pointer: &str, text: &str) -> Result<UploadId, Problem> {
    text.parse().map_err(|_| Problem::invalid(pointer, "an upload's id is a UUID"))
}

/// The body ended before it was whole, or brought nothing for too long.
fn broken_off() -> Problem {
    Problem::of_status(StatusCode::REQUEST_TIMEOUT)
}

/// Reads the rest of a refused body, so that the sender, who may still be at it, gets to read the answer. One that asked first
/// (`Expect: 100-continue`) sends nothing.
async fn drain(headers: &HeaderMap, mut stream: axum::body::BodyDataStream) {
    if headers.contains_key(header::EXPECT) {
        return;
    }
    let drained = async {
        let mut read = 0;
        while let Some(Ok(bytes)) = stream.next().await {
            read += bytes.len() as u64;
            if read > MAX_DRAIN {
                return;
            }
        }
    };
    // One that trickles hears nothing, which is its own doing.
    let _ = tokio::time::timeout(MAX_DRAIN_TIME, drained).await;
}

/// An upload in the path.
struct PathUpload(UploadId);

impl axum::extract::FromRequestParts<App> for PathUpload {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, app).await.map_err(|rejection| Problem::unreadable(rejection.body_text()))?;
        upload_id("id", &text).map(Self)
    }
}

/// Somebody whose role may upload.
struct Uploader(Caller);

impl axum::extract::FromRequestParts<App> for Uploader {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        caller.may(Action::Upload)?;
        Ok(Self(caller))
    }
}

/// The address of whoever asks.
struct Address(Option<std::net::IpAddr>);

impl axum::extract::FromRequestParts<App> for Address {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        Ok(Self(client_address(parts)))
    }
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        let told = error.to_string();
        match error {
            UploadError::Unknown => Self::not_found(told),
            UploadError::Invalid { pointer, detail } => Self::invalid(pointer, detail),
            UploadError::Duplicate { upload, uploaded_at, uploaded_by } => {
                Self::duplicate(Duplicate { upload_id: upload.to_string(), uploaded_at: Time(uploaded_at), uploaded_by })
            }
            UploadError::Full => Self::disk_full(told),
            UploadError::Closed(_) | UploadError::TooMany(_) => Self::conflict(told),
            UploadError::Differs { .. } => Self::coded(StatusCode::CONFLICT, Code::ChunkDiffers, told),
            UploadError::Checksum(_) => Self::coded(StatusCode::UNPROCESSABLE_ENTITY, Code::ChecksumMismatch, told),
            UploadError::TooLarge(_) => Self::too_large(told),
            UploadError::Incomplete { detail, missing } => {
                Self::incomplete(detail, missing.into_iter().map(|file| (file.file, file.chunks)).collect())
            }
            UploadError::TooSlow => broken_off(),
            UploadError::Unavailable(_) => Self::coded(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, told)
                .header(header::RETRY_AFTER, axum::http::HeaderValue::from_static("5")),
            UploadError::Store(_) => Self::unavailable("the box cannot keep this now", 5).caused_by(told),
        }
    }
}
