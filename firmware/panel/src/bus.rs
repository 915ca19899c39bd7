//! Linux' buses behind `embedded-hal`: I²C and SPI by their device files, lines by name. Just what displays need: writing.
//!
//! (`linux-embedded-hal` would do it too, with five versions of one dependency.)

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::fd::AsRawFd as _,
    path::Path,
    thread,
    time::Duration,
};

use embedded_hal::{delay::DelayNs, digital, i2c, spi};
use gpiocdev::{Request, line::Value};

/// A display on an I²C bus (`/dev/i2c-N`).
#[derive(Debug)]
pub struct I2cBus {
    file: File,
    address: Option<u8>,
}

/// A display on SPI (`/dev/spidevB.C`).
#[derive(Debug)]
pub struct SpiBus {
    file: File,
}

/// An output line found by its name.
#[derive(Debug)]
pub struct Line(Request);

/// Waits by sleeping.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sleep;

/// What a bus or line says when it does not work.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The system's word.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The GPIO chip's word.
    #[error(transparent)]
    Gpio(#[from] gpiocdev::Error),
    /// No line has this name.
    #[error("no GPIO line is named {0}")]
    NoLine(String),
    /// Only writing is there.
    #[error("reading from a display is not provided for")]
    Reading,
}

/// `I2C_SLAVE` of linux/i2c-dev.h.
const I2C_SLAVE: libc::c_ulong = 0x0703;
/// `SPI_IOC_WR_MODE` of linux/spi/spidev.h.
const SPI_IOC_WR_MODE: libc::c_ulong = 0x4001_6b01;
/// `SPI_IOC_WR_MAX_SPEED_HZ` of linux/spi/spidev.h.
const SPI_IOC_WR_MAX_SPEED_HZ: libc::c_ulong = 0x4004_6b04;
/// Bytes that spidev takes at once unless told otherwise.
const SPI_MOST: usize = 4096;
/// How fast displays are written to.
const SPI_HZ: u32 = 32_000_000;

impl I2cBus {
    /// Opens a bus.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: OpenOptions::new().read(true).write(true).open(path)?, address: None })
    }

    fn select(&mut self, address: u8) -> io::Result<()> {
        if self.address != Some(address) {
            // SAFETY: I2C_SLAVE takes an integer by value; the descriptor is open for as long as `self` lives.
            #[expect(unsafe_code, reason = "no safe wrapper without a second copy of half of nix; the proof stands above")]
            let answer = unsafe { libc::ioctl(self.file.as_raw_fd(), I2C_SLAVE as _, libc::c_ulong::from(address)) };
            if answer < 0 {
                return Err(io::Error::last_os_error());
            }
            self.address = Some(address);
        }
        Ok(())
    }
}

impl i2c::ErrorType for I2cBus {
    type Error = BusError;
}

impl i2c::I2c for I2cBus {
    fn transaction(&mut self, address: u8, operations: &mut [i2c::Operation<'_>]) -> Result<(), BusError> {
        self.select(address)?;
        for operation in operations {
            match operation {
                i2c::Operation::Write(bytes) => self.file.write_all(bytes)?,
                i2c::Operation::Read(_) => return Err(BusError::Reading),
            }
        }
        Ok(())
    }
}

impl i2c::Error for BusError {
    fn kind(&self) -> i2c::ErrorKind {
        i2c::ErrorKind::Other
    }
}

impl SpiBus {
    /// Opens a device: mode 0, 32 MHz at most.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let (mode, speed) = (0u8, SPI_HZ);
        // SAFETY: both calls read one integer of the size that their number names through a pointer to a live local; the descriptor is open.
        #[expect(unsafe_code, reason = "no safe wrapper without a second copy of half of nix; the proof stands above")]
        let answers = unsafe {
            let fd = file.as_raw_fd();
            [libc::ioctl(fd, SPI_IOC_WR_MODE as _, &raw const mode), libc::ioctl(fd, SPI_IOC_WR_MAX_SPEED_HZ as _, &raw const speed)]
        };
        if answers.iter().any(|answer| *answer < 0) {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { file })
    }
}

impl spi::ErrorType for SpiBus {
    type Error = BusError;
}

impl spi::SpiDevice for SpiBus {
    fn transaction(&mut self, operations: &mut [spi::Operation<'_, u8>]) -> Result<(), BusError> {
        for operation in operations {
            match operation {
                spi::Operation::Write(bytes) => bytes.chunks(SPI_MOST).try_for_each(|part| self.file.write_all(part))?,
                spi::Operation::DelayNs(nanos) => thread::sleep(Duration::from_nanos(u64::from(*nanos))),
                spi::Operation::Read(_) | spi::Operation::Transfer(..) | spi::Operation::TransferInPlace(_) => {
                    return Err(BusError::Reading);
                }
            }
        }
        Ok(())
    }
}

impl spi::Error for BusError {
    fn kind(&self) -> spi::ErrorKind {
        spi::ErrorKind::Other
    }
}

impl Line {
    /// Takes the line of this name as an output, low.
    pub fn output(name: &str) -> Result<Self, BusError> {
        let found = gpiocdev::find_named_line(name).ok_or_else(|| BusError::NoLine(name.into()))?;
        let request = Request::builder().with_found_line(&found).as_output(Value::Inactive).with_consumer("relaypacs-panel").request()?;
        Ok(Self(request))
    }
}

impl digital::ErrorType for Line {
    type Error = BusError;
}

impl digital::OutputPin for Line {
    fn set_low(&mut self) -> Result<(), BusError> {
        Ok(self.0.set_lone_value(Value::Inactive)?)
    }

    fn set_high(&mut self) -> Result<(), BusError> {
        Ok(self.0.set_lone_value(Value::Active)?)
    }
}

impl digital::Error for BusError {
    fn kind(&self) -> digital::ErrorKind {
        digital::ErrorKind::Other
    }
}

impl DelayNs for Sleep {
    fn delay_ns(&mut self, nanos: u32) {
        thread::sleep(Duration::from_nanos(u64::from(nanos)));
    }
}
