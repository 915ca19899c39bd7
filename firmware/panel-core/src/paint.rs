//! From a page to pixels: two sizes, one way to draw.
//!
//! 128 × 64: six rows of 6 × 10 characters, a border of two and four pixels is left for the shift against burn-in.
//! 320 × 240: a header of 40, ten rows of 20. Colours are roles; each has a contrast of 7:1 or more on black, and none says anything alone.

use embedded_graphics::{
    image::GetPixel as _,
    mono_font::{
        MonoFont, ascii,
        iso_8859_1::{FONT_6X10, FONT_10X20},
    },
    pixelcolor::{BinaryColor, PixelColor, Rgb565, RgbColor},
    prelude::*,
    primitives::Rectangle,
};
use qrcodegen_no_heap::{QrCode, QrCodeEcc, Version};

use crate::{
    buttons::Key,
    ui::{
        Layout, Line, Page, Role,
        format::{Clock, Count},
    },
    wire::Word,
};

/// The colour of each role.
#[derive(Debug, Clone, Copy)]
pub struct Palette<C> {
    /// Behind everything.
    pub background: C,
    /// What is said, and what is inverted.
    pub text: C,
    /// Good to know.
    pub quiet: C,
    /// All well.
    pub good: C,
    /// Somebody should look.
    pub warn: C,
    /// Something does not work.
    pub bad: C,
    /// A selected row's background; the same as `background` where `>` alone must do.
    pub selected: C,
}

impl Palette<BinaryColor> {
    /// Lit or not.
    pub const MONO: Self = Self {
        background: BinaryColor::Off,
        text: BinaryColor::On,
        quiet: BinaryColor::On,
        good: BinaryColor::On,
        warn: BinaryColor::On,
        bad: BinaryColor::On,
        selected: BinaryColor::Off,
    };
}

impl Palette<Rgb565> {
    /// On black; the dark blue of the selected row keeps 7:1 with all others, too.
    pub const COLOUR: Self = Self {
        background: Rgb565::BLACK,
        text: Rgb565::WHITE,
        quiet: Rgb565::new(23, 47, 24),
        good: Rgb565::new(12, 58, 14),
        warn: Rgb565::new(31, 54, 6),
        bad: Rgb565::new(31, 41, 20),
        selected: Rgb565::new(2, 7, 9),
    };
}

impl<C: Copy> Palette<C> {
    const fn of(&self, role: Role) -> C {
        match role {
            Role::Text => self.text,
            Role::Quiet => self.quiet,
            Role::Good => self.good,
            Role::Warn => self.warn,
            Role::Bad => self.bad,
        }
    }
}

/// What changes a picture though the page is the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moving {
    /// The time, for texts that scroll.
    pub now_ms: u32,
    /// Keys that look pressed, a bit each.
    pub pressed: u8,
    /// Pixels to the right and down, against burn-in: see [`shift`].
    pub shift: (u8, u8),
}

/// How far the picture is moved at this time: through the pixels that are left over, one step a minute.
pub const fn shift(now_ms: u32) -> (u8, u8) {
    let step = now_ms / crate::ui::SHIFT_EVERY_MS % 4;
    [(0, 0), (1, 1), (2, 2), (1, 1)][step as usize]
}

/// Version (size) of the QR code that a text needs, if it is one of the small ones.
pub(crate) fn qr_version(text: &str) -> Option<u8> {
    with_qr(text, |code| code.version().value())
}

/// Largest QR code that is drawn: 29 modules a side.
const QR_LARGEST: u8 = 3;

fn with_qr<T>(text: &str, use_it: impl FnOnce(&QrCode<'_>) -> T) -> Option<T> {
    const LEN: usize = Version::new(QR_LARGEST).buffer_len();
    let (mut scratch, mut code) = ([0; LEN], [0; LEN]);
    let (least, most) = (Version::new(1), Version::new(QR_LARGEST));
    let made = QrCode::encode_text(text, &mut scratch, &mut code, QrCodeEcc::Low, least, most, None, true);
    made.ok().map(|code| use_it(&code))
}

/// Where things go on a display.
struct Metrics {
    width: i32,
    height: i32,
    header: i32,
    font: &'static MonoFont<'static>,
    large: &'static MonoFont<'static>,
    /// How many pixels a pixel of `large` and of the header's word is.
    large_scale: i32,
    word_scale: i32,
    row: i32,
    module: i32,
    /// What the shift may use.
    spare: (i32, i32),
}

const MONO: Metrics = Metrics {
    width: 126,
    height: 60,
    header: 10,
    font: &FONT_6X10,
    large: &ascii::FONT_10X20,
    large_scale: 1,
    word_scale: 1,
    row: 10,
    module: 2,
    spare: (2, 4),
};

const COLOUR: Metrics = Metrics {
    width: 320,
    height: 240,
    header: 40,
    font: &FONT_10X20,
    large: &FONT_10X20,
    large_scale: 2,
    word_scale: 2,
    row: 20,
    module: 4,
    spare: (0, 0),
};

/// Draws a page for 128 × 64.
pub fn mono<D: DrawTarget<Color = BinaryColor>>(page: &Page, moving: Moving, target: &mut D) -> Result<(), D::Error> {
    Painter { target, palette: &Palette::MONO, metrics: &MONO, moving }.page(page)
}

/// Draws a page for 320 × 240.
pub fn colour<D: DrawTarget<Color = Rgb565>>(page: &Page, moving: Moving, target: &mut D) -> Result<(), D::Error> {
    Painter { target, palette: &Palette::COLOUR, metrics: &COLOUR, moving }.page(page)
}

struct Painter<'a, D: DrawTarget> {
    target: &'a mut D,
    palette: &'a Palette<D::Color>,
    metrics: &'a Metrics,
    moving: Moving,
}

impl<D: DrawTarget> Painter<'_, D>
where
    D::Color: PixelColor,
{
    fn page(&mut self, page: &Page) -> Result<(), D::Error> {
        self.target.clear(self.palette.background)?;
        let mut y = 0;
        if page.header.is_some() {
            self.header(page)?;
            y = self.metrics.header;
        }
        if let Some(big) = &page.big {
            y += self.big(big.as_str(), usize::from(page.layout.cols), y)?;
        }
        for line in &page.lines {
            self.line(line, usize::from(page.layout.cols), y)?;
            y += self.metrics.row;
        }
        let bottom = self.metrics.height - if page.labels.iter().any(Option::is_some) { self.metrics.row } else { 0 };
        if let Some((hours, most)) = &page.chart {
            self.chart(hours, *most, y, bottom)?;
        } else if let Some(percent) = page.bar {
            self.bar(percent, y, bottom)?;
        }
        self.labels(page)?;
        if let Some(code) = &page.qr {
            self.qr(code.as_str(), if page.header.is_some() { self.metrics.header } else { 0 })?;
        }
        Ok(())
    }

    /// A point moved by the shift.
    fn at(&self, x: i32, y: i32) -> Point {
        let (right, down) = self.moving.shift;
        Point::new(x + i32::from(right).min(self.metrics.spare.0), y + i32::from(down).min(self.metrics.spare.1))
    }

    fn fill(&mut self, x: i32, y: i32, width: i32, height: i32, colour: D::Color) -> Result<(), D::Error> {
        let size = Size::new(width.max(0).unsigned_abs(), height.max(0).unsigned_abs());
        self.target.fill_solid(&Rectangle::new(self.at(x, y), size), colour)
    }

    fn text(&mut self, text: &str, x: i32, y: i32, colour: D::Color) -> Result<(), D::Error> {
        self.scaled(text, self.metrics.font, 1, x, y, colour)
    }

    /// Text whose every pixel is `scale` pixels a side. Pixel by pixel: the general way is four times as much program.
    fn scaled(&mut self, text: &str, font: &MonoFont<'_>, scale: i32, x: i32, y: i32, colour: D::Color) -> Result<(), D::Error> {
        let (width, height) = (font.character_size.width as i32, font.character_size.height as i32);
        let in_a_row = font.image.size().width as i32 / width;
        for (place, char) in (0..).zip(text.chars()) {
            let glyph = font.glyph_mapping.index(char) as i32;
            let corner = Point::new(glyph % in_a_row * width, glyph / in_a_row * height);
            for at in Rectangle::new(Point::zero(), font.character_size).points() {
                if font.image.pixel(corner + at) == Some(BinaryColor::On) {
                    self.fill(x + (place * width + at.x) * scale, y + at.y * scale, scale, scale, colour)?;
                }
            }
        }
        Ok(())
    }

    const fn char_width(&self) -> i32 {
        self.metrics.font.character_size.width as i32
    }

    fn header(&mut self, page: &Page) -> Result<(), D::Error> {
        let Some(header) = &page.header else { return Ok(()) };
        let roomy = page.layout.roomy;
        let char_width = self.char_width();
        let role = Role::from(header.word);
        // Small: the whole row inverted. Large: the word in its colour, twice as high, a line below.
        let (ink, right_y) = if roomy {
            let colour = self.palette.of(role);
            self.fill(0, self.metrics.header - 3, self.metrics.width, 2, colour)?;
            (colour, 8)
        } else {
            self.fill(0, 0, self.metrics.width, self.metrics.header, self.palette.text)?;
            (self.palette.background, 0)
        };
        let mut right = crate::Text::<16>::default();
        {
            use core::fmt::Write as _;
            if let Some(queue) = header.queue {
                let count = Count(u64::from(queue));
                let _ = write!(right, "Q{count}");
                // Mark, word, number and clock in a row, and a space between each.
                if !roomy && header.title.chars() + right.chars() + 9 > usize::from(page.layout.cols) {
                    right = crate::Text::default();
                    let _ = write!(right, "{count}");
                }
            }
            if let Some(clock) = header.clock {
                let _ = write!(right, "{}{}", if right.is_empty() { "" } else { " " }, Clock(clock));
            }
        }
        if roomy {
            self.icon(header.word, ink)?;
            // The word twice as high, unless it is so long that only the small one fits.
            let big_width = self.metrics.word_scale * 6 * header.title.chars() as i32;
            let room = self.metrics.width - 40 - right.chars() as i32 * char_width;
            if big_width <= room {
                self.scaled(header.title.as_str(), &FONT_6X10, self.metrics.word_scale + i32::from(big_width * 3 / 2 <= room), 36, 4, ink)?;
            } else {
                self.text(header.title.as_str(), 36, right_y, ink)?;
            }
        } else {
            let mark = match header.word {
                Word::Ok => "*",
                Word::Degraded => "!",
                Word::Stopped => "X",
            };
            self.text(mark, 1, 0, ink)?;
            self.text(header.title.as_str(), 2 * char_width, 0, ink)?;
        }
        let x = self.metrics.width - right.chars() as i32 * char_width;
        self.text(right.as_str(), x, right_y, if roomy { self.palette.text } else { ink })
    }

    /// A shape of its own for each word, so that colour is not all that tells: disc, triangle, square. Drawn row by row: the general primitives
    /// would be a tenth of a microcontroller's program.
    fn icon(&mut self, word: Word, colour: D::Color) -> Result<(), D::Error> {
        const SIDE: i32 = 25;
        for y in 0..SIDE {
            let inset = match word {
                Word::Ok => {
                    let (from_middle, radius) = (2 * y + 1 - SIDE, SIDE);
                    let half = (0..=radius).rev().find(|half| half * half + from_middle * from_middle <= radius * radius).unwrap_or(0);
                    (radius - half) / 2
                }
                Word::Degraded => (SIDE - 1 - y) / 2,
                Word::Stopped => 0,
            };
            self.fill(4 + inset, 5 + y, SIDE - 2 * inset, 1, colour)?;
        }
        Ok(())
    }

    /// Draws the large text; answers how high it is.
    fn big(&mut self, text: &str, cols: usize, y: i32) -> Result<i32, D::Error> {
        let room = cols as i32 * self.char_width();
        let width = |scale: i32| text.chars().count() as i32 * self.metrics.large.character_size.width as i32 * scale;
        let scale = if width(self.metrics.large_scale) <= room { self.metrics.large_scale } else { 1 };
        let height = 2 * self.metrics.row;
        let own = self.metrics.large.character_size.height as i32 * scale;
        let (x, large) = ((room - width(scale)).max(0) / 2, self.metrics.large);
        self.scaled(text, large, scale, x, y + (height - own) / 2, self.palette.text)?;
        Ok(height)
    }

    fn line(&mut self, line: &Line, cols: usize, y: i32) -> Result<(), D::Error> {
        let char_width = self.char_width();
        if line.selected && self.metrics.spare == (0, 0) {
            self.fill(0, y, cols as i32 * char_width, self.metrics.row, self.palette.selected)?;
        }
        let colour = self.palette.of(line.role);
        let right = line.right.chars();
        let room = if right == 0 { cols } else { cols.saturating_sub(right + 1) };
        let left = window(line.left.as_str(), room, self.moving.now_ms);
        self.text(left, 0, y, colour)?;
        if right > 0 {
            self.text(line.right.as_str(), cols.saturating_sub(right) as i32 * char_width, y, colour)?;
        }
        Ok(())
    }

    fn labels(&mut self, page: &Page) -> Result<(), D::Error> {
        let (char_width, y) = (self.char_width(), self.metrics.height - self.metrics.row);
        for (index, label) in page.labels.iter().enumerate() {
            let Some(label) = label else { continue };
            let chars = label.text.chars().count();
            let cols = usize::from(page.layout.cols);
            let x = if index == 0 { 0 } else { cols.saturating_sub(chars) as i32 * char_width };
            let pressed = self.moving.pressed & label.key.bit() != 0;
            let (ink, paper) =
                if pressed { (self.palette.background, self.palette.text) } else { (self.palette.quiet, self.palette.background) };
            self.fill(x, y, chars as i32 * char_width, self.metrics.row, paper)?;
            self.text(label.text, x, y, ink)?;
        }
        Ok(())
    }

    fn bar(&mut self, percent: u8, top: i32, bottom: i32) -> Result<(), D::Error> {
        let height = (bottom - top - 2).min(self.metrics.row - 2);
        if height < 3 {
            return Ok(());
        }
        let (width, ink, paper) = (self.metrics.width, self.palette.text, self.palette.background);
        self.fill(0, top + 1, width, height, ink)?;
        self.fill(1, top + 2, width - 2, height - 2, paper)?;
        self.fill(2, top + 3, (width - 4) * i32::from(percent.min(100)) / 100, height - 4, ink)
    }

    /// A column an hour; the highest is `most` studies, which is written at the left.
    fn chart(&mut self, hours: &[u8; 24], most: u32, top: i32, bottom: i32) -> Result<(), D::Error> {
        let height = bottom - top - 8;
        if most == 0 || height < 16 {
            return Ok(());
        }
        let mut label = crate::Text::<16>::default();
        let _ = core::fmt::Write::write_fmt(&mut label, format_args!("Q{most}"));
        self.text(label.as_str(), 0, top + 4, self.palette.quiet)?;
        if height >= 2 * self.metrics.row {
            self.text("24h", 0, bottom - 4 - self.metrics.row, self.palette.quiet)?;
        }
        let left = 60;
        let step = (self.metrics.width - left) / 24;
        for (index, hour) in hours.iter().enumerate() {
            let own = (i32::from(*hour) * height / 255).max(1);
            self.fill(left + index as i32 * step, bottom - 4 - own, step - 2, own, self.palette.good)?;
        }
        Ok(())
    }

    /// Dark on light, with three lit modules around.
    fn qr(&mut self, text: &str, top: i32) -> Result<(), D::Error> {
        const QUIET: i32 = 3;
        let module = self.metrics.module;
        let drawn = with_qr(text, |code| {
            let side = (code.size() + 2 * QUIET) * module;
            // A code as high as the display leaves nothing to shift.
            let (spare, moving) = (self.metrics.height + self.metrics.spare.1 - top - side, self.moving);
            if spare < self.metrics.spare.1 {
                self.moving.shift = (0, 0);
            }
            let x = self.metrics.width - side + if spare < self.metrics.spare.1 { self.metrics.spare.0 } else { 0 };
            let mut draw = || {
                self.fill(x, top, side, side, self.palette.text)?;
                for row in 0..code.size() {
                    for column in (0..code.size()).filter(|column| code.get_module(*column, row)) {
                        let (dark, at) = (self.palette.background, (x + (column + QUIET) * module, top + (row + QUIET) * module));
                        self.fill(at.0, at.1, module, module, dark)?;
                    }
                }
                Ok(())
            };
            let drawn = draw();
            self.moving = moving;
            drawn
        });
        drawn.unwrap_or(Ok(()))
    }
}

/// Milliseconds from one character to the next of a text that scrolls.
const SCROLL_MS: u32 = 250;
/// How many such steps it rests at each end.
const REST: u32 = 6;

/// The part of a text to be seen in `room` characters at this time.
fn window(text: &str, room: usize, now_ms: u32) -> &str {
    let chars = text.chars().count();
    let over = u32::try_from(chars.saturating_sub(room)).unwrap_or(0);
    let skipped = if over == 0 { 0 } else { (now_ms / SCROLL_MS % (over + 2 * REST)).saturating_sub(REST).min(over) };
    let at = |chars: usize| text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
    let from = at(skipped as usize);
    &text[from..at(skipped as usize + room).max(from)]
}

/// Whether anything on a page scrolls, so that it must be drawn again as time passes.
pub fn scrolls(page: &Page) -> bool {
    page.lines.iter().any(|line| {
        let right = line.right.chars();
        line.left.chars() + if right == 0 { 0 } else { right + 1 } > usize::from(page.layout.cols)
    })
}

/// The bits of the keys for which `pressed` holds.
pub fn pressed_keys(pressed: impl Fn(Key) -> bool) -> u8 {
    Key::ALL.iter().filter(|key| pressed(**key)).fold(0, |bits, key| bits | key.bit())
}

/// The picture of a 128 × 64 display in the order in which an SSD1306 takes it: eight rows of 128 bytes, each byte eight pixels from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonoFrame(pub [u8; 1024]);

impl Default for MonoFrame {
    fn default() -> Self {
        Self::new()
    }
}

impl MonoFrame {
    /// All dark.
    pub const fn new() -> Self {
        Self([0; 1024])
    }

    /// Whether a pixel is lit; those outside are not.
    pub fn lit(&self, x: usize, y: usize) -> bool {
        x < 128 && y < 64 && self.0[y / 8 * 128 + x] & 1 << (y % 8) != 0
    }
}

impl OriginDimensions for MonoFrame {
    fn size(&self) -> Size {
        Size::new(128, 64)
    }
}

impl DrawTarget for MonoFrame {
    type Color = BinaryColor;
    type Error = core::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: I) -> Result<(), Self::Error> {
        for Pixel(point, colour) in pixels {
            if let (Ok(x @ 0..128), Ok(y @ 0..64)) = (usize::try_from(point.x), usize::try_from(point.y)) {
                let (byte, bit) = (&mut self.0[y / 8 * 128 + x], 1 << (y % 8));
                *byte = if colour.is_on() { *byte | bit } else { *byte & !bit };
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

/// The layout that fits [`mono`].
pub const MONO_LAYOUT: Layout = Layout::MONO;
/// The layout that fits [`colour`].
pub const COLOUR_LAYOUT: Layout = Layout::COLOUR;
