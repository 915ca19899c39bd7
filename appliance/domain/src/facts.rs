//! What a data set's header says about itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Uid;

/// The facts read from the header of one instance while it streams past. Every field is what the header says, decoded to Unicode, trimmed
/// and bounded; `None` where it is absent, empty or unreadable. `Debug` leaves patient data out, so that it may stand in a log line.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HeaderFacts {
    /// (0010,0010), component groups joined with `=`, components with `^`.
    pub patient_name: Option<String>,
    /// (0010,0020).
    pub patient_id: Option<String>,
    /// (0010,0030), `YYYYMMDD` as sent.
    pub patient_birth_date: Option<String>,
    /// (0010,0040).
    pub patient_sex: Option<String>,
    /// (0008,0016) of the data set.
    pub sop_class_uid: Option<Uid>,
    /// (0008,0018) of the data set.
    pub sop_instance_uid: Option<Uid>,
    /// (0020,000D).
    pub study_instance_uid: Option<Uid>,
    /// (0020,000E).
    pub series_instance_uid: Option<Uid>,
    /// (0008,0050).
    pub accession_number: Option<String>,
    /// (0008,1030).
    pub study_description: Option<String>,
    /// (0008,103E).
    pub series_description: Option<String>,
    /// (0008,0020), `YYYYMMDD` as sent.
    pub study_date: Option<String>,
    /// (0008,0030) as sent.
    pub study_time: Option<String>,
    /// (0008,0021), `YYYYMMDD` as sent.
    pub series_date: Option<String>,
    /// (0008,0031) as sent.
    pub series_time: Option<String>,
    /// (0008,0060).
    pub modality: Option<String>,
    /// (0008,1010).
    pub station_name: Option<String>,
    /// (0008,0080).
    pub institution_name: Option<String>,
    /// (0008,0090), like `patient_name`.
    pub referring_physician: Option<String>,
    /// (0020,0011).
    pub series_number: Option<i32>,
    /// (0020,0013).
    pub instance_number: Option<i32>,
    /// (0028,0010).
    pub rows: Option<u16>,
    /// (0028,0011).
    pub columns: Option<u16>,
    /// (0028,0008).
    pub frames: Option<u32>,
    /// (0028,0004).
    pub photometric_interpretation: Option<String>,
    /// (0018,0015).
    pub body_part: Option<String>,
    /// (0040,1003), a priority hint.
    pub requested_procedure_priority: Option<String>,
}

impl HeaderFacts {
    /// Longest text field in characters; longer values are cut.
    pub const MAX_TEXT: usize = 256;
}

impl fmt::Debug for HeaderFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderFacts")
            .field("sop_class_uid", &self.sop_class_uid)
            .field("sop_instance_uid", &self.sop_instance_uid)
            .field("study_instance_uid", &self.study_instance_uid)
            .field("series_instance_uid", &self.series_instance_uid)
            .field("modality", &self.modality)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_leaves_patient_data_out() {
        let facts = HeaderFacts {
            patient_name: Some("DOE^JOHN".into()),
            patient_id: Some("P1".into()),
            modality: Some("CT".into()),
            ..HeaderFacts::default()
        };
        let shown = format!("{facts:?}");
        assert!(shown.contains("CT") && !shown.contains("DOE") && !shown.contains("P1"), "{shown}");
    }
}
