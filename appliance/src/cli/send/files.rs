//! Which files are to be sent: those named, and the DICOM files in folders.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use relaypacs_dicom::{Part10Error, read_file_meta};

use crate::cli::Fault;

/// Deepest folder looked into.
const MAX_DEPTH: usize = 32;

/// What there is to send.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// DICOM files, folder by folder in order of their names.
    pub(crate) files: Vec<PathBuf>,
    /// Their data sets' bytes in all.
    pub(crate) bytes: u64,
    /// Files that are not DICOM.
    pub(crate) passed_over: u64,
}

/// Finds the DICOM files under these paths. A file that was named itself must be DICOM.
pub(crate) fn find(paths: &[PathBuf]) -> Result<Found, Fault> {
    let mut found = Found::default();
    for path in paths {
        let metadata = path.metadata().map_err(|error| unreadable(path, &error))?;
        if metadata.is_dir() {
            found.folder(path, 0)?;
        } else if !found.file(path)? {
            return Err(Fault::failed(format!("{} is not a DICOM file", path.display())));
        }
    }
    Ok(found)
}

impl Found {
    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::failed(format!("{}: folders are nested too deeply", folder.display())));
        }
        let entries = folder.read_dir().and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(|error| unreadable(folder, &error))?;
        let mut paths: Vec<_> = entries.into_iter().filter_map(|entry| Some((entry.path(), entry.file_type().ok()?))).collect();
        paths.sort_by(|a, b| a.0.cmp(&b.0));
        for (path, kind) in paths {
            // Links are not followed: they may lead round in circles.
            if kind.is_dir() {
                self.folder(&path, depth + 1)?;
            } else if kind.is_file() && !self.file(&path)? {
                self.passed_over += 1;
            }
        }
        Ok(())
    }

    /// Takes a file if it is DICOM; tells whether it was.
    fn file(&mut self, path: &Path) -> Result<bool, Fault> {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let length = file.metadata().map_err(|error| unreadable(path, &error))?.len();
        match read_file_meta(&mut BufReader::new(file)) {
            Ok(meta) => {
                self.bytes += length.saturating_sub(meta.data_set_offset);
                self.files.push(path.to_owned());
                Ok(true)
            }
            Err(Part10Error::NotDicom(_)) => Ok(false),
            Err(Part10Error::Io(error)) => Err(unreadable(path, &error)),
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::failed(format!("{}: {error}", path.display()))
}
