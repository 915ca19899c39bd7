//! Schema versions of the redb files.
//!
//! Each file carries `schema` (what it was written as) and `min_reader` (the oldest program schema that may open it). Changes expand first
//! and contract a release later, so that the previous release still opens a file after a rollback. A migration is one numbered step with an
//! up and a down; all of a file's steps happen in one transaction, after a copy of the file was made.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, TableDefinition, TableError, WriteTransaction};
use serde::{Deserialize, Serialize};

use crate::{
    CatalogueError, OpenError,
    buffer::{CATALOGUE, HISTORY, LOCK, failed, lock},
    segment::disk::{Disk, RealDisk, RedbFile},
};

/// The schema this program writes.
pub(crate) const SCHEMA: Format = Format { schema: 1, min_reader: 1 };
/// The newest schema of the buffer's files that this program knows.
pub const NEWEST_SCHEMA: u32 = SCHEMA.schema;
/// The steps to each file's schema, by number. The first release's files need none.
const MIGRATIONS: [(&str, &[Migration]); 2] = [(CATALOGUE, &[]), (HISTORY, &[])];

/// `"format"` → [`Format`], in every file.
const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");
/// Memory for pages while a file is migrated, in bytes.
const CACHE: usize = 16 << 20;

/// What a file says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Format {
    /// What it was written as.
    pub(crate) schema: u32,
    /// The oldest program schema that may open it.
    pub(crate) min_reader: u32,
}

/// The step to a schema from the one before it, and back.
pub(crate) struct Migration {
    /// What the file is after the step up.
    pub(crate) to: Format,
    pub(crate) up: fn(&WriteTransaction) -> Result<(), CatalogueError>,
    pub(crate) down: fn(&WriteTransaction) -> Result<(), CatalogueError>,
}

/// What migrating did to a file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
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

/// Brings a stopped buffer's files to a schema, up or down (blocking). A running one is refused with [`OpenError::Locked`].
pub fn migrate(dir: &Path, to: u32) -> Result<Vec<Migrated>, OpenError> {
    let _lock = lock(&dir.join(LOCK))?;
    MIGRATIONS.iter().map(|(name, migrations)| migrate_file(dir, name, migrations, to)).collect()
}

/// Brings files of an older schema up before they are opened.
pub(crate) fn prepare(dir: &Path) -> Result<(), OpenError> {
    for (name, migrations) in MIGRATIONS {
        if !migrations.is_empty() && dir.join(name).exists() {
            migrate_file(dir, name, migrations, SCHEMA.schema)?;
        }
    }
    Ok(())
}

fn migrate_file(dir: &Path, name: &str, migrations: &[Migration], to: u32) -> Result<Migrated, OpenError> {
    let path = dir.join(name);
    let disk = RealDisk::new(dir);
    let fail = |source| failed("migrating", &path, source);
    let broken = |error: CatalogueError| OpenError::Catalogue(format!("{name}: {error}"));
    disk.open(name).map_err(fail)?; // opening it for redb would create it
    let open = || {
        let file = RedbFile::open_or_create(&disk, name).map_err(fail)?;
        let database = Database::builder().set_cache_size(CACHE).create_with_backend(file);
        database.map_err(|error| OpenError::Catalogue(format!("{name}: {error}")))
    };
    let known = migrations.last().map_or(1, |last| last.to.schema);
    let database = open()?;
    let from = format(&database).map_err(broken)?.ok_or_else(|| OpenError::Catalogue(format!("{name} is no file of a buffer")))?;
    if from.schema > known {
        return Err(OpenError::Newer { path, min_reader: from.min_reader });
    }
    if to == 0 || to > known {
        return Err(OpenError::UnknownSchema { path, asked: to, known });
    }
    if from.schema == to {
        return Ok(Migrated { file: path, from: to, to, copy: None });
    }
    drop(database); // closed in order: the copy is one that opens
    let copy = dir.join(format!("{name}.schema-{}", from.schema));
    std::fs::copy(&path, &copy).and_then(|_| std::fs::File::open(&copy)?.sync_all()).map_err(fail)?;
    disk.sync_dir().map_err(fail)?;
    step(&open()?, migrations, from.schema, to).map_err(broken)?;
    Ok(Migrated { file: path, from: from.schema, to, copy: Some(copy) })
}

/// Takes all steps between two schemas, in one durable transaction.
fn step(database: &Database, migrations: &[Migration], from: u32, to: u32) -> Result<(), CatalogueError> {
    let failed = |error: redb::Error| CatalogueError::Storage(error.to_string());
    let write = database.begin_write().map_err(|error| failed(error.into()))?;
    if from < to {
        for migration in migrations.iter().filter(|migration| (from + 1..=to).contains(&migration.to.schema)) {
            (migration.up)(&write)?;
            mark(&write, migration.to)?;
        }
    } else {
        for migration in migrations.iter().rev().filter(|migration| (to + 1..=from).contains(&migration.to.schema)) {
            (migration.down)(&write)?;
        }
        let below = migrations.iter().map(|migration| migration.to).rfind(|format| format.schema <= to);
        mark(&write, below.unwrap_or(Format { schema: 1, min_reader: 1 }))?;
    }
    write.commit().map_err(|error| failed(error.into()))
}

/// The format of a file; `None`: it is new.
fn format(database: &Database) -> Result<Option<Format>, CatalogueError> {
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
