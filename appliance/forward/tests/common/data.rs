//! Small data sets for tests.

/// Secondary Capture.
pub(crate) const SOP_CLASS: &str = "1.2.840.10008.5.1.4.1.1.7";
/// Explicit VR little endian.
pub(crate) const TRANSFER_SYNTAX: &str = "1.2.840.10008.1.2.1";

/// A data set of a study, series and instance with some bytes of private payload.
pub(crate) fn data_set(study: &str, series: &str, instance: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut short = |group: u16, element: u16, vr: &[u8; 2], value: &str| {
        let mut value = value.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == b"UI" { 0 } else { b' ' });
        }
        out.extend_from_slice(&group.to_le_bytes());
        out.extend_from_slice(&element.to_le_bytes());
        out.extend_from_slice(vr);
        out.extend_from_slice(&(value.len() as u16).to_le_bytes());
        out.extend_from_slice(&value);
    };
    short(0x0008, 0x0016, b"UI", SOP_CLASS);
    short(0x0008, 0x0018, b"UI", instance);
    short(0x0008, 0x0060, b"CS", "OT");
    short(0x0010, 0x0010, b"PN", "TEST^FORWARD");
    short(0x0010, 0x0020, b"LO", "T1");
    short(0x0020, 0x000D, b"UI", study);
    short(0x0020, 0x000E, b"UI", series);
    short(0x0029, 0x0010, b"LO", "RELAYPACS TEST");
    out.extend_from_slice(&[0x29, 0x00, 0x01, 0x10, b'O', b'B', 0, 0]);
    let even = payload.len() + payload.len() % 2;
    out.extend_from_slice(&(even as u32).to_le_bytes());
    out.extend_from_slice(payload);
    out.resize(out.len() + even - payload.len(), 0);
    out
}
