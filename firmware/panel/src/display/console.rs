//! Text on a terminal: for boxes without a display, and to try things out.

use std::io::Write;

use relaypacs_panel_core::ui::Page;

use super::{Display, DisplayError, Shown};

/// A terminal that understands ANSI.
#[derive(Debug)]
pub struct Console<W> {
    out: W,
    shown: Option<Page>,
}

impl<W: Write> Console<W> {
    /// Writes there.
    pub const fn new(out: W) -> Self {
        Self { out, shown: None }
    }
}

impl<W: Write> Display for Console<W> {
    fn show(&mut self, shown: &Shown<'_>) -> Result<(), DisplayError> {
        if self.shown.as_ref() == Some(shown.page) {
            return Ok(());
        }
        // Home, each line cleared to its end (raw mode: carriage returns are ours), then everything below.
        let text = shown.page.to_string().replace('\n', "\x1b[K\r\n");
        write!(self.out, "\x1b[H{text}\x1b[J")?;
        self.out.flush()?;
        self.shown = Some(shown.page.clone());
        Ok(())
    }
}
