//! `[uploads]` and `[accounts]`: limits and choices of what people send, and how long a sign-in lasts.

use std::time::Duration;

use relaypacs_clinic::uploads::{HistoryForm, UploadOptions};
use serde::{Deserialize, Serialize};

use super::values::{Size, Span};

/// `[uploads]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Uploads {
    /// Most bytes of an upload.
    pub(crate) max_bytes: Size,
    /// Most files of an upload.
    pub(crate) max_files: u32,
    /// How long after its last chunk an upload stays that nobody completes.
    pub(crate) expiry: Span,
    /// How far back a study uploaded before counts as the same.
    pub(crate) duplicates: Span,
    /// Whether chunks without a digest are refused.
    pub(crate) require_checksum: bool,
    /// In what form the clinical history travels.
    pub(crate) clinical_history: HistoryForm,
}

/// `[accounts]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Accounts {
    /// Life of an access token.
    pub(crate) access_ttl: Span,
    /// Life of a refresh token, and so of a session that nobody uses.
    pub(crate) refresh_ttl: Span,
    /// Life of an upload token.
    pub(crate) upload_ttl: Span,
}

impl Default for Uploads {
    fn default() -> Self {
        let options = UploadOptions::default();
        Self {
            max_bytes: Size(options.max_bytes),
            max_files: options.max_files,
            expiry: Span(options.expiry),
            duplicates: Span(options.duplicates),
            require_checksum: options.require_checksum,
            clinical_history: options.history,
        }
    }
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            access_ttl: Span(Duration::from_mins(15)),
            refresh_ttl: Span(Duration::from_hours(7 * 24)),
            upload_ttl: Span(Duration::from_hours(24)),
        }
    }
}

impl Uploads {
    /// As the service takes them.
    pub(crate) fn options(&self) -> UploadOptions {
        UploadOptions {
            max_bytes: self.max_bytes.0,
            max_files: self.max_files,
            expiry: self.expiry.0,
            duplicates: self.duplicates.0,
            history: self.clinical_history,
            require_checksum: self.require_checksum,
            ..UploadOptions::default()
        }
    }
}
