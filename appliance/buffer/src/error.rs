//! Errors that several operations of the buffer share.

use std::path::PathBuf;

/// Why the catalogue did not answer, or a fact could not be recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CatalogueError {
    /// Its file cannot be read or written.
    #[error("the catalogue cannot be used: {0}")]
    Storage(String),
    /// A row in it makes no sense.
    #[error("a record of the catalogue cannot be read: {0}")]
    Record(String),
    /// A cursor that somebody else made.
    #[error("the cursor is not one this box gave")]
    Cursor,
    /// The fact is not in the log.
    #[error("writing the log failed: {0}")]
    Log(String),
    /// The buffer is being closed.
    #[error("the box is shutting down")]
    Closing,
}

/// Why the buffer cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk refused something.
    #[error("{what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("the data directory is used by {0}")]
    Locked(String),
    /// A file asks for a newer program.
    #[error("{path} was written by a newer release (it asks for at least version {min_reader}); start that release, or restore a backup")]
    Newer {
        /// Which file.
        path: PathBuf,
        /// The lowest schema version that may read it.
        min_reader: u32,
    },
    /// A schema that this program does not know.
    #[error("{path} cannot be brought to schema {asked}: this release knows {}", known_schemas(*.known))]
    UnknownSchema {
        /// Which file.
        path: PathBuf,
        /// The schema that was asked for.
        asked: u32,
        /// The highest schema this program knows; the lowest is 1.
        known: u32,
    },
    /// Not even an empty catalogue works.
    #[error("the catalogue cannot be built: {0}")]
    Catalogue(String),
}

fn known_schemas(highest: u32) -> String {
    if highest == 1 { "schema 1 only".into() } else { format!("the schemas 1 to {highest}") }
}
