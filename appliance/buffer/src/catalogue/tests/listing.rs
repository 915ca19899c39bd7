use relaypacs_domain::{EventKind, SourceKind};

use super::*;
use crate::{CatalogueError, StudyQuery};

fn query(limit: usize) -> StudyQuery {
    StudyQuery { limit, ..StudyQuery::default() }
}

/// All pages of a query, as study numbers.
fn walk(bench: &Bench, mut query: StudyQuery) -> Vec<u32> {
    let mut found = Vec::new();
    loop {
        let page = bench.catalogue.studies(&query).unwrap();
        let number = |study: &crate::Study| study.study_instance_uid.as_ref().unwrap().as_str()[4..].parse::<u32>().unwrap();
        found.extend(page.studies.iter().map(number));
        assert!(page.studies.len() <= query.limit);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            assert_eq!(page.total, found.len() as u64);
            return found;
        }
    }
}

#[test]
fn pages_give_every_study_once_newest_first() {
    let mut bench = Bench::new();
    for study in 1..=25 {
        bench.store(&New::of(study, study));
    }
    assert_eq!(walk(&bench, query(10)), (1..=25).rev().collect::<Vec<_>>());
    assert_eq!(walk(&bench, query(25)), (1..=25).rev().collect::<Vec<_>>());
    assert!(matches!(bench.catalogue.studies(&StudyQuery { cursor: Some("x".into()), ..query(1) }), Err(CatalogueError::Cursor)));
}

#[test]
fn filters_ask_what_they_say() {
    let mut bench = Bench::new();
    for study in 1..=20 {
        bench.hand.advance(Duration::from_secs(1));
        let modality = if study % 3 == 0 { "MR" } else { "CT" };
        let object = bench.store(&New { modality, ..New::of(study, study) });
        match study % 4 {
            0 => bench.try_deliver("pacs", &[(object, proven())]),
            1 => bench.try_deliver("pacs", &[(object, hold())]),
            2 => bench.try_deliver("pacs", &[(object, retry(Duration::from_mins(1)))]),
            _ => {}
        }
    }
    let check = |query: StudyQuery, expected: &dyn Fn(u32) -> bool| {
        assert_eq!(walk(&bench, query.clone()), (1..=20).rev().filter(|study| expected(*study)).collect::<Vec<_>>(), "{query:?}");
    };
    let state = |state: &str| StudyQuery { state: Some(state.into()), ..query(3) };
    check(state("delivered"), &|study| study % 4 == 0);
    check(state("held"), &|study| study % 4 == 1);
    check(state("retrying"), &|study| study % 4 == 2);
    check(state("queued"), &|study| study % 4 == 3);
    check(state("forwarding"), &|_| false);
    check(state("nonsense"), &|_| false);
    check(StudyQuery { modality: Some("MR".into()), ..query(2) }, &|study| study % 3 == 0);
    check(StudyQuery { source: Some(SourceKind::Http), ..query(2) }, &|_| false);
    let at = |second: i64| Some(Timestamp::from_millis(second * 1000));
    check(StudyQuery { from: at(5), to: at(9), ..query(2) }, &|study| (5..=9).contains(&study));
}

#[test]
fn a_claimed_study_is_forwarding() {
    let mut bench = Bench::new();
    bench.store(&New::of(1, 1));
    let claim = bench.catalogue.claim(&name("pacs"), claiming::anything()).unwrap().unwrap();
    assert_eq!(walk(&bench, StudyQuery { state: Some("forwarding".into()), ..query(2) }), vec![1]);
    assert_eq!(bench.catalogue.studies(&query(1)).unwrap().studies[0].deliveries[0].state, "forwarding");
    drop(claim);
    assert_eq!(bench.catalogue.studies(&query(1)).unwrap().studies[0].deliveries[0].state, "queued");
}

#[test]
fn the_ledger_joins_what_lives_and_what_was_released() {
    let mut bench = Bench::new();
    let objects: Vec<ObjectId> = (0..10).map(|instance| bench.store(&New::of(1, instance))).collect();
    for object in &objects[..6] {
        bench.try_deliver("pacs", &[(*object, proven())]);
    }
    let gone = bench.catalogue.releasable(bench.now(), Duration::ZERO, 4).unwrap();
    bench.catalogue.remember(&gone).unwrap();
    bench.apply(Entry::Release(gone.iter().map(|(object, _)| *object).collect()));
    let mut cursor = None;
    let mut seen = Vec::new();
    loop {
        let page = bench.catalogue.ledger(&study_uid(1), cursor.as_deref(), 3).unwrap().unwrap();
        seen.extend(page.entries.iter().map(|entry| (entry.object, entry.released_at.is_some(), entry.deliveries.len())));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<_> = objects.iter().enumerate().map(|(at, object)| (*object, at < 4, 1)).collect();
    assert_eq!(seen, expected);
    assert_eq!(bench.catalogue.ledger(&study_uid(2), None, 3).unwrap().map(|page| page.entries.len()), None);
}

#[test]
fn events_are_read_across_catalogue_and_history() {
    let mut bench = Bench::new();
    for study in 1..=30 {
        bench.store(&New::of(study, study));
    }
    let all = bench.catalogue.changes(0, 100).unwrap();
    assert_eq!(all.iter().map(|event| event.seq).collect::<Vec<_>>(), (1..=30).collect::<Vec<_>>());
    assert_eq!(bench.catalogue.copy_events(20).unwrap(), 20);
    bench.catalogue.prune_events(5, 100).unwrap();
    assert_eq!(bench.catalogue.changes(0, 100).unwrap(), all);
    assert_eq!(bench.catalogue.changes(12, 7).unwrap(), all[12..19]);
    assert_eq!(bench.catalogue.copy_events(20).unwrap(), 10);
    assert_eq!(bench.catalogue.copy_events(20).unwrap(), 0);
    assert!(matches!(all[0].kind, EventKind::StudyArriving { .. }));
    assert_eq!(*bench.catalogue.newest_event().borrow(), 30);
}

#[test]
fn the_history_forgets_what_is_old() {
    let mut bench = Bench::new();
    for study in 1..=3 {
        let object = bench.store(&New::of(study, study));
        bench.try_deliver("pacs", &[(object, proven())]);
        let gone = bench.catalogue.releasable(bench.now(), Duration::ZERO, 4).unwrap();
        bench.catalogue.remember(&gone).unwrap();
        bench.apply(Entry::Release(vec![object]));
        bench.catalogue.copy_events(100).unwrap();
        bench.hand.advance(Duration::from_secs(10));
    }
    let forgotten = bench.catalogue.forget(BufferTime(Duration::from_secs(15)), 100).unwrap();
    assert!(forgotten >= 2);
    assert!(bench.catalogue.ledger(&study_uid(1), None, 3).unwrap().is_none());
    assert!(bench.catalogue.ledger(&study_uid(2), None, 3).unwrap().is_none());
    assert_eq!(bench.catalogue.ledger(&study_uid(3), None, 3).unwrap().unwrap().entries.len(), 1);
    assert_eq!(bench.catalogue.forget(BufferTime(Duration::from_secs(15)), 100).unwrap(), 0);
}

#[test]
fn twenty_thousand_studies_are_listed_page_by_page() {
    let mut bench = Bench::new();
    let mut entries = Vec::new();
    for study in 1..=20_000 {
        let commit = bench.commit(&New::of(study, study));
        entries.push((bench.next_position(), Entry::Commit(Box::new(commit))));
        if entries.len() == 2000 {
            bench.catalogue.apply(&entries).unwrap();
            entries.clear();
        }
    }
    let page = bench.catalogue.studies(&query(50)).unwrap();
    assert_eq!((page.total, page.studies.len()), (20_000, 50));
    assert_eq!(page.studies[49].study_instance_uid, Some(study_uid(19_951)));
    let next = bench.catalogue.studies(&StudyQuery { cursor: page.next_cursor, ..query(50) }).unwrap();
    assert_eq!(next.studies[0].study_instance_uid, Some(study_uid(19_950)));
    let queue = bench.catalogue.queue(Some(&name("pacs"))).unwrap();
    assert_eq!((queue.studies, queue.instances, queue.bytes), (20_000, 20_000, 20_000_000));
}

#[test]
fn the_age_of_the_oldest_is_known_by_level() {
    let mut bench = Bench::new();
    let level = |level, study, instance| New { level, ..New::of(study, instance) };
    bench.store(&level(ServiceLevel::Subspecialty, 1, 1));
    bench.hand.advance(Duration::from_secs(10));
    let retried = bench.store(&level(ServiceLevel::Routine, 2, 2));
    bench.store(&level(ServiceLevel::Stat, 3, 3));
    bench.try_deliver("pacs", &[(retried, retry(Duration::from_secs(1000)))]);
    bench.hand.advance(Duration::from_secs(10));
    bench.store(&level(ServiceLevel::Stat, 4, 4));
    bench.store(&level(ServiceLevel::Routine, 5, 5));
    let age = |seconds| Some(Duration::from_secs(seconds));
    for destination in [Some(name("pacs")), None] {
        let queue = bench.catalogue.queue(destination.as_ref()).unwrap();
        assert_eq!((queue.by_level, queue.oldest), ([2, 0, 2, 1], age(20)), "{destination:?}");
        assert_eq!(queue.oldest_by_level, [age(10), None, age(10), age(20)], "{destination:?}");
    }
}
