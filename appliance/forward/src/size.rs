//! Sizes in bytes as people write them: `"64MiB"`, `"1 GiB"`, `"500kB"`, `"1024"`, or a plain number of bytes.
//!
//! `#[serde(with = "size")]` serves a `u64`, `#[serde(with = "size::option")]` an `Option<u64>`.

use std::fmt;

use serde::{Deserializer, Serializer, de};

const UNITS: [(&str, u64); 15] = [
    ("b", 1),
    ("", 1),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("ki", 1 << 10),
    ("mi", 1 << 20),
    ("gi", 1 << 30),
    ("ti", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("bytes", 1),
];

/// Why a text is no size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// It does not begin with a whole number.
    #[error("a size is a whole number with a unit, such as \"64MiB\"")]
    Number,
    /// The unit is not known.
    #[error("the unit of a size is B, KiB, MiB, GiB, TiB, kB, MB, GB or TB")]
    Unit,
    /// It does not fit 64 bits.
    #[error("the size is too large")]
    TooLarge,
}

/// Reads a size; units do not care about case, spaces may stand between number and unit.
pub fn parse(text: &str) -> Result<u64, SizeError> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Err(SizeError::Number);
    }
    let number: u64 = text[..digits].parse().map_err(|_| SizeError::TooLarge)?;
    let unit = text[digits..].trim().to_ascii_lowercase();
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(SizeError::Unit)?;
    number.checked_mul(*factor).ok_or(SizeError::TooLarge)
}

/// The shortest exact way to write a size, which [`parse`] reads back.
pub fn format(bytes: u64) -> String {
    for (unit, factor) in [("TiB", 1u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if bytes > 0 && bytes.is_multiple_of(factor) {
            return format!("{}{unit}", bytes / factor);
        }
    }
    format!("{bytes}B")
}

/// For `#[serde(with = "size")]`.
pub fn serialize<S: Serializer>(bytes: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*bytes))
}

/// For `#[serde(with = "size")]`.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    deserializer.deserialize_any(SizeVisitor)
}

/// The same for a size that may be absent.
pub mod option {
    use super::{Deserializer, Serializer};

    /// For `#[serde(with = "size::option")]`.
    pub fn serialize<S: Serializer>(bytes: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => super::serialize(bytes, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// For `#[serde(default, with = "size::option")]`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        super::deserialize(deserializer).map(Some)
    }
}

struct SizeVisitor;

impl de::Visitor<'_> for SizeVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as \"64MiB\" or a number of bytes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
        parse(text).map_err(|error| E::custom(format_args!("{error}, not {text:?}")))
    }

    fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<u64, E> {
        Ok(bytes)
    }

    fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<u64, E> {
        u64::try_from(bytes).map_err(|_| E::custom(format_args!("a size is not negative, as {bytes} is")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_people_write() {
        let check = |text: &str, expected: Result<u64, SizeError>| assert_eq!(parse(text), expected, "{text:?}");
        check("64MiB", Ok(64 << 20));
        check(" 1 GiB ", Ok(1 << 30));
        check("500kB", Ok(500_000));
        check("2mi", Ok(2 << 20));
        check("1024", Ok(1024));
        check("0", Ok(0));
        check("7B", Ok(7));
        check("", Err(SizeError::Number));
        check("MiB", Err(SizeError::Number));
        check("-1", Err(SizeError::Number));
        check("1.5GiB", Err(SizeError::Unit));
        check("1 parsec", Err(SizeError::Unit));
        check("99999999999TiB", Err(SizeError::TooLarge));
        check("99999999999999999999", Err(SizeError::TooLarge));
    }

    #[test]
    fn serde_takes_numbers_and_texts() {
        #[derive(serde::Deserialize, serde::Serialize)]
        struct Limits {
            #[serde(with = "crate::size")]
            size: u64,
            #[serde(default, with = "crate::size::option")]
            most: Option<u64>,
        }
        let check = |json: &str, size, most| {
            let limits: Limits = serde_json::from_str(json).unwrap();
            assert_eq!((limits.size, limits.most), (size, most), "{json}");
        };
        check(r#"{"size":"64MiB"}"#, 64 << 20, None);
        check(r#"{"size":5,"most":"1KiB"}"#, 5, Some(1024));
        let error = serde_json::from_str::<Limits>(r#"{"size":"64 yards"}"#).err().unwrap().to_string();
        assert!(error.contains("the unit of a size is") && error.contains("64 yards"), "{error}");
        assert_eq!(serde_json::to_string(&Limits { size: 1 << 20, most: None }).unwrap(), r#"{"size":"1MiB","most":null}"#);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(bytes: u64) {
            prop_assert_eq!(parse(&format(bytes)), Ok(bytes));
        }
    }
}
