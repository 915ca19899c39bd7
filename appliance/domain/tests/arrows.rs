//! The house's arrows: who may know whom, held against `cargo metadata`, and what must never be linked, held against `Cargo.lock`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::Value;

/// Each crate of the product and the crates of the product it may know. Normal dependencies only; tests may know more.
const MAY_KNOW: [(&str, &[&str]); 10] = [
    ("relaypacs-domain", &[]),
    ("relaypacs-dicom", &["relaypacs-domain"]),
    ("relaypacs-buffer", &["relaypacs-domain"]),
    ("relaypacs-forward", &["relaypacs-domain", "relaypacs-dicom", "relaypacs-buffer"]),
    ("relaypacs-clinic", &["relaypacs-domain", "relaypacs-dicom", "relaypacs-buffer"]),
    ("relaypacs-web-ui", &[]),
    (
        "relaypacs-http",
        &["relaypacs-domain", "relaypacs-dicom", "relaypacs-buffer", "relaypacs-forward", "relaypacs-clinic", "relaypacs-web-ui"],
    ),
    (
        "relaypacs",
        &[
            "relaypacs-domain",
            "relaypacs-dicom",
            "relaypacs-buffer",
            "relaypacs-forward",
            "relaypacs-clinic",
            "relaypacs-http",
            "relaypacs-panel-core",
        ],
    ),
    ("relaypacs-panel-core", &[]),
    ("relaypacs-panel", &["relaypacs-panel-core"]),
];

/// Members that are no part of the product: they look at it from outside.
const OUTSIDE: [&str; 1] = ["relaypacs-hil-tests"];

/// Crates that no build of ours may need: other crypto stacks and what builds them.
const BANNED: [&str; 6] = ["openssl-sys", "openssl", "aws-lc-sys", "aws-lc-rs", "native-tls", "cmake"];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Every member of the workspace with the names of its normal dependencies.
fn members() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata speaks JSON");
    let text = |value: &Value| value.as_str().expect("a name").to_string();
    let packages = metadata["packages"].as_array().expect("packages");
    let normal = |package: &Value| {
        let all = package["dependencies"].as_array().expect("dependencies").iter();
        all.filter(|dependency| dependency["kind"].is_null()).map(|dependency| text(&dependency["name"])).collect()
    };
    packages.iter().map(|package| (text(&package["name"]), normal(package))).collect()
}

/// The arrows among crates of the product that `may_know` does not allow.
fn forbidden(members: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let rules: BTreeMap<&str, &[&str]> = MAY_KNOW.into_iter().collect();
    let ours = |name: &str| members.contains_key(name);
    let mut found = Vec::new();
    for (name, dependencies) in members {
        let Some(allowed) = rules.get(name.as_str()) else {
            if !OUTSIDE.contains(&name.as_str()) {
                found.push(format!("{name} has no rule here"));
            }
            continue;
        };
        let others = dependencies.iter().filter(|other| ours(other) && !allowed.contains(&other.as_str()));
        found.extend(others.map(|other| format!("{name} knows {other}")));
    }
    found
}

#[test]
fn nobody_knows_whom_they_must_not_know() {
    let members = members();
    for (name, _) in MAY_KNOW {
        assert!(members.contains_key(name), "{name} is no member of the workspace");
    }
    assert_eq!(forbidden(&members), Vec::<String>::new());
}

#[test]
fn a_wrong_arrow_is_found() {
    let mut members = members();
    members.get_mut("relaypacs-dicom").unwrap().insert("relaypacs-buffer".into());
    members.get_mut("relaypacs-domain").unwrap().insert("relaypacs-http".into());
    members.insert("relaypacs-surprise".into(), BTreeSet::new());
    assert_eq!(
        forbidden(&members),
        ["relaypacs-dicom knows relaypacs-buffer", "relaypacs-domain knows relaypacs-http", "relaypacs-surprise has no rule here"]
    );
}

#[test]
fn only_one_crypto_stack_is_locked() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let locked: BTreeSet<&str> = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    assert!(locked.contains("ring"), "Cargo.lock is not read as meant");
    let found: Vec<_> = BANNED.into_iter().filter(|name| locked.contains(name)).collect();
    assert_eq!(found, Vec::<&str>::new());
}
