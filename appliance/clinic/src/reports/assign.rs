//! How reports begin: with an upload, or with a study that a modality sent.

use redb::WriteTransaction;
use relaypacs_domain::{ReportId, ServiceLevel, Timestamp, Uid, UploadId, UserId};

use super::{
    Details, Origin, Report, ReportStatus,
    news::{News, What},
    tables::Tables,
};
use crate::{StoreError, ids::new_id};

/// Longest text taken over from a header, in characters.
const MAX_TEXT: usize = 256;
/// A PACS is asked for the first time after this time.
const FIRST_QUESTION_MS: i64 = 60_000;

/// A study that is to be reported.
#[derive(Debug, Clone)]
pub struct NewReport {
    /// The upload with which it came; `None`: a modality sent it.
    pub upload: Option<UploadId>,
    /// The study.
    pub study: Uid,
    /// Who uploaded it.
    pub user: Option<UserId>,
    /// (0010,0010).
    pub patient_name: Option<String>,
    /// (0008,0060).
    pub modality: String,
    /// (0008,1030).
    pub study_description: Option<String>,
    /// How urgent it is.
    pub service_level: ServiceLevel,
    /// When the box had it.
    pub at: Timestamp,
}

/// Makes the report on a study, `assigned`; once for each study and upload, however often it is asked. Call [`super::Reports::poke`] after
/// the commit.
pub fn assign_in(transaction: &WriteTransaction, new: &NewReport) -> Result<ReportId, StoreError> {
    let mut tables = Tables::open(transaction)?;
    if let Some(known) = tables.find(&new.study, new.upload)? {
        return Ok(known);
    }
    let cut = |text: &String| text.chars().take(MAX_TEXT).collect::<String>();
    let id = ReportId(new_id(new.at));
    let report = Report {
        id,
        upload: new.upload,
        study: new.study.clone(),
        user: new.user,
        status: ReportStatus::Assigned,
        patient_name: new.patient_name.as_ref().map(cut),
        modality: cut(&new.modality),
        study_description: new.study_description.as_ref().map(cut),
        service_level: new.service_level,
        radiologist_name: None,
        origin: Origin::Nowhere,
        details: Details::default(),
        said_at: None,
        created_at: new.at,
        updated_at: new.at,
        text: None,
    };
    tables.add(&report)?;
    tables.ask_at(id, Some(new.at.as_millis().saturating_add(FIRST_QUESTION_MS)))?;
    tables.tell(&News { report: id, what: What::Assigned, actor: None, at: new.at })?;
    Ok(id)
}

/// A study is proven at a destination: its reports that were only assigned wait for reading now. Call [`super::Reports::poke`] after the
/// commit.
pub fn delivered_in(transaction: &WriteTransaction, study: &Uid, at: Timestamp) -> Result<(), StoreError> {
    let mut tables = Tables::open(transaction)?;
    for id in tables.of_study(study)? {
        let Some(before) = tables.report(id)?.filter(|report| report.status == ReportStatus::Assigned) else { continue };
        let after = Report { status: ReportStatus::Pending, updated_at: at, ..before.clone() };
        tables.replace(&before, &after)?;
        tables.tell(&News { report: id, what: What::Changed, actor: None, at })?;
    }
    Ok(())
}

/// What the study itself says about patient and study: reports that do not know it yet learn it.
pub fn describe_in(transaction: &WriteTransaction, study: &Uid, details: &Details) -> Result<(), StoreError> {
    let mut tables = Tables::open(transaction)?;
    for id in tables.of_study(study)? {
        let Some(mut report) = tables.report(id)? else { continue };
        let before = report.details.clone();
        report.details.learn(details.clone());
        if report.details != before {
            tables.put(&report)?;
        }
    }
    Ok(())
}
