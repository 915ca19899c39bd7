//! Changing and deleting accounts; changing one's password.

use redb::WriteTransaction;
use relaypacs_domain::{Principal, Role, UserId};

use super::{
    Account, AccountError, Accounts, Origin, Password, Preferences, checked_email, checked_full_name,
    row::{self, AccountRow, SecondFactorRow},
};
use crate::{
    StoreError,
    audit::{AuditFact, Outcome, append_in},
    sessions,
};

/// What is to be changed of an account; absent fields stay.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Who it is.
    pub full_name: Option<String>,
    /// Where it gets mail.
    pub email: Option<String>,
    /// What it may do.
    pub role: Option<Role>,
    /// Whether it can sign in; one that cannot has no sessions.
    pub is_active: Option<bool>,
    /// Takes the second factor away.
    pub totp_reset: bool,
    /// Lets it try again after failed sign-ins.
    pub unlock: bool,
    /// What it chose.
    pub preferences: Option<Preferences>,
}

impl Change {
    /// The changes in words, for the audit trail.
    fn told(&self) -> String {
        let mut told = Vec::new();
        told.extend(self.full_name.as_ref().map(|_| "full_name".to_owned()));
        told.extend(self.email.as_ref().map(|_| "email".to_owned()));
        told.extend(self.role.map(|role| format!("role={role}")));
        told.extend(self.is_active.map(|active| format!("is_active={active}")));
        told.extend(self.totp_reset.then(|| "totp_reset".to_owned()));
        told.extend(self.unlock.then(|| "unlock".to_owned()));
        told.extend(self.preferences.as_ref().map(|_| "preferences".to_owned()));
        told.join(", ")
    }
}

impl Accounts {
    /// Changes an account. Whether `actor` may is decided by the caller.
    pub async fn change(&self, actor: &str, user: UserId, change: Change, from: &Origin) -> Result<Account, AccountError> {
        let email = change.email.as_deref().map(checked_email).transpose()?;
        let full_name = change.full_name.as_deref().map(checked_full_name).transpose()?;
        let preferences = match &change.preferences {
            Some(preferences) => {
                preferences.check()?;
                let text =
                    serde_json::to_string(preferences).map_err(|error| StoreError::Row { table: "account", error: error.to_string() })?;
                Some(text)
            }
            None => None,
        };
        let (told, unlock) = (change.told(), change.unlock);
        let (at, actor, address) = (self.clock.now(), actor.to_owned(), from.address);
        let username = self
            .store
            .write(move |transaction| {
                let mut row = usable_row(transaction, user)?;
                row.role = change.role.unwrap_or(row.role);
                row.is_active = change.is_active.unwrap_or(row.is_active);
                if let Some(email) = &email {
                    row.email.clone_from(email);
                }
                if let Some(full_name) = &full_name {
                    row.full_name.clone_from(full_name);
                }
                if let Some(preferences) = &preferences {
                    row.preferences.clone_from(preferences);
                }
                if change.totp_reset {
                    row.second_factor = SecondFactorRow { last_step: row.second_factor.last_step, ..SecondFactorRow::default() };
                }
                keep_an_admin(transaction, user, &row)?;
                if !row.is_usable() {
                    sessions::row::remove_where(transaction, |_, session| session.user == user)?;
                }
                row::write_in(transaction, user, &row)?;
                let object = format!("user {}: {told}", row.username);
                let fact = AuditFact { at, actor: actor.clone(), action: "change_account", object, outcome: Outcome::Done, address };
                append_in(transaction, &fact)?;
                Ok::<_, AccountError>(row.username)
            })
            .await?;
        if unlock {
            self.throttle.forgive(&username);
        }
        self.live.refresh_account(&self.store, user)?;
        self.find(user).await
    }

    /// Deletes an account: its sessions end, what is known of the person goes, the name stays taken.
    pub async fn delete(&self, actor: &str, user: UserId, from: &Origin) -> Result<(), AccountError> {
        let (at, actor, address) = (self.clock.now(), actor.to_owned(), from.address);
        self.store
            .write(move |transaction| {
                let row = usable_row(transaction, user)?;
                let row = AccountRow {
                    username: row.username,
                    email: String::new(),
                    full_name: String::new(),
                    role: row.role,
                    is_active: false,
                    is_deleted: true,
                    password: String::new(),
                    preferences: "{}".into(),
                    created_at: row.created_at,
                    second_factor: SecondFactorRow::default(),
                    password_changed_at: at,
                };
                keep_an_admin(transaction, user, &row)?;
                sessions::row::remove_where(transaction, |_, session| session.user == user)?;
                row::write_in(transaction, user, &row)?;
                let object = format!("user {}", row.username);
                let fact = AuditFact { at, actor: actor.clone(), action: "delete_account", object, outcome: Outcome::Done, address };
                Ok::<_, AccountError>(append_in(transaction, &fact)?)
            })
            .await?;
        Ok(self.live.refresh_account(&self.store, user)?)
    }

    /// Sets another password, knowing the current one. All other sessions of the account end.
    pub async fn change_password(&self, who: &Principal, current: &str, new: &str, from: &Origin) -> Result<(), AccountError> {
        if let Some(wait) = self.throttle.wait(&who.username, from.address) {
            return Err(AccountError::Locked { wait });
        }
        let user = who.user;
        let row = self.store.read(move |transaction| row::read(transaction, user)).await?.ok_or(AccountError::Unknown)?;
        if !self.hasher.verify(current, Some(&row.password)).await? {
            self.throttle.failed(&who.username, from.address);
            return Err(AccountError::WrongPassword);
        }
        if current == new {
            return Err(super::wrong("new_password", "the new password is another one"));
        }
        let hash = self.hasher.hash(&Password::new(new, &who.username)?).await?;
        let (known, keeps) = (row.password, who.session);
        let object = format!("user {}", who.username);
        let fact = AuditFact {
            at: self.clock.now(),
            actor: who.username.clone(),
            action: "change_password",
            object,
            outcome: Outcome::Done,
            address: from.address,
        };
        self.store
            .write(move |transaction| {
                let mut row = usable_row(transaction, user)?;
                if row.password != known {
                    return Err(AccountError::WrongPassword); // changed meanwhile
                }
                row.password.clone_from(&hash);
                row.password_changed_at = fact.at;
                row::write_in(transaction, user, &row)?;
                sessions::row::remove_where(transaction, |id, session| session.user == user && id != keeps)?;
                Ok(append_in(transaction, &fact)?)
            })
            .await?;
        Ok(self.live.refresh_account(&self.store, user)?)
    }
}

impl Accounts {
    /// Sets another password for somebody who lost it; all sessions of the account end. Whether `actor` may is decided by the caller.
    pub async fn reset_password(&self, actor: &str, user: UserId, new: &str, from: &Origin) -> Result<(), AccountError> {
        let username = self.find(user).await?.username;
        let hash = self.hasher.hash(&Password::new(new, &username)?).await?;
        let object = format!("user {username}");
        let fact = AuditFact {
            at: self.clock.now(),
            actor: actor.to_owned(),
            action: "reset_password",
            object,
            outcome: Outcome::Done,
            address: from.address,
        };
        self.store
            .write(move |transaction| {
                let mut row = usable_row(transaction, user)?;
                row.password.clone_from(&hash);
                row.password_changed_at = fact.at;
                row::write_in(transaction, user, &row)?;
                sessions::row::remove_where(transaction, |_, session| session.user == user)?;
                Ok::<_, AccountError>(append_in(transaction, &fact)?)
            })
            .await?;
        self.throttle.forgive(&username);
        Ok(self.live.refresh_account(&self.store, user)?)
    }
}

/// The row of an account that was not deleted.
pub(crate) fn usable_row(transaction: &WriteTransaction, user: UserId) -> Result<AccountRow, AccountError> {
    row::read_in(transaction, user)?.filter(|row| !row.is_deleted).ok_or(AccountError::Unknown)
}

/// Refuses what would leave no admin: `row` is what `user` is to become.
fn keep_an_admin(transaction: &WriteTransaction, user: UserId, row: &AccountRow) -> Result<(), AccountError> {
    let was = row::read_in(transaction, user)?.is_some_and(|was| was.role == Role::Admin && was.is_usable());
    let stays = row.role == Role::Admin && row.is_usable();
    if was && !stays && !row::has_admin_in(transaction, Some(user))? {
        return Err(AccountError::LastAdmin);
    }
    Ok(())
}
