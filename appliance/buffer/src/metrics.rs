//! What the buffer measures, under the prefix `relaypacs_buffer`.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{
        counter::Counter,
        gauge::ConstGauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use crate::Usage;

/// What the buffer measures. Cheap to clone; all clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(crate) bytes_in: Counter,
    pub(crate) bytes_written: Counter,
    pub(crate) objects: Counter,
    pub(crate) refused: Counter,
    pub(crate) failures: Counter,
    pub(crate) fsync_seconds: Histogram,
    pub(crate) group_entries: Histogram,
    pub(crate) apply_seconds: Histogram,
    pub(crate) checkpoints: Counter,
    pub(crate) catalogue_failures: Counter,
    pub(crate) damaged: Counter,
    pub(crate) upkeep_restarts: Counter,
    pub(crate) state: Arc<OnceLock<ReadState>>,
}

/// What is asked at a scrape.
pub(crate) struct ReadState(pub(crate) Box<dyn Fn() -> State + Send + Sync>);

/// Answers at a scrape.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) usage: Usage,
    pub(crate) objects: u64,
    pub(crate) recovery_seconds: f64,
    pub(crate) log_up: bool,
    pub(crate) catalogue_up: bool,
}

impl fmt::Debug for ReadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadState")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            bytes_in: Counter::default(),
            bytes_written: Counter::default(),
            objects: Counter::default(),
            refused: Counter::default(),
            failures: Counter::default(),
            fsync_seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 16)),
            group_entries: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            apply_seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 16)),
            checkpoints: Counter::default(),
            catalogue_failures: Counter::default(),
            damaged: Counter::default(),
            upkeep_restarts: Counter::default(),
            state: Arc::default(),
        }
    }
}

impl Metrics {
    /// Registers everything.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("relaypacs_buffer");
        registry.register("received_bytes", "Bytes of objects written to the log", self.bytes_in.clone());
        registry.register("written_bytes", "Bytes written to the log in all", self.bytes_written.clone());
        registry.register("objects_received", "Objects made durable or about to be", self.objects.clone());
        registry.register("objects_refused", "Objects whose bytes could not be kept", self.refused.clone());
        registry.register("log_failures", "Writes and syncs of the log that failed", self.failures.clone());
        registry.register("fsync_seconds", "Time that a sync of the log took", self.fsync_seconds.clone());
        registry.register("group_entries", "Entries made durable by one sync", self.group_entries.clone());
        registry.register("apply_seconds", "Time that a group took to get into the catalogue", self.apply_seconds.clone());
        registry.register("checkpoints", "Durable checkpoints of the catalogue", self.checkpoints.clone());
        registry.register("catalogue_failures", "Times that the catalogue could not be used", self.catalogue_failures.clone());
        registry.register("damaged_objects", "Objects found to be unreadable", self.damaged.clone());
        registry.register("upkeep_restarts", "Restarts of the upkeep after a panic", self.upkeep_restarts.clone());
        registry.register_collector(Box::new(AtScrape(self.state.clone())));
    }
}

/// Gauges that are read when they are asked for.
#[derive(Debug)]
struct AtScrape(Arc<OnceLock<ReadState>>);

impl Collector for AtScrape {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let Some(ReadState(read)) = self.0.get() else { return Ok(()) };
        let State { usage, objects, recovery_seconds, log_up, catalogue_up } = read();
        let gauges: [(&str, &str, f64); 9] = [
            ("disk_total_bytes", "What the log may take", usage.total as f64),
            ("disk_used_bytes", "What the log takes", usage.used as f64),
            ("disk_reserve_bytes", "What is kept free for everybody else", usage.reserve as f64),
            ("disk_free_bytes", "Free bytes of the file system", usage.free as f64),
            ("disk_refusing", "1: new objects are refused for want of room", f64::from(u8::from(usage.refusing))),
            ("objects", "Objects in the buffer", objects as f64),
            ("recovery_seconds", "Time that opening took", recovery_seconds),
            ("log_up", "1: the log can be written", f64::from(u8::from(log_up))),
            ("catalogue_up", "1: the catalogue can be written", f64::from(u8::from(catalogue_up))),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            let metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_are_read_at_the_scrape_and_counters_counted() {
        let metrics = Metrics::default();
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        metrics.objects.inc_by(3);
        let usage = Usage { total: 100, used: 7, ..Usage::default() };
        let read = move || State { usage, objects: 5, recovery_seconds: 0.25, log_up: true, catalogue_up: false };
        metrics.state.set(ReadState(Box::new(read))).unwrap();
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "relaypacs_buffer_objects_received_total 3",
            "relaypacs_buffer_disk_used_bytes 7.0",
            "relaypacs_buffer_objects 5.0",
            "relaypacs_buffer_recovery_seconds 0.25",
            "relaypacs_buffer_log_up 1.0",
            "relaypacs_buffer_catalogue_up 0.0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
