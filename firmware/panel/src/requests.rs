//! Requests to the machine under a box that does not answer: files with fixed names, at which root's path units look. Their contents mean nothing.

use std::{fs, io, path::Path};

use relaypacs_panel_core::ui::LocalRequest;

/// The file's name.
pub const fn name(request: LocalRequest) -> &'static str {
    match request {
        LocalRequest::RestartService => "restart-service",
        LocalRequest::Reboot => "reboot",
    }
}

/// Leaves a request in the folder.
pub fn leave(folder: &Path, request: LocalRequest) -> io::Result<()> {
    fs::write(folder.join(name(request)), "")
}
