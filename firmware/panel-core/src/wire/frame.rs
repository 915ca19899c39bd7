//! Frames: COBS with a zero between them, a header, a CRC. Pure functions over bytes.

use super::{
    MAX_FRAME, VERSION,
    coding::{Coded, Reader},
};

/// Version, kind and sequence number.
const HEADER: usize = 4;
const CRC: usize = 4;

/// A message that goes in a frame of its own kind.
pub trait Message: Sized {
    /// The kind byte that names the payload.
    fn kind(&self) -> u8;
    /// Writes the payload.
    fn write(&self, to: &mut Cobs<'_>);
    /// Reads the payload of a frame of this kind.
    fn read(kind: u8, payload: &[u8]) -> Result<Self, MessageError>;
}

/// A frame whose CRC holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Version of the protocol it was written in.
    pub version: u8,
    /// What the payload is.
    pub kind: u8,
    /// Counts the sender's frames, wrapping.
    pub sequence: u16,
    /// The message in postcard's encoding.
    pub payload: &'a [u8],
}

/// Bytes that are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// No zero within [`MAX_FRAME`] bytes.
    TooLong,
    /// Shorter than header and CRC.
    TooShort,
    /// A COBS code points beyond the end.
    Cobs,
    /// The CRC does not hold.
    Crc,
}

/// A frame that is no message of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageError {
    /// Another version of the protocol: this one.
    Version(u8),
    /// No message has this kind.
    Kind(u8),
    /// The payload is not what its kind says.
    Payload,
}

/// A message that does not fit a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl Frame<'_> {
    /// The message in it.
    pub fn message<M: Message>(&self) -> Result<M, MessageError> {
        if self.version != VERSION {
            return Err(MessageError::Version(self.version));
        }
        M::read(self.kind, self.payload)
    }
}

/// Reads a payload, ignoring what a later minor version appended.
pub(super) fn payload<T: Coded + Default>(bytes: &[u8]) -> Result<T, MessageError> {
    let (mut reader, mut value) = (Reader::new(bytes), T::default());
    value.get(&mut reader);
    if reader.is_good() { Ok(value) } else { Err(MessageError::Payload) }
}

/// Writes a message as one frame to the beginning of `out`; answers its length.
pub fn encode<M: Message>(message: &M, sequence: u16, out: &mut [u8; MAX_FRAME]) -> Result<usize, TooLong> {
    let mut frame = Cobs { out, code_at: 0, at: 1, crc: 0xFFFF_FFFF };
    frame.extend(&[VERSION, message.kind()]);
    frame.extend(&sequence.to_le_bytes());
    message.write(&mut frame);
    frame.end()
}

/// A frame being written, byte by byte, so that it needs no second buffer. COBS: every run of up to 254 bytes other than zero is led by its
/// length + 1. What does not fit is left out and told at the end.
#[derive(Debug)]
pub struct Cobs<'a> {
    out: &'a mut [u8; MAX_FRAME],
    /// Where the current run's length goes.
    code_at: usize,
    /// Where the next byte goes.
    at: usize,
    crc: u32,
}

impl Cobs<'_> {
    /// Appends a byte.
    pub fn push(&mut self, byte: u8) {
        self.crc = crc32(self.crc, byte);
        if byte != 0 {
            self.set(self.at, byte);
            self.at += 1;
        }
        if byte == 0 || self.at - self.code_at == 255 {
            self.end_run();
        }
    }

    /// Appends bytes.
    pub fn extend(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.push(*byte));
    }

    fn set(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.out.get_mut(at) {
            *place = byte;
        }
    }

    fn end_run(&mut self) {
        let length = self.at - self.code_at; // at most 255
        self.set(self.code_at, length as u8);
        self.code_at = self.at;
        self.at += 1;
    }

    /// The CRC and the zero; answers how long the frame is.
    fn end(mut self) -> Result<usize, TooLong> {
        let crc = !self.crc;
        self.extend(&crc.to_le_bytes());
        self.end_run();
        self.set(self.code_at, 0);
        if self.at <= MAX_FRAME { Ok(self.at) } else { Err(TooLong) }
    }
}

/// CRC-32 as in IEEE 802.3, a half byte at a time: 64 bytes of table.
const fn crc32(crc: u32, byte: u8) -> u32 {
    const TABLE: [u32; 16] = table();
    let crc = crc ^ byte as u32;
    let crc = (crc >> 4) ^ TABLE[(crc & 15) as usize];
    (crc >> 4) ^ TABLE[(crc & 15) as usize]
}

const fn table() -> [u32; 16] {
    let mut table = [0; 16];
    let mut index = 0;
    while index < 16 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 4 {
            value = if value & 1 == 1 { (value >> 1) ^ 0xEDB8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

/// Collects bytes as they come and gives frames. After anything wrong it goes on at the next zero.
#[derive(Debug)]
pub struct FrameReader {
    buffer: [u8; MAX_FRAME],
    len: usize,
    /// The frame at hand is too long already: what follows up to the zero is skipped.
    skipping: bool,
    /// The buffer's frame was handed out: the next byte begins anew.
    done: bool,
}

impl Default for FrameReader {
    fn default() -> Self {
        Self::new()
    }
}

impl FrameReader {
    /// Nothing read yet.
    pub const fn new() -> Self {
        Self { buffer: [0; MAX_FRAME], len: 0, skipping: false, done: false }
    }

    /// Takes bytes up to the end of one frame. Answers how many it took (call again with the rest) and the frame, or what was wrong with it.
    /// Zeros between frames are no frames.
    pub fn take(&mut self, bytes: &[u8]) -> (usize, Option<Result<Frame<'_>, FrameError>>) {
        if self.done {
            (self.len, self.done) = (0, false);
        }
        let end = bytes.iter().position(|byte| *byte == 0);
        let part = &bytes[..end.unwrap_or(bytes.len())];
        let taken = part.len() + usize::from(end.is_some());
        // Room for the zero is kept: a frame with it has at most MAX_FRAME bytes.
        if !self.skipping && self.len + part.len() < MAX_FRAME {
            self.buffer[self.len..self.len + part.len()].copy_from_slice(part);
            self.len += part.len();
        } else if !self.skipping {
            self.skipping = true;
            self.done = end.is_some();
            self.skipping = end.is_none();
            self.len = 0;
            return (taken, Some(Err(FrameError::TooLong)));
        }
        if end.is_none() {
            return (taken, None);
        }
        if self.skipping {
            (self.skipping, self.len) = (false, 0);
            return (taken, None);
        }
        if self.len == 0 {
            return (taken, None);
        }
        self.done = true;
        (taken, Some(self.decode()))
    }

    fn decode(&mut self) -> Result<Frame<'_>, FrameError> {
        let len = unstuff(&mut self.buffer[..self.len])?;
        if len < HEADER + CRC {
            return Err(FrameError::TooShort);
        }
        let (body, crc) = self.buffer[..len].split_at(len - CRC);
        let expected = !body.iter().fold(0xFFFF_FFFF, |crc, byte| crc32(crc, *byte));
        if crc != expected.to_le_bytes() {
            return Err(FrameError::Crc);
        }
        Ok(Frame { version: body[0], kind: body[1], sequence: u16::from_le_bytes([body[2], body[3]]), payload: &body[HEADER..] })
    }
}

/// Undoes COBS in place; answers the new length.
fn unstuff(buffer: &mut [u8]) -> Result<usize, FrameError> {
    let (mut read, mut write) = (0, 0);
    while read < buffer.len() {
        let code = usize::from(buffer[read]);
        let end = read + code;
        if code == 0 || end > buffer.len() {
            return Err(FrameError::Cobs);
        }
        buffer.copy_within(read + 1..end, write);
        write += code - 1;
        read = end;
        if code != 255 && read < buffer.len() {
            buffer[write] = 0;
            write += 1;
        }
    }
    Ok(write)
}
