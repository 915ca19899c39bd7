//! The few attributes that DICOMweb answers are read for, whether they come as DICOM JSON or as XML. Everything else is skipped unread.

use relaypacs_domain::Uid;

/// One data set of an answer: what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Item {
    /// SOPClassUID (0008,0016), in QIDO-RS answers.
    pub(crate) sop_class: Option<Uid>,
    /// SeriesInstanceUID (0020,000E), in QIDO-RS answers.
    pub(crate) series: Option<Uid>,
    /// SOPInstanceUID (0008,0018), in QIDO-RS answers.
    pub(crate) sop_instance: Option<Uid>,
    /// ReferencedSOPInstanceUID (0008,1155), in STOW-RS answers.
    pub(crate) referenced: Option<Uid>,
    /// RetrieveURL (0008,1190), at most [`Item::URL_MAX`] bytes.
    pub(crate) retrieve_url: Option<String>,
    /// WarningReason (0008,1196).
    pub(crate) warning: Option<u16>,
    /// FailureReason (0008,1197).
    pub(crate) reason: Option<u16>,
    /// FailedSOPSequence (0008,1198); `None`: the answer has none.
    pub(crate) failed: Option<Vec<Item>>,
    /// ReferencedSOPSequence (0008,1199), what is stored; `None`: the answer has none.
    pub(crate) stored: Option<Vec<Item>>,
    /// OtherFailuresSequence (0008,119A).
    pub(crate) other_failures: Option<Vec<Item>>,
    /// Any of these attributes was there, even without a value.
    pub(crate) is_dicom: bool,
}

/// The attributes that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    SopClass,
    Series,
    SopInstance,
    Referenced,
    RetrieveUrl,
    Warning,
    Reason,
    Failed,
    Stored,
    OtherFailures,
}

impl Item {
    /// Most items of one sequence that are kept; an answer names at most what one request sent.
    pub(crate) const MOST: usize = 20_000;
    pub(crate) const URL_MAX: usize = 1024;

    /// Takes over the first value of an attribute; a value that makes no sense is left out.
    pub(crate) fn set(&mut self, attribute: Attribute, value: &str) {
        let uid = || Uid::from_value(value.as_bytes()).ok();
        match attribute {
            Attribute::SopClass => self.sop_class = self.sop_class.take().or_else(uid),
            Attribute::Series => self.series = self.series.take().or_else(uid),
            Attribute::SopInstance => self.sop_instance = self.sop_instance.take().or_else(uid),
            Attribute::Referenced => self.referenced = self.referenced.take().or_else(uid),
            Attribute::RetrieveUrl if value.len() <= Self::URL_MAX => {
                self.retrieve_url.get_or_insert_with(|| value.trim().to_string());
            }
            Attribute::Warning => self.warning = self.warning.or_else(|| code(value)),
            Attribute::Reason => self.reason = self.reason.or_else(|| code(value)),
            Attribute::RetrieveUrl | Attribute::Failed | Attribute::Stored | Attribute::OtherFailures => {}
        }
    }

    /// The sequence an attribute stands for; created when it is first met.
    pub(crate) fn sequence(&mut self, attribute: Attribute) -> Option<&mut Vec<Self>> {
        match attribute {
            Attribute::Failed => Some(self.failed.get_or_insert_default()),
            Attribute::Stored => Some(self.stored.get_or_insert_default()),
            Attribute::OtherFailures => Some(self.other_failures.get_or_insert_default()),
            Attribute::SopClass
            | Attribute::Series
            | Attribute::SopInstance
            | Attribute::Referenced
            | Attribute::RetrieveUrl
            | Attribute::Warning
            | Attribute::Reason => None,
        }
    }

    /// Adds what another data set of the same answer says.
    pub(crate) fn merge(&mut self, other: Self) {
        self.retrieve_url = self.retrieve_url.take().or(other.retrieve_url);
        self.is_dicom |= other.is_dicom;
        for (attribute, items) in
            [(Attribute::Failed, other.failed), (Attribute::Stored, other.stored), (Attribute::OtherFailures, other.other_failures)]
        {
            let Some(items) = items else { continue };
            if let Some(mine) = self.sequence(attribute) {
                let room = Self::MOST.saturating_sub(mine.len());
                mine.extend(items.into_iter().take(room));
            }
        }
    }
}

/// A US value; some servers write it as text.
fn code(value: &str) -> Option<u16> {
    value.trim().parse().ok()
}

impl Attribute {
    /// The attribute of a tag written as 8 hex digits in any case.
    pub(crate) fn of(tag: &str) -> Option<Self> {
        Some(match u32::from_str_radix(tag, 16).ok().filter(|_| tag.len() == 8)? {
            0x0008_0016 => Self::SopClass,
            0x0008_0018 => Self::SopInstance,
            0x0008_1155 => Self::Referenced,
            0x0008_1190 => Self::RetrieveUrl,
            0x0008_1196 => Self::Warning,
            0x0008_1197 => Self::Reason,
            0x0008_1198 => Self::Failed,
            0x0008_1199 => Self::Stored,
            0x0008_119A => Self::OtherFailures,
            0x0020_000E => Self::Series,
            _ => return None,
        })
    }

    pub(crate) const fn is_sequence(self) -> bool {
        matches!(self, Self::Failed | Self::Stored | Self::OtherFailures)
    }
}
