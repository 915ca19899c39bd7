//! `relaypacs verify`: does a stopped box's data agree with itself.

use relaypacs_buffer::Damage;
use serde_json::{Value, json};

use super::{Arguments, Fault, format, scrub, stopped};

pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let directory = stopped::directory(arguments)?;
    let output = arguments.output();
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

fn damage(damage: &Damage) -> Value {
    json!({
        "segment": damage.segment, "offset": damage.offset, "object": damage.object,
        "sop_instance_uid": damage.sop_instance, "what": damage.what,
    })
}
