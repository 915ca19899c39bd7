//! Limits and names of the SCP, and whom it knows.

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use relaypacs_domain::{AeTitle, ServiceLevel};

/// Limits and names of the SCP (PS3.8).
#[derive(Debug, Clone)]
pub struct ScpOptions {
    /// The title a peer must call.
    pub ae_title: AeTitle,
    /// Open associations in all; one more is rejected (2,3,2).
    pub max_associations: usize,
    /// Open associations of one calling AE title and address; one more is rejected (2,3,2).
    pub max_associations_per_peer: usize,
    /// Sockets without an association; when there are more, the oldest of the address with most is closed.
    pub max_unassociated: usize,
    /// Longest silence inside an association.
    pub idle_timeout: Duration,
    /// From TCP accept to the end of the handshake, and for the peer to close after a reject, a release or an abort (PS3.8 §9.1.5).
    pub artim: Duration,
    /// Largest P-DATA-TF we offer to receive, in bytes (PS3.8 D.1).
    pub max_pdu: u32,
    /// Who is known; may change while the SCP runs.
    pub modalities: KnownModalities,
}

impl ScpOptions {
    /// Smallest [`ScpOptions::max_pdu`] that is offered, in bytes: less is raised to it.
    pub const MIN_MAX_PDU: u32 = 4 << 10;

    /// What is offered: 0 would mean "unlimited" and is raised, too.
    pub(crate) fn offered_max_pdu(&self) -> u32 {
        self.max_pdu.max(Self::MIN_MAX_PDU)
    }
}

/// The modalities that are known. None: every calling AE may send. Else only these, each with its own settings. Cheap to clone; all clones are
/// one list.
#[derive(Debug, Clone, Default)]
pub struct KnownModalities(Arc<RwLock<Arc<[Modality]>>>);

impl KnownModalities {
    /// A list of these.
    pub fn new(modalities: impl IntoIterator<Item = Modality>) -> Self {
        Self(Arc::new(RwLock::new(modalities.into_iter().collect())))
    }

    /// Replaces the list; holds for associations that are asked for from now on.
    pub fn set(&self, modalities: impl IntoIterator<Item = Modality>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = modalities.into_iter().collect();
    }

    /// The list of this moment.
    pub fn all(&self) -> Arc<[Modality]> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl From<Vec<Modality>> for KnownModalities {
    fn from(modalities: Vec<Modality>) -> Self {
        Self::new(modalities)
    }
}

/// A modality that is known.
#[derive(Debug, Clone)]
pub struct Modality {
    /// Its calling AE title.
    pub ae_title: AeTitle,
    /// It must come from this address, where given.
    pub address: Option<IpAddr>,
    /// Service level of what it sends.
    pub service_level: Option<ServiceLevel>,
    /// Instead of [`ScpOptions::max_associations_per_peer`].
    pub max_associations: Option<usize>,
}
