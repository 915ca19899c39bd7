//! The same study uploaded again (DEV-BE-08): SHA-256 of normalised name, date and modality; only completed uploads count.

use redb::{ReadableTable, TableDefinition, WriteTransaction};
use relaypacs_domain::{Timestamp, UploadId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::UploadError;
use crate::{
    StoreError,
    store::{decode, encode},
};

/// Study key → the last completed upload of it.
const STUDIES: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("upload_study_keys");
const NAME: &str = "upload_study_keys";

/// An upload that was completed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    pub(super) upload: UploadId,
    pub(super) at: Timestamp,
    pub(super) by: String,
}

/// SHA-256 of name (NFKC, upper case, `^` and white space runs as one space, trimmed), date and modality, joined by `|`.
pub(super) fn study_key(name: &str, date: &str, modality: &str) -> [u8; 32] {
    let upper = name.nfkc().collect::<String>().to_uppercase();
    let words: Vec<&str> =
        upper.split(|character: char| character == '^' || character.is_whitespace()).filter(|word| !word.is_empty()).collect();
    Sha256::digest(format!("{}|{date}|{modality}", words.join(" "))).into()
}

/// An upload of the same study that was completed at `since` or later.
pub(super) fn find_in(tx: &WriteTransaction, key: &[u8; 32], since: Timestamp) -> Result<Option<Before>, UploadError> {
    let table = tx.open_table(STUDIES).map_err(StoreError::failed)?;
    let row = table.get(key.as_slice()).map_err(StoreError::failed)?;
    let before = row.map(|row| decode::<Before>(NAME, row.value())).transpose()?;
    Ok(before.filter(|before| before.at >= since))
}

/// Notes a completed upload.
pub(super) fn note_in(tx: &WriteTransaction, key: &[u8; 32], before: &Before) -> Result<(), UploadError> {
    let mut table = tx.open_table(STUDIES).map_err(StoreError::failed)?;
    table.insert(key.as_slice(), encode(NAME, before)?.as_slice()).map_err(StoreError::failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_however_they_are_typed() {
        let key = |name| study_key(name, "20260115", "CT");
        let same = key("DOE^JANE");
        for name in ["doe^jane", " Doe   Jane ", "DOE^JANE^^^", "Doe\u{a0}Jane", "ＤＯＥ^ＪＡＮＥ"] {
            assert_eq!(key(name), same, "{name}");
        }
        assert_ne!(key("DOE^JOHN"), same);
        assert_ne!(study_key("DOE^JANE", "20260116", "CT"), same);
        assert_ne!(study_key("DOE^JANE", "20260115", "MR"), same);
        // As another implementation computes it: printf 'DOE JANE|20260115|CT' | sha256sum
        let expected: [u8; 32] = Sha256::digest("DOE JANE|20260115|CT").into();
        assert_eq!(same, expected);
    }
}
