//! Destinations that an operator has paused: kept in the history, since nothing in the log says so.

use std::{
    collections::BTreeSet,
    sync::{MutexGuard, PoisonError},
};

use redb::Database;
use relaypacs_domain::DestinationName;

use super::{Catalogue, history};
use crate::CatalogueError;

/// What the history says. A name that is none is passed over: no destination can have it.
pub(super) fn read(history: &Database) -> Result<BTreeSet<DestinationName>, CatalogueError> {
    Ok(history::paused(history)?.into_iter().filter_map(|name| name.parse().ok()).collect())
}

impl Catalogue {
    /// The destinations that an operator has paused.
    pub(crate) fn paused(&self) -> BTreeSet<DestinationName> {
        self.paused_now().clone()
    }

    /// Notes durably that an operator has paused a destination, or lifted that (a sync; call it from a thread that may wait).
    pub(crate) fn set_paused(&self, destination: &DestinationName, paused: bool) -> Result<(), CatalogueError> {
        let mut now = self.paused_now();
        history::set_paused(&self.history(), destination.as_str(), paused)?;
        if paused {
            now.insert(destination.clone());
        } else {
            now.remove(destination);
        }
        Ok(())
    }

    fn paused_now(&self) -> MutexGuard<'_, BTreeSet<DestinationName>> {
        self.shared.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
