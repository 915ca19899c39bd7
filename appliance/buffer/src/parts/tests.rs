//! Parts through restarts, compaction, damage and power loss; objects made of them.

use std::{os::unix::fs::FileExt, path::PathBuf, sync::Arc, time::Duration};

use relaypacs_domain::{Clock, HeaderFacts, ServiceLevel};
use sha2::Digest;
use uuid::Uuid;

use super::*;
use crate::{
    Health, OpenError, Options, Recovery,
    buffer::{CATALOGUE, Disks},
    reclaim::tests::{Story, hold, proven},
    restore,
    segment::sim::{Chooser, Fault, Plan, SimDisk},
    verify,
};

const UPLOAD: UploadId = UploadId(Uuid::from_u128(7));

fn key(file: &str, index: u32) -> PartKey {
    PartKey { upload: UPLOAD, file: file.into(), index }
}

fn content(seed: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (at * 31 + seed * 7 + at / 251) as u8).collect()
}

async fn part(buffer: &Buffer, key: PartKey, bytes: &[u8]) -> Result<ObjectId, String> {
    let mut writer = buffer.begin_part().map_err(|error| error.to_string())?;
    for piece in bytes.chunks(700) {
        writer.write(piece).await.map_err(|error| error.to_string())?;
    }
    writer.commit_part(key).durable().await.map_err(|error| error.to_string())
}

fn new(number: u32) -> NewObject {
    NewObject {
        identity: Identity {
            sop_class: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
            sop_instance: format!("1.2.3.{number}").parse().unwrap(),
            transfer_syntax: "1.2.840.10008.1.2.1".parse().unwrap(),
            study: Some("1.9".parse().unwrap()),
            series: Some("1.9.1".parse().unwrap()),
        },
        facts: HeaderFacts::default(),
        source: Source::Http { upload: UPLOAD, username: "dr_a".into(), address: None },
        service_level: ServiceLevel::Routine,
        flags: vec![],
    }
}

fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

async fn read(buffer: &Buffer, object: ObjectId) -> Vec<u8> {
    let mut reader = buffer.read(object).unwrap();
    let mut all = Vec::new();
    while let Some(piece) = reader.next().await.unwrap() {
        all.extend_from_slice(&piece);
    }
    all
}

async fn read_all(mut pieces: Pieces) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(piece) = pieces.next().await.unwrap() {
        all.extend_from_slice(&piece);
    }
    assert_eq!(all.len() as u64, pieces.len());
    all
}

#[test]
fn an_object_of_parts_is_their_bytes_and_outlives_them() {
    let mut story = Story::new(8 << 20);
    let file = content(1, 20_000);
    let parts: Vec<ObjectId> = story.runtime.block_on(async {
        let mut parts = Vec::new();
        for (index, piece) in file.chunks(6000).enumerate() {
            parts.push(part(story.buffer(), key("a.dcm", index as u32), piece).await.unwrap());
        }
        parts
    });
    story.verify();
    let found = story.runtime.block_on(story.buffer().parts(UPLOAD)).unwrap();
    assert_eq!(
        found.iter().map(|part| (part.object, part.key.index, part.bytes)).collect::<Vec<_>>(),
        vec![(parts[0], 0, 6000), (parts[1], 1, 6000), (parts[2], 2, 6000), (parts[3], 3, 2000),]
    );
    assert_eq!(story.runtime.block_on(story.buffer().uploads_with_parts()).unwrap(), vec![UPLOAD]);
    assert_eq!(story.runtime.block_on(read_all(story.buffer().read_parts(&parts[1..3]).unwrap())), file[6000..18_000]);

    let data_set = &file[338..];
    let placed = story.runtime.block_on(story.buffer().compose(&parts, 338..20_000, sha256(data_set), new(1))).unwrap();
    assert_eq!(placed.bytes, data_set.len() as u64);
    let other = story.runtime.block_on(story.buffer().compose(&parts[1..2], 5999..6000, sha256(&file[11_999..12_000]), new(2))).unwrap();
    story.runtime.block_on(story.buffer().release_parts(&parts)).unwrap();
    assert!(story.runtime.block_on(story.buffer().parts(UPLOAD)).unwrap().is_empty());
    assert!(story.runtime.block_on(story.buffer().uploads_with_parts()).unwrap().is_empty());
    assert!(story.buffer().read_parts(&parts).is_err());
    let gone = story.runtime.block_on(story.buffer().compose(&parts, 0..1, sha256(&file[..1]), new(3)));
    assert!(matches!(gone, Err(ComposeError::Unknown(part)) if part == parts[0]), "{gone:?}");
    story.verify();
    story.keep_up();
    assert_eq!(story.runtime.block_on(read(story.buffer(), placed.object)), data_set);
    assert_eq!(story.runtime.block_on(read(story.buffer(), other.object)), file[11_999..12_000]);
    assert!(story.runtime.block_on(story.buffer().scrub()).unwrap().damaged.is_empty());
    let known = story.buffer().instances(&"1.2.3.1".parse().unwrap()).unwrap();
    assert_eq!((known.len(), known[0].sha256, known[0].source.upload()), (1, sha256(data_set), Some(UPLOAD)));

    story.forward(|_| proven());
    story.hand.advance(Duration::from_secs(1000));
    story.keep_up();
    assert!(story.buffer().usage().used < 20_000, "the room is free again: {:?}", story.buffer().usage());
    story.verify();
}

#[test]
fn a_range_beyond_the_parts_makes_no_object() {
    let story = Story::new(8 << 20);
    let stored = story.runtime.block_on(part(story.buffer(), key("a", 0), &content(1, 100))).unwrap();
    let refused = story.runtime.block_on(story.buffer().compose(&[stored], 10..101, sha256(b""), new(1)));
    assert!(matches!(refused, Err(ComposeError::Write(WriteError::Log(_)))), "{refused:?}");
}

/// A slow sender's bytes go to the disk in pieces as others need the memory: the part is the same.
#[test]
fn a_part_that_was_set_aside_is_all_its_bytes() {
    let story = Story::new(8 << 20);
    let (buffer, bytes) = (story.buffer(), content(3, 9000));
    let store = async |index: u32, cuts: &[usize]| {
        let mut writer = buffer.begin_part().unwrap();
        writer.set_aside().await.unwrap();
        let mut from = 0;
        for to in cuts {
            writer.write(&bytes[from..*to]).await.unwrap();
            writer.set_aside().await.unwrap();
            writer.set_aside().await.unwrap();
            from = *to;
        }
        writer.write(&bytes[from..]).await.unwrap();
        let stored = writer.commit_part(key("a", index)).durable().await.unwrap();
        buffer.settled().await.unwrap();
        (stored, read_all(buffer.read_parts(&[stored]).unwrap()).await)
    };
    for (index, cuts) in (0..).zip([vec![], vec![1], vec![9000], vec![10, 5000, 8999], (1..=9000).step_by(700).collect()]) {
        let (stored, there) = story.runtime.block_on(store(index, &cuts));
        assert!(there == bytes, "cut at {cuts:?}");
        let placed = story.runtime.block_on(buffer.compose(&[stored], 0..9000, sha256(&bytes), new(index))).unwrap();
        story.runtime.block_on(buffer.settled()).unwrap();
        assert!(story.runtime.block_on(read(buffer, placed.object)) == bytes);
    }
}

#[test]
fn parts_given_up_make_room_and_those_that_stay_are_moved_out_of_the_way() {
    let mut story = Story::new(8 << 20);
    let mut kept = Vec::new();
    let mut dropped = Vec::new();
    for round in 0..40_u32 {
        let bytes = content(round.into(), 5000);
        let stored = story.runtime.block_on(part(story.buffer(), key("f", round), &bytes)).unwrap();
        if round % 8 == 0 {
            kept.push((stored, bytes));
        } else {
            dropped.push(stored);
        }
        story.store(round, 0);
    }
    let before = story.buffer().usage().used;
    story.runtime.block_on(story.buffer().release_parts(&dropped)).unwrap();
    story.forward(|_| proven());
    story.hand.advance(Duration::from_secs(100));
    story.keep_up();
    story.hand.advance(Duration::from_secs(700));
    story.keep_up();
    let after = story.buffer().usage().used;
    assert!(after < before / 2, "{after} of {before}");
    story.verify();
    for (stored, bytes) in &kept {
        assert_eq!(story.runtime.block_on(read_all(story.buffer().read_parts(&[*stored]).unwrap())), *bytes);
    }
    // What was moved can still be made objects of, which are moved in their turn.
    let parts: Vec<ObjectId> = kept.iter().map(|(stored, _)| *stored).collect();
    let all: Vec<u8> = kept.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    let len = all.len() as u64;
    let placed = story.runtime.block_on(story.buffer().compose(&parts, 100..len, sha256(&all[100..]), new(99))).unwrap();
    story.runtime.block_on(story.buffer().release_parts(&parts)).unwrap();
    for number in 100..180 {
        story.store(number, 0);
    }
    story.forward(|number| if number == 99 { hold() } else { proven() });
    for _ in 0..3 {
        story.hand.advance(Duration::from_secs(700));
        story.keep_up();
    }
    assert_eq!(story.runtime.block_on(read(story.buffer(), placed.object)), all[100..]);
    story.verify();
}

#[test]
fn a_backup_takes_parts_along() {
    let mut story = Story::new(8 << 20);
    let bytes = content(3, 9000);
    let stored = story.runtime.block_on(part(story.buffer(), key("a", 0), &bytes)).unwrap();
    let to = tempfile::tempdir().unwrap();
    let (copy, back) = (to.path().join("copy"), to.path().join("back"));
    story.runtime.block_on(story.buffer().backup(copy.clone(), |_, _| {})).unwrap();
    story.close();
    restore(&copy, &back, |_, _| {}).unwrap();
    assert!(verify(&back).unwrap().is_clean());
    let hour = Duration::from_hours(1);
    let options =
        Options { dir: back, max_bytes: Some(8 << 20), reserve_bytes: Some(0), segment_bytes: 16 << 10, retention: hour, history: hour };
    let (buffer, _) = Buffer::open(options, Clock::system()).unwrap();
    assert_eq!(story.runtime.block_on(read_all(buffer.read_parts(&[stored]).unwrap())), bytes);
    buffer.close_blocking();
}

#[test]
fn a_damaged_part_is_missing_and_can_be_sent_again() {
    let mut story = Story::new(8 << 20);
    let bytes = content(5, 4000);
    let parts: Vec<ObjectId> = (0..3).map(|index| story.runtime.block_on(part(story.buffer(), key("a", index), &bytes)).unwrap()).collect();
    story.runtime.block_on(story.buffer().settled()).unwrap();
    let extent = story.buffer().catalogue().part_row(parts[1]).unwrap().unwrap().extents[0];
    let path = story.dir.path().join("segments").join(format!("seg-{:08}", extent.segment));
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(b"damage", u64::from(extent.offset) + 90).unwrap();

    let report = story.runtime.block_on(story.buffer().scrub()).unwrap();
    assert_eq!(report.damaged.iter().map(|damage| damage.object).collect::<Vec<_>>(), vec![Some(parts[1])]);
    let left = |story: &Story| -> Vec<u32> {
        story.runtime.block_on(story.buffer().parts(UPLOAD)).unwrap().into_iter().map(|part| part.key.index).collect()
    };
    assert_eq!(left(&story), vec![0, 2]);
    story.runtime.block_on(part(story.buffer(), key("a", 1), &bytes)).unwrap();
    assert_eq!(left(&story), vec![0, 2, 1]);
    assert!(story.runtime.block_on(story.buffer().scrub()).unwrap().damaged.is_empty());
    // The bytes of the first one are still damaged on the disk: that is no damage to anything that is there.
    story.close();
    assert!(verify(story.dir.path()).unwrap().differences.is_empty());
}

fn open(disk: &SimDisk) -> Result<(Buffer, Recovery), OpenError> {
    let disks = Disks { index: Arc::new(disk.folder("index")), log: Arc::new(disk.folder("segments")) };
    let hour = Duration::from_hours(1);
    let dir = PathBuf::from("/simulated");
    let options = Options { dir, max_bytes: Some(1 << 20), reserve_bytes: Some(0), segment_bytes: 8192, retention: hour, history: hour };
    Buffer::open_on(disks, &options, Clock::system(), None)
}

/// What was acknowledged.
#[derive(Debug, Default)]
struct Acked {
    parts: Vec<(ObjectId, u32)>,
    composed: Option<ObjectId>,
    released: bool,
}

const PIECES: u32 = 6;

fn piece(index: u32) -> Vec<u8> {
    content(index.into(), 900 + 700 * index as usize)
}

fn whole() -> Vec<u8> {
    (0..PIECES).flat_map(piece).collect()
}

/// Uploads a file with some of its pieces under way at once, makes an object of it and gives the parts up.
async fn upload(buffer: &Buffer) -> Acked {
    let mut acked = Acked::default();
    for pair in 0..PIECES / 2 {
        let tasks: Vec<_> = [2 * pair, 2 * pair + 1]
            .into_iter()
            .map(|index| {
                let buffer = buffer.clone();
                tokio::spawn(async move { (part(&buffer, key("a", index), &piece(index)).await, index) })
            })
            .collect();
        for task in tasks {
            let (stored, index) = task.await.unwrap();
            acked.parts.extend(stored.ok().map(|part| (part, index)));
        }
    }
    let working = buffer.clone();
    let parts: Vec<ObjectId> = acked.parts.iter().map(|(part, _)| *part).collect();
    let rest = tokio::spawn(async move {
        if parts.len() < PIECES as usize || working.settled().await.is_err() {
            return (None, false);
        }
        let all = whole();
        let placed = working.compose(&parts, 132..all.len() as u64, sha256(&all[132..]), new(1)).await.ok();
        let released = placed.is_some() && working.release_parts(&parts).await.is_ok();
        (placed.map(|placed| placed.object), released)
    });
    // A catalogue that cannot be mended never answers; closing must end the wait.
    while !rest.is_finished() && buffer.health() == Health::Good {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    buffer.close().await;
    (acked.composed, acked.released) = rest.await.unwrap();
    acked
}

async fn check(disk: &SimDisk, acked: &Acked, context: &str) {
    let (buffer, recovery) = open(disk).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(recovery.damaged.is_empty(), "{context}: {:?}", recovery.damaged);
    let there = buffer.parts(UPLOAD).await.unwrap();
    for stored in &there {
        let pieces = buffer.read_parts(&[stored.object]).unwrap();
        assert_eq!(read_all(pieces).await, piece(stored.key.index), "{context}: part {}", stored.object);
    }
    let composed = buffer.instances(&"1.2.3.1".parse().unwrap()).unwrap();
    for (stored, index) in &acked.parts {
        // Whether the release went through is not told to somebody who was not answered.
        let is_there = there.iter().any(|part| (part.object, part.key.index) == (*stored, *index));
        assert!(is_there || !composed.is_empty(), "{context}: part {stored} was acknowledged and is lost");
        assert!(!(is_there && acked.released), "{context}: part {stored} was released");
    }
    assert!(acked.composed.is_none_or(|object| composed.iter().any(|known| known.object == object)), "{context}: the object is lost");
    for known in &composed {
        assert_eq!(read(&buffer, known.object).await, whole()[132..], "{context}: object {}", known.object);
    }
    buffer.close().await;
}

/// Operations of a run without faults.
async fn operations() -> u64 {
    let disk = SimDisk::new();
    disk.plan(None);
    let (buffer, _) = open(&disk).unwrap();
    let acked = upload(&buffer).await;
    assert_eq!(acked.parts.len(), PIECES as usize);
    let operations = disk.operations();
    check(&disk, &acked, "no fault").await;
    operations
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_power_loss_leaves_acknowledged_parts_and_objects_hold() {
    let operations = operations().await;
    let mut composed = 0;
    for at in (1..=operations).step_by(4) {
        let disk = SimDisk::new();
        disk.plan(Some(Plan { fault: Fault::PowerOff, at, lasting: true }));
        let acked = match open(&disk) {
            Ok((buffer, _)) => upload(&buffer).await,
            Err(_) => Acked::default(),
        };
        composed += usize::from(acked.composed.is_some());
        for seed in 0..2 {
            let after = disk.after_power_loss(&mut Chooser::Random(at * 10 + seed));
            check(&after, &acked, &format!("power off at {at} of {operations}, seed {seed}")).await;
            // The same from the log alone.
            after.folder("index").tamper(CATALOGUE, |bytes| bytes.fill(0));
            check(&after, &acked, &format!("power off at {at} of {operations}, seed {seed}, rebuilt")).await;
        }
    }
    assert!(composed > 0, "no run got as far as an object");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_error_anywhere_loses_no_acknowledged_part() {
    let operations = operations().await;
    for fault in [Fault::Eio, Fault::FailSync] {
        for at in (1..=operations).step_by(8) {
            let disk = SimDisk::new();
            disk.plan(Some(Plan { fault, at, lasting: false }));
            let acked = match open(&disk) {
                Ok((buffer, _)) => upload(&buffer).await,
                Err(_) => Acked::default(),
            };
            disk.plan(None);
            let context = format!("{fault:?} at {at} of {operations}");
            check(&disk.copy(), &acked, &context).await;
            check(&disk.after_power_loss(&mut Chooser::Random(at)), &acked, &context).await;
        }
    }
}
