//! What survives: everything the box has acknowledged, until it is proven elsewhere.
//!
//! Bytes go into a segment log ([`Writer`]) whose group commits make them durable; the facts about them go on into a catalogue from which
//! the outbox hands out work ([`Buffer::claim`]) and questions are answered. The log is the truth, the catalogue can be built anew from it.
//!
//! This crate knows neither DICOM's wire nor HTTP, nor who the destinations are beyond their names.

mod backup;
mod buffer;
mod catalogue;
mod entry;
mod error;
mod hurt;
mod indexer;
mod metrics;
mod migrate;
mod operations;
mod outbox;
mod parts;
mod query;
mod reader;
mod reclaim;
mod recovery;
mod scrub;
mod segment;
mod threads;
mod upkeep;
mod verify;
mod watermarks;
mod writer;

pub use backup::{BackupError, restore};
pub use buffer::{Buffer, Damage, Health, Options, Recovery, Refused};
pub use entry::PartKey;
pub use error::{CatalogueError, OpenError};
pub use metrics::Metrics;
pub use migrate::{Migrated, NEWEST_SCHEMA, migrate};
pub use outbox::{Claim, ClaimLimits, ClaimedInstance};
pub use parts::{ComposeError, StoredInstance, StoredPart};
pub use query::{InstanceDetail, LedgerEntry, LedgerPage, Queue, SeriesDetail, Study, StudyDelivery, StudyDetail, StudyPage, StudyQuery};
pub use reader::{Pieces, PiecesFile, ReadError, Reader};
pub use scrub::ScrubReport;
pub use verify::{Difference, VerifyReport, verify};
pub use watermarks::Usage;
pub use writer::{NewObject, PartTicket, Placed, WriteError, Writer};
