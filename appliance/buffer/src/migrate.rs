//! Schema versions of the redb files.
//!
//! Each file carries `schema` (what it was written as) and `min_reader` (the oldest program schema that may open it). Changes expand first
//! and contract a release later, so that the previous release still opens a file after a rollback.

use std::path::PathBuf;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction};
use serde::{Deserialize, Serialize};

use crate::{CatalogueError, OpenError};

/// The schema this program writes.
pub(crate) const SCHEMA: Format = Format { schema: 1, min_reader: 1 };

/// `"format"` → [`Format`], in every file.
const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");

/// What a file says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Format {
    /// What it was written as.
    pub(crate) schema: u32,
    /// The oldest program schema that may open it.
    pub(crate) min_reader: u32,
}

/// The format of a file; `None`: it is new.
pub(crate) fn format(database: &Database) -> Result<Option<Format>, CatalogueError> {
    let failed = |error: redb::Error| CatalogueError::Storage(error.to_string());
    let read = database.begin_read().map_err(|error| failed(error.into()))?;
    let table = match read.open_table(META) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(failed(error.into())),
    };
    let row = table.get("format").map_err(|error| failed(error.into()))?;
    row.map(|row| postcard::from_bytes(row.value()).map_err(|error| CatalogueError::Record(format!("format: {error}")))).transpose()
}

/// Whether a file has been set up. A newer one than this program can read is refused.
pub(crate) fn check(database: &Database, name: &str) -> Result<bool, OpenError> {
    let format = format(database).map_err(|error| OpenError::Catalogue(format!("{name}: {error}")))?;
    match format {
        Some(format) if format.min_reader > SCHEMA.schema => {
            Err(OpenError::Newer { path: PathBuf::from(name), min_reader: format.min_reader })
        }
        Some(_) => Ok(true),
        None => Ok(false),
    }
}

/// Writes the format into a file.
pub(crate) fn mark(write: &WriteTransaction, format: Format) -> Result<(), CatalogueError> {
    let failed = |error: redb::Error| CatalogueError::Storage(error.to_string());
    let row = postcard::to_stdvec(&format).map_err(|error| CatalogueError::Record(error.to_string()))?;
    let mut table = write.open_table(META).map_err(|error| failed(error.into()))?;
    table.insert("format", row.as_slice()).map_err(|error| failed(error.into()))?;
    Ok(())
}
