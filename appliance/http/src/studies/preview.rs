//! A picture of an instance.

use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use relaypacs_buffer::ReadError;
use relaypacs_dicom::preview::{PreviewError, render};
use relaypacs_domain::Uid;
use tokio::{runtime::Handle, sync::Semaphore};

use super::{access::may_see, query::PreviewQuery};
use crate::{
    app::App,
    caller::Caller,
    extract::Query,
    problem::{Problem, ProblemBody},
};

/// Pictures made at once: each may take a few hundred MiB for a moment.
static AT_ONCE: Semaphore = Semaphore::const_new(1);

/// A frame of an instance as a picture, for people to look at; not for diagnosis.
#[utoipa::path(get, path = "/api/v1/studies/{uid}/instances/{sop}/preview", operation_id = "preview", tag = "studies",
    params(
        ("uid" = String, Path, description = "Study Instance UID"),
        ("sop" = String, Path, description = "SOP Instance UID"),
        PreviewQuery,
    ),
    responses(
        (status = 200, description = "the picture", body = Vec<u8>, content_type = "image/png"),
        (status = 400, description = "an unknown parameter", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "no such instance, or it has no such frame", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "it cannot be shown", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "a value makes no sense, or the image is broken", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn preview(
    State(app): State<App>,
    caller: Caller,
    Path((study, instance)): Path<(String, String)>,
    Query(query): Query<PreviewQuery>,
) -> Result<Response, Problem> {
    let uid = |name: &str, text: String| text.parse::<Uid>().map_err(|error| Problem::invalid(name, error.to_string()));
    let (study, instance) = (uid("uid", study)?, uid("instance", instance)?);
    let options = query.checked()?;
    may_see(&app, &caller, &study).await?;
    let reader = app
        .ask(move |app| {
            let known = app.buffer.instances(&instance)?;
            let of_study = known.into_iter().rev().find(|known| known.identity.study.as_ref() == Some(&study));
            let found = of_study.ok_or_else(|| Problem::not_found("the buffer does not hold this instance (any more)"))?;
            app.buffer.read(found.object).map_err(unreadable)
        })
        .await?;
    let _permit = AT_ONCE.acquire().await;
    let syntax = reader.identity().transfer_syntax.clone();
    let runtime = Handle::current();
    let work = move || render(reader.into_pieces().into_file(runtime), &syntax, &options);
    let rendered = tokio::task::spawn_blocking(work).await;
    let picture = rendered.map_err(|failed| Problem::internal(format!("a preview did not end: {failed}")))??;
    let headers = [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "private, max-age=600")];
    Ok((headers, picture).into_response())
}

fn unreadable(error: ReadError) -> Problem {
    match error {
        ReadError::Unknown(_) => Problem::not_found("the buffer does not hold this instance (any more)"),
        ReadError::Catalogue(error) => error.into(),
        error @ (ReadError::Damaged { .. } | ReadError::Io { .. }) => {
            Problem::unavailable("the instance cannot be read from the disk", 60).caused_by(error.to_string())
        }
    }
}

impl From<PreviewError> for Problem {
    fn from(error: PreviewError) -> Self {
        let told = error.to_string();
        match error {
            PreviewError::NoFrame(_) => Self::not_found(told),
            PreviewError::NoPixels | PreviewError::Unsupported(_) | PreviewError::TooBig => Self::unsupported(told),
            PreviewError::Broken(_) => Self::invalid("instance", told),
            PreviewError::Io(_) => Self::unavailable("the instance cannot be read from the disk", 60).caused_by(told),
        }
    }
}

impl Problem {
    /// 415: what is there cannot be given in the form that was asked for.
    fn unsupported(detail: impl Into<String>) -> Self {
        let mut problem = Self::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        problem.set_detail(detail);
        problem
    }
}
