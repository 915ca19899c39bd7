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
    let (studies, people) = (relaypacs_buffer::NEWEST_SCHEMA, relaypacs_clinic::migrate::NEWEST);
    let newest = studies.max(people);
    if command.to == 0 || command.to > newest {
        return Err(Fault::failed(format!(
            "the data cannot be brought to schema {}: this release knows the schemas 1 to {newest}",
            command.to
        )));
    }
    // A file that has no step to a number stays at its last one before it.
    let files = relaypacs_buffer::migrate(&directory, command.to.min(studies)).map_err(|error| stopped::fault(&error))?;
    let mut files: Vec<_> = files.into_iter().map(|file| json!(file)).collect();
    let accounts = relaypacs_clinic::migrate::migrate(&directory, command.to.min(people));
    files.extend(accounts.map_err(|error| Fault::failed(error.to_string()))?.map(|file| json!(file)));
    let output = arguments.output();
    if output.json {
        return output.object(&json!({"ok": true, "files": files}));
    }
    for file in &files {
        let text = |key: &str| file[key].as_str().unwrap_or("?");
        match file["copy"].as_str() {
            None => output.line(format_args!("{} has schema {} already", text("file"), file["to"]))?,
            Some(copy) => output.line(format_args!("{}: schema {} → {}; as it was in {copy}", text("file"), file["from"], file["to"]))?,
        }
    }
    Ok(())
}
