//! Answers for lists, details, ledger, queues and events, from one snapshot each.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata};
use relaypacs_domain::{DestinationName, Event, Flag, ObjectId, ServiceLevel, Timestamp, Uid};

use super::{
    Catalogue, history,
    row::{DestinationRow, EventRow, ObjectRow, QueueRow, StateBit, StudyHead, StudyRow},
    tables::{self, NOWHERE, TOTAL, decode, storage},
};
use crate::{
    CatalogueError, InstanceDetail, LedgerEntry, LedgerPage, Queue, SeriesDetail, Study, StudyDelivery, StudyDetail, StudyPage, StudyQuery,
};

type Done<T = ()> = Result<T, CatalogueError>;

/// Most studies on a page.
const MOST_STUDIES: usize = 500;
/// Most ledger entries on a page.
const MOST_ENTRIES: usize = 1000;
/// Most instances shown in a study's detail.
const MOST_INSTANCES: usize = 100_000;
/// Delayed deliveries looked at for the age of the oldest.
const OLDEST_LOOK: usize = 100;

/// A filter on study heads.
struct Filter<'a> {
    query: &'a StudyQuery,
    state: Option<Wanted>,
}

/// A state to look for: a stored one, or work under way.
enum Wanted {
    Stored(u8),
    Forwarding(std::collections::HashSet<u64>),
    Nothing,
}

impl Catalogue {
    /// Studies in the buffer, newest first.
    pub(crate) fn studies(&self, query: &StudyQuery) -> Done<StudyPage> {
        let before = query.cursor.as_deref().map(parse_cursor).transpose()?.unwrap_or(u64::MAX);
        let limit = query.limit.clamp(1, MOST_STUDIES);
        let read = self.read()?;
        let table = read.open_table(tables::STUDIES).map_err(storage)?;
        let filter = Filter::new(self, query);
        let mut page = StudyPage { studies: Vec::new(), total: 0, next_cursor: None };
        let mut last = 0;
        if filter.is_open() {
            page.total = table.len().map_err(storage)?;
        }
        let from = if filter.is_open() { before } else { u64::MAX };
        for row in table.range(..from).map_err(storage)?.rev() {
            let (key, row) = row.map_err(storage)?;
            let key = key.value();
            if !filter.is_open() {
                if !filter.admits(key, &head(row.value())?) || !filter.admits_row(row.value())? {
                    continue;
                }
                page.total += 1;
                if key >= before {
                    continue;
                }
            }
            if page.studies.len() < limit {
                page.studies.push(self.show(key, decode("studies", row.value())?));
                last = key;
            } else {
                page.next_cursor = Some(last.to_string());
                if filter.is_open() {
                    break;
                }
            }
        }
        Ok(page)
    }

    /// Studies with held objects, newest first.
    pub(crate) fn held_studies(&self, limit: usize) -> Done<Vec<Study>> {
        let read = self.read()?;
        let held = read.open_table(tables::HELD).map_err(storage)?;
        let queues = read.open_table(tables::QUEUES).map_err(storage)?;
        let mut found = BTreeSet::new();
        for row in queues.iter().map_err(storage)? {
            let name = row.map_err(storage)?.0.value().to_owned();
            // From study to study, whatever their objects: the newest of each destination and those before it.
            let mut before = u64::MAX;
            for _ in 0..limit {
                let mut rows = held.range((name.as_str(), 0, 0)..(name.as_str(), before, 0)).map_err(storage)?;
                let Some((key, _)) = rows.next_back().transpose().map_err(storage)? else { break };
                before = key.value().1;
                found.insert(before);
            }
        }
        let studies = read.open_table(tables::STUDIES).map_err(storage)?;
        let mut shown = Vec::new();
        for key in found.into_iter().rev().take(limit) {
            if let Some(row) = studies.get(key).map_err(storage)? {
                shown.push(self.show(key, decode("studies", row.value())?));
            }
        }
        Ok(shown)
    }

    /// A study as lists show it.
    pub(crate) fn study_in_short(&self, study: &Uid) -> Done<Option<Study>> {
        Ok(study_by_uid(&self.read()?, study)?.map(|(key, row)| self.show(key, row)))
    }

    /// A study and its instances in the buffer.
    pub(crate) fn study_detail(&self, study: &Uid) -> Done<Option<StudyDetail>> {
        let read = self.read()?;
        let Some((key, row)) = study_by_uid(&read, study)? else { return Ok(None) };
        let objects = read.open_table(tables::OBJECTS).map_err(storage)?;
        let members = read.open_table(tables::STUDY_OBJECTS).map_err(storage)?;
        let mut series: BTreeMap<Option<Uid>, SeriesDetail> = BTreeMap::new();
        for member in members.range((key, 0)..=(key, u64::MAX)).map_err(storage)?.take(MOST_INSTANCES) {
            let object = member.map_err(storage)?.0.value().1;
            let row = object_row(&objects, object)?;
            let entry = series.entry(row.identity.series.clone()).or_insert_with(|| SeriesDetail {
                series_instance_uid: row.identity.series.clone(),
                modality: row.facts.modality.clone(),
                number: row.facts.series_number,
                description: row.facts.series_description.clone(),
                instances: Vec::new(),
            });
            entry.instances.push(instance(object, row));
        }
        let mut series: Vec<SeriesDetail> = series.into_values().collect();
        series.sort_by_key(|series| series.number);
        for series in &mut series {
            series.instances.sort_by_key(|instance| (instance.number, instance.object));
        }
        Ok(Some(StudyDetail { study: self.show(key, row), series }))
    }

    /// The ledger of a study: objects in the buffer and released ones, merged in order of arrival.
    pub(crate) fn ledger(&self, study: &Uid, cursor: Option<&str>, limit: usize) -> Done<Option<LedgerPage>> {
        let after = cursor.map(parse_cursor).transpose()?;
        let limit = limit.clamp(1, MOST_ENTRIES);
        // The snapshot of what lives comes first: what is released meanwhile is then seen twice, never not at all.
        let read = self.read()?;
        let mut entries: BTreeMap<ObjectId, LedgerEntry> = BTreeMap::new();
        let live = study_by_uid(&read, study)?;
        if let Some((key, _)) = &live {
            let objects = read.open_table(tables::OBJECTS).map_err(storage)?;
            let members = read.open_table(tables::STUDY_OBJECTS).map_err(storage)?;
            let from = after.map_or(0, |object| object.saturating_add(1));
            for member in members.range((*key, from)..=(*key, u64::MAX)).map_err(storage)?.take(limit + 1) {
                let object = member.map_err(storage)?.0.value().1;
                entries.insert(ObjectId(object), object_row(&objects, object)?.ledger_entry(object, None));
            }
        }
        for entry in history::ledger(&self.history(), study.as_str(), after, limit + 1)? {
            entries.entry(entry.object).or_insert(entry);
        }
        if entries.is_empty() && live.is_none() && after.is_none() {
            return Ok(None);
        }
        let more = entries.len() > limit;
        let entries: Vec<LedgerEntry> = entries.into_values().take(limit).collect();
        let next_cursor = entries.last().filter(|_| more).map(|entry| entry.object.to_string());
        Ok(Some(LedgerPage { entries, next_cursor }))
    }

    /// What waits for a destination; `None`: for all together.
    pub(crate) fn queue(&self, destination: Option<&DestinationName>) -> Done<Queue> {
        let read = self.read()?;
        let queues = read.open_table(tables::QUEUES).map_err(storage)?;
        let name = destination.map_or(TOTAL, DestinationName::as_str);
        let row = queues.get(name).map_err(storage)?.map(|row| decode::<QueueRow>("queues", row.value())).transpose()?.unwrap_or_default();
        let (mut oldest, mut oldest_by_level) = (None, [None; 4]);
        let mut names = Vec::new();
        match destination {
            Some(destination) => names.push(destination.as_str().to_owned()),
            None => {
                for row in queues.iter().map_err(storage)? {
                    let name = row.map_err(storage)?.0.value().to_owned();
                    names.extend(Some(name).filter(|name| name != TOTAL && name != NOWHERE));
                }
            }
        }
        for name in names {
            oldest = oldest.max(self.oldest(&read, &name)?);
            let by_level = self.oldest_by_level(&read, &name, &row.by_level)?;
            oldest_by_level = std::array::from_fn(|level| by_level[level].max(oldest_by_level[level]));
        }
        Ok(Queue {
            studies: row.studies,
            instances: row.instances,
            bytes: row.bytes,
            oldest,
            held_instances: row.held_instances,
            held_studies: row.held_studies,
            by_level: row.by_level,
            oldest_by_level,
        })
    }

    /// Age of the oldest object that the longest waiting study has waiting.
    fn oldest(&self, read: &ReadTransaction, name: &str) -> Done<Option<Duration>> {
        let waiting = read.open_table(tables::WAITING).map_err(storage)?;
        let first = waiting.range((name, 0)..=(name, u64::MAX)).map_err(storage)?.next().transpose().map_err(storage)?;
        first.map_or(Ok(None), |(key, _)| self.oldest_of(read, name, key.value().1))
    }

    /// The same by service level, for those of which something waits. Of each level the studies whose turn comes first are looked at.
    fn oldest_by_level(&self, read: &ReadTransaction, name: &str, waiting: &[u64; 4]) -> Done<[Option<Duration>; 4]> {
        let turns = read.open_table(tables::TURNS).map_err(storage)?;
        let later = read.open_table(tables::LATER).map_err(storage)?;
        let studies = read.open_table(tables::STUDIES).map_err(storage)?;
        let mut oldest = [None; 4];
        for rank in 0..=ServiceLevel::Routine.rank() {
            let of_rank = |level: usize| ServiceLevel::ALL[level].rank() == rank && waiting[level] > 0;
            if !(0..4).any(of_rank) {
                continue;
            }
            let mut first = BTreeSet::new();
            for row in turns.range((name, rank, 0)..=(name, rank, u64::MAX)).map_err(storage)?.take(OLDEST_LOOK) {
                first.insert(row.map_err(storage)?.0.value().2);
            }
            for row in later.range((name, rank, 0, 0)..=(name, rank, u64::MAX, u64::MAX)).map_err(storage)?.take(OLDEST_LOOK) {
                first.insert(row.map_err(storage)?.0.value().3);
            }
            for study in first {
                let Some(row) = studies.get(study).map_err(storage)? else { continue };
                let row: StudyRow = decode("studies", row.value())?;
                let Some(level) = ServiceLevel::ALL.iter().position(|level| *level == row.level) else { continue };
                if oldest[level].is_none() {
                    oldest[level] = self.oldest_of(read, name, study)?;
                }
                if (0..4).all(|level| !of_rank(level) || oldest[level].is_some()) {
                    break;
                }
            }
        }
        Ok(oldest)
    }

    /// Age of the oldest object that a study has waiting for a destination.
    fn oldest_of(&self, read: &ReadTransaction, name: &str, study: u64) -> Done<Option<Duration>> {
        let ready = read.open_table(tables::READY).map_err(storage)?;
        let delayed = read.open_table(tables::DELAYED).map_err(storage)?;
        let fresh = ready.range((name, study, 0)..=(name, study, u64::MAX)).map_err(storage)?.next().transpose().map_err(storage)?;
        let mut oldest = fresh.map(|(key, _)| key.value().2);
        let rows = delayed.range((name, study, 0, 0)..=(name, study, u64::MAX, u64::MAX)).map_err(storage)?;
        for row in rows.take(OLDEST_LOOK) {
            let object = row.map_err(storage)?.0.value().3;
            oldest = Some(oldest.map_or(object, |known| known.min(object)));
        }
        let Some(oldest) = oldest else { return Ok(None) };
        let row = object_row(&read.open_table(tables::OBJECTS).map_err(storage)?, oldest)?;
        Ok(Some(self.now().0.saturating_sub(row.accepted.0)))
    }

    /// Events after `since`, from the catalogue as far as it has them, else from the history.
    pub(crate) fn changes(&self, since: u64, limit: usize) -> Done<Vec<Event>> {
        let read = self.read()?;
        let table = read.open_table(tables::EVENTS).map_err(storage)?;
        let first = table.first().map_err(storage)?.map_or(u64::MAX, |(seq, _)| seq.value());
        let mut found = Vec::new();
        if since.saturating_add(1) < first {
            found = history::events(&self.history(), since, limit)?;
        }
        let since = found.last().map_or(since, |event: &Event| event.seq);
        for row in table.range(since.saturating_add(1)..).map_err(storage)?.take(limit - found.len().min(limit)) {
            let (_, row) = row.map_err(storage)?;
            found.push(decode::<EventRow>("events", row.value())?.event);
        }
        Ok(found)
    }

    /// Studies with a UID that are not marked complete, at most `limit`, with the time since their last object.
    pub(crate) fn incomplete_studies(&self, limit: usize) -> Done<Vec<(Uid, Duration)>> {
        let read = self.read()?;
        let incomplete = read.open_table(tables::INCOMPLETE).map_err(storage)?;
        let studies = read.open_table(tables::STUDIES).map_err(storage)?;
        let now = self.now();
        let mut found = Vec::new();
        for key in incomplete.iter().map_err(storage)?.take(limit) {
            let key = key.map_err(storage)?.0.value();
            let Some(row) = studies.get(key).map_err(storage)? else { continue };
            let row: StudyRow = decode("studies", row.value())?;
            found.extend(row.uid.map(|uid| (uid, now.0.saturating_sub(row.last.0))));
        }
        Ok(found)
    }

    /// How many deliveries of a study wait; `None`: it is not in the buffer.
    pub(crate) fn waiting_deliveries(&self, study: &Uid) -> Done<Option<u64>> {
        let found = study_by_uid(&self.read()?, study)?;
        Ok(found.map(|(_, row)| row.destinations.iter().map(DestinationRow::waiting).sum()))
    }

    fn show(&self, key: u64, row: StudyRow) -> Study {
        let now = self.now().micros();
        let deliveries = row.destinations.iter().filter(|at| !at.is_empty()).map(|at| self.show_delivery(key, at, now)).collect();
        Study {
            study_instance_uid: row.uid,
            patient_name: row.patient_name,
            patient_id: row.patient_id,
            study_date: row.study_date,
            accession_number: row.accession_number,
            modalities: row.head.modalities,
            description: row.description,
            source: row.head.source,
            calling_ae: row.calling_ae,
            service_level: row.level,
            instances: row.live.objects + row.released.objects,
            bytes: row.live.bytes + row.released.bytes,
            received_at: row.head.received_at,
            complete: row.complete,
            flags: row.flags.into_iter().map(|(flag, _): (Flag, u64)| flag).collect(),
            deliveries,
        }
    }

    fn show_delivery(&self, key: u64, at: &DestinationRow, now: u64) -> StudyDelivery {
        let state = at.state();
        let forwarding = at.waiting() > 0 && at.destination.as_ref().is_some_and(|name| self.leases().is_forwarding(name, key));
        StudyDelivery {
            destination: at.destination.clone(),
            state: if forwarding && state != StateBit::Held { "forwarding" } else { state.as_str() },
            done: at.done(),
            total: at.total(),
            next_try_in: at.earliest.map(|due| Duration::from_micros(due.saturating_sub(now))),
            held: at.held.iter().max_by_key(|(_, count)| *count).map(|(reason, _)| *reason),
            failure: at.failure.clone().filter(|_| at.delayed > 0 || at.held() > 0),
            proven_at: at.proven_at.filter(|_| at.is_delivered()),
        }
    }
}

impl<'a> Filter<'a> {
    fn new(catalogue: &Catalogue, query: &'a StudyQuery) -> Self {
        let bit = |bit: StateBit| Wanted::Stored(bit as u8);
        let state = query.state.as_deref().map(|state| match state {
            "queued" => bit(StateBit::Queued),
            "retrying" => bit(StateBit::Retrying),
            "held" => bit(StateBit::Held),
            "delivered" => bit(StateBit::Delivered),
            "given_up" => bit(StateBit::GivenUp),
            "forwarding" => Wanted::Forwarding(catalogue.leases().forwarding()),
            _ => Wanted::Nothing,
        });
        Self { query, state }
    }

    /// Whether it asks nothing.
    fn is_open(&self) -> bool {
        let query = self.query;
        query.modality.is_none()
            && query.source.is_none()
            && self.state.is_none()
            && query.from.is_none()
            && query.to.is_none()
            && !self.looks_inside()
    }

    /// Whether it asks more than the head tells.
    fn looks_inside(&self) -> bool {
        self.query.text.is_some() || self.query.only.is_some()
    }

    fn admits_row(&self, row: &[u8]) -> Done<bool> {
        if !self.looks_inside() {
            return Ok(true);
        }
        let row: StudyRow = decode("studies", row)?;
        let is_one = self.query.only.as_ref().is_none_or(|only| row.uid.as_ref().is_some_and(|uid| only.contains(uid)));
        let Some(text) = &self.query.text else { return Ok(is_one) };
        let text = text.to_lowercase();
        let places = [&row.patient_name, &row.patient_id, &row.accession_number];
        let found = places
            .into_iter()
            .flatten()
            .any(|place| place.to_lowercase().replace('^', " ").contains(&text) || place.to_lowercase().contains(&text));
        Ok(is_one && (found || row.uid.as_ref().is_some_and(|uid| uid.as_str().contains(&text))))
    }

    fn admits(&self, key: u64, head: &StudyHead) -> bool {
        let query = self.query;
        let state = match &self.state {
            None => true,
            Some(Wanted::Stored(bits)) => head.states & bits != 0,
            Some(Wanted::Forwarding(studies)) => studies.contains(&key),
            Some(Wanted::Nothing) => false,
        };
        state
            && query.modality.as_ref().is_none_or(|modality| head.modalities.contains(modality))
            && query.source.is_none_or(|source| head.source == source)
            && query.from.is_none_or(|from| head.received_at >= from)
            && query.to.is_none_or(|to| head.received_at <= to)
    }
}

impl ObjectRow {
    /// What the ledger says about it.
    pub(crate) fn ledger_entry(&self, object: u64, released_at: Option<Timestamp>) -> LedgerEntry {
        LedgerEntry {
            object: ObjectId(object),
            sop_instance_uid: self.identity.sop_instance.clone(),
            sha256: self.sha256,
            bytes: self.bytes,
            accepted_at: self.accepted_at,
            source: self.source.clone(),
            notes: self.notes.clone(),
            deliveries: self.deliveries.iter().map(|row| (row.destination.clone(), row.delivery.clone())).collect(),
            released_at,
        }
    }
}

fn instance(object: u64, row: ObjectRow) -> InstanceDetail {
    InstanceDetail {
        object: ObjectId(object),
        sop_instance_uid: row.identity.sop_instance,
        number: row.facts.instance_number,
        rows: row.facts.rows,
        columns: row.facts.columns,
        frames: row.facts.frames,
        sha256: row.sha256,
        flags: row.flags,
    }
}

/// The first part of a study's row; the rest is not decoded.
fn head(bytes: &[u8]) -> Done<StudyHead> {
    postcard::take_from_bytes(bytes).map(|(head, _)| head).map_err(|error| CatalogueError::Record(format!("studies: {error}")))
}

fn object_row(objects: &ReadOnlyTable<u64, &'static [u8]>, object: u64) -> Done<ObjectRow> {
    let row = objects.get(object).map_err(storage)?;
    let row = row.ok_or_else(|| CatalogueError::Record(format!("object {object} is missing")))?;
    decode("objects", row.value())
}

/// A study in the buffer, with its key.
pub(super) fn study_by_uid(read: &ReadTransaction, study: &Uid) -> Done<Option<(u64, StudyRow)>> {
    let uids = read.open_table(tables::STUDY_UIDS).map_err(storage)?;
    let Some(key) = uids.get(study.as_str()).map_err(storage)?.map(|key| key.value()) else { return Ok(None) };
    let studies = read.open_table(tables::STUDIES).map_err(storage)?;
    let row = studies.get(key).map_err(storage)?.ok_or_else(|| CatalogueError::Record(format!("study {key} is missing")))?;
    Ok(Some((key, decode("studies", row.value())?)))
}

/// Cursors are the number of the last row.
fn parse_cursor(cursor: &str) -> Done<u64> {
    cursor.parse().map_err(|_| CatalogueError::Cursor)
}
