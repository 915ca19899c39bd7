//! `GET /system/public`: what a page must know before anybody is signed in.

use axum::{Json, extract::State};
use relaypacs_clinic::uploads::{BATCH_MAX, CHUNK_MAX, CHUNK_MIN};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

/// Languages of the page.
const LANGUAGES: [&str; 3] = ["en", "fr", "ar"];

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(system_public))
}

/// What anybody may know of the box.
#[derive(Debug, Serialize, ToSchema)]
struct SystemPublic {
    /// The release.
    #[schema(example = "0.1.0")]
    version: String,
    /// Whether there is no admin yet: the page leads to `/setup`.
    setup_required: bool,
    /// Limits of uploads.
    limits: UploadLimits,
    /// Languages of the page.
    #[schema(value_type = Vec<String>, example = json!(["en", "fr", "ar"]))]
    languages: [&'static str; LANGUAGES.len()],
    /// Where the page's errors are filed, while error tracking is on; they are sent to `/telemetry`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://9e8d7c6b5a493827160f5e4d3c2b1a09@sentry.example/1")]
    sentry_dsn: Option<String>,
}

/// Limits of uploads.
#[derive(Debug, Serialize, ToSchema)]
struct UploadLimits {
    /// Bytes of an upload.
    max_upload_bytes: u64,
    /// Files of an upload.
    max_files: u32,
    /// Smallest chunk that can be asked for, in bytes.
    chunk_min: u32,
    /// Biggest chunk, in bytes.
    chunk_max: u32,
    /// Chunk bytes in a batch.
    batch_max_bytes: u32,
}

/// What a page must know before anybody is signed in.
#[utoipa::path(get, path = "/api/v1/system/public", operation_id = "system_public", tag = "system", responses(
    (status = 200, description = "what anybody may know", body = SystemPublic),
))]
async fn system_public(State(app): State<App>) -> Json<SystemPublic> {
    let uploads = app.clinic.uploads.options();
    Json(SystemPublic {
        version: app.info.version.clone(),
        setup_required: app.clinic.accounts.setup_required(),
        limits: UploadLimits {
            max_upload_bytes: uploads.max_bytes,
            max_files: uploads.max_files,
            chunk_min: CHUNK_MIN,
            chunk_max: CHUNK_MAX,
            batch_max_bytes: BATCH_MAX,
        },
        languages: LANGUAGES,
        sentry_dsn: app.entrance.telemetry.dsn().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_languages_are_those_of_the_page() {
        let page = include_str!("../../../web-ui/src/i18n/languages.ts");
        let table = page.split_once("LANGUAGES = {").unwrap().1.split_once("} as const").unwrap().0;
        let codes: Vec<&str> = table.lines().filter_map(|line| line.split_once(':')).map(|(code, _)| code.trim()).collect();
        assert_eq!(codes, LANGUAGES);
    }
}
