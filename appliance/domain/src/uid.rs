//! Unique identifiers (PS3.5 §9.1).

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// A DICOM UID: 1 to 64 characters of `0-9` and `.`, no empty component.
///
/// Leading zeros in a component are against PS3.5 §9.1 but occur in practice and harm nobody, so they are taken. What is taken here is
/// safe as a path segment and in a URL. Cloning is cheap (shared text).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Uid(Arc<str>);

/// Why a text is no UID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UidError {
    /// Nothing is left without padding.
    #[error("a UID must not be empty")]
    Empty,
    /// Longer than 64 characters.
    #[error("a UID has at most 64 characters, this one has {0}")]
    TooLong(usize),
    /// Something else than a digit or a dot.
    #[error("a UID holds digits and dots only, not the byte {byte:#04x} at position {position}")]
    Character {
        /// The offending byte.
        byte: u8,
        /// Its position, from 0.
        position: usize,
    },
    /// A dot at the start, at the end or beside another dot.
    #[error("a UID must not have an empty component")]
    EmptyComponent,
}

impl Uid {
    /// Longest UID in characters.
    pub const MAX_LEN: usize = 64;

    /// Checks a UID as it stands in an element value: trailing NUL and space padding is taken off.
    pub fn from_value(value: &[u8]) -> Result<Self, UidError> {
        let trimmed = value.trim_ascii();
        let end = trimmed.iter().rposition(|b| !matches!(b, 0 | b' ')).map_or(0, |last| last + 1);
        let text = &trimmed[..end];
        if text.is_empty() {
            return Err(UidError::Empty);
        }
        if text.len() > Self::MAX_LEN {
            return Err(UidError::TooLong(text.len()));
        }
        if let Some(position) = text.iter().position(|b| !b.is_ascii_digit() && *b != b'.') {
            return Err(UidError::Character { byte: text[position], position });
        }
        if text.split(|b| *b == b'.').any(<[u8]>::is_empty) {
            return Err(UidError::EmptyComponent);
        }
        Ok(Self(Arc::from(String::from_utf8_lossy(text))))
    }

    /// The UID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Uid {
    type Err = UidError;
    fn from_str(text: &str) -> Result<Self, UidError> {
        Self::from_value(text.as_bytes())
    }
}

impl TryFrom<String> for Uid {
    type Error = UidError;
    fn try_from(text: String) -> Result<Self, UidError> {
        text.parse()
    }
}

impl From<Uid> for String {
    fn from(uid: Uid) -> Self {
        uid.0.as_ref().into()
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_senders_write_and_refuses_what_a_path_must_not_hold() {
        let check = |value: &[u8], expected: Result<&str, UidError>| {
            assert_eq!(Uid::from_value(value).as_ref().map(Uid::as_str), expected.as_ref().copied(), "{value:?}");
        };
        check(b"1.2.840.10008.1.1", Ok("1.2.840.10008.1.1"));
        check(b"1.2.3\0", Ok("1.2.3"));
        check(b" 1.2.03  \0", Ok("1.2.03"));
        check(b"", Err(UidError::Empty));
        check(b"\0\0", Err(UidError::Empty));
        check(b"../../etc", Err(UidError::Character { byte: b'/', position: 2 }));
        check(b"1..2", Err(UidError::EmptyComponent));
        check(b".", Err(UidError::EmptyComponent));
        check(&[b'1'; 65], Err(UidError::TooLong(65)));
        check(b"1.2\n3", Err(UidError::Character { byte: b'\n', position: 3 }));
    }
}
