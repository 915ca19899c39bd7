//! What survives: everything the box has acknowledged, until it is proven elsewhere.

mod api;
pub use api::*;
