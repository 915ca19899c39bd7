//! Language tags (RFC 5646, BCP 47): whether one is well-formed. What its parts mean is not looked at.
//!
//! | part | form | |
//! |---|---|---|
//! | language | 2–3 letters, up to three more of 3 letters; or 4, or 5–8 letters | once |
//! | script | 4 letters | optional |
//! | region | 2 letters or 3 digits | optional |
//! | variant | 5–8 characters, or a digit and 3 | any number |
//! | extension | one character but `x`, then parts of 2–8 characters | any number |
//! | private use | `x`, then parts of 1–8 characters; may stand alone | optional |
//!
//! The tags of RFC 5646 that are no such sequence (`i-klingon` and its like, all long replaced) are not taken.

use std::{iter::Peekable, str::Split};

/// Longest tag (RFC 5646 §4.4.1 asks for room for 35 characters).
pub(super) const MAX_TAG: usize = 35;

/// The rest of a tag, part by part.
struct Parts<'a>(Peekable<Split<'a, char>>);

/// Whether a text is a language tag of at most [`MAX_TAG`] characters.
pub(super) fn is_well_formed(tag: &str) -> bool {
    let mut parts = Parts(tag.split('-').peekable());
    tag.len() <= MAX_TAG && (parts.private_use() || (parts.language() && parts.rest()))
}

impl Parts<'_> {
    /// Takes the next part if it is as wanted.
    fn take(&mut self, wanted: impl Fn(&str) -> bool) -> bool {
        self.0.next_if(|part| wanted(part)).is_some()
    }

    fn language(&mut self) -> bool {
        if self.take(|part| letters(part, 2, 3)) {
            for _ in 0..3 {
                self.take(|part| letters(part, 3, 3));
            }
            return true;
        }
        self.take(|part| letters(part, 4, 8))
    }

    /// What follows the language, to the end.
    fn rest(&mut self) -> bool {
        self.take(|part| letters(part, 4, 4));
        self.take(|part| letters(part, 2, 2) || (part.len() == 3 && part.bytes().all(|c| c.is_ascii_digit())));
        while self.take(|part| characters(part, 5, 8) || (characters(part, 4, 4) && part.as_bytes()[0].is_ascii_digit())) {}
        while self.take(|part| characters(part, 1, 1) && !part.eq_ignore_ascii_case("x")) {
            if !self.take(|part| characters(part, 2, 8)) {
                return false;
            }
            while self.take(|part| characters(part, 2, 8)) {}
        }
        self.0.peek().is_none() || self.private_use()
    }

    fn private_use(&mut self) -> bool {
        if !self.take(|part| part.eq_ignore_ascii_case("x")) || self.0.peek().is_none() {
            return false;
        }
        while self.take(|part| characters(part, 1, 8)) {}
        self.0.peek().is_none()
    }
}

fn letters(part: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_alphabetic())
}

fn characters(part: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_those_of_the_rfc() {
        // RFC 5646, appendix A.
        let good = "en de fr ja zh-Hant sr-Latn zh-cmn-Hans-CN cmn-Hans-CN sr-Latn-RS sl-rozaj sl-rozaj-biske de-CH-1901 hy-Latn-IT-arevela es-419 \
                    de-CH-x-phonebk az-Arab-x-AZE-derbend x-whatever qaa-Qaaa-QM-x-southern en-US-u-islamcal zh-CN-a-myext-x-private PT-br gsw root";
        for tag in good.split_whitespace() {
            assert!(is_well_formed(tag), "{tag}");
        }
    }

    #[test]
    fn all_else_is_none() {
        let long = format!("en-{}", "variant1-".repeat(4)).trim_end_matches('-').to_owned();
        let bad = [
            "",
            "-",
            "e",
            "i",
            "1",
            "12",
            "en-",
            "-en",
            "en--GB",
            "en_GB",
            "en GB",
            "en\"",
            "é",
            "english-speakers-x",
            "de-419-DE",
            "a-DE",
        ];
        let bad =
            bad.into_iter().chain(["ar-a", "ar-a-b", "en-x", "x", "x-", "en-u", "abcdefghi", "en-toolongpart", "en\0", "en-GB-😀", &long]);
        for tag in bad {
            assert!(!is_well_formed(tag), "{tag:?}");
        }
    }
}
