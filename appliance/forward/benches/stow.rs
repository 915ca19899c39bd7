//! How fast a queue of CT images leaves the buffer for `stow_sink` (named by `RELAYPACS_STOW_SINK`), and what it costs. By hand:
//!
//! `RELAYPACS_STOW_SINK=…/release/stow_sink cargo bench -p relaypacs-forward [-- IMAGES BYTES]` (2,000 images of 527,000 bytes).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a program for people at a terminal")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::{fs, time::Instant};

use common::{Relay, sink::Sink};
use relaypacs_domain::ServiceLevel;
use relaypacs_forward::DestinationConfig;

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let (images, bytes): (usize, usize) = (arguments.next().unwrap_or(2_000), arguments.next().unwrap_or(527_000));
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(run(images, bytes));
}

async fn run(images: usize, bytes: usize) {
    for round in 1..=5 {
        let sink = Sink::start(&[]);
        let mut relay = Relay::open(vec![DestinationConfig::stow("pacs".parse().unwrap(), sink.url())]).await;
        for study in 0..images.div_ceil(200) {
            relay.store_study(&format!("1.2.{study}"), 200.min(images - study * 200), bytes, ServiceLevel::Routine).await;
        }
        let (began, cpu) = (Instant::now(), cpu_seconds());
        relay.run();
        relay.until("queue empty", |relay| relay.buffer.queue_total().is_ok_and(|queue| queue.instances == 0)).await;
        let (seconds, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        let megabytes = (images * bytes) as f64 / 1e6;
        let (rate, per_gb, rss) = (megabytes / seconds, cpu / megabytes * 1e3, peak_rss_mib());
        let requests = sink.requests();
        println!(
            "round {round}: {rate:.0} MB/s, {per_gb:.2} CPU s/GB, {:.2} cores, {requests} requests, peak RSS {rss} MiB",
            cpu / seconds
        );
        relay.stop().await;
        relay.buffer.close().await;
    }
}

fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn peak_rss_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}
