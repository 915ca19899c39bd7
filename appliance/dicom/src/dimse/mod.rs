//! DIMSE: command sets and statuses of C-STORE and C-ECHO (PS3.7). Bytes in, bytes out; no sockets.

pub(crate) mod command;
mod status;

pub(crate) use command::{Command, CommandError};
pub(crate) use status::{Refusal, Status};

/// Command fields (0000,0100) (PS3.7 annex E.1).
pub(crate) mod field {
    pub(crate) const C_STORE_RQ: u16 = 0x0001;
    pub(crate) const C_ECHO_RQ: u16 = 0x0030;
    pub(crate) const C_CANCEL_RQ: u16 = 0x0FFF;
    /// Set in every response.
    pub(crate) const RESPONSE: u16 = 0x8000;
}
