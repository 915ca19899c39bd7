//! Undoes the compression of deflated data sets (PS3.5 §A.5: RFC 1951, without zlib's frame).

use std::fmt;

use miniz_oxide::inflate::{
    TINFLStatus,
    core::{
        DecompressorOxide, TINFL_LZ_DICT_SIZE, decompress,
        inflate_flags::{TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_IGNORE_ADLER32, TINFL_FLAG_PARSE_ZLIB_HEADER},
    },
};

use super::elements::Elements;

/// Most bytes that are inflated of one data set. What is wanted stands in the first kilobytes, behind private elements of a few MB at
/// worst; one megabyte may claim to be a gigabyte, and this many bytes cost some 20 ms.
const MAX_INFLATED: usize = 16 << 20;

/// Inflates what it is fed and hands it on.
pub(super) struct Inflater {
    /// The first two bytes, which tell the format, and how many of them came.
    start: [u8; 2],
    started: usize,
    format: Format,
    state: DecompressorOxide,
    /// The last 32 KiB, of which deflate may repeat any part.
    window: Vec<u8>,
    position: usize,
    inflated: usize,
}

/// What comes under the name of a deflated transfer syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Deflate,
    /// Deflate in zlib's frame (RFC 1950): against the standard.
    Zlib,
    /// Not deflated at all.
    Plain,
}

impl Format {
    /// In a deflate stream both other starts would mean a stored block behind padding bits that every encoder leaves zero.
    fn of(start: [u8; 2]) -> Self {
        match start {
            [0x08, 0x00] => Self::Plain,
            [method, _] if method & 0x8F == 0x08 && u16::from_be_bytes(start).is_multiple_of(31) => Self::Zlib,
            _ => Self::Deflate,
        }
    }

    fn flags(self) -> u32 {
        match self {
            Self::Zlib => TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_IGNORE_ADLER32,
            Self::Deflate | Self::Plain => TINFL_FLAG_HAS_MORE_INPUT,
        }
    }
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self {
            start: [0; 2],
            started: 0,
            format: Format::Deflate,
            state: DecompressorOxide::new(),
            window: vec![0; TINFL_LZ_DICT_SIZE],
            position: 0,
            inflated: 0,
        }
    }

    /// Takes the next deflated bytes. Gives `elements` up when the stream ends, breaks or grows beyond the limit.
    pub(super) fn feed(&mut self, mut bytes: &[u8], elements: &mut Elements) {
        while self.started < self.start.len() {
            let [first, rest @ ..] = bytes else { return };
            self.start[self.started] = *first;
            self.started += 1;
            bytes = rest;
            if self.started == self.start.len() {
                self.format = Format::of(self.start);
                let start = self.start;
                self.pass_on(&start, elements);
            }
        }
        self.pass_on(bytes, elements);
    }

    fn pass_on(&mut self, bytes: &[u8], elements: &mut Elements) {
        if self.format == Format::Plain { elements.feed(bytes) } else { self.inflate(bytes, elements) }
    }

    fn inflate(&mut self, mut bytes: &[u8], elements: &mut Elements) {
        while !elements.is_done() {
            let (status, taken, made) = decompress(&mut self.state, bytes, &mut self.window, self.position, self.format.flags());
            bytes = &bytes[taken..];
            // What came out before an error counts: else the facts would depend on how the stream was cut.
            let wanted = made.min(MAX_INFLATED - self.inflated);
            elements.feed(&self.window[self.position..self.position + wanted]);
            self.inflated += wanted;
            self.position = (self.position + made) % self.window.len();
            match status {
                _ if self.inflated == MAX_INFLATED => elements.give_up(),
                TINFLStatus::HasMoreOutput => {}
                TINFLStatus::NeedsMoreInput => return,
                _ => elements.give_up(),
            }
        }
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("format", &self.format).field("inflated", &self.inflated).finish_non_exhaustive()
    }
}
