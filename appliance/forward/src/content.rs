//! Where the bytes that leave come from. The request and folder writers know only this; the buffer is one source, tests have another.

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use relaypacs_buffer::{Buffer, ReadError};
use relaypacs_dicom::file_meta;
use relaypacs_domain::{Identity, ObjectId, Sha256};

/// A data set in pieces, in order.
pub(crate) type Pieces = BoxStream<'static, Result<Bytes, ContentError>>;

/// Gives the data sets of objects.
pub(crate) trait Contents: Send + Sync + 'static {
    /// The data set of an object from its first byte.
    fn open(&self, object: ObjectId) -> Pieces;
}

/// Why a data set could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ContentError {
    /// It never will be.
    #[error("{0}")]
    Lost(String),
    /// It may be next time.
    #[error("{0}")]
    Io(String),
}

/// One instance on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) object: ObjectId,
    pub(crate) identity: Identity,
    /// Bytes of the data set.
    pub(crate) bytes: u64,
    pub(crate) sha256: Sha256,
}

impl Part {
    /// The Part-10 header that goes before the data set: the same bytes at every attempt.
    pub(crate) fn file_meta(&self) -> Bytes {
        Bytes::from(file_meta(&self.identity, None))
    }
}

/// The data set of a part, checked against the length that was promised for it.
pub(crate) fn checked(contents: &dyn Contents, part: &Part) -> Pieces {
    let state = (contents.open(part.object), part.bytes);
    stream::try_unfold(state, |(mut pieces, left)| async move {
        let Some(piece) = pieces.next().await.transpose()? else {
            let short = ContentError::Lost(format!("{left} bytes are missing at its end"));
            return if left == 0 { Ok(None) } else { Err(short) };
        };
        let left = left.checked_sub(piece.len() as u64).ok_or_else(|| ContentError::Lost("it is longer than recorded".into()))?;
        Ok(Some((piece, (pieces, left))))
    })
    .boxed()
}

impl Contents for Buffer {
    fn open(&self, object: ObjectId) -> Pieces {
        let buffer = self.clone();
        stream::try_unfold(None, move |reader| {
            let buffer = buffer.clone();
            async move {
                let mut reader = match reader {
                    Some(reader) => reader,
                    None => buffer.read(object).map_err(|error| content_error(&error))?,
                };
                let piece = reader.next().await.map_err(|error| content_error(&error))?;
                Ok(piece.map(|piece| (piece, Some(reader))))
            }
        })
        .boxed()
    }
}

fn content_error(error: &ReadError) -> ContentError {
    match error {
        ReadError::Unknown(_) | ReadError::Damaged { .. } => ContentError::Lost(error.to_string()),
        ReadError::Io { .. } | ReadError::Catalogue(_) => ContentError::Io(error.to_string()),
    }
}
