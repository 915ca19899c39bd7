//! Parts: pieces of the files of uploads, kept until an object is made of them.
//!
//! A part is a run of `Data` records with a record that makes it findable ([`Part`](crate::entry::Part)); it is durable when its ticket says so,
//! and survives restarts, compaction and backups like an object. [`Buffer::compose`] commits an object whose extents are byte ranges of
//! parts: nothing is copied. Parts end with a release, after which their bytes live on as far as objects have them.
//!
//! A part whose bytes the disk has lost is released when that is found: it is missing then, and can be sent again.

#[cfg(test)]
mod tests;

use std::{ops::Range, time::Duration};

use relaypacs_domain::{Identity, ObjectId, Sha256, Source, Uid, UploadId};
use tokio::sync::oneshot;

use crate::{
    Buffer, CatalogueError, NewObject, PartKey, Pieces, Placed, ReadError, WriteError,
    entry::{Commit, Entry, Extent, cut},
    segment::{queue::Request, segment::WritePin},
};

/// A part in the buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPart {
    /// Its number; grows with arrival.
    pub object: ObjectId,
    /// Which piece it is.
    pub key: PartKey,
    /// Its length.
    pub bytes: u64,
    /// When it arrived, in the buffer's running time ([`Buffer::running_time`]).
    pub accepted: Duration,
}

/// An instance in the buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredInstance {
    /// Its number.
    pub object: ObjectId,
    /// Who it is.
    pub identity: Identity,
    /// Of its data set.
    pub sha256: Sha256,
    /// Where it came from.
    pub source: Source,
}

/// Why an object cannot be made of parts.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// A part is not there (any more).
    #[error("part {0} is not in the buffer")]
    Unknown(ObjectId),
    /// It could not be made durable.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The parts could not be looked up.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

/// Looks at where parts are, should they be moved between looking and keeping them in place.
const MOST_LOOKS: usize = 8;
/// Parts released with one record.
const BATCH: usize = 256;

impl Buffer {
    /// Time that the box has been running in all, over restarts: no jump of the wall clock and no time switched off moves it.
    pub fn running_time(&self) -> Duration {
        self.catalogue().now().0
    }

    /// All parts of an upload that were durable when this was asked, oldest first.
    pub async fn parts(&self, upload: UploadId) -> Result<Vec<StoredPart>, CatalogueError> {
        self.log().barrier().await?;
        self.catalogue().parts_of(upload)
    }

    /// Uploads that have parts in the buffer.
    pub async fn uploads_with_parts(&self) -> Result<Vec<UploadId>, CatalogueError> {
        self.log().barrier().await?;
        self.catalogue().uploads_with_parts()
    }

    /// What is stored under a SOP Instance UID, oldest first (what was acknowledged a moment ago may be missing: see [`Self::settled`]).
    pub fn instances(&self, sop_instance: &Uid) -> Result<Vec<StoredInstance>, CatalogueError> {
        let mut found = Vec::new();
        for object in self.catalogue().versions(sop_instance)? {
            if let Some(row) = self.catalogue().object_row(object)? {
                found.push(StoredInstance { object, identity: row.identity, sha256: row.sha256, source: row.source });
            }
        }
        Ok(found)
    }

    /// Waits until all that has been acknowledged shows in answers.
    pub async fn settled(&self) -> Result<(), CatalogueError> {
        self.log().barrier().await
    }

    /// Reads parts one after the other.
    pub fn read_parts(&self, parts: &[ObjectId]) -> Result<Pieces, ReadError> {
        let first = parts.first().copied().unwrap_or(ObjectId(0));
        let look_up = || match self.catalogue().part_extents(parts)? {
            Ok(extents) => Ok(((), extents)),
            Err(missing) => Err(ReadError::Unknown(missing)),
        };
        let ((), extents, pins) = self.look_up_and_pin(first, look_up)?;
        let bytes = extents.iter().map(|extent| u64::from(extent.len)).sum();
        Ok(Pieces::new(first, bytes, extents, pins, self.log().pool.clone()))
    }

    /// Makes an object of a byte range of parts that lie one after the other. `sha256` is that range's. Its bytes are not copied; it is durable,
    /// and queued for its destinations, when this answers.
    pub async fn compose(&self, parts: &[ObjectId], range: Range<u64>, sha256: Sha256, new: NewObject) -> Result<Placed, ComposeError> {
        let (extents, pins) = match self.cut_and_keep(parts, &range) {
            // Durable a moment ago, perhaps, and not looked up yet.
            Err(ComposeError::Unknown(_)) => {
                self.settled().await?;
                self.cut_and_keep(parts, &range)?
            }
            other => other?,
        };
        let placed = Placed { object: self.next_object(), sha256, bytes: range.end.saturating_sub(range.start), copies: 1 };
        let (ticket, answer) = oneshot::channel();
        self.hand_over_commit(|clock, catalogue| {
            let commit = Commit {
                object: placed.object,
                destinations: catalogue.routing().matching(&new.source, &new.facts),
                identity: new.identity,
                facts: new.facts,
                source: new.source,
                service_level: new.service_level,
                flags: new.flags,
                bytes: placed.bytes,
                sha256,
                extents,
                accepted_at: clock.now(),
                accepted: catalogue.now(),
            };
            Request::Compose { commit: Box::new(commit), pins, ticket }
        });
        answer.await.unwrap_or(Err(WriteError::Closing))?;
        Ok(placed)
    }

    /// The extents of a byte range of parts, and what keeps them in place.
    fn cut_and_keep(&self, parts: &[ObjectId], range: &Range<u64>) -> Result<(Vec<Extent>, Vec<WritePin>), ComposeError> {
        for _ in 0..MOST_LOOKS {
            let extents = self.catalogue().part_extents(parts)?.map_err(ComposeError::Unknown)?;
            let extents = cut(&extents, range);
            if let Some(pins) = self.log().keep(&extents) {
                return Ok((extents, pins));
            }
        }
        Err(WriteError::Log("the parts are being moved all the time".into()).into())
    }

    /// Gives parts up. Durable when it answers; what objects were made of stays as long as they do.
    pub async fn release_parts(&self, parts: &[ObjectId]) -> Result<(), CatalogueError> {
        for batch in parts.chunks(BATCH) {
            self.log().append(Entry::Release(batch.to_vec())).await?;
        }
        Ok(())
    }
}
