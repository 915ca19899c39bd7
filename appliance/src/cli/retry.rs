//! `relaypacs retry`, `priority`, `release`: what somebody may change about studies on their way.

use clap::Args;
use relaypacs_domain::{DestinationName, ServiceLevel, Uid};
use serde_json::{Value, json};

use super::{Arguments, Exit, Fault, client::BoxClient, format};

#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// Study Instance UID
    #[arg(value_name = "STUDY", required_unless_present = "held")]
    study: Option<Uid>,
    /// Everything that is held instead of one study
    #[arg(long, conflicts_with = "study")]
    held: bool,
    /// Only for this destination
    #[arg(long, value_name = "NAME")]
    destination: Option<DestinationName>,
}

#[derive(Debug, Args)]
pub(crate) struct Priority {
    /// Study Instance UID
    #[arg(value_name = "STUDY")]
    study: Uid,
    /// stat, emergency, routine or subspecialty
    #[arg(value_name = "LEVEL")]
    service_level: ServiceLevel,
}

#[derive(Debug, Args)]
pub(crate) struct Release {
    /// Study Instance UID
    #[arg(value_name = "STUDY")]
    study: Uid,
    /// The destination at which it need not arrive
    #[arg(long, value_name = "NAME")]
    destination: DestinationName,
    /// Really: the box may drop the study afterwards
    #[arg(long)]
    yes: bool,
}

pub(crate) fn retry(arguments: &Arguments, command: &Retry) -> Result<(), Fault> {
    let mut body = json!({});
    if let Some(study) = &command.study {
        body["study"] = json!(study);
    }
    if let Some(destination) = &command.destination {
        body["destination"] = json!(destination);
    }
    let answer = BoxClient::connect(arguments)?.post("/admin/retry", &body)?;
    told(
        arguments,
        &answer,
        "queued again",
        "nothing of it is held by a destination or waits for another try; what is queued leaves by itself as soon as its destination takes it",
    )
}

pub(crate) fn priority(arguments: &Arguments, command: &Priority) -> Result<(), Fault> {
    let body = json!({"study": command.study, "service_level": command.service_level});
    let answer = BoxClient::connect(arguments)?.post("/admin/priority", &body)?;
    let level = command.service_level;
    told(arguments, &answer, &format!("now {level}"), &format!("the study is {level} now; nothing of it waits for a destination"))
}

pub(crate) fn release(arguments: &Arguments, command: &Release) -> Result<(), Fault> {
    if !command.yes {
        let text = format!("this gives up what has not arrived of the study at {}: the box may drop it afterwards", command.destination);
        return Err(Fault::new(Exit::Usage, text).hint("say --yes if that is meant"));
    }
    let body = json!({"study": command.study, "destination": command.destination});
    let answer = BoxClient::connect(arguments)?.post("/admin/give-up", &body)?;
    told(arguments, &answer, "given up; the ledger says so", "nothing of it was waiting or held there")
}

/// Says how many deliveries were touched.
fn told(arguments: &Arguments, answer: &Value, done: &str, nothing: &str) -> Result<(), Fault> {
    let output = arguments.output();
    if output.json {
        return output.object(answer);
    }
    match answer["deliveries"].as_u64().unwrap_or(0) {
        0 => output.line(nothing),
        deliveries => output.line(format_args!("{} {done}", format::count(deliveries, "delivery", "deliveries"))),
    }
}
