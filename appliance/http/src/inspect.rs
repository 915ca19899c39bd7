//! What a DICOM file says about itself, for clients that cannot read it: its first bytes are enough.

use axum::{Json, body::Body, extract::State};
use futures_util::StreamExt;
use relaypacs_dicom::{FileStart, HeaderScanner, file_start};
use relaypacs_domain::{Action, HeaderFacts, Uid};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::Caller,
    problem::{Problem, ProblemBody},
};

/// Bytes of a file that are looked at, at most.
const MOST: usize = 4 << 20;

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(inspect))
}

/// What a file says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InspectResult)]
struct Inspected {
    /// As an upload begins with it.
    study_metadata: InspectedStudy,
    /// (0020,000D).
    #[schema(required)]
    study_instance_uid: Option<String>,
    /// (0020,000E).
    #[schema(required)]
    series_instance_uid: Option<String>,
    /// (0008,0018).
    #[schema(required)]
    sop_instance_uid: Option<String>,
    /// (0008,0016).
    #[schema(required)]
    sop_class_uid: Option<String>,
    /// (0002,0010).
    transfer_syntax_uid: String,
}

/// The study that a file belongs to.
#[derive(Serialize, ToSchema)]
struct InspectedStudy {
    /// (0010,0010).
    patient_name: String,
    /// (0008,0020) as `YYYY-MM-DD`; empty where the file has none.
    study_date: String,
    /// (0008,0060).
    modality: String,
    /// What the file asks for (0040,1003), else `routine`.
    #[schema(value_type = crate::studies::ServiceLevelName)]
    service_level: &'static str,
    /// In years at the time of the study, where both days are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<String>,
    /// (0010,0040).
    #[serde(skip_serializing_if = "Option::is_none")]
    gender: Option<String>,
    /// (0008,1030).
    #[serde(skip_serializing_if = "Option::is_none")]
    study_description: Option<String>,
    /// (0020,000D).
    #[serde(skip_serializing_if = "Option::is_none")]
    study_instance_uid: Option<String>,
}

impl std::fmt::Debug for InspectedStudy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InspectedStudy").finish_non_exhaustive()
    }
}

/// What the beginning of a DICOM file says about it. 256 KiB are enough for most; nothing is kept.
#[utoipa::path(post, path = "/api/v1/dicom/inspect", operation_id = "inspect", tag = "uploads",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "what it says", body = Inspected),
        (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "the body did not arrive", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "no DICOM, or its header is longer than what was sent", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "too many", body = ProblemBody, content_type = "application/problem+json"),
    ))]
async fn inspect(State(_app): State<App>, caller: Caller, body: Body) -> Result<Json<Inspected>, Problem> {
    caller.may(Action::UseTheBox)?;
    let mut stream = body.into_data_stream();
    let mut seen = Vec::new();
    while let Some(bytes) = stream.next().await {
        let bytes = bytes.map_err(|_| Problem::of_status(axum::http::StatusCode::REQUEST_TIMEOUT))?;
        let room = MOST - seen.len();
        seen.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if seen.len() == MOST {
            break;
        }
    }
    let FileStart::Dicom(start) = file_start(&seen, true) else {
        return Err(Problem::invalid("", "this is not the beginning of a DICOM file"));
    };
    let mut scanner = HeaderScanner::new(&start.transfer_syntax);
    scanner.feed(seen.get(start.data_set_offset as usize..).unwrap_or_default());
    let (facts, parsed) = scanner.finish();
    if !parsed {
        return Err(Problem::invalid("", "no Study Instance UID (0020,000D) was found in what was sent"));
    }
    let text = |uid: &Option<Uid>| uid.as_ref().map(|uid| uid.as_str().to_owned());
    Ok(Json(Inspected {
        study_instance_uid: text(&facts.study_instance_uid),
        series_instance_uid: text(&facts.series_instance_uid),
        sop_instance_uid: text(&facts.sop_instance_uid.clone().or(start.sop_instance)),
        sop_class_uid: text(&facts.sop_class_uid.clone().or(start.sop_class)),
        transfer_syntax_uid: start.transfer_syntax.as_str().to_owned(),
        study_metadata: InspectedStudy::new(facts),
    }))
}

impl InspectedStudy {
    fn new(facts: HeaderFacts) -> Self {
        let level = relaypacs_domain::ServiceLevel::of_store(None, false, facts.requested_procedure_priority.as_deref());
        Self {
            study_date: facts.study_date.as_deref().and_then(dashed).unwrap_or_default(),
            age: age(facts.patient_birth_date.as_deref(), facts.study_date.as_deref()),
            patient_name: facts.patient_name.unwrap_or_default(),
            modality: facts.modality.unwrap_or_default(),
            service_level: level.as_str(),
            gender: facts.patient_sex,
            study_description: facts.study_description,
            study_instance_uid: facts.study_instance_uid.map(|uid| uid.as_str().to_owned()),
        }
    }
}

/// `YYYYMMDD` as `YYYY-MM-DD`.
fn dashed(day: &str) -> Option<String> {
    let digits = day.get(..8).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]))
}

/// Whole years between two days as `YYYYMMDD`.
fn age(birth: Option<&str>, day: Option<&str>) -> Option<String> {
    let number = |day: Option<&str>| day?.get(..8)?.parse::<i32>().ok();
    let years = (number(day)? - number(birth)?) / 10_000;
    (0..150).contains(&years).then(|| years.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_whole_years() {
        let check = |birth, day, years: Option<&str>| assert_eq!(age(birth, day).as_deref(), years);
        check(Some("19800516"), Some("20260515"), Some("45"));
        check(Some("19800515"), Some("20260515"), Some("46"));
        check(Some("1980"), Some("20260515"), None);
        check(None, Some("20260515"), None);
        assert_eq!(dashed("20260115").as_deref(), Some("2026-01-15"));
        assert_eq!(dashed("heute"), None);
    }
}
