//! The rows of the catalogue and what follows from each alone.

use relaypacs_domain::{
    AeTitle, Delivery, DeliveryState, DestinationName, Event, Failure, Flag, HeaderFacts, HeldReason, Identity, ServiceLevel, Sha256,
    Source, SourceKind, Timestamp, Uid,
};
use serde::{Deserialize, Serialize};

use crate::entry::{BufferTime, Commit, DeliveryRow, Extent, LogPosition, Part, PartKey};

/// What a commit record is counted with in its segment, in bytes: it keeps the segment alive even when the data lies elsewhere.
pub(super) const COMMIT_CHARGE: u64 = 1024;

/// What is known of a stored object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectRow {
    pub(crate) study: u64,
    pub(crate) identity: Identity,
    pub(crate) facts: ObjectFacts,
    pub(crate) source: Source,
    pub(crate) flags: Vec<Flag>,
    pub(crate) bytes: u64,
    pub(crate) sha256: Sha256,
    pub(crate) extents: Vec<Extent>,
    /// Epochs of the segments with its commit records, in the order in which they were written (compaction writes another).
    pub(crate) records: Vec<u64>,
    pub(crate) accepted_at: Timestamp,
    pub(crate) accepted: BufferTime,
    pub(crate) deliveries: Vec<DeliveryRow>,
    pub(crate) notes: Vec<String>,
    /// When the last of its deliveries was settled, while all are.
    pub(crate) settled: Option<BufferTime>,
    /// It was sent again after all was settled, and is not settled since: a release that was decided before does not count.
    pub(crate) sent_again: bool,
    /// The entry that changed its deliveries, notes or flags last, after its commit.
    pub(crate) changed: LogPosition,
    /// Epoch of the newest record that carries everything on that notes said, if one was written since the newest commit record.
    pub(crate) carried: u64,
}

/// What is known of a stored part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartRow {
    pub(crate) key: PartKey,
    pub(crate) bytes: u64,
    pub(crate) extents: Vec<Extent>,
    /// Epochs of the segments with its records, in the order in which they were written.
    pub(crate) records: Vec<u64>,
    pub(crate) accepted: BufferTime,
}

/// The header facts that differ between instances of a study and that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectFacts {
    pub(crate) modality: Option<String>,
    pub(crate) series_number: Option<i32>,
    pub(crate) series_description: Option<String>,
    pub(crate) instance_number: Option<i32>,
    pub(crate) rows: Option<u16>,
    pub(crate) columns: Option<u16>,
    pub(crate) frames: Option<u32>,
}

/// Where a delivery stands in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Ready,
    Delayed(u64),
    Held(HeldReason),
    Delivered,
    GivenUp,
}

/// A study, or an instance whose study could not be read (`uid` is `None`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StudyRow {
    /// First, so that a filter decodes no more.
    pub(crate) head: StudyHead,
    pub(crate) uid: Option<Uid>,
    pub(crate) patient_name: Option<String>,
    pub(crate) patient_id: Option<String>,
    pub(crate) study_date: Option<String>,
    pub(crate) accession_number: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) calling_ae: Option<AeTitle>,
    pub(crate) level: ServiceLevel,
    /// Somebody set the level: what the objects say no longer counts.
    pub(crate) level_set: bool,
    pub(crate) complete: bool,
    /// When its last object arrived.
    pub(crate) last: BufferTime,
    pub(crate) live: Count,
    pub(crate) released: Count,
    pub(crate) flags: Vec<(Flag, u64)>,
    /// Objects with a waiting delivery.
    pub(crate) waiting: Count,
    /// Objects with a held delivery.
    pub(crate) held: u64,
    pub(crate) destinations: Vec<DestinationRow>,
}

/// What study filters look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StudyHead {
    pub(crate) received_at: Timestamp,
    pub(crate) source: SourceKind,
    /// Bits of [`StateBit`].
    pub(crate) states: u8,
    pub(crate) modalities: Vec<String>,
}

/// Objects and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Count {
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
}

/// How far a study is at one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DestinationRow {
    /// `None`: held for want of one.
    pub(crate) destination: Option<DestinationName>,
    pub(crate) ready: u64,
    pub(crate) delayed: u64,
    /// Bytes of the ready and the delayed ones.
    pub(crate) waiting_bytes: u64,
    pub(crate) held: Vec<(HeldReason, u64)>,
    pub(crate) delivered: u64,
    pub(crate) given_up: u64,
    /// Delivered ones that have been released.
    pub(crate) released: u64,
    /// Given-up ones that have been released.
    pub(crate) released_given_up: u64,
    /// The earliest due time of the delayed ones.
    pub(crate) earliest: Option<u64>,
    /// What went wrong last.
    pub(crate) failure: Option<Failure>,
    /// When the newest proof was given.
    pub(crate) proven_at: Option<Timestamp>,
}

/// The states a study can have at a destination, as bits of [`StudyHead::states`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateBit {
    Queued = 1,
    Retrying = 2,
    Held = 4,
    Delivered = 8,
    GivenUp = 16,
}

/// What waits for a destination, or for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct QueueRow {
    pub(crate) studies: u64,
    pub(crate) instances: u64,
    pub(crate) bytes: u64,
    pub(crate) held_instances: u64,
    pub(crate) held_studies: u64,
    pub(crate) by_level: [u64; 4],
}

/// What changes with every group of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// The last applied entry.
    pub(crate) applied: LogPosition,
    pub(crate) next_object: u64,
    pub(crate) next_event: u64,
    /// Entries up to here make no events: theirs are in the history already (set when the catalogue is rebuilt).
    pub(crate) silent_until: LogPosition,
    /// The latest time an entry names.
    pub(crate) latest: BufferTime,
}

/// What a checkpoint saves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Saved {
    pub(crate) position: LogPosition,
    pub(crate) buffer_time: BufferTime,
    pub(crate) clean: bool,
}

/// An event with the entry that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EventRow {
    pub(crate) from: LogPosition,
    pub(crate) event: Event,
}

impl BufferTime {
    /// In whole microseconds, as keys carry it.
    pub(crate) fn micros(self) -> u64 {
        u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX)
    }
}

impl ObjectRow {
    /// The row of a newly committed object, before versions and flags are looked at.
    pub(crate) fn of_commit(commit: &Commit, study: u64, at: LogPosition) -> Self {
        let facts = &commit.facts;
        Self {
            study,
            identity: commit.identity.clone(),
            facts: ObjectFacts {
                modality: facts.modality.clone(),
                series_number: facts.series_number,
                series_description: facts.series_description.clone(),
                instance_number: facts.instance_number,
                rows: facts.rows,
                columns: facts.columns,
                frames: facts.frames,
            },
            source: commit.source.clone(),
            flags: commit.flags.clone(),
            bytes: commit.bytes,
            sha256: commit.sha256,
            extents: commit.extents.clone(),
            records: vec![at.epoch],
            accepted_at: commit.accepted_at,
            accepted: commit.accepted,
            deliveries: commit.destinations.iter().map(|name| DeliveryRow::queued(name.clone(), commit.accepted)).collect(),
            notes: Vec::new(),
            settled: None,
            sent_again: false,
            // Not the commit's own place: when compaction has written it again, what is carried on after it is older than that.
            changed: LogPosition::default(),
            carried: 0,
        }
    }

    /// Whether a commit brings the same bytes in the same transfer syntax.
    pub(crate) fn is_same_as(&self, commit: &Commit) -> bool {
        self.sha256 == commit.sha256 && self.identity.transfer_syntax == commit.identity.transfer_syntax
    }

    /// Epoch of the segment with its newest commit record.
    pub(crate) fn recorded(&self) -> u64 {
        self.records.last().copied().unwrap_or_default()
    }

    /// Whether all its deliveries are settled (at least one).
    pub(crate) fn is_settled(&self) -> bool {
        !self.deliveries.is_empty() && self.deliveries.iter().all(|row| row.delivery.is_settled())
    }

    /// Sets or clears [`Self::settled`] after its deliveries changed at `when`.
    pub(crate) fn settle(&mut self, when: BufferTime) {
        self.settled = self.is_settled().then(|| self.settled.unwrap_or(when));
        self.sent_again &= self.settled.is_none();
    }

    /// Adds a flag.
    pub(crate) fn flag(&mut self, flag: Flag) {
        if let Err(at) = self.flags.binary_search(&flag) {
            self.flags.insert(at, flag);
        }
    }

    /// Every destination it is about and where it stands there; held for want of one stands at `None`.
    pub(crate) fn places(&self) -> impl Iterator<Item = (Option<&DestinationName>, Place)> {
        let nowhere = self.deliveries.is_empty().then_some((None, Place::Held(HeldReason::NoDestination)));
        nowhere.into_iter().chain(self.deliveries.iter().map(|row| (Some(&row.destination), row.place())))
    }

    /// Live bytes by the epoch of the segment they lie in.
    pub(crate) fn residence(&self) -> Vec<(u64, u64)> {
        residence(self.recorded(), &self.extents)
    }

    /// What routing rules look at.
    pub(crate) fn header(&self) -> HeaderFacts {
        HeaderFacts { modality: self.facts.modality.clone(), ..HeaderFacts::default() }
    }
}

impl PartRow {
    /// The row of a new part.
    pub(crate) fn of(part: &Part, at: LogPosition) -> Self {
        let Part { key, bytes, extents, accepted, .. } = part.clone();
        Self { key, bytes, extents, records: vec![at.epoch], accepted }
    }

    /// Epoch of the segment with its newest record.
    pub(crate) fn recorded(&self) -> u64 {
        self.records.last().copied().unwrap_or_default()
    }

    /// Live bytes by the epoch of the segment they lie in.
    pub(crate) fn residence(&self) -> Vec<(u64, u64)> {
        residence(self.recorded(), &self.extents)
    }
}

fn residence(recorded: u64, extents: &[Extent]) -> Vec<(u64, u64)> {
    let mut epochs = vec![(recorded, COMMIT_CHARGE)];
    for extent in extents {
        match epochs.iter_mut().find(|(epoch, _)| *epoch == extent.epoch) {
            Some((_, bytes)) => *bytes += u64::from(extent.len),
            None => epochs.push((extent.epoch, u64::from(extent.len))),
        }
    }
    epochs
}

impl DeliveryRow {
    /// Queued at `when`.
    pub(crate) fn queued(destination: DestinationName, when: BufferTime) -> Self {
        Self { destination, delivery: Delivery::default(), due: BufferTime::default(), since: when }
    }

    /// Takes another state over at `when`. A delivery that begins to wait waits from `when` on; one that goes on waiting keeps its times.
    pub(crate) fn becomes(&mut self, delivery: Delivery, when: BufferTime) {
        let begins = matches!(delivery.state, DeliveryState::Queued) && !matches!(self.delivery.state, DeliveryState::Queued)
            || delivery.is_waiting() && !self.delivery.is_waiting();
        if begins {
            self.since = when;
            self.due = BufferTime::default();
        }
        self.delivery = delivery;
    }

    /// Where it stands in the outbox.
    pub(crate) fn place(&self) -> Place {
        match &self.delivery.state {
            DeliveryState::Queued => Place::Ready,
            DeliveryState::Retrying(_) => Place::Delayed(self.due.micros()),
            DeliveryState::Held(reason, _) => Place::Held(*reason),
            DeliveryState::Delivered(_) => Place::Delivered,
            DeliveryState::GivenUp => Place::GivenUp,
        }
    }

    /// What went wrong last, while that matters.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        match &self.delivery.state {
            DeliveryState::Retrying(failure) | DeliveryState::Held(_, Some(failure)) => Some(failure),
            DeliveryState::Queued | DeliveryState::Held(_, None) | DeliveryState::Delivered(_) | DeliveryState::GivenUp => None,
        }
    }
}

impl Place {
    /// Whether it waits for its turn.
    pub(crate) const fn is_waiting(self) -> bool {
        matches!(self, Self::Ready | Self::Delayed(_))
    }

    /// Whether it is held.
    pub(crate) const fn is_held(self) -> bool {
        matches!(self, Self::Held(_))
    }
}

impl Count {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes += bytes;
    }

    pub(crate) fn take(&mut self, bytes: u64) {
        self.objects = self.objects.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

impl StudyRow {
    /// A study that begins with this object.
    pub(crate) fn of_commit(commit: &Commit) -> Self {
        Self {
            head: StudyHead { received_at: commit.accepted_at, source: commit.source.kind(), states: 0, modalities: Vec::new() },
            uid: commit.identity.study.clone(),
            patient_name: None,
            patient_id: None,
            study_date: None,
            accession_number: None,
            description: None,
            calling_ae: commit.source.calling_ae().cloned(),
            level: commit.service_level,
            level_set: false,
            complete: false,
            last: commit.accepted,
            live: Count::default(),
            released: Count::default(),
            flags: Vec::new(),
            waiting: Count::default(),
            held: 0,
            destinations: Vec::new(),
        }
    }

    /// Takes over what a new object's header says and the study does not know yet.
    pub(crate) fn learn(&mut self, commit: &Commit) {
        /// More modalities than this in one study are not listed.
        const MOST_MODALITIES: usize = 16;
        let facts = &commit.facts;
        let fill = |known: &mut Option<String>, said: &Option<String>| {
            if known.is_none() {
                known.clone_from(said);
            }
        };
        fill(&mut self.patient_name, &facts.patient_name);
        fill(&mut self.patient_id, &facts.patient_id);
        fill(&mut self.study_date, &facts.study_date);
        fill(&mut self.accession_number, &facts.accession_number);
        fill(&mut self.description, &facts.study_description);
        if let Some(modality) = &facts.modality
            && self.head.modalities.len() < MOST_MODALITIES
            && let Err(at) = self.head.modalities.binary_search(modality)
        {
            self.head.modalities.insert(at, modality.clone());
        }
        self.last = self.last.max(commit.accepted);
        if !self.level_set {
            self.level = self.level.min(commit.service_level);
        }
    }

    /// The row of a destination, made when missing.
    pub(crate) fn at(&mut self, destination: Option<&DestinationName>) -> &mut DestinationRow {
        let known = self.destinations.iter().position(|row| row.destination.as_ref() == destination);
        let index = known.unwrap_or_else(|| {
            self.destinations.push(DestinationRow::new(destination.cloned()));
            self.destinations.len() - 1
        });
        &mut self.destinations[index]
    }

    /// The row of a destination, if it has one.
    pub(crate) fn find(&self, destination: Option<&DestinationName>) -> Option<&DestinationRow> {
        self.destinations.iter().find(|row| row.destination.as_ref() == destination)
    }

    /// The states of all its destinations as bits.
    pub(crate) fn states(&self) -> u8 {
        self.destinations.iter().filter(|row| !row.is_empty()).map(|row| row.state() as u8).fold(0, |bits, bit| bits | bit)
    }

    /// Counts an object with a flag in (`true`) or out.
    pub(crate) fn count_flag(&mut self, flag: Flag, by: i64) {
        match self.flags.binary_search_by_key(&flag, |(flag, _)| *flag) {
            Ok(at) => {
                self.flags[at].1 = self.flags[at].1.saturating_add_signed(by);
                if self.flags[at].1 == 0 {
                    self.flags.remove(at);
                }
            }
            Err(at) if by > 0 => self.flags.insert(at, (flag, by.unsigned_abs())),
            Err(_) => {}
        }
    }
}

impl DestinationRow {
    fn new(destination: Option<DestinationName>) -> Self {
        Self {
            destination,
            ready: 0,
            delayed: 0,
            waiting_bytes: 0,
            held: Vec::new(),
            delivered: 0,
            given_up: 0,
            released: 0,
            released_given_up: 0,
            earliest: None,
            failure: None,
            proven_at: None,
        }
    }

    /// Deliveries that wait.
    pub(crate) const fn waiting(&self) -> u64 {
        self.ready + self.delayed
    }

    /// Deliveries that are held.
    pub(crate) fn held(&self) -> u64 {
        self.held.iter().map(|(_, count)| count).sum()
    }

    /// Deliveries that are proven, released ones included.
    pub(crate) const fn done(&self) -> u64 {
        self.delivered + self.released
    }

    /// All deliveries.
    pub(crate) fn total(&self) -> u64 {
        self.waiting() + self.held() + self.done() + self.given_up + self.released_given_up
    }

    /// Whether nothing is to be said about this destination.
    pub(crate) fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// Whether every instance so far is proven there.
    pub(crate) fn is_delivered(&self) -> bool {
        self.done() > 0 && self.done() == self.total()
    }

    /// The one word for it: what needs somebody comes first.
    pub(crate) fn state(&self) -> StateBit {
        if self.held() > 0 {
            StateBit::Held
        } else if self.delayed > 0 {
            StateBit::Retrying
        } else if self.ready > 0 {
            StateBit::Queued
        } else if self.given_up + self.released_given_up > 0 {
            StateBit::GivenUp
        } else {
            StateBit::Delivered
        }
    }

    /// Counts a delivery in or out of its place.
    pub(crate) fn count(&mut self, place: Place, by: i64, bytes: u64) {
        let counter = match place {
            Place::Ready => &mut self.ready,
            Place::Delayed(_) => &mut self.delayed,
            Place::Delivered => &mut self.delivered,
            Place::GivenUp => &mut self.given_up,
            Place::Held(reason) => {
                let known = self.held.iter().position(|(known, _)| *known == reason);
                let at = known.unwrap_or_else(|| {
                    self.held.push((reason, 0));
                    self.held.len() - 1
                });
                &mut self.held[at].1
            }
        };
        *counter = counter.saturating_add_signed(by);
        self.held.retain(|(_, count)| *count > 0);
        self.held.sort_unstable();
        if place.is_waiting() {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            self.waiting_bytes = self.waiting_bytes.saturating_add_signed(if by < 0 { -bytes } else { bytes });
        }
    }
}

impl StateBit {
    /// The name used in queries and answers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Retrying => "retrying",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }
}

impl QueueRow {
    /// Adds (or with `-1` takes away) what a study contributes to a destination's queue.
    pub(crate) fn count(&mut self, waiting: Count, held: u64, level: ServiceLevel, sign: i64) {
        let adjust = |counter: &mut u64, by: u64| *counter = counter.saturating_add_signed(sign * i64::try_from(by).unwrap_or(i64::MAX));
        adjust(&mut self.studies, u64::from(waiting.objects > 0));
        adjust(&mut self.instances, waiting.objects);
        adjust(&mut self.bytes, waiting.bytes);
        adjust(&mut self.held_instances, held);
        adjust(&mut self.held_studies, u64::from(held > 0));
        adjust(&mut self.by_level[level_index(level)], waiting.objects);
    }
}

/// Position of a level in [`ServiceLevel::ALL`].
fn level_index(level: ServiceLevel) -> usize {
    match level {
        ServiceLevel::Stat => 0,
        ServiceLevel::Emergency => 1,
        ServiceLevel::Routine => 2,
        ServiceLevel::Subspecialty => 3,
    }
}
