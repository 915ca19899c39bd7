//! What people ask: studies, their instances, the ledger, the queues, events.

use std::{collections::HashSet, time::Duration};

use relaypacs_domain::{
    AeTitle, Delivery, DestinationName, Event, EventKind, Failure, Flag, HeldReason, ObjectId, ServiceLevel, Sha256, Source, SourceKind,
    Timestamp, Uid,
};
use tokio::sync::watch;

use crate::{
    Buffer, CatalogueError,
    entry::{Entry, Note},
};

/// Which studies to list.
#[derive(Debug, Clone, Default)]
pub struct StudyQuery {
    /// Has an instance of this modality.
    pub modality: Option<String>,
    /// Came by this entrance.
    pub source: Option<SourceKind>,
    /// Is at some destination `queued`, `forwarding`, `delivered`, `retrying`, `held` or `given_up`.
    pub state: Option<String>,
    /// Received then or later.
    pub from: Option<Timestamp>,
    /// Received then or earlier.
    pub to: Option<Timestamp>,
    /// Has this in patient's name or id, accession number or Study Instance UID, upper and lower case being the same.
    pub text: Option<String>,
    /// One of these.
    pub only: Option<HashSet<Uid>>,
    /// At most this many (1–500).
    pub limit: usize,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

/// A page of studies, newest first.
#[derive(Debug, Clone)]
pub struct StudyPage {
    /// The studies.
    pub studies: Vec<Study>,
    /// How many match in all.
    pub total: u64,
    /// Where the next page begins; `None`: this is the last.
    pub next_cursor: Option<String>,
}

/// A study as lists show it. An instance whose study could not be read is listed with `study_instance_uid: None`.
#[derive(Debug, Clone)]
pub struct Study {
    /// (0020,000D).
    pub study_instance_uid: Option<Uid>,
    /// (0010,0010).
    pub patient_name: Option<String>,
    /// (0010,0020).
    pub patient_id: Option<String>,
    /// (0008,0020).
    pub study_date: Option<String>,
    /// (0008,0050).
    pub accession_number: Option<String>,
    /// (0008,0060) of its instances, sorted.
    pub modalities: Vec<String>,
    /// (0008,1030).
    pub description: Option<String>,
    /// By which entrance its first instance came.
    pub source: SourceKind,
    /// Who sent its first instance.
    pub calling_ae: Option<AeTitle>,
    /// How urgent it is.
    pub service_level: ServiceLevel,
    /// Instances received so far.
    pub instances: u64,
    /// Their data sets' bytes.
    pub bytes: u64,
    /// When its first instance was acknowledged.
    pub received_at: Timestamp,
    /// No more instances are expected.
    pub complete: bool,
    /// What is unusual about some of its instances.
    pub flags: Vec<Flag>,
    /// How far it is, by destination.
    pub deliveries: Vec<StudyDelivery>,
}

/// How far a study is at one destination.
#[derive(Debug, Clone)]
pub struct StudyDelivery {
    /// `None`: held for want of a destination.
    pub destination: Option<DestinationName>,
    /// `queued` `forwarding` `delivered` `retrying` `held` `given_up`.
    pub state: &'static str,
    /// Instances proven there.
    pub done: u64,
    /// Instances that go or went there.
    pub total: u64,
    /// When the next try is due, while it is retried.
    pub next_try_in: Option<Duration>,
    /// Why some are held.
    pub held: Option<HeldReason>,
    /// What went wrong last, while something is retried or held.
    pub failure: Option<Failure>,
    /// When the last instance was proven, once all are.
    pub proven_at: Option<Timestamp>,
}

/// A study with its instances in the buffer.
#[derive(Debug, Clone)]
pub struct StudyDetail {
    /// As lists show it.
    pub study: Study,
    /// Its series.
    pub series: Vec<SeriesDetail>,
}

/// A series of a study.
#[derive(Debug, Clone)]
pub struct SeriesDetail {
    /// (0020,000E).
    pub series_instance_uid: Option<Uid>,
    /// (0008,0060).
    pub modality: Option<String>,
    /// (0020,0011).
    pub number: Option<i32>,
    /// (0008,103E).
    pub description: Option<String>,
    /// Its instances, by number.
    pub instances: Vec<InstanceDetail>,
}

/// An instance of a series.
#[derive(Debug, Clone)]
pub struct InstanceDetail {
    /// The box's own number.
    pub object: ObjectId,
    /// (0008,0018) of the command set.
    pub sop_instance_uid: Uid,
    /// (0020,0013).
    pub number: Option<i32>,
    /// (0028,0010).
    pub rows: Option<u16>,
    /// (0028,0011).
    pub columns: Option<u16>,
    /// (0028,0008).
    pub frames: Option<u32>,
    /// Of its data set.
    pub sha256: Sha256,
    /// What is unusual about it.
    pub flags: Vec<Flag>,
}

/// A page of the ledger, in order of arrival.
#[derive(Debug, Clone)]
pub struct LedgerPage {
    /// The instances.
    pub entries: Vec<LedgerEntry>,
    /// Where the next page begins; `None`: this is the last.
    pub next_cursor: Option<String>,
}

/// What the box answers for about one instance.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LedgerEntry {
    /// The box's own number.
    pub object: ObjectId,
    /// Who it is.
    pub sop_instance_uid: Uid,
    /// Of its data set.
    pub sha256: Sha256,
    /// Length of its data set.
    pub bytes: u64,
    /// When it was acknowledged.
    pub accepted_at: Timestamp,
    /// Where it came from.
    pub source: Source,
    /// Told in the ledger when a modality sent it again after all proofs: `resent by <AE>`.
    pub notes: Vec<String>,
    /// How far it is or was, by destination.
    pub deliveries: Vec<(DestinationName, Delivery)>,
    /// When its bytes left the buffer.
    pub released_at: Option<Timestamp>,
}

/// What waits for a destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queue {
    /// Studies with something waiting.
    pub studies: u64,
    /// Waiting instances.
    pub instances: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Age of the oldest waiting object (of the study that has been waiting longest).
    pub oldest: Option<Duration>,
    /// Instances that need somebody.
    pub held_instances: u64,
    /// Studies with such instances.
    pub held_studies: u64,
    /// Waiting instances by service level, in the order of [`ServiceLevel::ALL`].
    pub by_level: [u64; 4],
    /// Age of the oldest waiting object by service level, in the same order.
    pub oldest_by_level: [Option<Duration>; 4],
}

impl Buffer {
    /// Studies in the buffer, newest first.
    pub fn studies(&self, query: &StudyQuery) -> Result<StudyPage, CatalogueError> {
        self.catalogue().studies(query)
    }

    /// Studies with held instances, newest first, at most `limit`. Costs a look per study shown and destination, however much is held.
    pub fn held_studies(&self, limit: usize) -> Result<Vec<Study>, CatalogueError> {
        self.catalogue().held_studies(limit)
    }

    /// A study as lists show it; `None`: none of it is here.
    pub fn study_in_short(&self, study: &Uid) -> Result<Option<Study>, CatalogueError> {
        self.catalogue().study_in_short(study)
    }

    /// A study and its instances in the buffer; `None`: none of it is here.
    pub fn study(&self, study: &Uid) -> Result<Option<StudyDetail>, CatalogueError> {
        self.catalogue().study_detail(study)
    }

    /// The ledger of a study, released objects included, at most `limit` (1–1000) entries; `None`: the box does not know it.
    pub fn ledger(&self, study: &Uid, cursor: Option<&str>, limit: usize) -> Result<Option<LedgerPage>, CatalogueError> {
        self.catalogue().ledger(study, cursor, limit)
    }

    /// What waits for a destination, or is held for it.
    pub fn queue(&self, destination: &DestinationName) -> Result<Queue, CatalogueError> {
        self.catalogue().queue(Some(destination))
    }

    /// All destinations together, and what is held for want of one; an instance that waits for two is counted once.
    pub fn queue_total(&self) -> Result<Queue, CatalogueError> {
        self.catalogue().queue(None)
    }

    /// Events after `since`, at most `limit`.
    pub fn changes(&self, since: u64, limit: usize) -> Result<Vec<Event>, CatalogueError> {
        self.catalogue().changes(since, limit)
    }

    /// The newest event's sequence number, to wait on.
    pub fn newest_event(&self) -> watch::Receiver<u64> {
        self.catalogue().newest_event()
    }

    /// Records an event that did not come from an object (destination up or down, disk marks).
    pub async fn record_event(&self, kind: EventKind) -> Result<(), CatalogueError> {
        let at = self.catalogue().clock().now();
        self.log().append(Entry::Note(Note::Happened { at, kind })).await.map(drop)
    }
}
