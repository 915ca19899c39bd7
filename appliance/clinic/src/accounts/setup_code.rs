//! The code that makes the first admin: eight characters, ten minutes, once; never in a log, never on disk.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use relaypacs_domain::{Clock, Timestamp};

use crate::keys::{SecretError, Secrets, normal_code};

/// How long a code is good.
const GOOD_FOR: Duration = Duration::from_mins(10);
/// Codes good at once (LCD, terminal, command line); the oldest makes room.
const MOST: usize = 4;

/// A set-up code as it is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SetupCode {
    /// `K7RM-2WPX`.
    pub code: String,
    /// Wall-clock time at which it is over, for showing.
    pub expires_at: Timestamp,
}

/// A code: its keyed hash, and the boot time at which it is over.
type Good = ([u8; 32], Duration);

/// The codes that are good now. Cheap to clone.
#[derive(Clone)]
pub(super) struct SetupCodes {
    secrets: Secrets,
    clock: Clock,
    good: Arc<Mutex<Vec<Good>>>,
}

impl SetupCodes {
    pub(super) fn new(secrets: Secrets, clock: Clock) -> Self {
        Self { secrets, clock, good: Arc::default() }
    }

    pub(super) fn issue(&self) -> Result<SetupCode, SecretError> {
        let code = self.secrets.code(2)?;
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if good.len() == MOST {
            good.remove(0);
        }
        good.push((self.hash(&code), self.clock.boot() + GOOD_FOR));
        let expires_at = self.clock.now().as_millis().saturating_add(i64::try_from(GOOD_FOR.as_millis()).unwrap_or(i64::MAX));
        Ok(SetupCode { code, expires_at: Timestamp::from_millis(expires_at) })
    }

    pub(super) fn is_good(&self, typed: &str) -> bool {
        let (now, typed) = (self.clock.boot(), self.hash(typed));
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        good.retain(|(_, until)| *until > now);
        // Hashes under a key that nobody else has: comparing them early tells nothing.
        good.iter().any(|(hash, _)| *hash == typed)
    }

    /// The first admin is there: no code is good any more.
    pub(super) fn clear(&self) {
        self.good.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn hash(&self, code: &str) -> [u8; 32] {
        self.secrets.keyed("setup code", normal_code(code).as_bytes())
    }
}

impl std::fmt::Debug for SetupCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetupCode").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}
