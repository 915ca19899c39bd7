//! What the forwarder tells about a destination to people and other parts of the box.

use std::{path::PathBuf, time::Duration};

use relaypacs_domain::{DestinationName, Failure, Timestamp};

use crate::config::Kind;

/// How a destination is, as API, CLI, panel and metrics show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationHealth {
    /// Its name.
    pub name: DestinationName,
    /// What it is.
    pub kind: Kind,
    /// Its base URL, where it has one. Never holds credentials.
    pub url: Option<String>,
    /// Its folder, where it is one.
    pub path: Option<PathBuf>,
    /// Whether it is paused, and by whom.
    pub paused: Option<Paused>,
    /// Whether it can be reached and does its work.
    pub state: State,
    /// Since when `state` holds.
    pub since: Timestamp,
    /// How long the last cheap question took to be answered.
    pub latency: Option<Duration>,
    /// What last went wrong.
    pub last_error: Option<Failure>,
    /// When it last took an instance (with proof).
    pub last_delivery: Option<Timestamp>,
    /// How long until it is tried again; `None`: nothing is being waited for.
    pub next_try: Option<Duration>,
}

/// Whether a destination can be reached and does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It answered last time.
    Up,
    /// It cannot be reached, fails, or refuses us.
    Down,
    /// Nothing was asked of it yet.
    Unknown,
}

impl State {
    /// The name used in API and CLI.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

/// A destination to which nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    /// Who paused it.
    pub by: PausedBy,
}

/// Who paused a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PausedBy {
    /// The box, because the destination refuses it (401, 403, 404, 415); it tries one instance now and then and resumes on proof.
    Box {
        /// What the destination said.
        reason: Failure,
    },
    /// An operator; until it is lifted, over restarts too.
    Operator,
}

/// What trying a destination showed, step by step; stops at the first step that fails.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EchoReport {
    /// `dns`, `tcp`, `tls` (https only), `auth`, `service` in this order; a folder has `service` (its write test) only.
    pub steps: Vec<EchoStep>,
}

/// One step of an [`EchoReport`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EchoStep {
    /// `dns`, `tcp`, `tls`, `auth` or `service`.
    pub step: &'static str,
    /// Whether it succeeded.
    pub ok: bool,
    /// How long it took.
    pub took: Duration,
    /// What was seen, in a short sentence.
    pub detail: Option<String>,
}

impl EchoReport {
    /// Whether every step succeeded.
    pub fn ok(&self) -> bool {
        !self.steps.is_empty() && self.failed_step().is_none()
    }

    /// The step that failed.
    pub fn failed_step(&self) -> Option<&EchoStep> {
        self.steps.iter().find(|step| !step.ok)
    }
}
