//! The main loop: takes what happens, lets the model decide, shows the page, sends what it asks for.

use std::{
    fmt, io,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    time::{Duration, Instant},
};

use relaypacs_panel_core::{
    Text,
    buttons::{DEBOUNCE_MS, Key},
    paint::{self, Moving},
    ui::{Abilities, Brightness, EN, Layout, LocalRequest, Output, Panel},
    wire::{DisplayKind, FromBox, FromPanel, MINOR, PanelHello},
};
use sd_notify::NotifyState;

use crate::{
    args::Args,
    config::{ConfigError, Settings},
    display::{Shown, Slot},
    keys,
    lights::{Lights, Signal},
    link::{self, LinkEvent, Writer},
    requests,
    script::{self, Question},
};

/// Things that may wait to be looked at.
const WAITING: usize = 64;
/// How often the panel says that it is alive.
const ALIVE_EVERY_MS: u32 = 1_000;

/// What happens around the model.
#[derive(Debug)]
pub enum Input {
    /// A contact opened or closed.
    Edge {
        /// When.
        at: Instant,
        /// Which.
        key: Key,
        /// Closed.
        pressed: bool,
    },
    /// On the link.
    Link(LinkEvent),
    /// A script asks; the answer is one line.
    Ask(Question, SyncSender<String>),
    /// Somebody wants the program to end.
    End,
}

/// Why the panel cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A setting makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A thread cannot be started.
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] io::Error),
}

/// Runs until it is told to end.
pub fn run(args: &Args) -> Result<(), RunError> {
    let settings = Settings::new(args)?;
    let (events, inputs) = sync_channel(WAITING);
    link::start(settings.socket.clone(), settings.record.clone(), events.clone())?;
    let keys = if args.script { script::start(events.clone())? } else { keys::start(&settings.buttons, &events)? };
    drop(events);
    let slot = Slot::new(if args.script { crate::config::DisplaySpec::Memory } else { settings.display.clone() });
    let debounce = if keys.debounced { 0 } else { DEBOUNCE_MS };
    let abilities = Abilities { local_requests: settings.requests.is_some() };
    let mut program = Program {
        panel: Panel::new(&EN, abilities, debounce, 0),
        began: Instant::now(),
        slot,
        lights: Lights::new(&settings),
        writer: None,
        settings,
        alive_at: 0,
        pressed_at: None,
        drawn_s: u32::MAX,
        latency: Latency::default(),
        heard: Vec::new(),
    };
    tell(&[NotifyState::Ready]);
    program.run(&inputs);
    tell(&[NotifyState::Stopping]);
    Ok(())
}

/// How long keys took to become pixels.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub struct Latency {
    /// Edges that led to a picture.
    pub edges: u32,
    /// The longest time, in microseconds, from edge to finished picture.
    pub longest_us: u64,
    /// All times together, in microseconds.
    pub sum_us: u64,
}

struct Program {
    panel: Panel,
    began: Instant,
    slot: Slot,
    lights: Lights,
    writer: Option<Writer>,
    settings: Settings,
    alive_at: u32,
    /// The oldest edge that has not led to a picture yet.
    pressed_at: Option<Instant>,
    /// The second at which a picture was last drawn.
    drawn_s: u32,
    latency: Latency,
    /// What came from the box besides statuses, the last 256, for scripts.
    heard: Vec<String>,
}

impl Program {
    fn run(&mut self, inputs: &Receiver<Input>) {
        loop {
            let wait = self.panel.next_in(self.now()).min(ALIVE_EVERY_MS);
            match inputs.recv_timeout(Duration::from_millis(u64::from(wait))) {
                Ok(Input::End) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(input) => {
                    self.take(input);
                    // What else has come meanwhile, but not for ever.
                    for input in inputs.try_iter().take(WAITING) {
                        if matches!(input, Input::End) {
                            return;
                        }
                        self.take(input);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = self.now();
            self.panel.tick(now);
            self.outputs();
            self.alive(now);
            self.show(now);
            tell(&[NotifyState::Watchdog]);
        }
    }

    fn now(&self) -> u32 {
        self.stamp(Instant::now())
    }

    /// Milliseconds since the start, wrapping.
    fn stamp(&self, at: Instant) -> u32 {
        at.saturating_duration_since(self.began).as_millis() as u32
    }

    fn take(&mut self, input: Input) {
        let now = self.now();
        match input {
            Input::Edge { at, key, pressed } => {
                self.pressed_at.get_or_insert(at);
                let at = self.stamp(at);
                self.panel.edge(at, key, pressed);
                self.panel.tick(at);
            }
            Input::Link(event) => self.link(now, event),
            Input::Ask(question, answer) => {
                let text = self.answer(now, &question);
                // Whoever asked may have gone.
                let _ = answer.send(text);
            }
            Input::End => {}
        }
    }

    fn link(&mut self, now: u32, event: LinkEvent) {
        match event {
            LinkEvent::Up(mut writer) => {
                let display = match self.slot.layout() {
                    layout if layout == Layout::MONO => DisplayKind::Mono,
                    _ => DisplayKind::Colour,
                };
                let hello = PanelHello { minor: MINOR, display, build: Text::new(env!("CARGO_PKG_VERSION")) };
                if writer.send(&FromPanel::Hello(hello)).is_ok() {
                    self.panel.connected();
                    self.writer = Some(writer);
                }
            }
            LinkEvent::Heard(message) => {
                self.note(&message);
                self.panel.hear(now, *message);
            }
            LinkEvent::Nonsense(error) => self.panel.hear_nonsense(now, error),
            LinkEvent::Noise(error) => self.panel.hear_noise(error),
            LinkEvent::Down => self.writer = None,
        }
    }

    fn note(&mut self, message: &FromBox) {
        let text = match message {
            FromBox::Status(_) => return,
            FromBox::Hello(it) => format!("{it:?}"),
            FromBox::Event(it) => format!("{it:?}"),
            FromBox::Ack(it) => format!("{it:?}"),
            FromBox::Done(it) => format!("{it:?}"),
            FromBox::Secret(it) => format!("{it:?}"),
            FromBox::Bye(it) => format!("Bye {it:?}"),
        };
        if self.heard.len() >= 256 {
            self.heard.remove(0);
        }
        self.heard.push(text);
    }

    fn outputs(&mut self) {
        while let Some(output) = self.panel.next_output() {
            match output {
                // Without a link it is dropped; the screen says that nothing answers.
                Output::Send(command) => self.send(&FromPanel::Command(command)),
                Output::Local(request) => self.leave(request),
            }
        }
    }

    fn leave(&self, request: LocalRequest) {
        let Some(folder) = &self.settings.requests else { return };
        match requests::leave(folder, request) {
            Ok(()) => say(format_args!("asked the machine: {}", requests::name(request))),
            Err(error) => say(format_args!("the request {} cannot be left in {}: {error}", requests::name(request), folder.display())),
        }
    }

    fn send(&mut self, message: &FromPanel) {
        if let Some(writer) = &mut self.writer
            && writer.send(message).is_err()
        {
            self.writer = None;
        }
    }

    fn alive(&mut self, now: u32) {
        if now.wrapping_sub(self.alive_at) >= ALIVE_EVERY_MS {
            self.alive_at = now;
            let alive = self.panel.alive(self.slot.is_good());
            self.send(&FromPanel::Alive(alive));
        }
    }

    /// Draws when something has changed, once a second for clocks and countdowns, and as texts scroll.
    fn show(&mut self, now: u32) {
        let page = self.panel.page(now, self.slot.layout());
        let second = now / 1000;
        if !self.panel.take_dirty() && second == self.drawn_s && !paint::scrolls(&page) {
            return;
        }
        self.drawn_s = second;
        let moving = Moving { now_ms: now, pressed: paint::pressed_keys(|key| self.panel.looks_pressed(key)), shift: paint::shift(now) };
        let dim = self.panel.brightness(now) == Brightness::Dim;
        self.lights.set(Signal::of(self.panel.link(), self.panel.status().map(|status| status.word)), dim);
        match self.slot.show(&Shown { page: &page, moving, dim }) {
            // Shown, or failed before and said so then.
            Ok(()) | Err(None) => {}
            Err(Some(error)) => say(format_args!("the display does not work and is tried again every 5 s: {error}")),
        }
        if let Some(at) = self.pressed_at.take() {
            let took = at.elapsed().as_micros() as u64;
            self.latency.edges += 1;
            self.latency.sum_us += took;
            self.latency.longest_us = self.latency.longest_us.max(took);
        }
    }

    fn answer(&mut self, now: u32, question: &Question) -> String {
        script::answer(question, now, &self.panel, &self.heard, self.latency)
    }
}

/// Tells systemd something; without systemd nothing happens.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        say(format_args!("systemd cannot be told how the panel is: {error}"));
    }
}

/// A line in the journal.
pub(crate) fn say(text: fmt::Arguments<'_>) {
    eprintln!("relaypacs-panel: {text}");
}
