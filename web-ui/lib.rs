//! The web page, built by `build.rs` and embedded: text as gzip and as brotli, everything else as it is, each with its validator.
//!
//! This crate knows paths, bytes and how long they may be kept. It knows no HTTP library, no route of the API and no configuration; who
//! serves decides what answers with the page and with which headers beside those named here.
//!
//! Invariants: a file under `assets/` carries a hash of its content in its name and may be kept for ever; every other one must be asked for
//! again; the entity tag changes whenever the bytes do; a file is kept compressed only where that is smaller.

use std::{
    borrow::Cow,
    io::{self, Read as _},
};

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// One embedded file.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// Where it is, without a leading slash: `assets/index-1a2b.js`.
    pub path: &'static str,
    /// Its media type, for `Content-Type`.
    pub content_type: &'static str,
    /// The first 32 hexadecimal digits of its SHA-256; quoted, it is a strong entity tag of the bytes as they are (RFC 9110 §8.8.3).
    pub sha256: &'static str,
    /// Whether the name changes with the content.
    pub immutable: bool,
    kept: Kept,
}

/// The bytes of a file.
#[derive(Debug, Clone, Copy)]
enum Kept {
    /// As they are.
    Plain(&'static [u8]),
    /// In both compressed forms; as they are they would make a third of the program.
    Packed { gzip: &'static [u8], brotli: &'static [u8] },
}

/// A form in which a file can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// `Content-Encoding: gzip`.
    Gzip,
    /// `Content-Encoding: br`.
    Brotli,
}

impl Encoding {
    /// The word for `Content-Encoding`; none for the file as it is.
    pub fn token(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }
}

impl File {
    /// The file of this path (without a leading slash), if there is one.
    pub fn find(path: &str) -> Option<&'static Self> {
        FILES.binary_search_by(|file| file.path.cmp(path)).ok().map(|place| &FILES[place])
    }

    /// The page that answers every address of the application.
    pub fn index() -> &'static Self {
        &FILES[INDEX]
    }

    /// Every embedded file, by path.
    pub fn all() -> &'static [Self] {
        FILES
    }

    /// The smallest form that a client with this `Accept-Encoding` takes (RFC 9110 §12.5.3). No header: the file as it is, unpacked for this client.
    ///
    /// # Errors
    ///
    /// The embedded gzip form does not unpack, which is a broken program.
    pub fn form(&self, accept_encoding: Option<&str>) -> io::Result<(Encoding, Cow<'static, [u8]>)> {
        let accepted = accept_encoding.unwrap_or_default();
        match self.kept {
            Kept::Plain(bytes) => Ok((Encoding::Identity, bytes.into())),
            Kept::Packed { brotli, .. } if accepts(accepted, "br") => Ok((Encoding::Brotli, brotli.into())),
            Kept::Packed { gzip, .. } if accepts(accepted, "gzip") => Ok((Encoding::Gzip, gzip.into())),
            Kept::Packed { gzip, .. } => {
                let mut plain = Vec::new();
                flate2::read::GzDecoder::new(gzip).read_to_end(&mut plain)?;
                Ok((Encoding::Identity, plain.into()))
            }
        }
    }

    /// The value of `Cache-Control`.
    pub fn cache_control(&self) -> &'static str {
        if self.immutable { "public, max-age=31536000, immutable" } else { "no-cache" }
    }
}

/// Whether an `Accept-Encoding` names this coding (or `*`) with a quality other than zero.
fn accepts(header: &str, coding: &str) -> bool {
    let quality_of = |wanted: &str| {
        header.split(',').find_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next()?;
            let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            name.eq_ignore_ascii_case(wanted).then(|| quality.and_then(|value| value.parse::<f32>().ok()).unwrap_or(1.0))
        })
    };
    quality_of(coding).or_else(|| quality_of("*")).is_some_and(|quality| quality > 0.0)
}

#[cfg(test)]
mod tests {
    use sha2::Digest as _;

    use super::*;

    #[test]
    fn accept_encoding_is_read_as_rfc_9110_says() {
        let cases = [
            ("", "br", false),
            ("br", "br", true),
            ("gzip, deflate, br, zstd", "br", true),
            ("gzip;q=1.0, br;q=0", "br", false),
            ("GZIP ; q=0.5", "gzip", true),
            ("*", "br", true),
            ("*;q=0", "gzip", false),
            ("*;q=0, gzip", "gzip", true),
            ("identity", "gzip", false),
            ("brotli", "br", false),
        ];
        for (header, coding, expected) in cases {
            assert_eq!(accepts(header, coding), expected, "{header:?} {coding}");
        }
    }

    #[test]
    fn files_are_sorted_and_found() {
        assert!(File::all().windows(2).all(|pair| pair[0].path < pair[1].path));
        for file in File::all() {
            assert_eq!(File::find(file.path).map(|found| found.path), Some(file.path));
        }
        assert!(File::find("/index.html").is_none());
        assert!(File::find("assets/../index.html").is_none());
    }

    #[test]
    fn the_page_is_asked_for_again_and_its_assets_are_not() {
        assert_eq!(File::index().path, "index.html");
        for file in File::all() {
            assert_eq!(file.immutable, file.path.starts_with("assets/"), "{}", file.path);
        }
        assert_eq!(File::index().cache_control(), "no-cache");
    }

    #[test]
    fn no_source_map_is_embedded() {
        assert!(File::all().iter().all(|file| !file.path.ends_with(".map")));
    }

    #[test]
    fn compressed_forms_hold_the_same_bytes_and_are_smaller() {
        for file in File::all() {
            let (encoding, identity) = file.form(None).unwrap();
            assert_eq!(encoding, Encoding::Identity);
            assert_eq!(file.sha256, sha256(&identity), "{}", file.path);
            let (encoding, bytes) = file.form(Some("gzip")).unwrap();
            if encoding == Encoding::Gzip {
                assert!(bytes.len() < identity.len(), "{}", file.path);
            }
            let (encoding, bytes) = file.form(Some("gzip, br")).unwrap();
            if encoding == Encoding::Brotli {
                let mut plain = Vec::new();
                brotli::Decompressor::new(&*bytes, 4096).read_to_end(&mut plain).unwrap();
                assert!(plain == *identity && bytes.len() < identity.len(), "{}", file.path);
            }
        }
    }

    fn sha256(bytes: &[u8]) -> String {
        sha2::Sha256::digest(bytes).iter().take(16).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
    }

    #[test]
    fn the_page_holds_no_inline_script_or_style() {
        let page = String::from_utf8(File::index().form(None).unwrap().1.into_owned()).unwrap();
        assert!(!page.contains("<style") && !page.contains("style=") && !page.contains("onload="));
        for script in page.split("<script").skip(1) {
            assert!(script.contains("src="), "{script}");
        }
    }
}
