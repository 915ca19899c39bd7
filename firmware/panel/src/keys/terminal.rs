//! Keys of a terminal. It tells presses only, so `h` begins to hold OK and any key ends it; `l` and `b` are long presses.

use std::{
    io::{self, Read as _},
    sync::mpsc::SyncSender,
    thread,
    time::{Duration, Instant},
};

use relaypacs_panel_core::buttons::Key;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use super::Source;
use crate::run::Input;

/// How long a key of a terminal counts as pressed.
const SHORT: Duration = Duration::from_millis(60);
/// How long a long press lasts.
const LONG: Duration = Duration::from_millis(1_600);

/// What a typed key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Typed {
    Press(Key),
    Long(Key),
    Hold,
    End,
}

/// Takes the terminal's keys one by one from now on and starts the thread that reads them.
pub fn start(events: SyncSender<Input>) -> io::Result<Source> {
    let before = tcgetattr(io::stdin())?;
    let mut raw = before.clone();
    raw.make_raw();
    tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
    thread::Builder::new().name("terminal".into()).spawn(move || {
        read(&events);
        restore(&before);
        let _ = events.send(Input::End);
    })?;
    Ok(Source { debounced: true })
}

fn restore(before: &Termios) {
    // Nothing to be done about a terminal that has gone.
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
}

fn read(events: &SyncSender<Input>) {
    let edge = |key, pressed| events.send(Input::Edge { at: Instant::now(), key, pressed }).is_ok();
    let (mut holding, mut buffer) = (false, [0; 16]);
    loop {
        let Ok(len @ 1..) = io::stdin().read(&mut buffer) else { return };
        if std::mem::take(&mut holding) {
            edge(Key::Ok, false);
            continue;
        }
        let (key, time) = match typed(&buffer[..len]) {
            None => continue,
            Some(Typed::End) => return,
            Some(Typed::Hold) => {
                holding = edge(Key::Ok, true);
                continue;
            }
            Some(Typed::Press(key)) => (key, SHORT),
            Some(Typed::Long(key)) => (key, LONG),
        };
        if !edge(key, true) {
            return;
        }
        thread::sleep(time);
        edge(key, false);
    }
}

/// What came from the terminal at once: a letter, or the escape sequence of a key.
fn typed(bytes: &[u8]) -> Option<Typed> {
    match bytes {
        b"\x1b[A" | b"\x1bOA" | b"k" => Some(Typed::Press(Key::Up)),
        b"\x1b[B" | b"\x1bOB" | b"j" => Some(Typed::Press(Key::Down)),
        b"\r" | b"\n" => Some(Typed::Press(Key::Ok)),
        b"\x1b" | b"\x7f" => Some(Typed::Press(Key::Back)),
        b"l" => Some(Typed::Long(Key::Ok)),
        b"b" => Some(Typed::Long(Key::Back)),
        b"h" => Some(Typed::Hold),
        b"q" | b"\x03" => Some(Typed::End),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_keys() {
        let check = |bytes: &[u8], expected| assert_eq!(typed(bytes), expected, "{bytes:?}");
        check(b"\x1b[A", Some(Typed::Press(Key::Up)));
        check(b"\x1b", Some(Typed::Press(Key::Back)));
        check(b"\r", Some(Typed::Press(Key::Ok)));
        check(b"h", Some(Typed::Hold));
        check(b"\x1b[15~", None);
    }
}
