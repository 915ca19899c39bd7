//! Copies of a buffer.

use std::path::PathBuf;

use crate::{Buffer, CatalogueError};

/// Why a copy could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is something in it.
    #[error("{0} is not an empty folder")]
    NotEmpty(PathBuf),
    /// Reading or writing a file failed.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The catalogue could not be read.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

impl Buffer {
    /// A consistent copy into an empty folder while running. `progress` gets bytes done and bytes in all.
    pub async fn backup(&self, _to: PathBuf, _progress: impl Fn(u64, u64) + Send + 'static) -> Result<(), BackupError> {
        todo!()
    }
}
