use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use relaypacs_domain::ServiceLevel::{Routine, Stat};

use super::*;
use crate::{Claim, ClaimLimits};

pub(super) fn anything() -> ClaimLimits {
    ClaimLimits { max_bytes: u64::MAX, max_instances: 1000, at_least: None }
}

fn claim(bench: &Bench) -> Option<Claim> {
    bench.catalogue.claim(&name("pacs"), anything()).unwrap()
}

fn objects(claim: &Claim) -> Vec<u64> {
    claim.items.iter().map(|item| item.object.0).collect()
}

#[test]
fn urgent_studies_leave_first_and_older_ones_before_younger_ones() {
    let mut bench = Bench::new();
    bench.store(&New::of(1, 1));
    bench.store(&New::of(2, 2));
    bench.store(&New { level: Stat, ..New::of(3, 3) });
    bench.store(&New::of(1, 4));
    let order: Vec<Claim> = std::iter::from_fn(|| claim(&bench)).collect();
    assert_eq!(order.iter().map(objects).collect::<Vec<_>>(), vec![vec![3], vec![1, 4], vec![2]]);
    assert_eq!(order[0].service_level, Stat);
    assert_eq!(bench.catalogue.next_due(&name("pacs")).unwrap(), None);
    drop(order);
    assert_eq!(bench.catalogue.next_due(&name("pacs")).unwrap(), Some(Duration::ZERO));
}

#[test]
fn a_lane_for_urgent_studies_takes_no_others() {
    let mut bench = Bench::new();
    bench.store(&New::of(1, 1));
    let urgent = ClaimLimits { at_least: Some(ServiceLevel::Emergency), ..anything() };
    assert!(bench.catalogue.claim(&name("pacs"), urgent).unwrap().is_none());
    bench.store(&New { level: ServiceLevel::Emergency, ..New::of(2, 2) });
    assert_eq!(objects(&bench.catalogue.claim(&name("pacs"), urgent).unwrap().unwrap()), vec![2]);
}

#[test]
fn a_batch_ends_at_its_limits_but_a_big_instance_comes_alone() {
    let mut bench = Bench::new();
    for instance in 1..=4 {
        bench.store(&New { bytes: if instance == 3 { 5000 } else { 1000 }, ..New::of(1, instance) });
    }
    let limits = ClaimLimits { max_bytes: 2500, max_instances: 10, at_least: None };
    let mut held = Vec::new();
    for expected in [vec![1, 2], vec![3], vec![4]] {
        let claim = bench.catalogue.claim(&name("pacs"), limits).unwrap().unwrap();
        assert_eq!(objects(&claim), expected);
        held.push(claim);
    }
    held.clear();
    let limits = ClaimLimits { max_instances: 3, ..anything() };
    assert_eq!(objects(&bench.catalogue.claim(&name("pacs"), limits).unwrap().unwrap()), vec![1, 2, 3]);
}

#[test]
fn a_retried_delivery_comes_when_its_time_has_come() {
    let mut bench = Bench::new();
    let object = bench.store(&New::of(1, 1));
    let taken = claim(&bench).unwrap();
    bench.try_deliver("pacs", &[(object, retry(Duration::from_secs(5)))]);
    drop(taken);
    assert!(claim(&bench).is_none());
    assert_eq!(bench.catalogue.next_due(&name("pacs")).unwrap(), Some(Duration::from_secs(5)));
    bench.hand.advance(Duration::from_secs(5));
    let again = claim(&bench).unwrap();
    assert_eq!((again.items[0].attempts, again.items[0].last_failure), (1, Some(FailureCode::Http(503))));
    assert_eq!(again.items[0].pending_for, Duration::from_secs(5));
}

#[test]
fn other_studies_can_be_asked_for() {
    let mut bench = Bench::new();
    bench.store(&New { level: Stat, ..New::of(1, 1) });
    bench.store(&New::of(2, 2));
    let all: Vec<Claim> = std::iter::from_fn(|| claim(&bench)).collect();
    let studies: Vec<_> = all.iter().map(|claim| claim.study.clone()).collect();
    drop(all);
    let other = |than: &[Option<Uid>]| bench.catalogue.claim_other(&name("pacs"), anything(), than).unwrap().map(|claim| claim.study);
    assert_eq!(other(&[]), Some(studies[0].clone()));
    assert_eq!(other(&studies[..1]), Some(studies[1].clone()));
    assert_eq!(other(&studies), None);
    assert_eq!(other(&[None]), Some(studies[0].clone()));
}

#[test]
fn what_waits_too_long_is_found_behind_everything_else() {
    let mut bench = Bench::new();
    let overdue = |bench: &Bench| bench.catalogue.claim_overdue(&name("pacs"), Duration::from_secs(100), 2).unwrap();
    assert!(overdue(&bench).is_none());
    bench.store(&New::of(1, 1));
    let retried = bench.store(&New::of(1, 2));
    bench.try_deliver("pacs", &[(retried, retry(Duration::from_secs(1000)))]);
    bench.hand.advance(Duration::from_mins(1));
    for instance in 3..50 {
        bench.store(&New { level: Stat, ..New::of(instance, instance) });
    }
    bench.store(&New::of(1, 60));
    assert!(overdue(&bench).is_none(), "nothing has waited for so long");
    bench.hand.advance(Duration::from_secs(40));
    let found = overdue(&bench).unwrap();
    assert_eq!(objects(&found), vec![1, 2], "due or not, and nothing that is younger");
    assert!(overdue(&bench).is_none(), "claimed once");
    drop(found);
    bench.hand.advance(Duration::from_mins(1));
    let claims: Vec<Claim> = std::iter::from_fn(|| overdue(&bench)).collect();
    assert_eq!(claims.iter().map(|claim| claim.items.len()).sum::<usize>(), 50);
    assert!(claims.iter().all(|claim| claim.items.len() <= 2));
}

#[test]
fn fresh_stat_work_passes_overdue_routine_work() {
    let mut bench = Bench::new();
    let objects_: Vec<ObjectId> = (1..=50).map(|study| bench.store(&New::of(study, study))).collect();
    let verdicts: Vec<_> = objects_.iter().map(|object| (*object, retry(Duration::from_secs(1)))).collect();
    bench.try_deliver("pacs", &verdicts);
    bench.hand.advance(Duration::from_secs(10));
    bench.store(&New { level: Stat, ..New::of(99, 99) });
    assert_eq!(objects(&claim(&bench).unwrap()), vec![51]);
}

#[test]
fn versions_of_one_instance_go_one_after_the_other_oldest_first() {
    let mut bench = Bench::new();
    let first = bench.store(&New::of(1, 1));
    let second = bench.store(&New { content: 9, ..New::of(1, 1) });
    let taken = claim(&bench).unwrap();
    assert_eq!(objects(&taken), vec![first.0]);
    assert!(!taken.items[0].later_version);
    assert!(claim(&bench).is_none());
    bench.try_deliver("pacs", &[(first, proven())]);
    drop(taken);
    let taken = claim(&bench).unwrap();
    assert_eq!(objects(&taken), vec![second.0]);
    assert!(taken.items[0].later_version);
}

#[test]
fn a_version_is_later_even_when_the_older_one_was_released() {
    let mut bench = Bench::new();
    let first = bench.store(&New::of(1, 1));
    bench.try_deliver("pacs", &[(first, proven())]);
    let gone = bench.catalogue.releasable(bench.now(), Duration::ZERO, 4).unwrap();
    bench.catalogue.remember(&gone).unwrap();
    bench.apply(Entry::Release(vec![first]));
    bench.store(&New { content: 9, ..New::of(1, 1) });
    bench.store(&New::of(1, 2));
    let taken = claim(&bench).unwrap();
    assert_eq!(taken.items.iter().map(|item| item.later_version).collect::<Vec<_>>(), vec![true, false]);
}

#[test]
fn an_older_version_knows_of_younger_ones_waiting_or_released() {
    let mut bench = Bench::new();
    let first = bench.store(&New::of(1, 1));
    let versions = |bench: &Bench| {
        let mut items = claim(bench).unwrap().items;
        items.sort_by_key(|item| item.object);
        items.iter().map(|item| (item.later_version, item.other_versions)).collect::<Vec<_>>()
    };
    assert_eq!(versions(&bench), vec![(false, false)]);
    let second = bench.store(&New { content: 9, ..New::of(1, 1) });
    bench.store(&New::of(1, 2));
    assert_eq!(versions(&bench), vec![(false, true), (false, false)]);
    // the older one fails for good, the younger one arrives and is released; then somebody retries the older one
    bench.try_deliver("pacs", &[(first, hold())]);
    assert_eq!(versions(&bench), vec![(true, true), (false, false)]);
    bench.try_deliver("pacs", &[(second, proven())]);
    let gone = bench.catalogue.releasable(bench.now(), Duration::ZERO, 4).unwrap();
    assert_eq!(gone.len(), 1);
    bench.catalogue.remember(&gone).unwrap();
    bench.apply(Entry::Release(vec![second]));
    let (when, at) = (bench.now(), bench.wall());
    bench.apply(Entry::Note(Note::Stepped {
        destination: name("pacs"),
        step: relaypacs_domain::Step::RetryNow,
        at,
        when,
        objects: vec![first],
    }));
    assert_eq!(versions(&bench), vec![(false, true), (false, false)]);
}

#[test]
fn unparsed_instances_come_alone() {
    let mut bench = Bench::new();
    bench.store(&New { study: None, ..New::of(0, 1) });
    bench.store(&New { study: None, ..New::of(0, 2) });
    assert_eq!(claim(&bench).unwrap().items.len(), 1);
}

#[test]
fn workers_are_woken_by_new_work_and_by_claims_given_back() {
    let mut bench = Bench::new();
    let mut work = bench.catalogue.work();
    work.mark_unchanged();
    bench.store(&New::of(1, 1));
    assert!(work.has_changed().unwrap());
    let taken = claim(&bench).unwrap();
    work.mark_unchanged();
    drop(taken);
    assert!(work.has_changed().unwrap());
}

#[derive(Debug, Clone)]
enum Move {
    Store { study: u8, instance: u8, content: u8, level: u8, both: bool },
    Claim { destination: bool, most: u8, urgent: bool },
    Settle { which: u8, verdicts: Vec<u8> },
    GiveBack { which: u8 },
    Pass { seconds: u8 },
    Priority { study: u8, level: u8 },
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => (0..5_u8, 0..12_u8, 0..2_u8, 0..4_u8, any::<bool>())
            .prop_map(|(study, instance, content, level, both)| Move::Store { study, instance, content, level, both }),
        4 => (any::<bool>(), 1..4_u8, any::<bool>()).prop_map(|(destination, most, urgent)| Move::Claim { destination, most, urgent }),
        3 => (any::<u8>(), prop::collection::vec(0..4_u8, 4)).prop_map(|(which, verdicts)| Move::Settle { which, verdicts }),
        1 => any::<u8>().prop_map(|which| Move::GiveBack { which }),
        1 => (0..9_u8).prop_map(|seconds| Move::Pass { seconds }),
        1 => (0..5_u8, 0..4_u8).prop_map(|(study, level)| Move::Priority { study, level }),
    ]
}

/// What may be claimed now, the plain way: (rank, study) → objects.
fn claimable(bench: &Bench, destination: &str, leased: &HashSet<(String, u64)>) -> BTreeMap<(u8, u64), Vec<u64>> {
    let rows = bench.catalogue.objects_from(0, 100_000).unwrap();
    let now = bench.now();
    let mut found: BTreeMap<(u8, u64), Vec<u64>> = BTreeMap::new();
    let waits =
        |row: &super::super::ObjectRow| row.deliveries.iter().any(|row| row.destination == name(destination) && row.delivery.is_waiting());
    for (object, row) in &rows {
        let Some(delivery) = row.deliveries.iter().find(|row| row.destination == name(destination)) else { continue };
        let due = match delivery.delivery.state {
            relaypacs_domain::DeliveryState::Queued => true,
            relaypacs_domain::DeliveryState::Retrying(_) => delivery.due <= now,
            _ => false,
        };
        let same = |other: &&(ObjectId, super::super::ObjectRow)| other.1.identity.sop_instance == row.identity.sop_instance;
        let blocked = rows
            .iter()
            .filter(same)
            .any(|(other, other_row)| leased.contains(&(destination.into(), other.0)) || (other < object && waits(other_row)));
        if due && !blocked {
            let rank = bench.catalogue.level_of(row).unwrap().rank();
            found.entry((rank, row.study)).or_default().push(object.0);
        }
    }
    found
}

fn play(moves: Vec<Move>) {
    let mut bench = Bench::new();
    let mut claims: Vec<Claim> = Vec::new();
    let level = |level: u8| ServiceLevel::ALL[usize::from(level)];
    for step in moves {
        match step {
            Move::Store { study, instance, content, level: urgency, both } => {
                // An instance belongs to one study.
                let instance = u32::from(study) * 100 + u32::from(instance);
                let destinations = if both { vec!["a", "b"] } else { vec!["a"] };
                bench.store(&New { content, level: level(urgency), destinations, ..New::of(u32::from(study), instance) });
            }
            Move::Claim { destination, most, urgent } => {
                let destination = if destination { "a" } else { "b" };
                let leased: HashSet<(String, u64)> =
                    claims.iter().flat_map(|claim| claim.items.iter().map(|item| (claim.destination.to_string(), item.object.0))).collect();
                let mut expected = claimable(&bench, destination, &leased);
                let at_least = urgent.then_some(ServiceLevel::Emergency);
                expected.retain(|(rank, _), _| *rank <= at_least.unwrap_or(Routine).rank());
                let limits = ClaimLimits { max_bytes: u64::MAX, max_instances: usize::from(most), at_least };
                if !urgent {
                    let due = bench.catalogue.next_due(&name(destination)).unwrap();
                    assert_eq!(due == Some(Duration::ZERO), !expected.is_empty(), "{due:?} {expected:?}");
                }
                let claim = bench.catalogue.claim(&name(destination), limits).unwrap();
                match (&claim, expected.first_key_value()) {
                    (None, None) => {}
                    (Some(claim), Some((_, first))) => {
                        let got: HashSet<u64> = objects(claim).into_iter().collect();
                        assert_eq!(got.len(), first.len().min(usize::from(most)));
                        assert!(got.iter().all(|object| first.contains(object)), "{got:?} of {first:?}");
                        assert!(got.iter().all(|object| !leased.contains(&(destination.into(), *object))));
                    }
                    (claim, expected) => panic!("{claim:?} instead of {expected:?}"),
                }
                claims.extend(claim);
            }
            Move::Settle { which, verdicts } if !claims.is_empty() => {
                let claim = claims.swap_remove(usize::from(which) % claims.len());
                let verdict = |(item, verdict): (&crate::ClaimedInstance, &u8)| match verdict {
                    0 => Some((item.object, proven())),
                    1 => Some((item.object, retry(Duration::from_secs(3)))),
                    2 => Some((item.object, hold())),
                    _ => None,
                };
                let verdicts: Vec<_> = claim.items.iter().zip(verdicts.iter().cycle()).filter_map(verdict).collect();
                bench.try_deliver(claim.destination.as_str(), &verdicts);
                drop(claim);
            }
            Move::GiveBack { which } if !claims.is_empty() => drop(claims.swap_remove(usize::from(which) % claims.len())),
            Move::Settle { .. } | Move::GiveBack { .. } => {}
            Move::Pass { seconds } => bench.hand.advance(Duration::from_secs(u64::from(seconds))),
            Move::Priority { study, level: urgency } => {
                bench.apply(Entry::Note(Note::Priority { study: study_uid(u32::from(study)), level: level(urgency) }));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    /// Two claimers never get the same row, and every claim is the most urgent, oldest work there is.
    #[test]
    fn claims_follow_the_model(moves in prop::collection::vec(moves(), 1..60)) {
        play(moves);
    }
}

#[test]
fn claimers_on_many_threads_share_the_work_without_overlap() {
    let mut bench = Bench::new();
    for instance in 0..400 {
        bench.store(&New::of(instance % 7, instance));
    }
    let limits = ClaimLimits { max_bytes: u64::MAX, max_instances: 3, at_least: None };
    let claims: Vec<Claim> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let catalogue = bench.catalogue.clone();
                scope.spawn(move || std::iter::from_fn(|| catalogue.claim(&name("pacs"), limits).unwrap()).collect::<Vec<_>>())
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let all: Vec<u64> = claims.iter().flat_map(objects).collect();
    assert_eq!(all.len(), 400);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 400);
}
