//! `history.redb`: ledger rows of released objects and all events, durable before what they stand for leaves the log.

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use relaypacs_domain::{Event, ObjectId, Sha256, Uid};
use serde::{Deserialize, Serialize};

use super::{
    copying::copy_table,
    row::EventRow,
    tables::{decode, encode, storage},
};
use crate::{
    CatalogueError, LedgerEntry,
    entry::{BufferTime, LogPosition},
};

type Done<T = ()> = Result<T, CatalogueError>;

/// (Study Instance UID or `""`, object) → [`HistoryRow`].
const LEDGER: TableDefinition<'static, (&str, u64), &[u8]> = TableDefinition::new("ledger");
/// Object → the study it is listed under.
const OBJECTS: TableDefinition<'static, u64, &str> = TableDefinition::new("objects");
/// (SOP Instance UID, object) → SHA-256.
const INSTANCES: TableDefinition<'static, (&str, u64), &[u8]> = TableDefinition::new("instances");
/// (When it was released, object): the order of forgetting.
const RELEASED: TableDefinition<'static, (u64, u64), ()> = TableDefinition::new("released");
/// Objects whose bytes were stored under another number → (that number, when it was dropped).
const DROPPED: TableDefinition<'static, u64, (u64, u64)> = TableDefinition::new("dropped");
/// Event number → [`PastEvent`].
const EVENTS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("events");
/// Destinations that an operator has paused. Nothing in the log says so; files of before this table was made lack it.
const PAUSED: TableDefinition<'static, &str, ()> = TableDefinition::new("paused");
/// `"format"`, `"state"` → [`HistoryState`].
pub(super) const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");

/// What a rebuilt catalogue must respect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HistoryState {
    pub(super) next_object: u64,
    pub(super) next_event: u64,
    /// The events of all entries up to here are in the history.
    pub(super) events_until: LogPosition,
}

#[derive(Debug, Serialize, Deserialize)]
struct HistoryRow {
    entry: LedgerEntry,
    released: BufferTime,
}

#[derive(Debug, Serialize, Deserialize)]
struct PastEvent {
    when: BufferTime,
    event: EventRow,
}

impl Default for HistoryState {
    fn default() -> Self {
        Self { next_object: 1, next_event: 1, events_until: LogPosition::default() }
    }
}

/// Makes all tables, so that readers find them.
pub(super) fn set_up(transaction: &redb::WriteTransaction) -> Done {
    let open = |error: redb::TableError| storage(error);
    transaction.open_table(LEDGER).map_err(open)?;
    transaction.open_table(OBJECTS).map_err(open)?;
    transaction.open_table(INSTANCES).map_err(open)?;
    transaction.open_table(RELEASED).map_err(open)?;
    transaction.open_table(DROPPED).map_err(open)?;
    transaction.open_table(EVENTS).map_err(open)?;
    transaction.open_table(PAUSED).map_err(open)?;
    Ok(())
}

/// The destinations that an operator has paused.
pub(super) fn paused(history: &Database) -> Done<Vec<String>> {
    let table = match history.begin_read().map_err(storage)?.open_table(PAUSED) {
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        other => other.map_err(storage)?,
    };
    table.iter().map_err(storage)?.map(|row| row.map(|(name, _)| name.value().to_owned()).map_err(storage)).collect()
}

/// Notes durably that an operator has paused a destination, or lifted that.
pub(super) fn set_paused(history: &Database, destination: &str, paused: bool) -> Done {
    let write = history.begin_write().map_err(storage)?;
    {
        let mut table = write.open_table(PAUSED).map_err(storage)?;
        if paused {
            table.insert(destination, ()).map_err(storage)?;
        } else {
            table.remove(destination).map_err(storage)?;
        }
    }
    write.commit().map_err(storage)
}

/// What a rebuilt catalogue must respect.
pub(super) fn state(history: &Database) -> Done<HistoryState> {
    let read = history.begin_read().map_err(storage)?;
    let meta = read.open_table(META).map_err(storage)?;
    read_state(&meta)
}

fn read_state(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Done<HistoryState> {
    let row = meta.get("state").map_err(storage)?;
    row.map_or(Ok(HistoryState::default()), |row| decode("history meta", row.value()))
}

/// Writes ledger rows durably, each with the study that it is listed under.
pub(super) fn remember(history: &Database, released: BufferTime, entries: Vec<(String, LedgerEntry)>) -> Done {
    let write = history.begin_write().map_err(storage)?;
    {
        let mut ledger = write.open_table(LEDGER).map_err(storage)?;
        let mut objects = write.open_table(OBJECTS).map_err(storage)?;
        let mut instances = write.open_table(INSTANCES).map_err(storage)?;
        let mut order = write.open_table(RELEASED).map_err(storage)?;
        let mut meta = write.open_table(META).map_err(storage)?;
        let mut state = read_state(&meta)?;
        for (study, entry) in entries {
            let object = entry.object.0;
            state.next_object = state.next_object.max(object + 1);
            instances.insert((entry.sop_instance_uid.as_str(), object), entry.sha256.0.as_slice()).map_err(storage)?;
            objects.insert(object, study.as_str()).map_err(storage)?;
            order.insert((released.micros(), object), ()).map_err(storage)?;
            ledger.insert((study.as_str(), object), encode(&HistoryRow { entry, released })?.as_slice()).map_err(storage)?;
        }
        meta.insert("state", encode(&state)?.as_slice()).map_err(storage)?;
    }
    write.commit().map_err(storage)
}

/// Notes durably that objects were dropped because their bytes are stored under another number.
pub(super) fn remember_dropped(history: &Database, when: BufferTime, dropped: &[(u64, u64)]) -> Done {
    let write = history.begin_write().map_err(storage)?;
    {
        let mut table = write.open_table(DROPPED).map_err(storage)?;
        let mut meta = write.open_table(META).map_err(storage)?;
        let mut state = read_state(&meta)?;
        for (object, stored) in dropped {
            state.next_object = state.next_object.max(object + 1);
            table.insert(object, (*stored, when.micros())).map_err(storage)?;
        }
        meta.insert("state", encode(&state)?.as_slice()).map_err(storage)?;
    }
    write.commit().map_err(storage)
}

/// Copies events durably. They continue what is there.
pub(super) fn remember_events(history: &Database, when: BufferTime, events: Vec<EventRow>, until: LogPosition) -> Done {
    let write = history.begin_write().map_err(storage)?;
    {
        let mut table = write.open_table(EVENTS).map_err(storage)?;
        let mut meta = write.open_table(META).map_err(storage)?;
        let mut state = read_state(&meta)?;
        for event in events {
            let seq = event.event.seq;
            state.next_event = state.next_event.max(seq + 1);
            table.insert(seq, encode(&PastEvent { when, event })?.as_slice()).map_err(storage)?;
        }
        state.events_until = state.events_until.max(until);
        meta.insert("state", encode(&state)?.as_slice()).map_err(storage)?;
    }
    write.commit().map_err(storage)
}

/// Released objects of a study with numbers above `after`, in order, at most `limit`.
pub(super) fn ledger(history: &Database, study: &str, after: Option<u64>, limit: usize) -> Done<Vec<LedgerEntry>> {
    let read = history.begin_read().map_err(storage)?;
    let table = read.open_table(LEDGER).map_err(storage)?;
    let from = after.map_or(0, |object| object.saturating_add(1));
    let mut found = Vec::new();
    for row in table.range((study, from)..=(study, u64::MAX)).map_err(storage)?.take(limit) {
        let (_, row) = row.map_err(storage)?;
        found.push(decode::<HistoryRow>("ledger", row.value())?.entry);
    }
    Ok(found)
}

/// Other objects under one SOP Instance UID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Versions {
    /// At least one came before.
    pub(super) older: bool,
    /// At least one, whenever it came.
    pub(super) any: bool,
}

/// Which objects with other bytes than those of `object` were released under this SOP Instance UID.
pub(super) fn versions(history: &Database, sop_instance: &str, object: ObjectId, sha256: Sha256) -> Done<Versions> {
    let read = history.begin_read().map_err(storage)?;
    let table = read.open_table(INSTANCES).map_err(storage)?;
    for row in table.range((sop_instance, 0)..=(sop_instance, u64::MAX)).map_err(storage)? {
        let (key, digest) = row.map_err(storage)?;
        if digest.value() != sha256.0 {
            return Ok(Versions { older: key.value().1 < object.0, any: true }); // the oldest one comes first
        }
    }
    Ok(Versions::default())
}

/// Whether the history knows an object: released, or dropped for another.
pub(super) fn knows(history: &Database, object: u64) -> Done<bool> {
    let read = history.begin_read().map_err(storage)?;
    let released = read.open_table(OBJECTS).map_err(storage)?.get(object).map_err(storage)?.is_some();
    Ok(released || read.open_table(DROPPED).map_err(storage)?.get(object).map_err(storage)?.is_some())
}

/// The SOP Instance UID of a released object.
pub(super) fn instance(history: &Database, object: u64) -> Done<Option<Uid>> {
    let read = history.begin_read().map_err(storage)?;
    let Some(study) = read.open_table(OBJECTS).map_err(storage)?.get(object).map_err(storage)? else { return Ok(None) };
    let row = read.open_table(LEDGER).map_err(storage)?.get((study.value(), object)).map_err(storage)?;
    row.map(|row| Ok(decode::<HistoryRow>("ledger", row.value())?.entry.sop_instance_uid)).transpose()
}

/// Under which number the bytes are stored of an object that was dropped for another.
pub(super) fn dropped_for(history: &Database, object: u64) -> Done<Option<u64>> {
    let dropped = history.begin_read().map_err(storage)?.open_table(DROPPED).map_err(storage)?;
    Ok(dropped.get(object).map_err(storage)?.map(|row| row.value().0))
}

/// Events after `since`, at most `limit`.
pub(super) fn events(history: &Database, since: u64, limit: usize) -> Done<Vec<Event>> {
    let read = history.begin_read().map_err(storage)?;
    let table = read.open_table(EVENTS).map_err(storage)?;
    let mut found = Vec::new();
    for row in table.range(since.saturating_add(1)..).map_err(storage)?.take(limit) {
        let (_, row) = row.map_err(storage)?;
        found.push(decode::<PastEvent>("past events", row.value())?.event.event);
    }
    Ok(found)
}

/// Forgets at most `limit` rows of each kind that are older than `before`. Answers how many it forgot.
pub(super) fn forget(history: &Database, before: BufferTime, limit: usize) -> Done<usize> {
    let due = due_to_forget(history, before, limit)?;
    if due.len() == 0 {
        return Ok(0);
    }
    let write = history.begin_write().map_err(storage)?;
    {
        let mut ledger = write.open_table(LEDGER).map_err(storage)?;
        let mut objects = write.open_table(OBJECTS).map_err(storage)?;
        let mut instances = write.open_table(INSTANCES).map_err(storage)?;
        let mut order = write.open_table(RELEASED).map_err(storage)?;
        for (when, object) in &due.released {
            order.remove((*when, *object)).map_err(storage)?;
            let Some(study) = objects.remove(*object).map_err(storage)?.map(|study| study.value().to_owned()) else { continue };
            let row = ledger.remove((study.as_str(), *object)).map_err(storage)?;
            let sop = row.map(|row| decode::<HistoryRow>("ledger", row.value())).transpose()?.map(|row| row.entry.sop_instance_uid);
            if let Some(sop) = sop {
                instances.remove((sop.as_str(), *object)).map_err(storage)?;
            }
        }
        let mut dropped = write.open_table(DROPPED).map_err(storage)?;
        due.dropped.iter().try_for_each(|object| dropped.remove(object).map(drop).map_err(storage))?;
        let mut events = write.open_table(EVENTS).map_err(storage)?;
        due.events.iter().try_for_each(|seq| events.remove(seq).map(drop).map_err(storage))?;
    }
    write.commit().map_err(storage)?;
    Ok(due.len())
}

/// Rows whose time has come.
#[derive(Debug, Default)]
struct Due {
    released: Vec<(u64, u64)>,
    dropped: Vec<u64>,
    events: Vec<u64>,
}

impl Due {
    fn len(&self) -> usize {
        self.released.len() + self.dropped.len() + self.events.len()
    }
}

fn due_to_forget(history: &Database, before: BufferTime, limit: usize) -> Done<Due> {
    let read = history.begin_read().map_err(storage)?;
    let mut due = Due::default();
    for row in read.open_table(RELEASED).map_err(storage)?.range(..(before.micros(), 0)).map_err(storage)?.take(limit) {
        due.released.push(row.map_err(storage)?.0.value());
    }
    // Both tables grow in time order: the first row that is young enough ends the walk.
    for row in read.open_table(DROPPED).map_err(storage)?.iter().map_err(storage)?.take(limit) {
        let (object, row) = row.map_err(storage)?;
        if row.value().1 >= before.micros() {
            break;
        }
        due.dropped.push(object.value());
    }
    for row in read.open_table(EVENTS).map_err(storage)?.iter().map_err(storage)?.take(limit) {
        let (seq, row) = row.map_err(storage)?;
        if decode::<PastEvent>("past events", row.value())?.when >= before {
            break;
        }
        due.events.push(seq.value());
    }
    Ok(due)
}

/// Copies all tables.
pub(super) fn copy(read: &redb::ReadTransaction, write: &redb::WriteTransaction) -> Done {
    copy_table(read, write, LEDGER)?;
    copy_table(read, write, OBJECTS)?;
    copy_table(read, write, INSTANCES)?;
    copy_table(read, write, RELEASED)?;
    copy_table(read, write, DROPPED)?;
    copy_table(read, write, EVENTS)?;
    if read.list_tables().map_err(storage)?.any(|table| redb::TableHandle::name(&table) == redb::TableHandle::name(&PAUSED)) {
        copy_table(read, write, PAUSED)?;
    }
    copy_table(read, write, META)
}
