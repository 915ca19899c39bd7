//! Destinations: as a table, paused and resumed.

use clap::Args;
use relaypacs_domain::DestinationName;
use serde_json::{Value, json};

use super::{Arguments, Fault, Output, client::BoxClient, format, table};

#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// The destination's name
    destination: DestinationName,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The destination's name
    destination: DestinationName,
}

pub(crate) fn pause(arguments: &Arguments, command: &Pause) -> Result<(), Fault> {
    ask(
        arguments,
        "/admin/pause",
        &command.destination,
        "nothing leaves for it until `relaypacs resume`, whatever restarts; studies are kept",
    )
}

pub(crate) fn resume(arguments: &Arguments, command: &Resume) -> Result<(), Fault> {
    ask(arguments, "/admin/resume", &command.destination, "studies leave for it again")
}

fn ask(arguments: &Arguments, path: &str, destination: &DestinationName, meaning: &str) -> Result<(), Fault> {
    let answer = BoxClient::connect(arguments)?.post(path, &json!({"destination": destination}))?;
    let output = arguments.output();
    if output.json {
        return output.object(&answer);
    }
    output.line(format_args!("{destination}: {meaning}"))
}

/// Shows `GET /destinations` as a table.
pub(crate) fn show(output: Output, destinations: &Value) -> Result<(), Fault> {
    let destinations = destinations.as_array().map_or(&[][..], Vec::as_slice);
    if destinations.is_empty() {
        return output.line("No destination is configured: every study is kept and held until one is added.");
    }
    let mut shown = table::new(&["DESTINATION", "KIND", "STATE", ">WAITING", ">BYTES", ">HELD", "TO", "LAST ERROR"]);
    for destination in destinations {
        let text = |key: &str| destination[key].as_str().unwrap_or_default().to_owned();
        let queue = &destination["queue"];
        let number = |key: &str| queue[key].as_u64().unwrap_or(0);
        shown.add_row([
            text("name"),
            text("kind"),
            state(destination),
            number("instances").to_string(),
            format::bytes(number("bytes")),
            number("held").to_string(),
            if destination["url"].is_string() { text("url") } else { text("path") },
            error(&destination["last_error"]),
        ]);
    }
    output.line(shown)
}

fn state(destination: &Value) -> String {
    let state = destination["state"].as_str().unwrap_or("unknown");
    match destination["paused_by"].as_str() {
        Some("operator") => format!("{state}, paused"),
        Some(_) => format!("{state}, paused by the box"),
        None => state.to_owned(),
    }
}

fn error(error: &Value) -> String {
    match (error["code"].as_str(), error["detail"].as_str()) {
        (Some(code), Some(detail)) => format!("{code}: {detail}"),
        _ => String::new(),
    }
}
