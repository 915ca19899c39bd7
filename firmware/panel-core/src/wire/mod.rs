//! What goes over the link between daemon and panel.
//!
//! ```text
//! COBS( version u8 | kind u8 | sequence u16 LE | postcard payload | CRC-32 (IEEE) of all before, LE ) 0x00
//! ```
//! At most [`MAX_FRAME`] bytes with the final zero. The same bytes go over the Unix socket and over a UART.
//!
//! Compatibility: [`VERSION`] changes when bytes of an older message would be read wrongly; the other side then says [`Bye::Version`]. What is
//! appended to the end of a message does not change it (readers ignore what follows) but counts up [`MINOR`]. Golden frames in the tests
//! fail when bytes change without either.

mod coding;
mod command;
mod frame;
mod layout;
mod message;
mod status;
#[cfg(test)]
mod tests;

pub use coding::{Coded, Reader};
pub use command::{Action, Capabilities, Capability, Command, NetworkPlan};
pub use frame::{Cobs, Frame, FrameError, FrameReader, Message, MessageError, TooLong, encode};
pub use message::{
    Ack, Address, Alive, BoxHello, Bye, DisplayKind, Done, Event, EventCode, FromBox, FromPanel, Level, Outcome, PanelHello, Secret, Step,
    Verdict,
};
pub use status::{
    Alert, Code, Destination, DestinationState, FailureKind, Held, HeldReason, Io, LastSent, LastStudy, List, Lock, Moment, Network, Peer,
    Queue, Refusal, Software, Status, Storage, StudyState, Update, Word,
};

/// Version of the protocol, the first byte of every frame.
pub const VERSION: u8 = 1;
/// What has been added since that version began; told in the hellos, for people only.
pub const MINOR: u8 = 0;
/// Longest frame in bytes, final zero included.
pub const MAX_FRAME: usize = 1536;
/// Without a valid frame for this long the other side counts as gone, in milliseconds.
pub const SILENCE_MS: u32 = 2_500;
