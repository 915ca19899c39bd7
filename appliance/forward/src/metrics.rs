//! What the forwarder measures. Labels are destination names and codes of the standards: a bounded set, no patient data.

use std::time::Duration;

use prometheus_client::{
    encoding::{EncodeLabelSet, LabelSetEncoder},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use relaypacs_domain::{DestinationName, Verdict};

use crate::stow::Sent;

/// The forwarder's metrics (prefix `relaypacs_forward`, and `relaypacs_pacs_connectivity`). Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    bytes: Family<To, Counter>,
    instances: Family<ToWith, Counter>,
    answers: Family<ToWith, Counter>,
    retries: Family<To, Counter>,
    duration: Family<To, Histogram, fn() -> Histogram>,
    in_flight: Family<To, Gauge>,
    restarts: Family<To, Counter>,
    connectivity: Family<To, Gauge>,
}

/// `{destination="…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct To(DestinationName);

/// `{destination="…", <key>="…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ToWith(DestinationName, &'static str, String);

impl EncodeLabelSet for To {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), std::fmt::Error> {
        [("destination", self.0.as_str())].encode(encoder)
    }
}

impl EncodeLabelSet for ToWith {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), std::fmt::Error> {
        [("destination", self.0.as_str()), (self.1, self.2.as_str())].encode(encoder)
    }
}

fn seconds() -> Histogram {
    Histogram::new([0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0])
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            bytes: Family::default(),
            instances: Family::default(),
            answers: Family::default(),
            retries: Family::default(),
            duration: Family::new_with_constructor(seconds),
            in_flight: Family::default(),
            restarts: Family::default(),
            connectivity: Family::default(),
        }
    }
}

impl Metrics {
    /// Registers everything.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "relaypacs_pacs_connectivity",
            "Whether the destination takes what is sent to it (1) or not (0)",
            self.connectivity.clone(),
        );
        let registry = registry.sub_registry_with_prefix("relaypacs_forward");
        registry.register_with_unit("sent", "Request bodies' bytes given to the line", Unit::Bytes, self.bytes.clone());
        registry.register("instances", "Instances by how their attempt ended: proven, retry or held", self.instances.clone());
        registry.register(
            "answers",
            "Requests by HTTP status, or line, connect, auth, unreadable where there was none",
            self.answers.clone(),
        );
        registry.register("retries", "Attempts that will be made again", self.retries.clone());
        registry.register_with_unit(
            "request_duration",
            "Time from the begin of a request to its answer",
            Unit::Seconds,
            self.duration.clone(),
        );
        registry.register("requests_in_flight", "Batches being delivered now", self.in_flight.clone());
        registry.register("task_restarts", "Restarts of a destination's task after a panic", self.restarts.clone());
    }

    /// One request ended.
    pub(crate) fn request(&self, destination: &DestinationName, sent: &Sent, bytes: u64, took: Duration) {
        let code = match sent {
            Sent::Answered(reply) => reply.status.to_string(),
            Sent::NotConnected(_) => "connect".into(),
            Sent::Broken(_) => "line".into(),
            Sent::NoCredentials(_) => "auth".into(),
            Sent::Unreadable(..) => "unreadable".into(),
        };
        self.answers.get_or_create(&ToWith(destination.clone(), "code", code)).inc();
        self.written(destination, bytes, took);
    }

    /// Bytes left for a destination.
    pub(crate) fn written(&self, destination: &DestinationName, bytes: u64, took: Duration) {
        self.bytes.get_or_create(&To(destination.clone())).inc_by(bytes);
        self.duration.get_or_create(&To(destination.clone())).observe(took.as_secs_f64());
    }

    /// An attempt ended for an instance.
    pub(crate) fn settled(&self, destination: &DestinationName, verdict: &Verdict) {
        let result = match verdict {
            Verdict::Proven(_) => "proven",
            Verdict::Retry { .. } => "retry",
            Verdict::Hold(..) => "held",
        };
        if matches!(verdict, Verdict::Retry { .. }) {
            self.retries.get_or_create(&To(destination.clone())).inc();
        }
        self.instances.get_or_create(&ToWith(destination.clone(), "result", result.into())).inc();
    }

    /// Batches being delivered to a destination now.
    pub(crate) fn in_flight(&self, destination: &DestinationName, batches: usize) {
        self.in_flight.get_or_create(&To(destination.clone())).set(batches as i64);
    }

    /// A destination's task was restarted after a panic.
    pub(crate) fn restarted(&self, destination: &DestinationName) {
        self.restarts.get_or_create(&To(destination.clone())).inc();
    }

    /// Whether a destination works.
    pub(crate) fn connectivity(&self, destination: &DestinationName, up: bool) {
        self.connectivity.get_or_create(&To(destination.clone())).set(i64::from(up));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_prometheus() {
        let (metrics, mut registry) = (Metrics::default(), Registry::default());
        metrics.register(&mut registry);
        let name: DestinationName = "pacs1".parse().unwrap();
        metrics.connectivity(&name, true);
        metrics.written(&name, 5, Duration::from_millis(20));
        metrics.restarted(&name);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "relaypacs_pacs_connectivity{destination=\"pacs1\"} 1",
            "relaypacs_forward_sent_bytes_total{destination=\"pacs1\"} 5",
            "relaypacs_forward_request_duration_seconds_count{destination=\"pacs1\"} 1",
            "relaypacs_forward_task_restarts_total{destination=\"pacs1\"} 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }
}
