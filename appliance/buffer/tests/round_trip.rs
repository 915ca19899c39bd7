//! What goes in comes out, also after the buffer was closed, killed or damaged. On a real disk.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{path::Path, time::Duration};

use relaypacs_buffer::{Buffer, NewObject, OpenError, Options, Placed, ReadError, Refused};
use relaypacs_domain::{Clock, HeaderFacts, Identity, ServiceLevel, Sha256, Source};
use sha2::Digest;

fn options(dir: &Path) -> Options {
    Options {
        dir: dir.into(),
        max_bytes: Some(64 << 20),
        reserve_bytes: Some(0),
        segment_bytes: 1 << 20,
        retention: Duration::from_hours(1),
        history: Duration::from_hours(1),
    }
}

fn open(dir: &Path) -> Buffer {
    Buffer::open(options(dir), Clock::system()).unwrap().0
}

fn object(number: u32) -> NewObject {
    let uid = |text: String| text.parse().unwrap();
    NewObject {
        identity: Identity {
            sop_class: uid("1.2.840.10008.5.1.4.1.1.2".into()),
            sop_instance: uid(format!("1.2.3.{number}")),
            transfer_syntax: uid("1.2.840.10008.1.2.1".into()),
            study: Some(uid("1.2.3".into())),
            series: Some(uid("1.2.3.0".into())),
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

fn bytes(number: u32, len: usize) -> Vec<u8> {
    (0..len).map(|at| (at as u32).wrapping_mul(2_654_435_761).wrapping_add(number) as u8).collect()
}

async fn store(buffer: &Buffer, number: u32, len: usize) -> Placed {
    let mut writer = buffer.begin().unwrap();
    for part in bytes(number, len).chunks(70_000) {
        writer.write(part).await.unwrap();
    }
    assert_eq!(writer.written(), len as u64);
    writer.commit(object(number)).await.unwrap()
}

async fn read(buffer: &Buffer, placed: &Placed) -> Result<Vec<u8>, ReadError> {
    let mut reader = buffer.read(placed.object)?;
    let mut all = Vec::new();
    while let Some(piece) = reader.next().await? {
        assert!(piece.len() <= 1 << 20);
        all.extend_from_slice(&piece);
    }
    assert_eq!(Sha256(sha2::Sha256::digest(&all).into()), reader.sha256());
    Ok(all)
}

const SIZES: [usize; 7] = [0, 1, 35_000, 600_000, 1 << 20, (1 << 20) + 1, 5_000_000];

/// Waits until the catalogue has heard of what was acknowledged.
async fn settle(buffer: &Buffer) {
    buffer.mark_complete(&"1.2.3".parse().unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_all_sizes_come_back_also_after_a_stop() {
    let dir = tempfile::tempdir().unwrap();
    let buffer = open(dir.path());
    let mut placed = Vec::new();
    for (number, len) in SIZES.into_iter().enumerate() {
        placed.push(store(&buffer, number as u32, len).await);
    }
    settle(&buffer).await;
    for restart in [false, true, true] {
        if restart {
            buffer.close().await;
        }
        let buffer = if restart { open(dir.path()) } else { buffer.clone() };
        for (number, (placed, len)) in placed.iter().zip(SIZES).enumerate() {
            assert_eq!(read(&buffer, placed).await.unwrap(), bytes(number as u32, len), "{len} bytes, restart: {restart}");
        }
        buffer.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_read_across_runs() {
    let dir = tempfile::tempdir().unwrap();
    let buffer = open(dir.path());
    let placed = store(&buffer, 1, 2_500_000).await;
    settle(&buffer).await;
    let all = bytes(1, 2_500_000);
    let mut reader = buffer.read(placed.object).unwrap();
    for range in [0..10, 500_000..1_700_000, 2_499_999..9_000_000, 7..7] {
        reader.seek(range.clone());
        let mut got = Vec::new();
        while let Some(piece) = reader.next().await.unwrap() {
            got.extend_from_slice(&piece);
        }
        assert_eq!(got, all[range.start as usize..(range.end as usize).min(all.len())]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_committed_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let buffer = open(dir.path());
    let mut writer = buffer.begin().unwrap();
    writer.write(&bytes(1, 3_000_000)).await.unwrap();
    drop(writer);
    let kept = store(&buffer, 2, 1000).await;
    assert_eq!(kept.object.0, 2);
    buffer.close().await;
    let (buffer, recovery) = Buffer::open(options(dir.path()), Clock::system()).unwrap();
    assert_eq!((recovery.objects, recovery.damaged.len(), recovery.torn_bytes), (1, 0, 0));
    assert!(read(&buffer, &kept).await.is_ok());
    assert!(store(&buffer, 3, 1).await.object > kept.object);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_share_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let buffer = open(dir.path());
    let tasks: Vec<_> = (0..16_u32)
        .map(|task| {
            let buffer = buffer.clone();
            tokio::spawn(async move {
                let mut placed = Vec::new();
                for number in 0..8_u32 {
                    let (number, len) = (task * 100 + number, 1 + (task * 7919 + number * 30_011) as usize);
                    placed.push((number, len, store(&buffer, number, len).await));
                }
                placed
            })
        })
        .collect();
    let mut placed = Vec::new();
    for task in tasks {
        placed.extend(task.await.unwrap());
    }
    settle(&buffer).await;
    buffer.close().await;
    let buffer = open(dir.path());
    for (number, len, placed) in placed {
        assert_eq!(read(&buffer, &placed).await.unwrap(), bytes(number, len));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_buffer_on_the_folder_is_refused_and_told_who_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let buffer = open(dir.path());
    match Buffer::open(options(dir.path()), Clock::system()) {
        Err(OpenError::Locked(holder)) => assert!(holder.contains(&std::process::id().to_string()), "{holder}"),
        other => panic!("{:?}", other.map(|(_, recovery)| recovery)),
    }
    buffer.close().await;
    open(dir.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_buffer_takes_nothing_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let buffer = open(dir.path());
    let mut early = buffer.begin().unwrap();
    early.write(b"abc").await.unwrap();
    buffer.close().await;
    assert_eq!(buffer.begin().err(), Some(Refused::Closing));
    assert_eq!(early.commit(object(1)).await.unwrap_err().to_string(), "the box is shutting down");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_buffer_refuses_objects() {
    let dir = tempfile::tempdir().unwrap();
    let small = Options { max_bytes: Some(8 << 20), ..options(dir.path()) };
    let (buffer, _) = Buffer::open(small, Clock::system()).unwrap();
    let mut stored = 0;
    let refused = loop {
        let Ok(mut writer) = buffer.begin() else { break "at the mark" };
        let Ok(()) = writer.write(&bytes(stored, 400_000)).await else { break "while writing" };
        let Ok(_) = writer.commit(object(stored)).await else { break "at the end" };
        stored += 1;
        assert!(stored < 100, "nothing refuses");
    };
    assert!(stored >= 12, "{stored} objects, then refused {refused}");
    settle(&buffer).await; // facts still have their room
}
