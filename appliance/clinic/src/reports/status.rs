//! How far a report is.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How far a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportStatus {
    /// The box has the study.
    Assigned,
    /// The study is where it is read, or a report is being amended.
    Pending,
    /// The report can be read.
    Ready,
    /// The radiologist needs more before reporting.
    AdditionalDataRequired,
}

/// A text that names no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a status is assigned, pending, ready or additional_data_required")]
pub struct UnknownStatus;

impl ReportStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Assigned, Self::Pending, Self::Ready, Self::AdditionalDataRequired];

    /// The name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::AdditionalDataRequired => "additional_data_required",
        }
    }

    /// Whether `next` may follow.
    pub const fn may_become(self, next: Self) -> bool {
        match next {
            Self::Assigned => false,
            Self::Pending => !matches!(self, Self::Pending),
            Self::Ready => matches!(self, Self::Pending),
            Self::AdditionalDataRequired => !matches!(self, Self::AdditionalDataRequired),
        }
    }

    /// What may follow, for messages.
    pub(super) fn next_names(self) -> String {
        let next: Vec<_> = Self::ALL.into_iter().filter(|next| self.may_become(*next)).map(Self::as_str).collect();
        next.join(" or ")
    }

    /// Its number in keys.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Assigned => 0,
            Self::Pending => 1,
            Self::Ready => 2,
            Self::AdditionalDataRequired => 3,
        }
    }
}

impl fmt::Display for ReportStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ReportStatus {
    type Err = UnknownStatus;
    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownStatus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_these_transitions_are_allowed() {
        use ReportStatus::{AdditionalDataRequired, Assigned, Pending, Ready};
        let allowed = [
            (Assigned, Pending),
            (Pending, Ready),
            (Ready, Pending),
            (Assigned, AdditionalDataRequired),
            (Pending, AdditionalDataRequired),
            (Ready, AdditionalDataRequired),
            (AdditionalDataRequired, Pending),
        ];
        for from in ReportStatus::ALL {
            for to in ReportStatus::ALL {
                assert_eq!(from.may_become(to), allowed.contains(&(from, to)), "{from} → {to}");
            }
        }
        assert_eq!(AdditionalDataRequired.next_names(), "pending");
        assert_eq!("ready".parse(), Ok(Ready));
    }
}
