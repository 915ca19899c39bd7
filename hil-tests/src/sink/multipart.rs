//! Parts of a multipart/related body while they stream by: hashed, their header kept for a look, on request written to a file.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::PathBuf,
};

use memchr::memmem;
use sha2::{Digest, Sha256};

use crate::part10::{Head, Meta, head};

/// Bytes of a part kept to look for its UIDs.
const KEPT: usize = 512 << 10;
/// Longest header of a part.
const LONGEST_HEADER: usize = 64 << 10;

/// One part.
pub(super) struct Part {
    /// Its Content-Type, lower case.
    pub(super) kind: String,
    /// Its first bytes.
    pub(super) head: Vec<u8>,
    pub(super) meta: Option<Meta>,
    pub(super) hash: Sha256,
    /// Bytes of the data set.
    pub(super) bytes: u64,
    pub(super) keep: Option<(File, PathBuf)>,
    not_dicom: bool,
}

impl Part {
    fn new(kind: String, keep: Option<(File, PathBuf)>) -> Self {
        Self { kind, head: vec![], meta: None, hash: Sha256::new(), bytes: 0, keep, not_dicom: false }
    }

    fn feed(&mut self, b: &[u8]) -> io::Result<()> {
        if let Some((file, _)) = &mut self.keep {
            file.write_all(b)?;
        }
        if self.meta.is_some() {
            let room = KEPT.saturating_sub(self.head.len()).min(b.len());
            self.head.extend_from_slice(&b[..room]);
            self.hash.update(b);
            self.bytes += b.len() as u64;
        } else if !self.not_dicom {
            self.head.extend_from_slice(b);
            match head(&self.head) {
                Head::NotDicom => self.not_dicom = true,
                Head::Incomplete => {}
                Head::Complete(meta) => {
                    self.hash.update(&self.head[meta.body..]);
                    self.bytes = (self.head.len() - meta.body) as u64;
                    self.meta = Some(meta);
                }
            }
        }
        Ok(())
    }
}

/// Whether the closing boundary was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Closed,
    Open,
}

/// Reads a body to its end, calling `done` after every part. `keep` makes the file of a new part.
pub(super) fn read_parts(
    body: &mut impl Read,
    boundary: &str,
    mut keep: impl FnMut() -> io::Result<Option<(File, PathBuf)>>,
    mut done: impl FnMut(Part) -> io::Result<()>,
) -> io::Result<End> {
    let mark = format!("\r\n--{boundary}").into_bytes();
    let finder = memmem::Finder::new(&mark);
    let mut buffer = vec![0u8; KEPT];
    // The first boundary has no line end before it.
    buffer[..2].copy_from_slice(b"\r\n");
    let (mut start, mut end) = (0usize, 2usize);
    let mut part: Option<Part> = None;
    loop {
        if let Some(at) = finder.find(&buffer[start..end]).map(|p| p + start) {
            let after = at + mark.len();
            let tail = &buffer[after..end];
            let closing = tail.starts_with(b"--");
            let header_end = memmem::find(tail, b"\r\n\r\n");
            if closing || header_end.is_some() {
                if let Some(mut p) = part.take() {
                    p.feed(&buffer[start..at])?;
                    done(p)?;
                }
                let Some(n) = header_end.filter(|_| !closing) else {
                    io::copy(body, &mut io::sink())?;
                    return Ok(End::Closed);
                };
                let header = String::from_utf8_lossy(&tail[..n]).to_ascii_lowercase();
                let kind = header.lines().find_map(|l| l.strip_prefix("content-type:")).unwrap_or_default().trim().to_string();
                part = Some(Part::new(kind, keep()?));
                start = after + n + 4;
                continue;
            }
            if end - at > LONGEST_HEADER {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if let Some(p) = &mut part {
                p.feed(&buffer[start..at])?;
            }
            start = at;
        } else if end - start > mark.len() {
            let safe = end - mark.len();
            if let Some(p) = &mut part {
                p.feed(&buffer[start..safe])?;
            }
            start = safe;
        }
        buffer.copy_within(start..end, 0);
        end -= start;
        start = 0;
        let n = body.read(&mut buffer[end..])?;
        if n == 0 {
            return Ok(End::Open);
        }
        end += n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Image, Kind};

    /// A reader that gives `n` bytes at a time.
    struct Drip<'a>(&'a [u8], usize);
    impl Read for Drip<'_> {
        fn read(&mut self, b: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(b.len());
            b[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    #[test]
    fn parts_come_out_as_they_went_in_however_the_body_is_cut() {
        let objects: Vec<_> = (1..4).map(|n| Image::new(Kind::Mr, 1).at(1, n).side(32).object()).collect();
        let mut body = vec![];
        for o in &objects {
            body.extend(b"\r\n--MARK\r\nContent-Type: application/dicom\r\n\r\n");
            body.extend(&o.file);
        }
        body.extend(b"\r\n--MARK--\r\n");
        for step in [1, 7, 4096, 1 << 20] {
            let mut hashes = vec![];
            let end = read_parts(
                &mut Drip(&body, step),
                "MARK",
                || Ok(None),
                |p| {
                    hashes.push(crate::part10::hex(&p.hash.finalize()));
                    Ok(())
                },
            );
            assert_eq!(end.unwrap(), End::Closed);
            assert_eq!(hashes, objects.iter().map(crate::part10::Object::sha256).collect::<Vec<_>>(), "{step} bytes at a time");
        }
    }
}
