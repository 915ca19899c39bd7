//! What is kept of uploads in `clinic.redb`.

use std::{collections::HashSet, net::IpAddr, time::Duration};

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, TableError, WriteTransaction};
use relaypacs_domain::{Principal, Timestamp, Uid, UploadId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{FileDeclaration, Outcome, PacsStatus, Patient, UploadError, request::Checked};
use crate::{
    StoreError,
    store::{decode, encode},
};

/// Upload → [`UploadRow`]. The keys sort by when uploads began.
const UPLOADS: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("uploads");
/// Upload → the files that were announced.
const FILES: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("upload_files");
/// Upload → [`Outcome`].
const OUTCOMES: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("upload_outcomes");
/// (Owner, upload).
const OWNERS: TableDefinition<'static, (u128, u128), ()> = TableDefinition::new("upload_owners");
/// Uploads that are open or being completed → the state's number.
const UNFINISHED: TableDefinition<'static, u128, u8> = TableDefinition::new("upload_unfinished");
/// (Upload, Study Instance UID), of completed uploads.
const STUDIES: TableDefinition<'static, (u128, &str), ()> = TableDefinition::new("upload_studies");
/// Upload → how its delivery stood when people were told last.
const TOLD: TableDefinition<'static, u128, u8> = TableDefinition::new("upload_told");
/// (Study Instance UID, upload).
const STUDY_UPLOADS: TableDefinition<'static, (&str, u128), u128> = TableDefinition::new("study_uploads");

/// An upload as it was announced, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UploadRow {
    pub(super) owner: UserId,
    pub(super) username: String,
    pub(super) address: Option<IpAddr>,
    pub(super) patient: Patient,
    pub(super) study_key: [u8; 32],
    pub(super) total_files: u32,
    pub(super) total_bytes: u64,
    pub(super) clinical_history: Option<String>,
    /// The files were announced.
    pub(super) declared: bool,
    pub(super) chunk_size: u32,
    pub(super) created_at: Timestamp,
    /// The box's running time then.
    pub(super) created: Duration,
    pub(super) state: RowState,
    pub(super) completed_at: Option<Timestamp>,
}

/// How far an upload is, as far as that is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum RowState {
    /// Takes chunks.
    Open,
    /// Being completed; goes on after a restart.
    Processing,
    /// Something of it was taken over.
    Complete,
    /// Nothing of it was.
    Failed,
    /// Nobody went on with it.
    Expired,
}

impl RowState {
    /// Whether its parts are still in the buffer.
    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Processing)
    }
}

impl UploadRow {
    pub(super) fn new(checked: &Checked, who: &Principal, address: Option<IpAddr>, now: Timestamp, running: Duration) -> Self {
        Self {
            owner: who.user,
            username: who.username.clone(),
            address,
            patient: checked.patient.clone(),
            study_key: checked.study_key,
            total_files: checked.total_files,
            total_bytes: checked.total_bytes,
            clinical_history: checked.clinical_history.clone(),
            declared: checked.files.is_some(),
            chunk_size: checked.chunk_size,
            created_at: now,
            created: running,
            state: RowState::Open,
            completed_at: None,
        }
    }
}

type Done<T = ()> = Result<T, UploadError>;

fn failed(error: impl Into<redb::Error>) -> UploadError {
    StoreError::failed(error).into()
}

/// A table of a snapshot; `None`: nothing was ever written to it.
fn open<K: redb::Key, V: redb::Value>(
    tx: &ReadTransaction,
    table: TableDefinition<'static, K, V>,
) -> Done<Option<redb::ReadOnlyTable<K, V>>> {
    match tx.open_table(table) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// Adds an upload.
pub(super) fn insert_in(tx: &WriteTransaction, upload: UploadId, row: &UploadRow, files: Option<&Vec<FileDeclaration>>) -> Done {
    let key = upload.0.as_u128();
    tx.open_table(UPLOADS).map_err(failed)?.insert(key, encode("uploads", row)?.as_slice()).map_err(failed)?;
    tx.open_table(OWNERS).map_err(failed)?.insert((row.owner.0.as_u128(), key), ()).map_err(failed)?;
    tx.open_table(UNFINISHED).map_err(failed)?.insert(key, row.state as u8).map_err(failed)?;
    if let Some(files) = files {
        tx.open_table(FILES).map_err(failed)?.insert(key, encode("upload_files", files)?.as_slice()).map_err(failed)?;
    }
    Ok(())
}

/// How many uploads of an owner are open or being completed; counted up to `most`.
pub(super) fn unfinished_of_in(tx: &WriteTransaction, owner: UserId, most: u64) -> Done<u64> {
    let (unfinished, owners) = (tx.open_table(UNFINISHED).map_err(failed)?, tx.open_table(OWNERS).map_err(failed)?);
    if unfinished.len().map_err(failed)? < most {
        return Ok(0); // too few of everybody's
    }
    let mut count = 0;
    for entry in unfinished.iter().map_err(failed)? {
        let upload = entry.map_err(failed)?.0.value();
        count += u64::from(owners.get((owner.0.as_u128(), upload)).map_err(failed)?.is_some());
        if count >= most {
            break;
        }
    }
    Ok(count)
}

/// An upload's row in a transaction.
pub(super) fn load_in(tx: &WriteTransaction, upload: UploadId) -> Done<Option<UploadRow>> {
    let table = tx.open_table(UPLOADS).map_err(failed)?;
    let row = table.get(upload.0.as_u128()).map_err(failed)?;
    Ok(row.map(|row| decode("uploads", row.value())).transpose()?)
}

/// Puts an upload into another state.
pub(super) fn set_state_in(tx: &WriteTransaction, upload: UploadId, state: RowState, at: Option<Timestamp>) -> Done<UploadRow> {
    let mut row = load_in(tx, upload)?.ok_or(UploadError::Unknown)?;
    row.state = state;
    row.completed_at = at.or(row.completed_at);
    let key = upload.0.as_u128();
    tx.open_table(UPLOADS).map_err(failed)?.insert(key, encode("uploads", &row)?.as_slice()).map_err(failed)?;
    let mut unfinished = tx.open_table(UNFINISHED).map_err(failed)?;
    if state.is_open() {
        unfinished.insert(key, state as u8).map_err(failed)?;
    } else {
        unfinished.remove(key).map_err(failed)?;
        tx.open_table(FILES).map_err(failed)?.remove(key).map_err(failed)?;
    }
    Ok(row)
}

/// Notes what became of an upload and which studies it brought.
pub(super) fn finish_in(tx: &WriteTransaction, upload: UploadId, owner: UserId, outcome: &Outcome) -> Done {
    let key = upload.0.as_u128();
    tx.open_table(OUTCOMES).map_err(failed)?.insert(key, encode("upload_outcomes", outcome)?.as_slice()).map_err(failed)?;
    let (mut studies, mut back) = (tx.open_table(STUDIES).map_err(failed)?, tx.open_table(STUDY_UPLOADS).map_err(failed)?);
    for study in &outcome.studies {
        studies.insert((key, study.as_str()), ()).map_err(failed)?;
        back.insert((study.as_str(), key), owner.0.as_u128()).map_err(failed)?;
    }
    Ok(())
}

/// Notes how a delivery stands; answers whether that was noted before.
pub(super) fn swap_told_in(tx: &WriteTransaction, upload: UploadId, status: PacsStatus) -> Done<bool> {
    let mut told = tx.open_table(TOLD).map_err(failed)?;
    let before = told.insert(upload.0.as_u128(), status as u8).map_err(failed)?;
    Ok(before.is_some_and(|before| before.value() == status as u8))
}

/// Takes an upload away that was never completed.
pub(super) fn remove_in(tx: &WriteTransaction, upload: UploadId) -> Done {
    let Some(row) = load_in(tx, upload)? else { return Ok(()) };
    let key = upload.0.as_u128();
    tx.open_table(UPLOADS).map_err(failed)?.remove(key).map_err(failed)?;
    tx.open_table(FILES).map_err(failed)?.remove(key).map_err(failed)?;
    tx.open_table(OWNERS).map_err(failed)?.remove((row.owner.0.as_u128(), key)).map_err(failed)?;
    tx.open_table(UNFINISHED).map_err(failed)?.remove(key).map_err(failed)?;
    Ok(())
}

/// An upload's row.
pub(super) fn load(tx: &ReadTransaction, upload: UploadId) -> Done<Option<UploadRow>> {
    let Some(table) = open(tx, UPLOADS)? else { return Ok(None) };
    let row = table.get(upload.0.as_u128()).map_err(failed)?;
    Ok(row.map(|row| decode("uploads", row.value())).transpose()?)
}

/// The files of an upload that were announced.
pub(super) fn load_files(tx: &ReadTransaction, upload: UploadId) -> Done<Vec<FileDeclaration>> {
    let Some(table) = open(tx, FILES)? else { return Ok(Vec::new()) };
    let row = table.get(upload.0.as_u128()).map_err(failed)?;
    Ok(row.map(|row| decode("upload_files", row.value())).transpose()?.unwrap_or_default())
}

/// What became of an upload.
pub(super) fn outcome(tx: &ReadTransaction, upload: UploadId) -> Done<Option<Outcome>> {
    let Some(table) = open(tx, OUTCOMES)? else { return Ok(None) };
    let row = table.get(upload.0.as_u128()).map_err(failed)?;
    Ok(row.map(|row| decode("upload_outcomes", row.value())).transpose()?)
}

/// The studies of a completed upload.
pub(super) fn studies(tx: &ReadTransaction, upload: UploadId) -> Done<Vec<Uid>> {
    let Some(table) = open(tx, STUDIES)? else { return Ok(Vec::new()) };
    let key = upload.0.as_u128();
    let Some(end) = key.checked_add(1) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in table.range((key, "")..(end, "")).map_err(failed)? {
        found.extend(entry.map_err(failed)?.0.value().1.parse::<Uid>().ok()); // written by us
    }
    Ok(found)
}

/// All studies of an owner's completed uploads.
pub(super) fn studies_of(tx: &ReadTransaction, owner: UserId) -> Done<HashSet<Uid>> {
    let (Some(owners), mut found) = (open(tx, OWNERS)?, HashSet::new()) else { return Ok(HashSet::new()) };
    let owner = owner.0.as_u128();
    for entry in owners.range((owner, 0)..=(owner, u128::MAX)).map_err(failed)? {
        let upload = UploadId(Uuid::from_u128(entry.map_err(failed)?.0.value().1));
        found.extend(studies(tx, upload)?);
    }
    Ok(found)
}

/// The uploads that brought a study, and their owners.
pub(super) fn of_study(tx: &ReadTransaction, study: &Uid) -> Done<Vec<(UploadId, UserId)>> {
    let Some(table) = open(tx, STUDY_UPLOADS)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in table.range((study.as_str(), 0)..=(study.as_str(), u128::MAX)).map_err(failed)? {
        let (key, owner) = entry.map_err(failed)?;
        found.push((UploadId(Uuid::from_u128(key.value().1)), UserId(Uuid::from_u128(owner.value()))));
    }
    Ok(found)
}

/// Uploads that are open or being completed.
pub(super) fn unfinished(tx: &ReadTransaction) -> Done<Vec<(UploadId, bool)>> {
    let Some(table) = open(tx, UNFINISHED)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in table.iter().map_err(failed)? {
        let (key, state) = entry.map_err(failed)?;
        found.push((UploadId(Uuid::from_u128(key.value())), state.value() == RowState::Processing as u8));
    }
    Ok(found)
}

/// A page of uploads, newest first, and how many there are: an owner's, or all. `wanted` decides which count.
pub(super) fn page(
    tx: &ReadTransaction,
    owner: Option<UserId>,
    offset: usize,
    limit: usize,
    wanted: impl Fn(&UploadRow) -> bool,
    all_wanted: bool,
) -> Done<(Vec<(UploadId, UploadRow)>, u64)> {
    let (Some(uploads), Some(owners)) = (open(tx, UPLOADS)?, open(tx, OWNERS)?) else { return Ok((Vec::new(), 0)) };
    let mut keys: Box<dyn Iterator<Item = Done<u128>>> = match owner {
        Some(owner) => {
            let owner = owner.0.as_u128();
            let range = owners.range((owner, 0)..=(owner, u128::MAX)).map_err(failed)?.rev();
            Box::new(range.map(|entry| entry.map(|(key, _)| key.value().1).map_err(failed)))
        }
        None => Box::new(uploads.iter().map_err(failed)?.rev().map(|entry| entry.map(|(key, _)| key.value()).map_err(failed))),
    };
    let (mut found, mut total) = (Vec::new(), 0_u64);
    // All of everybody's are as many as there are rows: with a million of them, counting would be felt.
    let known_total = if all_wanted && owner.is_none() { Some(uploads.len().map_err(failed)?) } else { None };
    for key in &mut keys {
        let key = key?;
        if known_total.is_some() && found.len() == limit {
            break;
        }
        let is_on_page = |total: u64| total >= offset as u64 && found.len() < limit;
        if all_wanted && !is_on_page(total) {
            total += 1; // counted without being read
            continue;
        }
        let Some(row) = uploads.get(key).map_err(failed)? else { continue };
        let row: UploadRow = decode("uploads", row.value())?;
        if wanted(&row) {
            if is_on_page(total) {
                found.push((UploadId(Uuid::from_u128(key)), row));
            }
            total += 1;
        }
    }
    Ok((found, known_total.unwrap_or(total)))
}
