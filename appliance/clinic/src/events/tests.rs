use std::net::Ipv4Addr;

use futures_util::future::BoxFuture;
use relaypacs_buffer::NewObject;
use relaypacs_domain::{DestinationName, Failure, HeaderFacts, HeldReason, Identity, MatchRule, Routing, ServiceLevel, Source};

use super::*;
use crate::{
    pacs::{DestinationState, PacsAnswer, PacsDocument},
    reports::{
        ReportStatus,
        tests::{ADMIN, Bench, OWNER, RADIOGRAPHER, bench},
    },
    statistics::{Period, Statistics},
};

struct Followers {
    bench: Bench,
    events: Events,
    statistics: Statistics,
}

async fn followers() -> Followers {
    let bench = bench().await;
    let events = Events::open(bench.parts()).unwrap();
    let statistics = Statistics::open(bench.store.clone(), Clock::manual(bench.hand.clone()), "UTC").unwrap();
    Followers { bench, events, statistics }
}

impl Followers {
    /// A modality sends a study of one image.
    async fn store(&self, study: &str) {
        let object = NewObject {
            identity: Identity {
                sop_class: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
                sop_instance: format!("{study}.1.1").parse().unwrap(),
                transfer_syntax: "1.2.840.10008.1.2.1".parse().unwrap(),
                study: Some(study.parse().unwrap()),
                series: Some(format!("{study}.1").parse().unwrap()),
            },
            facts: HeaderFacts {
                patient_name: Some("DOE^JANE".into()),
                patient_id: Some("P-1".into()),
                modality: Some("CT".into()),
                study_instance_uid: Some(study.parse().unwrap()),
                ..HeaderFacts::default()
            },
            source: Source::Dicom {
                calling_ae: "CT1".parse().unwrap(),
                called_ae: "RELAYPACS".parse().unwrap(),
                address: Ipv4Addr::LOCALHOST.into(),
            },
            service_level: ServiceLevel::Routine,
            flags: Vec::new(),
        };
        let mut writer = self.bench.buffer.begin().unwrap();
        writer.write(b"pixels").await.unwrap();
        writer.commit(object).await.unwrap();
        let uid: Uid = study.parse().unwrap();
        while self.bench.buffer.study(&uid).unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    }

    async fn complete(&self, study: &str) {
        self.bench.buffer.mark_complete(&study.parse().unwrap()).await.unwrap();
    }

    async fn follow_all(&self) {
        while self.events.follow().await.unwrap().more {}
        while self.bench.reports.tell_news().await.unwrap() > 0 {}
    }

    /// Waits until the buffer has told of `count` events and follows them.
    async fn follow(&self, count: u64) {
        let mut newest = self.bench.buffer.newest_event();
        newest.wait_for(|newest| *newest >= count).await.unwrap();
        self.follow_all().await;
    }
}

#[tokio::test]
async fn a_study_that_is_complete_is_counted_and_to_be_reported_once() {
    let followers = followers().await;
    followers.store("1.2.3").await;
    followers.complete("1.2.3").await;
    let mut newest = followers.bench.buffer.newest_event();
    newest.wait_for(|newest| *newest >= 2).await.unwrap();
    followers.follow_all().await;
    // What a crash between commit and memory would do: the same events once more.
    followers.follow_all().await;
    let stats = followers.statistics.stats(Period::OneWeek).await.unwrap();
    assert_eq!((stats.total_uploads, stats.source["dicom"], stats.modality["CT"]), (1, 1, 1));
    let page = followers.bench.reports.list(ADMIN, None, 10, 0).await.unwrap();
    let [(report, _)] = page.reports.as_slice() else { panic!("{}", page.total) };
    assert_eq!((report.status, report.patient_name.as_deref()), (ReportStatus::Assigned, Some("DOE^JANE")));
    assert_eq!(report.details.patient_id.as_deref(), Some("P-1"));
    assert_eq!(followers.bench.reports.list(OWNER, None, 10, 0).await.unwrap().total, 0, "clinicians do not see it");
    assert!(followers.bench.told(RADIOGRAPHER).await.contains(&"report_assigned"));
}

#[tokio::test]
async fn held_work_and_a_full_disk_are_told_to_technicians_once_a_day() {
    let followers = followers().await;
    let destination: DestinationName = "pacs".parse().unwrap();
    let held = EventKind::StudyHeld { study: Some("1.2.3".parse().unwrap()), destination: Some(destination), reason: HeldReason::Refused };
    for _ in 0..2 {
        followers.bench.buffer.record_event(held.clone()).await.unwrap();
        followers.bench.buffer.record_event(EventKind::DiskLow).await.unwrap();
    }
    followers.follow(4).await;
    assert_eq!(followers.bench.told(ADMIN).await.len(), 2);
    assert!(followers.bench.told(RADIOGRAPHER).await.contains(&"study_held"));
    assert!(followers.bench.told(OWNER).await.is_empty());
    followers.bench.hand.advance(Duration::from_hours(25));
    followers.bench.buffer.record_event(EventKind::DiskLow).await.unwrap();
    followers.follow(5).await;
    assert_eq!(followers.bench.told(ADMIN).await.len(), 3);
}

#[tokio::test]
async fn old_events_do_not_ring() {
    let followers = followers().await;
    followers.bench.buffer.record_event(EventKind::DiskLow).await.unwrap();
    followers.bench.hand.advance(Duration::from_hours(48));
    followers.follow(1).await;
    assert!(followers.bench.told(ADMIN).await.is_empty());
}

#[tokio::test]
async fn a_cursor_beyond_the_buffer_is_taken_back() {
    let followers = followers().await;
    followers.bench.store.write(|transaction| apply::set_cursor(transaction, 1000)).await.unwrap();
    followers.bench.buffer.record_event(EventKind::DiskLow).await.unwrap();
    followers.follow(1).await;
    followers.bench.buffer.record_event(EventKind::DiskFull).await.unwrap();
    followers.follow(2).await;
    assert_eq!(followers.bench.told(ADMIN).await, ["disk_low"], "what comes after is followed");
}

#[tokio::test]
async fn views_are_told_without_patient_data() {
    let followers = followers().await;
    let routing = Routing(vec![("pacs".parse().unwrap(), MatchRule::default())]);
    followers.bench.buffer.set_routing(routing).await.unwrap();
    followers.store("1.2.3").await;
    let changes = followers.bench.buffer.changes(0, 10).unwrap();
    let told: Vec<_> = changes.iter().filter_map(live_event).collect();
    assert_eq!(told[0].json["event"], "arriving");
    assert!(told.iter().all(|event| !event.json.to_string().contains("DOE")));
}

/// One destination, as the test says it is.
struct Line(std::sync::atomic::AtomicBool);

impl Line {
    fn is_down(&self, down: bool) {
        self.0.store(down, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Pacs for Line {
    fn documents<'a>(&'a self, _: &'a Uid, _: &'a [Uid]) -> BoxFuture<'a, PacsAnswer> {
        Box::pin(async { PacsAnswer::default() })
    }

    fn fetch<'a>(&'a self, _: &'a PacsDocument, _: u64) -> BoxFuture<'a, Result<Option<Vec<u8>>, Failure>> {
        Box::pin(async { Ok(None) })
    }

    fn destinations(&self) -> Vec<DestinationState> {
        vec![DestinationState { name: "pacs".parse().unwrap(), down: self.0.load(std::sync::atomic::Ordering::SeqCst) }]
    }
}

impl Followers {
    /// Lets the watch look until technicians were told of `kind`.
    async fn until_told(&self, kind: &str) {
        for _ in 0..100_000 {
            if self.bench.told(ADMIN).await.contains(&kind) {
                return;
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        panic!("{kind} is not told");
    }

    fn watch(&self, line: &Arc<Line>) -> (CancellationToken, tokio::task::JoinHandle<()>) {
        let (events, line, stop) = (self.events.clone(), line.clone(), CancellationToken::new());
        (stop.clone(), tokio::spawn(async move { events.watch_destinations(line, stop).await }))
    }
}

/// Time of the runtime is paused, so that the watch looks as often as it may; the clock that counts is moved by hand.
#[tokio::test(start_paused = true)]
async fn technicians_hear_once_that_a_destination_is_away_and_once_that_it_is_back_also_over_a_restart() {
    let followers = followers().await;
    let line = Arc::new(Line(true.into()));
    let (stop, watch) = followers.watch(&line);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(followers.bench.told(ADMIN).await.is_empty(), "five minutes of patience");
    followers.bench.hand.advance(Duration::from_mins(5));
    followers.until_told("pacs_unreachable").await;
    stop.cancel();
    watch.await.unwrap();
    let (stop, watch) = followers.watch(&line);
    tokio::time::sleep(Duration::from_mins(1)).await;
    followers.bench.hand.advance(Duration::from_mins(10));
    tokio::time::sleep(Duration::from_mins(1)).await;
    line.is_down(false);
    followers.until_told("pacs_recovered").await;
    stop.cancel();
    watch.await.unwrap();
    assert_eq!(followers.bench.told(ADMIN).await.len(), 2);
    assert!(followers.bench.told(RADIOGRAPHER).await.contains(&"pacs_recovered"));
    assert!(followers.bench.told(OWNER).await.is_empty());
}
