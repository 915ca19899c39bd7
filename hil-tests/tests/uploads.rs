//! Uploads through the whole box: nothing acknowledged is lost whatever is killed, what arrives is what was sent, and nobody waits for a PACS.

use std::{
    collections::BTreeMap,
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, sleep},
    time::{Duration, Instant},
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use relaypacs_hil_tests::{
    appliance::{Appliance, Setup},
    data::{Image, Kind, study},
    ledger::{Ack, all_reach},
    peers::{Orthanc, StowSink},
    place::{Folder, campaign},
    uploads::{Upload, UploadFile, add_user, sign_in},
    wait,
    web::Web,
};
use serde_json::{Value, json};

/// Longer than any restart.
const PATIENCE: Duration = Duration::from_secs(120);

fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

/// Images of a study as files.
fn files(kind: Kind, number: u64, images: u32) -> Vec<UploadFile> {
    study(kind, number, images, 1)
        .map(|image| {
            UploadFile::of(
                format!("f{}", image.instance_uid().replace('.', "-").chars().rev().take(40).collect::<String>()),
                &image.object(),
            )
        })
        .collect()
}

fn nothing() -> Value {
    json!({})
}

/// A box with a clinician, and their access token.
fn with_clinician(setup: Setup) -> (Appliance, String) {
    let appliance = setup.start();
    add_user(&appliance, "dr-a", "clinician");
    let access = sign_in(appliance.web(), "dr-a");
    (appliance, access)
}

/// Uploads study after study until told to stop; notes what was promised.
fn keep_uploading(port: u16, access: &str, worker: u64, stop: &AtomicBool, acks: &Mutex<Vec<Ack>>) -> u64 {
    let web = Web::new(port);
    let mut uploads = 0;
    while !stop.load(Ordering::Relaxed) {
        let files = files(Kind::Ct, worker * 10_000 + uploads, 3);
        let begun = wait::until("an upload begins", PATIENCE, || {
            Upload::try_begin(&web, access, &files, &json!({"clinical_history": "fell"}))
                .filter(|answer| !matches!(answer.status, 503 | 507))
        });
        assert_eq!(begun.status, 201, "{}", begun.text());
        let mut upload = Upload::of(&web, &begun.json());
        upload.send_all(&files, deadline());
        wait::until("the box answers", PATIENCE, || upload.ask("GET", "/status", "").filter(|answer| answer.status == 200));
        let done = upload.complete(deadline());
        assert_eq!(done["status"], "success", "{done}");
        acks.lock().unwrap().extend(files.iter().map(|file| Ack { entry: file.entry.clone(), status: "0000".into() }));
        uploads += 1;
    }
    uploads
}

#[test]
fn kills_during_parallel_uploads_lose_no_acknowledged_chunk() {
    let kills = campaign("HIL_KILLS", 20);
    let seed = campaign("HIL_SEED", rand::random_range(1..1_000_000));
    let mut random = StdRng::seed_from_u64(seed);
    let folder = Folder::new();
    let sink = StowSink::start(&folder, "pacs", &[]);
    let setup = Setup::new(&folder)
        .buffer("segment_bytes = \"16MiB\"\nmax_bytes = \"1GiB\"\nretention = \"1s\"")
        .section("[limits]\nupload_init = \"off\"\nchunk = \"off\"\ncomplete = \"off\"")
        .stow("pacs", &sink.url(), "");
    let (mut appliance, access) = with_clinician(setup);
    let (stop, acks) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let port = appliance.http_port();
    let (access, stop, acks) = (access.as_str(), &stop, &acks);
    let uploads: u64 = thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|worker| scope.spawn(move || keep_uploading(port, access, seed + worker, stop, acks))).collect();
        // One upload is only begun: what was acknowledged of it must be there after every kill.
        let watched = files(Kind::Ct, seed + 500_000, 12);
        let web = Web::new(port);
        let mut slow = Upload::begin(&web, access, &watched, &nothing());
        let chunks: Vec<(usize, u32)> = watched
            .iter()
            .enumerate()
            .flat_map(|(file, at)| (0..at.bytes.len().div_ceil(512 << 10) as u32).map(move |index| (file, index)))
            .collect();
        for kill in 0..kills {
            if let Some((file, index)) = chunks.get(kill as usize) {
                let bytes = watched[*file].bytes.chunks(512 << 10).nth(*index as usize).unwrap();
                wait::until("a chunk is taken", PATIENCE, || slow.send(&watched[*file], *index, bytes).then_some(()));
            }
            sleep(Duration::from_millis(random.random_range(100..1_200)));
            assert!(!appliance.has_ended(), "the box ended by itself:\n{}", appliance.log());
            appliance.kill();
            appliance.start();
            slow.assert_keeps();
        }
        stop.store(true, Ordering::Relaxed);
        let uploads = workers.into_iter().map(|worker| worker.join().expect("a client ends when told")).sum();
        slow.send_all(&watched, deadline());
        assert_eq!(slow.complete(deadline())["status"], "success");
        acks.lock().unwrap().extend(watched.iter().map(|file| Ack { entry: file.entry.clone(), status: "0000".into() }));
        uploads
    });
    let ledger = all_reach(&sink, &acks.lock().unwrap());
    println!("seed {seed}, {kills} kills, {uploads} uploads; {ledger}");
    ledger.assert_holds();
    appliance.drained();
    appliance.stop();
    println!("verify: {}", appliance.json(&["verify"]));
}

#[test]
fn complete_does_not_wait_for_a_pacs_that_is_away_nor_does_anybody_else() {
    let folder = Folder::new();
    let mut sink = StowSink::stopped(&folder, "pacs", &[]);
    let (appliance, access) = with_clinician(Setup::new(&folder).stow("pacs", &sink.url(), ""));
    let web = appliance.web();
    let first = files(Kind::Ct, 1, 4);
    let mut upload = Upload::begin(web, &access, &first, &nothing());
    upload.send_all(&first, deadline());
    let asked = Instant::now();
    let answer = upload.ask("POST", "/complete", "").expect("an answer");
    println!("complete answered after {:?} with the PACS away", asked.elapsed());
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("success")), "{}", answer.text());
    assert!(answer.json()["pacs_receipt_id"].is_null(), "nothing is delivered yet: {}", answer.text());
    let status = |upload: &Upload<'_>| upload.ask("GET", "/status", "").expect("an answer").json();
    assert!(["queued", "forwarding", "retrying"].contains(&status(&upload)["pacs_status"].as_str().unwrap()), "{}", status(&upload));
    // Others go on meanwhile, and the same study is refused as uploaded, which it is: the bytes are safe.
    let second = files(Kind::Ct, 2, 2);
    let mut other = Upload::begin(web, &access, &second, &nothing());
    other.send_all(&second, deadline());
    assert_eq!(other.complete(deadline())["status"], "success");
    let again = Upload::try_begin(web, &access, &first, &json!({"force_upload": false})).expect("an answer");
    assert_eq!((again.status, &again.json()["code"]), (409, &json!("DUPLICATE_STUDY")));

    sink.switch_on();
    let acks: Vec<Ack> = first.iter().chain(&second).map(|file| Ack { entry: file.entry.clone(), status: "0000".into() }).collect();
    let ledger = all_reach(&sink, &acks);
    ledger.assert_holds();
    assert!(ledger.duplicated.is_empty(), "{ledger}");
    wait::for_true("the upload is delivered", PATIENCE, || status(&upload)["pacs_status"] == "delivered");
    assert!(status(&upload)["pacs_receipt_id"].is_string(), "{}", status(&upload));
}

#[test]
fn what_the_pacs_refuses_is_not_called_delivered() {
    let folder = Folder::new();
    let sink = StowSink::start(&folder, "pacs", &["--fault", "fail:A900"]);
    let (appliance, access) = with_clinician(Setup::new(&folder).stow("pacs", &sink.url(), ""));
    let files = files(Kind::Mr, 1, 3);
    let mut upload = Upload::begin(appliance.web(), &access, &files, &nothing());
    upload.send_all(&files, deadline());
    assert_eq!(upload.complete(deadline())["status"], "success");
    let status = || upload.ask("GET", "/status", "").expect("an answer").json();
    wait::for_true("the upload is known to be held", PATIENCE, || status()["pacs_status"] == "failed");
    assert!(status()["pacs_receipt_id"].is_null());
    let truncated = Upload::begin(appliance.web(), &access, &files, &nothing());
    let refused = truncated.ask("POST", "/complete", "").expect("an answer");
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("incomplete")));
}

#[test]
fn orthanc_takes_an_upload_and_shows_the_clinical_history() {
    let folder = Folder::new();
    let orthanc = Orthanc::start(&folder, "orthanc", &json!({}));
    let (appliance, access) = with_clinician(Setup::new(&folder).stow("orthanc", &orthanc.url(), ""));
    let images: Vec<Image> = study(Kind::Ct, 7, 5, 1).collect();
    let files: Vec<UploadFile> =
        images.iter().enumerate().map(|(place, image)| UploadFile::of(place.to_string(), &image.object())).collect();
    let history = "Sturz von der Leiter. Pain in the left wrist since yesterday.";
    let mut upload = Upload::begin(appliance.web(), &access, &files, &json!({"clinical_history": history}));
    upload.send_all(&files, deadline());
    assert_eq!(upload.complete(deadline())["status"], "success");
    let held = wait::until("Orthanc has the study and its history", PATIENCE, || {
        Some(orthanc.holds()).filter(|held| held.len() == files.len() + 1)
    });
    for file in &files {
        assert_eq!(held.get(&file.entry.0), Some(&file.entry.1), "{} arrived as it was sent", file.entry.0);
    }
    let documents =
        orthanc.web.post("/tools/find", json!({"Level": "Instance", "Query": {"Modality": "SR"}, "Expand": true}).to_string()).json();
    let document = &documents[0];
    assert_eq!(documents.as_array().map(Vec::len), Some(1), "{documents}");
    let id = document["ID"].as_str().unwrap();
    let shown = orthanc.web.get(&format!("/instances/{id}/simplified-tags")).json();
    assert_eq!(shown["StudyInstanceUID"], images[0].study_uid());
    assert!(shown["ContentSequence"].to_string().contains("left wrist"), "{shown}");

    let file = folder.join("history.dcm");
    std::fs::write(&file, orthanc.web.get(&format!("/instances/{id}/file")).body).expect("the test's folder");
    let checked = Command::new("dciodvfy").arg(&file).output().expect("dicom3tools, which run.sh installs");
    let said = String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned();
    assert!(said.contains("BasicTextSR"), "{said}");
    assert!(!said.lines().any(|line| line.starts_with("Error")), "{said}");
}

/// DEV-BE-03: two archives of different kinds, one of them away, and a box that dies meanwhile.
#[test]
fn both_pacs_get_the_same_upload_and_the_receipt_outlives_a_restart() {
    let folder = Folder::new();
    let orthanc = Orthanc::start(&folder, "orthanc", &json!({}));
    let mut dcm4chee = StowSink::stopped(&folder, "dcm4chee", &["--flavour", "dcm4chee"]);
    let setup = Setup::new(&folder).stow("orthanc", &orthanc.url(), "").stow("dcm4chee", &dcm4chee.url(), "");
    let (mut appliance, access) = with_clinician(setup);
    let web = Web::new(appliance.http_port());
    let files = files(Kind::Ct, 3, 6);
    let mut upload = Upload::begin(&web, &access, &files, &nothing());
    upload.send_all(&files, deadline());
    assert_eq!(upload.complete(deadline())["status"], "success");
    let sent: BTreeMap<String, String> = files.iter().map(|file| file.entry.clone()).collect();
    wait::for_true("Orthanc has it", PATIENCE, || orthanc.holds() == sent);
    let status = || upload.ask("GET", "/status", "").expect("an answer").json();
    let early = status();
    assert!(early["pacs_status"] != "delivered" && early["pacs_receipt_id"].is_null(), "one of two is not all: {early}");

    appliance.kill();
    appliance.start();
    dcm4chee.switch_on();
    wait::for_true("both have it", PATIENCE, || status()["pacs_status"] == "delivered");
    assert_eq!(dcm4chee.arrivals().into_iter().collect::<BTreeMap<_, _>>(), sent);
    assert_eq!(orthanc.holds(), sent);
    let receipt = status()["pacs_receipt_id"].clone();
    let study = status()["study_instance_uids"][0].as_str().expect("a study").to_owned();
    assert!(
        receipt.as_str().is_some_and(|url| url.starts_with(&orthanc.url()) && url.ends_with(&format!("/studies/{study}"))),
        "{receipt}"
    );

    assert!(appliance.stop().success());
    appliance.start();
    assert_eq!(status()["pacs_receipt_id"], receipt);
}
