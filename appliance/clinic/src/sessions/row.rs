//! How sessions lie in `clinic.redb`: `session` (id → row).

use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use relaypacs_domain::{SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    StoreError,
    accounts::row::opened,
    store::{decode, encode},
};

const SESSIONS: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("session");

/// A session as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SessionRow {
    pub(crate) user: UserId,
    pub(crate) created_at: Timestamp,
    pub(crate) last_seen_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) address: String,
    pub(crate) user_agent: String,
    /// Keyed hash of the refresh token whose turn it is.
    pub(crate) current: [u8; 32],
    /// Keyed hash of the one before it, with the name of the attempt where the exchange had one.
    pub(crate) previous: Option<[u8; 32]>,
    /// When the one before was exchanged.
    pub(crate) rotated_at: Timestamp,
}

pub(crate) fn read_in(transaction: &WriteTransaction, session: SessionId) -> Result<Option<SessionRow>, StoreError> {
    let table = transaction.open_table(SESSIONS).map_err(StoreError::failed)?;
    let row = table.get(session.0.as_u128()).map_err(StoreError::failed)?;
    row.map(|row| decode("session", row.value())).transpose()
}

pub(crate) fn write_in(transaction: &WriteTransaction, session: SessionId, row: &SessionRow) -> Result<(), StoreError> {
    let mut table = transaction.open_table(SESSIONS).map_err(StoreError::failed)?;
    table.insert(session.0.as_u128(), encode("session", row)?.as_slice()).map_err(StoreError::failed)?;
    Ok(())
}

/// Removes a session; whether there was one.
pub(crate) fn remove_in(transaction: &WriteTransaction, session: SessionId) -> Result<bool, StoreError> {
    let mut table = transaction.open_table(SESSIONS).map_err(StoreError::failed)?;
    Ok(table.remove(session.0.as_u128()).map_err(StoreError::failed)?.is_some())
}

/// Removes every session that `goes` names; how many.
pub(crate) fn remove_where(transaction: &WriteTransaction, goes: impl Fn(SessionId, &SessionRow) -> bool) -> Result<u64, StoreError> {
    let all = all_in(transaction)?;
    let mut table = transaction.open_table(SESSIONS).map_err(StoreError::failed)?;
    let mut removed = 0;
    for (session, row) in all {
        if goes(session, &row) {
            table.remove(session.0.as_u128()).map_err(StoreError::failed)?;
            removed += 1;
        }
    }
    Ok(removed)
}

pub(crate) fn all_in(transaction: &WriteTransaction) -> Result<Vec<(SessionId, SessionRow)>, StoreError> {
    collect(&transaction.open_table(SESSIONS).map_err(StoreError::failed)?)
}

pub(crate) fn read(transaction: &ReadTransaction, session: SessionId) -> Result<Option<SessionRow>, StoreError> {
    let Some(table) = opened(transaction.open_table(SESSIONS))? else { return Ok(None) };
    let row = table.get(session.0.as_u128()).map_err(StoreError::failed)?;
    row.map(|row| decode("session", row.value())).transpose()
}

pub(crate) fn read_all(transaction: &ReadTransaction) -> Result<Vec<(SessionId, SessionRow)>, StoreError> {
    let Some(table) = opened(transaction.open_table(SESSIONS))? else { return Ok(Vec::new()) };
    collect(&table)
}

fn collect(table: &impl ReadableTable<u128, &'static [u8]>) -> Result<Vec<(SessionId, SessionRow)>, StoreError> {
    let rows = table.iter().map_err(StoreError::failed)?;
    rows.map(|row| {
        let (session, row) = row.map_err(StoreError::failed)?;
        Ok((SessionId(Uuid::from_u128(session.value())), decode("session", row.value())?))
    })
    .collect()
}
