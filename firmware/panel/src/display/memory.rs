//! The picture in memory: a script's panel draws as any other, so that its times are those of drawing.

use relaypacs_panel_core::paint;

use super::{Display, DisplayError, Shown};
use crate::picture::ColourFrame;

/// The picture as a colour display has it.
#[derive(Debug, Default)]
pub struct Memory(ColourFrame);

impl Display for Memory {
    fn show(&mut self, shown: &Shown<'_>) -> Result<(), DisplayError> {
        let Ok(()) = paint::colour(shown.page, shown.moving, &mut self.0);
        Ok(())
    }
}
