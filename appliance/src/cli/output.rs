//! Where results go: text or JSON on standard output, progress on standard error.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::Fault;

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// As JSON for scripts.
    pub(crate) json: bool,
}

impl Output {
    /// One line of text.
    #[expect(clippy::unused_self, reason = "whoever prints holds an Output, so that nothing prints by accident")]
    pub(crate) fn line(self, text: impl Display) -> Result<(), Fault> {
        Ok(writeln!(io::stdout().lock(), "{text}")?)
    }

    /// One JSON object: indented on a terminal, else one line.
    pub(crate) fn object(self, value: &impl Serialize) -> Result<(), Fault> {
        let text = if io::stdout().is_terminal() { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
        self.line(text.map_err(|error| Fault::failed(format!("the result cannot be shown: {error}")))?)
    }

    /// One JSON object on one line, for a sequence of them.
    pub(crate) fn json_line(self, value: &impl Serialize) -> Result<(), Fault> {
        let text = serde_json::to_string(value).map_err(|error| Fault::failed(format!("the result cannot be shown: {error}")))?;
        self.line(text)
    }

    /// A remark for people, on standard error; nothing with `--json`.
    pub(crate) fn remark(self, text: impl Display) {
        if !self.json {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// A bar for work measured in bytes. Drawn on a terminal only, never with `--json`.
    pub(crate) fn bytes_bar(self, total: u64) -> ProgressBar {
        self.bar(total, "{bar:30} {percent:>3} %  {bytes} of {total_bytes}  {bytes_per_sec}  {msg}  {eta} left")
    }

    /// A bar for work without known size.
    pub(crate) fn spinner(self, text: &'static str) -> ProgressBar {
        let bar = self.bar(0, "{spinner} {msg}  {elapsed}");
        bar.set_message(text);
        bar.enable_steady_tick(std::time::Duration::from_millis(120));
        bar
    }

    fn bar(self, total: u64, template: &str) -> ProgressBar {
        let target = if self.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar
    }
}
