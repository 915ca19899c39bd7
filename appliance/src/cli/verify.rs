//! `relaypacs verify`: does a stopped box's data agree with itself.

use std::path::Path;

use clap::Args;
use relaypacs_buffer::Damage;
use relaypacs_clinic::{FILE, Store};
use serde_json::{Value, json};

use super::{Arguments, Fault, Output, format, scrub, stopped};

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Checks the chain of the audit trail instead
    #[arg(long)]
    audit: bool,
}

pub(crate) fn run(arguments: &Arguments, command: &Verify) -> Result<(), Fault> {
    let directory = stopped::directory(arguments)?;
    let output = arguments.output();
    if command.audit {
        return audit(output, &directory);
    }
    let bar = output.spinner("reading all segments, rebuilding the index and comparing");
    let report = relaypacs_buffer::verify(&directory);
    bar.finish_and_clear();
    let report = report.map_err(|error| stopped::fault(&error))?;
    let damaged: Vec<Value> = report.damaged.iter().map(damage).collect();
    let differences: Vec<Value> = report
        .differences
        .iter()
        .map(|difference| json!({"object": difference.object, "sop_instance_uid": difference.sop_instance, "what": difference.what}))
        .collect();
    if output.json {
        output.object(&json!({
            "ok": report.is_clean(), "objects": report.objects, "released": report.released, "damaged": damaged, "differences": differences,
        }))?;
    } else {
        let (live, released) = (format::count(report.objects, "live object", "live objects"), report.released);
        output.line(format_args!("{live} and {released} released compared: {} differ, {} damaged", differences.len(), damaged.len()))?;
        for difference in &differences {
            let instance = difference["sop_instance_uid"].as_str().unwrap_or("(not known)");
            output.line(format_args!("  instance {instance}: {}", difference["what"].as_str().unwrap_or("?")))?;
        }
        for damage in &damaged {
            output.line(format_args!("  {}", scrub::damage_line(damage)))?;
        }
    }
    if report.is_clean() {
        return Ok(());
    }
    Err(Fault::failed("the data does not agree with itself")
        .hint("send damaged instances again from the modality; for differences keep a copy of the data directory and its log"))
}

/// Reads the whole audit trail. The newest hash is printed to be compared with one noted elsewhere: that alone shows a cut end.
fn audit(output: Output, directory: &Path) -> Result<(), Fault> {
    if !directory.join(FILE).is_file() {
        return Err(Fault::failed(format!("{} has no audit trail: no box with accounts ran on it", directory.display())));
    }
    let report = Store::open(directory).and_then(|store| relaypacs_clinic::audit::verify(&store));
    let report = report.map_err(|error| Fault::failed(error.to_string()))?;
    if output.json {
        output.object(&json!({
            "ok": report.faults.is_empty(), "entries": report.entries, "first": report.first, "head": report.head, "faults": report.faults,
        }))?;
    } else {
        let entries = format::count(report.entries, "entry", "entries");
        output.line(format_args!("{entries} of the audit trail read; the newest hash is {}", report.head))?;
        for (seq, what) in &report.faults {
            output.line(format_args!("  entry {seq}: {what}"))?;
        }
    }
    if report.faults.is_empty() {
        return Ok(());
    }
    Err(Fault::failed("the audit trail was altered").hint("keep a copy of the data directory; an export made earlier shows what was there"))
}

fn damage(damage: &Damage) -> Value {
    json!({
        "segment": damage.segment, "offset": damage.offset, "object": damage.object,
        "sop_instance_uid": damage.sop_instance, "what": damage.what,
    })
}
