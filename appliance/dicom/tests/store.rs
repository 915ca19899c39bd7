//! C-STORE and C-ECHO by hand: every status, and what remains of objects that fail.

#![allow(clippy::expect_used, reason = "a failed test fails")]

mod common;

use std::sync::atomic::Ordering;

use common::*;
use relaypacs_dicom::StoreError;

fn text(value: &[u8]) -> &str {
    std::str::from_utf8(value).unwrap_or("no text").trim_end()
}

#[tokio::test]
async fn an_object_is_answered_once_it_is_committed_and_kept_as_sent() {
    let scp = Scp::start().await;
    let mut wire = Wire::associate(scp.address, &Rq::default()).await;
    let data = data_set(CT, "1.2.3.1", 70_001);
    assert_eq!(wire.store(7, CT, "1.2.3.1", &data).await, 0);
    let stored = scp.stored();
    assert_eq!(stored.len(), 1);
    assert!(stored[0].bytes == data);
    assert_eq!((stored[0].parsed, stored[0].facts.rows, stored[0].request.priority_high), (true, Some(16), false));
    assert_eq!(stored[0].peer.implementation.as_deref(), Some("HAND_1"));
    wire.release().await;
    scp.ended(1).await;
}

#[tokio::test]
async fn the_answer_repeats_what_was_asked_and_says_priority() {
    let scp = Scp::start().await;
    let mut wire = Wire::associate(scp.address, &Rq::default()).await;
    let rq =
        command(&[(2, CT.as_bytes()), (0x100, &[1, 0]), (0x110, &[0x34, 0x12]), (0x700, &[1, 0]), (0x800, &[0, 0]), (0x1000, b"1.2.3")]);
    wire.send(&pdu(4, &[pdv(1, COMMAND_LAST, &rq), pdv(1, DATA_LAST, &data_set(CT, "1.2.3", 10))].concat())).await;
    let (context, answer) = wire.answer().await;
    assert_eq!(context, 1);
    assert_eq!(
        (short(&answer, 0x100), short(&answer, 0x120), short(&answer, 0x800), short(&answer, 0x900)),
        (Some(0x8001), Some(0x1234), Some(0x0101), Some(0))
    );
    assert_eq!((answer[&2].as_slice(), answer[&0x1000].as_slice()), (&[CT.as_bytes(), &[0]].concat()[..], &b"1.2.3\0"[..]));
    assert!(!answer.contains_key(&0x902));
    assert!(scp.stored()[0].request.priority_high);
}

#[tokio::test]
async fn an_answer_is_cut_for_a_peer_with_a_tiny_maximum() {
    let scp = Scp::start().await;
    let mut wire = Wire::associate(scp.address, &Rq { max_pdu: 20, ..Rq::default() }).await;
    assert_eq!(wire.store(1, CT, "1.2.3", &data_set(CT, "1.2.3", 10)).await, 0);
    let mut unlimited = Wire::associate(scp.address, &Rq { max_pdu: 0, ..Rq::default() }).await;
    assert_eq!(unlimited.store(1, CT, "1.2.4", &data_set(CT, "1.2.4", 10)).await, 0);
}

/// Name, command set, data set, expected status and the first words of its comment.
type Case = (&'static str, Vec<u8>, Vec<u8>, u16, &'static str);

/// What is refused leaves nothing behind, and the association goes on.
#[tokio::test]
async fn every_refusal_has_its_status_and_words() {
    let scp = Scp::start().await;
    let mut wire = Wire::associate(scp.address, &Rq::default()).await;
    let good = data_set(CT, "1.2.3", 40_000);
    let long = "x".repeat(100);
    let fields = |class: Option<&'static [u8]>, instance: Option<&'static [u8]>| {
        let mut elements: Vec<(u16, &[u8])> = class.map(|class| (2, class)).into_iter().collect();
        elements.extend([(0x100, &[1, 0][..]), (0x110, &[5, 0]), (0x800, &[0, 0])]);
        elements.extend(instance.map(|instance| (0x1000, instance)));
        command(&elements)
    };
    let ct = Some(CT.as_bytes());
    let cases: Vec<Case> = vec![
        ("no class", fields(None, Some(b"1.2.3")), good.clone(), 0xC000, "the command set lacks the SOP class UID"),
        ("no instance", fields(ct, None), good.clone(), 0xC000, "the command set lacks the SOP instance UID"),
        ("garbled class", fields(Some(b"1.2.x!"), Some(b"1.2.3")), good.clone(), 0xC000, "SOP class: "),
        ("garbled instance", fields(ct, Some(b"../../etc/x ")), good.clone(), 0xC000, "SOP instance: "),
        ("empty instance", fields(ct, Some(b"")), good.clone(), 0xC000, "SOP instance: a UID must not be empty"),
        ("class not negotiated", store_rq(5, MR, "1.2.3"), good.clone(), 0x0124, "the SOP class was not negotiated"),
        ("not a storage class", store_rq(5, VERIFICATION, "1.2.3"), good.clone(), 0x0124, "the SOP class was not negotiated"),
        ("other class inside", store_rq(5, CT, "1.2.3"), data_set(MR, "1.2.3", 9), 0xA900, "SOP class of data set and command set differ"),
        (
            "other instance inside",
            store_rq(5, CT, "1.2.3"),
            data_set(CT, "1.2.4", 9),
            0xA900,
            "SOP instance of data set and command set differ",
        ),
        (
            "C-FIND",
            command(&[(2, CT.as_bytes()), (0x100, &[0x20, 0]), (0x110, &[5, 0]), (0x800, &[0, 0])]),
            good.clone(),
            0x0211,
            "only C-STORE",
        ),
        (
            "N-ACTION",
            command(&[(3, CT.as_bytes()), (0x100, &[0x30, 1]), (0x110, &[5, 0]), (0x800, &[0, 0])]),
            good.clone(),
            0x0211,
            "only C-STORE",
        ),
    ];
    for (name, rq, data, status, words) in cases {
        wire.send(
            &[
                pdu(4, &pdv(1, COMMAND_LAST, &rq)),
                pdu(4, &pdv(1, DATA_MORE, &data[..data.len() / 2])),
                pdu(4, &pdv(1, DATA_LAST, &data[data.len() / 2..])),
            ]
            .concat(),
        )
        .await;
        let (_, answer) = wire.answer().await;
        assert_eq!((short(&answer, 0x900), short(&answer, 0x120)), (Some(status), Some(5)), "{name}");
        let comment = text(&answer[&0x902]);
        assert!(comment.starts_with(words) && comment.len() <= 64, "{name}: {comment}");
    }
    let out_of_resources = StoreError::OutOfResources(format!("the disk reserve is reached {long}"));
    let processing = StoreError::Processing("the disk fails".into());
    for (error, status) in [(out_of_resources, 0xA700), (processing, 0x0110)] {
        *scp.memory.fail_begin.lock().expect("no panic") = Some(error.clone());
        assert_eq!(wire.store(9, CT, "1.2.3", &good).await, status);
        *scp.memory.fail_begin.lock().expect("no panic") = None;
        *scp.memory.fail_write.lock().expect("no panic") = Some((20_000, error.clone()));
        assert_eq!(wire.store(9, CT, "1.2.3", &good).await, status);
        *scp.memory.fail_write.lock().expect("no panic") = None;
        *scp.memory.fail_commit.lock().expect("no panic") = Some(error);
        assert_eq!(wire.store(9, CT, "1.2.3", &good).await, status);
        *scp.memory.fail_commit.lock().expect("no panic") = None;
    }
    assert!(scp.stored().is_empty());
    assert_eq!(scp.memory.in_flight.load(Ordering::SeqCst), 0, "nothing remains of what failed");
    assert_eq!(wire.store(10, CT, "1.2.3", &good).await, 0, "the association goes on");
    let metrics = scp.metrics_text();
    for line in [
        r#"store_answers_total{status="0000"} 1"#,
        r#"store_answers_total{status="A700"} 3"#,
        r#"store_answers_total{status="A900"} 2"#,
        r#"store_answers_total{status="C000"} 5"#,
        "instances_received_total 1",
        "store_duration_seconds_count 16",
    ] {
        assert!(metrics.contains(&format!("relaypacs_dicom_{line}")), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn a_c_store_without_data_set_is_not_understood() {
    let scp = Scp::start().await;
    let mut wire = Wire::associate(scp.address, &Rq::default()).await;
    let rq = command(&[(2, CT.as_bytes()), (0x100, &[1, 0]), (0x110, &[1, 0]), (0x800, &[1, 1]), (0x1000, b"1.2.3")]);
    wire.send(&pdu(4, &pdv(1, COMMAND_LAST, &rq))).await;
    assert_eq!(short(&wire.answer().await.1, 0x900), Some(0xC000));
}

/// Image bytes that are no data set at all are kept: the command set says who they are.
#[tokio::test]
async fn a_header_that_does_not_parse_refuses_nothing() {
    let scp = Scp::start().await;
    let mut wire = Wire::associate(scp.address, &Rq::default()).await;
    let noise: Vec<u8> = (0..5000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (id, data) in [(1, &noise[..]), (2, &noise[..1]), (3, &[0xFF; 300])] {
        assert_eq!(wire.store(id, CT, &format!("1.2.3.{id}"), data).await, 0);
        let stored = scp.stored();
        let last = stored.last().expect("an object");
        assert!(last.bytes == data && !last.parsed);
    }
    // An empty data set, too.
    wire.send(&pdu(4, &[pdv(1, COMMAND_LAST, &store_rq(4, CT, "1.2.3.4")), pdv(1, DATA_LAST, &[])].concat())).await;
    assert_eq!(short(&wire.answer().await.1, 0x900), Some(0));
}

#[tokio::test]
async fn an_echo_is_answered_on_any_context_with_or_without_data() {
    let scp = Scp::start().await;
    let mut wire = Wire::associate(scp.address, &Rq::default()).await;
    for context in [3, 1] {
        wire.send(&pdu(4, &pdv(context, COMMAND_LAST, &echo_rq(0xFFFE)))).await;
        let (on, answer) = wire.answer().await;
        assert_eq!(
            (on, short(&answer, 0x100), short(&answer, 0x120), short(&answer, 0x900)),
            (context, Some(0x8030), Some(0xFFFE), Some(0))
        );
    }
    let odd = command(&[(2, VERIFICATION.as_bytes()), (0x100, &[0x30, 0]), (0x110, &[2, 0]), (0x800, &[0, 0])]);
    let cancel = command(&[(0x100, &[0xFF, 0x0F]), (0x120, &[1, 0]), (0x800, &[1, 1])]);
    wire.send(
        &[pdu(4, &pdv(3, COMMAND_LAST, &cancel)), pdu(4, &[pdv(3, COMMAND_LAST, &odd), pdv(3, DATA_LAST, b"data")].concat())].concat(),
    )
    .await;
    assert_eq!(short(&wire.answer().await.1, 0x120), Some(2), "a cancel is not answered");
    wire.release().await;
}

#[tokio::test]
async fn of_an_object_cut_short_nothing_remains() {
    let scp = Scp::start().await;
    let data = data_set(CT, "1.2.3", 40_000);
    let half = [pdu(4, &pdv(1, COMMAND_LAST, &store_rq(1, CT, "1.2.3"))), pdu(4, &pdv(1, DATA_MORE, &data[..20_000]))].concat();
    let endings: [(&str, Vec<u8>); 4] = [
        ("closed", vec![]),
        ("closed inside a PDU", pdu(4, &pdv(1, DATA_LAST, &data[20_000..]))[..999].to_vec()),
        ("aborted", pdu(7, &[0; 4])),
        ("released", pdu(5, &[0; 4])),
    ];
    for (n, (name, ending)) in endings.into_iter().enumerate() {
        let mut wire = Wire::associate(scp.address, &Rq::default()).await;
        assert_eq!(wire.store(1, CT, "1.2.9", &data_set(CT, "1.2.9", n)).await, 0);
        wire.send(&half).await;
        wire.send(&ending).await;
        drop(wire);
        scp.ended(n + 1).await;
        assert_eq!((scp.stored().len(), scp.memory.in_flight.load(Ordering::SeqCst)), (n + 1, 0), "{name}");
    }
}
