//! Modalities as they come: every sender unmodified, through the box, into a real Orthanc; what Orthanc gives back is byte for byte what was sent.

use std::{collections::BTreeMap, path::Path};

use relaypacs_hil_tests::{
    appliance::{Appliance, Setup},
    data::{Image, Kind, Sample, made_set, study, write_set},
    peers::Orthanc,
    place::{Folder, free_port, installed},
    process::run,
    senders::{CALLED, Sender},
    wire::EXPLICIT_LE,
};
use serde_json::json;

/// Oddities that every toolkit can read and write without changing a byte.
const PLAIN_ODDITIES: [&str; 10] =
    ["explicit_le", "implicit_le", "japanese_87", "korean", "chinese_gb18030", "cyrillic", "utf8", "empty_type2", "key_object", "uid_64"];

/// Two studies, several classes, character sets, two transfer syntaxes.
fn files(folder: &Folder) -> Vec<Sample> {
    let images = study(Kind::Ct, 1, 3, 2)
        .chain(study(Kind::Mr, 2, 6, 2))
        .chain([Image::new(Kind::Cr, 3).side(256), Image::new(Kind::Xa, 3).side(64).frames(7)]);
    let mut samples = write_set(&folder.join("files"), images);
    let stem = |s: &Sample| s.path.file_stem().and_then(|n| n.to_str()).unwrap_or_default().to_string();
    samples.extend(made_set(&installed("data/odd")).into_iter().filter(|s| PLAIN_ODDITIES.contains(&stem(s).as_str())));
    assert_eq!(samples.len(), 11 + PLAIN_ODDITIES.len());
    samples
}

fn expected(samples: &[Sample]) -> BTreeMap<String, String> {
    samples.iter().map(|s| (s.sop.clone(), s.sha256.clone())).collect()
}

/// Compares by UID; names the files that are missing, strange or changed.
fn assert_same(who: &str, got: &BTreeMap<String, String>, samples: &[Sample]) {
    let wanted = expected(samples);
    let different = samples.iter().filter(|s| got.get(&s.sop) != Some(&s.sha256)).map(|s| {
        let what = if got.contains_key(&s.sop) { "changed" } else { "missing" };
        format!("{what}: {} ({})", s.path.display(), s.syntax)
    });
    let strange = got.keys().filter(|sop| !wanted.contains_key(*sop)).map(|sop| format!("strange: {sop}"));
    let all: Vec<String> = different.chain(strange).collect();
    assert!(all.is_empty(), "{who} does not have what was sent:\n{}", all.join("\n"));
}

/// Sends through a box into an Orthanc and compares what comes back, and what the box's own ledger says.
fn check(folder: &Folder, samples: &[Sample], send: impl FnOnce(&Appliance, &[Sample])) {
    let pacs = Orthanc::start(folder, "pacs", &json!({}));
    let appliance = Setup::new(folder).stow("orthanc", &pacs.url(), "").start();
    send(&appliance, samples);
    appliance.delivered(samples.len());
    assert_same("Orthanc", &pacs.holds(), samples);
    let ledger: BTreeMap<String, String> = appliance
        .studies()
        .iter()
        .flat_map(|s| appliance.ledger(s["study_instance_uid"].as_str().expect("every study here has a UID")))
        .map(|e| {
            assert!(e["deliveries"][0]["proven_at"].is_string(), "not proven: {e}");
            (e["sop_instance_uid"].as_str().expect("a UID").to_string(), e["sha256"].as_str().expect("a hash").to_string())
        })
        .collect();
    assert_same("the ledger", &ledger, samples);
}

// Some senders re-encode what lies on their disk: then "what was sent" is not the file. They are tested with files that they leave alone.

/// DCMTK's senders turn Implicit VR into Explicit VR where the receiver takes both.
fn explicit(sample: &Sample) -> bool {
    sample.syntax == EXPLICIT_LE
}

/// dicom-rs writes every sequence with undefined length; the images made here have none.
fn without_sequences(sample: &Sample) -> bool {
    !sample.path.starts_with(installed("data/odd"))
}

/// Through the box with one of other people's senders.
fn check_sender(sender: Sender, leaves_alone: fn(&Sample) -> bool) {
    let folder = Folder::new();
    let samples: Vec<Sample> = files(&folder).into_iter().filter(leaves_alone).collect();
    check(&folder, &samples, |appliance, samples| sender.send(appliance.dicom(), samples));
}

#[test]
fn storescu() {
    check_sender(Sender::Storescu, explicit);
}

#[test]
fn dcmsend() {
    check_sender(Sender::Dcmsend, explicit);
}

#[test]
fn pynetdicom() {
    check_sender(Sender::Pynetdicom, |_| true);
}

#[test]
fn dicom_rs() {
    check_sender(Sender::DicomRs, without_sequences);
}

#[test]
fn our_own_send_command() {
    let folder = Folder::new();
    check(&folder, &files(&folder), |appliance, samples| {
        let to = appliance.dicom().to_string();
        let paths: Vec<&str> = samples.iter().map(|s| s.path.to_str().expect("paths of tests are text")).collect();
        run(appliance.command(&["send", "--to", &to, "--called", CALLED]).args(paths));
    });
}

#[test]
fn orthanc() {
    let folder = Folder::new();
    let samples = files(&folder);
    let pacs = Orthanc::start(&folder, "pacs", &json!({}));
    let appliance = Setup::new(&folder).stow("orthanc", &pacs.url(), "").start();
    let modality = Orthanc::start(&folder, "modality", &json!({ "box": [CALLED, "127.0.0.1", appliance.dicom().port()] }));
    let ids: Vec<String> = samples.iter().map(|s| modality.import(Path::new(&s.path))).collect();
    modality.send("box", &ids);
    appliance.delivered(samples.len());
    assert_same("Orthanc", &pacs.holds(), &samples);
}

#[test]
fn echo_is_answered_by_the_box_and_by_nobody_else() {
    let folder = Folder::new();
    let appliance = Setup::new(&folder).start();
    let port = appliance.dicom().port().to_string();
    let echo =
        |port: &str| std::process::Command::new("echoscu").args(["-aec", CALLED, "127.0.0.1", port]).status().expect("DCMTK is installed");
    assert!(echo(&port).success());
    assert!(!echo(&free_port().to_string()).success());
}
