//! The seam to storage: what the wire gives, and what it wants to hear.

use std::{future::Future, net::SocketAddr};

use relaypacs_domain::{AeTitle, HeaderFacts, Uid};

/// Who is connected.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The box's own number of the association, for logs.
    pub association: u64,
    /// Its own title.
    pub calling_ae: AeTitle,
    /// The title it called.
    pub called_ae: AeTitle,
    /// Its address and port.
    pub address: SocketAddr,
    /// Implementation version name, as sent (at most 16 printable characters).
    pub implementation: Option<String>,
}

/// What one C-STORE says before its data set comes.
#[derive(Debug, Clone)]
pub struct StoreRequest {
    /// Affected SOP Class UID (0000,0002).
    pub sop_class: Uid,
    /// Affected SOP Instance UID (0000,1000).
    pub sop_instance: Uid,
    /// Transfer syntax of the presentation context.
    pub transfer_syntax: Uid,
    /// Priority (0000,0700) is HIGH.
    pub priority_high: bool,
}

/// Where received objects go. Implemented by the daemon over the buffer, and in memory by tests.
pub trait Sink: Send + Sync + 'static {
    /// One object being received.
    type Object: ObjectSink;
    /// Asked before an association is accepted; `Err` = transient reject.
    fn ready(&self) -> Result<(), Unavailable>;
    /// A C-STORE begins. Must not block.
    fn begin(&self, peer: &Peer, request: &StoreRequest) -> Result<Self::Object, StoreError>;
    /// An association ended (its stored objects are committed or gone).
    fn ended(&self, peer: &Peer);
}

/// One object being received. Dropped before `commit`: nothing of it may remain.
pub trait ObjectSink: Send {
    /// Appends data set bytes; waits while the disk is behind.
    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Makes the object durable; after `Ok` the sender gets 0000. `facts`: what the scanner read; `parsed`: whether the header could be
    /// read as far as needed.
    fn commit(self, facts: HeaderFacts, parsed: bool) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Why nothing is accepted now: association rejected (2,3,1), transient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// No room.
    #[error("the disk reserve is reached")]
    Full,
    /// The box is going down.
    #[error("shutting down")]
    Closing,
    /// The disk does not take writes.
    #[error("storage fails")]
    Failing,
}

/// Why one object is not kept: A700, 0110 …
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A700. The text goes to the sender as Error Comment, cut to 64 characters.
    #[error("out of resources: {0}")]
    OutOfResources(String),
    /// 0110. The text goes to the sender as Error Comment, cut to 64 characters.
    #[error("processing failure: {0}")]
    Processing(String),
}
