//! The panel's real program on a box's socket, driven by its script: keys in, pages and statuses out.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use relaypacs_panel_core::{
    Text,
    wire::{
        Action, Command as Asked, DisplayKind, FrameReader, FromBox, FromPanel, MAX_FRAME, MINOR, Outcome, PanelHello, Status, Verdict,
        encode,
    },
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    appliance::Appliance,
    place::{Folder, built, free_port},
    wait,
};

/// How long something on the panel may take to show.
pub const SHOWS_WITHIN: Duration = Duration::from_secs(150);

/// A panel. Killed by its pid when dropped.
pub struct Panel {
    child: Child,
    keys: ChildStdin,
    answers: BufReader<ChildStdout>,
    recording: PathBuf,
    /// Where it leaves requests to the machine.
    pub requests: PathBuf,
}

impl Panel {
    /// Starts one on a box's socket.
    pub fn start(folder: &Folder, name: &str, appliance: &Appliance) -> Self {
        let folder = folder.join(name);
        let requests = folder.join("requests");
        fs::create_dir_all(&requests).expect("the test's folder");
        let recording = folder.join("frames");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(built("relaypacs-panel")).arg("--script");
        command.arg("--socket").arg(appliance.data_dir().join("panel.sock"));
        command.arg("--record").arg(&recording).arg("--requests").arg(&requests);
        let log = File::create(folder.join("log")).expect("the test's folder");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().expect("the panel starts");
        let (keys, answers) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        Self { child, keys, answers: BufReader::new(answers), recording, requests }
    }

    /// A line of the script and its answer.
    pub fn ask(&mut self, line: &str) -> Value {
        writeln!(self.keys, "{line}").expect("the panel runs");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the panel answers");
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{line}: {e} in {answer:?}"));
        assert!(answer["error"].is_null(), "{line}: {answer}");
        answer
    }

    /// The page as text, as the small display shows it.
    pub fn page(&mut self) -> String {
        self.ask("page mono")["page"].as_str().expect("a page").to_owned()
    }

    /// The last status.
    pub fn status(&mut self) -> Value {
        self.ask("status")
    }

    /// Everything else that came from the box.
    pub fn heard(&mut self) -> Vec<String> {
        let heard = self.ask("heard");
        heard["heard"].as_array().expect("a list").iter().map(|text| text.as_str().expect("text").to_owned()).collect()
    }

    /// A short press.
    pub fn press(&mut self, key: &str) {
        self.ask(&format!("press {key}"));
    }

    /// Goes to a screen.
    pub fn go(&mut self, screen: &str) {
        self.ask("hold back 1600");
        for _ in 0..60 {
            if self.ask("state")["screen"] == screen {
                return;
            }
            self.press("down");
        }
        panic!("there is no screen {screen}");
    }

    /// Waits until the page has a text.
    pub fn shows(&mut self, text: &str) -> String {
        let mut last = String::new();
        wait::until_or(SHOWS_WITHIN, || {
            last = self.page();
            last.contains(text).then(|| last.clone())
        })
        .unwrap_or_else(|| panic!("not within {SHOWS_WITHIN:?}: the panel shows {text:?}; it shows\n{last}"))
    }

    /// Waits until the status has something.
    pub fn until(&mut self, what: &str, mut good: impl FnMut(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        wait::until_or(SHOWS_WITHIN, || {
            last = self.status();
            good(&last).then(|| last.clone())
        })
        .unwrap_or_else(|| panic!("not within {SHOWS_WITHIN:?}: {what}; the status is {last:#}"))
    }

    /// Every byte that came from the box.
    pub fn recorded(&self) -> Vec<u8> {
        fs::read(&self.recording).unwrap_or_default()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id() as i32).expect("a child's pid is not 0");
        kill_process(pid, signal).expect("the panel runs");
    }

    /// A figure of `/proc/PID/status` in bytes.
    pub fn memory(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the panel runs");
        let line = status.lines().find_map(|l| l.strip_prefix(field)?.strip_prefix(':')).expect("the kernel knows the field");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of kB") * 1024
    }

    /// Processor time used so far, in clock ticks.
    pub fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("the panel runs");
        let fields: Vec<&str> = stat.rsplit(')').next().expect("a name in brackets").split_whitespace().collect();
        fields[11].parse::<u64>().expect("user time") + fields[12].parse::<u64>().expect("system time")
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A panel without display and keys: any command at any time.
pub struct BarePanel {
    stream: UnixStream,
    reader: FrameReader,
    /// Bytes that were read and not yet looked at.
    unread: Vec<u8>,
    sequence: u16,
}

/// What came of a command.
#[derive(Debug)]
pub struct Answer {
    /// Accepted, or why not.
    pub verdict: Verdict,
    /// How an accepted one ended.
    pub outcome: Option<Outcome>,
    /// The code that it showed.
    pub code: Option<String>,
}

impl BarePanel {
    /// Connects and greets.
    pub fn connect(appliance: &Appliance) -> Self {
        let stream = UnixStream::connect(appliance.data_dir().join("panel.sock")).expect("the panel's socket is open");
        stream.set_read_timeout(Some(SHOWS_WITHIN)).expect("a timeout");
        let mut panel = Self { stream, reader: FrameReader::new(), unread: Vec::new(), sequence: 0 };
        panel.send(&FromPanel::Hello(PanelHello { minor: MINOR, display: DisplayKind::Console, build: Text::new("test") }));
        panel
    }

    fn send(&mut self, message: &FromPanel) {
        let mut frame = [0; MAX_FRAME];
        let len = encode(message, self.sequence, &mut frame).expect("it fits");
        self.sequence += 1;
        self.stream.write_all(&frame[..len]).expect("the box takes it");
    }

    fn next(&mut self) -> FromBox {
        loop {
            if self.unread.is_empty() {
                let mut buffer = [0; MAX_FRAME];
                let len = self.stream.read(&mut buffer).expect("the box says something");
                assert!(len > 0, "the box closed the link");
                self.unread.extend(&buffer[..len]);
            }
            let (taken, frame) = self.reader.take(&self.unread);
            let message = frame.map(|frame| frame.expect("a good frame").message().expect("a message"));
            self.unread.drain(..taken);
            if let Some(message) = message {
                return message;
            }
        }
    }

    /// Asks for something and waits for what comes of it.
    pub fn ask(&mut self, action: &Action) -> Answer {
        let id = self.sequence;
        self.send(&FromPanel::Command(Asked { id, action: action.clone() }));
        let mut code = None;
        let mut accepted = false;
        loop {
            match self.next() {
                FromBox::Ack(ack) if ack.id == id => {
                    accepted = ack.verdict == Verdict::Accepted;
                    // Locking and unlocking end at once.
                    if !accepted || action.needs().is_none() {
                        return Answer { verdict: ack.verdict, outcome: None, code };
                    }
                }
                FromBox::Secret(secret) if secret.id == id => code = Some(secret.code.as_str().to_owned()),
                FromBox::Done(done) if done.id == id => {
                    assert!(accepted, "{action:?} ends before it was accepted");
                    return Answer { verdict: Verdict::Accepted, outcome: Some(done.outcome), code };
                }
                _ => {}
            }
        }
    }

    /// Waits for a status that has something.
    pub fn until(&mut self, what: &str, mut good: impl FnMut(&Status) -> bool) -> Status {
        let mut last = None;
        // One comes every second.
        for _ in 0..4 * SHOWS_WITHIN.as_secs() {
            if let FromBox::Status(status) = self.next() {
                if good(&status) {
                    return status;
                }
                last = Some(status);
            }
        }
        panic!("{what}: the status is {last:?}")
    }
}

/// A port that leads to another one, or to nobody: a PACS that can be taken away and given back.
pub struct Line {
    port: u16,
    open: Arc<AtomicBool>,
    target: u16,
}

impl Line {
    /// A line to this port; closed.
    pub fn closed(target: u16) -> Self {
        Self { port: free_port(), open: Arc::default(), target }
    }

    /// Its own port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Opens it for good.
    pub fn open(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).expect("the port is still free");
        let target = self.target;
        self.open.store(true, Ordering::Relaxed);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok(other) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                for (mut from, mut to) in [(stream.try_clone(), other.try_clone()), (Ok(other), Ok(stream))]
                    .map(|(a, b)| (a.expect("a stream"), b.expect("a stream")))
                {
                    thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(std::net::Shutdown::Write);
                    });
                }
            }
        });
    }
}

/// Whether these bytes have that text in them.
pub fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// Keeps the last status of a recording, and the last answer to a command, for the panel's golden pictures: when `RELAYPACS_BLESS` is set.
pub fn keep(recording: &[u8], file: &Path) {
    if std::env::var_os("RELAYPACS_BLESS").is_none() {
        return;
    }
    let (mut status, mut done) = (None, None);
    for frame in recording.split_inclusive(|byte| *byte == 0) {
        match FrameReader::new().take(frame).1.map(|read| read.map(|read| read.message::<FromBox>())) {
            Some(Ok(Ok(FromBox::Status(_)))) => status = Some(frame),
            Some(Ok(Ok(FromBox::Done(_)))) => done = Some(frame),
            _ => {}
        }
    }
    fs::create_dir_all(file.parent().expect("a file in a folder")).expect("the repository can be written");
    fs::write(file, [status, done].into_iter().flatten().collect::<Vec<_>>().concat()).expect("the repository can be written");
}
