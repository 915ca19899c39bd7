//! A data set in memory as a tree (PS3.5 §7), for objects of a few megabytes that a PACS hands out.
//!
//! Values are slices of what was received: a length that claims more than is there is a fault and never an allocation. Implicit and explicit
//! VR, little and big endian; sequences of defined and undefined length, nested at most [`MAX_DEPTH`] deep; at most [`MAX_ELEMENTS`] elements.

/// Sequences within sequences.
const MAX_DEPTH: usize = 32;
/// Elements in all.
const MAX_ELEMENTS: usize = 200_000;
const UNDEFINED: u32 = u32::MAX;
const ITEM: u32 = 0xFFFE_E000;
const ITEM_END: u32 = 0xFFFE_E00D;
const SEQUENCE_END: u32 = 0xFFFE_E0DD;

/// How a data set is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Encoding {
    pub(super) explicit: bool,
    pub(super) big_endian: bool,
}

/// The bytes are no data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the object cannot be read: {0}")]
pub(super) struct Unreadable(&'static str);

/// One data set, or one item of a sequence.
#[derive(Debug, Default)]
pub(super) struct DataSet<'a> {
    elements: Vec<(u32, Value<'a>)>,
}

#[derive(Debug)]
enum Value<'a> {
    Bytes(&'a [u8]),
    Items(Vec<DataSet<'a>>),
}

impl Encoding {
    /// Of a transfer syntax; `None`: one that is not read here (deflated, or with encapsulated pixels, which no report has).
    pub(super) fn of(transfer_syntax: &str) -> Option<Self> {
        match transfer_syntax {
            "1.2.840.10008.1.2" => Some(Self { explicit: false, big_endian: false }),
            "1.2.840.10008.1.2.1" => Some(Self { explicit: true, big_endian: false }),
            "1.2.840.10008.1.2.2" => Some(Self { explicit: true, big_endian: true }),
            _ => None,
        }
    }
}

impl<'a> DataSet<'a> {
    /// Reads a whole data set.
    pub(super) fn read(bytes: &'a [u8], encoding: Encoding) -> Result<Self, Unreadable> {
        let mut reader = Reader { bytes, encoding, left: MAX_ELEMENTS };
        reader.elements(0, None)
    }

    /// The bytes of an element's value.
    pub(super) fn bytes(&self, tag: u32) -> Option<&'a [u8]> {
        self.elements.iter().find(|(known, _)| *known == tag).and_then(|(_, value)| match value {
            Value::Bytes(bytes) => Some(*bytes),
            Value::Items(_) => None,
        })
    }

    /// A value of letters, digits and signs of the default repertoire, without padding.
    pub(super) fn plain(&self, tag: u32) -> Option<String> {
        let text = String::from_utf8_lossy(self.bytes(tag)?).trim_matches([' ', '\0']).to_owned();
        (!text.is_empty()).then_some(text)
    }

    /// The items of a sequence.
    pub(super) fn items(&self, tag: u32) -> &[Self] {
        match self.elements.iter().find(|(known, _)| *known == tag) {
            Some((_, Value::Items(items))) => items,
            _ => &[],
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    encoding: Encoding,
    left: usize,
}

struct Head {
    tag: u32,
    is_sequence: bool,
    length: u32,
}

impl<'a> Reader<'a> {
    /// Elements up to the end of the bytes, or up to the delimiter that ends an item of undefined length.
    fn elements(&mut self, depth: usize, until: Option<u32>) -> Result<DataSet<'a>, Unreadable> {
        if depth > MAX_DEPTH {
            return Err(Unreadable("sequences are nested too deeply"));
        }
        let mut set = DataSet::default();
        while !self.bytes.is_empty() {
            let head = self.head()?;
            if until == Some(head.tag) {
                return Ok(set);
            }
            self.left = self.left.checked_sub(1).ok_or(Unreadable("it has too many elements"))?;
            let value =
                if head.is_sequence { Value::Items(self.items(head.length, depth)?) } else { Value::Bytes(self.take(head.length)?) };
            set.elements.push((head.tag, value));
        }
        if until.is_some() { Err(Unreadable("an item does not end")) } else { Ok(set) }
    }

    fn items(&mut self, length: u32, depth: usize) -> Result<Vec<DataSet<'a>>, Unreadable> {
        if length != UNDEFINED {
            let bytes = self.take(length)?;
            let mut inner = Reader { bytes, encoding: self.encoding, left: self.left };
            let mut items = Vec::new();
            while !inner.bytes.is_empty() {
                let (tag, length) = (inner.tag()?, inner.u32()?);
                if tag == SEQUENCE_END {
                    break;
                }
                items.push(inner.item(tag, length, depth)?);
            }
            self.left = inner.left;
            return Ok(items);
        }
        let mut items = Vec::new();
        loop {
            let (tag, length) = (self.tag()?, self.u32()?);
            if tag == SEQUENCE_END {
                return Ok(items);
            }
            items.push(self.item(tag, length, depth)?);
        }
    }

    fn item(&mut self, tag: u32, length: u32, depth: usize) -> Result<DataSet<'a>, Unreadable> {
        self.left = self.left.checked_sub(1).ok_or(Unreadable("it has too many items"))?;
        match (tag, length) {
            (ITEM, UNDEFINED) => self.elements(depth + 1, Some(ITEM_END)),
            (ITEM, length) => {
                let bytes = self.take(length)?;
                let mut inner = Reader { bytes, encoding: self.encoding, left: self.left };
                let set = inner.elements(depth + 1, None)?;
                self.left = inner.left;
                Ok(set)
            }
            _ => Err(Unreadable("a sequence has something else than items")),
        }
    }

    fn head(&mut self) -> Result<Head, Unreadable> {
        let tag = self.tag()?;
        if matches!(tag, ITEM | ITEM_END | SEQUENCE_END) || !self.encoding.explicit {
            let length = self.u32()?;
            // Implicit VR does not say what is a sequence: the ones that are read here, and all of undefined length.
            return Ok(Head { tag, is_sequence: length == UNDEFINED || KNOWN_SEQUENCES.contains(&tag), length });
        }
        let vr: [u8; 2] = self.array()?;
        let length = match &vr {
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV" => {
                self.take(2)?;
                self.u32()?
            }
            _ => u32::from(self.u16()?),
        };
        Ok(Head { tag, is_sequence: &vr == b"SQ" || length == UNDEFINED, length })
    }

    fn tag(&mut self) -> Result<u32, Unreadable> {
        let (group, element) = (self.u16()?, self.u16()?);
        Ok(u32::from(group) << 16 | u32::from(element))
    }

    fn u16(&mut self) -> Result<u16, Unreadable> {
        let bytes = self.array()?;
        Ok(if self.encoding.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&mut self) -> Result<u32, Unreadable> {
        let bytes = self.array()?;
        Ok(if self.encoding.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (array, rest) = self.bytes.split_first_chunk().ok_or(Unreadable("it ends in the middle of an element"))?;
        self.bytes = rest;
        Ok(*array)
    }

    fn take(&mut self, length: u32) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self.bytes.split_at_checked(length as usize).ok_or(Unreadable("an element is longer than what is there"))?;
        self.bytes = rest;
        Ok(taken)
    }
}

/// Sequences that are read here: concept names and codes, content, measured values and their units, observers.
const KNOWN_SEQUENCES: [u32; 7] = [0x0040_A043, 0x0040_A168, 0x0040_A730, 0x0040_A300, 0x0040_08EA, 0x0040_A073, 0x0040_A078];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXPLICIT: Encoding = Encoding { explicit: true, big_endian: false };
    const IMPLICIT: Encoding = Encoding { explicit: false, big_endian: false };

    #[test]
    fn sequences_of_both_kinds_are_read() {
        let nested = [
            b"\x40\x00\x30\xA7SQ\0\0\xFF\xFF\xFF\xFF".as_slice(),
            b"\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF\x40\x00\x60\xA1UT\0\0\x02\x00\x00\x00hi\xFE\xFF\x0D\xE0\0\0\0\0",
            b"\xFE\xFF\x00\xE0\x0E\x00\x00\x00\x40\x00\x60\xA1UT\0\0\x02\x00\x00\x00yo",
            b"\xFE\xFF\xDD\xE0\0\0\0\0",
            b"\x42\x00\x10\x00ST\x04\x00end ",
        ]
        .concat();
        let set = DataSet::read(&nested, EXPLICIT).unwrap();
        let texts: Vec<_> = set.items(0x0040_A730).iter().map(|item| item.plain(0x0040_A160).unwrap()).collect();
        assert_eq!(texts, ["hi", "yo"]);
        assert_eq!(set.plain(0x0042_0010).as_deref(), Some("end"));
        let implicit = b"\x40\x00\x30\xA7\x12\x00\x00\x00\xFE\xFF\x00\xE0\x0A\x00\x00\x00\x40\x00\x60\xA1\x02\x00\x00\x00ab";
        let set = DataSet::read(implicit, IMPLICIT).unwrap();
        assert_eq!(set.items(0x0040_A730)[0].plain(0x0040_A160).as_deref(), Some("ab"));
    }

    #[test]
    fn lengths_that_lie_are_faults() {
        let check = |bytes: &[u8]| assert!(DataSet::read(bytes, EXPLICIT).is_err(), "{bytes:?}");
        check(b"\x42\x00\x11\x00OB\0\0\x00\x00\x00\xC0");
        check(b"\x40\x00\x30\xA7SQ\0\0\xFF\xFF\xFF\xFF");
        check(b"\x40\x00\x30\xA7SQ\0\0\x08\x00\x00\x00\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF");
        check(&b"\x40\x00\x30\xA7SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF".repeat(40));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0xFF), Just(0xFE), Just(b'S'), Just(b'Q'), Just(0)], 0..300)) {
            for (explicit, big_endian) in [(true, false), (false, false), (true, true)] {
                let _ = DataSet::read(&bytes, Encoding { explicit, big_endian });
            }
        }
    }
}
