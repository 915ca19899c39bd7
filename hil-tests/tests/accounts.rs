//! People with the running box: other people's clients sign in, are killed with the box, and find everything again, here and restored.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use relaypacs_hil_tests::{
    appliance::{Appliance, Setup},
    place::{Folder, built, python},
    process::run,
};
use serde_json::Value;

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}

/// No rate limits: a script does in a second what people do in a day.
fn start(folder: &Folder) -> Appliance {
    Setup::new(folder).section("[limits]\nlogin = \"100000/min\"\ntokens = \"100000/min\"\nother = \"100000/min\"").start()
}

/// Runs the clients of one phase; their notes are in `notes`.
fn clients(appliance: &Appliance, notes: &Path, phase: &str) {
    let base = format!("http://127.0.0.1:{}", appliance.http_port());
    let data_dir = appliance.data_dir();
    let mut script = python("clients/accounts.py");
    script.args([&base, text(&built("relaypacs")), text(appliance.config()), text(&data_dir), phase]).current_dir(notes);
    run(&mut script);
}

/// Every file under a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn people_outlive_the_box_s_death_and_its_move() {
    let folder = Folder::new();
    let mut appliance = start(&folder);
    clients(&appliance, folder.path(), "before");
    appliance.kill();
    appliance.start();
    let backup = folder.join("backup");
    appliance.cli(&["backup", text(&backup)]);
    fs::copy(folder.join("people.json"), backup.join("people.json")).expect("the clients' notes");
    clients(&appliance, folder.path(), "after");

    // Neither log nor files give away what lets people in; key files are the box's alone.
    assert!(appliance.stop().success());
    let notes: Value = serde_json::from_slice(&fs::read(folder.join("people.json")).expect("notes")).expect("JSON");
    let secrets = ["Correct-Horse-7", notes["chief"].as_str().expect("a token"), notes["recovery"][0].as_str().expect("a code")];
    let log = appliance.log();
    assert!(secrets.iter().all(|secret| !log.contains(secret)));
    for path in files(&appliance.data_dir()) {
        let bytes = fs::read(&path).expect("a file of the box");
        for secret in secrets {
            assert!(memchr::memmem::find(&bytes, secret.as_bytes()).is_none(), "{} is in {}", &secret[..4], path.display());
        }
        if path.components().any(|part| part.as_os_str() == "keys") || path.ends_with("clinic.redb") {
            let mode = path.metadata().expect("a file").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
        }
    }
    let audit = appliance.json(&["verify", "--audit"]);
    assert_eq!((&audit["ok"], audit["head"].as_str().map(str::len)), (&Value::Bool(true), Some(64)), "{audit}");
    assert_eq!(appliance.json(&["verify"])["ok"], true);

    let elsewhere = Folder::new();
    let mut restored = start(&elsewhere);
    assert!(restored.stop().success());
    fs::remove_dir_all(restored.data_dir()).expect("an empty data directory to restore into");
    fs::copy(backup.join("people.json"), elsewhere.join("people.json")).expect("the clients' notes");
    fs::remove_file(backup.join("people.json")).expect("the clients' notes");
    restored.cli(&["restore", text(&backup)]);
    restored.start();
    clients(&restored, elsewhere.path(), "after");
}

/// An audit trail that somebody altered in the file is told from one that is whole.
#[test]
fn an_altered_audit_trail_is_found() {
    let folder = Folder::new();
    let mut appliance = start(&folder);
    for name in ["ada", "bob", "eve"] {
        appliance.cli(&["user", "add", name, "--role", "admin"]);
    }
    assert!(appliance.stop().success());
    let path = appliance.data_dir().join("clinic.redb");
    let mut bytes = fs::read(&path).expect("the file");
    // The object of the entry about bob, in the page that counts and in older ones that are free again; redb's own checksums are checked when
    // pages are read after a crash only.
    let entries: Vec<usize> = memchr::memmem::find_iter(&bytes, b"user bob as admin").collect();
    assert!(!entries.is_empty(), "an entry");
    entries.iter().for_each(|entry| bytes[entry + 5] = b'r');
    fs::write(&path, bytes).expect("the file");
    let told = appliance.try_cli(&["--json", "verify", "--audit"]);
    assert_eq!(told.status.code(), Some(1), "{}", String::from_utf8_lossy(&told.stdout));
}
