use relaypacs_domain::{Clock, DeliveryState, ObjectId};

use super::*;
use crate::{
    entry::{Entry, Note},
    reclaim::tests::{Story, hold, proven},
};

/// A stopped buffer with held, released and waiting objects.
fn stopped() -> Story {
    let mut story = Story::new(8 << 20);
    for number in 0..40 {
        story.store(number, 0);
    }
    story.forward(|number| if number % 2 == 0 { hold() } else { proven() });
    story.hand.advance(std::time::Duration::from_secs(1000));
    story.keep_up();
    story.store(50, 0);
    story.close();
    story
}

fn named(story: &Story) -> Vec<(Option<ObjectId>, String)> {
    let report = verify(story.dir.path()).unwrap();
    report.differences.into_iter().map(|difference| (difference.object, difference.what)).collect()
}

/// Does something to the catalogue that the log knows nothing of.
fn tamper(story: &Story, work: impl FnOnce(&Catalogue, LogPosition)) {
    let disk = RealDisk::new(story.dir.path());
    let file = |name| RedbFile::open_or_create(&disk, name).unwrap();
    let (catalogue, checkpoint) = Catalogue::open(file(CATALOGUE), file(HISTORY), Clock::default()).unwrap();
    let position = LogPosition { epoch: checkpoint.position.epoch, offset: checkpoint.position.offset + 1 };
    work(&catalogue, position);
    catalogue.close(position, catalogue.now()).unwrap();
}

#[test]
fn what_agrees_is_clean_and_counted() {
    let story = stopped();
    let report = verify(story.dir.path()).unwrap();
    assert!(report.is_clean(), "{:?}", report.differences);
    assert_eq!((report.objects, report.released), (21, 20));
}

#[test]
fn an_object_that_only_the_log_has_is_named() {
    let story = stopped();
    tamper(&story, |catalogue, position| drop(catalogue.apply(&[(position, Entry::Release(vec![ObjectId(1)]))]).unwrap()));
    let found = named(&story);
    assert!(found.contains(&(Some(ObjectId(1)), "is in the log but not in the catalogue".into())), "{found:?}");
}

#[test]
fn a_delivery_that_only_the_catalogue_believes_is_named() {
    let story = stopped();
    tamper(&story, |catalogue, position| {
        let note = Note::Tried {
            destination: "pacs".parse().unwrap(),
            at: relaypacs_domain::Timestamp::default(),
            when: catalogue.now(),
            verdicts: vec![(ObjectId(3), proven())],
        };
        catalogue.apply(&[(position, Entry::Note(note))]).unwrap();
        let row = catalogue.object_row(ObjectId(3)).unwrap().unwrap();
        assert!(matches!(row.deliveries[0].delivery.state, DeliveryState::Delivered(_)));
    });
    let found = named(&story);
    assert!(found.iter().any(|(object, what)| *object == Some(ObjectId(3)) && what.contains("state of its deliveries")), "{found:?}");
    assert!(found.iter().all(|(object, _)| object.is_none_or(|object| object == ObjectId(3))), "{found:?}");
}

#[test]
fn a_released_object_that_the_history_does_not_know_is_named() {
    let story = stopped();
    std::fs::remove_file(story.dir.path().join(HISTORY)).unwrap();
    let found = named(&story);
    assert_eq!(found.len(), 20, "{found:?}");
    assert!(found.iter().all(|(_, what)| what.contains("history")));
}

#[test]
fn a_running_buffer_is_left_alone() {
    let story = Story::new(8 << 20);
    assert!(matches!(verify(story.dir.path()), Err(OpenError::Locked(_))));
    let nothing = tempfile::tempdir().unwrap();
    assert!(matches!(verify(nothing.path()), Err(OpenError::Io { .. })));
}
