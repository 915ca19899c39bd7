//! ST7789 and ILI9341, 320 × 240 in colour, on SPI. Only bands of rows that have changed are sent.

use embedded_graphics::pixelcolor::Rgb565;
use embedded_hal::{digital::OutputPin, spi::SpiDevice};
use mipidsi::{
    Builder,
    interface::{Interface, InterfaceKind},
    models::{ILI9341Rgb565, Model, ST7789},
    options::{ColorInversion, Orientation, Rotation},
};
use relaypacs_panel_core::paint;

use super::{Display, DisplayError, Shown};
use crate::{
    bus::Sleep,
    config::Controller,
    picture::{ColourFrame, HEIGHT, WIDTH},
};

/// Rows that are sent together.
const BAND: usize = 20;
/// Bytes gathered before they are written: what spidev takes at once.
const GATHERED: usize = 4096;

/// The display and what it shows.
struct Tft<I, M, R>
where
    I: Interface<Word = u8>,
    M: Model<ColorFormat = Rgb565>,
    R: OutputPin,
{
    driver: mipidsi::Display<I, M, R>,
    /// `None`: nothing was sent yet.
    shown: Option<ColourFrame>,
}

/// A display on SPI.
type OnSpi<S, P, R, M> = Tft<Gathering<S, P>, M, Reset<R>>;

/// Opens one; `reset` is pulled first where it is connected.
pub fn open<S, P, R>(controller: Controller, bus: S, dc: P, reset: Option<R>) -> Result<Box<dyn Display>, DisplayError>
where
    S: SpiDevice + 'static,
    P: OutputPin + 'static,
    R: OutputPin + 'static,
{
    let interface = Gathering { bus, dc, buffer: Vec::with_capacity(GATHERED) };
    Ok(match controller {
        Controller::St7789 => Box::new(start(ST7789, interface, reset, ColorInversion::Inverted)?),
        Controller::Ili9341 => Box::new(start(ILI9341Rgb565, interface, reset, ColorInversion::Normal)?),
    })
}

fn start<S: SpiDevice, P: OutputPin, R: OutputPin, M>(
    model: M,
    interface: Gathering<S, P>,
    reset: Option<R>,
    inversion: ColorInversion,
) -> Result<OnSpi<S, P, R, M>, DisplayError>
where
    M: Model<ColorFormat = Rgb565>,
{
    let driver = Builder::new(model, interface)
        .reset_pin(Reset(reset))
        .invert_colors(inversion)
        .orientation(Orientation::new().rotate(Rotation::Deg90))
        .init(&mut Sleep)
        .map_err(|error| DisplayError::of("the display does not start", error))?;
    Ok(Tft { driver, shown: None })
}

impl<I, M, R> Display for Tft<I, M, R>
where
    I: Interface<Word = u8>,
    M: Model<ColorFormat = Rgb565>,
    R: OutputPin,
{
    fn show(&mut self, shown: &Shown<'_>) -> Result<(), DisplayError> {
        let mut frame = ColourFrame::default();
        let Ok(()) = paint::colour(shown.page, shown.moving, &mut frame);
        for top in (0..HEIGHT).step_by(BAND) {
            let rows = top..top + BAND;
            let same = |old: &ColourFrame| rows.clone().all(|y| old.row(y) == frame.row(y));
            if self.shown.as_ref().is_some_and(same) {
                continue;
            }
            let pixels = rows.flat_map(|y| frame.row(y).iter().copied());
            let (right, bottom) = (WIDTH as u16 - 1, (top + BAND) as u16 - 1);
            if let Err(error) = self.driver.set_pixels(0, top as u16, right, bottom, pixels) {
                self.shown = None;
                return Err(DisplayError::of("the display takes no picture", error));
            }
        }
        self.shown = Some(frame);
        Ok(())
    }
}

/// Commands and pixels over SPI, gathered to large writes.
struct Gathering<S, P> {
    bus: S,
    dc: P,
    buffer: Vec<u8>,
}

/// What went wrong between us and the chip.
#[derive(Debug)]
enum TftError<S, P> {
    /// The bus.
    Bus(S),
    /// The line.
    Line(P),
}

impl<S: SpiDevice, P: OutputPin> Gathering<S, P> {
    fn write(&mut self) -> Result<(), TftError<S::Error, P::Error>> {
        let written = self.bus.write(&self.buffer).map_err(TftError::Bus);
        self.buffer.clear();
        written
    }
}

impl<S: SpiDevice, P: OutputPin> Interface for Gathering<S, P> {
    type Word = u8;
    type Error = TftError<S::Error, P::Error>;
    const KIND: InterfaceKind = InterfaceKind::Serial4Line;

    fn send_command(&mut self, command: u8, args: &[u8]) -> Result<(), Self::Error> {
        self.dc.set_low().map_err(TftError::Line)?;
        self.bus.write(&[command]).map_err(TftError::Bus)?;
        self.dc.set_high().map_err(TftError::Line)?;
        if args.is_empty() { Ok(()) } else { self.bus.write(args).map_err(TftError::Bus) }
    }

    fn send_pixels<const N: usize>(&mut self, pixels: impl IntoIterator<Item = [u8; N]>) -> Result<(), Self::Error> {
        for pixel in pixels {
            if self.buffer.len() + N > GATHERED {
                self.write()?;
            }
            self.buffer.extend(pixel);
        }
        self.write()
    }

    fn send_repeated_pixel<const N: usize>(&mut self, pixel: [u8; N], count: u32) -> Result<(), Self::Error> {
        self.send_pixels((0..count).map(|_| pixel))
    }
}

/// A reset line that may not be connected.
struct Reset<R>(Option<R>);

impl<R: OutputPin> embedded_hal::digital::ErrorType for Reset<R> {
    type Error = R::Error;
}

impl<R: OutputPin> OutputPin for Reset<R> {
    fn set_low(&mut self) -> Result<(), R::Error> {
        self.0.as_mut().map_or(Ok(()), R::set_low)
    }

    fn set_high(&mut self) -> Result<(), R::Error> {
        self.0.as_mut().map_or(Ok(()), R::set_high)
    }
}
