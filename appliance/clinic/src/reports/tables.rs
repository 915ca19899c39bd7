//! The tables of reports and their indexes, opened together for a change.

use std::ops::RangeInclusive;

use redb::{ReadTransaction, ReadableTable, Table, TableDefinition, WriteTransaction};
use relaypacs_domain::{Action, ReportId, Uid, UploadId, UserId};

use super::{Report, ReportStatus, Viewer, news::News, status::ReportStatus as Status};
use crate::{
    StoreError,
    store::{decode, encode},
};

pub(super) const ROWS: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("reports");
pub(super) const TEXTS: TableDefinition<'static, u128, &str> = TableDefinition::new("reports_texts");
pub(super) const DOCUMENTS: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("reports_documents");
pub(super) const BY_KEY: TableDefinition<'static, (&str, u128), u128> = TableDefinition::new("reports_by_key");
pub(super) const BY_UPLOAD: TableDefinition<'static, (u128, u128), ()> = TableDefinition::new("reports_by_upload");
pub(super) const BY_SCOPE: TableDefinition<'static, ScopeKey, ()> = TableDefinition::new("reports_by_scope");
pub(super) const READ: TableDefinition<'static, (u128, u128), ()> = TableDefinition::new("reports_read");
pub(super) const READ_BY_USER: TableDefinition<'static, ScopeKey, ()> = TableDefinition::new("reports_read_by_user");
pub(super) const OPEN: TableDefinition<'static, u128, i64> = TableDefinition::new("reports_open");
pub(super) const NEWS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("reports_news");

pub(super) const ROWS_NAME: &str = "reports";
pub(super) const NEWS_NAME: &str = "reports_news";

/// (Scope or user, status, report).
pub(super) type ScopeKey = (u128, u8, u128);

/// The scope of all reports on uploads.
const UPLOADS: u128 = 1;
/// The scope of all reports on what modalities sent.
const MODALITIES: u128 = 2;

/// The tables, open for a change.
pub(super) struct Tables<'t> {
    rows: Table<'t, u128, &'static [u8]>,
    texts: Table<'t, u128, &'static str>,
    documents: Table<'t, u128, &'static [u8]>,
    by_key: Table<'t, (&'static str, u128), u128>,
    by_upload: Table<'t, (u128, u128), ()>,
    by_scope: Table<'t, ScopeKey, ()>,
    read: Table<'t, (u128, u128), ()>,
    read_by_user: Table<'t, ScopeKey, ()>,
    open: Table<'t, u128, i64>,
    news: Table<'t, u64, &'static [u8]>,
}

impl<'t> Tables<'t> {
    /// Opens (or makes) all of them.
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            rows: transaction.open_table(ROWS).map_err(StoreError::failed)?,
            texts: transaction.open_table(TEXTS).map_err(StoreError::failed)?,
            documents: transaction.open_table(DOCUMENTS).map_err(StoreError::failed)?,
            by_key: transaction.open_table(BY_KEY).map_err(StoreError::failed)?,
            by_upload: transaction.open_table(BY_UPLOAD).map_err(StoreError::failed)?,
            by_scope: transaction.open_table(BY_SCOPE).map_err(StoreError::failed)?,
            read: transaction.open_table(READ).map_err(StoreError::failed)?,
            read_by_user: transaction.open_table(READ_BY_USER).map_err(StoreError::failed)?,
            open: transaction.open_table(OPEN).map_err(StoreError::failed)?,
            news: transaction.open_table(NEWS).map_err(StoreError::failed)?,
        })
    }

    /// The report made for this study and upload.
    pub(super) fn find(&self, study: &Uid, upload: Option<UploadId>) -> Result<Option<ReportId>, StoreError> {
        let found = self.by_key.get((study.as_str(), upload_key(upload))).map_err(StoreError::failed)?;
        Ok(found.map(|id| ReportId(uuid::Uuid::from_u128(id.value()))))
    }

    /// All reports on a study.
    pub(super) fn of_study(&self, study: &Uid) -> Result<Vec<ReportId>, StoreError> {
        let range = (study.as_str(), 0)..=(study.as_str(), u128::MAX);
        let found = self.by_key.range(range).map_err(StoreError::failed)?;
        found.map(|row| row.map(|(_, id)| report_id(id.value())).map_err(StoreError::failed)).collect()
    }

    /// A report with its text.
    pub(super) fn report(&self, id: ReportId) -> Result<Option<Report>, StoreError> {
        row(&self.rows, &self.texts, id)
    }

    /// A new report.
    pub(super) fn add(&mut self, report: &Report) -> Result<(), StoreError> {
        let id = report.id.0.as_u128();
        self.by_key.insert((report.study.as_str(), upload_key(report.upload)), id).map_err(StoreError::failed)?;
        if let Some(upload) = report.upload {
            self.by_upload.insert((upload.0.as_u128(), id), ()).map_err(StoreError::failed)?;
        }
        for scope in scopes_of(report) {
            self.by_scope.insert((scope, report.status.number(), id), ()).map_err(StoreError::failed)?;
        }
        self.put(report)
    }

    /// A report changed: nobody has read it as it is now.
    pub(super) fn replace(&mut self, before: &Report, after: &Report) -> Result<(), StoreError> {
        let id = after.id.0.as_u128();
        for scope in scopes_of(after) {
            self.by_scope.remove((scope, before.status.number(), id)).map_err(StoreError::failed)?;
            self.by_scope.insert((scope, after.status.number(), id), ()).map_err(StoreError::failed)?;
        }
        let readers = self.read.range((id, 0)..=(id, u128::MAX)).map_err(StoreError::failed)?;
        let readers: Result<Vec<(u128, u128)>, StoreError> =
            readers.map(|row| row.map(|(key, _)| key.value()).map_err(StoreError::failed)).collect();
        for (id, user) in readers? {
            self.read.remove((id, user)).map_err(StoreError::failed)?;
            self.read_by_user.remove((user, before.status.number(), id)).map_err(StoreError::failed)?;
        }
        self.put(after)
    }

    /// Somebody has read a report as it is.
    pub(super) fn mark_read(&mut self, report: &Report, user: UserId) -> Result<(), StoreError> {
        let (id, user) = (report.id.0.as_u128(), user.0.as_u128());
        self.read.insert((id, user), ()).map_err(StoreError::failed)?;
        self.read_by_user.insert((user, report.status.number(), id), ()).map_err(StoreError::failed)?;
        Ok(())
    }

    /// Keeps a PDF as received.
    pub(super) fn keep_document(&mut self, id: ReportId, document: Option<&[u8]>) -> Result<(), StoreError> {
        match document {
            Some(document) => self.documents.insert(id.0.as_u128(), document).map_err(StoreError::failed).map(drop),
            None => self.documents.remove(id.0.as_u128()).map_err(StoreError::failed).map(drop),
        }
    }

    /// When to ask the PACS next (wall clock in milliseconds); `None`: never again.
    pub(super) fn ask_at(&mut self, id: ReportId, due: Option<i64>) -> Result<(), StoreError> {
        match due {
            Some(due) => self.open.insert(id.0.as_u128(), due).map_err(StoreError::failed).map(drop),
            None => self.open.remove(id.0.as_u128()).map_err(StoreError::failed).map(drop),
        }
    }

    /// A line of news, to be told once.
    pub(super) fn tell(&mut self, news: &News) -> Result<(), StoreError> {
        let next = self.news.last().map_err(StoreError::failed)?.map_or(1, |(number, _)| number.value() + 1);
        self.news.insert(next, encode(NEWS_NAME, news)?.as_slice()).map_err(StoreError::failed)?;
        Ok(())
    }

    /// A report's row and text, where its indexes stay as they are.
    pub(super) fn put(&mut self, report: &Report) -> Result<(), StoreError> {
        let id = report.id.0.as_u128();
        self.rows.insert(id, encode(ROWS_NAME, report)?.as_slice()).map_err(StoreError::failed)?;
        match &report.text {
            Some(text) => self.texts.insert(id, text.as_str()).map_err(StoreError::failed).map(drop),
            None => self.texts.remove(id).map_err(StoreError::failed).map(drop),
        }
    }
}

/// A report with its text, from any snapshot.
pub(super) fn row(
    rows: &impl ReadableTable<u128, &'static [u8]>,
    texts: &impl ReadableTable<u128, &'static str>,
    id: ReportId,
) -> Result<Option<Report>, StoreError> {
    let Some(row) = rows.get(id.0.as_u128()).map_err(StoreError::failed)? else { return Ok(None) };
    let report: Report = decode(ROWS_NAME, row.value())?;
    let text = texts.get(id.0.as_u128()).map_err(StoreError::failed)?.map(|text| text.value().to_owned());
    Ok(Some(Report { text, ..report }))
}

/// A report's document.
pub(super) fn document(transaction: &ReadTransaction, id: ReportId) -> Result<Option<Vec<u8>>, StoreError> {
    let documents = transaction.open_table(DOCUMENTS).map_err(StoreError::failed)?;
    let found = documents.get(id.0.as_u128()).map_err(StoreError::failed)?;
    Ok(found.map(|document| document.value().to_vec()))
}

/// The scopes that together hold what a viewer may see; no report is in two of them.
pub(super) fn scopes_for(viewer: Viewer) -> Vec<u128> {
    let mut scopes = vec![if viewer.role.may(Action::SeeAllUploads) { UPLOADS } else { viewer.user.0.as_u128() }];
    if viewer.role.may(Action::SeeModalityReports) {
        scopes.push(MODALITIES);
    }
    scopes
}

/// The keys of a status within a scope (or of what a user has read).
pub(super) fn range_of(scope: u128, status: ReportStatus) -> RangeInclusive<ScopeKey> {
    let status = Status::number(status);
    (scope, status, 0)..=(scope, status, u128::MAX)
}

/// The name in a key.
pub(super) fn report_id(id: u128) -> ReportId {
    ReportId(uuid::Uuid::from_u128(id))
}

fn scopes_of(report: &Report) -> Vec<u128> {
    match (report.upload, report.user) {
        (None, _) => vec![MODALITIES],
        (Some(_), None) => vec![UPLOADS],
        (Some(_), Some(owner)) => vec![UPLOADS, owner.0.as_u128()],
    }
}

fn upload_key(upload: Option<UploadId>) -> u128 {
    upload.map_or(0, |upload| upload.0.as_u128())
}
