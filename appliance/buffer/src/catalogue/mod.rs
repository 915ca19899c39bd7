//! The catalogue: what queries and the outbox need to know about the log, in one redb file, plus the history in another.
//!
//! The log is the truth; every row here is a function of the log's entries, applied in their order. The catalogue knows nothing of segment
//! files, of the network or of wall-clock time.
//!
//! The facade's methods about outbox, queries and upkeep stand in `outbox.rs`, `query.rs`, … as further `impl Buffer` blocks; they reach the
//! two halves through `Buffer::catalogue(&self) -> &Catalogue` and `Buffer::log(&self) -> &LogHandle`.

mod apply;
mod batches;
mod change;
mod copying;
mod history;
mod keeping;
mod leases;
mod parts;
mod pauses;
mod questions;
mod row;
mod tables;
#[cfg(test)]
mod tests;
mod turns;

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use redb::{Database, Durability, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata};
use relaypacs_domain::{Clock, DestinationName, Identity, ObjectId, Routing, Sha256, Timestamp};
use tokio::sync::watch;

pub(crate) use batches::Walk;
pub(crate) use leases::Lease;
pub(crate) use row::{ObjectRow, PartRow};

use self::{
    change::Change,
    leases::Leases,
    row::{Saved, State},
    tables::{decode, encode, storage},
};
use crate::{
    CatalogueError, OpenError,
    entry::{BufferTime, Entry, Extent, LogPosition},
    migrate,
    watermarks::Marks,
};

/// Memory for pages of the catalogue, in bytes. What does not fit is read again through the system's page cache.
const CATALOGUE_CACHE: usize = 16 << 20;
/// How far the numbers of events leap when the catalogue is built anew.
const EVENTS_APART: u64 = 1 << 20;
/// Memory for pages of the history, in bytes.
const HISTORY_CACHE: usize = 2 << 20;

/// The catalogue. Cheap to clone; all clones are one catalogue.
#[derive(Clone)]
pub(crate) struct Catalogue {
    shared: Arc<Shared>,
}

struct Shared {
    stores: RwLock<Stores>,
    clock: Clock,
    time: Mutex<RunningTime>,
    /// `None`: nobody has said yet where objects go.
    routing: RwLock<Option<Arc<Routing>>>,
    /// Held by whoever brings deliveries in line with the routing.
    following: tokio::sync::Mutex<()>,
    leases: Arc<Leases>,
    newest: watch::Sender<u64>,
    marks: Marks,
    /// Destinations that an operator has paused, as the history has them.
    paused: Mutex<BTreeSet<DestinationName>>,
    reopened: AtomicU64,
}

#[derive(Clone)]
struct Stores {
    catalogue: Arc<Database>,
    history: Arc<Database>,
}

/// The buffer's time at a moment of boot time; it runs on from there.
struct RunningTime {
    base: BufferTime,
    boot: Duration,
}

/// How far the catalogue file was when it was last durable. A new file has the default (replay everything).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Checkpoint {
    /// Entries up to and including this position are in it.
    pub(crate) position: LogPosition,
    /// The buffer's running time then.
    pub(crate) buffer_time: BufferTime,
    /// The lowest object number that no applied commit has used.
    pub(crate) next_object: u64,
    /// Whether the buffer was closed in order ([`Catalogue::close`]).
    pub(crate) clean: bool,
}

/// What applying a group did that the caller must know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Applied {
    /// Commits that brought an instance which is stored already, byte for byte: (the new object's number, the stored one's). The new bytes
    /// are dead; whoever asked is told the stored one's number.
    pub(crate) stored_before: Vec<(ObjectId, ObjectId)>,
}

/// What reading an object needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredObject {
    /// Who it is.
    pub(crate) identity: Identity,
    /// Length of its data set.
    pub(crate) bytes: u64,
    /// Of its data set.
    pub(crate) sha256: Sha256,
    /// When it was acknowledged.
    pub(crate) accepted_at: Timestamp,
    /// Where its bytes lie, in order.
    pub(crate) extents: Vec<Extent>,
}

impl Catalogue {
    /// Opens both files (empty ones are set up) and says from where the log is to be replayed. If `catalogue` cannot be opened for another
    /// reason than [`OpenError::Newer`], hand in an empty one and replay everything: the history's numbers are respected.
    pub(crate) fn open(
        catalogue: impl redb::StorageBackend,
        history: impl redb::StorageBackend,
        clock: Clock,
    ) -> Result<(Self, Checkpoint), OpenError> {
        let (stores, checkpoint, state) = open_stores(catalogue, history)?;
        let base = checkpoint.buffer_time.max(state.latest);
        let paused = pauses::read(&stores.history).map_err(|error| OpenError::Catalogue(error.to_string()))?;
        let shared = Shared {
            stores: RwLock::new(stores),
            time: Mutex::new(RunningTime { base, boot: clock.boot() }),
            clock,
            routing: RwLock::default(),
            following: tokio::sync::Mutex::default(),
            leases: Arc::new(Leases::new()),
            newest: watch::Sender::new(state.next_event - 1),
            marks: Marks::default(),
            paused: Mutex::new(paused),
            reopened: AtomicU64::new(0),
        };
        Ok((Self { shared: Arc::new(shared) }, checkpoint))
    }

    /// Opens the history again if it no longer works (redb refuses everything after an I/O error). Answers whether it did not. One that works
    /// stays open: two on one file would write over each other's pages, and nothing could build it anew.
    pub(crate) fn reopen_history(&self, history: impl redb::StorageBackend) -> Result<bool, OpenError> {
        let broken = self.check_history().is_err();
        if broken {
            let history = open_history(history)?;
            self.replace(|stores| stores.history = Arc::new(history));
        }
        Ok(broken)
    }

    /// Opens the catalogue's file again if it no longer works, or if it is a `fresh` one in the place of one whose rows are wrong. Leases,
    /// routing and watchers stay. The caller replays from the answer's position before it applies anything new.
    pub(crate) fn reopen(&self, catalogue: impl redb::StorageBackend, fresh: bool) -> Result<Checkpoint, OpenError> {
        let stores = self.stores();
        if fresh || check_writable(&stores.catalogue).is_err() {
            let past = past(&stores.history)?;
            let catalogue = open_catalogue(catalogue, past)?;
            self.shared.reopened.fetch_add(1, Ordering::AcqRel);
            self.replace(|stores| stores.catalogue = Arc::new(catalogue));
        }
        let stores = self.stores();
        Ok(read_checkpoint(&stores.catalogue, past(&stores.history)?)?.0)
    }

    /// How often the catalogue's file was opened again; each time it falls back to its last checkpoint until the log was replayed.
    pub(crate) fn reopened(&self) -> u64 {
        self.shared.reopened.load(Ordering::Acquire)
    }

    /// Whether the history can be written.
    pub(crate) fn check_history(&self) -> Result<(), CatalogueError> {
        check_writable(&self.history())
    }

    /// Whether the catalogue's file can be written.
    pub(crate) fn check(&self) -> Result<(), CatalogueError> {
        check_writable(&self.stores().catalogue)
    }

    fn replace(&self, change: impl FnOnce(&mut Stores)) {
        let mut stores = self.stores();
        change(&mut stores);
        // What is replaced is closed when the last reader is done with it, not under the lock.
        let old = std::mem::replace(&mut *self.shared.stores.write().unwrap_or_else(PoisonError::into_inner), stores);
        drop(old);
    }

    /// Applies durable entries in log order, in one transaction that is visible at once and durable with the next checkpoint. Entries at or
    /// below the last applied position are passed over. Used for replay too (any group size; at most some thousand entries at a time).
    pub(crate) fn apply(&self, entries: &[(LogPosition, Entry)]) -> Result<Applied, CatalogueError> {
        let store = self.stores().catalogue;
        let mut write = store.begin_write().map_err(storage)?;
        write.set_durability(Durability::None).map_err(|error| CatalogueError::Storage(error.to_string()))?;
        let mut applied = Applied::default();
        let (state, work) = {
            let mut change = Change::begin(&write)?;
            entries.iter().try_for_each(|(position, entry)| change.apply(*position, entry, &mut applied))?;
            change.finish()?
        };
        write.commit().map_err(storage)?;
        self.advance_to(state.latest);
        if work {
            self.shared.leases.announce();
        }
        self.shared.newest.send_if_modified(|newest| std::mem::replace(newest, state.next_event - 1) != state.next_event - 1);
        Ok(applied)
    }

    /// Makes everything applied so far durable (two syncs; call it from a plain thread).
    pub(crate) fn checkpoint(&self, position: LogPosition, buffer_time: BufferTime) -> Result<(), CatalogueError> {
        self.save(Saved { position, buffer_time, clean: false })
    }

    /// The last checkpoint of an orderly stop.
    pub(crate) fn close(&self, position: LogPosition, buffer_time: BufferTime) -> Result<(), CatalogueError> {
        self.save(Saved { position, buffer_time, clean: true })
    }

    fn save(&self, saved: Saved) -> Result<(), CatalogueError> {
        let store = self.stores().catalogue;
        let mut write = store.begin_write().map_err(storage)?;
        // Without this, opening after a crash walks the whole file.
        write.set_quick_repair(true);
        {
            let mut meta = write.open_table(tables::META).map_err(storage)?;
            meta.insert("checkpoint", encode(&saved)?.as_slice()).map_err(storage)?;
        }
        write.commit().map_err(storage)
    }

    /// The buffer's running time now: what the last checkpoint saved (or a later applied entry says) plus boot time since.
    pub(crate) fn now(&self) -> BufferTime {
        let time = self.shared.time.lock().unwrap_or_else(PoisonError::into_inner);
        BufferTime(time.base.0.saturating_add(self.shared.clock.boot().saturating_sub(time.boot)))
    }

    /// The clock it was opened with.
    pub(crate) fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Time never stands before what an applied entry says.
    fn advance_to(&self, latest: BufferTime) {
        if self.now() < latest {
            *self.shared.time.lock().unwrap_or_else(PoisonError::into_inner) = RunningTime { base: latest, boot: self.shared.clock.boot() };
        }
    }

    /// The lowest object number not used by any applied commit nor by the history.
    pub(crate) fn next_object(&self) -> Result<u64, CatalogueError> {
        let stores = self.stores();
        let read = stores.catalogue.begin_read().map_err(storage)?;
        let state = change::read_state(&read.open_table(tables::META).map_err(storage)?)?;
        Ok(state.next_object.max(history::state(&stores.history)?.next_object))
    }

    /// The routing in force; a commit takes its destinations from here (`routing().matching(&source, &facts)`).
    pub(crate) fn routing(&self) -> Arc<Routing> {
        self.shared.routing.read().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }

    /// Whether somebody has said where objects go. Until then nothing may be held for want of a destination that is about to be named.
    pub(crate) fn routing_is_known(&self) -> bool {
        self.shared.routing.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Waits until nobody else brings deliveries in line with the routing: who began under an older one must not end after a newer one.
    pub(crate) async fn follows_routing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.shared.following.lock().await
    }

    /// Puts another routing in force for commits to come.
    pub(crate) fn replace_routing(&self, routing: Routing) {
        *self.shared.routing.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(routing));
    }

    /// What reading an object needs; `None`: it is not (or no longer) in the buffer.
    pub(crate) fn object(&self, object: ObjectId) -> Result<Option<StoredObject>, CatalogueError> {
        Ok(self.object_row(object)?.map(|row| StoredObject {
            identity: row.identity,
            bytes: row.bytes,
            sha256: row.sha256,
            accepted_at: row.accepted_at,
            extents: row.extents,
        }))
    }

    /// The same, also for the number under which an instance came that was stored already.
    pub(crate) fn stored(&self, object: ObjectId) -> Result<Option<StoredObject>, CatalogueError> {
        if let Some(found) = self.object(object)? {
            return Ok(Some(found));
        }
        let dead = self.read()?.open_table(tables::DEAD).map_err(storage)?.get(object.0).map_err(storage)?;
        let other = match dead.and_then(|row| change::numbers(row.value()).first().copied()) {
            Some(other) => Some(other),
            None => history::dropped_for(&self.history(), object.0)?,
        };
        other.map_or(Ok(None), |other| self.object(ObjectId(other)))
    }

    /// All that is known of an object in the buffer.
    pub(crate) fn object_row(&self, object: ObjectId) -> Result<Option<ObjectRow>, CatalogueError> {
        let objects = self.read()?.open_table(tables::OBJECTS).map_err(storage)?;
        let row = objects.get(object.0).map_err(storage)?;
        row.map(|row| decode("objects", row.value())).transpose()
    }

    /// How many objects are in the buffer.
    pub(crate) fn objects(&self) -> Result<u64, CatalogueError> {
        self.read()?.open_table(tables::OBJECTS).map_err(storage)?.len().map_err(storage)
    }

    /// Live bytes by epoch of the segment (extents and the commit records of live objects). An epoch that is not listed holds nothing live.
    pub(crate) fn live_segments(&self) -> Result<Vec<(u64, u64)>, CatalogueError> {
        let segments = self.read()?.open_table(tables::SEGMENTS).map_err(storage)?;
        let rows = segments.iter().map_err(storage)?;
        rows.map(|row| row.map(|(epoch, live)| (epoch.value(), live.value())).map_err(storage)).collect()
    }

    /// Wakes when work may have become due by something else than time.
    pub(crate) fn work(&self) -> watch::Receiver<u64> {
        self.shared.leases.subscribe()
    }

    /// The newest event's number.
    pub(crate) fn newest_event(&self) -> watch::Receiver<u64> {
        self.shared.newest.subscribe()
    }

    /// How scarce room is.
    pub(crate) fn marks(&self) -> &Marks {
        &self.shared.marks
    }

    fn leases(&self) -> &Arc<Leases> {
        &self.shared.leases
    }

    fn stores(&self) -> Stores {
        self.shared.stores.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn history(&self) -> Arc<Database> {
        self.stores().history
    }

    /// A snapshot.
    fn read(&self) -> Result<ReadTransaction, CatalogueError> {
        self.stores().catalogue.begin_read().map_err(storage)
    }
}

fn open_stores(catalogue: impl redb::StorageBackend, history: impl redb::StorageBackend) -> Result<(Stores, Checkpoint, State), OpenError> {
    let history = open_history(history)?;
    let past = past(&history)?;
    let catalogue = open_catalogue(catalogue, past)?;
    let (checkpoint, state) = read_checkpoint(&catalogue, past)?;
    Ok((Stores { catalogue: Arc::new(catalogue), history: Arc::new(history) }, checkpoint, state))
}

fn open_history(history: impl redb::StorageBackend) -> Result<Database, OpenError> {
    open_store(history, HISTORY_CACHE, "history.redb", history::set_up)
}

fn past(history: &Database) -> Result<history::HistoryState, OpenError> {
    history::state(history).map_err(|error| OpenError::Catalogue(error.to_string()))
}

fn open_catalogue(catalogue: impl redb::StorageBackend, past: history::HistoryState) -> Result<Database, OpenError> {
    open_store(catalogue, CATALOGUE_CACHE, "catalogue.redb", |write| {
        let mut change = Change::begin(write)?;
        change.state.next_object = past.next_object;
        // The file before may have told of more than the history knows: whoever has heard a number must not miss what comes now.
        change.state.next_event = if past.next_event > 1 { past.next_event + EVENTS_APART } else { 1 };
        change.state.silent_until = past.events_until;
        change.finish().map(drop)
    })
}

fn read_checkpoint(catalogue: &Database, past: history::HistoryState) -> Result<(Checkpoint, State), OpenError> {
    let read = || -> Result<_, CatalogueError> {
        let meta = catalogue.begin_read().map_err(storage)?.open_table(tables::META).map_err(storage)?;
        let saved = meta.get("checkpoint").map_err(storage)?;
        let saved = saved.map_or(Ok(Saved::default()), |row| decode::<Saved>("meta", row.value()))?;
        Ok((saved, change::read_state(&meta)?))
    };
    let (saved, state) = read().map_err(|error| OpenError::Catalogue(error.to_string()))?;
    let checkpoint = Checkpoint {
        position: saved.position.max(state.applied),
        buffer_time: saved.buffer_time,
        next_object: state.next_object.max(past.next_object),
        clean: saved.clean,
    };
    Ok((checkpoint, state))
}

/// redb refuses to begin a transaction after an I/O error.
fn check_writable(database: &Database) -> Result<(), CatalogueError> {
    database.begin_write().map_err(storage)?.abort().map_err(storage)
}

/// Opens one file; an empty one is set up and gets the program's schema.
fn open_store(
    backend: impl redb::StorageBackend,
    cache_bytes: usize,
    name: &str,
    set_up: impl FnOnce(&redb::WriteTransaction) -> Result<(), CatalogueError>,
) -> Result<Database, OpenError> {
    let fail = |error: CatalogueError| OpenError::Catalogue(error.to_string());
    let database = Database::builder().set_cache_size(cache_bytes).create_with_backend(backend);
    let database = database.map_err(|error| OpenError::Catalogue(format!("{name}: {error}")))?;
    if !migrate::check(&database, name)? {
        let create = || {
            let mut write = database.begin_write().map_err(storage)?;
            write.set_quick_repair(true);
            set_up(&write)?;
            migrate::mark(&write, migrate::SCHEMA)?;
            write.commit().map_err(storage)
        };
        create().map_err(fail)?;
    }
    Ok(database)
}
