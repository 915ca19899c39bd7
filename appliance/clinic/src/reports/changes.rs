//! What people change about reports.

use redb::WriteTransaction;
use relaypacs_domain::{ReportId, Timestamp};

use super::{
    Origin, Report, ReportError, ReportStatus, Viewer,
    news::{News, What},
    tables::Tables,
};

/// Longest text in characters.
const MAX_TEXT: usize = 50_000;
/// Longest name in characters.
const MAX_NAME: usize = 128;

/// What a radiologist changes; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportChange {
    /// How far the report is from now on.
    pub status: Option<ReportStatus>,
    /// Who reports.
    pub radiologist_name: Option<String>,
    /// What the report says.
    pub text: Option<String>,
}

impl ReportChange {
    /// Whether its texts keep to their limits.
    pub(super) fn check(&self) -> Result<(), ReportError> {
        let fits = |text: &Option<String>, field, most| match text {
            Some(text) if text.chars().count() > most => Err(ReportError::TooLong { field, most }),
            _ => Ok(()),
        };
        fits(&self.radiologist_name, "radiologist_name", MAX_NAME)?;
        fits(&self.text, "report_text", MAX_TEXT)
    }
}

pub(super) fn change_in(
    transaction: &WriteTransaction,
    viewer: Viewer,
    id: ReportId,
    change: &ReportChange,
    at: Timestamp,
) -> Result<Report, ReportError> {
    let mut tables = Tables::open(transaction)?;
    let before = tables.report(id)?.filter(|report| report.visible_to(viewer)).ok_or(ReportError::NotFound)?;
    let after = changed(&before, change, at)?;
    if after == before {
        return Ok(before);
    }
    tables.replace(&before, &after)?;
    if after.origin == Origin::Written {
        tables.keep_document(id, None)?;
    }
    let what = match (change.status, after.status) {
        (Some(_), ReportStatus::Ready) => What::Ready,
        (Some(_), ReportStatus::AdditionalDataRequired) => What::AdditionalDataRequired,
        _ => What::Changed,
    };
    tables.tell(&News { report: id, what, actor: Some(viewer.user), at })?;
    Ok(after)
}

/// The report after a change, or why it cannot be changed so.
fn changed(before: &Report, change: &ReportChange, at: Timestamp) -> Result<Report, ReportError> {
    let to = change.status.filter(|to| *to != before.status);
    if let Some(to) = to.filter(|to| !before.status.may_become(*to)) {
        return Err(ReportError::Transition { from: before.status, to });
    }
    let mut after = before.clone();
    if let Some(name) = &change.radiologist_name {
        after.radiologist_name = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
    }
    if let Some(text) = &change.text {
        let text = Some(text.trim_end().to_owned()).filter(|text| !text.trim().is_empty());
        if text != before.text {
            after.origin = if text.is_some() { Origin::Written } else { Origin::Nowhere };
            after.text = text;
        }
    }
    if before.status == ReportStatus::Ready && to.is_none() && after != *before {
        return Err(ReportError::Ready);
    }
    after.status = to.unwrap_or(before.status);
    if after.status == ReportStatus::Ready && after.origin == Origin::Nowhere {
        return Err(ReportError::Empty);
    }
    if after != *before {
        after.updated_at = at;
    }
    Ok(after)
}

pub(super) fn mark_read(transaction: &WriteTransaction, viewer: Viewer, id: ReportId) -> Result<(), ReportError> {
    let mut tables = Tables::open(transaction)?;
    let report = tables.report(id)?.filter(|report| report.visible_to(viewer)).ok_or(ReportError::NotFound)?;
    Ok(tables.mark_read(&report, viewer.user)?)
}
