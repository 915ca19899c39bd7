//! Durations as people write them (`"10s"`, `"500ms"`, `"7d"`), for `#[serde(with = "duration")]`.

use std::{fmt, time::Duration};

use serde::{Deserializer, Serializer, de};

/// Reads a duration such as `"1h 30m"`.
pub fn parse(text: &str) -> Result<Duration, humantime::DurationError> {
    humantime::parse_duration(text)
}

/// Writes a duration so that [`parse`] reads it back.
pub fn format(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

/// For `#[serde(with = "duration")]`.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

/// For `#[serde(with = "duration")]`.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_str(DurationVisitor)
}

struct DurationVisitor;

impl de::Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration with its unit, such as \"10s\" or \"7d\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        parse(text).map_err(|error| {
            E::custom(format_args!("a duration is a number with its unit, such as \"10s\" or \"7d\", not {text:?}: {error}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_needs_its_unit() {
        assert_eq!(parse("7d").unwrap(), Duration::from_hours(168));
        assert_eq!(parse("500ms").unwrap(), Duration::from_millis(500));
        assert!(parse("10").is_err());
        assert!(parse("").is_err());
        assert_eq!(parse(&format(Duration::from_mins(90))).unwrap(), Duration::from_mins(90));
    }
}
