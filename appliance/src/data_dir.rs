//! The data directory: which one, made with mode 0700, and what lies in it.

use std::{
    fs::{DirBuilder, File, Permissions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

/// The data directory of an installed box.
pub(crate) const SYSTEM: &str = "/var/lib/relaypacs";
/// The data directory of a user who is not the box's.
const LOCAL: &str = "relaypacs-data";
/// Says in one line how often the box ended without being shut down, and `running` while it runs: `3`, `3 running`.
const STOPS: &str = "unclean-stops";
/// Longest path of a Unix socket in bytes (`sun_path` without its NUL).
const MAX_SOCKET_PATH: usize = 107;

/// Which data directory the daemon takes: the one named, else the installed box's when it is writable, else `./relaypacs-data`.
pub(crate) fn for_daemon(named: Option<&Path>) -> PathBuf {
    named.map_or_else(|| if is_writable(Path::new(SYSTEM)) { SYSTEM.into() } else { LOCAL.into() }, Path::to_owned)
}

/// What a command that talks to the box found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// The directory to look into.
    Directory(PathBuf),
    /// The installed box's directory is closed to this user.
    Closed,
}

/// Which data directory holds the box that a command means.
pub(crate) fn for_client(named: Option<&Path>) -> Found {
    found(named, Path::new(SYSTEM), Path::new(LOCAL))
}

fn found(named: Option<&Path>, system: &Path, local: &Path) -> Found {
    if let Some(named) = named {
        return Found::Directory(named.to_owned());
    }
    let has_socket = |directory: &Path| admin_socket(directory).symlink_metadata().map(|_| ());
    match has_socket(system) {
        Ok(()) => Found::Directory(system.to_owned()),
        Err(_) if has_socket(local).is_ok() => Found::Directory(local.to_owned()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Found::Closed,
        Err(_) if is_writable(system) => Found::Directory(system.to_owned()),
        Err(_) => Found::Directory(local.to_owned()),
    }
}

/// Makes the directory if need be and closes it to everybody else.
pub(crate) fn prepare(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    std::fs::set_permissions(directory, Permissions::from_mode(0o700))
}

/// The socket on which the daemon takes commands.
pub(crate) fn admin_socket(directory: &Path) -> PathBuf {
    directory.join("admin.sock")
}

/// Notes that the box runs; answers how often it had ended before without [`end_run`]: power cuts, crashes, kills. What is not readable is 0.
pub(crate) fn begin_run(directory: &Path) -> io::Result<u16> {
    let noted = std::fs::read_to_string(directory.join(STOPS)).unwrap_or_default();
    let mut words = noted.split_whitespace();
    let before: u16 = words.next().and_then(|count| count.parse().ok()).unwrap_or(0);
    let count = before.saturating_add(u16::from(words.next() == Some("running")));
    note_run(directory, &format!("{count} running\n"))?;
    Ok(count)
}

/// Notes that the box was shut down.
pub(crate) fn end_run(directory: &Path) -> io::Result<()> {
    let noted = std::fs::read_to_string(directory.join(STOPS))?;
    note_run(directory, &noted.replace(" running", ""))
}

/// Replaces the note at once, so that a power cut leaves the old or the new one.
fn note_run(directory: &Path, text: &str) -> io::Result<()> {
    let part = directory.join(format!(".{STOPS}.part"));
    let mut file = File::create(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&part, directory.join(STOPS))?;
    File::open(directory)?.sync_all()
}

/// Refuses a path that the kernel cannot take as a socket's name.
pub(crate) fn check_socket_path(path: &Path) -> io::Result<()> {
    let length = path.as_os_str().len();
    if length > MAX_SOCKET_PATH {
        let text = format!("the path has {length} bytes, a socket's at most {MAX_SOCKET_PATH}; choose a shorter --data-dir");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(())
}

fn is_writable(directory: &Path) -> bool {
    access(directory, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_looks_where_a_box_is() {
        let root = tempfile::tempdir().unwrap();
        let (system, local) = (root.path().join("system"), root.path().join("local"));
        let check = |named: Option<&Path>, expected: &Path| {
            assert_eq!(found(named, &system, &local), Found::Directory(expected.to_owned()));
        };
        check(None, &local);
        check(Some(Path::new("/elsewhere")), Path::new("/elsewhere"));
        prepare(&system).unwrap();
        check(None, &system);
        prepare(&local).unwrap();
        std::fs::write(admin_socket(&local), "").unwrap();
        check(None, &local);
        std::fs::write(admin_socket(&system), "").unwrap();
        check(None, &system);
    }

    #[test]
    fn the_directory_is_closed_to_others() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("a/b");
        prepare(&directory).unwrap();
        assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn stops_are_counted_unless_the_box_was_shut_down() {
        let root = tempfile::tempdir().unwrap();
        let begins = |expected| assert_eq!(begin_run(root.path()).unwrap(), expected);
        begins(0);
        end_run(root.path()).unwrap();
        begins(0);
        begins(1);
        begins(2);
        end_run(root.path()).unwrap();
        begins(2);
        for (noted, expected) in [("", 0), ("nonsense", 0), ("65535 running", 65_535), ("7", 7)] {
            std::fs::write(root.path().join(STOPS), noted).unwrap();
            begins(expected);
        }
    }

    #[test]
    fn a_socket_path_that_is_too_long_is_refused_with_that_reason() {
        let check = |length: usize, good| assert_eq!(check_socket_path(Path::new(&"x".repeat(length))).is_ok(), good, "{length}");
        check(107, true);
        check(108, false);
    }
}
