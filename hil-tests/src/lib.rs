//! Skeleton.
pub mod part10;
