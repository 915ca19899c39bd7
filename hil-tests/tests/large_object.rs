//! Memory does not grow with the object: one of 300 MB, and in a campaign (`HIL_LARGE_MIB=3990`) one of 3.9 GiB, received and forwarded.

use relaypacs_hil_tests::{
    appliance::{Appliance, Setup},
    data::{Hashing, Image, Kind},
    peers::StowSink,
    place::{Folder, campaign},
    senders::CALLED,
    wire::{Association, EXPLICIT_LE, Proposal, Writing},
};

const MIB: u64 = 1 << 20;
/// What receiving and forwarding a large object may add to the memory of a small one: buffers of fixed size.
const GROWTH: u64 = 24 * MIB;

/// Sends one object that is never whole in memory, waits until so many are delivered, gives the box's peak memory meanwhile.
fn peak_of(appliance: &Appliance, sink: &StowSink, image: &Image, delivered: usize) -> u64 {
    appliance.running().reset_peak();
    let proposal = Proposal {
        called: CALLED.into(),
        calling: "XA1".into(),
        contexts: vec![(image.class().into(), EXPLICIT_LE.into())],
        max_pdu: 65_536,
        writing: Writing::Fast,
    };
    let mut association = Association::open(appliance.dicom(), &proposal).expect("an association");
    let mut data = Hashing::new(image.data_set());
    let stored = association.store_from(image.class(), &image.instance_uid(), image.data_set_bytes(), &mut data).expect("an answer");
    assert_eq!(stored.status, 0, "{}", stored.comment);
    association.release().expect("a release");
    appliance.delivered(delivered);
    assert!(sink.arrivals().contains(&(image.instance_uid(), data.sha256())), "arrived unchanged");
    appliance.running().memory("VmHWM")
}

#[test]
fn memory_is_constant_in_the_size_of_the_object() {
    let folder = Folder::new();
    let sink = StowSink::start(&folder, "pacs", &[]);
    let appliance = Setup::new(&folder).stow("pacs", &sink.url(), "").start();
    let idle = appliance.running().memory("VmRSS");
    let small = peak_of(&appliance, &sink, &Image::new(Kind::Xa, 1).frames(20), 1);
    let large_mib = campaign("HIL_LARGE_MIB", 300);
    let large = peak_of(&appliance, &sink, &Image::new(Kind::Xa, 2).frames((large_mib * 2) as u32), 2);
    println!("resident: idle {} MiB, peak with 10 MiB {} MiB, peak with {large_mib} MiB {} MiB", idle / MIB, small / MIB, large / MIB);
    assert!(large < small + GROWTH, "{} MiB more for {large_mib} MiB than for 10", large.saturating_sub(small) / MIB);
}
