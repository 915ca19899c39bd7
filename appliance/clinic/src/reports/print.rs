//! A report to hold in one's hand.

use jiff::tz::TimeZone;
use relaypacs_domain::{ReportId, Timestamp};

use super::{
    Origin, Report, ReportError, ReportStatus, Reports, Viewer,
    pdf::{self, PdfError, Printed},
    tables,
};

/// A PDF to hand out.
#[derive(Debug, Clone)]
pub struct Download {
    /// The file.
    pub pdf: Vec<u8>,
    /// The report it is of.
    pub report: Report,
}

/// Why a report cannot be handed out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DownloadError {
    /// The report cannot be given.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// It is not ready.
    #[error("the report is {0}, not ready")]
    NotReady(ReportStatus),
    /// It cannot be drawn.
    #[error(transparent)]
    Pdf(#[from] PdfError),
}

impl Reports {
    /// The report as PDF, once it is ready: what came as a PDF as it came, everything else on the site's paper.
    pub async fn download(&self, viewer: Viewer, id: ReportId) -> Result<Download, DownloadError> {
        let (report, _) = self.report(viewer, id).await?;
        if report.status != ReportStatus::Ready {
            return Err(DownloadError::NotReady(report.status));
        }
        if matches!(report.origin, Origin::Document { .. }) {
            let document = self.0.store.read(move |transaction| tables::document(transaction, id)).await.map_err(ReportError::from)?;
            if let Some(pdf) = document {
                return Ok(Download { pdf, report });
            }
        }
        let (service, printed) = (self.0.clone(), printed(&report, &self.0.zone));
        let drawn = tokio::task::spawn_blocking(move || pdf::draw(&service.letterhead, &printed)).await;
        let pdf = drawn.unwrap_or_else(|_| Err(PdfError::failed("drawing it did not end")))?;
        Ok(Download { pdf, report })
    }
}

/// A report as it is printed.
fn printed(report: &Report, zone: &TimeZone) -> Printed {
    let details = &report.details;
    let patient = report.patient_name.as_deref().map(patient_name).unwrap_or_default();
    let study_date = details.study_date.as_deref().map(date).unwrap_or_default();
    let study = [Some(report.modality.as_str()), report.study_description.as_deref()];
    let study = study.into_iter().flatten().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ");
    let told = |text: &Option<String>| text.clone().unwrap_or_default();
    let facts = [
        ("Patient", patient.clone()),
        ("Patient ID", told(&details.patient_id)),
        ("Date of birth", details.birth_date.as_deref().map(date).unwrap_or_default()),
        ("Sex", told(&details.sex)),
        ("Study", study.clone()),
        ("Study date", study_date.clone()),
        ("Accession number", told(&details.accession_number)),
        ("Referred by", told(&details.referring_physician)),
    ];
    let about = [patient, told(&details.patient_id), study, study_date];
    let signed = time(report.updated_at, zone);
    Printed {
        title: "Radiology report".into(),
        facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        text: report.text.clone().unwrap_or_default(),
        signature: report.radiologist_name.clone().into_iter().chain([signed.clone()]).collect(),
        about: about.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · "),
        footer: format!("Report {} · as of {signed}", report.id),
    }
}

/// Family name first, as it stands on films: `DOE, Jane`.
pub(crate) fn patient_name(value: &str) -> String {
    let group = value.split('=').find(|group| !group.trim().is_empty()).unwrap_or_default();
    let mut parts = group.split('^').map(str::trim);
    let family = parts.next().unwrap_or_default().to_owned();
    let given: Vec<&str> = parts.take(2).filter(|part| !part.is_empty()).collect();
    if given.is_empty() { family } else { format!("{family}, {}", given.join(" ")) }
}

/// `YYYYMMDD` as `YYYY-MM-DD`; anything else as it is.
pub(crate) fn date(value: &str) -> String {
    match (value.get(..4), value.get(4..6), value.get(6..)) {
        (Some(year), Some(month), Some(day)) if value.len() == 8 && value.bytes().all(|c| c.is_ascii_digit()) => {
            format!("{year}-{month}-{day}")
        }
        _ => value.to_owned(),
    }
}

pub(crate) fn time(at: Timestamp, zone: &TimeZone) -> String {
    let zoned = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default().to_zoned(zone.clone());
    let name = zone.iana_name().unwrap_or("UTC");
    format!("{} ({name})", zoned.strftime("%Y-%m-%d %H:%M"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_dates_are_written_as_people_read_them() {
        assert_eq!(patient_name("DOE^Jane^Maria^Dr."), "DOE, Jane Maria");
        assert_eq!(patient_name("Yamada^Tarou=山田^太郎=やまだ^たろう"), "Yamada, Tarou");
        assert_eq!(patient_name("=山田^太郎"), "山田, 太郎");
        assert_eq!(patient_name("Cher"), "Cher");
        assert_eq!(date("19610402"), "1961-04-02");
        assert_eq!(date("1961"), "1961");
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(time(Timestamp::from_millis(1_795_400_000_000), &berlin), "2026-11-23 03:13 (Europe/Berlin)");
    }
}
