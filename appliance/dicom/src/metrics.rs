//! What the SCP counts (Prometheus, prefix `relaypacs_dicom`), and whom it has seen lately.
//!
//! Label sets are bounded: the first [`MAX_TITLES`] calling AE titles that were accepted get a label of their own, later ones share
//! `other`; a title that was never accepted gets none. No patient data, no addresses.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use relaypacs_domain::{AeTitle, Clock, Timestamp};

/// Calling AE titles with a label of their own.
const MAX_TITLES: usize = 64;
/// Peers that are remembered for [`Metrics::peers`].
const MAX_PEERS: usize = 256;
/// Label of all titles beyond [`MAX_TITLES`] and of those never accepted.
const OTHER: &str = "other";

/// What the SCP has seen lately of one calling AE title: who sends, who was rejected and why. Read by API, panel and CLI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerSeen {
    /// As sent, printable, at most 16 characters.
    pub calling_ae: String,
    /// When it last associated, was rejected, sent an object or left.
    pub last_seen: Timestamp,
    /// Associations it has open now.
    pub associations_open: usize,
    /// Instances kept since the daemon started.
    pub instances: u64,
    /// When and why it was last rejected.
    pub last_refusal: Option<(Timestamp, String)>,
}

/// Counters of the SCP. Cheap to clone; all clones count together.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AssociationLabels {
    calling_ae: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabels {
    status: &'static str,
}

#[derive(Debug)]
struct Inner {
    clock: Clock,
    associations: Family<AssociationLabels, Counter>,
    open: Gauge,
    rejects: Family<ReasonLabels, Counter>,
    instances: Counter,
    bytes: Counter,
    not_kept: Counter,
    answers: Family<StatusLabels, Counter>,
    echoes: Counter,
    store_seconds: Histogram,
    titles: Mutex<HashSet<String>>,
    peers: Mutex<HashMap<String, PeerSeen>>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            associations: Family::default(),
            open: Gauge::default(),
            rejects: Family::default(),
            instances: Counter::default(),
            bytes: Counter::default(),
            not_kept: Counter::default(),
            answers: Family::default(),
            echoes: Counter::default(),
            store_seconds: Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]),
            titles: Mutex::default(),
            peers: Mutex::default(),
        }
    }
}

impl Metrics {
    /// Adds everything to the registry, names beginning with `relaypacs_dicom_`.
    pub fn register(&self, registry: &mut Registry) {
        let inner = &self.0;
        let registry = registry.sub_registry_with_prefix("relaypacs_dicom");
        registry.register("associations", "Associations ended, by calling AE title and outcome", inner.associations.clone());
        registry.register("associations_open", "Associations open now", inner.open.clone());
        registry.register("rejects", "Associations that did not come about, by reason", inner.rejects.clone());
        registry.register("instances_received", "Instances kept (C-STORE answered with 0000)", inner.instances.clone());
        registry.register("received_bytes", "Bytes of the data sets kept", inner.bytes.clone());
        registry.register("store_answers", "C-STORE answers, by status", inner.answers.clone());
        registry.register("echoes", "C-ECHO requests answered", inner.echoes.clone());
        registry.register_with_unit(
            "store_duration",
            "From the C-STORE command set to its answer",
            Unit::Seconds,
            inner.store_seconds.clone(),
        );
    }

    /// The calling AE titles seen since the daemon started, at most 256, latest first.
    pub fn peers(&self) -> Vec<PeerSeen> {
        let mut peers: Vec<_> = self.0.peers.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        peers.sort_by(|a, b| b.last_seen.cmp(&a.last_seen).then_with(|| a.calling_ae.cmp(&b.calling_ae)));
        peers
    }

    /// C-STORE requests answered since the daemon started: how many were kept, how many were not.
    pub fn store_outcomes(&self) -> (u64, u64) {
        (self.0.instances.get(), self.0.not_kept.get())
    }

    /// An association was accepted; it is counted as open until the guard is dropped.
    pub(crate) fn accepted(&self, calling: &AeTitle) -> OpenAssociation {
        self.0.open.inc();
        self.seen(calling.as_str(), |peer, _| peer.associations_open += 1);
        let label = {
            let mut titles = self.0.titles.lock().unwrap_or_else(PoisonError::into_inner);
            let known = titles.contains(calling.as_str()) || titles.len() < MAX_TITLES && titles.insert(calling.to_string());
            if known { calling.to_string() } else { OTHER.into() }
        };
        OpenAssociation { metrics: self.clone(), calling: calling.to_string(), label, outcome: "failed" }
    }

    /// No association came about; `calling` is empty where it is not known.
    pub(crate) fn rejected(&self, calling: &str, label: &'static str, why: &str) {
        self.0.rejects.get_or_create(&ReasonLabels { reason: label }).inc();
        if calling.is_empty() {
            return;
        }
        self.seen(calling, |peer, now| peer.last_refusal = Some((now, why.to_owned())));
    }

    pub(crate) fn stored(&self, calling: &AeTitle, status: &'static str, kept_bytes: Option<u64>, took: Duration) {
        self.0.answers.get_or_create(&StatusLabels { status }).inc();
        self.0.store_seconds.observe(took.as_secs_f64());
        if let Some(bytes) = kept_bytes {
            self.0.instances.inc();
            self.0.bytes.inc_by(bytes);
            self.seen(calling.as_str(), |peer, _| peer.instances += 1);
        } else {
            self.0.not_kept.inc();
        }
    }

    pub(crate) fn echoed(&self) {
        self.0.echoes.inc();
    }

    /// Notes something about a peer; the one unseen for longest, if without open association, makes room.
    fn seen(&self, calling: &str, note: impl FnOnce(&mut PeerSeen, Timestamp)) {
        let now = self.0.clock.now();
        let mut peers = self.0.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if !peers.contains_key(calling) {
            if peers.len() >= MAX_PEERS {
                let oldest = peers.values().filter(|peer| peer.associations_open == 0).min_by_key(|peer| peer.last_seen);
                let Some(oldest) = oldest.map(|peer| peer.calling_ae.clone()) else { return };
                peers.remove(&oldest);
            }
            let peer = PeerSeen { calling_ae: calling.to_owned(), last_seen: now, associations_open: 0, instances: 0, last_refusal: None };
            peers.insert(calling.to_owned(), peer);
        }
        if let Some(peer) = peers.get_mut(calling) {
            peer.last_seen = now;
            note(peer, now);
        }
    }
}

/// Counts one association as open, and when dropped as ended with its outcome.
#[derive(Debug)]
pub(crate) struct OpenAssociation {
    metrics: Metrics,
    calling: String,
    label: String,
    outcome: &'static str,
}

impl OpenAssociation {
    /// How it ended.
    pub(crate) fn ends(&mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for OpenAssociation {
    fn drop(&mut self) {
        self.metrics.0.open.dec();
        let labels = AssociationLabels { calling_ae: self.label.clone(), outcome: self.outcome };
        self.metrics.0.associations.get_or_create(&labels).inc();
        self.metrics.seen(&self.calling, |peer, _| peer.associations_open = peer.associations_open.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(n: usize) -> AeTitle {
        format!("CT{n}").parse().expect("a title")
    }

    #[test]
    fn titles_beyond_the_bound_share_a_label_and_peers_make_room() {
        let metrics = Metrics::default();
        let open = metrics.accepted(&title(0));
        for n in 1..1000 {
            metrics.accepted(&title(n)).ends("released");
        }
        for n in 0..1000 {
            metrics.rejected(&format!("X{n}"), "called_ae", "no");
        }
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
        let labels = text.lines().filter(|line| line.starts_with("relaypacs_dicom_associations_total{")).count();
        assert_eq!(labels, MAX_TITLES, "63 of their own and other; the open one has not ended\n{text}");
        assert!(text.contains(r#"relaypacs_dicom_associations_total{calling_ae="other",outcome="released"} 936"#), "{text}");
        assert!(text.contains("relaypacs_dicom_associations_open 1"), "{text}");
        let peers = metrics.peers();
        assert_eq!(peers.len(), MAX_PEERS);
        assert!(peers.iter().any(|peer| peer.calling_ae == "CT0" && peer.associations_open == 1), "one with an open association stays");
        drop(open);
    }
}
