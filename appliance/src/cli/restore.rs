//! `relaypacs restore`: fills an empty data directory from a backup; a box then starts from it.

use std::{io, path::PathBuf};

use clap::Args;
use relaypacs_buffer::BackupError;
use serde_json::json;

use super::{Arguments, Exit, Fault, client, stopped};
use crate::data_dir;

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The folder that `relaypacs backup` has filled
    #[arg(value_name = "DIR")]
    from: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, command: &Restore) -> Result<(), Fault> {
    let to = data_dir::for_daemon(arguments.data_dir.as_deref());
    if client::is_running(&to) {
        return Err(stopped::running(&format!("a box runs on {}", to.display())));
    }
    let output = arguments.output();
    data_dir::prepare(&to).map_err(|error| Fault::failed(format!("{}: {error}", to.display())))?;
    let bar = output.bytes_bar(0);
    let restored = relaypacs_buffer::restore(&command.from, &to, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    let restored = restored.and_then(|()| {
        relaypacs_clinic::restore(&command.from, &to).map_err(|error| BackupError::Io { path: error.path, source: error.source })
    });
    bar.finish_and_clear();
    restored.map_err(|error| refused(&error))?;
    if rustix::process::geteuid().is_root() {
        output.remark(format_args!("its files belong to root: a box of another user needs `chown -R relaypacs: {}` first", to.display()));
    }
    if output.json {
        return output.object(&json!({"ok": true, "from": command.from, "to": to}));
    }
    output.line(format_args!("Restored to {}; `relaypacs verify` compares it, then start the box.", to.display()))
}

fn refused(error: &BackupError) -> Fault {
    match error {
        BackupError::NotEmpty(_) => Fault::failed(error.to_string()).hint("name an empty one with --data-dir, or move the old data away"),
        BackupError::NoBackup(_) => Fault::failed(error.to_string()).hint("name the folder that `relaypacs backup` has filled"),
        BackupError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            Fault::new(Exit::NotAllowed, error.to_string()).hint("run as root or relaypacs")
        }
        BackupError::Open(open) => stopped::fault(open),
        BackupError::Io { .. } | BackupError::Catalogue(_) => Fault::failed(error.to_string()),
    }
}
