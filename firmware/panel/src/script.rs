//! Keys and questions as lines on standard input, answers as JSON lines on standard output: how tests use the real program without hardware.
//!
//! ```text
//! press KEY          80 ms                hold KEY MS        that long
//! down KEY           stays down           up KEY             let go
//! page [mono]        the page as text     png FILE [mono]    the picture
//! status             the last status      heard              everything else that came
//! state              link, screen, how long keys took to become pixels
//! ```

use std::{
    io::{self, BufRead as _, Write as _},
    path::PathBuf,
    sync::mpsc::{SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use relaypacs_panel_core::{
    buttons::Key,
    paint::{self, MonoFrame, Moving},
    ui::{Layout, Panel},
};
use serde_json::{Value, json};

use crate::{
    keys::Source,
    picture::{ColourFrame, Image},
    run::{Input, Latency},
};

/// What a script may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The page as text.
    Page(Layout),
    /// The picture, into a file.
    Png(PathBuf, Layout),
    /// The last status.
    Status,
    /// What came besides statuses.
    Heard,
    /// Link, screen, latency.
    State,
}

/// A line of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    /// A key for so long.
    Hold(Key, Duration),
    /// An edge.
    Edge(Key, bool),
    Ask(Question),
}

/// Starts the thread that reads the script. The program ends with it.
pub fn start(events: SyncSender<Input>) -> io::Result<Source> {
    thread::Builder::new().name("script".into()).spawn(move || {
        let mut out = io::stdout();
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            let answer = match parse(&line) {
                Ok(line) => carry_out(line, &events),
                Err(rule) => json!({ "error": rule }).to_string(),
            };
            if writeln!(out, "{answer}").and_then(|()| out.flush()).is_err() {
                break;
            }
        }
        let _ = events.send(Input::End);
    })?;
    Ok(Source { debounced: false })
}

fn carry_out(line: Line, events: &SyncSender<Input>) -> String {
    let edge = |key, pressed| {
        let _ = events.send(Input::Edge { at: Instant::now(), key, pressed });
    };
    match line {
        Line::Edge(key, pressed) => edge(key, pressed),
        Line::Hold(key, time) => {
            edge(key, true);
            thread::sleep(time);
            edge(key, false);
            // Until it counts.
            thread::sleep(Duration::from_millis(60));
        }
        Line::Ask(question) => {
            let (answer, answered) = sync_channel(1);
            let _ = events.send(Input::Ask(question, answer));
            return answered.recv().unwrap_or_else(|_| json!({ "error": "the panel has ended" }).to_string());
        }
    }
    json!({ "ok": true }).to_string()
}

fn parse(line: &str) -> Result<Line, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let key = |word: &str| match word {
        "up" => Ok(Key::Up),
        "down" => Ok(Key::Down),
        "ok" => Ok(Key::Ok),
        "back" => Ok(Key::Back),
        other => Err(format!("{other:?} is no key: up, down, ok, back")),
    };
    let layout = |words: &[&str]| if words.contains(&"mono") { Layout::MONO } else { Layout::COLOUR };
    match words.as_slice() {
        ["press", word] => Ok(Line::Hold(key(word)?, Duration::from_millis(80))),
        ["hold", word, ms] => {
            let ms = ms.parse::<u64>().ok().filter(|ms| *ms <= 60_000).ok_or("a time is at most 60000 ms")?;
            Ok(Line::Hold(key(word)?, Duration::from_millis(ms)))
        }
        ["down", word] => Ok(Line::Edge(key(word)?, true)),
        ["up", word] => Ok(Line::Edge(key(word)?, false)),
        ["page", rest @ ..] => Ok(Line::Ask(Question::Page(layout(rest)))),
        ["png", file, rest @ ..] => Ok(Line::Ask(Question::Png(file.into(), layout(rest)))),
        ["status"] => Ok(Line::Ask(Question::Status)),
        ["heard"] => Ok(Line::Ask(Question::Heard)),
        ["state"] => Ok(Line::Ask(Question::State)),
        _ => Err(format!("{line:?} is no line of a script: press, hold, down, up, page, png, status, heard, state")),
    }
}

/// Answers a question in one line.
pub(crate) fn answer(question: &Question, now: u32, panel: &Panel, heard: &[String], latency: Latency) -> String {
    let value = match question {
        Question::Page(layout) => json!({ "page": panel.page(now, *layout).to_string() }),
        Question::Png(file, layout) => match draw(panel, now, *layout).write(file) {
            Ok(()) => json!({ "ok": true }),
            Err(error) => json!({ "error": error.to_string() }),
        },
        Question::Status => serde_json::to_value(panel.status()).unwrap_or(Value::Null),
        Question::Heard => json!({ "heard": heard }),
        Question::State => json!({
            "link": format!("{:?}", panel.link()),
            "screen": format!("{:?}", panel.screen()),
            "latency": latency,
        }),
    };
    value.to_string()
}

fn draw(panel: &Panel, now: u32, layout: Layout) -> Image {
    let page = panel.page(now, layout);
    let moving = Moving { pressed: paint::pressed_keys(|key| panel.looks_pressed(key)), ..Moving::default() };
    if layout == Layout::MONO {
        let mut frame = MonoFrame::new();
        let Ok(()) = paint::mono(&page, moving, &mut frame);
        Image::of_mono(&frame, 4)
    } else {
        let mut frame = ColourFrame::default();
        let Ok(()) = paint::colour(&page, moving, &mut frame);
        Image::of_colour(&frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        assert_eq!(parse("press ok"), Ok(Line::Hold(Key::Ok, Duration::from_millis(80))));
        assert_eq!(parse(" hold back 1600 "), Ok(Line::Hold(Key::Back, Duration::from_millis(1600))));
        assert_eq!(parse("down up"), Ok(Line::Edge(Key::Up, true)));
        assert_eq!(parse("page mono"), Ok(Line::Ask(Question::Page(Layout::MONO))));
        for wrong in ["", "press", "press left", "hold ok 99999999", "hold ok -1"] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
