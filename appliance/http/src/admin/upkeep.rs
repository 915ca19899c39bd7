//! Upkeep: scrub, backup, log filter.

use std::path::PathBuf;

use axum::{
    Json as Answer,
    body::Body,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use relaypacs_buffer::{BackupError, Damage, ScrubReport};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    extract::Json,
    problem::{Problem, ProblemBody},
};

/// The routes of this resource.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(scrub)).routes(routes!(backup)).routes(routes!(log))
}

/// What reading everything back showed.
#[derive(Debug, Serialize, ToSchema)]
struct Scrubbed {
    /// Objects read.
    objects: u64,
    /// Bytes read.
    bytes: u64,
    /// What can no longer be read.
    damaged: Vec<DamageBody>,
}

/// Bytes that can no longer be read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Damage)]
struct DamageBody {
    /// The segment file's number.
    segment: u64,
    /// Where in it.
    offset: u64,
    /// The box's number of the object; null: not known.
    #[schema(required)]
    object: Option<u64>,
    /// (0008,0018) of the object; null: not known.
    #[schema(required)]
    sop_instance_uid: Option<String>,
    /// What is wrong.
    what: String,
}

/// Where a copy goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BackupTo {
    /// An empty folder of the box's file system (absolute path).
    #[schema(value_type = String)]
    to: PathBuf,
}

/// One line of a backup's progress. The last line has `ok`.
#[derive(Debug, Default, Serialize, ToSchema)]
struct BackupLine {
    /// Bytes copied so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<u64>,
    /// Bytes to copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// Whether the copy is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<bool>,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What the log shows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogLevel {
    /// For example `info,relaypacs_forward=debug`.
    #[schema(max_length = 1024)]
    filter: String,
}

/// Reads every live object back and compares checksums; damaged ones are held and named. Takes as long as reading the whole buffer does.
#[utoipa::path(post, path = "/admin/scrub", operation_id = "scrub", tag = "admin", responses(
    (status = 200, description = "what was read", body = Scrubbed),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn scrub(State(app): State<App>) -> Result<Answer<Scrubbed>, Problem> {
    Ok(Answer(Scrubbed::from(app.buffer.scrub().await?)))
}

/// Copies studies, history, accounts and keys into an empty folder while running; answers with a line a step (JSON Lines), the last with `ok`.
///
/// The copy goes on when the caller leaves.
#[utoipa::path(post, path = "/admin/backup", operation_id = "backup", tag = "admin", request_body = BackupTo, responses(
    (status = 200, description = "one `BackupLine` a line", body = BackupLine, content_type = "application/jsonl"),
    (status = 409, description = "the folder is not empty", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "not an absolute path", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn backup(State(app): State<App>, Json(asked): Json<BackupTo>) -> Result<Response, Problem> {
    if !asked.to.is_absolute() {
        return Err(Problem::invalid("/to", "the folder must be an absolute path: the daemon has another working directory"));
    }
    let (lines, mut progress) = mpsc::channel(16);
    let (ended, end) = oneshot::channel();
    tokio::spawn(async move {
        let tell = move |done, total| {
            // A line that does not fit is left out: the next one says more.
            let _ = lines.try_send(BackupLine { done: Some(done), total: Some(total), ..BackupLine::default() });
        };
        let mut copied = app.buffer.backup(asked.to.clone(), tell).await;
        if copied.is_ok() {
            // After the studies: the copy knows of no upload that they do not have.
            let made = tokio::task::spawn_blocking(move || app.clinic.backup(&asked.to)).await;
            copied = match made {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(BackupError::Io { path: error.path, source: error.source }),
                Err(_) => Err(BackupError::Catalogue(relaypacs_buffer::CatalogueError::Closing)),
            };
        }
        let _ = ended.send(copied);
    });
    // What fails before the first step (folder not empty …) is answered with its status.
    let Some(first) = progress.recv().await else { return last_line_or_refusal(end.await) };
    let stream = futures_util::stream::unfold(Some((Some(first), progress, end)), |state| async move {
        let (first, mut progress, end) = state?;
        let line = match first {
            Some(line) => Some(line),
            None => progress.recv().await,
        };
        match line {
            Some(line) => Some((as_line(&line), Some((None, progress, end)))),
            None => Some((as_line(&last_line(end.await)), None)),
        }
    });
    Ok(json_lines(Body::from_stream(stream)))
}

/// Changes what the log shows, until the daemon restarts.
#[utoipa::path(post, path = "/admin/log", operation_id = "set_log_filter", tag = "admin", request_body = LogLevel, responses(
    (status = 204, description = "changed"),
    (status = 422, description = "not a log filter", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn log(State(app): State<App>, Json(asked): Json<LogLevel>) -> Result<StatusCode, Problem> {
    if asked.filter.len() > 1024 {
        return Err(Problem::invalid("/filter", "a log filter has at most 1024 characters"));
    }
    (app.log_filter)(&asked.filter).map_err(|error| Problem::invalid("/filter", error))?;
    tracing::info!(filter = asked.filter, "an operator changes the log filter");
    Ok(StatusCode::NO_CONTENT)
}

fn last_line(ended: Result<Result<(), BackupError>, oneshot::error::RecvError>) -> BackupLine {
    let error = match ended {
        Ok(Ok(())) => return BackupLine { ok: Some(true), ..BackupLine::default() },
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the copy ended without an answer; the box's log says why".into(),
    };
    BackupLine { ok: Some(false), error: Some(error), ..BackupLine::default() }
}

/// The answer to a backup that ended before its first step.
fn last_line_or_refusal(ended: Result<Result<(), BackupError>, oneshot::error::RecvError>) -> Result<Response, Problem> {
    match ended {
        Ok(Err(error @ BackupError::NotEmpty(_))) => Err(Problem::conflict(error.to_string())),
        ended => Ok(json_lines(Body::from(as_line(&last_line(ended)).unwrap_or_default()))),
    }
}

fn json_lines(body: Body) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl"))], body).into_response()
}

fn as_line(line: &BackupLine) -> Result<Bytes, serde_json::Error> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text.into())
}

impl From<ScrubReport> for Scrubbed {
    fn from(report: ScrubReport) -> Self {
        Self { objects: report.objects, bytes: report.bytes, damaged: report.damaged.into_iter().map(DamageBody::from).collect() }
    }
}

impl From<Damage> for DamageBody {
    fn from(damage: Damage) -> Self {
        Self {
            segment: damage.segment,
            offset: damage.offset,
            object: damage.object.map(|object| object.0),
            sop_instance_uid: damage.sop_instance.map(String::from),
            what: damage.what,
        }
    }
}
