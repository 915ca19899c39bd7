//! `relaypacs studies`: what came in and where it stands; one study in detail; its ledger.

use clap::{Args, builder::PossibleValuesParser};
use relaypacs_domain::Uid;
use serde_json::{Value, json};

use super::{Arguments, Fault, Output, client::BoxClient, format, table};

/// Largest page of the API.
const PAGE: usize = 500;

#[derive(Debug, Args)]
pub(crate) struct Studies {
    /// Study Instance UID: shows this study
    #[arg(value_name = "STUDY")]
    study: Option<Uid>,
    /// Shows for each instance and destination when it was accepted, sent and proven
    #[arg(long, requires = "study")]
    ledger: bool,
    /// Only studies with a delivery in this state
    #[arg(long, value_parser = PossibleValuesParser::new(["queued", "forwarding", "delivered", "retrying", "held"]), conflicts_with = "study")]
    state: Option<String>,
    /// Only studies with an instance of this modality
    #[arg(long, value_name = "MODALITY", conflicts_with = "study")]
    modality: Option<String>,
    /// At most this many studies
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

pub(crate) fn run(arguments: &Arguments, command: &Studies) -> Result<(), Fault> {
    let client = BoxClient::connect(arguments)?;
    let output = arguments.output();
    match &command.study {
        None => all(&client, output, command),
        Some(study) if command.ledger => ledger(output, &whole_ledger(&client, study)?),
        Some(study) => detail(output, &client.get(&format!("/api/v1/studies/{study}"))?),
    }
}

fn all(client: &BoxClient, output: Output, command: &Studies) -> Result<(), Fault> {
    let mut filter = String::new();
    for (key, value) in [("state", &command.state), ("modality", &command.modality)] {
        if let Some(value) = value {
            filter.extend(["&", key, "="]);
            filter.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
        }
    }
    let (mut studies, mut total, mut cursor) = (Vec::new(), 0, None);
    while studies.len() < command.limit {
        let page = PAGE.min(command.limit - studies.len());
        let from = cursor.map(|cursor: String| format!("&cursor={cursor}")).unwrap_or_default();
        let answer = client.get(&format!("/api/v1/studies?limit={page}{filter}{from}"))?;
        total = answer["total"].as_u64().unwrap_or(0);
        studies.extend(answer["studies"].as_array().cloned().unwrap_or_default());
        cursor = answer["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    if output.json {
        return output.object(&json!({"studies": studies, "total": total, "next_cursor": cursor}));
    }
    if studies.is_empty() {
        return output.line("No study.");
    }
    list(output, &studies)?;
    if (studies.len() as u64) < total {
        output.line(format_args!("{} of {total} studies; --limit shows more", studies.len()))
    } else {
        Ok(())
    }
}

/// Shows studies as a table.
pub(crate) fn list(output: Output, studies: &[Value]) -> Result<(), Fault> {
    let mut shown = table::new(&["STUDY", "PATIENT", "DATE", "MODALITY", "FROM", "LEVEL", ">INST.", ">BYTES", "RECEIVED", "DELIVERY"]);
    for study in studies {
        let text = |key: &str| study[key].as_str().unwrap_or_default().to_owned();
        shown.add_row([
            study["study_instance_uid"].as_str().unwrap_or("(not readable)").to_owned(),
            text("patient_name"),
            text("study_date"),
            words(&study["modalities"]),
            if study["calling_ae"].is_string() { text("calling_ae") } else { text("source") },
            text("service_level"),
            study["instances"].to_string(),
            format::bytes(study["bytes"].as_u64().unwrap_or(0)),
            format::time(&text("received_at")),
            deliveries(study),
        ]);
    }
    output.line(shown)
}

/// Where a study stands, one line for each destination.
fn deliveries(study: &Value) -> String {
    let one = |delivery: &Value| {
        let destination = delivery["destination"].as_str().map(|name| format!("{name} ")).unwrap_or_default();
        let progress = format!("{destination}{} {}/{}", delivery["state"].as_str().unwrap_or("?"), delivery["done"], delivery["total"]);
        match delivery["error"]["code"].as_str() {
            Some(code) => format!("{progress} ({code})"),
            None => progress,
        }
    };
    study["deliveries"].as_array().into_iter().flatten().map(one).collect::<Vec<_>>().join("\n")
}

fn words(list: &Value) -> String {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

fn detail(output: Output, study: &Value) -> Result<(), Fault> {
    if output.json {
        return output.object(study);
    }
    list(output, std::slice::from_ref(study))?;
    let flags = words(&study["flags"]);
    if !flags.is_empty() {
        output.line(format_args!("Flags: {flags}"))?;
    }
    for delivery in study["deliveries"].as_array().into_iter().flatten() {
        if let (Some(detail), hint) = (delivery["error"]["detail"].as_str(), delivery["error"]["what_to_do"].as_str()) {
            output.line(format_args!("{}: {detail}", delivery["destination"].as_str().unwrap_or("held")))?;
            output.line(format_args!("  → {}", hint.unwrap_or("it is tried again by itself; `relaypacs retry` tries now")))?;
        }
    }
    let mut shown = table::new(&["SERIES", "MODALITY", ">NO.", "DESCRIPTION", ">INSTANCES"]);
    for series in study["series"].as_array().into_iter().flatten() {
        let text = |key: &str| series[key].as_str().unwrap_or_default().to_owned();
        let number = series["number"].as_i64().map(|number| number.to_string()).unwrap_or_default();
        let instances = series["instances"].as_array().map_or(0, Vec::len);
        shown.add_row([text("series_instance_uid"), text("modality"), number, text("description"), instances.to_string()]);
    }
    output.line(shown)
}

/// All pages of a study's ledger as one body.
pub(crate) fn whole_ledger(client: &BoxClient, study: &Uid) -> Result<Value, Fault> {
    let (mut entries, mut from) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/api/v1/studies/{study}/ledger?limit={PAGE}{from}"))?;
        entries.extend(page["entries"].as_array().cloned().unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(cursor) => from = format!("&cursor={cursor}"),
            None => return Ok(json!({"entries": entries})),
        }
    }
}

fn ledger(output: Output, ledger: &Value) -> Result<(), Fault> {
    if output.json {
        return output.object(ledger);
    }
    let mut shown = table::new(&["INSTANCE", "SHA-256", ">BYTES", "ACCEPTED", "DESTINATION", "STATE", ">TRIES", "PROVEN", "ANSWER"]);
    let mut remarks = Vec::new();
    for entry in ledger["entries"].as_array().into_iter().flatten() {
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let head = [
            text(entry, "sop_instance_uid"),
            text(entry, "sha256").chars().take(16).collect(),
            entry["bytes"].to_string(),
            format::time(&text(entry, "accepted_at")),
        ];
        for delivery in entry["deliveries"].as_array().into_iter().flatten() {
            let proof = match (delivery["proof"].as_str(), delivery["proven_at"].as_str()) {
                (Some(kind), Some(at)) => format!("{kind} {}", format::time(at)),
                _ => String::new(),
            };
            let tail =
                [text(delivery, "destination"), text(delivery, "state"), delivery["attempts"].to_string(), proof, text(delivery, "answer")];
            shown.add_row(head.iter().cloned().chain(tail));
        }
        if entry["deliveries"].as_array().is_none_or(Vec::is_empty) {
            shown.add_row(head.iter().cloned().chain(["none".into(), "held".into(), "0".into()]));
        }
        let notes = words(&entry["notes"]);
        if !notes.is_empty() {
            remarks.push(format!("{}: {notes}", head[0]));
        }
    }
    output.line(shown)?;
    remarks.iter().try_for_each(|remark| output.line(remark))
}
