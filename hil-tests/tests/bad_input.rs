//! Senders that do not know the standard, or do not mean well: each gets its standard refusal, and a good sender beside them notices nothing.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use rand::{RngCore as _, SeedableRng as _, rngs::StdRng};
use relaypacs_hil_tests::{
    appliance::{Appliance, Setup},
    data::{Image, Kind, study},
    ledger::{Ack, all_reach},
    part10::Object,
    peers::StowSink,
    place::Folder,
    senders::CALLED,
    wait,
    wire::{Association, EXPLICIT_LE, Priority, Proposal, Refusal, pdu, read_pdu},
};

/// The box gives up on silent peers after this time in these tests.
const SHORT: &str = "artim = \"2s\"\nidle_timeout = \"3s\"";
/// Generous bound for what happens after `SHORT`.
const SOON: Duration = Duration::from_secs(30);

fn a_box(folder: &Folder, sink: &StowSink) -> Appliance {
    Setup::new(folder).dicom(SHORT).stow("pacs", &sink.url(), "").start()
}

fn proposal(objects: &[Object]) -> Proposal {
    Proposal::for_objects(CALLED, "GOOD", objects)
}

fn connect(appliance: &Appliance) -> TcpStream {
    let socket = TcpStream::connect(appliance.dicom()).expect("the box listens");
    socket.set_read_timeout(Some(SOON)).expect("a timeout");
    socket
}

/// What the box says until it closes: the types of PDUs. A reset counts as a close.
fn farewell(socket: &mut TcpStream) -> Vec<u8> {
    let mut kinds = vec![];
    while let Ok((kind, _)) = read_pdu(socket) {
        kinds.push(kind);
    }
    kinds
}

const ABORT: u8 = 7;

/// Runs `nuisance` while a good sender stores; all its images must be answered 0000 on one unbroken association.
fn beside_a_good_sender(nuisance: impl FnOnce(&Appliance)) {
    let folder = Folder::new();
    let sink = StowSink::start(&folder, "pacs", &[]);
    let appliance = a_box(&folder, &sink);
    let objects: Vec<Object> = study(Kind::Mr, 1, 60, 2).map(|i| i.object()).collect();
    let over = AtomicBool::new(false);
    let sent = thread::scope(|scope| {
        let good = scope.spawn(|| {
            let mut association = Association::open(appliance.dicom(), &proposal(&objects)).expect("the good sender gets its association");
            let mut sent = 0;
            // At least all objects once, then round and round until the nuisance is over.
            while sent < objects.len() || !over.load(Relaxed) {
                let stored = association.store(&objects[sent % objects.len()], Priority::Medium).expect("the good sender is answered");
                assert_eq!(stored.status, 0, "{}", stored.comment);
                sent += 1;
            }
            association.release().expect("the good sender is released");
            sent
        });
        nuisance(&appliance);
        over.store(true, Relaxed);
        good.join().expect("the good sender notices nothing")
    });
    println!("the good sender stored {sent} times");
    let promised: Vec<Ack> = objects.iter().map(|o| Ack { entry: (o.meta.instance.clone(), o.sha256()), status: "0000".into() }).collect();
    all_reach(&sink, &promised).assert_holds();
}

#[test]
fn random_bytes() {
    beside_a_good_sender(|appliance| {
        let mut random = StdRng::seed_from_u64(1);
        for round in 0..200 {
            let mut socket = connect(appliance);
            let mut bytes = vec![0; 1 + round * 41];
            random.fill_bytes(&mut bytes);
            // The box may close before all is written; that is its right.
            let _ = socket.write_all(&bytes);
            let _ = socket.shutdown(Shutdown::Write);
            let answer = farewell(&mut socket);
            assert!(answer.iter().all(|kind| *kind == ABORT), "round {round}: {answer:?}");
        }
    });
}

#[test]
fn half_pdus() {
    beside_a_good_sender(|appliance| {
        let image = Image::new(Kind::Mr, 5).object();
        let request = pdu(1, &proposal(std::slice::from_ref(&image)).request());
        for cut in (1..request.len()).step_by(7) {
            let mut socket = connect(appliance);
            socket.write_all(&request[..cut]).expect("a part of a request is taken");
            socket.shutdown(Shutdown::Write).expect("a half-closed socket");
            assert!(!farewell(&mut socket).contains(&2), "no association from {cut} bytes of {}", request.len());
        }
        // Half an object, then silence: aborted after the idle timeout, and nothing of it stays.
        let mut association = Association::open(appliance.dicom(), &proposal(std::slice::from_ref(&image))).expect("an association");
        let context = association.begin_store(&image.meta.class, &image.meta.instance, EXPLICIT_LE).expect("a command");
        association.data(context, false, &image.data_set()[..1000]).expect("half the data");
        assert_eq!(farewell(&mut association.socket), [ABORT]);
        assert!(appliance.studies().iter().all(|s| s["study_instance_uid"] != Image::new(Kind::Mr, 5).study_uid()));
    });
}

#[test]
fn lying_lengths() {
    beside_a_good_sender(|appliance| {
        let image = Image::new(Kind::Mr, 6).object();
        let good = proposal(std::slice::from_ref(&image));
        let before = appliance.running().memory("VmRSS");
        let open = || Association::open(appliance.dicom(), &good).expect("an association").socket;
        // A PDU of 2 GB is announced: as the first, and as data.
        let huge = |kind: u8| [&[kind, 0][..], &0x7FFF_FFF0_u32.to_be_bytes(), &[0; 64]].concat();
        let mut first = connect(appliance);
        first.write_all(&huge(1)).expect("taken");
        assert!(farewell(&mut first).iter().all(|k| *k == ABORT || *k == 3));
        // A PDV longer than its PDU; one of no length; one that ends in its own header.
        let lies: [Vec<u8>; 4] = [huge(4), pdu(4, &[0, 0, 1, 0, 1, 3, 0, 0]), pdu(4, &[0, 0, 0, 0, 1, 3]), pdu(4, &[0, 0, 0])];
        for lie in &lies {
            let mut socket = open();
            let _ = socket.write_all(lie);
            assert_eq!(farewell(&mut socket), [ABORT], "{:?}", &lie[..12.min(lie.len())]);
        }
        // An element that claims 3 GB inside a data set is the sender's business: stored as it is, sent on as it is.
        let mut lying = image.clone();
        let at = lying.meta.body;
        lying.file.splice(at..at, [0x08, 0, 0x04, 0, b'U', b'N', 0, 0, 0xFF, 0xFF, 0xFF, 0xBF]);
        let mut association = Association::open(appliance.dicom(), &good).expect("an association");
        let stored = association.store(&lying, Priority::Medium).expect("an answer");
        assert_eq!(stored.status, 0, "{}", stored.comment);
        association.release().expect("a release");
        let grown = appliance.running().memory("VmRSS").saturating_sub(before) >> 20;
        assert!(grown < 64, "claimed lengths took {grown} MiB");
    });
}

#[test]
fn three_hundred_idle_connections() {
    beside_a_good_sender(|appliance| {
        let mut idle: Vec<TcpStream> = (0..300).map(|_| connect(appliance)).collect();
        // Somebody new still gets in while they are open (or after ARTIM, when they are the ones thrown out).
        let image = Image::new(Kind::Mr, 7).object();
        wait::for_true("a new association beside 300 idle connections", SOON, || {
            Association::open(appliance.dicom(), &proposal(std::slice::from_ref(&image))).is_ok_and(|a| a.release().is_ok())
        });
        for socket in &mut idle {
            assert!(farewell(socket).iter().all(|kind| *kind == ABORT), "an idle connection is closed when ARTIM ends");
        }
    });
}

#[test]
fn slow_senders() {
    beside_a_good_sender(|appliance| {
        let image = Image::new(Kind::Mr, 1).object();
        thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    // A byte now and then keeps no slot for ever: a request that is not complete when ARTIM ends is closed.
                    let mut socket = connect(appliance);
                    let request = pdu(1, &proposal(std::slice::from_ref(&image)).request());
                    for byte in &request {
                        if socket.write_all(&[*byte]).is_err() {
                            break;
                        }
                        thread::sleep(Duration::from_millis(50));
                    }
                    let mut rest = [0; 1];
                    assert!(!matches!(socket.read(&mut rest), Ok(1) if rest[0] == 2), "no association for a request slower than ARTIM");
                });
            }
        });
    });
}

fn refused(appliance: &Appliance, called: &str, calling: &str) -> (u8, u8, u8) {
    let image = Image::new(Kind::Mr, 1).object();
    match Association::open(appliance.dicom(), &Proposal::for_objects(called, calling, [&image])) {
        Err(Refusal::Rejected { result, source, reason }) => (result, source, reason),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("{calling} may not call {called}"),
    }
}

#[test]
fn who_may_not_send_is_told_in_the_standards_words() {
    let folder = Folder::new();
    let appliance = Setup::new(&folder)
        .dicom("max_associations_per_peer = 2")
        .section("[[modality]]\nae_title = \"CT1\"\naddress = \"127.0.0.1\"\n\n[[modality]]\nae_title = \"FAR\"\naddress = \"192.0.2.7\"")
        .start();
    assert_eq!(refused(&appliance, "OTHER", "CT1"), (1, 1, 7), "wrong called AE title");
    assert_eq!(refused(&appliance, CALLED, "NOBODY"), (1, 1, 3), "unknown calling AE title");
    assert_eq!(refused(&appliance, CALLED, "FAR"), (1, 1, 3), "a known title from another address");
    let image = Image::new(Kind::Mr, 1).object();
    let known = Proposal::for_objects(CALLED, "CT1", [&image]);
    let open: Vec<_> = (0..2).map(|_| Association::open(appliance.dicom(), &known).expect("within the limit")).collect();
    assert_eq!(refused(&appliance, CALLED, "CT1"), (2, 3, 2), "too many associations of one peer");
    drop(open);
    wait::for_true("room for the peer again", SOON, || Association::open(appliance.dicom(), &known).is_ok());
}

#[test]
fn commands_without_identity_and_unknown_commands_get_their_status() {
    let folder = Folder::new();
    let appliance = Setup::new(&folder).start();
    let image = Image::new(Kind::Mr, 1).object();
    let open = || Association::open(appliance.dicom(), &proposal(std::slice::from_ref(&image))).expect("an association");
    let mut association = open();
    let stored = association.store_from(&image.meta.class, "", image.data_set().len() as u64, &mut image.data_set()).expect("an answer");
    assert_eq!(stored.status, 0xC000, "{}", stored.comment);
    assert!(!stored.comment.is_empty(), "an Error Comment says why");
    assert_eq!(association.store(&image, Priority::Medium).expect("the association goes on").status, 0);
    association.release().expect("a release");
}
