use std::sync::atomic::{AtomicU32, Ordering};

use relaypacs_buffer::{NewObject, Options};
use relaypacs_domain::{Clock, DeliveryState, HeaderFacts, Source, Uid};

use super::*;
use crate::{
    config::DestinationConfig,
    content::Pieces,
    metrics::Metrics,
    testing::{data_set, identity},
};

const STUDY: &str = "1.2.5";

/// Panics when it is first asked, then gives what the buffer has.
struct PanicsOnce {
    asked: AtomicU32,
    buffer: Buffer,
}

impl Contents for PanicsOnce {
    fn open(&self, object: ObjectId) -> Pieces {
        assert!(self.asked.fetch_add(1, Ordering::Relaxed) > 0, "as planned");
        Contents::open(&self.buffer, object)
    }
}

async fn store(buffer: &Buffer, number: u32) {
    let sop = format!("{STUDY}.1.{number}");
    let mut writer = buffer.begin().unwrap();
    writer.write(&data_set(STUDY, "1.2.5.1", &sop, b"payload")).await.unwrap();
    let source = Source::Dicom {
        calling_ae: "CT1".parse().unwrap(),
        called_ae: "RELAYPACS".parse().unwrap(),
        address: std::net::Ipv4Addr::LOCALHOST.into(),
    };
    let new = NewObject {
        identity: identity(STUDY, "1.2.5.1", &sop),
        facts: HeaderFacts::default(),
        source,
        service_level: ServiceLevel::Routine,
        flags: Vec::new(),
    };
    writer.commit(new).await.unwrap();
}

fn delivered(buffer: &Buffer) -> usize {
    let page = buffer.ledger(&STUDY.parse::<Uid>().unwrap(), None, 100).unwrap();
    let entries = page.map(|page| page.entries).unwrap_or_default();
    let states = entries.iter().flat_map(|entry| &entry.deliveries).map(|(_, delivery)| &delivery.state);
    states.filter(|state| matches!(state, DeliveryState::Delivered(_))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_panics_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        dir: folder.path().join("buffer"),
        max_bytes: Some(1 << 28),
        reserve_bytes: Some(0),
        segment_bytes: 1 << 20,
        retention: Duration::from_hours(24),
        history: Duration::from_hours(48),
    };
    let (buffer, _) = Buffer::open(options, Clock::system()).unwrap();
    let config = DestinationConfig::folder("archive".parse().unwrap(), folder.path());
    let destination = Destination::new(config.checked().unwrap(), Metrics::default(), Clock::system());
    let routing = relaypacs_domain::Routing(vec![(destination.name.clone(), destination.matching.clone())]);
    buffer.set_routing(routing).await.unwrap();
    for number in 1..=5 {
        store(&buffer, number).await;
    }
    let contents = Arc::new(PanicsOnce { asked: AtomicU32::new(0), buffer: buffer.clone() });
    let stop = CancellationToken::new();
    let planner = Planner::new(Arc::new(destination), buffer.clone()).with_contents(contents);
    let running = tokio::spawn(planner.run(stop.clone()));
    let mut work = buffer.work(); // settled claims announce themselves
    let waited = timeout(Duration::from_mins(1), async {
        while delivered(&buffer) < 5 {
            work.changed().await.unwrap();
        }
    });
    assert!(waited.await.is_ok(), "{:?}", buffer.ledger(&STUDY.parse().unwrap(), None, 100).unwrap());
    stop.cancel();
    running.await.unwrap();
}
