//! The index of a medium (DICOMDIR, PS3.3 F.3): which instances it names.
//!
//! A DICOMDIR is in explicit VR little endian (PS3.10 §8.6); the elements (0004,1511) are found by their bytes while the file passes by, so
//! that no length it claims is believed.

use std::collections::HashSet;

use relaypacs_buffer::Pieces;
use relaypacs_domain::Uid;

use super::UploadError;

/// (0004,1511) UI: tag and VR as they stand in the file; a length of two bytes follows.
const REFERENCED_INSTANCE: &[u8; 6] = b"\x04\x00\x11\x15UI";
/// Instances looked at at most.
const MOST: usize = 100_000;
/// Longest value of a UID, padding included, and what stands before it.
const LONGEST: usize = 8 + 64;

/// The instances that the index names, each once.
pub(super) async fn read(mut pieces: Pieces) -> Result<Vec<Uid>, UploadError> {
    let mut finder = Finder::default();
    while let Some(bytes) = pieces.next().await? {
        finder.feed(&bytes);
        tokio::task::yield_now().await;
    }
    finder.look(true);
    Ok(finder.found.into_iter().collect())
}

#[derive(Default)]
struct Finder {
    held: Vec<u8>,
    found: HashSet<Uid>,
}

impl Finder {
    fn feed(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        self.look(false);
    }

    /// Looks at what is held; what may be the start of an element stays unless nothing more comes.
    fn look(&mut self, ended: bool) {
        let end = if ended { self.held.len() } else { self.held.len().saturating_sub(LONGEST) };
        let mut at = 0;
        while at < end && self.found.len() < MOST {
            let Some(next) = memchr::memmem::find(&self.held[at..], REFERENCED_INSTANCE).map(|skip| at + skip).filter(|next| *next < end)
            else {
                break;
            };
            at = next + REFERENCED_INSTANCE.len();
            let length = self.held.get(at..at + 2).map_or(0, |length| usize::from(length[0]) | usize::from(length[1]) << 8);
            let value = self.held.get(at + 2..at + 2 + length).filter(|value| value.len() <= 64);
            self.found.extend(value.and_then(|value| Uid::from_value(value).ok()));
        }
        self.held.drain(..end.max(at).min(self.held.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_instances_are_found_however_the_file_comes() {
        let mut file = vec![0; 500];
        for number in 0..50 {
            let uid = format!("1.2.3.{number}\0");
            file.extend_from_slice(REFERENCED_INSTANCE);
            file.extend_from_slice(&(uid.len() as u16).to_le_bytes());
            file.extend_from_slice(uid.as_bytes());
            file.extend_from_slice(&[1, 2, 3]);
        }
        file.extend_from_slice(REFERENCED_INSTANCE);
        file.extend_from_slice(&[0xFF, 0xFF, 1]); // claims more than there is
        for piece in [1, 3, 50, 100_000] {
            let mut finder = Finder::default();
            file.chunks(piece).for_each(|piece| finder.feed(piece));
            finder.look(true);
            assert_eq!(finder.found.len(), 50, "in pieces of {piece}");
        }
    }
}
