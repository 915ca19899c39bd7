//! The header scanner against dicom-object: data sets of random content are written by dicom-object in every native encoding, and both
//! must read the same out of them, however the bytes are cut.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dicom_core::{
    DataElement, Tag, VR,
    header::HasLength,
    value::{C, DataSetSequence, PrimitiveValue},
};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use dicom_transfer_syntax_registry::{TransferSyntaxIndex, TransferSyntaxRegistry};
use proptest::prelude::*;
use relaypacs_dicom::HeaderScanner;
use relaypacs_domain::{HeaderFacts, Uid};

const SYNTAXES: [&str; 3] = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"];

/// Text attributes that facts are made of, and what of the facts they are.
type Text = fn(&HeaderFacts) -> Option<&str>;
const TEXTS: [(Tag, VR, Text); 20] = [
    (tags::PATIENT_NAME, VR::PN, |facts| facts.patient_name.as_deref()),
    (tags::PATIENT_ID, VR::LO, |facts| facts.patient_id.as_deref()),
    (tags::PATIENT_BIRTH_DATE, VR::DA, |facts| facts.patient_birth_date.as_deref()),
    (tags::PATIENT_SEX, VR::CS, |facts| facts.patient_sex.as_deref()),
    (tags::SOP_CLASS_UID, VR::UI, |facts| facts.sop_class_uid.as_ref().map(Uid::as_str)),
    (tags::SOP_INSTANCE_UID, VR::UI, |facts| facts.sop_instance_uid.as_ref().map(Uid::as_str)),
    (tags::STUDY_INSTANCE_UID, VR::UI, |facts| facts.study_instance_uid.as_ref().map(Uid::as_str)),
    (tags::SERIES_INSTANCE_UID, VR::UI, |facts| facts.series_instance_uid.as_ref().map(Uid::as_str)),
    (tags::ACCESSION_NUMBER, VR::SH, |facts| facts.accession_number.as_deref()),
    (tags::STUDY_DESCRIPTION, VR::LO, |facts| facts.study_description.as_deref()),
    (tags::SERIES_DESCRIPTION, VR::LO, |facts| facts.series_description.as_deref()),
    (tags::STUDY_DATE, VR::DA, |facts| facts.study_date.as_deref()),
    (tags::STUDY_TIME, VR::TM, |facts| facts.study_time.as_deref()),
    (tags::SERIES_DATE, VR::DA, |facts| facts.series_date.as_deref()),
    (tags::MODALITY, VR::CS, |facts| facts.modality.as_deref()),
    (tags::STATION_NAME, VR::SH, |facts| facts.station_name.as_deref()),
    (tags::INSTITUTION_NAME, VR::LO, |facts| facts.institution_name.as_deref()),
    (tags::REFERRING_PHYSICIAN_NAME, VR::PN, |facts| facts.referring_physician.as_deref()),
    (tags::BODY_PART_EXAMINED, VR::CS, |facts| facts.body_part.as_deref()),
    (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, |facts| facts.photometric_interpretation.as_deref()),
];

/// Elements that stand between the wanted ones, some with wanted tags inside.
fn bystanders() -> impl Strategy<Value = InMemDicomObject> {
    let simple = prop_oneof![
        Just(DataElement::new(Tag(0x0008, 0x0008), VR::CS, "ORIGINAL\\PRIMARY")),
        (0_u16..64).prop_map(|n| DataElement::new(Tag(0x0009, 0x1001), VR::OB, PrimitiveValue::from(vec![0xFE_u8; usize::from(n) * 2]))),
        (0_u16..64).prop_map(|n| DataElement::new(Tag(0x0011, 0x1001), VR::UN, PrimitiveValue::from(vec![0xFE_u8; usize::from(n) * 2]))),
        any::<u32>().prop_map(|n| DataElement::new(Tag(0x0018, 0x1001), VR::UL, PrimitiveValue::from(n))),
        any::<f64>().prop_map(|n| DataElement::new(Tag(0x0018, 0x9073), VR::FD, PrimitiveValue::from(n))),
        "[A-Z]{0,10}".prop_map(|name| DataElement::new(tags::PATIENT_NAME, VR::PN, name)),
        Just(DataElement::new(tags::STUDY_INSTANCE_UID, VR::UI, "9.9.9")),
    ];
    let flat = proptest::collection::vec(simple, 0..5).prop_map(InMemDicomObject::from_element_iter);
    flat.prop_recursive(4, 24, 3, |inner| {
        let tag = prop_oneof![Just(Tag(0x0008, 0x1115)), Just(Tag(0x0008, 0x1140)), Just(Tag(0x0018, 0x0026)), Just(Tag(0x0040, 0x0275))];
        (tag, proptest::collection::vec(inner.clone(), 0..3), inner).prop_map(|(tag, items, mut object)| {
            object.put(DataElement::new(tag, VR::SQ, DataSetSequence::from(C::from(items))));
            object
        })
    })
}

/// A data set: bystanders without wanted elements at top level, then a choice of wanted ones.
fn data_sets() -> impl Strategy<Value = InMemDicomObject> {
    let text = |vr: VR| match vr {
        VR::UI => "[1-9]{1,4}(\\.[1-9][0-9]{0,4}){1,6}",
        VR::DA => "[0-9]{8}",
        VR::TM => "[0-9]{6}",
        VR::PN => "[A-Z][a-zÄéñ]{0,12}(\\^[A-Z][a-zß]{0,8}){0,2}",
        VR::CS => "[A-Z0-9]{1,16}",
        _ => "[A-Z]([a-zäöü ]{0,30}[a-z])?",
    };
    let texts: Vec<_> = TEXTS.iter().map(|(_, vr, _)| proptest::option::weighted(0.8, text(*vr))).collect();
    let numbers = (any::<u16>(), any::<i32>(), 1_u32..100_000);
    (bystanders(), texts, proptest::option::of(numbers)).prop_map(|(mut object, texts, numbers)| {
        object.put_str(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
        for ((tag, vr, _), text) in TEXTS.iter().zip(texts) {
            object.remove_element(*tag);
            if let Some(text) = text {
                object.put_str(*tag, *vr, text);
            }
        }
        if let Some((rows, number, frames)) = numbers {
            object.put(DataElement::new(tags::ROWS, VR::US, PrimitiveValue::from(rows)));
            object.put(DataElement::new(tags::COLUMNS, VR::US, PrimitiveValue::from(!rows)));
            object.put_str(tags::INSTANCE_NUMBER, VR::IS, number.to_string());
            object.put_str(tags::NUMBER_OF_FRAMES, VR::IS, frames.to_string());
        }
        object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(C::from_elem(0xABCD, 100))));
        object
    })
}

fn scan<'a>(syntax: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> (HeaderFacts, bool) {
    let mut scanner = HeaderScanner::new(&syntax.parse().unwrap());
    for piece in pieces {
        scanner.feed(piece);
    }
    scanner.finish()
}

/// Cuts `bytes` at these places (taken modulo the length).
fn cut<'a>(mut bytes: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for place in places {
        let (piece, rest) = bytes.split_at(place % (bytes.len() + 1));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reads_what_dicom_object_reads(
        object in data_sets(),
        syntax in proptest::sample::select(&SYNTAXES[..]),
        places in proptest::collection::vec(0_usize..200, 0..20),
    ) {
        let syntax_entry = TransferSyntaxRegistry.get(syntax).unwrap();
        let mut bytes = Vec::new();
        object.write_dataset_with_ts(&mut bytes, syntax_entry).unwrap();
        let read = InMemDicomObject::read_dataset_with_ts(&bytes[..], syntax_entry).unwrap();
        let (facts, parsed) = scan(syntax, cut(&bytes, &places));

        for (tag, _, fact) in TEXTS {
            let expected = read.element_opt(tag).unwrap().map(|element| element.to_str().unwrap().trim_end_matches([' ', '\0']).to_owned());
            let expected = expected.filter(|text| !text.is_empty());
            prop_assert_eq!(fact(&facts), expected.as_deref(), "{}", tag);
        }
        let number = |tag| read.element_opt(tag).unwrap().map(|element| element.to_int::<i64>().unwrap());
        prop_assert_eq!(facts.rows.map(i64::from), number(tags::ROWS));
        prop_assert_eq!(facts.columns.map(i64::from), number(tags::COLUMNS));
        prop_assert_eq!(facts.instance_number.map(i64::from), number(tags::INSTANCE_NUMBER));
        prop_assert_eq!(facts.frames.map(i64::from), number(tags::NUMBER_OF_FRAMES));
        prop_assert_eq!(parsed, read.element_opt(tags::STUDY_INSTANCE_UID).unwrap().is_some_and(|element| !element.is_empty()));
    }

    #[test]
    fn damaged_data_sets_are_read_alike_however_they_are_cut(
        object in data_sets(),
        written in proptest::sample::select(&SYNTAXES[..]),
        named in proptest::sample::select(&["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"][..]),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        places in proptest::collection::vec(0_usize..200, 0..20),
    ) {
        let mut bytes = Vec::new();
        object.write_dataset_with_ts(&mut bytes, TransferSyntaxRegistry.get(written).unwrap()).unwrap();
        for (place, byte) in damage {
            *place.get_mut(&mut bytes) = byte;
        }
        prop_assert_eq!(scan(named, cut(&bytes, &places)), scan(named, [&bytes[..]]));
    }
}
