//! Application Entity titles (PS3.5 §6.2, VR AE).

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// An AE title: 1 to 16 printable ASCII characters without backslash, leading and trailing spaces taken off.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AeTitle(Arc<str>);

/// Why a text is no AE title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AeTitleError {
    /// Nothing but spaces.
    #[error("an AE title must not be empty")]
    Empty,
    /// Longer than 16 characters.
    #[error("an AE title has at most 16 characters, this one has {0}")]
    TooLong(usize),
    /// A control character, a backslash or something outside ASCII.
    #[error("an AE title holds printable ASCII without backslash, not the byte {0:#04x}")]
    Character(u8),
}

impl AeTitle {
    /// Longest AE title in characters.
    pub const MAX_LEN: usize = 16;

    /// Checks an AE title as it stands in an A-ASSOCIATE PDU (16 bytes, padded with spaces).
    pub fn from_value(value: &[u8]) -> Result<Self, AeTitleError> {
        let start = value.iter().position(|b| *b != b' ').unwrap_or(value.len());
        let end = value.iter().rposition(|b| !matches!(b, 0 | b' ')).map_or(start, |last| last + 1);
        let text = &value[start..end.max(start)];
        if text.is_empty() {
            return Err(AeTitleError::Empty);
        }
        if text.len() > Self::MAX_LEN {
            return Err(AeTitleError::TooLong(text.len()));
        }
        if let Some(byte) = text.iter().find(|b| !(b' '..=b'~').contains(*b) || **b == b'\\') {
            return Err(AeTitleError::Character(*byte));
        }
        Ok(Self(Arc::from(String::from_utf8_lossy(text))))
    }

    /// The title without padding.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AeTitle {
    type Err = AeTitleError;
    fn from_str(text: &str) -> Result<Self, AeTitleError> {
        Self::from_value(text.as_bytes())
    }
}

impl TryFrom<String> for AeTitle {
    type Error = AeTitleError;
    fn try_from(text: String) -> Result<Self, AeTitleError> {
        text.parse()
    }
}

impl From<AeTitle> for String {
    fn from(title: AeTitle) -> Self {
        title.0.as_ref().into()
    }
}

impl fmt::Display for AeTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AeTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_padding_off_and_refuses_what_does_not_belong() {
        let check = |value: &[u8], expected: Result<&str, AeTitleError>| {
            assert_eq!(AeTitle::from_value(value).as_ref().map(AeTitle::as_str), expected.as_ref().copied(), "{value:?}");
        };
        check(b"CT1             ", Ok("CT1"));
        check(b"  MR 2  ", Ok("MR 2"));
        check(b"                ", Err(AeTitleError::Empty));
        check(b"CT\\1", Err(AeTitleError::Character(b'\\')));
        check(b"CT\n1", Err(AeTitleError::Character(b'\n')));
        check(&[b'A'; 17], Err(AeTitleError::TooLong(17)));
    }
}
