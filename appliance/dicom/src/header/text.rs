//! Makes decoded values fit for a catalogue: no control characters, no padding, bounded.

use relaypacs_domain::HeaderFacts;

/// One line of text: control characters become spaces, padding goes, the rest is cut to [`HeaderFacts::MAX_TEXT`] characters. `None` if
/// nothing is left.
pub(super) fn line(decoded: &str) -> Option<String> {
    let visible: String = decoded.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    bounded(visible.trim())
}

/// A person name (PS3.5 §6.2.1): as [`line`], in every component; empty components and groups at an end are left out, as PS3.5 allows.
pub(super) fn person_name(decoded: &str) -> Option<String> {
    let line = line(decoded)?;
    let groups: Vec<String> = line
        .split('=')
        .map(|group| group.split('^').map(str::trim).collect::<Vec<_>>().join("^").trim_end_matches('^').to_owned())
        .collect();
    bounded(groups.join("=").trim_end_matches('='))
}

/// An integer string (IS), also one written as a decimal without fraction.
pub(super) fn integer(value: &[u8]) -> Option<i64> {
    let text = str::from_utf8(value).ok()?.trim_matches([' ', '\0']);
    let whole = text.split_once('.').map_or(text, |(whole, fraction)| if fraction.bytes().all(|b| b == b'0') { whole } else { text });
    whole.parse().ok()
}

fn bounded(text: &str) -> Option<String> {
    let end = text.char_indices().nth(HeaderFacts::MAX_TEXT).map_or(text.len(), |(end, _)| end);
    let text = text[..end].trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_trimmed_and_bounded() {
        let check = |decoded: &str, expected: Option<&str>| assert_eq!(line(decoded).as_deref(), expected, "{decoded:?}");
        check("Bench study ", Some("Bench study"));
        check(" a\0\0", Some("a"));
        check("a\r\nb\x1bc", Some("a  b c"));
        check("  \0", None);
        check("", None);
        assert_eq!(line(&"ä".repeat(300)), Some("ä".repeat(256)));
        assert_eq!(line(&format!("{}{}", "a".repeat(250), " ".repeat(20) + "b")), Some("a".repeat(250)));
    }

    #[test]
    fn person_names_lose_empty_ends_only() {
        let check = |decoded: &str, expected: Option<&str>| assert_eq!(person_name(decoded).as_deref(), expected, "{decoded:?}");
        check("Doe^John^^^ ", Some("Doe^John"));
        check("Doe ^ John^^Dr.^", Some("Doe^John^^Dr."));
        check("Wang^XiaoDong=王^小東=", Some("Wang^XiaoDong=王^小東"));
        check("^^^^=王^小東", Some("=王^小東"));
        check("^^^^", None);
        check(" =^ = ", None);
        check("^John", Some("^John"));
    }

    #[test]
    fn integers_as_senders_write_them() {
        for (value, expected) in [
            (&b"12 "[..], Some(12)),
            (b"+12", Some(12)),
            (b" -3\0", Some(-3)),
            (b"7.0", Some(7)),
            (b"7.", Some(7)),
            (b"7.5", None),
            (b"1\\2", None),
            (b"", None),
            (b"99999999999999999999", None),
        ] {
            assert_eq!(integer(value), expected, "{value:?}");
        }
    }
}
