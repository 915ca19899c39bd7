//! The box's secrets on disk, and what is derived from them.
//!
//! `<data-dir>/keys` (mode 0700) holds one file a key (mode 0600), made on first start and written whole: temporary file, sync, rename, sync
//! of the folder. [`Secrets`] is the key under which secrets lie in `clinic.redb`; it is not in that file, so that a copy of the database
//! alone gives nothing away. A systemd credential `relaypacs-secrets` takes the place of its file.

mod secrets;

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

pub(crate) use secrets::normal_code;
pub use secrets::{SecretError, Secrets};

/// The folder of the keys in the data directory.
pub const FOLDER: &str = "keys";

/// A key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the key file {path} cannot be used: {reason}")]
pub struct KeyFileError {
    /// Which.
    pub path: PathBuf,
    /// Why not.
    pub reason: String,
}

impl KeyFileError {
    #[expect(clippy::needless_pass_by_value, reason = "errors and texts are taken alike")]
    pub(crate) fn new(path: &Path, reason: impl ToString) -> Self {
        Self { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// Makes the folder of the keys if need be, closed to everybody else.
pub(crate) fn folder(data_dir: &Path) -> Result<PathBuf, KeyFileError> {
    let folder = data_dir.join(FOLDER);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    made.map_err(|error| KeyFileError::new(&folder, error))?;
    Ok(folder)
}

/// Writes a file whole and durably, readable for the box's user only.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    let unusable = |error: io::Error| KeyFileError::new(path, error);
    let fresh = path.with_extension("new");
    let _ = fs::remove_file(&fresh); // left by a crash, or not there
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(unusable)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(unusable)?;
    fs::rename(&fresh, path).map_err(unusable)?;
    let folder = path.parent().unwrap_or(path);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(unusable)
}

/// Reads a file of at most 64 KiB; `None`: it is not there.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, KeyFileError> {
    const MOST: u64 = 64 * 1024;
    let length = match path.metadata() {
        Ok(about) => about.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(KeyFileError::new(path, error)),
    };
    if length > MOST {
        return Err(KeyFileError::new(path, format!("it has {length} bytes, a key file at most {MOST}")));
    }
    fs::read(path).map(Some).map_err(|error| KeyFileError::new(path, error))
}
