//! A picture of an instance, for people to look at: one frame, windowed, as PNG. Not for diagnosis.
//!
//! | file | what it does |
//! |---|---|
//! | `layout` | finds what the header says about the pixels, and where they are |
//! | `frames` | finds the bytes of one frame |
//! | `decode` | native, RLE, JPEG and JPEG 2000 frames to samples |
//! | `show` | samples to a picture: window, colours, size |
//!
//! Everything is bounded: bytes of a frame ([`MAX_FRAME_BYTES`]), pixels of a frame ([`MAX_PIXELS`]), elements and depth of the header. What a
//! length field claims is never believed. All decoders are memory-safe Rust. Syntaxes that cannot be decoded are refused by name.

mod decode;
mod frames;
mod layout;
mod show;
#[cfg(test)]
mod tests;

use std::io::{self, BufReader, Read, Seek};

use relaypacs_domain::Uid;

/// Most bytes of a frame as it is stored.
pub const MAX_FRAME_BYTES: u64 = 64 << 20;
/// Most pixels of a frame.
pub const MAX_PIXELS: u64 = 64 << 20;
/// Longest side of a picture.
pub const MAX_SIZE: u32 = 4096;

/// What is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PreviewOptions {
    /// Which frame, from 0.
    pub frame: u32,
    /// Window centre and width (PS3.3 C.11.2.1.2) instead of the image's own.
    pub window: Option<(f64, f64)>,
    /// Longest side of the picture in pixels; `None`: the image's, at most [`MAX_SIZE`].
    pub size: Option<u32>,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// It is no image.
    #[error("the instance has no pixels")]
    NoPixels,
    /// It has fewer frames.
    #[error("there is no such frame: the last one of the image is {}", .0.saturating_sub(1))]
    NoFrame(u32),
    /// Nobody here can decode it.
    #[error("{0} cannot be shown")]
    Unsupported(String),
    /// It is not what its header says.
    #[error("the image cannot be read: {0}")]
    Broken(&'static str),
    /// It is too big to be shown.
    #[error("the image is too big to be shown")]
    TooBig,
    /// Its bytes cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Renders one frame of a data set (without file meta group) in `transfer_syntax` as PNG. Blocking; takes memory of a few times the frame.
pub fn render(data_set: impl Read + Seek, transfer_syntax: &Uid, options: &PreviewOptions) -> Result<Vec<u8>, PreviewError> {
    let mut file = BufReader::with_capacity(64 << 10, data_set);
    let coding = decode::Coding::of(transfer_syntax)?;
    let layout = layout::read(&mut file, transfer_syntax)?;
    if options.frame >= layout.frames {
        return Err(PreviewError::NoFrame(layout.frames));
    }
    let bytes = frames::read(&mut file, &layout, options.frame)?;
    let size = options.size.unwrap_or(MAX_SIZE).clamp(1, MAX_SIZE);
    let samples = decode::samples(coding, bytes, &layout, size)?;
    show::png(&samples, &layout, options.window, size)
}
