//! Test images: valid, deterministic, made in memory. Explicit VR Little Endian; a disc under noise in the low bits, so that the bytes are neither
//! trivially compressible nor random. The oddities (other syntaxes, character sets, broken headers) come from `bench/gen_dicom.py`.

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    part10::{Object, sha256_hex},
    wire::EXPLICIT_LE,
};

/// What kind of image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Computed tomography, 512 × 512.
    Ct,
    /// Magnetic resonance, 128 × 128.
    Mr,
    /// Computed radiography, 2048 × 2048.
    Cr,
    /// X-ray angiography, many frames of 512 × 512.
    Xa,
}

impl Kind {
    /// SOP Class UID.
    pub fn class(self) -> &'static str {
        match self {
            Self::Ct => "1.2.840.10008.5.1.4.1.1.2",
            Self::Mr => "1.2.840.10008.5.1.4.1.1.4",
            Self::Cr => "1.2.840.10008.5.1.4.1.1.1",
            Self::Xa => "1.2.840.10008.5.1.4.1.1.12.1",
        }
    }

    /// Modality (0008,0060).
    pub fn modality(self) -> &'static str {
        match self {
            Self::Ct => "CT",
            Self::Mr => "MR",
            Self::Cr => "CR",
            Self::Xa => "XA",
        }
    }

    fn side(self) -> u16 {
        match self {
            Self::Ct | Self::Xa => 512,
            Self::Mr => 128,
            Self::Cr => 2048,
        }
    }
}

/// One image to make.
#[derive(Debug, Clone)]
pub struct Image {
    kind: Kind,
    study: u64,
    series: u32,
    number: u32,
    side: u16,
    frames: u32,
    priority: Option<&'static str>,
}

impl Image {
    /// The first image of the first series of study number `study`.
    pub fn new(kind: Kind, study: u64) -> Self {
        Self { kind, study, series: 1, number: 1, side: kind.side(), frames: 1, priority: None }
    }

    /// Series Number and Instance Number.
    #[must_use]
    pub fn at(self, series: u32, number: u32) -> Self {
        Self { series, number, ..self }
    }

    /// Rows and columns (even).
    #[must_use]
    pub fn side(self, side: u16) -> Self {
        Self { side, ..self }
    }

    /// Number of Frames.
    #[must_use]
    pub fn frames(self, frames: u32) -> Self {
        Self { frames, ..self }
    }

    /// Requested Procedure Priority (0040,1003).
    #[must_use]
    pub fn priority(self, priority: &'static str) -> Self {
        Self { priority: Some(priority), ..self }
    }

    /// SOP Class UID.
    pub fn class(&self) -> &'static str {
        self.kind.class()
    }

    /// SOP Instance UID.
    pub fn instance_uid(&self) -> String {
        uid(&format!("instance/{}/{}/{}/{}", self.kind.modality(), self.study, self.series, self.number))
    }

    /// Study Instance UID.
    pub fn study_uid(&self) -> String {
        uid(&format!("study/{}/{}", self.kind.modality(), self.study))
    }

    fn series_uid(&self) -> String {
        uid(&format!("series/{}/{}/{}", self.kind.modality(), self.study, self.series))
    }

    /// The data set up to the value of Pixel Data.
    fn header(&self) -> Vec<u8> {
        let mut d = vec![];
        let number = |v: u16| v.to_le_bytes().to_vec();
        let text = |d: &mut Vec<u8>, group, element, vr, value: &str| {
            let mut v = value.as_bytes().to_vec();
            if v.len() % 2 == 1 {
                v.push(if vr == b"UI" { 0 } else { b' ' });
            }
            push(d, group, element, vr, &v);
        };
        text(&mut d, 0x0008, 0x0005, b"CS", "ISO_IR 100");
        text(&mut d, 0x0008, 0x0008, b"CS", "ORIGINAL\\PRIMARY");
        text(&mut d, 0x0008, 0x0016, b"UI", self.class());
        text(&mut d, 0x0008, 0x0018, b"UI", &self.instance_uid());
        text(&mut d, 0x0008, 0x0020, b"DA", "20260115");
        text(&mut d, 0x0008, 0x0030, b"TM", "101010");
        text(&mut d, 0x0008, 0x0050, b"SH", &format!("A{:07}", self.study));
        text(&mut d, 0x0008, 0x0060, b"CS", self.kind.modality());
        text(&mut d, 0x0008, 0x0070, b"LO", "SYNTH");
        text(&mut d, 0x0008, 0x0080, b"LO", "Test Hospital");
        text(&mut d, 0x0008, 0x0090, b"PN", "Referring^Doctor");
        text(&mut d, 0x0008, 0x1010, b"SH", "STATION1");
        text(&mut d, 0x0008, 0x1030, b"LO", "Generated study");
        text(&mut d, 0x0008, 0x103E, b"LO", &format!("Series {}", self.series));
        push(&mut d, 0x0010, 0x0010, b"PN", b"M\xFCller^Generated");
        text(&mut d, 0x0010, 0x0020, b"LO", &format!("P{:07}", self.study));
        text(&mut d, 0x0010, 0x0030, b"DA", "19700101");
        text(&mut d, 0x0010, 0x0040, b"CS", "O");
        text(&mut d, 0x0020, 0x000D, b"UI", &self.study_uid());
        text(&mut d, 0x0020, 0x000E, b"UI", &self.series_uid());
        text(&mut d, 0x0020, 0x0010, b"SH", "1");
        text(&mut d, 0x0020, 0x0011, b"IS", &self.series.to_string());
        text(&mut d, 0x0020, 0x0013, b"IS", &self.number.to_string());
        push(&mut d, 0x0028, 0x0002, b"US", &number(1));
        text(&mut d, 0x0028, 0x0004, b"CS", "MONOCHROME2");
        if self.frames > 1 {
            text(&mut d, 0x0028, 0x0008, b"IS", &self.frames.to_string());
        }
        push(&mut d, 0x0028, 0x0010, b"US", &number(self.side));
        push(&mut d, 0x0028, 0x0011, b"US", &number(self.side));
        for (element, value) in [(0x0100, 16), (0x0101, 12), (0x0102, 11), (0x0103, 0)] {
            push(&mut d, 0x0028, element, b"US", &number(value));
        }
        if let Some(priority) = self.priority {
            text(&mut d, 0x0040, 0x1003, b"SH", priority);
        }
        d.extend([0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0]);
        d.extend((self.pixel_bytes() as u32).to_le_bytes());
        d
    }

    /// Bytes of Pixel Data.
    fn pixel_bytes(&self) -> u64 {
        u64::from(self.side) * u64::from(self.side) * 2 * u64::from(self.frames)
    }

    /// Bytes of the data set.
    pub fn data_set_bytes(&self) -> u64 {
        self.header().len() as u64 + self.pixel_bytes()
    }

    /// The data set as a stream, for objects larger than one wants in memory.
    pub fn data_set(&self) -> impl Read {
        io::Cursor::new(self.header()).chain(Pixels::new(self))
    }

    /// The image as a Part-10 file.
    pub fn object(&self) -> Object {
        let mut file = self.preamble();
        let _ = self.data_set().read_to_end(&mut file).expect("memory does not fail");
        Object::new(file).expect("what was made here is a Part-10 file")
    }

    /// Writes the image as a Part-10 file without holding it in memory; gives the SHA-256 of its data set.
    pub fn write(&self, path: &Path) -> io::Result<String> {
        use io::Write;
        let mut out = io::BufWriter::with_capacity(1 << 20, fs::File::create(path)?);
        out.write_all(&self.preamble())?;
        let mut data = Hashing::new(self.data_set());
        io::copy(&mut data, &mut out)?;
        out.flush()?;
        Ok(data.sha256())
    }

    /// Preamble and file meta group.
    fn preamble(&self) -> Vec<u8> {
        let mut meta = vec![];
        push(&mut meta, 2, 0x0001, b"OB", &[0, 1]);
        for (element, value) in [(0x0002, self.class()), (0x0003, &self.instance_uid()), (0x0010, EXPLICIT_LE), (0x0012, "2.25.99887766")] {
            push(&mut meta, 2, element, b"UI", &crate::wire::padded(value));
        }
        let mut file = vec![0; 128];
        file.extend(b"DICM");
        push(&mut file, 2, 0, b"UL", &(meta.len() as u32).to_le_bytes());
        file.extend(meta);
        file
    }
}

/// One element in Explicit VR Little Endian; the value is even.
fn push(out: &mut Vec<u8>, group: u16, element: u16, vr: &[u8; 2], value: &[u8]) {
    out.extend(group.to_le_bytes());
    out.extend(element.to_le_bytes());
    out.extend(vr);
    if vr == b"OB" || vr == b"OW" {
        out.extend([0, 0]);
        out.extend((value.len() as u32).to_le_bytes());
    } else {
        out.extend((value.len() as u16).to_le_bytes());
    }
    out.extend(value);
}

/// A UID under 2.25 (PS3.5 annex B.2) that depends on its name alone.
pub fn uid(name: &str) -> String {
    let hash = Sha256::digest(name);
    let mut number = [0; 16];
    number[1..].copy_from_slice(&hash[..15]);
    format!("2.25.1{:036}", u128::from_be_bytes(number))
}

/// The pixels: one picture for all frames, with the frame's number in the first pixels.
struct Pixels {
    frame: Vec<u8>,
    at: u64,
    end: u64,
}

impl Pixels {
    fn new(image: &Image) -> Self {
        let seed = image.study << 40 | u64::from(image.series) << 32 | u64::from(image.number);
        Self { frame: picture(image.side, seed), at: 0, end: image.pixel_bytes() }
    }
}

/// A disc under five bits of noise, 16 bits a pixel.
fn picture(side: u16, seed: u64) -> Vec<u8> {
    let (side, mut noise) = (i32::from(side), 0x9E37_79B9_7F4A_7C15 ^ seed);
    let mut out = Vec::with_capacity(side as usize * side as usize * 2);
    for y in 0..side {
        for x in 0..side {
            // xorshift64
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            let (dx, dy) = (2 * x - side, 2 * y - side);
            let disc = if (dx * dx + dy * dy) * 25 < side * side * 16 { 0x0700 } else { 0 };
            out.extend((disc + (noise & 0x1F) as u16).to_le_bytes());
        }
    }
    out
}

impl Read for Pixels {
    fn read(&mut self, b: &mut [u8]) -> io::Result<usize> {
        let (size, at) = (self.frame.len() as u64, self.at);
        let within = (at % size) as usize;
        if within == 0 {
            self.frame[..4].copy_from_slice(&((at / size) as u32 & 0x0FFF_0FFF).to_le_bytes());
        }
        let n = b.len().min(self.frame.len() - within).min((self.end - at) as usize);
        b[..n].copy_from_slice(&self.frame[within..within + n]);
        self.at += n as u64;
        Ok(n)
    }
}

/// A reader that hashes what passes.
pub struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Hashing<R> {
    /// Hashes what is read from `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    /// The SHA-256 of all that passed.
    pub fn sha256(self) -> String {
        crate::part10::hex(&self.hash.finalize())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, b: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(b)?;
        self.hash.update(&b[..n]);
        Ok(n)
    }
}

/// A file on disk and what is known of it.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Where it lies.
    pub path: PathBuf,
    /// SOP Instance UID.
    pub sop: String,
    /// Transfer Syntax UID.
    pub syntax: String,
    /// SHA-256 of the data set.
    pub sha256: String,
}

/// The files of a set made by `bench/gen_dicom.py`, from its manifest.
pub fn made_set(dir: &Path) -> Vec<Sample> {
    let manifest = fs::read_to_string(dir.join("manifest.jsonl")).expect("gen_dicom.py writes a manifest");
    let lines = manifest.lines().map(|l| serde_json::from_str::<Value>(l).expect("gen_dicom.py writes JSON"));
    lines
        .map(|l| {
            let text = |key: &str| l[key].as_str().expect("gen_dicom.py fills every field").to_string();
            Sample { path: dir.join(text("path")), sop: text("sop"), syntax: text("ts"), sha256: text("sha256") }
        })
        .collect()
}

/// Writes images into a folder (`00000.dcm` …).
pub fn write_set(dir: &Path, images: impl IntoIterator<Item = Image>) -> Vec<Sample> {
    fs::create_dir_all(dir).expect("test folder");
    images
        .into_iter()
        .enumerate()
        .map(|(i, image)| {
            let (object, path) = (image.object(), dir.join(format!("{i:05}.dcm")));
            fs::write(&path, &object.file).expect("test folder");
            Sample { path, sop: object.meta.instance.clone(), syntax: object.meta.syntax.clone(), sha256: sha256_hex(object.data_set()) }
        })
        .collect()
}

/// `n` images of one study, spread over `series` series.
pub fn study(kind: Kind, study: u64, n: u32, series: u32) -> impl Iterator<Item = Image> {
    (0..n).map(move |i| Image::new(kind, study).at(i % series + 1, i / series + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_as_long_as_it_says() {
        let image = Image::new(Kind::Xa, 3).side(64).frames(5);
        let mut data = vec![];
        image.data_set().read_to_end(&mut data).unwrap();
        assert_eq!(data.len() as u64, image.data_set_bytes());
        assert_eq!(sha256_hex(&data), image.object().sha256());
    }

    #[test]
    fn images_of_a_study_have_their_own_uids_and_pixels() {
        let samples: Vec<Object> = study(Kind::Mr, 1, 8, 2).map(|i| i.side(32).object()).collect();
        let distinct: std::collections::HashSet<String> = samples.iter().map(Object::sha256).collect();
        assert_eq!(distinct.len(), 8);
        assert!(samples.iter().all(|o| o.uid(crate::part10::STUDY) == samples[0].uid(crate::part10::STUDY)));
    }
}
