use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{BackupError, Buffer, Options, reclaim::tests::Story, restore, verify};
use relaypacs_domain::Clock;

fn options(dir: &std::path::Path) -> Options {
    Options {
        dir: dir.into(),
        max_bytes: Some(8 << 20),
        reserve_bytes: Some(0),
        segment_bytes: 16 << 10,
        retention: Duration::from_hours(1),
        history: Duration::from_hours(10),
    }
}

#[test]
fn a_backup_of_a_working_buffer_restores_to_the_same_ledger() {
    let mut story = Story::new(8 << 20);
    for number in 0..60 {
        story.store(number, 0);
    }
    story.forward(|number| if number % 3 == 0 { crate::reclaim::tests::hold() } else { crate::reclaim::tests::proven() });
    story.hand.advance(Duration::from_secs(1000));
    story.keep_up();
    for number in 60..90 {
        story.store(number, 0);
    }
    let to = tempfile::tempdir().unwrap();
    let copy = to.path().join("copy");
    let seen = std::sync::Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let watch = seen.clone();
    let progress = move |done, total| {
        watch.0.store(done, Ordering::Relaxed);
        watch.1.store(total, Ordering::Relaxed);
    };
    // Meanwhile the box goes on.
    let buffer = story.buffer().clone();
    let backup = story.runtime.spawn({
        let copy = copy.clone();
        async move { buffer.backup(copy, progress).await }
    });
    for number in 90..150 {
        story.store(number, 0);
    }
    story.forward(|_| crate::reclaim::tests::proven());
    story.hand.advance(Duration::from_secs(1000));
    story.keep_up();
    story.runtime.block_on(backup).unwrap().unwrap();
    assert!(seen.1.load(Ordering::Relaxed) > 0);
    assert_eq!(seen.0.load(Ordering::Relaxed), seen.1.load(Ordering::Relaxed));

    let home = to.path().join("home");
    restore(&copy, &home, |_, _| {}).unwrap();
    let report = verify(&home).unwrap();
    assert!(report.is_clean(), "{:?} {:?}", report.differences, report.damaged);
    let (restored, recovery) = Buffer::open(options(&home), Clock::default()).unwrap();
    assert!(recovery.damaged.is_empty() && !recovery.rebuilt, "{recovery:?}");
    // Everything stored before the backup began is in the copy's ledger, with bytes or released.
    let mut numbers = Vec::new();
    for study in 0..7 {
        if let Some(page) = restored.ledger(&Story::study_of(study), None, 1000).unwrap() {
            numbers.extend(page.entries.iter().map(|entry| crate::reclaim::tests::number_of(&entry.sop_instance_uid)));
        }
    }
    numbers.sort_unstable();
    assert!((0..90).all(|number| numbers.binary_search(&number).is_ok()), "{numbers:?}");
    let report = story.runtime.block_on(restored.scrub()).unwrap();
    assert!(report.damaged.is_empty(), "{:?}", report.damaged);
    restored.close_blocking();
    story.verify();
}

#[test]
fn only_empty_folders_are_written_to_and_only_backups_are_read() {
    let story = Story::new(8 << 20);
    story.store(1, 0);
    let to = tempfile::tempdir().unwrap();
    std::fs::write(to.path().join("x"), "x").unwrap();
    let refused = story.runtime.block_on(story.buffer().backup(to.path().into(), |_, _| {}));
    assert!(matches!(refused, Err(BackupError::NotEmpty(_))));
    let copy = to.path().join("copy");
    story.runtime.block_on(story.buffer().backup(copy.clone(), |_, _| {})).unwrap();
    assert!(matches!(restore(&copy, to.path(), |_, _| {}), Err(BackupError::NotEmpty(_))));
    assert!(matches!(restore(to.path(), &to.path().join("y"), |_, _| {}), Err(BackupError::NoBackup(_))));
    assert!(matches!(restore(story.dir.path(), &to.path().join("z"), |_, _| {}), Err(BackupError::Open(_))), "a running one");
}

#[test]
fn an_operators_pause_outlives_restart_and_rebuild_and_comes_along_with_a_backup() {
    let (dir, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let open = |dir: &std::path::Path| Buffer::open(options(dir), Clock::system()).unwrap().0;
    let names = |buffer: &Buffer| buffer.paused().iter().map(ToString::to_string).collect::<Vec<_>>();
    let (pacs, archive) = ("pacs".parse().unwrap(), "archive".parse().unwrap());
    let buffer = open(dir.path());
    runtime.block_on(buffer.set_paused(&pacs, true)).unwrap();
    runtime.block_on(buffer.set_paused(&archive, true)).unwrap();
    runtime.block_on(buffer.set_paused(&archive, false)).unwrap();
    buffer.close_blocking();
    drop(buffer);
    std::fs::write(dir.path().join("catalogue.redb"), b"broken").unwrap();
    let buffer = open(dir.path());
    assert_eq!(names(&buffer), ["pacs"]);
    let copy = to.path().join("copy");
    runtime.block_on(buffer.backup(copy.clone(), |_, _| {})).unwrap();
    runtime.block_on(buffer.set_paused(&pacs, false)).unwrap();
    buffer.close_blocking();
    drop(buffer);
    assert!(names(&open(dir.path())).is_empty());
    let restored = to.path().join("restored");
    restore(&copy, &restored, |_, _| {}).unwrap();
    assert_eq!(names(&open(&restored)), ["pacs"]);
}
