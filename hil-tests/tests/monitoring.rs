//! What the box says about itself: metrics as Prometheus wants them, readiness, and never a patient's name.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use relaypacs_hil_tests::{
    appliance::{Appliance, Setup},
    data::{Kind, study},
    part10::{Object, STUDY},
    peers::{Prometheus, StowSink},
    place::Folder,
    senders::CALLED,
    uploads::{Upload, UploadFile, add_user, sign_in},
    wire::{Association, Priority, Proposal},
};
use serde_json::json;

/// A box that has received and delivered something.
fn busy(folder: &Folder) -> (Appliance, StowSink, Vec<Object>) {
    let sink = StowSink::start(folder, "pacs", &["--fault", "status:503,times=1"]);
    let appliance = Setup::new(folder).stow("pacs", &sink.url(), "").start();
    let objects: Vec<Object> = study(Kind::Mr, 1, 10, 2).map(|i| i.object()).collect();
    let mut association = Association::open(appliance.dicom(), &Proposal::for_objects(CALLED, "MR1", &objects)).expect("an association");
    for object in &objects {
        assert_eq!(association.store(object, Priority::Medium).expect("an answer").status, 0);
    }
    association.release().expect("a release");
    appliance.delivered(objects.len());
    (appliance, sink, objects)
}

#[test]
fn promtool_finds_nothing_to_complain_about() {
    let folder = Folder::new();
    let (appliance, _sink, _) = busy(&folder);
    let metrics = appliance.web().get("/metrics").body;
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool");
    promtool.stdin.take().expect("a pipe").write_all(&metrics).expect("promtool reads");
    let output = promtool.wait_with_output().expect("promtool ends");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

#[test]
fn prometheus_scrapes_what_the_stories_ask_for() {
    let folder = Folder::new();
    let (appliance, _sink, _) = busy(&folder);
    add_user(&appliance, "dr-a", "clinician");
    let access = sign_in(appliance.web(), "dr-a");
    let files: Vec<UploadFile> = study(Kind::Ct, 2, 2, 1).zip(["a", "b"]).map(|(image, id)| UploadFile::of(id, &image.object())).collect();
    let within = Instant::now() + Duration::from_secs(60);
    let mut upload = Upload::begin(appliance.web(), &access, &files, &json!({}));
    upload.send_all(&files, within);
    assert_eq!(upload.complete(within)["status"], "success");
    let prometheus = Prometheus::start(&folder, appliance.http_port());
    let is = |query: &str, wanted: f64| assert!((prometheus.value(query) - wanted).abs() < f64::EPSILON, "{query}");
    is("up", 1.0);
    is("relaypacs_upload_success_rate%7Bsource=%22dicom%22%7D", 1.0);
    is("relaypacs_upload_success_rate%7Bsource=%22http%22%7D", 1.0);
    is("relaypacs_pacs_connectivity", 1.0);
    assert!(prometheus.value("relaypacs_chunk_upload_duration_seconds_count") >= 2.0, "a sample for each chunk");
    assert!(prometheus.value("relaypacs_chunk_upload_duration_seconds_sum") > 0.0);
    assert!(prometheus.value("count(%7B__name__=~%22relaypacs_.*%22%7D)") > 20.0);
}

#[test]
fn neither_log_nor_metrics_nor_errors_name_a_patient() {
    let folder = Folder::new();
    let (mut appliance, _sink, objects) = busy(&folder);
    let mut said =
        appliance.web().get("/metrics").text() + &appliance.web().get("/readyz").text() + &appliance.web().get("/healthz").text();
    appliance.cli(&["log", "debug"]);
    let _ = appliance.try_cli(&["studies", "1.2.3.4"]);
    let study = objects[0].uid(STUDY).expect("a study");
    appliance.ledger(&study);
    assert!(appliance.stop().success());
    said += &appliance.log();
    for name in ["ller^Generated", "Generated", "P0000001"] {
        assert!(!said.contains(name), "{name} in\n{said}");
    }
}

#[test]
fn every_job_is_shown_with_its_next_run() {
    let folder = Folder::new();
    let mut appliance = Setup::new(&folder).start();
    let jobs = appliance.system()["schedule"].as_array().expect("a list").clone();
    let named: Vec<&str> = jobs.iter().filter_map(|job| job["job"].as_str()).collect();
    assert_eq!(named, ["clean-up", "report-sync", "audit-check", "statistics-roll-up", "certificate-renewal", "scrub"]);
    for job in &jobs {
        assert!(job["next_run"].as_str().is_some_and(|at| at.ends_with('Z')), "{job}");
    }
    assert!(appliance.stop().success(), "jobs do not hold up the end");
}
