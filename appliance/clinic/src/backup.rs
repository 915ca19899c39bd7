//! Copies of what people did: `clinic.redb`, the keys, the certificates.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::{Clinic, FILE, keys};

/// Folders of the data directory that go with the database. Certificates are the HTTP entrance's; without them every browser would ask again.
const FOLDERS: [&str; 2] = [keys::FOLDER, "tls"];
/// Files in a folder at most, folders in it included; deeper ones than this many are not expected.
const MOST_DEPTH: usize = 4;

/// A file could not be copied.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct CopyError {
    /// Which.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

impl Clinic {
    /// Copies database, keys and certificates into a folder that exists and has none of them, while running. Blocking; changes wait meanwhile.
    pub fn backup(&self, to: &Path) -> Result<(), CopyError> {
        self.store.quietly(|| copy(&self.data_dir, to))
    }
}

/// Copies database, keys and certificates of a backup into a data directory (blocking). A backup of a box that had none yet has nothing to
/// copy.
pub fn restore(from: &Path, to: &Path) -> Result<(), CopyError> {
    copy(from, to)
}

fn copy(from: &Path, to: &Path) -> Result<(), CopyError> {
    copy_file(&from.join(FILE), &to.join(FILE))?;
    for folder in FOLDERS {
        copy_folder(&from.join(folder), &to.join(folder), MOST_DEPTH)?;
    }
    File::open(to).and_then(|folder| folder.sync_all()).map_err(at(to))
}

fn copy_folder(from: &Path, to: &Path, depth: usize) -> Result<(), CopyError> {
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(at(from)(error)),
    };
    if depth == 0 {
        return Err(at(from)(io::Error::other("folders are nested too deep")));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(to).map_err(at(to))?;
    for entry in entries {
        let entry = entry.map_err(at(from))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(at(&path))?;
        if kind.is_dir() {
            copy_folder(&path, &target, depth - 1)?;
        } else if kind.is_file() {
            copy_file(&path, &target)?;
        }
    }
    File::open(to).and_then(|folder| folder.sync_all()).map_err(at(to))
}

/// Copies a file durably, readable for the box's user only; one that is not there is left out.
fn copy_file(from: &Path, to: &Path) -> Result<(), CopyError> {
    let mut source = match File::open(from) {
        Ok(source) => source,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(at(from)(error)),
    };
    let target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    let mut target = target.map_err(at(to))?;
    io::copy(&mut source, &mut target).and_then(|_| target.sync_all()).map_err(at(to))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> CopyError {
    let path = path.to_owned();
    |source| CopyError { path, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use relaypacs_domain::Role;

    use super::*;
    use crate::testing::{Box, PASSWORD};

    #[tokio::test]
    async fn a_copy_made_while_people_work_signs_in_with_password_and_tokens() {
        let test = Box::new().await;
        test.somebody("ada", Role::Admin).await;
        let before = test.sign_in("ada", PASSWORD, None).await.unwrap();
        let copied = tempfile::tempdir().unwrap();
        let target = copied.path().join("backup");
        fs::create_dir(&target).unwrap();
        let busy = tokio::spawn({
            let audit = test.clinic.audit.clone();
            async move {
                for nth in 0..200 {
                    audit.note("ada", "busy", nth.to_string(), crate::audit::Outcome::Done, None).await.unwrap();
                }
            }
        });
        let (clinic, to) = (test.clinic.clone(), target.clone());
        tokio::task::spawn_blocking(move || clinic.backup(&to)).await.unwrap().unwrap();
        busy.await.unwrap();

        let restored = Box::over(|dir| restore(&target, dir).unwrap()).await;
        assert!(restored.sign_in("ada", PASSWORD, None).await.is_ok());
        assert!(restored.clinic.sessions.principal(&before.access_token).is_ok());
        assert_eq!(restored.clinic.audit.verify().await.unwrap().faults, []);
        let mode = target.join("keys/token-1.pk8").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = restored.clinic.backup(&target).unwrap_err();
        assert!(again.to_string().contains("clinic.redb"), "nothing is overwritten: {again}");
    }
}
