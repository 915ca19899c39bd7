//! Accounts and sessions as every call needs them: in memory, so that asking costs neither disk nor thread.
//!
//! The store is the truth. After a change is durable, what it touched is read again *under the lock*: two changes that end at once can not
//! leave the older one's picture behind.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use relaypacs_domain::{Principal, Role, SessionId, Timestamp, UserId};
use tokio_util::sync::CancellationToken;

use super::row::{self, AccountRow};
use crate::{
    Store, StoreError,
    sessions::row::{SessionRow, read as read_session, read_all as read_sessions},
};

/// The picture. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(crate) struct Live(Arc<RwLock<Picture>>);

#[derive(Default)]
struct Picture {
    people: HashMap<UserId, Person>,
    sessions: HashMap<SessionId, LiveSession>,
}

/// What is asked of an account all the time. Deleted ones stay, for their names.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) username: String,
    pub(crate) role: Role,
    pub(crate) is_usable: bool,
}

#[derive(Debug, Clone)]
struct LiveSession {
    user: UserId,
    expires_at: Timestamp,
    last_seen_at: Timestamp,
    ended: CancellationToken,
}

impl Live {
    /// Reads all of it. Blocking.
    pub(crate) fn read(store: &Store) -> Result<Self, StoreError> {
        let picture = store.read_blocking(|transaction| {
            let people = row::read_all(transaction)?.into_iter().map(|(user, row)| (user, Person::from(&row))).collect();
            let sessions = read_sessions(transaction)?.into_iter().map(|(id, row)| (id, LiveSession::new(&row))).collect();
            Ok::<_, StoreError>(Picture { people, sessions })
        })?;
        Ok(Self(Arc::new(RwLock::new(picture))))
    }

    /// Reads an account anew; its sessions end if it can no longer be used.
    pub(crate) fn refresh_account(&self, store: &Store, user: UserId) -> Result<(), StoreError> {
        let mut picture = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let (row, kept) = store.read_blocking(|transaction| {
            let sessions =
                read_sessions(transaction)?.into_iter().filter(|(_, row)| row.user == user).map(|(id, _)| id).collect::<Vec<_>>();
            Ok::<_, StoreError>((row::read(transaction, user)?, sessions))
        })?;
        match &row {
            Some(row) => picture.people.insert(user, Person::from(row)),
            None => picture.people.remove(&user),
        };
        picture.sessions.retain(|id, session| {
            let stays = session.user != user || kept.contains(id);
            if !stays {
                session.ended.cancel();
            }
            stays
        });
        Ok(())
    }

    /// Reads a session anew.
    pub(crate) fn refresh_session(&self, store: &Store, session: SessionId) -> Result<(), StoreError> {
        let mut picture = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let row = store.read_blocking(|transaction| read_session(transaction, session))?;
        match (row, picture.sessions.get_mut(&session)) {
            (Some(row), Some(known)) => {
                known.expires_at = row.expires_at;
                known.last_seen_at = known.last_seen_at.max(row.last_seen_at);
            }
            (Some(row), None) => drop(picture.sessions.insert(session, LiveSession::new(&row))),
            (None, Some(known)) => {
                known.ended.cancel();
                picture.sessions.remove(&session);
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// Who asks through a session; `None`: it ended, or its account can not be used.
    pub(crate) fn principal(&self, user: UserId, session: SessionId, now: Timestamp) -> Option<Principal> {
        let picture = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = picture.sessions.get(&session).filter(|found| found.user == user && found.expires_at > now)?;
        let person = picture.people.get(&found.user).filter(|person| person.is_usable)?;
        Some(Principal { user, username: person.username.clone(), role: person.role, session })
    }

    /// Cancelled when the session ends; of one that ended already: at once.
    pub(crate) fn ended(&self, session: SessionId) -> CancellationToken {
        let picture = self.0.read().unwrap_or_else(PoisonError::into_inner);
        picture.sessions.get(&session).map_or_else(
            || {
                let over = CancellationToken::new();
                over.cancel();
                over
            },
            |session| session.ended.clone(),
        )
    }

    /// A session was used.
    pub(crate) fn seen(&self, session: SessionId, now: Timestamp) {
        const ENOUGH_MS: i64 = 60_000;
        let last = {
            let picture = self.0.read().unwrap_or_else(PoisonError::into_inner);
            picture.sessions.get(&session).map(|session| session.last_seen_at)
        };
        if last.is_some_and(|last| now.as_millis() - last.as_millis() >= ENOUGH_MS) {
            let mut picture = self.0.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(session) = picture.sessions.get_mut(&session) {
                session.last_seen_at = now;
            }
        }
    }

    /// When a session was last used.
    pub(crate) fn last_seen(&self, session: SessionId) -> Option<Timestamp> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).sessions.get(&session).map(|session| session.last_seen_at)
    }

    /// Sessions that are over by time.
    pub(crate) fn forget_expired(&self, now: Timestamp) {
        let mut picture = self.0.write().unwrap_or_else(PoisonError::into_inner);
        picture.sessions.retain(|_, session| {
            let stays = session.expires_at > now;
            if !stays {
                session.ended.cancel();
            }
            stays
        });
    }

    pub(crate) fn person(&self, user: UserId) -> Option<Person> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).people.get(&user).cloned()
    }

    /// Everybody with one of these roles who can sign in.
    pub(crate) fn with_roles(&self, roles: &[Role]) -> Vec<UserId> {
        let picture = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut users: Vec<UserId> =
            picture.people.iter().filter(|(_, person)| person.is_usable && roles.contains(&person.role)).map(|(user, _)| *user).collect();
        users.sort_unstable();
        users
    }
}

impl From<&AccountRow> for Person {
    fn from(row: &AccountRow) -> Self {
        Self { username: row.username.clone(), role: row.role, is_usable: row.is_usable() }
    }
}

impl LiveSession {
    fn new(row: &SessionRow) -> Self {
        Self { user: row.user, expires_at: row.expires_at, last_seen_at: row.last_seen_at, ended: CancellationToken::new() }
    }
}
