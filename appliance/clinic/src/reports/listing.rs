//! What a viewer sees.

use redb::ReadTransaction;
use relaypacs_domain::{ReportId, Uid, UploadId};

use super::{
    Report, ReportError, ReportStatus, Viewer,
    tables::{BY_KEY, BY_SCOPE, BY_UPLOAD, READ, READ_BY_USER, ROWS, TEXTS, range_of, report_id, row, scopes_for},
};
use crate::StoreError;

/// A page of reports, newest first.
#[derive(Debug, Clone)]
pub struct ReportPage {
    /// The reports, each with whether the viewer has read it.
    pub reports: Vec<(Report, bool)>,
    /// How many match in all.
    pub total: u64,
    /// How many the viewer has not read, whatever was asked for.
    pub unread: Unread,
}

/// Unread reports by status, in the order of [`ReportStatus::ALL`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unread(pub [u64; 4]);

pub(super) fn one(transaction: &ReadTransaction, viewer: Viewer, id: ReportId) -> Result<(Report, bool), ReportError> {
    let rows = transaction.open_table(ROWS).map_err(StoreError::failed)?;
    let texts = transaction.open_table(TEXTS).map_err(StoreError::failed)?;
    let read = transaction.open_table(READ).map_err(StoreError::failed)?;
    let report = row(&rows, &texts, id)?.filter(|report| report.visible_to(viewer)).ok_or(ReportError::NotFound)?;
    let is_read = read.get((id.0.as_u128(), viewer.user.0.as_u128())).map_err(StoreError::failed)?.is_some();
    Ok((report, is_read))
}

pub(super) fn of_upload(transaction: &ReadTransaction, viewer: Viewer, upload: UploadId) -> Result<(Report, bool), ReportError> {
    let first = ids_of_upload(transaction, upload)?.first().copied().ok_or(ReportError::NotFound)?;
    one(transaction, viewer, first)
}

pub(super) fn ids_of_upload(transaction: &ReadTransaction, upload: UploadId) -> Result<Vec<ReportId>, StoreError> {
    let by_upload = transaction.open_table(BY_UPLOAD).map_err(StoreError::failed)?;
    let upload = upload.0.as_u128();
    let rows = by_upload.range((upload, 0)..=(upload, u128::MAX)).map_err(StoreError::failed)?;
    rows.map(|row| row.map(|(key, _)| report_id(key.value().1)).map_err(StoreError::failed)).collect()
}

/// Every report on a study.
pub(super) fn of_study(transaction: &ReadTransaction, study: &Uid) -> Result<Vec<Report>, StoreError> {
    let by_key = transaction.open_table(BY_KEY).map_err(StoreError::failed)?;
    let rows = transaction.open_table(ROWS).map_err(StoreError::failed)?;
    let texts = transaction.open_table(TEXTS).map_err(StoreError::failed)?;
    let mut reports = Vec::new();
    for line in by_key.range((study.as_str(), 0)..=(study.as_str(), u128::MAX)).map_err(StoreError::failed)? {
        let (_, id) = line.map_err(StoreError::failed)?;
        reports.extend(row(&rows, &texts, report_id(id.value()))?);
    }
    Ok(reports)
}

pub(super) fn list(
    transaction: &ReadTransaction,
    viewer: Viewer,
    status: Option<ReportStatus>,
    limit: usize,
    offset: usize,
) -> Result<ReportPage, StoreError> {
    let rows = transaction.open_table(ROWS).map_err(StoreError::failed)?;
    let texts = transaction.open_table(TEXTS).map_err(StoreError::failed)?;
    let read = transaction.open_table(READ).map_err(StoreError::failed)?;
    let ids = newest(transaction, viewer, status, offset.saturating_add(limit))?;
    let mut reports = Vec::new();
    for id in ids.into_iter().skip(offset) {
        let is_read = read.get((id.0.as_u128(), viewer.user.0.as_u128())).map_err(StoreError::failed)?.is_some();
        if let Some(report) = row(&rows, &texts, id)? {
            reports.push((report, is_read));
        }
    }
    let (mut total, mut unread) = (0, Unread::default());
    for (index, each) in ReportStatus::ALL.into_iter().enumerate() {
        let all = count(transaction, viewer, each)?;
        total += if status.is_none_or(|asked| asked == each) { all } else { 0 };
        unread.0[index] = all.saturating_sub(count_read(transaction, viewer, each)?);
    }
    Ok(ReportPage { reports, total, unread })
}

/// The newest `most` reports of a viewer: names sort by when they were made, so the ranges are merged from their ends.
fn newest(transaction: &ReadTransaction, viewer: Viewer, status: Option<ReportStatus>, most: usize) -> Result<Vec<ReportId>, StoreError> {
    let by_scope = transaction.open_table(BY_SCOPE).map_err(StoreError::failed)?;
    let mut ranges = Vec::new();
    for scope in scopes_for(viewer) {
        for status in ReportStatus::ALL.into_iter().filter(|each| status.is_none_or(|asked| asked == *each)) {
            let range = by_scope.range(range_of(scope, status)).map_err(StoreError::failed)?;
            ranges.push(range.rev().map(|row| row.map(|(key, _)| key.value().2).map_err(StoreError::failed)).peekable());
        }
    }
    let mut ids = Vec::new();
    while ids.len() < most {
        // A fault sorts first, so that it is taken and told.
        let weight = |next: Option<&Result<u128, StoreError>>| match next {
            None => 0,
            Some(Ok(id)) => *id,
            Some(Err(_)) => u128::MAX,
        };
        let newest = ranges.iter_mut().map(|range| weight(range.peek())).enumerate().max_by_key(|(_, weight)| *weight);
        let next = newest.and_then(|(index, _)| ranges.get_mut(index));
        match next.and_then(Iterator::next) {
            Some(id) => ids.push(report_id(id?)),
            None => break,
        }
    }
    Ok(ids)
}

fn count(transaction: &ReadTransaction, viewer: Viewer, status: ReportStatus) -> Result<u64, StoreError> {
    let by_scope = transaction.open_table(BY_SCOPE).map_err(StoreError::failed)?;
    let mut count = 0;
    for scope in scopes_for(viewer) {
        count += by_scope.range(range_of(scope, status)).map_err(StoreError::failed)?.count() as u64;
    }
    Ok(count)
}

fn count_read(transaction: &ReadTransaction, viewer: Viewer, status: ReportStatus) -> Result<u64, StoreError> {
    let read = transaction.open_table(READ_BY_USER).map_err(StoreError::failed)?;
    Ok(read.range(range_of(viewer.user.0.as_u128(), status)).map_err(StoreError::failed)?.count() as u64)
}
