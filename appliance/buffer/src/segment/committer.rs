//! What writes the log: drains what has come, gives each record its place and writes the group.
//!
//! Two threads do the work in turns ([`run`]): one takes what comes and writes it; as soon as it has written something that somebody waits
//! for and nobody syncs, it goes and syncs (see `flight.rs`), and the other one takes over the writing. So the disk syncs one group while
//! the next one is written, and a lone sender's group passes through one thread only.
//!
//! A failed write or sync is final: the segment is sealed at its last durable byte, everybody who waits is told, objects with bytes behind
//! that place are broken, and the next record goes to a new segment. Nothing is ever synced again and believed.
//!
//! Records carry how far the log was durable when they were placed. The first ones of a segment therefore say where the one before ends:
//! nothing is under way when a segment is changed.

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use relaypacs_domain::ObjectId;
use tracing::{error, info};

use super::{
    flight::{Flight, Waiting, durable_offset, fact_error},
    group::Group,
    log::{Log, Purpose, TakeError},
    queue::{FactTicket, ObjectTicket, Queue, Request, Run},
    record::{Header, Kind, SEGMENT_HEADER, encode_entry, record_len},
    segment::{Segment, WritePin},
};
use crate::{
    WriteError,
    entry::{Entry, Extent, LogPosition, Note},
    indexer::Indexed,
    metrics::Metrics,
};

/// An object under way.
#[derive(Debug, Default)]
struct Open {
    extents: Vec<Extent>,
    pins: Vec<WritePin>,
    broken: Arc<AtomicBool>,
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

/// The committer: the side that writes. [`run`] is its threads.
#[derive(Debug)]
pub(crate) struct Committer {
    log: Arc<Log>,
    queue: Arc<Queue>,
    flight: Arc<Flight>,
    metrics: Metrics,
    active: Option<Active>,
    group: Group,
    waiting: Vec<Waiting>,
    open: HashMap<ObjectId, Open>,
    /// Everything before is durable, over all segments; more may be by now.
    durable: LogPosition,
}

/// What a thread does next.
#[derive(Debug)]
enum Turn {
    /// [`Flight::sync`].
    Sync,
    /// Nothing: the queue is closed and everything done.
    End,
}

/// How often a log that cannot be written is tried again.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// Most bytes by which one more extent lengthens a commit.
const EXTENT_ROOM: u32 = 40;

impl Committer {
    pub(crate) fn new(log: Arc<Log>, queue: Arc<Queue>, flight: Arc<Flight>, metrics: Metrics) -> Self {
        let durable = flight.durable();
        Self { log, queue, flight, metrics, active: None, group: Group::default(), waiting: Vec::new(), open: HashMap::new(), durable }
    }

    #[cfg(test)]
    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Writes what comes until there is something to sync and nobody who does it.
    fn turn(&mut self) -> Turn {
        let mut batch = VecDeque::new();
        let mut was_due = false;
        loop {
            let patience = self.queue.down().map(|_| PROBE_EVERY);
            if !self.queue.take(&mut batch, patience) {
                self.end();
                return Turn::End;
            }
            if batch.is_empty() {
                self.probe();
            }
            self.work(&mut batch);
            let is_due = self.flight.is_due();
            // What came while the disk wrote shares the sync.
            if is_due && (was_due || self.queue.is_empty()) {
                return Turn::Sync;
            }
            was_due = is_due;
        }
    }

    /// Writes what is asked, in one group as far as one segment has room.
    pub(crate) fn work(&mut self, batch: &mut VecDeque<Request>) {
        self.notice_failure();
        self.durable = self.flight.durable();
        batch.drain(..).for_each(|request| self.accept(request));
        self.finish_group();
        self.notice_failure();
    }

    /// Makes everything durable and ends the segment.
    pub(crate) fn end(&mut self) {
        self.flight.drain();
        self.notice_failure();
        if let Some(Active { segment, .. }) = self.active.take() {
            let end = durable_offset(self.flight.durable(), &segment);
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
        self.flight.drain();
        self.notice_failure();
        self.durable = self.flight.durable();
        if let Some(Active { segment, .. }) = self.active.take() {
            self.log.seal(&segment, durable_offset(self.durable, &segment));
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

    /// Writes the group.
    fn finish_group(&mut self) {
        if self.group.len() > 0
            && let Some(active) = &mut self.active
        {
            let len = self.group.len();
            match self.group.write(active.segment.file(), active.written) {
                Ok(()) => {
                    active.written += len;
                    self.metrics.bytes_written.inc_by(len.into());
                    if active.written > active.segment.len / 2 {
                        self.log.want_next(active.segment.epoch);
                    }
                }
                Err(source) => self.fail("writing", &source),
            }
        }
        let written = self.active.as_ref().map(|active| (&active.segment, active.written));
        self.flight.launch(written, std::mem::take(&mut self.waiting));
    }

    fn notice_failure(&mut self) {
        if let Some(source) = self.flight.take_failure() {
            self.fail("syncing", &source);
        }
    }

    /// Gives the active segment up.
    fn fail(&mut self, what: &str, source: &io::Error) {
        let Some(Active { segment, .. }) = self.active.take() else { return };
        self.durable = self.flight.give_up(source, std::mem::take(&mut self.waiting));
        let end = durable_offset(self.durable, &segment);
        error!(segment = segment.number, error = %source, "{what} the log failed; the segment is sealed");
        self.metrics.failures.inc();
        self.log.cut_and_seal(&segment, end); // what may lie behind was never acknowledged
        let lost = |extent: &Extent| extent.epoch == segment.epoch && extent.offset >= end;
        for open in self.open.values().filter(|open| open.extents.iter().any(lost)) {
            open.broken.store(true, Ordering::Relaxed);
        }
    }
}

/// One of the committer's threads: works until the queue is closed and everything done.
pub(crate) fn run(committer: &Mutex<Committer>, flight: &Flight, log: &Log) {
    loop {
        let turn = committer.lock().unwrap_or_else(PoisonError::into_inner).turn(); // the other one may write from here on
        match turn {
            Turn::Sync => flight.sync(),
            Turn::End => break,
        }
        log.prepare();
    }
}

fn broken() -> WriteError {
    WriteError::Log("the disk refused earlier bytes of the object".into())
}
