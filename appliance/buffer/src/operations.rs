//! What people and the configuration ask of studies and deliveries. Each call is durable when it answers; steps that touch many deliveries
//! go in batches, so that twenty thousand of them neither fill memory nor hold anybody up.

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, time::Duration};

use relaypacs_domain::{Delivery, DeliveryState, DestinationName, HeldReason, ObjectId, Routing, ServiceLevel, Step, Uid};

use crate::{
    Buffer, CatalogueError,
    catalogue::{Catalogue, Walk},
    entry::{Entry, Note},
    segment::LogHandle,
};

/// Most studies that [`Buffer::incomplete_studies`] names.
const MOST_INCOMPLETE: usize = 10_000;

impl Buffer {
    /// Which destinations there are. Held objects are matched again; destinations that are gone leave their work held.
    pub async fn set_routing(&self, routing: Routing) -> Result<(), CatalogueError> {
        self.between_commits(|| self.catalogue().replace_routing(routing));
        // Commits under way may still carry the destinations of before: they are applied before the walk begins.
        self.log().barrier().await?;
        follow_routing(self.catalogue(), self.log()).await
    }

    /// Tries a study's retrying and held deliveries again, now, at one destination or all. Answers how many.
    pub async fn retry(&self, study: &Uid, destination: Option<&DestinationName>) -> Result<u64, CatalogueError> {
        let routing = self.catalogue().routing();
        let again = |name: &DestinationName, delivery: &Delivery| {
            destination.is_none_or(|wanted| wanted == name)
                && routing.knows(name)
                && matches!(delivery.state, DeliveryState::Held(..) | DeliveryState::Retrying(_))
        };
        self.step_study(study, &Step::RetryNow, again).await
    }

    /// Retries everything that is held, of one destination or all. Answers how many deliveries.
    pub async fn retry_held(&self, destination: Option<&DestinationName>) -> Result<u64, CatalogueError> {
        let routing = self.catalogue().routing();
        let mut touched = 0;
        for name in self.catalogue().queued_destinations()? {
            if routing.knows(&name) && destination.is_none_or(|wanted| *wanted == name) {
                touched += step_all(self.catalogue(), self.log(), &name, Walk::Held, &Step::RetryNow).await?;
            }
        }
        Ok(touched)
    }

    /// Sets a study's service level, whatever its instances say. Answers how many of its deliveries wait.
    pub async fn set_priority(&self, study: &Uid, level: ServiceLevel) -> Result<u64, CatalogueError> {
        let Some(waiting) = self.catalogue().waiting_deliveries(study)? else { return Ok(0) };
        self.log().append(Entry::Note(Note::Priority { study: study.clone(), level })).await?;
        Ok(waiting)
    }

    /// Gives a study's unsettled deliveries to a destination up, for good. Answers how many.
    pub async fn give_up(&self, study: &Uid, destination: &DestinationName) -> Result<u64, CatalogueError> {
        self.step_study(study, &Step::GiveUp, |name, delivery| name == destination && !delivery.is_settled()).await
    }

    /// Gives everything unsettled at a destination up, for good. Answers how many deliveries. To be called once nothing is sent to it any more.
    pub async fn give_up_all(&self, destination: &DestinationName) -> Result<u64, CatalogueError> {
        let mut touched = 0;
        for walk in [Walk::Held, Walk::Delayed, Walk::Ready] {
            touched += step_all(self.catalogue(), self.log(), destination, walk, &Step::GiveUp).await?;
        }
        Ok(touched)
    }

    /// Destinations that an operator has paused, over all restarts since.
    pub fn paused(&self) -> BTreeSet<DestinationName> {
        self.catalogue().paused()
    }

    /// Notes that an operator has paused a destination, or lifted that. Nothing here heeds it: whoever sends does.
    pub async fn set_paused(&self, destination: &DestinationName, paused: bool) -> Result<(), CatalogueError> {
        let (catalogue, destination) = (self.catalogue().clone(), destination.clone());
        let noted = tokio::task::spawn_blocking(move || catalogue.set_paused(&destination, paused)).await;
        noted.unwrap_or(Err(CatalogueError::Closing))
    }

    /// Notes that no more instances of a study are expected.
    pub async fn mark_complete(&self, study: &Uid) -> Result<(), CatalogueError> {
        let at = self.catalogue().clock().now();
        self.log().append(Entry::Note(Note::Complete { study: study.clone(), at })).await.map(drop)
    }

    /// Studies not marked complete, with the time since their last instance; at most the 10,000 oldest.
    pub fn incomplete_studies(&self) -> Result<Vec<(Uid, Duration)>, CatalogueError> {
        self.catalogue().incomplete_studies(MOST_INCOMPLETE)
    }

    async fn step_study(
        &self,
        study: &Uid,
        step: &Step,
        wanted: impl Fn(&DestinationName, &Delivery) -> bool,
    ) -> Result<u64, CatalogueError> {
        let (mut touched, mut cursor) = (0, None);
        loop {
            let (batch, next) = self.catalogue().study_batch(study, cursor, &wanted)?;
            for (destination, objects) in batch {
                touched += objects.len() as u64;
                append_step(self.catalogue(), self.log(), &destination, step, objects).await?;
            }
            cursor = next;
            if cursor.is_none() {
                return Ok(touched);
            }
        }
    }
}

/// Brings deliveries in line with the routing: what was held for want of a destination is matched again, work for destinations that are gone
/// is held, work of destinations that came back is queued.
pub(crate) async fn follow_routing(catalogue: &Catalogue, log: &LogHandle) -> Result<(), CatalogueError> {
    let _alone = catalogue.follows_routing().await;
    match_again(catalogue, log).await?;
    let routing = catalogue.routing();
    for name in catalogue.queued_destinations()? {
        if routing.knows(&name) {
            step_all(catalogue, log, &name, Walk::Unconfigured, &Step::RetryNow).await?;
        } else {
            let hold = Step::Hold(HeldReason::DestinationNotConfigured);
            step_all(catalogue, log, &name, Walk::Ready, &hold).await?;
            step_all(catalogue, log, &name, Walk::Delayed, &hold).await?;
        }
    }
    Ok(())
}

async fn match_again(catalogue: &Catalogue, log: &LogHandle) -> Result<(), CatalogueError> {
    let routing = catalogue.routing();
    if routing.0.is_empty() {
        return Ok(()); // nothing can match: a start with a million held instances need not look at each
    }
    let mut cursor = None;
    loop {
        let (batch, next) = catalogue.nowhere_batch(cursor)?;
        let matched = batch.into_iter().map(|(object, row)| (object, routing.matching(&row.source, &row.header())));
        let objects: Vec<_> = matched.filter(|(_, destinations)| !destinations.is_empty()).collect();
        if !objects.is_empty() {
            let (at, when) = (catalogue.clock().now(), catalogue.now());
            log.append(Entry::Note(Note::Routed { at, when, objects })).await?;
        }
        cursor = next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// Takes one step with everything a walk over a destination meets.
async fn step_all(
    catalogue: &Catalogue,
    log: &LogHandle,
    destination: &DestinationName,
    walk: Walk,
    step: &Step,
) -> Result<u64, CatalogueError> {
    let (mut touched, mut cursor) = (0, None);
    loop {
        let (objects, next) = catalogue.destination_batch(destination, walk, cursor)?;
        touched += objects.len() as u64;
        if !objects.is_empty() {
            append_step(catalogue, log, destination, step, objects).await?;
        }
        cursor = next;
        if cursor.is_none() {
            return Ok(touched);
        }
    }
}

async fn append_step(
    catalogue: &Catalogue,
    log: &LogHandle,
    destination: &DestinationName,
    step: &Step,
    objects: Vec<ObjectId>,
) -> Result<(), CatalogueError> {
    let (at, when) = (catalogue.clock().now(), catalogue.now());
    let note = Note::Stepped { destination: destination.clone(), step: step.clone(), at, when, objects };
    log.append(Entry::Note(note)).await.map(drop)
}
