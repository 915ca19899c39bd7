//! Looking for studies by what must not stand in an address: names and ids.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{access::visible, bodies::Studies, query::ListQuery};
use crate::{
    app::App,
    caller::Caller,
    extract,
    problem::{Problem, ProblemBody},
};

/// Longest text looked for, in characters.
const MAX_TEXT: usize = 64;

/// What is looked for.
#[derive(Deserialize, ToSchema)]
pub(super) struct SearchBody {
    /// Part of a patient's name or id, of an accession number, or of a Study Instance UID; upper and lower case are the same.
    #[serde(default)]
    #[schema(max_length = 64, example = "doe")]
    q: String,
    /// Only studies with an instance of this modality (0008,0060).
    modality: Option<String>,
    /// Only studies that came in this way: `dicom` or `http`.
    source: Option<String>,
    /// Only studies with a delivery in this state.
    state: Option<String>,
    /// Received at or after.
    from: Option<String>,
    /// Received at or before.
    to: Option<String>,
    /// Page size.
    #[schema(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Studies by name, id and the rest, newest first.
#[utoipa::path(post, path = "/api/v1/studies/search", operation_id = "search_studies", tag = "studies", request_body = SearchBody, responses(
    (status = 200, description = "a page of studies", body = Studies),
    (status = 400, description = "not JSON", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, description = "the body is too large", body = ProblemBody, content_type = "application/problem+json"),
    (status = 415, description = "not application/json", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a value that makes no sense", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(super) async fn search(
    State(app): State<App>,
    caller: Caller,
    extract::Json(asked): extract::Json<SearchBody>,
) -> Result<Json<Studies>, Problem> {
    let SearchBody { q, modality, source, state, from, to, limit, cursor } = asked;
    if q.chars().count() > MAX_TEXT {
        return Err(Problem::invalid("/q", format!("at most {MAX_TEXT} characters are looked for")));
    }
    let limit = limit.map(|limit| limit.to_string());
    let mut query = ListQuery { modality, source, state, from, to, limit, cursor }.checked().map_err(Problem::of_body)?;
    query.text = Some(q.trim().to_owned()).filter(|text| !text.is_empty());
    query.only = visible(&app, &caller).await?;
    let page = app.ask(move |app| app.buffer.studies(&query)).await?;
    Ok(Json(Studies::new(page, app.clock.now())))
}
