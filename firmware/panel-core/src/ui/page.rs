//! A screen as text: what is shown, before anybody knows where its pixels go. Tests and the console read it as it is.

use core::fmt::{self, Write as _};

use heapless::Vec;

use crate::{
    Text,
    buttons::Key,
    wire::{Moment, Word},
};

/// What a display has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Characters in a line.
    pub cols: u8,
    /// Lines below the header, the line of key labels included.
    pub rows: u8,
    /// Characters in a line beside a QR code of 21, 25 and 29 modules; 0: it does not fit.
    pub beside_qr: [u8; 3],
    /// Whether the header keeps its place above a QR code.
    pub header_above_qr: bool,
    /// Whether there is room for what is good to know only.
    pub roomy: bool,
}

impl Layout {
    /// 128 × 64: 21 × 6 characters of 6 × 10.
    pub const MONO: Self = Self { cols: 21, rows: 5, beside_qr: [12, 10, 0], header_above_qr: false, roomy: false };
    /// 320 × 240: 32 × 10 characters of 10 × 20 below a header of 40.
    pub const COLOUR: Self = Self { cols: 32, rows: 10, beside_qr: [20, 19, 18], header_above_qr: true, roomy: true };
}

/// What a line is about, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// Said.
    #[default]
    Text,
    /// Good to know.
    Quiet,
    /// All well.
    Good,
    /// Somebody should look.
    Warn,
    /// Something does not work.
    Bad,
}

impl From<Word> for Role {
    fn from(word: Word) -> Self {
        match word {
            Word::Ok => Self::Good,
            Word::Degraded => Self::Warn,
            Word::Stopped => Self::Bad,
        }
    }
}

/// The line at the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The box in one word, for icon and colour.
    pub word: Word,
    /// The word, or what a modal is about.
    pub title: Text<24>,
    /// Studies that wait.
    pub queue: Option<u32>,
    /// The clinic's clock.
    pub clock: Option<Moment>,
}

/// A line. What is too long scrolls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// From the left; scrolls when it is longer than the room beside `right`.
    pub left: Text<64>,
    /// At the right end; never scrolls.
    pub right: Text<20>,
    /// What it is about.
    pub role: Role,
    /// It is the one that OK means.
    pub selected: bool,
}

/// What a key does, at the bottom. Inverted while the key is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// The key.
    pub key: Key,
    /// What it does.
    pub text: &'static str,
}

/// A screen as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What there is room for; narrower than the display's beside a QR code.
    pub layout: Layout,
    /// The line at the top; `None`: a QR code takes its place.
    pub header: Option<Header>,
    /// Large, above the lines; takes the room of two.
    pub big: Option<Text<16>>,
    /// The lines.
    pub lines: Vec<Line, 10, u8>,
    /// Key labels at the left and right end of the last line.
    pub labels: [Option<Label>; 2],
    /// What a QR code says.
    pub qr: Option<Text<64>>,
    /// A bar, filled to so many percent.
    pub bar: Option<u8>,
    /// How much waited in each of the last 24 hours, in parts of 255, and what 255 is.
    pub chart: Option<([u8; 24], u32)>,
    /// A fixed text did not fit: a mistake in the table of words.
    pub overflow: bool,
}

impl Page {
    /// An empty page under a header.
    pub fn new(layout: Layout, header: Header) -> Self {
        Self {
            layout,
            header: Some(header),
            big: None,
            lines: Vec::new(),
            labels: [None; 2],
            qr: None,
            bar: None,
            chart: None,
            overflow: false,
        }
    }

    /// Lines that still fit.
    pub fn room(&self) -> usize {
        let big = if self.big.is_some() { 2 } else { 0 };
        let header = usize::from(self.header.is_none());
        let labels = usize::from(self.labels.iter().any(Option::is_some));
        (usize::from(self.layout.rows) + header).saturating_sub(big + labels + self.lines.len())
    }

    /// A line of a fixed text, which must fit.
    pub fn say(&mut self, role: Role, text: &str) {
        self.overflow |= text.chars().count() > usize::from(self.layout.cols);
        self.line(role, format_args!("{text}"));
    }

    /// A line with something in it that may be long.
    pub fn line(&mut self, role: Role, text: fmt::Arguments<'_>) {
        self.pair(role, text, format_args!(""));
    }

    /// A text of ASCII that is copied by hand, over as many lines as it needs, broken after `/`, `.` or `:`; the last of `most` lines takes the
    /// rest.
    pub fn fold(&mut self, role: Role, text: &str, most: usize) {
        let cols = usize::from(self.layout.cols);
        let mut rest = text;
        for left in (0..most.min(self.room())).rev() {
            let mut cut = rest.len();
            if left > 0 && cut > cols {
                let breaks = |at: &usize| matches!(rest.as_bytes()[at - 1], b'/' | b'.' | b':');
                // After a scheme, if an address then stands in one line; else as late as possible.
                let scheme = (2..=cols).find(|at| rest.as_bytes()[at - 2..*at] == *b"//" && rest.len() - at <= cols);
                cut = scheme.or_else(|| (1..=cols).rfind(breaks)).unwrap_or(cols);
            }
            let Some((line, after)) = rest.split_at_checked(cut) else { return };
            self.line(role, format_args!("{line}"));
            rest = after;
            if rest.is_empty() {
                return;
            }
        }
    }

    /// A line with something at its right end.
    pub fn pair(&mut self, role: Role, left: fmt::Arguments<'_>, right: fmt::Arguments<'_>) {
        let mut line = Line { role, ..Line::default() };
        // What does not fit 64 characters is cut.
        let _ = line.left.write_fmt(left);
        let _ = line.right.write_fmt(right);
        let _ = self.push(line);
    }

    /// A line that may be the selected one.
    pub fn row(&mut self, selected: bool, role: Role, left: fmt::Arguments<'_>, right: fmt::Arguments<'_>) {
        let mut line = Line { role, selected, ..Line::default() };
        let _ = line.left.add(if selected { ">" } else { " " });
        let _ = line.left.write_fmt(left);
        let _ = line.right.write_fmt(right);
        let _ = self.push(line);
    }

    fn push(&mut self, line: Line) -> Result<(), Line> {
        if self.room() == 0 { Err(line) } else { self.lines.push(line) }
    }

    /// What the keys do. To be said before the lines, which get the room that is left.
    pub fn keys(&mut self, left: Option<(Key, &'static str)>, right: Option<(Key, &'static str)>) {
        let label = |label: Option<(Key, &'static str)>| label.filter(|(_, text)| !text.is_empty()).map(|(key, text)| Label { key, text });
        self.labels = [label(left), label(right)];
        let used: usize = self.labels.iter().flatten().map(|label| label.text.chars().count() + 1).sum();
        self.overflow |= used > usize::from(self.layout.cols) + 1;
    }

    /// A QR code, if the display has room for it; lines are narrower from then on. Answers whether it has.
    pub fn code(&mut self, text: Text<64>) -> bool {
        let Some(version) = crate::paint::qr_version(text.as_str()) else { return false };
        let cols = usize::from(version).checked_sub(1).and_then(|at| self.layout.beside_qr.get(at)).copied().unwrap_or(0);
        if cols == 0 {
            return false;
        }
        self.layout.cols = cols;
        self.qr = Some(text);
        if !self.layout.header_above_qr {
            self.header = None;
        }
        true
    }
}

impl fmt::Display for Page {
    /// As the console shows it: header, lines, labels; what is too long is cut.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(header) = &self.header {
            let mark = match header.word {
                Word::Ok => '*',
                Word::Degraded => '!',
                Word::Stopped => 'X',
            };
            write!(f, "{mark} {}", header.title)?;
            if let Some(queue) = header.queue {
                write!(f, "  Q{}", super::format::Count(u64::from(queue)))?;
            }
            if let Some(clock) = header.clock {
                write!(f, "  {}", super::format::Clock(clock))?;
            }
            writeln!(f)?;
        }
        if let Some(big) = &self.big {
            writeln!(f, "== {big} ==")?;
        }
        for line in &self.lines {
            write!(f, "{}", line.left)?;
            if !line.right.is_empty() {
                write!(f, "  {}", line.right)?;
            }
            writeln!(f)?;
        }
        if let Some(percent) = self.bar {
            writeln!(f, "[{percent} %]")?;
        }
        let mut labels = self.labels.iter().flatten().map(|label| label.text);
        if let Some(first) = labels.next() {
            write!(f, "{first}")?;
            labels.try_for_each(|label| write!(f, "   {label}"))?;
            writeln!(f)?;
        }
        Ok(())
    }
}
