//! P4: what cannot be delivered is held, says why and what to do, and goes on when somebody did it.

mod common;

use common::{Box, study, text};
use serde_json::Value;

#[test]
fn without_a_destination_a_study_is_held_until_one_is_added() {
    let mut appliance = Box::started("");
    let files = appliance.folder.path().join("files");
    let (uid, instances) = study(&files, 1, 3);
    appliance.send(&files, &[]);

    let queue = appliance.json(&["queue"]);
    assert_eq!(queue["total"]["held"], instances.len(), "{queue}");
    let held = &queue["held"][0];
    assert_eq!(held["study_instance_uid"], uid.as_str());
    assert_eq!(held["deliveries"][0]["error"]["code"], "no_destination");
    let shown = text(&appliance.cli(&["queue"]).stdout);
    assert!(shown.contains("add a destination"), "{shown}");
    assert_eq!(appliance.json(&["studies", "--state", "held"])["total"], 1);
    assert_eq!(appliance.json(&["studies", "--state", "delivered"])["total"], 0);

    let archive = appliance.folder.path().join("archive");
    appliance.configure(&Box::folder_destination("archive", &archive));
    assert!(appliance.stop().success());
    appliance.start();
    appliance.delivered(&uid, instances.len());
    assert_eq!(appliance.json(&["queue"])["total"]["held"], 0);
}

#[test]
fn what_cannot_leave_can_be_given_up_and_the_ledger_says_so() {
    let mut appliance = Box::new("");
    let files = appliance.folder.path().join("files");
    // A folder that cannot be made: what is to hold it is no folder.
    let blocked = appliance.folder.path().join("notify").join("archive");
    appliance.configure(&Box::folder_destination("archive", &blocked));
    appliance.start();
    let (uid, _) = study(&files, 1, 2);
    appliance.send(&files, &[]);
    let state = |entry: &Value| entry["deliveries"][0]["state"].as_str().unwrap_or_default().to_owned();
    appliance.ledger_until(&uid, |entries| entries.len() == 2);

    let unsure = appliance.cli(&["release", uid.as_str(), "--destination", "archive"]);
    assert_eq!(unsure.status.code(), Some(2));
    assert!(text(&unsure.stderr).contains("--yes"));
    assert_eq!(appliance.json(&["release", uid.as_str(), "--destination", "archive", "--yes"])["deliveries"], 2);
    appliance.ledger_until(&uid, |entries| entries.iter().all(|entry| state(entry) == "given_up"));
}

#[test]
fn priority_and_pause_are_taken() {
    let (appliance, _) = Box::with_archive();
    assert_eq!(appliance.json(&["pause", "archive"])["paused"], true);
    let (uid, instances) = appliance.send_study(1, 2, &[]);
    assert_eq!(appliance.json(&["priority", uid.as_str(), "stat"])["deliveries"], instances.len());
    assert_eq!(appliance.json(&["studies", uid.as_str()])["service_level"], "stat");
    assert_eq!(appliance.json(&["resume", "archive"])["paused"], false);
    appliance.delivered(&uid, instances.len());
    let report = appliance.json(&["echo", "archive"]);
    assert_eq!(report["ok"], true, "{report}");
}
