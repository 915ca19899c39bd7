//! What follows from an upload elsewhere: a report for each study, the day's figures, and people who are told.

use std::collections::BTreeMap;

use redb::WriteTransaction;
use relaypacs_domain::{EventKind, HeaderFacts, ReportId, Role, SourceKind, Timestamp, Uid, UploadId};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    Outcome, OutcomeStatus, PacsStatus, UploadError, Uploads,
    active::Active,
    row::{self, UploadRow},
};
use crate::{
    live::{Audience, LiveEvent, LiveKind},
    notifications::{NewNotification, NotificationKind, Notifications},
    reports::{self, NewReport},
    statistics::{self, UploadFact},
};

/// Events read at a time.
const BATCH: usize = 256;
/// Events before the start that are looked at again.
const LOOK_BACK: u64 = 2000;
/// Who sees everybody's uploads.
const ALL_UPLOADS: &[Role] = &[Role::Radiologist, Role::Admin];

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

impl Uploads {
    /// Tells open pages and the owner that an upload has ended.
    pub(super) fn tell(&self, active: &Active, outcome: &Outcome) {
        self.inner.neighbours.reports.poke();
        let (state, status) = match outcome.status {
            OutcomeStatus::Failed => ("failed", PacsStatus::Failed),
            OutcomeStatus::Success | OutcomeStatus::PartialSuccess => ("complete", PacsStatus::Queued),
        };
        self.publish(active.upload, &active.row, state, status, None);
        if outcome.status == OutcomeStatus::Failed {
            let message = "None of its files could be taken over. Open the upload to see why.";
            self.notify(active.upload, &active.row, NotificationKind::UploadFailed, "An upload failed", message, None);
        }
    }

    /// Follows the buffer's events until `stop`, for the sake of [`Self::study_went_on`]. What happened shortly before the start is looked at
    /// again: people are told once all the same.
    pub async fn follow_deliveries(&self, stop: CancellationToken) {
        let mut newest = self.inner.buffer.newest_event();
        let mut since = newest.borrow_and_update().saturating_sub(LOOK_BACK);
        loop {
            let events = match self.inner.buffer.changes(since, BATCH) {
                Ok(events) => events,
                Err(error) => {
                    tracing::warn!(%error, "deliveries of uploads cannot be followed now");
                    Vec::new()
                }
            };
            for event in &events {
                let (EventKind::StudyDelivered { study, .. } | EventKind::StudyHeld { study: Some(study), .. }) = &event.kind else {
                    continue;
                };
                if let Err(error) = self.study_went_on(study).await {
                    tracing::warn!(%study, %error, "the owners of a study's uploads could not be told");
                }
            }
            match events.last() {
                Some(last) => since = last.seq,
                None => match stop.run_until_cancelled(newest.changed()).await {
                    Some(Ok(())) => {}
                    // The buffer closes before its receivers: then there is no news, only the stop.
                    Some(Err(_)) => return stop.cancelled().await,
                    None => return,
                },
            }
        }
    }

    /// A study went on at its destinations: its uploads' owners hear when all is delivered, or when somebody must look.
    pub async fn study_went_on(&self, study: &Uid) -> Result<(), UploadError> {
        for (upload, _) in self.of_study(study.clone()).await? {
            let Some(row) = self.inner.store.read(move |tx| row::load(tx, upload)).await? else { continue };
            let studies = self.studies(upload).await?;
            let (status, receipt) = self.delivery(&studies)?;
            if self.was_told(upload, status).await? {
                continue;
            }
            self.publish(upload, &row, "complete", status, receipt.as_deref());
            match status {
                PacsStatus::Delivered => {
                    let message = "The PACS has taken all of its images.";
                    self.notify(upload, &row, NotificationKind::UploadComplete, "An upload was delivered", message, Some(study));
                }
                PacsStatus::Failed => {
                    let message = "Its images are safe in the box, but cannot be delivered without help. A technician must look.";
                    self.notify(upload, &row, NotificationKind::UploadFailed, "An upload is held", message, Some(study));
                }
                PacsStatus::Queued | PacsStatus::Forwarding | PacsStatus::Retrying => {}
            }
        }
        Ok(())
    }

    /// Whether people know already that it stands so; they do from now on.
    async fn was_told(&self, upload: UploadId, status: PacsStatus) -> Result<bool, UploadError> {
        self.inner.store.write(move |tx| row::swap_told_in(tx, upload, status)).await
    }

    fn publish(&self, upload: UploadId, row: &UploadRow, state: &str, status: PacsStatus, receipt: Option<&str>) {
        let json = json!({
            "upload_id": upload,
            "state": state,
            "progress_percent": 100,
            "uploaded_bytes": row.total_bytes,
            "total_bytes": row.total_bytes,
            "pacs_status": status.as_str(),
            "pacs_receipt_id": receipt,
        });
        let audience = Audience::UserAndRoles(row.owner, ALL_UPLOADS);
        self.inner.neighbours.live.publish(LiveEvent { audience, kind: LiveKind::Upload, json });
    }

    /// Tells the owner. What does not reach the store is said in the log: the status tells it as well.
    fn notify(&self, upload: UploadId, row: &UploadRow, kind: NotificationKind, title: &str, message: &str, study: Option<&Uid>) {
        let new = NewNotification {
            kind,
            title: title.into(),
            message: format!("{}: {message}", row.patient.name),
            upload: Some(upload),
            report: None,
            study: study.cloned(),
            at: self.inner.clock.now(),
        };
        let (uploads, owner) = (self.clone(), row.owner);
        tokio::spawn(async move {
            match uploads.inner.store.write(move |tx| Notifications::add_in(tx, &[owner], &new)).await {
                Ok(added) => uploads.inner.neighbours.notifications.announce(added),
                Err(error) => tracing::warn!(%upload, %error, "the owner of an upload could not be told"),
            }
        });
    }
}
