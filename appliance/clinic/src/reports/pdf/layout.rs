//! Where everything stands on the pages. All lengths in points (1/72 in), y from the top.

use super::{
    Letterhead, Printed,
    fonts::Fonts,
    lines::{Line, Style, set, set_one},
};

pub(super) const BLACK: (u8, u8, u8) = (20, 24, 28);
pub(super) const GREY: (u8, u8, u8) = (96, 104, 112);
pub(super) const ACCENT: (u8, u8, u8) = (15, 82, 122);

/// Free space at the left and right edges (25 mm: a report is punched and filed).
const SIDE: f32 = 64.0;
const TOP: f32 = 52.0;
/// Where the text ends and the foot begins, from the bottom.
const BOTTOM: f32 = 72.0;
const LEADING: f32 = 1.42;

const TITLE: Style = Style { size: 17.0, bold: true };
const FACILITY: Style = Style { size: 13.0, bold: true };
const SMALL: Style = Style { size: 8.0, bold: false };
const LABEL: Style = Style { size: 8.5, bold: false };
const VALUE: Style = Style { size: 10.0, bold: false };
const NAME: Style = Style { size: 10.0, bold: true };
const BODY: Style = Style { size: 10.5, bold: false };
const HEADING: Style = Style { size: 10.5, bold: true };

/// Something on a page.
pub(super) enum Piece {
    Text { x: f32, y: f32, line: Line, grey: bool },
    Bar { x: f32, y: f32, width: f32, height: f32, accent: bool },
    Logo { x: f32, y: f32, width: f32, height: f32 },
}

/// A page.
#[derive(Default)]
pub(super) struct Sheet {
    pub(super) pieces: Vec<Piece>,
}

struct Layout<'a> {
    fonts: &'a mut Fonts,
    printed: &'a Printed,
    width: f32,
    height: f32,
    pages: Vec<Sheet>,
    /// Where the next line stands.
    y: f32,
}

/// Lays a report out on as many pages as it needs.
pub(super) fn cover(fonts: &mut Fonts, letterhead: &Letterhead, logo: Option<(u32, u32)>, printed: &Printed) -> Vec<Sheet> {
    let (width, height) = letterhead.paper.points();
    let mut layout = Layout { fonts, printed, width, height, pages: vec![Sheet::default()], y: TOP };
    layout.head(letterhead, logo);
    layout.facts();
    layout.body();
    layout.signature();
    layout.feet();
    layout.pages
}

impl Layout<'_> {
    fn measure(&self) -> f32 {
        self.width - 2.0 * SIDE
    }

    fn put(&mut self, piece: Piece) {
        if let Some(page) = self.pages.last_mut() {
            page.pieces.push(piece);
        }
    }

    /// A line at the left edge of `x`, or at the right edge of `x + width` when it reads so.
    fn line(&mut self, x: f32, y: f32, width: f32, line: Line, grey: bool) {
        let x = if line.rtl { x + (width - line.width).max(0.0) } else { x };
        self.put(Piece::Text { x, y, line, grey });
    }

    fn bar(&mut self, y: f32, height: f32, accent: bool) {
        let width = self.measure();
        self.put(Piece::Bar { x: SIDE, y, width, height, accent });
    }

    /// Logo at the left, facility and address beside it, a bar below.
    fn head(&mut self, letterhead: &Letterhead, logo: Option<(u32, u32)>) {
        const LOGO_HIGH: f32 = 46.0;
        const LOGO_WIDE: f32 = 150.0;
        let (mut left, mut bottom) = (SIDE, self.y);
        if let Some((wide, high)) = logo.filter(|(wide, high)| *wide > 0 && *high > 0) {
            let scale = (LOGO_WIDE / wide as f32).min(LOGO_HIGH / high as f32);
            let (width, height) = (wide as f32 * scale, high as f32 * scale);
            self.put(Piece::Logo { x: SIDE, y: self.y, width, height });
            left += width + 16.0;
            bottom += height;
        }
        let room = self.width - SIDE - left;
        let mut y = self.y;
        if !letterhead.facility.is_empty() {
            y += FACILITY.size;
            let line = set_one(self.fonts, &letterhead.facility, FACILITY, room);
            self.line(left, y, room, line, false);
            y += 3.0;
        }
        for text in letterhead.address.iter().take(5) {
            y += SMALL.size * 1.35;
            let line = set_one(self.fonts, text, SMALL, room);
            self.line(left, y, room, line, true);
        }
        bottom = bottom.max(y);
        if bottom > self.y {
            self.bar(bottom + 10.0, 1.4, true);
            self.y = bottom + 12.0;
        }
        self.y += 20.0 + TITLE.size;
        let width = self.measure();
        let title = set_one(self.fonts, &self.printed.title, TITLE, width);
        self.line(SIDE, self.y, width, title, false);
        self.y += 20.0;
    }

    /// Names and values in two columns.
    fn facts(&mut self) {
        let gap = 18.0;
        let column = (self.measure() - gap) / 2.0;
        let facts: Vec<_> = self.printed.facts.iter().filter(|(_, value)| !value.trim().is_empty()).cloned().collect();
        if facts.is_empty() {
            return;
        }
        self.bar(self.y - 4.0, 0.5, false);
        for (row, pair) in facts.chunks(2).enumerate() {
            let mut tallest = 0.0_f32;
            for (index, (name, value)) in pair.iter().enumerate() {
                let x = SIDE + index as f32 * (column + gap);
                let label = set_one(self.fonts, name, LABEL, column);
                self.line(x, self.y + 9.0, column, Line { rtl: false, ..label }, true);
                let style = if row == 0 && index == 0 { NAME } else { VALUE };
                let lines: Vec<Line> = set(self.fonts, value, style, column).into_iter().take(3).collect();
                let height = lines.len() as f32 * style.size * 1.25;
                for (n, line) in lines.into_iter().enumerate() {
                    self.line(x, self.y + 21.5 + n as f32 * style.size * 1.25, column, Line { rtl: false, ..line }, false);
                }
                tallest = tallest.max(height);
            }
            self.y += tallest + 15.0;
        }
        self.bar(self.y + 2.0, 0.5, false);
        self.y += 14.0;
    }

    fn body(&mut self) {
        self.y += 4.0;
        let width = self.measure();
        for paragraph in self.printed.text.split('\n') {
            let style = if is_heading(paragraph) { HEADING } else { BODY };
            // A heading does not stand alone at the foot of a page.
            let keep = if style.bold { 3.0 } else { 1.0 };
            if style.bold && self.y > TOP + 60.0 {
                self.y += 5.0;
            }
            self.need(BODY.size * LEADING * keep);
            for line in set(self.fonts, paragraph, style, width) {
                self.need(BODY.size * LEADING);
                self.y += style.size * LEADING;
                self.line(SIDE, self.y, width, line, false);
            }
        }
    }

    /// Who says it, kept together.
    fn signature(&mut self) {
        let (width, lines) = (self.measure(), self.printed.signature.clone());
        self.need(BODY.size * LEADING * (lines.len() as f32 + 2.5));
        self.y += 16.0;
        for (index, text) in lines.iter().enumerate() {
            self.y += BODY.size * LEADING;
            let style = if index == 0 { HEADING } else { VALUE };
            let line = set_one(self.fonts, text, style, width);
            self.line(SIDE, self.y, width, Line { rtl: false, ..line }, index > 0);
        }
    }

    /// Goes on to the next page unless there is still this much room.
    fn need(&mut self, room: f32) {
        if self.y + room <= self.height - BOTTOM {
            return;
        }
        self.pages.push(Sheet::default());
        let width = self.measure();
        let about = set_one(self.fonts, &self.printed.about, SMALL, width);
        self.line(SIDE, TOP, width, Line { rtl: false, ..about }, true);
        self.bar(TOP + 6.0, 0.5, false);
        self.y = TOP + 16.0;
    }

    /// The foot of every page, once their number is known.
    fn feet(&mut self) {
        let (width, pages) = (self.measure(), self.pages.len());
        let y = self.height - 40.0;
        for index in 0..pages {
            let count = set_one(self.fonts, &format!("Page {} of {pages}", index + 1), SMALL, width);
            let footer = set_one(self.fonts, &self.printed.footer, SMALL, width - count.width - 12.0);
            let pieces = [
                Piece::Bar { x: SIDE, y: y - 14.0, width, height: 0.5, accent: false },
                Piece::Text { x: SIDE, y, line: footer, grey: true },
                Piece::Text { x: SIDE + width - count.width, y, line: count, grey: true },
            ];
            if let Some(page) = self.pages.get_mut(index) {
                page.pieces.extend(pieces);
            }
        }
    }
}

/// Reports head their parts with a word and a colon, or in capitals.
fn is_heading(paragraph: &str) -> bool {
    let text = paragraph.trim();
    let short = (3..=48).contains(&text.chars().count());
    let capitals =
        || text.chars().any(char::is_uppercase) && !text.chars().any(|c| c.is_lowercase() || c.is_ascii_digit() || ".,;".contains(c));
    short && ((text.ends_with(':') && !text[..text.len() - 1].contains(['.', ':'])) || capitals())
}
