//! What survives: everything the box has acknowledged, until it is proven elsewhere.

mod api;
mod backup;
mod catalogue;
mod entry;
mod migrate;
mod operations;
mod outbox;
mod query;
mod scrub;
mod segment;
mod watermarks;
pub use api::*;
pub use backup::BackupError;
pub use outbox::{Claim, ClaimLimits, ClaimedInstance};
pub use query::{
    InstanceDetail, LedgerEntry, LedgerPage, Queue, SeriesDetail, Study, StudyDelivery, StudyDetail, StudyPage, StudyQuery,
};
pub use scrub::ScrubReport;
pub use watermarks::Usage;
