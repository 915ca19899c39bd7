//! Any bytes on an established association: the same pieces and violations however the reads cut them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (read, buffer, bytes) = input;
    relaypacs_dicom::fuzzing::association(bytes, read.into(), buffer.into());
});
