//! Accounts: who may use the box and as what.
//!
//! The first one is made with a set-up code and is an admin; the others come from admins or with invites. A name is taken for good, in any
//! case of letters; deleting an account removes everything else about the person. At least one admin who can sign in always stays. Every
//! change is recorded in the audit trail in the same transaction.

mod error;
mod invites;
mod language;
pub(crate) mod live;
mod manage;
pub mod password;
mod preferences;
pub(crate) mod row;
mod setup_code;
pub(crate) mod throttle;

use std::net::IpAddr;

use redb::WriteTransaction;
use relaypacs_domain::{Clock, Principal, Role, Timestamp, UserId};
use uuid::Uuid;

pub(crate) use self::manage::usable_row;
pub use self::{
    error::AccountError,
    invites::{Invite, NewInvite},
    manage::Change,
    password::{Password, PasswordFault},
    preferences::{Notify, Preferences},
    setup_code::SetupCode,
};
use self::{
    live::Live,
    password::Hasher,
    row::{AccountRow, SecondFactorRow},
    setup_code::SetupCodes,
    throttle::Throttle,
};
use crate::{
    Store, StoreError,
    audit::{AuditFact, Outcome, append_in},
    keys::Secrets,
};

/// Accounts at most, deleted ones included.
pub const MOST: u64 = 10_000;

/// Where a request comes from, for the audit trail, the session list and lock-out.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The caller's address.
    pub address: Option<IpAddr>,
    /// What the caller says it is; cut to 200 characters.
    pub user_agent: Option<String>,
}

/// An account as its owner and admins see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// Its name.
    pub username: String,
    /// Where it gets mail.
    pub email: String,
    /// Who it is.
    pub full_name: String,
    /// What it may do.
    pub role: Role,
    /// Whether it can sign in.
    pub is_active: bool,
    /// Whether its second factor is on.
    pub totp_enabled: bool,
    /// Whether it has to wait after failed sign-ins.
    pub is_locked: bool,
    /// What it chose.
    pub preferences: Preferences,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it got the password it has.
    pub password_changed_at: Timestamp,
}

/// What a new account says about itself, as typed.
#[derive(Clone)]
pub struct NewAccount {
    /// 3 to 50 of A–Z, a–z, 0–9, `_`, `-`.
    pub username: String,
    /// An e-mail address.
    pub email: String,
    /// At most 200 characters.
    pub full_name: Option<String>,
    /// See [`Password::new`].
    pub password: String,
    /// What an admin makes it; an invite or the set-up code has its own.
    pub role: Option<Role>,
}

/// What lets somebody make an account.
#[derive(Clone)]
pub enum Grant {
    /// The code that makes the first admin.
    SetupCode(String),
    /// An invite's code.
    Invite(String),
    /// An admin does it.
    Admin(Principal),
}

/// The accounts of the box. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    store: Store,
    clock: Clock,
    secrets: Secrets,
    live: Live,
    hasher: Hasher,
    throttle: Throttle,
    setup_codes: SetupCodes,
}

impl Accounts {
    pub(crate) fn new(store: Store, clock: Clock, secrets: Secrets, live: Live, hasher: Hasher) -> Self {
        let setup_codes = SetupCodes::new(secrets.clone(), clock.clone());
        Self { throttle: Throttle::new(clock.clone()), store, clock, secrets, live, hasher, setup_codes }
    }

    /// Whether there is no admin yet: only then a set-up code can be had.
    pub fn setup_required(&self) -> bool {
        self.live.with_roles(&[Role::Admin]).is_empty()
    }

    /// A new set-up code, good for ten minutes and one account. Refused once there is an admin.
    pub fn issue_setup_code(&self) -> Result<SetupCode, AccountError> {
        if !self.setup_required() {
            return Err(AccountError::SetUp);
        }
        Ok(self.setup_codes.issue()?)
    }

    /// Makes an account.
    pub async fn register(&self, new: NewAccount, grant: Grant, from: &Origin) -> Result<Account, AccountError> {
        let username = checked_username(&new.username)?;
        let email = checked_email(&new.email)?;
        let full_name = checked_full_name(new.full_name.as_deref().unwrap_or_default())?;
        // Who may not make an account learns nothing about passwords, and costs no hashing.
        let role = self.granted(&grant, new.role, from).await?;
        let password = Password::new(&new.password, &username)?;
        let hash = self.hasher.hash(&password).await?;
        let id = UserId(Uuid::now_v7());
        let at = self.clock.now();
        let row = AccountRow {
            username: username.clone(),
            email,
            full_name,
            role,
            is_active: true,
            is_deleted: false,
            password: hash,
            preferences: "{}".into(),
            created_at: at,
            second_factor: SecondFactorRow::default(),
            password_changed_at: at,
        };
        let actor = match &grant {
            Grant::Admin(admin) => admin.username.clone(),
            Grant::SetupCode(_) | Grant::Invite(_) => username.clone(),
        };
        let object = format!("user {username} as {role}");
        let fact = AuditFact { at, actor, action: "create_account", object, outcome: Outcome::Done, address: from.address };
        let (used, secrets) = (grant.clone(), self.secrets.clone());
        self.store
            .write(move |transaction| {
                match &used {
                    Grant::SetupCode(_) if row::has_admin_in(transaction, None)? => return Err(AccountError::SetUp),
                    Grant::Invite(code) => drop(invites::take_in(transaction, &secrets, code, at)?),
                    Grant::SetupCode(_) | Grant::Admin(_) => {}
                }
                insert_in(transaction, id, &row)?;
                Ok(append_in(transaction, &fact)?)
            })
            .await?;
        self.live.refresh_account(&self.store, id)?;
        if matches!(grant, Grant::SetupCode(_)) {
            self.setup_codes.clear();
        }
        self.find(id).await
    }

    /// The role that a grant gives; a wrong code counts as a failure of the address.
    async fn granted(&self, grant: &Grant, asked: Option<Role>, from: &Origin) -> Result<Role, AccountError> {
        let code = match grant {
            Grant::Admin(admin) if admin.role == Role::Admin => return Ok(asked.unwrap_or(Role::Clinician)),
            Grant::Admin(_) => return Err(AccountError::Code),
            Grant::SetupCode(code) | Grant::Invite(code) => code,
        };
        const NAME: &str = "a code"; // no username has a space
        if let Some(wait) = self.throttle.wait(NAME, from.address) {
            return Err(AccountError::Locked { wait });
        }
        let role = match grant {
            Grant::SetupCode(_) => self.setup_codes.is_good(code).then_some(Role::Admin),
            Grant::Invite(_) | Grant::Admin(_) => self.invited(code).await?,
        };
        if role.is_none() {
            self.throttle.failed(NAME, from.address);
        }
        role.ok_or(AccountError::Code)
    }

    /// An account by its id; deleted ones are not found.
    pub async fn find(&self, user: UserId) -> Result<Account, AccountError> {
        let row = self.store.read(move |transaction| row::read(transaction, user)).await?;
        row.filter(|row| !row.is_deleted).map(|row| self.account(user, &row)).ok_or(AccountError::Unknown)
    }

    /// An account by its name, in any case.
    pub async fn find_by_name(&self, username: &str) -> Result<Account, AccountError> {
        let name = username.to_owned();
        let found = self.store.read(move |transaction| row::find(transaction, &name)).await?;
        found.filter(|(_, row)| !row.is_deleted).map(|(user, row)| self.account(user, &row)).ok_or(AccountError::Unknown)
    }

    /// All accounts, by name.
    pub async fn list(&self) -> Result<Vec<Account>, AccountError> {
        let rows = self.store.read(row::read_all).await?;
        let mut all: Vec<Account> =
            rows.into_iter().filter(|(_, row)| !row.is_deleted).map(|(user, row)| self.account(user, &row)).collect();
        all.sort_by_cached_key(|account| account.username.to_ascii_lowercase());
        Ok(all)
    }

    /// Everybody with one of these roles who can sign in: whom to notify.
    pub fn users_with(&self, roles: &[Role]) -> Vec<UserId> {
        self.live.with_roles(roles)
    }

    /// The name of an account, deleted or not, for showing.
    pub fn username(&self, user: UserId) -> Option<String> {
        self.live.person(user).map(|person| person.username)
    }

    /// The role of an account that can sign in.
    pub fn role(&self, user: UserId) -> Option<Role> {
        self.live.person(user).filter(|person| person.is_usable).map(|person| person.role)
    }

    fn account(&self, id: UserId, row: &AccountRow) -> Account {
        Account {
            id,
            username: row.username.clone(),
            email: row.email.clone(),
            full_name: row.full_name.clone(),
            role: row.role,
            is_active: row.is_active,
            totp_enabled: row.second_factor.secret.is_some(),
            is_locked: self.throttle.is_locked(&row.username),
            preferences: row.preferences(),
            created_at: row.created_at,
            password_changed_at: row.password_changed_at,
        }
    }

    pub(crate) fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.hasher
    }
}

fn insert_in(transaction: &WriteTransaction, id: UserId, row: &AccountRow) -> Result<(), AccountError> {
    if row::count_in(transaction)? >= MOST {
        return Err(AccountError::Full);
    }
    {
        let mut names = transaction.open_table(row::NAMES).map_err(StoreError::failed)?;
        let name = row.username.to_ascii_lowercase();
        if names.insert(name.as_str(), row::key(id)).map_err(StoreError::failed)?.is_some() {
            return Err(AccountError::NameTaken);
        }
    }
    Ok(row::write_in(transaction, id, row)?)
}

fn checked_username(text: &str) -> Result<String, AccountError> {
    let good = (3..=50).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'));
    // These stand for somebody in the audit trail.
    let reserved = ["operator", "panel", "box"].contains(&text.to_ascii_lowercase().as_str());
    match () {
        () if !good => Err(wrong("username", "a username has 3 to 50 of the characters A-Z a-z 0-9 _ -")),
        () if reserved => Err(wrong("username", "the box uses this name itself")),
        () => Ok(text.to_owned()),
    }
}

fn checked_email(text: &str) -> Result<String, AccountError> {
    let part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>' | ',' | ';' | '@'))
    };
    let good = text.len() <= 254 && text.rsplit_once('@').is_some_and(|(local, host)| part(local) && part(host) && local.len() <= 64);
    if good { Ok(text.to_owned()) } else { Err(wrong("email", "an e-mail address is name@host, at most 254 characters")) }
}

fn checked_full_name(text: &str) -> Result<String, AccountError> {
    let good = text.chars().count() <= 200 && !text.chars().any(char::is_control);
    if good { Ok(text.trim().to_owned()) } else { Err(wrong("full_name", "a name has at most 200 characters, on one line")) }
}

fn wrong(field: &'static str, rule: &str) -> AccountError {
    AccountError::Field { field, rule: rule.to_owned() }
}

#[cfg(test)]
mod tests;
