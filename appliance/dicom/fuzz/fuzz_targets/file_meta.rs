//! Any bytes as the start of a Part-10 file; what is read must lie inside the bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(meta) = relaypacs_dicom::read_file_meta(&mut &bytes[..]) {
        assert!(meta.data_set_offset <= bytes.len() as u64);
    }
});
