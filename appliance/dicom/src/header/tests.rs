//! Data sets written byte by byte: every transfer syntax, every oddity, every limit.

use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};
use relaypacs_domain::{HeaderFacts, Uid};

use super::{HeaderScanner, values};

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const IMPLICIT: &str = "1.2.840.10008.1.2";
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const JPEG: &str = "1.2.840.10008.1.2.4.50";
const GE: &str = "1.2.840.113619.5.2";
const PRIVATE: &str = "1.3.46.670589.33.1.4.1";

const UNDEFINED: u32 = u32::MAX;
const STUDY: (u32, &str, &[u8]) = (0x0020_000D, "UI", b"1.2.3\0");

/// Writes element headers and numbers in one encoding.
#[derive(Clone, Copy)]
enum Syntax {
    Explicit,
    Implicit,
    BigEndian,
}
use Syntax::{BigEndian, Explicit, Implicit};

impl Syntax {
    fn u16(self, number: u16) -> [u8; 2] {
        if matches!(self, BigEndian) { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u32(self, number: u32) -> [u8; 4] {
        if matches!(self, BigEndian) { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn header(self, tag: u32, vr: &str, len: u32) -> Vec<u8> {
        let tag = [self.u16((tag >> 16) as u16), self.u16(tag as u16)].concat();
        let long = matches!(vr, "OB" | "OW" | "SQ" | "UN" | "UT");
        match self {
            Implicit => [tag, self.u32(len).into()].concat(),
            _ if vr.is_empty() => [tag, self.u32(len).into()].concat(),
            _ if long => [tag, vr.into(), vec![0, 0], self.u32(len).into()].concat(),
            _ => [tag, vr.into(), self.u16(len as u16).into()].concat(),
        }
    }

    fn element(self, tag: u32, vr: &str, value: &[u8]) -> Vec<u8> {
        [self.header(tag, vr, value.len() as u32), value.into()].concat()
    }

    fn item(self, len: u32) -> Vec<u8> {
        self.header(0xFFFE_E000, "", len)
    }

    fn item_end(self) -> Vec<u8> {
        self.header(0xFFFE_E00D, "", 0)
    }

    fn sequence_end(self) -> Vec<u8> {
        self.header(0xFFFE_E0DD, "", 0)
    }

    /// A data set with every wanted element; the nested names must not be taken.
    fn sample(self) -> Vec<u8> {
        let nested = [self.element(0x0010_0010, "PN", b"Nobody"), self.element(0x0020_000D, "UI", b"9.9.9\0")].concat();
        [
            self.element(0x0008_0005, "CS", b"ISO_IR 100"),
            self.element(0x0008_0008, "CS", b"ORIGINAL\\PRIMARY"),
            self.element(0x0008_0016, "UI", b"1.2.840.10008.5.1.4.1.1.2\0"),
            self.element(0x0008_0018, "UI", b"1.2.3.4.5\0"),
            self.element(0x0008_0020, "DA", b"20260115"),
            self.element(0x0008_0021, "DA", b"20260116"),
            self.element(0x0008_0030, "TM", b"101010"),
            self.element(0x0008_0031, "TM", b"111111.5"),
            self.element(0x0008_0050, "SH", b"A1"),
            self.element(0x0008_0060, "CS", b"CT"),
            self.element(0x0008_0080, "LO", b"H\xF4pital G\xE9n\xE9rique "),
            self.element(0x0008_0090, "PN", b"R\xE9f^M\xE9decin"),
            self.element(0x0008_1010, "SH", b"CT01"),
            self.element(0x0008_1030, "LO", b"Head "),
            self.element(0x0008_103E, "LO", b"Axial "),
            // A sequence of undefined length with an item of either kind, and one of defined length.
            self.header(0x0008_1140, "SQ", UNDEFINED),
            self.item(UNDEFINED),
            nested.clone(),
            self.header(0x0008_1150, "SQ", UNDEFINED),
            self.sequence_end(),
            self.item_end(),
            self.item(nested.len() as u32),
            nested.clone(),
            self.sequence_end(),
            self.element(0x0008_1199, "SQ", &[self.item(nested.len() as u32), nested.clone()].concat()),
            self.element(0x0010_0010, "PN", b"M\xFCller^Seed^^^ "),
            self.element(0x0010_0020, "LO", b"P1"),
            self.element(0x0010_0030, "DA", b"19700101"),
            self.element(0x0010_0040, "CS", b"O "),
            self.element(0x0018_0015, "CS", b"HEAD"),
            self.element(0x0020_000D, "UI", b"1.2.3\0"),
            self.element(0x0020_000E, "UI", b"1.2.3.4\0"),
            self.element(0x0020_0011, "IS", b"2 "),
            self.element(0x0020_0013, "IS", b"-7"),
            self.element(0x0028_0004, "CS", b"MONOCHROME2 "),
            self.element(0x0028_0008, "IS", b"3 "),
            self.element(0x0028_0010, "US", &self.u16(512)),
            self.element(0x0028_0011, "US", &self.u16(1024)),
            self.element(0x0040_1003, "SH", b"STAT"),
            self.element(0x7FE0_0010, "OW", &[0; 600]),
        ]
        .concat()
    }
}

fn sample_facts() -> HeaderFacts {
    let text = |text: &str| Some(text.to_owned());
    HeaderFacts {
        patient_name: text("Müller^Seed"),
        patient_id: text("P1"),
        patient_birth_date: text("19700101"),
        patient_sex: text("O"),
        sop_class_uid: Some(uid("1.2.840.10008.5.1.4.1.1.2")),
        sop_instance_uid: Some(uid("1.2.3.4.5")),
        study_instance_uid: Some(uid("1.2.3")),
        series_instance_uid: Some(uid("1.2.3.4")),
        accession_number: text("A1"),
        study_description: text("Head"),
        series_description: text("Axial"),
        study_date: text("20260115"),
        study_time: text("101010"),
        series_date: text("20260116"),
        series_time: text("111111.5"),
        modality: text("CT"),
        station_name: text("CT01"),
        institution_name: text("Hôpital Générique"),
        referring_physician: text("Réf^Médecin"),
        series_number: Some(2),
        instance_number: Some(-7),
        rows: Some(512),
        columns: Some(1024),
        frames: Some(3),
        photometric_interpretation: text("MONOCHROME2"),
        body_part: text("HEAD"),
        requested_procedure_priority: text("STAT"),
    }
}

fn uid(text: &str) -> Uid {
    text.parse().unwrap()
}

/// Scans whole and cut in pieces of one, three and some more bytes; all must agree.
fn scan(syntax: &str, bytes: &[u8]) -> (HeaderFacts, bool) {
    let scan_in = |piece: usize| {
        let mut scanner = HeaderScanner::new(&syntax.parse().unwrap());
        for piece in bytes.chunks(piece) {
            scanner.feed(piece);
        }
        scanner.finish()
    };
    let whole = scan_in(bytes.len().max(1));
    for piece in [1, 3, 11, 4000] {
        assert_eq!(scan_in(piece), whole, "pieces of {piece} bytes");
    }
    whole
}

/// The study UID that is read behind `before`.
fn study_behind(syntax: &str, form: Syntax, before: &[Vec<u8>]) -> Option<String> {
    let (tag, vr, value) = STUDY;
    let first = form.element(0x0008_0060, "CS", b"CT");
    let bytes = [first, before.concat(), form.element(tag, vr, value), form.element(0x7FE0_0010, "OW", &[0; 8])].concat();
    scan(syntax, &bytes).0.study_instance_uid.map(|uid| uid.to_string())
}

#[test]
fn every_transfer_syntax_gives_every_fact() {
    let explicit = Explicit.sample();
    for (syntax, bytes) in [
        (EXPLICIT, explicit.clone()),
        (IMPLICIT, Implicit.sample()),
        (BIG_ENDIAN, BigEndian.sample()),
        (GE, Implicit.sample()),
        (JPEG, explicit.clone()),
        (PRIVATE, explicit.clone()),
        ("1.2.3.4.5.6.7", explicit.clone()),
        (DEFLATED, compress_to_vec(&explicit, 6)),
        (DEFLATED, compress_to_vec(&explicit, 0)),
        ("1.2.840.10008.1.2.4.95", compress_to_vec(&explicit, 9)),
    ] {
        assert_eq!(scan(syntax, &bytes), (sample_facts(), true), "{syntax}");
    }
}

#[test]
fn wrongly_named_transfer_syntax_is_seen_through() {
    for named in [EXPLICIT, IMPLICIT, BIG_ENDIAN, JPEG] {
        for form in [Explicit, Implicit, BigEndian] {
            assert_eq!(scan(named, &form.sample()), (sample_facts(), true), "named {named}");
        }
    }
    for bytes in [Explicit.sample(), Implicit.sample(), compress_to_vec_zlib(&Explicit.sample(), 6)] {
        assert_eq!(scan(DEFLATED, &bytes), (sample_facts(), true), "named deflated");
    }
}

#[test]
fn stops_before_the_pixels() {
    for (syntax, bytes) in [(EXPLICIT, Explicit.sample()), (IMPLICIT, Implicit.sample()), (BIG_ENDIAN, BigEndian.sample())] {
        let mut scanner = HeaderScanner::new(&syntax.parse().unwrap());
        let pixels = bytes.len() - 600;
        scanner.feed(&bytes[..pixels - 12]);
        assert!(!scanner.is_done());
        scanner.feed(&bytes[pixels - 12..pixels]);
        assert!(scanner.is_done(), "{syntax}");
        scanner.feed(&[0xAA; 100]);
        assert_eq!(scanner.finish(), (sample_facts(), true));
    }
}

#[test]
fn without_a_study_uid_the_header_counts_as_unparsed() {
    let bytes = Explicit.element(0x0010_0010, "PN", b"Doe^John");
    let (facts, parsed) = scan(EXPLICIT, &bytes);
    assert_eq!(facts.patient_name.as_deref(), Some("Doe^John"));
    assert!(!parsed);
    assert_eq!(scan(EXPLICIT, b""), (HeaderFacts::default(), false));
    assert_eq!(scan(DEFLATED, b"\x78"), (HeaderFacts::default(), false));
    assert!(!scan(EXPLICIT, &Explicit.element(0x0020_000D, "UI", b"../../etc/passwd")).1);
    // A value that never came in full does not count.
    let cut = Explicit.element(0x0020_000D, "UI", b"1.2.3.4.5.6.7.8\0");
    assert!(!scan(EXPLICIT, &cut[..cut.len() - 4]).1);
}

#[test]
fn out_of_order_elements_are_found() {
    let late = [
        Explicit.element(0x0028_0010, "US", &512_u16.to_le_bytes()),
        Explicit.element(0x0010_0010, "PN", b"M\xFCller"),
        Explicit.element(0x0008_0005, "CS", b"ISO_IR 100"),
    ];
    let (tag, vr, value) = STUDY;
    let bytes = [late.concat(), Explicit.element(tag, vr, value)].concat();
    let (facts, parsed) = scan(EXPLICIT, &bytes);
    assert!(parsed);
    assert_eq!((facts.patient_name.as_deref(), facts.rows), (Some("Müller"), Some(512)));
    // Even behind pixel data, native or encapsulated.
    let native = Explicit.element(0x7FE0_0010, "OW", &[0xFE; 1000]);
    assert_eq!(study_behind(EXPLICIT, Explicit, &[native]).as_deref(), Some("1.2.3"));
    let fragments =
        [Explicit.header(0x7FE0_0010, "OB", UNDEFINED), Explicit.item(0), Explicit.item(4), vec![0xFF; 4], Explicit.sequence_end()];
    assert_eq!(study_behind(JPEG, Explicit, &fragments).as_deref(), Some("1.2.3"));
}

#[test]
fn the_first_of_two_values_counts() {
    let (tag, vr, value) = STUDY;
    let bytes = [Explicit.element(tag, vr, b""), Explicit.element(tag, vr, value), Explicit.element(tag, vr, b"6.6.6\0")].concat();
    assert_eq!(scan(EXPLICIT, &bytes).0.study_instance_uid, Some(uid("1.2.3")));
}

#[test]
fn unknown_vr_is_implicit_inside() {
    // CP-246: UN of undefined length holds implicit VR little endian, in a big endian data set too.
    for (syntax, form) in [(EXPLICIT, Explicit), (BIG_ENDIAN, BigEndian)] {
        let un = [
            form.header(0x0009_1010, "UN", UNDEFINED),
            Implicit.item(UNDEFINED),
            Implicit.element(0x0008_0100, "SH", b"1 "),
            Implicit.header(0x0008_1150, "SQ", UNDEFINED),
            Implicit.item(UNDEFINED),
            Implicit.element(0x0008_0100, "SH", b"1 "),
            Implicit.item_end(),
            Implicit.sequence_end(),
            Implicit.item_end(),
            Implicit.item(10),
            Implicit.element(0x0008_0100, "SH", b"1 "),
            Implicit.sequence_end(),
        ];
        assert_eq!(study_behind(syntax, form, &un).as_deref(), Some("1.2.3"), "{syntax}");
    }
    // Some writers go on in explicit VR, which an empty item does not show.
    let un = [
        Explicit.header(0x0009_1010, "UN", UNDEFINED),
        Explicit.item(UNDEFINED),
        Explicit.item_end(),
        Explicit.item(UNDEFINED),
        Explicit.element(0x0008_0100, "SH", b"1 "),
        Explicit.element(0x0008_0102, "SH", b"1 "),
        Explicit.item_end(),
        Explicit.sequence_end(),
    ];
    assert_eq!(study_behind(EXPLICIT, Explicit, &un).as_deref(), Some("1.2.3"));
}

#[test]
fn public_elements_under_unknown_vr_are_read() {
    let bytes = [
        Explicit.element(0x0010_0010, "UN", b"Doe^John"),
        Explicit.element(0x0020_000D, "UN", b"1.2.3\0"),
        Explicit.element(0x0028_0010, "UN", &512_u16.to_le_bytes()),
        Explicit.element(0x0028_0011, "UL", &1024_u32.to_le_bytes()),
    ]
    .concat();
    let (facts, parsed) = scan(EXPLICIT, &bytes);
    assert!(parsed);
    assert_eq!((facts.patient_name.as_deref(), facts.rows, facts.columns), (Some("Doe^John"), Some(512), Some(1024)));
    let bytes = [BigEndian.element(0x0008_0060, "CS", b"CT"), BigEndian.element(0x0028_0010, "UN", &512_u16.to_le_bytes())].concat();
    assert_eq!(scan(BIG_ENDIAN, &bytes).0.rows, Some(512));
}

#[test]
fn priority_inside_the_request_attributes_sequence() {
    let priority = |form: Syntax| form.element(0x0040_1003, "SH", b"HIGH");
    let other = |form: Syntax| form.element(0x0040_1001, "SH", b"RP");
    let study = |form: Syntax| form.element(STUDY.0, STUDY.1, STUDY.2);
    for (syntax, form) in [(EXPLICIT, Explicit), (IMPLICIT, Implicit), (BIG_ENDIAN, BigEndian)] {
        let content = [
            form.header(0x0008_1199, "SQ", UNDEFINED),
            form.sequence_end(),
            form.element(0x0008_1140, "SQ", &[form.item(12), vec![0; 12]].concat()),
            other(form),
            priority(form),
        ]
        .concat();
        let len = content.len() as u32;
        let defined = [form.item(len), content.clone()].concat();
        let empty = form.item(0);
        let undefined = [form.item(UNDEFINED), content, form.item_end()].concat();
        for items in [defined.clone(), undefined.clone(), [empty.clone(), undefined].concat(), [empty, defined].concat()] {
            let tail = form.element(0x0040_A30A, "OW", &[0; 4]);
            let by_length = [study(form), form.element(0x0040_0275, "SQ", &items), tail.clone()].concat();
            let by_delimiter = [study(form), form.header(0x0040_0275, "SQ", UNDEFINED), items, form.sequence_end(), tail].concat();
            for bytes in [by_length, by_delimiter] {
                let (facts, parsed) = scan(syntax, &bytes);
                assert!(parsed);
                assert_eq!(facts.requested_procedure_priority.as_deref(), Some("HIGH"), "{syntax}");
            }
        }
    }
    // The one at top level goes before it; one inside another sequence is not taken.
    let bytes = [
        study(Explicit),
        Explicit.element(0x0040_0275, "SQ", &[Explicit.item(12), priority(Explicit)].concat()),
        Explicit.element(0x0040_1003, "SH", b"STAT"),
    ]
    .concat();
    assert_eq!(scan(EXPLICIT, &bytes).0.requested_procedure_priority.as_deref(), Some("STAT"));
    let bytes = [
        study(Explicit),
        Explicit.header(0x0040_0260, "SQ", UNDEFINED),
        Explicit.item(UNDEFINED),
        priority(Explicit),
        Explicit.item_end(),
        Explicit.sequence_end(),
        Explicit.element(0x0040_0275, "SQ", &[]),
    ]
    .concat();
    assert_eq!(scan(EXPLICIT, &bytes), (HeaderFacts { study_instance_uid: Some(uid("1.2.3")), ..HeaderFacts::default() }, true));
}

#[test]
fn delimiters_that_are_missing_or_too_many() {
    let open =
        [Explicit.header(0x0008_1140, "SQ", UNDEFINED), Explicit.item(UNDEFINED), Explicit.element(0x0008_0100, "SH", b"1 ")].concat();
    let item = [Explicit.item(UNDEFINED), Explicit.element(0x0008_0100, "SH", b"1 ")].concat();
    for (what, middle) in [
        ("no item delimiter before the sequence's", vec![open.clone(), Explicit.sequence_end()]),
        ("no item delimiter before the next item", vec![open.clone(), item, Explicit.item_end(), Explicit.sequence_end()]),
        ("stray sequence delimiter", vec![Explicit.sequence_end()]),
        ("stray item delimiter", vec![Explicit.item_end()]),
        (
            "item delimiter behind an item of defined length",
            vec![Explicit.header(0x0008_1140, "SQ", UNDEFINED), Explicit.item(0), Explicit.item_end(), Explicit.sequence_end()],
        ),
        (
            "sequence delimiter behind a sequence of defined length",
            vec![Explicit.element(0x0008_1140, "SQ", &Explicit.item(0)), Explicit.sequence_end()],
        ),
    ] {
        assert_eq!(study_behind(EXPLICIT, Explicit, &middle).as_deref(), Some("1.2.3"), "{what}");
    }
    // Something else than an item inside a sequence: nothing behind it can be trusted.
    let broken = [Explicit.header(0x0008_1140, "SQ", UNDEFINED), Explicit.element(0x0008_0100, "SH", b"1 ")];
    assert_eq!(study_behind(EXPLICIT, Explicit, &broken), None);
    let mut scanner = HeaderScanner::new(&EXPLICIT.parse().unwrap());
    scanner.feed(&broken.concat());
    assert!(scanner.is_done());
    assert_eq!(study_behind(EXPLICIT, Explicit, &[Explicit.item(4), vec![0; 4]]), None);
}

#[test]
fn oddly_encoded_elements_are_stepped_over() {
    for (what, element) in [
        ("group length", Explicit.element(0x0008_0000, "UL", &[1, 2, 3, 4])),
        ("a future VR has a long length", [Explicit.header(0x0009_1001, "ZZ", 0), 4_u32.to_le_bytes().into(), vec![0; 4]].concat()),
        ("question marks for a VR", Explicit.element(0x0009_1001, "??", b"1234")),
        ("an implicit VR element in between", Implicit.element(0x0009_1001, "LO", b"1234")),
        ("an odd length", Explicit.element(0x0009_1001, "LO", b"123")),
        ("a large private element", Explicit.element(0x0009_1001, "OB", &vec![0xFE; 300_000])),
        ("an icon", Explicit.element(0x0088_0200, "SQ", &[Explicit.item(16), Explicit.element(0x7FE0_0010, "OB", &[0; 4])].concat())),
    ] {
        assert_eq!(study_behind(EXPLICIT, Explicit, &[element]).as_deref(), Some("1.2.3"), "{what}");
    }
    let meta = Explicit.element(0x0002_0010, "UI", b"1.2.840.10008.1.2\0");
    for (syntax, bytes) in [(IMPLICIT, Implicit.sample()), (BIG_ENDIAN, BigEndian.sample())] {
        assert_eq!(scan(syntax, &[meta.clone(), bytes].concat()), (sample_facts(), true), "file meta group in front");
    }
}

#[test]
fn deep_nesting_costs_nothing() {
    let levels = 10_000;
    let down = [Explicit.header(0x0008_1140, "SQ", UNDEFINED), Explicit.item(UNDEFINED)].concat().repeat(levels);
    let up = [Explicit.item_end(), Explicit.sequence_end()].concat().repeat(levels);
    assert_eq!(study_behind(EXPLICIT, Explicit, &[down.clone(), up]).as_deref(), Some("1.2.3"));
    // Never closed: the study UID stands inside and is not taken.
    assert_eq!(study_behind(EXPLICIT, Explicit, &[down]), None);
}

#[test]
fn memory_is_bounded_whatever_lengths_are_claimed() {
    let mut scanner = HeaderScanner::new(&EXPLICIT.parse().unwrap());
    scanner.feed(&Explicit.header(0x0010_0010, "UN", 0xFFFF_FFFE));
    for _ in 0..8000 {
        scanner.feed(&[b'x'; 8192]);
    }
    assert!(!scanner.is_done());
    assert_eq!(scanner.elements.kept(), values::MAX_VALUE);
    assert_eq!(scanner.finish().0.patient_name, Some("x".repeat(HeaderFacts::MAX_TEXT)));
    // A value in full behind one that was cut.
    let long = Explicit.element(0x0010_0010, "UN", &vec![b'x'; 60_000]);
    assert_eq!(study_behind(EXPLICIT, Explicit, &[long]).as_deref(), Some("1.2.3"));
}

#[test]
fn endless_headers_are_given_up() {
    let empty = Explicit.element(0x0009_1001, "LO", b"").repeat(1000);
    let mut scanner = HeaderScanner::new(&EXPLICIT.parse().unwrap());
    for _ in 0..1001 {
        scanner.feed(&empty);
    }
    assert!(scanner.is_done());
}

#[test]
fn deflated_bombs_are_given_up() {
    let bomb = [Explicit.header(0x0009_1001, "OB", 0xFFFF_FFF0), vec![0; 24 << 20]].concat();
    let bomb = compress_to_vec(&bomb, 1);
    let mut scanner = HeaderScanner::new(&DEFLATED.parse().unwrap());
    let fed = bomb.chunks(1024).take_while(|piece| {
        scanner.feed(piece);
        !scanner.is_done()
    });
    let fed = fed.count() * 1024;
    assert!(scanner.is_done() && fed < bomb.len() * 3 / 4, "{fed} of {} bytes were looked at", bomb.len());
    // 5 MB of a private element in front are no bomb.
    let large = [Explicit.element(0x0009_1001, "OB", &vec![0; 5 << 20]), Explicit.sample()].concat();
    assert_eq!(scan(DEFLATED, &compress_to_vec(&large, 6)), (sample_facts(), true));
}

#[test]
fn broken_deflate_streams_keep_what_was_read() {
    let mut bytes = compress_to_vec(&[Explicit.sample(), (0..200_000_u32).flat_map(u32::to_le_bytes).collect()].concat(), 6);
    let end = bytes.len();
    bytes[end - 2000..].fill(0xFF);
    assert_eq!(scan(DEFLATED, &bytes), (sample_facts(), true));
    let without_pixels = &Explicit.sample()[..400];
    let mut bytes = compress_to_vec(without_pixels, 6);
    bytes.truncate(bytes.len() - 20);
    let (facts, parsed) = scan(DEFLATED, &bytes);
    assert_eq!((facts.modality.as_deref(), parsed), (Some("CT"), false));
}
