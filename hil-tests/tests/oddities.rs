//! What modalities really send: private classes and syntaxes, deflated, big endian, fragments, every character set, broken headers, one UID twice.
//! Everything is stored and leaves byte for byte; where two versions share a UID, both are kept and neither is taken for the other.

use std::{collections::BTreeMap, fs, time::Duration};

use relaypacs_hil_tests::{
    appliance::Setup,
    data::made_set,
    ledger::{Ack, compare},
    part10::Object,
    peers::StowSink,
    place::{Folder, installed},
    senders::CALLED,
    wait,
    wire::{Association, Priority, Proposal},
};

#[test]
fn every_oddity_is_stored_and_forwarded_unchanged() {
    let folder = Folder::new();
    let keep = folder.join("kept");
    let sink = StowSink::start(&folder, "pacs", &["--keep", keep.to_str().expect("paths of tests are text")]);
    let appliance = Setup::new(&folder).stow("pacs", &sink.url(), "").start();
    let samples = made_set(&installed("data/odd"));
    let objects: Vec<Object> = samples.iter().map(|s| Object::new(fs::read(&s.path).expect("a file")).expect("a Part-10 file")).collect();
    let mut association = Association::open(appliance.dicom(), &Proposal::for_objects(CALLED, "ODD", &objects)).expect("an association");
    for (object, sample) in objects.iter().zip(&samples) {
        let stored = association.store(object, Priority::Medium).expect("an answer");
        assert_eq!(stored.status, 0, "{}: {}", sample.path.display(), stored.comment);
        assert_eq!(object.sha256(), sample.sha256);
    }
    association.release().expect("a release");

    // dcm4chee keeps the first of two versions and answers 200 for the second: that one is held, not believed.
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    samples.iter().for_each(|s| *versions.entry(s.sop.as_str()).or_default() += 1);
    let twice = versions.values().filter(|n| **n > 1).count();
    assert_eq!(twice, 1, "the set has one UID twice");
    wait::for_true("all but the second version is delivered", Duration::from_secs(60), || {
        let queue = &appliance.system()["queue"];
        queue["held"] == twice && queue["instances"] == 0 && sink.arrivals().len() >= samples.len()
    });
    let promised: Vec<Ack> = samples.iter().map(|s| Ack { entry: (s.sop.clone(), s.sha256.clone()), status: "0000".into() }).collect();
    let ledger = compare(&promised, &sink.arrivals());
    println!("{ledger}");
    ledger.assert_holds();
    assert_eq!(ledger.arrived, samples.len());
    let held: Vec<String> =
        appliance.studies().iter().map(|s| s["deliveries"].to_string()).filter(|d| d.contains("other_version_at_pacs")).collect();
    assert_eq!(held.len(), 1, "the reason is shown: {held:?}");
}

/// Names are decoded for people in every character set, and the bytes stay as they are.
#[test]
fn names_are_shown_in_their_own_script() {
    let folder = Folder::new();
    let appliance = Setup::new(&folder).start();
    let wanted = [
        ("japanese_87", "山田^太郎"),
        ("japanese_13_87", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        ("korean", "洪^吉洞"),
        ("chinese_gb18030", "王^小东"),
        ("greek", "Διονυσιος"),
        ("cyrillic", "Люкceмбypг"),
        ("utf8", "王^小東"),
    ];
    let samples = made_set(&installed("data/odd"));
    for (salt, (file, name)) in (1..).zip(wanted) {
        let sample = samples.iter().find(|s| s.path.ends_with(format!("{file}.dcm"))).expect("gen_dicom.py makes it");
        let mut object = Object::new(fs::read(&sample.path).expect("a file")).expect("a Part-10 file");
        // The set's files share a study: a salt gives each its own, so that each shows its own name.
        object.salt(salt);
        let mut association =
            Association::open(appliance.dicom(), &Proposal::for_objects(CALLED, "ODD", [&object])).expect("an association");
        assert_eq!(association.store(&object, Priority::Medium).expect("an answer").status, 0);
        association.release().expect("a release");
        wait::for_true(&format!("{file} is listed as {name}"), Duration::from_secs(20), || {
            appliance.studies().iter().any(|s| s["patient_name"].as_str().is_some_and(|n| n.contains(name)))
        });
    }
}
