//! The bytes of the log: segment headers and records. Pure: no I/O, bounded, never panics on any input.
//!
//! A segment file begins with its header (64 bytes, all integers little endian):
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | magic `RPSEGMNT` |
//! | 8 | 4 | format version ([`FORMAT`]) |
//! | 12 | 4 | segment number |
//! | 16 | 16 | node: the UUID of the buffer it belongs to |
//! | 32 | 8 | epoch under which it is written |
//! | 40 | 20 | zero |
//! | 60 | 4 | CRC-32C of the bytes before |
//!
//! Records follow without gaps, each at a multiple of 8 bytes, its payload padded with zeros:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 | magic `RPLR` |
//! | 4 | 1 | kind ([`Kind`]) |
//! | 5 | 1 | version of the payload ([`PAYLOAD`]) |
//! | 6 | 2 | zero |
//! | 8 | 4 | length of the payload, at most [`MAX_PAYLOAD`] |
//! | 12 | 4 | CRC-32C of the payload |
//! | 16 | 8 | epoch |
//! | 24 | 8 | object (0: none) |
//! | 32 | 8 | epoch … |
//! | 40 | 4 | … and offset up to which the log was durable when this was written |
//! | 44 | 4 | CRC-32C of the bytes before, begun with the segment's [`Seed`] |
//! | 48 | | payload |
//!
//! The seed is made of node and segment number, so a record is only good in its own file of its own box: neither what an earlier epoch left
//! behind nor bytes inside a payload (a sender may choose them, but does not know the node) are ever taken for a record. The two checksums
//! let a reader report and step over a record whose payload is damaged.

use relaypacs_domain::ObjectId;
use uuid::Uuid;

use crate::entry::{Commit, Entry, LogPosition, Note, Part};

/// Version of the format of segments and record headers.
pub(crate) const FORMAT: u32 = 1;
/// Version of the payloads' encoding (postcard of `entry.rs`).
pub(crate) const PAYLOAD: u8 = 1;
/// Bytes of a segment header; the first record's offset.
pub(crate) const SEGMENT_HEADER: u32 = 64;
/// Bytes of a record header.
pub(crate) const HEADER: u32 = 48;
/// Most bytes of an object in one `Data` record.
pub(crate) const MAX_DATA: usize = 1 << 20;
/// Most bytes of any payload.
pub(crate) const MAX_PAYLOAD: u32 = 16 << 20;

const SEGMENT_MAGIC: &[u8; 8] = b"RPSEGMNT";
/// The first bytes of every record.
pub(crate) const MAGIC: &[u8; 4] = b"RPLR";

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A run of an object's bytes.
    Data = 1,
    /// An object is complete.
    Commit = 2,
    /// An object was given up while it came in.
    Abort = 3,
    /// Objects' bytes are no longer needed.
    Release = 4,
    /// A fact the index must not lose.
    Note = 5,
    /// Nothing more comes in this segment.
    End = 6,
    /// A piece of an upload's file is complete: `Data` records like an object's, kept until the upload ends.
    Part = 7,
}

/// Whose segment a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// The buffer.
    pub(crate) node: Uuid,
    /// The segment's number.
    pub(crate) segment: u32,
    /// The epoch under which it is written.
    pub(crate) epoch: u64,
}

/// Begins the checksum of every record header of one segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seed(u32);

/// A record without its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// What it is.
    pub(crate) kind: Kind,
    /// Bytes of the payload.
    pub(crate) len: u32,
    /// CRC-32C of the payload.
    pub(crate) payload_crc: u32,
    /// Epoch of the segment.
    pub(crate) epoch: u64,
    /// The object it is about; `ObjectId(0)`: none.
    pub(crate) object: ObjectId,
    /// Up to where the log was durable when it was written.
    pub(crate) durable: LogPosition,
}

/// Why bytes are no record (or no segment header).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadRecord {
    /// Fewer bytes than a header has.
    #[error("cut short")]
    Short,
    /// Other bytes stand where the magic should be.
    #[error("no record here")]
    Magic,
    /// The header's checksum is wrong.
    #[error("the header's checksum is wrong")]
    HeaderChecksum,
    /// The payload's checksum is wrong.
    #[error("the payload's checksum is wrong")]
    PayloadChecksum,
    /// A kind, version or length that this program does not write.
    #[error("not a record this release knows")]
    Unknown,
    /// The payload cannot be decoded.
    #[error("the payload cannot be decoded")]
    Payload,
}

impl Kind {
    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Data),
            2 => Some(Self::Commit),
            3 => Some(Self::Abort),
            4 => Some(Self::Release),
            5 => Some(Self::Note),
            6 => Some(Self::End),
            7 => Some(Self::Part),
            _ => None,
        }
    }
}

impl Seed {
    /// The seed of a segment.
    pub(crate) fn new(node: Uuid, segment: u32) -> Self {
        Self(crc32c::crc32c_append(crc32c::crc32c(node.as_bytes()), &segment.to_le_bytes()))
    }
}

impl SegmentHeader {
    /// The header's bytes.
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER as usize] {
        let mut bytes = [0; SEGMENT_HEADER as usize];
        bytes[..8].copy_from_slice(SEGMENT_MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.segment.to_le_bytes());
        bytes[16..32].copy_from_slice(self.node.as_bytes());
        bytes[32..40].copy_from_slice(&self.epoch.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header back.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BadRecord> {
        let bytes = bytes.first_chunk::<{ SEGMENT_HEADER as usize }>().ok_or(BadRecord::Short)?;
        if &bytes[..8] != SEGMENT_MAGIC {
            return Err(BadRecord::Magic);
        }
        if u32_at(bytes, 60) != crc32c::crc32c(&bytes[..60]) {
            return Err(BadRecord::HeaderChecksum);
        }
        if u32_at(bytes, 8) != FORMAT {
            return Err(BadRecord::Unknown);
        }
        let mut node = [0; 16];
        node.copy_from_slice(&bytes[16..32]);
        Ok(Self { node: Uuid::from_bytes(node), segment: u32_at(bytes, 12), epoch: u64_at(bytes, 32) })
    }
}

impl Header {
    /// The header's bytes.
    pub(crate) fn encode(&self, seed: Seed) -> [u8; HEADER as usize] {
        let mut bytes = [0; HEADER as usize];
        bytes[..4].copy_from_slice(MAGIC);
        bytes[4] = self.kind as u8;
        bytes[5] = PAYLOAD;
        bytes[8..12].copy_from_slice(&self.len.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.payload_crc.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.object.0.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.durable.epoch.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.durable.offset.to_le_bytes());
        let crc = crc32c::crc32c_append(seed.0, &bytes[..44]);
        bytes[44..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header back.
    pub(crate) fn decode(bytes: &[u8], seed: Seed) -> Result<Self, BadRecord> {
        let bytes = bytes.first_chunk::<{ HEADER as usize }>().ok_or(BadRecord::Short)?;
        if &bytes[..4] != MAGIC {
            return Err(BadRecord::Magic);
        }
        if u32_at(bytes, 44) != crc32c::crc32c_append(seed.0, &bytes[..44]) {
            return Err(BadRecord::HeaderChecksum);
        }
        let header = Self {
            kind: Kind::from_byte(bytes[4]).ok_or(BadRecord::Unknown)?,
            len: u32_at(bytes, 8),
            payload_crc: u32_at(bytes, 12),
            epoch: u64_at(bytes, 16),
            object: ObjectId(u64_at(bytes, 24)),
            durable: LogPosition { epoch: u64_at(bytes, 32), offset: u32_at(bytes, 40) },
        };
        let known = bytes[5] == PAYLOAD && bytes[6..8] == [0, 0] && header.len <= MAX_PAYLOAD;
        if known { Ok(header) } else { Err(BadRecord::Unknown) }
    }

    /// Bytes of the whole record: header, payload, padding.
    pub(crate) const fn record_len(&self) -> u32 {
        record_len(self.len)
    }

    /// Whether these are the payload's bytes.
    pub(crate) fn check(&self, payload: &[u8]) -> Result<(), BadRecord> {
        let good = payload.len() == self.len as usize && crc32c::crc32c(payload) == self.payload_crc;
        if good { Ok(()) } else { Err(BadRecord::PayloadChecksum) }
    }
}

/// Bytes of a record with a payload of `len` bytes.
pub(crate) const fn record_len(len: u32) -> u32 {
    (HEADER + len).next_multiple_of(8)
}

/// An entry as a record's kind, object and payload. Encoding into memory cannot fail; a payload that could ever be refused when read is.
pub(crate) fn encode_entry(entry: &Entry) -> Result<(Kind, ObjectId, Vec<u8>), BadRecord> {
    let (kind, object, payload) = match entry {
        Entry::Commit(commit) => (Kind::Commit, commit.object, postcard::to_allocvec(commit)),
        Entry::Part(part) => (Kind::Part, part.object, postcard::to_allocvec(part)),
        Entry::Note(note @ Note::Recorded(commit)) => (Kind::Note, commit.object, postcard::to_allocvec(note)),
        Entry::Note(note) => (Kind::Note, ObjectId(0), postcard::to_allocvec(note)),
        Entry::Release(objects) => (Kind::Release, ObjectId(0), postcard::to_allocvec(objects)),
    };
    let payload = payload.map_err(|_| BadRecord::Payload)?;
    if payload.len() <= MAX_PAYLOAD as usize { Ok((kind, object, payload)) } else { Err(BadRecord::Payload) }
}

/// The entry of a record; `None` for the kinds that carry none (`Data`, `Abort`, `End`).
pub(crate) fn decode_entry(kind: Kind, payload: &[u8]) -> Result<Option<Entry>, BadRecord> {
    fn all<'a, T: serde::Deserialize<'a>>(payload: &'a [u8]) -> Result<T, BadRecord> {
        match postcard::take_from_bytes(payload) {
            Ok((value, [])) => Ok(value),
            _ => Err(BadRecord::Payload),
        }
    }
    Ok(match kind {
        Kind::Data | Kind::Abort | Kind::End => None,
        Kind::Commit => Some(Entry::Commit(Box::new(all::<Commit>(payload)?))),
        Kind::Part => Some(Entry::Part(Box::new(all::<Part>(payload)?))),
        Kind::Note => Some(Entry::Note(all::<Note>(payload)?)),
        Kind::Release => Some(Entry::Release(all(payload)?)),
    })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use relaypacs_domain::{Failure, FailureCode, Timestamp, Verdict};

    use super::*;
    use crate::entry::BufferTime;

    fn seed() -> Seed {
        Seed::new(Uuid::from_u128(7), 3)
    }

    fn header() -> Header {
        Header {
            kind: Kind::Note,
            len: 4,
            payload_crc: crc32c::crc32c(b"abcd"),
            epoch: 9,
            object: ObjectId(5),
            durable: LogPosition { epoch: 8, offset: 64 },
        }
    }

    #[test]
    fn a_record_is_good_only_in_its_own_segment_of_its_own_box() {
        let bytes = header().encode(seed());
        assert_eq!(Header::decode(&bytes, seed()), Ok(header()));
        assert_eq!(Header::decode(&bytes, Seed::new(Uuid::from_u128(7), 4)), Err(BadRecord::HeaderChecksum));
        assert_eq!(Header::decode(&bytes, Seed::new(Uuid::from_u128(8), 3)), Err(BadRecord::HeaderChecksum));
        assert_eq!(Header::decode(&bytes[..47], seed()), Err(BadRecord::Short));
        assert_eq!(header().check(b"abcd"), Ok(()));
        assert_eq!(header().check(b"abce"), Err(BadRecord::PayloadChecksum));
        assert_eq!(header().check(b"abc"), Err(BadRecord::PayloadChecksum));
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_found() {
        let check = |bytes: &[u8], decodes: &dyn Fn(&[u8]) -> bool| {
            assert!(decodes(bytes));
            for bit in 0..bytes.len() * 8 {
                let mut bad = bytes.to_vec();
                bad[bit / 8] ^= 1 << (bit % 8);
                assert!(!decodes(&bad), "bit {bit}");
            }
        };
        check(&header().encode(seed()), &|bytes| Header::decode(bytes, seed()).is_ok());
        let segment = SegmentHeader { node: Uuid::from_u128(1), segment: 2, epoch: 3 };
        assert_eq!(SegmentHeader::decode(&segment.encode()), Ok(segment));
        check(&segment.encode(), &|bytes| SegmentHeader::decode(bytes).is_ok());
    }

    #[test]
    fn entries_come_back_and_trailing_bytes_do_not_pass() {
        let verdict = Verdict::Retry { failure: Failure::new(FailureCode::Http(503), "busy"), after: Duration::from_secs(5) };
        let note = Note::Tried {
            destination: "pacs".parse().unwrap(),
            at: Timestamp::from_millis(5),
            when: BufferTime(Duration::from_millis(7)),
            verdicts: vec![(ObjectId(1), verdict)],
        };
        let part = Part {
            object: ObjectId(3),
            key: crate::entry::PartKey { upload: relaypacs_domain::UploadId(Uuid::from_u128(9)), file: "a.dcm".into(), index: 7 },
            bytes: 5,
            extents: vec![crate::entry::Extent::whole(1, 2, 64, 5)],
            accepted: BufferTime::default(),
        };
        for entry in [Entry::Note(note), Entry::Part(Box::new(part)), Entry::Release(vec![ObjectId(1), ObjectId(u64::MAX)])] {
            let (kind, _, mut payload) = encode_entry(&entry).unwrap();
            assert_eq!(decode_entry(kind, &payload), Ok(Some(entry)));
            payload.push(0);
            assert_eq!(decode_entry(kind, &payload), Err(BadRecord::Payload));
        }
        assert_eq!(decode_entry(Kind::Data, b"anything"), Ok(None));
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_fail_and_what_decodes_encodes_to_the_same(kind in 0_u8..9, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Header::decode(&bytes, seed());
            let _ = SegmentHeader::decode(&bytes);
            if let Some(kind) = Kind::from_byte(kind)
                && let Ok(Some(entry)) = decode_entry(kind, &bytes)
            {
                let (kind, _, again) = encode_entry(&entry).unwrap();
                prop_assert_eq!(decode_entry(kind, &again).unwrap().unwrap(), entry);
            }
        }

        #[test]
        fn headers_come_back(kind in 1_u8..8, len in 0..=MAX_PAYLOAD, payload_crc: u32, epoch: u64, object: u64, de: u64, offset: u32) {
            let durable = LogPosition { epoch: de, offset };
            let header = Header { kind: Kind::from_byte(kind).unwrap(), len, payload_crc, epoch, object: ObjectId(object), durable };
            prop_assert_eq!(Header::decode(&header.encode(seed()), seed()), Ok(header));
        }
    }
}
