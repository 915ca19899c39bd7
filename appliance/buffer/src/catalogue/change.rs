//! One write transaction on the catalogue. Objects are put and taken here; everything that follows from them (outbox keys, counters of studies
//! and queues, live bytes, indexes) is the difference between what a row implied before and what it implies after.

use std::collections::{BTreeMap, HashMap, btree_map};

use redb::{ReadableTable, Table, WriteTransaction};
use relaypacs_domain::{DestinationName, Event, EventKind, HeldReason, ObjectId, Timestamp};

use super::{
    row::{Count, DestinationRow, EventRow, ObjectRow, PartRow, Place, QueueRow, State, StudyRow},
    tables::{self, NOWHERE, TOTAL, decode, encode, storage},
};
use crate::{CatalogueError, entry::LogPosition};

type Done<T = ()> = Result<T, CatalogueError>;

/// The tables of one transaction, with studies and live bytes collected until [`Change::finish`].
pub(super) struct Change<'t> {
    objects: Table<'t, u64, &'static [u8]>,
    instances: Table<'t, &'static str, &'static [u8]>,
    studies: Table<'t, u64, &'static [u8]>,
    study_uids: Table<'t, &'static str, u64>,
    study_objects: Table<'t, (u64, u64), ()>,
    incomplete: Table<'t, u64, ()>,
    outbox: Outbox<'t>,
    queues: Table<'t, &'static str, &'static [u8]>,
    events: Table<'t, u64, &'static [u8]>,
    residents: Table<'t, (u64, u64), u64>,
    segments: Table<'t, u64, u64>,
    settled: Table<'t, (u64, u64), ()>,
    dead: Table<'t, u64, &'static [u8]>,
    tombstones: Table<'t, u64, &'static [u8]>,
    parts: Table<'t, u64, &'static [u8]>,
    upload_parts: Table<'t, (u128, u64), ()>,
    meta: Table<'t, &'static str, &'static [u8]>,
    open_studies: BTreeMap<u64, OpenStudy>,
    live_bytes: HashMap<u64, i64>,
    pub(super) state: State,
    /// The entry being applied.
    pub(super) position: LogPosition,
    /// When it says that it happened, for its events.
    pub(super) at: Timestamp,
    /// Whether work may have become due.
    pub(super) work: bool,
}

struct Outbox<'t> {
    ready: Table<'t, (&'static str, u64, u64), ()>,
    delayed: Table<'t, (&'static str, u64, u64, u64), ()>,
    held: Table<'t, (&'static str, u64, u64), bool>,
    turns: Table<'t, (&'static str, u8, u64), ()>,
    later: Table<'t, (&'static str, u8, u64, u64), ()>,
    waiting: Table<'t, (&'static str, u64), ()>,
}

struct OpenStudy {
    before: Option<StudyRow>,
    now: StudyRow,
}

/// Reads the state row; a new catalogue has the default.
pub(super) fn read_state(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Done<State> {
    let row = meta.get("state").map_err(storage)?;
    row.map_or(Ok(State { next_event: 1, ..State::default() }), |row| decode("meta", row.value()))
}

impl<'t> Change<'t> {
    /// Opens all tables.
    pub(super) fn begin(transaction: &'t WriteTransaction) -> Done<Self> {
        let open = |error: redb::TableError| storage(error);
        let meta = transaction.open_table(tables::META).map_err(open)?;
        let state = read_state(&meta)?;
        Ok(Self {
            objects: transaction.open_table(tables::OBJECTS).map_err(open)?,
            instances: transaction.open_table(tables::INSTANCES).map_err(open)?,
            studies: transaction.open_table(tables::STUDIES).map_err(open)?,
            study_uids: transaction.open_table(tables::STUDY_UIDS).map_err(open)?,
            study_objects: transaction.open_table(tables::STUDY_OBJECTS).map_err(open)?,
            incomplete: transaction.open_table(tables::INCOMPLETE).map_err(open)?,
            outbox: Outbox {
                ready: transaction.open_table(tables::READY).map_err(open)?,
                delayed: transaction.open_table(tables::DELAYED).map_err(open)?,
                held: transaction.open_table(tables::HELD).map_err(open)?,
                turns: transaction.open_table(tables::TURNS).map_err(open)?,
                later: transaction.open_table(tables::LATER).map_err(open)?,
                waiting: transaction.open_table(tables::WAITING).map_err(open)?,
            },
            queues: transaction.open_table(tables::QUEUES).map_err(open)?,
            events: transaction.open_table(tables::EVENTS).map_err(open)?,
            residents: transaction.open_table(tables::RESIDENTS).map_err(open)?,
            segments: transaction.open_table(tables::SEGMENTS).map_err(open)?,
            settled: transaction.open_table(tables::SETTLED).map_err(open)?,
            dead: transaction.open_table(tables::DEAD).map_err(open)?,
            tombstones: transaction.open_table(tables::TOMBSTONES).map_err(open)?,
            parts: transaction.open_table(tables::PARTS).map_err(open)?,
            upload_parts: transaction.open_table(tables::UPLOAD_PARTS).map_err(open)?,
            meta,
            open_studies: BTreeMap::new(),
            live_bytes: HashMap::new(),
            position: state.applied,
            state,
            at: Timestamp::default(),
            work: false,
        })
    }

    /// Writes what was collected. The caller commits the transaction.
    pub(super) fn finish(mut self) -> Done<(State, bool)> {
        for (key, study) in std::mem::take(&mut self.open_studies) {
            self.close_study(key, study)?;
        }
        for (epoch, by) in std::mem::take(&mut self.live_bytes) {
            let live = self.segments.get(epoch).map_err(storage)?.map_or(0, |row| row.value()).saturating_add_signed(by);
            if live == 0 {
                self.segments.remove(epoch).map_err(storage)?;
            } else {
                self.segments.insert(epoch, live).map_err(storage)?;
            }
        }
        self.meta.insert("state", encode(&self.state)?.as_slice()).map_err(storage)?;
        Ok((self.state, self.work))
    }

    /// An object's row.
    pub(super) fn object(&self, object: u64) -> Done<Option<ObjectRow>> {
        let row = self.objects.get(object).map_err(storage)?;
        row.map(|row| decode("objects", row.value())).transpose()
    }

    /// The objects under a SOP Instance UID, oldest first.
    pub(super) fn versions(&self, sop_instance: &str) -> Done<Vec<u64>> {
        let row = self.instances.get(sop_instance).map_err(storage)?;
        Ok(row.map(|row| numbers(row.value())).unwrap_or_default())
    }

    /// The key of a study that is in the buffer.
    pub(super) fn study_key(&self, uid: &str) -> Done<Option<u64>> {
        // A study opened in this transaction has its UID in the table already.
        Ok(self.study_uids.get(uid).map_err(storage)?.map(|row| row.value()))
    }

    /// A study's row, to be changed.
    pub(super) fn study(&mut self, key: u64) -> Done<&mut StudyRow> {
        match self.open_studies.entry(key) {
            btree_map::Entry::Occupied(entry) => Ok(&mut entry.into_mut().now),
            btree_map::Entry::Vacant(entry) => {
                let row = self.studies.get(key).map_err(storage)?;
                let row = row.ok_or_else(|| CatalogueError::Record(format!("study {key} is missing")))?;
                let row: StudyRow = decode("studies", row.value())?;
                Ok(&mut entry.insert(OpenStudy { before: Some(row.clone()), now: row }).now)
            }
        }
    }

    /// Begins a study.
    pub(super) fn begin_study(&mut self, key: u64, row: StudyRow) -> Done {
        if let Some(uid) = &row.uid {
            self.study_uids.insert(uid.as_str(), key).map_err(storage)?;
        }
        self.open_studies.insert(key, OpenStudy { before: None, now: row });
        Ok(())
    }

    /// Records an event of the current entry, unless the history has it already.
    pub(super) fn event(&mut self, kind: EventKind) -> Done {
        if self.position <= self.state.silent_until {
            return Ok(());
        }
        let seq = self.state.next_event;
        let row = EventRow { from: self.position, event: Event { seq, at: self.at, kind } };
        self.events.insert(seq, encode(&row)?.as_slice()).map_err(storage)?;
        self.state.next_event += 1;
        Ok(())
    }

    /// Adds an object.
    pub(super) fn add(&mut self, object: u64, row: &ObjectRow) -> Done {
        let sop = row.identity.sop_instance.as_str();
        let mut versions = self.versions(sop)?;
        versions.push(object);
        versions.sort_unstable();
        self.instances.insert(sop, to_bytes(&versions).as_slice()).map_err(storage)?;
        self.study_objects.insert((row.study, object), ()).map_err(storage)?;
        self.study(row.study)?.live.add(row.bytes);
        self.differ(object, None, Some(row))
    }

    /// Changes an object.
    pub(super) fn change(&mut self, object: u64, before: &ObjectRow, after: &ObjectRow) -> Done {
        self.differ(object, Some(before), Some(after))
    }

    /// Takes an object away. Follow it with [`Self::end_if_empty`].
    pub(super) fn remove(&mut self, object: u64, row: &ObjectRow) -> Done {
        let sop = row.identity.sop_instance.as_str();
        let versions: Vec<u64> = self.versions(sop)?.into_iter().filter(|version| *version != object).collect();
        if versions.is_empty() {
            self.instances.remove(sop).map_err(storage)?;
        } else {
            self.instances.insert(sop, to_bytes(&versions).as_slice()).map_err(storage)?;
        }
        self.study_objects.remove((row.study, object)).map_err(storage)?;
        self.study(row.study)?.live.take(row.bytes);
        self.differ(object, Some(row), None)
    }

    fn differ(&mut self, object: u64, before: Option<&ObjectRow>, after: Option<&ObjectRow>) -> Done {
        match after {
            Some(row) => {
                self.objects.insert(object, encode(row)?.as_slice()).map_err(storage)?;
            }
            None => {
                self.objects.remove(object).map_err(storage)?;
            }
        }
        let residence = |row: Option<&ObjectRow>| row.map(ObjectRow::residence).unwrap_or_default();
        self.move_residence(object, residence(before), residence(after))?;
        self.move_settled(object, before, after)?;
        self.move_places(object, before, after)
    }

    /// A part's row.
    pub(super) fn part(&self, part: u64) -> Done<Option<PartRow>> {
        let row = self.parts.get(part).map_err(storage)?;
        row.map(|row| decode("parts", row.value())).transpose()
    }

    /// Adds a part, changes it, or takes it away.
    pub(super) fn set_part(&mut self, part: u64, before: Option<&PartRow>, after: Option<&PartRow>) -> Done {
        if let Some(row) = after {
            self.parts.insert(part, encode(row)?.as_slice()).map_err(storage)?;
            self.upload_parts.insert((row.key.upload.0.as_u128(), part), ()).map_err(storage)?;
        } else if let Some(row) = before {
            self.parts.remove(part).map_err(storage)?;
            self.upload_parts.remove((row.key.upload.0.as_u128(), part)).map_err(storage)?;
        }
        let residence = |row: Option<&PartRow>| row.map(PartRow::residence).unwrap_or_default();
        self.move_residence(part, residence(before), residence(after))
    }

    fn move_residence(&mut self, object: u64, old: Vec<(u64, u64)>, new: Vec<(u64, u64)>) -> Done {
        if old == new {
            return Ok(());
        }
        for (epoch, bytes) in old {
            self.residents.remove((epoch, object)).map_err(storage)?;
            *self.live_bytes.entry(epoch).or_default() -= bytes as i64;
        }
        for (epoch, bytes) in new {
            self.residents.insert((epoch, object), bytes).map_err(storage)?;
            *self.live_bytes.entry(epoch).or_default() += bytes as i64;
        }
        Ok(())
    }

    fn move_settled(&mut self, object: u64, before: Option<&ObjectRow>, after: Option<&ObjectRow>) -> Done {
        let (old, new) = (before.and_then(|row| row.settled), after.and_then(|row| row.settled));
        if old != new {
            if let Some(when) = old {
                self.settled.remove((when.micros(), object)).map_err(storage)?;
            }
            if let Some(when) = new {
                self.settled.insert((when.micros(), object), ()).map_err(storage)?;
            }
        }
        Ok(())
    }

    /// Moves an object's outbox keys and counts its study anew.
    fn move_places(&mut self, object: u64, before: Option<&ObjectRow>, after: Option<&ObjectRow>) -> Done {
        let Some(row) = after.or(before) else { return Ok(()) };
        let (key, bytes) = (row.study, row.bytes);
        let old: Vec<(Option<DestinationName>, Place)> = places(before);
        let new = places(after);
        let (old_flags, new_flags) = (before.map_or(&[][..], |row| &row.flags), after.map_or(&[][..], |row| &row.flags));
        let study = self.study(key)?;
        for flag in old_flags.iter().filter(|flag| !new_flags.contains(flag)) {
            study.count_flag(*flag, -1);
        }
        for flag in new_flags.iter().filter(|flag| !old_flags.contains(flag)) {
            study.count_flag(*flag, 1);
        }
        if old == new {
            return Ok(());
        }
        let any = |places: &[(Option<DestinationName>, Place)], is: fn(Place) -> bool| places.iter().any(|(_, place)| is(*place));
        match (any(&old, Place::is_waiting), any(&new, Place::is_waiting)) {
            (false, true) => study.waiting.add(bytes),
            (true, false) => study.waiting.take(bytes),
            _ => {}
        }
        match (any(&old, Place::is_held), any(&new, Place::is_held)) {
            (false, true) => study.held += 1,
            (true, false) => study.held = study.held.saturating_sub(1),
            _ => {}
        }
        for (destination, place) in old.iter().filter(|place| !new.contains(place)) {
            self.leave(key, object, destination.as_ref(), *place, bytes)?;
        }
        for (destination, place) in new.iter().filter(|place| !old.contains(place)) {
            self.enter(key, object, destination.as_ref(), *place, bytes)?;
        }
        Ok(())
    }

    fn leave(&mut self, key: u64, object: u64, destination: Option<&DestinationName>, place: Place, bytes: u64) -> Done {
        let name = destination.map_or(NOWHERE, DestinationName::as_str);
        match place {
            Place::Ready => self.outbox.ready.remove((name, key, object)).map_err(storage)?.is_some(),
            Place::Delayed(due) => self.outbox.delayed.remove((name, key, due, object)).map_err(storage)?.is_some(),
            Place::Held(_) => self.outbox.held.remove((name, key, object)).map_err(storage)?.is_some(),
            Place::Delivered | Place::GivenUp => false,
        };
        self.study(key)?.at(destination).count(place, -1, bytes);
        Ok(())
    }

    fn enter(&mut self, key: u64, object: u64, destination: Option<&DestinationName>, place: Place, bytes: u64) -> Done {
        let name = destination.map_or(NOWHERE, DestinationName::as_str);
        match place {
            Place::Ready => self.outbox.ready.insert((name, key, object), ()).map_err(storage)?.is_some(),
            Place::Delayed(due) => self.outbox.delayed.insert((name, key, due, object), ()).map_err(storage)?.is_some(),
            Place::Held(reason) => {
                let unconfigured = reason == HeldReason::DestinationNotConfigured;
                self.outbox.held.insert((name, key, object), unconfigured).map_err(storage)?.is_some()
            }
            Place::Delivered | Place::GivenUp => false,
        };
        self.work |= place.is_waiting();
        let study = self.study(key)?;
        let uid = study.uid.clone();
        let row = study.at(destination);
        row.count(place, 1, bytes);
        let (held, given_up) = (row.held(), row.given_up + row.released_given_up);
        match place {
            Place::Held(reason) if held == 1 => {
                self.event(EventKind::StudyHeld { study: uid, destination: destination.cloned(), reason })?;
            }
            Place::GivenUp if given_up == 1 => {
                if let (Some(study), Some(destination)) = (uid, destination.cloned()) {
                    self.event(EventKind::GivenUp { study, destination })?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Ends a study whose last object is gone: what comes later under its UID begins anew.
    pub(super) fn end_if_empty(&mut self, key: u64) -> Done {
        if self.study(key)?.live.objects > 0 {
            return Ok(());
        }
        match self.open_studies.remove(&key) {
            Some(study) => self.close_study(key, study),
            None => Ok(()),
        }
    }

    fn close_study(&mut self, key: u64, OpenStudy { before, mut now }: OpenStudy) -> Done {
        let ends = now.live.objects == 0;
        for row in &mut now.destinations {
            let name = row.destination.as_ref().map_or(NOWHERE, DestinationName::as_str);
            row.earliest = if row.delayed == 0 { None } else { self.earliest(name, key)? };
        }
        now.head.states = now.states();
        if before.as_ref() == Some(&now) && !ends {
            return Ok(());
        }
        self.move_turns(key, before.as_ref(), &now)?;
        self.move_queues(before.as_ref(), &now)?;
        let open = |row: &StudyRow| row.uid.is_some() && !row.complete && row.live.objects > 0;
        match (before.as_ref().is_some_and(open), open(&now)) {
            (false, true) => drop(self.incomplete.insert(key, ()).map_err(storage)?),
            (true, false) => drop(self.incomplete.remove(key).map_err(storage)?),
            _ => {}
        }
        if ends {
            if let Some(uid) = &now.uid {
                self.study_uids.remove(uid.as_str()).map_err(storage)?;
            }
            self.studies.remove(key).map_err(storage)?;
        } else {
            self.studies.insert(key, encode(&now)?.as_slice()).map_err(storage)?;
        }
        Ok(())
    }

    fn earliest(&self, name: &str, key: u64) -> Done<Option<u64>> {
        let mut rows = self.outbox.delayed.range((name, key, 0, 0)..=(name, key, u64::MAX, u64::MAX)).map_err(storage)?;
        rows.next().transpose().map_err(storage).map(|row| row.map(|(row, _)| row.value().2))
    }

    /// Moves a study's keys in the turn tables.
    fn move_turns(&mut self, key: u64, before: Option<&StudyRow>, now: &StudyRow) -> Done {
        for (destination, old, new) in pairs(before, now) {
            let name = destination.map_or(NOWHERE, DestinationName::as_str);
            let (old_rank, new_rank) = (before.map_or(0, |row| row.level.rank()), now.level.rank());
            let turn = |row: Option<&DestinationRow>, rank| row.filter(|row| row.ready > 0).map(|_| rank);
            let (from, to) = (turn(old, old_rank), turn(new, new_rank));
            if from != to {
                if let Some(rank) = from {
                    self.outbox.turns.remove((name, rank, key)).map_err(storage)?;
                }
                if let Some(rank) = to {
                    self.outbox.turns.insert((name, rank, key), ()).map_err(storage)?;
                }
            }
            let later = |row: Option<&DestinationRow>, rank| row.and_then(|row| row.earliest).map(|due| (rank, due));
            let (from, to) = (later(old, old_rank), later(new, new_rank));
            if from != to {
                if let Some((rank, due)) = from {
                    self.outbox.later.remove((name, rank, due, key)).map_err(storage)?;
                }
                if let Some((rank, due)) = to {
                    self.outbox.later.insert((name, rank, due, key), ()).map_err(storage)?;
                }
            }
            let waits = |row: Option<&DestinationRow>| row.is_some_and(|row| row.waiting() > 0);
            match (waits(old), waits(new)) {
                (false, true) => drop(self.outbox.waiting.insert((name, key), ()).map_err(storage)?),
                (true, false) => drop(self.outbox.waiting.remove((name, key)).map_err(storage)?),
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes what a study contributed to the queues away and adds what it contributes now.
    fn move_queues(&mut self, before: Option<&StudyRow>, now: &StudyRow) -> Done {
        let part = |row: Option<&DestinationRow>| {
            row.map_or((Count::default(), 0), |row| (Count { objects: row.waiting(), bytes: row.waiting_bytes }, row.held()))
        };
        let mut parts = vec![(TOTAL, before.map_or((Count::default(), 0), |row| (row.waiting, row.held)), (now.waiting, now.held))];
        for (destination, old, new) in pairs(before, now) {
            parts.push((destination.map_or(NOWHERE, DestinationName::as_str), part(old), part(new)));
        }
        let old_level = before.map_or(now.level, |row| row.level);
        for (name, old, new) in parts {
            if old == new && old_level == now.level {
                continue;
            }
            let row = self.queues.get(name).map_err(storage)?.map(|row| decode::<QueueRow>("queues", row.value())).transpose()?;
            let mut row = row.unwrap_or_default();
            row.count(old.0, old.1, old_level, -1);
            row.count(new.0, new.1, now.level, 1);
            if row == QueueRow::default() {
                self.queues.remove(name).map_err(storage)?;
            } else {
                self.queues.insert(name, encode(&row)?.as_slice()).map_err(storage)?;
            }
        }
        Ok(())
    }

    /// Notes that an object's bytes are stored under another number: it must be released.
    pub(super) fn must_release(&mut self, object: u64, stored: u64, records: &[u64]) -> Done {
        let row: Vec<u64> = [stored].iter().chain(records).copied().collect();
        self.dead.insert(object, to_bytes(&row).as_slice()).map_err(storage)?;
        Ok(())
    }

    /// Notes that an object is released while commit records of it are in the log.
    pub(super) fn entomb(&mut self, object: u64, records: &[u64]) -> Done {
        self.tombstones.insert(object, to_bytes(records).as_slice()).map_err(storage)?;
        Ok(())
    }

    /// The epochs that an object's or a part's tombstone names, if it has one.
    pub(super) fn tombstone(&self, object: u64) -> Done<Option<Vec<u64>>> {
        let row = self.tombstones.get(object).map_err(storage)?;
        Ok(row.map(|row| numbers(row.value())))
    }

    /// The commit records of an object that had to be released, which it is now.
    pub(super) fn released_dead(&mut self, object: u64) -> Done<Option<Vec<u64>>> {
        let row = self.dead.remove(object).map_err(storage)?;
        Ok(row.map(|row| numbers(row.value()).split_off(1)))
    }

    /// The objects' key space is theirs alone: numbers grow with arrival.
    pub(super) fn used(&mut self, object: ObjectId) {
        self.state.next_object = self.state.next_object.max(object.0 + 1);
    }
}

fn places(row: Option<&ObjectRow>) -> Vec<(Option<DestinationName>, Place)> {
    row.map(|row| row.places().map(|(destination, place)| (destination.cloned(), place)).collect()).unwrap_or_default()
}

/// Each destination of either row, with both rows about it.
fn pairs<'a>(
    before: Option<&'a StudyRow>,
    now: &'a StudyRow,
) -> impl Iterator<Item = (Option<&'a DestinationName>, Option<&'a DestinationRow>, Option<&'a DestinationRow>)> {
    // A destination's row stays once it is made, so that the newer row names all of them.
    now.destinations.iter().map(move |row| {
        let destination = row.destination.as_ref();
        (destination, before.and_then(|before| before.find(destination)), Some(row))
    })
}

/// Object numbers as a row.
pub(super) fn to_bytes(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// A row of object numbers.
pub(super) fn numbers(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect()
}
