//! Bodies of the study routes, with the names of the API contract.

#![expect(clippy::struct_field_names, reason = "the contract names the fields")]

use relaypacs_buffer as buffer;
use relaypacs_domain::{DeliveryState, Flag, HeldReason, Source, SourceKind, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::time::Time;

/// A page of studies, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Studies {
    /// The studies.
    studies: Vec<Study>,
    /// How many match in all.
    total: u64,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A study as lists show it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Study {
    /// (0020,000D); null for an instance whose study could not be read.
    #[schema(required)]
    study_instance_uid: Option<String>,
    /// (0010,0010).
    #[serde(skip_serializing_if = "Option::is_none")]
    patient_name: Option<String>,
    /// (0010,0020).
    #[serde(skip_serializing_if = "Option::is_none")]
    patient_id: Option<String>,
    /// (0008,0020), `YYYYMMDD`; null where the header has none.
    #[schema(required)]
    study_date: Option<String>,
    /// (0008,0050).
    #[serde(skip_serializing_if = "Option::is_none")]
    accession_number: Option<String>,
    /// (0008,0060) of its instances.
    modalities: Vec<String>,
    /// (0008,1030).
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// How it came in.
    source: SourceName,
    /// Who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    calling_ae: Option<String>,
    /// How urgent it is.
    #[schema(value_type = ServiceLevelName)]
    service_level: &'static str,
    /// Its instances in the buffer.
    instances: u64,
    /// Their bytes.
    bytes: u64,
    /// When its first instance arrived.
    received_at: Time,
    /// Whether no more instances are expected.
    complete: bool,
    /// What is unusual about it.
    flags: Vec<FlagName>,
    /// Where it stands on its way to each destination.
    deliveries: Vec<StudyDelivery>,
}

/// A study on its way to one destination.
#[derive(Debug, Serialize, ToSchema)]
struct StudyDelivery {
    /// The destination; null: none takes it.
    #[schema(required)]
    destination: Option<String>,
    /// How far it is.
    #[schema(value_type = DeliveryStateName)]
    state: &'static str,
    /// Instances proven there.
    done: u64,
    /// Instances that go there.
    total: u64,
    /// When the next attempt is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try: Option<Time>,
    /// What went wrong, or why it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<DeliveryError>,
    /// When the last instance was proven there.
    #[serde(skip_serializing_if = "Option::is_none")]
    proven_at: Option<Time>,
}

/// Why a delivery does not go on.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryError {
    /// For programs: the reason why it is held (`refused`), else the failure (`http-503`).
    code: String,
    /// For people.
    detail: String,
    /// What somebody can do about it, where it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    what_to_do: Option<&'static str>,
}

/// A study with its series and instances.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StudyDetail {
    /// The study.
    #[serde(flatten)]
    study: Study,
    /// Its series.
    series: Vec<Series>,
}

/// A series.
#[derive(Debug, Serialize, ToSchema)]
struct Series {
    /// (0020,000E); null where it could not be read.
    #[schema(required)]
    series_instance_uid: Option<String>,
    /// (0008,0060).
    #[schema(required)]
    modality: Option<String>,
    /// (0020,0011).
    #[schema(required)]
    number: Option<i32>,
    /// (0008,103E).
    #[schema(required)]
    description: Option<String>,
    /// Its instances.
    instances: Vec<Instance>,
}

/// An instance.
#[derive(Debug, Serialize, ToSchema)]
struct Instance {
    /// (0008,0018).
    sop_instance_uid: String,
    /// (0020,0013).
    #[schema(required)]
    number: Option<i32>,
    /// (0028,0010).
    #[schema(required)]
    rows: Option<u16>,
    /// (0028,0011).
    #[schema(required)]
    columns: Option<u16>,
    /// (0028,0008).
    #[schema(required)]
    frames: Option<u32>,
    /// SHA-256 of the data set, 64 hex digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    /// What is unusual about it.
    flags: Vec<FlagName>,
}

/// A page of a study's ledger.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ledger {
    /// What became of each instance, in order of arrival.
    entries: Vec<LedgerEntry>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What became of one instance.
#[derive(Debug, Serialize, ToSchema)]
struct LedgerEntry {
    /// (0008,0018).
    sop_instance_uid: String,
    /// SHA-256 of the data set, 64 hex digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    /// Bytes of the data set.
    bytes: u64,
    /// When it was acknowledged.
    accepted_at: Time,
    /// How it came in.
    source: SourceName,
    /// Who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    calling_ae: Option<String>,
    /// What else happened to it, such as `resent by CT1`.
    notes: Vec<String>,
    /// What became of it at each destination.
    deliveries: Vec<LedgerDelivery>,
    /// When its bytes left the buffer.
    #[serde(skip_serializing_if = "Option::is_none")]
    released_at: Option<Time>,
}

/// What became of an instance at one destination.
#[derive(Debug, Serialize, ToSchema)]
struct LedgerDelivery {
    /// The destination.
    destination: String,
    /// How far it is.
    #[schema(value_type = DeliveryStateName)]
    state: &'static str,
    /// How often it was sent or tried to be sent.
    attempts: u32,
    /// When it was last tried.
    #[schema(required)]
    last_sent_at: Option<Time>,
    /// What the destination last said about it.
    #[schema(required)]
    answer: Option<String>,
    /// What kind of proof there is that it arrived; `answer` says what exactly was seen.
    #[schema(required, value_type = Option<ProofKindName>)]
    proof: Option<relaypacs_domain::ProofKind>,
    /// When that was proven.
    #[schema(required)]
    proven_at: Option<Time>,
    /// RetrieveURL (0008,1190) the destination gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    retrieve_url: Option<String>,
}

/// How a study came in.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SourceName {
    /// By C-STORE.
    Dicom,
    /// As an upload.
    Http,
}

/// What is unusual.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum FlagName {
    /// No study UID could be read from the header.
    Unparsed,
    /// Another object with other bytes has the same SOP Instance UID.
    OtherVersion,
    /// Some of its bytes can no longer be read from the disk.
    Damaged,
}

/// How urgent a study is, which is also the order of forwarding.
#[derive(ToSchema)]
#[schema(as = ServiceLevel, rename_all = "lowercase")]
#[expect(dead_code, reason = "stands in the schema only; the values come from the domain")]
pub(crate) enum ServiceLevelName {
    Stat,
    Emergency,
    Routine,
    Subspecialty,
}

/// How far a delivery is.
#[derive(ToSchema)]
#[schema(as = DeliveryState, rename_all = "snake_case")]
#[expect(dead_code, reason = "stands in the schema only; the values come from the buffer")]
pub(crate) enum DeliveryStateName {
    Queued,
    Forwarding,
    Delivered,
    Retrying,
    Held,
    GivenUp,
}

/// Kinds of proof.
#[derive(ToSchema)]
#[schema(as = ProofKind, rename_all = "lowercase")]
#[expect(dead_code, reason = "stands in the schema only; the values come from the domain")]
enum ProofKindName {
    Stow,
    Qido,
    Retrieve,
    File,
    Etag,
}

impl Studies {
    /// A page as seen at `now`.
    pub(super) fn new(page: buffer::StudyPage, now: Timestamp) -> Self {
        Self {
            studies: page.studies.into_iter().map(|study| Study::new(study, now)).collect(),
            total: page.total,
            next_cursor: page.next_cursor,
        }
    }
}

impl Study {
    fn new(study: buffer::Study, now: Timestamp) -> Self {
        Self {
            study_instance_uid: study.study_instance_uid.map(String::from),
            patient_name: study.patient_name,
            patient_id: study.patient_id,
            study_date: study.study_date,
            accession_number: study.accession_number,
            modalities: study.modalities,
            description: study.description,
            source: study.source.into(),
            calling_ae: study.calling_ae.map(String::from),
            service_level: study.service_level.as_str(),
            instances: study.instances,
            bytes: study.bytes,
            received_at: Time(study.received_at),
            complete: study.complete,
            flags: study.flags.into_iter().map(FlagName::from).collect(),
            deliveries: study.deliveries.into_iter().map(|delivery| StudyDelivery::new(delivery, now)).collect(),
        }
    }
}

impl StudyDelivery {
    fn new(delivery: buffer::StudyDelivery, now: Timestamp) -> Self {
        Self {
            destination: delivery.destination.map(String::from),
            state: delivery.state,
            done: delivery.done,
            total: delivery.total,
            next_try: delivery.next_try_in.map(|wait| Time::after(now, wait)),
            error: DeliveryError::new(delivery.held, delivery.failure.as_ref()),
            proven_at: delivery.proven_at.map(Time),
        }
    }
}

impl DeliveryError {
    fn new(held: Option<HeldReason>, failure: Option<&relaypacs_domain::Failure>) -> Option<Self> {
        let told = failure.map(|failure| format!("{}: {}", failure.code.name(), failure.detail));
        match (held, failure) {
            (Some(reason), _) => Some(Self {
                code: reason.as_str().into(),
                detail: told.unwrap_or_else(|| reason.as_str().replace('_', " ")),
                what_to_do: Some(reason.what_to_do()),
            }),
            (None, Some(failure)) => Some(Self { code: failure.code.name(), detail: failure.detail.clone(), what_to_do: None }),
            (None, None) => None,
        }
    }
}

impl StudyDetail {
    /// A study as seen at `now`.
    pub(super) fn new(detail: buffer::StudyDetail, now: Timestamp) -> Self {
        Self { study: Study::new(detail.study, now), series: detail.series.into_iter().map(Series::from).collect() }
    }
}

impl From<buffer::SeriesDetail> for Series {
    fn from(series: buffer::SeriesDetail) -> Self {
        Self {
            series_instance_uid: series.series_instance_uid.map(String::from),
            modality: series.modality,
            number: series.number,
            description: series.description,
            instances: series.instances.into_iter().map(Instance::from).collect(),
        }
    }
}

impl From<buffer::InstanceDetail> for Instance {
    fn from(instance: buffer::InstanceDetail) -> Self {
        Self {
            sop_instance_uid: instance.sop_instance_uid.to_string(),
            number: instance.number,
            rows: instance.rows,
            columns: instance.columns,
            frames: instance.frames,
            sha256: instance.sha256.to_string(),
            flags: instance.flags.into_iter().map(FlagName::from).collect(),
        }
    }
}

impl From<buffer::LedgerPage> for Ledger {
    fn from(page: buffer::LedgerPage) -> Self {
        Self { entries: page.entries.into_iter().map(LedgerEntry::from).collect(), next_cursor: page.next_cursor }
    }
}

impl From<buffer::LedgerEntry> for LedgerEntry {
    fn from(entry: buffer::LedgerEntry) -> Self {
        Self {
            sop_instance_uid: entry.sop_instance_uid.to_string(),
            sha256: entry.sha256.to_string(),
            bytes: entry.bytes,
            accepted_at: Time(entry.accepted_at),
            source: entry.source.kind().into(),
            calling_ae: Source::calling_ae(&entry.source).map(ToString::to_string),
            notes: entry.notes,
            deliveries: entry
                .deliveries
                .into_iter()
                .map(|(destination, delivery)| LedgerDelivery::new(String::from(destination), delivery))
                .collect(),
            released_at: entry.released_at.map(Time),
        }
    }
}

impl LedgerDelivery {
    fn new(destination: String, delivery: relaypacs_domain::Delivery) -> Self {
        let (state, proof) = match delivery.state {
            DeliveryState::Queued => ("queued", None),
            DeliveryState::Retrying(_) => ("retrying", None),
            DeliveryState::Held(..) => ("held", None),
            DeliveryState::Delivered(proof) => ("delivered", Some(proof)),
            DeliveryState::GivenUp => ("given_up", None),
        };
        Self {
            destination,
            state,
            attempts: delivery.attempts,
            last_sent_at: delivery.last_sent_at.map(Time),
            answer: delivery.answer,
            proof: proof.as_ref().map(|proof| proof.kind),
            proven_at: proof.as_ref().map(|proof| Time(proof.at)),
            retrieve_url: proof.and_then(|proof| proof.retrieve_url),
        }
    }
}

impl From<SourceKind> for SourceName {
    fn from(kind: SourceKind) -> Self {
        match kind {
            SourceKind::Dicom => Self::Dicom,
            SourceKind::Http => Self::Http,
        }
    }
}

impl From<Flag> for FlagName {
    fn from(flag: Flag) -> Self {
        match flag {
            Flag::Unparsed => Self::Unparsed,
            Flag::OtherVersion => Self::OtherVersion,
            Flag::Damaged => Self::Damaged,
        }
    }
}
