//! Limits of number and time: whoever reaches one is told so, and nobody else notices.

#![allow(clippy::expect_used, reason = "a failed test fails")]

mod common;

use std::{sync::atomic::Ordering, time::Duration};

use common::*;
use relaypacs_dicom::Modality;
use tokio::io::AsyncReadExt;

const SHORT: Duration = Duration::from_millis(50);
/// For a handshake on a busy machine.
const ENOUGH: Duration = Duration::from_millis(700);

async fn answer(scp: &Scp, rq: &Rq) -> (Wire, (u8, Vec<u8>)) {
    let mut wire = Wire::connect(scp.address).await;
    wire.send(&rq.bytes()).await;
    let pdu = wire.pdu().await.expect("an answer");
    (wire, pdu)
}

const TOO_MANY: (u8, [u8; 4]) = (3, [0, 2, 3, 2]);

async fn expect_too_many(scp: &Scp, rq: &Rq) {
    let (_, (kind, body)) = answer(scp, rq).await;
    assert_eq!((kind, body.as_slice()), (TOO_MANY.0, &TOO_MANY.1[..]));
}

#[tokio::test]
async fn too_many_in_all_or_of_one_peer_are_rejected_and_places_come_back() {
    let mut limits = options();
    (limits.max_associations, limits.max_associations_per_peer) = (3, 2);
    let scp = Scp::with(limits).await;
    let mut first = Wire::associate(scp.address, &Rq::from("CT1")).await;
    let second = Wire::associate(scp.address, &Rq::from("CT1")).await;
    expect_too_many(&scp, &Rq::from("CT1")).await;
    let _third = Wire::associate(scp.address, &Rq::from("CT2")).await;
    expect_too_many(&scp, &Rq::from("CT3")).await;
    // The place is free before the release is answered, whether or not the peer closes.
    first.release().await;
    let _fourth = Wire::associate(scp.address, &Rq::from("CT3")).await;
    drop(second);
    scp.ended(2).await;
    let _fifth = Wire::associate(scp.address, &Rq::from("CT1")).await;
    let metrics = scp.metrics_text();
    for line in ["associations_open 3", r#"rejects_total{reason="too_many"} 1"#, r#"rejects_total{reason="too_many_of_peer"} 1"#] {
        assert!(metrics.contains(&format!("relaypacs_dicom_{line}")), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn a_known_modality_has_its_own_limit() {
    let mut limits = options();
    limits.max_associations_per_peer = 1;
    let modality = |ae: &str, max_associations| Modality {
        ae_title: ae.parse().expect("a title"),
        address: None,
        service_level: None,
        max_associations,
    };
    limits.modalities = vec![modality("CT1", Some(2)), modality("CT2", None)].into();
    let scp = Scp::with(limits).await;
    let _open = [Wire::associate(scp.address, &Rq::from("CT1")).await, Wire::associate(scp.address, &Rq::from("CT1")).await];
    expect_too_many(&scp, &Rq::from("CT1")).await;
    let _other = Wire::associate(scp.address, &Rq::from("CT2")).await;
    expect_too_many(&scp, &Rq::from("CT2")).await;
}

#[tokio::test]
async fn who_asks_for_nothing_is_closed_by_artim() {
    let mut limits = options();
    limits.artim = SHORT;
    let scp = Scp::with(limits).await;
    let rq = Rq::default().bytes();
    for said in [&[][..], &rq[..3], &rq[..100]] {
        let mut wire = Wire::connect(scp.address).await;
        wire.send(said).await;
        wire.expect_close().await;
    }
    assert!(scp.metrics_text().contains(r#"relaypacs_dicom_rejects_total{reason="artim"} 3"#), "{}", scp.metrics_text());
}

#[tokio::test]
async fn an_association_outlives_artim() {
    let mut limits = options();
    limits.artim = ENOUGH;
    let scp = Scp::with(limits).await;
    let mut wire = Wire::associate(scp.address, &Rq::default()).await;
    tokio::time::sleep(ENOUGH * 2).await; // what is tested is that time passes
    assert_eq!(wire.store(1, CT, "1.2.3", &data_set(CT, "1.2.3", 10)).await, 0);
}

#[tokio::test]
async fn who_does_not_close_after_the_last_word_is_closed_by_artim() {
    let mut limits = options();
    limits.artim = ENOUGH;
    let scp = Scp::with(limits).await;
    let (mut rejected, (kind, _)) = answer(&scp, &Rq { called: title("WRONG"), ..Rq::default() }).await;
    assert_eq!(kind, 3);
    rejected.expect_close().await;
    let mut released = Wire::associate(scp.address, &Rq::default()).await;
    released.release().await;
    released.expect_close().await;
    let mut aborted = Wire::associate(scp.address, &Rq::default()).await;
    aborted.send(&pdu(9, &[])).await;
    aborted.expect_abort(1).await;
    aborted.expect_close().await;
}

/// What a peer still sends after it was rejected must not cost it our word.
#[tokio::test]
async fn a_reject_arrives_though_the_peer_goes_on_sending() {
    let scp = Scp::start().await;
    let mut wire = Wire::connect(scp.address).await;
    wire.send(&[Rq { called: title("WRONG"), ..Rq::default() }.bytes(), vec![0; 100_000]].concat()).await;
    assert_eq!(wire.pdu().await, Some((3, vec![0, 1, 1, 7])));
}

#[tokio::test]
async fn silence_inside_an_association_is_aborted() {
    let mut limits = options();
    limits.idle_timeout = SHORT;
    let scp = Scp::with(limits).await;
    let mut silent = Wire::associate(scp.address, &Rq::default()).await;
    silent.expect_abort(0).await;
    let mut inside = Wire::associate(scp.address, &Rq::default()).await;
    inside.send(&[pdu(4, &pdv(1, COMMAND_LAST, &store_rq(1, CT, "1.2.3"))), pdu(4, &pdv(1, DATA_MORE, &[0; 1000]))].concat()).await;
    inside.expect_abort(0).await;
    scp.ended(2).await;
    assert_eq!((scp.stored().len(), scp.memory.in_flight.load(Ordering::SeqCst)), (0, 0));
    assert!(scp.metrics_text().contains(r#"outcome="idle_timeout"} 2"#));
}

#[tokio::test]
async fn three_hundred_idle_connections_disturb_nobody() {
    let scp = Scp::start().await;
    let half = &Rq::default().bytes()[..50];
    let mut idle = Vec::new();
    for n in 0..300 {
        let mut wire = Wire::connect(scp.address).await;
        if n % 2 == 0 {
            wire.send(half).await;
        }
        idle.push(wire);
    }
    let mut good = Wire::associate(scp.address, &Rq::from("GOOD")).await;
    for n in 0..20u16 {
        let instance = format!("1.2.3.{n}");
        assert_eq!(good.store(n + 1, CT, &instance, &data_set(CT, &instance, 100_000)).await, 0);
    }
    good.release().await;
    // There are seats for 256; the oldest had to leave.
    for wire in &mut idle[..44] {
        wire.expect_close().await;
    }
    // The youngest still may ask.
    let last = idle.last_mut().expect("300");
    last.send(&Rq::default().bytes()).await;
    assert_eq!(last.pdu().await.map(|(kind, _)| kind), Some(2));
    assert_eq!(scp.stored().len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_associations_at_once_all_get_through() {
    let scp = Scp::start().await;
    let address = scp.address;
    let senders: Vec<_> = (0..64u16)
        .map(|sender| {
            tokio::spawn(async move {
                let mut wire = Wire::associate(address, &Rq::from(&format!("CT{}", sender % 4))).await;
                for n in 0..5u16 {
                    let instance = format!("1.2.3.{sender}.{n}");
                    assert_eq!(wire.store(n + 1, CT, &instance, &data_set(CT, &instance, 200_000)).await, 0);
                }
                wire.release().await;
            })
        })
        .collect();
    for sender in senders {
        within(sender).await.expect("a sender");
    }
    assert_eq!(scp.stored().len(), 320);
    assert!(scp.metrics.peers().iter().all(|peer| peer.instances == 80 && peer.associations_open == 0), "{:?}", scp.metrics.peers());
}

/// A peer that reads no answers is aborted; it does not fill memory.
#[tokio::test]
async fn a_peer_that_does_not_read_is_given_up() {
    let mut limits = options();
    limits.idle_timeout = Duration::from_millis(200);
    let scp = Scp::with(limits).await;
    let wire = Wire::associate(scp.address, &Rq::default()).await;
    let (mut read, mut write) = wire.0.into_split();
    let sender = tokio::spawn(async move {
        let echo = pdu(4, &pdv(3, COMMAND_LAST, &echo_rq(1))).repeat(1000);
        while tokio::io::AsyncWriteExt::write_all(&mut write, &echo).await.is_ok() {}
    });
    scp.ended(1).await;
    sender.abort();
    drop(sender.await);
    let mut rest = Vec::new();
    let _ = read.read_to_end(&mut rest).await; // whatever was on the way, or a reset
    assert!(scp.metrics_text().contains(r#"outcome="idle_timeout"} 1"#), "{}", scp.metrics_text());
}
