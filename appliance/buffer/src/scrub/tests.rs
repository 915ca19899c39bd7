use std::os::unix::fs::FileExt;

use relaypacs_domain::{DeliveryState, Flag, HeldReason};

use super::{Pass, ScrubReport};
use crate::reclaim::tests::{Story, proven};

#[test]
fn a_flipped_byte_is_named_with_its_instance_and_the_others_leave() {
    let mut story = Story::new(8 << 20);
    let objects: Vec<_> = (0..80).map(|number| story.store(number, 0)).collect();
    story.runtime.block_on(story.buffer().log().barrier()).unwrap();
    let row = story.buffer().catalogue().object_row(objects[5]).unwrap().unwrap();
    let extent = row.extents[0];
    let path = story.dir.path().join("segments").join(format!("seg-{:08}", extent.segment));
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let at = u64::from(extent.offset) + 100;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();

    let report = story.runtime.block_on(story.buffer().scrub()).unwrap();
    assert_eq!(report.objects, 80);
    let hit: Vec<_> = report.damaged.iter().map(|damage| (damage.object, damage.sop_instance.clone(), damage.segment)).collect();
    assert_eq!(hit, vec![(Some(objects[5]), Some(row.identity.sop_instance), u64::from(extent.segment))]);
    let row = story.buffer().catalogue().object_row(objects[5]).unwrap().unwrap();
    assert_eq!(row.flags, vec![Flag::Damaged]);
    assert_eq!(row.deliveries[0].delivery.state, DeliveryState::Held(HeldReason::Unreadable, None));
    story.forward(|_| proven());
    let queue = story.buffer().queue(&"pacs".parse().unwrap()).unwrap();
    assert_eq!((queue.instances, queue.held_instances), (0, 1));
    // Told once, however often it is read.
    story.runtime.block_on(story.buffer().scrub()).unwrap();
    let told = story.buffer().changes(0, 1000).unwrap();
    assert_eq!(told.iter().filter(|event| format!("{:?}", event.kind).starts_with("Damaged")).count(), 1);
    // The instance sent again takes its place.
    story.store(5, 0);
    story.runtime.block_on(story.buffer().log().barrier()).unwrap();
    story.forward(|_| proven());
    story.keep_up();
    let queue = story.buffer().queue(&"pacs".parse().unwrap()).unwrap();
    assert_eq!((queue.instances, queue.held_instances), (0, 0));
    assert!(story.runtime.block_on(story.buffer().scrub()).unwrap().damaged.is_empty());
}

#[test]
fn a_large_object_is_read_in_bounded_steps() {
    let story = Story::new(8 << 20);
    let small = story.store(1, 0);
    let large = story.store_bytes(2, 200_000);
    let last = story.store(3, 0);
    story.runtime.block_on(story.buffer().log().barrier()).unwrap();
    let (catalogue, log) = (story.buffer().catalogue(), story.buffer().log());
    let extents = catalogue.object_row(large).unwrap().unwrap().extents;
    assert!(extents.len() > 10, "it must be in many pieces");
    let longest = extents.iter().map(|extent| u64::from(extent.len)).max().unwrap();
    let (mut pass, mut report, mut steps) = (Pass::default(), ScrubReport::default(), 0);
    let mut before = 0;
    while pass.step(catalogue, log, 1, &mut report).unwrap() {
        assert!(report.bytes - before <= longest, "one piece a step");
        (before, steps) = (report.bytes, steps + 1);
    }
    assert_eq!((report.objects, report.damaged), (3, Vec::new()));
    assert!(steps > extents.len());
    let bytes = |object| catalogue.object_row(object).unwrap().unwrap().bytes;
    assert_eq!(report.bytes, bytes(small) + bytes(large) + bytes(last));
}
