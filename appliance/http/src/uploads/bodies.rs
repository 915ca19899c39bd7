//! Bodies of the upload routes, with the names of the API contract.

use std::collections::BTreeMap;

use relaypacs_clinic::uploads::{
    self as clinic, Begun, ChunkReceipt, FileDeclaration, FileStatus, NewUpload, Outcome, Patient, UploadSummary as Summary,
};
use relaypacs_domain::UploadId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::digests;
use crate::{problem::Problem, studies::ServiceLevelName, time::Time};

/// What an upload is to be.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct UploadInitRequest {
    /// About the study.
    study_metadata: StudyMetadata,
    /// How many files come.
    #[schema(minimum = 1, maximum = 10000, example = 1)]
    total_files: u64,
    /// How many bytes they have together.
    #[schema(minimum = 1, example = 527_000)]
    total_size_bytes: u64,
    /// What the radiologist should know; travels with the study as a DICOM object.
    #[schema(max_length = 2000)]
    clinical_history: Option<String>,
    /// The files, where they are known beforehand.
    files: Option<Vec<FileInit>>,
    /// Bytes of every chunk but a file's last (5 MiB if absent).
    #[schema(minimum = 524_288, maximum = 10_485_760)]
    chunk_size: Option<u64>,
    /// Upload a study again that was uploaded within the last 30 days.
    #[serde(default)]
    force_upload: bool,
}

/// What the sender says about the study.
#[derive(Deserialize, ToSchema)]
pub(super) struct StudyMetadata {
    /// The patient's name.
    #[schema(max_length = 194, example = "DOE^JANE")]
    patient_name: String,
    /// The day of the study.
    #[schema(example = "2026-01-15", pattern = "^([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})$")]
    study_date: String,
    /// A DICOM modality; `XR`, `XC`, `MRI` and `PET` are taken for `DX`, `RF`, `MR` and `PT`.
    #[schema(example = "CT")]
    modality: String,
    /// How urgent it is.
    #[schema(value_type = Option<ServiceLevelName>)]
    service_level: Option<String>,
    /// As typed.
    #[schema(value_type = Option<String>)]
    age: Option<TextOrNumber>,
    /// As typed.
    #[schema(max_length = 16)]
    gender: Option<String>,
    /// As typed.
    #[schema(max_length = 256)]
    study_description: Option<String>,
    /// Where it is known.
    study_instance_uid: Option<String>,
}

impl std::fmt::Debug for StudyMetadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StudyMetadata").field("modality", &self.modality).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrNumber {
    Text(String),
    Number(u16),
}

/// A file that comes.
#[derive(Debug, Deserialize, ToSchema)]
struct FileInit {
    /// The upload's own name of it.
    #[schema(example = "1", pattern = "^[A-Za-z0-9._-]{1,64}$")]
    file_id: String,
    /// Its name at the sender's, shown and never used as a path.
    #[schema(example = "DICOM/IM0001.dcm", max_length = 1024)]
    name: String,
    /// Its length in bytes.
    #[schema(example = 527_000)]
    size: u64,
    /// SHA-256 of all its bytes in hex or base64: compared when given.
    sha256: Option<String>,
}

impl UploadInitRequest {
    /// As the service takes it.
    pub(super) fn checked(self) -> Result<NewUpload, Problem> {
        let metadata = self.study_metadata;
        let service_level = match metadata.service_level.as_deref() {
            None | Some("") => relaypacs_domain::ServiceLevel::Routine,
            Some(text) => text.parse().map_err(|error| Problem::invalid("/study_metadata/service_level", format!("{error}")))?,
        };
        let patient = Patient {
            name: metadata.patient_name,
            study_date: metadata.study_date,
            modality: metadata.modality,
            service_level,
            age: metadata.age.map(|age| match age {
                TextOrNumber::Text(text) => text,
                TextOrNumber::Number(number) => number.to_string(),
            }),
            gender: metadata.gender,
            study_description: metadata.study_description,
            study_instance_uid: metadata.study_instance_uid,
        };
        let file = |(number, file): (usize, FileInit)| {
            let sha256 = match file.sha256.as_deref().map(digests::sha256) {
                Some(None) => return Err(Problem::invalid(format!("/files/{number}/sha256"), "a SHA-256 is 32 bytes in hex or base64")),
                Some(known) => known,
                None => None,
            };
            Ok(FileDeclaration { id: file.file_id, name: file.name, bytes: file.size, sha256 })
        };
        let files = self.files.map(|files| files.into_iter().enumerate().map(file).collect::<Result<_, Problem>>()).transpose()?;
        Ok(NewUpload {
            patient,
            total_files: self.total_files,
            total_bytes: self.total_size_bytes,
            clinical_history: self.clinical_history,
            files,
            chunk_size: self.chunk_size,
            force: self.force_upload,
        })
    }
}

/// An upload that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UploadInitResponse {
    /// Its name.
    upload_id: String,
    /// Send it with every chunk as `X-Upload-Token`.
    upload_token: String,
    /// The same.
    session_token: String,
    /// Bytes of every chunk but a file's last.
    chunk_size: u32,
    /// Until when it is kept if no chunk comes.
    expires_at: Time,
    /// What the sender should know.
    #[schema(required)]
    warning: Option<String>,
}

impl UploadInitResponse {
    pub(super) fn new(begun: Begun, token: String) -> Self {
        Self {
            upload_id: begun.upload.to_string(),
            upload_token: token.clone(),
            session_token: token,
            chunk_size: begun.chunk_size,
            expires_at: Time(begun.expires_at),
            warning: begun.warning,
        }
    }
}

/// A token for an upload.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UploadToken {
    /// Good for 24 hours.
    #[schema(example = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ…")]
    pub(super) upload_token: String,
}

/// A chunk that is durable.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChunkUploadResponse {
    /// Its upload.
    upload_id: String,
    /// Its file.
    #[schema(example = "f0001")]
    file_id: String,
    /// Its number.
    #[schema(example = 0)]
    chunk_index: u32,
    /// Its length.
    received_bytes: u64,
    /// `received`, or `exists`: it was there with the same bytes.
    #[schema(value_type = String, pattern = "^(received|exists)$")]
    status: &'static str,
    /// A digest was sent, and it fits.
    checksum_verified: bool,
}

impl From<ChunkReceipt> for ChunkUploadResponse {
    fn from(receipt: ChunkReceipt) -> Self {
        Self {
            upload_id: receipt.upload.to_string(),
            file_id: receipt.file,
            chunk_index: receipt.index,
            received_bytes: receipt.bytes,
            status: if receipt.existed { "exists" } else { "received" },
            checksum_verified: receipt.verified,
        }
    }
}

/// How far an upload is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UploadStatusResponse {
    /// Its name.
    upload_id: String,
    /// How far.
    #[schema(value_type = UploadStateName)]
    state: &'static str,
    /// 0 to 100.
    #[schema(maximum = 100)]
    progress_percent: u8,
    /// Bytes of stored chunks.
    uploaded_bytes: u64,
    /// Bytes announced.
    total_bytes: u64,
    /// Chunks stored.
    chunks_received: u64,
    /// Chunks in all; null where the files were not announced.
    #[schema(required)]
    chunks_total: Option<u64>,
    /// How far it is on its way to the destinations.
    #[schema(value_type = PacsStatusName)]
    pacs_status: &'static str,
    /// What the PACS calls it, once all is delivered.
    #[schema(required)]
    pacs_receipt_id: Option<String>,
    /// The studies it brought, once it is complete.
    study_instance_uids: Vec<String>,
    /// Its files by `file_id`.
    files: BTreeMap<String, FileStatusBody>,
    /// What became of it, once that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<UploadCompleteResponse>,
}

/// How far a file is.
#[derive(Debug, Serialize, ToSchema)]
struct FileStatusBody {
    /// Chunks that are there; of a completed upload none.
    received_chunks: Vec<u32>,
    /// Nothing of it is missing.
    complete: bool,
    /// Its length; null where it was not announced.
    #[schema(required)]
    size: Option<u64>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<clinic::UploadStatus> for UploadStatusResponse {
    fn from(status: clinic::UploadStatus) -> Self {
        let files = status.files.into_iter().map(|file| {
            let body =
                FileStatusBody { received_chunks: file.received_chunks, complete: file.complete, size: file.bytes, error: file.error };
            (file.id, body)
        });
        let receipt = status.pacs_receipt_id.clone();
        Self {
            upload_id: status.upload.to_string(),
            state: status.state.as_str(),
            progress_percent: status.progress_percent,
            uploaded_bytes: status.uploaded_bytes,
            total_bytes: status.total_bytes,
            chunks_received: status.chunks_received,
            chunks_total: status.chunks_total,
            pacs_status: status.pacs_status.as_str(),
            pacs_receipt_id: status.pacs_receipt_id,
            study_instance_uids: status.studies.iter().map(|study| study.as_str().to_owned()).collect(),
            files: files.collect(),
            result: status.outcome.map(|outcome| UploadCompleteResponse::new(status.upload, outcome, receipt)),
        }
    }
}

/// What became of an upload.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UploadCompleteResponse {
    /// `success`, `partial_success` or `failed`.
    #[schema(value_type = String, pattern = "^(success|partial_success|failed)$", example = "success")]
    status: &'static str,
    /// Its name.
    upload_id: String,
    /// The report on its (first) study.
    #[schema(required)]
    report_id: Option<String>,
    /// The reports on all its studies.
    report_ids: Vec<String>,
    /// What the PACS calls it, once all is delivered.
    #[schema(required)]
    pacs_receipt_id: Option<String>,
    /// What the sender should know.
    warnings: Vec<String>,
    /// Files taken over.
    processed_files: u64,
    /// Files that were not, though they should have been.
    failed_files: u64,
    /// File by file; of an archive its entries.
    files: Vec<FileOutcomeBody>,
}

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
struct FileOutcomeBody {
    /// Its name in the upload.
    file_id: String,
    /// Of an archive's entry: its name there.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
    /// `success`, `duplicate`, `not_dicom` or `failed`.
    #[schema(value_type = String, pattern = "^(success|duplicate|not_dicom|failed)$")]
    status: &'static str,
    /// Which instance it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    sop_instance_uid: Option<String>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl UploadCompleteResponse {
    pub(super) fn new(upload: UploadId, outcome: Outcome, pacs_receipt_id: Option<String>) -> Self {
        let count = |wanted: &[FileStatus]| outcome.files.iter().filter(|file| wanted.contains(&file.status)).count() as u64;
        let report_ids: Vec<String> = outcome.reports.iter().map(ToString::to_string).collect();
        Self {
            status: outcome.status.as_str(),
            upload_id: upload.to_string(),
            report_id: report_ids.first().cloned(),
            report_ids,
            pacs_receipt_id,
            processed_files: count(&[FileStatus::Success, FileStatus::Duplicate]),
            failed_files: count(&[FileStatus::Failed]),
            files: outcome
                .files
                .into_iter()
                .map(|file| FileOutcomeBody {
                    file_id: file.id,
                    entry: file.entry,
                    status: file.status.as_str(),
                    sop_instance_uid: file.sop_instance.map(|uid| uid.as_str().to_owned()),
                    error: file.error,
                })
                .collect(),
            warnings: outcome.warnings,
        }
    }
}

/// A completion that goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Processing {
    /// `processing`.
    #[schema(value_type = String, pattern = "^processing$", example = "processing")]
    status: &'static str,
    /// The upload.
    upload_id: String,
}

impl Processing {
    pub(super) fn new(upload: UploadId) -> Self {
        Self { status: "processing", upload_id: upload.to_string() }
    }
}

/// A page of uploads.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UploadList {
    /// Newest first.
    uploads: Vec<UploadSummary>,
    /// How many there are.
    total: u64,
}

impl From<clinic::UploadList> for UploadList {
    fn from(page: clinic::UploadList) -> Self {
        Self { uploads: page.uploads.into_iter().map(Into::into).collect(), total: page.total }
    }
}

/// An upload in a list.
#[derive(Debug, Serialize, ToSchema)]
struct UploadSummary {
    /// Its name.
    upload_id: String,
    /// How far.
    #[schema(value_type = UploadStateName)]
    state: &'static str,
    /// How far it is on its way to the destinations.
    #[schema(value_type = PacsStatusName)]
    pacs_status: &'static str,
    /// As it was typed.
    patient_name: String,
    /// The modality.
    modality: String,
    /// How urgent.
    #[schema(value_type = ServiceLevelName)]
    service_level: &'static str,
    /// Files announced.
    total_files: u32,
    /// Bytes announced.
    total_bytes: u64,
    /// 0 to 100.
    #[schema(maximum = 100)]
    progress_percent: u8,
    /// When it began.
    created_at: Time,
    /// When it was completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<Time>,
    /// Whose it is.
    username: String,
}

impl From<Summary> for UploadSummary {
    fn from(upload: Summary) -> Self {
        Self {
            upload_id: upload.upload.to_string(),
            state: upload.state.as_str(),
            pacs_status: upload.pacs_status.as_str(),
            patient_name: upload.patient.name,
            modality: upload.patient.modality,
            service_level: upload.patient.service_level.as_str(),
            total_files: upload.total_files,
            total_bytes: upload.total_bytes,
            progress_percent: upload.progress_percent,
            created_at: Time(upload.created_at),
            completed_at: upload.completed_at.map(Time),
            username: upload.username,
        }
    }
}

/// How far an upload is.
#[derive(Debug, ToSchema)]
#[schema(as = UploadState, rename_all = "lowercase")]
#[expect(dead_code, reason = "it names the values in the contract")]
pub(super) enum UploadStateName {
    Pending,
    Uploading,
    Processing,
    Complete,
    Failed,
    Expired,
}

/// How far what was uploaded is on its way.
#[derive(Debug, ToSchema)]
#[schema(as = PacsStatus, rename_all = "lowercase")]
#[expect(dead_code, reason = "it names the values in the contract")]
enum PacsStatusName {
    Queued,
    Forwarding,
    Delivered,
    Retrying,
    Failed,
}
