//! What the catalogue knows of parts.

use redb::ReadableTableMetadata;
use relaypacs_domain::{ObjectId, UploadId};
use uuid::Uuid;

use super::{
    Catalogue,
    row::PartRow,
    tables::{self, decode, storage},
};
use crate::{CatalogueError, StoredPart, entry::Extent};

type Done<T = ()> = Result<T, CatalogueError>;

impl Catalogue {
    /// The parts of an upload, oldest first.
    pub(crate) fn parts_of(&self, upload: UploadId) -> Done<Vec<StoredPart>> {
        let read = self.read()?;
        let (index, parts) = (read.open_table(tables::UPLOAD_PARTS).map_err(storage)?, read.open_table(tables::PARTS).map_err(storage)?);
        let key = upload.0.as_u128();
        let mut found = Vec::new();
        for entry in index.range((key, 0)..=(key, u64::MAX)).map_err(storage)? {
            let part = entry.map_err(storage)?.0.value().1;
            let Some(row) = parts.get(part).map_err(storage)? else { continue };
            let row: PartRow = decode("parts", row.value())?;
            found.push(StoredPart { object: ObjectId(part), key: row.key, bytes: row.bytes, accepted: row.accepted.0 });
        }
        Ok(found)
    }

    /// Uploads that have parts.
    pub(crate) fn uploads_with_parts(&self) -> Done<Vec<UploadId>> {
        let index = self.read()?.open_table(tables::UPLOAD_PARTS).map_err(storage)?;
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(entry) = index.range((from, 0)..).map_err(storage)?.next() {
            let upload = entry.map_err(storage)?.0.value().0;
            found.push(UploadId(Uuid::from_u128(upload)));
            let Some(next) = upload.checked_add(1) else { break };
            from = next;
        }
        Ok(found)
    }

    /// Where the bytes of parts lie, one part after the other. Inner error: a part that is not there.
    pub(crate) fn part_extents(&self, parts: &[ObjectId]) -> Done<Result<Vec<Extent>, ObjectId>> {
        let table = self.read()?.open_table(tables::PARTS).map_err(storage)?;
        let mut extents = Vec::new();
        for part in parts {
            let Some(row) = table.get(part.0).map_err(storage)? else { return Ok(Err(*part)) };
            extents.extend(decode::<PartRow>("parts", row.value())?.extents);
        }
        Ok(Ok(extents))
    }

    /// All that is known of a part.
    pub(crate) fn part_row(&self, part: ObjectId) -> Done<Option<PartRow>> {
        let table = self.read()?.open_table(tables::PARTS).map_err(storage)?;
        let row = table.get(part.0).map_err(storage)?;
        row.map(|row| decode("parts", row.value())).transpose()
    }

    /// Whether this is the number of a part in the buffer.
    pub(crate) fn is_part(&self, object: ObjectId) -> Done<bool> {
        let table = self.read()?.open_table(tables::PARTS).map_err(storage)?;
        Ok(!table.is_empty().map_err(storage)? && table.get(object.0).map_err(storage)?.is_some())
    }

    /// Parts from number `from` on, at most `limit`.
    pub(crate) fn parts_from(&self, from: u64, limit: usize) -> Done<Vec<(ObjectId, PartRow)>> {
        let table = self.read()?.open_table(tables::PARTS).map_err(storage)?;
        let rows = table.range(from..).map_err(storage)?.take(limit);
        rows.map(|row| {
            let (part, row) = row.map_err(storage)?;
            Ok((ObjectId(part.value()), decode("parts", row.value())?))
        })
        .collect()
    }
}
