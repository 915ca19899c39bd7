//! Bounded batches of deliveries for steps that touch many: whoever loops over them holds no more than one batch.

use std::collections::BTreeMap;

use redb::ReadableTable;
use relaypacs_domain::{Delivery, DestinationName, ObjectId, Uid};

use super::{
    Catalogue,
    questions::study_by_uid,
    row::{ObjectRow, QueueRow},
    tables::{self, NOWHERE, TOTAL, decode, storage},
};
use crate::CatalogueError;

type Done<T = ()> = Result<T, CatalogueError>;

/// Objects in a batch at most.
pub(crate) const BATCH: usize = 512;

/// Where a walk goes on: (study, object) of the last row.
pub(crate) type Cursor = (u64, u64);

/// Objects with their rows.
pub(crate) type Rows = Vec<(ObjectId, ObjectRow)>;

/// Objects by destination.
pub(crate) type ByDestination = BTreeMap<DestinationName, Vec<ObjectId>>;

/// Which deliveries of a destination a walk wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walk {
    /// Held ones.
    Held,
    /// Those held only because the destination was not configured.
    Unconfigured,
    /// Ready ones.
    Ready,
    /// Delayed ones.
    Delayed,
}

impl Catalogue {
    /// Deliveries of a study that `wanted` names, from `cursor` on. The walk ends when no cursor comes back.
    pub(crate) fn study_batch(
        &self,
        study: &Uid,
        cursor: Option<u64>,
        wanted: impl Fn(&DestinationName, &Delivery) -> bool,
    ) -> Done<(ByDestination, Option<u64>)> {
        let read = self.read()?;
        let mut found = ByDestination::new();
        let Some((key, _)) = study_by_uid(&read, study)? else { return Ok((found, None)) };
        let members = read.open_table(tables::STUDY_OBJECTS).map_err(storage)?;
        let objects = read.open_table(tables::OBJECTS).map_err(storage)?;
        let from = cursor.map_or(0, |object| object.saturating_add(1));
        let (mut seen, mut last) = (0, 0);
        for member in members.range((key, from)..=(key, u64::MAX)).map_err(storage)?.take(BATCH) {
            last = member.map_err(storage)?.0.value().1;
            seen += 1;
            let Some(row) = objects.get(last).map_err(storage)? else { continue };
            let row: ObjectRow = decode("objects", row.value())?;
            for delivery in row.deliveries {
                if wanted(&delivery.destination, &delivery.delivery) {
                    found.entry(delivery.destination).or_default().push(ObjectId(last));
                }
            }
        }
        Ok((found, (seen == BATCH).then_some(last)))
    }

    /// Deliveries of a destination, in the order of their studies (delayed ones: of their time). The caller's step takes the rows out of the
    /// walk's table, so that asking again goes on; `after` skips those that a step left there.
    pub(crate) fn destination_batch(
        &self,
        destination: &DestinationName,
        walk: Walk,
        after: Option<Cursor>,
    ) -> Done<(Vec<ObjectId>, Option<Cursor>)> {
        let read = self.read()?;
        let name = destination.as_str();
        let (study, object) = after.map_or((0, 0), |(study, object)| (study, object.saturating_add(1)));
        let mut rows: Vec<Cursor> = Vec::new();
        match walk {
            Walk::Held | Walk::Unconfigured => {
                let table = read.open_table(tables::HELD).map_err(storage)?;
                for row in table.range((name, study, object)..=(name, u64::MAX, u64::MAX)).map_err(storage)? {
                    let (key, unconfigured) = row.map_err(storage)?;
                    if walk == Walk::Held || unconfigured.value() {
                        rows.push((key.value().1, key.value().2));
                    }
                    if rows.len() == BATCH {
                        break;
                    }
                }
            }
            Walk::Ready => {
                let table = read.open_table(tables::READY).map_err(storage)?;
                for row in table.range((name, study, object)..=(name, u64::MAX, u64::MAX)).map_err(storage)?.take(BATCH) {
                    let (key, _) = row.map_err(storage)?;
                    rows.push((key.value().1, key.value().2));
                }
            }
            Walk::Delayed => {
                let table = read.open_table(tables::DELAYED).map_err(storage)?;
                for row in table.range((name, study, 0, 0)..=(name, u64::MAX, u64::MAX, u64::MAX)).map_err(storage)?.take(BATCH) {
                    let (key, _) = row.map_err(storage)?;
                    rows.push((key.value().1, key.value().3));
                }
            }
        }
        let next = rows.last().copied().filter(|_| rows.len() == BATCH);
        Ok((rows.into_iter().map(|(_, object)| ObjectId(object)).collect(), next))
    }

    /// Objects held for want of a destination, with their rows, from `after` on.
    pub(crate) fn nowhere_batch(&self, after: Option<Cursor>) -> Done<(Rows, Option<Cursor>)> {
        let read = self.read()?;
        let table = read.open_table(tables::HELD).map_err(storage)?;
        let objects = read.open_table(tables::OBJECTS).map_err(storage)?;
        let (study, object) = after.map_or((0, 0), |(study, object)| (study, object.saturating_add(1)));
        let mut found = Vec::new();
        let mut last = (0, 0);
        for row in table.range((NOWHERE, study, object)..=(NOWHERE, u64::MAX, u64::MAX)).map_err(storage)?.take(BATCH) {
            let (_, study, object) = row.map_err(storage)?.0.value();
            last = (study, object);
            let Some(row) = objects.get(object).map_err(storage)? else { continue };
            found.push((ObjectId(object), decode("objects", row.value())?));
        }
        let next = (found.len() == BATCH).then_some(last);
        Ok((found, next))
    }

    /// Destinations with something waiting or held, whether configured or not.
    pub(crate) fn queued_destinations(&self) -> Done<Vec<DestinationName>> {
        let queues = self.read()?.open_table(tables::QUEUES).map_err(storage)?;
        let mut names = Vec::new();
        for row in queues.iter().map_err(storage)? {
            let (name, _) = row.map_err(storage)?;
            if name.value() != TOTAL && name.value() != NOWHERE {
                let name = name.value().parse();
                names.push(name.map_err(|_| CatalogueError::Record("queues: a key is no destination name".into()))?);
            }
        }
        Ok(names)
    }

    /// How many deliveries the routing may have something to say about: held for want of a destination, or waiting for one that is gone.
    pub(crate) fn unrouted(&self) -> Done<u64> {
        let routing = self.routing();
        let queues = self.read()?.open_table(tables::QUEUES).map_err(storage)?;
        let mut count = 0;
        for row in queues.iter().map_err(storage)? {
            let (name, row) = row.map_err(storage)?;
            let row: QueueRow = decode("queues", row.value())?;
            match name.value() {
                TOTAL => {}
                NOWHERE => count += row.held_instances,
                name if routing.0.iter().any(|(known, _)| known.as_str() == name) => {}
                _ => count += row.instances,
            }
        }
        Ok(count)
    }
}
