//! The sender (SCU): C-ECHO and C-STORE of Part-10 files, for the command line and the demo.

mod association;
mod echo;
mod send;

use std::{path::PathBuf, time::Duration};

use relaypacs_domain::{AeTitle, Uid};

pub use echo::echo;
pub use send::send;

/// Whom to call, and how long to wait.
#[derive(Debug, Clone)]
pub struct ScuOptions {
    /// `host:port`.
    pub address: String,
    /// Our title.
    pub calling_ae: AeTitle,
    /// The receiver's title.
    pub called_ae: AeTitle,
    /// For name resolution and TCP, each.
    pub connect_timeout: Duration,
    /// For every answer, and every write.
    pub timeout: Duration,
}

/// How far a C-ECHO came.
#[derive(Debug, Clone, Default)]
pub struct EchoReport {
    /// `dns`, `tcp`, `association`, `echo` in order; stops at the first that fails.
    pub steps: Vec<EchoStep>,
}

impl EchoReport {
    /// Whether every step succeeded.
    pub fn is_ok(&self) -> bool {
        self.steps.len() == echo::STEPS.len() && self.steps.iter().all(|step| step.ok)
    }
}

/// One step of a C-ECHO.
#[derive(Debug, Clone)]
pub struct EchoStep {
    /// `dns`, `tcp`, `association` or `echo`.
    pub step: &'static str,
    /// Whether it succeeded.
    pub ok: bool,
    /// How long it took.
    pub took: Duration,
    /// Why it failed, or what the peer said about itself.
    pub detail: Option<String>,
}

/// What became of one file.
#[derive(Debug, Clone)]
pub struct SendOutcome {
    /// As given.
    pub file: PathBuf,
    /// `None`: the file could not be read so far.
    pub sop_instance: Option<Uid>,
    /// Size of the data set.
    pub bytes: u64,
    /// The C-STORE status, or why it was not sent.
    pub result: Result<u16, String>,
}

/// Why nothing (more) can be sent.
#[derive(Debug, thiserror::Error)]
pub enum ScuError {
    /// There is no association with the receiver.
    #[error("{step}: {detail}")]
    Association {
        /// `dns`, `tcp`, `association`, `echo` or `store`.
        step: &'static str,
        /// In words.
        detail: String,
    },
}

impl ScuError {
    pub(crate) fn at(step: &'static str, detail: impl Into<String>) -> Self {
        Self::Association { step, detail: detail.into() }
    }
}
