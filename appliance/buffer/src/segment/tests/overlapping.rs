//! Two groups under way: one is synced while the next one is written.

use super::{
    super::sim::{Fault, Plan},
    *,
};

/// A log in which object 1 is durable and the sync of object 2 is under way; the plan counts from there.
fn syncing(disk: &SimDisk, works: Works) -> Rig {
    let mut rig = Rig::new(disk).unwrap();
    rig.act(&Act::Store(vec![(1, 10)]));
    let mut rig = rig.paced(Pace::Overlapping(works));
    rig.act(&Act::Store(vec![(2, 10)]));
    assert_eq!(stored(&rig), [1]);
    rig
}

fn stored(rig: &Rig) -> Vec<u64> {
    rig.acked.commits.keys().map(|object| object.0).collect()
}

fn segment_of(rig: &Rig, object: u64) -> u32 {
    rig.acked.commits[&ObjectId(object)].extents[0].segment
}

#[test]
fn a_group_written_during_a_sync_waits_for_the_next_one() {
    let mut rig = syncing(&SimDisk::new(), Works::AtFirst);
    rig.act(&Act::Store(vec![(3, 10)]));
    assert_eq!(stored(&rig), [1, 2]);
    rig.act(&Act::Note(1));
    assert_eq!(stored(&rig), [1, 2, 3]);
    assert!(rig.acked.notes.is_empty());
    rig.settle();
    assert_eq!(rig.acked.notes, [note(1)]);
}

/// What came through, and that it went on in another segment than object 1's; what a restart finds is the same.
fn goes_on_elsewhere(disk: &SimDisk, rig: &mut Rig, expected: &[u64]) {
    assert!(rig.unanswered.is_empty(), "whoever was under way was told");
    rig.act(&Act::Store(vec![(9, 10)]));
    rig.settle();
    assert_eq!(stored(rig), expected);
    assert!(segment_of(rig, 9) != segment_of(rig, 1), "the segment was given up");
    let back = Recovered::start(&disk.copy(), SEGMENT, &Promised::default()).unwrap();
    back.keeps(&rig.acked).unwrap();
    assert!(back.says.commits.keys().eq(rig.acked.commits.keys()));
}

#[test]
fn a_failed_sync_fails_every_group_under_way() {
    let disk = SimDisk::new();
    let mut rig = syncing(&disk, Works::AtLast);
    disk.plan(Some(Plan { fault: Fault::FailSync, at: 2, lasting: false }));
    rig.act(&Act::Store(vec![(3, 10)])); // written, then the sync of 2 fails
    goes_on_elsewhere(&disk, &mut rig, &[1, 9]);
}

#[test]
fn a_sync_that_ended_well_counts_whatever_the_next_one_does() {
    let disk = SimDisk::new();
    let mut rig = syncing(&disk, Works::AtFirst);
    disk.plan(Some(Plan { fault: Fault::FailSync, at: 2, lasting: false }));
    rig.act(&Act::Store(vec![(3, 10)])); // written, the sync of 2 ends, that of 3 begins and fails …
    rig.act(&Act::Store(vec![(4, 10)])); // … which is known when 4 is written
    goes_on_elsewhere(&disk, &mut rig, &[1, 2, 9]);
}

#[test]
fn a_failed_write_waits_for_the_sync_under_way() {
    for works in [Works::AtFirst, Works::AtLast] {
        let disk = SimDisk::new();
        let mut rig = syncing(&disk, works);
        disk.plan(Some(Plan { fault: Fault::Eio, at: 1, lasting: false }));
        rig.act(&Act::Store(vec![(3, 10)]));
        goes_on_elsewhere(&disk, &mut rig, &[1, 2, 9]);
    }
}

#[test]
fn an_object_with_bytes_under_way_is_broken_by_a_failed_sync() {
    let disk = SimDisk::new();
    let mut rig = syncing(&disk, Works::AtLast);
    disk.plan(Some(Plan { fault: Fault::FailSync, at: 2, lasting: false }));
    rig.act(&Act::Big(3, 1500)); // its first run is written when the sync of 2 fails
    goes_on_elsewhere(&disk, &mut rig, &[1, 9]);
}

#[test]
fn the_next_segment_is_made_ready_once_this_one_is_half_full() {
    let disk = SimDisk::new();
    let mut rig = Rig::new(&disk).unwrap();
    let files_after = |rig: &mut Rig, object| {
        rig.act(&Act::Store(vec![(object, 900)]));
        rig.log.prepare();
        rig.log.prepare(); // one is enough
        disk.list().unwrap().len()
    };
    let files: Vec<_> = (1..=6).map(|object| files_after(&mut rig, object)).collect();
    assert_eq!(files, [2, 3, 3, 3, 4, 4], "with the one that says which box it is");
    let segments: Vec<_> = (1..=6).map(|object| segment_of(&rig, object)).collect();
    assert_eq!(segments, [0, 0, 0, 1, 1, 1]);
    let back = Recovered::start(&disk.copy(), SEGMENT, &Promised::default()).unwrap();
    back.keeps(&rig.acked).unwrap();
    // The one that was made ready and never written is free at the next start.
    let mut rig = Rig::on(back);
    rig.act(&Act::Store(vec![(7, 900)]));
    assert_eq!(segment_of(&rig, 7), 2);
}
