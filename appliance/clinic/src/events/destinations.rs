//! Destinations that stay away: told after five minutes, and when they are back. What was told is kept, so that a restart in between
//! neither tells it twice nor forgets to say that it is over.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use redb::WriteTransaction;
use relaypacs_domain::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{Parts, TECHNICIANS, TOLD};
use crate::{
    StoreError,
    notifications::{NewNotification, NotificationKind, Notifications},
    pacs::{DestinationState, Pacs},
};

/// How long a destination may be away before anybody is told.
const PATIENCE: Duration = Duration::from_mins(5);
/// How often it is looked.
const EVERY: Duration = Duration::from_secs(5);
/// What names the trouble in the table.
const PREFIX: &str = "away|";

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Away(String),
    Back(String),
}

/// Since when (boot time) each destination has been away, and of which it was told.
#[derive(Debug, Default)]
pub(super) struct Watch {
    away: BTreeMap<String, Duration>,
    told: BTreeSet<String>,
}

impl Watch {
    /// With what was told before a restart.
    pub(super) fn new(told: BTreeSet<String>) -> Self {
        Self { away: BTreeMap::new(), told }
    }

    /// What is to be told now. Confirmed by [`Watch::told`] once it is durable.
    pub(super) fn look(&mut self, now: Duration, states: &[DestinationState]) -> Vec<Change> {
        self.away.retain(|name, _| states.iter().any(|state| state.name.as_str() == name && state.down));
        let mut changes = Vec::new();
        for state in states {
            let name = state.name.to_string();
            if state.down {
                let since = *self.away.entry(name.clone()).or_insert(now);
                if now.saturating_sub(since) >= PATIENCE && !self.told.contains(&name) {
                    changes.push(Change::Away(name));
                }
            } else if self.told.contains(&name) {
                changes.push(Change::Back(name));
            }
        }
        changes
    }

    pub(super) fn told(&mut self, change: &Change) {
        match change {
            Change::Away(name) => drop(self.told.insert(name.clone())),
            Change::Back(name) => drop(self.told.remove(name)),
        }
    }
}

pub(super) async fn watch(parts: &Parts, pacs: Arc<dyn Pacs>, stop: CancellationToken) {
    let told = parts.store.read(|transaction| {
        let table = transaction.open_table(TOLD).map_err(StoreError::failed)?;
        let rows = table.range(PREFIX.."away}").map_err(StoreError::failed)?;
        let names = rows.map(|row| row.map(|(key, _)| key.value()[PREFIX.len()..].to_owned()).map_err(StoreError::failed));
        names.collect::<Result<BTreeSet<String>, StoreError>>()
    });
    let told = told.await.unwrap_or_else(|error| {
        tracing::warn!(%error, "what was told of destinations cannot be read");
        BTreeSet::new()
    });
    let mut watch = Watch::new(told);
    let mut looks = tokio::time::interval(EVERY);
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        for change in watch.look(parts.clock.boot(), &pacs.destinations()) {
            let (to, at, tell) = ((parts.users_with)(TECHNICIANS), parts.clock.now(), change.clone());
            let added = parts.store.write(move |transaction| {
                note(transaction, &tell, at)?;
                Notifications::add_in(transaction, &to, &letter(&tell, at))
            });
            match added.await {
                Ok(added) => {
                    watch.told(&change);
                    parts.notifications.announce(added);
                }
                Err(error) => tracing::warn!(%error, "how a destination is cannot be told now"),
            }
        }
    }
}

fn note(transaction: &WriteTransaction, change: &Change, at: Timestamp) -> Result<(), StoreError> {
    let mut table = transaction.open_table(TOLD).map_err(StoreError::failed)?;
    match change {
        Change::Away(name) => table.insert(format!("{PREFIX}{name}").as_str(), at.as_millis()).map_err(StoreError::failed).map(drop),
        Change::Back(name) => table.remove(format!("{PREFIX}{name}").as_str()).map_err(StoreError::failed).map(drop),
    }
}

fn letter(change: &Change, at: Timestamp) -> NewNotification {
    let (kind, title, message) = match change {
        Change::Away(name) => (
            NotificationKind::PacsUnreachable,
            format!("{name} cannot be reached"),
            format!("{name} has been away for five minutes. Studies are kept and sent when it is back."),
        ),
        Change::Back(name) => {
            (NotificationKind::PacsRecovered, format!("{name} is back"), format!("{name} is back. What waited for it is on its way."))
        }
    };
    NewNotification { kind, title, message, upload: None, report: None, study: None, at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_minutes_then_once_and_once_more_when_it_is_back() {
        let mut watch = Watch::default();
        let state = |down| [DestinationState { name: "pacs".parse().unwrap(), down }];
        let at = Duration::from_secs;
        let mut check = |now: u64, down: bool, expected: &[Change]| {
            let changes = watch.look(at(now), &state(down));
            changes.iter().for_each(|change| watch.told(change));
            assert_eq!(changes, expected, "{now} s");
        };
        let (away, back) = ([Change::Away("pacs".into())], [Change::Back("pacs".into())]);
        check(0, true, &[]);
        check(299, true, &[]);
        check(299, false, &[]);
        check(300, true, &[]);
        check(599, true, &[]);
        check(600, true, &away);
        check(601, true, &[]);
        check(700, false, &back);
        check(701, false, &[]);
        let mut after_restart = Watch::new(["pacs".into()].into());
        assert_eq!(after_restart.look(at(1), &state(true)), [], "told already");
        assert_eq!(after_restart.look(at(2), &state(false)), back);
    }
}
