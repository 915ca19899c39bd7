//! The Storage SCP: accepts associations and hands what comes to a [`Sink`](crate::Sink) (PS3.8, PS3.7, PS3.4 annex B).
//!
//! | room | what it knows |
//! |---|---|
//! | `listener` | sockets, shutdown |
//! | `acceptor` | the states of one connection |
//! | `link` | reading and writing with time limits |
//! | `admission` | who may associate, how many at a time, rejects |
//! | `request`, `negotiation` | A-ASSOCIATE-RQ to A-ASSOCIATE-AC (pure) |
//! | `pdu` | PDUs and PDVs out of one reused buffer (pure) |
//! | `message` | which fragment may come next (pure) |
//! | `session` | C-STORE and C-ECHO over the sink |
//! | `violation` | what a peer may do wrong, and the A-ABORT for it |
//!
//! Bounds: per association one buffer of 64 KiB and a command set of at most 16 KiB; before it is accepted, what the peer really sent
//! of its request, at most 512 KiB.

mod acceptor;
mod admission;
#[cfg(fuzzing)]
pub mod fuzzing;
mod link;
mod listener;
mod message;
pub(crate) mod negotiation;
mod options;
pub(crate) mod pdu;
mod request;
mod session;
mod socket;
mod violation;

pub use listener::serve;
pub use options::{KnownModalities, Modality, ScpOptions};

#[cfg(test)]
mod tests;
