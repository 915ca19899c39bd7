//! Graphic character sets by their ISO registration numbers (PS3.3 Tables C.12-2 to C.12-5) and how their bytes become characters.

use encoding_rs::{
    EUC_JP, EUC_KR, Encoding, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_15,
    WINDOWS_874, WINDOWS_1252, WINDOWS_1254,
};

use super::{iso2022::Designation, replacing};

/// A set that can be designated as G0 or G1 (ISO 2022).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// ISO-IR 6.
    Ascii,
    /// ISO-IR 14, JIS X 0201: ASCII but for yen sign and overline.
    Romaji,
    /// ISO-IR 13, JIS X 0201.
    Katakana,
    /// ISO-IR 100.
    Latin1,
    /// ISO-IR 101.
    Latin2,
    /// ISO-IR 109.
    Latin3,
    /// ISO-IR 110.
    Latin4,
    /// ISO-IR 144.
    Cyrillic,
    /// ISO-IR 127.
    Arabic,
    /// ISO-IR 126.
    Greek,
    /// ISO-IR 138.
    Hebrew,
    /// ISO-IR 148.
    Latin5,
    /// ISO-IR 203.
    Latin9,
    /// ISO-IR 166, TIS 620.
    Thai,
    /// ISO-IR 87, two bytes a character.
    JisX0208,
    /// ISO-IR 159, two bytes a character.
    JisX0212,
    /// ISO-IR 149, two bytes a character.
    KsX1001,
    /// ISO-IR 58, two bytes a character.
    Gb2312,
}

/// What a defined term with this ISO registration number sets when it stands in value 1 (PS3.3 C.12.1.1.2).
pub(super) fn designated_by_registration(number: u16) -> Option<Designation> {
    let g1 = match number {
        6 => return Some(Designation::DEFAULT),
        13 => return Some(Designation { g0: Set::Romaji, g1: Some(Set::Katakana) }),
        14 => return Some(Designation { g0: Set::Romaji, g1: None }),
        // These take G0 and need an escape sequence; they are not allowed in value 1 but found there.
        87 | 159 => None,
        58 => Some(Set::Gb2312),
        149 => Some(Set::KsX1001),
        100 => Some(Set::Latin1),
        101 => Some(Set::Latin2),
        109 => Some(Set::Latin3),
        110 => Some(Set::Latin4),
        126 => Some(Set::Greek),
        127 => Some(Set::Arabic),
        138 => Some(Set::Hebrew),
        144 => Some(Set::Cyrillic),
        148 => Some(Set::Latin5),
        166 => Some(Set::Thai),
        203 => Some(Set::Latin9),
        _ => return None,
    };
    Some(Designation { g0: Set::Ascii, g1 })
}

/// The registration number of ISO 8859-`part`, for terms such as `ISO 8859-1`.
pub(super) fn registration_of_8859_part(part: u8) -> Option<u16> {
    Some(match part {
        1 => 100,
        2 => 101,
        3 => 109,
        4 => 110,
        5 => 144,
        6 => 127,
        7 => 126,
        8 => 138,
        9 => 148,
        15 => 203,
        _ => return None,
    })
}

impl Set {
    /// Whether a character takes two bytes.
    pub(super) fn is_double_byte(self) -> bool {
        matches!(self, Self::JisX0208 | Self::JisX0212 | Self::KsX1001 | Self::Gb2312)
    }

    /// Appends a run of bytes of this set. The run is either all below or all above 0x7F; both name the same characters where a set may
    /// stand in G0 and in G1.
    pub(super) fn decode_run(self, run: &[u8], out: &mut String) {
        match self {
            Self::Ascii => out.extend(run.iter().map(|byte| ascii(*byte))),
            Self::Romaji => out.extend(run.iter().map(|byte| match byte {
                0x5C => '¥',
                0x7E => '‾',
                other => ascii(*other),
            })),
            Self::Katakana => out.extend(run.iter().map(|byte| match byte | 0x80 {
                kana @ 0xA1..=0xDF => char::from_u32(0xFF61 + u32::from(kana - 0xA1)).unwrap_or(char::REPLACEMENT_CHARACTER),
                _ => char::REPLACEMENT_CHARACTER,
            })),
            Self::JisX0212 => {
                // EUC-JP has this set behind a prefix of its own.
                let euc: Vec<u8> = run.chunks(2).flat_map(|pair| std::iter::once(0x8F).chain(pair.iter().map(|b| b | 0x80))).collect();
                out.push_str(&replacing(EUC_JP, &euc));
            }
            Self::JisX0208 | Self::KsX1001 | Self::Gb2312 => {
                let euc: Vec<u8> = run.iter().map(|byte| byte | 0x80).collect();
                out.push_str(&replacing(self.encoding(), &euc));
            }
            _ => out.push_str(&replacing(self.encoding(), run)),
        }
    }

    /// The table that holds this set. Latin-1, Latin-5 and Thai take the Windows tables, which add printable characters where ISO 8859
    /// has C1 controls: senders that say ISO_IR 100 use them.
    fn encoding(self) -> &'static Encoding {
        match self {
            Self::Ascii | Self::Romaji | Self::Katakana | Self::Latin1 => WINDOWS_1252,
            Self::Latin2 => ISO_8859_2,
            Self::Latin3 => ISO_8859_3,
            Self::Latin4 => ISO_8859_4,
            Self::Cyrillic => ISO_8859_5,
            Self::Arabic => ISO_8859_6,
            Self::Greek => ISO_8859_7,
            Self::Hebrew => ISO_8859_8,
            Self::Latin5 => WINDOWS_1254,
            Self::Latin9 => ISO_8859_15,
            Self::Thai => WINDOWS_874,
            Self::JisX0208 | Self::JisX0212 => EUC_JP,
            Self::KsX1001 => EUC_KR,
            Self::Gb2312 => GBK,
        }
    }
}

fn ascii(byte: u8) -> char {
    if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER }
}
