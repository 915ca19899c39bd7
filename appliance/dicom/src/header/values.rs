//! The wanted elements: their raw bytes while the data set streams past, and the facts made of them at its end.

use std::ops::Range;

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use relaypacs_domain::{HeaderFacts, Uid};

use super::{charset::CharacterSets, form::Order, text};

/// Most bytes kept of a value: [`HeaderFacts::MAX_TEXT`] characters in any encoding, escape sequences included.
pub(super) const MAX_VALUE: usize = 4096;

/// Most bytes kept of all values together.
#[cfg(test)]
pub(super) const MAX_KEPT: usize = MAX_VALUE * Slot::COUNT;

/// (0040,1003), wanted at top level and in the Request Attributes Sequence.
pub(super) const PRIORITY: u32 = number(tags::REQUESTED_PROCEDURE_PRIORITY);
/// (0040,0275).
pub(super) const REQUEST_ATTRIBUTES: u32 = number(tags::REQUEST_ATTRIBUTES_SEQUENCE);
/// The last wanted tag: behind it nothing is wanted that stands in order.
pub(super) const LAST: u32 = WANTED[WANTED.len() - 1];

/// The wanted tags in ascending order; the place in this list is the [`Slot`].
pub(super) const WANTED: [u32; 28] = [
    number(tags::SPECIFIC_CHARACTER_SET),
    number(tags::SOP_CLASS_UID),
    number(tags::SOP_INSTANCE_UID),
    number(tags::STUDY_DATE),
    number(tags::SERIES_DATE),
    number(tags::STUDY_TIME),
    number(tags::SERIES_TIME),
    number(tags::ACCESSION_NUMBER),
    number(tags::MODALITY),
    number(tags::INSTITUTION_NAME),
    number(tags::REFERRING_PHYSICIAN_NAME),
    number(tags::STATION_NAME),
    number(tags::STUDY_DESCRIPTION),
    number(tags::SERIES_DESCRIPTION),
    number(tags::PATIENT_NAME),
    number(tags::PATIENT_ID),
    number(tags::PATIENT_BIRTH_DATE),
    number(tags::PATIENT_SEX),
    number(tags::BODY_PART_EXAMINED),
    number(tags::STUDY_INSTANCE_UID),
    number(tags::SERIES_INSTANCE_UID),
    number(tags::SERIES_NUMBER),
    number(tags::INSTANCE_NUMBER),
    number(tags::PHOTOMETRIC_INTERPRETATION),
    number(tags::NUMBER_OF_FRAMES),
    number(tags::ROWS),
    number(tags::COLUMNS),
    PRIORITY,
];

const fn number(tag: Tag) -> u32 {
    (tag.0 as u32) << 16 | tag.1 as u32
}

/// Which wanted element: the place in [`WANTED`], or the one after for the priority inside the Request Attributes Sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot(usize);

impl Slot {
    pub(super) const STUDY_INSTANCE_UID: Self = Self::known(tags::STUDY_INSTANCE_UID);
    pub(super) const REQUEST_PRIORITY: Self = Self(WANTED.len());
    const COUNT: usize = WANTED.len() + 1;

    /// The slot of a top-level element, if it is wanted.
    pub(super) fn of(tag: u32) -> Option<Self> {
        WANTED.binary_search(&tag).ok().map(Self)
    }

    /// The slot of a tag that is in the list; used in constants only, where the compiler refuses any other.
    const fn known(tag: Tag) -> Self {
        let mut place = 0;
        while WANTED[place] != number(tag) {
            place += 1;
        }
        Self(place)
    }
}

/// Raw values as they stand in the data set, at most [`MAX_VALUE`] bytes each.
#[derive(Default)]
pub(super) struct Values {
    bytes: Vec<u8>,
    found: [Option<Found>; Slot::COUNT],
    /// The value that is just coming: where it goes, how it is encoded, where it starts.
    coming: Option<(Slot, Order, usize)>,
}

#[derive(Clone)]
struct Found {
    at: Range<usize>,
    order: Order,
}

impl Values {
    /// Whether a value was read in full (up to [`MAX_VALUE`]).
    pub(super) fn has(&self, slot: Slot) -> bool {
        self.found[slot.0].is_some()
    }

    /// A value begins, its numbers in this byte order.
    pub(super) fn begin(&mut self, slot: Slot, order: Order) {
        self.coming = Some((slot, order, self.bytes.len()));
    }

    /// The next bytes of the value that began.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The value is complete. One that never is does not count.
    pub(super) fn end(&mut self) {
        if let Some((slot, order, start)) = self.coming.take() {
            self.found[slot.0] = Some(Found { at: start..self.bytes.len(), order });
        }
    }

    /// How many bytes are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.bytes.len()
    }

    /// Decodes everything that was found.
    pub(super) fn facts(&self) -> HeaderFacts {
        let sets = CharacterSets::from_value(self.raw(tags::SPECIFIC_CHARACTER_SET));
        HeaderFacts {
            patient_name: self.person_name(tags::PATIENT_NAME, sets),
            patient_id: self.text(tags::PATIENT_ID, sets),
            patient_birth_date: self.code(tags::PATIENT_BIRTH_DATE),
            patient_sex: self.code(tags::PATIENT_SEX),
            sop_class_uid: self.uid(tags::SOP_CLASS_UID),
            sop_instance_uid: self.uid(tags::SOP_INSTANCE_UID),
            study_instance_uid: self.uid(tags::STUDY_INSTANCE_UID),
            series_instance_uid: self.uid(tags::SERIES_INSTANCE_UID),
            accession_number: self.text(tags::ACCESSION_NUMBER, sets),
            study_description: self.text(tags::STUDY_DESCRIPTION, sets),
            series_description: self.text(tags::SERIES_DESCRIPTION, sets),
            study_date: self.code(tags::STUDY_DATE),
            study_time: self.code(tags::STUDY_TIME),
            series_date: self.code(tags::SERIES_DATE),
            series_time: self.code(tags::SERIES_TIME),
            modality: self.code(tags::MODALITY),
            station_name: self.text(tags::STATION_NAME, sets),
            institution_name: self.text(tags::INSTITUTION_NAME, sets),
            referring_physician: self.person_name(tags::REFERRING_PHYSICIAN_NAME, sets),
            series_number: self.integer(tags::SERIES_NUMBER),
            instance_number: self.integer(tags::INSTANCE_NUMBER),
            rows: self.short(tags::ROWS),
            columns: self.short(tags::COLUMNS),
            frames: self.integer(tags::NUMBER_OF_FRAMES),
            photometric_interpretation: self.code(tags::PHOTOMETRIC_INTERPRETATION),
            body_part: self.code(tags::BODY_PART_EXAMINED),
            requested_procedure_priority: self
                .code(tags::REQUESTED_PROCEDURE_PRIORITY)
                .or_else(|| text::line(&String::from_utf8_lossy(self.raw_at(Slot::REQUEST_PRIORITY)?))),
        }
    }

    fn raw_at(&self, slot: Slot) -> Option<&[u8]> {
        self.found[slot.0].as_ref().map(|found| &self.bytes[found.at.clone()])
    }

    fn raw(&self, tag: Tag) -> Option<&[u8]> {
        self.raw_at(Slot::of(number(tag))?)
    }

    /// SH, LO: text in the declared character sets.
    fn text(&self, tag: Tag, sets: CharacterSets) -> Option<String> {
        text::line(&sets.decode(self.raw(tag)?))
    }

    /// PN.
    fn person_name(&self, tag: Tag, sets: CharacterSets) -> Option<String> {
        text::person_name(&sets.decode(self.raw(tag)?))
    }

    /// CS, DA, TM: default repertoire only.
    fn code(&self, tag: Tag) -> Option<String> {
        text::line(&CharacterSets::from_value(None).decode(self.raw(tag)?))
    }

    fn uid(&self, tag: Tag) -> Option<Uid> {
        Uid::from_value(self.raw(tag)?).ok()
    }

    /// IS.
    fn integer<T: TryFrom<i64>>(&self, tag: Tag) -> Option<T> {
        text::integer(self.raw(tag)?).and_then(|number| T::try_from(number).ok())
    }

    /// US, also where a sender wrote it as UL.
    fn short(&self, tag: Tag) -> Option<u16> {
        let Found { at, order } = self.found[Slot::of(number(tag))?.0].as_ref()?;
        match self.bytes[at.clone()] {
            [a, b] => Some(order.u16([a, b])),
            [a, b, c, d] => u16::try_from(order.u32([a, b, c, d])).ok(),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Values {
    /// Without the values: they are patient data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Values").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_tags_are_in_order() {
        assert!(WANTED.is_sorted());
        assert_eq!(LAST, PRIORITY);
    }
}
