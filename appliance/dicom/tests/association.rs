//! Association requests by hand: what is accepted, rejected and aborted, with the exact codes.

#![allow(clippy::expect_used, reason = "a failed test fails")]

mod common;

use common::*;
use relaypacs_dicom::{IMPLEMENTATION_CLASS_UID, Modality, Unavailable, implementation_version_name};

/// Items of an A-ASSOCIATE body after the fixed fields.
fn items(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut items = Vec::new();
    while !bytes.is_empty() {
        let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        items.push((bytes[0], bytes[4..4 + length].to_vec()));
        bytes = &bytes[4 + length..];
    }
    items
}

async fn answer(scp: &Scp, rq: &Rq) -> (u8, Vec<u8>) {
    let mut wire = Wire::connect(scp.address).await;
    wire.send(&rq.bytes()).await;
    wire.pdu().await.expect("an answer")
}

#[tokio::test]
async fn an_acceptance_says_who_answers_and_what_is_taken() {
    let scp = Scp::start().await;
    let role = |class: &str, scu, scp| item(0x54, &[&(class.len() as u16).to_be_bytes()[..], class.as_bytes(), &[scu, scp]].concat());
    let extended = [&(CT.len() as u16).to_be_bytes()[..], CT.as_bytes(), &[2, 0, 0, 0, 0, 0]].concat();
    let rq = Rq {
        contexts: vec![
            (1, CT.into(), vec!["1.2.840.10008.1.2.4.90".into(), EXPLICIT.into()]),
            (3, "1.2.840.10008.5.1.4.1.2.2.1".into(), vec![IMPLICIT.into()]), // Study Root FIND
            (5, MR.into(), vec![]),
            (7, VERIFICATION.into(), vec![IMPLICIT.into()]),
            (9, "1.2.840.113619.4.30".into(), vec!["1.2.840.113619.5.2".into()]), // private class, private syntax
        ],
        // Asynchronous operations, role selection, extended negotiation, user name with an answer wanted.
        user_items: [
            item(0x53, &[0, 5, 0, 5]),
            role(CT, 1, 1),
            role("1.2.840.10008.5.1.4.1.2.2.1", 1, 0),
            item(0x56, &extended),
            item(0x58, &[1, 1, 0, 2, b'm', b'e', 0, 0]),
            item(0x5E, b"new"),
        ]
        .concat(),
        extra_items: item(0x77, b"new"),
        ..Rq::default()
    };
    let (kind, body) = answer(&scp, &rq).await;
    assert_eq!(kind, 2);
    assert_eq!(body[..4], [0, 1, 0, 0]);
    assert_eq!((&body[4..20], &body[20..36]), (&rq.called[..], &rq.calling[..]));
    let items_found = items(&body[68..]);
    let results: Vec<(u8, u8)> = items_found.iter().filter(|(kind, _)| *kind == 0x21).map(|(_, value)| (value[0], value[2])).collect();
    assert_eq!(results, [(1, 0), (3, 3), (5, 4), (7, 0), (9, 0)]);
    let syntax = |id: u8| {
        let (_, context) = items_found.iter().find(|(kind, value)| *kind == 0x21 && value[0] == id).expect("a result");
        String::from_utf8(items(&context[4..])[0].1.clone()).expect("a UID")
    };
    assert_eq!((syntax(1).as_str(), syntax(9).as_str()), ("1.2.840.10008.1.2.4.90", "1.2.840.113619.5.2"));
    let user = items(&items_found.iter().find(|(kind, _)| *kind == 0x50).expect("user information").1);
    assert!(implementation_version_name().len() <= 16);
    assert_eq!(
        user,
        [
            (0x51, (256u32 << 10).to_be_bytes().to_vec()),
            (0x52, IMPLEMENTATION_CLASS_UID.into()),
            (0x55, implementation_version_name().into()),
            (0x54, role(CT, 1, 0)[4..].to_vec()),
            (0x56, [&extended[..2 + CT.len()], &[2, 0, 3, 0, 0, 0]].concat()),
            (0x59, vec![0, 0]),
        ]
    );
}

#[tokio::test]
async fn a_user_identity_is_answered_only_when_asked_for() {
    let scp = Scp::start().await;
    for identity in [&[1, 0, 0, 2, b'm', b'e', 0, 0], &[5, 1, 0, 2, b'm', b'e', 0, 0]] {
        let (kind, body) = answer(&scp, &Rq { user_items: item(0x58, identity), ..Rq::default() }).await;
        assert_eq!(kind, 2);
        let user = items(&body[68..]).into_iter().find(|(kind, _)| *kind == 0x50).expect("user information").1;
        assert!(items(&user).iter().all(|(kind, _)| *kind != 0x59));
    }
}

#[tokio::test]
async fn all_128_contexts_with_many_syntaxes_are_taken() {
    let scp = Scp::start().await;
    let syntaxes: Vec<String> = (0..60).map(|n| format!("1.2.840.10008.1.2.4.{n}")).collect();
    let contexts = (0..128u8).map(|n| (n * 2 + 1, format!("1.2.840.10008.5.1.4.1.1.{n}.9999"), syntaxes.clone())).collect();
    let (kind, body) = answer(&scp, &Rq { contexts, ..Rq::default() }).await;
    assert_eq!(kind, 2);
    assert_eq!(items(&body[68..]).iter().filter(|(kind, value)| *kind == 0x21 && value[2] == 0).count(), 128);
}

#[tokio::test]
async fn every_reject_has_its_code_and_the_peer_may_close() {
    let mut admitted = options();
    let modality = |ae: &str, address: Option<&str>| Modality {
        ae_title: ae.parse().expect("a title"),
        address: address.map(|address| address.parse().expect("an address")),
        service_level: None,
        max_associations: None,
    };
    admitted.modalities = vec![modality("HAND", Some("127.0.0.1")), modality("MR1", Some("10.0.0.1")), modality("MR2", None)].into();
    let scp = Scp::with(admitted).await;
    let base = Rq::default;
    let cases = [
        ("version", Rq { version: 2, ..base() }, [1, 2, 2]),
        ("application context", Rq { application_context: "1.2.3".into(), ..base() }, [1, 1, 2]),
        ("called", Rq { called: title("STORESCP"), ..base() }, [1, 1, 7]),
        ("called empty", Rq { called: title(""), ..base() }, [1, 1, 7]),
        ("calling unknown", Rq::from("CT9"), [1, 1, 3]),
        ("calling from elsewhere", Rq::from("MR1"), [1, 1, 3]),
        ("calling empty", Rq { calling: title(""), ..base() }, [1, 1, 3]),
        ("calling garbled", Rq { calling: title("CT\\1"), ..base() }, [1, 1, 3]),
    ];
    for (name, rq, codes) in cases {
        let mut wire = Wire::connect(scp.address).await;
        wire.send(&rq.bytes()).await;
        assert_eq!(wire.pdu().await, Some((3, [&[0], &codes[..]].concat())), "{name}");
    }
    for accepted in [Rq { version: 3, ..base() }, Rq { called: *b"  RELAYPACS     ", ..base() }, Rq::from("MR2")] {
        Wire::associate(scp.address, &accepted).await.release().await;
    }
    for (unavailable, label) in
        [(Unavailable::Full, "disk_full"), (Unavailable::Failing, "storage_failing"), (Unavailable::Closing, "closing")]
    {
        *scp.memory.unavailable.lock().expect("no panic") = Some(unavailable);
        assert_eq!(answer(&scp, &base()).await, (3, vec![0, 2, 3, 1]));
        let expected = format!("relaypacs_dicom_rejects_total{{reason=\"{label}\"}} 1");
        assert!(scp.metrics_text().contains(&expected), "{expected}\n{}", scp.metrics_text());
    }
    let refused: Vec<_> = scp.metrics.peers().into_iter().filter_map(|peer| Some((peer.calling_ae, peer.last_refusal?.1))).collect();
    assert!(refused.contains(&("CT9".into(), "the calling AE title is not admitted from this address".into())), "{refused:?}");
    assert!(refused.contains(&("HAND".into(), "shutting down".into())), "{refused:?}");
}

#[tokio::test]
async fn what_is_no_request_is_aborted_with_its_reason() {
    let scp = Scp::start().await;
    let context = |id| (id, CT.to_string(), vec![EXPLICIT.to_string()]);
    let with = |contexts| Rq { contexts, ..Rq::default() }.bytes();
    let mut cut_item = Rq::default().bytes();
    let end = cut_item.len();
    cut_item[end - 7] = 200; // the last item claims more than there is
    let cases: [(&str, Vec<u8>, u8); 11] = [
        ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 1),
        ("TLS", [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3].to_vec(), 1),
        ("P-DATA first", pdu(4, &pdv(1, 3, &echo_rq(1))), 2),
        ("release first", pdu(5, &[0; 4]), 2),
        ("AC", pdu(2, &[0; 68]), 2),
        ("2 GB", [1, 0, 0x7F, 0xFF, 0xFF, 0xFF].to_vec(), 6),
        ("no fixed fields", pdu(1, &[0, 1]), 6),
        ("an item that lies", cut_item, 6),
        ("even id", with(vec![context(2)]), 6),
        ("id twice", with(vec![context(1), context(1)]), 6),
        ("no room for a message", Rq { max_pdu: 6, ..Rq::default() }.bytes(), 6),
    ];
    for (name, bytes, reason) in cases {
        let mut wire = Wire::connect(scp.address).await;
        wire.send(&bytes).await;
        assert_eq!(wire.pdu().await, Some((7, vec![0, 0, 2, reason])), "{name}");
    }
    let mut wire = Wire::connect(scp.address).await;
    wire.send(&pdu(7, &[0; 4])).await; // an abort is not answered
    wire.expect_close().await;
    Wire::associate(scp.address, &Rq::default()).await.release().await;
}

#[tokio::test]
async fn violations_inside_an_association_are_aborted_with_their_reason() {
    let scp = Scp::start().await;
    let p_data = |context, flags, bytes: &[u8]| pdu(4, &pdv(context, flags, bytes));
    let begun = p_data(1, COMMAND_LAST, &store_rq(1, CT, "1.2.3"));
    let no_message_id = command(&[(2, CT.as_bytes()), (0x100, &[1, 0]), (0x800, &[1, 0])]);
    let cases: [(&str, Vec<u8>, u8); 15] = [
        ("2 GB", [4, 0, 0x7F, 0xFF, 0xFF, 0xFF].to_vec(), 6),
        ("more than offered", [4, 0, 0, 4, 0, 2].to_vec(), 6),
        ("PDV longer than its PDU", [4, 0, 0, 0, 0, 8, 0, 0, 1, 0, 1, 3].to_vec(), 6),
        ("PDV without flags", [4, 0, 0, 0, 0, 6, 0, 0, 0, 1, 1, 3].to_vec(), 6),
        ("unknown PDU", pdu(9, &[0; 4]), 1),
        ("second request", Rq::default().bytes(), 2),
        ("release answer", pdu(6, &[0; 4]), 2),
        ("unknown context", p_data(99, COMMAND_LAST, &store_rq(1, CT, "1.2.3")), 6),
        ("data first", p_data(1, DATA_LAST, &[1, 2]), 5),
        ("command inside data", [begun.clone(), p_data(1, COMMAND_LAST, &echo_rq(2))].concat(), 5),
        ("data on another context", [begun, p_data(3, DATA_LAST, &[1, 2])].concat(), 5),
        ("garbled command", p_data(1, COMMAND_LAST, b"garbage!"), 6),
        ("endless command", (0..3).flat_map(|_| p_data(1, COMMAND_MORE, &[0; 8000])).collect(), 6),
        ("nothing to answer to", p_data(1, COMMAND_LAST, &no_message_id), 6),
        ("an answer nobody asked for", p_data(1, COMMAND_LAST, &command(&[(0x100, &[1, 0x80]), (0x120, &[1, 0]), (0x800, &[1, 1])])), 5),
    ];
    let count = cases.len();
    for (name, bytes, reason) in cases {
        let mut wire = Wire::associate(scp.address, &Rq::default()).await;
        wire.send(&bytes).await;
        assert_eq!(wire.pdu().await, Some((7, vec![0, 0, 2, reason])), "{name}");
    }
    scp.ended(count).await;
    assert!(scp.stored().is_empty());
    assert_eq!(scp.memory.in_flight.load(std::sync::atomic::Ordering::SeqCst), 0);
    let expected = format!("relaypacs_dicom_associations_total{{calling_ae=\"HAND\",outcome=\"protocol_error\"}} {count}");
    assert!(scp.metrics_text().contains(&expected), "{}", scp.metrics_text());
}
