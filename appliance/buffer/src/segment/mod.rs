//! The segment log: where every byte lies that the box has acknowledged.
//!
//! Layers, each knowing only those before it: [`disk`] (the one seam to the disk) → [`record`] (pure encoding) → [`segment`] (one file) →
//! [`log`] (all files) → [`flight`] (what is not yet durable) → [`committer`] (the threads that write). The rest of the crate uses the log through [`LogHandle`].

pub(crate) mod committer;
mod direct;
pub(crate) mod disk;
pub(crate) mod flight;
mod group;
pub(crate) mod handle;
pub(crate) mod log;
pub(crate) mod pool;
pub(crate) mod queue;
pub(crate) mod record;
#[expect(clippy::module_inception, reason = "the room is named after its furniture")]
pub(crate) mod segment;
#[cfg(test)]
pub(crate) mod sim;
#[cfg(test)]
mod tests;

pub(crate) use handle::{ExtentError, LogHandle, Scanned, ScannedRecord, SegmentInfo};
