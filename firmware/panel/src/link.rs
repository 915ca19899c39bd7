//! The link to the box: a thread that connects, reads frames, and begins anew for ever.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::mpsc::SyncSender,
    thread,
    time::{Duration, SystemTime},
};

use relaypacs_panel_core::wire::{FrameError, FrameReader, FromBox, FromPanel, MAX_FRAME, MessageError, encode};

use crate::run::Input;

/// First pause before a new try.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Longest pause before a new try.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A box that takes nothing for this long has gone.
const WRITE_WITHIN: Duration = Duration::from_millis(500);

/// What happens on the link.
#[derive(Debug)]
pub enum LinkEvent {
    /// It is made; this end writes.
    Up(Writer),
    /// A message came.
    Heard(Box<FromBox>),
    /// A frame came that is no message of ours.
    Nonsense(MessageError),
    /// Bytes came that are no frame.
    Noise(FrameError),
    /// It ended.
    Down,
}

/// The writing end.
#[derive(Debug)]
pub struct Writer {
    stream: UnixStream,
    sequence: u16,
}

impl Writer {
    /// Sends one message. After an error the link ends by itself.
    pub fn send(&mut self, message: &FromPanel) -> io::Result<()> {
        let mut frame = [0; MAX_FRAME];
        let len = encode(message, self.sequence, &mut frame).map_err(|_| io::Error::other("the message does not fit a frame"))?;
        self.sequence = self.sequence.wrapping_add(1);
        self.stream.write_all(&frame[..len]).inspect_err(|_| {
            // Half a frame may have gone: nothing more may follow it. The reader sees the end.
            let _ = self.stream.shutdown(Shutdown::Both);
        })
    }
}

/// Starts the thread. It ends when nobody takes its events any more.
pub fn start(socket: PathBuf, record: Option<PathBuf>, events: SyncSender<Input>) -> io::Result<()> {
    thread::Builder::new().name("link".into()).spawn(move || run(&socket, record.as_deref(), &events)).map(drop)
}

fn run(socket: &std::path::Path, record: Option<&std::path::Path>, events: &SyncSender<Input>) {
    let mut pause = FIRST_PAUSE;
    loop {
        if let Ok(stream) = connect(socket) {
            let heard = read(stream, record, events);
            if events.send(Input::Link(LinkEvent::Down)).is_err() {
                return;
            }
            // One that talked was well; one that ends at once is tried ever less.
            if heard {
                pause = FIRST_PAUSE;
            }
        }
        thread::sleep(jittered(pause));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn connect(socket: &std::path::Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(socket)?;
    stream.set_write_timeout(Some(WRITE_WITHIN))?;
    Ok(stream)
}

/// Reads until the end; answers whether any message came.
fn read(mut stream: UnixStream, record: Option<&std::path::Path>, events: &SyncSender<Input>) -> bool {
    let Ok(writing) = stream.try_clone() else { return false };
    if events.send(Input::Link(LinkEvent::Up(Writer { stream: writing, sequence: 0 }))).is_err() {
        return false;
    }
    let mut recording = record.and_then(|path| std::fs::File::options().create(true).append(true).open(path).ok());
    let (mut reader, mut buffer, mut heard) = (FrameReader::new(), [0; 4096], false);
    loop {
        let mut rest = match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return heard,
            Ok(len) => &buffer[..len],
        };
        if let Some(file) = &mut recording {
            let _ = file.write_all(rest); // a recording that ends early is seen when it is drawn
        }
        while !rest.is_empty() {
            let (taken, frame) = reader.take(rest);
            rest = &rest[taken..];
            let event = match frame.map(|frame| frame.map(|frame| frame.message::<FromBox>())) {
                None => continue,
                Some(Ok(Ok(message))) => {
                    heard = true;
                    LinkEvent::Heard(Box::new(message))
                }
                Some(Ok(Err(error))) => LinkEvent::Nonsense(error),
                Some(Err(error)) => LinkEvent::Noise(error),
            };
            if events.send(Input::Link(event)).is_err() {
                return heard;
            }
        }
    }
}

/// Between 75 and 125 % of a pause, so that panels do not come in step.
fn jittered(pause: Duration) -> Duration {
    let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    pause * (75 + nanos / 1000 % 51) / 100
}
