//! What each job last did, in `clinic.redb`.

use redb::{TableDefinition, TableError};
use relaypacs_domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    store::{decode, encode},
};

/// Job name → [`Run`].
const RUNS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("schedule_runs");

/// A run of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    /// The time it was for.
    pub(super) due: Timestamp,
    /// When it began.
    pub(super) began: Timestamp,
    /// How it ended.
    pub(super) result: Option<String>,
}

pub(super) fn read(store: &Store, job: &str) -> Result<Option<Run>, StoreError> {
    store.read_blocking(|transaction| {
        let table = match transaction.open_table(RUNS) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(StoreError::failed(error)),
        };
        let row = table.get(job).map_err(StoreError::failed)?;
        row.map(|row| decode("schedule_runs", row.value())).transpose()
    })
}

pub(super) async fn write(store: &Store, job: &'static str, run: Run) -> Result<(), StoreError> {
    store
        .write(move |transaction| {
            let mut table = transaction.open_table(RUNS).map_err(StoreError::failed)?;
            table.insert(job, encode("schedule_runs", &run)?.as_slice()).map_err(StoreError::failed)?;
            Ok::<_, StoreError>(())
        })
        .await
}
