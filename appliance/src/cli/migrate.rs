//! `relaypacs migrate`: brings the files of a stopped box to another schema, so that an older release can open them.

use clap::Args;
use serde_json::json;

use super::{Arguments, Fault, stopped};

#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// The schema to bring the data to
    #[arg(long, value_name = "N")]
    to: u32,
}

pub(crate) fn run(arguments: &Arguments, command: &Migrate) -> Result<(), Fault> {
    let directory = stopped::directory(arguments)?;
    let files = relaypacs_buffer::migrate(&directory, command.to).map_err(|error| stopped::fault(&error))?;
    let output = arguments.output();
    if output.json {
        return output.object(&json!({"ok": true, "files": files}));
    }
    for file in &files {
        let name = file.file.display();
        match &file.copy {
            None => output.line(format_args!("{name} has schema {} already", file.to))?,
            Some(copy) => output.line(format_args!("{name}: schema {} → {}; as it was in {}", file.from, file.to, copy.display()))?,
        }
    }
    Ok(())
}
