//! What an object that a PACS has in a study means for the report: a text to take over, a PDF to hand out, or nothing.

use relaypacs_domain::Uid;

use super::{
    data_set::{DataSet, Encoding},
    structured::{Structured, person},
};
use crate::reports::{Details, Origin};

/// Basic Text SR, Enhanced SR, Comprehensive SR, Encapsulated PDF: the only classes that are taken over.
pub(super) const CLASSES: [&str; 4] =
    ["1.2.840.10008.5.1.4.1.1.88.11", "1.2.840.10008.5.1.4.1.1.88.22", "1.2.840.10008.5.1.4.1.1.88.33", ENCAPSULATED_PDF];
const ENCAPSULATED_PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";

const DICOM_CLASS: u32 = 0x0008_0016;
const INSTANCE: u32 = 0x0008_0018;
const STUDY_DATE: u32 = 0x0008_0020;
const CONTENT_DATE: u32 = 0x0008_0023;
const CONTENT_TIME: u32 = 0x0008_0033;
const ACCESSION: u32 = 0x0008_0050;
const REFERRING: u32 = 0x0008_0090;
const CHARACTER_SET: u32 = 0x0008_0005;
const PATIENT_ID: u32 = 0x0010_0020;
const BIRTH_DATE: u32 = 0x0010_0030;
const SEX: u32 = 0x0010_0040;
const STUDY: u32 = 0x0020_000D;
const COMPLETION: u32 = 0x0040_A491;
const TITLE: u32 = 0x0042_0010;
const DOCUMENT: u32 = 0x0042_0011;
const MEDIA_TYPE: u32 = 0x0042_0012;
const DOCUMENT_LENGTH: u32 = 0x0042_0015;

/// A report that a PACS has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::reports) struct Said {
    pub(in crate::reports) origin: Origin,
    /// Its text; of a PDF its title.
    pub(in crate::reports) text: Option<String>,
    /// Who reports.
    pub(in crate::reports) radiologist_name: Option<String>,
    /// A PDF, as received.
    pub(in crate::reports) document: Option<Vec<u8>>,
    pub(in crate::reports) details: Details,
    /// When it was written, `YYYYMMDDHHMMSS` as far as it says.
    pub(in crate::reports) said_at: Option<String>,
}

/// Why an object is not taken over. None of them is a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotTaken {
    #[error("it is no DICOM file that can be read: {0}")]
    Unreadable(String),
    #[error("its transfer syntax is not read here")]
    TransferSyntax,
    #[error("it is not what was asked for")]
    OtherObject,
    #[error("it is not complete")]
    Incomplete,
    #[error("it is a key object selection, a CAD result or a dose report")]
    NoReport,
    #[error("it says nothing")]
    Empty,
}

/// Reads a Part-10 file that a PACS gave for this instance of this study.
pub(super) fn read(file: &[u8], study: &Uid, instance: &Uid) -> Result<Said, NotTaken> {
    let unreadable = |error: &dyn std::fmt::Display| NotTaken::Unreadable(error.to_string());
    let meta = relaypacs_dicom::read_file_meta(&mut &*file).map_err(|error| unreadable(&error))?;
    let encoding = Encoding::of(meta.transfer_syntax.as_str()).ok_or(NotTaken::TransferSyntax)?;
    let offset = usize::try_from(meta.data_set_offset).unwrap_or(usize::MAX);
    let bytes = file.get(offset..).ok_or_else(|| NotTaken::Unreadable("it ends before its data set".into()))?;
    let set = DataSet::read(bytes, encoding).map_err(|error| unreadable(&error))?;
    if set.plain(INSTANCE).as_deref() != Some(instance.as_str()) || set.plain(STUDY).as_deref() != Some(study.as_str()) {
        return Err(NotTaken::OtherObject);
    }
    match set.plain(DICOM_CLASS).as_deref() {
        Some(ENCAPSULATED_PDF) => pdf(&set, instance),
        Some(class) if CLASSES.contains(&class) => structured(&set, instance),
        _ => Err(NotTaken::OtherObject),
    }
}

fn structured(set: &DataSet<'_>, instance: &Uid) -> Result<Said, NotTaken> {
    if set.plain(COMPLETION).as_deref() != Some("COMPLETE") {
        return Err(NotTaken::Incomplete);
    }
    let report = Structured::new(set);
    if report.is_no_report() {
        return Err(NotTaken::NoReport);
    }
    let (text, radiologist_name) = report.read();
    if text.is_empty() {
        return Err(NotTaken::Empty);
    }
    let origin = Origin::Structured { instance: instance.clone() };
    Ok(Said { origin, text: Some(text), radiologist_name, document: None, details: details(set), said_at: said_at(set) })
}

fn pdf(set: &DataSet<'_>, instance: &Uid) -> Result<Said, NotTaken> {
    let bytes = set.bytes(DOCUMENT).unwrap_or_default();
    // The value is padded to an even length; (0042,0015) says how long the document is.
    let stated = set.bytes(DOCUMENT_LENGTH).and_then(|length| length.try_into().ok()).map(u32::from_le_bytes);
    let bytes = stated.and_then(|length| bytes.get(..length as usize)).unwrap_or(bytes);
    let is_pdf = set.plain(MEDIA_TYPE).is_none_or(|kind| kind.eq_ignore_ascii_case("application/pdf"));
    if !is_pdf || !bytes.starts_with(b"%PDF-") {
        return Err(NotTaken::Empty);
    }
    let origin = Origin::Document { instance: instance.clone() };
    let title = text(set, TITLE);
    Ok(Said { origin, text: title, radiologist_name: None, document: Some(bytes.to_vec()), details: details(set), said_at: said_at(set) })
}

fn details(set: &DataSet<'_>) -> Details {
    Details {
        patient_id: text(set, PATIENT_ID),
        birth_date: set.plain(BIRTH_DATE),
        sex: set.plain(SEX),
        study_date: set.plain(STUDY_DATE),
        accession_number: text(set, ACCESSION),
        referring_physician: text(set, REFERRING).and_then(|name| person(&name)),
    }
}

fn said_at(set: &DataSet<'_>) -> Option<String> {
    let digits = |tag| set.plain(tag).map(|text| text.chars().take_while(char::is_ascii_digit).take(8).collect::<String>());
    Some(digits(CONTENT_DATE)? + &digits(CONTENT_TIME).unwrap_or_default())
}

fn text(set: &DataSet<'_>, tag: u32) -> Option<String> {
    let text = relaypacs_dicom::decode_text(set.bytes(CHARACTER_SET), set.bytes(tag)?);
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.trim().to_owned();
    (!text.is_empty()).then_some(text)
}
