//! Displays: each takes a page and sends what has changed. One that fails is opened anew every five seconds; the box is told (E72).

pub mod console;
pub mod framebuffer;
pub mod memory;
pub mod oled;
pub mod tft;

use std::{
    fmt,
    io::{self, IsTerminal as _},
    path::Path,
    time::{Duration, Instant},
};

use relaypacs_panel_core::{
    paint::Moving,
    ui::{Layout, Page},
};

use crate::{
    bus::{I2cBus, Line, SpiBus},
    config::{DisplaySpec, Spi},
};

/// A display that does not work is tried again after this time.
const AGAIN: Duration = Duration::from_secs(5);

/// What is to be seen.
#[derive(Debug)]
pub struct Shown<'a> {
    /// The page.
    pub page: &'a Page,
    /// What moves on it.
    pub moving: Moving,
    /// Nobody has touched a key for long.
    pub dim: bool,
}

/// What a display may do.
pub trait Display {
    /// Shows it, sending only what has changed.
    fn show(&mut self, shown: &Shown<'_>) -> Result<(), DisplayError>;
}

/// Why a display does not show.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DisplayError(pub String);

impl DisplayError {
    /// From whatever a driver says.
    pub(crate) fn of(what: &str, error: impl fmt::Debug) -> Self {
        Self(format!("{what}: {error:?}"))
    }
}

impl From<io::Error> for DisplayError {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

/// The place of the configured display, whether it works or not.
pub struct Slot {
    spec: DisplaySpec,
    display: Option<Box<dyn Display>>,
    failed_at: Option<Instant>,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("spec", &self.spec).field("is_good", &self.is_good()).finish_non_exhaustive()
    }
}

impl Slot {
    /// A place for this display; it is opened when something is shown.
    pub fn new(spec: DisplaySpec) -> Self {
        Self { spec: found(spec), display: None, failed_at: None }
    }

    /// What there is room for.
    pub const fn layout(&self) -> Layout {
        match self.spec {
            DisplaySpec::Oled(..) | DisplaySpec::OledSpi(_) => Layout::MONO,
            _ => Layout::COLOUR,
        }
    }

    /// Whether it shows, as far as is known.
    pub const fn is_good(&self) -> bool {
        self.failed_at.is_none()
    }

    /// Shows something. `Err(None)`: it failed before and is not due to be tried again.
    pub fn show(&mut self, shown: &Shown<'_>) -> Result<(), Option<DisplayError>> {
        if self.failed_at.is_some_and(|at| at.elapsed() < AGAIN) {
            return Err(None);
        }
        let was_good = self.is_good();
        let tried = self.try_show(shown);
        match tried {
            Ok(()) => self.failed_at = None,
            Err(error) => {
                self.display = None;
                self.failed_at = Some(Instant::now());
                return Err(Some(error).filter(|_| was_good));
            }
        }
        Ok(())
    }

    fn try_show(&mut self, shown: &Shown<'_>) -> Result<(), DisplayError> {
        if self.spec == DisplaySpec::None {
            return Ok(());
        }
        if self.display.is_none() {
            self.display = Some(open(&self.spec)?);
        }
        self.display.as_mut().map_or(Ok(()), |display| display.show(shown))
    }
}

/// What `auto` means on this machine.
fn found(spec: DisplaySpec) -> DisplaySpec {
    match spec {
        DisplaySpec::Auto if Path::new("/dev/fb0").exists() => DisplaySpec::Framebuffer("/dev/fb0".into()),
        DisplaySpec::Auto if io::stdout().is_terminal() => DisplaySpec::Console,
        DisplaySpec::Auto => DisplaySpec::None,
        other => other,
    }
}

fn open(spec: &DisplaySpec) -> Result<Box<dyn Display>, DisplayError> {
    Ok(match spec {
        DisplaySpec::Auto | DisplaySpec::None | DisplaySpec::Console => Box::new(console::Console::new(io::stdout())),
        DisplaySpec::Memory => Box::<memory::Memory>::default(),
        DisplaySpec::Framebuffer(device) => Box::new(framebuffer::Framebuffer::open(device)?),
        DisplaySpec::Oled(bus, address) => {
            let bus = I2cBus::open(bus).map_err(|error| DisplayError(format!("{}: {error}", bus.display())))?;
            Box::new(oled::on_i2c(bus, *address)?)
        }
        DisplaySpec::OledSpi(spi) => {
            let (bus, dc, reset) = lines(spi)?;
            Box::new(oled::on_spi(bus, dc, reset)?)
        }
        DisplaySpec::Tft(controller, spi) => {
            let (bus, dc, reset) = lines(spi)?;
            tft::open(*controller, bus, dc, reset)?
        }
    })
}

fn lines(spi: &Spi) -> Result<(SpiBus, Line, Option<Line>), DisplayError> {
    let bus = SpiBus::open(&spi.device).map_err(|error| DisplayError(format!("{}: {error}", spi.device.display())))?;
    let line = |name: &str| Line::output(name).map_err(|error| DisplayError(error.to_string()));
    Ok((bus, line(&spi.dc)?, spi.reset.as_deref().map(line).transpose()?))
}
