//! Frames: golden bytes, the fullest status, damage, resynchronisation.

use std::{string::String, vec::Vec as StdVec};

use proptest::prelude::*;

use super::*;
use crate::Text;

fn frame<M: Message>(message: &M, sequence: u16) -> StdVec<u8> {
    let mut out = [0; MAX_FRAME];
    let len = encode(message, sequence, &mut out).expect("it fits");
    out[..len].to_vec()
}

/// Everything that a reader makes of some bytes handed over in pieces.
fn read_all(bytes: &[u8], piece: usize) -> StdVec<Result<FromBox, String>> {
    let (mut reader, mut found) = (FrameReader::new(), StdVec::new());
    for mut rest in bytes.chunks(piece.max(1)) {
        while !rest.is_empty() {
            let (taken, frame) = reader.take(rest);
            assert!(taken > 0, "no progress");
            rest = &rest[taken..];
            found.extend(frame.map(|frame| match frame {
                Ok(frame) => frame.message().map_err(|e| format!("{e:?}")),
                Err(e) => Err(format!("{e:?}")),
            }));
        }
    }
    found
}

/// A status with every list and text full and every number at its largest.
fn fullest() -> Status {
    let at = Moment(u32::MAX);
    let text24 = Text::<24>::new("wwwwwwwwwwwwwwwwwwwwwwww");
    let text16 = Text::<16>::new("wwwwwwwwwwwwwwww");
    let text8 = Text::<8>::new("wwwwwwww");
    let destination = Destination {
        handle: 255,
        name: text24.clone(),
        state: DestinationState::Unknown,
        since: at,
        latency_ms: u16::MAX,
        waiting: u32::MAX,
        held: u16::MAX,
        next_try_s: u16::MAX,
        failure: Some(FailureKind::Http(u16::MAX)),
    };
    let peer = Peer {
        handle: 255,
        ae_title: text16.clone(),
        at,
        images: u32::MAX,
        connected: true,
        refused: Some(Refusal::Protocol),
        can_test: true,
    };
    let held =
        Held { handle: u32::MAX, modality: text8.clone(), at, images: u32::MAX, reason: HeldReason::Unreadable, label: text24.clone() };
    let alert = Alert { code: Code::Other(255), since: at, about: Text::new("wwwwwwwwwwwwwwwwwwww") };
    Status {
        now: at,
        uptime_s: u32::MAX,
        word: Word::Stopped,
        lock: Lock::All,
        first_start: true,
        name: text24.clone(),
        ae_title: text16.clone(),
        dicom_port: u16::MAX,
        tls_port: u16::MAX,
        queue: Some(Queue { studies: u32::MAX, sending: u32::MAX, held: u32::MAX, bytes: u64::MAX, oldest_s: u32::MAX }),
        last_sent: Some(LastSent { at, modality: text8.clone() }),
        last_study: Some(LastStudy {
            modality: text8.clone(),
            ae_title: text16.clone(),
            at,
            images: u32::MAX,
            bytes: u64::MAX,
            state: StudyState::Held,
            done: u32::MAX,
            total: u32::MAX,
            label: text24.clone(),
        }),
        destinations: (0..8).map(|_| destination.clone()).collect(),
        more_destinations: 255,
        peers: (0..4).map(|_| peer.clone()).collect(),
        more_peers: 255,
        held: (0..4).map(|_| held.clone()).collect(),
        alerts: (0..10).map(|_| alert.clone()).collect(),
        network: Network {
            address: Some(Address::V6([255; 16])),
            prefix: 255,
            dhcp: Some(true),
            link: Some(true),
            mbit: u16::MAX,
            gateway: Io::Bad,
            dns: Io::Bad,
            clock: Io::Bad,
            mac: [255; 6],
            host: text24.clone(),
            https_port: u16::MAX,
            fingerprint: [255; 8],
            reverts_in_s: u16::MAX,
        },
        storage: Storage {
            total: u64::MAX,
            used: u64::MAX,
            waiting: u64::MAX,
            days_left: Some(u16::MAX),
            wear_percent: Some(255),
            celsius: Some(-1),
            undervoltage: Some(true),
            unclean_stops: u16::MAX,
            low: true,
            refusing: true,
        },
        software: Software {
            version: text24,
            build: Text::new("wwwwwwwwwwww"),
            slot: text8,
            update: Update::RolledBack { failed: text16, at },
        },
        history: [255; 24],
        history_most: u32::MAX,
    }
}

#[test]
fn the_fullest_status_fits_a_frame() {
    let bytes = frame(&FromBox::Status(fullest()), u16::MAX);
    assert!(bytes.len() <= MAX_FRAME, "{}", bytes.len());
    assert_eq!(read_all(&bytes, MAX_FRAME), [Ok(FromBox::Status(fullest()))]);
    // Room is left for what later minor versions append.
    assert!(bytes.len() <= 1450, "{} of {MAX_FRAME} bytes", bytes.len());
}

/// These bytes are the protocol: if this fails, count VERSION up (or MINOR, when something was only appended).
#[test]
fn golden_frames() {
    let check = |message: &dyn Fn() -> StdVec<u8>, expected: &str| {
        let hex = message().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert_eq!(hex, expected);
    };
    check(&|| frame(&FromBox::Hello(BoxHello { minor: 0, capabilities: Capabilities::ALL }), 1), GOLDEN[0]);
    check(&|| frame(&FromBox::Ack(Ack { id: 7, verdict: Verdict::WouldLose(12) }), 2), GOLDEN[1]);
    check(&|| frame(&FromPanel::Command(Command { id: 7, action: Action::Reset { digits: 417, lose_studies: true } }), 3), GOLDEN[2]);
    check(&|| frame(&FromPanel::Alive(Alive { stuck_keys: 4, display_ok: true, dropped: 0 }), 4), GOLDEN[3]);
    check(&|| frame(&FromBox::Bye(Bye::Version(1)), 5), GOLDEN[4]);
    let status = frame(&FromBox::Status(fullest()), 6);
    let sum = status.iter().fold(0u32, |sum, byte| sum.rotate_left(5) ^ u32::from(*byte));
    assert_eq!((status.len(), sum), GOLDEN_STATUS);
}

const GOLDEN: [&str; 5] = [
    "040101010107ff0f3ccebcce00",
    "040104020807090c5b24710700",
    "040182030a0712a10301d18f241d00",
    "0401830403040105e18dad4800",
    "04010705010601b26e678800",
];
const GOLDEN_STATUS: (usize, u32) = (1445, 2_506_485_740);

/// What serde's attributes and postcard make of a message is what goes over the link.
fn as_postcard<M: serde::Serialize>(message: &M) -> StdVec<u8> {
    postcard::to_stdvec(message).expect("postcard takes it")
}

/// The payload of a message's frame.
fn payload_of<M: Message>(message: &M) -> StdVec<u8> {
    let bytes = frame(message, 0);
    let mut reader = FrameReader::new();
    let (_, found) = reader.take(&bytes);
    found.expect("a frame").expect("a good one").payload.to_vec()
}

#[test]
fn payloads_are_those_of_postcard() {
    assert_eq!(payload_of(&FromBox::Status(fullest())), as_postcard(&fullest()));
    assert_eq!(payload_of(&FromBox::Status(Status::default())), as_postcard(&Status::default()));
    let secret = Secret { id: 128, code: Text::new("K7RM-2WPX"), expires_s: 600 };
    assert_eq!(payload_of(&FromBox::Secret(secret.clone())), as_postcard(&secret));
    let hello = PanelHello { minor: 3, display: DisplayKind::Console, build: Text::new("ü") };
    assert_eq!(payload_of(&FromPanel::Hello(hello.clone())), as_postcard(&hello));
}

/// Reads both ways: here and by postcard. Both take it and find the same, or neither does.
fn both_read<T>(bytes: &[u8])
where
    T: Coded + Default + serde::Serialize + serde::de::DeserializeOwned + PartialEq + core::fmt::Debug,
{
    let (mut reader, mut here) = (Reader::new(bytes), T::default());
    here.get(&mut reader);
    let here = reader.is_good().then_some(here);
    let by_postcard = postcard::take_from_bytes::<T>(bytes).ok().map(|(value, _)| value);
    // Where a text has characters that no panel can draw, there are question marks here.
    let same = match (&here, &by_postcard) {
        (Some(here), Some(other)) => as_postcard(here).len() <= as_postcard(other).len(),
        (None, None) => true,
        _ => false,
    };
    assert!(same, "{here:?} {by_postcard:?}");
    if bytes.is_ascii() && !bytes.iter().any(u8::is_ascii_control) {
        assert_eq!(here, by_postcard);
    }
}

#[test]
fn an_address_reads_as_the_standard_library_writes_it() {
    let check = |octets: [u8; 16]| {
        let expected = std::net::Ipv6Addr::from(octets);
        assert_eq!(format!("{}", Address::V6(octets)), format!("{expected}"));
    };
    for address in ["::", "::1", "1::", "fe80::1:2:3:4", "2001:db8:0:0:1:0:0:1", "2001:db8:0:1:1:1:1:1", "1:0:0:2:0:0:0:3", "1:2:3:4:5:6::"]
    {
        check(address.parse::<std::net::Ipv6Addr>().unwrap().octets());
    }
    assert_eq!(format!("{}", Address::V4([192, 168, 0, 1])), "192.168.0.1");
}

#[test]
fn another_version_is_said() {
    let mut bytes = frame(&FromBox::Bye(Bye::Stopping), 1);
    let mut reader = FrameReader::new();
    let (_, found) = reader.take(&bytes);
    assert_eq!(found.unwrap().unwrap().message::<FromBox>(), Ok(FromBox::Bye(Bye::Stopping)));
    // A frame of version 2 with its own good CRC.
    let raw = [2u8, 7, 1, 0, 3];
    bytes.clear();
    let crc = !raw.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    });
    let raw: StdVec<u8> = raw.iter().copied().chain(crc.to_le_bytes()).collect();
    for run in raw.split(|byte| *byte == 0) {
        bytes.push(run.len() as u8 + 1);
        bytes.extend(run);
    }
    bytes.push(0);
    assert_eq!(read_all(&bytes, 64), [Err("Version(2)".into())]);
}

#[test]
fn what_a_later_minor_version_appends_is_ignored() {
    let Ok(FromBox::Bye(bye)) = FromBox::read(7, &[3, 9, 9, 9]) else { panic!("not read") };
    assert_eq!(bye, Bye::Stopping);
}

#[test]
fn too_long_without_a_zero_is_one_error_and_the_next_frame_is_read() {
    let mut bytes = vec![1; 4 * MAX_FRAME];
    bytes.push(0);
    bytes.extend(frame(&FromBox::Bye(Bye::Full), 9));
    for piece in [1, 7, 1000, MAX_FRAME, 10_000] {
        assert_eq!(read_all(&bytes, piece), [Err("TooLong".into()), Ok(FromBox::Bye(Bye::Full))], "pieces of {piece}");
    }
}

#[test]
fn every_flipped_bit_is_seen() {
    let good = frame(&FromBox::Ack(Ack { id: 300, verdict: Verdict::Accepted }), 1);
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(read_all(&bytes, 64).iter().all(Result::is_err), "bit {bit}");
    }
}

proptest! {
    #[test]
    fn bytes_are_read_as_postcard_reads_them(bytes in prop::collection::vec(prop_oneof![2 => 0u8..4, 2 => any::<u8>(), 1 => Just(0x80), 1 => Just(0xFF)], 0..40)) {
        both_read::<EventCode>(&bytes);
        both_read::<Verdict>(&bytes);
        both_read::<Outcome>(&bytes);
        both_read::<Action>(&bytes);
        both_read::<Bye>(&bytes);
        both_read::<Alive>(&bytes);
        both_read::<PanelHello>(&bytes);
        both_read::<Queue>(&bytes);
        both_read::<LastStudy>(&bytes);
        both_read::<Destination>(&bytes);
        both_read::<Peer>(&bytes);
        both_read::<Held>(&bytes);
        both_read::<List<Alert, 10>>(&bytes);
        both_read::<Network>(&bytes);
        both_read::<Storage>(&bytes);
        both_read::<Software>(&bytes);
    }

    #[test]
    fn every_variant_is_written_as_postcard_writes_it(tag in 0u8..24, rest in prop::collection::vec(prop_oneof![Just(0u8), Just(1u8)], 60)) {
        // Whatever postcard can read of such bytes is written as postcard writes it.
        fn check<T: serde::de::DeserializeOwned + serde::Serialize>(bytes: &[u8], frame_of: impl Fn(T) -> StdVec<u8>) {
            if let Ok(value) = postcard::from_bytes::<T>(bytes).or_else(|_| postcard::take_from_bytes(bytes).map(|(value, _)| value)) {
                let expected = as_postcard(&value);
                assert_eq!(frame_of(value), expected);
            }
        }
        let bytes: StdVec<u8> = [tag].into_iter().chain(rest).collect();
        check(&bytes, |code| payload_of(&FromBox::Event(Event { code, ..Event::default() }))[..].strip_suffix(&[0, 0]).unwrap().to_vec());
        check(&bytes, |bye| payload_of(&FromBox::Bye(bye)));
        check(&bytes, |verdict| payload_of(&FromBox::Ack(Ack { id: 0, verdict }))[1..].to_vec());
        check(&bytes, |outcome| payload_of(&FromBox::Done(Done { id: 0, outcome, took_ms: 0 }))[1..].strip_suffix(&[0]).unwrap().to_vec());
        check(&bytes, |action| payload_of(&FromPanel::Command(Command { id: 0, action }))[1..].to_vec());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(0u8), 1 => Just(255u8)], 0..4000), piece in 1usize..2000) {
        read_all(&bytes, piece);
    }

    #[test]
    fn no_payload_makes_a_message_panic(kind in any::<u8>(), payload in prop::collection::vec(any::<u8>(), 0..1500)) {
        let _ = FromBox::read(kind, &payload);
        let _ = FromPanel::read(kind, &payload);
    }

    #[test]
    fn frames_survive_any_cutting_and_any_noise_between(ids in prop::collection::vec(any::<u16>(), 1..8), noise in prop::collection::vec(any::<u8>(), 0..50), piece in 1usize..80) {
        let mut bytes = StdVec::new();
        for id in &ids {
            bytes.extend(&noise);
            bytes.push(0); // whatever the noise was, it ends here
            bytes.extend(frame(&FromBox::Ack(Ack { id: *id, verdict: Verdict::Accepted }), *id));
        }
        let read: StdVec<u16> = read_all(&bytes, piece).into_iter().filter_map(|m| match m { Ok(FromBox::Ack(ack)) => Some(ack.id), _ => None }).collect();
        prop_assert_eq!(read, ids);
    }

    #[test]
    fn commands_come_back_as_they_were(id in any::<u16>(), pin in any::<u32>(), address in any::<[u8; 4]>(), sequence in any::<u16>()) {
        for action in [Action::Unlock { pin, len: 8 }, Action::SetNetwork(NetworkPlan::Static { address, prefix: 24, gateway: address, dns: [0; 4] }), Action::Retry(pin)] {
            let sent = FromPanel::Command(Command { id, action });
            let bytes = frame(&sent, sequence);
            let mut reader = FrameReader::new();
            let (taken, found) = reader.take(&bytes);
            prop_assert_eq!(taken, bytes.len());
            let found = found.expect("a frame").expect("good");
            prop_assert_eq!(found.sequence, sequence);
            prop_assert_eq!(found.message::<FromPanel>(), Ok(sent));
        }
    }
}
