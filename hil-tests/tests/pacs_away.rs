//! The PACS is away for the whole of a long push while the box is restarted: everything is delivered after it comes back, urgent work first.

use std::{fs::File, time::Duration};

use relaypacs_hil_tests::{
    appliance::{Appliance, Setup},
    blast::{Plan, Report, Sending},
    data::{Image, Kind, study},
    ledger::{acks, compare},
    part10::Object,
    peers::StowSink,
    place::Folder,
    senders::CALLED,
    wait,
    wire::{Priority, Proposal},
};

const INSTANCES: u32 = 2_000;

/// Pushes objects over two associations and notes the answers.
fn push(appliance: &Appliance, objects: Vec<Object>, priority: Priority, acks: &File) -> Report {
    let report = Sending::run(Plan {
        peer: appliance.dicom(),
        proposal: Proposal::for_objects(CALLED, "MR1", &objects),
        associations: 2,
        priority,
        duration: Duration::ZERO,
        stop: None,
        rate: 0.0,
        reconnect: Duration::ZERO,
        salt: 0,
        acks: Some(acks.try_clone().expect("a file handle")),
        objects,
    });
    assert_eq!(report.status.keys().collect::<Vec<_>>(), ["0000"], "{report:?}");
    report
}

#[test]
fn two_thousand_instances_wait_over_two_restarts_and_stat_leaves_first() {
    let folder = Folder::new();
    let mut sink = StowSink::stopped(&folder, "pacs", &[]);
    let mut appliance = Setup::new(&folder).stow("pacs", &sink.url(), "max_requests = 1").start();
    let acks_file = folder.join("acks.jsonl");
    let notes = File::create(&acks_file).expect("the test's folder");
    // Ten studies of 200, as a day's work.
    let mut images: Vec<Image> = (1..=10).flat_map(|n| study(Kind::Mr, n, INSTANCES / 10, 4)).collect();
    let rest = images.split_off(images.len() / 2);
    let objects = |images: Vec<Image>| images.iter().map(Image::object).collect::<Vec<_>>();
    push(&appliance, objects(images), Priority::Medium, &notes);
    assert!(appliance.stop().success(), "a clean stop");
    appliance.start();
    push(&appliance, objects(rest), Priority::Medium, &notes);
    appliance.kill();
    appliance.start();
    let stat: Vec<Object> = study(Kind::Ct, 99, 10, 1).map(|i| i.object()).collect();
    let stat_uids: Vec<String> = stat.iter().map(|o| o.meta.instance.clone()).collect();
    push(&appliance, stat, Priority::High, &notes);
    wait::for_true("all of it is queued", Duration::from_secs(30), || appliance.queued() == u64::from(INSTANCES) + 10);

    sink.switch_on();
    appliance.delivered(INSTANCES as usize + 10);
    let arrivals = sink.arrivals();
    let ledger = compare(&acks(&acks_file), &arrivals);
    println!("{ledger}");
    ledger.assert_holds();
    assert_eq!(ledger.arrived, INSTANCES as usize + 10);
    assert!(ledger.duplicated.is_empty(), "nothing is sent twice: {ledger}");
    for (place, (sop, _)) in arrivals.iter().take(10).enumerate() {
        assert!(stat_uids.contains(sop), "arrival {place} is not of the stat study");
    }
}

#[test]
fn a_study_made_urgent_by_hand_overtakes() {
    let folder = Folder::new();
    let mut sink = StowSink::stopped(&folder, "pacs", &[]);
    let appliance = Setup::new(&folder).stow("pacs", &sink.url(), "max_requests = 1").start();
    let acks_file = folder.join("acks.jsonl");
    let notes = File::create(&acks_file).expect("the test's folder");
    for n in 1..=4 {
        push(&appliance, study(Kind::Mr, n, 5, 1).map(|i| i.object()).collect(), Priority::Medium, &notes);
    }
    let last = Image::new(Kind::Mr, 4).study_uid();
    wait::for_true("all of it is queued", Duration::from_secs(30), || appliance.queued() == 20);
    appliance.cli(&["priority", &last, "stat"]);
    sink.switch_on();
    appliance.delivered(20);
    let records = sink.recorded("instance");
    assert_eq!(records.len(), 20);
    assert!(records.iter().take(5).all(|r| r["study"] == last.as_str()), "the urgent study leaves first");
}

#[test]
fn without_a_destination_work_is_held_and_leaves_when_there_is_one() {
    let folder = Folder::new();
    let sink = StowSink::start(&folder, "pacs", &[]);
    let mut appliance = Setup::new(&folder).start();
    let notes = File::create(folder.join("acks.jsonl")).expect("the test's folder");
    push(&appliance, study(Kind::Mr, 1, 5, 1).map(|i| i.object()).collect(), Priority::Medium, &notes);
    wait::for_true("the study is held", Duration::from_secs(20), || appliance.system()["queue"]["held"] == 5);
    assert!(appliance.stop().success());
    drop(appliance);
    let appliance = Setup::new(&folder).stow("pacs", &sink.url(), "").start();
    appliance.delivered(5);
    assert_eq!(sink.arrivals().len(), 5);
}
