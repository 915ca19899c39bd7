//! The test receiver `stow_sink` as a process of its own: found by `RELAYPACS_STOW_SINK`, else beside the test program, else built.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A running receiver; ends when dropped.
pub(crate) struct Sink {
    process: Child,
    pub(crate) port: u16,
    folder: TempDir,
}

impl Sink {
    /// Starts one on a free port with further arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_on(0, arguments)
    }

    /// Starts one that also keeps the files and gives them out by WADO-RS.
    pub(crate) fn keeping(arguments: &[&str]) -> Self {
        let keep = tempfile::tempdir().unwrap().keep();
        let folder = keep.display().to_string();
        Self::start(&[arguments, &["--keep", &folder]].concat())
    }

    /// Starts one on a given port.
    pub(crate) fn start_on(port: u16, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(program())
            .args(["--port", &port.to_string()])
            .arg("--records")
            .arg(folder.path().join("records.jsonl"))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let first: Value = serde_json::from_str(&line).unwrap();
        Self { process, port: first["port"].as_u64().unwrap() as u16, folder }
    }

    /// The destination URL.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/dcm4chee-arc/aets/DCM4CHEE/rs", self.port)
    }

    /// Adds a fault.
    pub(crate) fn fault(&self, spec: &str) {
        self.control("POST", &format!("?fault={spec}"));
    }

    /// Takes all faults away.
    pub(crate) fn clear(&self) {
        self.control("DELETE", "");
    }

    fn control(&self, method: &str, query: &str) {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(socket, "{method} /_control{query} HTTP/1.1\r\nHost: sink\r\nContent-Length: 0\r\n\r\n").unwrap();
        let mut answer = [0; 15];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(&answer[..12], b"HTTP/1.1 200", "{query}");
    }

    /// All records of a kind (`instance` or `request`), oldest first.
    pub(crate) fn records(&self, kind: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("records.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).filter(|record: &Value| record["kind"] == kind).collect()
    }

    /// How many requests it has had.
    pub(crate) fn requests(&self) -> usize {
        self.records("request").len()
    }

    /// SHA-256 of the data sets it stored, in order.
    pub(crate) fn stored(&self) -> Vec<String> {
        let stored = |record: &Value| matches!(record["result"].as_str(), Some("stored" | "stored-unlisted"));
        let records = self.records("instance");
        records.iter().filter(|record| stored(record)).map(|record| record["sha256"].as_str().unwrap().into()).collect()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program() -> PathBuf {
    if let Some(program) = std::env::var_os("RELAYPACS_STOW_SINK") {
        return program.into();
    }
    // target/debug/deps/test-1234 → target/debug/stow_sink
    let test = std::env::current_exe().unwrap();
    let beside = test.parent().and_then(Path::parent).unwrap().join("stow_sink");
    if !beside.exists() {
        let target = beside.parent().and_then(Path::parent).unwrap();
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "-p", "relaypacs-hil-tests", "--bin", "stow_sink", "--target-dir"])
            .arg(target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(built.unwrap().success());
    }
    beside
}
