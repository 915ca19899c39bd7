//! The sender: several associations, each instance once (or without end in a timed run), every answer written down.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde_json::json;

use crate::{
    part10::Object,
    wire::{Association, Priority, Proposal, Refusal},
};

/// What to send and how.
pub struct Plan {
    /// The receiver.
    pub peer: SocketAddr,
    /// Titles, contexts, way of writing.
    pub proposal: Proposal,
    /// The instances.
    pub objects: Vec<Object>,
    /// Associations side by side.
    pub associations: usize,
    /// C-STORE's Priority.
    pub priority: Priority,
    /// Go on with new salts for this long; zero: each instance once.
    pub duration: Duration,
    /// In a timed run: end as soon as this file exists.
    pub stop: Option<PathBuf>,
    /// Most instances a second in all; 0: as fast as answered.
    pub rate: f64,
    /// After a broken association try again for this long and send the unanswered instance again.
    pub reconnect: Duration,
    /// The salt the objects already have; later rounds derive theirs from it.
    pub salt: u64,
    /// Where each answer goes: `{"sop","cls","sha256","bytes","status","t"}`; status `none` = sent, never answered.
    pub acks: Option<File>,
}

/// What became of it all.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Instances answered.
    pub answered: usize,
    /// Bytes of their data sets.
    pub bytes: usize,
    /// From the first connection to the last answer.
    pub took: Duration,
    /// Request to answer, sorted, in ms.
    pub latency_ms: Vec<f64>,
    /// Associations that broke.
    pub reconnects: usize,
    /// How often each status came (`none` = no answer).
    pub status: BTreeMap<String, usize>,
    /// The last thing that went wrong.
    pub error: String,
}

impl Report {
    /// One JSON object, as the scripts read it.
    pub fn json(&self) -> serde_json::Value {
        let seconds = self.took.as_secs_f64();
        let quantile = |q: f64| self.latency_ms.get(((self.latency_ms.len().max(1) - 1) as f64 * q) as usize).copied().unwrap_or_default();
        json!({
            "n": self.answered, "bytes": self.bytes, "s": seconds,
            "inst_s": self.answered as f64 / seconds, "mb_s": self.bytes as f64 / 1e6 / seconds,
            "p50_ms": quantile(0.5), "p95_ms": quantile(0.95), "p99_ms": quantile(0.99), "max_ms": quantile(1.0),
            "sender_cpu_s": own_cpu_seconds(), "reconnects": self.reconnects, "status": self.status, "error": self.error,
        })
    }

    fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.bytes += other.bytes;
        self.latency_ms.extend(other.latency_ms);
        self.reconnects += other.reconnects;
        for (status, n) in other.status {
            *self.status.entry(status).or_default() += n;
        }
        if !other.error.is_empty() {
            self.error = other.error;
        }
    }
}

/// User and system time of this process.
fn own_cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    fields.split_whitespace().skip(11).take(2).filter_map(|x| x.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// A run under way.
pub struct Sending {
    plan: Plan,
    hashes: Vec<String>,
    next: AtomicUsize,
    acks: Option<Mutex<File>>,
    started: Instant,
}

/// The next instance and the SHA-256 of its data set (empty without an acks file).
type Taken<'a> = (Cow<'a, Object>, Cow<'a, str>);

impl Sending {
    /// Sends everything; returns when the last association has ended.
    pub fn run(mut plan: Plan) -> Report {
        let acks = plan.acks.take().map(Mutex::new);
        let hashes = if acks.is_some() { plan.objects.iter().map(Object::sha256).collect() } else { vec![] };
        let sending = Self { plan, hashes, next: AtomicUsize::new(0), acks, started: Instant::now() };
        let mut all = Report::default();
        thread::scope(|scope| {
            let threads: Vec<_> = (0..sending.plan.associations).map(|_| scope.spawn(|| sending.one_association())).collect();
            for thread in threads {
                all.add(thread.join().expect("a sender thread does not panic"));
            }
        });
        all.took = sending.started.elapsed();
        all.latency_ms.sort_by(f64::total_cmp);
        all
    }

    fn take(&self) -> Option<Taken<'_>> {
        let i = self.next.fetch_add(1, Relaxed);
        if self.plan.rate > 0.0 {
            let due = self.started + Duration::from_secs_f64(i as f64 / self.plan.rate);
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let timed = !self.plan.duration.is_zero();
        let over = self.started.elapsed() >= self.plan.duration || self.plan.stop.as_ref().is_some_and(|f| f.exists());
        if timed && over {
            return None;
        }
        let objects = &self.plan.objects;
        if let Some(object) = objects.get(i) {
            return Some((Cow::Borrowed(object), Cow::Borrowed(self.hashes.get(i).map_or("", |h| h))));
        }
        if !timed || objects.is_empty() {
            return None;
        }
        let mut object = objects[i % objects.len()].clone();
        object.salt(self.plan.salt.wrapping_mul(1_000_003).wrapping_add((i / objects.len()) as u64));
        let hash = if self.acks.is_some() { object.sha256() } else { String::new() };
        Some((Cow::Owned(object), Cow::Owned(hash)))
    }

    fn note(&self, object: &Object, sha256: &str, status: &str) {
        let Some(file) = &self.acks else { return };
        let t = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let line = json!({
            "sop": object.meta.instance, "cls": object.meta.class, "sha256": sha256, "bytes": object.data_set().len(), "status": status, "t": t,
        });
        let mut file = file.lock().expect("nobody panics while holding it");
        writeln!(file, "{line}").expect("the acks file takes every line: without it the run is worthless");
    }

    fn one_association(&self) -> Report {
        let (mut report, mut link) = (Report::default(), None);
        while let Some((object, hash)) = self.take() {
            if let Err(e) = self.until_answered(&object, &hash, &mut link, &mut report) {
                report.error = e;
                break;
            }
        }
        if let Some(link) = link {
            let _: io::Result<()> = link.release();
        }
        report
    }

    /// Sends one instance, again after broken associations as long as the plan allows.
    fn until_answered(&self, object: &Object, hash: &str, link: &mut Option<Association>, report: &mut Report) -> Result<(), String> {
        let mut give_up = Instant::now() + self.plan.reconnect;
        loop {
            if link.is_none() {
                match Association::open(self.plan.peer, &self.plan.proposal) {
                    Ok(open) => *link = Some(open),
                    Err(_) if Instant::now() < give_up => {
                        thread::sleep(Duration::from_millis(50));
                        continue;
                    }
                    Err(e) => return Err(Refusal::to_string(&e)),
                }
            }
            let Some(open) = link else { continue };
            let begin = Instant::now();
            match open.store(object, self.plan.priority) {
                Ok(stored) => {
                    let status = format!("{:04X}", stored.status);
                    self.note(object, hash, &status);
                    *report.status.entry(status).or_default() += 1;
                    report.latency_ms.push(begin.elapsed().as_secs_f64() * 1e3);
                    report.answered += 1;
                    report.bytes += object.data_set().len();
                    return Ok(());
                }
                Err(e) => {
                    self.note(object, hash, "none");
                    *report.status.entry("none".into()).or_default() += 1;
                    report.error = e.to_string();
                    report.reconnects += 1;
                    *link = None;
                    if self.plan.reconnect.is_zero() {
                        return Err(e.to_string());
                    }
                    give_up = Instant::now() + self.plan.reconnect;
                }
            }
        }
    }
}
