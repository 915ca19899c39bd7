//! `relaypacs scrub`: reads everything that is kept back and compares checksums.

use serde_json::{Value, json};

use super::{Arguments, Fault, client::BoxClient, format};

pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let client = BoxClient::connect(arguments)?;
    let output = arguments.output();
    let bar = output.spinner("reading everything back");
    let report = client.post_work("/admin/scrub", &json!({}));
    bar.finish_and_clear();
    let report = report?;
    let damaged = report["damaged"].as_array().map_or(0, Vec::len);
    if output.json {
        output.object(&report)?;
    } else {
        let (objects, bytes) = (report["objects"].as_u64().unwrap_or(0), report["bytes"].as_u64().unwrap_or(0));
        output.line(format_args!("{} read ({}), {damaged} damaged", format::count(objects, "object", "objects"), format::bytes(bytes)))?;
        for damage in report["damaged"].as_array().into_iter().flatten() {
            output.line(format_args!("  {}", damage_line(damage)))?;
        }
    }
    if damaged == 0 {
        return Ok(());
    }
    Err(Fault::failed(format!("{} damaged", format::count(damaged as u64, "object is", "objects are")))
        .hint("send the named instances again from the modality, and have the disk checked"))
}

/// One damaged place in a sentence.
pub(crate) fn damage_line(damage: &Value) -> String {
    let instance = damage["sop_instance_uid"].as_str().unwrap_or("(not known)");
    format!("instance {instance}: {} (segment {}, offset {})", damage["what"].as_str().unwrap_or("?"), damage["segment"], damage["offset"])
}
