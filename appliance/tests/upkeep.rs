//! Backup, restore, verify, migrate: the data can be taken away, brought back and checked.

mod common;

use common::{Box, text};

#[test]
fn a_backup_restores_to_the_same_ledger_and_verifies() {
    let (mut appliance, _) = Box::with_archive();
    let (uid, instances) = appliance.send_study(1, 5, &[]);
    let before = appliance.delivered(&uid, instances.len());
    let busy = appliance.cli(&["verify"]);
    assert_eq!(busy.status.code(), Some(75), "{}", text(&busy.stderr));

    let backup = appliance.folder.path().join("backup");
    let backup = backup.to_str().unwrap();
    assert_eq!(appliance.json(&["backup", backup])["ok"], true);
    assert_eq!(appliance.cli(&["backup", backup]).status.code(), Some(1), "it is no longer empty");
    assert!(appliance.stop().success());
    assert_eq!(appliance.json(&["verify"])["ok"], true);

    let occupied = appliance.cli(&["restore", backup]);
    assert!(text(&occupied.stderr).contains("is not an empty folder"), "{}", text(&occupied.stderr));
    std::fs::rename(appliance.data_dir(), appliance.folder.path().join("old")).unwrap();
    assert_eq!(appliance.json(&["restore", backup])["ok"], true);
    assert_eq!(appliance.json(&["verify"])["ok"], true);
    appliance.start();
    assert_eq!(appliance.delivered(&uid, instances.len()), before);
}

#[test]
fn the_schema_that_is_there_needs_no_migration_and_an_unknown_one_is_refused() {
    let mut appliance = Box::started("");
    assert_eq!(appliance.cli(&["migrate", "--to", "1"]).status.code(), Some(75), "not beside a running box");
    assert!(appliance.stop().success());
    let files = appliance.json(&["migrate", "--to", "1"])["files"].as_array().unwrap().clone();
    assert!(files.iter().all(|file| file["from"] == 1 && file["to"] == 1 && file["copy"].is_null()), "{files:?}");
    let unknown = appliance.cli(&["migrate", "--to", "4711"]);
    assert_eq!(unknown.status.code(), Some(1), "{}", text(&unknown.stdout));
    let said = text(&unknown.stderr);
    assert!(said.contains("cannot be brought to schema 4711: this release knows schema 1 only"), "{said}");
}
