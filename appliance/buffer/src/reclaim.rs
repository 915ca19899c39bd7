//! Making room: released objects leave the catalogue, segments in which nothing lives are freed, segments that a few objects keep alive are
//! emptied.
//!
//! The order is what makes it safe. Ledger row durable in the history → `Release` in the log → applied → (the log's part) durable checkpoint
//! → segment used again. Before a segment is freed, everything that only its records say about objects still in the buffer is said again at
//! the end of the log: catalogue and queue can be rebuilt from what is on the disk at any time.

#[cfg(test)]
pub(crate) mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use relaypacs_domain::{Flag, ObjectId, Uid};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{
    CatalogueError,
    catalogue::{Catalogue, ObjectRow, PartRow},
    entry::{BufferTime, Carried, Commit, Entry, Extent, Note, Part},
    segment::{LogHandle, Scanned, ScannedRecord, SegmentInfo},
    watermarks::Level,
};

type Done<T = ()> = Result<T, CatalogueError>;

/// Objects released with one record.
const BATCH: usize = 256;
/// Entries handed to the log at once when facts are carried on.
const AT_ONCE: usize = 64;
/// Of a study, one object stays for so long after the last one came, however short the retention and scarce the room: a study is told
/// complete by a minute of silence, and only then counted and reported, by who asks the buffer for it.
const STAY: Duration = Duration::from_secs(90);
/// What carrying one object's facts on takes in the log, about, in bytes.
const CARRY_BYTES: u64 = 512;
/// A segment that would have to be written anew for the most part is not looked at again for so long.
const POSTPONE: Duration = Duration::from_mins(10);
/// Objects in a segment beyond this many are too many to move.
const MOST_MOVED: usize = 4096;

/// Makes room, step by step.
pub(crate) struct Reclaim {
    catalogue: Catalogue,
    log: LogHandle,
    retention: Duration,
    segment_bytes: u64,
    runtime: Runtime,
    /// Epochs of segments that are not worth it now, and until when (boot time).
    postponed: HashMap<u64, Duration>,
    /// Where the look at tombstones goes on.
    graves: u64,
}

/// What a segment's records say that may matter elsewhere.
#[derive(Debug, Default)]
struct Said {
    objects: BTreeSet<ObjectId>,
    /// SOP instances that came: what a commit says may be about the object that holds the same instance already.
    instances: BTreeSet<Uid>,
    studies: BTreeSet<Uid>,
    released: BTreeSet<ObjectId>,
    damaged: BTreeSet<ObjectId>,
    moved: BTreeSet<ObjectId>,
}

impl Reclaim {
    pub(crate) fn new(catalogue: Catalogue, log: LogHandle, retention: Duration, segment_bytes: u64) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        Ok(Self { catalogue, log, retention, segment_bytes, runtime, postponed: HashMap::new(), graves: 0 })
    }

    /// Releases the numbers under which an instance came again that is stored under another.
    pub(crate) fn release_dead(&self) -> Done<usize> {
        let dead = self.catalogue.dead(BATCH)?;
        if !dead.is_empty() {
            self.catalogue.remember_dead(&dead)?;
            self.log.append_blocking(Entry::Release(dead.iter().map(|(object, _)| ObjectId(*object)).collect()))?;
        }
        Ok(dead.len())
    }

    /// Releases a batch of objects whose retention is over; when room is scarce, those that were settled first. Answers how many.
    pub(crate) fn release_settled(&self, level: Level) -> Done<usize> {
        let until = match level {
            Level::Enough => BufferTime(self.catalogue.now().0.saturating_sub(self.retention)),
            Level::Low | Level::Refusing => self.catalogue.now(),
        };
        if level == Level::Enough && self.catalogue.now().0 < self.retention {
            return Ok(0);
        }
        // One that comes again from here on stays: its release does not count then.
        let settled = self.catalogue.releasable(until, STAY, BATCH)?;
        if !settled.is_empty() {
            self.catalogue.remember(&settled)?;
            self.log.append_blocking(Entry::Release(settled.iter().map(|(object, _)| *object).collect()))?;
        }
        Ok(settled.len())
    }

    /// Frees the segments in which nothing lives. Answers how many.
    pub(crate) fn free_segments(&mut self, level: Level) -> Done<usize> {
        let mut freed = 0;
        // A catalogue that fell back to a checkpoint knows what lives only when it has caught up; one that fell back meanwhile may not.
        let reopened = self.catalogue.reopened();
        self.log.barrier_blocking()?;
        let quiet = self.log.quiet_segments(); // first: what comes to live later is not in one of these
        let live: BTreeMap<u64, u64> = self.catalogue.live_segments()?.into_iter().collect();
        if self.catalogue.reopened() != reopened {
            return Ok(0);
        }
        for info in quiet {
            if live.contains_key(&info.epoch) || self.is_postponed(info.epoch) {
                continue;
            }
            if self.carry_on(&info, level)? && self.log.free_segment(info.segment, info.epoch) {
                freed += 1;
            }
        }
        let graves = self.catalogue.bury(self.graves, &self.log.epochs_on_disk(), BATCH)?;
        self.graves = graves.unwrap_or(0);
        Ok(freed)
    }

    /// Empties the segment with the least in it, if it is at most half full. Answers whether there was one.
    pub(crate) fn compact(&mut self) -> Done<bool> {
        let mut candidates = Vec::new();
        let quiet = self.log.quiet_segments();
        let all_live: BTreeMap<u64, u64> = self.catalogue.live_segments()?.into_iter().collect();
        for info in quiet {
            let live = all_live.get(&info.epoch).copied().unwrap_or(0);
            if live > 0 && live <= info.bytes / 2 && !self.is_postponed(info.epoch) {
                candidates.push((live, info));
            }
        }
        candidates.sort_by_key(|(live, _)| *live);
        for (_, info) in candidates {
            if self.empty(&info)? {
                return Ok(true);
            }
            self.postpone(info.epoch);
        }
        Ok(false)
    }

    fn is_postponed(&mut self, epoch: u64) -> bool {
        let now = self.catalogue.clock().boot();
        self.postponed.retain(|_, until| *until > now);
        self.postponed.contains_key(&epoch)
    }

    fn postpone(&mut self, epoch: u64) {
        self.postponed.insert(epoch, self.catalogue.clock().boot() + POSTPONE);
    }

    /// Says again what only this segment's records say about objects in the buffer. `false`: that is not worth the room.
    fn carry_on(&mut self, info: &SegmentInfo, level: Level) -> Done<bool> {
        let Some(mut said) = self.read_facts(info) else {
            self.postpone(info.epoch);
            return Ok(false);
        };
        let gone = self.recorded_elsewhere(info.epoch, said.released.union(&said.damaged))?;
        if self.came_again(&gone)? {
            self.postpone(info.epoch);
            return Ok(false);
        }
        for instance in &said.instances {
            said.objects.extend(self.catalogue.versions(instance)?);
        }
        let mut objects = Vec::new();
        for object in said.objects {
            if let Some(row) = self.catalogue.object_row(object)?
                && (row.carried <= info.epoch || row.carried < row.recorded())
            {
                objects.push(object);
            }
        }
        let cost = objects.len() as u64 * CARRY_BYTES;
        let most = if level == Level::Enough { info.bytes / 4 } else { info.bytes / 4 * 3 };
        if cost > most {
            self.postpone(info.epoch);
            return Ok(false);
        }
        for batch in objects.chunks(AT_ONCE) {
            self.carry_objects(batch)?;
        }
        let studies: Vec<Uid> = said.studies.into_iter().collect();
        for study in &studies {
            self.carry_study(study)?;
        }
        self.carry_moves(info.epoch, &said.moved)?;
        let released: Vec<ObjectId> = gone.iter().copied().filter(|object| said.released.contains(object)).collect();
        released.chunks(BATCH).try_for_each(|batch| self.log.append_blocking(Entry::Release(batch.to_vec())).map(drop))?;
        // One that came meanwhile stands before its predecessor's release, which is repeated here.
        let in_order = !self.came_again(&gone)?;
        if !in_order {
            self.postpone(info.epoch);
        }
        Ok(in_order)
    }

    /// The objects among these that have left and have a commit record in another segment than that of `epoch`.
    fn recorded_elsewhere<'a>(&self, epoch: u64, objects: impl Iterator<Item = &'a ObjectId>) -> Done<Vec<ObjectId>> {
        let on_disk = self.log.epochs_on_disk();
        let mut found = Vec::new();
        for object in objects {
            let records = self.catalogue.tombstone(*object)?;
            if records.iter().any(|record| *record != epoch && on_disk.contains(record)) {
                found.push(*object);
            }
        }
        Ok(found)
    }

    /// Whether the instance of one of these objects, which have left, came again and is in the buffer. What a segment says of their leaving
    /// must then stay where it is for as long as their commit records do: said again later, the log would call what came again a repetition
    /// of what had left.
    fn came_again(&self, gone: &[ObjectId]) -> Done<bool> {
        for object in gone {
            if self.catalogue.came_again(*object)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Says again where the bytes of objects are whose newest commit record does not know it.
    fn carry_moves(&self, epoch: u64, moved: &BTreeSet<ObjectId>) -> Done {
        for object in moved {
            let object_row = self.catalogue.object_row(*object)?.map(|row| (row.recorded(), row.extents));
            let part_row = || Ok::<_, CatalogueError>(self.catalogue.part_row(*object)?.map(|row| (row.recorded(), row.extents)));
            let row = if object_row.is_some() { object_row } else { part_row()? };
            if let Some((recorded, extents)) = row
                && recorded <= epoch
            {
                self.log.append_blocking(Entry::Note(Note::Moved { object: *object, extents }))?;
            }
        }
        Ok(())
    }

    /// Collects what a segment's records say; `None`: it cannot be read to the end.
    fn read_facts(&self, info: &SegmentInfo) -> Option<Said> {
        let mut said = Said::default();
        for scanned in self.log.scan_segment(info.segment) {
            match scanned {
                Scanned::Record(_, ScannedRecord::Entry(entry)) => said.listen(entry),
                Scanned::Record(..) => {}
                // Bytes that are damaged say nothing any more; whoever they were about is known by the catalogue.
                Scanned::Damaged { at, len, object, what } => {
                    tracing::warn!(segment = info.segment, offset = at.offset, len, ?object, what, "a damaged record is given up");
                }
                Scanned::Unreadable { at, len, source } => {
                    tracing::warn!(segment = info.segment, offset = at.offset, len, error = %source, "a segment cannot be read; it is not used again for now");
                    return None;
                }
            }
        }
        Some(said)
    }

    /// Carries objects on. One that an entry changed meanwhile is carried again.
    fn carry_objects(&self, objects: &[ObjectId]) -> Done {
        let mut left: Vec<ObjectId> = objects.to_vec();
        while !left.is_empty() {
            let mut notes = Vec::new();
            let mut said = Vec::new();
            for object in left.drain(..) {
                let Some(row) = self.catalogue.object_row(object)? else { continue };
                said.push((object, row.changed));
                notes.push(Entry::Note(Note::Carried(Box::new(carried(object, row)))));
            }
            self.append_all(notes)?;
            for (object, as_of) in said {
                if self.catalogue.object_row(object)?.is_some_and(|row| row.changed != as_of) {
                    left.push(object);
                }
            }
        }
        Ok(())
    }

    fn carry_study(&self, study: &Uid) -> Done {
        let Some((level, complete)) = self.catalogue.study_facts(study)? else { return Ok(()) };
        let mut notes = Vec::new();
        if let Some(level) = level {
            notes.push(Entry::Note(Note::Priority { study: study.clone(), level }));
        }
        if complete {
            notes.push(Entry::Note(Note::Complete { study: study.clone(), at: self.catalogue.clock().now() }));
        }
        self.append_all(notes)
    }

    /// Moves everything that lives in a segment to the end of the log. `false`: it cannot be done, or is not worth it.
    fn empty(&self, info: &SegmentInfo) -> Done<bool> {
        let residents = self.catalogue.residents(info.epoch, MOST_MOVED + 1)?;
        let too_big = |row: &ObjectRow| row.bytes > (self.segment_bytes / 2).max(1 << 20);
        let parts = self.catalogue.resident_parts(info.epoch, MOST_MOVED + 1)?;
        if residents.len() + parts.len() > MOST_MOVED || residents.iter().any(|(_, row)| too_big(row)) {
            return Ok(false);
        }
        for (part, row) in &parts {
            if !self.move_out(info.epoch, *part, &row.extents)? {
                return Ok(false);
            }
        }
        self.record_parts_again(info.epoch, &parts)?;
        let recorded: BTreeSet<ObjectId> =
            residents.iter().filter(|(_, row)| row.recorded() == info.epoch).map(|(object, _)| *object).collect();
        for (object, row) in &residents {
            if !self.move_out(info.epoch, *object, &row.extents)? {
                return Ok(false);
            }
        }
        self.record_again(info, &recorded)
    }

    /// Copies an object's or a part's bytes to the end of the log if some are in the segment of `epoch`. `false`: it cannot be done.
    fn move_out(&self, epoch: u64, object: ObjectId, extents: &[Extent]) -> Done<bool> {
        if extents.iter().any(|extent| extent.epoch == epoch)
            && let Err(error) = self.log.move_object_blocking(object, extents)?
        {
            tracing::warn!(object = object.0, %error, "an object cannot be moved to make room");
            return Ok(false);
        }
        Ok(true)
    }

    /// Writes the records of parts again whose newest one is in the segment of `epoch`. One that is released meanwhile stays released.
    fn record_parts_again(&self, epoch: u64, parts: &[(ObjectId, PartRow)]) -> Done {
        for batch in parts.chunks(AT_ONCE) {
            let mut entries = Vec::new();
            for (object, _) in batch.iter().filter(|(_, row)| row.recorded() == epoch) {
                let Some(PartRow { key, bytes, extents, accepted, .. }) = self.catalogue.part_row(*object)? else { continue };
                entries.push(Entry::Part(Box::new(Part { object: *object, key, bytes, extents, accepted })));
            }
            self.append_all(entries)?;
        }
        Ok(())
    }

    /// Writes commit records again, with where the bytes are now, and after each what notes have said since.
    fn record_again(&self, info: &SegmentInfo, objects: &BTreeSet<ObjectId>) -> Done<bool> {
        let mut commits: HashMap<ObjectId, Box<Commit>> = HashMap::new();
        for scanned in self.log.scan_segment(info.segment) {
            if let Scanned::Record(_, ScannedRecord::Entry(Entry::Commit(commit) | Entry::Note(Note::Recorded(commit)))) = scanned
                && objects.contains(&commit.object)
            {
                commits.insert(commit.object, commit);
            }
        }
        let objects: Vec<ObjectId> = objects.iter().copied().collect();
        let mut all = true;
        for batch in objects.chunks(AT_ONCE) {
            let mut entries = Vec::new();
            let mut studies = BTreeSet::new();
            for object in batch {
                let Some(row) = self.catalogue.object_row(*object)? else { continue };
                let Some(mut commit) = commits.remove(object) else {
                    all = false;
                    continue;
                };
                commit.service_level = self.catalogue.level_of(&row)?;
                commit.flags = row.flags;
                commit.extents = row.extents;
                studies.extend(row.identity.study);
                entries.push(Entry::Note(Note::Recorded(commit)));
            }
            self.append_all(entries)?;
            self.carry_objects(batch)?;
            studies.iter().try_for_each(|study| self.carry_study(study))?;
        }
        Ok(all)
    }

    /// Appends entries that do not depend on each other, as one group.
    fn append_all(&self, entries: Vec<Entry>) -> Done {
        self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for entry in entries {
                let log = self.log.clone();
                tasks.spawn(async move { log.append(entry).await });
            }
            while let Some(done) = tasks.join_next().await {
                done.unwrap_or(Err(CatalogueError::Closing))?;
            }
            Ok(())
        })
    }
}

impl Said {
    fn listen(&mut self, entry: Entry) {
        match entry {
            Entry::Commit(commit) | Entry::Note(Note::Recorded(commit)) => {
                self.studies.extend(commit.identity.study.clone());
                self.instances.insert(commit.identity.sop_instance);
            }
            Entry::Release(objects) => self.released.extend(objects),
            Entry::Note(Note::Tried { verdicts, .. }) => self.objects.extend(verdicts.into_iter().map(|(object, _)| object)),
            Entry::Note(Note::Stepped { objects, .. }) => self.objects.extend(objects),
            Entry::Note(Note::Damaged { objects, .. }) => {
                self.damaged.extend(objects.iter().copied());
                self.objects.extend(objects);
            }
            Entry::Note(Note::Routed { objects, .. }) => self.objects.extend(objects.into_iter().map(|(object, _)| object)),
            Entry::Note(Note::Carried(carried)) => {
                self.damaged.extend(carried.flags.contains(&Flag::Damaged).then_some(carried.object));
                self.objects.insert(carried.object);
            }
            Entry::Note(Note::Priority { study, .. } | Note::Complete { study, .. }) => drop(self.studies.insert(study)),
            Entry::Note(Note::Moved { object, .. }) => drop(self.moved.insert(object)),
            // While a part lives, its record keeps its segment; events are copied to the history on their own.
            Entry::Part(_) | Entry::Note(Note::Happened { .. }) => {}
        }
    }
}

fn carried(object: ObjectId, row: ObjectRow) -> Carried {
    let ObjectRow { changed: as_of, flags, deliveries, notes, settled, sent_again, .. } = row;
    Carried { object, as_of, flags, deliveries, notes, settled, sent_again }
}
