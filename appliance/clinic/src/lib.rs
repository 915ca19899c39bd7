//! What people do with the box: accounts and sessions, uploads, reports, notifications, statistics, audit, schedule.
//!
//! Services over `clinic.redb` (what cannot be derived from the segment log) and the buffer (what can). No HTTP here: status codes, headers
//! and bodies belong to `relaypacs-http`. Facts are committed durably before a call answers.

mod error;
mod ids;
pub mod live;
pub mod notifications;
pub mod pacs;
pub mod reports;
pub mod schedule;
pub mod statistics;
mod store;
pub mod uploads;

pub use error::StoreError;
pub use schedule::Schedule;
pub use store::{FILE, Store};
