//! Retention, release, reclaim and compaction on a real disk with tiny segments; what the log still says is compared after each story.

use std::{path::Path, sync::Arc, time::Duration};

use proptest::prelude::*;
use relaypacs_domain::{
    Clock, DestinationName, Failure, FailureCode, HeaderFacts, HeldReason, Identity, ManualClock, MatchRule, ObjectId, Proof, ProofKind,
    Routing, ServiceLevel, Sha256, Source, Timestamp, Uid, Verdict,
};
use sha2::Digest;
use tokio::runtime::Runtime;

use crate::{
    Buffer, ClaimLimits, NewObject, Options,
    entry::{Entry, Note},
    upkeep::{Keeper, UpkeepSettings},
    verify,
};

const RETENTION: Duration = Duration::from_secs(100);
const SEGMENT: u64 = 16 << 10;

pub(crate) struct Story {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) runtime: Runtime,
    pub(crate) hand: Arc<ManualClock>,
    open: Option<(Buffer, Keeper)>,
    max_bytes: u64,
}

impl Story {
    pub(crate) fn new(max_bytes: u64) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let mut story = Self { dir: tempfile::tempdir().unwrap(), runtime, hand: Arc::default(), open: None, max_bytes };
        story.open();
        story
    }

    fn open(&mut self) {
        self.open_unrouted();
        let routing = Routing(vec![(pacs(), MatchRule::default())]);
        self.runtime.block_on(self.buffer().set_routing(routing)).unwrap();
    }

    /// Opens it; nobody has said yet where objects go.
    pub(crate) fn open_unrouted(&mut self) {
        let options = Options {
            dir: self.dir.path().into(),
            max_bytes: Some(self.max_bytes),
            reserve_bytes: Some(0),
            segment_bytes: SEGMENT,
            retention: RETENTION,
            history: Duration::from_secs(100_000),
        };
        let (buffer, recovery) = Buffer::open(options, Clock::manual(self.hand.clone())).unwrap();
        assert!(recovery.damaged.is_empty(), "{recovery:?}");
        let settings = UpkeepSettings { retention: RETENTION, history: Duration::from_secs(100_000), segment_bytes: SEGMENT };
        let keeper = buffer.take_over_upkeep(settings);
        self.open = Some((buffer, keeper));
    }

    pub(crate) fn close(&mut self) {
        if let Some((buffer, keeper)) = self.open.take() {
            drop(keeper);
            buffer.close_blocking();
        }
    }

    pub(crate) fn buffer(&self) -> &Buffer {
        &self.open.as_ref().unwrap().0
    }

    /// Rounds of the upkeep until nothing more is to be done at once.
    pub(crate) fn keep_up(&mut self) {
        for _ in 0..500 {
            let (buffer, keeper) = self.open.as_mut().unwrap();
            let more = keeper.round();
            buffer.log().checkpoint_blocking().unwrap();
            if !more {
                return;
            }
        }
        panic!("the upkeep does not come to an end");
    }

    pub(crate) fn store(&self, number: u32, version: u32) -> ObjectId {
        let buffer = self.buffer().clone();
        self.runtime.block_on(async move {
            let mut writer = buffer.begin().unwrap();
            writer.write(&bytes(number, version)).await.unwrap();
            writer.commit(object(number)).await.unwrap().object
        })
    }

    /// Stores an instance of so many bytes.
    pub(crate) fn store_bytes(&self, number: u32, len: usize) -> ObjectId {
        let buffer = self.buffer().clone();
        self.runtime.block_on(async move {
            let mut writer = buffer.begin().unwrap();
            writer.write(&vec![number as u8; len]).await.unwrap();
            writer.commit(object(number)).await.unwrap().object
        })
    }

    /// Notes that the stored versions of an instance cannot be read any more.
    fn damage(&self, number: u32) {
        let instance = object(number).identity.sop_instance;
        let objects = self.buffer().catalogue().versions(&instance).unwrap();
        let note = Entry::Note(Note::Damaged { objects, at: Timestamp::from_millis(1) });
        self.buffer().log().append_blocking(note).unwrap();
    }

    /// Delivers, holds or retries everything that is due; `verdict` says which by instance number.
    pub(crate) fn forward(&self, verdict: impl Fn(u32) -> Verdict) {
        let buffer = self.buffer().clone();
        self.runtime.block_on(buffer.log().barrier()).unwrap();
        let limits = ClaimLimits { max_bytes: u64::MAX, max_instances: 50, at_least: None };
        while let Some(claim) = buffer.claim(&pacs(), limits).unwrap() {
            let judge = |item: &crate::ClaimedInstance| (item.object, verdict(number_of(&item.identity.sop_instance)));
            let verdicts = claim.items.iter().map(judge).collect();
            self.runtime.block_on(buffer.settle(claim, verdicts)).unwrap();
        }
    }

    fn read(&self, object: ObjectId) -> Vec<u8> {
        let buffer = self.buffer().clone();
        self.runtime.block_on(async move {
            let mut reader = buffer.read(object).unwrap();
            let mut all = Vec::new();
            while let Some(piece) = reader.next().await.unwrap() {
                all.extend_from_slice(&piece);
            }
            all
        })
    }

    /// Closes, compares log, catalogue and history, opens again.
    pub(crate) fn verify(&mut self) {
        self.close();
        let report = verify(self.dir.path()).unwrap();
        assert!(report.is_clean(), "{:#?}", report.differences.iter().take(5).collect::<Vec<_>>());
        self.open();
    }

    fn live(&self) -> Vec<(ObjectId, crate::catalogue::ObjectRow)> {
        self.buffer().catalogue().objects_from(0, 100_000).unwrap()
    }

    pub(crate) fn study_of(number: u32) -> Uid {
        format!("1.9.{}", number % 7).parse().unwrap()
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        self.close();
    }
}

fn pacs() -> DestinationName {
    "pacs".parse().unwrap()
}

fn bytes(number: u32, version: u32) -> Vec<u8> {
    let len = 300 + (number * 37 % 900) as usize;
    (0..len).map(|at| (at as u32).wrapping_mul(31).wrapping_add(number * 7 + version) as u8).collect()
}

pub(crate) fn number_of(sop_instance: &Uid) -> u32 {
    sop_instance.as_str().rsplit('.').next().unwrap().parse().unwrap()
}

fn object(number: u32) -> NewObject {
    let study = Story::study_of(number);
    NewObject {
        identity: Identity {
            sop_class: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
            sop_instance: format!("1.2.3.{number}").parse().unwrap(),
            transfer_syntax: "1.2.840.10008.1.2.1".parse().unwrap(),
            study: Some(study.clone()),
            series: Some(format!("{study}.1").parse().unwrap()),
        },
        facts: HeaderFacts::default(),
        source: Source::Dicom {
            calling_ae: "CT1".parse().unwrap(),
            called_ae: "RELAYPACS".parse().unwrap(),
            address: [127, 0, 0, 1].into(),
        },
        service_level: ServiceLevel::Routine,
        flags: vec![],
    }
}

pub(crate) fn proven() -> Verdict {
    Verdict::Proven(Proof::new(ProofKind::Stow, Timestamp::from_millis(1), "stored", None))
}

pub(crate) fn hold() -> Verdict {
    Verdict::Hold(HeldReason::Refused, Failure::new(FailureCode::Dicom(0xA900), "no"))
}

fn segment_files(dir: &Path) -> usize {
    std::fs::read_dir(dir.join("segments")).unwrap().filter(|entry| entry.as_ref().unwrap().file_name() != "node").count()
}

#[test]
fn delivered_objects_stay_for_the_retention_and_then_live_on_in_the_ledger() {
    let mut story = Story::new(8 << 20);
    let objects: Vec<ObjectId> = (0..60).map(|number| story.store(number, 0)).collect();
    story.forward(|_| proven());
    story.hand.advance(Duration::from_secs(99));
    story.keep_up();
    assert_eq!(story.live().len(), 60);
    let before = story.buffer().usage().used;
    story.hand.advance(Duration::from_secs(1));
    story.keep_up();
    assert_eq!(story.live().len(), 0);
    assert!(story.buffer().usage().used < before / 2, "{} of {before}", story.buffer().usage().used);
    story.verify();
    let mut seen = 0;
    for number in 0..7 {
        let page = story.buffer().ledger(&Story::study_of(number), None, 100).unwrap().unwrap();
        assert!(page.entries.iter().all(|entry| entry.released_at.is_some() && entry.deliveries[0].1.is_settled()));
        seen += page.entries.len();
    }
    assert_eq!(seen, objects.len());
}

#[test]
fn a_few_held_objects_do_not_keep_the_others_room() {
    let mut story = Story::new(8 << 20);
    let objects: Vec<ObjectId> = (0..200).map(|number| story.store(number, 0)).collect();
    story.forward(|number| if number % 10 == 0 { hold() } else { proven() });
    let before = segment_files(story.dir.path());
    story.hand.advance(RETENTION);
    story.keep_up();
    story.hand.advance(Duration::from_secs(700));
    story.keep_up();
    assert_eq!(story.live().len(), 20);
    let used = story.buffer().usage().used;
    assert!(used < before as u64 * SEGMENT / 2, "{used} used, {before} segments before");
    story.verify();
    for (at, object) in objects.iter().enumerate().filter(|(at, _)| at % 10 == 0) {
        assert_eq!(story.read(*object), bytes(at as u32, 0));
    }
    assert_eq!(story.runtime.block_on(story.buffer().retry_held(None)).unwrap(), 20);
    story.forward(|_| proven());
    story.hand.advance(RETENTION);
    story.keep_up();
    assert_eq!(story.live().len(), 0);
    story.verify();
}

#[test]
fn when_room_is_scarce_delivered_objects_go_before_their_time() {
    let mut story = Story::new(20 * SEGMENT);
    let mut number = 0;
    while !story.buffer().usage().low {
        story.store(number, 0);
        number += 1;
    }
    story.forward(|number| if number < 10 { hold() } else { proven() });
    story.keep_up();
    assert!(!story.buffer().usage().low, "{:?}", story.buffer().usage());
    assert!(story.live().len() >= 10);
    let told = story.buffer().changes(0, 10_000).unwrap();
    let told: Vec<String> = told.iter().map(|event| format!("{:?}", event.kind)).collect();
    assert!(told.contains(&"DiskLow".to_owned()) && told.contains(&"DiskRecovered".to_owned()), "{told:?}");
    // And much more than there is room for goes through.
    for round in 0..8_u32 {
        for at in 0..60 {
            story.store(1000 + round * 100 + at, 0);
        }
        story.forward(|_| proven());
        story.keep_up();
    }
    story.verify();
}

/// Delivered before it is complete, as with a quick PACS: what follows from its being complete asks for the study.
#[test]
fn a_study_stays_until_it_could_be_told_complete_though_room_is_scarce() {
    let mut story = Story::new(20 * SEGMENT);
    let mut number = 0;
    while !story.buffer().usage().low {
        story.store(number, 0);
        number += 1;
    }
    story.forward(|_| proven());
    story.keep_up();
    assert!(!story.buffer().usage().low, "{:?}", story.buffer().usage());
    assert_eq!(story.live().len(), 7, "one of each study");
    story.hand.advance(Duration::from_secs(61));
    story.keep_up();
    for study in 0..7 {
        let study = Story::study_of(study);
        assert!(story.buffer().incomplete_studies().unwrap().iter().any(|(known, _)| *known == study));
        story.runtime.block_on(story.buffer().mark_complete(&study)).unwrap();
        let detail = story.buffer().study(&study).unwrap().unwrap();
        assert!(detail.study.complete && detail.study.instances > 1, "{detail:?}");
    }
    let told = story.buffer().changes(0, 10_000).unwrap();
    let count = |kind: &str| told.iter().filter(|event| format!("{:?}", event.kind).starts_with(kind)).count();
    assert_eq!((count("StudyArriving"), count("StudyComplete"), count("StudyDelivered")), (7, 7, 7));
    story.hand.advance(RETENTION);
    story.keep_up();
    assert_eq!(story.live().len(), 0);
    story.verify();
}

#[test]
fn attempts_that_fill_segments_are_carried_on_in_short() {
    let mut story = Story::new(8 << 20);
    let objects: Vec<ObjectId> = (0..8).map(|number| story.store(number, 0)).collect();
    let busy = || Verdict::Retry { failure: Failure::new(FailureCode::Http(503), "busy"), after: Duration::from_secs(1) };
    for _ in 0..100 {
        story.forward(|_| busy());
        story.hand.advance(Duration::from_secs(1));
    }
    story.keep_up();
    story.verify();
    for (object, row) in story.live() {
        assert_eq!(row.deliveries[0].delivery.attempts, 100, "{object}");
    }
    assert_eq!(objects.len(), story.live().len());
    let used = story.buffer().usage().used;
    assert!(used < 12 * SEGMENT, "{used}");
}

#[test]
fn an_instance_that_comes_again_is_stored_once_even_after_a_rebuild() {
    let mut story = Story::new(8 << 20);
    for round in 0..3 {
        for number in 0..30 {
            story.store(number, 0);
        }
        if round == 1 {
            story.forward(|number| if number % 2 == 0 { proven() } else { hold() });
        }
        story.keep_up();
    }
    story.runtime.block_on(story.buffer().log().barrier()).unwrap();
    assert_eq!(story.live().len(), 30);
    story.verify();
    // Without its catalogue the buffer finds the same.
    let before = story.live();
    story.close();
    std::fs::remove_file(story.dir.path().join("catalogue.redb")).unwrap();
    story.open();
    let plain = |rows: Vec<(ObjectId, crate::catalogue::ObjectRow)>| {
        rows.into_iter().map(|(object, row)| (object, row.sha256, row.deliveries, row.notes)).collect::<Vec<_>>()
    };
    assert_eq!(plain(story.live()), plain(before));
}

#[derive(Debug, Clone)]
enum Turn {
    Store { first: u8, count: u8, version: bool },
    Forward { pattern: u8 },
    Pass { seconds: u8 },
    KeepUp,
    Reopen,
    Forget,
    Retry,
    GiveUp { study: u8 },
    Priority { study: u8 },
    Complete { study: u8 },
    Damage { number: u8 },
}

fn turns() -> impl Strategy<Value = Turn> {
    prop_oneof![
        5 => (0..40_u8, 1..25_u8, prop::bool::weighted(0.2)).prop_map(|(first, count, version)| Turn::Store { first, count, version }),
        4 => any::<u8>().prop_map(|pattern| Turn::Forward { pattern }),
        3 => any::<u8>().prop_map(|seconds| Turn::Pass { seconds }),
        4 => Just(Turn::KeepUp),
        1 => Just(Turn::Reopen),
        1 => Just(Turn::Forget),
        1 => Just(Turn::Retry),
        1 => (0..7_u8).prop_map(|study| Turn::GiveUp { study }),
        1 => (0..7_u8).prop_map(|study| Turn::Priority { study }),
        1 => (0..7_u8).prop_map(|study| Turn::Complete { study }),
        1 => (0..60_u8).prop_map(|number| Turn::Damage { number }),
    ]
}

fn play(turns: Vec<Turn>) {
    let mut story = Story::new(8 << 20);
    for turn in turns {
        let study = |study: u8| Story::study_of(u32::from(study));
        match turn {
            Turn::Store { first, count, version } => {
                for number in 0..u32::from(count) {
                    story.store(u32::from(first) + number, u32::from(version));
                }
            }
            Turn::Forward { pattern } => story.forward(|number| match (u32::from(pattern) >> (number % 8)) & 1 {
                1 => proven(),
                _ => hold(),
            }),
            Turn::Pass { seconds } => story.hand.advance(Duration::from_secs(u64::from(seconds))),
            Turn::KeepUp => story.keep_up(),
            Turn::Reopen => story.verify(),
            Turn::Forget => {
                story.close();
                std::fs::remove_file(story.dir.path().join("catalogue.redb")).unwrap();
                story.open();
            }
            Turn::Retry => drop(story.runtime.block_on(story.buffer().retry_held(None)).unwrap()),
            Turn::GiveUp { study: of } => drop(story.runtime.block_on(story.buffer().give_up(&study(of), &pacs())).unwrap()),
            Turn::Priority { study: of } => {
                story.runtime.block_on(story.buffer().set_priority(&study(of), ServiceLevel::Stat)).unwrap();
            }
            Turn::Damage { number } => story.damage(u32::from(number)),
            Turn::Complete { study: of } => story.runtime.block_on(story.buffer().mark_complete(&study(of))).unwrap(),
        }
    }
    story.runtime.block_on(story.buffer().log().barrier()).unwrap();
    let live = story.live();
    for (object, row) in &live {
        assert_eq!(Sha256(sha2::Sha256::digest(story.read(*object)).into()), row.sha256);
    }
    story.verify();
    assert_eq!(story.live().len(), live.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]
    /// Whatever happens, the log alone gives the catalogue at any time.
    #[test]
    fn the_log_alone_gives_the_catalogue(turns in prop::collection::vec(turns(), 1..25)) {
        play(turns);
    }
}

/// Found by chance: the commit of an instance that came again is all that says that the stored one is queued again.
#[test]
fn what_a_repeated_commit_said_is_carried_on() {
    let store = |first, count| Turn::Store { first, count, version: false };
    play(vec![store(17, 23), Turn::Forward { pattern: 1 }, store(14, 18), store(5, 15), Turn::KeepUp, store(0, 1)]);
}

/// Found by chance: 33, 35 and 41 leave and come again; the record of their release is in a segment that is freed before that of their commit.
#[test]
fn what_came_again_after_its_release_is_not_taken_for_what_was_released() {
    let store = |first, count| Turn::Store { first, count, version: false };
    let turns = [store(33, 12), store(36, 7), Turn::Forward { pattern: 10 }, Turn::Pass { seconds: 100 }, Turn::KeepUp];
    play(turns.into_iter().chain([store(33, 10), Turn::KeepUp, store(0, 4)]).collect());
}

/// The instance that is stored is written again behind its repetition, whose release is said again behind that.
#[test]
fn what_is_stored_is_not_taken_for_a_repetition_when_its_record_is_written_again() {
    let mut story = Story::new(8 << 20);
    let first: Vec<ObjectId> = (0..20).map(|number| story.store(number, 0)).collect();
    story.forward(|number| if number < 4 { hold() } else { proven() });
    let rest: Vec<ObjectId> = (0..4).chain(100..120).map(|number| story.store(number, 0)).collect();
    story.forward(|_| hold());
    story.keep_up();
    for number in 200..260 {
        story.store(number, 0);
    }
    story.forward(|_| proven());
    story.hand.advance(RETENTION);
    story.keep_up();
    story.hand.advance(Duration::from_secs(700));
    story.keep_up();
    story.verify();
    assert_eq!((first.len(), rest.len(), story.live().len()), (20, 24, 24));
}

#[test]
fn the_number_of_an_instance_that_was_stored_before_leads_to_its_bytes() {
    let mut story = Story::new(8 << 20);
    let (first, again) = (story.store(1, 0), story.store(1, 0));
    story.runtime.block_on(story.buffer().log().barrier()).unwrap();
    assert_ne!(first, again);
    assert_eq!(story.read(again), bytes(1, 0));
    story.keep_up();
    assert_eq!(story.buffer().catalogue().dead(10).unwrap(), vec![], "released by now");
    assert_eq!(story.read(again), bytes(1, 0));
    assert!(matches!(story.buffer().read(ObjectId(77)), Err(crate::ReadError::Unknown(_))));
}
