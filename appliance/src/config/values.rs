//! Values that people write: durations (`10s`, `7d`), sizes (`64MiB`), addresses. Each knows its rule and says it.

use std::{fmt, net::IpAddr, str::FromStr, time::Duration};

use relaypacs_forward::size;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A duration as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Duration);

/// A number of bytes as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) u64);

/// Which local addresses a listener takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bind {
    /// Every address of the machine, IPv4 and IPv6.
    All,
    /// These only.
    Only(Vec<IpAddr>),
}

/// A value, or `"auto"` for what the box works out by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auto<T> {
    /// Worked out at start.
    Auto,
    /// As configured.
    Fixed(T),
}

impl<T> Auto<T> {
    /// What was configured.
    pub(crate) fn fixed(self) -> Option<T> {
        match self {
            Self::Auto => None,
            Self::Fixed(value) => Some(value),
        }
    }
}

impl Bind {
    /// The addresses to listen on; `None`: all of them.
    pub(crate) fn addresses(&self) -> Option<&[IpAddr]> {
        match self {
            Self::All => None,
            Self::Only(addresses) => Some(addresses),
        }
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text.trim())
            .map(Self)
            .map_err(|_| format!("a duration is written like \"10s\", \"5m\", \"24h\" or \"7d\", not {text:?}"))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// A year as `humantime` reads it: 365.25 days.
        const YEAR: u64 = 31_557_600;
        const UNITS: [(u64, &str); 5] = [(YEAR, "y"), (86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
        let seconds = self.0.as_secs();
        match UNITS.iter().find(|(unit, _)| seconds.is_multiple_of(*unit)) {
            Some((unit, name)) if seconds > 0 && self.0.subsec_nanos() == 0 => write!(f, "{}{name}", seconds / unit),
            _ => write!(f, "{}", humantime::format_duration(self.0)),
        }
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        size::parse(text).map(Self).map_err(|rule| format!("{rule}, not {text:?}"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&size::format(self.0))
    }
}

/// Reads and shows a type by its text.
macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Written::deserialize(deserializer)?.0.parse().map_err(de::Error::custom)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

as_text!(Span, Size);

/// A text, or a number as its digits.
struct Written(String);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Written;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Written, E> {
                Ok(Written(text.to_owned()))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Written, E> {
                Ok(Written(number.to_string()))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Written, E> {
                Ok(Written(number.to_string()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl<'de, T: FromStr<Err = String>> Deserialize<'de> for Auto<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written(text) = Written::deserialize(deserializer)?;
        if text.trim() == "auto" {
            Ok(Self::Auto)
        } else {
            text.parse().map(Self::Fixed).map_err(|rule| de::Error::custom(format!("{rule}; or \"auto\"")))
        }
    }
}

impl<T: fmt::Display> Serialize for Auto<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Fixed(value) => serializer.collect_str(value),
        }
    }
}

impl<'de> Deserialize<'de> for Bind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Bind;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"all\", an IP address or a list of IP addresses")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Bind, E> {
                if text.trim() == "all" {
                    return Ok(Bind::All);
                }
                let addresses = text.split(',').map(|address| address.trim().parse()).collect::<Result<Vec<IpAddr>, _>>();
                addresses
                    .map(Bind::Only)
                    .map_err(|_| de::Error::custom(format!("expected \"all\", an IP address or a list of them, not {text:?}")))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Bind, A::Error> {
                let mut addresses = Vec::new();
                while let Some(address) = list.next_element()? {
                    addresses.push(address);
                }
                if addresses.is_empty() {
                    Err(de::Error::custom("an empty list listens nowhere; port 0 turns a listener off"))
                } else {
                    Ok(Bind::Only(addresses))
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Serialize for Bind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::Only(addresses) => serializer.collect_seq(addresses),
        }
    }
}
