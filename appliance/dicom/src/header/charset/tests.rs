//! The examples of PS3.5 Annexes H to K byte for byte, single-byte names as in the public test files, and what broken senders write.

use super::CharacterSets;

fn check(character_set: &str, bytes: &[u8], expected: &str) {
    let sets = CharacterSets::from_value(Some(character_set.as_bytes()));
    assert_eq!(sets.decode(bytes), expected, "{character_set}");
}

/// Bytes in the notation of the standard: column/row pairs.
fn columns(notation: &str) -> Vec<u8> {
    notation
        .split_ascii_whitespace()
        .map(|pair| {
            let (column, row) = pair.split_once('/').unwrap();
            column.parse::<u8>().unwrap() * 16 + row.parse::<u8>().unwrap()
        })
        .collect()
}

#[test]
fn japanese_of_annex_h() {
    // H.3.1
    let bytes = columns(
        "05/09 06/01 06/13 06/01 06/04 06/01 05/14 05/04 06/01 07/02 06/15 07/05 03/13 01/11 02/04 04/02 03/11 03/03 04/05 04/04 01/11 02/08 \
         04/02 05/14 01/11 02/04 04/02 04/02 04/00 04/15 03/10 01/11 02/08 04/02 03/13 01/11 02/04 04/02 02/04 06/04 02/04 05/14 02/04 04/00 \
         01/11 02/08 04/02 05/14 01/11 02/04 04/02 02/04 03/15 02/04 06/13 02/04 02/06 01/11 02/08 04/02",
    );
    check("\\ISO 2022 IR 87", &bytes, "Yamada^Tarou=山田^太郎=やまだ^たろう");
    // H.3.2
    let bytes = columns(
        "13/04 12/15 12/00 13/14 05/14 12/00 13/11 11/03 03/13 01/11 02/04 04/02 03/11 03/03 04/05 04/04 01/11 02/08 04/10 05/14 01/11 02/04 \
         04/02 04/02 04/00 04/15 03/10 01/11 02/08 04/10 03/13 01/11 02/04 04/02 02/04 06/04 02/04 05/14 02/04 04/00 01/11 02/08 04/10 05/14 \
         01/11 02/04 04/02 02/04 03/15 02/04 06/13 02/04 02/06 01/11 02/08 04/10",
    );
    check("ISO 2022 IR 13\\ISO 2022 IR 87", &bytes, "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう");
    // The same names as senders mix them up: value 1 left out, or the kanji set alone.
    check("ISO 2022 IR 87", b"Yamada=\x1b$B;3ED\x1b(B", "Yamada=山田");
    check("ISO 2022 IR 6\\ISO 2022 IR 87", b"Yamada=\x1b$B;3ED\x1b(B", "Yamada=山田");
}

#[test]
fn japanese_beyond_the_examples() {
    check("\\ISO 2022 IR 159", b"\x1b$(D\x30\x21\x1b(B^\x1b$(D\x30\x21\x30\x22\x1b(B", "丂^丂丄");
    check("ISO_IR 13", b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3", "ﾔﾏﾀﾞ^ﾀﾛｳ");
    check("ISO_IR 13", b"a\\b~", "a¥b‾");
    check("\\ISO 2022 IR 13\\ISO 2022 IR 87", b"\x1b)I\xD4\xCF", "ﾔﾏ");
    check("\\ISO 2022 IR 87", b"\x1b(ITO\x1b(B^a", "ﾔﾏ^a");
    // The delimiters' codes are halves of characters while G0 holds kanji: 3D 3D is a kanji, 5E 5E and 3D 5E too.
    check("\\ISO 2022 IR 87", b"\x1b$B\x3D\x3D\x5E\x5E\x3D\x5E\x1b(B^", "十湎殉^");
    // Not switched back before the delimiter.
    check("\\ISO 2022 IR 87", b"\x1b$B;3ED^\x1b$BB@O:", "山田^太郎");
}

#[test]
fn korean_of_annex_i() {
    // I.2
    let bytes = columns(
        "04/08 06/15 06/14 06/07 05/14 04/07 06/09 06/12 06/04 06/15 06/14 06/07 03/13 01/11 02/04 02/09 04/03 15/11 15/03 05/14 01/11 02/04 \
         02/09 04/03 13/01 12/14 13/04 13/07 03/13 01/11 02/04 02/09 04/03 12/08 10/11 05/14 01/11 02/04 02/09 04/03 11/01 14/06 11/05 11/15",
    );
    check("\\ISO 2022 IR 149", &bytes, "Hong^Gildong=洪^吉洞=홍^길동");
    // I.3: Hangul and ASCII mixed in a line.
    check(
        "\\ISO 2022 IR 149",
        b"\x1b$)CThe first line includes \xC7\xD1\xB1\xDB.\r\n\x1b$)CThe second line includes \xC7\xD1\xB1\xDB, too.\r\nThe third line.",
        "The first line includes 한글.\r\nThe second line includes 한글, too.\r\nThe third line.",
    );
    // Declared and never designated, or not again after a delimiter.
    check("\\ISO 2022 IR 149", b"\xC8\xAB^\xB1\xE6\xB5\xBF", "홍^길동");
    check("\\ISO 2022 IR 100\\ISO 2022 IR 149", b"\x1b$)C\xC8\xAB", "홍");
    // Not declared at all, designated once.
    check("", b"\x1b$)C\xC8\xAB^\xB1\xE6\xB5\xBF", "홍^길동");
}

#[test]
fn chinese_of_annexes_j_and_k() {
    // J.1 to J.4
    check("ISO_IR 192", b"Wang^XiaoDong=\xE7\x8E\x8B^\xE5\xB0\x8F\xE6\x9D\xB1=", "Wang^XiaoDong=王^小東=");
    check("ISO_IR 192", b"The first line includes\xE4\xB8\xAD\xE6\x96\x87.\r\n", "The first line includes中文.\r\n");
    check("GB18030", b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB=", "Wang^XiaoDong=王^小东=");
    check("GBK", b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB=", "Wang^XiaoDong=王^小东=");
    check("GB18030", b"The first line includes\xD6\xD0\xCE\xC4.\r\n", "The first line includes中文.\r\n");
    // K.2, K.3
    check("\\ISO 2022 IR 58", b"Zhang^XiaoDong=\x1b$)A\xD5\xC5^\x1b$)A\xD0\xA1\xB6\xAB=", "Zhang^XiaoDong=张^小东=");
    check(
        "\\ISO 2022 IR 58",
        b"1.\x1b$)A\xB5\xDA\xD2\xBB\xD0\xD0\xCE\xC4\xD7\xD6\xA1\xA3\r\n2.\x1b$)A\xB5\xDA\xB6\xFE\xD0\xD0\xCE\xC4\xD7\xD6\xA1\xA3\r\n",
        "1.第一行文字。\r\n2.第二行文字。\r\n",
    );
    // The trail byte of a GBK character may look like a delimiter; four-byte characters of GB18030.
    check("GBK", b"\x81\x5C\x81\x5E^", "乗乛^");
    check("GB18030", b"\x82\x35\x8F\x33", "龦");
}

#[test]
fn single_byte_sets() {
    for (term, bytes, expected) in [
        ("ISO_IR 100", &b"Buc^J\xE9r\xF4me"[..], "Buc^Jérôme"),
        ("ISO_IR 100", b"\xC4neas^R\xFCdiger", "Äneas^Rüdiger"),
        ("ISO_IR 101", b"Wa\xB3\xEAsa", "Wałęsa"),
        ("ISO_IR 109", b"\xB1\xBF", "ħż"),
        ("ISO_IR 110", b"\xB1\xBF", "ąŋ"),
        ("ISO_IR 126", b"\xC4\xE9\xEF\xED\xF5\xF3\xE9\xEF\xF2", "Διονυσιος"),
        ("ISO_IR 127", b"\xE2\xC8\xC7\xE6\xEA^\xE4\xE6\xD2\xC7\xD1", "قباني^لنزار"),
        ("ISO_IR 138", b"\xF9\xF8\xE5\xEF^\xE3\xE1\xE5\xF8\xE4", "שרון^דבורה"),
        ("ISO_IR 138", b"\xF2\xE1\xF8\xE9\xFA", "עברית"),
        ("ISO_IR 144", b"\xBB\xEE\xDAce\xDC\xD1yp\xD3", "Люкceмбypг"),
        ("ISO_IR 148", b"\xD0\xFD\xFE", "Ğış"),
        ("ISO_IR 166", b"\xB9\xC7\xD1\xB2\xB9\xEC", "นวัฒน์"),
        ("ISO_IR 203", b"\xA4\xBC", "€Œ"),
        ("ISO_IR 6", b"DOE^JOHN", "DOE^JOHN"),
        ("", b"DOE^JOHN", "DOE^JOHN"),
    ] {
        check(term, bytes, expected);
    }
}

#[test]
fn code_extensions_between_single_byte_sets() {
    // Latin-1 in value 1, then Greek and Cyrillic by escape, back to Latin-1 at each delimiter.
    check(
        "ISO 2022 IR 100\\ISO 2022 IR 144\\ISO 2022 IR 126",
        b"J\xE9r\xF4me=\x1b-L\xBB\xEE\xDAce\xDC\xD1yp\xD3^\xE9=\x1b-F\xC4\xE9\xEF\xED",
        "Jérôme=Люкceмбypг^é=Διον",
    );
    let every = [
        ("-A", "é"),
        ("-B", "é"),
        ("-C", "é"),
        ("-D", "é"),
        ("-F", "ι"),
        ("-G", "ى"),
        ("-H", "י"),
        ("-L", "щ"),
        ("-M", "é"),
        ("-T", "้"),
        ("-b", "é"),
    ];
    for (escape, expected) in every {
        let bytes = [b"\x1b", escape.as_bytes(), b"\xE9"].concat();
        check("\\ISO 2022 IR 100\\ISO 2022 IR 101", &bytes, expected);
    }
}

#[test]
fn terms_as_senders_misspell_them() {
    for term in [
        "ISO_IR 100",
        "ISO IR 100",
        "ISO-IR 100",
        "ISO_IR_100 ",
        "ISO2022IR100",
        "ISO 2022 IR 100",
        "iso_ir 100",
        "ISO 8859-1",
        "ISO_IR 100\0",
    ] {
        check(term, b"J\xE9", "Jé");
    }
    for term in ["ISO_IR 192", "UTF-8", "utf8", "ISO IR 192", "\\ISO_IR 192", "ISO 2022 IR 192"] {
        check(term, b"\xC3\xA9", "é");
    }
    check("GB2312", b"\xCD\xF5", "王");
}

#[test]
fn unreadable_bytes_become_replacement_characters() {
    check("ISO_IR 6", b"M\xFCller", "M\u{FFFD}ller");
    check("ISO_IR 999", b"M\xFCller", "M\u{FFFD}ller");
    check("nonsense\\\\\\ISO 2022 IR 9999999", b"M\xFCller", "M\u{FFFD}ller");
    // UTF-8 that nobody declared can hardly be anything else.
    check("", b"M\xC3\xBCller", "Müller");
    check("ISO_IR 999", b"M\xC3\xBCller", "Müller");
    check("ISO_IR 192", b"M\xFCller", "M\u{FFFD}ller");
    check("\\ISO 2022 IR 87", b"a\x1b", "a\u{FFFD}");
    check("\\ISO 2022 IR 87", b"a\x1b$", "a\u{FFFD}");
    check("\\ISO 2022 IR 87", b"\x1b%Ga", "\u{FFFD}a");
    check("\\ISO 2022 IR 149", b"\x1b$)C\xC8", "\u{FFFD}");
    check("GB18030", b"\x81", "\u{FFFD}");
    assert_eq!(CharacterSets::from_value(None).decode(b"abc"), "abc");
}
