//! The panel's PIN: read from its file when it is tried, five wrong ones in a row are followed by five minutes' wait for every panel.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use relaypacs_domain::Clock;

/// Wrong ones in a row until there is a wait.
const TRIES: u8 = 5;
/// That wait.
const WAIT: Duration = Duration::from_mins(5);

/// The PIN and who tried it.
pub(super) struct Pin {
    file: PathBuf,
    clock: Clock,
    tries: Mutex<Tries>,
}

#[derive(Default)]
struct Tries {
    wrong: u8,
    /// Boot time before which none is taken.
    not_before: Duration,
}

/// What a try led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tried {
    /// It is the PIN.
    Right,
    /// It is not.
    Wrong {
        /// Tries that are left.
        left: u8,
    },
    /// It is not, once too often: none is taken from now on.
    Locked {
        /// For how long.
        seconds: u16,
    },
    /// None is taken now.
    Wait {
        /// For how long.
        seconds: u16,
    },
    /// There is no PIN that could be right.
    Unreadable,
}

impl Pin {
    pub(super) fn new(file: PathBuf, clock: Clock) -> Self {
        Self { file, clock, tries: Mutex::default() }
    }

    /// Compares digits (`len` of them, leading zeros count) with the file's.
    pub(super) async fn check(&self, digits: u32, len: u8) -> Tried {
        if let Some(wait) = self.wait() {
            return wait;
        }
        let text = match tokio::fs::read_to_string(&self.file).await {
            Ok(text) => text,
            Err(error) => {
                tracing::error!(%error, file = %self.file.display(), "the panel's PIN cannot be read");
                return Tried::Unreadable;
            }
        };
        let pin = text.trim();
        if !(4..=8).contains(&pin.len()) || !pin.bytes().all(|byte| byte.is_ascii_digit()) {
            tracing::error!(file = %self.file.display(), "the panel's PIN must be 4 to 8 digits");
            return Tried::Unreadable;
        }
        let typed = format!("{digits:0len$}", len = usize::from(len.min(10)));
        self.tried(typed == pin)
    }

    fn wait(&self) -> Option<Tried> {
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let left = tries.not_before.saturating_sub(self.clock.boot());
        (!left.is_zero()).then(|| Tried::Wait { seconds: u16::try_from(left.as_secs() + 1).unwrap_or(u16::MAX) })
    }

    fn tried(&self, right: bool) -> Tried {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if right {
            tries.wrong = 0;
            return Tried::Right;
        }
        tries.wrong += 1;
        if tries.wrong >= TRIES {
            *tries = Tries { wrong: 0, not_before: self.clock.boot() + WAIT };
            tracing::warn!(security = true, "the panel's PIN was wrong five times; it waits five minutes");
            return Tried::Locked { seconds: WAIT.as_secs() as u16 };
        }
        Tried::Wrong { left: TRIES - tries.wrong }
    }
}
