//! Reports on studies: who sees which is said in `relaypacs_clinic::reports`.

#![expect(unused_qualifications, reason = "the code that utoipa's macro makes of the query names its type in full")]

use axum::{
    Json as Answer,
    body::Body,
    extract::{DefaultBodyLimit, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use relaypacs_clinic::reports::{DownloadError, Report, ReportChange, ReportError, ReportStatus, SyncError, Viewer, sync};
use relaypacs_domain::{Action, ReportId, Role, UploadId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::Caller,
    extract::{Json, PathId, Query},
    problem::{Code, Problem, ProblemBody},
    time::Time,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(report, change))
        .routes(routes!(of_upload))
        .routes(routes!(read))
        .routes(routes!(download))
        .routes(routes!(ask_pacs))
        .route("/api/v1/reports/", axum::routing::get(list))
        .layer(DefaultBodyLimit::max(MAX_PATCH_BYTES))
}

/// Largest change in bytes: 50,000 characters of any script, escaped or not.
const MAX_PATCH_BYTES: usize = 320 * 1024;

/// How far a report is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = ReportStatus)]
#[serde(rename_all = "snake_case")]
enum StatusName {
    /// The box has the study.
    Assigned,
    /// The study is where it is read, or the report is being amended.
    Pending,
    /// The report can be read.
    Ready,
    /// The radiologist needs more before reporting.
    AdditionalDataRequired,
}

/// A report on a study.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Report)]
struct ReportBody {
    /// Its name.
    #[schema(format = "uuid", example = "01997a00-0000-7000-8000-000000000001")]
    id: String,
    /// The upload with which the study came; absent: a modality sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    upload_id: Option<String>,
    /// The study.
    #[schema(example = "1.2.840.113619.2.55.3")]
    study_instance_uid: String,
    /// How far it is.
    status: StatusName,
    /// (0010,0010).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "DOE^JANE")]
    patient_name: Option<String>,
    /// (0008,0060).
    #[schema(example = "CT")]
    modality: String,
    /// (0008,1030).
    #[serde(skip_serializing_if = "Option::is_none")]
    study_description: Option<String>,
    /// How urgent the study is: `stat`, `emergency`, `routine` or `subspecialty`.
    #[schema(example = "routine")]
    service_level: &'static str,
    /// Who reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    radiologist_name: Option<String>,
    /// What it says; of a report that came as PDF its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    report_text: Option<String>,
    /// Where the PDF is, once it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    report_url: Option<String>,
    /// Who uploaded the study; null: a modality sent it.
    #[schema(required, format = "uuid")]
    user_id: Option<String>,
    /// Whether the caller has read it as it is.
    is_read: bool,
    /// When it was made.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

/// A page of reports.
#[derive(Debug, Serialize, ToSchema)]
struct Reports {
    /// Newest first.
    reports: Vec<ReportBody>,
    /// How many match in all.
    total: u64,
    /// How many the caller has not read, by status, whatever was asked for.
    unread: UnreadReports,
}

/// Unread reports by status.
#[derive(Debug, Serialize, ToSchema)]
struct UnreadReports {
    assigned: u64,
    pending: u64,
    ready: u64,
    additional_data_required: u64,
}

/// Which reports.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReportsQuery {
    /// Only those that are so far.
    #[param(value_type = Option<StatusName>)]
    status: Option<String>,
    /// At most this many.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: usize,
    /// After this many.
    #[param(minimum = 0, maximum = 1_000_000, default = 0)]
    offset: usize,
}

/// What a radiologist changes; absent fields stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReportPatch {
    /// How far it is from now on.
    #[schema(value_type = Option<StatusName>)]
    status: Option<String>,
    /// Who reports.
    #[schema(max_length = 128, example = "Dr. Ada Lovelace")]
    radiologist_name: Option<String>,
    /// What the report says.
    #[schema(max_length = 50000, example = "FINDINGS\nNo focal lesion.")]
    report_text: Option<String>,
}

/// The reports that the caller may see.
#[utoipa::path(get, path = "/api/v1/reports", operation_id = "list_reports", tag = "reports", params(ReportsQuery), responses(
    (status = 200, description = "a page of reports", body = Reports),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a value makes no sense", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(State(app): State<App>, caller: Caller, Query(asked): Query<ReportsQuery>) -> Result<Answer<Reports>, Problem> {
    if !(1..=200).contains(&asked.limit) {
        return Err(Problem::invalid("limit", "the limit is a number from 1 to 200"));
    }
    if asked.offset > 1_000_000 {
        return Err(Problem::invalid("offset", "the offset is a number up to 1000000"));
    }
    let status = asked.status.as_deref().map(parse_status).transpose()?;
    let page = app.clinic.reports.list(viewer(&caller), status, asked.limit, asked.offset).await?;
    let [assigned, pending, ready, additional_data_required] = page.unread.0;
    Ok(Answer(Reports {
        reports: page.reports.into_iter().map(|(report, is_read)| body(report, is_read)).collect(),
        total: page.total,
        unread: UnreadReports { assigned, pending, ready, additional_data_required },
    }))
}

/// A report.
#[utoipa::path(get, path = "/api/v1/reports/{id}", operation_id = "report", tag = "reports",
    params(("id" = String, Path, format = "uuid", description = "a report")), responses(
    (status = 200, description = "the report", body = ReportBody),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such report that the caller may see", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn report(State(app): State<App>, caller: Caller, PathId(id): PathId) -> Result<Answer<ReportBody>, Problem> {
    let (report, is_read) = app.clinic.reports.report(viewer(&caller), ReportId(id)).await?;
    Ok(Answer(body(report, is_read)))
}

/// The report on an upload; of several the first.
#[utoipa::path(get, path = "/api/v1/reports/upload/{id}", operation_id = "report_of_upload", tag = "reports",
    params(("id" = String, Path, format = "uuid", description = "an upload")), responses(
    (status = 200, description = "the report", body = ReportBody),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such report that the caller may see", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn of_upload(State(app): State<App>, caller: Caller, PathId(id): PathId) -> Result<Answer<ReportBody>, Problem> {
    let (report, is_read) = app.clinic.reports.of_upload(viewer(&caller), UploadId(id)).await?;
    Ok(Answer(body(report, is_read)))
}

/// The caller has read the report as it is.
#[utoipa::path(post, path = "/api/v1/reports/{id}/read", operation_id = "read_report", tag = "reports",
    params(("id" = String, Path, format = "uuid", description = "a report")), responses(
    (status = 200, description = "the report, read", body = ReportBody),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such report that the caller may see", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn read(State(app): State<App>, caller: Caller, PathId(id): PathId) -> Result<Answer<ReportBody>, Problem> {
    let (viewer, id) = (viewer(&caller), ReportId(id));
    app.clinic.reports.mark_read(viewer, id).await?;
    let (report, is_read) = app.clinic.reports.report(viewer, id).await?;
    Ok(Answer(body(report, is_read)))
}

/// Writes or judges a report. Allowed are assigned → pending → ready, ready → pending (to amend it), any → additional_data_required → pending.
#[utoipa::path(patch, path = "/api/v1/reports/{id}", operation_id = "change_report", tag = "reports", request_body = ReportPatch,
    params(("id" = String, Path, format = "uuid", description = "a report")), responses(
    (status = 200, description = "the report as it is now", body = ReportBody),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for radiologists and admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such report", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "the status cannot follow the present one", body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, description = "the body is too large", body = ProblemBody, content_type = "application/problem+json"),
    (status = 415, description = "the body is no JSON", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field breaks a rule", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn change(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId,
    Json(asked): Json<ReportPatch>,
) -> Result<Answer<ReportBody>, Problem> {
    caller.may(Action::WriteReports)?;
    let change = ReportChange {
        status: asked.status.as_deref().map(parse_status).transpose()?,
        radiologist_name: asked.radiologist_name,
        text: asked.report_text,
    };
    let (viewer, id) = (viewer(&caller), ReportId(id));
    app.clinic.reports.change(viewer, id, change).await?;
    let (report, is_read) = app.clinic.reports.report(viewer, id).await?;
    Ok(Answer(body(report, is_read)))
}

/// The report as PDF.
#[utoipa::path(get, path = "/api/v1/reports/{id}/download", operation_id = "download_report", tag = "reports",
    params(("id" = String, Path, format = "uuid", description = "a report")), responses(
    (status = 200, description = "the report; one that came as PDF as it came", content_type = "application/pdf", body = Vec<u8>),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such report that the caller may see, or it is not ready (code `report_not_ready`)", body = ProblemBody,
        content_type = "application/problem+json"),
    (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn download(State(app): State<App>, caller: Caller, PathId(id): PathId) -> Result<Response, Problem> {
    let download = app.clinic.reports.download(viewer(&caller), ReportId(id)).await?;
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"report-{id}.pdf\""));
    let disposition = disposition.map_err(|error| Problem::internal(error.to_string()))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/pdf")),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from(download.pdf)).into_response())
}

/// Asks the PACS now whether there is a report on this study; answers the report as it is then.
#[utoipa::path(post, path = "/api/v1/reports/{id}/sync", operation_id = "sync_report", tag = "reports",
    params(("id" = String, Path, format = "uuid", description = "a report")), responses(
    (status = 200, description = "the report as it is now", body = ReportBody),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such report that the caller may see", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "no destination can be asked", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "the PACS does not answer, or not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn ask_pacs(State(app): State<App>, caller: Caller, PathId(id): PathId) -> Result<Answer<ReportBody>, Problem> {
    let asked = app.clinic.reports.sync(viewer(&caller), ReportId(id));
    let answered = tokio::time::timeout(sync::LONGEST_WAIT, asked).await;
    let (report, is_read) = answered.map_err(|_| Problem::unavailable("the PACS did not answer in time", 60))??;
    Ok(Answer(body(report, is_read)))
}

/// A page of the reports on somebody's uploads, for the export of one's own data; and how many there are.
pub(crate) async fn own(app: &App, user: UserId, offset: usize) -> Result<(serde_json::Value, u64), Problem> {
    // A clinician sees the own ones alone.
    let page = app.clinic.reports.list(Viewer { user, role: Role::Clinician }, None, 200, offset).await?;
    let reports: Vec<ReportBody> = page.reports.into_iter().map(|(report, is_read)| body(report, is_read)).collect();
    Ok((serde_json::to_value(reports).unwrap_or_default(), page.total))
}

fn viewer(caller: &Caller) -> Viewer {
    Viewer { user: caller.id(), role: caller.role() }
}

fn parse_status(text: &str) -> Result<ReportStatus, Problem> {
    text.parse().map_err(|error| Problem::invalid("status", format!("{error}")))
}

fn body(report: Report, is_read: bool) -> ReportBody {
    let report_url = (report.status == ReportStatus::Ready).then(|| format!("/api/v1/reports/{}/download", report.id));
    ReportBody {
        id: report.id.to_string(),
        upload_id: report.upload.map(|id| id.to_string()),
        study_instance_uid: report.study.to_string(),
        status: report.status.into(),
        patient_name: report.patient_name,
        modality: report.modality,
        study_description: report.study_description,
        service_level: report.service_level.as_str(),
        radiologist_name: report.radiologist_name,
        report_text: report.text,
        report_url,
        user_id: report.user.map(|id| id.to_string()),
        is_read,
        created_at: Time(report.created_at),
        updated_at: Time(report.updated_at),
    }
}

impl Default for ReportsQuery {
    fn default() -> Self {
        Self { status: None, limit: 50, offset: 0 }
    }
}

impl From<ReportStatus> for StatusName {
    fn from(status: ReportStatus) -> Self {
        match status {
            ReportStatus::Assigned => Self::Assigned,
            ReportStatus::Pending => Self::Pending,
            ReportStatus::Ready => Self::Ready,
            ReportStatus::AdditionalDataRequired => Self::AdditionalDataRequired,
        }
    }
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::NotFound => Self::not_found(error.to_string()),
            ReportError::Transition { .. } | ReportError::Ready => Self::conflict(error.to_string()),
            ReportError::Empty => Self::invalid("/report_text", error.to_string()),
            ReportError::TooLong { field, .. } => Self::invalid(format!("/{field}"), error.to_string()),
            ReportError::Store(error) => error.into(),
        }
    }
}

impl From<DownloadError> for Problem {
    fn from(error: DownloadError) -> Self {
        match error {
            DownloadError::Report(error) => error.into(),
            DownloadError::NotReady(_) => Self::coded(StatusCode::NOT_FOUND, Code::ReportNotReady, error.to_string()),
            DownloadError::Pdf(error) => Self::internal(error.to_string()),
        }
    }
}

impl From<SyncError> for Problem {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Report(error) => error.into(),
            SyncError::NoPacs => Self::conflict(error.to_string()),
            SyncError::NoAnswer { .. } => Self::unavailable(error.to_string(), 60),
        }
    }
}
