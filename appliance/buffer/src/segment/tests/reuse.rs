//! Segments are released, used again and lose power, at random.

use super::{
    super::sim::{Chooser, Fault, Plan, random},
    *,
};

/// What the catalogue would have done: makes everything heard so far durable.
fn checkpoint(rig: &Rig, saved: &mut Promised) {
    let number = rig.log.checkpoint_begins();
    saved.clone_from(&rig.acked);
    rig.log.checkpoint_done(number, saved.last);
}

/// Frees every quiet segment in which nothing lives.
fn free_dead(rig: &Rig) -> usize {
    let lives = |epoch| rig.acked.commits.values().any(|commit| commit.extents.iter().any(|extent| extent.epoch == epoch));
    let quiet = rig.log.quiet();
    quiet.iter().filter(|info| !lives(info.epoch) && rig.log.free(info.segment, info.epoch)).count()
}

struct Dice(u64);

impl Dice {
    fn next(&mut self, sides: u64) -> u64 {
        random(&mut self.0) % sides
    }
}

fn live_a_life(seed: u64) -> (usize, u64) {
    let mut dice = Dice(seed);
    let (mut disk, mut saved, mut acked) = (SimDisk::new(), Promised::default(), Promised::default());
    let (mut freed, mut object, mut epochs) = (0, 0, 0);
    for life in 0..3 {
        let recovered = Recovered::start(&disk, SEGMENT, &saved).unwrap();
        recovered.keeps(&acked).unwrap_or_else(|why| panic!("seed {seed}, life {life}: {why}"));
        disk.plan(Some(Plan { fault: Fault::PowerOff, at: 40 + dice.next(120), lasting: true }));
        let mut rig = Rig::on(recovered).paced(PACES[seed as usize % PACES.len()]);
        for _ in 0..40 {
            object += 1;
            let len = dice.next(1500) as usize;
            match dice.next(8) {
                0..=2 => rig.act(&Act::Store(vec![(object, len)])),
                3 => rig.act(&Act::Big(object, len * 3)),
                4 => rig.act(&Act::GiveUp(object, len * 2)),
                5 => {
                    let released = rig.acked.commits.keys().filter(|_| dice.next(3) > 0).map(|object| object.0).collect();
                    rig.act(&Act::Release(released));
                }
                6 => freed += free_dead(&rig),
                // A checkpoint that the power cut off did not happen.
                _ if disk.operations() < 40 => checkpoint(&rig, &mut saved),
                _ => {}
            }
        }
        epochs = epochs.max(rig.acked.last.epoch);
        acked = rig.acked;
        disk = disk.after_power_loss(&mut Chooser::Random(dice.0));
    }
    let recovered = Recovered::start(&disk, SEGMENT, &saved).unwrap();
    recovered.keeps(&acked).unwrap_or_else(|why| panic!("seed {seed}, at last: {why}"));
    (freed, epochs)
}

#[test]
fn segments_used_again_never_bring_back_what_was_there_before() {
    let lives: Vec<_> = (0..150).map(live_a_life).collect();
    assert!(lives.iter().map(|(freed, _)| freed).sum::<usize>() > 150, "segments were freed");
    assert!(lives.iter().any(|(_, epochs)| *epochs > 10), "segments were used again");
}

#[test]
fn a_freed_segment_waits_for_a_checkpoint_and_its_readers() {
    let disk = SimDisk::new();
    let mut rig = Rig::new(&disk).unwrap();
    rig.act(&Act::Big(1, 3000));
    rig.act(&Act::Big(2, 3000)); // goes on in another segment
    let first = rig.acked.commits[&ObjectId(1)].extents[0];
    let reader = rig.log.segment(first.segment, first.epoch).unwrap();
    assert!(!rig.log.free(first.segment, first.epoch + 1), "not of this epoch");
    rig.act(&Act::Release(vec![1]));
    assert_eq!(free_dead(&rig), 1);
    let mut saved = Promised::default();
    let is_there = |rig: &Rig| rig.log.segment(first.segment, first.epoch).is_some();
    let fill = |rig: &mut Rig, object| rig.act(&Act::Big(object, 6000));
    fill(&mut rig, 3);
    assert!(is_there(&rig), "no checkpoint yet");
    checkpoint(&rig, &mut saved);
    fill(&mut rig, 4);
    assert!(is_there(&rig), "somebody reads it");
    drop(reader);
    checkpoint(&rig, &mut saved);
    fill(&mut rig, 5);
    assert!(!is_there(&rig), "used again");
    let back = Recovered::start(&disk, SEGMENT, &saved).unwrap();
    back.keeps(&rig.acked).unwrap();
}

#[test]
fn an_object_under_way_keeps_its_segments() {
    let disk = SimDisk::new();
    let mut rig = Rig::new(&disk).unwrap();
    rig.runs(1, &content(1, 2500));
    rig.act(&Act::Big(2, 4000));
    assert!(rig.log.quiet().iter().all(|info| info.segment != 0), "segment 0 holds an object under way");
    rig.work(vec![Request::Abort { object: ObjectId(1) }]);
    assert!(rig.log.quiet().iter().any(|info| info.segment == 0));
}

#[test]
fn the_last_segment_is_kept_for_facts() {
    let disk = SimDisk::new();
    disk.set_room(u64::from(SEGMENT) * 4 + 100);
    let mut rig = Rig::new(&disk).unwrap();
    for object in 1..40 {
        rig.act(&Act::Store(vec![(object, 900)]));
    }
    let stored = rig.acked.commits.len();
    assert!((6..12).contains(&stored), "{stored} objects in three segments");
    for number in 0..20 {
        rig.act(&Act::Note(number));
    }
    assert_eq!(rig.acked.notes.len(), 20);
    rig.act(&Act::Release(rig.acked.commits.keys().map(|object| object.0).collect()));
    assert!(free_dead(&rig) >= 2);
    checkpoint(&rig, &mut Promised::default());
    rig.act(&Act::Store(vec![(50, 900)]));
    assert!(rig.acked.commits.contains_key(&ObjectId(50)), "there is room again");
}
