//! What the log says, decoded: the facts from which the catalogue is built and can be rebuilt at any time.
//!
//! The log's order is the order of [`LogPosition`]. A segment file that is used again gets a new, higher epoch, so positions never repeat.

use std::{ops::Range, time::Duration};

use relaypacs_domain::{
    Delivery, DestinationName, EventKind, Flag, HeaderFacts, Identity, ObjectId, ServiceLevel, Sha256, Source, Step, Timestamp, Uid,
    UploadId, Verdict,
};
use serde::{Deserialize, Serialize};

/// A place in the log's order: the epoch of a segment and the byte offset of a record in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub(crate) struct LogPosition {
    /// Grows by one each time a segment file is taken into use.
    pub(crate) epoch: u64,
    /// Bytes from the start of the segment file.
    pub(crate) offset: u32,
}

/// Bytes of an object in a segment: a `Data` record's payload, or a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Extent {
    /// Number of the segment file.
    pub(crate) segment: u32,
    /// Epoch of the segment when it was written.
    pub(crate) epoch: u64,
    /// Offset of the `Data` record's header in the file.
    pub(crate) offset: u32,
    /// Length of that record's payload: all of it is read, for the sake of its checksum.
    pub(crate) run: u32,
    /// Bytes of the payload before the object's.
    pub(crate) skip: u32,
    /// Bytes of the object in it.
    pub(crate) len: u32,
}

impl Extent {
    /// All of a record's payload.
    pub(crate) const fn whole(segment: u32, epoch: u64, offset: u32, len: u32) -> Self {
        Self { segment, epoch, offset, run: len, skip: 0, len }
    }
}

/// The extents of a byte range of what `extents` hold one after the other.
pub(crate) fn cut(extents: &[Extent], range: &Range<u64>) -> Vec<Extent> {
    let mut start = 0;
    let mut found = Vec::new();
    for extent in extents {
        let end = start + u64::from(extent.len);
        let (from, to) = (range.start.max(start), range.end.min(end));
        if from < to {
            found.push(Extent { skip: extent.skip + (from - start) as u32, len: (to - from) as u32, ..*extent });
        }
        start = end;
    }
    found
}

/// One fact of the log that the catalogue takes over. `Data` records are not entries: a commit names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// An object is complete and durable.
    Commit(Box<Commit>),
    /// A piece of an upload's file is complete and durable.
    Part(Box<Part>),
    /// A fact about objects that the index must not lose.
    Note(Note),
    /// Objects whose bytes are no longer needed; their ledger rows are durable in the history. Parts, too, of which the history knows nothing.
    Release(Vec<ObjectId>),
}

/// What a stored object is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Commit {
    pub(crate) object: ObjectId,
    pub(crate) identity: Identity,
    pub(crate) facts: HeaderFacts,
    pub(crate) source: Source,
    pub(crate) service_level: ServiceLevel,
    pub(crate) flags: Vec<Flag>,
    pub(crate) bytes: u64,
    pub(crate) sha256: Sha256,
    pub(crate) extents: Vec<Extent>,
    pub(crate) accepted_at: Timestamp,
    /// The buffer's own running time when it was accepted (see [`BufferTime`]).
    pub(crate) accepted: BufferTime,
    /// The destinations that matched then; empty: held for want of one.
    pub(crate) destinations: Vec<DestinationName>,
}

/// What a stored part is. It has a number like an object, but is none: nothing is delivered, and it goes when its upload ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) object: ObjectId,
    pub(crate) key: PartKey,
    pub(crate) bytes: u64,
    pub(crate) extents: Vec<Extent>,
    pub(crate) accepted: BufferTime,
}

/// Which piece of which file of which upload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartKey {
    /// The upload.
    pub upload: UploadId,
    /// The upload's own name of the file.
    pub file: String,
    /// The piece's place in the file, from 0.
    pub index: u32,
}

/// What `Data` records add up to: an object or a part.
pub(crate) struct Whole<'a> {
    pub(crate) object: ObjectId,
    pub(crate) bytes: u64,
    pub(crate) extents: &'a mut Vec<Extent>,
}

impl Entry {
    /// What it says to be complete, where it is about that.
    pub(crate) fn whole(&mut self) -> Option<Whole<'_>> {
        match self {
            Self::Commit(commit) => Some(Whole { object: commit.object, bytes: commit.bytes, extents: &mut commit.extents }),
            Self::Part(part) => Some(Whole { object: part.object, bytes: part.bytes, extents: &mut part.extents }),
            Self::Note(_) | Self::Release(_) => None,
        }
    }
}

/// Time that the box has been running in all, over restarts: boot time counted on from the value saved at the last checkpoint. Deadlines
/// are kept in it, so that no jump of the wall clock and no time spent switched off expires anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub(crate) struct BufferTime(pub(crate) Duration);

/// A delivery and its times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeliveryRow {
    pub(crate) destination: DestinationName,
    pub(crate) delivery: Delivery,
    /// Not before this time, while it is retried.
    pub(crate) due: BufferTime,
    /// Since when it has been waiting for delivery.
    pub(crate) since: BufferTime,
}

/// A fact about objects. Each is applied once, in log order; facts about unknown objects and studies are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Note {
    /// Attempts ended.
    Tried { destination: DestinationName, at: Timestamp, when: BufferTime, verdicts: Vec<(ObjectId, Verdict)> },
    /// Something was decided about deliveries without an attempt.
    Stepped { destination: DestinationName, step: Step, at: Timestamp, when: BufferTime, objects: Vec<ObjectId> },
    /// Objects that were held for want of a destination have these now.
    Routed { at: Timestamp, when: BufferTime, objects: Vec<(ObjectId, Vec<DestinationName>)> },
    /// The whole of what notes have said about an object, because a segment with some of them is to be used again.
    Carried(Box<Carried>),
    /// A study's service level was changed.
    Priority { study: Uid, level: ServiceLevel },
    /// No more instances of a study are expected.
    Complete { study: Uid, at: Timestamp },
    /// Objects can no longer be read.
    Damaged { objects: Vec<ObjectId>, at: Timestamp },
    /// Something happened that did not come from an object.
    Happened { at: Timestamp, kind: EventKind },
    /// Compaction moved an object's bytes.
    Moved { object: ObjectId, extents: Vec<Extent> },
    /// Compaction wrote the commit record of an object that is in the buffer again. Whatever else came with the same bytes was a repetition.
    Recorded(Box<Commit>),
}

/// What the notes up to a position have made of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Carried {
    pub(crate) object: ObjectId,
    /// The entry that changed the object last (the lowest position: none since its commit). If a later one has changed it, this says nothing (and is said again).
    pub(crate) as_of: LogPosition,
    pub(crate) flags: Vec<Flag>,
    pub(crate) deliveries: Vec<DeliveryRow>,
    pub(crate) notes: Vec<String>,
    pub(crate) settled: Option<BufferTime>,
    /// Sent again after all was settled, and not settled since.
    pub(crate) sent_again: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_range_is_cut_out_of_extents() {
        let extents = [Extent::whole(1, 1, 64, 10), Extent { skip: 3, len: 5, ..Extent::whole(2, 2, 64, 20) }, Extent::whole(3, 3, 64, 7)];
        let bytes = |extents: &[Extent]| -> Vec<(u32, u32)> {
            extents.iter().flat_map(|extent| (extent.skip..extent.skip + extent.len).map(|at| (extent.segment, at))).collect()
        };
        let all = bytes(&extents);
        for from in 0..=all.len() {
            for to in from..=all.len() + 3 {
                let found = cut(&extents, &(from as u64..to as u64));
                assert_eq!(bytes(&found), all[from..to.min(all.len())], "{from}..{to}");
                assert!(found.iter().all(|extent| extent.len > 0 && extent.skip + extent.len <= extent.run), "{found:?}");
            }
        }
    }
}
