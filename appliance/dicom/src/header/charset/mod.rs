//! Specific Character Set (0008,0005): bytes of a text value to Unicode (PS3.3 C.12.1.1.2, PS3.5 §6.1).
//!
//! Knows every defined term of PS3.3 C.12.1.1.2: single-byte sets, code extensions by ISO 2022 escape sequences, and the multi-byte
//! sets without code extensions (UTF-8, GB18030, GBK). Decoding never fails: what cannot be read becomes U+FFFD. Lenient where real
//! senders err and the standard leaves no second reading: misspelt terms, a G1 set that is declared but never designated, UTF-8 under no
//! or an unknown term.

mod iso2022;
mod sets;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030};

use self::{iso2022::Designation, sets::Set};

/// The character sets that one data set declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CharacterSets {
    /// `ISO_IR 192`: no code extensions.
    Utf8,
    /// `GB18030` or `GBK`: no code extensions.
    Gb18030,
    /// Sets that follow ISO 2022; the designation is the one that value 1 sets and that delimiters return to.
    Iso2022(Designation),
}

impl CharacterSets {
    /// Reads the value of (0008,0005); `None` or empty means the default repertoire. Unknown terms count as the default repertoire.
    pub(super) fn from_value(value: Option<&[u8]>) -> Self {
        let mut terms = value.unwrap_or_default().split(|byte| *byte == b'\\').map(from_term);
        let mut sets = match terms.next().flatten() {
            Some(Self::Iso2022(designation)) => designation,
            Some(whole) => return whole,
            None => Designation::DEFAULT,
        };
        for term in terms.flatten() {
            match term {
                // Conforming text designates G1 before it uses it; for text that does not, the first declared set is the likely one.
                Self::Iso2022(extension) => sets.g1 = sets.g1.or(extension.g1),
                whole => return whole,
            }
        }
        Self::Iso2022(sets)
    }

    /// Decodes one value. Bytes without meaning become U+FFFD; control characters stay.
    pub(super) fn decode(self, bytes: &[u8]) -> String {
        match self {
            Self::Utf8 => String::from_utf8_lossy(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)).into_owned(),
            Self::Gb18030 => replacing(GB18030, bytes).into_owned(),
            Self::Iso2022(designation) => {
                let plain = designation.g0 == Set::Ascii && !bytes.contains(&iso2022::ESC);
                // Without a G1 set no byte above 0x7F has a meaning. That they form valid UTF-8 by chance is very unlikely.
                if plain
                    && (designation.g1.is_none() || bytes.is_ascii())
                    && let Ok(text) = str::from_utf8(bytes)
                {
                    return text.into();
                }
                iso2022::decode(designation, bytes)
            }
        }
    }
}

/// One defined term, read without regard to case and to what stands between letters and digits.
fn from_term(term: &[u8]) -> Option<CharacterSets> {
    let term: String = term.iter().filter(|b| b.is_ascii_alphanumeric()).map(|b| char::from(b.to_ascii_uppercase())).collect();
    match term.as_str() {
        "UTF8" | "ISO10646" => return Some(CharacterSets::Utf8),
        "GB18030" | "GBK" | "GB2312" => return Some(CharacterSets::Gb18030),
        "ASCII" | "USASCII" | "ISO646" => return Some(CharacterSets::Iso2022(Designation::DEFAULT)),
        _ => {}
    }
    let number = if let Some(part) = term.strip_prefix("ISO8859") {
        sets::registration_of_8859_part(part.parse().ok()?)?
    } else {
        let rest = term.strip_prefix("ISO").unwrap_or(&term);
        let rest = rest.strip_prefix("2022").unwrap_or(rest);
        rest.strip_prefix("IR").unwrap_or(rest).parse().ok()?
    };
    if number == 192 {
        return Some(CharacterSets::Utf8);
    }
    sets::designated_by_registration(number).map(CharacterSets::Iso2022)
}

/// Decodes with U+FFFD for what is malformed.
fn replacing<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Cow<'a, str> {
    encoding.decode_without_bom_handling(bytes).0
}
