//! Whose turn it is: choosing the next batch for a destination.
//!
//! Inside a level the studies come by their age: those with fresh work and those whose next try has come, merged. Of the latter at most
//! [`LOOK_AHEAD`] are looked at, the longest overdue ones.

use std::{collections::HashSet, time::Duration};

use redb::{ReadOnlyTable, ReadTransaction};
use relaypacs_domain::{DeliveryState, DestinationName, Flag, ObjectId, ServiceLevel, Uid};

use super::{
    Catalogue,
    history::{self, Versions},
    leases::Held,
    row::{ObjectRow, StudyRow},
    tables::{self, decode, storage},
};
use crate::{CatalogueError, Claim, ClaimLimits, ClaimedInstance, entry::BufferTime};

type Done<T = ()> = Result<T, CatalogueError>;

/// How many overdue studies of a level are compared by age.
const LOOK_AHEAD: usize = 1000;
/// How soon to look again when work is due that must wait for other work.
const BLOCKED_PAUSE: Duration = Duration::from_secs(1);

/// One look at the outbox of a destination.
struct Look<'a> {
    catalogue: &'a Catalogue,
    destination: &'a DestinationName,
    held: &'a Held,
    now: u64,
    time: BufferTime,
    ready: ReadOnlyTable<(&'static str, u64, u64), ()>,
    delayed: ReadOnlyTable<(&'static str, u64, u64, u64), ()>,
    turns: ReadOnlyTable<(&'static str, u8, u64), ()>,
    later: ReadOnlyTable<(&'static str, u8, u64, u64), ()>,
    objects: ReadOnlyTable<u64, &'static [u8]>,
    instances: ReadOnlyTable<&'static str, &'static [u8]>,
    waiting: ReadOnlyTable<(&'static str, u64), ()>,
    studies: ReadOnlyTable<u64, &'static [u8]>,
    /// Studies that are passed over.
    except: &'a [Option<Uid>],
    /// Something is due that nobody has claimed but that must wait for other work.
    blocked: bool,
}

impl Catalogue {
    /// Claims the next batch for a destination.
    pub(crate) fn claim(&self, destination: &DestinationName, limits: ClaimLimits) -> Done<Option<Claim>> {
        self.claim_other(destination, limits, &[])
    }

    /// Claims the next batch for a destination, of other studies than `except`.
    pub(crate) fn claim_other(&self, destination: &DestinationName, limits: ClaimLimits, except: &[Option<Uid>]) -> Done<Option<Claim>> {
        self.claim_found(destination, except, |look| look.find(limits))
    }

    /// Claims what has been waiting for too long.
    pub(crate) fn claim_overdue(&self, destination: &DestinationName, longest: Duration, most: usize) -> Done<Option<Claim>> {
        self.claim_found(destination, &[], |look| look.find_overdue(longest, most))
    }

    fn claim_found(
        &self,
        destination: &DestinationName,
        except: &[Option<Uid>],
        find: impl FnOnce(&mut Look<'_>) -> Done<Option<(u64, Vec<ClaimedInstance>)>>,
    ) -> Done<Option<Claim>> {
        // The lock is taken before the snapshot: whatever was settled before is seen as settled.
        let mut held = self.leases().lock();
        let read = self.read()?;
        let mut look = Look { except, ..Look::new(self, &read, destination, &held)? };
        let Some((study, items)) = find(&mut look)? else { return Ok(None) };
        let row = look.study(study)?;
        drop(look);
        let keys = items.iter().map(|item| (item.object.0, item.identity.sop_instance.clone())).collect();
        let lease = self.leases().take(&mut held, destination, study, keys);
        Ok(Some(Claim { destination: destination.clone(), study: row.uid, service_level: row.level, items, lease }))
    }

    /// When the next delivery that nobody has claimed is due.
    pub(crate) fn next_due(&self, destination: &DestinationName) -> Done<Option<Duration>> {
        let held = self.leases().lock();
        let read = self.read()?;
        let mut look = Look::new(self, &read, destination, &held)?;
        if look.find(ClaimLimits { max_bytes: 0, max_instances: 1, at_least: None })?.is_some() {
            return Ok(Some(Duration::ZERO));
        }
        let mut next = look.blocked.then_some(BLOCKED_PAUSE);
        for rank in 0..=ServiceLevel::Routine.rank() {
            let name = destination.as_str();
            let mut rows =
                look.later.range((name, rank, look.now.saturating_add(1), 0)..=(name, rank, u64::MAX, u64::MAX)).map_err(storage)?;
            if let Some(row) = rows.next() {
                let pause = Duration::from_micros(row.map_err(storage)?.0.value().2 - look.now);
                next = Some(next.map_or(pause, |known: Duration| known.min(pause)));
            }
        }
        Ok(next)
    }
}

impl<'a> Look<'a> {
    fn new(catalogue: &'a Catalogue, read: &ReadTransaction, destination: &'a DestinationName, held: &'a Held) -> Done<Self> {
        let time = catalogue.now();
        Ok(Self {
            catalogue,
            destination,
            held,
            now: time.micros(),
            time,
            ready: read.open_table(tables::READY).map_err(storage)?,
            delayed: read.open_table(tables::DELAYED).map_err(storage)?,
            turns: read.open_table(tables::TURNS).map_err(storage)?,
            later: read.open_table(tables::LATER).map_err(storage)?,
            objects: read.open_table(tables::OBJECTS).map_err(storage)?,
            instances: read.open_table(tables::INSTANCES).map_err(storage)?,
            studies: read.open_table(tables::STUDIES).map_err(storage)?,
            waiting: read.open_table(tables::WAITING).map_err(storage)?,
            except: &[],
            blocked: false,
        })
    }

    /// The first study with something to claim, and what of it.
    fn find(&mut self, limits: ClaimLimits) -> Done<Option<(u64, Vec<ClaimedInstance>)>> {
        let most = limits.at_least.unwrap_or(ServiceLevel::Routine).rank();
        for rank in 0..=most {
            let overdue = self.overdue(rank)?;
            let mut overdue = overdue.into_iter().peekable();
            let name = self.destination.as_str();
            let fresh = self.turns.range((name, rank, 0)..=(name, rank, u64::MAX)).map_err(storage)?;
            for row in fresh {
                let fresh = row.map_err(storage)?.0.value().2;
                while let Some(study) = overdue.next_if(|study| *study <= fresh) {
                    if study != fresh
                        && let Some(items) = self.collect(study, limits)?
                    {
                        return Ok(Some((study, items)));
                    }
                }
                if let Some(items) = self.collect(fresh, limits)? {
                    return Ok(Some((fresh, items)));
                }
            }
            for study in overdue {
                if let Some(items) = self.collect(study, limits)? {
                    return Ok(Some((study, items)));
                }
            }
        }
        Ok(None)
    }

    /// Studies of a level with a try that has come, oldest study first.
    fn overdue(&self, rank: u8) -> Done<Vec<u64>> {
        let name = self.destination.as_str();
        let rows = self.later.range((name, rank, 0, 0)..=(name, rank, self.now, u64::MAX)).map_err(storage)?;
        let mut studies =
            rows.take(LOOK_AHEAD).map(|row| row.map(|(key, _)| key.value().3)).collect::<Result<Vec<_>, _>>().map_err(storage)?;
        studies.sort_unstable();
        Ok(studies)
    }

    /// What may be claimed of a study, within the limits; always at least one instance if there is one.
    fn collect(&mut self, study: u64, limits: ClaimLimits) -> Done<Option<Vec<ClaimedInstance>>> {
        if !self.except.is_empty() && self.except.contains(&self.study(study)?.uid) {
            return Ok(None);
        }
        let name = self.destination.as_str();
        let ready = self.ready.range((name, study, 0)..=(name, study, u64::MAX)).map_err(storage)?;
        let due = self.delayed.range((name, study, 0, 0)..=(name, study, self.now, u64::MAX)).map_err(storage)?;
        let objects = ready.map(|row| row.map(|(key, _)| key.value().2)).chain(due.map(|row| row.map(|(key, _)| key.value().3)));
        let mut items: Vec<ClaimedInstance> = Vec::new();
        let mut instances: HashSet<Uid> = HashSet::new();
        let mut bytes = 0_u64;
        for object in objects {
            let object = object.map_err(storage)?;
            if self.held.has_object(self.destination, object) {
                continue;
            }
            let row = self.object(object)?;
            let (free, versions) = self.versions(object, &row)?;
            if !free || instances.contains(&row.identity.sop_instance) {
                self.blocked = true;
                continue;
            }
            let alone = row.flags.contains(&Flag::Unparsed);
            if !items.is_empty() && (alone || bytes.saturating_add(row.bytes) > limits.max_bytes) {
                break;
            }
            bytes = bytes.saturating_add(row.bytes);
            instances.insert(row.identity.sop_instance.clone());
            items.extend(self.claimed(object, row, versions));
            if alone || items.len() >= limits.max_instances {
                break;
            }
        }
        Ok(Some(items).filter(|items| !items.is_empty()))
    }

    /// The first study, oldest first, with something that has been waiting for `longest`, and what of it. Objects are numbered as they come:
    /// behind one that is younger than `longest` none is older.
    fn find_overdue(&self, longest: Duration, most: usize) -> Done<Option<(u64, Vec<ClaimedInstance>)>> {
        let Some(before) = self.time.0.checked_sub(longest) else { return Ok(None) };
        let name = self.destination.as_str();
        let mut young = u64::MAX;
        for row in self.waiting.range((name, 0)..=(name, u64::MAX)).map_err(storage)? {
            let study = row.map_err(storage)?.0.value().1;
            if study > young {
                break;
            }
            let ready = self.ready.range((name, study, 0)..=(name, study, u64::MAX)).map_err(storage)?;
            let delayed = self.delayed.range((name, study, 0, 0)..=(name, study, u64::MAX, u64::MAX)).map_err(storage)?;
            let objects = ready.map(|row| row.map(|(key, _)| key.value().2)).chain(delayed.map(|row| row.map(|(key, _)| key.value().3)));
            let mut items = Vec::new();
            for object in objects {
                let object = object.map_err(storage)?;
                if items.len() == most || self.held.has_object(self.destination, object) {
                    continue;
                }
                let row = self.object(object)?;
                if row.accepted.0 > before {
                    young = young.min(object);
                    continue;
                }
                let versions = self.versions(object, &row)?.1;
                items.extend(self.claimed(object, row, versions).filter(|item| item.pending_for >= longest));
            }
            if !items.is_empty() {
                return Ok(Some((study, items)));
            }
        }
        Ok(None)
    }

    fn claimed(&self, object: u64, row: ObjectRow, versions: Versions) -> Option<ClaimedInstance> {
        let delivery = row.deliveries.iter().find(|row| row.destination == *self.destination)?;
        Some(ClaimedInstance {
            object: ObjectId(object),
            bytes: row.bytes,
            sha256: row.sha256,
            accepted_at: row.accepted_at,
            attempts: delivery.delivery.attempts,
            last_failure: match &delivery.delivery.state {
                DeliveryState::Retrying(failure) => Some(failure.code),
                _ => None,
            },
            pending_for: self.time.0.saturating_sub(delivery.since.0),
            later_version: versions.older,
            other_versions: versions.any,
            identity: row.identity,
        })
    }

    /// Whether an instance may go now as far as other versions of it are concerned (none is on its way, no older one still waits), and
    /// which others there are or were.
    fn versions(&self, object: u64, row: &ObjectRow) -> Done<(bool, Versions)> {
        let sop = &row.identity.sop_instance;
        let mut free = !self.held.has_instance(self.destination, sop);
        let here = self.instances.get(sop.as_str()).map_err(storage)?;
        let here = here.map(|row| super::change::numbers(row.value())).unwrap_or_default();
        let mut found = history::versions(&self.catalogue.history(), sop.as_str(), ObjectId(object), row.sha256)?;
        found.any |= here.iter().any(|version| *version != object);
        for older in here.into_iter().filter(|version| *version < object) {
            found.older = true;
            let older = self.object(older)?;
            let waits = |row: &&crate::entry::DeliveryRow| row.destination == *self.destination && row.delivery.is_waiting();
            free &= !older.deliveries.iter().any(|row| waits(&row));
        }
        Ok((free, found))
    }

    fn object(&self, object: u64) -> Done<ObjectRow> {
        let row = self.objects.get(object).map_err(storage)?;
        let row = row.ok_or_else(|| CatalogueError::Record(format!("object {object} is missing")))?;
        decode("objects", row.value())
    }

    fn study(&self, study: u64) -> Done<StudyRow> {
        let row = self.studies.get(study).map_err(storage)?;
        let row = row.ok_or_else(|| CatalogueError::Record(format!("study {study} is missing")))?;
        decode("studies", row.value())
    }
}
