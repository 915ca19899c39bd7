//! A Linux framebuffer: the colour picture, enlarged by a whole number and centred, in 16 or 32 bits a pixel.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use embedded_graphics::pixelcolor::{Rgb565, Rgb888, RgbColor};
use relaypacs_panel_core::paint;

use super::{Display, DisplayError, Shown};
use crate::picture::{ColourFrame, HEIGHT, WIDTH, raw};

/// The device and what it shows.
#[derive(Debug)]
pub struct Framebuffer {
    device: File,
    shape: Shape,
    shown: Option<ColourFrame>,
}

/// How the device's memory is laid out, as sysfs tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Bytes of a pixel: 2 (RGB565) or 4 (XRGB).
    pub pixel_bytes: usize,
}

impl Shape {
    /// Reads `virtual_size`, `stride` and `bits_per_pixel`.
    pub fn read(sysfs: &Path) -> Result<Self, DisplayError> {
        let text = |name: &str| {
            fs::read_to_string(sysfs.join(name)).map_err(|error| DisplayError(format!("{}: {error}", sysfs.join(name).display())))
        };
        let number =
            |text: &str| text.trim().parse::<usize>().map_err(|_| DisplayError(format!("{}: {text:?} is no number", sysfs.display())));
        let size = text("virtual_size")?;
        let (width, height) = size.trim().split_once(',').ok_or_else(|| DisplayError(format!("{size:?} is no size")))?;
        let shape = Self {
            width: number(width)?,
            height: number(height)?,
            stride: number(&text("stride")?)?,
            pixel_bytes: number(&text("bits_per_pixel")?)? / 8,
        };
        if !matches!(shape.pixel_bytes, 2 | 4) || shape.stride < shape.width * shape.pixel_bytes || shape.scale() == 0 {
            return Err(DisplayError(format!("a framebuffer like this is not provided for: {shape:?}")));
        }
        Ok(shape)
    }

    /// How much larger the picture becomes.
    fn scale(self) -> usize {
        (self.width / WIDTH).min(self.height / HEIGHT)
    }
}

impl Framebuffer {
    /// Opens a device such as `/dev/fb0`; its shape is read from sysfs.
    pub fn open(device: &Path) -> Result<Self, DisplayError> {
        let name = device.file_name().ok_or_else(|| DisplayError(format!("{} is no device", device.display())))?;
        let sysfs = PathBuf::from("/sys/class/graphics").join(name);
        Self::with_shape(device, Shape::read(&sysfs)?)
    }

    /// Opens a device of this shape, and darkens it.
    pub fn with_shape(device: &Path, shape: Shape) -> Result<Self, DisplayError> {
        let device = OpenOptions::new().write(true).open(device).map_err(|error| DisplayError(format!("{}: {error}", device.display())))?;
        let dark = vec![0; shape.stride];
        (0..shape.height).try_for_each(|y| device.write_all_at(&dark, (y * shape.stride) as u64))?;
        Ok(Self { device, shape, shown: None })
    }

    /// Writes one row of the picture, as often as it is enlarged.
    fn row(&self, y: usize, pixels: &[Rgb565], dim: bool) -> io::Result<()> {
        let Shape { width, height, stride, pixel_bytes } = self.shape;
        let scale = self.shape.scale();
        let mut bytes = Vec::with_capacity(WIDTH * scale * pixel_bytes);
        for pixel in pixels {
            let colour = if dim { Rgb565::new(pixel.r() / 2, pixel.g() / 2, pixel.b() / 2) } else { *pixel };
            for _ in 0..scale {
                if pixel_bytes == 2 {
                    bytes.extend(raw(colour).to_le_bytes());
                } else {
                    let colour = Rgb888::from(colour);
                    bytes.extend([colour.b(), colour.g(), colour.r(), 0xff]);
                }
            }
        }
        let (left, top) = ((width - WIDTH * scale) / 2, (height - HEIGHT * scale) / 2);
        (0..scale).try_for_each(|line| {
            let at = (top + y * scale + line) * stride + left * pixel_bytes;
            self.device.write_all_at(&bytes, at as u64)
        })
    }
}

impl Display for Framebuffer {
    fn show(&mut self, shown: &Shown<'_>) -> Result<(), DisplayError> {
        let mut frame = ColourFrame::default();
        let Ok(()) = paint::colour(shown.page, shown.moving, &mut frame);
        for y in 0..HEIGHT {
            if self.shown.as_ref().is_none_or(|old| old.row(y) != frame.row(y)) {
                self.row(y, frame.row(y), shown.dim)?;
            }
        }
        self.shown = Some(frame);
        Ok(())
    }
}
