//! What a peer may do wrong, and the A-ABORT that answers it (PS3.8 §9.3.8). The one place that says "got X, expected Y".

use crate::dimse::CommandError;

/// Reason of an A-ABORT by the service provider (source 2), PS3.8 table 9-26.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AbortReason {
    NotSpecified,
    UnrecognisedPdu,
    UnexpectedPdu,
    UnexpectedParameter,
    InvalidParameter,
}

impl AbortReason {
    const fn code(self) -> u8 {
        match self {
            Self::NotSpecified => 0,
            Self::UnrecognisedPdu => 1,
            Self::UnexpectedPdu => 2,
            Self::UnexpectedParameter => 5,
            Self::InvalidParameter => 6,
        }
    }

    /// The whole A-ABORT PDU.
    pub(crate) const fn pdu(self) -> [u8; 10] {
        [7, 0, 0, 0, 0, 4, 0, 0, 2, self.code()]
    }
}

/// What a peer sent against the protocol. The words go to the log, so they hold no data of the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error("PDU type {0:#04x} is not known")]
    UnknownPdu(u8),
    #[error("got PDU type {got:#04x}, expected {expected}")]
    UnexpectedPdu { got: u8, expected: &'static str },
    #[error("a PDU of type {kind:#04x} claims {length} bytes, at most {limit} are allowed")]
    PduLength { kind: u8, length: u32, limit: u32 },
    #[error("a PDV of {length} bytes does not fit into what is left of its PDU ({left} bytes)")]
    PdvLength { length: u32, left: u32 },
    #[error("presentation context {0} was not accepted")]
    UnknownContext(u8),
    #[error("got a {got} fragment on presentation context {context}, expected {expected}")]
    UnexpectedFragment { got: &'static str, context: u8, expected: &'static str },
    #[error("a command set has more than {0} bytes")]
    CommandLength(usize),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("a request without message id cannot be answered")]
    NoMessageId,
    #[error("got a response (command field {0:#06x}) to nothing that was asked")]
    UnexpectedResponse(u16),
    #[error("the A-ASSOCIATE PDU cannot be read: {0}")]
    Associate(String),
    #[error("presentation context id {0} is even or given twice")]
    ContextId(u8),
    #[error("a maximum PDU length of {0} bytes leaves no room for a message")]
    PeerMaxPdu(u32),
}

impl Violation {
    /// The reason an A-ABORT names for it.
    pub(crate) const fn reason(&self) -> AbortReason {
        match self {
            Self::UnknownPdu(_) => AbortReason::UnrecognisedPdu,
            Self::UnexpectedPdu { .. } => AbortReason::UnexpectedPdu,
            Self::UnexpectedFragment { .. } | Self::UnexpectedResponse(_) => AbortReason::UnexpectedParameter,
            Self::PduLength { .. }
            | Self::PdvLength { .. }
            | Self::UnknownContext(_)
            | Self::CommandLength(_)
            | Self::Command(_)
            | Self::NoMessageId
            | Self::Associate(_)
            | Self::ContextId(_)
            | Self::PeerMaxPdu(_) => AbortReason::InvalidParameter,
        }
    }
}
