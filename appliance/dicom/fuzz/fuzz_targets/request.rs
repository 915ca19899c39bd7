//! Any bytes as an A-ASSOCIATE-RQ.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| relaypacs_dicom::fuzzing::request(body));
