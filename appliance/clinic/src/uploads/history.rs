//! The clinical history that staff type, as a DICOM object in the study it is about: a Basic Text SR (PS3.3 A.35.1), or an Encapsulated PDF
//! (PS3.3 A.45.1) where the PACS or its viewers show no SR.
//!
//! The same upload and study always give the same UIDs.

use dicom_core::{
    DataElement, PrimitiveValue, Tag, VR,
    value::{DataSetSequence, Value},
};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use relaypacs_domain::{HeaderFacts, Identity, Timestamp, Uid, UploadId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::row::UploadRow;
use crate::reports::{pdf::Printed, print};

/// In what form the clinical history travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HistoryForm {
    /// Basic Text SR.
    #[default]
    Sr,
    /// Encapsulated PDF, on the site's paper.
    Pdf,
}

/// What it is made of.
pub(super) struct Made<'a> {
    pub(super) upload: UploadId,
    pub(super) study: &'a Uid,
    /// Of one of the study's instances.
    pub(super) facts: &'a HeaderFacts,
    pub(super) row: &'a UploadRow,
    pub(super) institution: &'a str,
    pub(super) text: &'a str,
    pub(super) form: Form,
}

/// In what form it is made.
pub(super) enum Form {
    Sr,
    /// With the drawn document.
    Pdf(Vec<u8>),
}

/// An object for the buffer.
pub(super) struct Object {
    pub(super) identity: Identity,
    pub(super) facts: HeaderFacts,
    /// The data set, in explicit VR little endian.
    pub(super) bytes: Vec<u8>,
}

const BASIC_TEXT_SR: &str = "1.2.840.10008.5.1.4.1.1.88.11";
const ENCAPSULATED_PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";
const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
const DESCRIPTION: &str = "Clinical history";

impl Made<'_> {
    /// The object.
    pub(super) fn object(&self) -> Result<Object, &'static str> {
        let (class, modality) = match self.form {
            Form::Sr => (BASIC_TEXT_SR, "SR"),
            Form::Pdf(_) => (ENCAPSULATED_PDF, "DOC"),
        };
        let uid = |text: String| text.parse::<Uid>().map_err(|_| "a UID cannot be made");
        let identity = Identity {
            sop_class: uid(class.into())?,
            sop_instance: uid(self.derived("instance"))?,
            transfer_syntax: uid(EXPLICIT_LITTLE.into())?,
            study: Some(self.study.clone()),
            series: Some(uid(self.derived("series"))?),
        };
        let mut data_set = self.common(&identity, modality);
        match &self.form {
            Form::Sr => self.add_document(&mut data_set),
            Form::Pdf(pdf) => self.add_pdf(&mut data_set, pdf),
        }
        let mut bytes = Vec::new();
        let syntax = dicom_transfer_syntax_registry::entries::EXPLICIT_VR_LITTLE_ENDIAN.erased();
        data_set.write_dataset_with_ts(&mut bytes, &syntax).map_err(|_| "the object cannot be encoded")?;
        let facts = HeaderFacts {
            sop_class_uid: Some(identity.sop_class.clone()),
            sop_instance_uid: Some(identity.sop_instance.clone()),
            series_instance_uid: identity.series.clone(),
            series_description: Some(DESCRIPTION.into()),
            modality: Some(modality.into()),
            series_number: Some(SERIES),
            instance_number: Some(1),
            rows: None,
            columns: None,
            frames: None,
            photometric_interpretation: None,
            body_part: None,
            ..self.facts.clone()
        };
        Ok(Object { identity, facts, bytes })
    }

    /// A UID under 2.25 (PS3.5 B.2) that is always the same for the same upload and study.
    fn derived(&self, of: &str) -> String {
        let digest = Sha256::digest(format!("{} {} {of}", self.upload, self.study));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        format!("2.25.{}", uuid::Builder::from_custom_bytes(bytes).into_uuid().as_u128())
    }

    /// Patient, study, series, equipment and SOP common modules.
    fn common(&self, identity: &Identity, modality: &str) -> InMemDicomObject {
        let mut set = InMemDicomObject::new_empty();
        let facts = self.facts;
        let optional = |value: &Option<String>| value.clone().unwrap_or_default();
        let (date, time) = day_and_time(self.row.created_at);
        put(&mut set, tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
        put(&mut set, tags::SOP_CLASS_UID, VR::UI, identity.sop_class.as_str());
        put(&mut set, tags::SOP_INSTANCE_UID, VR::UI, identity.sop_instance.as_str());
        put(&mut set, tags::INSTANCE_CREATION_DATE, VR::DA, &date);
        put(&mut set, tags::INSTANCE_CREATION_TIME, VR::TM, &time);
        put(&mut set, tags::STUDY_DATE, VR::DA, &optional(&facts.study_date));
        put(&mut set, tags::STUDY_TIME, VR::TM, &optional(&facts.study_time));
        put(&mut set, tags::SERIES_DATE, VR::DA, &date);
        put(&mut set, tags::SERIES_TIME, VR::TM, &time);
        put(&mut set, tags::CONTENT_DATE, VR::DA, &date);
        put(&mut set, tags::CONTENT_TIME, VR::TM, &time);
        put(&mut set, tags::ACCESSION_NUMBER, VR::SH, &optional(&facts.accession_number));
        put(&mut set, tags::MODALITY, VR::CS, modality);
        put(&mut set, tags::MANUFACTURER, VR::LO, "RelayPACS");
        if !self.institution.is_empty() {
            put(&mut set, tags::INSTITUTION_NAME, VR::LO, &cut(self.institution, 64));
        }
        put(&mut set, tags::REFERRING_PHYSICIAN_NAME, VR::PN, &optional(&facts.referring_physician));
        if let Some(description) = &facts.study_description {
            put(&mut set, tags::STUDY_DESCRIPTION, VR::LO, &cut(description, 64));
        }
        put(&mut set, tags::SERIES_DESCRIPTION, VR::LO, DESCRIPTION);
        put(&mut set, tags::MANUFACTURER_MODEL_NAME, VR::LO, "RelayPACS Edge");
        put(&mut set, tags::PATIENT_NAME, VR::PN, &optional(&facts.patient_name));
        put(&mut set, tags::PATIENT_ID, VR::LO, &optional(&facts.patient_id));
        put(&mut set, tags::PATIENT_BIRTH_DATE, VR::DA, &optional(&facts.patient_birth_date));
        put(&mut set, tags::PATIENT_SEX, VR::CS, &optional(&facts.patient_sex));
        put(&mut set, tags::DEVICE_SERIAL_NUMBER, VR::LO, "1");
        put(&mut set, tags::SOFTWARE_VERSIONS, VR::LO, env!("CARGO_PKG_VERSION"));
        put(&mut set, tags::STUDY_INSTANCE_UID, VR::UI, self.study.as_str());
        put(&mut set, tags::SERIES_INSTANCE_UID, VR::UI, identity.series.as_ref().map_or("", Uid::as_str));
        put(&mut set, tags::STUDY_ID, VR::SH, "");
        put(&mut set, tags::SERIES_NUMBER, VR::IS, &SERIES.to_string());
        put(&mut set, tags::INSTANCE_NUMBER, VR::IS, "1");
        set
    }

    /// SR document modules: a container with who wrote it and what.
    fn add_document(&self, set: &mut InMemDicomObject) {
        let (date, time) = day_and_time(self.row.created_at);
        sequence(set, tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, Vec::new());
        sequence(set, tags::PERFORMED_PROCEDURE_CODE_SEQUENCE, Vec::new());
        put(set, tags::COMPLETION_FLAG, VR::CS, "COMPLETE");
        put(set, tags::VERIFICATION_FLAG, VR::CS, "UNVERIFIED");
        put(set, tags::VALUE_TYPE, VR::CS, "CONTAINER");
        sequence(set, tags::CONCEPT_NAME_CODE_SEQUENCE, vec![code("121060", "DCM", "History")]);
        put(set, tags::CONTINUITY_OF_CONTENT, VR::CS, "SEPARATE");
        let mut observer = item("HAS OBS CONTEXT", "PNAME", code("121008", "DCM", "Person Observer Name"));
        put(&mut observer, tags::PERSON_NAME, VR::PN, &cut(&self.row.username, 64));
        let mut written = item("CONTAINS", "TEXT", code("121060", "DCM", "History"));
        put(&mut written, tags::TEXT_VALUE, VR::UT, self.text);
        put(&mut written, tags::OBSERVATION_DATE_TIME, VR::DT, &format!("{date}{time}"));
        sequence(set, tags::CONTENT_SEQUENCE, vec![observer, written]);
    }

    /// SC equipment and encapsulated document modules.
    fn add_pdf(&self, set: &mut InMemDicomObject, pdf: &[u8]) {
        let mut padded = pdf.to_vec();
        if !padded.len().is_multiple_of(2) {
            padded.push(0);
        }
        put(set, tags::CONVERSION_TYPE, VR::CS, "SYN");
        put(set, tags::ACQUISITION_DATE_TIME, VR::DT, "");
        put(set, tags::BURNED_IN_ANNOTATION, VR::CS, "YES");
        put(set, tags::DOCUMENT_TITLE, VR::ST, DESCRIPTION);
        sequence(set, tags::CONCEPT_NAME_CODE_SEQUENCE, vec![code("121060", "DCM", "History")]);
        put(set, tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT, VR::LO, "application/pdf");
        set.put(DataElement::new(tags::ENCAPSULATED_DOCUMENT, VR::OB, PrimitiveValue::from(padded)));
        let length = u32::try_from(pdf.len()).unwrap_or(u32::MAX);
        set.put(DataElement::new(tags::ENCAPSULATED_DOCUMENT_LENGTH, VR::UL, PrimitiveValue::from(length)));
    }
}

/// The history as it is printed.
pub(super) fn printed(facts: &HeaderFacts, row: &UploadRow, text: &str) -> Printed {
    let told = |text: &Option<String>| text.clone().unwrap_or_default();
    let day = |text: &Option<String>| text.as_deref().map(print::date).unwrap_or_default();
    let patient = facts.patient_name.as_deref().map(print::patient_name).unwrap_or_default();
    let lines = [
        ("Patient", patient.clone()),
        ("Patient ID", told(&facts.patient_id)),
        ("Date of birth", day(&facts.patient_birth_date)),
        ("Sex", told(&facts.patient_sex)),
        ("Study", told(&facts.study_description)),
        ("Study date", day(&facts.study_date)),
        ("Accession number", told(&facts.accession_number)),
        ("Referred by", facts.referring_physician.as_deref().map(print::patient_name).unwrap_or_default()),
    ];
    let written = print::time(row.created_at, &jiff::tz::TimeZone::UTC);
    Printed {
        title: DESCRIPTION.into(),
        facts: lines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        text: text.to_owned(),
        signature: vec![row.username.clone(), written.clone()],
        about: [patient, told(&facts.patient_id)].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · "),
        footer: format!("{DESCRIPTION} · {written}"),
    }
}

/// Behind the images' own.
const SERIES: i32 = 9900;

fn put(set: &mut InMemDicomObject, tag: Tag, vr: VR, value: &str) {
    set.put(DataElement::new(tag, vr, if value.is_empty() { PrimitiveValue::Empty } else { PrimitiveValue::from(value) }));
}

fn sequence(set: &mut InMemDicomObject, tag: Tag, items: Vec<InMemDicomObject>) {
    set.put(DataElement::new(tag, VR::SQ, Value::from(DataSetSequence::from(items))));
}

fn code(value: &str, scheme: &str, meaning: &str) -> InMemDicomObject {
    let mut item = InMemDicomObject::new_empty();
    put(&mut item, tags::CODE_VALUE, VR::SH, value);
    put(&mut item, tags::CODING_SCHEME_DESIGNATOR, VR::SH, scheme);
    put(&mut item, tags::CODE_MEANING, VR::LO, meaning);
    item
}

fn item(relationship: &str, value_type: &str, concept: InMemDicomObject) -> InMemDicomObject {
    let mut item = InMemDicomObject::new_empty();
    put(&mut item, tags::RELATIONSHIP_TYPE, VR::CS, relationship);
    put(&mut item, tags::VALUE_TYPE, VR::CS, value_type);
    sequence(&mut item, tags::CONCEPT_NAME_CODE_SEQUENCE, vec![concept]);
    item
}

fn cut(text: &str, most: usize) -> String {
    text.chars().map(|character| if character == '\\' { '/' } else { character }).take(most).collect()
}

/// DA and TM of a point of time, in UTC.
fn day_and_time(at: Timestamp) -> (String, String) {
    let text = at.to_string(); // 2026-11-23T02:13:20.123Z
    let digits =
        |range: std::ops::Range<usize>| text.get(range).unwrap_or_default().chars().filter(char::is_ascii_digit).collect::<String>();
    (digits(0..10), digits(11..19))
}
