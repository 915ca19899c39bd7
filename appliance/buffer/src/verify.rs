//! Whether catalogue, history and log of a stopped buffer agree.
//!
//! The log is the truth: the index of all live objects is built anew from the segments alone and compared with `catalogue.redb`, row by row;
//! what the log calls released is looked up in `history.redb`. Nothing is mended here, only named.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use relaypacs_domain::{Clock, Flag, ObjectId, Uid};

use crate::{
    CatalogueError, Damage, OpenError,
    buffer::{CATALOGUE, HISTORY, LOCK, failed, lock},
    catalogue::{Catalogue, Checkpoint, ObjectRow, PartRow},
    entry::LogPosition,
    indexer::replay,
    recovery::inspect_proven,
    segment::{
        disk::{Disk, RealDisk, RedbFile},
        log::{Limits, Log},
        segment::Segment,
    },
};

/// What comparing found.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct VerifyReport {
    /// Live objects in the log.
    pub objects: u64,
    /// Released objects of which the log still knows.
    pub released: u64,
    /// Where catalogue or history say something else than the log.
    pub differences: Vec<Difference>,
    /// Where the segments do not hold what was written.
    pub damaged: Vec<Damage>,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// The object it is about.
    pub object: Option<ObjectId>,
    /// Its SOP Instance UID.
    pub sop_instance: Option<Uid>,
    /// What differs (no patient data).
    pub what: String,
}

impl VerifyReport {
    /// Whether everything agrees and is whole.
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty() && self.damaged.is_empty()
    }
}

/// Objects compared at a time.
const BATCH: usize = 512;
/// The index that is built for comparing; it has no name once it is open.
const REBUILT: &str = "verify.redb.new";
/// Differences beyond this many are not listed.
const MOST_DIFFERENCES: usize = 10_000;

/// Compares a stopped buffer's files (blocking). A running one is refused with [`OpenError::Locked`].
pub fn verify(dir: &Path) -> Result<VerifyReport, OpenError> {
    if !dir.join("segments").is_dir() {
        return Err(failed("reading", &dir.join("segments"), std::io::ErrorKind::NotFound.into()));
    }
    let _lock = lock(&dir.join(LOCK))?;
    let index: Arc<dyn Disk> = Arc::new(RealDisk::new(dir));
    let segments: Arc<dyn Disk> = Arc::new(RealDisk::new(dir.join("segments")));
    let file = |name: &str| RedbFile::open_or_create(&*index, name).map_err(|source| failed("opening", &dir.join(name), source));
    let (kept, checkpoint) = Catalogue::open(file(CATALOGUE)?, file(HISTORY)?, Clock::system())?;
    let in_catalogue = |error: CatalogueError| OpenError::Catalogue(error.to_string());

    let (log, damaged) = open_log(&segments, checkpoint).map_err(|source| failed("reading", &dir.join("segments"), source))?;
    // What came after the last checkpoint is not in the file yet: that is no difference.
    replay(&log, checkpoint.position, |group| kept.apply(group).map(drop)).map_err(in_catalogue)?;
    let rebuilt = rebuild(&index, &log, dir)?;
    let mut report = VerifyReport { objects: rebuilt.objects().map_err(in_catalogue)?, damaged, ..VerifyReport::default() };
    compare(&kept, &rebuilt, &mut report).map_err(in_catalogue)?;
    Ok(report)
}

/// Opens the log for reading, all of it checked.
fn open_log(disk: &Arc<dyn Disk>, checkpoint: Checkpoint) -> std::io::Result<(Log, Vec<Damage>)> {
    let mut segment_bytes = 0;
    for name in disk.list()? {
        if Segment::number_of(&name).is_some() {
            segment_bytes = segment_bytes.max(u32::try_from(disk.open(&name)?.len()?).unwrap_or(u32::MAX));
        }
    }
    let found = inspect_proven(disk, segment_bytes, LogPosition::default(), checkpoint.position)?;
    let damaged = found.damage.iter().map(crate::recovery::Region::damage).collect();
    let limits = Limits { segment_bytes, max_bytes: None, reserve_bytes: None };
    Ok((Log::new(disk.clone(), found.node, limits, found.table), damaged))
}

/// The index as the segments alone give it.
fn rebuild(index: &Arc<dyn Disk>, log: &Log, dir: &Path) -> Result<Catalogue, OpenError> {
    let fail = |source| failed("writing", &dir.join(REBUILT), source);
    let _ = index.remove(REBUILT); // one that a crash left
    let file = RedbFile::open_or_create(&**index, REBUILT).map_err(fail)?;
    index.remove(REBUILT).map_err(fail)?;
    let history = redb::backends::InMemoryBackend::new();
    let (rebuilt, _) = Catalogue::open(file, history, Clock::system())?;
    replay(log, LogPosition::default(), |group| rebuilt.apply(group).map(drop)).map_err(|error| OpenError::Catalogue(error.to_string()))?;
    Ok(rebuilt)
}

fn compare(kept: &Catalogue, rebuilt: &Catalogue, report: &mut VerifyReport) -> Result<(), CatalogueError> {
    let mut from = 0;
    loop {
        let (ours, theirs) = (kept.objects_from(from, BATCH)?, rebuilt.objects_from(from, BATCH)?);
        // Both lists are whole up to the smaller of their ends.
        let end = |rows: &[(ObjectId, ObjectRow)]| rows.last().filter(|_| rows.len() == BATCH).map_or(u64::MAX, |(object, _)| object.0);
        let end = end(&ours).min(end(&theirs));
        let mut pairs: BTreeMap<ObjectId, (Option<ObjectRow>, Option<ObjectRow>)> = BTreeMap::new();
        for (object, row) in ours.into_iter().filter(|(object, _)| object.0 <= end) {
            pairs.entry(object).or_default().0 = Some(row);
        }
        for (object, row) in theirs.into_iter().filter(|(object, _)| object.0 <= end) {
            pairs.entry(object).or_default().1 = Some(row);
        }
        for (object, (ours, theirs)) in pairs {
            compare_object(kept, rebuilt, object, ours, theirs, report)?;
        }
        if end == u64::MAX {
            break;
        }
        from = end + 1;
    }
    compare_parts(kept, rebuilt, report)?;
    compare_queues(kept, rebuilt, report)?;
    compare_released(kept, rebuilt, report)
}

fn compare_object(
    kept: &Catalogue,
    rebuilt: &Catalogue,
    object: ObjectId,
    ours: Option<ObjectRow>,
    theirs: Option<ObjectRow>,
    report: &mut VerifyReport,
) -> Result<(), CatalogueError> {
    let (ours, theirs) = match (ours, theirs) {
        (Some(ours), Some(theirs)) => (ours, theirs),
        (Some(row), None) => {
            report.differs(Some(object), Some(&row), "is in the catalogue but not in the log");
            return Ok(());
        }
        (None, Some(row)) => {
            report.differs(Some(object), Some(&row), "is in the log but not in the catalogue");
            return Ok(());
        }
        (None, None) => return Ok(()),
    };
    let flags = |row: &ObjectRow| row.flags.iter().copied().filter(|flag| *flag != Flag::OtherVersion).collect::<Vec<_>>();
    let mut check = |same: bool, what: &str| {
        if !same {
            report.differs(Some(object), Some(&theirs), &format!("has another {what} in the catalogue than in the log"));
        }
    };
    check(ours.identity == theirs.identity, "identity");
    check(ours.sha256 == theirs.sha256 && ours.bytes == theirs.bytes, "length or SHA-256");
    check(ours.extents == theirs.extents, "place of its bytes");
    check(ours.facts == theirs.facts, "set of header facts");
    check(ours.source == theirs.source, "source");
    check((ours.accepted, ours.accepted_at) == (theirs.accepted, theirs.accepted_at), "time of arrival");
    check(ours.deliveries == theirs.deliveries, "state of its deliveries");
    check(ours.notes == theirs.notes, "set of remarks");
    check(flags(&ours) == flags(&theirs), "set of flags");
    check((ours.settled, ours.sent_again) == (theirs.settled, theirs.sent_again), "time of settling");
    if let Some(study) = &theirs.identity.study {
        let (ours, theirs) = (kept.study_facts(study)?, rebuilt.study_facts(study)?);
        check(ours.map(|facts| facts.0) == theirs.map(|facts| facts.0), "service level of its study");
        // An instance that came late and has left since opened the study again: the log may not say so any more.
        check(ours.is_none_or(|facts| !facts.1) || theirs.is_some_and(|facts| facts.1), "completeness of its study");
    }
    Ok(())
}

/// Parts of uploads must be the same in both, all of them.
fn compare_parts(kept: &Catalogue, rebuilt: &Catalogue, report: &mut VerifyReport) -> Result<(), CatalogueError> {
    for (one, other, what) in [
        (kept, rebuilt, "is a part of an upload in the catalogue, but not, or another one, in the log"),
        (rebuilt, kept, "is a part of an upload in the log, but not in the catalogue"),
    ] {
        let mut from = 0;
        loop {
            let batch = one.parts_from(from, BATCH)?;
            for (part, row) in &batch {
                let there = other.part_row(*part)?;
                // Epochs of records that compaction left behind are not told apart by the log alone.
                let same = |there: &PartRow| (&there.key, there.bytes, &there.extents) == (&row.key, row.bytes, &row.extents);
                if !there.as_ref().is_some_and(same) && (there.is_none() || std::ptr::eq(one, kept)) {
                    report.differs(Some(*part), None, what);
                }
            }
            match batch.last() {
                Some(last) if batch.len() == BATCH => from = last.0.0 + 1,
                _ => break,
            }
        }
    }
    Ok(())
}

fn compare_queues(kept: &Catalogue, rebuilt: &Catalogue, report: &mut VerifyReport) -> Result<(), CatalogueError> {
    let (ours, theirs) = (kept.queue_counts()?, rebuilt.queue_counts()?);
    let names: std::collections::BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    for name in names {
        if ours.get(name) != theirs.get(name) {
            let name = if name.is_empty() { "no destination" } else { name };
            report.differs(None, None, &format!("the queue for {name} is counted otherwise than the log gives it"));
        }
    }
    Ok(())
}

/// What the log calls released must be known to the history.
fn compare_released(kept: &Catalogue, rebuilt: &Catalogue, report: &mut VerifyReport) -> Result<(), CatalogueError> {
    let mut from = 0;
    loop {
        let batch = rebuilt.tombstones_from(from, BATCH)?;
        for (object, _) in batch.iter().filter(|(_, was_object)| *was_object) {
            report.released += 1;
            if kept.object_row(*object)?.is_some() {
                continue; // named above
            }
            if !kept.history_knows(*object)? {
                report.differs(Some(*object), None, "was released, but the history does not know it");
            }
        }
        match batch.last() {
            Some((last, _)) if batch.len() == BATCH => from = last.0 + 1,
            _ => return Ok(()),
        }
    }
}

impl VerifyReport {
    fn differs(&mut self, object: Option<ObjectId>, row: Option<&ObjectRow>, what: &str) {
        if self.differences.len() < MOST_DIFFERENCES {
            let sop_instance = row.map(|row| row.identity.sop_instance.clone());
            self.differences.push(Difference { object, sop_instance, what: what.into() });
        }
    }
}
