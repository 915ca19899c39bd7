//! The log is cut or damaged at every byte.

use super::{
    super::{
        record::{Kind, SEGMENT_HEADER, Seed},
        segment::{Depth, Segment, Step},
    },
    *,
};

/// A segment that holds the whole log.
const ONE: u32 = 24 << 10;

/// Where a record lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    /// Behind header and payload.
    end: usize,
    kind: Kind,
    object: u64,
}

fn written(segment_bytes: u32) -> (SimDisk, Promised) {
    let disk = SimDisk::new();
    let mut rig = Rig::on(Recovered::start(&disk, segment_bytes, &Promised::default()).unwrap());
    rig.act_all(&acts());
    (disk, rig.acked)
}

/// The records of a segment of an undamaged log.
fn places(recovered: &Recovered, number: u32) -> Vec<Place> {
    let (segment, end) = recovered.log.records_of(number).unwrap();
    let walk = segment.walk(SEGMENT_HEADER, end, Depth::Full);
    walk.map(|step| match step {
        Step::Record { at, header, .. } => {
            let end = (at + HEADER + header.len) as usize;
            Place { start: at as usize, end, kind: header.kind, object: header.object.0 }
        }
        Step::Bad { .. } | Step::Unreadable { .. } => panic!("{step:?}"),
    })
    .collect()
}

#[test]
fn a_log_cut_at_any_byte_holds_what_lies_before_the_cut() {
    let (disk, acked) = written(ONE);
    let name = Segment::name(0);
    let whole = Recovered::start(&disk.copy(), ONE, &Promised::default()).unwrap();
    let places = places(&whole, 0);
    let last = places.last().unwrap().end;
    assert_eq!(acked.commits.len(), 10);
    let before = disk.bytes(&name);
    for cut in SEGMENT_HEADER as usize..=last {
        for (what, fill) in [("zeros", 0), ("other bytes", 0xa5)] {
            if fill > 0 && cut % 37 != 0 {
                continue; // what follows a cut matters little: tried at some places only
            }
            let disk = disk.copy();
            disk.tamper(&name, |bytes| bytes[cut..].iter_mut().enumerate().for_each(|(at, byte)| *byte = fill ^ (at as u8 & fill)));
            let after = disk.bytes(&name);
            let is_whole = |place: &&Place| before[place.start..place.end] == after[place.start..place.end];
            let commits = places.iter().take_while(is_whole).filter(|place| place.kind == Kind::Commit);
            let recovered = Recovered::start(&disk, ONE, &Promised::default()).unwrap();
            recovered.keeps(&Promised::default()).unwrap_or_else(|why| panic!("{what} from {cut} on: {why}"));
            let commits: Vec<_> = commits.map(|place| ObjectId(place.object)).collect();
            assert_eq!(recovered.says.commits.keys().copied().collect::<Vec<_>>(), commits, "{what} from {cut} on");
        }
    }
}

/// Flips a bit in every byte of a record area that is proven durable; everything but the record that is hit must come back, and that one
/// must be reported.
fn damage_everywhere(segment_bytes: u32, step: usize) {
    let (disk, acked) = written(segment_bytes);
    let whole = Recovered::start(&disk.copy(), segment_bytes, &Promised::default()).unwrap();
    let segments: Vec<u32> = (0..100).take_while(|number| whole.log.records_of(*number).is_some()).collect();
    for number in segments {
        let places = places(&whole, number);
        for place in &places {
            let header = place.start..place.start + HEADER as usize;
            for at in header.clone().chain((header.end..place.end).step_by(step)) {
                let disk = disk.copy();
                disk.tamper(&Segment::name(number), |bytes| bytes[at] ^= 0x20);
                // The catalogue's checkpoint proves that all of it was durable, but the catalogue itself is lost.
                let recovered = Recovered::start_proven(&disk, segment_bytes, &Promised::default(), acked.last).unwrap();
                let context = || format!("byte {at} of segment {number}, in {place:?}");
                for commit in acked.commits.values() {
                    let is_hit = place.object == commit.object.0;
                    let back = recovered.says.commits.get(&commit.object).map(|commit| recovered.read(commit));
                    assert!(is_hit || matches!(back, Some(Ok(_))), "{}: {} is lost", context(), commit.object);
                }
                for note in &acked.notes {
                    assert!(place.kind == Kind::Note || recovered.says.notes.contains(note), "{}: {note:?} is lost", context());
                }
                let covers = |region: &Region| region.segment == number && region.start as usize <= at && place.start < region.end as usize;
                assert!(recovered.damage.iter().any(covers), "{}: not reported: {:?}", context(), recovered.damage);
                let named = |region: &Region| {
                    let hit = acked.commits.get(&ObjectId(place.object)).is_some_and(|commit| region.hits_any(&commit.extents));
                    region.object == Some(ObjectId(place.object)) || hit
                };
                let is_object = matches!(place.kind, Kind::Data | Kind::Commit) && acked.commits.contains_key(&ObjectId(place.object));
                let has_bytes = acked.commits.get(&ObjectId(place.object)).is_some_and(|commit| commit.bytes > 0);
                assert!(!is_object || !has_bytes || recovered.damage.iter().any(named), "{}: the object is not named", context());
            }
        }
    }
}

#[test]
fn damage_at_any_byte_costs_only_the_object_it_hits_and_is_reported() {
    damage_everywhere(ONE, 13);
}

#[test]
fn damage_in_any_of_many_segments_costs_only_the_object_it_hits() {
    damage_everywhere(SEGMENT, 97);
}

#[test]
fn a_segment_whose_header_is_lost_is_still_read() {
    let (disk, acked) = written(SEGMENT);
    let whole = Recovered::start(&disk.copy(), SEGMENT, &Promised::default()).unwrap();
    whole.keeps(&acked).unwrap();
    for number in 0..4 {
        for at in 0..SEGMENT_HEADER as usize {
            let disk = disk.copy();
            disk.tamper(&Segment::name(number), |bytes| bytes[at] ^= 0x01);
            let recovered = Recovered::start(&disk, SEGMENT, &Promised::default()).unwrap();
            recovered.keeps(&acked).unwrap_or_else(|why| panic!("byte {at} of segment {number}: {why}"));
        }
    }
}

#[test]
fn what_the_disk_does_not_give_is_damage_and_not_the_end() {
    let (disk, acked) = written(ONE);
    let victim = acked.commits[&ObjectId(4)].extents[0];
    disk.make_unreadable(&Segment::name(0), u64::from(victim.offset) + 100..u64::from(victim.offset) + 101);
    let recovered = Recovered::start(&disk, ONE, &Promised::default()).unwrap();
    assert!(recovered.damage.iter().any(|region| region.hits_any(&[victim])), "{:?}", recovered.damage);
    for (object, commit) in &acked.commits {
        let back = recovered.says.commits.get(object).map(|commit| recovered.read(commit));
        assert!(commit.extents.contains(&victim) || matches!(back, Some(Ok(_))), "{object}: {back:?}");
    }
}

#[test]
fn records_inside_an_objects_bytes_are_not_records() {
    let disk = SimDisk::new();
    let mut rig = Rig::on(Recovered::start(&disk, ONE, &Promised::default()).unwrap());
    rig.act(&Act::Store(vec![(1, 500)]));
    // Somebody sends the log's own bytes back as an object, under every seed but the right one.
    let stolen = disk.bytes(&Segment::name(0))[SEGMENT_HEADER as usize..1000].to_vec();
    for byte in 0..8 {
        assert!(super::super::record::Header::decode(&stolen[byte * 8..], Seed::new(uuid::Uuid::nil(), 0)).is_err());
    }
    let (ticket, mut answer) = oneshot::channel();
    let forged = Commit { bytes: stolen.len() as u64, ..commit(2, 0) };
    let last = Some(rig.run(&stolen));
    rig.work(vec![Request::Commit { last, commit: Box::new(forged), ticket }]);
    answer.try_recv().unwrap().unwrap();
    let recovered = Recovered::start(&disk, ONE, &Promised::default()).unwrap();
    assert_eq!(recovered.says.commits.keys().copied().collect::<Vec<_>>(), [ObjectId(1), ObjectId(2)]);
}
