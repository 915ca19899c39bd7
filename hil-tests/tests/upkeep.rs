//! Backup, restore, verify, scrub: the ledger survives, and a flipped byte is named with its instance.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use relaypacs_hil_tests::{
    appliance::{Appliance, Setup},
    data::{Image, Kind, study},
    part10::{Object, STUDY},
    peers::StowSink,
    place::Folder,
    senders::CALLED,
    wire::{Association, Priority, Proposal},
};
use serde_json::Value;

fn store(appliance: &Appliance, images: impl Iterator<Item = Image>) -> Vec<Object> {
    let objects: Vec<Object> = images.map(|i| i.object()).collect();
    let mut association = Association::open(appliance.dicom(), &Proposal::for_objects(CALLED, "CT1", &objects)).expect("an association");
    for object in &objects {
        assert_eq!(association.store(object, Priority::Medium).expect("an answer").status, 0);
    }
    association.release().expect("a release");
    objects
}

fn ledgers(appliance: &Appliance, objects: &[Object]) -> BTreeMap<String, Vec<Value>> {
    objects.iter().filter_map(|o| o.uid(STUDY)).map(|s| (s.clone(), appliance.ledger(&s))).collect()
}

/// A box with a delivered study and one that waits.
fn furnished(folder: &Folder, sink: &mut StowSink) -> (Appliance, Vec<Object>) {
    let appliance = Setup::new(folder).buffer("segment_bytes = \"8MiB\"").stow("pacs", &sink.url(), "").start();
    let mut objects = store(&appliance, study(Kind::Ct, 1, 10, 2));
    appliance.delivered(objects.len());
    sink.switch_off();
    objects.extend(store(&appliance, study(Kind::Mr, 2, 20, 2)));
    (appliance, objects)
}

#[test]
fn a_backup_taken_while_it_runs_restores_to_the_same_ledger() {
    let folder = Folder::new();
    let mut sink = StowSink::start(&folder, "pacs", &[]);
    let (mut appliance, objects) = furnished(&folder, &mut sink);
    let to = folder.join("backup");
    appliance.cli(&["backup", to.to_str().expect("paths of tests are text")]);
    assert!(appliance.stop().success());

    let elsewhere = Folder::new();
    let mut restored = Setup::new(&elsewhere).buffer("segment_bytes = \"8MiB\"").stow("pacs", &sink.url(), "").start();
    assert!(restored.stop().success());
    fs::remove_dir_all(restored.data_dir()).expect("an empty data directory to restore into");
    restored.cli(&["restore", to.to_str().expect("paths of tests are text")]);
    restored.cli(&["verify"]);
    appliance.start();
    let before = ledgers(&appliance, &objects);
    assert!(appliance.stop().success());
    restored.start();
    assert_eq!(facts(&ledgers(&restored, &objects)), facts(&before));
    sink.switch_on();
    restored.delivered(objects.len());
    assert_eq!(sink.arrivals().len(), objects.len(), "what waited in the backup is delivered, what was proven is not sent again");
}

/// What must not change: who, which bytes, when accepted, how proven. Attempts go on while the PACS is away.
fn facts(ledgers: &BTreeMap<String, Vec<Value>>) -> Vec<[Value; 5]> {
    let entries = ledgers.values().flatten();
    entries
        .map(|e| {
            let delivery = &e["deliveries"][0];
            [
                e["sop_instance_uid"].clone(),
                e["sha256"].clone(),
                e["accepted_at"].clone(),
                delivery["proof"].clone(),
                delivery["proven_at"].clone(),
            ]
        })
        .collect()
}

#[test]
fn verify_is_clean_after_a_clean_stop_and_after_a_kill() {
    let folder = Folder::new();
    let mut sink = StowSink::start(&folder, "pacs", &[]);
    let (mut appliance, _) = furnished(&folder, &mut sink);
    assert!(!appliance.try_cli(&["verify"]).status.success(), "not beside a running box");
    appliance.kill();
    appliance.cli(&["verify"]);
    appliance.start();
    assert!(appliance.stop().success());
    appliance.cli(&["verify"]);
}

/// The segment file, and the offset in it, where these bytes lie.
fn find(dir: &Path, needle: &[u8]) -> (PathBuf, usize) {
    let mut files: Vec<PathBuf> = fs::read_dir(dir.join("segments")).expect("segments").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    files
        .into_iter()
        .find_map(|path| {
            let bytes = fs::read(&path).expect("a segment");
            let at = bytes.windows(needle.len()).position(|w| w == needle)?;
            Some((path, at))
        })
        .expect("the instance lies in a segment")
}

#[test]
fn scrub_names_the_instance_whose_byte_was_flipped_and_the_others_leave() {
    let folder = Folder::new();
    let mut sink = StowSink::stopped(&folder, "pacs", &[]);
    let appliance = Setup::new(&folder).buffer("segment_bytes = \"8MiB\"").stow("pacs", &sink.url(), "").start();
    let objects = store(&appliance, study(Kind::Ct, 1, 40, 2));
    let victim = &objects[5];
    let (segment, at) = find(&appliance.data_dir(), victim.meta.instance.as_bytes());
    let file = fs::File::options().read(true).write(true).open(&segment).expect("the segment");
    let mut byte = [0];
    let inside = at as u64 + 1000;
    file.read_exact_at(&mut byte, inside).expect("a byte of the image");
    file.write_all_at(&[byte[0] ^ 0x10], inside).expect("the flip");
    let report = appliance.try_cli(&["--json", "scrub"]);
    let text = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(text.contains(&victim.meta.instance), "scrub names the instance: {text} {}", String::from_utf8_lossy(&report.stderr));
    assert!(
        objects.iter().filter(|o| o.meta.instance != victim.meta.instance).all(|o| !text.contains(&o.meta.instance)),
        "and no other: {text}"
    );
    sink.switch_on();
    relaypacs_hil_tests::wait::for_true("the others leave", std::time::Duration::from_secs(60), || {
        sink.arrivals().len() == objects.len() - 1
    });
    assert!(sink.arrivals().iter().all(|(sop, _)| *sop != victim.meta.instance), "damaged bytes are not sent");
    assert_eq!(appliance.system()["queue"]["held"], 1, "and not dropped silently");
}

#[test]
fn a_second_box_on_the_same_data_is_refused_and_told_who_holds_it() {
    let folder = Folder::new();
    let appliance = Setup::new(&folder).start();
    let output = appliance.try_cli(&["serve"]);
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains(&appliance.running().pid().to_string()), "{text}");
}
