//! From a text to lines of glyphs: where a line may break (a small part of UAX #14), in which order its characters stand (UAX #9), with which
//! font each is drawn, and how they join.

use krilla::text::{GlyphId, KrillaGlyph};
use rustybuzz::{Direction, UnicodeBuffer};
use unicode_bidi::{BidiInfo, Level};

use super::fonts::{FontId, Fonts};

/// Glyphs of one font and direction, with the text they stand for.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) font: FontId,
    pub(super) text: String,
    pub(super) glyphs: Vec<KrillaGlyph>,
    pub(super) width: f32,
}

/// One line, its runs from left to right.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    pub(super) runs: Vec<Run>,
    pub(super) width: f32,
    pub(super) size: f32,
    /// It reads from right to left: it stands at the right edge.
    pub(super) rtl: bool,
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Size in points.
    pub(super) size: f32,
    pub(super) bold: bool,
}

/// Breaks a text into lines no wider than `width` points. Line feeds end lines; an empty line stays an empty line.
pub(super) fn set(fonts: &mut Fonts, text: &str, style: Style, width: f32) -> Vec<Line> {
    let clean: String = text.replace("\r\n", "\n").replace('\t', "    ");
    let clean: String = clean.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    clean.split('\n').flat_map(|paragraph| set_paragraph(fonts, paragraph.trim_end(), style, width)).collect()
}

/// One line, cut at `width` points.
pub(super) fn set_one(fonts: &mut Fonts, text: &str, style: Style, width: f32) -> Line {
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    set_paragraph(fonts, &flat, style, width).into_iter().next().unwrap_or_default()
}

fn set_paragraph(fonts: &mut Fonts, paragraph: &str, style: Style, width: f32) -> Vec<Line> {
    let empty = Line { size: style.size, ..Line::default() };
    if paragraph.is_empty() {
        return vec![empty];
    }
    let bidi = BidiInfo::new(paragraph, None);
    let Some(info) = bidi.paragraphs.first() else { return vec![empty] };
    let mut lines = Vec::new();
    for range in breaks(fonts, paragraph, style, width) {
        let (levels, visual) = bidi.visual_runs(info, range);
        let mut line = Line { rtl: info.level.is_rtl(), ..empty.clone() };
        for part in visual {
            let level = levels.get(part.start).copied().unwrap_or_else(Level::ltr);
            let mut runs = runs_of(fonts, &paragraph[part], style, level.is_rtl());
            if level.is_rtl() {
                runs.reverse();
            }
            line.runs.extend(runs);
        }
        line.width = line.runs.iter().map(|run| run.width).sum();
        lines.push(line);
    }
    lines
}

/// The ranges of the lines of a paragraph, without the space at their ends.
fn breaks(fonts: &mut Fonts, paragraph: &str, style: Style, width: f32) -> Vec<std::ops::Range<usize>> {
    let mut lines = Vec::new();
    let (mut start, mut end, mut used) = (0, 0, 0.0_f32);
    for piece in pieces(paragraph) {
        let text = &paragraph[piece.clone()];
        let full = measure(fonts, text, style);
        let bare = if text.ends_with(' ') { measure(fonts, text.trim_end(), style) } else { full };
        if end > start && used + bare > width {
            lines.push(start..end);
            (start, used) = (piece.start, 0.0);
        }
        if bare > width {
            // Too long for any line: cut where it is full.
            for (at, c) in text.char_indices() {
                let wide = measure(fonts, c.encode_utf8(&mut [0; 4]), style);
                let here = piece.start + at;
                if used + wide > width && here > start {
                    lines.push(start..here);
                    (start, used) = (here, 0.0);
                }
                used += wide;
            }
        } else {
            used += full;
        }
        end = piece.end;
    }
    lines.push(start..paragraph.len());
    let trimmed = |range: std::ops::Range<usize>| range.start..range.start + paragraph[range.clone()].trim_end().len();
    lines.into_iter().map(trimmed).collect()
}

/// Pieces that are not broken: words with the space after them, single characters of scripts written without spaces.
fn pieces(paragraph: &str) -> Vec<std::ops::Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for (at, c) in paragraph.char_indices() {
        let may_break = before.is_some_and(|before| {
            (before == ' ' && c != ' ')
                || (before == '-' && c.is_alphabetic())
                || ((is_wide(before) || is_wide(c)) && c != ' ' && !closes(c))
        });
        if may_break {
            pieces.push(start..at);
            start = at;
        }
        before = Some(c);
    }
    pieces.push(start..paragraph.len());
    pieces
}

/// Scripts whose lines break between any two characters.
fn is_wide(c: char) -> bool {
    matches!(u32::from(c), 0x2E80..=0x303F | 0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0xFF00..=0xFFEF | 0x20000..=0x3FFFF)
}

/// Characters that never begin a line.
fn closes(c: char) -> bool {
    matches!(
        c,
        '、' | '。'
            | '，'
            | '．'
            | '：'
            | '；'
            | '！'
            | '？'
            | '）'
            | '」'
            | '』'
            | '】'
            | '〉'
            | '》'
            | 'ー'
            | '・'
            | '%'
            | ','
            | '.'
            | ')'
            | ']'
            | ':'
            | ';'
            | '!'
            | '?'
    )
}

fn measure(fonts: &mut Fonts, text: &str, style: Style) -> f32 {
    if let Some(known) = fonts.width(text, style.bold) {
        return known * style.size;
    }
    let ems = runs_of(fonts, text, Style { size: 1.0, ..style }, false).iter().map(|run| run.width).sum();
    fonts.keep_width(text, style.bold, ems);
    ems * style.size
}

/// Runs of one font each, in the order of the text.
fn runs_of(fonts: &mut Fonts, text: &str, style: Style, rtl: bool) -> Vec<Run> {
    let mut parts: Vec<(FontId, String)> = Vec::new();
    for c in text.chars() {
        // Marks and spaces stay with what is before them.
        let joins = c == ' ' || matches!(u32::from(c), 0x0300..=0x036F | 0x064B..=0x065F | 0x200C..=0x200F | 0x3099..=0x309A);
        match parts.last_mut() {
            Some((_, part)) if joins => part.push(c),
            last => {
                let font = fonts.choose(c, style.bold);
                match last {
                    Some((known, part)) if *known == font => part.push(c),
                    _ => parts.push((font, c.to_string())),
                }
            }
        }
    }
    parts.into_iter().filter_map(|(font, text)| shape(fonts, font, text, style.size, rtl)).collect()
}

fn shape(fonts: &Fonts, font: FontId, text: String, size: f32, rtl: bool) -> Option<Run> {
    let (face, units) = fonts.face(font)?;
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(&text);
    buffer.guess_segment_properties();
    buffer.set_direction(if rtl { Direction::RightToLeft } else { Direction::LeftToRight });
    let shaped = rustybuzz::shape(&face, &[], buffer);
    let (infos, positions) = (shaped.glyph_infos(), shaped.glyph_positions());
    let mut starts: Vec<usize> = infos.iter().map(|info| info.cluster as usize).collect();
    starts.sort_unstable();
    starts.dedup();
    let glyphs: Vec<KrillaGlyph> = infos
        .iter()
        .zip(positions)
        .map(|(info, position)| {
            let start = info.cluster as usize;
            let end = starts.get(starts.partition_point(|next| *next <= start)).copied().unwrap_or(text.len());
            let em = |value: i32| value as f32 / units;
            KrillaGlyph::new(
                GlyphId::new(info.glyph_id),
                em(position.x_advance),
                em(position.x_offset),
                em(position.y_offset),
                em(position.y_advance),
                start..end,
                None,
            )
        })
        .collect();
    let width = glyphs.iter().map(|glyph| glyph.x_advance * size).sum();
    Some(Run { font, text, glyphs, width })
}
