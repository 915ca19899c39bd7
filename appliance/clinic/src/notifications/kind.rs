//! Kinds of notifications.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a notification tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// An upload was taken.
    UploadComplete,
    /// An upload was not taken, or could not be delivered.
    UploadFailed,
    /// A study waits for its report.
    ReportAssigned,
    /// A report can be read.
    ReportReady,
    /// The radiologist needs more.
    AdditionalDataRequired,
    /// A destination has been away for five minutes.
    PacsUnreachable,
    /// It is back.
    PacsRecovered,
    /// The buffer is filling up.
    DiskLow,
    /// Something about accounts or keys needs a look.
    Security,
    /// A study cannot be delivered without somebody.
    StudyHeld,
}

impl NotificationKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::UploadComplete,
        Self::UploadFailed,
        Self::ReportAssigned,
        Self::ReportReady,
        Self::AdditionalDataRequired,
        Self::PacsUnreachable,
        Self::PacsRecovered,
        Self::DiskLow,
        Self::Security,
        Self::StudyHeld,
    ];

    /// The name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UploadComplete => "upload_complete",
            Self::UploadFailed => "upload_failed",
            Self::ReportAssigned => "report_assigned",
            Self::ReportReady => "report_ready",
            Self::AdditionalDataRequired => "additional_data_required",
            Self::PacsUnreachable => "pacs_unreachable",
            Self::PacsRecovered => "pacs_recovered",
            Self::DiskLow => "disk_low",
            Self::Security => "security",
            Self::StudyHeld => "study_held",
        }
    }

    /// What may be said of it outside the box (push, e-mail, webhook): the kind of thing, never whose.
    pub const fn outside(self) -> (&'static str, &'static str) {
        match self {
            Self::UploadComplete => ("Upload complete", "An upload of yours is complete."),
            Self::UploadFailed => ("Upload failed", "An upload of yours needs a look."),
            Self::ReportAssigned => ("Report assigned", "A study waits for its report."),
            Self::ReportReady => ("Report ready", "A report can be read."),
            Self::AdditionalDataRequired => ("More data needed", "The radiologist needs more on a study."),
            Self::PacsUnreachable => {
                ("PACS unreachable", "A destination has been away for five minutes. Studies are kept and sent when it is back.")
            }
            Self::PacsRecovered => ("PACS back", "A destination is back. Waiting studies are on their way."),
            Self::DiskLow => ("Disk filling up", "The buffer is filling up."),
            Self::Security => ("Security", "Something about accounts or keys needs a look."),
            Self::StudyHeld => ("Study held", "A study cannot be delivered without somebody's help."),
        }
    }
}

impl FromStr for NotificationKind {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or("there is no such type of notification")
    }
}
