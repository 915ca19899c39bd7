//! What is shown of uploads.

use std::collections::BTreeSet;

use relaypacs_domain::{DeliveryState, Principal, Timestamp, Uid, UploadId, UserId};

use super::{
    Outcome, Patient, UploadError, Uploads,
    active::{Active, Phase},
    row::{self, RowState, UploadRow},
};

/// How the completion of an upload answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// It is over.
    Done(Box<Outcome>),
    /// It goes on; [`Uploads::status`] tells when it is over.
    Processing,
}

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UploadState {
    /// Nothing has come yet.
    Pending,
    /// Chunks come.
    Uploading,
    /// It is being completed.
    Processing,
    /// Something of it was taken over.
    Complete,
    /// Nothing of it was.
    Failed,
    /// Nobody went on with it.
    Expired,
}

impl UploadState {
    /// The name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Uploading => "uploading",
            Self::Processing => "processing",
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }
}

/// How far what an upload brought is on its way to the destinations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PacsStatus {
    /// It waits for its turn.
    Queued,
    /// It is being sent.
    Forwarding,
    /// All of it is proven at every destination.
    Delivered,
    /// A destination did not take it yet; it is tried again.
    Retrying,
    /// Somebody must look: it is held, or was given up.
    Failed,
}

impl PacsStatus {
    /// The name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Forwarding => "forwarding",
            Self::Delivered => "delivered",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
        }
    }
}

/// How far an upload is, file by file.
#[derive(Debug, Clone)]
pub struct UploadStatus {
    /// Its name.
    pub upload: UploadId,
    /// How far.
    pub state: UploadState,
    /// 0 to 100.
    pub progress_percent: u8,
    /// Bytes of stored chunks.
    pub uploaded_bytes: u64,
    /// Bytes announced.
    pub total_bytes: u64,
    /// Chunks stored.
    pub chunks_received: u64,
    /// Chunks in all, where the files were announced.
    pub chunks_total: Option<u64>,
    /// How far it is on its way, once it is complete.
    pub pacs_status: PacsStatus,
    /// What the PACS, or the ledger, calls it, once all is delivered.
    pub pacs_receipt_id: Option<String>,
    /// The studies it brought.
    pub studies: Vec<Uid>,
    /// Its files, in their order.
    pub files: Vec<FileProgress>,
    /// What became of it, once that is known.
    pub outcome: Option<Outcome>,
}

/// How far a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProgress {
    /// Its name in the upload.
    pub id: String,
    /// Chunks that are there.
    pub received_chunks: Vec<u32>,
    /// Nothing of it is missing.
    pub complete: bool,
    /// Its length, where it was announced.
    pub bytes: Option<u64>,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// An upload in a list.
#[derive(Debug, Clone)]
pub struct UploadSummary {
    /// Its name.
    pub upload: UploadId,
    /// How far.
    pub state: UploadState,
    /// How far it is on its way.
    pub pacs_status: PacsStatus,
    /// About the study.
    pub patient: Patient,
    /// Files announced.
    pub total_files: u32,
    /// Bytes announced.
    pub total_bytes: u64,
    /// 0 to 100.
    pub progress_percent: u8,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was completed.
    pub completed_at: Option<Timestamp>,
    /// Whose it is.
    pub username: String,
}

/// A page of uploads.
#[derive(Debug, Clone)]
pub struct UploadList {
    /// Newest first.
    pub uploads: Vec<UploadSummary>,
    /// How many there are.
    pub total: u64,
}

/// Most uploads on a page.
const MOST: usize = 500;

impl Uploads {
    /// How far an upload is. `unfinished_only`: of the files, those that are not whole.
    pub async fn status(&self, upload: UploadId, unfinished_only: bool) -> Result<UploadStatus, UploadError> {
        let row = self.inner.store.read(move |tx| row::load(tx, upload)).await?.ok_or(UploadError::Unknown)?;
        let mut status = if row.state.is_open() {
            let active = self.active(upload).await?;
            self.status_under_way(&active)
        } else {
            self.status_over(upload, &row).await?
        };
        if unfinished_only {
            status.files.retain(|file| !file.complete || file.error.is_some());
        }
        Ok(status)
    }

    fn status_under_way(&self, active: &Active) -> UploadStatus {
        let (chunks_received, chunks_total) = active.chunk_counts();
        let (uploaded_bytes, phase) = {
            let state = active.state();
            (state.stored_bytes, state.phase)
        };
        let files = active.files().into_iter().map(|file| FileProgress {
            id: file.id,
            received_chunks: file.received,
            complete: file.complete,
            bytes: file.bytes,
            error: None,
        });
        UploadStatus {
            upload: active.upload,
            state: state_of(active.row.state, phase, uploaded_bytes),
            progress_percent: percent(uploaded_bytes, active.row.total_bytes),
            uploaded_bytes,
            total_bytes: active.row.total_bytes,
            chunks_received,
            chunks_total,
            pacs_status: PacsStatus::Queued,
            pacs_receipt_id: None,
            studies: Vec::new(),
            files: files.collect(),
            outcome: None,
        }
    }

    async fn status_over(&self, upload: UploadId, row: &UploadRow) -> Result<UploadStatus, UploadError> {
        let outcome = self.inner.store.read(move |tx| row::outcome(tx, upload)).await?;
        let studies = outcome.as_ref().map(|outcome| outcome.studies.clone()).unwrap_or_default();
        let (pacs_status, pacs_receipt_id) = self.delivery(&studies)?;
        let state = state_of(row.state, Phase::Finished, row.total_bytes);
        let is_over = matches!(state, UploadState::Complete | UploadState::Failed);
        let all = if is_over { row.total_bytes } else { 0 };
        let files = outcome.iter().flat_map(|outcome| &outcome.files).map(|file| FileProgress {
            id: file.id.clone(),
            received_chunks: Vec::new(),
            complete: true,
            bytes: None,
            error: file.error.clone(),
        });
        Ok(UploadStatus {
            upload,
            state,
            progress_percent: percent(all, row.total_bytes),
            uploaded_bytes: all,
            total_bytes: row.total_bytes,
            chunks_received: 0,
            chunks_total: None,
            pacs_status: if state == UploadState::Complete { pacs_status } else { PacsStatus::Failed },
            pacs_receipt_id,
            studies,
            files: files.collect(),
            outcome,
        })
    }

    /// How far studies are on their way, and what the receipt says once all are delivered.
    pub(super) fn delivery(&self, studies: &[Uid]) -> Result<(PacsStatus, Option<String>), UploadError> {
        let mut statuses = BTreeSet::new();
        for study in studies {
            statuses.extend(self.study_delivery(study)?);
        }
        let worst = [PacsStatus::Failed, PacsStatus::Retrying, PacsStatus::Forwarding, PacsStatus::Queued, PacsStatus::Delivered];
        let status = worst.into_iter().find(|status| statuses.contains(status)).unwrap_or(PacsStatus::Queued);
        let receipt = match studies.first() {
            Some(first) if status == PacsStatus::Delivered => self.receipt(first)?,
            _ => None,
        };
        Ok((status, receipt))
    }

    fn study_delivery(&self, study: &Uid) -> Result<Vec<PacsStatus>, UploadError> {
        let Some(study) = self.inner.buffer.study_in_short(study)? else {
            // It has left the buffer, which only what is settled does.
            let ledger = self.inner.buffer.ledger(study, None, 1000)?;
            let given_up = ledger.iter().flat_map(|page| &page.entries).flat_map(|entry| &entry.deliveries);
            let given_up = given_up.filter(|(_, delivery)| matches!(delivery.state, DeliveryState::GivenUp)).count() > 0;
            return Ok(vec![if given_up { PacsStatus::Failed } else { PacsStatus::Delivered }]);
        };
        Ok(study
            .deliveries
            .iter()
            .map(|delivery| match delivery.state {
                "delivered" => PacsStatus::Delivered,
                "forwarding" => PacsStatus::Forwarding,
                "retrying" => PacsStatus::Retrying,
                "held" | "given_up" => PacsStatus::Failed,
                _ => PacsStatus::Queued,
            })
            .collect())
    }

    /// Where the first destination says the study is, else what the ledger calls it.
    fn receipt(&self, study: &Uid) -> Result<Option<String>, UploadError> {
        let Some(page) = self.inner.buffer.ledger(study, None, 1)? else { return Ok(None) };
        let Some(entry) = page.entries.first() else { return Ok(None) };
        let url = entry.deliveries.first().and_then(|(_, delivery)| match &delivery.state {
            DeliveryState::Delivered(proof) => proof.retrieve_url.as_deref().map(|url| study_url(url, study).to_owned()),
            DeliveryState::Queued | DeliveryState::Retrying(_) | DeliveryState::Held(..) | DeliveryState::GivenUp => None,
        });
        Ok(Some(url.unwrap_or_else(|| format!("relaypacs:{study}"))))
    }

    /// A page of uploads, newest first: one's own, or everybody's for who may see them.
    pub async fn list(&self, who: &Principal, state: Option<UploadState>, offset: usize, limit: usize) -> Result<UploadList, UploadError> {
        let owner = (!who.role.may(relaypacs_domain::Action::SeeAllUploads)).then_some(who.user);
        self.list_of(owner, state, offset, limit).await
    }

    /// A page of somebody's own uploads, newest first, whatever they may see beside them.
    pub async fn list_own(&self, user: UserId, offset: usize, limit: usize) -> Result<UploadList, UploadError> {
        self.list_of(Some(user), None, offset, limit).await
    }

    async fn list_of(
        &self,
        owner: Option<UserId>,
        state: Option<UploadState>,
        offset: usize,
        limit: usize,
    ) -> Result<UploadList, UploadError> {
        let wanted = move |row: &UploadRow| match state {
            None => true,
            // Which of the two it is, memory and buffer know; both are looked at.
            Some(UploadState::Pending | UploadState::Uploading) => row.state == RowState::Open,
            Some(UploadState::Processing) => row.state == RowState::Processing,
            Some(UploadState::Complete) => row.state == RowState::Complete,
            Some(UploadState::Failed) => row.state == RowState::Failed,
            Some(UploadState::Expired) => row.state == RowState::Expired,
        };
        let read = move |tx: &redb::ReadTransaction| row::page(tx, owner, offset, limit.clamp(1, MOST), wanted, state.is_none());
        let (rows, total) = self.inner.store.read(read).await?;
        let mut uploads = Vec::with_capacity(rows.len());
        for (upload, row) in rows {
            uploads.push(self.summary(upload, row).await?);
        }
        if let Some(state) = state {
            uploads.retain(|upload| upload.state == state);
        }
        Ok(UploadList { uploads, total })
    }

    async fn summary(&self, upload: UploadId, row: UploadRow) -> Result<UploadSummary, UploadError> {
        let (state, stored, pacs_status) = if row.state.is_open() {
            let active = self.active(upload).await?;
            let (stored, phase) = {
                let state = active.state();
                (state.stored_bytes, state.phase)
            };
            (state_of(row.state, phase, stored), stored, PacsStatus::Queued)
        } else {
            let studies = self.studies(upload).await?;
            let state = state_of(row.state, Phase::Finished, row.total_bytes);
            let is_over = matches!(state, UploadState::Complete | UploadState::Failed);
            let pacs_status = if state == UploadState::Complete { self.delivery(&studies)?.0 } else { PacsStatus::Failed };
            (state, if is_over { row.total_bytes } else { 0 }, pacs_status)
        };
        Ok(UploadSummary {
            upload,
            state,
            pacs_status,
            progress_percent: percent(stored, row.total_bytes),
            patient: row.patient,
            total_files: row.total_files,
            total_bytes: row.total_bytes,
            created_at: row.created_at,
            completed_at: row.completed_at,
            username: row.username,
        })
    }
}

fn state_of(row: RowState, phase: Phase, stored: u64) -> UploadState {
    match (row, phase) {
        (RowState::Complete, _) => UploadState::Complete,
        (RowState::Failed, _) => UploadState::Failed,
        (RowState::Expired, _) | (_, Phase::Expired) => UploadState::Expired,
        (RowState::Processing, _) | (_, Phase::Completing | Phase::Finished) => UploadState::Processing,
        (RowState::Open, Phase::Open | Phase::Deleted) if stored == 0 => UploadState::Pending,
        (RowState::Open, Phase::Open | Phase::Deleted) => UploadState::Uploading,
    }
}

fn percent(part: u64, whole: u64) -> u8 {
    (u128::from(part) * 100 / u128::from(whole.max(1))).min(100) as u8
}

/// The study's RetrieveURL: destinations name that of an instance (PS3.18 §10.5.3), which begins with it.
fn study_url<'a>(url: &'a str, study: &Uid) -> &'a str {
    let place = format!("/studies/{study}/");
    url.find(&place).map_or(url, |at| &url[..at + place.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_the_study_s_place_at_the_pacs() {
        let study: Uid = "1.2.3".parse().unwrap();
        let at_pacs = "http://pacs/rs/studies/1.2.3";
        for url in [at_pacs.to_owned(), format!("{at_pacs}/series/1.2.3.4/instances/1.2.3.4.5")] {
            assert_eq!(study_url(&url, &study), at_pacs);
        }
        let odd = "http://pacs/rs/studies/1.2.33/series/1";
        assert_eq!(study_url(odd, &study), odd);
    }
}
