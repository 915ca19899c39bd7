//! The other side as the services of people see it: whom the box sends to, and what others have put there. The forwarder knows; this crate
//! does not know the forwarder, so the box hands this over.

use futures_util::future::BoxFuture;
use relaypacs_domain::{DestinationName, Failure, Uid};

/// What there is at the destinations.
pub trait Pacs: Send + Sync {
    /// Objects of these SOP classes in a study, at every destination that can be asked, and which could not be asked.
    fn documents<'a>(&'a self, study: &'a Uid, classes: &'a [Uid]) -> BoxFuture<'a, PacsAnswer>;
    /// One of them as a Part-10 file; `None`: it is not given out, or has more than `most_bytes`.
    fn fetch<'a>(&'a self, document: &'a PacsDocument, most_bytes: u64) -> BoxFuture<'a, Result<Option<Vec<u8>>, Failure>>;
    /// Every destination and whether it is down.
    fn destinations(&self) -> Vec<DestinationState>;
}

/// What the destinations answered.
#[derive(Debug, Clone, Default)]
pub struct PacsAnswer {
    /// What they have.
    pub documents: Vec<PacsDocument>,
    /// Who did not answer, and why.
    pub failed: Vec<(DestinationName, Failure)>,
}

/// An object at a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacsDocument {
    /// Where it is.
    pub destination: DestinationName,
    /// Its study.
    pub study: Uid,
    /// Its series.
    pub series: Uid,
    /// Its SOP class.
    pub sop_class: Uid,
    /// Its SOP Instance UID.
    pub sop_instance: Uid,
}

/// How a destination is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationState {
    /// Its name.
    pub name: DestinationName,
    /// It cannot be reached, fails or refuses the box.
    pub down: bool,
}
