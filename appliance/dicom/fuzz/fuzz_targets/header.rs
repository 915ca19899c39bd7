//! Any bytes in any encoding: no panic, and the same facts however they are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use relaypacs_dicom::HeaderScanner;
use relaypacs_domain::HeaderFacts;

const SYNTAXES: [&str; 4] = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"];

fn scan(syntax: &str, bytes: &[u8], piece: usize) -> (HeaderFacts, bool) {
    let mut scanner = HeaderScanner::new(&syntax.parse().unwrap());
    bytes.chunks(piece).for_each(|piece| scanner.feed(piece));
    scanner.finish()
}

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (syntax, piece, bytes) = input;
    let syntax = SYNTAXES[usize::from(syntax) % SYNTAXES.len()];
    assert_eq!(scan(syntax, bytes, usize::from(piece) + 1), scan(syntax, bytes, usize::MAX));
});
