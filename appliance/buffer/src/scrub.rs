//! Reading back what is kept: slowly all the time, and at once when somebody asks.
//!
//! Every extent's CRC and every object's SHA-256 is compared. A damaged object is flagged, reported with its place, and its waiting deliveries
//! are held as unreadable; everything else goes on.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use relaypacs_domain::{Flag, ObjectId};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::{
    Buffer, CatalogueError, Damage,
    catalogue::{Catalogue, ObjectRow},
    entry::{Entry, Note},
    segment::{ExtentError, LogHandle},
};

/// Objects looked up together.
const BATCH: usize = 256;
/// Parts read in one step (of an upload's chunks, a few MiB each).
const PARTS: usize = 4;

/// What reading everything back found.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct ScrubReport {
    /// Objects read.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What cannot be read as it was written.
    pub damaged: Vec<Damage>,
}

impl Buffer {
    /// Reads every live object back and compares checksums; damaged ones are flagged, held and reported. Runs slowly by itself too.
    pub async fn scrub(&self) -> Result<ScrubReport, CatalogueError> {
        let (catalogue, log) = (self.catalogue().clone(), self.log().clone());
        let (answer, report) = oneshot::channel();
        let work = move || {
            // Nobody waits any more when sending fails: the caller was dropped.
            drop(answer.send(scrub_all(&catalogue, &log)));
        };
        let thread = std::thread::Builder::new().name("relaypacs-scrub".into()).spawn(work);
        thread.map_err(|error| CatalogueError::Storage(format!("starting the scrub: {error}")))?;
        report.await.unwrap_or(Err(CatalogueError::Closing))
    }
}

fn scrub_all(catalogue: &Catalogue, log: &LogHandle) -> Result<ScrubReport, CatalogueError> {
    let mut report = ScrubReport::default();
    let mut pass = Pass::default();
    while pass.step(catalogue, log, u64::MAX, &mut report)? {}
    Ok(report)
}

/// One pass over all objects, in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    next: u64,
    /// Looked up and not yet read.
    batch: VecDeque<(ObjectId, ObjectRow)>,
    reading: Option<Reading>,
    next_part: u64,
    buffer: Vec<u8>,
}

/// An object that is being read, extent by extent: a large one is read in many steps.
#[derive(Debug)]
struct Reading {
    object: ObjectId,
    row: ObjectRow,
    extents_read: usize,
    hash: Sha256,
}

/// What a piece of reading showed.
enum Read {
    /// There is more of the object.
    More(u64),
    /// It was read to its end.
    Done(u64),
    /// It is no longer here.
    Gone,
    Damaged(Damage),
}

impl Pass {
    /// Reads until `most` bytes were read (one extent more at most) or a batch of objects is done; `false`: the pass is at its end.
    pub(crate) fn step(
        &mut self,
        catalogue: &Catalogue,
        log: &LogHandle,
        most: u64,
        report: &mut ScrubReport,
    ) -> Result<bool, CatalogueError> {
        let (mut bytes, mut objects) = (0, 0);
        let mut damaged = Vec::new();
        while bytes < most && objects < BATCH {
            let Some(mut reading) = self.next(catalogue)? else { break };
            let read = reading.piece(catalogue, log, &mut self.buffer)?;
            if let Read::More(some) | Read::Done(some) = &read {
                bytes += some;
                report.bytes += some;
            }
            if let Read::Damaged(damage) = &read {
                let Reading { object, row, .. } = &reading;
                tracing::error!(object = object.0, segment = damage.segment, offset = damage.offset, what = %damage.what, "damaged on the disk");
                if !row.flags.contains(&Flag::Damaged) {
                    damaged.push(*object);
                }
                report.damaged.push(damage.clone());
            }
            if let Read::More(_) = read {
                self.reading = Some(reading);
            } else {
                report.objects += 1;
                objects += 1;
            }
        }
        if !damaged.is_empty() {
            let at = catalogue.clock().now();
            log.append_blocking(Entry::Note(Note::Damaged { objects: damaged, at }))?;
        }
        Ok(bytes >= most || objects > 0 || self.parts(catalogue, log, report)?)
    }

    /// The object under way, or the next one.
    fn next(&mut self, catalogue: &Catalogue) -> Result<Option<Reading>, CatalogueError> {
        if let Some(reading) = self.reading.take() {
            return Ok(Some(reading));
        }
        if self.batch.is_empty() {
            self.batch = catalogue.objects_from(self.next, BATCH)?.into();
        }
        Ok(self.batch.pop_front().map(|(object, row)| {
            self.next = object.0 + 1;
            Reading { object, row, extents_read: 0, hash: Sha256::new() }
        }))
    }

    /// Reads a batch of parts back, once all objects were. A damaged one is released: whoever uploads it is told that it is missing.
    fn parts(&mut self, catalogue: &Catalogue, log: &LogHandle, report: &mut ScrubReport) -> Result<bool, CatalogueError> {
        let batch = catalogue.parts_from(self.next_part, PARTS)?;
        for (part, row) in &batch {
            self.next_part = part.0 + 1;
            for extent in &row.extents {
                let Err(error) = log.read_extent(extent, &mut self.buffer) else { continue };
                if catalogue.part_row(*part)?.is_none_or(|now| now != *row) {
                    break; // moved or released meanwhile
                }
                tracing::error!(part = part.0, segment = extent.segment, offset = extent.offset, %error, "damaged on the disk");
                log.append_blocking(Entry::Release(vec![*part]))?;
                let (segment, offset) = (u64::from(extent.segment), u64::from(extent.offset));
                report.damaged.push(Damage { segment, offset, object: Some(*part), sop_instance: None, what: error.to_string() });
                break;
            }
        }
        Ok(!batch.is_empty())
    }
}

impl Reading {
    /// Reads the next extent. An object that was moved or released meanwhile is not damaged: a moved one is read from its beginning.
    fn piece(&mut self, catalogue: &Catalogue, log: &LogHandle, buffer: &mut Vec<u8>) -> Result<Read, CatalogueError> {
        let (place, what) = match self.read_extent(log, buffer) {
            Ok(read) => return Ok(read),
            Err(fault) => fault,
        };
        match catalogue.object_row(self.object)? {
            None => Ok(Read::Gone),
            Some(now) if now.extents != self.row.extents => {
                (self.row, self.extents_read, self.hash) = (now, 0, Sha256::new());
                Ok(Read::More(0))
            }
            Some(_) => {
                let (segment, offset) = place.unwrap_or_default();
                let (object, sop_instance) = (Some(self.object), Some(self.row.identity.sop_instance.clone()));
                Ok(Read::Damaged(Damage { segment: segment.into(), offset: offset.into(), object, sop_instance, what }))
            }
        }
    }

    fn read_extent(&mut self, log: &LogHandle, buffer: &mut Vec<u8>) -> Result<Read, Fault> {
        let extents = &self.row.extents;
        let mut read = 0;
        if let Some(extent) = extents.get(self.extents_read) {
            let fault = |error: ExtentError| (Some((extent.segment, extent.offset)), error.to_string());
            log.read_extent(extent, buffer).map_err(fault)?;
            self.hash.update(&buffer);
            self.extents_read += 1;
            read = buffer.len() as u64;
        }
        if self.extents_read < extents.len() {
            return Ok(Read::More(read));
        }
        if self.hash.finalize_reset()[..] == self.row.sha256.0 {
            Ok(Read::Done(read))
        } else {
            let first = extents.first().map(|extent| (extent.segment, extent.offset));
            Err((first, "the bytes have another SHA-256 than when they arrived".into()))
        }
    }
}

type Fault = (Option<(u32, u32)>, String);
