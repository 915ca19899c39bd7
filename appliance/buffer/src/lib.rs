//! What survives: everything the box has acknowledged, until it is proven elsewhere.

mod api;
mod entry;
pub use api::*;
