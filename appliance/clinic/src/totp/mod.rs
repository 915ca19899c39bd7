//! The second factor: time-based codes (RFC 6238: SHA-1, 6 digits, 30 s, as every authenticator app does) and recovery codes.
//!
//! A secret is offered first and counts once a code proves that an app has taken it over. A code is good in its own step, the one before and
//! the one after, and only once: the step of the newest code used is kept, and nothing of it or before is taken again. Secrets lie encrypted
//! (see [`crate::keys`]), recovery codes as keyed hashes.

mod qr;

use relaypacs_domain::{Clock, Principal, UserId};
use totp_rs::{Algorithm, Builder};

pub use self::qr::png;
use crate::{
    Store, StoreError,
    accounts::{
        AccountError, Origin,
        live::Live,
        row::{self, AccountRow, SecondFactorRow},
        throttle::Throttle,
        usable_row,
    },
    audit::{AuditFact, Outcome, append_in},
    keys::{SecretError, Secrets, normal_code},
};

/// Recovery codes given out.
const RECOVERY_CODES: usize = 10;
/// Seconds a code lasts.
const STEP: u64 = 30;

/// A secret on offer.
#[derive(Clone, PartialEq, Eq)]
pub struct Offer {
    /// Base32 (RFC 4648), for typing in.
    pub secret: String,
    /// `otpauth://totp/…`, for scanning.
    pub provisioning_uri: String,
}

/// What the second factor refuses.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TotpError {
    /// The code is wrong, used, or not of now.
    #[error("the code is wrong or was used already")]
    WrongCode,
    /// It is on already; turn it off first.
    #[error("the second factor is on already")]
    On,
    /// It is not on, or no secret is on offer.
    #[error("the second factor is not on")]
    Off,
    /// Account and store.
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl From<StoreError> for TotpError {
    fn from(error: StoreError) -> Self {
        Self::Account(error.into())
    }
}

impl From<SecretError> for TotpError {
    fn from(error: SecretError) -> Self {
        Self::Account(error.into())
    }
}

/// The second factor of accounts. Cheap to clone.
#[derive(Clone)]
pub struct Totp {
    store: Store,
    clock: Clock,
    secrets: Secrets,
    live: Live,
    throttle: Throttle,
    issuer: String,
}

impl Totp {
    /// `issuer`: what authenticator apps show beside the username.
    pub(crate) fn new(store: Store, clock: Clock, secrets: Secrets, live: Live, throttle: Throttle, issuer: &str) -> Self {
        // A colon separates issuer and account in the URI.
        let issuer = issuer.replace(':', " ");
        Self { store, clock, secrets, live, throttle, issuer }
    }

    /// Offers a new secret; an earlier offer is void. The second factor is not on yet.
    pub async fn offer(&self, who: &Principal) -> Result<Offer, TotpError> {
        let secret: [u8; 20] = self.secrets.random()?;
        let sealed = self.secrets.seal(&context(who.user), &secret)?;
        let user = who.user;
        self.store
            .write(move |transaction| {
                let mut row = usable_row(transaction, user)?;
                if row.second_factor.secret.is_some() {
                    return Err(TotpError::On);
                }
                row.second_factor.offered = Some(sealed.clone());
                Ok(row::write_in(transaction, user, &row)?)
            })
            .await?;
        let totp = self.generator(&secret, &who.username)?;
        let provisioning_uri = totp.to_url().map_err(|_| SecretError::Random)?;
        Ok(Offer { secret: totp.secret().to_base32(), provisioning_uri })
    }

    /// Turns the second factor on: `code` proves that the offered secret was taken over. `secret`, where the caller sends it back, must be
    /// that one. Gives the recovery codes, which are not shown again.
    pub async fn enable(&self, who: &Principal, code: &str, secret: Option<&str>, from: &Origin) -> Result<Vec<String>, TotpError> {
        self.may_try(who, from)?;
        let codes = (0..RECOVERY_CODES).map(|_| self.secrets.code(4)).collect::<Result<Vec<_>, _>>()?;
        let hashes: Vec<_> = codes.iter().map(|code| self.recovery_hash(who.user, code)).collect();
        let fact = self.fact(who, "enable_totp", from);
        let (this, user, code) = (self.clone(), who.user, code.to_owned());
        let typed = secret.map(normal_secret);
        let outcome = self
            .store
            .write(move |transaction| {
                let mut row = usable_row(transaction, user)?;
                if row.second_factor.secret.is_some() {
                    return Err(TotpError::On);
                }
                let offered = row.second_factor.offered.take().ok_or(TotpError::Off)?;
                let plain = this.secrets.open_sealed(&context(user), &offered)?;
                let totp = this.generator(&plain, &row.username)?;
                if typed.as_ref().is_some_and(|typed| *typed != totp.secret().to_base32()) {
                    return Err(TotpError::WrongCode);
                }
                let step = totp.check(&digits(&code), this.now()).ok_or(TotpError::WrongCode)?;
                row.second_factor = SecondFactorRow { secret: Some(offered), offered: None, last_step: step, recovery: hashes.clone() };
                row::write_in(transaction, user, &row)?;
                Ok(append_in(transaction, &fact)?)
            })
            .await;
        self.counted(who, from, outcome)?;
        Ok(codes)
    }

    /// Turns the second factor off, with a code or a recovery code.
    pub async fn disable(&self, who: &Principal, code: &str, from: &Origin) -> Result<(), TotpError> {
        self.may_try(who, from)?;
        let fact = self.fact(who, "disable_totp", from);
        let (this, user, code) = (self.clone(), who.user, code.to_owned());
        let outcome = self
            .store
            .write(move |transaction| {
                let mut row = usable_row(transaction, user)?;
                if row.second_factor.secret.is_none() {
                    return Err(TotpError::Off);
                }
                if !this.uses_up(user, &mut row, &code)? {
                    return Err(TotpError::WrongCode);
                }
                row.second_factor = SecondFactorRow { last_step: row.second_factor.last_step, ..SecondFactorRow::default() };
                row::write_in(transaction, user, &row)?;
                Ok(append_in(transaction, &fact)?)
            })
            .await;
        self.counted(who, from, outcome)
    }

    /// Whether `code` is good for the account, as a code of now or a recovery code; if so `row` no longer takes it. The caller writes `row`.
    pub(crate) fn uses_up(&self, user: UserId, row: &mut AccountRow, code: &str) -> Result<bool, SecretError> {
        let factor = &mut row.second_factor;
        let Some(sealed) = &factor.secret else { return Ok(false) };
        let typed = digits(code);
        if typed.len() == 6 && typed.bytes().all(|c| c.is_ascii_digit()) {
            let secret = self.secrets.open_sealed(&context(user), sealed)?;
            let totp = self.generator(&secret, &row.username)?;
            return Ok(match totp.check(&typed, self.now()) {
                Some(step) if step > factor.last_step => {
                    factor.last_step = step;
                    true
                }
                Some(_) | None => false,
            });
        }
        let hash = self.recovery_hash(user, code);
        let before = factor.recovery.len();
        factor.recovery.retain(|kept| *kept != hash);
        Ok(factor.recovery.len() < before)
    }

    fn generator(&self, secret: &[u8], username: &str) -> Result<totp_rs::Totp, SecretError> {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(1)
            .with_step_duration(STEP)
            .with_secret(secret)
            .with_account_name(username)
            .with_issuer(Some(self.issuer.as_str()))
            .build()
            .map_err(|_| SecretError::NotOurs)
    }

    fn may_try(&self, who: &Principal, from: &Origin) -> Result<(), TotpError> {
        self.throttle.wait(&who.username, from.address).map_or(Ok(()), |wait| Err(AccountError::Locked { wait }.into()))
    }

    fn counted(&self, who: &Principal, from: &Origin, outcome: Result<(), TotpError>) -> Result<(), TotpError> {
        if matches!(outcome, Err(TotpError::WrongCode)) {
            self.throttle.failed(&who.username, from.address);
        }
        outcome?;
        Ok(self.live.refresh_account(&self.store, who.user)?)
    }

    fn fact(&self, who: &Principal, action: &'static str, from: &Origin) -> AuditFact {
        let object = format!("user {}", who.username);
        AuditFact { at: self.clock.now(), actor: who.username.clone(), action, object, outcome: Outcome::Done, address: from.address }
    }

    fn recovery_hash(&self, user: UserId, code: &str) -> [u8; 32] {
        self.secrets.keyed(&format!("recovery code of {user}"), normal_code(code).as_bytes())
    }

    /// Wall-clock seconds since 1970.
    fn now(&self) -> u64 {
        u64::try_from(self.clock.now().as_millis() / 1000).unwrap_or(0)
    }
}

/// What a sealed secret belongs to.
fn context(user: UserId) -> String {
    format!("totp of {user}")
}

/// A code as typed, without spaces.
fn digits(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace()).take(64).collect()
}

fn normal_secret(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_whitespace() && *c != '=').map(|c| c.to_ascii_uppercase()).take(128).collect()
}

impl std::fmt::Debug for Offer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Offer(..)")
    }
}

#[cfg(test)]
mod tests;
