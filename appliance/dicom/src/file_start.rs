//! What a file is, judged by how it begins. People's files come with a preamble and file meta group (PS3.10 §7.1), without a preamble, without
//! either, or are no DICOM at all.
//!
//! Nothing is read beyond what is handed in; [`file_start`] asks for more until [`MAX_META`](crate::MAX_META) at most.

use relaypacs_domain::Uid;

use crate::{
    header::Encoding,
    part10::{self, Group, MAX_META, Part10Error},
};

/// What a file begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileStart {
    /// A data set, perhaps behind a preamble and a file meta group.
    Dicom(DicomStart),
    /// A ZIP archive (its local file header).
    Zip,
    /// More bytes must be seen.
    Unclear,
    /// Something else, and why.
    Other(&'static str),
}

/// Where a file's data set begins, and what was said before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DicomStart {
    /// Bytes before the data set.
    pub data_set_offset: u64,
    /// In which it is: as the meta group says, else as its first element looks.
    pub transfer_syntax: Uid,
    /// Whether a meta group said so. Without one a data set with encapsulated pixels cannot be told from one with others.
    pub named: bool,
    /// (0002,0002).
    pub sop_class: Option<Uid>,
    /// (0002,0003).
    pub sop_instance: Option<Uid>,
}

const PREAMBLE: usize = 128;
/// A data set without anything before it is only taken for one when it begins with this group: real ones do.
const FIRST_GROUP: u16 = 0x0008;

/// Judges the first bytes of a file. `ended`: it has no more.
pub fn file_start(bytes: &[u8], ended: bool) -> FileStart {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return FileStart::Zip;
    }
    let unclear = |why| if ended || bytes.len() as u64 >= MAX_META { FileStart::Other(why) } else { FileStart::Unclear };
    match bytes.get(PREAMBLE..PREAMBLE + 4) {
        Some(b"DICM") => with_meta(bytes, (PREAMBLE + 4) as u64, unclear),
        None if !ended => FileStart::Unclear,
        _ if bytes.starts_with(b"DICM") => with_meta(bytes, 4, unclear),
        _ if bytes.starts_with(&[2, 0]) => with_meta(bytes, 0, unclear),
        _ => without_meta(bytes, 0, (None, None), unclear),
    }
}

fn with_meta(bytes: &[u8], at: u64, unclear: impl Fn(&'static str) -> FileStart) -> FileStart {
    let meta = match part10::read_group(&mut &bytes[at as usize..]) {
        Ok(meta) => meta,
        // It ends too early: perhaps because the rest has not come.
        Err(Part10Error::NotDicom(why)) => return unclear(why),
        Err(Part10Error::Io(_)) => return unclear("it cannot be read"),
    };
    let data_set_offset = at + meta.len;
    let Group { sop_class, sop_instance, .. } = meta;
    match meta.transfer_syntax {
        Some(transfer_syntax) => FileStart::Dicom(DicomStart { data_set_offset, transfer_syntax, named: true, sop_class, sop_instance }),
        None => without_meta(bytes, data_set_offset, (sop_class, sop_instance), unclear),
    }
}

/// A data set of which nobody said in which transfer syntax it is.
fn without_meta(
    bytes: &[u8],
    at: u64,
    (sop_class, sop_instance): (Option<Uid>, Option<Uid>),
    unclear: impl Fn(&'static str) -> FileStart,
) -> FileStart {
    let Some(first) = bytes.get(at as usize..).and_then(|rest| rest.first_chunk()) else {
        return unclear("it has neither DICM nor a data set");
    };
    match Encoding::of_first(*first, FIRST_GROUP) {
        Some(encoding) => {
            let transfer_syntax = encoding.transfer_syntax();
            FileStart::Dicom(DicomStart { data_set_offset: at, transfer_syntax, named: false, sop_class, sop_instance })
        }
        None => FileStart::Other("it has neither DICM nor a data set"),
    }
}

#[cfg(test)]
mod tests {
    use relaypacs_domain::Identity;

    use super::*;

    fn uid(text: &str) -> Uid {
        text.parse().expect("a UID")
    }

    fn meta() -> Vec<u8> {
        let identity = Identity {
            sop_class: uid("1.2.3"),
            sop_instance: uid("1.2.3.4"),
            transfer_syntax: uid("1.2.840.10008.1.2.4.50"),
            study: None,
            series: None,
        };
        crate::file_meta(&identity, None)
    }

    const EXPLICIT: [u8; 12] = [8, 0, 5, 0, b'C', b'S', 4, 0, b'A', b'B', b'C', b'D'];
    const IMPLICIT: [u8; 12] = [8, 0, 5, 0, 4, 0, 0, 0, b'A', b'B', b'C', b'D'];
    const BIG: [u8; 12] = [0, 8, 0, 5, b'C', b'S', 0, 4, b'A', b'B', b'C', b'D'];

    #[test]
    fn every_kind_of_start_is_known_from_its_first_bytes_on() {
        let whole = [&meta()[..], &EXPLICIT].concat();
        let long = |start: &[u8]| [start, &[0; 400]].concat();
        let check = |bytes: Vec<u8>, offset: usize, syntax: &str, named: bool| {
            let FileStart::Dicom(start) = file_start(&bytes, true) else { panic!("{syntax} at {offset}: {:?}", file_start(&bytes, true)) };
            assert_eq!((start.data_set_offset, start.transfer_syntax.as_str(), start.named), (offset as u64, syntax, named));
            // Before that it is unclear, never something else.
            for cut in 0..offset {
                assert!(matches!(file_start(&bytes[..cut], false), FileStart::Unclear), "cut at {cut}");
            }
        };
        let jpeg = "1.2.840.10008.1.2.4.50";
        check(whole.clone(), meta().len(), jpeg, true);
        check(whole[128..].to_vec(), meta().len() - 128, jpeg, true);
        check(whole[132..].to_vec(), meta().len() - 132, jpeg, true);
        check(EXPLICIT.to_vec(), 0, "1.2.840.10008.1.2.1", false);
        check(IMPLICIT.to_vec(), 0, "1.2.840.10008.1.2", false);
        check(long(&BIG), 0, "1.2.840.10008.1.2.2", false);
    }

    #[test]
    fn what_is_no_dicom_says_why() {
        for other in
            [&b"%PDF-1.7 and so on"[..], b"", b"\x89PNG\r\n\x1a\n", &[0; 300], &[0xFF; 300], b"Dear colleague, I am writing to you about"]
        {
            assert!(matches!(file_start(other, true), FileStart::Other(_)), "{other:?}: {:?}", file_start(other, true));
        }
        assert_eq!(file_start(b"PK\x03\x04\x14", false), FileStart::Zip);
        // A meta group that never ends is not waited for.
        let mut endless = meta()[..144].to_vec();
        endless.extend_from_slice(&[2, 0, 2, 1, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        endless.resize(MAX_META as usize, 0);
        assert!(matches!(file_start(&endless, false), FileStart::Other(_)));
    }
}
