//! SSD1306, 128 × 64, on I²C or SPI.

use embedded_hal::{digital::OutputPin, i2c::I2c, spi::SpiDevice};
use relaypacs_panel_core::paint::{self, MonoFrame};
use ssd1306::{
    I2CDisplayInterface, Ssd1306,
    mode::BufferedGraphicsMode,
    prelude::{Brightness, DisplayConfig, DisplayRotation, DisplaySize128x64, SPIInterface, WriteOnlyDataCommand},
};

use super::{Display, DisplayError, Shown};
use crate::bus::Sleep;

/// The display and what it shows.
pub struct Oled<I> {
    driver: Ssd1306<I, DisplaySize128x64, BufferedGraphicsMode<DisplaySize128x64>>,
    shown: MonoFrame,
    dim: bool,
}

/// Opens one on I²C.
pub fn on_i2c<B: I2c>(bus: B, address: u8) -> Result<Oled<impl WriteOnlyDataCommand + use<B>>, DisplayError> {
    Oled::new(I2CDisplayInterface::new_custom_address(bus, address))
}

/// Opens one on SPI; `reset` is pulled first where it is connected.
pub fn on_spi<S: SpiDevice, P: OutputPin, R: OutputPin>(
    bus: S,
    dc: P,
    reset: Option<R>,
) -> Result<Oled<impl WriteOnlyDataCommand + use<S, P, R>>, DisplayError> {
    let mut driver = Ssd1306::new(SPIInterface::new(bus, dc), DisplaySize128x64, DisplayRotation::Rotate0).into_buffered_graphics_mode();
    if let Some(mut reset) = reset {
        driver.reset(&mut reset, &mut Sleep).map_err(|error| DisplayError::of("reset", error))?;
    }
    Oled::begin(driver)
}

impl<I: WriteOnlyDataCommand> Oled<I> {
    fn new(interface: I) -> Result<Self, DisplayError> {
        Self::begin(Ssd1306::new(interface, DisplaySize128x64, DisplayRotation::Rotate0).into_buffered_graphics_mode())
    }

    fn begin(mut driver: Ssd1306<I, DisplaySize128x64, BufferedGraphicsMode<DisplaySize128x64>>) -> Result<Self, DisplayError> {
        driver.init().map_err(|error| DisplayError::of("the display does not start", error))?;
        driver.flush().map_err(|error| DisplayError::of("the display takes no picture", error))?;
        Ok(Self { driver, shown: MonoFrame::new(), dim: false })
    }
}

impl<I: WriteOnlyDataCommand> Display for Oled<I> {
    /// The driver sends the smallest rectangle around the pixels that have changed.
    fn show(&mut self, shown: &Shown<'_>) -> Result<(), DisplayError> {
        let mut frame = MonoFrame::new();
        let Ok(()) = paint::mono(shown.page, shown.moving, &mut frame);
        for (index, (new, old)) in frame.0.iter().zip(&self.shown.0).enumerate().filter(|(_, (new, old))| new != old) {
            let (x, top) = ((index % 128) as u32, (index / 128 * 8) as u32);
            for bit in (0..8).filter(|bit| (new ^ old) & 1 << bit != 0) {
                self.driver.set_pixel(x, top + bit, new & 1 << bit != 0);
            }
        }
        self.shown = frame;
        self.driver.flush().map_err(|error| DisplayError::of("the display takes no picture", error))?;
        if self.dim != shown.dim {
            let brightness = if shown.dim { Brightness::DIMMEST } else { Brightness::NORMAL };
            self.driver.set_brightness(brightness).map_err(|error| DisplayError::of("the display cannot be dimmed", error))?;
            self.dim = shown.dim;
        }
        Ok(())
    }
}
