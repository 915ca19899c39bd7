//! Part-10 files (PS3.10 §7.1): preamble, `DICM` and file meta group before the data set.
//!
//! | offset | bytes |
//! |---|---|
//! | 0 | 128 bytes preamble, written as zeros |
//! | 128 | `DICM` |
//! | 132 | group 0002 in explicit VR little endian, first (0002,0000) with its length |
//! | then | the data set in the transfer syntax (0002,0010) |
//!
//! What is written depends on the arguments alone: a file sent twice is the same file. Reading is bounded by [`MAX_META`] whatever the
//! lengths claim.

use std::io::{self, Read};

use relaypacs_domain::{AeTitle, Identity, Uid};

/// Implementation Class UID (0002,0012) of this product: a UUID under 2.25 (PS3.5 annex B.2).
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.329509369853160258510978792960773446350";

const VERSION_NAME: &str = concat!("RELAYPACS_", env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));
const _: () = assert!(VERSION_NAME.len() <= 16, "PS3.7 D.3.3.2 allows 16 characters");

/// Implementation version name (PS3.7 D.3.3.2): `RELAYPACS_<major>.<minor>`, at most 16 characters.
pub const fn implementation_version_name() -> &'static str {
    VERSION_NAME
}

/// Longest preamble and meta group that is read, in bytes. Real ones have a few hundred; private information (0002,0102) may add some.
pub const MAX_META: u64 = 1 << 20;

const PREAMBLE: usize = 128;
const META_GROUP: u16 = 0x0002;

/// Preamble, `DICM` and file meta group (PS3.10 §7.1) that stand before the data set in a Part-10 file. Always the same bytes for the
/// same arguments; `calling_ae` becomes Source Application Entity Title (0002,0016).
pub fn file_meta(identity: &Identity, calling_ae: Option<&AeTitle>) -> Vec<u8> {
    let mut group = Vec::with_capacity(320);
    // (0002,0001) OB, File Meta Information Version
    group.extend_from_slice(&[2, 0, 1, 0, b'O', b'B', 0, 0, 2, 0, 0, 0, 0, 1]);
    short_element(&mut group, 0x0002, *b"UI", identity.sop_class.as_str(), 0);
    short_element(&mut group, 0x0003, *b"UI", identity.sop_instance.as_str(), 0);
    short_element(&mut group, 0x0010, *b"UI", identity.transfer_syntax.as_str(), 0);
    short_element(&mut group, 0x0012, *b"UI", IMPLEMENTATION_CLASS_UID, 0);
    short_element(&mut group, 0x0013, *b"SH", VERSION_NAME, b' ');
    if let Some(title) = calling_ae {
        short_element(&mut group, 0x0016, *b"AE", title.as_str(), b' ');
    }
    let mut file = Vec::with_capacity(PREAMBLE + 4 + 12 + group.len());
    file.resize(PREAMBLE, 0);
    file.extend_from_slice(b"DICM");
    file.extend_from_slice(&[2, 0, 0, 0, b'U', b'L', 4, 0]);
    file.extend_from_slice(&(group.len() as u32).to_le_bytes());
    file.extend_from_slice(&group);
    file
}

/// An element with a 16-bit length; every value here has at most 64 bytes.
fn short_element(group: &mut Vec<u8>, number: u16, vr: [u8; 2], value: &str, padding: u8) {
    let odd = value.len() % 2;
    group.extend_from_slice(&META_GROUP.to_le_bytes());
    group.extend_from_slice(&number.to_le_bytes());
    group.extend_from_slice(&vr);
    group.extend_from_slice(&((value.len() + odd) as u16).to_le_bytes());
    group.extend_from_slice(value.as_bytes());
    group.extend(std::iter::repeat_n(padding, odd));
}

/// What a Part-10 file's meta group says, and where its data set begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMeta {
    /// (0002,0002).
    pub sop_class: Uid,
    /// (0002,0003).
    pub sop_instance: Uid,
    /// (0002,0010).
    pub transfer_syntax: Uid,
    /// Bytes from the start of the file to the data set.
    pub data_set_offset: u64,
}

/// Why a file's meta group cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Part10Error {
    /// It is no Part-10 file, or its meta group lacks something.
    #[error("not a DICOM file: {0}")]
    NotDicom(&'static str),
    /// It could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads preamble and meta group of a file, at most [`MAX_META`] bytes of it. May read a few bytes of the data set too.
pub fn read_file_meta(file: &mut impl Read) -> Result<FileMeta, Part10Error> {
    let mut head = [0; PREAMBLE + 4];
    match file.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(Part10Error::NotDicom("it ends before the file meta group"));
        }
        Err(error) => return Err(error.into()),
    }
    if head[PREAMBLE..] != *b"DICM" {
        return Err(Part10Error::NotDicom("no DICM after the preamble"));
    }
    let group = read_group(file)?;
    Ok(FileMeta {
        sop_class: group.sop_class.ok_or(Part10Error::NotDicom("the meta group lacks the SOP class"))?,
        sop_instance: group.sop_instance.ok_or(Part10Error::NotDicom("the meta group lacks the SOP instance"))?,
        transfer_syntax: group.transfer_syntax.ok_or(Part10Error::NotDicom("the meta group lacks the transfer syntax"))?,
        data_set_offset: head.len() as u64 + group.len,
    })
}

/// A meta group as it stands, complete or not.
#[derive(Debug)]
pub(crate) struct Group {
    /// Its length in bytes.
    pub(crate) len: u64,
    /// (0002,0002).
    pub(crate) sop_class: Option<Uid>,
    /// (0002,0003).
    pub(crate) sop_instance: Option<Uid>,
    /// (0002,0010).
    pub(crate) transfer_syntax: Option<Uid>,
}

/// Reads a meta group, which must begin here. May read a few bytes of the data set too.
pub(crate) fn read_group(file: &mut impl Read) -> Result<Group, Part10Error> {
    let mut reader = MetaReader { file, position: 0, ended: false };
    let (mut class, mut instance, mut syntax, mut group_end) = (None, None, None, None);
    let len = loop {
        let element_at = reader.position;
        if group_end == Some(element_at) {
            break element_at;
        }
        let Some((number, length)) = reader.element_head()? else {
            if reader.ended && group_end.is_some() {
                return Err(Part10Error::NotDicom("it ends inside the file meta group"));
            }
            break element_at;
        };
        match number {
            0x0000 if length == 4 => {
                let mut value = [0; 4];
                reader.exact(&mut value)?;
                group_end = Some(reader.position + u64::from(u32::from_le_bytes(value)));
            }
            0x0002 => class = Some(reader.uid(length)?),
            0x0003 => instance = Some(reader.uid(length)?),
            0x0010 => syntax = Some(reader.uid(length)?),
            _ => reader.skip(length)?,
        }
    };
    Ok(Group { len, sop_class: class, sop_instance: instance, transfer_syntax: syntax })
}

/// Reads on from `position`, never past [`MAX_META`].
struct MetaReader<'a, R> {
    file: &'a mut R,
    position: u64,
    /// The file ended between two elements.
    ended: bool,
}

impl<R: Read> MetaReader<'_, R> {
    /// Fills the buffer; `false`: the file ends first.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<bool, Part10Error> {
        if self.position + buffer.len() as u64 > MAX_META {
            return Err(Part10Error::NotDicom("the meta group is too long"));
        }
        match self.file.read_exact(buffer) {
            Ok(()) => {
                self.position += buffer.len() as u64;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn exact(&mut self, buffer: &mut [u8]) -> Result<(), Part10Error> {
        if self.fill(buffer)? { Ok(()) } else { Err(Part10Error::NotDicom("it ends inside the file meta group")) }
    }

    /// Element number and value length of the next element; `None` when the meta group is over.
    fn element_head(&mut self) -> Result<Option<(u16, u32)>, Part10Error> {
        let mut head = [0; 8];
        if !self.fill(&mut head[..2])? {
            self.ended = true;
            return Ok(None);
        }
        if u16::from_le_bytes([head[0], head[1]]) != META_GROUP {
            return Ok(None);
        }
        self.exact(&mut head[2..])?;
        let number = u16::from_le_bytes([head[2], head[3]]);
        let length = match &head[4..6] {
            b"OB" | b"OW" | b"OF" | b"OD" | b"OL" | b"OV" | b"UN" | b"UT" | b"UC" | b"UR" | b"SQ" => {
                let mut long = [0; 4];
                self.exact(&mut long)?;
                u32::from_le_bytes(long)
            }
            vr if vr.iter().all(u8::is_ascii_uppercase) => u32::from(u16::from_le_bytes([head[6], head[7]])),
            _ => return Err(Part10Error::NotDicom("the meta group is not in explicit VR little endian")),
        };
        Ok(Some((number, length)))
    }

    fn uid(&mut self, length: u32) -> Result<Uid, Part10Error> {
        let mut value = [0; 128];
        let value = value.get_mut(..length as usize).ok_or(Part10Error::NotDicom("a UID of the meta group is too long"))?;
        self.exact(value)?;
        Uid::from_value(value).map_err(|_| Part10Error::NotDicom("a UID of the meta group is garbled"))
    }

    fn skip(&mut self, length: u32) -> Result<(), Part10Error> {
        let mut waste = [0; 512];
        let mut left = length as usize;
        while left > 0 {
            let part = left.min(waste.len());
            self.exact(&mut waste[..part])?;
            left -= part;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(text: &str) -> Uid {
        text.parse().expect("a UID")
    }

    fn identity() -> Identity {
        Identity {
            sop_class: uid("1.2.3"),
            sop_instance: uid("1.2.3.40"),
            transfer_syntax: uid("1.2.840.10008.1.2.1"),
            study: None,
            series: None,
        }
    }

    #[test]
    fn a_meta_group_is_read_as_written() {
        let title = "CT 1".parse().expect("a title");
        for calling in [None, Some(&title)] {
            let mut file = file_meta(&identity(), calling);
            let offset = file.len() as u64;
            let group_length = u32::from_le_bytes(file[140..144].try_into().expect("four bytes"));
            assert_eq!(u64::from(group_length), offset - 144);
            file.extend_from_slice(&[8, 0, 5, 0]);
            let meta = read_file_meta(&mut file.as_slice()).expect("a meta group");
            let expected = FileMeta {
                sop_class: uid("1.2.3"),
                sop_instance: uid("1.2.3.40"),
                transfer_syntax: uid("1.2.840.10008.1.2.1"),
                data_set_offset: offset,
            };
            assert_eq!(meta, expected);
        }
    }

    #[test]
    fn a_missing_group_length_does_not_matter() {
        let mut file = file_meta(&identity(), None);
        file.drain(132..144);
        let offset = file.len() as u64;
        file.extend_from_slice(&[8, 0, 5, 0]);
        assert_eq!(read_file_meta(&mut file.as_slice()).expect("a meta group").data_set_offset, offset);
    }

    #[test]
    fn what_is_no_file_is_refused_without_reading_on() {
        let whole = file_meta(&identity(), None);
        for length in 0..whole.len() {
            assert!(read_file_meta(&mut &whole[..length]).is_err(), "cut at {length}");
        }
        let mut endless = whole[..144].to_vec();
        endless.extend_from_slice(&[2, 0, 2, 1, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        let mut file = endless.as_slice().chain(io::repeat(0));
        assert!(matches!(read_file_meta(&mut file), Err(Part10Error::NotDicom("the meta group is too long"))));
    }
}
