//! What the demo shows: each step, and for each instance the proof.

use std::path::Path;

use serde_json::{Value, json};

use super::{login::Login, phantom::Study, receiver::Receiver, setup};
use crate::{
    appliance::Running,
    cli::{Fault, Output, format, send::Summary, table},
};

/// What is known about each instance at the end.
pub(super) struct Comparison(Vec<Row>);

/// One instance: what was sent, what the box kept, what the PACS has.
struct Row {
    instance: String,
    sent: String,
    kept: Option<String>,
    at_pacs: Option<String>,
    /// Kind of proof and what the PACS answered.
    proof: Option<String>,
    answer: String,
}

impl Row {
    /// The same bytes everywhere, and the box can prove it.
    fn is_proven(&self) -> bool {
        let same = |digest: &Option<String>| digest.as_ref() == Some(&self.sent);
        same(&self.kept) && same(&self.at_pacs) && self.proof.is_some()
    }
}

impl Comparison {
    /// Whether every instance is proven.
    pub(super) fn is_complete(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(Row::is_proven)
    }
}

/// Whether the ledger says that this many instances are delivered.
pub(super) fn is_delivered(ledger: &Value, instances: usize) -> bool {
    let is_proven = |entry: &&Value| deliveries(entry).any(|delivery| delivery["proof"].is_string());
    ledger["entries"].as_array().into_iter().flatten().filter(is_proven).count() >= instances
}

fn deliveries(entry: &Value) -> impl Iterator<Item = &Value> {
    entry["deliveries"].as_array().into_iter().flatten().filter(|delivery| delivery["destination"] == json!(setup::DESTINATION))
}

/// Puts side by side what the scanner sent, what the box's ledger says and what lies on the receiver's disk.
pub(super) fn compare(study: &Study, ledger: &Value, receiver: &Receiver) -> Comparison {
    let entries = ledger["entries"].as_array().map_or(&[][..], Vec::as_slice);
    let row = |slice: &super::phantom::Slice| {
        let entry = entries.iter().find(|entry| entry["sop_instance_uid"] == json!(slice.sop_instance));
        let delivery = entry.and_then(|entry| deliveries(entry).next());
        let text = |value: Option<&Value>, key: &str| value.and_then(|value| value[key].as_str()).map(str::to_owned);
        Row {
            instance: slice.sop_instance.to_string(),
            sent: slice.sha256.to_string(),
            kept: text(entry, "sha256"),
            at_pacs: receiver.find(&slice.sop_instance).map(|stored| stored.sha256.to_string()),
            proof: text(delivery, "proof"),
            answer: text(delivery, "answer").unwrap_or_default(),
        }
    };
    Comparison(study.slices.iter().map(row).collect())
}

/// The places where everything happens.
pub(super) fn places(output: Output, running: &Running, receiver_url: &str, directory: &Path) -> Result<(), Fault> {
    if output.json {
        return output.json_line(
            &json!({"step": "places", "dicom": running.dicom, "http": running.http, "pacs": receiver_url, "data_dir": directory}),
        );
    }
    output.line(format_args!("RelayPACS demo: a scanner, the box and a PACS on this machine, in {}\n", directory.display()))?;
    output.line(format_args!("1  A PACS       STOW-RS at {receiver_url}, stores to {}", directory.join("pacs").display()))?;
    let dicom = running.dicom.first().map(ToString::to_string).unwrap_or_default();
    output.line(format_args!(
        "2  The box      AE title {} at {dicom}, its buffer open after {}",
        setup::called_ae(),
        format::took(running.recovery.took)
    ))
}

/// The scanner has made its images.
pub(super) fn scanned(output: Output, study: &Study) -> Result<(), Fault> {
    let bytes: u64 = study.slices.iter().map(|slice| slice.bytes).sum();
    if output.json {
        return output
            .json_line(&json!({"step": "scanned", "study_instance_uid": study.uid, "instances": study.slices.len(), "bytes": bytes}));
    }
    let slices = format::count(study.slices.len() as u64, "slice", "slices");
    output.line(format_args!("3  A scanner    makes a CT of a head phantom: {slices}, {}", format::bytes(bytes)))?;
    output.line(format_args!("                study {}", study.uid))
}

/// The scanner has sent them.
pub(super) fn sent(output: Output, summary: &Summary, instances: usize) -> Result<(), Fault> {
    if output.json {
        return output
            .json_line(&json!({"step": "sent", "stored": summary.stored, "bytes": summary.bytes, "seconds": summary.took.as_secs_f64()}));
    }
    let took = format::took(summary.took);
    output.line(format_args!("4  C-STORE      {} of {instances} answered 0000 in {took} ({}),", summary.stored, summary.rate()))?;
    output.line("                each only after it was safe on the box's disk")
}

/// The proof, instance by instance.
pub(super) fn proof(output: Output, study: &Study, comparison: &Comparison) -> Result<(), Fault> {
    let proven = comparison.0.iter().filter(|row| row.is_proven()).count();
    if output.json {
        let rows = comparison.0.iter().map(|row| {
            json!({"sop_instance_uid": row.instance, "sha256_sent": row.sent, "sha256_box": row.kept, "sha256_pacs": row.at_pacs,
                   "proof": row.proof, "answer": row.answer, "proven": row.is_proven()})
        });
        let rows: Vec<Value> = rows.collect();
        return output.json_line(&json!({"step": "proof", "study_instance_uid": study.uid, "proven": proven, "instances": rows}));
    }
    output.line(format_args!(
        "5  STOW-RS      {proven} of {} proven: named by the PACS, and the same bytes at all three\n",
        study.slices.len()
    ))?;
    let mut shown = table::new(&["INSTANCE", "SENT", "KEPT", "AT PACS", "PROOF"]);
    for row in &comparison.0 {
        let compared = |digest: &Option<String>| match digest {
            None => "MISSING".to_owned(),
            Some(digest) if *digest == row.sent => "equal".to_owned(),
            Some(_) => "DIFFERENT".to_owned(),
        };
        shown.add_row([
            row.instance.clone(),
            row.sent.chars().take(8).collect(),
            compared(&row.kept),
            compared(&row.at_pacs),
            row.proof.clone().unwrap_or_else(|| "NONE".into()),
        ]);
    }
    output.line(shown)?;
    let mut answers: Vec<&str> = comparison.0.iter().map(|row| row.answer.as_str()).filter(|answer| !answer.is_empty()).collect();
    answers.sort_unstable();
    answers.dedup();
    output.line(format_args!("\nSENT is the beginning of the SHA-256. The PACS answered: {}.", answers.join("; ")))?;
    if comparison.is_complete() { output.line("Every instance is proven.") } else { Ok(()) }
}

/// What somebody can do now.
pub(super) fn goes_on(output: Output, running: &Running, directory: &Path, login: &Login) -> Result<(), Fault> {
    let first = |addresses: &[std::net::SocketAddr]| addresses.first().map(ToString::to_string).unwrap_or_default();
    let (dicom, http) = (first(&running.dicom), first(&running.http));
    if output.json {
        return output.json_line(&json!({
            "step": "running", "api": format!("http://{http}/api/v1"), "page": format!("http://{http}/"),
            "username": login.username, "password": login.password,
        }));
    }
    let directory = directory.display();
    let program = std::env::args().next().unwrap_or_else(|| "relaypacs".into());
    output.line(format_args!(
        "The box goes on running until Ctrl-C. Try, in another terminal:\n  \
         {program} --data-dir {directory} status\n  \
         {program} --data-dir {directory} studies\n  \
         {program} send DICOM-FILES… --to {dicom} --called {}\n  \
         open http://{http}/ in a browser: username {username}, password {password}\n  \
         curl http://{http}/metrics",
        setup::called_ae(),
        username = login.username,
        password = login.password,
    ))
}
