//! Objects made durable per second, against the disk's own limit: as many threads that each append the same bytes to a file of their own and
//! `fdatasync` it. Both in the same run, turn by turn; median of the rounds.
//!
//! `cargo bench -p relaypacs-buffer --bench append -- [FOLDER] [ROUNDS] [SECONDS]` (default: the current folder, 5 rounds, 1 s each).

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench stops at the first surprise and prints its figures")]

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use relaypacs_buffer::{Buffer, NewObject, Options};
use relaypacs_domain::{Clock, HeaderFacts, Identity, ServiceLevel, Source};

const CASES: [(usize, usize); 6] = [(35_000, 1), (35_000, 4), (35_000, 16), (525_000, 1), (525_000, 4), (525_000, 16)];

fn object(number: u64) -> NewObject {
    let uid = |text: String| text.parse().expect("a UID");
    NewObject {
        identity: Identity {
            sop_class: uid("1.2.840.10008.5.1.4.1.1.2".into()),
            sop_instance: uid(format!("1.2.826.0.1.3680043.8.498.{number}")),
            transfer_syntax: uid("1.2.840.10008.1.2.1".into()),
            study: Some(uid(format!("1.2.826.0.1.3680043.8.498.1.{}", number / 400))),
            series: Some(uid(format!("1.2.826.0.1.3680043.8.498.2.{}", number / 100))),
        },
        facts: HeaderFacts { patient_name: Some("Bench^Mark".into()), modality: Some("CT".into()), ..HeaderFacts::default() },
        source: Source::Dicom {
            calling_ae: "BENCH".parse().expect("a title"),
            called_ae: "RELAYPACS".parse().expect("a title"),
            address: [127, 0, 0, 1].into(),
        },
        service_level: ServiceLevel::Routine,
        flags: vec![],
    }
}

/// Objects per second and CPU seconds per GB.
#[derive(Clone, Copy)]
struct Figure {
    rate: f64,
    cpu: f64,
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}

fn measured(len: usize, stored: u64, began: Instant, cpu: f64) -> Figure {
    let gigabytes = (stored as f64 * len as f64 / 1e9).max(1e-9);
    Figure { rate: stored as f64 / began.elapsed().as_secs_f64(), cpu: (cpu_seconds() - cpu) / gigabytes }
}

fn bare(dir: &Path, payload: &[u8], writers: usize, seconds: f64) -> Figure {
    let (count, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let paths: Vec<PathBuf> = (0..writers).map(|writer| dir.join(format!("bare-{writer}"))).collect();
    std::thread::scope(|scope| {
        for path in &paths {
            let (count, stop) = (&count, &stop);
            scope.spawn(move || {
                let mut file = File::create(path).expect("a file");
                while !stop.load(Ordering::Relaxed) {
                    file.write_all(payload).and_then(|()| file.sync_data()).expect("the disk works");
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(Duration::from_secs_f64(seconds));
        stop.store(true, Ordering::Relaxed);
    });
    let figure = measured(payload.len(), count.load(Ordering::Relaxed), began, cpu);
    for path in &paths {
        std::fs::remove_file(path).expect("it is there");
    }
    figure
}

async fn buffered(buffer: &Buffer, numbers: &Arc<AtomicU64>, payload: &Arc<Vec<u8>>, writers: usize, seconds: f64) -> Figure {
    let before = numbers.load(Ordering::Relaxed);
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let until = began + Duration::from_secs_f64(seconds);
    let tasks: Vec<_> = (0..writers)
        .map(|_| {
            let (buffer, numbers, payload) = (buffer.clone(), numbers.clone(), payload.clone());
            tokio::spawn(async move {
                while Instant::now() < until {
                    let mut writer = buffer.begin().expect("room");
                    for part in payload.chunks(64 << 10) {
                        writer.write(part).await.expect("room");
                    }
                    writer.commit(object(numbers.fetch_add(1, Ordering::Relaxed))).await.expect("the disk works");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    measured(payload.len(), numbers.load(Ordering::Relaxed) - before, began, cpu)
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let dir = PathBuf::from(arguments.first().map_or(".", String::as_str));
    let rounds: usize = arguments.get(1).map_or(5, |rounds| rounds.parse().expect("a number of rounds"));
    let seconds: f64 = arguments.get(2).map_or(1.0, |seconds| seconds.parse().expect("a number of seconds"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    println!(
        "{:>8} {:>8} {:>10} {:>10} {:>6} {:>13} {:>9} {:>9}",
        "bytes", "writers", "buffer/s", "bare/s", "ratio", "ratios", "cpu s/GB", "bare"
    );
    for (len, writers) in CASES {
        let home = tempfile::tempdir_in(&dir).expect("a folder");
        let options = Options {
            dir: home.path().join("buffer"),
            max_bytes: None,
            reserve_bytes: None,
            segment_bytes: 64 << 20,
            retention: Duration::from_hours(1),
            history: Duration::from_hours(1),
        };
        let (buffer, _) = Buffer::open(options, Clock::system()).expect("it opens");
        let payload: Arc<Vec<u8>> = Arc::new((0..len as u32).map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect());
        let numbers = Arc::new(AtomicU64::new(0));
        let (mut ours, mut theirs, mut ratios, mut cpu, mut bare_cpu) = (vec![], vec![], vec![], vec![], vec![]);
        for _ in 0..rounds {
            let limit = bare(home.path(), &payload, writers, seconds);
            let figure = runtime.block_on(buffered(&buffer, &numbers, &payload, writers, seconds));
            ours.push(figure.rate);
            theirs.push(limit.rate);
            ratios.push(figure.rate / limit.rate);
            cpu.push(figure.cpu);
            bare_cpu.push(limit.cpu);
        }
        let ratio = median(&mut ratios);
        let (ours, theirs, cpu, bare_cpu) = (median(&mut ours), median(&mut theirs), median(&mut cpu), median(&mut bare_cpu));
        let spread = format!("{:.2}–{:.2}", ratios[0], ratios[rounds - 1]);
        println!("{len:>8} {writers:>8} {ours:>10.0} {theirs:>10.0} {ratio:>6.2} {spread:>13} {cpu:>9.2} {bare_cpu:>9.2}");
        buffer.close_blocking();
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
}
