//! Bounded texts: what is too long is cut, what a panel has no glyph for becomes `?`.

use core::fmt;

use heapless::String;
use serde::{Deserialize, Serialize};

/// A text of at most `N` bytes, made of printable Latin-1 characters when it was made by [`Text::new`] or written to.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text<const N: usize>(String<N, u8>);

impl<const N: usize> Text<N> {
    /// As much of `text` as fits.
    pub fn new(text: &str) -> Self {
        let mut made = Self::default();
        made.add(text);
        made
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of characters.
    pub fn chars(&self) -> usize {
        self.0.chars().count()
    }

    /// Appends what fits; `false`: something did not.
    pub fn add(&mut self, text: &str) -> bool {
        text.chars().all(|char| self.0.push(printable(char)).is_ok())
    }
}

/// The character if panels have a glyph for it, else `?`.
const fn printable(char: char) -> char {
    match char {
        ' '..='~' | '\u{a1}'..='\u{ff}' => char,
        _ => '?',
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    /// Appends what fits; what does not is an error, and what did fit stays.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.add(text) { Ok(()) } else { Err(fmt::Error) }
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const N: usize> From<&str> for Text<N> {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_unknown_ones_are_question_marks() {
        let check = |text: &str, expected: &str| assert_eq!(Text::<4>::new(text).as_str(), expected, "{text:?}");
        check("", "");
        check("abcd", "abcd");
        check("abcde", "abcd");
        check("abcü", "abc");
        check("äö", "äö");
        check("a\n日", "a??");
    }
}
