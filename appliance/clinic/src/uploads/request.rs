//! What an upload is said to be, checked: every refusal names field, value and rule.

use std::collections::HashSet;

use relaypacs_domain::{ServiceLevel, Uid};
use serde::{Deserialize, Serialize};

use super::{CHUNK_DEFAULT, CHUNK_MAX, CHUNK_MIN, UploadError, UploadOptions, duplicates};

/// What a sender says about the study (api.md `study_metadata`).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patient {
    /// The patient's name as typed.
    pub name: String,
    /// `YYYYMMDD`, once checked.
    pub study_date: String,
    /// A DICOM modality, once checked.
    pub modality: String,
    /// How urgent.
    pub service_level: ServiceLevel,
    /// As typed.
    pub age: Option<String>,
    /// As typed.
    pub gender: Option<String>,
    /// As typed.
    pub study_description: Option<String>,
    /// Where the sender knows it.
    pub study_instance_uid: Option<String>,
}

impl std::fmt::Debug for Patient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Patient").field("modality", &self.modality).field("service_level", &self.service_level).finish_non_exhaustive()
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// About the study.
    pub patient: Patient,
    /// How many files come.
    pub total_files: u64,
    /// How many bytes they have together.
    pub total_bytes: u64,
    /// What the radiologist should know.
    pub clinical_history: Option<String>,
    /// The files, where the sender names them beforehand.
    pub files: Option<Vec<FileDeclaration>>,
    /// Bytes of a chunk.
    pub chunk_size: Option<u64>,
    /// Whether to upload a study that was uploaded before.
    pub force: bool,
}

/// A file as announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDeclaration {
    /// The upload's own name of it.
    pub id: String,
    /// Its name at the sender's (a path, perhaps): shown, never used as a path.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Of all its bytes, where the sender knows it.
    pub sha256: Option<[u8; 32]>,
}

/// The same, checked.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    pub(super) patient: Patient,
    pub(super) study_key: [u8; 32],
    pub(super) total_files: u32,
    pub(super) total_bytes: u64,
    pub(super) clinical_history: Option<String>,
    pub(super) files: Option<Vec<FileDeclaration>>,
    pub(super) chunk_size: u32,
    pub(super) force: bool,
    pub(super) warning: Option<String>,
}

/// Longest clinical history in characters.
const MAX_HISTORY: usize = 2000;
/// Longest name of a patient in characters (three component groups of 64, PS3.5 §6.2).
const MAX_NAME: usize = 194;
/// Longest other text in characters.
const MAX_TEXT: usize = 256;
/// Longest file name that is kept, in characters.
const MAX_FILE_NAME: usize = 1024;
/// Longest name of a file within an upload.
const MAX_FILE_ID: usize = 64;

/// Modalities of PS3.3 C.7.3.1.1.1, the retired ones included.
const MODALITIES: &str = "ANN AR ASMT AU BDUS BI BMD CFM CR CT CTPROTOCOL DMS DG DOC DX ECG EEG EMG EOG EPS ES FID GM HC HD IO IOL \
    IVOCT IVUS KER KO LEN LS MG MR M3D NM OAM OCT OP OPM OPT OPTBSV OPTENF OPV OSS OT PA PLAN POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE \
    RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SEG SM SMR SR SRF STAIN TEXTUREMAP TG US VA XA XAPROTOCOL XC \
    AS CD CF CP CS DD DF DM DS EC FA FS LP MA MS OPR ST VF";

impl NewUpload {
    /// Checks everything.
    pub(super) fn checked(self, options: &UploadOptions) -> Result<Checked, UploadError> {
        let patient = self.patient.checked()?;
        if self.total_files == 0 || self.total_files > u64::from(options.max_files) {
            let rule = format!("an upload has 1 to {} files, not {}", options.max_files, self.total_files);
            return Err(UploadError::invalid("/total_files", rule));
        }
        if self.total_bytes == 0 || self.total_bytes > options.max_bytes {
            let rule = format!("an upload has 1 to {} bytes, not {}", options.max_bytes, self.total_bytes);
            return Err(UploadError::invalid("/total_size_bytes", rule));
        }
        let chunk_size = self.chunk_size.unwrap_or(u64::from(CHUNK_DEFAULT));
        if !(u64::from(CHUNK_MIN)..=u64::from(CHUNK_MAX)).contains(&chunk_size) {
            let rule = format!("a chunk has {CHUNK_MIN} to {CHUNK_MAX} bytes, not {chunk_size}");
            return Err(UploadError::invalid("/chunk_size", rule));
        }
        if let Some(files) = &self.files {
            check_files(files, self.total_files, self.total_bytes)?;
        }
        let clinical_history = text("/clinical_history", self.clinical_history.as_deref(), MAX_HISTORY)?;
        Ok(Checked {
            study_key: duplicates::study_key(&patient.name, &patient.study_date, &patient.modality),
            patient,
            total_files: self.total_files as u32,
            total_bytes: self.total_bytes,
            clinical_history,
            files: self.files,
            chunk_size: chunk_size as u32,
            force: self.force,
            warning: None,
        })
    }
}

impl Patient {
    fn checked(self) -> Result<Self, UploadError> {
        let at = |field: &str| format!("/study_metadata/{field}");
        let name = text(&at("patient_name"), Some(&self.name), MAX_NAME)?;
        let name = name.ok_or_else(|| UploadError::invalid(at("patient_name"), "the patient's name is missing"))?;
        let study_date = date(&self.study_date).ok_or_else(|| {
            UploadError::invalid(
                at("study_date"),
                format!("a study date is a day as YYYY-MM-DD or YYYYMMDD, not {}", shown(&self.study_date)),
            )
        })?;
        let modality = modality(&self.modality).ok_or_else(|| {
            UploadError::invalid(at("modality"), format!("{} is no DICOM modality (such as CT, MR, DX, US)", shown(&self.modality)))
        })?;
        let study_instance_uid = match self.study_instance_uid.as_deref().filter(|uid| !uid.is_empty()) {
            Some(uid) => {
                let uid = uid.parse::<Uid>().map_err(|error| UploadError::invalid(at("study_instance_uid"), error.to_string()))?;
                Some(uid.as_str().to_owned())
            }
            None => None,
        };
        Ok(Self {
            name,
            study_date,
            modality,
            service_level: self.service_level,
            age: text(&at("age"), self.age.as_deref(), 16)?,
            gender: text(&at("gender"), self.gender.as_deref(), 16)?,
            study_description: text(&at("study_description"), self.study_description.as_deref(), MAX_TEXT)?,
            study_instance_uid,
        })
    }
}

fn check_files(files: &[FileDeclaration], total_files: u64, total_bytes: u64) -> Result<(), UploadError> {
    if files.len() as u64 != total_files {
        return Err(UploadError::invalid("/files", format!("total_files is {total_files}, but {} files are named", files.len())));
    }
    let mut ids = HashSet::new();
    let mut sum = 0_u64;
    for (number, file) in files.iter().enumerate() {
        check_file_id(&file.id).map_err(|detail| UploadError::invalid(format!("/files/{number}/file_id"), detail))?;
        if !ids.insert(file.id.as_str()) {
            return Err(UploadError::invalid(format!("/files/{number}/file_id"), format!("{:?} names two files", file.id)));
        }
        if file.name.chars().count() > MAX_FILE_NAME {
            return Err(UploadError::invalid(
                format!("/files/{number}/name"),
                format!("a file name has {MAX_FILE_NAME} characters at most"),
            ));
        }
        sum = sum.saturating_add(file.bytes);
    }
    if sum != total_bytes {
        return Err(UploadError::invalid(
            "/total_size_bytes",
            format!("total_size_bytes is {total_bytes}, but the files have {sum} bytes"),
        ));
    }
    Ok(())
}

/// Whether this can name a file within an upload: `[A-Za-z0-9._-]{1,64}`.
pub(super) fn check_file_id(id: &str) -> Result<(), String> {
    let fits = (1..=MAX_FILE_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if fits { Ok(()) } else { Err(format!("a file_id has 1 to {MAX_FILE_ID} characters of A-Z a-z 0-9 . _ -, unlike {}", shown(id))) }
}

/// A text without control characters but line breaks and tabs, trimmed; `None`: nothing is left.
fn text(pointer: &str, text: Option<&str>, most: usize) -> Result<Option<String>, UploadError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let name = pointer.rsplit('/').next().unwrap_or_default();
    let count = text.chars().count();
    if count > most {
        return Err(UploadError::invalid(pointer, format!("{name} has at most {most} characters, not {count}")));
    }
    if text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
        return Err(UploadError::invalid(pointer, format!("{name} has no control characters")));
    }
    Ok(Some(text.to_owned()))
}

/// A day as `YYYYMMDD`.
fn date(text: &str) -> Option<String> {
    let digits: String = match text.trim().as_bytes() {
        [year @ .., b'-', m1, m2, b'-', d1, d2] if year.len() == 4 => {
            year.iter().chain([m1, m2, d1, d2]).map(|byte| char::from(*byte)).collect()
        }
        all if all.len() == 8 => all.iter().map(|byte| char::from(*byte)).collect(),
        _ => return None,
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i16>().ok();
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    (year >= 1900).then_some(digits)
}

/// A modality as DICOM names it; the original product's names are taken too.
fn modality(text: &str) -> Option<String> {
    let upper = text.trim().to_ascii_uppercase();
    let named = match upper.as_str() {
        "XR" => "DX",
        "XC" => "RF",
        "MRI" => "MR",
        "PET" => "PT",
        other => other,
    };
    MODALITIES.split_ascii_whitespace().find(|known| *known == named).map(str::to_owned)
}

/// A value as it may stand in an answer.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    format!("{short:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn request() -> NewUpload {
        NewUpload {
            patient: Patient {
                name: "DOE^JANE".into(),
                study_date: "2026-01-15".into(),
                modality: "CT".into(),
                service_level: ServiceLevel::Routine,
                age: None,
                gender: None,
                study_description: None,
                study_instance_uid: None,
            },
            total_files: 2,
            total_bytes: 30,
            clinical_history: None,
            files: Some(vec![
                FileDeclaration { id: "a".into(), name: "a.dcm".into(), bytes: 10, sha256: None },
                FileDeclaration { id: "b".into(), name: "b.dcm".into(), bytes: 20, sha256: None },
            ]),
            chunk_size: None,
            force: false,
        }
    }

    fn refused(change: impl Fn(&mut NewUpload)) -> String {
        let mut request = request();
        change(&mut request);
        match request.checked(&UploadOptions::default()) {
            Err(UploadError::Invalid { pointer, .. }) => pointer,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_wrong_field_is_named() {
        assert!(request().checked(&UploadOptions::default()).is_ok());
        assert_eq!(refused(|r| r.patient.name = "  ".into()), "/study_metadata/patient_name");
        assert_eq!(refused(|r| r.patient.name = "X".repeat(195)), "/study_metadata/patient_name");
        assert_eq!(refused(|r| r.patient.name = "A\u{0}B".into()), "/study_metadata/patient_name");
        assert_eq!(refused(|r| r.patient.study_date = "2026-02-30".into()), "/study_metadata/study_date");
        assert_eq!(refused(|r| r.patient.modality = "NOPE".into()), "/study_metadata/modality");
        assert_eq!(refused(|r| r.patient.study_instance_uid = Some("1..2".into())), "/study_metadata/study_instance_uid");
        assert_eq!(refused(|r| r.total_files = 0), "/total_files");
        assert_eq!(refused(|r| r.total_files = 10_001), "/total_files");
        assert_eq!(refused(|r| r.total_bytes = 0), "/total_size_bytes");
        assert_eq!(refused(|r| r.total_bytes = (2 << 30) + 1), "/total_size_bytes");
        assert_eq!(refused(|r| r.total_bytes = 31), "/total_size_bytes");
        assert_eq!(refused(|r| r.total_files = 3), "/files");
        assert_eq!(refused(|r| r.chunk_size = Some(1)), "/chunk_size");
        assert_eq!(refused(|r| r.chunk_size = Some(10 * (1 << 20) + 1)), "/chunk_size");
        assert_eq!(refused(|r| r.clinical_history = Some("x".repeat(2001))), "/clinical_history");
        let id = |id: &str| refused(|r| r.files.as_mut().unwrap()[1].id = id.into());
        for bad in ["", "../../x", "a/b", "a", &"x".repeat(65), "ä"] {
            assert_eq!(id(bad), "/files/1/file_id", "{bad}");
        }
    }

    #[test]
    fn the_original_s_modalities_are_normalised() {
        for (typed, named) in [("XR", "DX"), ("XC", "RF"), ("mri", "MR"), ("PET", "PT"), (" ct ", "CT"), ("SM", "SM")] {
            assert_eq!(modality(typed).as_deref(), Some(named));
        }
    }

    #[test]
    fn days_are_taken_in_both_forms() {
        for (typed, day) in [
            ("2026-01-15", Some("20260115")),
            ("20260115", Some("20260115")),
            ("15.01.2026", None),
            ("2026-13-01", None),
            ("1815-01-01", None),
        ] {
            assert_eq!(date(typed).as_deref(), day, "{typed}");
        }
    }
}
