//! The whole box from outside: the real binary, real peers, load, faults, and a ledger that says whether anything was lost.
//!
//! - [`sink`] and [`blast`]: a STOW-RS receiver that plays archives and their faults, and a C-STORE sender; also as programs of these names.
//! - [`part10`], [`wire`], [`data`]: just enough DICOM for them and for the tests. On purpose not the product's code: a test must not share its mistakes.
//!
//! - [`appliance`], [`panel`], [`peers`], [`senders`], [`process`]: the box, other people's programs around it, and their processes.
//! - [`uploads`]: a client of the upload API.
//! - [`ledger`]: what senders were promised against what the PACS got.
//!
//! The tests lie in `tests/`, one file a promise; `run.sh` installs the peers and runs them.
//!
//! This crate knows the product only as a binary, a configuration file and what it answers.

pub mod appliance;
pub mod blast;
pub mod data;
pub mod ledger;
pub mod panel;
pub mod part10;
pub mod peers;
pub mod place;
pub mod process;
pub mod senders;
pub mod sink;
pub mod uploads;
pub mod wait;
pub mod web;
pub mod wire;
