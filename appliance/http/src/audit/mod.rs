//! The audit trail, for admins.

mod params;

use axum::{
    Json as Answer,
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use relaypacs_clinic::audit::{AuditEntry, Outcome};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::params::AuditParams;
use crate::{
    app::App,
    caller::{Admin, From},
    extract::Query,
    problem::{Problem, ProblemBody},
};

/// Entries read at a time for an export.
const PIECE: usize = 1_000;

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(export)).route("/api/v1/audit/", axum::routing::get(list))
}

/// Who did what, newest first.
#[derive(Debug, Serialize, ToSchema)]
struct AuditList {
    /// The entries.
    entries: Vec<AuditEntryBody>,
    /// Ask on with it; absent: that was all.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<u64>,
}

/// One thing that somebody did. `hash` is the SHA-256, in hex, of the hash of the entry before (64 zeros before the first), a line feed, and
/// this entry as JSON without its hash, keys in this order, absent ones left out, no spaces.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct AuditEntryBody {
    /// Its number, from 1, without gaps.
    #[schema(example = 17)]
    seq: u64,
    /// When.
    #[schema(format = DateTime, example = "2026-11-23T02:13:20.123Z")]
    at: String,
    /// Who: a username, `operator` (the command line), `panel`, or `-` for nobody known.
    #[schema(example = "ada")]
    actor: String,
    /// What.
    #[schema(example = "sign_in")]
    action: String,
    /// To what.
    #[schema(example = "user ada")]
    object: String,
    /// How it ended: `done`, `refused` or `failed`.
    #[schema(example = "done")]
    outcome: &'static str,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "192.0.2.7")]
    address: Option<String>,
    /// The chain's hash up to and with this entry.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    hash: String,
}

impl std::convert::From<AuditEntry> for AuditEntryBody {
    fn from(entry: AuditEntry) -> Self {
        Self {
            seq: entry.seq,
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            object: entry.object,
            outcome: match entry.outcome {
                Outcome::Done => "done",
                Outcome::Refused => "refused",
                Outcome::Failed => "failed",
            },
            address: entry.address.map(|address| address.to_string()),
            hash: entry.hash,
        }
    }
}

/// Who did what, newest first.
#[utoipa::path(get, path = "/api/v1/audit", operation_id = "list_audit", tag = "audit", params(AuditParams), responses(
    (status = 200, description = "a page of the trail", body = AuditList),
    (status = 400, description = "an unknown parameter", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a value that makes no sense", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(State(app): State<App>, _admin: Admin, Query(asked): Query<AuditParams>) -> Result<Answer<AuditList>, Problem> {
    let page = app.clinic.audit.page(asked.checked()?).await?;
    Ok(Answer(AuditList { entries: page.entries.into_iter().map(AuditEntryBody::from).collect(), next_cursor: page.next }))
}

/// The whole trail, oldest first, one entry a line, hashes and all: it can be checked without the box.
#[utoipa::path(get, path = "/api/v1/audit/export", operation_id = "export_audit", tag = "audit", responses(
    (status = 200, description = "one `AuditEntry` a line", body = AuditEntryBody, content_type = "application/jsonl"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn export(State(app): State<App>, Admin(admin): Admin, From(from): From) -> Result<Response, Problem> {
    app.clinic.audit.note(&admin.username, "export_audit", "", Outcome::Done, from.address).await?;
    let audit = app.clinic.audit.clone();
    let pieces = futures_util::stream::unfold(Some(1), move |next| {
        let audit = audit.clone();
        async move {
            let entries = match audit.export(next?, PIECE).await {
                Ok(entries) => entries,
                Err(error) => return Some((Err(std::io::Error::other(error)), None)),
            };
            let next = entries.last()?.seq + 1;
            let mut lines = Vec::new();
            for entry in entries {
                // Strings and numbers: cannot fail.
                serde_json::to_writer(&mut lines, &AuditEntryBody::from(entry)).ok()?;
                lines.push(b'\n');
            }
            Some((Ok(lines), Some(next)))
        }
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"relaypacs_audit.jsonl\"")),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
