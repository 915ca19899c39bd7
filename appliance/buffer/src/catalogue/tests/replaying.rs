//! The catalogue is a function of the log: wherever a checkpoint cuts a run of entries, replaying the rest gives the same rows; and all that
//! follows from the objects can be computed from them anew.

use std::collections::BTreeMap;

use proptest::prelude::*;
use redb::{ReadableTable, ReadableTableMetadata};
use relaypacs_domain::{EventKind, HeldReason, Step};

use super::*;
use crate::catalogue::{
    row::{Count, ObjectRow, Place, QueueRow, StudyRow},
    tables::{self, NOWHERE, TOTAL, decode},
};

#[derive(Debug, Clone)]
enum Fact {
    Store { study: u8, instance: u8, content: u8, level: u8, routes: u8 },
    Tried { object: u8, destination: bool, verdict: u8 },
    Stepped { object: u8, destination: bool, step: u8 },
    Routed { object: u8 },
    Priority { study: u8, level: u8 },
    Complete { study: u8 },
    Damaged { object: u8 },
    Release { object: u8 },
    Moved { object: u8 },
    Recorded { object: u8 },
    Pass { seconds: u8 },
}

fn facts() -> impl Strategy<Value = Fact> {
    let object = || 1..40_u8;
    prop_oneof![
        10 => (0..5_u8, 0..8_u8, 0..2_u8, 0..4_u8, 0..4_u8)
            .prop_map(|(study, instance, content, level, routes)| Fact::Store { study, instance, content, level, routes }),
        10 => (object(), any::<bool>(), 0..4_u8).prop_map(|(object, destination, verdict)| Fact::Tried { object, destination, verdict }),
        3 => (object(), any::<bool>(), 0..3_u8).prop_map(|(object, destination, step)| Fact::Stepped { object, destination, step }),
        2 => object().prop_map(|object| Fact::Routed { object }),
        1 => (0..5_u8, 0..4_u8).prop_map(|(study, level)| Fact::Priority { study, level }),
        1 => (0..5_u8).prop_map(|study| Fact::Complete { study }),
        1 => object().prop_map(|object| Fact::Damaged { object }),
        3 => object().prop_map(|object| Fact::Release { object }),
        1 => object().prop_map(|object| Fact::Moved { object }),
        1 => object().prop_map(|object| Fact::Recorded { object }),
        1 => (0..9_u8).prop_map(|seconds| Fact::Pass { seconds }),
    ]
}

/// Turns facts into entries as a log would hold them.
fn entries(facts: &[Fact]) -> Vec<(LogPosition, Entry)> {
    let (mut next, mut now) = (1_u64, 0_u64);
    let mut commits: BTreeMap<u64, Commit> = BTreeMap::new();
    let mut found = Vec::new();
    for (index, fact) in facts.iter().enumerate() {
        let epoch = 1 + index as u64 / 10;
        let (at, when) = (Timestamp::from_millis(now as i64 * 1000), BufferTime(Duration::from_secs(now)));
        let object = |object: &u8| ObjectId(u64::from(*object));
        let to = |destination: &bool| name(if *destination { "a" } else { "b" });
        let extent = Extent::whole(epoch as u32, epoch, index as u32, 500);
        let entry = match fact {
            Fact::Store { study, instance, content, level, routes } => {
                let instance = u32::from(*study) * 100 + u32::from(*instance);
                let destinations = [vec![], vec!["a"], vec!["b"], vec!["a", "b"]][usize::from(*routes)].clone();
                let level = ServiceLevel::ALL[usize::from(*level)];
                // Study 0 stands for instances without one.
                let study = Some(u32::from(*study)).filter(|study| *study > 0);
                let new = New { study, content: *content, level, destinations, ..New::of(0, instance) };
                let commit = new.commit(next, epoch, when, at);
                commits.insert(next, commit.clone());
                next += 1;
                Entry::Commit(Box::new(commit))
            }
            Fact::Tried { object: number, destination, verdict } => {
                let verdict = [proven(), proven(), retry(Duration::from_secs(7)), hold()][usize::from(*verdict)].clone();
                Entry::Note(Note::Tried { destination: to(destination), at, when, verdicts: vec![(object(number), verdict)] })
            }
            Fact::Stepped { object: number, destination, step } => {
                let step = [Step::RetryNow, Step::GiveUp, Step::Hold(HeldReason::DestinationNotConfigured)][usize::from(*step)].clone();
                Entry::Note(Note::Stepped { destination: to(destination), step, at, when, objects: vec![object(number)] })
            }
            Fact::Routed { object: number } => Entry::Note(Note::Routed { at, when, objects: vec![(object(number), vec![name("a")])] }),
            Fact::Priority { study, level } => {
                Entry::Note(Note::Priority { study: study_uid(u32::from(*study)), level: ServiceLevel::ALL[usize::from(*level)] })
            }
            Fact::Complete { study } => Entry::Note(Note::Complete { study: study_uid(u32::from(*study)), at }),
            Fact::Damaged { object: number } => Entry::Note(Note::Damaged { objects: vec![object(number)], at }),
            Fact::Release { object: number } => Entry::Release(vec![object(number)]),
            Fact::Moved { object: number } => Entry::Note(Note::Moved { object: object(number), extents: vec![extent] }),
            Fact::Recorded { object: number } => match commits.get(&u64::from(*number)) {
                Some(commit) => Entry::Commit(Box::new(Commit { extents: vec![extent], ..commit.clone() })),
                None => Entry::Note(Note::Happened { at, kind: EventKind::DiskLow }),
            },
            Fact::Pass { seconds } => {
                now += u64::from(*seconds);
                Entry::Note(Note::Happened { at, kind: EventKind::DiskRecovered })
            }
        };
        found.push((LogPosition { epoch, offset: 64 + index as u32 }, entry));
    }
    found
}

fn open(file: &MemoryFile, history: &MemoryFile) -> (Catalogue, super::super::Checkpoint) {
    Catalogue::open(file.clone(), history.clone(), Clock::manual(Arc::default())).unwrap()
}

/// Every row of every table but the checkpoint.
fn dump(catalogue: &Catalogue) -> Vec<String> {
    let read = catalogue.read().unwrap();
    let mut rows = Vec::new();
    macro_rules! table {
        ($($table:expr),*) => {$(
            for row in read.open_table($table).unwrap().iter().unwrap() {
                let (key, value) = row.unwrap();
                if format!("{:?}", key.value()) != "\"checkpoint\"" {
                    rows.push(format!("{} {:?} {:?}", stringify!($table), key.value(), value.value()));
                }
            }
        )*};
    }
    table!(tables::OBJECTS, tables::INSTANCES, tables::STUDIES, tables::STUDY_UIDS, tables::STUDY_OBJECTS, tables::INCOMPLETE);
    table!(tables::READY, tables::DELAYED, tables::TURNS, tables::LATER, tables::WAITING, tables::HELD, tables::QUEUES, tables::EVENTS);
    table!(tables::RESIDENTS, tables::SEGMENTS, tables::SETTLED, tables::DEAD, tables::TOMBSTONES, tables::META);
    rows
}

/// What follows from the objects, the plain way, against what the tables say.
fn check_derived(catalogue: &Catalogue) {
    let read = catalogue.read().unwrap();
    let mut outbox: Vec<String> = Vec::new();
    let mut live: BTreeMap<u64, u64> = BTreeMap::new();
    let mut settled = Vec::new();
    let mut queues: BTreeMap<String, QueueRow> = BTreeMap::new();
    let mut per_study: BTreeMap<(u64, String), (Count, u64)> = BTreeMap::new();
    let studies: BTreeMap<u64, StudyRow> = {
        let table = read.open_table(tables::STUDIES).unwrap();
        table.iter().unwrap().map(|row| row.map(|(key, row)| (key.value(), decode("studies", row.value()).unwrap())).unwrap()).collect()
    };
    let mut earliest: BTreeMap<(String, u64), u64> = BTreeMap::new();
    let mut turns: Vec<String> = Vec::new();
    for (object, row) in catalogue.objects_from(0, 100_000).unwrap() {
        assert_eq!(row.settled.is_some(), row.is_settled());
        row.residence().into_iter().for_each(|(epoch, bytes)| *live.entry(epoch).or_default() += bytes);
        settled.extend(row.settled.map(|when| (when.micros(), object.0)));
        let rank = studies[&row.study].level.rank();
        let (mut waits, mut is_held) = (false, false);
        for (destination, place) in ObjectRow::places(&row) {
            let name = destination.map_or(NOWHERE.to_owned(), ToString::to_string);
            let count = per_study.entry((row.study, name.clone())).or_default();
            waits |= place.is_waiting();
            is_held |= place.is_held();
            match place {
                Place::Ready => {
                    outbox.push(format!("ready {name} {} {object}", row.study));
                    turns.push(format!("turn {name} {rank} {}", row.study));
                }
                Place::Delayed(due) => {
                    outbox.push(format!("delayed {name} {} {due} {object}", row.study));
                    let known = earliest.entry((name, row.study)).or_insert(due);
                    *known = due.min(*known);
                }
                Place::Held(_) => {
                    outbox.push(format!("held {name} {} {object}", row.study));
                    count.1 += 1;
                }
                Place::Delivered | Place::GivenUp => {}
            }
            if place.is_waiting() {
                count.0.add(row.bytes);
            }
        }
        let total = per_study.entry((row.study, TOTAL.into())).or_default();
        if waits {
            total.0.add(row.bytes);
        }
        total.1 += u64::from(is_held);
    }
    for ((study, name), (waiting, held)) in per_study {
        queues.entry(name).or_default().count(waiting, held, studies[&study].level, 1);
    }
    queues.retain(|_, row| *row != QueueRow::default());
    turns.dedup();
    let later: Vec<String> =
        earliest.iter().map(|((name, study), due)| format!("later {name} {} {due} {study}", studies[study].level.rank())).collect();

    let mut stored = Vec::new();
    let mut stored_turns = Vec::new();
    let mut stored_later = Vec::new();
    for row in read.open_table(tables::READY).unwrap().iter().unwrap() {
        let (name, study, object) = row.as_ref().unwrap().0.value();
        stored.push(format!("ready {name} {study} {object}"));
    }
    for row in read.open_table(tables::DELAYED).unwrap().iter().unwrap() {
        let (name, study, due, object) = row.as_ref().unwrap().0.value();
        stored.push(format!("delayed {name} {study} {due} {object}"));
    }
    for row in read.open_table(tables::HELD).unwrap().iter().unwrap() {
        let (name, study, object) = row.as_ref().unwrap().0.value();
        stored.push(format!("held {name} {study} {object}"));
    }
    for row in read.open_table(tables::TURNS).unwrap().iter().unwrap() {
        let (name, rank, study) = row.as_ref().unwrap().0.value();
        stored_turns.push(format!("turn {name} {rank} {study}"));
    }
    for row in read.open_table(tables::LATER).unwrap().iter().unwrap() {
        let (name, rank, due, study) = row.as_ref().unwrap().0.value();
        stored_later.push(format!("later {name} {rank} {due} {study}"));
    }
    let sorted = |mut rows: Vec<String>| {
        rows.sort();
        rows.dedup();
        rows
    };
    assert_eq!(sorted(stored), sorted(outbox));
    assert_eq!(sorted(stored_turns), sorted(turns));
    assert_eq!(sorted(stored_later), sorted(later));
    assert_eq!(catalogue.live_segments().unwrap().into_iter().collect::<BTreeMap<_, _>>(), live);
    settled.sort_unstable();
    let stored: Vec<(u64, u64)> = read.open_table(tables::SETTLED).unwrap().iter().unwrap().map(|row| row.unwrap().0.value()).collect();
    assert_eq!(stored, settled);
    let table = read.open_table(tables::QUEUES).unwrap();
    let stored: BTreeMap<String, QueueRow> = table
        .iter()
        .unwrap()
        .map(|row| row.map(|(key, row)| (key.value().into(), decode("queues", row.value()).unwrap())).unwrap())
        .collect();
    assert_eq!(stored, queues);
    let members = read.open_table(tables::STUDY_OBJECTS).unwrap().len().unwrap();
    assert_eq!(members, catalogue.objects().unwrap());
    assert_eq!(studies.values().map(|row| row.live.objects).sum::<u64>(), members);
    assert!(studies.values().all(|row| row.live.objects > 0));
}

fn check(facts: &[Fact], cuts: &[prop::sample::Index], sizes: &[usize]) {
    let entries = entries(facts);
    let (file, history) = (MemoryFile::default(), MemoryFile::default());
    let (whole, _) = open(&file, &history);
    for entry in &entries {
        whole.apply(std::slice::from_ref(entry)).unwrap();
    }
    check_derived(&whole);
    let expected = dump(&whole);

    // The same entries in groups, with checkpoints, a crash at each cut (everything after the last checkpoint may or may not be in the
    // file) and replay from where the file says, sometimes with entries that it has already.
    let (mut file, mut history) = (MemoryFile::default(), MemoryFile::default());
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(entries.len())).collect();
    cuts.sort_unstable();
    let mut sizes = sizes.iter().cycle();
    for cut in cuts.into_iter().chain([entries.len()]) {
        let (catalogue, checkpoint) = open(&file, &history);
        let from = entries.partition_point(|(position, _)| *position <= checkpoint.position);
        let mut at = from.saturating_sub(2);
        let mut groups = 0;
        while at < cut {
            let end = (at + *sizes.next().unwrap()).min(cut);
            catalogue.apply(&entries[at..end]).unwrap();
            groups += 1;
            if groups % 3 == 0 {
                catalogue.checkpoint(entries[end - 1].0, catalogue.now()).unwrap();
            }
            at = end;
        }
        if cut == entries.len() {
            assert_eq!(dump(&catalogue), expected);
        }
        (file, history) = (file.copy(), history.copy());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_cut_gives_the_same_catalogue(
        facts in prop::collection::vec(facts(), 1..80),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        sizes in prop::collection::vec(1..9_usize, 1..5),
    ) {
        check(&facts, &cuts, &sizes);
    }
}

#[test]
fn a_rebuilt_catalogue_goes_on_with_the_numbers_of_the_history() {
    let mut bench = Bench::new();
    let object = bench.store(&New::of(1, 1));
    bench.try_deliver("pacs", &[(object, proven())]);
    bench.store(&New::of(2, 2));
    let gone = bench.catalogue.releasable(bench.now(), Duration::ZERO, 9).unwrap();
    bench.catalogue.remember(&gone).unwrap();
    bench.catalogue.copy_events(100).unwrap();
    let events = bench.events();
    let (rebuilt, checkpoint) = open(&MemoryFile::default(), &bench.history.copy());
    assert_eq!((checkpoint.position, checkpoint.next_object), (LogPosition::default(), 2));
    // Replaying the whole log makes no event twice.
    let first = LogPosition { epoch: 1, offset: 100 };
    let commit = New::of(1, 1).commit(1, 1, BufferTime::default(), Timestamp::default());
    rebuilt.apply(&[(first, Entry::Commit(Box::new(commit)))]).unwrap();
    let told: Vec<String> = rebuilt.changes(0, 100).unwrap().into_iter().map(|event| format!("{:?}", event.kind)).collect();
    assert_eq!(told, events);
    let late = LogPosition { epoch: 9, offset: 100 };
    let commit = New::of(9, 9).commit(9, 9, BufferTime::default(), Timestamp::default());
    rebuilt.apply(&[(late, Entry::Commit(Box::new(commit)))]).unwrap();
    let seqs: Vec<u64> = rebuilt.changes(0, 100).unwrap().iter().map(|event| event.seq).collect();
    let (told, new) = seqs.split_at(events.len());
    assert_eq!(told, (1..=events.len() as u64).collect::<Vec<_>>());
    // What the lost file told of and the history never had used numbers too: whoever asks after one of those misses nothing.
    assert!(new.len() == 1 && new[0] > 1 << 20, "{seqs:?}");
    assert_eq!(rebuilt.changes(events.len() as u64 + 1000, 10).unwrap().len(), 1);
}

#[test]
fn time_goes_on_where_the_checkpoint_left_it() {
    let mut bench = Bench::new();
    bench.hand.advance(Duration::from_secs(100));
    let position = bench.next_position();
    bench.catalogue.checkpoint(position, bench.now()).unwrap();
    let (again, checkpoint) = open(&bench.file.copy(), &bench.history.copy());
    assert_eq!((again.now(), checkpoint.clean), (BufferTime(Duration::from_secs(100)), false));
    bench.catalogue.close(position, bench.now()).unwrap();
    assert!(open(&bench.file.copy(), &bench.history.copy()).1.clean);
    // An entry that says it is later moves the time on.
    let commit = New::of(9, 9).commit(9, 9, BufferTime(Duration::from_secs(150)), Timestamp::default());
    again.apply(&[(LogPosition { epoch: 2, offset: 1 }, Entry::Commit(Box::new(commit)))]).unwrap();
    assert_eq!(again.now(), BufferTime(Duration::from_secs(150)));
}

#[test]
fn a_history_that_works_stays_open_when_the_catalogue_is_opened_again() {
    let mut bench = Bench::new();
    let objects: Vec<ObjectId> = (1..4).map(|instance| bench.store(&New::of(1, instance))).collect();
    let row = |object: &ObjectId| vec![(*object, bench.catalogue.object_row(*object).unwrap().unwrap())];
    let rows: Vec<_> = objects.iter().map(row).collect();
    bench.catalogue.remember(&rows[0]).unwrap();
    let begun_before = bench.catalogue.history();
    assert!(!bench.catalogue.reopen_history(bench.history.clone()).unwrap());
    bench.catalogue.reopen(MemoryFile::default(), true).unwrap();
    // Somebody who took the history in hand before writes what must never be lost.
    crate::catalogue::history::remember_dropped(&begun_before, bench.now(), &[(70, 1)]).unwrap();
    drop(begun_before);
    bench.catalogue.remember(&rows[1]).unwrap();
    bench.catalogue.remember(&rows[2]).unwrap();
    let (again, _) = open(&MemoryFile::default(), &bench.history.copy());
    for object in objects.into_iter().chain([ObjectId(70)]) {
        assert!(again.history_knows(object).unwrap(), "object {object}");
    }
}
