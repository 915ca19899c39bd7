//! Invites: an admin names a role, somebody makes the account. Single use.

use std::time::Duration;

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};
use relaypacs_domain::{Principal, Role, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AccountError, Accounts, Origin, checked_email, row::opened, wrong};
use crate::{
    StoreError,
    audit::{AuditFact, Outcome, append_in},
    keys::{Secrets, normal_code},
    store::{decode, encode},
};

const INVITES: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("account_invite");
/// Invites open at once.
const MOST: u64 = 1_000;
/// How long an invite may be good, and is when nothing is said.
const LONGEST: Duration = Duration::from_hours(30 * 24);
const USUAL: Duration = Duration::from_hours(7 * 24);

/// What an admin wants.
#[derive(Debug, Clone)]
pub struct NewInvite {
    /// The role of the account.
    pub role: Role,
    /// Whom it is for, for the admin's list.
    pub email: Option<String>,
    /// A minute to 30 days; absent: 7 days.
    pub good_for: Option<Duration>,
}

/// An open invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// Its id.
    pub id: Uuid,
    /// The role of the account.
    pub role: Role,
    /// Whom it is for.
    pub email: Option<String>,
    /// When it is over.
    pub expires_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct InviteRow {
    role: Role,
    email: Option<String>,
    expires_at: Timestamp,
    created_by: String,
    created_at: Timestamp,
    /// Keyed hash of the code.
    code: [u8; 32],
}

impl Accounts {
    /// Makes an invite and its code, which is not kept and not shown again.
    pub async fn invite(&self, admin: &Principal, new: NewInvite, from: &Origin) -> Result<(Invite, String), AccountError> {
        let good_for = new.good_for.unwrap_or(USUAL);
        if !(Duration::from_mins(1)..=LONGEST).contains(&good_for) {
            return Err(wrong("expires_in", "an invite is good for a minute to 30 days"));
        }
        let email = new.email.as_deref().map(checked_email).transpose()?;
        let (id, at, code) = (Uuid::now_v7(), self.clock.now(), self.secrets.code(4)?);
        let ends = at.as_millis().saturating_add(i64::try_from(good_for.as_millis()).unwrap_or(i64::MAX));
        let row = InviteRow {
            role: new.role,
            email,
            expires_at: Timestamp::from_millis(ends),
            created_by: admin.username.clone(),
            created_at: at,
            code: hash(&self.secrets, &code),
        };
        let invite = Invite::new(id, &row);
        let object = format!("invite {id} as {}", new.role);
        let fact =
            AuditFact { at, actor: admin.username.clone(), action: "create_invite", object, outcome: Outcome::Done, address: from.address };
        self.store
            .write(move |transaction| {
                remove_expired(transaction, at)?;
                let mut table = transaction.open_table(INVITES).map_err(StoreError::failed)?;
                if table.len().map_err(StoreError::failed)? >= MOST {
                    return Err(AccountError::Full);
                }
                table.insert(id.as_u128(), encode("account_invite", &row)?.as_slice()).map_err(StoreError::failed)?;
                Ok(append_in(transaction, &fact)?)
            })
            .await?;
        Ok((invite, code))
    }

    /// All open invites, newest first.
    pub async fn invites(&self) -> Result<Vec<Invite>, AccountError> {
        let now = self.clock.now();
        let rows = self.store.read(read_all).await?;
        Ok(rows.into_iter().rev().filter(|(_, row)| row.expires_at > now).map(|(id, row)| Invite::new(id, &row)).collect())
    }

    /// Takes an invite back.
    pub async fn withdraw_invite(&self, admin: &Principal, id: Uuid, from: &Origin) -> Result<(), AccountError> {
        let fact = AuditFact {
            at: self.clock.now(),
            actor: admin.username.clone(),
            action: "withdraw_invite",
            object: format!("invite {id}"),
            outcome: Outcome::Done,
            address: from.address,
        };
        self.store
            .write(move |transaction| {
                let mut table = transaction.open_table(INVITES).map_err(StoreError::failed)?;
                if table.remove(id.as_u128()).map_err(StoreError::failed)?.is_none() {
                    return Err(AccountError::NoInvite);
                }
                Ok(append_in(transaction, &fact)?)
            })
            .await
    }

    /// The role an invite's code gives; `None`: the code is wrong or over.
    pub(super) async fn invited(&self, code: &str) -> Result<Option<Role>, AccountError> {
        let (now, wanted) = (self.clock.now(), hash(&self.secrets, code));
        let rows = self.store.read(read_all).await?;
        Ok(rows.into_iter().find(|(_, row)| row.code == wanted && row.expires_at > now).map(|(_, row)| row.role))
    }
}

/// Uses an invite up.
pub(super) fn take_in(transaction: &WriteTransaction, secrets: &Secrets, code: &str, now: Timestamp) -> Result<Role, AccountError> {
    let wanted = hash(secrets, code);
    let mut table = transaction.open_table(INVITES).map_err(StoreError::failed)?;
    let (id, row) = collect(&table)?.into_iter().find(|(_, row)| row.code == wanted && row.expires_at > now).ok_or(AccountError::Code)?;
    table.remove(id.as_u128()).map_err(StoreError::failed)?;
    Ok(row.role)
}

fn remove_expired(transaction: &WriteTransaction, now: Timestamp) -> Result<(), StoreError> {
    let mut table = transaction.open_table(INVITES).map_err(StoreError::failed)?;
    for (id, row) in collect(&table)? {
        if row.expires_at <= now {
            table.remove(id.as_u128()).map_err(StoreError::failed)?;
        }
    }
    Ok(())
}

fn hash(secrets: &Secrets, code: &str) -> [u8; 32] {
    secrets.keyed("invite", normal_code(code).as_bytes())
}

fn read_all(transaction: &ReadTransaction) -> Result<Vec<(Uuid, InviteRow)>, StoreError> {
    opened(transaction.open_table(INVITES))?.map_or(Ok(Vec::new()), |table| collect(&table))
}

fn collect(table: &impl ReadableTable<u128, &'static [u8]>) -> Result<Vec<(Uuid, InviteRow)>, StoreError> {
    let rows = table.iter().map_err(StoreError::failed)?;
    rows.map(|row| {
        let (id, row) = row.map_err(StoreError::failed)?;
        Ok((Uuid::from_u128(id.value()), decode("account_invite", row.value())?))
    })
    .collect()
}

impl Invite {
    fn new(id: Uuid, row: &InviteRow) -> Self {
        Self {
            id,
            role: row.role,
            email: row.email.clone(),
            expires_at: row.expires_at,
            created_by: row.created_by.clone(),
            created_at: row.created_at,
        }
    }
}
