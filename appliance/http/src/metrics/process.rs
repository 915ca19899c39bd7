//! The daemon's own process, from `/proc/self` (proc(5)), under Prometheus' usual names.

use std::fs;

/// The process at one moment. A field that `/proc` does not tell is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Process {
    /// User and system time spent, in seconds.
    pub(super) cpu_seconds: f64,
    /// Memory in RAM, in bytes.
    pub(super) resident_bytes: Option<u64>,
    /// Open file descriptors.
    pub(super) open_fds: Option<u64>,
    /// Most file descriptors it may open.
    pub(super) max_fds: Option<u64>,
    /// Threads.
    pub(super) threads: Option<u64>,
    /// When it started, in seconds since 1970.
    pub(super) start_seconds: Option<f64>,
}

/// Clock ticks a second in `/proc` (USER_HZ): 100 on every Linux architecture this is built for, whatever the kernel's own rate.
const USER_HZ: f64 = 100.0;

impl Process {
    /// Reads `/proc`.
    pub(super) fn read() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let start = fields(&stat).get(START - FIRST_FIELD).and_then(|text| text.parse::<u64>().ok());
        let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Self {
            cpu_seconds: cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
            resident_bytes: value(&status, "VmRSS:").map(|kib| kib.saturating_mul(1024)),
            open_fds: fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64),
            max_fds: rustix::process::getrlimit(rustix::process::Resource::Nofile).current,
            threads: value(&status, "Threads:"),
            start_seconds: start.zip(boot_time()).map(|(ticks, boot)| boot as f64 + ticks as f64 / USER_HZ),
        }
    }
}

/// Number of the first field behind the command's name and of the start time in `/proc/self/stat`, as proc(5) counts them.
const FIRST_FIELD: usize = 3;
const START: usize = 22;

/// The number behind a name in `/proc/self/status`.
fn value(status: &str, name: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_ascii_whitespace().next()?.parse().ok()
}

/// The fields of a stat line from the third on: the second, the command's name in parentheses, may itself hold spaces and parentheses.
fn fields(stat: &str) -> Vec<&str> {
    stat.rsplit_once(')').map(|(_, rest)| rest.split_ascii_whitespace().collect()).unwrap_or_default()
}

/// When the machine started, in seconds since 1970.
fn boot_time() -> Option<u64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_name_with_parentheses_does_not_shift_fields() {
        assert_eq!(fields("17 (a b) c) S 1 17"), ["S", "1", "17"]);
        assert_eq!(fields(""), Vec::<&str>::new());
    }

    #[test]
    fn this_process_is_seen() {
        let process = Process::read();
        assert!(process.resident_bytes.is_some_and(|bytes| bytes > 100_000), "{process:?}");
        assert!(process.open_fds.is_some_and(|fds| fds >= 3), "{process:?}");
        assert!(process.threads.is_some_and(|threads| threads >= 1), "{process:?}");
        assert!(process.start_seconds.is_some_and(|at| at > 1.5e9), "{process:?}");
        assert!(process.cpu_seconds > 0.0, "{process:?}");
    }
}
