//! The demo proves itself, and does so again.

mod common;

use common::{relaypacs, text};
use serde_json::Value;

#[test]
fn every_instance_is_proven_twice_in_a_row() {
    let folder = tempfile::tempdir().unwrap();
    for nth in 1..=2 {
        let output = relaypacs().args(["demo", "--once", "--slices", "3", "--json"]).current_dir(folder.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
        let steps: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let proof = steps.iter().find(|step| step["step"] == "proof").unwrap();
        assert_eq!(proof["proven"], 3, "run {nth}: {proof}");
        for instance in proof["instances"].as_array().unwrap() {
            assert_eq!(instance["sha256_sent"], instance["sha256_pacs"], "{instance}");
            assert_eq!(instance["sha256_sent"], instance["sha256_box"], "{instance}");
            assert_eq!(instance["proof"], "stow", "{instance}");
        }
    }
    let stored = folder.path().join("relaypacs-demo/pacs").read_dir().unwrap().count();
    assert_eq!(stored, 2, "two studies lie at the PACS");
}
