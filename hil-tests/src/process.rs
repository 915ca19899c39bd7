//! Programs under test and their peers as child processes that never outlive the test.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// How long a program may take to end after SIGTERM.
pub const ENDS_WITHIN: Duration = Duration::from_secs(40);

/// A running program. Killed by its pid when dropped, and by the kernel should the test itself be killed.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program with its output appended to `log`.
    pub fn start(name: &str, command: &Command, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).expect("log file in the test's folder");
        let mut wrapped = dying_with_us(command);
        wrapped.stdin(Stdio::null()).stdout(file.try_clone().expect("log file")).stderr(file);
        let child = wrapped.spawn().unwrap_or_else(|e| panic!("{name} does not start: {e}"));
        Self { name: name.into(), child, log: log.into() }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its exit status if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid() as i32).expect("a child's pid is not 0");
        kill_process(pid, signal).unwrap_or_else(|e| panic!("{}: {e}", self.name));
    }

    /// SIGKILL, as a power cut for the process (the page cache survives).
    pub fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// SIGTERM, and waits for the end.
    pub fn terminate(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        let what = format!("{} ends after SIGTERM", self.name);
        wait::until(&what, ENDS_WITHIN, || self.ended())
    }

    /// Waits until `ready` gives something, failing at once when the program ends.
    pub fn until<T>(&mut self, what: &str, limit: Duration, mut ready: impl FnMut() -> Option<T>) -> T {
        wait::until(&format!("{} {what}", self.name), limit, || {
            if let Some(status) = self.ended() {
                panic!("{} ended with {status} before it {what}:\n{}", self.name, self.log_tail());
            }
            ready()
        })
    }

    /// The last lines it wrote.
    pub fn log_tail(&self) -> String {
        tail(&self.log, 30)
    }

    /// Memory figures of the process in bytes (`VmRSS`, `VmHWM` …).
    pub fn memory(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a running child has a status");
        let line = status.lines().find_map(|l| l.strip_prefix(field)?.strip_prefix(':')).expect("the kernel knows the field");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of kB") * 1024
    }

    /// Lets `VmHWM` (the highest resident memory) start anew.
    pub fn reset_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.pid()), "5").expect("clear_refs of a child of ours");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("---- {} said:\n{}", self.name, tail(&self.log, 40));
        }
    }
}

/// Runs a program to its end; gives its standard output. Panics with all it said when it fails.
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} ended with {}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// The same command through `setpriv`, so that the kernel kills it when the test's thread ends in whatever way.
fn dying_with_us(command: &Command) -> Command {
    let mut wrapped = Command::new("setpriv");
    wrapped.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(key, value),
            None => wrapped.env_remove(key),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        wrapped.current_dir(dir);
    }
    wrapped
}

fn tail(file: &Path, lines: usize) -> String {
    let text = match fs::read(file) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return String::new(),
        Err(e) => return e.to_string(),
    };
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
