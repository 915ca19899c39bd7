//! Part-10 files as test data: where the data set starts, who it says it is, and rewriting its UIDs in place.
//!
//! For files that we made ourselves or that a test just stored; it looks at top-level elements only and knows no VR beyond their length rule.
//! Source: PS3.10 §7.1 (file meta group), PS3.5 §7.1 (element layouts).

use sha2::{Digest, Sha256};

/// Deflated Explicit VR Little Endian: its data set cannot be looked into without inflating.
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
/// Explicit VR Big Endian (retired).
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
/// Syntaxes without VRs on the wire: Implicit VR Little Endian and GE's private one.
const IMPLICIT: [&str; 2] = ["1.2.840.10008.1.2", "1.2.840.113619.5.2"];
/// Explicit VRs with a 32-bit length (PS3.5 table 7.1-1).
const LONG_VRS: [&[u8]; 13] = [b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UN", b"UT", b"UC", b"UR", b"SV", b"UV"];

/// Lower-case hexadecimal SHA-256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A UID or code without its padding.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_matches(['\0', ' ']).to_string()
}

/// What the file meta group says.
#[derive(Default, Clone, Debug)]
pub struct Meta {
    /// Media Storage SOP Class UID (0002,0002).
    pub class: String,
    /// Media Storage SOP Instance UID (0002,0003).
    pub instance: String,
    /// Transfer Syntax UID (0002,0010).
    pub syntax: String,
    /// Offset of the data set in the file.
    pub body: usize,
    /// Offset and length of the value of (0002,0003), to rewrite it in place.
    pub instance_at: (usize, usize),
}

/// What the first bytes of a file are.
#[derive(Clone, Debug)]
pub enum Head {
    /// Not a Part-10 file.
    NotDicom,
    /// Perhaps one; too few bytes to tell.
    Incomplete,
    /// A Part-10 file whose meta group lies within the bytes.
    Complete(Meta),
}

/// Reads the preamble and the file meta group.
pub fn head(b: &[u8]) -> Head {
    if b.len() >= 132 && &b[128..132] != b"DICM" {
        return Head::NotDicom;
    }
    if b.len() < 144 {
        return Head::Incomplete;
    }
    if &b[132..136] != b"\x02\0\0\0" {
        return Head::NotDicom;
    }
    let end = 144 + u32_le(b, 140) as usize;
    match end {
        _ if end > 1 << 20 => Head::NotDicom,
        _ if b.len() < end => Head::Incomplete,
        _ => meta_elements(b, end).map_or(Head::NotDicom, Head::Complete),
    }
}

/// The meta group of a file known to be complete.
pub fn meta(file: &[u8]) -> Option<Meta> {
    match head(file) {
        Head::Complete(meta) => Some(meta),
        Head::NotDicom | Head::Incomplete => None,
    }
}

fn meta_elements(b: &[u8], end: usize) -> Option<Meta> {
    let (mut meta, mut i) = (Meta { body: end, ..Meta::default() }, 144);
    while i + 8 <= end {
        let (header, length) =
            if LONG_VRS.contains(&&b[i + 4..i + 6]) { (12, u32_le(b, i + 8) as usize) } else { (8, u16_le(b, i + 6) as usize) };
        let value = b.get(i + header..i + header + length)?;
        match u16_le(b, i + 2) {
            2 => meta.class = text(value),
            3 => {
                meta.instance = text(value);
                meta.instance_at = (i + header, length);
            }
            0x10 => meta.syntax = text(value),
            _ => {}
        }
        i += header + length;
    }
    Some(meta)
}

/// A UID of a data set and where its value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UidAt {
    /// (0008,0018) SOP instance, (0020,000D) study or (0020,000E) series.
    pub tag: (u16, u16),
    /// Offset of the value in the data set.
    pub at: usize,
    /// Length of the value.
    pub len: usize,
}

/// SOP Instance UID.
pub const SOP_INSTANCE: (u16, u16) = (0x0008, 0x0018);
/// Study Instance UID.
pub const STUDY: (u16, u16) = (0x0020, 0x000D);
/// Series Instance UID.
pub const SERIES: (u16, u16) = (0x0020, 0x000E);

/// The top-level SOP instance, study and series UIDs in the first bytes of a data set. Deflated ones give nothing.
pub fn uids(b: &[u8], syntax: &str) -> Vec<UidAt> {
    let (big, implicit) = (syntax == BIG_ENDIAN, IMPLICIT.contains(&syntax));
    let mut found = vec![];
    if syntax == DEFLATED {
        return found;
    }
    let short = |i: usize| if big { u16::from_be_bytes([b[i], b[i + 1]]) } else { u16_le(b, i) };
    let long = |i: usize| if big { u32::from_be_bytes([b[i], b[i + 1], b[i + 2], b[i + 3]]) } else { u32_le(b, i) };
    let (mut i, mut depth) = (0usize, 0usize);
    while i + 12 <= b.len() && found.len() < 3 {
        let tag = (short(i), short(i + 2));
        if tag.0 == 0xFFFE {
            // item, end of item, end of sequence: only inside undefined lengths
            let length = long(i + 4);
            if tag.1 == 0xE0DD {
                depth = depth.saturating_sub(1);
            }
            i += 8 + if tag.1 == 0xE000 && length != u32::MAX { length as usize } else { 0 };
            continue;
        }
        let (header, length) = match &b[i + 4..i + 6] {
            _ if implicit => (8, long(i + 4)),
            vr if LONG_VRS.contains(&vr) => (12, long(i + 8)),
            _ => (8, u32::from(short(i + 6))),
        };
        if length == u32::MAX {
            if tag == (0x7FE0, 0x0010) {
                break;
            }
            depth += 1;
            i += header;
            continue;
        }
        let (at, len) = (i + header, length as usize);
        if depth == 0 && [SOP_INSTANCE, STUDY, SERIES].contains(&tag) && at + len <= b.len() {
            found.push(UidAt { tag, at, len });
        }
        i = at + len;
    }
    found
}

fn u16_le(b: &[u8], i: usize) -> u16 {
    u16::from_le_bytes([b[i], b[i + 1]])
}

fn u32_le(b: &[u8], i: usize) -> u32 {
    u32::from_le_bytes([b[i], b[i + 1], b[i + 2], b[i + 3]])
}

/// A Part-10 file in memory.
#[derive(Clone, Debug)]
pub struct Object {
    /// All its bytes.
    pub file: Vec<u8>,
    /// What its meta group says.
    pub meta: Meta,
}

impl Object {
    /// Takes the bytes of a Part-10 file; `None` if they are not one.
    pub fn new(file: Vec<u8>) -> Option<Self> {
        let meta = meta(&file)?;
        Some(Self { file, meta })
    }

    /// The data set: what C-STORE carries and must arrive unchanged.
    pub fn data_set(&self) -> &[u8] {
        &self.file[self.meta.body..]
    }

    /// SHA-256 of the data set.
    pub fn sha256(&self) -> String {
        sha256_hex(self.data_set())
    }

    /// A top-level UID of the data set, if it can be found in the first 8 MiB.
    pub fn uid(&self, tag: (u16, u16)) -> Option<String> {
        let data = self.data_set();
        uids(&data[..data.len().min(8 << 20)], &self.meta.syntax)
            .into_iter()
            .find(|u| u.tag == tag)
            .map(|u| text(&data[u.at..u.at + u.len]))
    }

    /// Replaces SOP instance, study and series UIDs by ones that depend on the old and on `salt`; lengths stay, 0 changes nothing.
    /// So the same files can be sent again and again without being duplicates.
    pub fn salt(&mut self, salt: u64) {
        if salt == 0 {
            return;
        }
        let body = self.meta.body;
        let limit = self.file.len().min(body + (8 << 20));
        for UidAt { tag, at, len } in uids(&self.file[body..limit], &self.meta.syntax) {
            let old = text(&self.file[body + at..body + at + len]);
            let Some(new) = salted(&old, salt) else { continue };
            self.file[body + at..body + at + new.len()].copy_from_slice(new.as_bytes());
            if tag == SOP_INSTANCE {
                self.meta.instance = new;
            }
        }
        let (at, len) = self.meta.instance_at;
        let instance = self.meta.instance.as_bytes();
        if instance.len() <= len {
            self.file[at..at + instance.len()].copy_from_slice(instance);
        }
    }
}

/// A UID of the same length under 2.25. Too short ones stay: they would collide.
fn salted(old: &str, salt: u64) -> Option<String> {
    if old.len() < 20 {
        return None;
    }
    let mut digits: String = Sha256::digest(format!("{old}/{salt}")).iter().map(u8::to_string).collect();
    digits.truncate(old.len() - 5);
    let first = digits.as_bytes()[0] - b'0';
    Some(format!("2.25.{}{}", first % 9 + 1, &digits[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Image, Kind};

    #[test]
    fn a_salted_object_differs_only_in_its_uids() {
        let plain = Image::new(Kind::Ct, 1).side(16).object();
        let mut other = plain.clone();
        other.salt(7);
        assert_eq!(plain.file.len(), other.file.len());
        for tag in [SOP_INSTANCE, STUDY, SERIES] {
            assert_ne!(plain.uid(tag), other.uid(tag), "{tag:?}");
        }
        assert_eq!(other.uid(SOP_INSTANCE).unwrap(), meta(&other.file).unwrap().instance);
        let pixels = plain.file.len() - 512;
        assert_eq!(plain.file[pixels..], other.file[pixels..]);
    }

    #[test]
    fn what_is_not_part_10_is_told_apart_from_too_little() {
        assert!(matches!(head(&[0; 131]), Head::Incomplete));
        assert!(matches!(head(&[0; 200]), Head::NotDicom));
        let file = Image::new(Kind::Ct, 1).side(16).object().file;
        assert!(matches!(head(&file[..150]), Head::Incomplete));
        assert!(matches!(head(&file), Head::Complete(_)));
    }
}
