//! Passwords: what a good one is, and how it is kept.
//!
//! Kept is bcrypt(base64(SHA-256(password as NFC))): bcrypt alone cuts at 72 bytes. Hashing takes a quarter of a second of a core by design,
//! so it happens on few threads of low priority behind a short queue: a storm of sign-ins slows down nobody but the stormers.

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Shortest and longest password in characters.
pub const LENGTH: std::ops::RangeInclusive<usize> = 12..=128;
/// Passwords that may wait to be hashed; with more, callers are told to try later.
const QUEUE: usize = 64;
/// The niceness of the hashing threads: uploads and forwarding come first.
const NICE: i32 = 10;

/// What is wrong with a password, as a rule it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    /// Too short or too long.
    #[error("a password has 12 to 128 characters")]
    Length,
    /// No upper-case letter.
    #[error("a password has an upper-case letter")]
    Upper,
    /// No lower-case letter.
    #[error("a password has a lower-case letter")]
    Lower,
    /// No digit.
    #[error("a password has a digit")]
    Digit,
    /// Nothing else than letters and digits.
    #[error("a password has a character that is neither letter nor digit")]
    Special,
    /// It is the username, or little more.
    #[error("a password does not contain the username")]
    Username,
    /// One character over and over.
    #[error("a password has at least 6 different characters")]
    Monotonous,
}

/// A password that keeps the rules. Never shown.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Checks the rules for a new password of `username`.
    pub fn new(text: &str, username: &str) -> Result<Self, PasswordFault> {
        let has = |kind: fn(char) -> bool| text.chars().any(kind);
        let mut different: Vec<char> = text.chars().take(*LENGTH.end()).collect();
        different.sort_unstable();
        different.dedup();
        match () {
            () if !LENGTH.contains(&text.chars().count()) => Err(PasswordFault::Length),
            () if !has(char::is_uppercase) => Err(PasswordFault::Upper),
            () if !has(char::is_lowercase) => Err(PasswordFault::Lower),
            () if !has(char::is_numeric) => Err(PasswordFault::Digit),
            () if !has(|c| !c.is_alphanumeric()) => Err(PasswordFault::Special),
            () if text.to_lowercase().contains(&username.to_lowercase()) => Err(PasswordFault::Username),
            () if different.len() < 6 => Err(PasswordFault::Monotonous),
            () => Ok(Self(Zeroizing::new(text.to_owned()))),
        }
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Too many passwords wait to be hashed, or hashing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many sign-ins at once")]
pub struct Busy;

/// Hashes and compares on its own threads. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hasher {
    jobs: mpsc::SyncSender<Job>,
    /// A hash that no password has, for accounts that do not exist.
    nobody: Arc<str>,
}

enum Job {
    Hash(Prepared, oneshot::Sender<String>),
    Verify(Prepared, Arc<str>, oneshot::Sender<bool>),
}

type Prepared = Zeroizing<String>;

impl Hasher {
    /// Starts the threads: half of the processors, at least one. `cost`: bcrypt's, 4 to 31.
    pub(crate) fn start(cost: u32) -> std::io::Result<Self> {
        let (jobs, waiting) = mpsc::sync_channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        let threads = std::thread::available_parallelism().map_or(1, |all| (all.get() / 2).max(1));
        for _ in 0..threads {
            let waiting = waiting.clone();
            std::thread::Builder::new().name("passwords".into()).spawn(move || work(&waiting, cost))?;
        }
        // Of random bytes that nobody has seen.
        let secret: [u8; 32] = rand::random();
        let nobody = bcrypt::hash(STANDARD.encode(secret), cost).map_err(std::io::Error::other)?;
        Ok(Self { jobs, nobody: nobody.into() })
    }

    /// The hash to keep of a new password.
    pub(crate) async fn hash(&self, password: &Password) -> Result<String, Busy> {
        let (answer, told) = oneshot::channel();
        self.jobs.try_send(Job::Hash(prepared(&password.0), answer)).map_err(|_| Busy)?;
        told.await.map_err(|_| Busy)
    }

    /// Whether `typed` is the password kept as `hash`. Without a hash it takes as long and is wrong.
    pub(crate) async fn verify(&self, typed: &str, hash: Option<&str>) -> Result<bool, Busy> {
        let (answer, told) = oneshot::channel();
        let against = hash.map_or_else(|| self.nobody.clone(), Arc::from);
        self.jobs.try_send(Job::Verify(prepared(typed), against, answer)).map_err(|_| Busy)?;
        let same = told.await.map_err(|_| Busy)?;
        Ok(same && hash.is_some())
    }
}

fn prepared(password: &str) -> Prepared {
    let normal: Zeroizing<String> = Zeroizing::new(password.nfc().collect());
    Zeroizing::new(STANDARD.encode(Sha256::digest(normal.as_bytes())))
}

fn work(waiting: &Mutex<mpsc::Receiver<Job>>, cost: u32) {
    // Of this thread only, as Linux has it; where it is refused, hashing just is not nicer than the rest.
    let _ = rustix::process::setpriority_process(None, NICE);
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        // Whoever asked may be gone: nothing is lost by that.
        match job {
            Ok(Job::Hash(password, answer)) => {
                if let Ok(hash) = bcrypt::hash(password.as_bytes(), cost) {
                    let _ = answer.send(hash);
                }
            }
            Ok(Job::Verify(typed, hash, answer)) => {
                if !answer.is_closed() {
                    let _ = answer.send(bcrypt::verify(typed.as_bytes(), &hash).unwrap_or(false));
                }
            }
            Err(mpsc::RecvError) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_kept() {
        let check = |text: &str, expected: Option<PasswordFault>| assert_eq!(Password::new(text, "Ada").err(), expected, "{text:?}");
        check("Correct-Horse-7", None);
        check("Größe-über-12!", None);
        check("Short-1a", Some(PasswordFault::Length));
        check(&format!("Aa1-{}", "xyzabc".repeat(21)), Some(PasswordFault::Length));
        check(&format!("Aa1-{}", "xyzabc".repeat(20)), None);
        check("correct-horse-7", Some(PasswordFault::Upper));
        check("CORRECT-HORSE-7", Some(PasswordFault::Lower));
        check("Correct-Horse-x", Some(PasswordFault::Digit));
        check("CorrectHorse77", Some(PasswordFault::Special));
        check("xX-1-aDa-is-it", Some(PasswordFault::Username));
        check("Aa1-aaaaaaaaaaaa", Some(PasswordFault::Monotonous));
        check("", Some(PasswordFault::Length));
    }

    #[tokio::test]
    async fn only_the_whole_password_is_right_and_nobody_has_none() {
        let hasher = Hasher::start(4).unwrap();
        let long = format!("Aa1-{}", "correct horse battery ".repeat(5));
        let password = Password::new(&long, "ada").unwrap();
        let hash = hasher.hash(&password).await.unwrap();
        assert!(hash.starts_with("$2b$04$") && !hash.contains("horse"));
        assert!(hasher.verify(&long, Some(&hash)).await.unwrap());
        // bcrypt alone would take the first 72 bytes for all.
        assert!(!hasher.verify(&long[..80], Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&long, None).await.unwrap());
        assert!(!hasher.verify(&long, Some("rubbish")).await.unwrap());
    }

    #[tokio::test]
    async fn a_letter_typed_in_another_form_is_the_same_letter() {
        let hasher = Hasher::start(4).unwrap();
        let hash = hasher.hash(&Password::new("Gr\u{f6}ße-über-12!", "ada").unwrap()).await.unwrap();
        assert!(hasher.verify("Gro\u{308}ße-über-12!", Some(&hash)).await.unwrap());
    }

    #[tokio::test]
    async fn a_storm_is_told_to_come_back() {
        let hasher = Hasher::start(6).unwrap();
        let storm: Vec<_> = (0..4 * QUEUE)
            .map(|_| {
                let hasher = hasher.clone();
                tokio::spawn(async move { hasher.verify("x", None).await })
            })
            .collect();
        let mut refused = 0;
        for one in storm {
            refused += usize::from(one.await.unwrap().is_err());
        }
        assert!(refused > 0);
        assert_eq!(hasher.verify("x", None).await, Ok(false));
    }
}
