//! `relaypacs backup`: a consistent copy into an empty folder while the box runs.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{Arguments, Fault, client::BoxClient};

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// An empty folder (made if it is missing), writable by the user the box runs as
    #[arg(value_name = "DIR")]
    to: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, command: &Backup) -> Result<(), Fault> {
    let client = BoxClient::connect(arguments)?;
    let output = arguments.output();
    let to = absolute(&command.to)?;
    let bar = output.bytes_bar(0);
    let mut last = Value::Null;
    let ended = client.post_lines("/admin/backup", &json!({"to": to}), |line| {
        if let (Some(done), Some(total)) = (line["done"].as_u64(), line["total"].as_u64()) {
            bar.set_length(total);
            bar.set_position(done);
        } else {
            last = line.clone();
        }
    });
    bar.finish_and_clear();
    ended?;
    if last["ok"] != json!(true) {
        let why = last["error"].as_str().unwrap_or("the box ended the copy without saying why");
        return Err(Fault::failed(format!("the backup is not complete: {why}")).hint("empty the folder and try again"));
    }
    if output.json {
        return output.object(&json!({"ok": true, "to": to}));
    }
    output.line(format_args!("Backup complete in {}; `relaypacs restore {0}` brings it back.", to.display()))
}

/// The daemon has another working directory than we.
fn absolute(path: &Path) -> Result<PathBuf, Fault> {
    std::path::absolute(path).map_err(|error| Fault::failed(format!("{}: {error}", path.display())))
}
