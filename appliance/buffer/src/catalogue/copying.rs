//! Copies of the redb files as a snapshot shows them.

use redb::{Database, Key, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, Value, WriteTransaction};

use super::{
    Catalogue, change, history,
    row::Saved,
    tables::{self, encode, storage},
};
use crate::{CatalogueError, entry::BufferTime, migrate};

type Done<T = ()> = Result<T, CatalogueError>;

/// The catalogue at a moment.
pub(crate) struct Snapshot {
    read: ReadTransaction,
    now: BufferTime,
}

impl Catalogue {
    /// The catalogue as it is now. While it is held, the file keeps the pages that it shows.
    pub(crate) fn snapshot(&self) -> Done<Snapshot> {
        Ok(Snapshot { read: self.read()?, now: self.now() })
    }

    /// Copies the history as it is now into an empty file, durably.
    pub(crate) fn copy_history(&self, to: impl StorageBackend) -> Done {
        let read = self.history().begin_read().map_err(storage)?;
        copy_into(to, |write| history::copy(&read, write))
    }
}

impl Snapshot {
    /// Copies it into an empty file, durably, with a checkpoint at the last entry it knows.
    pub(crate) fn copy(&self, to: impl StorageBackend) -> Done {
        copy_into(to, |write| {
            let read = &self.read;
            copy_table(read, write, tables::OBJECTS)?;
            copy_table(read, write, tables::INSTANCES)?;
            copy_table(read, write, tables::STUDIES)?;
            copy_table(read, write, tables::STUDY_UIDS)?;
            copy_table(read, write, tables::STUDY_OBJECTS)?;
            copy_table(read, write, tables::INCOMPLETE)?;
            copy_table(read, write, tables::READY)?;
            copy_table(read, write, tables::DELAYED)?;
            copy_table(read, write, tables::TURNS)?;
            copy_table(read, write, tables::LATER)?;
            copy_table(read, write, tables::WAITING)?;
            copy_table(read, write, tables::HELD)?;
            copy_table(read, write, tables::QUEUES)?;
            copy_table(read, write, tables::EVENTS)?;
            copy_table(read, write, tables::RESIDENTS)?;
            copy_table(read, write, tables::SEGMENTS)?;
            copy_table(read, write, tables::SETTLED)?;
            copy_table(read, write, tables::DEAD)?;
            copy_table(read, write, tables::TOMBSTONES)?;
            copy_table(read, write, tables::PARTS)?;
            copy_table(read, write, tables::UPLOAD_PARTS)?;
            copy_table(read, write, tables::META)?;
            let mut meta = write.open_table(tables::META).map_err(storage)?;
            let state = change::read_state(&meta)?;
            let saved = Saved { position: state.applied, buffer_time: self.now, clean: false };
            meta.insert("checkpoint", encode(&saved)?.as_slice()).map_err(storage)?;
            Ok(())
        })
    }
}

fn copy_into(to: impl StorageBackend, copy: impl FnOnce(&WriteTransaction) -> Done) -> Done {
    let database = Database::builder().set_cache_size(super::CATALOGUE_CACHE).create_with_backend(to).map_err(storage)?;
    let mut write = database.begin_write().map_err(storage)?;
    write.set_quick_repair(true);
    copy(&write)?;
    migrate::mark(&write, migrate::SCHEMA)?;
    write.commit().map_err(storage)
}

/// Copies a table row by row.
pub(super) fn copy_table<K: Key + 'static, V: Value + 'static>(
    read: &ReadTransaction,
    write: &WriteTransaction,
    definition: TableDefinition<'static, K, V>,
) -> Done {
    let from = read.open_table(definition).map_err(storage)?;
    let mut to = write.open_table(definition).map_err(storage)?;
    for row in from.iter().map_err(storage)? {
        let (key, value) = row.map_err(storage)?;
        to.insert(key.value(), value.value()).map_err(storage)?;
    }
    Ok(())
}
