//! What each entry of the log means for the catalogue.

use relaypacs_domain::{DeliveryState, DestinationName, EventKind, Flag, HeldReason, ObjectId, ServiceLevel, Step, Uid, Verdict};

use super::{
    Applied,
    change::Change,
    row::{DestinationRow, ObjectRow, PartRow, Place, StudyRow},
    tables::A_PART,
};
use crate::{
    CatalogueError,
    entry::{BufferTime, Carried, Commit, DeliveryRow, Entry, Extent, LogPosition, Note, Part},
};

type Done<T = ()> = Result<T, CatalogueError>;

/// Remarks on an object beyond this many are not kept.
const MOST_NOTES: usize = 32;

impl Change<'_> {
    /// Applies one entry, unless it is applied already.
    pub(super) fn apply(&mut self, position: LogPosition, entry: &Entry, applied: &mut Applied) -> Done {
        if position <= self.state.applied {
            return Ok(());
        }
        self.position = position;
        match entry {
            Entry::Commit(commit) => self.commit(commit, applied)?,
            Entry::Part(part) => self.new_part(part)?,
            Entry::Note(note) => self.note(note)?,
            Entry::Release(objects) => objects.iter().try_for_each(|object| self.release(*object))?,
        }
        self.state.applied = position;
        Ok(())
    }

    fn commit(&mut self, commit: &Commit, applied: &mut Applied) -> Done {
        self.at = commit.accepted_at;
        self.passed(commit.accepted);
        self.used(commit.object);
        let id = commit.object.0;
        if self.object(id)?.is_some() {
            return self.recorded(commit);
        }
        let mut others = Vec::new();
        for version in self.versions(commit.identity.sop_instance.as_str())? {
            let Some(row) = self.object(version)? else { continue };
            if row.is_same_as(commit) {
                if row.flags.contains(&Flag::Damaged) {
                    return self.heal(version, &row, commit);
                }
                self.sent_again(version, &row, commit)?;
                self.must_release(id, version, &[self.position.epoch])?;
                applied.stored_before.push((commit.object, ObjectId(version)));
                return Ok(());
            }
            others.push((version, row));
        }
        self.arrives(commit, others)
    }

    /// A new object; `others` are versions of the instance with other bytes.
    fn arrives(&mut self, commit: &Commit, others: Vec<(u64, ObjectRow)>) -> Done {
        let study = self.join_study(commit)?;
        let mut row = ObjectRow::of_commit(commit, study, self.position);
        row.flags.sort_unstable();
        row.flags.dedup();
        if !others.is_empty() {
            row.flag(Flag::OtherVersion);
            self.event(EventKind::OtherVersion { sop_instance: commit.identity.sop_instance.clone() })?;
        }
        for (other, before) in others {
            let mut after = before.clone();
            after.flag(Flag::OtherVersion);
            self.change(other, &before, &after)?;
        }
        self.add(commit.object.0, &row)
    }

    fn new_part(&mut self, part: &Part) -> Done {
        self.passed(part.accepted);
        self.used(part.object);
        let id = part.object.0;
        if let Some(mut records) = self.tombstone(id)? {
            // It was released while compaction carried its record on.
            records.push(self.position.epoch);
            return self.entomb(id, &records);
        }
        let mut row = PartRow::of(part, self.position);
        let before = self.part(id)?;
        if let Some(before) = &before {
            row.records = [&before.records[..], &[self.position.epoch]].concat();
        }
        self.set_part(id, before.as_ref(), Some(&row))
    }

    /// Compaction wrote a commit record again.
    fn recorded(&mut self, commit: &Commit) -> Done {
        self.at = commit.accepted_at;
        self.passed(commit.accepted);
        self.used(commit.object);
        let id = commit.object.0;
        let Some(before) = self.object(id)? else { return self.recorded_anew(commit) };
        let mut after = before.clone();
        after.extents.clone_from(&commit.extents);
        after.records.push(self.position.epoch);
        after.carried = 0;
        self.change(id, &before, &after)
    }

    /// The first record of an object that this catalogue, which is being rebuilt, sees is one that was written again.
    fn recorded_anew(&mut self, commit: &Commit) -> Done {
        let (mut same, mut others) = (Vec::new(), Vec::new());
        for version in self.versions(commit.identity.sop_instance.as_str())? {
            let Some(row) = self.object(version)? else { continue };
            let list = if row.is_same_as(commit) { &mut same } else { &mut others };
            list.push((version, row));
        }
        self.arrives(commit, others)?;
        for (repetition, row) in same {
            self.remove(repetition, &row)?;
            self.must_release(repetition, commit.object.0, &row.records)?;
            self.end_if_empty(row.study)?;
        }
        Ok(())
    }

    /// The study of a new object, begun if need be.
    fn join_study(&mut self, commit: &Commit) -> Done<u64> {
        let known = match &commit.identity.study {
            Some(uid) => self.study_key(uid.as_str())?,
            None => None,
        };
        let key = if let Some(key) = known {
            key
        } else {
            let key = commit.object.0;
            self.begin_study(key, StudyRow::of_commit(commit))?;
            if let Some(study) = commit.identity.study.clone() {
                self.event(EventKind::StudyArriving { study })?;
            }
            key
        };
        let study = self.study(key)?;
        study.learn(commit);
        study.complete = false;
        Ok(key)
    }

    /// The bytes of a damaged object came again: the new object takes its place and its deliveries over.
    fn heal(&mut self, damaged: u64, old: &ObjectRow, commit: &Commit) -> Done {
        let study = self.join_study(commit)?;
        let mut row = ObjectRow::of_commit(commit, study, self.position);
        row.flags = old.flags.iter().copied().filter(|flag| *flag != Flag::Damaged).collect();
        row.notes.clone_from(&old.notes);
        remark(&mut row, format!("replaces object {damaged}, which was damaged on the disk"));
        let fresh = std::mem::replace(&mut row.deliveries, old.deliveries.clone());
        for delivery in &mut row.deliveries {
            if matches!(delivery.place(), Place::Held(HeldReason::Unreadable)) {
                delivery.becomes(delivery.delivery.after(&Step::RetryNow), commit.accepted);
            }
        }
        add_missing(&mut row, fresh);
        row.settle(commit.accepted);
        self.add(commit.object.0, &row)?;
        self.remove(damaged, old)?;
        self.must_release(damaged, commit.object.0, &old.records)?;
        self.end_if_empty(old.study)
    }

    /// A stored instance came again, byte for byte. While a destination is unproven there is nothing new to do.
    fn sent_again(&mut self, id: u64, before: &ObjectRow, commit: &Commit) -> Done {
        if !before.is_settled() {
            return Ok(());
        }
        let mut after = before.clone();
        let sender = commit.source.calling_ae();
        // Where it goes now: a destination that has had it and is gone, or takes it no longer, keeps its proof.
        let goes_to = |row: &DeliveryRow| commit.destinations.is_empty() || commit.destinations.contains(&row.destination);
        for row in after.deliveries.clone().iter().filter(|row| goes_to(row)) {
            if let DeliveryState::Delivered(proof) = &row.delivery.state {
                remark(&mut after, format!("proven at {} before ({}): {}", row.destination, proof.at, proof.detail));
            }
        }
        let by = sender.map_or(if commit.source.upload().is_some() { "an upload" } else { "an unnamed sender" }, |ae| ae.as_str());
        remark(&mut after, format!("resent by {by}"));
        for row in after.deliveries.iter_mut().filter(|row| goes_to(row)) {
            row.becomes(row.delivery.after(&Step::SentAgain), commit.accepted);
        }
        let fresh = commit.destinations.iter().map(|name| DeliveryRow::queued(name.clone(), commit.accepted)).collect();
        add_missing(&mut after, fresh);
        after.settled = None;
        after.sent_again = true;
        after.changed = self.position;
        self.change(id, before, &after)?;
        self.event(EventKind::SentAgain { sop_instance: commit.identity.sop_instance.clone(), calling_ae: sender.cloned() })
    }

    fn note(&mut self, note: &Note) -> Done {
        match note {
            Note::Tried { destination, at, when, verdicts } => {
                self.at = *at;
                self.passed(*when);
                self.tried(destination, *when, verdicts)
            }
            Note::Stepped { destination, step, at, when, objects } => {
                self.at = *at;
                self.passed(*when);
                objects.iter().try_for_each(|object| self.stepped(*object, destination, step, *when))
            }
            Note::Routed { at, when, objects } => {
                self.at = *at;
                self.passed(*when);
                objects.iter().try_for_each(|(object, destinations)| self.routed(*object, destinations, *when))
            }
            Note::Carried(carried) => self.carried(carried),
            Note::Priority { study, level } => self.priority(study, *level),
            Note::Complete { study, at } => {
                self.at = *at;
                self.complete(study)
            }
            Note::Damaged { objects, at } => {
                self.at = *at;
                objects.iter().try_for_each(|object| self.damaged(*object))
            }
            Note::Happened { at, kind } => {
                self.at = *at;
                self.event(kind.clone())
            }
            Note::Moved { object, extents } => self.moved(*object, extents),
            Note::Recorded(commit) => self.recorded(commit),
        }
    }

    fn tried(&mut self, destination: &DestinationName, when: BufferTime, verdicts: &[(ObjectId, Verdict)]) -> Done {
        let mut studies: Vec<(u64, bool)> = Vec::new();
        for (object, verdict) in verdicts {
            let Some(before) = self.object(object.0)? else { continue };
            let mut after = before.clone();
            let Some(row) = after.deliveries.iter_mut().find(|row| row.destination == *destination) else { continue };
            let step = Step::Tried { at: self.at, verdict: verdict.clone() };
            row.becomes(row.delivery.after(&step), when);
            if let Verdict::Retry { after: pause, .. } = verdict {
                row.due = BufferTime(when.0.saturating_add(*pause));
            }
            let failure = row.failure().cloned();
            after.settle(when);
            after.changed = self.position;
            let proven_at = matches!(verdict, Verdict::Proven(_)).then_some(self.at);
            let study = self.study(before.study)?;
            let was_delivered = study.at(Some(destination)).is_delivered();
            if !studies.iter().any(|(key, _)| *key == before.study) {
                studies.push((before.study, was_delivered));
            }
            self.change(object.0, &before, &after)?;
            let row = self.study(before.study)?.at(Some(destination));
            row.failure = failure.or_else(|| row.failure.take());
            row.proven_at = proven_at.max(row.proven_at);
        }
        for (key, was_delivered) in studies {
            if !was_delivered {
                self.tell_delivered(key, destination)?;
            }
        }
        Ok(())
    }

    /// Tells when a complete study is proven at a destination.
    fn tell_delivered(&mut self, key: u64, destination: &DestinationName) -> Done {
        let study = self.study(key)?;
        let delivered = study.complete && study.find(Some(destination)).is_some_and(DestinationRow::is_delivered);
        match study.uid.clone() {
            Some(study) if delivered => self.event(EventKind::StudyDelivered { study, destination: destination.clone() }),
            _ => Ok(()),
        }
    }

    fn stepped(&mut self, object: ObjectId, destination: &DestinationName, step: &Step, when: BufferTime) -> Done {
        let Some(before) = self.object(object.0)? else { return Ok(()) };
        let mut after = before.clone();
        let Some(row) = after.deliveries.iter_mut().find(|row| row.destination == *destination) else { return Ok(()) };
        row.becomes(row.delivery.after(step), when);
        after.settle(when);
        after.changed = self.position;
        self.change(object.0, &before, &after)
    }

    fn routed(&mut self, object: ObjectId, destinations: &[DestinationName], when: BufferTime) -> Done {
        let Some(before) = self.object(object.0)? else { return Ok(()) };
        let mut after = before.clone();
        add_missing(&mut after, destinations.iter().map(|name| DeliveryRow::queued(name.clone(), when)).collect());
        if after.flags.contains(&Flag::Damaged) {
            hold_unreadable(&mut after, when);
        }
        after.settle(when);
        after.changed = self.position;
        self.change(object.0, &before, &after)
    }

    /// Takes carried facts over where this catalogue has missed some (it is being rebuilt); otherwise they say what is known.
    fn carried(&mut self, carried: &Carried) -> Done {
        let Some(before) = self.object(carried.object.0)? else { return Ok(()) };
        if carried.as_of < before.changed {
            return Ok(());
        }
        let mut after = before.clone();
        after.flags.clone_from(&carried.flags);
        after.deliveries.clone_from(&carried.deliveries);
        after.notes.clone_from(&carried.notes);
        after.settled = carried.settled;
        after.sent_again = carried.sent_again;
        after.changed = carried.as_of;
        after.carried = self.position.epoch;
        if after == before { Ok(()) } else { self.change(carried.object.0, &before, &after) }
    }

    fn priority(&mut self, study: &Uid, level: ServiceLevel) -> Done {
        let Some(key) = self.study_key(study.as_str())? else { return Ok(()) };
        let row = self.study(key)?;
        row.level = level;
        row.level_set = true;
        self.work = true;
        Ok(())
    }

    fn complete(&mut self, study: &Uid) -> Done {
        let Some(key) = self.study_key(study.as_str())? else { return Ok(()) };
        let row = self.study(key)?;
        if std::mem::replace(&mut row.complete, true) {
            return Ok(());
        }
        let (instances, bytes) = (row.live.objects + row.released.objects, row.live.bytes + row.released.bytes);
        let destinations: Vec<DestinationName> = row.destinations.iter().filter_map(|row| row.destination.clone()).collect();
        self.event(EventKind::StudyComplete { study: study.clone(), instances, bytes })?;
        destinations.iter().try_for_each(|destination| self.tell_delivered(key, destination))
    }

    fn damaged(&mut self, object: ObjectId) -> Done {
        let Some(before) = self.object(object.0)? else { return Ok(()) };
        if before.flags.contains(&Flag::Damaged) {
            return Ok(());
        }
        let mut after = before.clone();
        after.flag(Flag::Damaged);
        hold_unreadable(&mut after, BufferTime::default());
        after.changed = self.position;
        self.change(object.0, &before, &after)?;
        self.event(EventKind::Damaged { sop_instance: Some(before.identity.sop_instance) })
    }

    fn moved(&mut self, object: ObjectId, extents: &[Extent]) -> Done {
        if let Some(before) = self.object(object.0)? {
            let mut after = before.clone();
            after.extents = extents.to_vec();
            self.change(object.0, &before, &after)?;
        } else if let Some(before) = self.part(object.0)? {
            let after = PartRow { extents: extents.to_vec(), ..before.clone() };
            self.set_part(object.0, Some(&before), Some(&after))?;
        }
        Ok(())
    }

    fn release(&mut self, object: ObjectId) -> Done {
        if let Some(row) = self.object(object.0)? {
            if row.sent_again {
                return Ok(());
            }
            let places: Vec<_> = row.places().map(|(destination, place)| (destination.cloned(), place)).collect();
            self.remove(object.0, &row)?;
            let study = self.study(row.study)?;
            study.released.add(row.bytes);
            for (destination, place) in places {
                let counted = study.at(destination.as_ref());
                match place {
                    Place::Delivered => counted.released += 1,
                    Place::GivenUp => counted.released_given_up += 1,
                    Place::Ready | Place::Delayed(_) | Place::Held(_) => {}
                }
            }
            self.entomb(object.0, &row.records)?;
            return self.end_if_empty(row.study);
        }
        if let Some(row) = self.part(object.0)? {
            self.set_part(object.0, Some(&row), None)?;
            return self.entomb(object.0, &[&[A_PART], &row.records[..]].concat());
        }
        if let Some(records) = self.released_dead(object.0)? {
            self.entomb(object.0, &records)?;
        }
        Ok(())
    }

    fn passed(&mut self, when: BufferTime) {
        self.state.latest = self.state.latest.max(when);
    }
}

fn add_missing(row: &mut ObjectRow, fresh: Vec<DeliveryRow>) {
    for delivery in fresh {
        if !row.deliveries.iter().any(|known| known.destination == delivery.destination) {
            row.deliveries.push(delivery);
        }
    }
}

fn hold_unreadable(row: &mut ObjectRow, when: BufferTime) {
    for delivery in &mut row.deliveries {
        delivery.becomes(delivery.delivery.after(&Step::Hold(HeldReason::Unreadable)), when);
    }
}

fn remark(row: &mut ObjectRow, note: String) {
    if row.notes.len() == MOST_NOTES {
        row.notes.remove(0);
    }
    row.notes.push(note);
}
