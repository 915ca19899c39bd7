//! P1, P2, P3: what was acknowledged survives a kill, leaves unaltered, and counts as delivered only with a proof.

mod common;

use std::fs;

use common::Box;

#[test]
fn a_folder_gets_the_very_bytes_and_the_ledger_has_the_proof() {
    let (appliance, archive) = Box::with_archive();
    let (uid, instances) = appliance.send_study(1, 20, &["--associations", "4", "--calling", "CT1"]);

    let entries = appliance.delivered(&uid, instances.len());
    for instance in &instances {
        let entry = entries.iter().find(|entry| entry["sop_instance_uid"] == instance.uid.as_str()).unwrap();
        assert_eq!(entry["sha256"], instance.sha256());
        assert_eq!(entry["bytes"], instance.data_set.len());
        assert_eq!(entry["calling_ae"], "CT1");
        let delivery = &entry["deliveries"][0];
        assert_eq!((&delivery["destination"], &delivery["proof"]), (&"archive".into(), &"file".into()), "{delivery}");
        let stored = fs::read(archive.join(uid.as_str()).join(format!("{uid}.1")).join(format!("{}.dcm", instance.uid))).unwrap();
        let meta = relaypacs_dicom::read_file_meta(&mut stored.as_slice()).unwrap();
        assert_eq!(&stored[meta.data_set_offset as usize..], instance.data_set);
    }
}

#[test]
fn what_was_acknowledged_survives_kills_and_is_delivered_later() {
    let mut appliance = Box::started("");
    let mut sent = Vec::new();
    for number in 1..=3 {
        sent.push(appliance.send_study(number, 15, &[]));
        appliance.kill();
        appliance.start();
    }
    for (uid, instances) in &sent {
        let entries = appliance.ledger_until(uid, |entries| entries.len() == instances.len());
        for instance in instances {
            assert!(entries.iter().any(|entry| entry["sha256"] == instance.sha256()), "{} of {uid} is lost", instance.uid);
        }
    }
    let archive = appliance.folder.path().join("archive");
    appliance.configure(&Box::folder_destination("archive", &archive));
    assert!(appliance.stop().success(), "{}", appliance.log());
    appliance.start();
    for (uid, instances) in &sent {
        appliance.delivered(uid, instances.len());
    }
}

#[test]
fn the_same_instance_again_is_stored_once() {
    let (appliance, _) = Box::with_archive();
    let (uid, instances) = appliance.send_study(1, 2, &[]);
    appliance.delivered(&uid, instances.len());
    appliance.send_study(1, 2, &[]);
    let entries = appliance.ledger_until(&uid, |entries| entries.iter().all(|entry| !entry["notes"].as_array().unwrap().is_empty()));
    assert_eq!(entries.len(), instances.len(), "{entries:?}");
}
