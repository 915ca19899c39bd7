//! The daemon as systemd and its neighbours see it: readiness, permissions, one box a data directory, an orderly end.

mod common;

use std::os::unix::fs::PermissionsExt;

use common::{Box, run, text};

#[test]
fn starts_says_so_and_ends_when_told() {
    let mut appliance = Box::started("");
    assert_eq!(appliance.get("/readyz").0, 200);
    assert_eq!(appliance.get("/healthz").0, 200);
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&appliance.data_dir()), 0o700);
    assert_eq!(mode(&appliance.data_dir().join("admin.sock")), 0o600);
    let status = appliance.stop();
    assert_eq!(status.code(), Some(0), "{}", appliance.log());
    assert!(!appliance.log().contains("ERROR"), "a box without destinations runs as quietly as any: {}", appliance.log());
    assert!(!appliance.data_dir().join("admin.sock").exists());
}

#[test]
fn a_second_daemon_on_the_same_data_is_refused_and_told_who_holds_it() {
    let appliance = Box::started("");
    let mut second = Box::new("");
    second.configure("");
    std::fs::copy(appliance.config_file(), second.config_file()).unwrap();
    let data = appliance.data_dir();
    let output = run(&["--data-dir", data.to_str().unwrap(), "--set", "dicom.port=0", "--set", "http.plain_port=0", "serve"]);
    assert_eq!(output.status.code(), Some(75));
    assert!(text(&output.stderr).contains(&appliance.pid().to_string()), "{}", text(&output.stderr));
    assert!(data.join("admin.sock").exists(), "the first one's socket stays");
    assert_eq!(appliance.json(&["status"])["ready"], true);
}

#[test]
fn a_taken_port_is_named() {
    let appliance = Box::started("");
    let folder = tempfile::tempdir().unwrap();
    let (data, port) = (folder.path().join("data"), format!("dicom.port={}", appliance.dicom));
    let output = run(&[
        "--data-dir",
        data.to_str().unwrap(),
        "--set",
        "dicom.bind=127.0.0.1",
        "--set",
        &port,
        "--set",
        "http.plain_port=0",
        "serve",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains(&format!("dicom.port cannot listen on 127.0.0.1:{}", appliance.dicom)),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn the_log_has_no_patient_data() {
    let mut appliance = Box::new("[log]\nlevel = \"trace\"\nformat = \"json\"\n");
    appliance.start();
    let files = appliance.folder.path().join("files");
    let (study, _) = common::study(&files, 1, 3);
    appliance.send(&files, &[]);
    appliance.json(&["studies", study.as_str()]);
    assert!(appliance.stop().success());
    let log = appliance.log();
    assert!(!log.contains("SECRET"), "{log}");
    assert!(log.lines().count() > 5, "{log}");
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}

#[test]
fn log_levels_change_while_it_runs() {
    let mut appliance = Box::started("[log]\nlevel = \"error\"\nformat = \"json\"\n");
    assert_eq!(appliance.json(&["log", "info,http=debug"])["filter"], "info,http=debug");
    assert!(appliance.stop().success());
    let log = appliance.log();
    assert!(!log.contains("the box takes studies"), "said before, at error: {log}");
    assert!(log.contains("\"stopped\""), "said afterwards, at info: {log}");
}
