//! Service levels: how urgent a study is, which is also the order in which studies leave.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How urgent a study is. The order of the variants is the order of forwarding: `Stat` leaves first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceLevel {
    /// Immediately.
    Stat,
    /// Before anything routine.
    Emergency,
    /// In the order of arrival.
    #[default]
    Routine,
    /// Named apart for people; forwarded like `Routine`.
    Subspecialty,
}

/// A text that names no service level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a service level is stat, emergency, routine or subspecialty, not {0:?}")]
pub struct UnknownServiceLevel(String);

impl ServiceLevel {
    /// All levels, most urgent first.
    pub const ALL: [Self; 4] = [Self::Stat, Self::Emergency, Self::Routine, Self::Subspecialty];

    /// Rank in the forwarding order: 0 leaves first; `Subspecialty` ranks as `Routine`.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Stat => 0,
            Self::Emergency => 1,
            Self::Routine | Self::Subspecialty => 2,
        }
    }

    /// The name used in configuration, API and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::Emergency => "emergency",
            Self::Routine => "routine",
            Self::Subspecialty => "subspecialty",
        }
    }

    /// The level of a study that arrives by C-STORE: the first of these that says something (the modality's setting, Priority (0000,0700)
    /// HIGH, Requested Procedure Priority (0040,1003) STAT or HIGH), else routine.
    pub fn of_store(configured: Option<Self>, priority_high: bool, requested_priority: Option<&str>) -> Self {
        let urgent = || requested_priority.is_some_and(|p| matches!(p.trim().to_ascii_uppercase().as_str(), "STAT" | "HIGH"));
        match configured {
            Some(level) => level,
            None if priority_high || urgent() => Self::Stat,
            None => Self::Routine,
        }
    }
}

impl FromStr for ServiceLevel {
    type Err = UnknownServiceLevel;
    fn from_str(text: &str) -> Result<Self, UnknownServiceLevel> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or_else(|| UnknownServiceLevel(text.chars().take(32).collect()))
    }
}

impl fmt::Display for ServiceLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_source_that_says_something_decides() {
        use ServiceLevel::{Emergency, Routine, Stat};
        let check = |configured, high, requested, expected| assert_eq!(ServiceLevel::of_store(configured, high, requested), expected);
        check(None, false, None, Routine);
        check(None, true, None, Stat);
        check(None, false, Some("stat "), Stat);
        check(None, false, Some("HIGH"), Stat);
        check(None, false, Some("ROUTINE"), Routine);
        check(Some(Emergency), true, Some("STAT"), Emergency);
    }
}
