//! The built program on a data directory of its own, and instances to send to it.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, reason = "shared by several tests, each of which uses a part")]

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use relaypacs_domain::{Identity, Uid};
use serde_json::Value;
use sha2::Digest;
use tempfile::TempDir;

/// The program under test.
pub fn relaypacs() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relaypacs"));
    // What the surroundings of the test have set must not reach the program.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RELAYPACS_") || name == "NOTIFY_SOCKET") {
        command.env_remove(name);
    }
    command
}

/// Runs the program to its end.
pub fn run(arguments: &[&str]) -> Output {
    relaypacs().args(arguments).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A box in a folder of its own; killed when dropped.
pub struct Box {
    pub folder: TempDir,
    pub dicom: u16,
    pub http: u16,
    notify: UnixDatagram,
    process: Option<Child>,
    /// Further lines of its configuration.
    config: String,
}

impl Box {
    /// Not yet started.
    pub fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let notify = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        notify.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        Self { dicom: free_port(), http: free_port(), notify, process: None, config: config.to_owned(), folder }
    }

    /// Started and ready, with a folder destination `archive`; gives the folder too.
    pub fn with_archive() -> (Self, PathBuf) {
        let mut made = Self::new("");
        let archive = made.folder.path().join("archive");
        made.configure(&Self::folder_destination("archive", &archive));
        made.start();
        (made, archive)
    }

    /// Started and ready.
    pub fn started(config: &str) -> Self {
        let mut started = Self::new(config);
        started.start();
        started
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn config_file(&self) -> PathBuf {
        self.folder.path().join("relaypacs.toml")
    }

    /// Takes another configuration from the next start on.
    pub fn configure(&mut self, config: &str) {
        config.clone_into(&mut self.config);
    }

    /// The configuration of a folder destination; the folder is made where it can be.
    pub fn folder_destination(name: &str, folder: &Path) -> String {
        let _ = fs::create_dir(folder);
        format!("[[destination]]\nname = \"{name}\"\nkind = \"folder\"\npath = \"{}\"\n", folder.display())
    }

    /// Starts it and waits until it says that it is ready, as systemd does.
    pub fn start(&mut self) {
        let text = format!(
            "[dicom]\nbind = \"127.0.0.1\"\nport = {}\ntls_port = 0\n[http]\nbind = \"127.0.0.1\"\nport = 0\nplain_port = {}\n\
             [buffer]\nsegment_bytes = \"4MiB\"\nmax_bytes = \"256MiB\"\n{}",
            self.dicom, self.http, self.config
        );
        fs::write(self.config_file(), text).unwrap();
        let log = fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut command = self.command(&["serve"]);
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify")).stderr(log).stdout(Stdio::null());
        self.process = Some(command.spawn().unwrap());
        assert_eq!(self.notified(), "READY=1");
    }

    /// The next thing it tells systemd.
    pub fn notified(&self) -> String {
        let mut message = [0; 256];
        let length = self.notify.recv(&mut message).unwrap_or_else(|error| panic!("nothing heard ({error}); log:\n{}", self.log()));
        text(&message[..length]).trim().to_owned()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// SIGTERM, then waits for the end.
    pub fn stop(&mut self) -> ExitStatus {
        let mut process = self.process.take().unwrap();
        let told = Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap();
        assert!(told.success());
        assert_eq!(self.notified(), "STOPPING=1");
        process.wait().unwrap()
    }

    /// A command for this box.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = relaypacs();
        command.arg("--config").arg(self.config_file()).arg("--data-dir").arg(self.data_dir()).args(arguments);
        command
    }

    /// Runs a command for this box.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, with `--json`.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.cli(&[&["--json"], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stdout)))
    }

    /// Sends files to it by the program's own C-STORE SCU.
    #[track_caller]
    pub fn send(&self, path: &Path, more: &[&str]) -> Output {
        let output = relaypacs().arg("send").arg(path).args(["--to", &format!("127.0.0.1:{}", self.dicom)]).args(more).output().unwrap();
        assert!(output.status.success(), "{}\nlog:\n{}", text(&output.stderr), self.log());
        output
    }

    /// Makes a study of `count` instances and sends it.
    #[track_caller]
    pub fn send_study(&self, number: u32, count: usize, more: &[&str]) -> (Uid, Vec<Instance>) {
        let files = self.folder.path().join("files").join(number.to_string());
        let made = study(&files, number, count);
        self.send(&files, more);
        made
    }

    /// A GET over plain HTTP/1.1: status and body.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n", self.http).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Asks until every instance of a study is delivered to a destination; gives the ledger's entries.
    #[track_caller]
    pub fn delivered(&self, study: &Uid, instances: usize) -> Vec<Value> {
        let is_proven = |entry: &Value| {
            entry["deliveries"].as_array().is_some_and(|all| !all.is_empty() && all.iter().all(|one| one["proof"].is_string()))
        };
        self.ledger_until(study, |entries| entries.len() == instances && entries.iter().all(is_proven))
    }

    /// Asks for a study's ledger until it is as wanted.
    #[track_caller]
    pub fn ledger_until(&self, study: &Uid, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let mut last = String::new();
        for _ in 0..600 {
            let output = self.cli(&["--json", "studies", study.as_str(), "--ledger"]);
            last = text(&output.stdout) + &text(&output.stderr);
            let ledger: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let entries = ledger["entries"].as_array().cloned().unwrap_or_default();
            if wanted(&entries) {
                return entries;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("not within 600 looks; ledger: {last}\nlog:\n{}", self.log());
    }
}

impl Drop for Box {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// One generated instance.
pub struct Instance {
    pub uid: Uid,
    pub data_set: Vec<u8>,
}

impl Instance {
    pub fn sha256(&self) -> String {
        relaypacs_domain::Sha256(sha2::Sha256::digest(&self.data_set).into()).to_string()
    }
}

/// A study of `count` small instances as files in `folder`. The same numbers give the same UIDs and bytes.
pub fn study(folder: &Path, number: u32, count: usize) -> (Uid, Vec<Instance>) {
    fs::create_dir_all(folder).unwrap();
    let uid = |text: String| text.parse::<Uid>().unwrap();
    let study = uid(format!("2.25.77.{number}"));
    let instances = (0..count).map(|index| {
        let identity = Identity {
            sop_class: uid("1.2.840.10008.5.1.4.1.1.7".into()),
            sop_instance: uid(format!("2.25.77.{number}.1.{index}")),
            transfer_syntax: uid("1.2.840.10008.1.2.1".into()),
            study: Some(study.clone()),
            series: Some(uid(format!("2.25.77.{number}.1"))),
        };
        let data_set = data_set(&identity, index);
        let file = [relaypacs_dicom::file_meta(&identity, None), data_set.clone()].concat();
        fs::write(folder.join(format!("{number}-{index:04}.dcm")), file).unwrap();
        Instance { uid: identity.sop_instance, data_set }
    });
    (study.clone(), instances.collect())
}

/// Explicit VR Little Endian, with some bytes that differ from instance to instance.
fn data_set(identity: &Identity, index: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut text = |tag: u32, vr: &[u8; 2], value: &str, pad: u8| {
        let mut value = value.as_bytes().to_vec();
        value.resize(value.len().next_multiple_of(2), pad);
        out.extend_from_slice(&[(tag >> 16) as u8, (tag >> 24) as u8, tag as u8, (tag >> 8) as u8]);
        out.extend_from_slice(vr);
        out.extend_from_slice(&(value.len() as u16).to_le_bytes());
        out.extend_from_slice(&value);
    };
    text(0x0008_0016, b"UI", identity.sop_class.as_str(), 0);
    text(0x0008_0018, b"UI", identity.sop_instance.as_str(), 0);
    text(0x0008_0060, b"CS", "OT", b' ');
    text(0x0010_0010, b"PN", "SECRET^PATIENT", b' ');
    text(0x0020_000D, b"UI", identity.study.as_ref().unwrap().as_str(), 0);
    text(0x0020_000E, b"UI", identity.series.as_ref().unwrap().as_str(), 0);
    text(0x0020_0013, b"IS", &index.to_string(), b' ');
    let pixels: Vec<u8> = (0..20_000usize).map(|at| (at * (index + 7) % 251) as u8).collect();
    out.extend_from_slice(&[0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0]);
    out.extend_from_slice(&(pixels.len() as u32).to_le_bytes());
    out.extend_from_slice(&pixels);
    out
}
