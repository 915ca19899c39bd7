//! What people do with the box: accounts and sessions, uploads, reports, notifications, statistics, audit, schedule.
//!
//! Services over `clinic.redb` (what cannot be derived from the segment log) and the buffer (what can). No HTTP here: status codes, headers
//! and bodies belong to `relaypacs-http`. Facts are committed durably before a call answers.

pub mod accounts;
pub mod audit;
mod backup;
mod clinic;
mod error;
pub mod events;
mod ids;
pub mod keys;
pub mod live;
pub mod migrate;
pub mod notifications;
pub mod pacs;
pub mod reports;
pub mod schedule;
pub mod sessions;
pub mod settings;
pub mod statistics;
mod store;
#[cfg(test)]
mod testing;
pub mod tokens;
pub mod totp;
pub mod uploads;

pub use accounts::Accounts;
pub use audit::Audit;
pub use backup::{CopyError, restore};
pub use clinic::{Clinic, ClinicOptions, OpenError};
pub use error::StoreError;
pub use schedule::Schedule;
pub use sessions::Sessions;
pub use settings::Settings;
pub use store::{FILE, Store};
pub use tokens::Tokens;
pub use totp::Totp;
