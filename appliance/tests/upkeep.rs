//! Backup, restore, verify, migrate: the data can be taken away, brought back and checked.

mod common;

use common::{Box, text};
use serde_json::json;

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
fn schemas_go_down_by_command_and_up_at_start_and_an_unknown_one_is_refused() {
    let mut appliance = Box::started("");
    assert_eq!(appliance.cli(&["migrate", "--to", "1"]).status.code(), Some(75), "not beside a running box");
    assert!(appliance.stop().success());
    let files = |appliance: &Box, to: &str| appliance.json(&["migrate", "--to", to])["files"].as_array().unwrap().clone();
    assert!(files(&appliance, "2").iter().all(|file| file["copy"].is_null()), "the box has the newest already");
    let down = files(&appliance, "1");
    let copied: Vec<_> = down.iter().filter(|file| !file["copy"].is_null()).collect();
    assert_eq!(
        (copied.len(), &copied[0]["from"], &copied[0]["to"]),
        (1, &json!(2), &json!(1)),
        "only accounts have a second schema: {down:?}"
    );
    appliance.start();
    assert!(appliance.stop().success());
    assert!(files(&appliance, "2").iter().all(|file| file["copy"].is_null()), "brought up at start");
    let unknown = appliance.cli(&["migrate", "--to", "4711"]);
    assert_eq!(unknown.status.code(), Some(1), "{}", text(&unknown.stdout));
    let said = text(&unknown.stderr);
    assert!(said.contains("the data cannot be brought to schema 4711: this release knows the schemas 1 to 2"), "{said}");
}
