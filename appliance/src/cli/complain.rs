//! How a command ends when it does not succeed: one exit code, one sentence, and what to do next.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use serde_json::json;

/// Exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: whoever read our output went away; nothing is wrong.
    Unread,
    /// 1.
    Failed,
    /// 2.
    Usage,
    /// 64.
    Configuration,
    /// 69.
    NotRunning,
    /// 75.
    TryLater,
    /// 77.
    NotAllowed,
}

/// Why a command did not succeed.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    exit: Exit,
    message: String,
    what_to_do: Option<String>,
}

impl Exit {
    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Unread => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Configuration => 64,
            Self::NotRunning => 69,
            Self::TryLater => 75,
            Self::NotAllowed => 77,
        }
    }
}

impl Fault {
    /// A fault with its exit code.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), what_to_do: None }
    }

    /// A plain failure (exit code 1).
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, what_to_do: impl Into<String>) -> Self {
        self.what_to_do = Some(what_to_do.into());
        self
    }

    /// Says it on standard error and gives the exit code.
    pub(crate) fn report(&self, as_json: bool) -> ExitCode {
        if self.exit != Exit::Unread {
            let text = if as_json {
                json!({"error": {"exit_code": self.exit.code(), "message": self.message, "what_to_do": self.what_to_do}}).to_string()
            } else {
                self.what_to_do.iter().fold(format!("error: {}", self.message), |text, hint| format!("{text}\n  → {hint}"))
            };
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(io::stderr(), "{text}");
        }
        ExitCode::from(self.exit.code())
    }
}

impl From<io::Error> for Fault {
    /// An error of writing results; a closed pipe (`| head`) is none.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(Exit::Unread, "");
        }
        Self::failed(format!("the result cannot be written: {error}"))
    }
}
