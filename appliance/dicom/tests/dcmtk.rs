//! DCMTK's senders, unmodified.

#![allow(clippy::expect_used, reason = "a failed test fails")]

mod common;

use std::{path::PathBuf, process::Output};

use common::*;
use tokio::process::Command;

async fn run(program: &str, arguments: &[&str]) -> Output {
    let command = Command::new(program).args(arguments).kill_on_drop(true).output();
    within(command).await.unwrap_or_else(|error| panic!("{program} cannot be run ({error}): install DCMTK (apt-get install dcmtk)"))
}

fn check(program: &str, output: &Output) {
    assert!(output.status.success(), "{program}: {}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

/// Files, and what each data set is.
fn files(folder: &std::path::Path, count: usize, pixels: usize) -> Vec<(PathBuf, String, Vec<u8>)> {
    (0..count)
        .map(|n| {
            let instance = format!("1.2.826.0.1.3.{n}");
            let data = data_set(CT, &instance, pixels + n * 2);
            (write_file(folder, &format!("{n}.dcm"), CT, EXPLICIT, &instance, &data), instance, data)
        })
        .collect()
}

fn same(scp: &Scp, files: &[(PathBuf, String, Vec<u8>)]) {
    let mut stored = scp.stored();
    stored.sort_by_key(|stored| stored.bytes.len());
    assert_eq!(stored.len(), files.len());
    for (stored, (_, instance, data)) in stored.iter().zip(files) {
        assert_eq!(stored.request.sop_instance, uid(instance));
        assert_eq!(stored.request.transfer_syntax, uid(EXPLICIT));
        assert!(stored.bytes == *data, "{instance}: byte for byte");
        assert!(stored.parsed);
        assert_eq!(stored.facts.study_instance_uid, Some(uid("1.2.826.0.1.1")));
    }
}

#[tokio::test]
async fn storescu() {
    let (scp, folder) = (Scp::start().await, tempfile::tempdir().expect("a folder"));
    let files = files(folder.path(), 20, 300_000);
    let (port, path) = (scp.address.port().to_string(), folder.path().display().to_string());
    check("storescu", &run("storescu", &["-aec", "RELAYPACS", "-aet", "CT1", "-R", "+sd", "127.0.0.1", &port, &path]).await);
    same(&scp, &files);
    scp.ended(1).await;
    let peers = scp.metrics.peers();
    assert_eq!((peers[0].calling_ae.as_str(), peers[0].instances, peers[0].associations_open), ("CT1", 20, 0));
    assert_eq!(scp.stored()[0].peer.implementation.as_deref().map(|name| name.starts_with("OFFIS")), Some(true));
}

#[tokio::test]
async fn storescu_with_a_small_pdu() {
    let (scp, folder) = (Scp::start().await, tempfile::tempdir().expect("a folder"));
    let files = files(folder.path(), 2, 100_001);
    let (port, path) = (scp.address.port().to_string(), folder.path().display().to_string());
    let limits = ["--max-send-pdu", "4096", "-pdu", "4096"];
    check("storescu", &run("storescu", &[&limits[..], &["-aec", "RELAYPACS", "-R", "+sd", "127.0.0.1", &port, &path]].concat()).await);
    same(&scp, &files);
}

#[tokio::test]
async fn dcmsend() {
    let (scp, folder) = (Scp::start().await, tempfile::tempdir().expect("a folder"));
    let files = files(folder.path(), 20, 50_000);
    let (port, path) = (scp.address.port().to_string(), folder.path().display().to_string());
    check("dcmsend", &run("dcmsend", &["-aec", "RELAYPACS", "+sd", "127.0.0.1", &port, &path]).await);
    same(&scp, &files);
}

#[tokio::test]
async fn echoscu() {
    let scp = Scp::start().await;
    let port = scp.address.port().to_string();
    check("echoscu", &run("echoscu", &["-aec", "RELAYPACS", "--repeat", "3", "127.0.0.1", &port]).await);
    scp.ended(1).await;
    assert!(scp.metrics_text().contains("relaypacs_dicom_echoes_total 3"), "{}", scp.metrics_text());
    let wrong = run("echoscu", &["-aec", "SOMEBODY", "127.0.0.1", &port]).await;
    assert!(!wrong.status.success());
    assert!(
        String::from_utf8_lossy(&wrong.stderr).contains("Called AE Title Not Recognized"),
        "{}",
        String::from_utf8_lossy(&wrong.stderr)
    );
    let peers = scp.metrics.peers();
    assert!(peers[0].last_refusal.as_ref().is_some_and(|(_, why)| why.contains("called AE title")), "{peers:?}");
}

/// echoscu proposes up to 128 presentation contexts with up to 38 transfer syntaxes each.
#[tokio::test]
async fn echoscu_with_every_context_and_syntax() {
    let scp = Scp::start().await;
    let port = scp.address.port().to_string();
    check("echoscu", &run("echoscu", &["-aec", "RELAYPACS", "-pts", "38", "-ppc", "128", "127.0.0.1", &port]).await);
}
