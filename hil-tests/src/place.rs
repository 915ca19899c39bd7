//! Where things are: the test's own folder, free ports, built programs, and what `run.sh` installed.

use std::{
    env,
    net::TcpListener,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener},
    },
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use rand::Rng as _;
use tempfile::TempDir;

/// A folder of a test's own; removed at the end unless the test failed. Its path is short enough for Unix sockets.
pub struct Folder {
    dir: Option<TempDir>,
}

impl Folder {
    /// Makes one. `RELAYPACS_HIL_TMP` says where (the disk to be tested on), else the system's temporary folder.
    pub fn new() -> Self {
        let root = env::var_os("RELAYPACS_HIL_TMP").map_or_else(env::temp_dir, PathBuf::from);
        let dir = tempfile::Builder::new().prefix("hil-").tempdir_in(root).expect("a temporary folder");
        Self { dir: Some(dir) }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.dir.as_ref().expect("there until it is dropped").path()
    }

    /// A path in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(dir) = self.dir.take()
        {
            eprintln!("---- kept for a look: {}", dir.keep().display());
        }
    }
}

/// A port that nothing listens on and no other test of this machine is given as long as this process lives, below the range from which the
/// kernel takes ports for outgoing connections.
pub fn free_port() -> u16 {
    static TAKEN: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());
    let mut random = rand::rng();
    (0..1000)
        .map(|_| random.random_range(18_000..32_000))
        .find(|port| {
            // An abstract socket's name belongs to one process at a time and is given up with it.
            let name = SocketAddr::from_abstract_name(format!("relaypacs-hil-port-{port}")).expect("a short name");
            let Ok(mine) = UnixListener::bind_addr(&name) else { return false };
            TAKEN.lock().expect("nobody panics with it").push(mine);
            TcpListener::bind(("127.0.0.1", *port)).is_ok()
        })
        .expect("one of a thousand ports is free")
}

/// A program of this workspace, built with the same profile as the test. `RELAYPACS_BIN_DIR` points elsewhere.
pub fn built(name: &str) -> PathBuf {
    let beside = || {
        let test = env::current_exe().expect("a test knows its own path");
        test.ancestors().nth(2).expect("tests lie in target/<profile>/deps").to_path_buf()
    };
    let path = env::var_os("RELAYPACS_BIN_DIR").map_or_else(beside, PathBuf::from).join(name);
    assert!(
        path.exists(),
        "{} is not built: run `cargo build -p {}`",
        path.display(),
        if name.starts_with("relaypacs") { name } else { "relaypacs-hil-tests" }
    );
    path
}

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("hil-tests lies in the repository")
}

/// What `run.sh` installed or made, such as the Python environment.
pub fn installed(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".work").join(path);
    assert!(path.exists(), "{} is missing: run `./hil-tests/run.sh --install`", path.display());
    path
}

/// A Python of the test environment with a script of ours.
pub fn python(script: &str) -> Command {
    let mut command = Command::new(installed("venv/bin/python"));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script));
    command
}

/// A number from the environment, for campaigns larger than the daily run.
pub fn campaign(variable: &str, daily: u64) -> u64 {
    match env::var(variable) {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("{variable}={value} is no number")),
        Err(_) => daily,
    }
}
