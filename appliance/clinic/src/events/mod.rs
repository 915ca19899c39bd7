//! From what happened in the buffer to what people see: reports, statistics, notifications and live views follow the buffer's events.
//!
//! The events are durable and numbered; a cursor in `clinic.redb` says up to which they were followed. It moves in the same transaction as
//! everything that an event causes, so that each event counts exactly once, whatever is cut off when. Live views are told after the commit.
//!
//! | table | row |
//! |---|---|
//! | `events_cursor` | `"buffer"` → number of the last event followed |
//! | `events_told` | what was notified and must not be again for a while → when (wall clock, ms) |

mod apply;
mod destinations;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use redb::TableDefinition;
use relaypacs_buffer::{Buffer, CatalogueError, Study};
use relaypacs_domain::{Clock, Event, EventKind, Role, Uid};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use apply::Followed;

use crate::{
    Store, StoreError,
    live::{Audience, Live, LiveEvent, LiveKind},
    notifications::Notifications,
    pacs::Pacs,
    reports::{Reports, UsersWith},
    uploads::Uploads,
};

pub(crate) const CURSOR: TableDefinition<'static, &str, u64> = TableDefinition::new("events_cursor");
pub(crate) const TOLD: TableDefinition<'static, &str, i64> = TableDefinition::new("events_told");
pub(crate) const BUFFER: &str = "buffer";

/// Who runs the box and is told of its troubles.
pub(crate) const TECHNICIANS: &[Role] = &[Role::Radiographer, Role::Admin];
/// Who sees every study.
const STUDY_VIEWERS: &[Role] = &[Role::Radiographer, Role::Radiologist, Role::Admin];
/// Events followed at a time.
const BATCH: usize = 256;
/// Pause after a fault.
const AFTER_FAULT: Duration = Duration::from_secs(1);

/// The service. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Events(Arc<Inner>);

struct Inner {
    parts: Parts,
}

/// What the service is made of.
pub struct Parts {
    /// Where the cursor is.
    pub store: Store,
    /// Whose events are followed.
    pub buffer: Buffer,
    /// The time.
    pub clock: Clock,
    /// Live views.
    pub live: Live,
    /// Notifications.
    pub notifications: Notifications,
    /// Reports.
    pub reports: Reports,
    /// Uploads, whose owners hear of deliveries.
    pub uploads: Uploads,
    /// Who has a role.
    pub users_with: Arc<UsersWith>,
}

/// Why events cannot be followed now.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    #[error("a question to the catalogue did not end")]
    Lost,
}

impl Events {
    /// Opens the service. Blocking.
    pub fn open(parts: Parts) -> Result<Self, StoreError> {
        parts.store.write_blocking(|transaction| {
            transaction.open_table(CURSOR).map_err(StoreError::failed)?;
            transaction.open_table(TOLD).map_err(StoreError::failed)?;
            Ok::<(), StoreError>(())
        })?;
        Ok(Self(Arc::new(Inner { parts })))
    }

    /// Follows the buffer's events until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut newest = self.0.parts.buffer.newest_event();
        while !stop.is_cancelled() {
            let followed = self.follow().await;
            let cursor = match followed {
                Ok(Followed { cursor, more: true }) => {
                    tracing::trace!(cursor, "events followed");
                    continue;
                }
                Ok(Followed { cursor, more: false }) => cursor,
                Err(error) => {
                    tracing::warn!(%error, "events cannot be followed now");
                    stop.run_until_cancelled(tokio::time::sleep(AFTER_FAULT)).await;
                    continue;
                }
            };
            // The buffer closes before its receivers: then there is no news, only the stop.
            let news = async { newest.wait_for(|newest| *newest > cursor).await.is_ok() };
            if stop.run_until_cancelled(news).await == Some(false) {
                stop.cancelled().await;
            }
        }
    }

    /// Watches the destinations until `stop`: tells when one has been away for five minutes, and when it is back.
    pub async fn watch_destinations(&self, pacs: Arc<dyn Pacs>, stop: CancellationToken) {
        destinations::watch(&self.0.parts, pacs, stop).await;
    }

    /// Follows the next events, at most a batch.
    async fn follow(&self) -> Result<Followed, FollowError> {
        let parts = &self.0.parts;
        let newest = *parts.buffer.newest_event().borrow();
        let cursor = parts.store.read(apply::cursor).await?;
        if cursor > newest {
            // The buffer was set up anew under an old clinic: its events begin at one again.
            tracing::warn!(cursor, newest, "the buffer has fewer events than were followed; following goes on with what comes now");
            parts.store.write(move |transaction| apply::set_cursor(transaction, newest)).await?;
            return Ok(Followed { cursor: newest, more: false });
        }
        let buffer = parts.buffer.clone();
        let known = tokio::task::spawn_blocking(move || with_studies(&buffer, cursor)).await.map_err(|_| FollowError::Lost)??;
        let Some(last) = known.last().map(|(event, _)| event.seq) else { return Ok(Followed { cursor, more: false }) };
        // Before the cursor moves: after a crash it is done again, which nobody notices.
        for study in went_on(&known) {
            if let Err(error) = parts.uploads.study_went_on(study).await {
                tracing::warn!(%study, %error, "the owners of a study's uploads could not be told");
            }
        }
        let technicians = (parts.users_with)(TECHNICIANS);
        let (known, now) = (Arc::new(known), parts.clock.now());
        let batch = known.clone();
        let added = parts.store.write(move |transaction| apply::apply(transaction, cursor, &batch, &technicians, now)).await?;
        for (event, _) in known.iter() {
            if let Some(told) = live_event(event) {
                parts.live.publish(told);
            }
        }
        parts.notifications.announce(added);
        parts.reports.poke();
        Ok(Followed { cursor: last, more: true })
    }
}

/// The next events, each with its study as it is now (of those that need it).
fn with_studies(buffer: &Buffer, cursor: u64) -> Result<Vec<(Event, Option<Study>)>, CatalogueError> {
    let events = buffer.changes(cursor, BATCH)?;
    let mut known = Vec::with_capacity(events.len());
    for event in events {
        let about = match &event.kind {
            EventKind::StudyComplete { study: uid, .. } | EventKind::StudyDelivered { study: uid, .. } => buffer.study_in_short(uid)?,
            _ => None,
        };
        known.push((event, about));
    }
    Ok(known)
}

/// Studies that were delivered or held, each once.
fn went_on(events: &[(Event, Option<Study>)]) -> BTreeSet<&Uid> {
    let mut studies = BTreeSet::new();
    for (event, _) in events {
        if let EventKind::StudyDelivered { study, .. } | EventKind::StudyHeld { study: Some(study), .. } = &event.kind {
            studies.insert(study);
        }
    }
    studies
}

/// What live views are told of an event. No patient data: a study is named by its UID.
fn live_event(event: &Event) -> Option<LiveEvent> {
    let at = event.at.to_string();
    let study = |uid: &Uid, what: &str, destination: Option<String>, reason: Option<&str>| {
        let json = json!({"study_instance_uid": uid, "event": what, "destination": destination, "reason": reason, "at": at});
        Some(LiveEvent { audience: Audience::Roles(STUDY_VIEWERS), kind: LiveKind::Study, json: without_nulls(json) })
    };
    let destination = |name: &str, state: &str| {
        let json = json!({"name": name, "state": state, "at": at});
        Some(LiveEvent { audience: Audience::Roles(&Role::ALL), kind: LiveKind::Destination, json })
    };
    match &event.kind {
        EventKind::StudyArriving { study: uid } => study(uid, "arriving", None, None),
        EventKind::StudyComplete { study: uid, .. } => study(uid, "complete", None, None),
        EventKind::StudyDelivered { study: uid, destination } => study(uid, "delivered", Some(destination.to_string()), None),
        EventKind::StudyHeld { study: Some(uid), destination, reason } => {
            study(uid, "held", destination.as_ref().map(ToString::to_string), Some(reason.as_str()))
        }
        EventKind::GivenUp { study: uid, destination } => study(uid, "given_up", Some(destination.to_string()), None),
        EventKind::DestinationDown { destination: name } => destination(name.as_str(), "down"),
        EventKind::DestinationUp { destination: name } => destination(name.as_str(), "up"),
        _ => None,
    }
}

fn without_nulls(mut value: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, member| !member.is_null());
    }
    value
}
