//! Pictures in memory, as displays take them and as PNG files.

use std::{fs::File, io, path::Path};

use embedded_graphics::{
    pixelcolor::{Rgb565, Rgb888, RgbColor, raw::RawU16},
    prelude::*,
    primitives::Rectangle,
};
use relaypacs_panel_core::paint::MonoFrame;

/// Width of the colour picture.
pub const WIDTH: usize = 320;
/// Height of the colour picture.
pub const HEIGHT: usize = 240;

/// A picture of 320 × 240 in colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColourFrame {
    pixels: Vec<Rgb565>,
}

impl Default for ColourFrame {
    fn default() -> Self {
        Self { pixels: vec![Rgb565::BLACK; WIDTH * HEIGHT] }
    }
}

impl ColourFrame {
    /// A row of 320 pixels, 0 at the top.
    pub fn row(&self, y: usize) -> &[Rgb565] {
        &self.pixels[y * WIDTH..(y + 1) * WIDTH]
    }
}

impl OriginDimensions for ColourFrame {
    fn size(&self) -> Size {
        Size::new(WIDTH as u32, HEIGHT as u32)
    }
}

impl DrawTarget for ColourFrame {
    type Color = Rgb565;
    type Error = std::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb565>>>(&mut self, pixels: I) -> Result<(), Self::Error> {
        for Pixel(point, colour) in pixels {
            if let (Ok(x @ 0..WIDTH), Ok(y @ 0..HEIGHT)) = (usize::try_from(point.x), usize::try_from(point.y)) {
                self.pixels[y * WIDTH + x] = colour;
            }
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, colour: Rgb565) -> Result<(), Self::Error> {
        let area = area.intersection(&self.bounding_box());
        let (left, top) = (area.top_left.x as usize, area.top_left.y as usize);
        for y in top..top + area.size.height as usize {
            self.pixels[y * WIDTH + left..y * WIDTH + left + area.size.width as usize].fill(colour);
        }
        Ok(())
    }
}

/// A picture of eight-bit RGB, for files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Three bytes a pixel, row by row.
    pub rgb: Vec<u8>,
}

impl Image {
    /// One of this grey.
    pub fn filled(width: usize, height: usize, grey: u8) -> Self {
        Self { width, height, rgb: vec![grey; width * height * 3] }
    }

    /// A 128 × 64 picture, each pixel as a square of so many.
    pub fn of_mono(frame: &MonoFrame, scale: usize) -> Self {
        let mut image = Self::filled(128 * scale, 64 * scale, 0);
        for y in 0..64 * scale {
            for x in 0..128 * scale {
                image.set(x, y, if frame.lit(x / scale, y / scale) { [205, 235, 255] } else { [8, 10, 16] });
            }
        }
        image
    }

    /// A 320 × 240 picture.
    pub fn of_colour(frame: &ColourFrame) -> Self {
        let mut image = Self::filled(WIDTH, HEIGHT, 0);
        for y in 0..HEIGHT {
            for (x, pixel) in frame.row(y).iter().enumerate() {
                let colour = Rgb888::from(*pixel);
                image.set(x, y, [colour.r(), colour.g(), colour.b()]);
            }
        }
        image
    }

    fn set(&mut self, x: usize, y: usize, rgb: [u8; 3]) {
        let at = (y * self.width + x) * 3;
        self.rgb[at..at + 3].copy_from_slice(&rgb);
    }

    /// Puts another picture into this one; what lies outside is cut.
    pub fn place(&mut self, other: &Self, left: usize, top: usize) {
        let width = other.width.min(self.width.saturating_sub(left));
        for y in 0..other.height.min(self.height.saturating_sub(top)) {
            let (to, from) = (((top + y) * self.width + left) * 3, y * other.width * 3);
            self.rgb[to..to + width * 3].copy_from_slice(&other.rgb[from..from + width * 3]);
        }
    }

    /// Writes it as PNG.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut encoder = png::Encoder::new(io::BufWriter::new(File::create(path)?), self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        let mut writer = encoder.write_header().map_err(io::Error::other)?;
        writer.write_image_data(&self.rgb).map_err(io::Error::other)?;
        writer.finish().map_err(io::Error::other)
    }

    /// Reads a PNG of eight-bit RGB.
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut reader = png::Decoder::new(io::BufReader::new(File::open(path)?)).read_info().map_err(io::Error::other)?;
        let size = reader.output_buffer_size().ok_or_else(|| io::Error::other("too large"))?;
        let mut rgb = vec![0; size];
        let info = reader.next_frame(&mut rgb).map_err(io::Error::other)?;
        if (info.color_type, info.bit_depth) != (png::ColorType::Rgb, png::BitDepth::Eight) {
            return Err(io::Error::other("not eight-bit RGB"));
        }
        rgb.truncate(info.buffer_size());
        Ok(Self { width: info.width as usize, height: info.height as usize, rgb })
    }
}

/// A pixel as the two bytes a display takes, the high one first.
pub fn raw(colour: Rgb565) -> u16 {
    RawU16::from(colour).into_inner()
}
