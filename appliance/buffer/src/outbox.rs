//! The outbox: who takes what to which destination, and what people ask of it. Each call is one atomic step.

use std::{fmt, time::Duration};

use relaypacs_domain::{DestinationName, FailureCode, Identity, ObjectId, ServiceLevel, Sha256, Timestamp, Uid, Verdict};
use tokio::sync::watch;

use crate::{
    Buffer, CatalogueError,
    catalogue::Lease,
    entry::{Entry, Note},
};

/// How much one claim may take.
#[derive(Debug, Clone, Copy)]
pub struct ClaimLimits {
    /// Bytes of data sets in all (one larger instance comes alone).
    pub max_bytes: u64,
    /// Instances (at least 1).
    pub max_instances: usize,
    /// Only this service level or more urgent ones (`None`: any): keeps a lane free for urgent studies.
    pub at_least: Option<ServiceLevel>,
}

/// Work handed out to one worker; nobody else gets it until it is settled, given back or dropped.
pub struct Claim {
    /// Where it goes.
    pub destination: DestinationName,
    /// The study all of it belongs to; `None`: one instance whose study could not be read.
    pub study: Option<Uid>,
    /// How urgent it is.
    pub service_level: ServiceLevel,
    /// What is to be delivered; no two share a SOP Instance UID.
    pub items: Vec<ClaimedInstance>,
    #[expect(dead_code, reason = "held for its drop, which gives the work back")]
    pub(crate) lease: Lease,
}

/// One delivery of a claim.
#[derive(Debug, Clone)]
pub struct ClaimedInstance {
    /// The object to read.
    pub object: ObjectId,
    /// Who it is.
    pub identity: Identity,
    /// Length of its data set.
    pub bytes: u64,
    /// Of its data set.
    pub sha256: Sha256,
    /// When the box acknowledged it.
    pub accepted_at: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// The last attempt's failure code, if it failed.
    pub last_failure: Option<FailureCode>,
    /// Time spent waiting for delivery so far (does not jump with the wall clock), for the retry horizon.
    pub pending_for: Duration,
    /// An older object with other bytes has the same SOP Instance UID: needs proof by retrieval.
    pub later_version: bool,
    /// Any other object with the same SOP Instance UID is or was here, older or younger (always so for a later version): what a destination
    /// says about the UID need not be about these bytes.
    pub other_versions: bool,
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("destination", &self.destination)
            .field("study", &self.study)
            .field("service_level", &self.service_level)
            .field("items", &self.items.len())
            .finish_non_exhaustive()
    }
}

impl Buffer {
    /// Claims the next batch for a destination: highest service level first, oldest study first inside it, all of one study, whose next try
    /// has come. Objects that share a SOP Instance UID never come in one batch; unparsed ones come alone. `None`: nothing is due.
    pub fn claim(&self, destination: &DestinationName, most: ClaimLimits) -> Result<Option<Claim>, CatalogueError> {
        self.catalogue().claim(destination, most)
    }

    /// The same, but nothing of these studies (`None`: instances whose study could not be read).
    pub fn claim_other(
        &self,
        destination: &DestinationName,
        most: ClaimLimits,
        than: &[Option<Uid>],
    ) -> Result<Option<Claim>, CatalogueError> {
        self.catalogue().claim_other(destination, most, than)
    }

    /// Claims what has been waiting for `longest` or longer, due or not: at most `most` instances of one study. `None`: nothing has.
    pub fn claim_overdue(&self, destination: &DestinationName, longest: Duration, most: usize) -> Result<Option<Claim>, CatalogueError> {
        self.catalogue().claim_overdue(destination, longest, most)
    }

    /// When the next waiting delivery of a destination is due: zero = now; `None`: nothing waits (claimed ones do not count).
    pub fn next_due(&self, destination: &DestinationName) -> Result<Option<Duration>, CatalogueError> {
        self.catalogue().next_due(destination)
    }

    /// Wakes when work for any destination may have become due by something else than time (commit, retry, priority, routing).
    pub fn work(&self) -> watch::Receiver<u64> {
        self.catalogue().work()
    }

    /// Records how an attempt ended, durably (a `Note` in the log) before it answers. Items of the claim without a verdict go back unchanged.
    pub async fn settle(&self, claim: Claim, verdicts: Vec<(ObjectId, Verdict)>) -> Result<(), CatalogueError> {
        if !verdicts.is_empty() {
            let (at, when) = (self.catalogue().clock().now(), self.catalogue().now());
            let note = Note::Tried { destination: claim.destination.clone(), at, when, verdicts };
            self.log().append(Entry::Note(note)).await?;
        }
        drop(claim);
        Ok(())
    }
}
