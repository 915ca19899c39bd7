//! A report on paper: letterhead, who it is about, what it says, who says it, pages numbered.
//!
//! Text may be in any script that the embedded font has (Latin, Greek, Cyrillic, Arabic, Hebrew and more) or a font of the system (Chinese,
//! Japanese, Korean): it is shaped and ordered by the Unicode bidirectional algorithm, and can be copied out of the PDF as it went in.
//! Nothing here knows where reports come from; what is drawn is bounded by the limits of their texts.

mod fonts;
mod layout;
mod lines;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc};

use krilla::{
    Document,
    geom::{PathBuilder, Point, Rect, Size},
    image::Image,
    metadata::Metadata,
    page::PageSettings,
    paint::Fill,
    surface::Surface,
};

use fonts::Fonts;
use layout::{ACCENT, BLACK, GREY, Piece, Sheet, cover};

/// What is on every report of a site.
#[derive(Debug, Clone, Default)]
pub struct Letterhead {
    /// The facility's name; empty: none is printed.
    pub facility: String,
    /// Its address and telephone, a line each, at most five.
    pub address: Vec<String>,
    /// Its logo, PNG.
    pub logo: Option<Arc<Vec<u8>>>,
    /// Font files to look into for characters that the embedded font does not have; empty: those of the system.
    pub fonts: Vec<PathBuf>,
    /// Paper.
    pub paper: Paper,
}

/// Sizes of paper.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Paper {
    /// 210 × 297 mm.
    #[default]
    A4,
    /// 8.5 × 11 in.
    Letter,
}

/// A report as it is printed.
#[derive(Debug, Clone, Default)]
pub struct Printed {
    /// What it is, such as "Radiology report".
    pub title: String,
    /// Names and values about patient and study, in order.
    pub facts: Vec<(String, String)>,
    /// What it says.
    pub text: String,
    /// Who says it, and when: lines under the text.
    pub signature: Vec<String>,
    /// Whom and what it is about in a few words: stands on every page after the first.
    pub about: String,
    /// Names the report and its version: stands at the foot of every page.
    pub footer: String,
}

/// Why a report could not be drawn.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the PDF cannot be made: {0}")]
pub struct PdfError(String);

impl PdfError {
    /// It could not be drawn for this reason.
    pub(super) fn failed(why: &str) -> Self {
        Self(why.to_owned())
    }
}

/// A logo that can be printed: a PNG of at most 4,000 × 4,000 pixels.
pub fn check_logo(png: &[u8]) -> Result<(), PdfError> {
    const MOST: u32 = 4000;
    let reader = png::Decoder::new(std::io::Cursor::new(png)).read_info();
    let info = reader.map_err(|error| PdfError(format!("the logo is no PNG: {error}")))?;
    let (width, height) = (info.info().width, info.info().height);
    if width > MOST || height > MOST {
        return Err(PdfError(format!("the logo has {width} × {height} pixels; at most {MOST} × {MOST} are taken")));
    }
    Ok(())
}

/// Draws a report. Takes some milliseconds; more when a font of the system is needed.
pub fn draw(letterhead: &Letterhead, printed: &Printed) -> Result<Vec<u8>, PdfError> {
    let mut fonts = Fonts::new(&letterhead.fonts)?;
    let logo = letterhead.logo.as_ref().and_then(|png| {
        check_logo(png).ok()?;
        Image::from_png(png.as_ref().clone().into(), true).ok()
    });
    let pages = cover(&mut fonts, letterhead, logo.as_ref().map(Image::size), printed);
    let mut document = Document::new();
    document.set_metadata(Metadata::new().title(printed.title.clone()).creator("RelayPACS Edge".into()).producer("RelayPACS Edge".into()));
    let (width, height) = letterhead.paper.points();
    for page in &pages {
        let settings = PageSettings::from_wh(width, height).ok_or_else(|| PdfError("the paper has no size".into()))?;
        let mut drawn = document.start_page_with(settings);
        let mut surface = drawn.surface();
        draw_page(&mut surface, &fonts, logo.as_ref(), page);
        surface.finish();
        drawn.finish();
    }
    document.finish().map_err(|error| PdfError(format!("{error:?}")))
}

fn draw_page(surface: &mut Surface<'_>, fonts: &Fonts, logo: Option<&Image>, page: &Sheet) {
    for piece in &page.pieces {
        match piece {
            Piece::Text { x, y, line, grey } => {
                surface.set_fill(Some(fill(if *grey { GREY } else { BLACK })));
                let mut at = *x;
                for run in &line.runs {
                    if let Some(font) = fonts.drawable(run.font) {
                        surface.draw_glyphs(Point::from_xy(at, *y), &run.glyphs, font, &run.text, line.size, false);
                    }
                    at += run.width;
                }
            }
            Piece::Bar { x, y, width, height, accent } => {
                surface.set_fill(Some(fill(if *accent { ACCENT } else { GREY })));
                let mut path = PathBuilder::new();
                if let Some(rect) = Rect::from_xywh(*x, *y, *width, *height) {
                    path.push_rect(rect);
                }
                if let Some(path) = path.finish() {
                    surface.draw_path(&path);
                }
            }
            Piece::Logo { x, y, width, height } => {
                if let (Some(logo), Some(size)) = (logo, Size::from_wh(*width, *height)) {
                    surface.push_transform(&krilla::geom::Transform::from_translate(*x, *y));
                    surface.draw_image(logo.clone(), size);
                    surface.pop();
                }
            }
        }
    }
}

fn fill((red, green, blue): (u8, u8, u8)) -> Fill {
    Fill { paint: krilla::color::rgb::Color::new(red, green, blue).into(), ..Fill::default() }
}

impl Paper {
    /// Width and height in points (1/72 in).
    pub(super) const fn points(self) -> (f32, f32) {
        match self {
            Self::A4 => (595.0, 842.0),
            Self::Letter => (612.0, 792.0),
        }
    }
}
