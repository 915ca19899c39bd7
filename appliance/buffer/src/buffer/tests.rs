//! Log and catalogue together on one simulated disk: power loss and errors at any operation of either.

use std::collections::BTreeMap;

use relaypacs_domain::{HeaderFacts, Identity, ServiceLevel, Source};

use super::*;
use crate::{
    NewObject,
    segment::sim::{Chooser, Fault, Plan, SimDisk},
    upkeep::UpkeepSettings,
};

const STUDY: &str = "1.2.3";

fn open(disk: &SimDisk) -> Result<(Buffer, Recovery), OpenError> {
    let disks = Disks { index: Arc::new(disk.folder("index")), log: Arc::new(disk.folder("segments")) };
    let hour = Duration::from_hours(1);
    let dir = PathBuf::from("/simulated");
    let options = Options { dir, max_bytes: Some(1 << 20), reserve_bytes: Some(0), segment_bytes: 8192, retention: hour, history: hour };
    Buffer::open_on(disks, &options, Clock::system(), None)
}

fn content(number: u64) -> Vec<u8> {
    (0..40 + number * 900).map(|at| (at * 31 + number) as u8).collect()
}

fn object(number: u64) -> NewObject {
    let uid = |text: String| text.parse::<Uid>().unwrap();
    NewObject {
        identity: Identity {
            sop_class: uid("1.2".into()),
            sop_instance: uid(format!("1.2.3.{number}")),
            transfer_syntax: uid("1.2.840.10008.1.2.1".into()),
            study: Some(uid(STUDY.into())),
            series: Some(uid("1.2.3.0".into())),
        },
        facts: HeaderFacts::default(),
        source: Source::Dicom { calling_ae: "A".parse().unwrap(), called_ae: "B".parse().unwrap(), address: [127, 0, 0, 1].into() },
        service_level: ServiceLevel::Routine,
        flags: vec![],
    }
}

async fn store(buffer: Buffer, number: u64) -> Option<(ObjectId, u64)> {
    let mut writer = buffer.begin().ok()?;
    writer.write(&content(number)).await.ok()?;
    Some((writer.commit(object(number)).await.ok()?.object, number))
}

/// What was acknowledged.
#[derive(Debug, Default)]
struct Acked {
    objects: BTreeMap<ObjectId, u64>,
    complete: bool,
}

/// Stores objects, some at once, and states a fact; then closes. Whatever the disk does, it comes to an end.
async fn work(buffer: &Buffer) -> Acked {
    let mut acked = Acked::default();
    for round in 0..3 {
        let writers: Vec<_> = (1..4).map(|writer| tokio::spawn(store(buffer.clone(), round * 3 + writer))).collect();
        for writer in writers {
            acked.objects.extend(writer.await.unwrap());
        }
    }
    let stating = buffer.clone();
    let study: Uid = STUDY.parse().unwrap();
    let fact = tokio::spawn(async move { stating.mark_complete(&study).await.is_ok() });
    // A catalogue that cannot be mended never answers; closing must end the wait.
    tokio::task::yield_now().await;
    buffer.close().await;
    acked.complete = fact.await.unwrap();
    acked
}

async fn check(disk: &SimDisk, acked: &Acked, context: &str) {
    let (buffer, recovery) = open(disk).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(recovery.damaged.is_empty(), "{context}: {:?}", recovery.damaged);
    for (object, number) in &acked.objects {
        let mut reader = buffer.read(*object).unwrap_or_else(|error| panic!("{context}: {error}"));
        let mut bytes = Vec::new();
        while let Some(piece) = reader.next().await.unwrap_or_else(|error| panic!("{context}: {error}")) {
            bytes.extend_from_slice(&piece);
        }
        assert_eq!(bytes, content(*number), "{context}: object {object}");
    }
    if acked.complete && !acked.objects.is_empty() {
        let detail = buffer.study(&STUDY.parse().unwrap()).unwrap().unwrap_or_else(|| panic!("{context}: the study is gone"));
        assert!(detail.study.complete, "{context}: the fact is gone");
    }
    let (object, number) = store(buffer.clone(), 20).await.unwrap_or_else(|| panic!("{context}: nothing can be stored any more"));
    assert!(!acked.objects.contains_key(&object), "{context}: object number {number} was given twice");
    buffer.close().await;
}

/// Operations of a run without faults.
async fn operations() -> u64 {
    let disk = SimDisk::new();
    disk.plan(None);
    let (buffer, _) = open(&disk).unwrap();
    let acked = work(&buffer).await;
    assert_eq!(acked.objects.len(), 9); // whether the fact was answered before the close is the threads' affair
    let operations = disk.operations();
    check(&disk, &acked, "no fault").await;
    operations
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_power_loss_leaves_of_log_and_catalogue_every_ack_holds() {
    let operations = operations().await;
    for at in (1..=operations).step_by(3) {
        let disk = SimDisk::new();
        disk.plan(Some(Plan { fault: Fault::PowerOff, at, lasting: true }));
        let acked = match open(&disk) {
            Ok((buffer, _)) => work(&buffer).await,
            Err(_) => Acked::default(),
        };
        for seed in 0..2 {
            let after = disk.after_power_loss(&mut Chooser::Random(at * 10 + seed));
            check(&after, &acked, &format!("power off at {at} of {operations}, seed {seed}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_error_anywhere_breaks_no_promise() {
    let operations = operations().await;
    for fault in [Fault::Eio, Fault::FailSync] {
        for at in (1..=operations).step_by(4) {
            let disk = SimDisk::new();
            disk.plan(Some(Plan { fault, at, lasting: false }));
            let acked = match open(&disk) {
                Ok((buffer, _)) => work(&buffer).await,
                Err(_) => Acked::default(),
            };
            disk.plan(None);
            let context = format!("{fault:?} at {at} of {operations}");
            check(&disk.copy(), &acked, &context).await;
            check(&disk.after_power_loss(&mut Chooser::Random(at)), &acked, &context).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_catalogue_is_built_anew() {
    let disk = SimDisk::new();
    let (buffer, _) = open(&disk).unwrap();
    let acked = work(&buffer).await;
    disk.folder("index").tamper(CATALOGUE, |bytes| bytes.fill(0x5a));
    let (buffer, recovery) = open(&disk).unwrap();
    assert!(recovery.rebuilt);
    assert_eq!(recovery.objects, 9);
    buffer.close().await;
    check(&disk, &acked, "rebuilt").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_reported_by_instance_and_the_rest_is_read() {
    let disk = SimDisk::new();
    let (buffer, _) = open(&disk).unwrap();
    let acked = work(&buffer).await;
    let (victim, number) = acked.objects.iter().nth(4).map(|(object, number)| (*object, *number)).unwrap();
    let extent = buffer.catalogue().object(victim).unwrap().unwrap().extents[0];
    let segment = Segment::name(extent.segment);
    disk.folder("segments").tamper(&segment, |bytes| bytes[extent.offset as usize + 60] ^= 1);
    disk.folder("index").tamper(CATALOGUE, |bytes| bytes.fill(0)); // so that the segments are read
    let (buffer, recovery) = open(&disk).unwrap();
    let [damage] = recovery.damaged.as_slice() else { panic!("{:?}", recovery.damaged) };
    assert_eq!((damage.object, damage.segment), (Some(victim), u64::from(extent.segment)));
    assert_eq!(damage.sop_instance, Some(object(number).identity.sop_instance));
    for object in acked.objects.keys() {
        let first = buffer.read(*object).unwrap().next().await;
        assert_eq!(first.is_err(), *object == victim, "object {object}");
    }
    buffer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_failed_is_opened_again_and_the_catalogue_stays() {
    let disk = SimDisk::new();
    let (buffer, _) = open(&disk).unwrap();
    let (object, _) = store(buffer.clone(), 1).await.unwrap();
    let work = move || {
        // Another thread's write may meet the error first: again, until it is the history's.
        let failed = (0..1000).any(|_| {
            disk.plan(Some(Plan { fault: Fault::Eio, at: 1, lasting: false }));
            buffer.catalogue().remember_dead(&[(1000, 1)]).is_err()
        });
        disk.plan(None);
        assert!(failed);
        let checked = (0..1000).any(|_| buffer.log().checkpoint_blocking().is_ok());
        assert!(checked && buffer.health() == Health::Good);
        buffer.catalogue().remember_dead(&[(1001, 1)]).unwrap();
        assert!(buffer.catalogue().object(object).unwrap().is_some());
        buffer.close_blocking();
        let names = disk.folder("index").list().unwrap();
        assert!(!names.iter().any(|name| name.ends_with("broken")), "{names:?}");
    };
    tokio::task::spawn_blocking(work).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_whose_write_was_broken_off_is_never_acknowledged() {
    let (buffer, _) = open(&SimDisk::new()).unwrap();
    let mut writer = buffer.begin().unwrap();
    writer.write(&vec![1; buffer.inner.most_run]).await.unwrap();
    let pool = buffer.log().pool.clone();
    let busy = [pool.handover().await, pool.handover().await, pool.handover().await];
    let broken_off = tokio::time::timeout(Duration::ZERO, writer.write(&[2])).await;
    assert!(broken_off.is_err(), "the disk is behind: the write waits");
    drop(busy);
    writer.write(&[3]).await.unwrap();
    assert!(writer.commit(object(1)).await.is_err());
    buffer.close().await;
}

#[test]
fn a_copy_that_breaks_off_keeps_no_segment_in_use() {
    let disk = SimDisk::new();
    let (buffer, _) = open(&disk).unwrap();
    let hour = Duration::from_hours(1);
    let _upkeep = buffer.take_over_upkeep(UpkeepSettings { retention: hour, history: hour, segment_bytes: 8192 });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = |number| runtime.block_on(store(buffer.clone(), number)).unwrap().0;
    let object = store(1);
    buffer.log().barrier_blocking().unwrap();
    let extents = buffer.catalogue().object(object).unwrap().unwrap().extents;
    disk.plan(Some(Plan { fault: Fault::Eio, at: 1, lasting: false }));
    assert!(buffer.log().move_object_blocking(object, &extents).is_err());
    disk.plan(None);
    for number in 2..8 {
        store(number);
    }
    buffer.log().barrier_blocking().unwrap();
    let quiet: Vec<u64> = buffer.log().quiet_segments().into_iter().map(|info| info.epoch).collect();
    let mut older = buffer.log().epochs_on_disk(); // epoch 0: spare
    let newest = older.pop_last().unwrap();
    older.pop_last(); // the newest may be one made ready, this one then is being written
    older.remove(&0);
    assert!(newest > 1 && !older.is_empty() && older.iter().all(|epoch| quiet.contains(epoch)), "{older:?} but only {quiet:?}");
    buffer.close_blocking();
}
