//! `relaypacs log`: changes the log levels of the running box until it ends.

use clap::Args;
use serde_json::json;

use super::{Arguments, Exit, Fault, client::BoxClient};
use crate::logs;

#[derive(Debug, Args)]
pub(crate) struct Log {
    /// A level, then levels of modules: `info,dicom=debug` (modules: dicom buffer forward clinic http daemon)
    levels: String,
}

pub(crate) fn run(arguments: &Arguments, command: &Log) -> Result<(), Fault> {
    logs::directives(&command.levels).map_err(|rule| Fault::new(Exit::Usage, rule))?;
    let body = json!({"filter": command.levels});
    BoxClient::connect(arguments)?.post("/admin/log", &body)?;
    let output = arguments.output();
    if output.json {
        return output.object(&body);
    }
    output.line(format_args!("logging at {}", command.levels))
}
