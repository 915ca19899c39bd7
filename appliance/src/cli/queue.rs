//! `relaypacs queue`: what waits for each destination, and which studies are held.

use serde_json::Value;

use super::{Arguments, Fault, Output, client::BoxClient, format, studies, table};

pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let client = BoxClient::connect(arguments)?;
    let mut queues = client.get("/admin/queue")?;
    let held = client.get("/api/v1/studies?state=held&limit=500")?;
    let output = arguments.output();
    if output.json {
        queues["held"] = held["studies"].clone();
        return output.object(&queues);
    }
    show(output, &queues)?;
    let list = held["studies"].as_array().map_or(&[][..], Vec::as_slice);
    if list.is_empty() {
        return output.line("Nothing is held.");
    }
    output.line("\nHeld (nothing of it is lost; it needs somebody):")?;
    studies::list(output, list)?;
    output.line("")?;
    for line in advice(list) {
        output.line(line)?;
    }
    Ok(())
}

fn show(output: Output, queues: &Value) -> Result<(), Fault> {
    let mut shown = table::new(&["DESTINATION", ">STUDIES", ">INST.", ">BYTES", ">OLDEST", ">STAT", ">EMERGENCY", ">HELD"]);
    let number = |queue: &Value, key: &str| queue[key].as_u64().unwrap_or(0);
    let row = |name: &str, queue: &Value| {
        let level = |key: &str| queue["by_level"][key].as_u64().map(|instances| instances.to_string()).unwrap_or_default();
        [
            name.to_owned(),
            number(queue, "studies").to_string(),
            number(queue, "instances").to_string(),
            format::bytes(number(queue, "bytes")),
            queue["oldest"].as_str().map(format::since).unwrap_or_default(),
            level("stat"),
            level("emergency"),
            number(queue, "held").to_string(),
        ]
    };
    for queue in queues["destinations"].as_array().into_iter().flatten() {
        shown.add_row(row(queue["destination"].as_str().unwrap_or("?"), queue));
    }
    shown.add_row(row("all", &queues["total"]));
    output.line(shown)
}

/// What to do about each reason that occurs, once.
fn advice(list: &[Value]) -> Vec<String> {
    let errors = list.iter().flat_map(|study| study["deliveries"].as_array().into_iter().flatten()).map(|delivery| &delivery["error"]);
    let mut lines: Vec<String> =
        errors.filter_map(|error| Some(format!("  {} → {}", error["code"].as_str()?, error["what_to_do"].as_str()?))).collect();
    lines.sort();
    lines.dedup();
    lines
}
