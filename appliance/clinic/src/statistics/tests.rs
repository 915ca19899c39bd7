use std::time::Duration;

use relaypacs_domain::{ManualClock, ServiceLevel, SourceKind, Timestamp, Uid};

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

struct Bench {
    dir: tempfile::TempDir,
    hand: Arc<ManualClock>,
    store: Store,
    statistics: Statistics,
}

impl Bench {
    async fn at(now: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hand = Arc::new(ManualClock::default());
        hand.set_wall(at(now));
        let store = Store::open(dir.path()).unwrap();
        let statistics = Statistics::open(store.clone(), Clock::manual(hand.clone()), "Europe/Berlin").unwrap();
        Self { dir, hand, store, statistics }
    }

    async fn upload(&self, fact: UploadFact) {
        self.store.write(move |transaction| record_upload_in(transaction, &fact)).await.unwrap();
    }

    async fn study(&self, uid: &str, bytes: u64, time: &str) {
        let study: Uid = uid.parse().unwrap();
        let arrived = StudyArrived { study, bytes, at: at(time), modality: "CT".into(), service_level: ServiceLevel::Stat };
        self.store.write(move |transaction| record_study_in(transaction, &arrived)).await.unwrap();
    }

    async fn stats(&self, period: Period) -> Stats {
        let told = self.statistics.stats(period).await.unwrap();
        let json: serde_json::Value = serde_json::from_str(&self.statistics.stats_json(period).unwrap()).unwrap();
        assert_eq!(json, serde_json::to_value(&told).unwrap(), "what is kept is what is asked anew");
        told
    }
}

fn fact(time: &str, modality: &str, bytes: u64, succeeded: bool) -> UploadFact {
    UploadFact { at: at(time), modality: modality.into(), service_level: ServiceLevel::Routine, source: SourceKind::Http, bytes, succeeded }
}

#[tokio::test]
async fn each_period_counts_its_own_days_and_changes_show_at_once() {
    let bench = Bench::at("2026-11-23T12:00:00Z").await;
    assert_eq!(bench.stats(Period::All).await.total_uploads, 0);
    bench.upload(fact("2026-11-23T11:00:00Z", "CT", 100, true)).await;
    assert_eq!(bench.stats(Period::OneWeek).await.total_uploads, 1);
    bench.upload(fact("2026-11-16T23:30:00Z", "MR", 10, false)).await; // the 17th in Berlin
    bench.upload(fact("2026-11-16T22:30:00Z", "MR", 10, true)).await; // the 16th
    bench.upload(fact("2026-09-01T12:00:00Z", "", 1, true)).await;
    let check = async |period, total, bytes| {
        let stats = bench.stats(period).await;
        assert_eq!((stats.total_uploads, stats.total_bytes), (total, bytes), "{period}");
    };
    check(Period::OneWeek, 2, 110).await;
    check(Period::TwoWeeks, 3, 120).await;
    check(Period::OneMonth, 3, 120).await;
    check(Period::ThreeMonths, 4, 121).await;
    let all = bench.stats(Period::All).await;
    assert_eq!((all.successful_uploads, all.failed_uploads, all.success_rate), (3, 1, 75.0));
    assert_eq!(all.modality, [("CT".into(), 1), ("MR".into(), 2), ("OTHER".into(), 1)].into());
    assert_eq!(all.source, [("dicom".into(), 0), ("http".into(), 4)].into());
    assert_eq!(all.last_updated, at("2026-09-01T12:00:00Z"));
}

#[tokio::test]
async fn a_study_counts_once_and_later_images_add_their_bytes() {
    let bench = Bench::at("2026-11-23T12:00:00Z").await;
    bench.study("1.2.3", 500, "2026-11-22T12:00:00Z").await;
    bench.study("1.2.3", 500, "2026-11-23T12:00:00Z").await;
    bench.study("1.2.3", 700, "2026-11-23T12:00:00Z").await;
    let stats = bench.stats(Period::All).await;
    assert_eq!((stats.total_uploads, stats.total_bytes, stats.source["dicom"]), (1, 700, 1));
    assert_eq!(stats.service_level, [("stat".into(), 1)].into());
    let trend = bench.statistics.trend(Period::All).await.unwrap();
    assert_eq!(trend.data.iter().map(|day| (day.count, day.bytes)).collect::<Vec<_>>(), [(1, 500), (0, 200)]);
}

#[tokio::test]
async fn delays_count_once_for_each_destination() {
    let bench = Bench::at("2026-11-23T12:00:00Z").await;
    for (uid, seconds) in [("1.2.3", 10), ("1.2.3", 999), ("1.2.4", 20)] {
        let (study, destination): (Uid, _) = (uid.parse().unwrap(), "pacs".parse().unwrap());
        bench
            .store
            .write(move |transaction| {
                let now = at("2026-11-23T12:00:00Z");
                record_delivery_in(transaction, &study, &destination, now, Duration::from_secs(seconds))
            })
            .await
            .unwrap();
    }
    let stats = bench.stats(Period::OneWeek).await;
    let told = stats.destinations["pacs"];
    assert_eq!(told.delivered, 2);
    assert!((10.0..11.0).contains(&told.delay_p50_s) && (20.0..22.0).contains(&told.delay_p95_s), "{told:?}");
}

#[tokio::test]
async fn the_trend_has_every_day_of_its_period() {
    let bench = Bench::at("2026-11-23T12:00:00Z").await;
    let empty = bench.statistics.trend(Period::OneWeek).await.unwrap();
    assert_eq!((empty.data.len(), empty.summary.count, empty.summary.busiest_day), (7, 0, None));
    bench.upload(fact("2026-11-20T12:00:00Z", "CT", 7, true)).await;
    bench.upload(fact("2026-11-20T12:00:00Z", "CT", 7, false)).await;
    bench.upload(fact("2026-11-23T12:00:00Z", "CT", 7, true)).await;
    let trend = bench.statistics.trend(Period::OneWeek).await.unwrap();
    let told: Vec<_> = trend.data.iter().map(|day| (day.date.as_str(), day.count, day.failed)).collect();
    assert_eq!(told[3..], [("2026-11-20", 2, 1), ("2026-11-21", 0, 0), ("2026-11-22", 0, 0), ("2026-11-23", 1, 0)]);
    assert_eq!((trend.summary.count, trend.summary.bytes), (3, 21));
    assert_eq!((trend.summary.average_per_day, trend.summary.busiest_day.as_deref()), (0.4, Some("2026-11-20")));
}

#[tokio::test]
async fn a_clock_that_is_not_set_yet_counts_on_the_last_known_day() {
    let bench = Bench::at("2026-11-23T12:00:00Z").await;
    bench.upload(fact("2026-11-23T11:00:00Z", "CT", 1, true)).await;
    bench.upload(fact("1970-01-01T00:00:07Z", "CT", 1, true)).await;
    assert_eq!(bench.stats(Period::OneWeek).await.total_uploads, 2);
    // Midnight passes: what is kept of yesterday is not told as today's.
    bench.hand.advance(Duration::from_hours(168));
    assert_eq!(bench.stats(Period::OneWeek).await.total_uploads, 0);
}

#[tokio::test]
async fn a_restart_forgets_nothing_and_the_export_has_it_all() {
    let bench = Bench::at("2026-11-23T12:00:00Z").await;
    bench.upload(fact("2026-11-22T12:00:00Z", "=CMD()", 3, true)).await;
    bench.upload(fact("2026-11-23T12:00:00Z", "CT", 5, false)).await;
    let before = bench.stats(Period::All).await;
    let Bench { dir, hand, store, statistics } = bench;
    drop((store, statistics));
    let store = Store::open(dir.path()).unwrap();
    let statistics = Statistics::open(store, Clock::manual(hand), "Europe/Berlin").unwrap();
    assert_eq!(statistics.stats(Period::All).await.unwrap(), before);
    let first = statistics.rows(Period::All, None, 1).await.unwrap();
    let rest = statistics.rows(Period::All, first.last().map(|(day, _)| *day), 10).await.unwrap();
    let rows: Vec<_> = first.into_iter().chain(rest).flat_map(|(_, rows)| rows).collect();
    let told: Vec<_> = rows.iter().map(|row| (row.date.as_str(), row.count, row.failed, row.modality.as_str())).collect();
    assert_eq!(told, [("2026-11-22", 1, 0, "'=CMD()"), ("2026-11-23", 1, 1, "CT")]);
}

#[tokio::test]
async fn kinds_of_one_day_are_bounded() {
    let bench = Bench::at("2026-11-23T12:00:00Z").await;
    bench
        .store
        .write(|transaction| {
            (0..600).try_for_each(|n| record_upload_in(transaction, &fact("2026-11-23T12:00:00Z", &format!("M{n}"), 1, true)))
        })
        .await
        .unwrap();
    let stats = bench.stats(Period::All).await;
    assert_eq!(stats.total_uploads, 600);
    assert!(stats.modality.len() <= 513, "{}", stats.modality.len());
}

#[tokio::test]
async fn uploads_are_told_from_what_modalities_send() {
    let bench = Bench::at("2026-11-23T12:00:00Z").await;
    assert_eq!(bench.statistics.uploads().unwrap(), (0, 0));
    for (time, succeeded) in [("2020-01-01T12:00:00Z", true), ("2026-11-23T12:00:00Z", true), ("2026-11-23T12:00:00Z", false)] {
        bench.upload(fact(time, "CT", 1, succeeded)).await;
    }
    bench.study("1.2.3", 5, "2026-11-23T12:00:00Z").await;
    assert_eq!(bench.statistics.uploads().unwrap(), (2, 1));
}

#[tokio::test]
async fn studies_that_nobody_knows_any_more_are_forgotten_and_stay_counted() {
    let bench = Bench::at("2026-11-23T12:00:00Z").await;
    for uid in ["1.2.3", "1.2.4", "1.2.5"] {
        bench.study(uid, 5, "2026-11-22T12:00:00Z").await;
    }
    let uid = |text: &str| text.parse::<Uid>().unwrap();
    assert_eq!(bench.statistics.studies(None, 2).await.unwrap(), [uid("1.2.3"), uid("1.2.4")]);
    assert_eq!(bench.statistics.studies(Some(uid("1.2.4")), 2).await.unwrap(), [uid("1.2.5")]);
    bench.statistics.forget_studies(vec![uid("1.2.4")]).await.unwrap();
    assert_eq!(bench.statistics.studies(None, 9).await.unwrap(), [uid("1.2.3"), uid("1.2.5")]);
    assert_eq!(bench.stats(Period::All).await.total_uploads, 3);
}

/// DEV-BE-04: asking again costs no reading, and what is new shows at once.
#[tokio::test]
async fn an_answer_is_kept_until_something_is_counted() {
    let bench = Bench::at("2026-11-23T12:00:00Z").await;
    bench.upload(fact("2026-11-23T11:00:00Z", "CT", 1, true)).await;
    let ask = || bench.statistics.stats_json(Period::OneWeek).unwrap();
    let first = ask();
    assert!(Arc::ptr_eq(&first, &ask()), "the very same text");
    bench.upload(fact("2026-11-23T11:30:00Z", "CT", 1, true)).await;
    let next = ask();
    assert!(!Arc::ptr_eq(&first, &next) && next.contains("\"total_uploads\":2"), "{next}");
    bench.hand.advance(Duration::from_hours(24));
    assert!(!Arc::ptr_eq(&next, &ask()), "another day");
}
