//! Samples to a picture.

use png::{BitDepth, ColorType, Compression, Encoder};

use super::{PreviewError, decode::Samples, layout::Layout};

/// The picture as PNG, no side longer than `size`.
pub(super) fn png(samples: &Samples, layout: &Layout, window: Option<(f64, f64)>, size: u32) -> Result<Vec<u8>, PreviewError> {
    let frame = Frame::new(samples, size);
    let (colour, pixels) = match &layout.palette {
        Some(palette) if samples.channels == 1 && layout.photometric == "PALETTE COLOR" => {
            let value = |index: f32| palette.iter().map(move |table| table.value(index as i32));
            (ColorType::Rgb, frame.nearest().into_iter().flat_map(value).collect())
        }
        _ if samples.channels == 3 => (ColorType::Rgb, frame.colours(layout)),
        _ => (ColorType::Grayscale, frame.grey(layout, window)),
    };
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, frame.width, frame.height);
    encoder.set_color(colour);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    written.map_err(|_| PreviewError::Broken("the picture cannot be written"))?;
    Ok(file)
}

/// Samples, and the size at which they are shown.
struct Frame<'s> {
    samples: &'s Samples,
    width: u32,
    height: u32,
}

impl<'s> Frame<'s> {
    fn new(samples: &'s Samples, size: u32) -> Self {
        let (columns, rows) = (samples.columns, samples.rows);
        let longest = columns.max(rows);
        let side =
            |side: u32| if longest <= size { side } else { ((u64::from(side) * u64::from(size)).div_ceil(longest.into()) as u32).max(1) };
        Self { samples, width: side(columns), height: side(rows) }
    }

    /// Source places of a place of the picture along one side, at least one.
    fn span(at: u32, shown: u32, of: u32) -> std::ops::Range<u32> {
        let place = |at: u32| (u64::from(at) * u64::from(of) / u64::from(shown)) as u32;
        let start = place(at);
        start..place(at + 1).max(start + 1).min(of)
    }

    /// A channel's values, the mean of the source's where it is bigger.
    fn mean(&self, channel: u32) -> Vec<f32> {
        let mut shown = Vec::with_capacity(self.width as usize * self.height as usize);
        for y in 0..self.height {
            let rows = Self::span(y, self.height, self.samples.rows);
            for x in 0..self.width {
                let columns = Self::span(x, self.width, self.samples.columns);
                let count = rows.len() * columns.len();
                let sum: f32 =
                    rows.clone().flat_map(|y| columns.clone().map(move |x| (x, y))).map(|(x, y)| self.samples.at(x, y, channel)).sum();
                shown.push(sum / count as f32);
            }
        }
        shown
    }

    /// Values that must not be mixed.
    fn nearest(&self) -> Vec<f32> {
        let place = |x, y| (Self::span(x, self.width, self.samples.columns).start, Self::span(y, self.height, self.samples.rows).start);
        let places = (0..self.height).flat_map(|y| (0..self.width).map(move |x| (x, y)));
        places.map(|(x, y)| place(x, y)).map(|(x, y)| self.samples.at(x, y, 0)).collect()
    }

    fn grey(&self, layout: &Layout, window: Option<(f64, f64)>) -> Vec<u8> {
        let modality = |value: f32| f64::from(value) * layout.slope + layout.intercept;
        let values: Vec<f64> = self.mean(0).into_iter().map(modality).collect();
        let (centre, width) = window.or(layout.window).unwrap_or_else(|| {
            let (least, most) = values.iter().fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(*value), most.max(*value)));
            (f64::midpoint(least, most), (most - least).max(1.0))
        });
        let inverted = layout.photometric == "MONOCHROME1";
        let shade = |value: f64| {
            // PS3.3 C.11.2.1.2.1, with a width of one as a step.
            let linear = if width <= 1.0 { f64::from(value > centre - 0.5) } else { (value - (centre - 0.5)) / (width - 1.0) + 0.5 };
            let shade = (linear.clamp(0.0, 1.0) * 255.0).round() as u8;
            if inverted { 255 - shade } else { shade }
        };
        values.into_iter().map(shade).collect()
    }

    fn colours(&self, layout: &Layout) -> Vec<u8> {
        let most = ((1_u64 << layout.bits_stored.min(32)) - 1) as f32;
        let scale = if self.samples.is_rgb && layout.bits_stored <= 8 { 1.0 } else { 255.0 / most };
        let planes = [self.mean(0), self.mean(1), self.mean(2)];
        let is_ybr = !self.samples.is_rgb && layout.photometric.starts_with("YBR_FULL");
        let clamp = |value: f32| value.round().clamp(0.0, 255.0) as u8;
        let mut pixels = Vec::with_capacity(planes[0].len() * 3);
        for ((first, second), third) in planes[0].iter().zip(&planes[1]).zip(&planes[2]) {
            let [first, second, third] = [first, second, third].map(|value| value * scale);
            if is_ybr {
                // PS3.3 C.7.6.3.1.2, full range.
                let (blue, red) = (second - 128.0, third - 128.0);
                pixels.extend([first + 1.402 * red, first - 0.344_136 * blue - 0.714_136 * red, first + 1.772 * blue].map(clamp));
            } else {
                pixels.extend([first, second, third].map(clamp));
            }
        }
        pixels
    }
}
