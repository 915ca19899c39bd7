//! One element header (PS3.5 §7.1) in one encoding, and guessing the encoding from the first one.

use relaypacs_domain::Uid;

/// Implicit VR Little Endian, Papyrus 3, and GE's private syntax that differs from the first in the byte order of the pixels only.
const IMPLICIT: [&str; 3] = ["1.2.840.10008.1.2", "1.2.840.10008.1.20", "1.2.840.113619.5.2"];
/// Explicit VR Big Endian (retired).
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
/// Longest value of a first element in implicit VR that is believed, in bytes.
const MAX_FIRST: u32 = 4096;
/// Length that says "until the delimiter" (PS3.5 §7.5).
pub(crate) const UNDEFINED: u32 = 0xFFFF_FFFF;

/// Item, item delimiter and sequence delimiter (PS3.5 Table 7.5-3).
pub(crate) const ITEM: u32 = 0xFFFE_E000;
pub(crate) const ITEM_DELIMITER: u32 = 0xFFFE_E00D;
pub(crate) const SEQUENCE_DELIMITER: u32 = 0xFFFE_E0DD;
/// Group of the three, which have no VR in any encoding.
const DELIMITER_GROUP: u16 = 0xFFFE;

/// How element headers are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    vr: Vr,
    order: Order,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vr {
    Explicit,
    Implicit,
}

/// Byte order of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

/// What an element header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Group and element in one number.
    pub(crate) tag: u32,
    /// Length of the value in bytes, or [`UNDEFINED`].
    pub(crate) len: u32,
    /// The VR is UN: the value is implicit VR little endian whatever the data set is (PS3.5 §6.2.2, CP-246).
    pub(crate) unknown_vr: bool,
}

/// What the bytes at hand amount to.
pub(crate) enum Reading {
    /// So many bytes are needed from the start of the element.
    Needs(usize),
    /// A header and its length in bytes.
    Header(Header, usize),
}

impl Form {
    pub(crate) const EXPLICIT_LITTLE: Self = Self { vr: Vr::Explicit, order: Order::Little };
    pub(crate) const IMPLICIT_LITTLE: Self = Self { vr: Vr::Implicit, order: Order::Little };
    pub(crate) const EXPLICIT_BIG: Self = Self { vr: Vr::Explicit, order: Order::Big };

    /// What a transfer syntax names.
    pub(crate) fn of_syntax(transfer_syntax: &Uid) -> Self {
        let syntax = transfer_syntax.as_str();
        if IMPLICIT.contains(&syntax) {
            Self::IMPLICIT_LITTLE
        } else if syntax == BIG_ENDIAN {
            Self::EXPLICIT_BIG
        } else {
            Self::EXPLICIT_LITTLE
        }
    }

    /// Longest header in bytes.
    pub(crate) const MAX_HEADER: usize = 12;
    /// Bytes that [`Self::guess`] looks at.
    pub(crate) const SHORT_HEADER: usize = 8;

    /// Byte order of values.
    pub(crate) fn order(self) -> Order {
        self.order
    }

    /// The encoding that the first element of a data set shows, where it shows one; else this one, which the sender named.
    ///
    /// A data set begins with a group below 0x0100, so a zero byte tells the byte order. Known VR letters where the length would
    /// be mean explicit VR: read as a length they are 16 KiB at least, which no first element has.
    pub(crate) fn guess(self, first: [u8; Self::SHORT_HEADER]) -> Self {
        let order = match (first[0], first[1]) {
            (0, 1..) => Order::Big,
            (1.., 0) => Order::Little,
            _ => self.order,
        };
        let vr = [first[4], first[5]];
        let vr = match is_known(vr) {
            true => Vr::Explicit,
            false if vr.iter().all(|byte| matches!(byte, 0x20..=0x7E)) => self.vr,
            false => Vr::Implicit,
        };
        Self { vr, order }
    }

    /// Reads a header at the start of `bytes`.
    pub(crate) fn read(self, bytes: &[u8]) -> Reading {
        let Some(first) = bytes.first_chunk::<{ Self::SHORT_HEADER }>() else { return Reading::Needs(Self::SHORT_HEADER) };
        let [g0, g1, e0, e1, a, b, c, d] = *first;
        let group = self.u16([g0, g1]);
        let tag = u32::from(group) << 16 | u32::from(self.u16([e0, e1]));
        let header = |len, unknown_vr| Header { tag, len, unknown_vr };
        if self.vr == Vr::Implicit || group == DELIMITER_GROUP {
            return Reading::Header(header(self.u32([a, b, c, d]), false), 8);
        }
        match length_field([a, b]) {
            LengthField::Short => Reading::Header(header(u32::from(self.u16([c, d])), false), 8),
            LengthField::InsteadOfVr => Reading::Header(header(self.u32([a, b, c, d]), false), 8),
            LengthField::Long => match bytes.first_chunk::<{ Self::MAX_HEADER }>() {
                Some([.., a4, b4, c4, d4]) => Reading::Header(header(self.u32([*a4, *b4, *c4, *d4]), [a, b] == *b"UN"), 12),
                None => Reading::Needs(Self::MAX_HEADER),
            },
        }
    }

    fn u16(self, bytes: [u8; 2]) -> u16 {
        self.order.u16(bytes)
    }

    fn u32(self, bytes: [u8; 4]) -> u32 {
        self.order.u32(bytes)
    }
}

impl Order {
    pub(crate) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(crate) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// How a data set is encoded, as far as its first element shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoding(Form);

impl Encoding {
    /// The encoding of a data set whose first element's header begins so, if that element can be one of `group`.
    pub(crate) fn of_first(first: [u8; Form::SHORT_HEADER], group: u16) -> Option<Self> {
        let form = Form::IMPLICIT_LITTLE.guess(first);
        let Reading::Header(header, _) = form.read(&[&first[..], &[0; 4]].concat()) else { return None };
        let plausible = header.tag >> 16 == u32::from(group) && (form.vr == Vr::Explicit || header.len <= MAX_FIRST);
        plausible.then_some(Self(form))
    }

    /// The uncompressed transfer syntax of that encoding.
    pub(crate) fn transfer_syntax(self) -> Uid {
        let text = match (self.0.vr, self.0.order) {
            (Vr::Implicit, _) => "1.2.840.10008.1.2",
            (Vr::Explicit, Order::Little) => "1.2.840.10008.1.2.1",
            (Vr::Explicit, Order::Big) => "1.2.840.10008.1.2.2",
        };
        #[expect(clippy::expect_used, reason = "each is a UID; a test reads them")]
        text.parse().expect("a UID")
    }
}

/// Where explicit VR has the length (PS3.5 Tables 7.1-1 and 7.1-2).
enum LengthField {
    /// Two bytes behind the VR.
    Short,
    /// Four bytes, two bytes behind the VR.
    Long,
    /// There is no VR: some writers put implicit VR elements into explicit VR data sets.
    InsteadOfVr,
}

fn length_field(vr: [u8; 2]) -> LengthField {
    match &vr {
        b"AE" | b"AS" | b"AT" | b"CS" | b"DA" | b"DS" | b"DT" | b"FL" | b"FD" | b"IS" | b"LO" | b"LT" | b"PN" | b"SH" | b"SL" | b"SS"
        | b"ST" | b"TM" | b"UI" | b"UL" | b"US" => LengthField::Short,
        // VRs of the future have the long form (PS3.5 §6.2).
        [b'A'..=b'Z', b'A'..=b'Z'] => LengthField::Long,
        // "??", "--" and the like instead of a VR.
        [0x20..=0x7E, 0x20..=0x7E] => LengthField::Short,
        _ => LengthField::InsteadOfVr,
    }
}

/// Whether these letters are a VR of PS3.5 Table 6.2-1.
fn is_known(vr: [u8; 2]) -> bool {
    const LONG: [&[u8; 2]; 13] = [b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"];
    LONG.contains(&&vr) || (vr[0].is_ascii_uppercase() && matches!(length_field(vr), LengthField::Short))
}
