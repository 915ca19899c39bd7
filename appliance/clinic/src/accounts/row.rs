//! How accounts lie in `clinic.redb`: `account` (id → row) and `account_name` (name in lower case → id; names are never given away again).

use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError, WriteTransaction};
use relaypacs_domain::{Role, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Preferences;
use crate::{
    StoreError,
    store::{decode, encode},
};

pub(crate) const ACCOUNTS: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("account");
pub(crate) const NAMES: TableDefinition<'static, &str, u128> = TableDefinition::new("account_name");

/// An account as it is kept. New fields go to the end, with a step in [`crate::migrate`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AccountRow {
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) full_name: String,
    pub(crate) role: Role,
    pub(crate) is_active: bool,
    /// It was deleted: the name stays taken, everything else about the person is gone.
    pub(crate) is_deleted: bool,
    /// bcrypt; empty: nobody can sign in with a password.
    pub(crate) password: String,
    /// JSON, so that preferences can come and go without a migration.
    pub(crate) preferences: String,
    pub(crate) created_at: Timestamp,
    pub(crate) second_factor: SecondFactorRow,
    /// Since schema 2.
    pub(crate) password_changed_at: Timestamp,
}

/// The second factor as it is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct SecondFactorRow {
    /// The secret in use, encrypted.
    pub(crate) secret: Option<Vec<u8>>,
    /// The secret on offer, encrypted: it counts once a code proves that it was taken over.
    pub(crate) offered: Option<Vec<u8>>,
    /// The time step of the newest code used: no code of it or before is taken again.
    pub(crate) last_step: u64,
    /// Keyed hashes of the recovery codes not used yet.
    pub(crate) recovery: Vec<[u8; 32]>,
}

impl AccountRow {
    pub(crate) fn preferences(&self) -> Preferences {
        serde_json::from_str(&self.preferences).unwrap_or_default()
    }

    /// Whether somebody may be signed in as this.
    pub(crate) fn is_usable(&self) -> bool {
        self.is_active && !self.is_deleted
    }
}

pub(crate) fn key(user: UserId) -> u128 {
    user.0.as_u128()
}

pub(crate) fn id(key: u128) -> UserId {
    UserId(Uuid::from_u128(key))
}

/// The account within a change.
pub(crate) fn read_in(transaction: &WriteTransaction, user: UserId) -> Result<Option<AccountRow>, StoreError> {
    let table = transaction.open_table(ACCOUNTS).map_err(StoreError::failed)?;
    let row = table.get(key(user)).map_err(StoreError::failed)?;
    row.map(|row| decode("account", row.value())).transpose()
}

pub(crate) fn write_in(transaction: &WriteTransaction, user: UserId, row: &AccountRow) -> Result<(), StoreError> {
    let mut table = transaction.open_table(ACCOUNTS).map_err(StoreError::failed)?;
    table.insert(key(user), encode("account", row)?.as_slice()).map_err(StoreError::failed)?;
    Ok(())
}

/// How many accounts there are, deleted ones included.
pub(crate) fn count_in(transaction: &WriteTransaction) -> Result<u64, StoreError> {
    use redb::ReadableTableMetadata;
    transaction.open_table(ACCOUNTS).map_err(StoreError::failed)?.len().map_err(StoreError::failed)
}

/// Whether an admin other than `but` can sign in.
pub(crate) fn has_admin_in(transaction: &WriteTransaction, but: Option<UserId>) -> Result<bool, StoreError> {
    let table = transaction.open_table(ACCOUNTS).map_err(StoreError::failed)?;
    for row in table.iter().map_err(StoreError::failed)? {
        let (found, row) = row.map_err(StoreError::failed)?;
        let row: AccountRow = decode("account", row.value())?;
        if row.role == Role::Admin && row.is_usable() && Some(id(found.value())) != but {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(crate) fn read(transaction: &ReadTransaction, user: UserId) -> Result<Option<AccountRow>, StoreError> {
    let Some(table) = opened(transaction.open_table(ACCOUNTS))? else { return Ok(None) };
    let row = table.get(key(user)).map_err(StoreError::failed)?;
    row.map(|row| decode("account", row.value())).transpose()
}

/// The account of a name, in any case.
pub(crate) fn find(transaction: &ReadTransaction, username: &str) -> Result<Option<(UserId, AccountRow)>, StoreError> {
    let Some(names) = opened(transaction.open_table(NAMES))? else { return Ok(None) };
    let found = names.get(username.to_ascii_lowercase().as_str()).map_err(StoreError::failed)?;
    let Some(user) = found.map(|found| id(found.value())) else { return Ok(None) };
    Ok(read(transaction, user)?.map(|row| (user, row)))
}

pub(crate) fn read_all(transaction: &ReadTransaction) -> Result<Vec<(UserId, AccountRow)>, StoreError> {
    let Some(table) = opened(transaction.open_table(ACCOUNTS))? else { return Ok(Vec::new()) };
    let rows = table.iter().map_err(StoreError::failed)?;
    rows.map(|row| {
        let (user, row) = row.map_err(StoreError::failed)?;
        Ok((id(user.value()), decode("account", row.value())?))
    })
    .collect()
}

/// A table that may not be there yet.
pub(crate) fn opened<T>(table: Result<T, TableError>) -> Result<Option<T>, StoreError> {
    match table {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(StoreError::failed(error)),
    }
}
