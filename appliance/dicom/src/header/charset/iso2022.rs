//! Code extension techniques (PS3.5 §6.1.2.5, ISO/IEC 2022): escape sequences designate sets as G0 (bytes 0x21–0x7E) and G1 (0xA0–0xFF).
//!
//! At a delimiter (`\`, and `^` and `=` of person names) and at the end of a line or page the sets of value 1 are active again. While
//! G0 holds a two-byte set, a byte that looks like a delimiter is half of a character.

use super::sets::Set;

/// Escape, the first byte of every designation.
pub(super) const ESC: u8 = 0x1B;

/// Which sets are active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Designation {
    pub(super) g0: Set,
    pub(super) g1: Option<Set>,
}

impl Designation {
    /// The default repertoire, ISO-IR 6.
    pub(super) const DEFAULT: Self = Self { g0: Set::Ascii, g1: None };

    /// Goes back to the sets of value 1. A G1 set that value 1 does not replace stays: conforming text designates anew before it uses
    /// one, other text means the last.
    fn reset_to(&mut self, initial: Self) {
        self.g0 = initial.g0;
        self.g1 = initial.g1.or(self.g1);
    }
}

/// Decodes a value that starts with the designation `initial`.
pub(super) fn decode(initial: Designation, bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut active = initial;
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let taken = match first {
            ESC => escape(rest, &mut active, &mut out),
            0x00..=0x20 | 0x7F => {
                out.push(char::from(first));
                if matches!(first, b'\n' | b'\r' | 0x0C) {
                    active.reset_to(initial);
                }
                1
            }
            0x21..=0x7E if active.g0.is_double_byte() => double_byte_run(active.g0, rest, &mut out),
            b'\\' | b'^' | b'=' => {
                active.g0.decode_run(&rest[..1], &mut out);
                active.reset_to(initial);
                1
            }
            0x21..=0x7E => single_byte_run(active.g0, rest, &mut out),
            0x80..=0xFF => upper_run(active.g1, rest, &mut out),
        };
        rest = &rest[taken..];
    }
    out
}

/// Takes an escape sequence: ESC, intermediates 0x20–0x2F, a final byte. One of an unknown set leaves U+FFFD.
fn escape(bytes: &[u8], active: &mut Designation, out: &mut String) -> usize {
    let intermediates = run_length(&bytes[1..], |byte| matches!(byte, 0x20..=0x2F));
    let len = (intermediates + 2).min(bytes.len());
    if !designate(&bytes[1..len], active) {
        out.push(char::REPLACEMENT_CHARACTER);
    }
    len
}

/// Applies an escape sequence given without ESC; false if it designates no set known here.
///
/// PS3.3 Tables C.12-3 and C.12-4, and besides them what ISO-2022-JP, -KR and -CN writers use: JIS X 0208 of 1978, katakana in G0, and
/// the two-byte sets in the other half.
fn designate(sequence: &[u8], active: &mut Designation) -> bool {
    match sequence {
        b"(B" => active.g0 = Set::Ascii,
        b"(J" => active.g0 = Set::Romaji,
        b"(I" => active.g0 = Set::Katakana,
        b"$B" | b"$@" | b"$(B" | b"$(@" => active.g0 = Set::JisX0208,
        b"$(D" => active.g0 = Set::JisX0212,
        b"$(C" => active.g0 = Set::KsX1001,
        b"$A" | b"$(A" => active.g0 = Set::Gb2312,
        b")I" => active.g1 = Some(Set::Katakana),
        b"$)B" => active.g1 = Some(Set::JisX0208),
        b"$)D" => active.g1 = Some(Set::JisX0212),
        b"$)C" => active.g1 = Some(Set::KsX1001),
        b"$)A" => active.g1 = Some(Set::Gb2312),
        b"-A" => active.g1 = Some(Set::Latin1),
        b"-B" => active.g1 = Some(Set::Latin2),
        b"-C" => active.g1 = Some(Set::Latin3),
        b"-D" => active.g1 = Some(Set::Latin4),
        b"-F" => active.g1 = Some(Set::Greek),
        b"-G" => active.g1 = Some(Set::Arabic),
        b"-H" => active.g1 = Some(Set::Hebrew),
        b"-L" => active.g1 = Some(Set::Cyrillic),
        b"-M" => active.g1 = Some(Set::Latin5),
        b"-T" => active.g1 = Some(Set::Thai),
        b"-b" => active.g1 = Some(Set::Latin9),
        _ => return false,
    }
    true
}

/// A run of two-byte characters in G0. A byte left over stands for itself: a writer that forgets to go back to ASCII before a delimiter
/// leaves one.
fn double_byte_run(set: Set, bytes: &[u8], out: &mut String) -> usize {
    let len = run_length(bytes, |byte| matches!(byte, 0x21..=0x7E));
    let (pairs, left_over) = bytes[..len].split_at(len & !1);
    set.decode_run(pairs, out);
    Set::Ascii.decode_run(left_over, out);
    len
}

fn single_byte_run(set: Set, bytes: &[u8], out: &mut String) -> usize {
    let len = run_length(bytes, |byte| matches!(byte, 0x21..=0x7E) && !matches!(byte, b'\\' | b'^' | b'='));
    set.decode_run(&bytes[..len], out);
    len
}

/// A run of bytes above 0x7F, which G1 gives a meaning if there is one.
fn upper_run(set: Option<Set>, bytes: &[u8], out: &mut String) -> usize {
    let len = run_length(bytes, |byte| byte >= 0x80);
    set.unwrap_or(Set::Ascii).decode_run(&bytes[..len], out);
    len
}

fn run_length(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !belongs(*byte)).unwrap_or(bytes.len())
}
