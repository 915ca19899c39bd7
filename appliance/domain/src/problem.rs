//! What needs somebody, as LCD, UI, API and CLI show it.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A thing that needs somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Which.
    pub code: AlertCode,
    /// Since when.
    pub since: Timestamp,
    /// What it is about: a destination, an AE title; `None`: the box as a whole.
    pub about: Option<String>,
    /// In a sentence (no patient data).
    pub text: String,
}

/// The codes that panel, UI, API and CLI share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AlertCode {
    /// An association was rejected.
    E11,
    /// A destination cannot be reached.
    E21,
    /// A destination refuses our credentials.
    E22,
    /// Studies are held.
    E23,
    /// The disk is getting full.
    E31,
    /// The reserve is reached: nothing is accepted.
    E32,
    /// The clock is not synchronised.
    E41,
    /// An update did not get well and was rolled back.
    E51,
    /// Too hot, or too little voltage.
    E61,
    /// A key of the panel is stuck.
    E71,
    /// The panel's display does not answer.
    E72,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The box works; somebody should look.
    Warning,
    /// Something does not work.
    Error,
}

impl AlertCode {
    /// The code as shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::E11 => "E11",
            Self::E21 => "E21",
            Self::E22 => "E22",
            Self::E23 => "E23",
            Self::E31 => "E31",
            Self::E32 => "E32",
            Self::E41 => "E41",
            Self::E51 => "E51",
            Self::E61 => "E61",
            Self::E71 => "E71",
            Self::E72 => "E72",
        }
    }

    /// How bad it is.
    pub const fn severity(self) -> Severity {
        match self {
            Self::E11 | Self::E31 | Self::E41 | Self::E51 | Self::E61 | Self::E71 | Self::E72 => Severity::Warning,
            Self::E21 | Self::E22 | Self::E23 | Self::E32 => Severity::Error,
        }
    }

    /// What somebody can do.
    pub const fn what_to_do(self) -> &'static str {
        match self {
            Self::E11 => "check the AE titles at the scanner, or admit its AE title in the configuration",
            Self::E21 => "test the destination: it names the first step that fails; all studies are safe here",
            Self::E22 => "renew the destination's credentials",
            Self::E23 => "look at the held studies' reasons, mend them, then retry",
            Self::E31 => "find out why studies do not leave; delivered ones are freed by themselves",
            Self::E32 => "let studies leave: scanners are refused until there is room",
            Self::E41 => "check the network's time server",
            Self::E51 => "the release before is running; do not install that update again before its cause is known",
            Self::E61 => "check the fan, the air around the box and its power supply",
            Self::E71 => "free the key; it is ignored until then",
            Self::E72 => "check the display's cable; the panel tries it every five seconds",
        }
    }
}
