//! The model under keys, messages and time: above all, what is destructive never leaves without its whole sequence.

use std::{
    string::{String, ToString},
    vec::Vec,
};

use proptest::prelude::*;

use super::{modal::Danger, *};
use crate::{
    Text,
    buttons::{DEBOUNCE_MS, GAP_MS},
    wire::{Alert, BoxHello, Bye, Code, Destination, DestinationState, Event, EventCode, Held, Level, Outcome, Queue, Word},
};

/// A panel with a clock of its own; everything it asks for is collected.
struct Bench {
    panel: Panel,
    now: u32,
    asked: Vec<Command>,
    local: Vec<LocalRequest>,
    status: Status,
}

fn status() -> Status {
    let destination =
        |handle, name: &str| Destination { handle, name: Text::new(name), state: DestinationState::Up, ..Destination::default() };
    Status {
        now: Moment(50_700),
        name: Text::new("box"),
        queue: Some(Queue { studies: 12, held: 1, ..Queue::default() }),
        destinations: [destination(3, "pacs1"), destination(5, "pacs2")].into_iter().collect(),
        held: [Held { handle: 77, modality: Text::new("CT"), ..Held::default() }].into_iter().collect(),
        ..Status::default()
    }
}

impl Bench {
    fn new(status: Status, start: u32) -> Self {
        let panel = Panel::new(&EN, Abilities { local_requests: true }, DEBOUNCE_MS, start);
        let mut bench = Self { panel, now: start, asked: Vec::new(), local: Vec::new(), status: status.clone() };
        bench.hear(FromBox::Hello(BoxHello { minor: 0, capabilities: Capabilities::ALL }));
        bench.hear(FromBox::Status(status));
        bench
    }

    fn hear(&mut self, message: FromBox) {
        self.panel.hear(self.now, message);
        self.step(0);
    }

    fn step(&mut self, ms: u32) {
        self.now = self.now.wrapping_add(ms);
        self.panel.tick(self.now);
        while let Some(output) = self.panel.next_output() {
            match output {
                Output::Send(command) => self.asked.push(command),
                Output::Local(request) => self.local.push(request),
            }
        }
    }

    /// Time with a status every second.
    fn wait(&mut self, ms: u32) {
        for at in 0..ms / 50 {
            self.step(50);
            if at % 20 == 0 {
                self.hear(FromBox::Status(self.status.clone()));
            }
        }
    }

    fn hold(&mut self, key: Key, ms: u32) {
        self.panel.edge(self.now, key, true);
        self.wait(ms);
        self.panel.edge(self.now, key, false);
        self.wait(100);
    }

    fn press(&mut self, key: Key) {
        self.hold(key, 100);
    }

    fn go(&mut self, screen: Screen) {
        self.hold(Key::Back, 1_600);
        while self.panel.screen() != screen {
            self.press(Key::Down);
        }
    }

    /// Selects a row of ACTIONS by its text and presses OK.
    fn choose(&mut self, text: &str) {
        self.go(Screen::Actions);
        while !self.page().contains(&format!(">{text}")) {
            self.press(Key::Down);
            assert_eq!(self.panel.screen(), Screen::Actions, "{text} is not in the menu");
        }
        self.press(Key::Ok);
    }

    fn page(&self) -> String {
        self.panel.page(self.now, Layout::MONO).to_string()
    }

    fn last(&self) -> &Command {
        self.asked.last().expect("something was asked")
    }

    fn accept(&mut self) {
        let id = self.last().id;
        self.hear(FromBox::Ack(Ack { id, verdict: Verdict::Accepted }));
    }
}

#[test]
fn ok_on_a_destination_tests_it_once_and_shows_the_result() {
    let mut bench = Bench::new(status(), 0);
    bench.go(Screen::Destinations);
    bench.press(Key::Down);
    bench.press(Key::Ok);
    bench.press(Key::Ok);
    assert_eq!(bench.asked.iter().map(|command| &command.action).collect::<Vec<_>>(), [&Action::TestDestination(5)]);
    assert!(bench.page().contains("pacs2\nworking"), "{}", bench.page());
    bench.accept();
    let id = bench.last().id;
    bench.hear(FromBox::Done(Done { id: id.wrapping_add(1), outcome: Outcome::Good, took_ms: 1 }));
    assert!(bench.page().contains("working"), "another command's end is not this one's");
    bench.hear(FromBox::Done(Done { id, outcome: Outcome::Good, took_ms: 41 }));
    assert!(bench.page().contains("answers 41 ms"), "{}", bench.page());
    bench.press(Key::Back);
    assert!(bench.page().contains(">pacs2"), "{}", bench.page());
}

#[test]
fn held_studies_are_retried_one_by_one_or_all() {
    let mut bench = Bench::new(status(), 0);
    bench.go(Screen::Queue);
    bench.press(Key::Ok);
    assert_eq!(bench.last().action, Action::Retry(77));
    bench.accept();
    let id = bench.last().id;
    bench.hear(FromBox::Done(Done { id, outcome: Outcome::Count(4), took_ms: 2 }));
    bench.press(Key::Back);
    bench.hold(Key::Ok, 1_600);
    assert_eq!(bench.last().action, Action::RetryAll);
}

#[test]
fn no_acknowledgement_and_no_end_are_said() {
    let mut bench = Bench::new(status(), 0);
    bench.go(Screen::Destinations);
    bench.press(Key::Ok);
    bench.wait(ACK_WITHIN_MS + 100);
    assert!(bench.page().contains(EN.no_answer), "{}", bench.page());
    bench.press(Key::Back);
    bench.press(Key::Ok);
    bench.accept();
    bench.wait(ACK_WITHIN_MS + 100);
    assert!(bench.page().contains(EN.working));
    bench.wait(DONE_WITHIN_MS);
    assert!(bench.page().contains(EN.no_answer), "{}", bench.page());
}

#[test]
fn a_silent_box_is_said_within_three_seconds_and_forgotten_when_it_answers() {
    for start in [0, u32::MAX - 1_500] {
        let mut bench = Bench::new(status(), start);
        for _ in 0..10 {
            bench.step(250);
        }
        assert!(!bench.page().contains(EN.not_answering), "not yet: {}", bench.page());
        bench.step(250);
        bench.step(250);
        assert!(bench.page().starts_with("X BOX NOT ANSWERING\nsince 14:05"), "{}", bench.page());
        let event = Event { code: EventCode::Other, level: Level::Info, about: Text::default() };
        bench.hear(FromBox::Event(event));
        assert!(!bench.page().contains(EN.not_answering));
    }
    let silent = Panel::new(&EN, Abilities::default(), 0, 0);
    assert_eq!(silent.link(), Link::Waiting);
}

#[test]
fn a_restart_is_asked_of_the_machine_only_while_the_box_is_silent_and_only_by_holding() {
    let mut bench = Bench::new(status(), 0);
    let silence = |bench: &mut Bench, ms: u32| (0..ms / 50).for_each(|_| bench.step(50));
    silence(&mut bench, 3_000);
    let press = |bench: &mut Bench, key, ms| {
        bench.panel.edge(bench.now, key, true);
        silence(bench, ms);
        bench.panel.edge(bench.now, key, false);
        silence(bench, 100);
    };
    press(&mut bench, Key::Ok, 100);
    press(&mut bench, Key::Ok, 2_500);
    assert_eq!(bench.local, [], "let go too early");
    press(&mut bench, Key::Ok, 100);
    press(&mut bench, Key::Ok, 3_200);
    assert_eq!(bench.local, [LocalRequest::RestartService]);
    press(&mut bench, Key::Back, 100);
    press(&mut bench, Key::Down, 100);
    press(&mut bench, Key::Ok, 100);
    press(&mut bench, Key::Ok, 3_200);
    assert_eq!(bench.local, [LocalRequest::RestartService, LocalRequest::Reboot]);
    assert_eq!(bench.asked, []);
}

#[test]
fn another_version_is_said_and_does_nothing() {
    let mut bench = Bench::new(status(), 0);
    bench.panel.hear_nonsense(bench.now, MessageError::Version(3));
    assert!(bench.page().contains("PANEL 1 / BOX 3"), "{}", bench.page());
    bench.panel.edge(bench.now, Key::Ok, true);
    bench.step(100);
    bench.panel.edge(bench.now, Key::Ok, false);
    bench.step(100);
    assert_eq!(bench.asked, []);
    let mut bench = Bench::new(status(), 0);
    bench.hear(FromBox::Bye(Bye::Version(2)));
    assert_eq!(bench.panel.link(), Link::Mismatch(2));
}

#[test]
fn the_pin_is_asked_for_and_what_was_wanted_goes_on() {
    let mut bench = Bench::new(Status { lock: Lock::Actions, ..status() }, 0);
    bench.go(Screen::Queue);
    bench.press(Key::Ok);
    assert_eq!(bench.asked, []);
    assert!(bench.page().contains("PIN"));
    bench.hold(Key::Ok, 1_600);
    assert_eq!(bench.asked, [], "four digits at least");
    for digit in [0, 3, 1, 9] {
        (0..digit).for_each(|_| bench.press(Key::Up));
        bench.press(Key::Ok);
    }
    assert!(!bench.page().contains("319"), "typed digits are hidden: {}", bench.page());
    bench.hold(Key::Ok, 1_600);
    assert_eq!(bench.last().action, Action::Unlock { pin: 319, len: 4 });
    bench.accept();
    assert_eq!(bench.last().action, Action::Retry(77));
    // Left alone it locks again.
    let id = bench.last().id;
    bench.hear(FromBox::Done(Done { id, outcome: Outcome::Good, took_ms: 1 }));
    bench.wait(HOME_AFTER_MS + 500);
    assert_eq!(bench.last().action, Action::Lock);
    assert_eq!(bench.panel.screen(), Screen::Home);
}

#[test]
fn a_locked_panel_shows_its_word_only() {
    let locked = Status { lock: Lock::All, word: Word::Degraded, now: Moment(50_700), ..Status::default() };
    let mut bench = Bench::new(locked, 0);
    for _ in 0..5 {
        bench.press(Key::Down);
        assert_eq!(bench.page(), "! DEGRADED  14:05\nLOCKED\nOK enter PIN\n");
    }
    bench.press(Key::Ok);
    assert!(bench.page().contains("PIN"));
}

#[test]
fn a_reset_needs_its_digits_a_confirmation_and_ten_seconds() {
    let mut bench = Bench::new(status(), 0);
    let code = |bench: &mut Bench| {
        bench.choose(EN.menu[9]);
        assert_eq!(bench.last().action, Action::ResetCode);
        bench.accept();
        let id = bench.last().id;
        bench.hear(FromBox::Secret(Secret { id, code: Text::new("0417"), expires_s: 120 }));
    };
    let typed = |bench: &mut Bench, digits: [u32; 4]| {
        for digit in digits {
            (0..digit).for_each(|_| bench.press(Key::Up));
            bench.press(Key::Ok);
        }
    };
    code(&mut bench);
    typed(&mut bench, [0, 4, 1, 8]);
    assert!(bench.page().contains(EN.invalid), "{}", bench.page());
    bench.press(Key::Back);
    code(&mut bench);
    typed(&mut bench, [0, 4, 1, 7]);
    assert!(bench.page().contains("13 studies NOT SENT"), "{}", bench.page());
    bench.press(Key::Ok);
    bench.hold(Key::Ok, 9_500);
    assert_eq!(bench.last().action, Action::ResetCode, "half a second too short");
    code(&mut bench);
    typed(&mut bench, [0, 4, 1, 7]);
    bench.press(Key::Ok);
    bench.hold(Key::Ok, 10_200);
    assert_eq!(bench.last().action, Action::Reset { digits: 417, lose_studies: true });
}

#[test]
fn a_change_of_the_network_is_confirmed_and_kept() {
    let mut bench = Bench::new(status(), 0);
    bench.choose(EN.menu[2]);
    bench.press(Key::Down);
    bench.press(Key::Ok);
    (0..4).for_each(|_| bench.hold(Key::Ok, 1_600));
    assert_eq!(bench.asked, []);
    bench.press(Key::Ok);
    assert!(matches!(bench.last().action, Action::SetNetwork(_)), "{:?}", bench.last());
    let id = bench.last().id;
    bench.accept();
    bench.hear(FromBox::Done(Done { id, outcome: Outcome::Good, took_ms: 1 }));
    bench.press(Key::Back);
    bench.status.network.reverts_in_s = 50;
    bench.hear(FromBox::Status(bench.status.clone()));
    bench.go(Screen::Network);
    bench.press(Key::Ok);
    assert_eq!(bench.last().action, Action::KeepNetwork);
}

#[test]
fn what_is_not_allowed_is_not_offered_and_not_sent() {
    let mut bench = Bench::new(status(), 0);
    let capabilities = Capabilities::default().with(crate::wire::Capability::View);
    bench.hear(FromBox::Hello(BoxHello { minor: 0, capabilities }));
    bench.go(Screen::Actions);
    assert!(bench.page().contains(EN.not_allowed), "{}", bench.page());
    bench.go(Screen::Queue);
    bench.press(Key::Ok);
    assert!(bench.page().contains(EN.not_allowed), "{}", bench.page());
    assert_eq!(bench.asked, []);
}

#[test]
fn the_set_up_code_needs_a_long_press_and_goes_away() {
    let mut bench = Bench::new(Status { first_start: true, ..status() }, 0);
    bench.hold(Key::Ok, 1_600);
    assert_eq!(bench.last().action, Action::ShowSetupCode);
    bench.accept();
    let id = bench.last().id;
    bench.hear(FromBox::Secret(Secret { id, code: Text::new("K7RM-2WPX"), expires_s: 70 }));
    bench.wait(61_000);
    assert!(bench.page().contains("K7RM-2WPX"), "idle does not hide it: {}", bench.page());
    bench.wait(10_000);
    assert!(!bench.page().contains("K7RM"), "{}", bench.page());
}

#[test]
fn idle_goes_home_then_dims_and_a_new_alert_lights_it() {
    let mut bench = Bench::new(status(), 0);
    bench.go(Screen::Storage);
    bench.wait(HOME_AFTER_MS + 200);
    assert_eq!((bench.panel.screen(), bench.panel.brightness(bench.now)), (Screen::Home, Brightness::Full));
    bench.wait(DIM_AFTER_MS);
    assert_eq!(bench.panel.brightness(bench.now), Brightness::Dim);
    bench.status.alerts = [Alert { code: Code::E21, since: Moment(1), about: Text::new("pacs1") }].into_iter().collect();
    bench.hear(FromBox::Status(bench.status.clone()));
    assert_eq!(bench.panel.brightness(bench.now), Brightness::Full);
}

#[test]
fn every_fixed_text_fits_both_displays() {
    let most = |texts: &[&str], chars: usize| {
        for text in texts {
            assert!(text.chars().count() <= chars, "{text:?} has more than {chars} characters");
        }
    };
    // After "E21 " in the same line.
    most(&EN.code, 17);
    most(&[EN.other_code], 17);
    EN.todo.iter().chain([&EN.other_todo]).for_each(|lines| most(lines, 21));
    // After "> ", and alone in a header.
    most(&EN.menu, 20);
    most(&[EN.not_answering, EN.setup_title, EN.restart_service], 19);
    most(&EN.failure, 18);
    most(&EN.refusal, 16);
    most(&EN.reason, 14);
    most(&EN.word, 8);
    for layout in [Layout::MONO, Layout::COLOUR] {
        for alerts in [0, 1] {
            let mut bench = Bench::new(status(), 0);
            let alert = Alert { code: Code::E21, since: Moment(1), about: Text::new("pacs1") };
            bench.status.alerts = core::iter::repeat_n(alert, alerts).collect();
            bench.hear(FromBox::Status(bench.status.clone()));
            for screen in Screen::ALL {
                bench.go(screen);
                let page = bench.panel.page(bench.now, layout);
                assert!(!page.overflow, "{screen:?}: {page}");
            }
        }
    }
}

/// What the raw edges alone tell of OK: all of them are kept and looked at again from the start. What lasts less than the debounce time is nothing.
struct Witness {
    start: u32,
    /// When, counted from the start; which key; pressed or let go. Changes only.
    edges: Vec<(u32, Key, bool)>,
    /// The press that was acted upon.
    spent: Option<u32>,
}

impl Witness {
    fn new(start: u32) -> Self {
        Self { start, edges: Vec::new(), spent: None }
    }

    fn is_down(&self, key: Key) -> bool {
        self.edges.iter().rev().find(|edge| edge.1 == key).is_some_and(|edge| edge.2)
    }

    fn edge(&mut self, now: u32, key: Key, pressed: bool) {
        if self.is_down(key) != pressed {
            self.edges.push((now.wrapping_sub(self.start), key, pressed));
        }
    }

    /// From when to when a key was down (`u32::MAX`: it still is).
    fn presses(&self, key: Key, now: u32) -> Vec<(u32, u32)> {
        let edges: Vec<_> = self.edges.iter().filter(|edge| edge.1 == key).collect();
        let mut presses: Vec<(u32, u32)> = Vec::new();
        for (place, (at, _, pressed)) in edges.iter().enumerate() {
            let next = edges.get(place + 1).map_or(now, |edge| edge.0);
            let was_down = presses.last().is_some_and(|press| press.1 == u32::MAX);
            if *pressed == was_down || next - at < DEBOUNCE_MS {
                continue;
            }
            match presses.last_mut().filter(|_| was_down) {
                Some(press) => press.1 = *at,
                None => presses.push((*at, u32::MAX)),
            }
        }
        presses
    }

    /// For how long OK has been down, and no other finger on another key; a key that is stuck is nobody's (or becomes so before OK counts).
    fn ok_alone(&self, now: u32) -> Option<u32> {
        let now = now.wrapping_sub(self.start);
        let (since, _) = self.presses(Key::Ok, now).last().copied().filter(|press| press.1 == u32::MAX && self.is_down(Key::Ok))?;
        let is_finger = |press: &(u32, u32)| press.1 > since && since.saturating_sub(press.0) + 60 <= crate::buttons::STUCK_MS;
        let others = Key::ALL.into_iter().filter(|key| *key != Key::Ok);
        let alone = !others.flat_map(|key| self.presses(key, now)).any(|press| is_finger(&press));
        (alone && self.spent != Some(since)).then(|| now - since)
    }

    /// It must be let go before anything else: the same press does nothing twice.
    fn spend(&mut self, now: u32) {
        self.spent = self.presses(Key::Ok, now.wrapping_sub(self.start)).last().map(|press| press.0);
    }
}

fn needed(action: &Action) -> Option<u32> {
    match action {
        Action::Reboot | Action::ShutDown | Action::Rollback => Some(HOLD_MS),
        Action::Reset { .. } => Some(HOLD_RESET_MS),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Random hands: each step presses or lets go of a key and waits, sometimes for long, sometimes without anybody polling.
    #[test]
    fn nothing_destructive_without_its_whole_hold(
        steps in prop::collection::vec((0usize..12, any::<bool>(), prop_oneof![4 => 30u32..200, 2 => 200u32..2_000, 2 => 2_900u32..3_600, 1 => 9_900u32..11_000], 0u32..40), 1..60),
        start in any::<u32>(), reset in any::<bool>(),
    ) {
        let mut bench = Bench::new(status(), start);
        if reset {
            bench.panel.modal = Modal::hold(Danger::Ask(Action::Reset { digits: 1, lose_studies: true }));
        } else {
            bench.choose(EN.menu[7]);
        }
        bench.asked.clear();
        let mut witness = Witness::new(start);
        for (key, pressed, wait, jump) in steps {
            // OK is what matters: most steps are about it.
            let key = if key < 4 { Key::ALL[key] } else { Key::Ok };
            bench.panel.edge(bench.now, key, pressed);
            witness.edge(bench.now, key, pressed);
            if jump == 0 {
                // Nobody looked for a while.
                bench.step(wait);
            } else {
                let before = bench.asked.len();
                for _ in 0..wait / 50 {
                    bench.step(50);
                    bench.hear(FromBox::Status(bench.status.clone()));
                    if bench.asked.len() > before { break; }
                }
            }
            for command in bench.asked.drain(..) {
                if let Some(needed) = needed(&command.action) {
                    let held = witness.ok_alone(bench.now);
                    prop_assert!(held.is_some_and(|held| held >= needed), "{:?} after {:?} ms", command.action, held);
                    prop_assert!(jump != 0 || wait <= GAP_MS, "{:?} though nobody watched", command.action);
                    witness.spend(bench.now);
                }
            }
        }
    }

    /// Any keys, any messages, any time: no panic, no page that breaks its bounds, no more commands than presses.
    #[test]
    fn nothing_breaks_the_model(
        steps in prop::collection::vec((0u8..14, any::<u16>(), 0usize..4, any::<bool>()), 1..150), start in any::<u32>(),
    ) {
        let mut bench = Bench::new(status(), start);
        let (mut presses, mut down) = (0, [false; 4]);
        for (what, number, key, pressed) in steps {
            match what {
                0..=6 => {
                    presses += usize::from(pressed && !down[key]);
                    down[key] = pressed;
                    bench.panel.edge(bench.now, Key::ALL[key], pressed);
                    bench.step(u32::from(number) % 300);
                }
                7 => bench.step(u32::from(number)),
                8 => bench.hear(FromBox::Ack(Ack { id: number % 8, verdict: [Verdict::Accepted, Verdict::Locked, Verdict::WouldLose(3), Verdict::Busy][key] })),
                9 => bench.hear(FromBox::Done(Done { id: number % 8, outcome: Outcome::Count(1), took_ms: 1 })),
                10 => bench.hear(FromBox::Secret(Secret { id: number % 8, code: Text::new("1234"), expires_s: number })),
                11 => bench.hear(FromBox::Status(Status { first_start: pressed, lock: [Lock::Open, Lock::Actions, Lock::All, Lock::Open][key], ..status() })),
                12 => bench.hear(FromBox::Status(Status::default())),
                _ => bench.wait(100),
            }
            for layout in [Layout::MONO, Layout::COLOUR] {
                let page = bench.panel.page(bench.now, layout);
                prop_assert!(page.lines.len() <= usize::from(layout.rows) + 1);
            }
        }
        // A press may lead to one command, and the PIN's acceptance or the way home to one more.
        prop_assert!(bench.asked.len() + bench.local.len() <= presses * 2 + 2, "{} commands of {presses} presses", bench.asked.len());
    }
}
