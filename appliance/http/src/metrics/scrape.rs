//! What others already know, read when Prometheus asks: queues, disk, destinations, build, process.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use relaypacs_buffer::{Buffer, Queue};
use relaypacs_clinic::statistics::Statistics;
use relaypacs_domain::{DestinationName, ServiceLevel};
use relaypacs_forward::{DestinationHealth, Forwarder};

use super::process::Process;
use crate::app::BoxInfo;

/// Reads its figures anew at every scrape.
pub(crate) struct AtScrape {
    /// Queue and disk.
    pub(crate) buffer: Buffer,
    /// Destinations.
    pub(crate) forwarder: Forwarder,
    /// What was received by C-STORE.
    pub(crate) scp: relaypacs_dicom::Metrics,
    /// What was received by uploads.
    pub(crate) statistics: Statistics,
    /// Build.
    pub(crate) info: Arc<BoxInfo>,
}

/// One gauge: name, help, and its samples with their labels.
type Samples<'a> = Vec<(Vec<(&'static str, &'a str)>, f64)>;

impl AtScrape {
    /// Has `registry` ask for these figures at every scrape.
    pub(crate) fn register(self, registry: &mut Registry) {
        registry.register_collector(Box::new(self));
    }

    fn destinations(&self) -> Vec<(DestinationHealth, Option<Queue>)> {
        let queue = |name: &DestinationName| self.buffer.queue(name).ok();
        self.forwarder
            .destinations()
            .into_iter()
            .map(|health| (queue(&health.name), health))
            .map(|(queue, health)| (health, queue))
            .collect()
    }

    fn encode_queues(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let all = self.destinations();
        let queued = || all.iter().filter_map(|(health, queue)| Some((health.name.as_str(), queue.as_ref()?)));
        let each = |figure: fn(&Queue) -> f64| -> Samples<'_> {
            queued().map(|(name, queue)| (vec![("destination", name)], figure(queue))).collect()
        };
        let by_level: Samples<'_> = queued()
            .flat_map(|(name, queue)| {
                let levels = ServiceLevel::ALL.into_iter().zip(queue.by_level);
                levels.map(move |(level, count)| (vec![("destination", name), ("service_level", level.as_str())], count as f64))
            })
            .collect();
        let age_by_level: Samples<'_> = queued()
            .flat_map(|(name, queue)| {
                let levels = ServiceLevel::ALL.into_iter().zip(queue.oldest_by_level);
                levels.map(move |(level, age)| {
                    (vec![("destination", name), ("service_level", level.as_str())], age.unwrap_or_default().as_secs_f64())
                })
            })
            .collect();
        gauge(out, "relaypacs_queue_instances", "Instances waiting for a destination, by service level", &by_level)?;
        gauge(out, "relaypacs_queue_studies", "Studies with something waiting for a destination", &each(|queue| queue.studies as f64))?;
        gauge(out, "relaypacs_queue_bytes", "Bytes waiting for a destination", &each(|queue| queue.bytes as f64))?;
        gauge(
            out,
            "relaypacs_queue_oldest_age_seconds",
            "How long the oldest instance has been waiting for a destination; 0: nothing waits",
            &each(|queue| queue.oldest.unwrap_or_default().as_secs_f64()),
        )?;
        gauge(
            out,
            "relaypacs_queue_level_oldest_age_seconds",
            "How long the oldest instance of a service level has been waiting for a destination; 0: nothing waits",
            &age_by_level,
        )?;
        gauge(
            out,
            "relaypacs_destination_held_instances",
            "Instances held for a destination, which need somebody",
            &each(|queue| queue.held_instances as f64),
        )?;
        let paused: Samples<'_> = all
            .iter()
            .map(|(health, _)| (vec![("destination", health.name.as_str())], f64::from(u8::from(health.paused.is_some()))))
            .collect();
        gauge(out, "relaypacs_destination_paused", "Whether nothing is sent to a destination", &paused)
    }

    fn encode_box(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let one = |value: u64| -> Samples<'static> { vec![(Vec::new(), value as f64)] };
        if let Ok(total) = self.buffer.queue_total() {
            gauge(out, "relaypacs_held_instances", "Held instances in all, which need somebody", &one(total.held_instances))?;
            gauge(out, "relaypacs_held_studies", "Studies with a held instance", &one(total.held_studies))?;
        }
        let usage = self.buffer.usage();
        gauge(out, "relaypacs_disk_used_bytes", "Bytes the buffer holds", &one(usage.used))?;
        gauge(out, "relaypacs_disk_total_bytes", "Bytes the buffer may take", &one(usage.total))?;
        gauge(out, "relaypacs_disk_reserve_bytes", "Bytes of the file system left to everybody else", &one(usage.reserve))?;
        gauge(out, "relaypacs_disk_free_bytes", "Free bytes of the file system", &one(usage.free))?;
        gauge(
            out,
            "relaypacs_build_info",
            "Always 1; its labels name the running release",
            &vec![(vec![("version", self.info.version.as_str()), ("build", self.info.build.as_str())], 1.0)],
        )?;
        self.encode_uploads(out)
    }

    fn encode_uploads(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let uploads = self.statistics.uploads().unwrap_or_default();
        let outcomes = vec![(vec![("outcome", "success")], uploads.0 as f64), (vec![("outcome", "failed")], uploads.1 as f64)];
        gauge(out, "relaypacs_uploads", "Uploads over HTTP that ended, by how; all since the first day", &outcomes)?;
        let by = |source| vec![("source", source)];
        gauge(
            out,
            "relaypacs_upload_success_rate",
            "Share that was taken, 0 to 1 (NaN: nothing came yet): of uploads over HTTP since the first day, of C-STORE objects since the start",
            &vec![(by("http"), success_rate(uploads)), (by("dicom"), success_rate(self.scp.store_outcomes()))],
        )
    }
}

impl Collector for AtScrape {
    fn encode(&self, mut out: DescriptorEncoder<'_>) -> fmt::Result {
        self.encode_queues(&mut out)?;
        self.encode_box(&mut out)?;
        encode_process(&mut out, &Process::read())
    }
}

impl fmt::Debug for AtScrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtScrape").finish_non_exhaustive()
    }
}

fn encode_process(out: &mut DescriptorEncoder<'_>, process: &Process) -> fmt::Result {
    let cpu = ConstCounter::new(process.cpu_seconds);
    cpu.encode(out.encode_descriptor("process_cpu_seconds", "User and system CPU time spent.", None, MetricType::Counter)?)?;
    let figures = [
        ("process_resident_memory_bytes", "Resident memory size", process.resident_bytes.map(|value| value as f64)),
        ("process_open_fds", "Open file descriptors", process.open_fds.map(|value| value as f64)),
        ("process_max_fds", "Most open file descriptors", process.max_fds.map(|value| value as f64)),
        ("process_threads", "Threads", process.threads.map(|value| value as f64)),
        ("process_start_time_seconds", "Start time in seconds since 1970", process.start_seconds),
    ];
    figures
        .into_iter()
        .filter_map(|(name, help, value)| Some((name, help, value?)))
        .try_for_each(|(name, help, value)| gauge(out, name, help, &vec![(Vec::new(), value)]))
}

/// Writes a gauge with its samples; a help text ends with a full stop, like those of the registry.
fn gauge(out: &mut DescriptorEncoder<'_>, name: &str, help: &str, samples: &Samples<'_>) -> fmt::Result {
    let mut metric = out.encode_descriptor(name, &format!("{help}."), None, MetricType::Gauge)?;
    if let [(labels, value)] = samples.as_slice()
        && labels.is_empty()
    {
        return ConstGauge::new(*value).encode(metric);
    }
    for (labels, value) in samples {
        ConstGauge::new(*value).encode(metric.encode_family(labels)?)?;
    }
    Ok(())
}

/// The share of `kept` among all.
fn success_rate((kept, refused): (u64, u64)) -> f64 {
    kept as f64 / kept.saturating_add(refused) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_no_number_before_the_first_object() {
        assert!(success_rate((0, 0)).is_nan());
        assert!((success_rate((3, 1)) - 0.75).abs() < 1e-9);
        assert!((success_rate((0, 1))).abs() < 1e-9);
    }
}
