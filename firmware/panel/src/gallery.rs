//! Every screen of every situation as pictures: for people who review them, and held against the golden ones in the tests.

use std::{fs, io, path::Path};

use relaypacs_panel_core::{
    buttons::{DEBOUNCE_MS, Key},
    paint::{self, MonoFrame, Moving},
    ui::{Abilities, EN, Layout, Page, Panel, Screen},
    wire::{Ack, BoxHello, Capabilities, Done, FrameReader, FromBox, Outcome, Verdict},
};

use crate::{
    picture::{ColourFrame, Image},
    sample,
};

/// A panel held in hand: keys are pressed, time passes, messages come.
#[derive(Debug)]
pub struct Hand {
    /// The panel.
    pub panel: Panel,
    /// The time.
    pub now_ms: u32,
    /// For how long texts that are too long have scrolled on pictures.
    pub scrolled_ms: u32,
}

impl Hand {
    /// A panel that has heard a hello and these messages.
    pub fn new(messages: impl IntoIterator<Item = FromBox>) -> Self {
        let mut hand = Self { panel: Panel::new(&EN, Abilities { local_requests: true }, DEBOUNCE_MS, 0), now_ms: 0, scrolled_ms: 0 };
        hand.panel.connected();
        hand.hear(FromBox::Hello(BoxHello { minor: 0, capabilities: Capabilities::ALL }));
        messages.into_iter().for_each(|message| hand.hear(message));
        hand
    }

    /// A message comes.
    pub fn hear(&mut self, message: FromBox) {
        self.panel.hear(self.now_ms, message);
        self.panel.tick(self.now_ms);
    }

    /// Time passes, polled every 50 ms; the link stays up as if frames came.
    pub fn wait(&mut self, ms: u32) {
        let status = self.panel.status().cloned();
        for _ in 0..ms / 50 {
            self.now_ms += 50;
            if self.now_ms.is_multiple_of(1000)
                && let Some(status) = &status
            {
                self.panel.hear(self.now_ms, FromBox::Status(status.clone()));
            }
            self.panel.tick(self.now_ms);
        }
    }

    /// Time passes and nothing is heard.
    pub fn silence(&mut self, ms: u32) {
        for _ in 0..ms / 50 {
            self.now_ms += 50;
            self.panel.tick(self.now_ms);
        }
    }

    /// A key is pressed for so long and let go.
    pub fn hold(&mut self, key: Key, ms: u32) {
        self.down(key, ms);
        self.panel.edge(self.now_ms, key, false);
        self.silence(200);
        // Heard again, so that many keys are no silence.
        if let Some(status) = self.panel.status().cloned() {
            self.hear(FromBox::Status(status));
        }
    }

    /// A key is pressed, and still is after so long.
    pub fn down(&mut self, key: Key, ms: u32) {
        self.panel.edge(self.now_ms, key, true);
        self.silence(ms);
    }

    /// A short press.
    pub fn press(&mut self, key: Key) {
        self.hold(key, 100);
    }

    /// Goes to a screen from HOME.
    pub fn go(&mut self, screen: Screen) {
        self.hold(Key::Back, 1_700);
        for _ in 0..200 {
            if self.panel.screen() == screen {
                return;
            }
            self.press(Key::Down);
        }
    }

    /// The page for a display.
    pub fn page(&self, layout: Layout) -> Page {
        self.panel.page(self.now_ms, layout)
    }

    /// What moves: keys that are down.
    fn moving(&self) -> Moving {
        Moving { now_ms: self.scrolled_ms, pressed: paint::pressed_keys(|key| self.panel.looks_pressed(key)), shift: (0, 0) }
    }

    /// The picture on the small display.
    pub fn mono(&self) -> MonoFrame {
        let mut frame = MonoFrame::new();
        let Ok(()) = paint::mono(&self.page(Layout::MONO), self.moving(), &mut frame);
        frame
    }

    /// The picture on the large display.
    pub fn colour(&self) -> ColourFrame {
        let mut frame = ColourFrame::default();
        let Ok(()) = paint::colour(&self.page(Layout::COLOUR), self.moving(), &mut frame);
        frame
    }
}

/// A name and both pictures.
#[derive(Debug)]
pub struct Shot {
    /// What it shows.
    pub name: String,
    /// On the small display.
    pub mono: MonoFrame,
    /// On the large display.
    pub colour: ColourFrame,
}

impl Shot {
    /// What a hand holds now.
    pub fn of(name: &str, hand: &Hand) -> Self {
        Self { name: name.into(), mono: hand.mono(), colour: hand.colour() }
    }
}

/// All ten screens of what these messages say.
pub fn screens(messages: &[FromBox]) -> Vec<Shot> {
    walk(Hand::new(messages.iter().cloned()))
}

/// A walk through all screens.
fn walk(mut hand: Hand) -> Vec<Shot> {
    let shot = |screen: &Screen| {
        hand.go(*screen);
        Shot::of(&format!("{screen:?}").to_lowercase(), &hand)
    };
    Screen::ALL.iter().map(shot).collect()
}

/// What a box's own frames show (bytes as they came over the link): all screens of the last status, then how a command ended, if one did.
pub fn of_recording(bytes: &[u8]) -> Vec<Shot> {
    let messages = recorded(bytes);
    let Some(status) = messages.iter().rfind(|message| matches!(message, FromBox::Status(_))).cloned() else { return Vec::new() };
    let mut shots = screens(std::slice::from_ref(&status));
    for message in messages {
        let FromBox::Done(done) = message else { continue };
        let mut hand = Hand::new([status.clone()]);
        hand.go(if matches!(done.outcome, Outcome::Count(_)) { Screen::Queue } else { Screen::Destinations });
        hand.press(Key::Ok);
        let id = sample::asked(&mut hand);
        hand.hear(FromBox::Ack(Ack { id, verdict: Verdict::Accepted }));
        hand.hear(FromBox::Done(Done { id, ..done }));
        shots.push(Shot::of("ended", &hand));
    }
    shots
}

/// All situations: each with its screens, and the modals.
pub fn everything() -> Vec<(String, Vec<Shot>)> {
    let mut all: Vec<(String, Vec<Shot>)> =
        sample::situations().into_iter().map(|(name, status)| (name.to_owned(), screens(&[FromBox::Status(status)]))).collect();
    all.push(("longest-scrolled".into(), walk(Hand { scrolled_ms: 4_000, ..Hand::new([FromBox::Status(sample::longest())]) })));
    all.push(("echo".into(), sample::echo()));
    all.push(("modals".into(), sample::modals()));
    all
}

/// The messages of a recording (bytes as they came over the link).
pub fn recorded(bytes: &[u8]) -> Vec<FromBox> {
    let (mut reader, mut rest, mut found) = (FrameReader::new(), bytes, Vec::new());
    while !rest.is_empty() {
        let (taken, frame) = reader.take(rest);
        rest = &rest[taken..];
        if let Some(Ok(frame)) = frame {
            found.extend(frame.message::<FromBox>());
        }
    }
    found
}

fn chosen(frames: Option<&Path>) -> io::Result<Vec<(String, Vec<Shot>)>> {
    Ok(match frames {
        Some(path) => {
            let name = path.file_stem().map_or_else(|| "recorded".into(), |name| name.to_string_lossy().into_owned());
            let shots = of_recording(&fs::read(path)?);
            if shots.is_empty() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{}: no status in it", path.display())));
            }
            vec![(name, shots)]
        }
        None => everything(),
    })
}

/// Writes every picture as a file of its own into a folder, `SITUATION-SCREEN-128x64.png` (fourfold) and `…-320x240.png`, and a sheet with
/// all of a situation, `SITUATION-128x64.png` and `…-320x240.png`.
pub fn write_all(folder: &Path, frames: Option<&Path>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (situation, shots) in chosen(frames)? {
        for size in [Size::Mono, Size::Colour] {
            sheet(&shots, size).write(&folder.join(sheet_name(&situation, size)))?;
        }
        for shot in shots {
            Image::of_mono(&shot.mono, 4).write(&folder.join(format!("{situation}-{}-128x64.png", shot.name)))?;
            Image::of_colour(&shot.colour).write(&folder.join(format!("{situation}-{}-320x240.png", shot.name)))?;
        }
    }
    Ok(())
}

/// Writes all pictures into one file.
pub fn write_sheet(file: &Path, frames: Option<&Path>) -> io::Result<()> {
    let all = chosen(frames)?;
    let sheets: Vec<Image> = all.iter().flat_map(|(_, shots)| [sheet(shots, Size::Mono), sheet(shots, Size::Colour)]).collect();
    let (width, height) = (sheets.iter().map(|s| s.width).max().unwrap_or(1), sheets.iter().map(|s| s.height).sum());
    let mut whole = Image::filled(width, height, 96);
    let mut top = 0;
    for sheet in &sheets {
        whole.place(sheet, 0, top);
        top += sheet.height;
    }
    whole.write(file)
}

/// Which of a shot's pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 128 × 64, twice as large.
    Mono,
    /// 320 × 240.
    Colour,
}

/// The file name of a situation's sheet.
pub fn sheet_name(situation: &str, size: Size) -> String {
    format!("{situation}-{}.png", if size == Size::Mono { "128x64" } else { "320x240" })
}

/// Pictures side by side, four in a row.
pub fn sheet(shots: &[Shot], size: Size) -> Image {
    const GAP: usize = 6;
    const ACROSS: usize = 4;
    let image = |shot: &Shot| match size {
        Size::Mono => Image::of_mono(&shot.mono, 2),
        Size::Colour => Image::of_colour(&shot.colour),
    };
    let (width, height) = if size == Size::Mono { (256, 128) } else { (320, 240) };
    let down = shots.len().div_ceil(ACROSS);
    let mut whole = Image::filled(ACROSS * (width + GAP) + GAP, down * (height + GAP) + GAP, 96);
    for (index, shot) in shots.iter().enumerate() {
        whole.place(&image(shot), GAP + index % ACROSS * (width + GAP), GAP + index / ACROSS * (height + GAP));
    }
    whole
}
