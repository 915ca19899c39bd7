//! The steps, each with the rows as they were. Rows of a step are its own: later changes of the program must not change what it does.

use redb::{ReadableTable, TableDefinition, WriteTransaction};
use relaypacs_domain::{Role, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Format, Step};
use crate::{
    StoreError,
    store::{decode, encode},
};

/// 2: accounts know since when their password is the one it is.
pub(super) const PASSWORD_AGE: Step = Step { to: Format { schema: 2, min_reader: 1 }, up: add_password_age, down: remove_password_age };

const ACCOUNTS: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("account");

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account1 {
    pub(super) username: String,
    pub(super) email: String,
    pub(super) full_name: String,
    pub(super) role: Role,
    pub(super) is_active: bool,
    pub(super) is_deleted: bool,
    pub(super) password: String,
    pub(super) preferences: String,
    pub(super) created_at: Timestamp,
    pub(super) second_factor: SecondFactor1,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SecondFactor1 {
    pub(super) secret: Option<Vec<u8>>,
    pub(super) offered: Option<Vec<u8>>,
    pub(super) last_step: u64,
    pub(super) recovery: Vec<[u8; 32]>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Account2 {
    account: Account1,
    password_changed_at: Timestamp,
}

/// The box did not keep the time: the account is as old as its password at least.
fn add_password_age(transaction: &WriteTransaction) -> Result<(), StoreError> {
    rewrite(transaction, |account: Account1| Account2 { password_changed_at: account.created_at, account })
}

fn remove_password_age(transaction: &WriteTransaction) -> Result<(), StoreError> {
    rewrite(transaction, |account: Account2| account.account)
}

fn rewrite<From, To>(transaction: &WriteTransaction, change: impl Fn(From) -> To) -> Result<(), StoreError>
where
    From: serde::de::DeserializeOwned,
    To: Serialize,
{
    let mut table = transaction.open_table(ACCOUNTS).map_err(StoreError::failed)?;
    let mut rows = Vec::new();
    for row in table.iter().map_err(StoreError::failed)? {
        let (user, row) = row.map_err(StoreError::failed)?;
        rows.push((user.value(), encode("account", &change(decode("account", row.value())?))?));
    }
    for (user, row) in rows {
        table.insert(user, row.as_slice()).map_err(StoreError::failed)?;
    }
    Ok(())
}
