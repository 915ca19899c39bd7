//! `relaypacs status`: how the box is, at a glance.

use serde_json::{Value, json};

use super::{Arguments, Fault, Output, client::BoxClient, destinations, format};

pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let client = BoxClient::connect(arguments)?;
    let system = client.get("/api/v1/system")?;
    let destinations = client.get("/api/v1/destinations")?;
    let output = arguments.output();
    if output.json {
        let mut whole = system;
        whole["destinations"] = destinations;
        return output.object(&whole);
    }
    summary(output, &system)?;
    output.line("")?;
    destinations::show(output, &destinations)?;
    alerts(output, &system)
}

fn summary(output: Output, system: &Value) -> Result<(), Fault> {
    let text = |key: &str| system[key].as_str().unwrap_or("?").to_owned();
    let ready = if system["ready"] == json!(true) { "takes studies" } else { "DOES NOT TAKE STUDIES" };
    let uptime = format::age(system["uptime_s"].as_u64().unwrap_or(0));
    output.line(format_args!("{} (RelayPACS {}) {ready}, up {uptime}", text("node_name"), text("version")))?;
    let addresses: Vec<&str> = system["addresses"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let port = system["dicom_port"].as_u64().unwrap_or(0);
    if port == 0 {
        output.line("DICOM     off (dicom.port is 0)")?;
    } else {
        output.line(format_args!("DICOM     AE title {}, port {port}, at {}", text("ae_title"), addresses.join(", ")))?;
    }
    output.line(format_args!("Disk      {}", disk(&system["disk"])))?;
    output.line(format_args!("Queue     {}", queue(&system["queue"])))
}

/// Used and total bytes of the buffer's share.
fn disk(disk: &Value) -> String {
    let bytes = |key: &str| disk[key].as_u64().unwrap_or(0);
    let Some(share) = (bytes("used") * 100).checked_div(bytes("total")) else {
        return format!("no room for studies, {} left to the system", format::bytes(bytes("reserve")));
    };
    format!(
        "{} of {} used ({share} %), {} left to the system",
        format::bytes(bytes("used")),
        format::bytes(bytes("total")),
        format::bytes(bytes("reserve"))
    )
}

/// What waits, in one line.
fn queue(queue: &Value) -> String {
    if queue.is_null() {
        return "cannot be read now".into();
    }
    let number = |key: &str| queue[key].as_u64().unwrap_or(0);
    let mut text = match number("instances") {
        0 => "nothing waits".into(),
        instances => format!(
            "{} of {} ({})",
            format::count(instances, "instance", "instances"),
            format::count(number("studies"), "study", "studies"),
            format::bytes(number("bytes"))
        ),
    };
    if let Some(oldest) = queue["oldest_s"].as_u64() {
        text = format!("{text}, the oldest for {}", format::age(oldest));
    }
    match number("held") {
        0 => text,
        held => format!("{text}; {} held", format::count(held, "instance", "instances")),
    }
}

fn alerts(output: Output, system: &Value) -> Result<(), Fault> {
    for alert in system["alerts"].as_array().into_iter().flatten() {
        let text = |key: &str| alert[key].as_str().unwrap_or("?");
        output.line("")?;
        output.line(format_args!("{} {}: {}", text("code"), text("severity"), text("text")))?;
        output.line(format_args!("  → {}{}", text("what_to_do"), commands(text("code"))))?;
    }
    Ok(())
}

/// The commands with which that is done.
fn commands(code: &str) -> &'static str {
    match code {
        "E21" | "E22" => " (`relaypacs echo DESTINATION`)",
        "E23" => " (`relaypacs queue`, `relaypacs retry --held`)",
        "E31" | "E32" => " (`relaypacs queue`)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_said_in_one_line() {
        let check = |value: Value, expected: &str| assert_eq!(queue(&value), expected);
        check(Value::Null, "cannot be read now");
        check(json!({"instances": 0, "held": 0, "oldest_s": null}), "nothing waits");
        check(
            json!({"studies": 1, "instances": 2, "bytes": 2048, "oldest_s": 61, "held": 1}),
            "2 instances of 1 study (2.00 KiB), the oldest for 1 min 1 s; 1 instance held",
        );
    }
}
