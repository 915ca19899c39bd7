//! The segment log: where every byte lies that the box has acknowledged.
//!
//! Layers, each knowing only the one before it: [`disk`] (the one seam to the disk) → [`record`] (pure encoding) → segment files → log →
//! committer thread. The rest of the crate uses the log through [`LogHandle`].

mod handle;

pub(crate) use handle::{ExtentError, LogHandle, LogUsage, Scanned, ScannedRecord, SegmentInfo};
