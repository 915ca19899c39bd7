//! The front panel without hardware: what it hears, what it shows, what its four buttons mean.
//!
//! - [`wire`]: frames and messages between the daemon and a panel, over a Unix socket or a UART. All that the daemon needs of this crate.
//! - [`buttons`], [`ui`], [`paint`] (feature `screen`): the button machine, the model with its screens, and how a screen becomes pixels.
//!
//! `no_std`, no allocator: the same code runs on Linux and on a microcontroller without floating point. Time comes in as `now_ms`, a counter
//! of milliseconds that may wrap. Nothing here knows Linux, drivers, DICOM or the daemon.
//!
//! Invariants: no bytes from the link make it panic; every list and text is bounded; nothing destructive leaves without its whole sequence
//! of keys; a destructive hold that is interrupted in any way (another key, a release, a gap in time) starts anew.

#![cfg_attr(not(test), no_std)]

pub mod text;
pub mod wire;

#[cfg(feature = "screen")]
pub mod buttons;
#[cfg(feature = "screen")]
pub mod paint;
#[cfg(feature = "screen")]
pub mod ui;

pub use text::Text;
