//! A frame's bytes to samples.

use jpeg_decoder::{ColorTransform, Decoder, PixelFormat};
use relaypacs_domain::Uid;

use super::{MAX_PIXELS, PreviewError, layout::Layout};

/// How a frame is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Native,
    Rle,
    Jpeg,
    Jpeg2000,
}

/// The samples of a frame.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) columns: u32,
    pub(super) rows: u32,
    pub(super) channels: u32,
    /// The decoder has made RGB of it.
    pub(super) is_rgb: bool,
    values: Values,
}

#[derive(Debug)]
enum Values {
    /// As they are stored.
    Stored { bytes: Vec<u8>, bytes_each: usize, big_endian: bool, order: Order, stored: Stored },
    /// Channel by channel.
    Real(Vec<Vec<f32>>),
}

/// In which order channels lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    PixelByPixel,
    PlaneByPlane,
    /// Y Y Cb Cr for two pixels.
    Halved,
}

/// Which bits of a sample count.
#[derive(Debug, Clone, Copy)]
struct Stored {
    bits: u32,
    signed: bool,
}

impl Coding {
    /// Of a transfer syntax.
    pub(super) fn of(transfer_syntax: &Uid) -> Result<Self, PreviewError> {
        match transfer_syntax.as_str() {
            "1.2.840.10008.1.2" | "1.2.840.10008.1.2.1" | "1.2.840.10008.1.2.2" | "1.2.840.113619.5.2" => Ok(Self::Native),
            "1.2.840.10008.1.2.5" => Ok(Self::Rle),
            "1.2.840.10008.1.2.4.50" | "1.2.840.10008.1.2.4.51" | "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70" => Ok(Self::Jpeg),
            "1.2.840.10008.1.2.4.90" | "1.2.840.10008.1.2.4.91" => Ok(Self::Jpeg2000),
            other => Err(PreviewError::Unsupported(format!("the transfer syntax {other}"))),
        }
    }
}

/// Decodes a frame. `size`: the longest side that is wanted, where a decoder can use that.
pub(super) fn samples(coding: Coding, bytes: Vec<u8>, layout: &Layout, size: u32) -> Result<Samples, PreviewError> {
    match coding {
        Coding::Native => Ok(native(bytes, layout)),
        Coding::Rle => rle(&bytes, layout),
        Coding::Jpeg => jpeg(&bytes, layout),
        Coding::Jpeg2000 => jpeg2000(&bytes, layout, size),
    }
}

impl Layout {
    const fn stored(&self) -> Stored {
        Stored { bits: self.bits_stored, signed: self.signed }
    }
}

fn native(bytes: Vec<u8>, layout: &Layout) -> Samples {
    let order = match (layout.photometric.as_str(), layout.planar) {
        ("YBR_FULL_422", _) => Order::Halved,
        (_, true) => Order::PlaneByPlane,
        (_, false) => Order::PixelByPixel,
    };
    let values = Values::Stored {
        bytes,
        bytes_each: (layout.bits_allocated / 8) as usize,
        big_endian: layout.big_endian,
        order,
        stored: layout.stored(),
    };
    Samples { columns: layout.columns, rows: layout.rows, channels: layout.samples, is_rgb: false, values }
}

/// RLE (PS3.5 annex G): a segment of PackBits for each byte of each sample, the most significant first.
fn rle(bytes: &[u8], layout: &Layout) -> Result<Samples, PreviewError> {
    let header: &[[u8; 4]] = bytes.get(..64).ok_or(PreviewError::Broken("an RLE frame without header"))?.as_chunks().0;
    let number = |at: usize| u32::from_le_bytes(header[at]) as usize;
    let bytes_each = (layout.bits_allocated / 8) as usize;
    let segments = bytes_each * layout.samples as usize;
    if number(0) != segments || segments > 15 {
        return Err(PreviewError::Broken("an RLE frame with another number of segments than samples"));
    }
    let pixels = layout.rows as usize * layout.columns as usize;
    let mut planes = vec![0; pixels * segments];
    for segment in 0..segments {
        let (start, end) = (number(1 + segment), if segment + 1 < segments { number(2 + segment) } else { bytes.len() });
        let packed = bytes.get(start..end).ok_or(PreviewError::Broken("an RLE segment outside its frame"))?;
        // The plane of its sample; big endian within.
        let (sample, byte) = (segment / bytes_each, segment % bytes_each);
        let plane = &mut planes[sample * pixels * bytes_each..(sample + 1) * pixels * bytes_each];
        unpack(packed, plane.iter_mut().skip(byte).step_by(bytes_each));
    }
    let values = Values::Stored { bytes: planes, bytes_each, big_endian: true, order: Order::PlaneByPlane, stored: layout.stored() };
    Ok(Samples { columns: layout.columns, rows: layout.rows, channels: layout.samples, is_rgb: false, values })
}

/// PackBits; what is missing stays as it is, what is too much is left out.
fn unpack<'p>(mut packed: &[u8], mut into: impl Iterator<Item = &'p mut u8>) {
    while let Some((control, rest)) = packed.split_first() {
        let control = *control as i8;
        if control >= 0 {
            let literal = &rest[..rest.len().min(control as usize + 1)];
            for byte in literal {
                let Some(place) = into.next() else { return };
                *place = *byte;
            }
            packed = &rest[literal.len()..];
        } else if control == -128 {
            packed = rest;
        } else {
            let Some((byte, rest)) = rest.split_first() else { return };
            for _ in 0..=-i32::from(control) {
                let Some(place) = into.next() else { return };
                *place = *byte;
            }
            packed = rest;
        }
    }
}

fn jpeg(bytes: &[u8], layout: &Layout) -> Result<Samples, PreviewError> {
    let mut decoder = Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(3 * MAX_PIXELS as usize);
    if layout.photometric == "RGB" {
        // Written without a marker that says so.
        decoder.set_color_transform(ColorTransform::None);
    }
    let refused = |error: jpeg_decoder::Error| match error {
        jpeg_decoder::Error::Unsupported(_) => PreviewError::Unsupported("this kind of JPEG".into()),
        _ => PreviewError::Broken("its JPEG is damaged"),
    };
    decoder.read_info().map_err(refused)?;
    let info = decoder.info().ok_or(PreviewError::Broken("its JPEG is damaged"))?;
    let (columns, rows) = (u32::from(info.width), u32::from(info.height));
    if u64::from(columns) * u64::from(rows) > MAX_PIXELS {
        return Err(PreviewError::TooBig);
    }
    let pixels = decoder.decode().map_err(refused)?;
    let (channels, bytes_each) = match info.pixel_format {
        PixelFormat::L8 => (1, 1),
        PixelFormat::L16 => (1, 2),
        PixelFormat::RGB24 => (3, 1),
        PixelFormat::CMYK32 => return Err(PreviewError::Unsupported("a CMYK JPEG".into())),
    };
    let stored = Stored { bits: layout.bits_stored.min(8 * bytes_each as u32), signed: layout.signed && bytes_each == 2 };
    let big_endian = cfg!(target_endian = "big");
    let values = Values::Stored { bytes: pixels, bytes_each, big_endian, order: Order::PixelByPixel, stored };
    Ok(Samples { columns, rows, channels, is_rgb: channels == 3, values })
}

fn jpeg2000(bytes: &[u8], layout: &Layout, size: u32) -> Result<Samples, PreviewError> {
    use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};
    let damaged = |_| PreviewError::Broken("its JPEG 2000 is damaged");
    // A lower resolution is enough, and takes a fraction of the time and memory.
    let scale = f64::from(size) / f64::from(layout.columns.max(layout.rows));
    let wanted = |side: u32| ((f64::from(side) * scale).ceil() as u32).max(1);
    let target_resolution = (scale < 1.0).then(|| (wanted(layout.columns), wanted(layout.rows)));
    let image = Image::new(bytes, &DecodeSettings { target_resolution, ..DecodeSettings::default() }).map_err(damaged)?;
    let (columns, rows) = (image.width(), image.height());
    if u64::from(columns) * u64::from(rows) > u64::from(layout.columns) * u64::from(layout.rows) {
        return Err(PreviewError::Broken("its JPEG 2000 is bigger than its header says"));
    }
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(damaged)?;
    let channels = match decoded.components().len() {
        1 => 1,
        3.. => 3,
        _ => return Err(PreviewError::Unsupported("a JPEG 2000 of two components".into())),
    };
    let is_signed = codestream_is_signed(bytes);
    let pixels = columns as usize * rows as usize;
    let mut planes = Vec::new();
    for component in decoded.components().iter().take(channels as usize) {
        let samples = component.samples();
        if samples.len() < pixels {
            return Err(PreviewError::Broken("its JPEG 2000 is damaged"));
        }
        // The decoder takes every component for unsigned.
        let half = (1_u64 << component.bit_depth().clamp(1, 32).saturating_sub(1)) as f32;
        let value = |sample: &f32| match (is_signed, layout.signed) {
            (true, _) => sample - half,
            (false, true) if *sample >= half => sample - 2.0 * half,
            (false, _) => *sample,
        };
        planes.push(samples[..pixels].iter().map(value).collect());
    }
    Ok(Samples { columns, rows, channels, is_rgb: channels == 3, values: Values::Real(planes) })
}

/// Whether the first component is signed: Ssiz in the SIZ segment, the first of a codestream (ISO/IEC 15444-1 A.5.1).
fn codestream_is_signed(bytes: &[u8]) -> bool {
    let start = bytes.windows(4).take(4096).position(|window| window == [0xFF, 0x4F, 0xFF, 0x51]);
    start.and_then(|start| bytes.get(start + 42)).is_some_and(|ssiz| ssiz & 0x80 != 0)
}

impl Samples {
    /// A sample's value; places outside do not occur.
    pub(super) fn at(&self, x: u32, y: u32, channel: u32) -> f32 {
        let (columns, rows) = (self.columns as usize, self.rows as usize);
        let pixel = y as usize * columns + x as usize;
        match &self.values {
            Values::Real(planes) => planes.get(channel as usize).and_then(|plane| plane.get(pixel)).copied().unwrap_or(0.0),
            Values::Stored { bytes, bytes_each, big_endian, order, stored } => {
                let index = match order {
                    Order::PixelByPixel => pixel * self.channels as usize + channel as usize,
                    Order::PlaneByPlane => channel as usize * columns * rows + pixel,
                    Order::Halved if channel == 0 => pixel / 2 * 4 + pixel % 2,
                    Order::Halved => pixel / 2 * 4 + 1 + channel as usize,
                };
                bytes.get(index * bytes_each..(index + 1) * bytes_each).map_or(0.0, |sample| stored.value(sample, *big_endian))
            }
        }
    }
}

impl Stored {
    fn value(self, sample: &[u8], big_endian: bool) -> f32 {
        let push = |value: u32, byte: &u8| value << 8 | u32::from(*byte);
        let raw = if big_endian { sample.iter().fold(0, push) } else { sample.iter().rev().fold(0, push) };
        let unused = 32 - self.bits.clamp(1, 32);
        if self.signed { ((raw << unused) as i32 >> unused) as f32 } else { (raw << unused >> unused) as f32 }
    }
}
