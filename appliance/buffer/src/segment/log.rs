//! The segments together: which there are, which are free, how much room is left.
//!
//! Life of a segment file: created (or spare) → active (the committer writes it) → sealed → freed (nothing lives in it) → spare. A freed one
//! is used again only after a durable checkpoint that began later, when it lies wholly before the place from which a restart would replay,
//! and when nobody reads it any more.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    disk::{Disk, Space},
    handle::{LogUsage, SegmentInfo},
    segment::{Segment, WritePin},
};
use crate::entry::{Extent, LogPosition};

/// How much the log may take.
#[expect(clippy::struct_field_names, reason = "the unit belongs into the name")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Size of a segment file.
    pub(crate) segment_bytes: u32,
    /// Most bytes that segments may take; `None`: 80 % of the file system.
    pub(crate) max_bytes: Option<u64>,
    /// Bytes of the file system left to everybody else; `None`: min(1 GiB, 5 %).
    pub(crate) reserve_bytes: Option<u64>,
}

/// What a new segment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Objects' bytes: the last free segment is not for them.
    Objects,
    /// Notes and releases, which make room.
    Facts,
}

/// Why there is no new segment.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeError {
    #[error("no room on the disk")]
    Full,
    #[error("taking a segment into use: {0}")]
    Io(#[from] io::Error),
}

/// All segments of a buffer.
#[derive(Debug)]
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    node: Uuid,
    limits: Limits,
    table: Mutex<Table>,
    /// Held while a file is made ready: one at a time, so that epochs come into use in their order.
    taking: Mutex<()>,
    /// What the disk said lately: every object that begins asks.
    space: Mutex<Option<(Instant, Space)>>,
}

/// The segments and what is known about reuse.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) slots: BTreeMap<u32, Slot>,
    /// The highest epoch ever taken.
    pub(crate) newest_epoch: u64,
    /// Up to here the log is durable.
    pub(crate) durable: LogPosition,
    /// From here a restart would replay.
    pub(crate) checkpoint: LogPosition,
    checkpoints_begun: u64,
    next: Next,
}

/// The segment after the active one.
#[derive(Debug, Default)]
enum Next {
    /// Nobody has asked for it.
    #[default]
    Unwanted,
    /// The one of this epoch is half full.
    Wanted { after: u64 },
    /// It was tried once; when the active one is full it is tried again.
    Tried { after: u64 },
    /// It is there, in the table as active.
    Ready(Arc<Segment>),
}

/// A segment file and what it is used for.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) segment: Arc<Segment>,
    pub(crate) state: State,
}

/// What a segment file is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// The committer writes it, or will when the one that it writes is full.
    Active,
    /// Full, or given up after a failure; its records end at `end`.
    Sealed { end: u32 },
    /// Nothing lives in it; free when the checkpoint of this number is durable.
    Freed { checkpoint: u64, end: u32 },
    /// Ready for use.
    Spare,
    /// Not ours to write: it cannot be read or belongs to another box. Takes room until somebody removes it.
    Foreign,
}

/// Spare files kept for reuse; more are removed, so that others can have the room.
const MAX_SPARE: usize = 8;
/// How long what the disk said about its room is believed, as long as this log makes and removes no file.
const SPACE_BELIEVED: Duration = Duration::from_millis(100);

impl Log {
    pub(crate) fn new(disk: Arc<dyn Disk>, node: Uuid, limits: Limits, table: Table) -> Self {
        Self { disk, node, limits, table: Mutex::new(table), taking: Mutex::default(), space: Mutex::default() }
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file system's room, at most a moment old; none if it does not say.
    fn space_lately(&self) -> Space {
        let mut known = self.space.lock().unwrap_or_else(PoisonError::into_inner);
        match *known {
            Some((asked, space)) if asked.elapsed() < SPACE_BELIEVED => space,
            _ => {
                let space = self.disk.space().unwrap_or(Space { total: 0, free: 0 });
                *known = Some((Instant::now(), space));
                space
            }
        }
    }

    /// A file was made, cut or removed.
    fn space_changes(&self) {
        *self.space.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn segment_bytes(&self) -> u32 {
        self.limits.segment_bytes
    }

    /// Up to here the log is durable.
    pub(crate) fn durable(&self) -> LogPosition {
        self.table().durable
    }

    /// Everything before `end` is durable.
    pub(crate) fn set_durable(&self, end: LogPosition) {
        self.table().durable = end;
    }

    /// Takes a segment into use under a new epoch. Its header and its name are durable when it answers. Called by the committer only.
    pub(crate) fn take(&self, purpose: Purpose) -> Result<Arc<Segment>, TakeError> {
        let _alone = self.taking.lock().unwrap_or_else(PoisonError::into_inner);
        let next = std::mem::take(&mut self.table().next);
        match next {
            Next::Ready(segment) => Ok(segment),
            Next::Unwanted | Next::Wanted { .. } | Next::Tried { .. } => self.make_ready(purpose),
        }
    }

    /// The segment of this epoch fills up: [`Self::prepare`] should see to the next one.
    pub(crate) fn want_next(&self, epoch: u64) {
        let mut table = self.table();
        match table.next {
            Next::Wanted { after } | Next::Tried { after } if after == epoch => {}
            Next::Ready(_) => {}
            Next::Unwanted | Next::Wanted { .. } | Next::Tried { .. } => table.next = Next::Wanted { after: epoch },
        }
    }

    /// Makes the next segment ready if that is wanted, so that the committer need not wait for it. What fails is left to the committer.
    pub(crate) fn prepare(&self) {
        let _alone = self.taking.lock().unwrap_or_else(PoisonError::into_inner);
        let Next::Wanted { after } = self.table().next else { return };
        let ready = self.make_ready(Purpose::Objects);
        self.table().next = ready.map_or(Next::Tried { after }, Next::Ready);
    }

    fn make_ready(&self, purpose: Purpose) -> Result<Arc<Segment>, TakeError> {
        let space = self.disk.space()?;
        let (spare, number, epoch) = self.table().plan(&self.limits, space, purpose)?;
        let empty = match spare {
            Some(segment) => segment,
            None => self.create(number)?,
        };
        let segment = Arc::new(empty.begin_epoch(self.node, epoch)?);
        self.table().slots.insert(number, Slot { segment: segment.clone(), state: State::Active });
        self.space_changes();
        Ok(segment)
    }

    /// Whether a segment could be taken for this (as far as room goes).
    pub(crate) fn can_take(&self, purpose: Purpose) -> bool {
        let Ok(space) = self.disk.space() else { return false };
        let table = self.table();
        matches!(table.next, Next::Ready(_)) || table.available(&self.limits, space) > u64::from(purpose == Purpose::Objects)
    }

    fn create(&self, number: u32) -> io::Result<Arc<Segment>> {
        let name = Segment::name(number);
        let file = match self.disk.create(&name, u64::from(self.limits.segment_bytes)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.disk.remove(&name)?; // an attempt that failed half way left it
                self.disk.create(&name, u64::from(self.limits.segment_bytes))?
            }
            other => other?,
        };
        self.disk.sync_dir()?;
        Ok(Arc::new(Segment::new(self.node, number, 0, self.limits.segment_bytes, file)))
    }

    /// The committer will not write to this segment any more; its records end at `end`.
    pub(crate) fn seal(&self, segment: &Segment, end: u32) {
        if let Some(slot) = self.table().slots.get_mut(&segment.number) {
            slot.state = State::Sealed { end };
        }
    }

    /// The same, and cuts the file off there, so that it takes no more room than it needs. If that fails it stays as it is.
    pub(crate) fn cut_and_seal(&self, segment: &Arc<Segment>, end: u32) {
        let cut = segment.cut(self.node, end).map_or_else(|_| segment.clone(), Arc::new);
        self.table().slots.insert(segment.number, Slot { segment: cut, state: State::Sealed { end } });
        self.space_changes();
    }

    /// The segment of this number, if it is (still) under this epoch. Holding it keeps it from being used again.
    pub(crate) fn segment(&self, number: u32, epoch: u64) -> Option<Arc<Segment>> {
        self.table().slots.get(&number).map(|slot| &slot.segment).filter(|segment| segment.epoch == epoch).cloned()
    }

    /// Keeps the segments of extents from being freed; `None`: one of them is free, or holds something else.
    pub(crate) fn keep(&self, extents: &[Extent]) -> Option<Vec<WritePin>> {
        let table = self.table(); // whoever frees looks for pins under this lock
        let mut pins: Vec<WritePin> = Vec::new();
        for extent in extents {
            let slot = table.slots.get(&extent.segment).filter(|slot| slot.segment.epoch == extent.epoch)?;
            if !matches!(slot.state, State::Active | State::Sealed { .. }) {
                return None;
            }
            if !pins.iter().any(|pin| pin.segment().epoch == extent.epoch) {
                pins.push(WritePin::new(&slot.segment));
            }
        }
        Some(pins)
    }

    /// The segments that hold records at or behind `from`, in log order, each with the end of its durable records.
    pub(crate) fn since(&self, from: LogPosition) -> Vec<(Arc<Segment>, u32)> {
        let table = self.table();
        let end = |slot: &Slot| match slot.state {
            State::Active if slot.segment.epoch == table.durable.epoch => Some(table.durable.offset),
            // A catalogue that falls back to its last checkpoint must hear again what was released in a segment freed since.
            State::Sealed { end } | State::Freed { end, .. } => Some(end),
            State::Active | State::Spare | State::Foreign => None,
        };
        let with_end = table.slots.values().filter_map(|slot| Some((slot.segment.clone(), end(slot)?)));
        let mut found: Vec<_> = with_end.filter(|(segment, _)| segment.epoch >= from.epoch).collect();
        found.sort_by_key(|(segment, _)| segment.epoch);
        found
    }

    /// The segment of this number and the end of its durable records, if it holds any.
    pub(crate) fn records_of(&self, number: u32) -> Option<(Arc<Segment>, u32)> {
        self.since(LogPosition::default()).into_iter().find(|(segment, _)| segment.number == number)
    }

    /// Sealed segments to which no object under way refers.
    pub(crate) fn quiet(&self) -> Vec<SegmentInfo> {
        let table = self.table();
        let quiet = table.slots.values().filter(|slot| slot.is_quiet());
        quiet.map(|Slot { segment, .. }| SegmentInfo { segment: segment.number, epoch: segment.epoch, bytes: segment.len.into() }).collect()
    }

    /// Epochs of which records may be on the disk, of segments that are free as well.
    pub(crate) fn epochs_on_disk(&self) -> std::collections::BTreeSet<u64> {
        self.table().slots.values().map(|slot| slot.segment.epoch).collect()
    }

    /// Frees a quiet segment; `false` if it is not quiet or under another epoch.
    pub(crate) fn free(&self, number: u32, epoch: u64) -> bool {
        let mut table = self.table();
        let checkpoint = table.checkpoints_begun + 1;
        let Some(slot) = table.slots.get_mut(&number).filter(|slot| slot.is_quiet() && slot.segment.epoch == epoch) else { return false };
        let State::Sealed { end } = slot.state else { return false };
        slot.state = State::Freed { checkpoint, end };
        true
    }

    /// A checkpoint of the catalogue begins. Answers its number.
    pub(crate) fn checkpoint_begins(&self) -> u64 {
        let mut table = self.table();
        table.checkpoints_begun += 1;
        table.checkpoints_begun
    }

    /// Checkpoint `number` is durable and stands for `position`: what was freed before it began can be used again.
    pub(crate) fn checkpoint_done(&self, number: u64, position: LogPosition) {
        let surplus = self.table().reuse(number, position, self.limits.segment_bytes);
        for number in surplus {
            let _ = self.disk.remove(&Segment::name(number)); // one that stays is found dead at the next start
        }
        self.space_changes();
    }

    /// How much room there is for objects; none if the file system does not say. They take whole segments, and the last free one is not theirs.
    pub(crate) fn usage(&self) -> LogUsage {
        let space = self.space_lately();
        let table = self.table();
        let used = table.slots.values().map(|slot| match slot.state {
            State::Active if slot.segment.epoch == table.durable.epoch => u64::from(table.durable.offset),
            State::Active | State::Spare | State::Freed { .. } => 0,
            State::Sealed { .. } | State::Foreign => u64::from(slot.segment.len),
        });
        let segment = u64::from(self.limits.segment_bytes);
        let (used, segments) = (used.sum(), table.total(&self.limits, space) / segment);
        LogUsage { total: segments.saturating_sub(1) * segment, used, reserve: self.limits.reserve(space), free: space.free }
    }
}

impl Limits {
    fn reserve(&self, space: Space) -> u64 {
        self.reserve_bytes.unwrap_or_else(|| (space.total / 20).min(1 << 30))
    }
}

impl Table {
    /// Bytes that segment files take.
    fn held(&self) -> u64 {
        self.slots.values().map(|slot| u64::from(slot.segment.len)).sum()
    }

    /// What segments may take now: the share that was set, and never what the reserve needs.
    fn total(&self, limits: &Limits, space: Space) -> u64 {
        let share = limits.max_bytes.unwrap_or(space.total / 10 * 8);
        share.min((self.held() + space.free).saturating_sub(limits.reserve(space)))
    }

    /// How many segments could be taken.
    fn available(&self, limits: &Limits, space: Space) -> u64 {
        let creatable = self.total(limits, space).saturating_sub(self.held()) / u64::from(limits.segment_bytes);
        creatable + self.slots.values().filter(|slot| slot.state == State::Spare).count() as u64
    }

    /// Which file to take next (`None`: one must be created), its number and epoch. An epoch is never planned twice, and a spare file that
    /// turns out not to be writable is not tried again.
    fn plan(&mut self, limits: &Limits, space: Space, purpose: Purpose) -> Result<(Option<Arc<Segment>>, u32, u64), TakeError> {
        if self.available(limits, space) <= u64::from(purpose == Purpose::Objects) {
            return Err(TakeError::Full);
        }
        self.newest_epoch += 1;
        let fresh = self.slots.last_key_value().map_or(0, |(last, _)| last + 1);
        Ok(match self.slots.values_mut().find(|slot| slot.state == State::Spare) {
            Some(slot) => {
                slot.state = State::Foreign;
                (Some(slot.segment.clone()), slot.segment.number, self.newest_epoch)
            }
            None => (None, fresh, self.newest_epoch),
        })
    }

    /// Makes spare files of the freed ones that are ripe; answers those that need not be kept.
    fn reuse(&mut self, checkpoint: u64, position: LogPosition, segment_bytes: u32) -> Vec<u32> {
        self.checkpoint = position;
        let mut spare = self.slots.values().filter(|slot| slot.state == State::Spare).count();
        let mut surplus = Vec::new();
        for (number, slot) in &mut self.slots {
            let ripe = matches!(slot.state, State::Freed { checkpoint: needed, .. } if needed <= checkpoint)
                && slot.segment.epoch < position.epoch
                && Arc::strong_count(&slot.segment) == 1;
            if ripe && slot.segment.len == segment_bytes && spare < MAX_SPARE {
                slot.state = State::Spare;
                spare += 1;
            } else if ripe {
                surplus.push(*number);
            }
        }
        for number in &surplus {
            self.slots.remove(number);
        }
        surplus
    }
}

impl Slot {
    fn is_quiet(&self) -> bool {
        matches!(self.state, State::Sealed { .. }) && !self.segment.has_writers()
    }
}
