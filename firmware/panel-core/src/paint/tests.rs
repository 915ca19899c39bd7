//! Texts that are too long for their place.

use proptest::prelude::*;

use embedded_graphics::pixelcolor::{Rgb565, Rgb888, RgbColor as _};

use super::{Palette, REST, SCROLL_MS, window};

/// Every window of one round, from a time on.
fn round(text: &str, room: usize, from_ms: u32) -> Vec<&str> {
    let steps = u32::try_from(text.chars().count()).unwrap() + 2 * REST;
    (0..=steps).map(|step| window(text, room, from_ms.wrapping_add(step * SCROLL_MS))).collect()
}

#[test]
fn what_fits_stands_still() {
    assert!(round("RELAYPACS", 9, 7).iter().all(|shown| *shown == "RELAYPACS"));
}

/// Relative luminance as in WCAG 2.2.
fn luminance(colour: Rgb565) -> f64 {
    let colour = Rgb888::from(colour);
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
}

#[test]
fn every_colour_stands_out_from_what_is_behind_it() {
    let Palette { background, text, quiet, good, warn, bad, selected } = Palette::COLOUR;
    for behind in [background, selected] {
        for ink in [text, quiet, good, warn, bad] {
            let contrast = (luminance(ink) + 0.05) / (luminance(behind) + 0.05);
            assert!(contrast >= 7.0, "{ink:?} on {behind:?}: {contrast:.1}");
        }
    }
}

proptest! {
    #[test]
    fn what_does_not_fit_is_shown_whole_within_one_round(text in "[ -~\u{e4}-\u{fc}]{1,64}", room in 5usize..32, from in 0u32..1_000_000) {
        let chars = text.chars().count();
        let shown = round(&text, room, from);
        prop_assert!(shown.iter().all(|part| part.chars().count() == chars.min(room) && text.contains(part)));
        let ends = |end: &str| shown.iter().filter(|part| **part == end).count();
        let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
        if chars > room {
            prop_assert!(ends(&text[..at(room)]) >= REST as usize, "it rests at the beginning");
            prop_assert!(ends(&text[at(chars - room)..]) >= REST as usize, "and at the end");
        }
    }
}
