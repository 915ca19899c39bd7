//! What stands in front of screens.

use relaypacs_panel_core::{
    Text,
    buttons::{DEBOUNCE_MS, Key},
    ui::{Abilities, EN, Output, Panel, Screen},
    wire::{Ack, Done, FromBox, MessageError, Network, Outcome, Secret, Software, Status, Step, Update, Verdict},
};

use super::{first_start, held, network, pacs_away, well};
use crate::gallery::{Hand, Shot};

/// A destination and a scanner are asked: while it takes, each way it can end.
pub fn echo() -> Vec<Shot> {
    let mut shots = Vec::new();
    let mut hand = Hand::new([FromBox::Status(well())]);
    hand.go(Screen::Destinations);
    shots.push(Shot::of("destinations", &hand));
    let fails = |step, detail: &str| Outcome::Failed { step, detail: Text::new(detail) };
    let ends = [
        ("answers", Outcome::Good),
        ("no-name", fails(Step::Name, "pacs1.clinic.example: no such host")),
        ("no-connection", fails(Step::Connect, "192.168.1.20:443: connection refused")),
        ("no-tls", fails(Step::Tls, "certificate of pacs1.example has expired")),
        ("no-login", fails(Step::Login, "401 Unauthorized")),
        ("no-service", fails(Step::Service, "404 Not Found: no DICOMweb at /dicom-web")),
        ("too-long", fails(Step::Time, "")),
    ];
    for (name, outcome) in ends {
        hand.press(Key::Ok);
        if name == "answers" {
            shots.push(Shot::of("asking", &hand));
        }
        ended(&mut hand, outcome);
        shots.push(Shot::of(name, &hand));
        hand.press(Key::Back);
    }
    hand.go(Screen::Scanners);
    hand.press(Key::Ok);
    ended(&mut hand, Outcome::Good);
    shots.push(Shot::of("scanner-answers", &hand));
    shots
}

/// The last command is accepted and ends.
fn ended(hand: &mut Hand, outcome: Outcome) {
    let id = asked(hand);
    hand.hear(FromBox::Ack(Ack { id, verdict: Verdict::Accepted }));
    hand.hear(FromBox::Done(Done { id, outcome, took_ms: 41 }));
}

/// Every modal.
pub fn modals() -> Vec<Shot> {
    let mut shots = Vec::new();
    let waiting = || Hand::new([FromBox::Status(Status { destinations: pacs_away().destinations, queue: pacs_away().queue, ..well() })]);

    let hand = Hand { panel: Panel::new(&EN, Abilities::default(), DEBOUNCE_MS, 0), now_ms: 0, scrolled_ms: 0 };
    shots.push(Shot::of("waiting", &hand));

    let mut hand = Hand::new([FromBox::Status(pacs_away())]);
    hand.press(Key::Ok);
    shots.push(Shot::of("what-to-do", &hand));

    let mut hand = waiting();
    hand.go(Screen::Destinations);
    hand.press(Key::Ok);
    shots.push(Shot::of("testing", &hand));
    ended(&mut hand, Outcome::Failed { step: Step::Tls, detail: Text::new("certificate of pacs1.example has expired") });
    shots.push(Shot::of("test-failed", &hand));
    hand.press(Key::Back);
    hand.press(Key::Down);
    hand.press(Key::Ok);
    ended(&mut hand, Outcome::Good);
    shots.push(Shot::of("test-good", &hand));
    hand.press(Key::Back);
    hand.hold(Key::Ok, 1_600);
    shots.push(Shot::of("confirm-pause", &hand));

    let mut hand = waiting();
    let menu = |hand: &mut Hand, down: usize| {
        hand.go(Screen::Actions);
        (0..down).for_each(|_| hand.press(Key::Down));
    };
    menu(&mut hand, 0);
    hand.press(Key::Ok);
    ended(&mut hand, Outcome::Some { good: 2, asked: 3 });
    shots.push(Shot::of("tested-all", &hand));
    menu(&mut hand, 1);
    hand.press(Key::Ok);
    ended(&mut hand, Outcome::Count(318));
    shots.push(Shot::of("retried", &hand));

    menu(&mut hand, 7);
    hand.press(Key::Ok);
    shots.push(Shot::of("hold", &hand));
    hand.down(Key::Ok, 1_500);
    shots.push(Shot::of("holding", &hand));
    hand.panel.edge(hand.now_ms, Key::Ok, false);
    hand.silence(100);

    menu(&mut hand, 9);
    hand.press(Key::Ok);
    let id = asked(&mut hand);
    hand.hear(FromBox::Ack(Ack { id, verdict: Verdict::Accepted }));
    hand.hear(FromBox::Secret(Secret { id, code: Text::new("4178"), expires_s: 120 }));
    shots.push(Shot::of("reset-code", &hand));
    for digit in [4, 1, 7, 8] {
        (0..digit).for_each(|_| hand.press(Key::Up));
        hand.press(Key::Ok);
    }
    shots.push(Shot::of("reset-lose", &hand));
    hand.press(Key::Ok);
    hand.panel.edge(hand.now_ms, Key::Ok, true);
    hand.wait(4_000);
    shots.push(Shot::of("reset-holding", &hand));

    shots.extend(secret_and_network());
    shots.extend(refusals_and_links());
    shots
}

/// The id of the last command a hand's panel sent.
pub(crate) fn asked(hand: &mut Hand) -> u16 {
    let mut last = 0;
    while let Some(output) = hand.panel.next_output() {
        if let Output::Send(command) = output {
            last = command.id;
        }
    }
    last
}

fn secret_and_network() -> Vec<Shot> {
    let mut shots = Vec::new();
    let mut hand = Hand::new([FromBox::Status(first_start())]);
    hand.hold(Key::Ok, 1_600);
    let id = asked(&mut hand);
    hand.hear(FromBox::Ack(Ack { id, verdict: Verdict::Accepted }));
    hand.hear(FromBox::Secret(Secret { id, code: Text::new("K7RM-2WPX"), expires_s: 600 }));
    shots.push(Shot::of("set-up-code", &hand));

    let mut hand = Hand::new([FromBox::Status(well())]);
    hand.go(Screen::Network);
    hand.press(Key::Ok);
    shots.push(Shot::of("network-kind", &hand));
    hand.press(Key::Down);
    hand.press(Key::Ok);
    (0..4).for_each(|_| hand.press(Key::Ok));
    shots.push(Shot::of("network-address", &hand));
    hand.hold(Key::Ok, 1_600);
    shots.push(Shot::of("network-prefix", &hand));
    (0..3).for_each(|_| hand.hold(Key::Ok, 1_600));
    shots.push(Shot::of("network-confirm", &hand));
    let network = Network { reverts_in_s: 43, ..network() };
    let mut hand = Hand::new([FromBox::Status(Status { network, ..well() })]);
    hand.go(Screen::Network);
    shots.push(Shot::of("network-keep", &hand));
    shots
}

fn refusals_and_links() -> Vec<Shot> {
    let mut shots = Vec::new();
    let mut refused = |name: &str, verdict| {
        let mut hand = Hand::new([FromBox::Status(held())]);
        hand.go(Screen::Queue);
        hand.press(Key::Ok);
        let id = asked(&mut hand);
        hand.hear(FromBox::Ack(Ack { id, verdict }));
        shots.push(Shot::of(name, &hand));
    };
    refused("not-available", Verdict::NotAvailable);
    refused("pin", Verdict::Locked);
    refused("wrong-pin", Verdict::WrongPin(4));
    refused("too-many-tries", Verdict::Wait(299));

    let mut hand = Hand::new([FromBox::Status(well())]);
    hand.go(Screen::Destinations);
    hand.press(Key::Ok);
    hand.silence(2_200);
    shots.push(Shot::of("no-answer", &hand));

    let mut hand = Hand::new([FromBox::Status(pacs_away())]);
    hand.silence(3_000);
    shots.push(Shot::of("not-answering", &hand));
    hand.press(Key::Ok);
    hand.silence(3_000);
    let mut hand = Hand::new([FromBox::Status(pacs_away())]);
    hand.panel.hear_nonsense(hand.now_ms, MessageError::Version(3));
    shots.push(Shot::of("do-not-fit", &hand));

    let running = Software { update: Update::Running(62), ..well().software };
    shots.push(Shot::of("updating", &Hand::new([FromBox::Status(Status { software: running, ..well() })])));
    shots.push(Shot::of("pressed", &{
        let mut hand = Hand::new([FromBox::Status(well())]);
        hand.panel.edge(hand.now_ms, Key::Ok, true);
        hand
    }));
    shots
}
