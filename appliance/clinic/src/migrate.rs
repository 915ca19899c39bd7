//! Schema versions of `clinic.redb`; MIGRATIONS.md of the buffer says how all files of the box do it.
//!
//! The file carries `schema` (what it was written as) and `min_reader` (the oldest program schema that may open it). A migration is one
//! numbered step with an up and a down; all steps happen in one durable transaction, after a copy of the file was made. New fields of a row
//! go to its end: a reader of an older schema leaves them unread, so the release before still opens the file after a rollback.

mod steps;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use redb::{Database, ReadableDatabase, TableDefinition, TableError, WriteTransaction};
use serde::{Deserialize, Serialize};

use crate::{
    FILE, StoreError,
    store::{decode, encode, open_file},
};

/// The schema this program writes.
pub const NEWEST: u32 = 2;
/// The steps to it, by number.
const STEPS: [Step; 1] = [steps::PASSWORD_AGE];

/// `"format"` → [`Format`].
const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");

/// What a file says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Format {
    /// What it was written as.
    schema: u32,
    /// The oldest program schema that may open it.
    min_reader: u32,
}

/// The first release's.
const FIRST: Format = Format { schema: 1, min_reader: 1 };

/// The step to a schema from the one before it, and back.
struct Step {
    /// What the file is after the step up.
    to: Format,
    up: fn(&WriteTransaction) -> Result<(), StoreError>,
    down: fn(&WriteTransaction) -> Result<(), StoreError>,
}

/// The file cannot be brought to a schema.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A newer release wrote it, and this one must not touch it.
    #[error("{path} was written by a newer release (its readers need schema {min_reader}, this program knows {NEWEST})")]
    Newer {
        /// The file.
        path: PathBuf,
        /// What its readers must know.
        min_reader: u32,
    },
    /// There is no such schema.
    #[error("this program knows the schemas 1 to {NEWEST} of accounts, not {0}")]
    Unknown(u32),
    /// The copy could not be made.
    #[error("{path}: {source}")]
    Copy {
        /// The copy.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What migrating did to the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Migrated {
    /// The file.
    pub file: PathBuf,
    /// Its schema before.
    pub from: u32,
    /// Its schema now.
    pub to: u32,
    /// The copy that was made before; `None`: there was nothing to do.
    pub copy: Option<PathBuf>,
}

/// Brings the file of a stopped box to a schema, up or down (blocking). `None`: there is no file.
pub fn migrate(data_dir: &Path, to: u32) -> Result<Option<Migrated>, MigrateError> {
    if to == 0 || to > NEWEST {
        return Err(MigrateError::Unknown(to));
    }
    let path = data_dir.join(FILE);
    if !path.exists() {
        return Ok(None);
    }
    let database = open_file(&path)?;
    let from = format(&database)?.unwrap_or(FIRST);
    if from.schema > NEWEST {
        // Its steps are a newer program's: nobody here knows the way back.
        return Err(MigrateError::Newer { path, min_reader: from.min_reader });
    }
    if from.schema == to {
        return Ok(Some(Migrated { file: path, from: to, to, copy: None }));
    }
    drop(database); // closed in order: the copy is one that opens
    let copy = data_dir.join(format!("{FILE}.schema-{}", from.schema));
    let durable = fs::copy(&path, &copy).and_then(|_| File::open(&copy)?.sync_all()).and_then(|()| File::open(data_dir)?.sync_all());
    durable.map_err(|source| MigrateError::Copy { path: copy.clone(), source })?;
    let database = open_file(&path)?;
    let write = database.begin_write().map_err(StoreError::failed)?;
    step(&write, from.schema, to)?;
    write.commit().map_err(StoreError::failed)?;
    tracing::info!(from = from.schema, to, copy = %copy.display(), "clinic.redb is migrated");
    Ok(Some(Migrated { file: path, from: from.schema, to, copy: Some(copy) }))
}

/// Before the file is opened for service: a new one is marked, an older one brought up, one of a newer release that forbids it refused.
pub(crate) fn prepare(data_dir: &Path) -> Result<(), MigrateError> {
    let path = data_dir.join(FILE);
    let is_new = !path.exists();
    let database = open_file(&path)?;
    match format(&database)? {
        Some(format) if format.min_reader > NEWEST => return Err(MigrateError::Newer { path, min_reader: format.min_reader }),
        Some(format) if format.schema >= NEWEST => return Ok(()),
        None if is_new => {
            let write = database.begin_write().map_err(StoreError::failed)?;
            mark(&write, STEPS.last().map_or(FIRST, |step| step.to))?;
            return write.commit().map_err(|error| StoreError::failed(error).into());
        }
        Some(_) | None => {}
    }
    drop(database);
    migrate(data_dir, NEWEST).map(drop)
}

/// Takes all steps between two schemas.
fn step(write: &WriteTransaction, from: u32, to: u32) -> Result<(), StoreError> {
    if from < to {
        for step in STEPS.iter().filter(|step| (from + 1..=to).contains(&step.to.schema)) {
            (step.up)(write)?;
            mark(write, step.to)?;
        }
        return Ok(());
    }
    for step in STEPS.iter().rev().filter(|step| (to + 1..=from).contains(&step.to.schema)) {
        (step.down)(write)?;
    }
    mark(write, STEPS.iter().map(|step| step.to).rfind(|format| format.schema <= to).unwrap_or(FIRST))
}

/// The format of a file; `None`: it is new, or of before formats were marked.
fn format(database: &Database) -> Result<Option<Format>, StoreError> {
    let read = database.begin_read().map_err(StoreError::failed)?;
    let table = match read.open_table(META) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(StoreError::failed(error)),
    };
    let row = table.get("format").map_err(StoreError::failed)?;
    row.map(|row| decode("meta", row.value())).transpose()
}

fn mark(write: &WriteTransaction, format: Format) -> Result<(), StoreError> {
    let mut table = write.open_table(META).map_err(StoreError::failed)?;
    table.insert("format", encode("meta", &format)?.as_slice()).map_err(StoreError::failed)?;
    Ok(())
}
