//! Sources of keys: each is a thread that turns what its device says into edges.

pub mod evdev;
pub mod gpio;
pub mod terminal;

use std::{
    io::{self, IsTerminal as _},
    sync::mpsc::SyncSender,
};

use crate::{
    config::{ButtonSpec, LINES},
    run::{Input, say},
};

/// What a source of keys is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Contacts were debounced before they got here.
    pub debounced: bool,
}

/// Starts the configured source. One whose device is not there is said and done without: the panel still shows.
pub fn start(spec: &ButtonSpec, events: &SyncSender<Input>) -> io::Result<Source> {
    match spec {
        ButtonSpec::Auto => {
            if let Ok(source) = gpio::start(&LINES, events.clone()) {
                return Ok(source);
            }
            if io::stdin().is_terminal() {
                return terminal::start(events.clone());
            }
            say(format_args!("there are no buttons: no GPIO lines {} and no terminal", LINES.join(", ")));
            idle(events)
        }
        ButtonSpec::None => idle(events),
        ButtonSpec::Terminal => terminal::start(events.clone()),
        ButtonSpec::Evdev(device) => evdev::start(device.clone(), events.clone()),
        ButtonSpec::Gpio(names) => match gpio::start(&names.each_ref().map(String::as_str), events.clone()) {
            Ok(source) => Ok(source),
            Err(error) => {
                say(format_args!("the buttons cannot be read: {error}"));
                idle(events)
            }
        },
    }
}

/// No keys at all.
#[expect(clippy::unnecessary_wraps, reason = "one of several sources that may fail")]
fn idle(_: &SyncSender<Input>) -> io::Result<Source> {
    Ok(Source { debounced: true })
}
