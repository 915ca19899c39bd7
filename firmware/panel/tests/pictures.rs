//! Golden pictures: every screen of every situation and every modal on both displays, a sheet each, held against the reviewed ones. After a
//! wanted change, `RELAYPACS_BLESS=1 cargo test -p relaypacs-panel` draws them anew: look at each before committing it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

use std::path::{Path, PathBuf};

use relaypacs_panel::{
    gallery::{self, Hand, Size},
    picture::Image,
    sample,
};
use relaypacs_panel_core::{
    Text,
    buttons::Key,
    paint::MonoFrame,
    ui::Screen,
    wire::{Ack, FromBox, Secret, Verdict},
};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

#[test]
fn pictures_are_the_reviewed_ones() {
    for (situation, shots) in gallery::everything() {
        compare(&situation, &shots);
    }
}

/// Holds a situation's sheets against the golden ones, or makes them so.
fn compare(situation: &str, shots: &[gallery::Shot]) {
    for size in [Size::Mono, Size::Colour] {
        let (drawn, name) = (gallery::sheet(shots, size), gallery::sheet_name(situation, size));
        if std::env::var_os("RELAYPACS_BLESS").is_some() {
            drawn.write(&golden(&name)).unwrap();
        } else if Image::read(&golden(&name)).ok().as_ref() != Some(&drawn) {
            let seen = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
            drawn.write(&seen).unwrap();
            panic!("other than in tests/golden: {}", seen.display());
        }
    }
}

/// Frames that the box itself sent, recorded by hil-tests/tests/panel.rs (`RELAYPACS_BLESS=1` there records them anew): one file a situation.
#[test]
fn the_boxs_own_frames_are_drawn_as_reviewed() {
    let frames = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frames");
    let mut all: Vec<PathBuf> = std::fs::read_dir(frames).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    assert!(all.len() >= 9, "{all:?}");
    for recording in all {
        let shots = gallery::of_recording(&std::fs::read(&recording).unwrap());
        assert!(shots.len() >= Screen::ALL.len(), "{}: no status in it", recording.display());
        compare(&format!("box-{}", recording.file_stem().unwrap().to_string_lossy()), &shots);
    }
}

/// What a phone reads on a picture, without anything else on it.
fn read_qr(image: &Image) -> Vec<String> {
    let grey = |x: usize, y: usize| image.rgb[(y * image.width + x) * 3 + 1];
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(image.width, image.height, grey);
    prepared.detect_grids().iter().filter_map(|grid| grid.decode().ok()).map(|(_, text)| text).collect()
}

#[test]
fn a_phone_reads_the_code_on_both_displays() {
    let mut hand = Hand::new([FromBox::Status(sample::well())]);
    hand.go(Screen::Network);
    assert_eq!(read_qr(&Image::of_mono(&hand.mono(), 4)), ["HTTPS://192.168.1.50/"]);
    assert_eq!(read_qr(&Image::of_colour(&hand.colour())), ["HTTPS://192.168.1.50/"]);
}

#[test]
fn the_set_up_code_is_read_with_its_fragment_on_the_colour_display() {
    let status = relaypacs_panel_core::wire::Status { first_start: true, ..sample::well() };
    let mut hand = Hand::new([FromBox::Status(status)]);
    hand.hold(Key::Ok, 1_600);
    hand.hear(FromBox::Ack(Ack { id: 1, verdict: Verdict::Accepted }));
    hand.hear(FromBox::Secret(Secret { id: 1, code: Text::new("K7RM-2WPX"), expires_s: 600 }));
    assert_eq!(read_qr(&Image::of_colour(&hand.colour())), ["https://192.168.1.50/setup#K7RM-2WPX"]);
}

/// The small display keeps two columns and four rows free for the shift against burn-in.
#[test]
fn nothing_is_drawn_beyond_what_the_shift_needs() {
    let shifted = |frame: &MonoFrame| (0..64).any(|y| (126..128).any(|x| frame.lit(x, y)));
    for (situation, shots) in gallery::everything() {
        for shot in shots.iter().filter(|shot| !shot.name.contains("network")) {
            assert!(!shifted(&shot.mono), "{situation} {}", shot.name);
        }
    }
}
