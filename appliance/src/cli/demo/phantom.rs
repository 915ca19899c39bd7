//! A CT of nobody: valid CT Image Storage instances (PS3.3 A.3) that show a head phantom.
//!
//! The picture is the head phantom of Shepp and Logan (1974) made solid: ellipses of known density, cut in slices. UIDs are new each time,
//! so that every run is a new study.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use relaypacs_dicom::file_meta;
use relaypacs_domain::{AeTitle, Identity, Sha256, Timestamp, Uid};
use sha2::Digest;
use uuid::Uuid;

/// CT Image Storage (PS3.4 B.5).
const CT_IMAGE_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.2";
/// Explicit VR Little Endian (PS3.5 A.2).
const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
/// Rows and columns of a slice.
const SIZE: usize = 512;
/// Distance of pixels in millimetres.
const PIXEL_MM: f64 = 0.45;
/// Distance of slices in millimetres.
const SLICE_MM: f64 = 4.0;

/// An ellipsoid of the phantom; lengths relative to half the picture.
struct Ellipsoid {
    /// Added to what lies below, in Hounsfield units.
    density: f64,
    half_axes: [f64; 3],
    centre: [f64; 3],
    /// Turned about the body's axis, in degrees.
    turned: f64,
}

const fn ellipsoid(density: f64, half_axes: [f64; 3], centre: [f64; 3], turned: f64) -> Ellipsoid {
    Ellipsoid { density, half_axes, centre, turned }
}

/// Skull, brain, ventricles and some lesions.
const HEAD: [Ellipsoid; 10] = [
    ellipsoid(2000.0, [0.69, 0.92, 0.90], [0.0, 0.0, 0.0], 0.0),
    ellipsoid(-960.0, [0.6624, 0.874, 0.88], [0.0, -0.0184, 0.0], 0.0),
    ellipsoid(-40.0, [0.11, 0.31, 0.22], [0.22, 0.0, 0.0], -18.0),
    ellipsoid(-40.0, [0.16, 0.41, 0.28], [-0.22, 0.0, 0.0], 18.0),
    ellipsoid(30.0, [0.21, 0.25, 0.41], [0.0, 0.35, -0.15], 0.0),
    ellipsoid(30.0, [0.046, 0.046, 0.05], [0.0, 0.1, 0.25], 0.0),
    ellipsoid(30.0, [0.046, 0.046, 0.05], [0.0, -0.1, 0.25], 0.0),
    ellipsoid(30.0, [0.046, 0.023, 0.05], [-0.08, -0.605, 0.0], 0.0),
    ellipsoid(30.0, [0.023, 0.023, 0.02], [0.0, -0.606, 0.0], 0.0),
    ellipsoid(30.0, [0.023, 0.046, 0.02], [0.06, -0.605, 0.0], 0.0),
];

/// One generated instance.
#[derive(Debug, Clone)]
pub(super) struct Slice {
    /// SOP Instance UID.
    pub(super) sop_instance: Uid,
    /// SHA-256 of its data set.
    pub(super) sha256: Sha256,
    /// Its Part-10 file.
    pub(super) file: PathBuf,
    /// Length of its data set.
    pub(super) bytes: u64,
}

/// A generated study.
#[derive(Debug, Clone)]
pub(super) struct Study {
    /// Study Instance UID.
    pub(super) uid: Uid,
    /// Its slices, from the feet up.
    pub(super) slices: Vec<Slice>,
}

/// Makes a study of `count` slices as files in `folder`. Blocks.
pub(super) fn generate(folder: &Path, count: usize, calling_ae: &AeTitle, now: Timestamp) -> io::Result<Study> {
    std::fs::create_dir_all(folder)?;
    let uids = Uids { study: new_uid(), series: new_uid(), frame_of_reference: new_uid() };
    let slices = (0..count).map(|index| slice(folder, &uids, index, count, calling_ae, now)).collect::<io::Result<_>>()?;
    Ok(Study { uid: uids.study, slices })
}

struct Uids {
    study: Uid,
    series: Uid,
    frame_of_reference: Uid,
}

/// A UID derived from a UUID (PS3.5 B.2).
#[expect(clippy::expect_used, reason = "2.25. and at most 39 digits are always a UID")]
fn new_uid() -> Uid {
    format!("2.25.{}", Uuid::new_v4().as_u128()).parse().expect("a UUID makes a UID")
}

fn slice(folder: &Path, uids: &Uids, index: usize, count: usize, calling_ae: &AeTitle, now: Timestamp) -> io::Result<Slice> {
    let sop_instance = new_uid();
    // From -1 (feet) to 1 (crown), never quite reaching either.
    let height = (index as f64 + 0.5) / count as f64 * 2.0 - 1.0;
    let at_mm = height * count as f64 / 2.0 * SLICE_MM;
    let data_set = data_set(uids, &sop_instance, index, at_mm, now, &picture(height));
    let uid = |text: &str| text.parse::<Uid>().map_err(io::Error::other);
    let identity = Identity {
        sop_class: uid(CT_IMAGE_STORAGE)?,
        sop_instance: sop_instance.clone(),
        transfer_syntax: uid(EXPLICIT_LITTLE_ENDIAN)?,
        study: Some(uids.study.clone()),
        series: Some(uids.series.clone()),
    };
    let file = folder.join(format!("slice-{:03}.dcm", index + 1));
    let mut writer = File::create(&file)?;
    writer.write_all(&file_meta(&identity, Some(calling_ae)))?;
    writer.write_all(&data_set)?;
    Ok(Slice { sop_instance, sha256: Sha256(sha2::Sha256::digest(&data_set).into()), file, bytes: data_set.len() as u64 })
}

/// The data set in Explicit VR Little Endian, elements in ascending order: the modules that PS3.3 A.3.3 asks of a CT image.
fn data_set(uids: &Uids, sop_instance: &Uid, index: usize, at_mm: f64, now: Timestamp, pixels: &[i16]) -> Vec<u8> {
    let stamp = now.to_string();
    let date = stamp[..10].replace('-', "");
    let time = stamp[11..19].replace(':', "");
    let corner = -(SIZE as f64) / 2.0 * PIXEL_MM;
    let mut out = DataSet(Vec::with_capacity(pixels.len() * 2 + 4096));
    out.text(0x0008_0005, *b"CS", "ISO_IR 100");
    out.text(0x0008_0008, *b"CS", "ORIGINAL\\PRIMARY\\AXIAL");
    out.text(0x0008_0016, *b"UI", CT_IMAGE_STORAGE);
    out.text(0x0008_0018, *b"UI", sop_instance.as_str());
    out.text(0x0008_0020, *b"DA", &date);
    out.text(0x0008_0021, *b"DA", &date);
    out.text(0x0008_0022, *b"DA", &date);
    out.text(0x0008_0023, *b"DA", &date);
    out.text(0x0008_0030, *b"TM", &time);
    out.text(0x0008_0031, *b"TM", &time);
    out.text(0x0008_0032, *b"TM", &time);
    out.text(0x0008_0033, *b"TM", &time);
    out.text(0x0008_0050, *b"SH", "DEMO");
    out.text(0x0008_0060, *b"CS", "CT");
    out.text(0x0008_0070, *b"LO", "RelayPACS");
    out.text(0x0008_0080, *b"LO", "Demo clinic");
    out.text(0x0008_0090, *b"PN", "");
    out.text(0x0008_1010, *b"SH", "DEMO_CT");
    out.text(0x0008_1030, *b"LO", "Head phantom");
    out.text(0x0008_103E, *b"LO", "Axial 4 mm");
    out.text(0x0008_1090, *b"LO", "Head phantom generator");
    out.text(0x0010_0010, *b"PN", "PHANTOM^HEAD");
    out.text(0x0010_0020, *b"LO", "DEMO-1");
    out.text(0x0010_0030, *b"DA", "");
    out.text(0x0010_0040, *b"CS", "O");
    out.text(0x0018_0015, *b"CS", "HEAD");
    out.text(0x0018_0050, *b"DS", &SLICE_MM.to_string());
    out.text(0x0018_0060, *b"DS", "120");
    out.text(0x0018_5100, *b"CS", "HFS");
    out.text(0x0020_000D, *b"UI", uids.study.as_str());
    out.text(0x0020_000E, *b"UI", uids.series.as_str());
    out.text(0x0020_0010, *b"SH", "1");
    out.text(0x0020_0011, *b"IS", "1");
    out.text(0x0020_0012, *b"IS", "1");
    out.text(0x0020_0013, *b"IS", &(index + 1).to_string());
    out.text(0x0020_0032, *b"DS", &format!("{corner}\\{corner}\\{at_mm}"));
    out.text(0x0020_0037, *b"DS", "1\\0\\0\\0\\1\\0");
    out.text(0x0020_0052, *b"UI", uids.frame_of_reference.as_str());
    out.text(0x0020_1040, *b"LO", "");
    out.text(0x0020_1041, *b"DS", &at_mm.to_string());
    out.number(0x0028_0002, 1);
    out.text(0x0028_0004, *b"CS", "MONOCHROME2");
    out.number(0x0028_0010, SIZE as u16);
    out.number(0x0028_0011, SIZE as u16);
    out.text(0x0028_0030, *b"DS", &format!("{PIXEL_MM}\\{PIXEL_MM}"));
    out.number(0x0028_0100, 16);
    out.number(0x0028_0101, 16);
    out.number(0x0028_0102, 15);
    out.number(0x0028_0103, 1);
    out.text(0x0028_1050, *b"DS", "40");
    out.text(0x0028_1051, *b"DS", "200");
    out.text(0x0028_1052, *b"DS", "0");
    out.text(0x0028_1053, *b"DS", "1");
    out.text(0x0028_1054, *b"LO", "HU");
    out.pixels(pixels);
    out.0
}

/// Elements written one after the other (PS3.5 §7.1.2).
struct DataSet(Vec<u8>);

impl DataSet {
    fn text(&mut self, tag: u32, vr: [u8; 2], value: &str) {
        let padding = if vr == *b"UI" { 0 } else { b' ' };
        let length = value.len() + value.len() % 2;
        self.tag(tag, vr);
        // All texts here are far shorter than 64 KiB.
        self.0.extend_from_slice(&(length as u16).to_le_bytes());
        self.0.extend_from_slice(value.as_bytes());
        self.0.resize(self.0.len() + length - value.len(), padding);
    }

    fn number(&mut self, tag: u32, value: u16) {
        self.tag(tag, *b"US");
        self.0.extend_from_slice(&2u16.to_le_bytes());
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn pixels(&mut self, pixels: &[i16]) {
        self.tag(0x7FE0_0010, *b"OW");
        self.0.extend_from_slice(&[0, 0]);
        self.0.extend_from_slice(&(pixels.len() as u32 * 2).to_le_bytes());
        self.0.extend(pixels.iter().flat_map(|pixel| pixel.to_le_bytes()));
    }

    fn tag(&mut self, tag: u32, vr: [u8; 2]) {
        self.0.extend_from_slice(&((tag >> 16) as u16).to_le_bytes());
        self.0.extend_from_slice(&(tag as u16).to_le_bytes());
        self.0.extend_from_slice(&vr);
    }
}

/// The slice of the phantom at a height from -1 to 1, in Hounsfield units, row by row.
fn picture(height: f64) -> Vec<i16> {
    let mut pixels = vec![-1000.0f32; SIZE * SIZE];
    for ellipsoid in &HEAD {
        ellipsoid.add_to(&mut pixels, height);
    }
    pixels.into_iter().map(|density| density as i16).collect()
}

impl Ellipsoid {
    fn add_to(&self, pixels: &mut [f32], height: f64) {
        let above = (height - self.centre[2]) / self.half_axes[2];
        let left = 1.0 - above * above;
        if left <= 0.0 {
            return;
        }
        let (sin, cos) = self.turned.to_radians().sin_cos();
        let reach = self.half_axes[0].max(self.half_axes[1]) * left.sqrt();
        let pixel = |at: f64| (f64::midpoint(at, 1.0) * SIZE as f64).clamp(0.0, SIZE as f64) as usize;
        let position = |index: usize| (index as f64 + 0.5) / SIZE as f64 * 2.0 - 1.0;
        // Rows run downwards, the phantom's y axis upwards.
        for row in pixel(-self.centre[1] - reach)..pixel(-self.centre[1] + reach) {
            let y = -position(row) - self.centre[1];
            for column in pixel(self.centre[0] - reach)..pixel(self.centre[0] + reach) {
                let x = position(column) - self.centre[0];
                let (along, across) = ((x * cos + y * sin) / self.half_axes[0], (y * cos - x * sin) / self.half_axes[1]);
                if along * along + across * across <= left {
                    pixels[row * SIZE + column] += self.density as f32;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use relaypacs_dicom::{HeaderScanner, read_file_meta};

    use super::*;

    #[test]
    fn the_middle_shows_bone_around_brain_in_air() {
        let pixels = picture(0.0);
        let at = |row: usize, column: usize| pixels[row * SIZE + column];
        assert_eq!(at(0, 0), -1000, "air");
        assert_eq!(at(SIZE / 2, SIZE / 2 + 172), 1000, "skull");
        assert_eq!(at(SIZE / 2, SIZE / 2), 40, "brain");
        assert_eq!(at(SIZE / 2, SIZE / 2 + 56), 0, "ventricle");
    }

    #[test]
    fn a_slice_is_a_file_that_the_product_reads() {
        let folder = tempfile::tempdir().unwrap();
        let study = generate(folder.path(), 2, &"DEMO_CT".parse().unwrap(), Timestamp::from_millis(1_795_400_000_123)).unwrap();
        assert_eq!(study.slices.len(), 2);
        assert_ne!(study.slices[0].sha256, study.slices[1].sha256);
        let slice = &study.slices[1];
        let bytes = std::fs::read(&slice.file).unwrap();
        let meta = read_file_meta(&mut bytes.as_slice()).unwrap();
        assert_eq!(meta.sop_instance, slice.sop_instance);
        let data_set = &bytes[meta.data_set_offset as usize..];
        assert_eq!(data_set.len() as u64, slice.bytes);
        let mut scanner = HeaderScanner::new(&meta.transfer_syntax);
        scanner.feed(data_set);
        let (facts, parsed) = scanner.finish();
        assert!(parsed);
        assert_eq!(facts.study_instance_uid, Some(study.uid));
        assert_eq!(facts.study_date.as_deref(), Some("20261123"));
        assert_eq!((facts.modality.as_deref(), facts.rows, facts.instance_number), (Some("CT"), Some(512), Some(2)));
    }
}
