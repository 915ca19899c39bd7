//! What holds for any bytes: no panic, bounded memory, and the same facts however the bytes are cut.

use proptest::{collection::vec, prelude::*};

use super::{HeaderFacts, HeaderScanner, charset::CharacterSets, values};

const SYNTAXES: [&str; 4] = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"];

/// VRs of every kind, and what stands in their place.
const VRS: [[u8; 2]; 11] = [*b"SQ", *b"UN", *b"OB", *b"LO", *b"PN", *b"UI", *b"US", *b"??", [0, 0], [0xFF, 0xFF], [8, 0]];

/// Bytes that look enough like a data set to get far: headers of wanted and structural elements with all kinds of lengths, and noise.
fn likely_bytes() -> impl Strategy<Value = Vec<u8>> {
    let tag = prop_oneof![
        proptest::sample::select(&values::WANTED[..]),
        proptest::sample::select(&[0xFFFE_E000_u32, 0xFFFE_E00D, 0xFFFE_E0DD, 0x0040_0275, 0x0008_1140, 0x0009_1001, 0x7FE0_0010][..]),
        any::<u32>(),
    ];
    let vr = proptest::sample::select(&VRS[..]);
    let len = prop_oneof![0_u32..40, Just(u32::MAX), Just(u32::MAX - 1), any::<u32>()];
    let element = (tag, vr, len, any::<bool>(), vec(any::<u8>(), 0..40)).prop_map(|(tag, vr, len, long, value)| {
        let tag = [((tag >> 16) as u16).to_le_bytes(), (tag as u16).to_le_bytes()].concat();
        let len = match (vr, long) {
            ([0, 0], _) => len.to_le_bytes().to_vec(),
            (vr, true) => [&vr[..], &[0, 0], &len.to_le_bytes()].concat(),
            (vr, false) => [&vr[..], &(len as u16).to_le_bytes()].concat(),
        };
        [tag, len, value].concat()
    });
    let piece = prop_oneof![8 => element, 1 => vec(any::<u8>(), 0..20)];
    vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

fn scan(syntax: &str, bytes: &[u8], piece: usize) -> (HeaderFacts, bool) {
    let mut scanner = HeaderScanner::new(&syntax.parse().unwrap());
    for piece in bytes.chunks(piece) {
        scanner.feed(piece);
        assert!(scanner.elements.kept() <= values::MAX_KEPT, "{} bytes kept", scanner.elements.kept());
    }
    scanner.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_gives_the_same_facts(bytes in likely_bytes(), syntax in proptest::sample::select(&SYNTAXES[..]), piece in 1_usize..50) {
        prop_assert_eq!(scan(syntax, &bytes, piece), scan(syntax, &bytes, usize::MAX));
        prop_assert_eq!(scan(syntax, &bytes, 1), scan(syntax, &bytes, usize::MAX));
    }

    #[test]
    fn any_deflated_cut_gives_the_same_facts(bytes in likely_bytes(), level in 0_u8..10, end in any::<prop::sample::Index>(), piece in 1_usize..50) {
        let mut deflated = miniz_oxide::deflate::compress_to_vec(&bytes, level);
        deflated.truncate(end.index(deflated.len() + 1));
        prop_assert_eq!(scan(SYNTAXES[3], &deflated, piece), scan(SYNTAXES[3], &deflated, usize::MAX));
    }

    #[test]
    fn any_text_is_decoded(declared in "(ISO_IR|ISO 2022 IR)? ?(6|13|58|87|100|101|127|149|159|166|192|203)?(\\\\ISO 2022 IR (6|13|58|87|100|149|159|166))*|GBK", text in vec(escapes_and_bytes(), 0..20)) {
        let text = text.concat();
        let decoded = CharacterSets::from_value(Some(declared.as_bytes())).decode(&text);
        // At most one character a byte: what is kept of a value bounds what is decoded of it.
        prop_assert!(decoded.chars().count() <= text.len());
    }
}

fn escapes_and_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..8),
        vec(0x21_u8..0x7F, 0..8),
        vec(0xA0_u8.., 0..8),
        proptest::sample::select(
            &["\x1b$B", "\x1b(J", "\x1b(B", "\x1b$(D", "\x1b$)C", "\x1b$)A", "\x1b)I", "\x1b-A", "\x1b-T", "^", "=", "\\", "\r\n"][..]
        )
        .prop_map(|escape| escape.as_bytes().to_vec()),
    ]
}
