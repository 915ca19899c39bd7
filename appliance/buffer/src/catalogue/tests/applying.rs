use std::time::Duration;

use relaypacs_domain::{DeliveryState, Flag, HeldReason, ServiceLevel, Step};

use super::*;
use crate::{catalogue::ObjectRow, entry::Carried};

fn state(bench: &Bench, object: ObjectId, destination: &str) -> DeliveryState {
    let row = bench.catalogue.object_row(object).unwrap().unwrap();
    row.deliveries.into_iter().find(|row| row.destination == name(destination)).unwrap().delivery.state
}

#[test]
fn the_same_bytes_again_are_stored_once_and_bring_no_work_while_unproven() {
    let mut bench = Bench::new();
    let first = bench.store(&New::of(1, 1));
    let again = bench.commit(&New::of(1, 1));
    let number = again.object;
    let applied = bench.apply(Entry::Commit(Box::new(again)));
    assert_eq!(applied.stored_before, vec![(number, first)]);
    assert_eq!(bench.catalogue.objects().unwrap(), 1);
    assert_eq!(bench.catalogue.dead(10).unwrap(), vec![(number.0, first.0)]);
    let row = bench.catalogue.object_row(first).unwrap().unwrap();
    assert!(row.notes.is_empty());
    bench.apply(Entry::Release(vec![number]));
    assert_eq!(bench.catalogue.dead(10).unwrap(), vec![]);
    assert_eq!(bench.catalogue.tombstone(number).unwrap(), vec![1]);
    assert_eq!(bench.catalogue.objects().unwrap(), 1);
}

#[test]
fn a_proven_instance_sent_again_is_queued_again_and_the_ledger_says_by_whom() {
    let mut bench = Bench::new();
    let object = bench.store(&New::of(1, 1));
    bench.try_deliver("pacs", &[(object, proven())]);
    assert!(matches!(state(&bench, object, "pacs"), DeliveryState::Delivered(_)));
    let again = bench.commit(&New::of(1, 1));
    bench.apply(Entry::Commit(Box::new(again)));
    assert_eq!(state(&bench, object, "pacs"), DeliveryState::Queued);
    let page = bench.catalogue.ledger(&study_uid(1), None, 10).unwrap().unwrap();
    assert_eq!(page.entries.len(), 1);
    assert_eq!(page.entries[0].notes.len(), 2, "{:?}", page.entries[0].notes);
    assert!(page.entries[0].notes[0].starts_with("proven at pacs before"));
    assert_eq!(page.entries[0].notes[1], "resent by CT1");
    assert!(bench.events().iter().any(|event| event.starts_with("SentAgain")));
    assert_eq!(bench.catalogue.releasable(bench.now(), Duration::ZERO, 10).unwrap().len(), 0);
}

/// A PACS was replaced: what comes again goes to the new one, and is not held for the one that is gone.
#[test]
fn what_is_sent_again_goes_where_things_go_now() {
    let mut bench = Bench::new();
    let object = bench.store(&New { destinations: vec!["old", "archive"], ..New::of(1, 1) });
    let (at, when) = (bench.wall(), bench.now());
    bench.try_deliver("old", &[(object, proven())]);
    bench.apply(Entry::Note(Note::Stepped { destination: name("archive"), step: Step::GiveUp, at, when, objects: vec![object] }));
    let again = bench.commit(&New { destinations: vec!["new"], ..New::of(1, 1) });
    bench.apply(Entry::Commit(Box::new(again)));
    assert_eq!(state(&bench, object, "new"), DeliveryState::Queued);
    assert!(matches!(state(&bench, object, "old"), DeliveryState::Delivered(_)));
    assert_eq!(state(&bench, object, "archive"), DeliveryState::GivenUp);
    bench.try_deliver("new", &[(object, proven())]);
    assert_eq!(bench.catalogue.releasable(bench.now(), Duration::ZERO, 10).unwrap().len(), 1);
}

#[test]
fn other_bytes_under_one_uid_are_both_kept_and_flagged() {
    let mut bench = Bench::new();
    let first = bench.store(&New::of(1, 1));
    let second = bench.store(&New { content: 7, ..New::of(1, 1) });
    for object in [first, second] {
        assert_eq!(bench.catalogue.object_row(object).unwrap().unwrap().flags, vec![Flag::OtherVersion]);
    }
    let page = bench.catalogue.studies(&crate::StudyQuery { limit: 10, ..Default::default() }).unwrap();
    assert_eq!((page.studies[0].instances, page.studies[0].flags.as_slice()), (2, &[Flag::OtherVersion][..]));
    assert!(bench.events().iter().any(|event| event.starts_with("OtherVersion")));
}

#[test]
fn what_no_destination_takes_is_held_until_it_is_routed() {
    let mut bench = Bench::new();
    let object = bench.store(&New { destinations: vec![], ..New::of(1, 1) });
    let queue = bench.catalogue.queue(None).unwrap();
    assert_eq!((queue.instances, queue.held_instances, queue.held_studies), (0, 1, 1));
    let page = bench.catalogue.studies(&crate::StudyQuery { limit: 10, state: Some("held".into()), ..Default::default() }).unwrap();
    assert_eq!(page.studies[0].deliveries[0].held, Some(HeldReason::NoDestination));
    assert_eq!(page.studies[0].deliveries[0].destination, None);
    let (at, when) = (bench.wall(), bench.now());
    bench.apply(Entry::Note(Note::Routed { at, when, objects: vec![(object, vec![name("pacs")])] }));
    let queue = bench.catalogue.queue(None).unwrap();
    assert_eq!((queue.instances, queue.held_instances), (1, 0));
    assert_eq!(state(&bench, object, "pacs"), DeliveryState::Queued);
}

#[test]
fn an_instance_without_a_study_is_a_study_of_its_own() {
    let mut bench = Bench::new();
    bench.store(&New { study: None, ..New::of(0, 1) });
    bench.store(&New { study: None, ..New::of(0, 2) });
    let page = bench.catalogue.studies(&crate::StudyQuery { limit: 10, ..Default::default() }).unwrap();
    assert_eq!(page.total, 2);
    assert!(page.studies.iter().all(|study| study.study_instance_uid.is_none() && study.flags == [Flag::Unparsed]));
    assert!(bench.catalogue.incomplete_studies(10).unwrap().is_empty());
}

#[test]
fn a_study_is_told_delivered_once_it_is_complete_and_all_of_it_is_proven() {
    let mut bench = Bench::new();
    let first = bench.store(&New::of(1, 1));
    let second = bench.store(&New::of(1, 2));
    let delivered = |bench: &Bench| bench.events().iter().filter(|event| event.starts_with("StudyDelivered")).count();
    bench.try_deliver("pacs", &[(first, proven()), (second, proven())]);
    assert_eq!(delivered(&bench), 0);
    let at = bench.wall();
    bench.apply(Entry::Note(Note::Complete { study: study_uid(1), at }));
    assert_eq!(delivered(&bench), 1);
    bench.apply(Entry::Note(Note::Complete { study: study_uid(1), at }));
    assert_eq!(delivered(&bench), 1);
    // A late instance opens the study again.
    let third = bench.store(&New::of(1, 3));
    assert_eq!(bench.catalogue.incomplete_studies(10).unwrap().len(), 1);
    bench.apply(Entry::Note(Note::Complete { study: study_uid(1), at }));
    assert_eq!(delivered(&bench), 1);
    bench.try_deliver("pacs", &[(third, proven())]);
    assert_eq!(delivered(&bench), 2);
}

#[test]
fn damage_holds_what_waits_and_the_same_bytes_again_heal_it() {
    let mut bench = Bench::new();
    let object = bench.store(&New { destinations: vec!["a", "b"], ..New::of(1, 1) });
    bench.try_deliver("a", &[(object, proven())]);
    let at = bench.wall();
    bench.apply(Entry::Note(Note::Damaged { objects: vec![object], at }));
    assert_eq!(state(&bench, object, "b"), DeliveryState::Held(HeldReason::Unreadable, None));
    let again = bench.commit(&New { destinations: vec!["a", "b"], ..New::of(1, 1) });
    let healed = again.object;
    assert_eq!(bench.apply(Entry::Commit(Box::new(again))).stored_before, vec![]);
    assert_eq!(bench.catalogue.object_row(object).unwrap(), None);
    assert!(matches!(state(&bench, healed, "a"), DeliveryState::Delivered(_)));
    assert_eq!(state(&bench, healed, "b"), DeliveryState::Queued);
    assert!(bench.catalogue.object_row(healed).unwrap().unwrap().flags.is_empty());
    assert_eq!(bench.catalogue.dead(10).unwrap(), vec![(object.0, healed.0)]);
}

#[test]
fn a_release_ends_a_study_with_its_last_object() {
    let mut bench = Bench::new();
    let first = bench.store(&New::of(1, 1));
    let second = bench.store(&New::of(1, 2));
    bench.try_deliver("pacs", &[(first, proven()), (second, proven())]);
    bench.apply(Entry::Release(vec![first]));
    let page = bench.catalogue.studies(&crate::StudyQuery { limit: 10, ..Default::default() }).unwrap();
    assert_eq!((page.studies[0].instances, page.studies[0].deliveries[0].done), (2, 2));
    bench.apply(Entry::Release(vec![second]));
    assert_eq!(bench.catalogue.studies(&crate::StudyQuery { limit: 10, ..Default::default() }).unwrap().total, 0);
    assert_eq!(bench.catalogue.live_segments().unwrap(), vec![]);
    assert_eq!(bench.catalogue.queue(None).unwrap(), crate::Queue::default());
}

#[test]
fn a_priority_moves_a_study_and_what_its_instances_say_later_does_not() {
    let mut bench = Bench::new();
    bench.store(&New::of(1, 1));
    bench.apply(Entry::Note(Note::Priority { study: study_uid(1), level: ServiceLevel::Subspecialty }));
    bench.store(&New { level: ServiceLevel::Stat, ..New::of(1, 2) });
    assert_eq!(bench.catalogue.queue(Some(&name("pacs"))).unwrap().by_level, [0, 0, 0, 2]);
    bench.apply(Entry::Note(Note::Priority { study: study_uid(1), level: ServiceLevel::Stat }));
    assert_eq!(bench.catalogue.queue(Some(&name("pacs"))).unwrap().by_level, [2, 0, 0, 0]);
}

#[test]
fn giving_up_and_holding_are_told_once_a_study() {
    let mut bench = Bench::new();
    let objects: Vec<ObjectId> = (0..5).map(|instance| bench.store(&New::of(1, instance))).collect();
    let (at, when) = (bench.wall(), bench.now());
    for object in &objects {
        bench.try_deliver("pacs", &[(*object, hold())]);
    }
    let step = |step| Entry::Note(Note::Stepped { destination: name("pacs"), step, at, when, objects: objects.clone() });
    bench.apply(step(Step::GiveUp));
    let count = |bench: &Bench, what: &str| bench.events().iter().filter(|event| event.starts_with(what)).count();
    assert_eq!((count(&bench, "StudyHeld"), count(&bench, "GivenUp")), (1, 1));
    assert_eq!(bench.catalogue.releasable(bench.now(), Duration::ZERO, 10).unwrap().len(), 5);
}

#[test]
fn carried_facts_say_nothing_where_a_later_entry_changed_the_object() {
    let mut bench = Bench::new();
    let object = bench.store(&New::of(1, 1));
    let row = bench.catalogue.object_row(object).unwrap().unwrap();
    let carried = Carried {
        object,
        as_of: row.changed,
        flags: row.flags,
        deliveries: row.deliveries,
        notes: row.notes,
        settled: row.settled,
        sent_again: row.sent_again,
    };
    bench.try_deliver("pacs", &[(object, proven())]);
    bench.apply(Entry::Note(Note::Carried(Box::new(carried))));
    assert!(matches!(state(&bench, object, "pacs"), DeliveryState::Delivered(_)));
}

#[test]
fn carried_facts_are_taken_over_where_their_sources_are_gone() {
    let mut bench = Bench::new();
    let commit = bench.commit(&New::of(1, 1));
    let object = commit.object;
    bench.apply(Entry::Commit(Box::new(commit.clone())));
    bench.hand.advance(Duration::from_secs(3));
    bench.try_deliver("pacs", &[(object, retry(Duration::from_mins(1)))]);
    let row = bench.catalogue.object_row(object).unwrap().unwrap();
    let carried = Carried {
        object,
        as_of: row.changed,
        flags: row.flags.clone(),
        deliveries: row.deliveries.clone(),
        notes: row.notes.clone(),
        settled: row.settled,
        sent_again: row.sent_again,
    };
    // A catalogue that never saw the attempt.
    let mut rebuilt = Bench::new();
    rebuilt.apply(Entry::Commit(Box::new(commit)));
    rebuilt.position.offset = 10_000;
    rebuilt.apply(Entry::Note(Note::Carried(Box::new(carried))));
    let got = rebuilt.catalogue.object_row(object).unwrap().unwrap();
    assert_eq!(got, ObjectRow { carried: 1, ..row });
}

#[test]
fn a_record_that_was_written_again_is_that_of_the_stored_instance() {
    let mut bench = Bench::new();
    let (stored, repetition) = (bench.commit(&New::of(1, 1)), bench.commit(&New::of(1, 1)));
    let (object, other) = (stored.object, repetition.object);
    // The first record is gone with its segment; the repetition's release comes last.
    bench.apply(Entry::Commit(Box::new(repetition)));
    bench.apply(Entry::Note(Note::Recorded(Box::new(stored.clone()))));
    assert_eq!(bench.catalogue.dead(10).unwrap(), vec![(other.0, object.0)]);
    bench.apply(Entry::Release(vec![other]));
    assert_eq!(bench.catalogue.objects_from(0, 10).unwrap().iter().map(|(object, _)| *object).collect::<Vec<_>>(), [object]);
    assert_eq!(bench.catalogue.object_row(object).unwrap().unwrap().extents, stored.extents);
    assert_eq!(bench.catalogue.tombstone(other).unwrap(), vec![1]);
    // Where the catalogue knows it, only the places of bytes and record are new.
    let moved = Commit { extents: vec![Extent::whole(9, 9, 64, stored.bytes as u32)], ..stored };
    let before = bench.catalogue.object_row(object).unwrap().unwrap();
    bench.apply(Entry::Note(Note::Recorded(Box::new(moved.clone()))));
    let after = bench.catalogue.object_row(object).unwrap().unwrap();
    assert_eq!(after, ObjectRow { extents: moved.extents, records: vec![1, 1], ..before });
}

#[test]
fn a_release_that_was_decided_before_the_instance_came_again_does_not_count() {
    let mut bench = Bench::new();
    let object = bench.store(&New::of(1, 1));
    bench.try_deliver("pacs", &[(object, proven())]);
    let again = bench.commit(&New::of(1, 1));
    bench.apply(Entry::Commit(Box::new(again)));
    bench.apply(Entry::Release(vec![object]));
    assert_eq!(state(&bench, object, "pacs"), DeliveryState::Queued);
    bench.try_deliver("pacs", &[(object, proven())]);
    bench.apply(Entry::Release(vec![object]));
    assert_eq!(bench.catalogue.objects().unwrap(), 0);
}
