//! Certificate and key files: closed to others, replaced whole.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use super::TlsError;

/// Largest certificate or key file in bytes.
const MAX_FILE: u64 = 256 * 1024;

/// Makes the directory, closed to others.
pub(super) fn prepare(dir: &Path) -> Result<(), TlsError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|source| failed(dir, source))
}

/// Reads a file of bounded size.
pub(super) fn read(path: &Path) -> Result<String, TlsError> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE).read_to_string(&mut text));
    read.map(|_| text).map_err(|source| failed(path, source))
}

/// Replaces a file whole: temporary file, sync, rename, sync of the directory.
pub(super) fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    let temporary = path.with_extension("new");
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    })();
    written.map_err(|source| failed(path, source))
}

/// Writes a chain and its key. Between the two renames the pair does not match: whoever reads then takes another certificate, and this one
/// at the next look.
pub(super) fn write_pair(dir: &Path, name: &str, chain: &str, key: &str) -> Result<(), TlsError> {
    write(&dir.join(format!("{name}.key")), key)?;
    write(&dir.join(format!("{name}.pem")), chain)
}

/// Removes a pair. `false`: there was none.
pub(super) fn remove(dir: &Path, name: &str) -> Result<bool, TlsError> {
    let mut gone = false;
    for end in ["pem", "key"] {
        let path = dir.join(format!("{name}.{end}"));
        match fs::remove_file(&path) {
            Ok(()) => gone = true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(failed(&path, source)),
        }
    }
    Ok(gone)
}

fn failed(path: &Path, source: io::Error) -> TlsError {
    TlsError::File { path: path.to_owned(), source }
}
