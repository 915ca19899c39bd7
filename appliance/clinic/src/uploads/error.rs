//! Why an upload cannot be done as asked.

use relaypacs_buffer::{CatalogueError, ComposeError, ReadError, Refused, WriteError};
use relaypacs_domain::{Timestamp, UploadId};

use crate::StoreError;

/// What refuses.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UploadError {
    /// There is none of this name.
    #[error("there is no such upload")]
    Unknown,
    /// A field says something that makes no sense.
    #[error("{detail}")]
    Invalid {
        /// JSON Pointer into the body, or the parameter's name.
        pointer: String,
        /// Value and rule.
        detail: String,
    },
    /// The same study was uploaded before.
    #[error("this study was uploaded already")]
    Duplicate {
        /// The upload before.
        upload: UploadId,
        /// When it was completed.
        uploaded_at: Timestamp,
        /// By whom.
        uploaded_by: String,
    },
    /// The disk has no room for it.
    #[error("the disk reserve is reached: studies must leave first")]
    Full,
    /// The owner has begun too many.
    #[error("{0} uploads of yours are not complete yet: complete or delete some of them first")]
    TooMany(u64),
    /// The upload no longer takes chunks.
    #[error("the upload is {0}")]
    Closed(&'static str),
    /// Another body came under a chunk's number.
    #[error("chunk {index} of {file} was received before, with other bytes")]
    Differs {
        /// The file's name in the upload.
        file: String,
        /// The chunk.
        index: u32,
    },
    /// More bytes than a chunk may have.
    #[error("a chunk of this upload has {0} bytes at most")]
    TooLarge(u32),
    /// The bytes are not those of the digest that was sent with them.
    #[error("the chunk's {0} is another one: its bytes were altered on the way, send it again")]
    Checksum(&'static str),
    /// Not everything that was announced is there.
    #[error("{detail}")]
    Incomplete {
        /// In a word.
        detail: String,
        /// What is missing, as far as that is listed.
        missing: Vec<MissingChunks>,
    },
    /// Its bytes came too slowly while others waited.
    #[error("the chunk came too slowly while others waited: send it again")]
    TooSlow,
    /// The box cannot do it now.
    #[error("{0}")]
    Unavailable(String),
    /// The store cannot do it now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Chunks of a file that have not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingChunks {
    /// The file's name in the upload.
    pub file: String,
    /// Their numbers, as far as they are listed.
    pub chunks: Vec<u32>,
}

impl UploadError {
    pub(super) fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid { pointer: pointer.into(), detail: detail.into() }
    }
}

impl From<Refused> for UploadError {
    fn from(why: Refused) -> Self {
        match why {
            Refused::Full => Self::Full,
            Refused::Closing => Self::Unavailable("the box is shutting down".into()),
            Refused::LogDown(_) => Self::Unavailable("the disk cannot be written".into()),
        }
    }
}

impl From<WriteError> for UploadError {
    fn from(why: WriteError) -> Self {
        match why {
            WriteError::Full => Self::Full,
            WriteError::Closing => Self::Unavailable("the box is shutting down".into()),
            WriteError::Log(_) => Self::Unavailable("the disk cannot be written".into()),
        }
    }
}

impl From<CatalogueError> for UploadError {
    fn from(_: CatalogueError) -> Self {
        Self::Unavailable("the catalogue cannot be used now".into())
    }
}

impl From<ComposeError> for UploadError {
    fn from(why: ComposeError) -> Self {
        match why {
            ComposeError::Write(why) => why.into(),
            ComposeError::Unknown(_) => Self::Unavailable("a part of the file is gone".into()),
            ComposeError::Catalogue(why) => why.into(),
        }
    }
}

impl From<ReadError> for UploadError {
    fn from(why: ReadError) -> Self {
        match why {
            ReadError::Catalogue(why) => why.into(),
            ReadError::Unknown(_) | ReadError::Damaged { .. } | ReadError::Io { .. } => {
                Self::Unavailable("what was received cannot be read from the disk".into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use relaypacs_domain::ObjectId;

    use super::*;

    /// Clients free space or wait for a full buffer; all else is a box that works again by itself or with somebody's help.
    #[test]
    fn only_a_buffer_without_room_is_full() {
        let is_full = |why: UploadError| matches!(why, UploadError::Full);
        assert!(is_full(Refused::Full.into()) && is_full(WriteError::Full.into()) && is_full(ComposeError::Write(WriteError::Full).into()));
        let others: [UploadError; 4] = [
            Refused::Closing.into(),
            WriteError::Closing.into(),
            ComposeError::Unknown(ObjectId(1)).into(),
            ReadError::Unknown(ObjectId(1)).into(),
        ];
        for other in others {
            assert!(matches!(other, UploadError::Unavailable(_)), "{other}");
        }
    }
}
