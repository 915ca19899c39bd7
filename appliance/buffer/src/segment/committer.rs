//! The thread that writes the log: drains what has come, gives each record its place, writes the group, syncs once for all who wait, then
//! answers them.
//!
//! A failed write or sync is final: the segment is sealed at its last durable byte, everybody who waits is told, objects with bytes behind
//! that place are broken, and the next record goes to a new segment. Nothing is ever synced again and believed.

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use relaypacs_domain::ObjectId;
use tracing::{error, info};

use super::{
    group::Group,
    log::{Log, Purpose, TakeError},
    queue::{FactTicket, ObjectTicket, Queue, Request, Run},
    record::{Header, Kind, SEGMENT_HEADER, encode_entry, record_len},
    segment::{Segment, WritePin},
};
use crate::{
    CatalogueError, WriteError,
    entry::{Entry, Extent, LogPosition, Note},
    indexer::{IndexQueue, Indexed},
    metrics::Metrics,
};

/// An object under way.
#[derive(Debug, Default)]
struct Open {
    extents: Vec<Extent>,
    pins: Vec<WritePin>,
    broken: Arc<AtomicBool>,
}

/// Somebody to tell when the group is durable: the catalogue, and who waits for the ack.
#[derive(Debug)]
struct Waiting {
    fact: Indexed,
    object: Option<ObjectTicket>,
}

/// The segment that is written.
#[derive(Debug)]
struct Active {
    segment: Arc<Segment>,
    /// Where the group under way begins: everything before was given to the disk.
    written: u32,
    /// It is the last one: it takes notes and releases only.
    facts_only: bool,
}

/// The committer; [`Self::run`] is its thread.
#[derive(Debug)]
pub(crate) struct Committer {
    log: Arc<Log>,
    queue: Arc<Queue>,
    index: Arc<IndexQueue>,
    metrics: Metrics,
    active: Option<Active>,
    group: Group,
    waiting: Vec<Waiting>,
    open: HashMap<ObjectId, Open>,
    /// Everything before is durable, over all segments.
    durable: LogPosition,
    #[cfg(test)]
    pub(crate) sabotage: Sabotage,
}

/// Breaks a promise on purpose: the tests must notice.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Sabotage {
    #[default]
    None,
    /// Tells everybody that the group is durable without syncing it.
    SkipSync,
}

/// Unsynced bytes of big objects that may gather before they are synced though nobody waits: bounds how long the next ticket takes.
const MOST_UNSYNCED: u32 = 8 << 20;
/// How often a log that cannot be written is tried again.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// Most bytes by which one more extent lengthens a commit.
const EXTENT_ROOM: u32 = 40;

impl Committer {
    pub(crate) fn new(log: Arc<Log>, queue: Arc<Queue>, index: Arc<IndexQueue>, metrics: Metrics) -> Self {
        let durable = log.durable();
        Self {
            log,
            queue,
            index,
            metrics,
            active: None,
            group: Group::default(),
            waiting: Vec::new(),
            open: HashMap::new(),
            durable,
            #[cfg(test)]
            sabotage: Sabotage::None,
        }
    }

    /// Works until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let mut batch = VecDeque::new();
        let mut probe = None;
        while self.queue.take(&mut batch, probe) {
            if batch.is_empty() {
                self.probe();
            }
            self.work(&mut batch);
            probe = self.queue.down().map(|_| PROBE_EVERY);
        }
        self.end();
    }

    /// Does what is asked, in one group as far as one segment has room.
    pub(crate) fn work(&mut self, batch: &mut VecDeque<Request>) {
        batch.drain(..).for_each(|request| self.accept(request));
        self.finish_group();
    }

    /// Makes everything durable and ends the segment.
    pub(crate) fn end(&mut self) {
        self.sync();
        if let Some(Active { segment, .. }) = self.active.take() {
            let end = self.durable_offset(&segment);
            self.log.cut_and_seal(&segment, end);
        }
    }

    fn accept(&mut self, request: Request) {
        match request {
            Request::Data { object, run, broken } => {
                self.open.entry(object).or_insert_with(|| Open { broken, ..Open::default() });
                if self.data(object, run, 0).is_err() {
                    self.open.entry(object).and_modify(|open| open.broken.store(true, Ordering::Relaxed));
                }
            }
            Request::Commit { last, commit, ticket } => {
                self.complete(last, Entry::Commit(commit), ticket);
            }
            Request::Part { last, part, ticket } => self.complete(last, Entry::Part(part), ticket),
            Request::Compose { commit, pins, ticket } => self.compose(Entry::Commit(commit), pins, ticket),
            Request::Move { object, ticket } => self.moved(object, ticket),
            Request::Abort { object } => self.abort(object),
            Request::Append { entry, ticket } => self.fact(entry, ticket),
            Request::Barrier { ticket } => {
                let fact = Indexed { position: self.durable, entry: None, pins: Vec::new(), ticket: Some(ticket) };
                self.waiting.push(Waiting { fact, object: None });
            }
        }
    }

    /// Places a run of an object in `open`, with `more` bytes of room behind it where a segment can have that.
    fn data(&mut self, object: ObjectId, run: Run, more: u32) -> Result<(), WriteError> {
        let len = run.buffer.bytes.len() as u32;
        self.make_room(record_len(len), more, Purpose::Objects)?;
        let (Some(active), Some(open)) = (&self.active, self.open.get_mut(&object)) else { return Err(broken()) };
        if open.broken.load(Ordering::Relaxed) {
            return Err(broken());
        }
        let offset = active.written + self.group.len();
        open.extents.push(Extent::whole(active.segment.number, active.segment.epoch, offset, len));
        if open.pins.last().is_none_or(|pin| !Arc::ptr_eq(pin.segment(), &active.segment)) {
            open.pins.push(WritePin::new(&active.segment));
        }
        let header = self.header(&active.segment, Kind::Data, object, len, run.crc);
        self.group.add_run(&header, active.segment.seed(), run);
        self.metrics.bytes_in.inc_by(len.into());
        Ok(())
    }

    /// The last run of an object or a part, and what it is.
    fn complete(&mut self, last: Option<Run>, mut entry: Entry, ticket: ObjectTicket) {
        let Some(object) = entry.whole().map(|whole| whole.object) else { return };
        self.open.entry(object).or_default();
        let placed = match last {
            Some(run) => self.last_run(object, run, &entry),
            None => Ok(()),
        };
        let placed = placed.and_then(|()| {
            if let (Some(whole), Some(open)) = (entry.whole(), self.open.get(&object)) {
                whole.extents.clone_from(&open.extents);
            }
            self.make_room_for(&mut entry)
        });
        // Only now: making room may end a segment, and if that fails, it is the open objects that are broken.
        let Open { pins, broken: is_broken, .. } = self.open.remove(&object).unwrap_or_default();
        let placed = placed.and_then(|payload| if is_broken.load(Ordering::Relaxed) { Err(broken()) } else { Ok(payload) });
        self.told_when_durable(entry, placed, pins, ticket);
    }

    /// An object of bytes that are in the log already.
    fn compose(&mut self, mut entry: Entry, pins: Vec<WritePin>, ticket: ObjectTicket) {
        let placed = self.make_room_for(&mut entry);
        self.told_when_durable(entry, placed, pins, ticket);
    }

    /// The payload of an entry whose extents are complete; there is room for it then.
    fn make_room_for(&mut self, entry: &mut Entry) -> Result<Vec<u8>, WriteError> {
        if let Some(whole) = entry.whole()
            && whole.extents.iter().map(|extent| u64::from(extent.len)).sum::<u64>() != whole.bytes
        {
            return Err(WriteError::Log("not all bytes of the object were handed over".into()));
        }
        let payload = encode_entry(entry).map_err(|error| WriteError::Log(error.to_string()))?.2;
        self.make_room(record_len(payload.len() as u32), 0, Purpose::Objects)?;
        Ok(payload)
    }

    fn told_when_durable(&mut self, mut entry: Entry, placed: Result<Vec<u8>, WriteError>, pins: Vec<WritePin>, ticket: ObjectTicket) {
        match placed {
            Err(why) => {
                self.metrics.refused.inc();
                let _ = ticket.send(Err(why)); // who no longer waits need not be told
            }
            Ok(payload) => {
                let object = entry.whole().map_or(ObjectId(0), |whole| whole.object);
                let kind = if matches!(entry, Entry::Part(_)) { Kind::Part } else { Kind::Commit };
                let position = self.place(kind, object, &payload);
                let fact = Indexed { position, entry: Some(entry), pins, ticket: None };
                self.waiting.push(Waiting { fact, object: Some(ticket) });
                if kind == Kind::Commit {
                    self.metrics.objects.inc();
                }
            }
        }
    }

    /// Places the last run so that what it completes can follow in the same write.
    fn last_run(&mut self, object: ObjectId, run: Run, entry: &Entry) -> Result<(), WriteError> {
        let extents = self.open.get(&object).map_or(0, |open| open.extents.len() as u32 + 1);
        let entry_len = encode_entry(entry).map_or(0, |(_, _, payload)| payload.len() as u32);
        self.data(object, run, record_len(entry_len + extents * EXTENT_ROOM))
    }

    fn fact(&mut self, entry: Entry, ticket: FactTicket) {
        let placed = encode_entry(&entry).map_err(|error| WriteError::Log(error.to_string())).and_then(|(kind, object, payload)| {
            self.make_room(record_len(payload.len() as u32), 0, Purpose::Facts)?;
            Ok(self.place(kind, object, &payload))
        });
        match placed {
            Ok(position) => {
                let fact = Indexed { position, entry: Some(entry), pins: Vec::new(), ticket: Some(ticket) };
                self.waiting.push(Waiting { fact, object: None });
            }
            Err(why) => drop(ticket.send(Err(fact_error(&why)))),
        }
    }

    fn moved(&mut self, object: ObjectId, ticket: FactTicket) {
        let extents = self.open.get(&object).map(|open| open.extents.clone()).unwrap_or_default();
        let entry = Entry::Note(Note::Moved { object, extents });
        let room = encode_entry(&entry).map_err(|error| WriteError::Log(error.to_string())).and_then(|(_, _, payload)| {
            self.make_room(record_len(payload.len() as u32), 0, Purpose::Objects)?;
            Ok(payload)
        });
        let Open { pins, broken: is_broken, .. } = self.open.remove(&object).unwrap_or_default();
        match room {
            Err(why) => drop(ticket.send(Err(fact_error(&why)))),
            Ok(_) if is_broken.load(Ordering::Relaxed) || pins.is_empty() => drop(ticket.send(Err(fact_error(&broken())))),
            Ok(payload) => {
                let position = self.place(Kind::Note, ObjectId(0), &payload);
                let fact = Indexed { position, entry: Some(entry), pins, ticket: Some(ticket) };
                self.waiting.push(Waiting { fact, object: None });
            }
        }
    }

    fn abort(&mut self, object: ObjectId) {
        if self.open.remove(&object).is_some_and(|open| !open.extents.is_empty())
            && self.make_room(record_len(0), 0, Purpose::Facts).is_ok()
        {
            self.place(Kind::Abort, object, &[]); // it only saves later readers a search
        }
    }

    // ---------- places ----------

    fn header(&self, segment: &Segment, kind: Kind, object: ObjectId, len: u32, payload_crc: u32) -> Header {
        Header { kind, len, payload_crc, epoch: segment.epoch, object, durable: self.durable }
    }

    /// Adds a small record to the group; there is room (see [`Self::make_room`]).
    fn place(&mut self, kind: Kind, object: ObjectId, payload: &[u8]) -> LogPosition {
        let Some(Active { segment, written, .. }) = &self.active else { return LogPosition::default() };
        let position = LogPosition { epoch: segment.epoch, offset: written + self.group.len() };
        let header = self.header(segment, kind, object, payload.len() as u32, crc32c::crc32c(payload));
        let seed = segment.seed();
        self.group.add(&header, seed, payload);
        position
    }

    /// Sees to it that the next record of `need` bytes has its place, and one of `more` bytes behind it where a segment can have both. May
    /// finish the group and go on in another segment. After `Ok`, records of that size are placed without anything that can fail.
    fn make_room(&mut self, need: u32, more: u32, purpose: Purpose) -> Result<(), WriteError> {
        let capacity = self.log.segment_bytes() - SEGMENT_HEADER;
        if need > capacity {
            return Err(WriteError::Log("a record is longer than a segment".into()));
        }
        let need = if need.saturating_add(more) <= capacity { need + more } else { need };
        if let Some(active) = &self.active {
            let used = active.written + self.group.len();
            if u64::from(used) + u64::from(need) > u64::from(active.segment.len) {
                self.retire();
            }
        }
        match &mut self.active {
            None => self.take(purpose),
            Some(active) if active.facts_only && purpose == Purpose::Objects => {
                active.facts_only = !self.log.can_take(Purpose::Facts);
                if active.facts_only { Err(WriteError::Full) } else { Ok(()) }
            }
            Some(_) => Ok(()),
        }
    }

    /// Ends the active segment: what is in it becomes durable (or fails), and nothing more is written to it.
    fn retire(&mut self) {
        let room = self.active.as_ref().map_or(0, |active| active.segment.len - active.written - self.group.len());
        if room >= record_len(0) {
            self.place(Kind::End, ObjectId(0), &[]);
        }
        self.finish_group();
        self.sync();
        if let Some(Active { segment, .. }) = self.active.take() {
            let end = self.durable_offset(&segment);
            self.log.seal(&segment, end);
        }
    }

    fn take(&mut self, purpose: Purpose) -> Result<(), WriteError> {
        let facts_only = !self.log.can_take(Purpose::Objects);
        match self.log.take(purpose) {
            Ok(segment) => {
                if self.queue.down().is_some() {
                    info!(segment = segment.number, "the log can be written again");
                    self.queue.set_down(None);
                }
                self.active = Some(Active { segment, written: SEGMENT_HEADER, facts_only });
                Ok(())
            }
            Err(TakeError::Full) => Err(WriteError::Full),
            Err(TakeError::Io(source)) => {
                error!(error = %source, "no segment can be taken into use: the log cannot be written");
                self.queue.set_down(Some(source.to_string()));
                Err(WriteError::Log(source.to_string()))
            }
        }
    }

    fn probe(&mut self) {
        if self.active.is_none() && self.queue.down().is_some() {
            let _ = self.take(Purpose::Facts); // says itself how it went
        }
    }

    // ---------- the disk ----------

    /// Writes the group; if anybody waits, or much is unsynced, makes it durable and tells them.
    fn finish_group(&mut self) {
        if self.group.len() > 0
            && let Some(active) = &mut self.active
        {
            let len = self.group.len();
            match self.group.write(active.segment.file(), active.written) {
                Ok(()) => {
                    active.written += len;
                    self.metrics.bytes_written.inc_by(len.into());
                }
                Err(source) => self.fail("writing", &source),
            }
        }
        let unsynced = self.active.as_ref().map_or(0, |active| active.written - self.durable_offset(&active.segment));
        if unsynced >= MOST_UNSYNCED || !self.waiting.is_empty() {
            self.sync();
        }
    }

    /// Makes what was written durable and answers everybody who waits.
    fn sync(&mut self) {
        if let Some(active) = &self.active {
            let end = LogPosition { epoch: active.segment.epoch, offset: active.written };
            if active.written > self.durable_offset(&active.segment) {
                let began = Instant::now();
                if let Err(source) = self.sync_file(&active.segment) {
                    self.fail("syncing", &source);
                    return;
                }
                self.metrics.fsync_seconds.observe(began.elapsed().as_secs_f64());
                self.durable = end;
                self.log.set_durable(end);
            }
        }
        if self.waiting.is_empty() {
            return;
        }
        self.metrics.group_entries.observe(self.waiting.len() as f64);
        for Waiting { fact, .. } in self.waiting.iter_mut().filter(|waiting| waiting.fact.entry.is_none()) {
            fact.position = self.durable; // a barrier stands behind all that came with it
        }
        let (facts, objects): (Vec<_>, Vec<_>) = self.waiting.drain(..).map(|waiting| (waiting.fact, waiting.object)).unzip();
        self.index.push(facts);
        objects.into_iter().flatten().for_each(|ticket| drop(ticket.send(Ok(()))));
    }

    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "tests sabotage it"))]
    fn sync_file(&self, segment: &Segment) -> io::Result<()> {
        #[cfg(test)]
        if self.sabotage == Sabotage::SkipSync {
            return Ok(());
        }
        segment.file().sync()
    }

    /// The end of what is durable in the active segment.
    fn durable_offset(&self, segment: &Segment) -> u32 {
        if self.durable.epoch == segment.epoch { self.durable.offset } else { SEGMENT_HEADER }
    }

    /// Gives the active segment up.
    fn fail(&mut self, what: &str, source: &io::Error) {
        let Some(Active { segment, .. }) = self.active.take() else { return };
        let end = self.durable_offset(&segment);
        error!(segment = segment.number, error = %source, "{what} the log failed; the segment is sealed");
        self.metrics.failures.inc();
        self.log.cut_and_seal(&segment, end); // what may lie behind was never acknowledged
        let lost = |extent: &Extent| extent.epoch == segment.epoch && extent.offset >= end;
        for open in self.open.values().filter(|open| open.extents.iter().any(lost)) {
            open.broken.store(true, Ordering::Relaxed);
        }
        let why = WriteError::Log(source.to_string());
        for Waiting { fact, object } in self.waiting.drain(..) {
            if let Some(ticket) = object {
                let _ = ticket.send(Err(why.clone()));
            }
            if let Some(ticket) = fact.ticket {
                let _ = ticket.send(Err(fact_error(&why)));
            }
        }
    }
}

fn broken() -> WriteError {
    WriteError::Log("the disk refused earlier bytes of the object".into())
}

fn fact_error(why: &WriteError) -> CatalogueError {
    match why {
        WriteError::Closing => CatalogueError::Closing,
        WriteError::Full | WriteError::Log(_) => CatalogueError::Log(why.to_string()),
    }
}
