//! What upkeep asks of the catalogue: what may go, what must be carried on, what the history has yet to learn.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry},
    time::Duration,
};

use redb::{Durability, ReadableTable};
use relaypacs_domain::{ObjectId, ServiceLevel, Uid};

use super::{
    Catalogue,
    change::numbers,
    history,
    questions::study_by_uid,
    row::{EventRow, ObjectRow, PartRow, QueueRow, StudyRow},
    tables::{self, A_PART, decode, storage},
};
use crate::{CatalogueError, entry::BufferTime};

type Done<T = ()> = Result<T, CatalogueError>;

/// How many times as many settled objects are looked at as are wanted, where some must stay.
const LOOK_AHEAD: usize = 4;

impl Catalogue {
    /// Objects from number `from` on, at most `limit`.
    pub(crate) fn objects_from(&self, from: u64, limit: usize) -> Done<Vec<(ObjectId, ObjectRow)>> {
        let objects = self.read()?.open_table(tables::OBJECTS).map_err(storage)?;
        let rows = objects.range(from..).map_err(storage)?.take(limit);
        rows.map(|row| {
            let (object, row) = row.map_err(storage)?;
            Ok((ObjectId(object.value()), decode("objects", row.value())?))
        })
        .collect()
    }

    /// The objects under a SOP Instance UID, oldest first.
    pub(crate) fn versions(&self, sop_instance: &Uid) -> Done<Vec<ObjectId>> {
        let instances = self.read()?.open_table(tables::INSTANCES).map_err(storage)?;
        let row = instances.get(sop_instance.as_str()).map_err(storage)?;
        Ok(row.map(|row| numbers(row.value()).into_iter().map(ObjectId).collect()).unwrap_or_default())
    }

    /// Objects whose deliveries were all settled at `until` or before, the longest settled first, at most `limit`. Of a study to which
    /// something came less than `stay` ago at least one object is left.
    pub(crate) fn releasable(&self, until: BufferTime, stay: Duration, limit: usize) -> Done<Vec<(ObjectId, ObjectRow)>> {
        let read = self.read()?;
        let settled = read.open_table(tables::SETTLED).map_err(storage)?;
        let objects = read.open_table(tables::OBJECTS).map_err(storage)?;
        let studies = read.open_table(tables::STUDIES).map_err(storage)?;
        let now = self.now().0;
        // How many of a study may go, and one more.
        let mut left: HashMap<u64, u64> = HashMap::new();
        let mut found = Vec::new();
        for row in settled.range(..=(until.micros(), u64::MAX)).map_err(storage)?.take(limit * LOOK_AHEAD) {
            let object = row.map_err(storage)?.0.value().1;
            let Some(row) = objects.get(object).map_err(storage)? else { continue };
            let row: ObjectRow = decode("objects", row.value())?;
            let left = match left.entry(row.study) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let study = studies.get(row.study).map_err(storage)?;
                    let study = study.map(|study| decode::<StudyRow>("studies", study.value())).transpose()?;
                    let is_young = |study: &StudyRow| study.uid.is_some() && now < study.last.0.saturating_add(stay);
                    new.insert(study.filter(is_young).map_or(u64::MAX, |study| study.live.objects))
                }
            };
            if *left > 1 {
                *left -= 1;
                found.push((ObjectId(object), row));
            }
            if found.len() == limit {
                break;
            }
        }
        Ok(found)
    }

    /// Writes ledger rows of objects that are about to be released, durably.
    pub(crate) fn remember(&self, objects: &[(ObjectId, ObjectRow)]) -> Done {
        let at = self.clock().now();
        let entry = |(object, row): &(ObjectId, ObjectRow)| {
            let study = row.identity.study.as_ref().map_or("", Uid::as_str);
            (study.to_owned(), row.ledger_entry(object.0, Some(at)))
        };
        history::remember(&self.history(), self.now(), objects.iter().map(entry).collect())
    }

    /// Objects whose bytes are stored under another number and for which no release is in the log yet: (object, the other number).
    pub(crate) fn dead(&self, limit: usize) -> Done<Vec<(u64, u64)>> {
        let dead = self.read()?.open_table(tables::DEAD).map_err(storage)?;
        let rows = dead.iter().map_err(storage)?.take(limit);
        rows.map(|row| {
            let (object, row) = row.map_err(storage)?;
            Ok((object.value(), numbers(row.value()).first().copied().unwrap_or_default()))
        })
        .collect()
    }

    /// Notes durably what became of dead objects, before their release is appended.
    pub(crate) fn remember_dead(&self, dead: &[(u64, u64)]) -> Done {
        history::remember_dropped(&self.history(), self.now(), dead)
    }

    /// Objects with something live in the segment of an epoch, at most `limit`.
    pub(crate) fn residents(&self, epoch: u64, limit: usize) -> Done<Vec<(ObjectId, ObjectRow)>> {
        let read = self.read()?;
        let residents = read.open_table(tables::RESIDENTS).map_err(storage)?;
        let objects = read.open_table(tables::OBJECTS).map_err(storage)?;
        let mut found = Vec::new();
        for row in residents.range((epoch, 0)..=(epoch, u64::MAX)).map_err(storage)?.take(limit) {
            let object = row.map_err(storage)?.0.value().1;
            let Some(row) = objects.get(object).map_err(storage)? else { continue };
            found.push((ObjectId(object), decode("objects", row.value())?));
        }
        Ok(found)
    }

    /// Parts with something live in the segment of an epoch, at most `limit`.
    pub(crate) fn resident_parts(&self, epoch: u64, limit: usize) -> Done<Vec<(ObjectId, PartRow)>> {
        let read = self.read()?;
        let residents = read.open_table(tables::RESIDENTS).map_err(storage)?;
        let parts = read.open_table(tables::PARTS).map_err(storage)?;
        let mut found = Vec::new();
        for row in residents.range((epoch, 0)..=(epoch, u64::MAX)).map_err(storage)?.take(limit) {
            let object = row.map_err(storage)?.0.value().1;
            let Some(row) = parts.get(object).map_err(storage)? else { continue };
            found.push((ObjectId(object), decode("parts", row.value())?));
        }
        Ok(found)
    }

    /// The epochs of a released object's commit records, while they may still be on the disk.
    pub(crate) fn tombstone(&self, object: ObjectId) -> Done<Vec<u64>> {
        let tombstones = self.read()?.open_table(tables::TOMBSTONES).map_err(storage)?;
        Ok(tombstones.get(object.0).map_err(storage)?.map(|row| numbers(row.value())).unwrap_or_default())
    }

    /// Whether the instance of an object that has left came again after it and is in the buffer. `true`, too, where the history has forgotten
    /// which instance it was.
    pub(crate) fn came_again(&self, object: ObjectId) -> Done<bool> {
        if self.tombstone(object)?.first() == Some(&A_PART) {
            return Ok(false);
        }
        /// An object's bytes come under another number when it comes again, and once more each time the disk damages them.
        const MOST_NUMBERS: usize = 16;
        let history = self.history();
        let mut stored = object.0;
        for _ in 0..MOST_NUMBERS {
            let Some(other) = history::dropped_for(&history, stored)? else { break };
            stored = other;
        }
        let instance = match self.object_row(ObjectId(stored))? {
            Some(row) => Some(row.identity.sop_instance),
            None => history::instance(&history, stored)?,
        };
        match instance {
            Some(instance) => Ok(self.versions(&instance)?.iter().any(|version| *version > object)),
            None => Ok(true),
        }
    }

    /// Released objects and parts, from number `from` on, that have a tombstone, and whether they were objects.
    pub(crate) fn tombstones_from(&self, from: u64, limit: usize) -> Done<Vec<(ObjectId, bool)>> {
        let tombstones = self.read()?.open_table(tables::TOMBSTONES).map_err(storage)?;
        let rows = tombstones.range(from..).map_err(storage)?.take(limit);
        rows.map(|row| {
            let (object, row) = row.map_err(storage)?;
            Ok((ObjectId(object.value()), numbers(row.value()).first() != Some(&A_PART)))
        })
        .collect()
    }

    /// What is counted for each destination: waiting instances, their bytes, held instances.
    pub(crate) fn queue_counts(&self) -> Done<BTreeMap<String, (u64, u64, u64)>> {
        let queues = self.read()?.open_table(tables::QUEUES).map_err(storage)?;
        let rows = queues.iter().map_err(storage)?;
        rows.map(|row| {
            let (name, row) = row.map_err(storage)?;
            let row: QueueRow = decode("queues", row.value())?;
            Ok((name.value().to_owned(), (row.instances, row.bytes, row.held_instances)))
        })
        .collect()
    }

    /// Forgets tombstones, from object `from` on, of which no commit record is in a segment of the epochs `on_disk`. Looks at `limit` of them
    /// and answers where to go on.
    pub(crate) fn bury(&self, from: u64, on_disk: &BTreeSet<u64>, limit: usize) -> Done<Option<u64>> {
        let mut gone = Vec::new();
        let (mut seen, mut last) = (0, 0);
        {
            let tombstones = self.read()?.open_table(tables::TOMBSTONES).map_err(storage)?;
            for row in tombstones.range(from..).map_err(storage)?.take(limit) {
                let (object, row) = row.map_err(storage)?;
                (seen, last) = (seen + 1, object.value());
                if !numbers(row.value()).iter().any(|epoch| on_disk.contains(epoch)) {
                    gone.push(last);
                }
            }
        }
        if !gone.is_empty() {
            let store = self.stores().catalogue;
            let mut write = store.begin_write().map_err(storage)?;
            write.set_durability(Durability::None).map_err(|error| CatalogueError::Storage(error.to_string()))?;
            {
                let mut tombstones = write.open_table(tables::TOMBSTONES).map_err(storage)?;
                gone.iter().try_for_each(|object| tombstones.remove(object).map(drop).map_err(storage))?;
            }
            write.commit().map_err(storage)?;
        }
        Ok((seen == limit).then_some(last + 1))
    }

    /// What somebody has said about a study in the buffer: its level if it was set, and whether it is complete.
    pub(crate) fn study_facts(&self, study: &Uid) -> Done<Option<(Option<ServiceLevel>, bool)>> {
        let found = study_by_uid(&self.read()?, study)?;
        Ok(found.map(|(_, row)| (row.level_set.then_some(row.level), row.complete)))
    }

    /// The service level of the study of an object.
    pub(crate) fn level_of(&self, row: &ObjectRow) -> Done<ServiceLevel> {
        let studies = self.read()?.open_table(tables::STUDIES).map_err(storage)?;
        let study = studies.get(row.study).map_err(storage)?;
        let study = study.ok_or_else(|| CatalogueError::Record(format!("study {} is missing", row.study)))?;
        Ok(decode::<StudyRow>("studies", study.value())?.level)
    }

    /// Copies events that the history does not have yet, durably, at most `limit` and never only some of an entry's. Answers how many.
    pub(crate) fn copy_events(&self, limit: usize) -> Done<usize> {
        let stores = self.stores();
        let known = history::state(&stores.history)?;
        let read = self.read()?;
        let events = read.open_table(tables::EVENTS).map_err(storage)?;
        let mut copied: Vec<EventRow> = Vec::new();
        for row in events.range(known.next_event..).map_err(storage)? {
            let row: EventRow = decode("events", row.map_err(storage)?.1.value())?;
            if copied.len() >= limit && copied.last().is_some_and(|last| last.from != row.from) {
                break;
            }
            copied.push(row);
        }
        let Some(until) = copied.last().map(|row| row.from) else { return Ok(0) };
        let count = copied.len();
        history::remember_events(&stores.history, self.now(), copied, until)?;
        Ok(count)
    }

    /// Takes events out of the catalogue that the history has, but for the newest `keep`; at most `limit`.
    pub(crate) fn prune_events(&self, keep: u64, limit: usize) -> Done {
        let stores = self.stores();
        let end = history::state(&stores.history)?.next_event.saturating_sub(keep);
        let old: Vec<u64> = {
            let events = self.read()?.open_table(tables::EVENTS).map_err(storage)?;
            let rows = events.range(..end).map_err(storage)?.take(limit);
            rows.map(|row| row.map(|(seq, _)| seq.value()).map_err(storage)).collect::<Done<_>>()?
        };
        if old.is_empty() {
            return Ok(());
        }
        let mut write = stores.catalogue.begin_write().map_err(storage)?;
        write.set_durability(Durability::None).map_err(|error| CatalogueError::Storage(error.to_string()))?;
        {
            let mut events = write.open_table(tables::EVENTS).map_err(storage)?;
            old.iter().try_for_each(|seq| events.remove(seq).map(drop).map_err(storage))?;
        }
        write.commit().map_err(storage)
    }

    /// Forgets at most `limit` rows of each kind in the history that are older than `before`. Answers how many.
    pub(crate) fn forget(&self, before: BufferTime, limit: usize) -> Done<usize> {
        history::forget(&self.history(), before, limit)
    }

    /// Whether the history knows what became of an object.
    pub(crate) fn history_knows(&self, object: ObjectId) -> Done<bool> {
        history::knows(&self.history(), object.0)
    }
}
