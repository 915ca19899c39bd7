//! What follows from an upload elsewhere: a report for each study, the day's figures, and people who are told.

use std::collections::BTreeMap;

use redb::WriteTransaction;
use relaypacs_domain::{HeaderFacts, ReportId, Role, SourceKind, Timestamp, Uid, UploadId, UserId};
use serde_json::{Map, Value, json};

use super::{
    FileProgress, Outcome, OutcomeStatus, PacsStatus, UploadError, UploadStatus, Uploads,
    active::Active,
    row::{self, UploadRow},
};
use crate::{
    live::{Audience, LiveEvent, LiveKind},
    notifications::{NewNotification, NotificationKind, Notifications},
    reports::{self, NewReport},
    statistics::{self, UploadFact},
};

/// Who sees everybody's uploads.
const ALL_UPLOADS: &[Role] = &[Role::Radiologist, Role::Admin];

/// Files, and studies, that an event names at most.
const MOST_NAMED: usize = 100;

/// Makes a report for each study.
pub(super) fn assign_in(
    tx: &WriteTransaction,
    upload: UploadId,
    row: &UploadRow,
    studies: &BTreeMap<Uid, HeaderFacts>,
    at: Timestamp,
) -> Result<Vec<ReportId>, UploadError> {
    let assign = |(study, facts): (&Uid, &HeaderFacts)| {
        let new = NewReport {
            upload: Some(upload),
            study: study.clone(),
            user: Some(row.owner),
            patient_name: facts.patient_name.clone().or_else(|| Some(row.patient.name.clone())),
            modality: facts.modality.clone().unwrap_or_else(|| row.patient.modality.clone()),
            study_description: facts.study_description.clone().or_else(|| row.patient.study_description.clone()),
            service_level: row.patient.service_level,
            at,
        };
        Ok(reports::assign_in(tx, &new)?)
    };
    studies.iter().map(assign).collect()
}

/// Counts an upload that ended.
pub(super) fn count_in(tx: &WriteTransaction, row: &UploadRow, outcome: &Outcome) -> Result<(), UploadError> {
    let fact = UploadFact {
        at: outcome.at,
        modality: row.patient.modality.clone(),
        service_level: row.patient.service_level,
        source: SourceKind::Http,
        bytes: row.total_bytes,
        succeeded: outcome.status != OutcomeStatus::Failed,
    };
    Ok(statistics::record_upload_in(tx, &fact)?)
}

/// How an upload stands.
struct Standing {
    state: &'static str,
    status: PacsStatus,
    receipt: Option<String>,
    /// The study on whose account it is told.
    study: Option<Uid>,
}

impl Standing {
    /// What the owner is told for keeps.
    fn letter(&self) -> Option<(NotificationKind, &'static str, &'static str)> {
        match (self.state, self.status) {
            ("failed", _) => {
                let message = "None of its files could be taken over. Open the upload to see why.";
                Some((NotificationKind::UploadFailed, "An upload failed", message))
            }
            (_, PacsStatus::Delivered) => {
                Some((NotificationKind::UploadComplete, "An upload was delivered", "The PACS has taken all of its images."))
            }
            (_, PacsStatus::Failed) => {
                let message = "Its images are safe in the box, but cannot be delivered without help. A technician must look.";
                Some((NotificationKind::UploadFailed, "An upload is held", message))
            }
            (_, PacsStatus::Queued | PacsStatus::Forwarding | PacsStatus::Retrying) => None,
        }
    }
}

impl Uploads {
    /// Tells open pages and the owner that an upload has ended. What cannot be told is said in the log: the status tells it as well.
    pub(super) async fn tell(&self, active: &Active, outcome: &Outcome) {
        self.inner.neighbours.reports.poke();
        let standing = match outcome.status {
            OutcomeStatus::Failed => Ok(Standing { state: "failed", status: PacsStatus::Failed, receipt: None, study: None }),
            // A quick PACS has all of it by now, and its news came when nobody knew yet whose they were.
            OutcomeStatus::Success | OutcomeStatus::PartialSuccess => self.standing(&outcome.studies, None),
        };
        let told = match standing {
            Ok(standing) => self.tell_standing(active.upload, &active.row, standing).await,
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::warn!(upload = %active.upload, %error, "the owner of an upload could not be told");
        }
    }

    /// A study went on at its destinations: its uploads' owners hear when all is delivered, or when somebody must look. They hear it once,
    /// however often this is called.
    pub async fn study_went_on(&self, study: &Uid) -> Result<(), UploadError> {
        for (upload, _) in self.of_study(study.clone()).await? {
            let Some(row) = self.inner.store.read(move |tx| row::load(tx, upload)).await? else { continue };
            let studies = self.studies(upload).await?;
            self.tell_standing(upload, &row, self.standing(&studies, Some(study))?).await?;
        }
        Ok(())
    }

    fn standing(&self, studies: &[Uid], study: Option<&Uid>) -> Result<Standing, UploadError> {
        let (status, receipt) = self.delivery(studies)?;
        Ok(Standing { state: "complete", status, receipt, study: study.or(studies.first()).cloned() })
    }

    /// Tells how an upload stands, unless that was told before.
    async fn tell_standing(&self, upload: UploadId, row: &UploadRow, standing: Standing) -> Result<(), UploadError> {
        let (owner, status) = (row.owner, standing.status);
        let letter = standing.letter().map(|(kind, title, message)| NewNotification {
            kind,
            title: title.into(),
            message: format!("{}: {message}", row.patient.name),
            upload: Some(upload),
            report: None,
            study: standing.study.clone(),
            at: self.inner.clock.now(),
        });
        let noted = self.inner.store.write(move |tx| {
            if row::swap_told_in(tx, upload, status)? {
                return Ok(None);
            }
            let added = letter.as_ref().map(|letter| Notifications::add_in(tx, &[owner], letter)).transpose()?;
            Ok::<_, UploadError>(Some(added.unwrap_or_default()))
        });
        if let Some(added) = noted.await? {
            self.inner.neighbours.notifications.announce(added);
            self.publish(upload, owner, standing).await?;
        }
        Ok(())
    }

    /// Sends open pages the upload's status, with what is told now of its way to the PACS.
    async fn publish(&self, upload: UploadId, owner: UserId, standing: Standing) -> Result<(), UploadError> {
        let status = self.status(upload, false).await?;
        let status = UploadStatus { pacs_status: standing.status, pacs_receipt_id: standing.receipt, ..status };
        let audience = Audience::UserAndRoles(owner, ALL_UPLOADS);
        self.inner.neighbours.live.publish(LiveEvent { audience, kind: LiveKind::Upload, json: body(&status) });
        Ok(())
    }
}

/// The body of `GET /upload/{id}/status` but for its `result`, bounded: of more than [`MOST_NAMED`] files only those with an error are in it,
/// and `files_omitted` (of studies `studies_omitted`) says how many are not.
fn body(status: &UploadStatus) -> Value {
    let is_long = status.files.len() > MOST_NAMED;
    let named = status.files.iter().filter(|file| !is_long || file.error.is_some()).take(MOST_NAMED);
    let files: Map<String, Value> = named.clone().map(|file| (file.id.clone(), file_body(file))).collect();
    let mut json = json!({
        "upload_id": status.upload,
        "state": status.state.as_str(),
        "progress_percent": status.progress_percent,
        "uploaded_bytes": status.uploaded_bytes,
        "total_bytes": status.total_bytes,
        "chunks_received": status.chunks_received,
        "chunks_total": status.chunks_total,
        "pacs_status": status.pacs_status.as_str(),
        "pacs_receipt_id": status.pacs_receipt_id,
        "study_instance_uids": status.studies.iter().take(MOST_NAMED).map(Uid::as_str).collect::<Vec<_>>(),
        "files": files,
    });
    if is_long {
        json["files_omitted"] = (status.files.len() - named.count()).into();
    }
    if status.studies.len() > MOST_NAMED {
        json["studies_omitted"] = (status.studies.len() - MOST_NAMED).into();
    }
    json
}

fn file_body(file: &FileProgress) -> Value {
    let mut json = json!({"received_chunks": file.received_chunks, "complete": file.complete, "size": file.bytes});
    if let Some(error) = &file.error {
        json["error"] = error.as_str().into();
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uploads::UploadState;

    fn status(files: usize, with_error: impl Fn(usize) -> bool, studies: usize) -> UploadStatus {
        let file = |number| FileProgress {
            id: format!("f{number}"),
            received_chunks: Vec::new(),
            complete: true,
            bytes: None,
            error: with_error(number).then(|| "it is no DICOM file".into()),
        };
        UploadStatus {
            upload: UploadId(uuid::Uuid::nil()),
            state: UploadState::Complete,
            progress_percent: 100,
            uploaded_bytes: 7,
            total_bytes: 7,
            chunks_received: 0,
            chunks_total: None,
            pacs_status: PacsStatus::Queued,
            pacs_receipt_id: None,
            studies: (1..=studies).map(|number| format!("1.2.{number}").parse().unwrap()).collect(),
            files: (0..files).map(file).collect(),
            outcome: None,
        }
    }

    #[test]
    fn an_event_stays_short_however_many_files_an_upload_has() {
        let check = |status: UploadStatus, named: usize, files_omitted: Value, studies: usize, studies_omitted: Value| {
            let json = body(&status);
            assert_eq!((json["files"].as_object().unwrap().len(), &json["files_omitted"]), (named, &files_omitted));
            assert_eq!((json["study_instance_uids"].as_array().unwrap().len(), &json["studies_omitted"]), (studies, &studies_omitted));
            json
        };
        check(status(100, |_| false, 100), 100, Value::Null, 100, Value::Null);
        let json = check(status(10_000, |number| number == 9_999, 10_000), 1, 9_999.into(), 100, 9_900.into());
        assert_eq!(json["files"]["f9999"]["error"], "it is no DICOM file");
        check(status(10_000, |_| true, 1), 100, 9_900.into(), 1, Value::Null);
    }
}
