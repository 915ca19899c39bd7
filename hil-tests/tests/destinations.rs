//! Several destinations side by side: both get everything, one that is down hurts nobody, `match` chooses, and a folder is a destination too.

use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use relaypacs_hil_tests::{
    appliance::{Appliance, Setup},
    data::{Kind, study},
    part10::{Object, SERIES, STUDY},
    peers::{Orthanc, StowSink},
    place::Folder,
    senders::CALLED,
    wait,
    wire::{Association, Priority, Proposal},
};
use serde_json::json;

const WITHIN: Duration = Duration::from_secs(120);

fn store(appliance: &Appliance, calling: &str, objects: &[Object]) {
    let mut association = Association::open(appliance.dicom(), &Proposal::for_objects(CALLED, calling, objects)).expect("an association");
    for object in objects {
        assert_eq!(association.store(object, Priority::Medium).expect("an answer").status, 0);
    }
    association.release().expect("a release");
}

fn objects(kind: Kind, n: u32) -> Vec<Object> {
    study(kind, 1, n, 2).map(|i| i.side(64).object()).collect()
}

fn entries(objects: &[Object]) -> BTreeSet<(String, String)> {
    objects.iter().map(|o| (o.meta.instance.clone(), o.sha256())).collect()
}

fn arrived(sink: &StowSink) -> BTreeSet<(String, String)> {
    sink.arrivals().into_iter().collect()
}

#[test]
fn both_get_everything_and_one_that_is_down_does_not_hold_up_the_other() {
    let folder = Folder::new();
    let orthanc = Orthanc::start(&folder, "orthanc", &json!({}));
    let mut cloud = StowSink::stopped(&folder, "cloud", &[]);
    let appliance = Setup::new(&folder).stow("orthanc", &orthanc.url(), "").stow("cloud", &cloud.url(), "").start();
    let objects = objects(Kind::Ct, 12);
    store(&appliance, "CT1", &objects);
    wait::for_true("Orthanc has everything though the other is down", WITHIN, || {
        orthanc.holds().into_iter().collect::<BTreeSet<_>>() == entries(&objects)
    });
    assert!(appliance.queued() > 0, "the other still waits");
    cloud.switch_on();
    appliance.delivered(objects.len());
    assert_eq!(arrived(&cloud), entries(&objects));
}

#[test]
fn what_orthanc_stored_is_verified_by_query_and_by_retrieval() {
    let folder = Folder::new();
    let (query, retrieve) = (Orthanc::start(&folder, "query", &json!({})), Orthanc::start(&folder, "retrieve", &json!({})));
    let appliance = Setup::new(&folder)
        .stow("query", &query.url(), "verify = \"qido\"")
        .stow("retrieve", &retrieve.url(), "verify = \"retrieve\"")
        .start();
    let objects = objects(Kind::Ct, 12);
    store(&appliance, "CT1", &objects);
    appliance.delivered(objects.len());
    for entry in objects.iter().filter_map(|o| o.uid(STUDY)).collect::<BTreeSet<_>>().iter().flat_map(|study| appliance.ledger(study)) {
        let proofs: Vec<_> = entry["deliveries"].as_array().expect("a list").iter().map(|d| (&d["destination"], &d["proof"])).collect();
        assert!(proofs.contains(&(&json!("query"), &json!("qido"))), "{entry}");
        assert!(proofs.contains(&(&json!("retrieve"), &json!("retrieve"))), "{entry}");
    }
}

#[test]
fn match_chooses_by_modality_and_by_sender() {
    let folder = Folder::new();
    let (ct, ward) = (StowSink::start(&folder, "ct", &[]), StowSink::start(&folder, "ward", &[]));
    let appliance = Setup::new(&folder)
        .stow("ct", &ct.url(), "match = { modality = [\"CT\"] }")
        .stow("ward", &ward.url(), "match = { calling_ae = [\"WARD\"] }")
        .start();
    let (ct_images, mr_images) = (objects(Kind::Ct, 3), objects(Kind::Mr, 3));
    store(&appliance, "WARD", &mr_images);
    store(&appliance, "SCANNER", &ct_images);
    appliance.delivered(6);
    assert_eq!(arrived(&ct), entries(&ct_images));
    assert_eq!(arrived(&ward), entries(&mr_images));
    // What nobody takes is held, visible, and given up only by hand.
    let lonely: Vec<Object> = study(Kind::Xa, 9, 1, 1).map(|i| i.side(64).object()).collect();
    store(&appliance, "SCANNER", &lonely);
    wait::for_true("held for want of a destination", WITHIN, || appliance.system()["queue"]["held"] == 1);
}

#[test]
fn held_work_is_given_up_only_by_hand_and_the_ledger_says_so() {
    let folder = Folder::new();
    let sink = StowSink::start(&folder, "pacs", &["--fault", "fail:C000"]);
    let appliance = Setup::new(&folder).stow("pacs", &sink.url(), "").start();
    let objects = objects(Kind::Ct, 2);
    store(&appliance, "CT1", &objects);
    wait::for_true("held", WITHIN, || appliance.system()["queue"]["held"] == 2);
    let study = objects[0].uid(STUDY).expect("a study");
    assert!(!appliance.try_cli(&["release", &study, "--destination", "pacs"]).status.success(), "not without --yes");
    appliance.cli(&["release", &study, "--destination", "pacs", "--yes"]);
    assert_eq!(appliance.system()["queue"]["held"], 0);
    let ledger = appliance.ledger(&study);
    assert!(ledger.iter().all(|e| e["deliveries"][0]["state"] == "given_up"), "{ledger:?}");
}

#[test]
fn a_folder_gets_part_10_files_named_by_study_series_and_instance() {
    let folder = Folder::new();
    let out = folder.join("out");
    fs::create_dir(&out).expect("the test's folder");
    let appliance =
        Setup::new(&folder).section(&format!("[[destination]]\nname = \"disk\"\nkind = \"folder\"\npath = \"{}\"", out.display())).start();
    let objects = objects(Kind::Ct, 6);
    store(&appliance, "CT1", &objects);
    appliance.delivered(objects.len());
    let mut expected = BTreeSet::new();
    for object in &objects {
        let path = [object.uid(STUDY), object.uid(SERIES), Some(format!("{}.dcm", object.meta.instance))];
        let path: PathBuf = path.into_iter().map(|p| p.expect("every image has its UIDs")).collect();
        let file = Object::new(fs::read(out.join(&path)).expect("the file is there")).expect("a Part-10 file");
        assert_eq!((file.sha256(), &file.meta.instance), (object.sha256(), &object.meta.instance));
        expected.insert(out.join(path));
    }
    assert_eq!(files_below(&out), expected, "and nothing else, no temporary files");
}

fn files_below(dir: &std::path::Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(dir).expect("a folder").map(|e| e.expect("an entry").path());
    entries.flat_map(|p| if p.is_dir() { files_below(&p) } else { BTreeSet::from([p]) }).collect()
}

#[test]
fn a_paused_destination_gets_nothing_until_it_is_resumed() {
    let folder = Folder::new();
    let sink = StowSink::start(&folder, "pacs", &[]);
    let mut appliance = Setup::new(&folder).stow("pacs", &sink.url(), "").start();
    appliance.cli(&["pause", "pacs"]);
    let objects = objects(Kind::Ct, 2);
    store(&appliance, "CT1", &objects);
    wait::for_true("the instances are queued", WITHIN, || appliance.queued() == 2);
    appliance.cli(&["echo", "pacs"]);
    let paused_by = |appliance: &Appliance| appliance.admin().get("/api/v1/destinations").json()[0]["paused_by"].clone();
    appliance.kill();
    appliance.start();
    assert_eq!(paused_by(&appliance), "operator", "a restart does not lift it");
    assert!(appliance.stop().success());
    appliance.start();
    assert_eq!((paused_by(&appliance), appliance.queued()), (json!("operator"), 2));
    assert!(sink.arrivals().is_empty(), "nothing leaves while it is paused");
    appliance.cli(&["resume", "pacs"]);
    appliance.delivered(objects.len());
    assert_eq!(arrived(&sink), entries(&objects));
    assert!(appliance.stop().success());
}
