//! The log alone on the simulated disk: cut at every byte, damaged at every byte, without power after every operation, with every kind of
//! error, and with segments used again. The catalogue is a map here, so that ten thousands of starts take seconds.

mod broken;
mod crash;
mod overlapping;
mod reuse;
mod threads;

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::Arc,
};

use relaypacs_domain::{HeaderFacts, Identity, ObjectId, ServiceLevel, Sha256, Source, Timestamp, Uid};
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::{
    committer::Committer,
    disk::Disk,
    flight::{Flight, Sabotage, Works},
    handle::read_run,
    log::{Limits, Log},
    pool::{Handover, Pool},
    queue::{Queue, Request, Run},
    record::HEADER,
    sim::SimDisk,
};
use crate::{
    WriteError,
    entry::{BufferTime, Commit, Entry, LogPosition, Note},
    indexer::{IndexQueue, Indexed, replay},
    metrics::Metrics,
    recovery::{Found, Region, inspect_proven},
};

/// What is done to the log, one group each.
#[derive(Debug, Clone)]
enum Act {
    /// These objects (number, length) are committed together.
    Store(Vec<(u64, usize)>),
    /// An object comes run by run, each a group of its own.
    Big(u64, usize),
    /// An object is given up in the middle.
    GiveUp(u64, usize),
    /// A fact.
    Note(u64),
    /// Objects are released.
    Release(Vec<u64>),
}

/// A log that is being written, and what it has promised.
struct Rig {
    log: Arc<Log>,
    index: Arc<IndexQueue>,
    flight: Arc<Flight>,
    committer: Committer,
    pace: Pace,
    pool: Pool,
    /// Tickets of commits, in log order.
    unanswered: Vec<oneshot::Receiver<Result<(), WriteError>>>,
    /// Everything that was acknowledged.
    acked: Promised,
}

/// How syncing goes along with writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Each group is synced before the next one is written.
    OneByOne,
    /// Each group is written while the one before is synced, and the next segment made ready early.
    Overlapping(Works),
}

const PACES: [Pace; 3] = [Pace::OneByOne, Pace::Overlapping(Works::AtFirst), Pace::Overlapping(Works::AtLast)];

/// What the log says, or was heard to promise.
#[derive(Debug, Default, Clone)]
struct Promised {
    commits: BTreeMap<ObjectId, Commit>,
    notes: Vec<Note>,
    released: Vec<ObjectId>,
    /// The last entry.
    last: LogPosition,
}

/// What a start found.
struct Recovered {
    log: Arc<Log>,
    damage: Vec<Region>,
    says: Promised,
}

const SEGMENT: u32 = 4096;
const RUN: usize = 1000;

fn limits(segment_bytes: u32) -> Limits {
    Limits { segment_bytes, max_bytes: Some(1 << 20), reserve_bytes: Some(0) }
}

/// An object's bytes are a function of its number and length.
fn content(object: u64, len: usize) -> Vec<u8> {
    (0..len).map(|at| (at as u64 * 131 + object * 7919 + 1) as u8).collect()
}

fn commit(object: u64, len: usize) -> Commit {
    let uid = |text: String| text.parse::<Uid>().unwrap();
    Commit {
        object: ObjectId(object),
        identity: Identity {
            sop_class: uid("1.2".into()),
            sop_instance: uid(format!("1.2.{object}")),
            transfer_syntax: uid("1.2".into()),
            study: None,
            series: None,
        },
        facts: HeaderFacts::default(),
        source: Source::Dicom { calling_ae: "A".parse().unwrap(), called_ae: "B".parse().unwrap(), address: [127, 0, 0, 1].into() },
        service_level: ServiceLevel::Routine,
        flags: vec![],
        bytes: len as u64,
        sha256: Sha256([0; 32]),
        extents: vec![],
        accepted_at: Timestamp::from_millis(0),
        accepted: BufferTime::default(),
        destinations: vec![],
    }
}

fn note(number: u64) -> Note {
    Note::Priority { study: format!("1.2.3.{number}").parse().unwrap(), level: ServiceLevel::Stat }
}

impl Promised {
    fn take(&mut self, position: LogPosition, entry: Entry) {
        self.last = position;
        match entry {
            Entry::Commit(commit) => drop(self.commits.insert(commit.object, *commit)),
            Entry::Part(_) => {}
            Entry::Note(Note::Moved { object, extents }) => {
                self.commits.entry(object).and_modify(|commit| commit.extents = extents);
            }
            Entry::Note(note) => self.notes.push(note),
            Entry::Release(objects) => {
                self.commits.retain(|object, _| !objects.contains(object));
                self.released.extend(objects);
            }
        }
    }
}

impl Recovered {
    /// Starts on what the disk holds; `base` is what the catalogue had durably.
    fn start(disk: &SimDisk, segment_bytes: u32, base: &Promised) -> io::Result<Self> {
        Self::start_proven(disk, segment_bytes, base, base.last)
    }

    /// The same, with a proof that the record at `proven` was durable.
    fn start_proven(disk: &SimDisk, segment_bytes: u32, base: &Promised, proven: LogPosition) -> io::Result<Self> {
        let disk: Arc<dyn Disk> = Arc::new(disk.clone());
        let Found { node, table, damage, .. } = inspect_proven(&disk, segment_bytes, base.last, proven)?;
        let log = Arc::new(Log::new(disk, node, limits(segment_bytes), table));
        let mut says = base.clone();
        let replayed = replay(&log, base.last, |group| {
            group.iter().filter(|(position, _)| *position > base.last).for_each(|(position, entry)| says.take(*position, entry.clone()));
            Ok(())
        });
        replayed.map_err(io::Error::other)?;
        Ok(Self { log, damage, says })
    }

    /// Reads an object back.
    fn read(&self, commit: &Commit) -> Result<Vec<u8>, String> {
        let mut all = Vec::new();
        for extent in &commit.extents {
            let segment = self.log.segment(extent.segment, extent.epoch).ok_or("its segment is gone")?;
            let mut bytes = Vec::new();
            read_run(&segment, extent, &mut bytes).map_err(|error| error.to_string())?;
            all.extend_from_slice(&bytes[HEADER as usize..]);
        }
        let expected = content(commit.object.0, commit.bytes as usize);
        if all == expected { Ok(all) } else { Err("its bytes are others".into()) }
    }

    /// Whether all that was promised is there, whole, and nothing else than was sent.
    fn keeps(&self, acked: &Promised) -> Result<(), String> {
        let unread = self.says.commits.values().find_map(|commit| Some((commit.object, self.read(commit).err()?)));
        if let Some((object, why)) = unread {
            return Err(format!("object {object} cannot be read: {why}"));
        }
        if let Some(region) = self.damage.first() {
            return Err(format!("damage where nothing was damaged: {region:?}"));
        }
        let may_be_gone = |object: &ObjectId| acked.released.contains(object) || self.says.released.contains(object);
        if let Some(object) = acked.commits.keys().find(|object| !self.says.commits.contains_key(object) && !may_be_gone(object)) {
            return Err(format!("object {object} was acknowledged and is lost"));
        }
        match acked.notes.iter().find(|note| !self.says.notes.contains(note)) {
            Some(note) => Err(format!("{note:?} was acknowledged and is lost")),
            None => Ok(()),
        }
    }
}

impl Rig {
    fn new(disk: &SimDisk) -> io::Result<Self> {
        Ok(Self::on(Recovered::start(disk, SEGMENT, &Promised::default())?))
    }

    fn on(recovered: Recovered) -> Self {
        let (log, index, queue, metrics) = (recovered.log, Arc::new(IndexQueue::default()), Arc::new(Queue::default()), Metrics::default());
        let flight = Arc::new(Flight::new(log.clone(), queue.clone(), index.clone(), metrics.clone()));
        let committer = Committer::new(log.clone(), queue, flight.clone(), metrics);
        let (pace, pool, unanswered) = (Pace::OneByOne, Pool::new(), Vec::new());
        Self { log, index, flight, committer, pace, pool, unanswered, acked: recovered.says }
    }

    fn paced(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    fn run(&self, bytes: &[u8]) -> Run {
        let mut buffer = self.pool.take_now();
        buffer.bytes.clear();
        buffer.bytes.extend_from_slice(bytes);
        Run { crc: crc32c::crc32c(bytes), buffer, _handover: Handover::last() }
    }

    fn work(&mut self, requests: Vec<Request>) {
        self.committer.work(&mut VecDeque::from(requests));
        match self.pace {
            Pace::OneByOne => self.flight.sync(),
            Pace::Overlapping(works) => {
                self.flight.land();
                self.flight.hold(works);
                self.log.prepare();
            }
        }
    }

    /// Ends what is under way.
    fn settle(&mut self) {
        self.flight.drain();
        self.work(Vec::new()); // notices if that failed
        self.hear();
        assert!(self.unanswered.is_empty(), "every ticket is answered");
    }

    /// Does it; what is acknowledged counts from then on.
    fn act(&mut self, act: &Act) {
        match act {
            Act::Store(objects) => {
                let mut requests = Vec::new();
                for (object, len) in objects {
                    let (ticket, answer) = oneshot::channel();
                    self.unanswered.push(answer);
                    let last = (*len > 0).then(|| self.run(&content(*object, *len)));
                    requests.push(Request::Commit { last, commit: Box::new(commit(*object, *len)), ticket });
                }
                self.work(requests);
            }
            Act::Big(object, len) => {
                let bytes = content(*object, *len);
                self.runs(*object, &bytes);
                let (ticket, answer) = oneshot::channel();
                self.unanswered.push(answer);
                self.work(vec![Request::Commit { last: None, commit: Box::new(commit(*object, *len)), ticket }]);
            }
            Act::GiveUp(object, len) => {
                self.runs(*object, &content(*object, *len));
                self.work(vec![Request::Abort { object: ObjectId(*object) }]);
            }
            Act::Note(number) => self.fact(Entry::Note(note(*number))),
            Act::Release(objects) => self.fact(Entry::Release(objects.iter().copied().map(ObjectId).collect())),
        }
        self.hear();
        assert!(self.pace != Pace::OneByOne || self.unanswered.is_empty(), "every ticket is answered");
    }

    /// What was acknowledged counts from now on.
    fn hear(&mut self) {
        let mut promises = 0;
        self.unanswered.retain_mut(|answer| match answer.try_recv() {
            Ok(answer) => {
                promises += usize::from(answer.is_ok());
                false
            }
            Err(TryRecvError::Empty) => true,
            Err(TryRecvError::Closed) => panic!("a ticket was dropped"),
        });
        let heard = self.index.drain();
        let commits = heard.iter().filter(|indexed| matches!(indexed.entry, Some(Entry::Commit(_)))).count();
        assert_eq!(commits, promises, "the sender and the catalogue hear the same");
        for Indexed { position, entry, .. } in heard {
            if let Some(entry) = entry {
                assert!(position > self.acked.last, "in log order");
                self.acked.take(position, entry);
            }
        }
    }

    fn act_all(&mut self, acts: &[Act]) {
        for act in acts {
            self.act(act);
        }
    }

    fn runs(&mut self, object: u64, bytes: &[u8]) {
        let broken = Arc::default();
        for part in bytes.chunks(RUN) {
            let run = self.run(part);
            self.work(vec![Request::Data { object: ObjectId(object), run, broken: Arc::clone(&broken) }]);
        }
    }

    fn fact(&mut self, entry: Entry) {
        let (ticket, _) = oneshot::channel();
        self.work(vec![Request::Append { entry, ticket }]);
    }
}

/// A bit of everything, over several segments.
fn acts() -> Vec<Act> {
    vec![
        Act::Store(vec![(1, 100), (2, 300)]),
        Act::Note(1),
        Act::Big(3, 2500),
        Act::Store(vec![(4, 900), (5, 0)]),
        Act::GiveUp(6, 1500),
        Act::Store(vec![(7, 1200), (8, 1), (9, 800)]),
        Act::Note(2),
        Act::Big(10, 4500),
        Act::Store(vec![(11, 10)]),
    ]
}
