//! What the crate's tests share: a real buffer with instances in it, a forwarder that runs, the receiver process.

#![allow(dead_code, reason = "each test program uses its part")]

pub(crate) mod data;
pub(crate) mod orthanc;
pub(crate) mod sink;
pub(crate) mod tls;

use std::time::Duration;

use relaypacs_buffer::{Buffer, NewObject, Options};
use relaypacs_domain::{Clock, DeliveryState, EventKind, HeaderFacts, Identity, ObjectId, ServiceLevel, Source, Uid};
use relaypacs_forward::{DestinationConfig, Forwarder};
use tempfile::TempDir;
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// Longest wait for anything; only a test that fails waits so long.
const LONGEST: Duration = Duration::from_mins(1);

/// A buffer in a folder of its own and a forwarder over it.
pub(crate) struct Relay {
    pub(crate) buffer: Buffer,
    pub(crate) forwarder: Forwarder,
    pub(crate) folder: TempDir,
    clock: Clock,
    destinations: Vec<DestinationConfig>,
    running: Option<(CancellationToken, JoinHandle<()>)>,
}

impl Relay {
    /// Opens it; nothing is forwarded before [`Self::run`].
    pub(crate) async fn open(destinations: Vec<DestinationConfig>) -> Self {
        Self::open_in(tempfile::tempdir().unwrap(), Clock::system(), destinations).await
    }

    /// The same with a clock that the test moves.
    pub(crate) async fn open_at(clock: Clock, destinations: Vec<DestinationConfig>) -> Self {
        Self::open_in(tempfile::tempdir().unwrap(), clock, destinations).await
    }

    async fn open_in(folder: TempDir, clock: Clock, destinations: Vec<DestinationConfig>) -> Self {
        let options = Options {
            dir: folder.path().join("buffer"),
            max_bytes: Some(1 << 30),
            reserve_bytes: Some(0),
            segment_bytes: 16 << 20,
            retention: Duration::from_hours(24),
            history: Duration::from_hours(48),
        };
        let (buffer, _) = Buffer::open(options, clock.clone()).unwrap();
        let forwarder = Forwarder::new(buffer.clone(), clock.clone(), destinations.clone()).unwrap();
        buffer.set_routing(forwarder.routing()).await.unwrap();
        Self { buffer, forwarder, folder, clock, destinations, running: None }
    }

    /// Forwards.
    pub(crate) fn run(&mut self) {
        let (stop, forwarder) = (CancellationToken::new(), self.forwarder.clone());
        let token = stop.clone();
        self.running = Some((stop, tokio::spawn(async move { forwarder.run(token).await })));
    }

    /// Stops forwarding and waits until it has.
    pub(crate) async fn stop(&mut self) {
        if let Some((stop, task)) = self.running.take() {
            stop.cancel();
            task.await.unwrap();
        }
    }

    /// Ends it and starts it again on what is on the disk.
    pub(crate) async fn restart(mut self) -> Self {
        self.stop().await;
        self.buffer.close().await;
        let Self { folder, clock, destinations, .. } = self;
        Self::open_in(folder, clock, destinations).await
    }

    /// Puts an instance into the buffer as a modality would.
    pub(crate) async fn store(&self, study: &str, number: usize, payload: &[u8], level: ServiceLevel) -> (ObjectId, Vec<u8>) {
        let (series, instance) = (format!("{study}.1"), format!("{study}.1.{number}"));
        let data = data::data_set(study, &series, &instance, payload);
        let mut writer = self.buffer.begin().unwrap();
        writer.write(&data).await.unwrap();
        let uid = |text: &str| text.parse::<Uid>().unwrap();
        let placed = writer
            .commit(NewObject {
                identity: Identity {
                    sop_class: uid(data::SOP_CLASS),
                    sop_instance: uid(&instance),
                    transfer_syntax: uid(data::TRANSFER_SYNTAX),
                    study: Some(uid(study)),
                    series: Some(uid(&series)),
                },
                facts: HeaderFacts {
                    modality: Some("OT".into()),
                    study_instance_uid: Some(uid(study)),
                    series_instance_uid: Some(uid(&series)),
                    sop_instance_uid: Some(uid(&instance)),
                    ..HeaderFacts::default()
                },
                source: Source::Dicom {
                    calling_ae: "CT1".parse().unwrap(),
                    called_ae: "RELAYPACS".parse().unwrap(),
                    address: std::net::Ipv4Addr::LOCALHOST.into(),
                },
                service_level: level,
                flags: Vec::new(),
            })
            .await
            .unwrap();
        (placed.object, data)
    }

    /// Stores `count` instances of `bytes` payload each; gives the SHA-256 of their data sets.
    pub(crate) async fn store_study(&self, study: &str, count: usize, bytes: usize, level: ServiceLevel) -> Vec<String> {
        let mut shas = Vec::new();
        for number in 1..=count {
            let (_, data) = self.store(study, number, &vec![number as u8; bytes], level).await;
            shas.push(sha256(&data));
        }
        shas
    }

    /// Waits until something in the catalogue makes `done` true; looks again at each event.
    pub(crate) async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let (mut events, mut work) = (self.buffer.newest_event(), self.buffer.work());
        let waited = timeout(LONGEST, async {
            while !done(self) {
                tokio::select! {
                    changed = events.changed() => changed.unwrap(),
                    changed = work.changed() => changed.unwrap(),
                }
            }
        });
        assert!(waited.await.is_ok(), "not within a minute: {what}\n{:#?}", self.forwarder.destinations());
    }

    /// Waits until every instance of a study is settled at every destination.
    pub(crate) async fn until_delivered(&self, study: &str) {
        self.until("study delivered", |b| {
            let states = b.states(study);
            !states.is_empty() && states.iter().all(|(_, state)| matches!(state, DeliveryState::Delivered(_)))
        })
        .await;
    }

    /// Destination and state of every delivery of a study.
    pub(crate) fn states(&self, study: &str) -> Vec<(String, DeliveryState)> {
        let page = self.buffer.ledger(&study.parse().unwrap(), None, 500).unwrap();
        let entries = page.map(|page| page.entries).unwrap_or_default();
        entries.into_iter().flat_map(|entry| entry.deliveries).map(|(name, delivery)| (name.to_string(), delivery.state)).collect()
    }

    /// All events so far.
    pub(crate) fn events(&self) -> Vec<EventKind> {
        self.buffer.changes(0, 10_000).unwrap().into_iter().map(|event| event.kind).collect()
    }
}

/// 64 hex digits.
pub(crate) fn sha256(data: &[u8]) -> String {
    use sha2::Digest as _;
    relaypacs_domain::Sha256(sha2::Sha256::digest(data).into()).to_string()
}

/// A free port on the loopback interface (nobody listens on it).
pub(crate) fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
