//! The log alone on the simulated disk: cut at every byte, damaged at every byte, without power after every operation, with every kind of
//! error, and with segments used again. The catalogue is a map here, so that ten thousands of starts take seconds.

mod broken;
mod crash;
mod reuse;

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::Arc,
};

use relaypacs_domain::{HeaderFacts, Identity, ObjectId, ServiceLevel, Sha256, Source, Timestamp, Uid};
use tokio::sync::oneshot;

use super::{
    committer::{Committer, Sabotage},
    disk::Disk,
    handle::read_run,
    log::{Limits, Log},
    pool::{Handover, Pool},
    queue::{Queue, Request, Run},
    record::HEADER,
    sim::SimDisk,
};
use crate::{
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
    committer: Committer,
    pool: Pool,
    /// Everything that was acknowledged.
    acked: Promised,
}

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
        let (log, index) = (recovered.log, Arc::new(IndexQueue::default()));
        let committer = Committer::new(log.clone(), Arc::new(Queue::default()), index.clone(), Metrics::default());
        Self { log, index, committer, pool: Pool::new(), acked: recovered.says }
    }

    fn sabotaged(mut self, sabotage: Sabotage) -> Self {
        self.committer.sabotage = sabotage;
        self
    }

    fn run(&self, bytes: &[u8]) -> Run {
        let mut buffer = self.pool.take_now();
        buffer.bytes.clear();
        buffer.bytes.extend_from_slice(bytes);
        Run { crc: crc32c::crc32c(bytes), buffer, _handover: Handover::last() }
    }

    fn work(&mut self, requests: Vec<Request>) {
        self.committer.work(&mut VecDeque::from(requests));
    }

    /// Does it; what is acknowledged counts from then on.
    fn act(&mut self, act: &Act) {
        let mut tickets = Vec::new();
        match act {
            Act::Store(objects) => {
                let requests = objects.iter().map(|(object, len)| {
                    let (ticket, answer) = oneshot::channel();
                    tickets.push(answer);
                    let last = (*len > 0).then(|| self.run(&content(*object, *len)));
                    Request::Commit { last, commit: Box::new(commit(*object, *len)), ticket }
                });
                let requests = requests.collect();
                self.work(requests);
            }
            Act::Big(object, len) => {
                let bytes = content(*object, *len);
                self.runs(*object, &bytes);
                let (ticket, answer) = oneshot::channel();
                tickets.push(answer);
                self.work(vec![Request::Commit { last: None, commit: Box::new(commit(*object, *len)), ticket }]);
            }
            Act::GiveUp(object, len) => {
                self.runs(*object, &content(*object, *len));
                self.work(vec![Request::Abort { object: ObjectId(*object) }]);
            }
            Act::Note(number) => self.fact(Entry::Note(note(*number))),
            Act::Release(objects) => self.fact(Entry::Release(objects.iter().copied().map(ObjectId).collect())),
        }
        let answers: Vec<_> = tickets.into_iter().map(|mut answer| answer.try_recv().expect("every ticket is answered")).collect();
        let heard = self.index.drain();
        let commits = heard.iter().filter(|indexed| matches!(indexed.entry, Some(Entry::Commit(_)))).count();
        assert_eq!(commits, answers.iter().filter(|answer| answer.is_ok()).count(), "the sender and the catalogue hear the same");
        for Indexed { position, entry, .. } in heard {
            if let Some(entry) = entry {
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
