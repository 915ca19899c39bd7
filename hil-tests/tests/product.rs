//! The product as it is delivered: the demo, the annotated configuration, the unit file, the command line.

use std::{fs, process::Command};

use relaypacs_hil_tests::{
    appliance::Setup,
    place::{Folder, built, repository},
    process::run,
};
use serde_json::Value;

#[test]
fn the_demo_ends_with_every_instance_proven() {
    let folder = Folder::new();
    let said = run(Command::new(built("relaypacs")).args(["demo", "--once"]).current_dir(folder.path()));
    println!("{said}");
}

#[test]
fn the_annotated_configuration_is_accepted() {
    let folder = Folder::new();
    let example = repository().join("configs/relaypacs.toml");
    run(Command::new(built("relaypacs")).arg("--config").arg(example).arg("--data-dir").arg(folder.join("data")).arg("check"));
}

#[test]
fn a_wrong_key_is_refused_with_the_nearest_right_one() {
    let folder = Folder::new();
    let file = folder.join("wrong.toml");
    fs::write(&file, "[dicom]\nae_titel = \"X\"\n").expect("the test's folder");
    let output = Command::new(built("relaypacs")).arg("--config").arg(&file).arg("check").output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("ae_title"));
}

#[test]
fn the_unit_file_is_hardened() {
    let units: Vec<_> = walk(&repository().join("configs")).into_iter().filter(|p| p.extension().is_some_and(|e| e == "service")).collect();
    assert!(!units.is_empty(), "there is a unit file below configs/");
    for unit in units {
        run(Command::new("systemd-analyze").args(["security", "--offline=yes", "--threshold=20", "--no-pager"]).arg(unit));
    }
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir).expect("a folder").map(|e| e.expect("an entry").path());
    entries.flat_map(|p| if p.is_dir() { walk(&p) } else { vec![p] }).collect()
}

#[test]
fn every_table_has_its_json() {
    let folder = Folder::new();
    let appliance = Setup::new(&folder).start();
    let status: Value = appliance.json(&["status"]);
    assert!(status["version"].is_string() && status["queue"]["instances"] == 0, "{status}");
    assert!(appliance.json(&["studies"])["studies"].as_array().is_some_and(Vec::is_empty));
    appliance.json(&["queue"]);
}

#[test]
fn commands_say_with_their_exit_code_that_no_box_runs() {
    let folder = Folder::new();
    let output = Command::new(built("relaypacs")).arg("--data-dir").arg(folder.path()).arg("status").output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(69), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn no_binary_links_openssl() {
    let needed = run(Command::new("ldd").arg(built("relaypacs")));
    assert!(!needed.contains("ssl") && !needed.contains("crypto"), "{needed}");
}
