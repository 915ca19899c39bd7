//! What the image's updater says about slots and updates: `update-state.json`, in the folder of the requests, written by root's helper.
//!
//! ```text
//! {"slot": "A"}                                                            which slot runs; all else is optional
//! {"slot": "A", "installing_percent": 62}                                  an update is being written
//! {"slot": "A", "ready": "2.1.0"}                                          the next start runs it
//! {"slot": "A", "failed": {"version": "2.1.0", "at": "2026-11-23T03:12:00Z"}}   it did not get well; until the request acknowledge-update
//! ```

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use serde::Deserialize;

/// The file's name.
const NAME: &str = "update-state.json";
/// Bytes it may have.
const MOST: u64 = 4_096;

/// What the updater says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct UpdateState {
    /// The slot the machine runs from; empty: there are none.
    pub(super) slot: String,
    /// How much of an update is written.
    pub(super) installing_percent: Option<u8>,
    /// A release that waits for the next start.
    pub(super) ready: Option<String>,
    /// A release that did not get well.
    pub(super) failed: Option<Failed>,
}

/// A release that did not get well.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Failed {
    /// Which.
    pub(super) version: String,
    /// When the machine went back (RFC 3339).
    #[serde(default)]
    pub(super) at: Option<String>,
}

/// Reads it; without folder or file nothing is known. Blocks a little.
pub(super) fn look(folder: Option<&Path>) -> UpdateState {
    let Some(folder) = folder else { return UpdateState::default() };
    let read = || {
        let mut text = String::new();
        File::open(folder.join(NAME))?.take(MOST).read_to_string(&mut text)?;
        serde_json::from_str(&text).map_err(io::Error::other)
    };
    read().unwrap_or_else(|error: io::Error| {
        if error.kind() != io::ErrorKind::NotFound {
            tracing::debug!(%error, "what the updater says cannot be read");
        }
        UpdateState::default()
    })
}
