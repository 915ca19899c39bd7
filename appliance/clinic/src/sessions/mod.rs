//! Sessions: one sign-in on one device, with its family of refresh tokens.
//!
//! A refresh token is good once: its exchange makes the next one of the family. An old one that turns up again was copied, so the whole family
//! ends and the account's owner is told. One exception for lost answers, while the successor is unused: the one just exchanged is taken again
//! and gives that same successor (which follows from its predecessor by a keyed hash). Whoever named the attempt when it was exchanged (a random
//! secret, kept beside the token before it is sent and thrown away with it) must name it again, and may come as late as the session lasts: a tab
//! that was closed before the answer came. The token alone is then no longer good. Without a name, it is taken again within a minute.
//! When a session ends, its access tokens end with it: every call asks [`Sessions::principal`].

pub(crate) mod row;

use std::time::Duration;

use relaypacs_domain::{Clock, Principal, SessionId, Timestamp, UserId};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::row::SessionRow;
use crate::{
    Store, StoreError,
    accounts::{AccountError, Accounts, Origin, live::Live, row as account_row, usable_row},
    audit::{AuditFact, Outcome, append_in},
    keys::Secrets,
    notifications::{NewNotification, Notification, NotificationKind, Notifications},
    tokens::{AccessGrant, TokenError, Tokens},
    totp::Totp,
};

/// Sessions an account may have; the one unused for longest ends.
const MOST: usize = 50;
/// A session ends this long after its sign-in, however much it is used.
const LONGEST: Duration = Duration::from_hours(30 * 24);
/// The token just exchanged is taken again for this long from somebody who did not name the attempt.
const LOST_ANSWER_MS: i64 = 60_000;

/// What somebody types to sign in.
#[derive(Clone)]
pub struct Credentials {
    /// The account's name, in any case.
    pub username: String,
    /// Its password.
    pub password: String,
    /// A code of the second factor, or a recovery code.
    pub totp_code: Option<String>,
}

/// A pair of tokens and whose it is.
#[derive(Clone)]
pub struct SignedIn {
    /// For every call.
    pub access_token: String,
    /// For the next pair.
    pub refresh_token: String,
    /// Life of the access token.
    pub expires_in: Duration,
    /// Who.
    pub principal: Principal,
}

/// A session as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_seen_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// From where it was begun or last renewed; empty: not known.
    pub address: String,
    /// What it was begun or last renewed with.
    pub user_agent: String,
}

/// Why nobody was signed in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SignInError {
    /// Name, password or code are wrong. Which of them is not told.
    #[error("username, password or code are wrong")]
    Wrong,
    /// Name and password are right; a code of the second factor is needed.
    #[error("a code of the second factor is needed")]
    CodeNeeded,
    /// Name and password (and code) are right; the account is switched off.
    #[error("this account is switched off; an admin can switch it on")]
    Disabled,
    /// The refresh token is not good.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
    /// An old refresh token turned up again: its session was ended and the account's owner told.
    #[error("this refresh token was used before; its session has been ended")]
    Reused {
        /// The owner.
        user: UserId,
    },
    /// Locked out, busy, or a fault.
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn").field("principal", &self.principal).finish_non_exhaustive()
    }
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        Self::Account(error.into())
    }
}

/// The sessions of the box. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    store: Store,
    clock: Clock,
    secrets: Secrets,
    live: Live,
    accounts: Accounts,
    tokens: Tokens,
    totp: Totp,
    notifications: Notifications,
}

/// What becomes of a refresh token.
enum Exchanged {
    For(Box<(SessionRow, String)>),
    Reused(UserId, Vec<Notification>),
}

impl Sessions {
    pub(crate) fn new(
        store: Store,
        clock: Clock,
        secrets: Secrets,
        live: Live,
        (accounts, tokens, totp): (Accounts, Tokens, Totp),
        notifications: Notifications,
    ) -> Self {
        Self { store, clock, secrets, live, accounts, tokens, totp, notifications }
    }

    /// Signs somebody in. Takes as long and says the same whether the account exists or not.
    pub async fn sign_in(&self, with: &Credentials, from: &Origin) -> Result<SignedIn, SignInError> {
        let throttle = self.accounts.throttle();
        if let Some(wait) = throttle.wait(&with.username, from.address) {
            return Err(AccountError::Locked { wait }.into());
        }
        let name = with.username.clone();
        let found = self.store.read(move |transaction| account_row::find(transaction, &name)).await?.filter(|(_, row)| !row.is_deleted);
        let hash = found.as_ref().map(|(_, row)| row.password.as_str());
        let is_right = self.accounts.hasher().verify(&with.password, hash).await.map_err(AccountError::from)?;
        let outcome = match &found {
            Some((user, row)) if is_right => self.begin(*user, &row.password, with.totp_code.as_deref(), from).await,
            Some(_) | None => Err(SignInError::Wrong),
        };
        match &outcome {
            Ok(_) => throttle.succeeded(&with.username, from.address),
            Err(SignInError::Wrong) => {
                throttle.failed(&with.username, from.address);
                let known = found.map(|(_, row)| row.username);
                self.note_refusal(known, from).await?;
            }
            Err(_) => {}
        }
        outcome
    }

    /// Begins a session for an account that was just made.
    pub async fn begin_new(&self, user: UserId, from: &Origin) -> Result<SignedIn, SignInError> {
        let row = self.store.read(move |transaction| account_row::read(transaction, user)).await?.ok_or(SignInError::Wrong)?;
        self.begin(user, &row.password, None, from).await
    }

    /// The password was right (it is still `password`): asks for the second factor, then begins the session, all in one change.
    async fn begin(&self, user: UserId, password: &str, code: Option<&str>, from: &Origin) -> Result<SignedIn, SignInError> {
        let (session, at) = (SessionId(Uuid::now_v7()), self.clock.now());
        let jti = Uuid::new_v4().simple().to_string();
        let session_row = SessionRow {
            user,
            created_at: at,
            last_seen_at: at,
            expires_at: later(at, self.tokens.options().refresh_ttl),
            address: from.address.map(|address| address.to_string()).unwrap_or_default(),
            user_agent: cut(from.user_agent.as_deref()),
            current: self.hash(&jti),
            previous: None,
            rotated_at: at,
        };
        let (this, password, code, address) = (self.clone(), password.to_owned(), code.map(str::to_owned), from.address);
        self.store
            .write(move |transaction| {
                let mut row = usable_row(transaction, user)?;
                if row.password != password {
                    return Err(SignInError::Wrong); // changed meanwhile
                }
                if row.second_factor.secret.is_some() {
                    let code = code.as_deref().ok_or(SignInError::CodeNeeded)?;
                    if !this.totp.uses_up(user, &mut row, code).map_err(AccountError::from)? {
                        return Err(SignInError::Wrong);
                    }
                    account_row::write_in(transaction, user, &row)?;
                }
                if !row.is_active {
                    return Err(SignInError::Disabled);
                }
                make_room(transaction, user)?;
                row::write_in(transaction, session, &session_row)?;
                let object = format!("user {}", row.username);
                let fact = AuditFact { at, actor: row.username, action: "sign_in", object, outcome: Outcome::Done, address };
                Ok(append_in(transaction, &fact)?)
            })
            .await?;
        self.live.refresh_account(&self.store, user)?; // the one that made room
        self.live.refresh_session(&self.store, session)?;
        self.pair(user, session, jti, self.tokens.options().refresh_ttl)
    }

    /// Exchanges a refresh token for a new pair. `attempt`: a secret of the caller's by which the same exchange can be asked for again.
    pub async fn refresh(&self, token: &str, attempt: Option<&str>, from: &Origin) -> Result<SignedIn, SignInError> {
        let grant = self.tokens.check_refresh(token)?;
        let (this, from, session, user) = (self.clone(), from.clone(), grant.session, grant.user);
        let again = attempt.map(|attempt| self.hash(&format!("{} {attempt}", grant.jti)));
        let exchanged =
            self.store.write(move |transaction| this.exchange(transaction, (session, user), (&grant.jti, again), &from)).await?;
        self.live.refresh_session(&self.store, session)?;
        match exchanged {
            Exchanged::Reused(user, told) => {
                self.notifications.announce(told);
                Err(SignInError::Reused { user })
            }
            Exchanged::For(next) => {
                let (row, jti) = *next;
                let left = row.expires_at.as_millis().saturating_sub(self.clock.now().as_millis());
                self.pair(user, session, jti, Duration::from_millis(u64::try_from(left).unwrap_or(0)))
            }
        }
    }

    /// `again`: what the same exchange will be known by; without it, the token alone.
    fn exchange(
        &self,
        transaction: &redb::WriteTransaction,
        (session, user): (SessionId, UserId),
        (jti, again): (&str, Option<[u8; 32]>),
        from: &Origin,
    ) -> Result<Exchanged, SignInError> {
        let now = self.clock.now();
        let found = row::read_in(transaction, session)?;
        let mut row = found.filter(|row| row.user == user && row.expires_at > now).ok_or(SignInError::Ended)?;
        let account = usable_row(transaction, user)?;
        if !account.is_active {
            return Err(SignInError::Disabled);
        }
        let presented = self.hash(jti);
        let successor = self.successor(session, jti);
        if presented == row.current {
            (row.previous, row.current, row.rotated_at) = (Some(again.unwrap_or(presented)), self.hash(&successor), now);
            (row.last_seen_at, row.expires_at) = (now, later(now, self.tokens.options().refresh_ttl).min(later(row.created_at, LONGEST)));
            row.address = from.address.map(|address| address.to_string()).unwrap_or_default();
            row.user_agent = cut(from.user_agent.as_deref());
            row::write_in(transaction, session, &row)?;
            return Ok(Exchanged::For(Box::new((row, successor))));
        }
        let since = now.as_millis().saturating_sub(row.rotated_at.as_millis());
        let is_named = again.is_some() && row.previous == again;
        if is_named || row.previous == Some(presented) && (0..=LOST_ANSWER_MS).contains(&since) {
            return Ok(Exchanged::For(Box::new((row, successor))));
        }
        row::remove_in(transaction, session)?;
        let object = format!("session {session} of user {}", account.username);
        let (at, address) = (now, from.address);
        let fact = AuditFact { at, actor: account.username, action: "refresh_token_reused", object, outcome: Outcome::Refused, address };
        append_in(transaction, &fact)?;
        let told = Notifications::add_in(transaction, &[user], &reused(at, &row))?;
        Ok(Exchanged::Reused(user, told))
    }

    /// Who asks with an access token. Asked at every call; neither disk nor lock is waited for.
    pub fn principal(&self, token: &str) -> Result<Principal, SignInError> {
        let AccessGrant { user, session } = self.tokens.check_access(token)?;
        let now = self.clock.now();
        let principal = self.live.principal(user, session, now).ok_or(SignInError::Ended)?;
        self.live.seen(session, now);
        Ok(principal)
    }

    /// Cancelled when the session ends (signed out, revoked, account switched off): streams end with it.
    pub fn ended(&self, session: SessionId) -> CancellationToken {
        self.live.ended(session)
    }

    /// Whether a session still goes on. Streams ask it now and then: a session that ends by time tells nobody.
    pub fn goes_on(&self, who: &Principal) -> bool {
        self.live.principal(who.user, who.session, self.clock.now()).is_some()
    }

    /// The sessions of somebody, the newest first.
    pub async fn list(&self, who: &Principal) -> Result<Vec<Session>, StoreError> {
        let (user, now) = (who.user, self.clock.now());
        let rows = self.store.read(row::read_all).await?;
        let mut all: Vec<Session> = rows
            .into_iter()
            .filter(|(_, row)| row.user == user && row.expires_at > now)
            .map(|(id, row)| Session {
                id,
                created_at: row.created_at,
                last_seen_at: self.live.last_seen(id).unwrap_or(row.last_seen_at),
                expires_at: row.expires_at,
                address: row.address,
                user_agent: row.user_agent,
            })
            .collect();
        all.sort_by_key(|session| std::cmp::Reverse(session.last_seen_at));
        Ok(all)
    }

    /// Ends a session of somebody; whether there was one. `action`: `sign_out` or `end_session`.
    pub async fn end(&self, who: &Principal, session: SessionId, action: &'static str, from: &Origin) -> Result<bool, StoreError> {
        let object = format!("session {session} of user {}", who.username);
        let fact =
            AuditFact { at: self.clock.now(), actor: who.username.clone(), action, object, outcome: Outcome::Done, address: from.address };
        let user = who.user;
        let ended = self
            .store
            .write(move |transaction| {
                let is_theirs = row::read_in(transaction, session)?.is_some_and(|row| row.user == user);
                if is_theirs {
                    row::remove_in(transaction, session)?;
                    append_in(transaction, &fact)?;
                }
                Ok::<_, StoreError>(is_theirs)
            })
            .await?;
        self.live.refresh_session(&self.store, session)?;
        Ok(ended)
    }

    /// The session of a refresh token of somebody's, good or used: for signing out with it.
    pub fn session_of(&self, who: &Principal, refresh_token: &str) -> Option<SessionId> {
        let grant = self.tokens.check_refresh(refresh_token).ok()?;
        (grant.user == who.user).then_some(grant.session)
    }

    /// Removes sessions that are over; how many. For a daily job.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let removed = self.store.write(move |transaction| row::remove_where(transaction, |_, row| row.expires_at <= now)).await?;
        self.live.forget_expired(now);
        Ok(removed)
    }

    fn pair(&self, user: UserId, session: SessionId, jti: String, ttl: Duration) -> Result<SignedIn, SignInError> {
        let principal = self.live.principal(user, session, self.clock.now()).ok_or(SignInError::Ended)?;
        let refresh_token = self.tokens.refresh(&principal, jti, ttl)?;
        let access_token = self.tokens.access(&principal)?;
        Ok(SignedIn { access_token, refresh_token, expires_in: self.tokens.options().access_ttl, principal })
    }

    async fn note_refusal(&self, known: Option<String>, from: &Origin) -> Result<(), StoreError> {
        // What was typed as a name may be a password: only names that exist are recorded.
        let object = known.map_or_else(|| "unknown user".to_owned(), |name| format!("user {name}"));
        let at = self.clock.now();
        let fact = AuditFact { at, actor: "-".into(), action: "sign_in", object, outcome: Outcome::Refused, address: from.address };
        self.store.write(move |transaction| append_in(transaction, &fact)).await
    }

    fn hash(&self, jti: &str) -> [u8; 32] {
        self.secrets.keyed("refresh token", jti.as_bytes())
    }

    /// The name of the token that follows `jti`.
    fn successor(&self, session: SessionId, jti: &str) -> String {
        let hash = self.secrets.keyed("next refresh token", format!("{session} {jti}").as_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(&hash[..16]);
        Uuid::from_bytes(half).simple().to_string()
    }
}

/// What the owner of a copied session is told.
fn reused(at: Timestamp, row: &SessionRow) -> NewNotification {
    let device = if row.user_agent.is_empty() { "a device" } else { &row.user_agent };
    NewNotification {
        kind: NotificationKind::Security,
        title: "A session was ended for safety".into(),
        message: format!(
            "Somebody used an old sign-in of {device}, so it may have been copied. That session was ended; sign in there again. If you did \
             not expect this, change your password."
        ),
        upload: None,
        report: None,
        study: None,
        at,
    }
}

/// Ends the session unused for longest when the account has as many as it may.
fn make_room(transaction: &redb::WriteTransaction, user: UserId) -> Result<(), StoreError> {
    let mut theirs: Vec<_> = row::all_in(transaction)?.into_iter().filter(|(_, row)| row.user == user).collect();
    theirs.sort_by_key(|(_, row)| row.last_seen_at);
    for (session, _) in theirs.iter().take((theirs.len() + 1).saturating_sub(MOST)) {
        row::remove_in(transaction, *session)?;
    }
    Ok(())
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}

fn cut(user_agent: Option<&str>) -> String {
    user_agent.unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests;
