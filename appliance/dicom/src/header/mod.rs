//! Header facts from a data set that streams past.
//!
//! [`HeaderScanner`] is pushed the bytes of a data set as they arrive, in pieces of any size, and keeps the values of the few elements
//! that [`HeaderFacts`] has a field for. It reads every transfer syntax: implicit and explicit VR, little and big endian, deflated, and
//! unknown ones (private or encapsulated) as explicit VR little endian, to which PS3.5 §A.4 binds all that encapsulate pixels. What the first
//! element looks like overrules a transfer syntax that was named wrongly.
//!
//! Invariants: it never fails, never asks for bytes and never looks ahead; the same bytes give the same facts however they are split;
//! memory is bounded by [`values::MAX_VALUE`] a wanted element whatever lengths the data set claims; work is linear in the bytes fed, but
//! skipped values cost nothing and nothing is looked at once [`HeaderScanner::is_done`]. It knows neither associations nor storage.
//!
//! | part | does |
//! |---|---|
//! | `inflate` | undoes Deflated Explicit VR Little Endian (PS3.5 §A.5), up to a limit |
//! | `elements` | finds element borders through sequences and undefined lengths (PS3.5 §7) |
//! | `form` | one element header in one encoding; guesses the encoding |
//! | `values` | which elements are wanted; keeps their bytes; makes facts of them |
//! | `text` | trims and bounds decoded text |
//! | `charset` | Specific Character Set (PS3.3 C.12.1.1.2) |

mod charset;
mod elements;
pub(crate) mod form;
mod inflate;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod text;
mod values;

use relaypacs_domain::{HeaderFacts, Uid};

pub(crate) use self::form::Encoding;
use self::{elements::Elements, form::Form, inflate::Inflater};

/// Decodes a text value of a data set whose Specific Character Set (0008,0005) has this value (`None`: it has none). Bytes without meaning
/// become U+FFFD; control characters stay.
pub fn decode_text(character_sets: Option<&[u8]>, value: &[u8]) -> String {
    charset::CharacterSets::from_value(character_sets).decode(value)
}

/// Deflated Explicit VR Little Endian, JPIP Referenced Deflate and JPIP HTJ2K Referenced Deflate: the whole data set is deflated.
const DEFLATED: [&str; 3] = ["1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"];

/// Reads header facts from a data set while its bytes stream past: bounded memory, never fails, never asks for more.
#[derive(Debug)]
pub struct HeaderScanner {
    elements: Elements,
    inflater: Option<Box<Inflater>>,
}

impl HeaderScanner {
    /// A scanner for one data set (without file meta group) in the given transfer syntax.
    pub fn new(transfer_syntax: &Uid) -> Self {
        let syntax = transfer_syntax.as_str();
        let form = Form::of_syntax(transfer_syntax);
        let inflater = DEFLATED.contains(&syntax).then(|| Box::new(Inflater::new()));
        Self { elements: Elements::new(form), inflater }
    }

    /// Looks at the next bytes of the data set: any number of them, in order. Cheap once [`is_done`](Self::is_done).
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.is_done() {
            return;
        }
        match &mut self.inflater {
            Some(inflater) => inflater.feed(bytes, &mut self.elements),
            None => self.elements.feed(bytes),
        }
    }

    /// Whether further bytes would be ignored (all wanted elements seen or given up).
    pub fn is_done(&self) -> bool {
        self.elements.is_done()
    }

    /// A scanner that looks at the whole data set, however much of it nobody wants: at its end [`breaks_off`](Self::breaks_off) is known.
    pub fn to_the_end(transfer_syntax: &Uid) -> Self {
        let mut scanner = Self::new(transfer_syntax);
        scanner.elements.go_on_to_the_end();
        scanner
    }

    /// Whether the data set, as far as it was fed, ends inside a value: the rest of it is missing. Only known of one that was looked at
    /// [to the end](Self::to_the_end); of a deflated one never.
    pub fn breaks_off(&self) -> bool {
        self.inflater.is_none() && self.elements.is_inside_a_value()
    }

    /// The facts, and whether the header could be parsed as far as needed (a study UID was read).
    pub fn finish(self) -> (HeaderFacts, bool) {
        let facts = self.elements.into_values().facts();
        let parsed = facts.study_instance_uid.is_some();
        (facts, parsed)
    }
}
