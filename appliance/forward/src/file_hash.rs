//! The SHA-256 of the data set in a Part-10 file that streams by: preamble and file meta group (PS3.10 §7.1) are skipped.

use relaypacs_domain::Sha256;
use sha2::Digest as _;

/// The bytes are no Part-10 file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotDicom;

/// Skips preamble and file meta group (PS3.10 §7.1) and hashes the rest.
#[derive(Default)]
pub(crate) struct FileHash {
    head: Vec<u8>,
    /// Bytes of the file meta group still to skip; `None` until its length is known.
    skip: Option<u64>,
    hash: sha2::Sha256,
}

impl FileHash {
    /// Preamble, `DICM`, and the element (0002,0000) with the length of what follows.
    const HEAD: usize = 128 + 4 + 12;
    const META_MAX: u64 = 1 << 20;

    /// The next bytes of the file.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Result<(), NotDicom> {
        if self.skip.is_none() {
            let wanted = (Self::HEAD - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..wanted]);
            bytes = &bytes[wanted..];
            if self.head.len() < Self::HEAD {
                return Ok(());
            }
            self.skip = Some(meta_len(&self.head)?);
        }
        if let Some(skip) = &mut self.skip {
            let skipped = (*skip).min(bytes.len() as u64);
            *skip -= skipped;
            self.hash.update(&bytes[skipped as usize..]);
        }
        Ok(())
    }

    /// The hash of the data set; `None`: the file ended before it.
    pub(crate) fn finish(self) -> Option<Sha256> {
        (self.skip == Some(0)).then(|| Sha256(self.hash.finalize().into()))
    }
}

fn meta_len(head: &[u8]) -> Result<u64, NotDicom> {
    match head.get(128..) {
        Some([b'D', b'I', b'C', b'M', 2, 0, 0, 0, b'U', b'L', 4, 0, a, b, c, d]) => {
            let len = u64::from(u32::from_le_bytes([*a, *b, *c, *d]));
            if len <= FileHash::META_MAX { Ok(len) } else { Err(NotDicom) }
        }
        _ => Err(NotDicom),
    }
}
