//! What survives: everything the box has acknowledged, until it is proven elsewhere.

mod api;
mod catalogue;
mod entry;
mod segment;
pub use api::*;
