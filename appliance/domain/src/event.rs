//! What happened, for notifications, live views, statistics and audit.

use serde::{Deserialize, Serialize};

use crate::{AeTitle, DestinationName, HeldReason, Timestamp, Uid};

/// One thing that happened, in the order in which it became durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the sequence of events, from 1, without gaps.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
}

/// What happened. No patient data: a study is named by its UID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The first instance of a study arrived.
    StudyArriving {
        /// The study.
        study: Uid,
    },
    /// No more instances of a study are expected.
    StudyComplete {
        /// The study.
        study: Uid,
        /// How many instances it has.
        instances: u64,
        /// Their data sets' bytes in all.
        bytes: u64,
    },
    /// All instances of a study are proven at a destination.
    StudyDelivered {
        /// The study.
        study: Uid,
        /// The destination.
        destination: DestinationName,
    },
    /// An instance of a study is held.
    StudyHeld {
        /// The study; `None` for an instance whose study could not be read.
        study: Option<Uid>,
        /// The destination, where it is about one.
        destination: Option<DestinationName>,
        /// Why.
        reason: HeldReason,
    },
    /// Another object with other bytes came under a known SOP Instance UID.
    OtherVersion {
        /// The SOP Instance UID.
        sop_instance: Uid,
    },
    /// A modality sent a delivered instance again; it is queued again.
    SentAgain {
        /// The SOP Instance UID.
        sop_instance: Uid,
        /// Who sent it, where it has a title.
        calling_ae: Option<AeTitle>,
    },
    /// Bytes that had been acknowledged can no longer be read.
    Damaged {
        /// The SOP Instance UID, where it is known.
        sop_instance: Option<Uid>,
    },
    /// Somebody gave a study up for a destination.
    GivenUp {
        /// The study.
        study: Uid,
        /// The destination.
        destination: DestinationName,
    },
    /// The buffer passed its low mark.
    DiskLow,
    /// The buffer refuses new objects.
    DiskFull,
    /// The buffer is below its low mark again.
    DiskRecovered,
    /// A destination stopped answering, or paused itself.
    DestinationDown {
        /// The destination.
        destination: DestinationName,
    },
    /// A destination answers again.
    DestinationUp {
        /// The destination.
        destination: DestinationName,
    },
}
