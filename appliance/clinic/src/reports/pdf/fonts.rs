//! The fonts: two that are embedded in the program, and those of the system for what these do not have.

use std::{
    collections::HashMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use flate2::read::GzDecoder;
use krilla::text::Font;
use rustybuzz::Face;

use super::PdfError;

const REGULAR: &[u8] = include_bytes!("../../../fonts/DejaVuSans.ttf.gz");
const BOLD: &[u8] = include_bytes!("../../../fonts/DejaVuSans-Bold.ttf.gz");

/// Where systems keep fonts.
const SYSTEM: [&str; 3] = ["/usr/share/fonts", "/usr/local/share/fonts", "/var/lib/relaypacs/fonts"];
/// Names (lower case, beginning) of fonts with Chinese, Japanese or Korean, best first.
const WIDE: [&str; 12] = [
    "notosanscjk-regular",
    "notosanscjk",
    "notosanssc",
    "notosansjp",
    "notosanskr",
    "notosanstc",
    "sourcehansans",
    "wqy-microhei",
    "wqy-zenhei",
    "droidsansfallback",
    "ipag",
    "nanumgothic",
];
/// Largest font file in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// Files looked at below the system's font directories.
const MAX_FILES: usize = 5000;
/// Fallback fonts loaded for one report.
const MAX_FALLBACKS: usize = 4;
/// Widths kept for one report, of words and single characters.
const MAX_WIDTHS: usize = 20_000;

/// Which font.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum FontId {
    Regular,
    Bold,
    Fallback(usize),
}

/// The fonts of one report.
pub(super) struct Fonts {
    regular: Loaded,
    bold: Loaded,
    fallbacks: Vec<Loaded>,
    /// Files not loaded yet, best last; `None`: not looked for yet.
    candidates: Option<Vec<PathBuf>>,
    configured: Vec<PathBuf>,
    chosen: HashMap<(char, bool), FontId>,
    /// In ems: shaping a text costs as much as reading the font.
    widths: [HashMap<Box<str>, f32>; 2],
}

struct Loaded {
    font: Font,
    bytes: Arc<Vec<u8>>,
}

impl Loaded {
    fn new(bytes: Vec<u8>) -> Option<Self> {
        let bytes = Arc::new(bytes);
        Some(Self { font: Font::new(bytes.clone().into(), 0)?, bytes })
    }

    fn face(&self) -> Option<Face<'_>> {
        Face::from_slice(&self.bytes, 0)
    }

    fn has(&self, c: char) -> bool {
        self.face().is_some_and(|face| face.glyph_index(c).is_some_and(|glyph| glyph.0 != 0))
    }
}

impl Fonts {
    /// With the embedded fonts; others are read when a character asks for them.
    pub(super) fn new(configured: &[PathBuf]) -> Result<Self, PdfError> {
        Ok(Self {
            regular: unpacked(REGULAR)?,
            bold: unpacked(BOLD)?,
            fallbacks: Vec::new(),
            candidates: None,
            configured: configured.to_vec(),
            chosen: HashMap::new(),
            widths: Default::default(),
        })
    }

    /// The font that has a character; the plain one (which draws a box) when none has it.
    pub(super) fn choose(&mut self, c: char, bold: bool) -> FontId {
        if let Some(known) = self.chosen.get(&(c, bold)) {
            return *known;
        }
        let first = if bold { FontId::Bold } else { FontId::Regular };
        let found = self.find(c, first).unwrap_or(first);
        self.chosen.insert((c, bold), found);
        found
    }

    fn find(&mut self, c: char, first: FontId) -> Option<FontId> {
        if self.loaded(first).has(c) {
            return Some(first);
        }
        if self.regular.has(c) {
            return Some(FontId::Regular);
        }
        if let Some(known) = self.fallbacks.iter().position(|font| font.has(c)) {
            return Some(FontId::Fallback(known));
        }
        while self.fallbacks.len() < MAX_FALLBACKS {
            let candidates = self.candidates.get_or_insert_with(|| {
                let mut found = if self.configured.is_empty() { system_fonts() } else { self.configured.clone() };
                found.reverse();
                found
            });
            let next = candidates.pop()?;
            let Some(loaded) = read(&next).and_then(Loaded::new) else { continue };
            let fits = loaded.has(c);
            if fits {
                self.fallbacks.push(loaded);
                return Some(FontId::Fallback(self.fallbacks.len() - 1));
            }
        }
        None
    }

    /// How wide a text is in ems, where that is known.
    pub(super) fn width(&self, text: &str, bold: bool) -> Option<f32> {
        self.widths[usize::from(bold)].get(text).copied()
    }

    /// Keeps how wide a text is in ems.
    pub(super) fn keep_width(&mut self, text: &str, bold: bool, width: f32) {
        let widths = &mut self.widths[usize::from(bold)];
        if widths.len() < MAX_WIDTHS {
            widths.insert(text.into(), width);
        }
    }

    /// The font for drawing.
    pub(super) fn drawable(&self, id: FontId) -> Option<Font> {
        match id {
            FontId::Fallback(index) => self.fallbacks.get(index).map(|loaded| loaded.font.clone()),
            FontId::Regular | FontId::Bold => Some(self.loaded(id).font.clone()),
        }
    }

    /// The font for shaping, with its units to the em.
    pub(super) fn face(&self, id: FontId) -> Option<(Face<'_>, f32)> {
        let loaded = self.loaded(id);
        Some((loaded.face()?, loaded.font.units_per_em()))
    }

    fn loaded(&self, id: FontId) -> &Loaded {
        match id {
            FontId::Regular => &self.regular,
            FontId::Bold => &self.bold,
            FontId::Fallback(index) => self.fallbacks.get(index).unwrap_or(&self.regular),
        }
    }
}

fn unpacked(packed: &[u8]) -> Result<Loaded, PdfError> {
    let mut bytes = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut bytes).map_err(|error| PdfError(format!("the embedded font cannot be unpacked: {error}")))?;
    Loaded::new(bytes).ok_or_else(|| PdfError("the embedded font cannot be read".into()))
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let length = fs::metadata(path).ok()?.len();
    if length > MAX_BYTES {
        return None;
    }
    fs::read(path).ok()
}

/// Fonts with wide scripts below the system's directories, best first.
fn system_fonts() -> Vec<PathBuf> {
    let mut found: Vec<(usize, PathBuf)> = Vec::new();
    let mut directories: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    let mut looked_at = 0;
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            looked_at += 1;
            if looked_at > MAX_FILES {
                break;
            }
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => directories.push(path),
                _ => {
                    let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
                    if let Some(rank) = WIDE.iter().position(|begin| name.starts_with(begin)) {
                        found.push((rank, path));
                    }
                }
            }
        }
    }
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}
