//! Situations to look at without a box: what technicians come for, the longest texts, and every modal.

mod modals;

use relaypacs_panel_core::{
    Text,
    wire::{
        Address, Alert, Code, Destination, DestinationState, FailureKind, Held, HeldReason, Io, LastSent, LastStudy, Lock, Moment, Network,
        Peer, Queue, Refusal, Software, Status, Storage, StudyState, Update, Word,
    },
};

pub(crate) use self::modals::asked;
pub use self::modals::{echo, modals};

/// 23 November 2026, 14:05.
const NOW: u32 = 1_795_442_700;

fn at(hours: u32, minutes: u32) -> Moment {
    Moment(NOW - NOW % 86_400 + hours * 3_600 + minutes * 60)
}

/// A box at which all is well.
pub fn well() -> Status {
    let mut history = [0; 24];
    history.iter_mut().enumerate().for_each(|(hour, value)| *value = ((hour * 37) % 256) as u8);
    Status {
        now: Moment(NOW),
        uptime_s: 273_000,
        word: Word::Ok,
        lock: Lock::Open,
        first_start: false,
        name: Text::new("clinic-west"),
        ae_title: Text::new("RELAYPACS"),
        dicom_port: 11112,
        tls_port: 2762,
        queue: Some(Queue::default()),
        last_sent: Some(LastSent { at: at(14, 4), modality: Text::new("CT") }),
        last_study: Some(LastStudy {
            modality: Text::new("CT"),
            ae_title: Text::new("CT1"),
            at: at(14, 2),
            images: 212,
            bytes: 111_700_000,
            state: StudyState::Delivered,
            done: 212,
            total: 212,
            label: Text::default(),
        }),
        destinations: [
            Destination {
                handle: 0,
                name: Text::new("pacs1"),
                state: DestinationState::Up,
                since: at(6, 0),
                latency_ms: 41,
                ..Destination::default()
            },
            Destination { handle: 1, name: Text::new("archive"), state: DestinationState::Up, since: at(6, 0), ..Destination::default() },
        ]
        .into_iter()
        .collect(),
        more_destinations: 0,
        peers: [
            Peer { handle: 0, ae_title: Text::new("CT1"), at: at(14, 2), images: 212, connected: false, refused: None, can_test: true },
            Peer {
                handle: 1,
                ae_title: Text::new("US-ROOM3"),
                at: at(13, 40),
                images: 58,
                connected: true,
                refused: None,
                can_test: false,
            },
        ]
        .into_iter()
        .collect(),
        more_peers: 0,
        held: [].into_iter().collect(),
        alerts: [].into_iter().collect(),
        network: network(),
        storage: Storage {
            total: 412_000_000_000,
            used: 178_000_000_000,
            waiting: 0,
            wear_percent: Some(3),
            celsius: Some(46),
            undervoltage: Some(false),
            unclean_stops: 2,
            ..Storage::default()
        },
        software: Software { version: Text::new("2.0.3"), build: Text::new("4f1c2ab"), slot: Text::new("A"), update: Update::None },
        history,
        history_most: 37,
    }
}

fn network() -> Network {
    Network {
        address: Some(Address::V4([192, 168, 1, 50])),
        prefix: 24,
        dhcp: Some(true),
        link: Some(true),
        mbit: 1000,
        gateway: Io::Good,
        dns: Io::Good,
        clock: Io::Good,
        mac: [0xdc, 0xa6, 0x32, 0x01, 0x7f, 0xb4],
        host: Text::new("relaypacs"),
        https_port: 443,
        fingerprint: [0x3a, 0x91, 0x5c, 0xe0, 0x77, 0x0d, 0xb2, 0x48],
        reverts_in_s: 0,
    }
}

fn alert(code: Code, about: &str, since: Moment) -> Alert {
    Alert { code, since, about: Text::new(about) }
}

/// The situations technicians come for, then the longest texts.
pub fn situations() -> Vec<(&'static str, Status)> {
    vec![
        ("well", well()),
        ("scanner-silent", scanner_silent()),
        ("pacs-away", pacs_away()),
        ("disk-low", disk_low()),
        ("find-the-box", find_the_box()),
        ("held", held()),
        ("software", software()),
        ("first-start", first_start()),
        ("longest", longest()),
        ("locked", Status { lock: Lock::All, queue: None, ..Status { word: Word::Degraded, now: Moment(NOW), ..Status::default() } }),
    ]
}

fn scanner_silent() -> Status {
    let refused = Peer {
        handle: 0,
        ae_title: Text::new("MR2"),
        at: at(12, 3),
        images: 0,
        connected: false,
        refused: Some(Refusal::CallingTitle),
        can_test: false,
    };
    let quiet =
        Peer { handle: 1, ae_title: Text::new("CT1"), at: at(11, 40), images: 212, connected: false, refused: None, can_test: true };
    Status {
        word: Word::Degraded,
        peers: [refused, quiet].into_iter().collect(),
        alerts: [alert(Code::E11, "MR2", at(12, 3))].into_iter().collect(),
        ..well()
    }
}

fn pacs_away() -> Status {
    let down = Destination {
        handle: 0,
        name: Text::new("pacs1"),
        state: DestinationState::Down,
        since: at(13, 56),
        latency_ms: 0,
        waiting: 37,
        held: 0,
        next_try_s: 42,
        failure: Some(FailureKind::Tls),
    };
    let up = Destination { handle: 1, name: Text::new("pacs2"), state: DestinationState::Up, latency_ms: 41, ..Destination::default() };
    let paused =
        Destination { handle: 2, name: Text::new("archive"), state: DestinationState::Paused, waiting: 12, ..Destination::default() };
    let study = LastStudy { state: StudyState::Queued, done: 0, total: 212, ..well().last_study.unwrap_or_default() };
    Status {
        word: Word::Degraded,
        queue: Some(Queue { studies: 37, sending: 0, held: 0, bytes: 19_300_000_000, oldest_s: 720 }),
        destinations: [down, up, paused].into_iter().collect(),
        alerts: [alert(Code::E21, "pacs1", at(13, 56))].into_iter().collect(),
        last_study: Some(study),
        storage: Storage { waiting: 19_300_000_000, ..well().storage },
        ..well()
    }
}

fn disk_low() -> Status {
    let storage = Storage {
        used: 392_000_000_000,
        waiting: 381_000_000_000,
        days_left: Some(2),
        celsius: Some(83),
        undervoltage: Some(true),
        low: true,
        refusing: true,
        ..well().storage
    };
    Status {
        word: Word::Stopped,
        storage,
        queue: Some(Queue { studies: 812, sending: 4, held: 0, bytes: 381_000_000_000, oldest_s: 90_000 }),
        alerts: [alert(Code::E32, "", at(13, 20)), alert(Code::E21, "pacs1", at(3, 20)), alert(Code::E61, "", at(9, 0))]
            .into_iter()
            .collect(),
        ..well()
    }
}

fn find_the_box() -> Status {
    let network = Network {
        address: Some(Address::V4([192, 168, 100, 150])),
        link: Some(false),
        mbit: 0,
        gateway: Io::Bad,
        dns: Io::Bad,
        clock: Io::Bad,
        https_port: 8443,
        ..network()
    };
    Status { word: Word::Degraded, network, alerts: [alert(Code::E41, "", at(13, 20))].into_iter().collect(), ..well() }
}

fn held() -> Status {
    let one = |handle, modality: &str, hour, images, reason| Held {
        handle,
        modality: Text::new(modality),
        at: at(hour, 40),
        images,
        reason,
        label: Text::default(),
    };
    Status {
        word: Word::Degraded,
        queue: Some(Queue { studies: 35, sending: 2, held: 6, bytes: 1_900_000_000, oldest_s: 720 }),
        held: [
            one(1, "CT", 13, 212, HeldReason::Refused),
            one(2, "MR", 11, 96, HeldReason::OtherVersion),
            one(3, "XA", 9, 1, HeldReason::TooLarge),
            one(4, "US", 8, 12_345, HeldReason::NoDestination),
        ]
        .into_iter()
        .collect(),
        alerts: [alert(Code::E23, "", at(8, 41))].into_iter().collect(),
        storage: Storage { waiting: 1_900_000_000, ..well().storage },
        ..well()
    }
}

fn software() -> Status {
    let update = Update::RolledBack { failed: Text::new("2.1.0"), at: at(3, 12) };
    Status {
        word: Word::Degraded,
        software: Software { update, ..well().software },
        alerts: [alert(Code::E51, "2.1.0", at(3, 12))].into_iter().collect(),
        ..well()
    }
}

fn first_start() -> Status {
    Status {
        first_start: true,
        last_sent: None,
        last_study: None,
        destinations: [].into_iter().collect(),
        peers: [].into_iter().collect(),
        history: [0; 24],
        history_most: 0,
        ..well()
    }
}

/// Names of full length, IPv6, large numbers: what must scroll and not overlap.
pub fn longest() -> Status {
    let title = "WWWWWWWWWWWWWWWW";
    let name = "radiology-archive-site-2";
    let destination = |handle, state, failure| Destination {
        handle,
        name: Text::new(name),
        state,
        since: at(1, 0),
        latency_ms: 65_000,
        waiting: 123_456,
        held: 999,
        next_try_s: 599,
        failure,
    };
    let peer = |handle, refused: Option<Refusal>| Peer {
        handle,
        ae_title: Text::new(title),
        at: at(13, 0),
        images: 4_000_000,
        connected: refused.is_none() && handle == 2,
        refused,
        can_test: true,
    };
    let held = |handle| Held {
        handle,
        modality: Text::new("RTSTRUCT"),
        at: Moment(NOW - 9 * 86_400),
        images: 4_000_000,
        reason: HeldReason::NoDestination,
        label: Text::new("WWWWWWWWWWWWWWWWWWWWWWWW"),
    };
    Status {
        word: Word::Degraded,
        name: Text::new("a-box-with-a-long-name-x"),
        ae_title: Text::new(title),
        dicom_port: 65_535,
        tls_port: 65_535,
        queue: Some(Queue { studies: 123_456, sending: 1_000, held: 100_000, bytes: u64::MAX, oldest_s: 9_000_000 }),
        last_sent: Some(LastSent { at: Moment(NOW - 400 * 86_400), modality: Text::new("RTSTRUCT") }),
        last_study: Some(LastStudy {
            modality: Text::new("RTSTRUCT"),
            ae_title: Text::new(title),
            at: Moment(NOW - 400 * 86_400),
            images: 4_000_000,
            bytes: u64::MAX,
            state: StudyState::Sending,
            done: 3_999_999,
            total: 8_000_000,
            label: Text::new("WWWWWWWWWWWWWWWWWWWWWWWW"),
        }),
        destinations: [
            destination(0, DestinationState::Down, Some(FailureKind::Answer)),
            destination(1, DestinationState::Refused, Some(FailureKind::Http(403))),
            destination(2, DestinationState::Up, None),
            destination(3, DestinationState::Paused, None),
            destination(4, DestinationState::Unknown, None),
        ]
        .into_iter()
        .collect(),
        more_destinations: 200,
        peers: [peer(0, Some(Refusal::CallingTitle)), peer(1, Some(Refusal::CalledTitle)), peer(2, None), peer(3, None)]
            .into_iter()
            .collect(),
        more_peers: 250,
        held: (0..4).map(held).collect(),
        alerts: [
            alert(Code::E22, "radiology-archive-si", Moment(NOW - 9 * 86_400)),
            alert(Code::E21, "radiology-archive-si", at(13, 56)),
            alert(Code::E23, "", at(13, 0)),
            alert(Code::E11, title, at(13, 0)),
            alert(Code::E31, "", at(13, 0)),
            alert(Code::E41, "", at(13, 0)),
            alert(Code::E51, "2.1.0", at(13, 0)),
            alert(Code::E61, "", at(13, 0)),
            alert(Code::E71, "", at(13, 0)),
            alert(Code::Other(99), "something", at(13, 0)),
        ]
        .into_iter()
        .collect(),
        network: Network {
            address: Some(Address::V6([0x20, 0x01, 0x0d, 0xb8, 0xff, 0xfe, 0x12, 0x34, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89])),
            mbit: 10_000,
            https_port: 8443,
            host: Text::new("a-box-with-a-long-name-x"),
            dhcp: Some(false),
            ..network()
        },
        storage: Storage {
            total: u64::MAX / 2,
            used: u64::MAX / 2,
            waiting: u64::MAX / 4,
            days_left: Some(65_535),
            wear_percent: Some(255),
            celsius: Some(127),
            undervoltage: Some(true),
            unclean_stops: 65_535,
            low: true,
            refusing: true,
        },
        software: Software {
            version: Text::new("10.11.12-rc.1+20261123.x"),
            build: Text::new("4f1c2ab01234"),
            slot: Text::new("rootfs.B"),
            update: Update::RolledBack { failed: Text::new("10.11.12-rc.1+20"), at: at(3, 12) },
        },
        uptime_s: 40_000_000,
        history: [255; 24],
        history_most: 1_234_567,
        ..well()
    }
}
