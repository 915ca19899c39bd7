//! What commands for a stopped box have in common: which data directory, and what to say when it cannot be used.

use std::{io, path::PathBuf};

use relaypacs_buffer::OpenError;

use super::{Arguments, Exit, Fault, client};
use crate::data_dir::{self, Found};

/// The data directory of a box that does not run.
pub(crate) fn directory(arguments: &Arguments) -> Result<PathBuf, Fault> {
    let directory = match data_dir::for_client(arguments.data_dir.as_deref()) {
        Found::Directory(directory) => directory,
        Found::Closed => return Err(client::closed(data_dir::SYSTEM.as_ref())),
    };
    if client::is_running(&directory) {
        return Err(running(&format!("a box runs on {}", directory.display())));
    }
    if std::fs::read_dir(&directory).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
        return Err(client::closed(&directory));
    }
    Ok(directory)
}

/// Why the buffer's files cannot be used.
pub(crate) fn fault(error: &OpenError) -> Fault {
    match error {
        OpenError::Locked(_) => running(&error.to_string()),
        OpenError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            Fault::new(Exit::NotAllowed, error.to_string()).hint("run as root or relaypacs")
        }
        OpenError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            Fault::failed(format!("there is no box's data here: {error}")).hint("name the box's data directory with --data-dir")
        }
        OpenError::UnknownSchema { .. } => Fault::failed(error.to_string())
            .hint("a newer schema comes with the release that needs it, which brings the files there by itself"),
        OpenError::Io { .. } | OpenError::Newer { .. } | OpenError::Catalogue(_) => Fault::failed(error.to_string()),
    }
}

/// A box runs where none may.
pub(crate) fn running(text: &str) -> Fault {
    Fault::new(Exit::TryLater, text).hint("this needs a stopped box: `systemctl stop relaypacs` first")
}
