//! What the buffer keeps: one data set, who it says it is and where it came from.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{AeTitle, Uid, UploadId};

/// The box's own number of a stored object, in order of arrival. Two versions under one SOP Instance UID have two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId(pub u64);

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Who an instance is, as the forwarder names it to a PACS.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// SOP Class UID of the command set.
    pub sop_class: Uid,
    /// SOP Instance UID of the command set.
    pub sop_instance: Uid,
    /// Transfer syntax of the presentation context, in which the bytes are.
    pub transfer_syntax: Uid,
    /// Study Instance UID of the data set; `None`: it could not be read (flag [`Flag::Unparsed`]).
    pub study: Option<Uid>,
    /// Series Instance UID of the data set.
    pub series: Option<Uid>,
}

/// SHA-256 of a data set's bytes, file meta group not included. Shown as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sha256(pub [u8; 32]);

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where an object came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Source {
    /// A C-STORE association.
    Dicom {
        /// The sender's AE title.
        calling_ae: AeTitle,
        /// The AE title it called.
        called_ae: AeTitle,
        /// The sender's address.
        address: IpAddr,
    },
    /// An upload.
    Http {
        /// Which one.
        upload: UploadId,
        /// Whose: the account's name.
        username: String,
        /// From where, where that is known.
        address: Option<IpAddr>,
    },
}

impl Source {
    /// Which entrance it was.
    pub const fn kind(&self) -> SourceKind {
        match self {
            Self::Dicom { .. } => SourceKind::Dicom,
            Self::Http { .. } => SourceKind::Http,
        }
    }

    /// The sender's AE title, where there is one.
    pub const fn calling_ae(&self) -> Option<&AeTitle> {
        match self {
            Self::Dicom { calling_ae, .. } => Some(calling_ae),
            Self::Http { .. } => None,
        }
    }

    /// The upload it came with, where it did.
    pub const fn upload(&self) -> Option<UploadId> {
        match self {
            Self::Dicom { .. } => None,
            Self::Http { upload, .. } => Some(*upload),
        }
    }
}

/// An entrance of the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// C-STORE.
    Dicom,
    /// An upload.
    Http,
}

impl SourceKind {
    /// The name used in configuration, API and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dicom => "dicom",
            Self::Http => "http",
        }
    }
}

impl FromStr for SourceKind {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "dicom" => Ok(Self::Dicom),
            "http" => Ok(Self::Http),
            _ => Err("a source is dicom or http"),
        }
    }
}

/// What is unusual about an object or a study that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// No Study Instance UID could be read from the header; it is sent alone.
    Unparsed,
    /// Another object with other bytes has the same SOP Instance UID.
    OtherVersion,
    /// Some of its bytes can no longer be read from the disk.
    Damaged,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_shown_as_hex() {
        let mut bytes = [0; 32];
        bytes[0] = 0xab;
        assert_eq!(Sha256(bytes).to_string(), format!("ab{}", "0".repeat(62)));
    }
}
