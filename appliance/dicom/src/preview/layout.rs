//! What a data set's header says about its pixels, and where they are.

use std::io::{BufReader, Read, Seek};

use relaypacs_domain::Uid;

use super::{MAX_PIXELS, PreviewError};
use crate::header::form::{Form, Header, ITEM, ITEM_DELIMITER, Order, Reading, SEQUENCE_DELIMITER, UNDEFINED};

/// The image pixel module (PS3.3 C.7.6.3) and what else a picture needs.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) rows: u32,
    pub(super) columns: u32,
    /// Samples per pixel: 1 or 3.
    pub(super) samples: u32,
    pub(super) photometric: String,
    /// Colours plane by plane.
    pub(super) planar: bool,
    pub(super) bits_allocated: u32,
    pub(super) bits_stored: u32,
    pub(super) signed: bool,
    pub(super) frames: u32,
    /// Window centre and width.
    pub(super) window: Option<(f64, f64)>,
    pub(super) slope: f64,
    pub(super) intercept: f64,
    /// Red, green and blue of PALETTE COLOR.
    pub(super) palette: Option<[Table; 3]>,
    pub(super) big_endian: bool,
    pub(super) pixels: Pixels,
}

/// Where the pixels are, as bytes of the data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pixels {
    Native {
        offset: u64,
        len: u64,
    },
    /// The first item is at `offset`.
    Encapsulated {
        offset: u64,
    },
}

/// A palette's table: its first index, and 8-bit values.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) first: i32,
    pub(super) values: Vec<u8>,
}

/// Most element headers that are read.
const MAX_ELEMENTS: u32 = 1_000_000;
/// Deepest nesting.
const MAX_DEPTH: usize = 64;
/// Longest value that is read (a palette of 65,536 entries).
const MAX_VALUE: u32 = 128 << 10;
const PIXEL_DATA: u32 = 0x7FE0_0010;

/// Values of the header, as they come.
#[derive(Default)]
struct Found {
    samples: Option<u32>,
    photometric: String,
    planar: u32,
    frames: Option<u32>,
    rows: u32,
    columns: u32,
    bits_allocated: u32,
    bits_stored: Option<u32>,
    signed: bool,
    centre: Option<f64>,
    width: Option<f64>,
    slope: Option<f64>,
    intercept: Option<f64>,
    descriptors: [Option<[u32; 3]>; 3],
    tables: [Vec<u8>; 3],
}

/// Reads a data set from its start up to its pixels.
pub(super) fn read(file: &mut BufReader<impl Read + Seek>, transfer_syntax: &Uid) -> Result<Layout, PreviewError> {
    let mut first = [0; Form::SHORT_HEADER];
    file.read_exact(&mut first).map_err(|_| PreviewError::NoPixels)?;
    file.rewind()?;
    let form = Form::of_syntax(transfer_syntax).guess(first);
    let mut walk = Walk { file, position: 0, elements: 0 };
    let mut found = Found::default();
    loop {
        let header = match walk.header(form) {
            Ok(header) => header,
            Err(PreviewError::Io(_)) => return Err(PreviewError::NoPixels),
            Err(other) => return Err(other),
        };
        match header {
            Header { tag: PIXEL_DATA, len, .. } => {
                let offset = walk.position;
                let pixels = if len == UNDEFINED { Pixels::Encapsulated { offset } } else { Pixels::Native { offset, len: len.into() } };
                return found.layout(form.order(), pixels);
            }
            Header { tag, .. } if tag > PIXEL_DATA => return Err(PreviewError::NoPixels),
            Header { len: UNDEFINED, unknown_vr, .. } => walk.pass_sequence(if unknown_vr { Form::IMPLICIT_LITTLE } else { form })?,
            Header { tag, len, .. } if Found::wants(tag) && len <= MAX_VALUE => {
                let value = walk.value(len)?;
                found.take(tag, value, form.order());
            }
            Header { len, .. } => walk.skip(len)?,
        }
    }
}

struct Walk<'f, R> {
    file: &'f mut BufReader<R>,
    position: u64,
    elements: u32,
}

/// Where a walk through a sequence stands.
enum Level {
    Items(Form),
    Elements(Form),
}

impl<R: Read + Seek> Walk<'_, R> {
    fn header(&mut self, form: Form) -> Result<Header, PreviewError> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(PreviewError::Broken("its header has too many elements"));
        }
        let mut bytes = [0; Form::MAX_HEADER];
        self.file.read_exact(&mut bytes[..Form::SHORT_HEADER])?;
        self.position += Form::SHORT_HEADER as u64;
        if let Reading::Header(header, _) = form.read(&bytes[..Form::SHORT_HEADER]) {
            return Ok(header);
        }
        self.file.read_exact(&mut bytes[Form::SHORT_HEADER..])?;
        self.position += (Form::MAX_HEADER - Form::SHORT_HEADER) as u64;
        match form.read(&bytes) {
            Reading::Header(header, _) => Ok(header),
            Reading::Needs(_) => Err(PreviewError::Broken("an element has no length")),
        }
    }

    fn value(&mut self, len: u32) -> Result<Vec<u8>, PreviewError> {
        let mut value = vec![0; len as usize];
        self.file.read_exact(&mut value)?;
        self.position += u64::from(len);
        Ok(value)
    }

    fn skip(&mut self, len: u32) -> Result<(), PreviewError> {
        self.file.seek_relative(len.into())?;
        self.position += u64::from(len);
        Ok(())
    }

    /// Goes behind a sequence of undefined length.
    fn pass_sequence(&mut self, form: Form) -> Result<(), PreviewError> {
        let mut levels = vec![Level::Items(form)];
        while let Some(level) = levels.last() {
            if levels.len() > MAX_DEPTH {
                return Err(PreviewError::Broken("its header is nested too deeply"));
            }
            match *level {
                Level::Items(form) => match self.header(form)? {
                    Header { tag: SEQUENCE_DELIMITER, .. } => drop(levels.pop()),
                    Header { tag: ITEM, len: UNDEFINED, .. } => levels.push(Level::Elements(form)),
                    Header { tag: ITEM, len, .. } => self.skip(len)?,
                    Header { .. } => return Err(PreviewError::Broken("a sequence holds something else than items")),
                },
                Level::Elements(form) => match self.header(form)? {
                    Header { tag: ITEM_DELIMITER, .. } => drop(levels.pop()),
                    Header { len: UNDEFINED, unknown_vr, .. } => {
                        levels.push(Level::Items(if unknown_vr { Form::IMPLICIT_LITTLE } else { form }));
                    }
                    Header { len, .. } => self.skip(len)?,
                },
            }
        }
        Ok(())
    }
}

impl Found {
    const fn wants(tag: u32) -> bool {
        matches!(tag, 0x0028_0002..=0x0028_0103 | 0x0028_1050..=0x0028_1053 | 0x0028_1101..=0x0028_1103 | 0x0028_1201..=0x0028_1203)
    }

    fn take(&mut self, tag: u32, value: Vec<u8>, order: Order) {
        let short = |at: usize| value.get(2 * at..2 * at + 2).map(|bytes| u32::from(order.u16([bytes[0], bytes[1]])));
        let text = || String::from_utf8_lossy(&value).trim_matches(['\0', ' ']).to_owned();
        let number = || text().split('\\').next().and_then(|first| first.trim().parse::<f64>().ok()).filter(|number| number.is_finite());
        match tag {
            0x0028_0002 => self.samples = short(0),
            0x0028_0004 => self.photometric = text(),
            0x0028_0006 => self.planar = short(0).unwrap_or(0),
            0x0028_0008 => self.frames = text().parse().ok(),
            0x0028_0010 => self.rows = short(0).unwrap_or(0),
            0x0028_0011 => self.columns = short(0).unwrap_or(0),
            0x0028_0100 => self.bits_allocated = short(0).unwrap_or(0),
            0x0028_0101 => self.bits_stored = short(0),
            0x0028_0103 => self.signed = short(0) == Some(1),
            0x0028_1050 => self.centre = number(),
            0x0028_1051 => self.width = number(),
            0x0028_1052 => self.intercept = number(),
            0x0028_1053 => self.slope = number(),
            0x0028_1101..=0x0028_1103 => {
                let descriptor = [short(0), short(1), short(2)];
                if let [Some(entries), Some(first), Some(bits)] = descriptor {
                    self.descriptors[(tag - 0x0028_1101) as usize] = Some([entries, first, bits]);
                }
            }
            0x0028_1201..=0x0028_1203 => self.tables[(tag - 0x0028_1201) as usize] = value,
            _ => {}
        }
    }

    fn layout(self, order: Order, pixels: Pixels) -> Result<Layout, PreviewError> {
        let big_endian = matches!(order, Order::Big);
        let palette = self.palette(order);
        let Self { rows, columns, bits_allocated, .. } = self;
        if rows == 0 || columns == 0 || bits_allocated == 0 {
            return Err(PreviewError::NoPixels);
        }
        if u64::from(rows) * u64::from(columns) > MAX_PIXELS {
            return Err(PreviewError::TooBig);
        }
        let samples = self.samples.unwrap_or(1);
        if !matches!(bits_allocated, 8 | 16 | 32) || !matches!(samples, 1 | 3) {
            return Err(PreviewError::Unsupported(format!("an image of {samples} × {bits_allocated} bits a pixel")));
        }
        let bits_stored = self.bits_stored.unwrap_or(bits_allocated).clamp(1, bits_allocated);
        Ok(Layout {
            rows,
            columns,
            samples,
            photometric: self.photometric,
            planar: self.planar == 1,
            bits_allocated,
            bits_stored,
            signed: self.signed,
            frames: self.frames.unwrap_or(1).max(1),
            window: self.centre.zip(self.width).filter(|(_, width)| *width >= 1.0),
            slope: self.slope.filter(|slope| *slope != 0.0).unwrap_or(1.0),
            intercept: self.intercept.unwrap_or(0.0),
            palette,
            big_endian,
            pixels,
        })
    }

    fn palette(&self, order: Order) -> Option<[Table; 3]> {
        let mut tables: [Table; 3] = Default::default();
        for (number, table) in tables.iter_mut().enumerate() {
            let [entries, first, bits] = self.descriptors[number]?;
            let entries = if entries == 0 { 65_536 } else { entries } as usize;
            let bytes = &self.tables[number];
            // 16 bits an entry, or 8 where the table is that short.
            table.values = if bits == 16 || bytes.len() >= 2 * entries {
                let high = |pair: &[u8]| (order.u16([pair[0], pair[1]]) >> if bits == 16 { 8 } else { 0 }) as u8;
                bytes.chunks_exact(2).take(entries).map(high).collect()
            } else {
                bytes.iter().copied().take(entries).collect()
            };
            table.first = i32::from(first as u16 as i16);
            if table.values.is_empty() {
                return None;
            }
        }
        Some(tables)
    }
}

impl Table {
    /// The value of an index; those outside take the nearest.
    pub(super) fn value(&self, index: i32) -> u8 {
        let place = (i64::from(index) - i64::from(self.first)).clamp(0, self.values.len() as i64 - 1);
        self.values.get(place as usize).copied().unwrap_or(0)
    }
}
