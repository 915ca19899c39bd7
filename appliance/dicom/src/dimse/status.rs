//! Statuses (0000,0900) that the box answers (PS3.4 B.2.3, PS3.7 annex C), and why.

use crate::StoreError;

/// A status code of the answers this box gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// The object is kept.
    Success,
    /// The box's own fault.
    ProcessingFailure,
    /// The SOP class was not negotiated.
    NotAuthorised,
    /// An operation this box does not offer.
    UnrecognisedOperation,
    /// No room; modalities try again.
    OutOfResources,
    /// Data set and command set name different SOP classes or instances.
    DataSetMismatch,
    /// The command set lacks or garbles what identifies the object.
    CannotUnderstand,
}

impl Status {
    /// The code on the wire.
    pub(crate) const fn code(self) -> u16 {
        match self {
            Self::Success => 0x0000,
            Self::ProcessingFailure => 0x0110,
            Self::NotAuthorised => 0x0124,
            Self::UnrecognisedOperation => 0x0211,
            Self::OutOfResources => 0xA700,
            Self::DataSetMismatch => 0xA900,
            Self::CannotUnderstand => 0xC000,
        }
    }

    /// The code as people and metrics write it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "0000",
            Self::ProcessingFailure => "0110",
            Self::NotAuthorised => "0124",
            Self::UnrecognisedOperation => "0211",
            Self::OutOfResources => "A700",
            Self::DataSetMismatch => "A900",
            Self::CannotUnderstand => "C000",
        }
    }
}

/// A status other than success, with the words for Error Comment (0000,0902).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: Status,
    pub(crate) comment: String,
}

impl Refusal {
    pub(crate) fn new(status: Status, comment: impl Into<String>) -> Self {
        Self { status, comment: comment.into() }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::OutOfResources(why) => Self::new(Status::OutOfResources, why),
            StoreError::Processing(why) => Self::new(Status::ProcessingFailure, why),
        }
    }
}
