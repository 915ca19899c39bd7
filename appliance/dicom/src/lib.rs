//! The DICOM wire: associations, DIMSE, header facts, file meta. Gives bytes and facts to a [`Sink`] it is handed; knows nothing of
//! storage or HTTP.
//!
//! | room | what it is for |
//! |---|---|
//! | `association/` | the Storage SCP: [`serve`] accepts associations and takes C-STORE and C-ECHO |
//! | `dimse/` | command sets and statuses |
//! | `header/` | [`HeaderScanner`]: facts of a data set while it streams past |
//! | `scu/` | the sender: [`send`] and [`echo()`] |
//! | `part10` | file meta group of Part-10 files |
//! | `sink` | the seam to storage |
//! | `preview/` | a frame as a picture |
//! | `file_start` | what a file is, judged by how it begins |
//! | `metrics` | what is counted |
//!
//! Invariants: the bytes of a data set reach the sink as the peer sent them; nothing is answered with 0000 before the sink has made it
//! durable; memory does not grow with the size of an object nor with what a length field claims.

mod association;
mod dimse;
mod file_start;
mod header;
mod metrics;
mod part10;
pub mod preview;
mod scu;
mod sink;

#[cfg(fuzzing)]
pub use association::fuzzing;
pub use association::{KnownModalities, Modality, ScpOptions, serve};
pub use file_start::{DicomStart, FileStart, file_start};
pub use header::{HeaderScanner, decode_text};
pub use metrics::{Metrics, PeerSeen};
pub use part10::{FileMeta, IMPLEMENTATION_CLASS_UID, MAX_META, Part10Error, file_meta, implementation_version_name, read_file_meta};
pub use scu::{EchoReport, EchoStep, ScuError, ScuOptions, SendOutcome, echo, send};
pub use sink::{ObjectSink, Peer, Sink, StoreError, StoreRequest, Unavailable};
