//! A report as it is kept and told.

use relaypacs_domain::{ReportId, ServiceLevel, Timestamp, Uid, UploadId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ReportStatus, Viewer};
use relaypacs_domain::Action;

/// Where what a report says comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// Nobody has said anything yet.
    Nowhere,
    /// It was written on the box.
    Written,
    /// It was taken over from a structured report at a PACS.
    Structured {
        /// SOP Instance UID of that object.
        instance: Uid,
    },
    /// It came as a PDF from a PACS and is handed out as received.
    Document {
        /// SOP Instance UID of that object.
        instance: Uid,
    },
}

/// Whom and what a report is about, as the study or the report at the PACS says it. Printed, not listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// (0010,0020).
    pub patient_id: Option<String>,
    /// (0010,0030), `YYYYMMDD`.
    pub birth_date: Option<String>,
    /// (0010,0040).
    pub sex: Option<String>,
    /// (0008,0020), `YYYYMMDD`.
    pub study_date: Option<String>,
    /// (0008,0050).
    pub accession_number: Option<String>,
    /// (0008,0090).
    pub referring_physician: Option<String>,
}

impl Details {
    /// Takes over what was not known yet.
    pub(super) fn learn(&mut self, other: Self) {
        let fill = |known: &mut Option<String>, told: Option<String>| {
            if known.is_none() {
                *known = told.map(|text| text.chars().take(256).collect());
            }
        };
        fill(&mut self.patient_id, other.patient_id);
        fill(&mut self.birth_date, other.birth_date);
        fill(&mut self.sex, other.sex);
        fill(&mut self.study_date, other.study_date);
        fill(&mut self.accession_number, other.accession_number);
        fill(&mut self.referring_physician, other.referring_physician);
    }
}

/// What a radiologist says about a study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Its name.
    pub id: ReportId,
    /// The upload with which the study came; `None`: a modality sent it.
    pub upload: Option<UploadId>,
    /// The study.
    pub study: Uid,
    /// Who uploaded it.
    pub user: Option<UserId>,
    /// How far it is.
    pub status: ReportStatus,
    /// (0010,0010) as it came, components with `^`.
    pub patient_name: Option<String>,
    /// (0008,0060).
    pub modality: String,
    /// (0008,1030).
    pub study_description: Option<String>,
    /// How urgent the study is.
    pub service_level: ServiceLevel,
    /// Who reports.
    pub radiologist_name: Option<String>,
    /// Where what it says comes from.
    pub origin: Origin,
    /// More about patient and study.
    pub details: Details,
    /// When the PACS says that it was written: (0008,0023) and (0008,0033), `YYYYMMDDHHMMSS`.
    pub said_at: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// What it says. Kept apart: rows of lists have none.
    #[serde(skip)]
    pub text: Option<String>,
}

impl Report {
    /// Whether somebody may see it: reports of uploads their owner and who may see all uploads, those of modalities who may see these.
    pub fn visible_to(&self, viewer: Viewer) -> bool {
        match self.upload {
            Some(_) => self.user == Some(viewer.user) || viewer.role.may(Action::SeeAllUploads),
            None => viewer.role.may(Action::SeeModalityReports),
        }
    }

    /// The body of the API.
    pub fn to_json(&self, is_read: bool) -> Value {
        let mut body = json!({
            "id": self.id,
            "study_instance_uid": self.study,
            "status": self.status.as_str(),
            "modality": self.modality,
            "service_level": self.service_level.as_str(),
            "user_id": self.user,
            "is_read": is_read,
            "created_at": self.created_at.to_string(),
            "updated_at": self.updated_at.to_string(),
        });
        let mut also = |name: &str, value: Option<String>| {
            if let (Some(value), Some(body)) = (value, body.as_object_mut()) {
                body.insert(name.into(), value.into());
            }
        };
        also("upload_id", self.upload.map(|id| id.to_string()));
        also("patient_name", self.patient_name.clone());
        also("study_description", self.study_description.clone());
        also("radiologist_name", self.radiologist_name.clone());
        also("report_text", self.text.clone());
        also("report_url", (self.status == ReportStatus::Ready).then(|| format!("/api/v1/reports/{}/download", self.id)));
        body
    }
}
