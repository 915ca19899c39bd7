//! `relaypacs echo`: tests a destination of the box step by step, or any DICOM node by C-ECHO.

use std::time::Duration;

use clap::Args;
use relaypacs_dicom::ScuOptions;
use relaypacs_domain::{AeTitle, DestinationName};
use serde_json::{Value, json};

use super::{Arguments, Exit, Fault, Output, client::BoxClient, runtime};

#[derive(Debug, Args)]
pub(crate) struct Echo {
    /// A destination's name, or HOST:PORT of a DICOM node
    #[arg(value_name = "DESTINATION|HOST:PORT")]
    target: String,
    /// AE title of the DICOM node
    #[arg(value_name = "AE_TITLE", default_value = "ANY-SCP")]
    called: AeTitle,
    /// Our AE title
    #[arg(long, value_name = "AE_TITLE", default_value = "RELAYPACS")]
    calling: AeTitle,
    /// Seconds to wait for each step
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    timeout: u64,
}

pub(crate) fn run(arguments: &Arguments, command: &Echo) -> Result<(), Fault> {
    let report = if command.target.contains(':') {
        directly(command)?
    } else {
        let name: DestinationName = command
            .target
            .parse()
            .map_err(|rule| Fault::new(Exit::Usage, format!("{:?} is neither a destination nor HOST:PORT: {rule}", command.target)))?;
        BoxClient::connect(arguments)?.post_work("/admin/echo", &json!({"destination": name}))?
    };
    show(arguments.output(), &report)?;
    match report["failed_step"].as_str() {
        None => Ok(()),
        Some(step) => Err(Fault::failed(format!("{} does not answer: step {step} failed", command.target)).hint(advice(step))),
    }
}

/// A C-ECHO of our own; the report looks like the box's.
fn directly(command: &Echo) -> Result<Value, Fault> {
    let wait = Duration::from_secs(command.timeout.clamp(1, 3600));
    let options = ScuOptions {
        address: command.target.clone(),
        calling_ae: command.calling.clone(),
        called_ae: command.called.clone(),
        connect_timeout: wait,
        timeout: wait,
    };
    let report = runtime()?.block_on(relaypacs_dicom::echo(&options));
    let failed = report.steps.iter().find(|step| !step.ok).map(|step| step.step);
    let steps = report
        .steps
        .iter()
        .map(|step| json!({"step": step.step, "ok": step.ok, "ms": step.took.as_millis() as u64, "detail": step.detail}));
    Ok(json!({"ok": failed.is_none(), "steps": steps.collect::<Vec<_>>(), "failed_step": failed}))
}

fn show(output: Output, report: &Value) -> Result<(), Fault> {
    if output.json {
        return output.object(report);
    }
    for step in report["steps"].as_array().into_iter().flatten() {
        let mark = if step["ok"] == json!(true) { "ok" } else { "FAILED" };
        let detail = step["detail"].as_str().unwrap_or_default();
        output.line(
            format_args!("{:12} {mark:6} {:>6} ms  {detail}", step["step"].as_str().unwrap_or("?"), step["ms"]).to_string().trim_end(),
        )?;
    }
    Ok(())
}

/// What to look at when a step fails.
fn advice(step: &str) -> &'static str {
    match step {
        "dns" => "check the name, and the network's name server",
        "tcp" => "check address, port, cable and firewall; is the other side running?",
        "tls" => "check certificate, its host name and the certificate authority (ca_file)",
        "auth" => "check user, password or token; they are read from the files named in the configuration",
        "association" => "check both AE titles: the other side may not know ours",
        _ => "the other side answers but refuses; its log says why",
    }
}
