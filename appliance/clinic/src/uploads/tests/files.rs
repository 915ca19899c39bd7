//! Small DICOM files.

use relaypacs_domain::Identity;

/// An element in explicit VR little endian. `tag`: group and element in one number.
pub(crate) fn element(tag: u32, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = [((tag >> 16) as u16).to_le_bytes(), (tag as u16).to_le_bytes()].concat();
    bytes.extend_from_slice(vr);
    if matches!(vr, b"OB" | b"OW" | b"SQ" | b"UT") {
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    } else {
        bytes.extend_from_slice(&(value.len() as u16).to_le_bytes());
    }
    bytes.extend_from_slice(value);
    bytes
}

/// An element of text, padded.
pub(crate) fn text(tag: u32, vr: &[u8; 2], value: &str) -> Vec<u8> {
    let mut bytes = value.as_bytes().to_vec();
    if bytes.len() % 2 == 1 {
        bytes.push(if vr == b"UI" { 0 } else { b' ' });
    }
    element(tag, vr, &bytes)
}

/// A Part-10 file with these elements.
pub(crate) fn file(syntax: &str, elements: &[Vec<u8>]) -> Vec<u8> {
    let identity = Identity {
        sop_class: "1.2".parse().unwrap(),
        sop_instance: "1.3".parse().unwrap(),
        transfer_syntax: syntax.parse().unwrap(),
        study: None,
        series: None,
    };
    [relaypacs_dicom::file_meta(&identity, None), elements.concat()].concat()
}

/// The data set of instance `number` of study `1.9.<study>`, with so many bytes of pixels.
pub(crate) fn data_set(study: u32, number: u32, pixels: usize) -> Vec<u8> {
    [
        text(0x0008_0016, b"UI", "1.2.840.10008.5.1.4.1.1.2"),
        text(0x0008_0018, b"UI", &format!("1.2.3.{number}")),
        text(0x0008_0020, b"DA", "20260115"),
        text(0x0008_0060, b"CS", "CT"),
        text(0x0010_0010, b"PN", "DOE^JANE"),
        text(0x0010_0020, b"LO", "P1"),
        text(0x0020_000D, b"UI", &format!("1.9.{study}")),
        text(0x0020_000E, b"UI", &format!("1.9.{study}.1")),
        element(0x7FE0_0010, b"OW", &(0..pixels).map(|at| (at as u32 * 31 + number) as u8).collect::<Vec<_>>()),
    ]
    .concat()
}

/// Instance `number` of study `1.9.1`.
pub(crate) fn small_file(number: u32, pixels: usize) -> Vec<u8> {
    file("1.2.840.10008.1.2.1", &[data_set(1, number, pixels)])
}
