//! The sender against our own SCP and against DCMTK's.

#![allow(clippy::expect_used, reason = "a failed test fails")]

mod common;

use std::{path::PathBuf, process::Stdio, time::Duration};

use common::*;
use relaypacs_dicom::{EchoReport, ScuOptions, SendOutcome, StoreError, echo, send};
use tokio::{net::TcpListener, process::Command};

fn calling(address: &impl ToString) -> ScuOptions {
    ScuOptions {
        address: address.to_string(),
        calling_ae: "SENDER".parse().expect("a title"),
        called_ae: "RELAYPACS".parse().expect("a title"),
        connect_timeout: PATIENCE,
        timeout: PATIENCE,
    }
}

async fn send_all(options: &ScuOptions, files: &[PathBuf]) -> Vec<SendOutcome> {
    let mut outcomes = Vec::new();
    send(options, files, |outcome: &SendOutcome| outcomes.push(outcome.clone())).await.expect("an association");
    outcomes
}

fn steps(report: &EchoReport) -> Vec<(&'static str, bool)> {
    report.steps.iter().map(|step| (step.step, step.ok)).collect()
}

async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr()).expect("a free port").port()
}

#[tokio::test]
async fn files_arrive_byte_for_byte_and_each_is_reported() {
    let (scp, folder) = (Scp::start().await, tempfile::tempdir().expect("a folder"));
    let mut files = Vec::new();
    let mut expected = Vec::new();
    for (n, (class, syntax)) in [(CT, EXPLICIT), (MR, EXPLICIT), (CT, "1.2.840.10008.1.2.4.90"), (CT, EXPLICIT)].into_iter().enumerate() {
        let instance = format!("1.2.3.{n}");
        let data = data_set(class, &instance, n * 300_000);
        files.push(write_file(folder.path(), &format!("{n}.dcm"), class, syntax, &instance, &data));
        expected.push((instance, syntax, data));
    }
    files.insert(1, folder.path().join("absent.dcm"));
    let text = folder.path().join("readme.txt");
    std::fs::write(&text, "no image").expect("a file");
    files.push(text.clone());
    let outcomes = send_all(&calling(&scp.address), &files).await;
    assert_eq!(outcomes.len(), 6);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.result == Ok(0)).count(), 4, "{outcomes:?}");
    let failed: Vec<_> = outcomes.iter().filter(|outcome| outcome.result.is_err()).map(|outcome| &outcome.file).collect();
    assert_eq!(failed, [&files[1], &text]);
    let stored = scp.stored();
    assert_eq!(stored.len(), 4);
    for (stored, (instance, syntax, data)) in stored.iter().zip(&expected) {
        assert_eq!((&stored.request.sop_instance, &stored.request.transfer_syntax), (&uid(instance), &uid(syntax)));
        assert!(stored.bytes == *data);
    }
    scp.ended(1).await;
    assert!(scp.metrics_text().contains(r#"associations_total{calling_ae="SENDER",outcome="released"} 1"#), "{}", scp.metrics_text());
}

#[tokio::test]
async fn more_than_128_contexts_take_several_associations() {
    let (scp, folder) = (Scp::start().await, tempfile::tempdir().expect("a folder"));
    let files: Vec<_> = (0..300)
        .map(|n| {
            let (class, instance) = (format!("1.2.840.113619.{n}"), format!("1.2.3.{n}"));
            write_file(folder.path(), &format!("{n}.dcm"), &class, EXPLICIT, &instance, &data_set(&class, &instance, 10))
        })
        .collect();
    let outcomes = send_all(&calling(&scp.address), &files).await;
    assert!(outcomes.len() == 300 && outcomes.iter().all(|outcome| outcome.result == Ok(0)));
    scp.ended(3).await;
    assert_eq!(scp.stored().len(), 300);
}

#[tokio::test]
async fn refusals_are_reported_and_the_rest_goes_on() {
    let (scp, folder) = (Scp::start().await, tempfile::tempdir().expect("a folder"));
    let ct = write_file(folder.path(), "ct.dcm", CT, EXPLICIT, "1.2.3", &data_set(CT, "1.2.3", 10));
    let query = write_file(folder.path(), "query.dcm", "1.2.840.10008.5.1.4.1.2.2.1", EXPLICIT, "1.2.4", &data_set(CT, "1.2.4", 10));
    *scp.memory.fail_commit.lock().expect("no panic") = Some(StoreError::OutOfResources("full".into()));
    let outcomes = send_all(&calling(&scp.address), &[query, ct]).await;
    assert!(
        outcomes[0].result.as_ref().is_err_and(|why| why.contains("does not accept SOP class 1.2.840.10008.5.1.4.1.2.2.1")),
        "{outcomes:?}"
    );
    assert_eq!(outcomes[1].result, Ok(0xA700));
}

#[tokio::test]
async fn a_receiver_that_is_away_or_refuses_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let ct = [write_file(folder.path(), "ct.dcm", CT, EXPLICIT, "1.2.3", &data_set(CT, "1.2.3", 10))];
    let away = send(&calling(&format!("127.0.0.1:{}", closed_port().await)), &ct, |_: &SendOutcome| {}).await;
    assert!(away.as_ref().is_err_and(|error| error.to_string().starts_with("tcp: ")), "{away:?}");
    let scp = Scp::start().await;
    let wrong = ScuOptions { called_ae: "WRONG".parse().expect("a title"), ..calling(&scp.address) };
    let refused = send(&wrong, &ct, |_: &SendOutcome| {}).await;
    let words = refused.expect_err("a reject").to_string();
    assert_eq!(words, "association: rejected: called AE title not recognized (result 1, source 1, reason 7)");
}

/// The receiver goes away inside the first file; the second takes a new association.
#[tokio::test]
async fn an_association_lost_inside_a_file_costs_that_file_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let files: Vec<_> = (0..2)
        .map(|n| write_file(folder.path(), &format!("{n}.dcm"), CT, EXPLICIT, &format!("1.2.{n}"), &data_set(CT, &format!("1.2.{n}"), 10)))
        .collect();
    let scp = Scp::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let options = calling(&listener.local_addr().expect("an address"));
    // A relay that cuts the first connection once the association stands.
    let relay = tokio::spawn(async move {
        for cut in [true, false] {
            let (mut client, _) = listener.accept().await.expect("a connection");
            let mut server = tokio::net::TcpStream::connect(scp.address).await.expect("the SCP");
            if cut {
                let mut first = Wire(server);
                let mut rq = Wire(client);
                let (kind, body) = rq.pdu().await.expect("a request");
                first.send(&pdu(kind, &body)).await;
                let (kind, body) = first.pdu().await.expect("an answer");
                rq.send(&pdu(kind, &body)).await;
                rq.pdu().await.expect("a command");
            } else {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        }
        scp
    });
    let outcomes = send_all(&options, &files).await;
    assert!(outcomes[0].result.is_err() && outcomes[1].result == Ok(0), "{outcomes:?}");
    let scp = within(relay).await.expect("the relay");
    assert_eq!(scp.stored().len(), 1);
}

#[tokio::test]
async fn an_echo_names_the_first_step_that_fails() {
    let scp = Scp::start().await;
    let report = echo(&calling(&scp.address)).await;
    assert!(report.is_ok());
    assert_eq!(steps(&report), [("dns", true), ("tcp", true), ("association", true), ("echo", true)]);
    assert!(report.steps[2].detail.as_deref().is_some_and(|name| name.starts_with("RELAYPACS_")), "{report:?}");

    assert_eq!(steps(&echo(&calling(&"127.0.0.1:nonsense")).await), [("dns", false)]);
    assert_eq!(steps(&echo(&calling(&format!("127.0.0.1:{}", closed_port().await))).await), [("dns", true), ("tcp", false)]);
    let wrong = ScuOptions { called_ae: "WRONG".parse().expect("a title"), ..calling(&scp.address) };
    let report = echo(&wrong).await;
    assert_eq!(steps(&report), [("dns", true), ("tcp", true), ("association", false)]);
    assert!(!report.is_ok());

    // One that accepts the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let hasty = ScuOptions { timeout: Duration::from_millis(50), ..calling(&silent.local_addr().expect("an address")) };
    assert_eq!(steps(&echo(&hasty).await), [("dns", true), ("tcp", true), ("association", false)]);
}

#[tokio::test]
async fn dcmtk_receives_what_is_sent() {
    let (sent, received) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let files: Vec<_> = (0..5)
        .map(|n| {
            let instance = format!("1.2.3.{n}");
            write_file(sent.path(), &format!("{n}.dcm"), CT, EXPLICIT, &instance, &data_set(CT, &instance, 100_000 + n))
        })
        .collect();
    let port = closed_port().await;
    let storescp = Command::new("storescp")
        .args(["--bit-preserving", "--max-pdu", "4096", "-od"])
        .arg(received.path())
        .arg(port.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let _storescp = storescp.expect("storescp can be run: install DCMTK (apt-get install dcmtk)");
    let options = ScuOptions { called_ae: "STORESCP".parse().expect("a title"), ..calling(&format!("127.0.0.1:{port}")) };
    let mut ready = false;
    for _ in 0..600 {
        ready = echo(&options).await.is_ok();
        if ready {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(ready, "storescp answers");
    let outcomes = send_all(&options, &files).await;
    assert!(outcomes.iter().all(|outcome| outcome.result == Ok(0)), "{outcomes:?}");
    let mut data_sets: Vec<Vec<u8>> = std::fs::read_dir(received.path())
        .expect("a folder")
        .map(|entry| {
            let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
            let offset = relaypacs_dicom::read_file_meta(&mut bytes.as_slice()).expect("a meta group").data_set_offset as usize;
            bytes[offset..].to_vec()
        })
        .collect();
    data_sets.sort_by_key(Vec::len);
    let mut expected: Vec<Vec<u8>> = (0..5).map(|n| data_set(CT, &format!("1.2.3.{n}"), 100_000 + n)).collect();
    expected.sort_by_key(Vec::len);
    let same = |n: usize| data_sets.get(n).is_some_and(|found| expected.contains(found));
    assert!(data_sets.len() == 5 && (0..5).all(same), "byte for byte");
}
