//! Reading back what is kept: slowly all the time, and at once when somebody asks.
//!
//! Every extent's CRC and every object's SHA-256 is compared. A damaged object is flagged, reported with its place, and its waiting deliveries
//! are held as unreadable; everything else goes on.

#[cfg(test)]
mod tests;

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
    next_part: u64,
    buffer: Vec<u8>,
}

impl Pass {
    /// Reads objects until `most` bytes were read or a batch is done; `false`: the pass is at its end.
    pub(crate) fn step(
        &mut self,
        catalogue: &Catalogue,
        log: &LogHandle,
        most: u64,
        report: &mut ScrubReport,
    ) -> Result<bool, CatalogueError> {
        let batch = catalogue.objects_from(self.next, BATCH)?;
        let mut read = 0;
        let mut damaged = Vec::new();
        for (object, row) in &batch {
            if read >= most {
                break;
            }
            self.next = object.0 + 1;
            read += row.bytes;
            report.objects += 1;
            report.bytes += row.bytes;
            if let Some(damage) = check(catalogue, log, *object, row, &mut self.buffer)? {
                tracing::error!(object = object.0, segment = damage.segment, offset = damage.offset, what = %damage.what, "damaged on the disk");
                if !row.flags.contains(&Flag::Damaged) {
                    damaged.push(*object);
                }
                report.damaged.push(damage);
            }
        }
        if !damaged.is_empty() {
            let at = catalogue.clock().now();
            log.append_blocking(Entry::Note(Note::Damaged { objects: damaged, at }))?;
        }
        Ok(!batch.is_empty() || self.parts(catalogue, log, report)?)
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

/// Reads an object back. An object that was moved or released meanwhile is not damaged.
fn check(
    catalogue: &Catalogue,
    log: &LogHandle,
    object: ObjectId,
    row: &ObjectRow,
    buffer: &mut Vec<u8>,
) -> Result<Option<Damage>, CatalogueError> {
    let damage = |segment: u32, offset: u32, what: String| Damage {
        segment: u64::from(segment),
        offset: u64::from(offset),
        object: Some(object),
        sop_instance: Some(row.identity.sop_instance.clone()),
        what,
    };
    let mut current = row.clone();
    loop {
        let Err((extent, error)) = read_back(log, &current, buffer) else { return Ok(None) };
        match catalogue.object_row(object)? {
            None => return Ok(None),
            Some(now) if now.extents != current.extents => current = now,
            Some(_) => {
                let (segment, offset) = extent.unwrap_or_default();
                return Ok(Some(damage(segment, offset, error)));
            }
        }
    }
}

type Fault = (Option<(u32, u32)>, String);

fn read_back(log: &LogHandle, row: &ObjectRow, buffer: &mut Vec<u8>) -> Result<(), Fault> {
    let mut hash = Sha256::new();
    for extent in &row.extents {
        log.read_extent(extent, buffer).map_err(|error: ExtentError| (Some((extent.segment, extent.offset)), error.to_string()))?;
        hash.update(&buffer);
    }
    if hash.finalize()[..] == row.sha256.0 {
        Ok(())
    } else {
        let first = row.extents.first().map(|extent| (extent.segment, extent.offset));
        Err((first, "the bytes have another SHA-256 than when they arrived".into()))
    }
}
