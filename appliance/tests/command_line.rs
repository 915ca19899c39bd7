//! The command line: exit codes, messages, what is printed for people and for scripts.

mod common;

use std::{fs, os::unix::process::CommandExt, path::Path};

use common::{Box, free_port, relaypacs, run, study, text};
use serde_json::Value;

#[track_caller]
fn check(arguments: &[&str], code: i32, said: &str) {
    let output = run(arguments);
    let heard = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {heard}");
    assert!(heard.contains(said), "{arguments:?} says: {heard}");
}

#[test]
fn exit_codes_say_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("relaypacs.toml");
    fs::write(&config, "[dicom]\n\nprot = 104\n").unwrap();
    let (config, nowhere) = (config.to_str().unwrap(), folder.path().join("nowhere"));
    let nowhere = nowhere.to_str().unwrap();
    check(&["frobnicate"], 2, "unrecognized subcommand");
    check(&["log", "info,forwrd=debug"], 2, "did you mean \"forward\"?");
    check(&["log", "loud"], 2, "off, error, warn, info, debug or trace");
    check(&["priority", "1.2.3", "soon"], 2, "stat, emergency, routine or subspecialty");
    check(&["--config", config, "serve"], 64, "relaypacs.toml:3: dicom: unknown key \"prot\"; did you mean \"port\"?");
    check(&["--config", config, "check"], 64, "did you mean");
    check(&["--config", "/nonexistent/relaypacs.toml", "check"], 64, "/nonexistent/relaypacs.toml");
    check(&["--data-dir", nowhere, "status"], 69, "systemctl start relaypacs");
    check(&["--data-dir", nowhere, "--json", "status"], 69, "\"exit_code\":69");
    check(&["send", config, "--to", "127.0.0.1:1"], 1, "is not a DICOM file");
    assert!(!Path::new(nowhere).exists(), "asking makes no data directory");
}

#[test]
fn a_closed_data_directory_is_not_taken_for_a_box_that_does_not_run() {
    let appliance = Box::started("");
    let mut command = relaypacs();
    // Somebody who may walk up to the data directory but not into it.
    fs::set_permissions(appliance.folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    } else {
        fs::set_permissions(appliance.data_dir(), std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    }
    let output = command.arg("--data-dir").arg(appliance.data_dir()).arg("status").output().unwrap();
    let said = text(&output.stderr);
    fs::set_permissions(appliance.data_dir(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    assert_eq!(output.status.code(), Some(77), "{said}");
    assert!(said.contains("run as root or relaypacs"), "{said}");
}

#[test]
fn check_prints_what_is_in_effect_and_where_it_comes_from_is_no_matter() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("relaypacs.toml");
    fs::write(&config, "[dicom]\nport = 104\n[site]\nname = \"file\"\n").unwrap();
    let output = relaypacs()
        .args(["--json", "--config", config.to_str().unwrap(), "--set", "dicom.ae_title=SET", "check"])
        .env("RELAYPACS_SITE__NAME", "environment")
        .output()
        .unwrap();
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let config = &shown["config"];
    assert_eq!((&config["dicom"]["port"], &config["dicom"]["ae_title"]), (&104.into(), &"SET".into()));
    assert_eq!(config["site"]["name"], "environment");
    assert!(shown["notes"].to_string().contains("DICOM over TLS comes with a later release"), "{shown}");
}

#[test]
fn the_annotated_example_is_good_as_it_is() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/relaypacs.toml");
    check(&["--config", example, "check"], 0, "The configuration is good.");
}

#[test]
fn generated_texts_are_there() {
    check(&["completions", "bash"], 0, "_relaypacs");
    check(&["completions", "fish"], 0, "complete -c relaypacs");
    check(&["man"], 0, ".TH relaypacs");
    check(&["openapi"], 0, "\"openapi\":\"3.1.0\"");
    let folder = tempfile::tempdir().unwrap();
    check(&["man", "--directory", folder.path().to_str().unwrap()], 0, "manual pages written");
    assert!(folder.path().join("relaypacs-send.1").exists());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = relaypacs().arg("openapi").stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn people_and_scripts_read_the_same_things() {
    let (appliance, _) = Box::with_archive();
    let (uid, instances) = appliance.send_study(1, 2, &[]);
    appliance.delivered(&uid, instances.len());

    let status = appliance.json(&["status"]);
    assert_eq!((&status["ready"], &status["dicom_port"]), (&true.into(), &appliance.dicom.into()), "{status}");
    assert_eq!(status["destinations"][0]["name"], "archive");
    let studies = appliance.json(&["studies"]);
    assert_eq!(studies["studies"][0]["study_instance_uid"], uid.as_str());
    assert_eq!(studies["studies"][0]["deliveries"][0]["state"], "delivered");
    let detail = appliance.json(&["studies", uid.as_str()]);
    assert_eq!(detail["series"][0]["instances"].as_array().unwrap().len(), instances.len());

    let shown = |arguments: &[&str], words: &[&str]| {
        let output = appliance.cli(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        let stdout = text(&output.stdout);
        assert!(words.iter().all(|word| stdout.contains(word)), "{arguments:?}: {stdout}");
    };
    shown(&["status"], &["takes studies", "archive", "folder", "up"]);
    shown(&["studies"], &[uid.as_str(), "SECRET^PATIENT", "OT", "archive delivered 2/2"]);
    shown(&["studies", uid.as_str()], &[uid.as_str(), "SERIES"]);
    shown(&["studies", uid.as_str(), "--ledger"], &[instances[1].uid.as_str(), &instances[1].sha256()[..16], "file"]);
    shown(&["queue"], &["archive", "Nothing is held."]);
    shown(&["scrub"], &["2 objects read", "0 damaged"]);
    shown(&["retry", uid.as_str()], &["nothing of it is held"]);
    for unknown in [&["studies", "1.2.3.4"][..], &["pause", "nobody"], &["resume", "nobody"], &["echo", "nobody"], &["retry", "1.2.3.4"]] {
        let output = appliance.cli(unknown);
        assert_eq!(output.status.code(), Some(1), "{unknown:?}: {}", text(&output.stderr));
    }
    let nobody = text(&appliance.cli(&["pause", "nobody"]).stderr);
    assert!(nobody.contains("no destination is configured under the name nobody") && nobody.contains("relaypacs status"), "{nobody}");
}

#[test]
fn send_reports_each_instance_and_the_whole() {
    let appliance = Box::started("");
    let files = appliance.folder.path().join("files");
    study(&files, 1, 3);
    fs::write(files.join("README"), "no image").unwrap();
    let output = appliance.send(&files, &["--json"]);
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[..3].iter().all(|line| line["status"] == "0000" && line["stored"] == true), "{lines:?}");
    assert_eq!((&lines[3]["stored"], &lines[3]["failed"]), (&3.into(), &0.into()));
    let people = appliance.send(&files, &[]);
    assert!(text(&people.stdout).contains("3 instances stored") && text(&people.stderr).contains("1 file passed over"));
}

#[test]
fn a_refused_sender_hears_why() {
    let appliance = Box::started("[[modality]]\nae_title = \"CT1\"\n");
    let files = appliance.folder.path().join("files");
    study(&files, 1, 1);
    let address = format!("127.0.0.1:{}", appliance.dicom);
    let send = |more: &[&str]| run(&[&["send", files.to_str().unwrap(), "--to", &address], more].concat());
    assert_eq!(send(&["--calling", "CT1"]).status.code(), Some(0));
    assert_eq!(send(&["--calling", "MR1"]).status.code(), Some(1));
    assert_eq!(send(&["--calling", "CT1", "--called", "OTHER"]).status.code(), Some(1));
    let nobody = run(&["send", files.to_str().unwrap(), "--to", &format!("127.0.0.1:{}", free_port())]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(text(&nobody.stderr).contains("relaypacs echo"), "{}", text(&nobody.stderr));
}

#[test]
fn echo_answers_for_any_dicom_node() {
    let appliance = Box::started("");
    let address = format!("127.0.0.1:{}", appliance.dicom);
    check(&["echo", &address, "RELAYPACS"], 0, "association");
    check(&["echo", &address, "OTHER"], 1, "check both AE titles");
    check(&["echo", &format!("127.0.0.1:{}", free_port())], 1, "step tcp failed");
}
