//! Which objects a start finds damaged: what the log's entries say of the bytes that recovery could not read.

use std::collections::BTreeMap;

use relaypacs_domain::ObjectId;

use crate::{
    buffer::Damage,
    catalogue::Catalogue,
    entry::{Entry, Note},
    recovery::Region,
    segment::record::Kind,
};

/// Which objects the damage hits.
pub(crate) struct Hurt {
    regions: Vec<Region>,
    objects: BTreeMap<ObjectId, Damage>,
}

impl Hurt {
    pub(crate) fn new(regions: Vec<Region>) -> Self {
        Self { regions, objects: BTreeMap::new() }
    }

    /// Takes an entry of the log into account, in log order.
    pub(crate) fn look_at(&mut self, entry: &Entry) {
        match entry {
            Entry::Commit(commit) | Entry::Note(Note::Recorded(commit)) => {
                self.objects.remove(&commit.object);
                if let Some(region) = self.regions.iter().find(|region| region.hits_any(&commit.extents)) {
                    let mut damage = region.damage();
                    damage.object = Some(commit.object);
                    damage.sop_instance = Some(commit.identity.sop_instance.clone());
                    self.objects.insert(commit.object, damage);
                }
            }
            Entry::Part(part) => {
                self.objects.remove(&part.object);
                if let Some(region) = self.regions.iter().find(|region| region.hits_any(&part.extents)) {
                    self.objects.insert(part.object, Damage { object: Some(part.object), ..region.damage() });
                }
            }
            Entry::Note(Note::Moved { object, extents }) => {
                self.objects.remove(object);
                if let Some(region) = self.regions.iter().find(|region| region.hits_any(extents)) {
                    self.objects.insert(*object, Damage { object: Some(*object), ..region.damage() });
                }
            }
            Entry::Release(objects) => objects.iter().for_each(|object| drop(self.objects.remove(object))),
            Entry::Note(_) => {}
        }
    }

    /// All that is to be reported, and the objects to be noted as damaged.
    pub(crate) fn report(self, catalogue: &Catalogue) -> (Vec<Damage>, Vec<ObjectId>) {
        let known = |object| catalogue.object(object).ok().flatten().is_some() || catalogue.is_part(object).unwrap_or(false);
        let objects: Vec<_> = self.objects.keys().copied().filter(|object| known(*object)).collect();
        // Bytes of an object that was never committed are nobody's loss; whatever else was there, somebody may miss.
        let others = self.regions.iter().filter(|region| region.kind != Some(Kind::Data)).map(|region| {
            let object = region.object.filter(|object| !known(*object));
            Damage { object, ..region.damage() }
        });
        let mut all: Vec<_> = self.objects.values().cloned().collect();
        let apart = |damage: &Damage| !all.iter().any(|hit| hit.segment == damage.segment && hit.offset == damage.offset);
        let others: Vec<_> = others.filter(|damage| damage.object.is_some() || apart(damage)).collect();
        all.extend(others);
        (all, objects)
    }
}

impl Region {
    /// As it is reported.
    pub(crate) fn damage(&self) -> Damage {
        Damage { segment: self.segment.into(), offset: self.start.into(), object: self.object, sop_instance: None, what: self.what.clone() }
    }
}
