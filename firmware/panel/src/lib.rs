//! The front panel's program: displays, buttons and the link to the box, around [`relaypacs_panel_core`].
//!
//! One process of its own with few rights: a stuck bus or a driver's mistake must not touch the box. The main thread owns the model and the
//! display ([`run`]); a thread reads the link and makes it anew for ever ([`link`]), one more reads each source of keys ([`keys`]). They
//! meet in one bounded queue. Nothing here knows what a study is: texts and screens are the core's.
//!
//! What meets real devices only in an image or on a board (I²C, SPI, GPIO, evdev, framebuffer) stands behind `embedded-hal` traits or takes
//! a path, so that tests feed it recorded streams and plain files.

pub mod args;
pub mod bus;
pub mod config;
pub mod display;
pub mod gallery;
pub mod keys;
pub mod lights;
pub mod link;
pub mod picture;
pub mod requests;
pub mod run;
pub mod sample;
pub mod script;
