//! Tests of the catalogue on memory, without a log: entries are made up and applied.

mod applying;
mod claiming;
mod figures;
mod listing;
mod replaying;

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::Duration,
};

use relaypacs_domain::{
    Clock, DestinationName, Failure, FailureCode, HeaderFacts, HeldReason, Identity, ManualClock, ObjectId, Proof, ProofKind, ServiceLevel,
    Sha256, Source, Timestamp, Uid, Verdict,
};

use super::{Applied, Catalogue};
use crate::entry::{BufferTime, Commit, Entry, Extent, LogPosition, Note};

/// A file in memory that can be copied as it stands: what a crash leaves behind.
#[derive(Clone, Default)]
pub(super) struct MemoryFile(Arc<Mutex<Vec<u8>>>);

impl MemoryFile {
    pub(super) fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.0.lock().unwrap().clone())))
    }
}

impl fmt::Debug for MemoryFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryFile")
    }
}

impl redb::StorageBackend for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().len() as u64)
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let file = self.0.lock().unwrap();
        let from = offset as usize;
        out.copy_from_slice(file.get(from..from + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.lock().unwrap().resize(len as usize, 0);
        Ok(())
    }
    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut file = self.0.lock().unwrap();
        file[offset as usize..offset as usize + data.len()].copy_from_slice(data);
        Ok(())
    }
}

/// A catalogue on memory, fed with entries at growing positions.
pub(super) struct Bench {
    pub(super) catalogue: Catalogue,
    pub(super) file: MemoryFile,
    pub(super) history: MemoryFile,
    pub(super) hand: Arc<ManualClock>,
    pub(super) position: LogPosition,
    pub(super) next_object: u64,
}

impl Bench {
    pub(super) fn new() -> Self {
        let hand = Arc::new(ManualClock::default());
        let (file, history) = (MemoryFile::default(), MemoryFile::default());
        let (catalogue, checkpoint) = Catalogue::open(file.clone(), history.clone(), Clock::manual(hand.clone())).unwrap();
        assert_eq!((checkpoint.position, checkpoint.next_object), (LogPosition::default(), 1));
        Self { catalogue, file, history, hand, position: LogPosition { epoch: 1, offset: 0 }, next_object: 1 }
    }

    pub(super) fn next_position(&mut self) -> LogPosition {
        self.position.offset += 100;
        self.position
    }

    pub(super) fn apply(&mut self, entry: Entry) -> Applied {
        let position = self.next_position();
        self.catalogue.apply(&[(position, entry)]).unwrap()
    }

    /// Commits an object and answers its number.
    pub(super) fn store(&mut self, object: &New) -> ObjectId {
        let commit = self.commit(object);
        let id = commit.object;
        self.apply(Entry::Commit(Box::new(commit)));
        id
    }

    pub(super) fn commit(&mut self, object: &New) -> Commit {
        let id = self.next_object;
        self.next_object += 1;
        object.commit(id, self.position.epoch, self.now(), self.wall())
    }

    pub(super) fn try_deliver(&mut self, destination: &str, verdicts: &[(ObjectId, Verdict)]) {
        let (when, at) = (self.now(), self.wall());
        self.apply(Entry::Note(Note::Tried { destination: name(destination), at, when, verdicts: verdicts.to_vec() }));
    }

    pub(super) fn now(&self) -> BufferTime {
        self.catalogue.now()
    }

    pub(super) fn wall(&self) -> Timestamp {
        self.catalogue.clock().now()
    }

    pub(super) fn events(&self) -> Vec<String> {
        self.catalogue.changes(0, 10_000).unwrap().into_iter().map(|event| format!("{:?}", event.kind)).collect()
    }
}

/// An object to be made up.
#[derive(Debug, Clone)]
pub(super) struct New {
    pub(super) study: Option<u32>,
    pub(super) instance: u32,
    pub(super) content: u8,
    pub(super) bytes: u64,
    pub(super) level: ServiceLevel,
    pub(super) modality: &'static str,
    pub(super) destinations: Vec<&'static str>,
}

impl New {
    pub(super) fn of(study: u32, instance: u32) -> Self {
        Self {
            study: Some(study),
            instance,
            content: 0,
            bytes: 1000,
            level: ServiceLevel::Routine,
            modality: "CT",
            destinations: vec!["pacs"],
        }
    }

    pub(super) fn commit(&self, id: u64, epoch: u64, now: BufferTime, at: Timestamp) -> Commit {
        let study = self.study.map(study_uid);
        let mut digest = [self.content; 32];
        digest[..4].copy_from_slice(&self.instance.to_le_bytes());
        Commit {
            object: ObjectId(id),
            identity: Identity {
                sop_class: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
                sop_instance: format!("1.2.3.{}", self.instance).parse().unwrap(),
                transfer_syntax: "1.2.840.10008.1.2.1".parse().unwrap(),
                study: study.clone(),
                series: study.map(|study| format!("{study}.1").parse().unwrap()),
            },
            facts: HeaderFacts { modality: Some(self.modality.into()), patient_name: Some("DOE^JANE".into()), ..HeaderFacts::default() },
            source: source("CT1"),
            service_level: self.level,
            flags: if self.study.is_none() { vec![relaypacs_domain::Flag::Unparsed] } else { Vec::new() },
            bytes: self.bytes,
            sha256: Sha256(digest),
            extents: vec![Extent::whole(epoch as u32, epoch, id as u32, self.bytes as u32)],
            accepted_at: at,
            accepted: now,
            destinations: self.destinations.iter().map(|text| name(text)).collect(),
        }
    }
}

pub(super) fn study_uid(study: u32) -> Uid {
    format!("1.9.{study}").parse().unwrap()
}

pub(super) fn name(text: &str) -> DestinationName {
    text.parse().unwrap()
}

pub(super) fn source(ae: &str) -> Source {
    Source::Dicom { calling_ae: ae.parse().unwrap(), called_ae: "RELAYPACS".parse().unwrap(), address: IpAddr::V4(Ipv4Addr::LOCALHOST) }
}

pub(super) fn proven() -> Verdict {
    Verdict::Proven(Proof::new(ProofKind::Stow, Timestamp::from_millis(5), "stored", None))
}

pub(super) fn retry(after: Duration) -> Verdict {
    Verdict::Retry { failure: Failure::new(FailureCode::Http(503), "busy"), after }
}

pub(super) fn hold() -> Verdict {
    Verdict::Hold(HeldReason::Refused, Failure::new(FailureCode::Dicom(0xA900), "no"))
}
