//! What stands in the query strings of the upload routes.

use serde::Deserialize;
use utoipa::IntoParams;

use super::bodies::UploadStateName;

/// Which chunk.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ChunkQuery {
    /// The chunk's number in its file, from 0.
    #[param(value_type = u32, example = 0)]
    pub(super) chunk_index: String,
    /// The file's name in the upload.
    #[param(example = "1", max_length = 64, pattern = "^[A-Za-z0-9._-]{1,64}$")]
    pub(super) file_id: String,
}

/// Which files the status lists.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StatusQuery {
    /// `incomplete`: only files of which something is missing, or with which something is wrong.
    #[param(value_type = Option<String>, pattern = "^(all|incomplete)$")]
    pub(super) files: Option<String>,
}

/// Which uploads.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Only those in this state.
    #[param(value_type = Option<UploadStateName>)]
    pub(super) state: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200)]
    pub(super) limit: Option<u32>,
    /// After so many.
    pub(super) offset: Option<u32>,
}

/// Of which upload.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TokenQuery {
    /// The upload.
    pub(super) upload_id: String,
}
