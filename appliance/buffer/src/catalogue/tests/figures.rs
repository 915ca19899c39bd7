//! Figures, by hand: `cargo test --release -p relaypacs-buffer figures -- --ignored --nocapture`.

use std::time::Instant;

use super::*;
use crate::{
    StudyQuery,
    segment::disk::{RealDisk, RedbFile},
};

/// How fast groups of 16 commits are applied at the beginning and with a million objects in the catalogue, and how long a page takes then.
#[test]
#[ignore = "figures, not a test: takes minutes"]
fn a_million_objects() {
    let per_study: u32 = std::env::var("PER_STUDY").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let dir = tempfile::tempdir().unwrap();
    let disk = RealDisk::new(dir.path());
    let file = |name| RedbFile::open_or_create(&disk, name).unwrap();
    let hand = Arc::new(ManualClock::default());
    let (catalogue, _) = Catalogue::open(file("catalogue.redb"), file("history.redb"), Clock::manual(hand.clone())).unwrap();
    let mut position = LogPosition { epoch: 1, offset: 64 };
    let mut began = Instant::now();
    let mut saved = Duration::ZERO;
    let mut applying = Duration::ZERO;
    for object in 1..=1_000_000_u32 {
        // Groups of 16, a new "segment" every 2,000 objects, a checkpoint every 5,000.
        if object % 16 != 1 {
            continue;
        }
        let group: Vec<_> = (object..object + 16)
            .map(|object| {
                position.offset += 100;
                let commit =
                    New::of(object / per_study, object).commit(object.into(), position.epoch, BufferTime::default(), Timestamp::default());
                (position, Entry::Commit(Box::new(commit)))
            })
            .collect();
        let at = Instant::now();
        catalogue.apply(&group).unwrap();
        applying += at.elapsed();
        if object % 2000 < 16 {
            position = LogPosition { epoch: position.epoch + 1, offset: 64 };
        }
        if object % 5000 < 16 {
            let at = Instant::now();
            catalogue.checkpoint(position, catalogue.now()).unwrap();
            saved += at.elapsed();
        }
        if object % 50_000 < 16 && object > 1000 {
            let rate = 50_000.0 / applying.as_secs_f64();
            println!("{object:>8}: {rate:>6.0} commits/s applied, checkpoints {saved:?}, all {:?}, rss {}", began.elapsed(), rss());
            (began, saved, applying) = (Instant::now(), Duration::ZERO, Duration::ZERO);
        }
    }
    let time = |what: &str, question: &dyn Fn()| {
        let mut took: Vec<Duration> = (0..9)
            .map(|_| {
                let at = Instant::now();
                question();
                at.elapsed()
            })
            .collect();
        took.sort();
        println!("{what}: median {:?}, most {:?}", took[4], took[8]);
    };
    let query = |state: Option<&str>| StudyQuery { limit: 50, state: state.map(Into::into), ..StudyQuery::default() };
    time("page of 50", &|| _ = std::hint::black_box(catalogue.studies(&query(None)).unwrap()));
    time("page of 50, queued", &|| _ = std::hint::black_box(catalogue.studies(&query(Some("queued"))).unwrap()));
    time("page of 50, held (none)", &|| _ = std::hint::black_box(catalogue.studies(&query(Some("held"))).unwrap()));
    time("queue", &|| _ = std::hint::black_box(catalogue.queue(None).unwrap()));
    time("claim of 50", &|| {
        _ = std::hint::black_box(catalogue.claim(&name("pacs"), crate::ClaimLimits { max_instances: 50, ..claiming::anything() }).unwrap());
    });
    time("next_due", &|| _ = std::hint::black_box(catalogue.next_due(&name("pacs")).unwrap()));
    time("detail of a study", &|| _ = std::hint::black_box(catalogue.study_detail(&study_uid(500)).unwrap()));
    let at = Instant::now();
    let mut settled = 0;
    while let Some(claim) = catalogue.claim(&name("pacs"), crate::ClaimLimits { max_instances: 100, ..claiming::anything() }).unwrap() {
        position.offset += 100;
        let verdicts: Vec<_> = claim.items.iter().map(|item| (item.object, proven())).collect();
        settled += verdicts.len();
        let note = Note::Tried { destination: name("pacs"), at: Timestamp::default(), when: BufferTime::default(), verdicts };
        catalogue.apply(&[(position, Entry::Note(note))]).unwrap();
        if settled >= 50_000 {
            break;
        }
    }
    println!("{:.0} claimed and settled/s", settled as f64 / at.elapsed().as_secs_f64());
    println!("file {} MB, rss {}", std::fs::metadata(dir.path().join("catalogue.redb")).unwrap().len() >> 20, rss());
    catalogue.checkpoint(position, catalogue.now()).unwrap();
    // As after a kill: what was copied was never closed.
    std::fs::copy(dir.path().join("catalogue.redb"), dir.path().join("killed.redb")).unwrap();
    let at = Instant::now();
    drop(Catalogue::open(file("killed.redb"), file("history2.redb"), Clock::manual(hand)).unwrap());
    println!("opened again in {:?}", at.elapsed());
}

fn rss() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default().split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
}
