//! Keys of a Linux input device: arrows, Enter, Esc. It is opened anew for ever: a keyboard may be pulled out and put in again.

use std::{
    fs::File,
    io::{self, Read as _},
    mem::size_of,
    path::{Path, PathBuf},
    sync::mpsc::SyncSender,
    thread,
    time::{Duration, Instant},
};

use relaypacs_panel_core::buttons::Key;

use super::Source;
use crate::run::{Input, say};

/// `struct input_event` of linux/input.h: a time, then type, code and value.
const EVENT: usize = size_of::<libc::timeval>() + 8;
/// `EV_KEY`.
const EV_KEY: u16 = 1;
/// How long until a device that is not there is looked for again.
const AGAIN: Duration = Duration::from_secs(2);

/// Starts the thread that reads the device.
pub fn start(device: PathBuf, events: SyncSender<Input>) -> io::Result<Source> {
    thread::Builder::new().name("keys".into()).spawn(move || {
        let mut was_there = true;
        loop {
            let ended = read(&device, &events);
            match ended {
                Ok(()) => return,
                Err(error) if was_there => say(format_args!("{}: {error}; it is looked for every 2 s", device.display())),
                Err(_) => {}
            }
            was_there = device.exists();
            thread::sleep(AGAIN);
        }
    })?;
    Ok(Source { debounced: true })
}

/// Reads until nobody takes the edges any more (`Ok`) or the device ends.
fn read(device: &Path, events: &SyncSender<Input>) -> io::Result<()> {
    let mut device = File::open(device)?;
    let mut event = [0; EVENT];
    loop {
        device.read_exact(&mut event)?;
        if let Some((key, pressed)) = edge(&event)
            && events.send(Input::Edge { at: Instant::now(), key, pressed }).is_err()
        {
            return Ok(());
        }
    }
}

/// What an event is to the panel: a key of ours going down or up. Repeats of the keyboard are none.
fn edge(event: &[u8; EVENT]) -> Option<(Key, bool)> {
    let part = &event[size_of::<libc::timeval>()..];
    let (kind, code) = (u16::from_ne_bytes([part[0], part[1]]), u16::from_ne_bytes([part[2], part[3]]));
    let value = i32::from_ne_bytes([part[4], part[5], part[6], part[7]]);
    // KEY_UP 103, KEY_DOWN 108, KEY_ENTER 28, KEY_KPENTER 96, KEY_ESC 1 (linux/input-event-codes.h)
    let key = match (kind, code) {
        (EV_KEY, 103) => Key::Up,
        (EV_KEY, 108) => Key::Down,
        (EV_KEY, 28 | 96) => Key::Ok,
        (EV_KEY, 1) => Key::Back,
        _ => return None,
    };
    match value {
        0 => Some((key, false)),
        1 => Some((key, true)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, sync::mpsc::sync_channel};

    use super::*;

    /// An event as the kernel writes it.
    fn event(kind: u16, code: u16, value: i32) -> Vec<u8> {
        let mut bytes = vec![7; size_of::<libc::timeval>()];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(code.to_ne_bytes());
        bytes.extend(value.to_ne_bytes());
        bytes
    }

    #[test]
    fn a_recorded_stream_gives_its_edges_and_ends_with_the_device() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("event0");
        let mut file = File::create(&path).unwrap();
        // MSC_SCAN, Enter down, SYN, Enter repeats twice, Enter up, a letter, Esc down.
        for (kind, code, value) in [(4, 4, 458_792), (1, 28, 1), (0, 0, 0), (1, 28, 2), (1, 28, 2), (1, 28, 0), (1, 30, 1), (1, 1, 1)] {
            file.write_all(&event(kind, code, value)).unwrap();
        }
        let (events, inputs) = sync_channel(16);
        let ended = read(&path, &events).unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::UnexpectedEof);
        drop(events);
        let edges: Vec<_> = inputs
            .iter()
            .map(|input| match input {
                Input::Edge { key, pressed, .. } => (key, pressed),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(edges, [(Key::Ok, true), (Key::Ok, false), (Key::Back, true)]);
    }
}
