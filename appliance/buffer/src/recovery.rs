//! What the segments hold after a start: where the log ends, what of it is damaged, what was torn.
//!
//! Proof decides, not the first bad checksum. Every record says up to where the log was durable when it was written, and so does the
//! catalogue's checkpoint. A bad record below the highest such place had been acknowledged: that is damage, it is reported, and what follows
//! still counts. Above it, in the newest segment, it is the torn end of something nobody was told about, and the log ends there. A segment
//! that has a successor ends where the successor's first records say. What the disk does not give is never taken for a torn end.

use std::{collections::BTreeMap, io, sync::Arc};

use relaypacs_domain::ObjectId;
use tracing::warn;
use uuid::Uuid;

use crate::{
    entry::{Extent, LogPosition},
    segment::{
        disk::{Disk, DiskFile, read_up_to, write_all_at},
        log::{Slot, State, Table},
        record::{HEADER, Header, Kind, SEGMENT_HEADER, SegmentHeader},
        segment::{Depth, RecordError, Segment, Step},
    },
};

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) node: Uuid,
    pub(crate) table: Table,
    pub(crate) damage: Vec<Region>,
    /// Bytes of records behind the end of the log.
    pub(crate) torn_bytes: u64,
    /// The highest object number in any record that was read.
    pub(crate) highest_object: u64,
}

/// Bytes that were durable and are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) segment: u32,
    pub(crate) epoch: u64,
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// What the record was, if its header can still be read.
    pub(crate) kind: Option<Kind>,
    /// The object it was about; without a header: the one whose bytes stand right before.
    pub(crate) object: Option<ObjectId>,
    pub(crate) what: String,
}

/// When more segments than these are to be replayed, only the headers and facts in them are read; the scrub finds what else is wrong.
const MOST_READ_WHOLE: usize = 64;
/// The file that says which box the segments belong to, should their headers be lost.
const NODE: &str = "node";

/// Looks at all segments; those from `checkpoint` on are read. Answers with everything sealed: new records go to a new segment.
pub(crate) fn inspect(disk: &Arc<dyn Disk>, segment_bytes: u32, checkpoint: LogPosition) -> io::Result<Found> {
    inspect_proven(disk, segment_bytes, checkpoint, checkpoint)
}

/// The same, with another proof than the checkpoint: the record at `proven` was durable.
pub(crate) fn inspect_proven(disk: &Arc<dyn Disk>, segment_bytes: u32, checkpoint: LogPosition, proven: LogPosition) -> io::Result<Found> {
    let files = segment_files(&**disk)?;
    let node = node(&**disk, &files)?;
    let mut found = Found { node, ..Found::default() };
    let mut by_epoch = BTreeMap::new();
    for (number, file) in files {
        let len = u32::try_from(file.len()?).unwrap_or(u32::MAX);
        match epoch_of(node, number, len, &*file) {
            Ok(Some(epoch)) if !by_epoch.contains_key(&epoch) => {
                by_epoch.insert(epoch, Arc::new(Segment::new(node, number, epoch, len, file)));
            }
            Ok(None) if len == segment_bytes => found.insert(Segment::new(node, number, 0, len, file), State::Spare),
            Ok(None) => disk.remove(&Segment::name(number))?, // a creation that did not get far
            Ok(Some(_)) | Err(_) => {
                warn!(segment = number, "a segment is not this buffer's or cannot be read; it is left alone");
                found.insert(Segment::new(node, number, 0, len, file), State::Foreign);
            }
        }
    }
    found.table.newest_epoch = by_epoch.keys().next_back().copied().unwrap_or(0).max(checkpoint.epoch);
    found.table.checkpoint = checkpoint;
    let proof = Proof::gather(by_epoch.values(), checkpoint, proven, &mut found);
    for segment in by_epoch.into_values() {
        found.judge(segment, checkpoint, &proof, segment_bytes)?;
    }
    Ok(found)
}

fn segment_files(disk: &dyn Disk) -> io::Result<Vec<(u32, Arc<dyn DiskFile>)>> {
    let names = disk.list()?;
    names.iter().filter_map(|name| Some((Segment::number_of(name)?, name))).map(|(number, name)| Ok((number, disk.open(name)?))).collect()
}

/// Which box this is: what its file says, else what the segments say, else a new one.
fn node(disk: &dyn Disk, files: &[(u32, Arc<dyn DiskFile>)]) -> io::Result<Uuid> {
    let known = match disk.open(NODE) {
        Ok(file) => {
            // Laid out like a segment's header, so that a checksum guards it.
            let mut bytes = [0; SEGMENT_HEADER as usize];
            let read = read_up_to(&*file, &mut bytes, 0).unwrap_or(0);
            SegmentHeader::decode(&bytes[..read]).ok().map(|header| header.node)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if let Some(node) = known {
        return Ok(node);
    }
    let headers = files.iter().filter_map(|(_, file)| Segment::read_header(&**file).ok());
    let node = headers.max_by_key(|header| header.epoch).map_or_else(Uuid::new_v4, |header| header.node);
    let temporary = "node.new";
    let _ = disk.remove(temporary); // one that a crash left
    let file = disk.create(temporary, 0)?;
    let bytes = SegmentHeader { node, segment: u32::MAX, epoch: 0 }.encode();
    write_all_at(&*file, &mut [io::IoSlice::new(&bytes)], 0)?;
    file.sync()?;
    disk.rename(temporary, NODE)?;
    disk.sync_dir()?;
    Ok(node)
}

/// The epoch a file is under; `None`: it holds nothing.
fn epoch_of(node: Uuid, number: u32, len: u32, file: &dyn DiskFile) -> Result<Option<u64>, RecordError> {
    match Segment::read_header(file) {
        Ok(header) if header.node == node && header.segment == number => Ok(Some(header.epoch)),
        Ok(_) => Err(io::Error::other("another box's").into()),
        Err(_) => Ok(Segment::surviving_epoch(node, number, len, file)?),
    }
}

/// What the records say about how far the log was durable.
#[derive(Debug, Default)]
struct Proof {
    /// Everything before was durable once.
    durable: LogPosition,
    /// Where a segment that has a successor ends.
    ends: BTreeMap<u64, u32>,
    /// Behind the last record of a segment that has a good header, durable or not.
    last_byte: BTreeMap<u64, u32>,
    /// How many segments there are to be read.
    segments: usize,
}

impl Proof {
    fn gather<'a>(
        segments: impl Iterator<Item = &'a Arc<Segment>>,
        checkpoint: LogPosition,
        proven: LogPosition,
        found: &mut Found,
    ) -> Self {
        // A record's start is proven: at least its first byte was durable.
        let at_least = LogPosition { epoch: proven.epoch, offset: proven.offset.saturating_add(u32::from(proven.epoch > 0)) };
        let mut proof = Self { durable: at_least, ..Self::default() };
        let segments: Vec<_> = segments.filter(|segment| segment.epoch >= checkpoint.epoch).collect();
        proof.segments = segments.len();
        for segment in &segments {
            let from = if segment.epoch == checkpoint.epoch { checkpoint.offset } else { SEGMENT_HEADER };
            for step in segment.walk(from, segment.len, Depth::Headers) {
                let Step::Record { at, header, .. } = step else { continue };
                found.highest_object = found.highest_object.max(header.object.0);
                proof.durable = proof.durable.max(header.durable);
                proof.last_byte.insert(segment.epoch, at + header.record_len());
                if header.durable.epoch < segment.epoch {
                    proof.ended(header.durable, segment.epoch, &segments);
                }
            }
        }
        proof
    }

    /// A record under `epoch` says that the log ended at `end` before.
    fn ended(&mut self, end: LogPosition, epoch: u64, segments: &[&Arc<Segment>]) {
        for between in segments.iter().map(|segment| segment.epoch).filter(|between| (end.epoch..epoch).contains(between)) {
            let offset = if between == end.epoch { end.offset } else { SEGMENT_HEADER };
            self.ends.insert(between, offset);
        }
    }

    /// Whether a later segment has records.
    fn has_successor(&self, epoch: u64) -> bool {
        self.last_byte.range(epoch + 1..).next().is_some()
    }
}

impl Found {
    fn insert(&mut self, segment: Segment, state: State) {
        self.table.slots.insert(segment.number, Slot { segment: Arc::new(segment), state });
    }

    /// Finds a segment's end and what is damaged in it.
    fn judge(&mut self, segment: Arc<Segment>, checkpoint: LogPosition, proof: &Proof, segment_bytes: u32) -> io::Result<()> {
        if segment.epoch < checkpoint.epoch {
            let slot = Slot { state: State::Sealed { end: segment.len }, segment };
            self.table.slots.insert(slot.segment.number, slot);
            return Ok(());
        }
        let known_end = proof.ends.get(&segment.epoch).copied();
        let end = self.read_through(&segment, checkpoint, proof, known_end);
        let torn = proof.last_byte.get(&segment.epoch).map_or(0, |last| last.saturating_sub(end));
        self.torn_bytes += u64::from(torn);
        self.table.durable = self.table.durable.max(LogPosition { epoch: segment.epoch, offset: end });
        let blank = end == SEGMENT_HEADER && segment.len == segment_bytes;
        let newest = !proof.has_successor(segment.epoch);
        let (segment, state) = if blank {
            (segment, State::Spare)
        } else if newest && known_end.is_none() {
            // Also makes durable what a killed process had written but not synced: from here on it counts.
            (Arc::new(segment.cut(self.node, end)?), State::Sealed { end })
        } else {
            (segment, State::Sealed { end })
        };
        self.table.slots.insert(segment.number, Slot { segment, state });
        Ok(())
    }

    /// Reads a segment's records, notes the damage and answers where they end.
    fn read_through(&mut self, segment: &Arc<Segment>, checkpoint: LogPosition, proof: &Proof, known_end: Option<u32>) -> u32 {
        let limit = known_end.unwrap_or(segment.len);
        let proven = if segment.epoch == proof.durable.epoch { proof.durable.offset } else { 0 };
        let newest = !proof.has_successor(segment.epoch);
        let from = if segment.epoch == checkpoint.epoch { checkpoint.offset.max(SEGMENT_HEADER) } else { SEGMENT_HEADER };
        // What may be torn is compared byte for byte; so is the rest, unless that would keep the box from starting.
        let depth = if known_end.is_some() && proof.segments > MOST_READ_WHOLE { Depth::Entries } else { Depth::Full };
        let (mut end, mut before) = (from, None);
        for step in segment.walk(from, limit, depth) {
            let (at, len, header, what) = match step {
                Step::Record { at, header, .. } => {
                    end = at + header.record_len();
                    before = (header.kind == Kind::Data).then_some(header.object);
                    continue;
                }
                Step::Bad { at, len, header, why } => {
                    let lost = known_end.is_some() || at < proven || (!newest && (header.is_some() || at + len < limit));
                    if !lost {
                        return end;
                    }
                    (at, len, header, why.to_string())
                }
                Step::Unreadable { at, len, header, source } => (at, len, header, source.to_string()),
            };
            let behind = if known_end.is_none() && newest && header.is_none() && proven > at { (at + len).min(proven) } else { at + len };
            self.damage.push(Region::new(segment, at..behind, header, before.take(), what));
            end = behind;
            if behind < at + len {
                return end; // the rest of the gap was never durable
            }
        }
        end
    }
}

impl Region {
    fn new(segment: &Segment, bytes: std::ops::Range<u32>, header: Option<Header>, before: Option<ObjectId>, what: String) -> Self {
        Self {
            segment: segment.number,
            epoch: segment.epoch,
            start: bytes.start,
            end: bytes.end,
            kind: header.map(|header| header.kind),
            object: header.map_or(before, |header| (header.object.0 > 0).then_some(header.object)),
            what,
        }
    }

    /// Whether one of the extents has bytes in it.
    pub(crate) fn hits_any(&self, extents: &[Extent]) -> bool {
        extents.iter().any(|extent| self.hits(extent))
    }

    fn hits(&self, extent: &Extent) -> bool {
        extent.epoch == self.epoch && extent.offset < self.end && self.start < extent.offset + HEADER + extent.run
    }
}
