//! The button machine against a slow and simple reading of its rules, under bounce, stuck keys, two at once and jumps of time.

use std::vec::Vec;

use proptest::prelude::*;

use super::*;

/// Feeds edges at their times, polling every `step` ms until 3 s after the last; gives the gestures without `Touched`.
fn play(edges: &[(u32, Key, bool)], start: u32, step: u32, repeating: bool) -> Vec<Gesture> {
    let mut buttons = Buttons::new(DEBOUNCE_MS);
    buttons.set_repeating(repeating);
    buttons.poll(start);
    let (mut found, mut now) = (Vec::new(), 0);
    let end = edges.last().map_or(0, |edge| edge.0) + 3_000;
    let mut rest = edges.iter().peekable();
    while now <= end {
        while let Some((at, key, pressed)) = rest.next_if(|edge| edge.0 <= now) {
            buttons.edge(start.wrapping_add(*at), *key, *pressed);
        }
        while let Some(gesture) = buttons.poll(start.wrapping_add(now)) {
            found.extend(Some(gesture).filter(|gesture| *gesture != Gesture::Touched));
        }
        now += step;
    }
    found
}

fn press(key: Key, from: u32, to: u32) -> [(u32, Key, bool); 2] {
    [(from, key, true), (to, key, false)]
}

#[test]
fn short_nothing_and_long() {
    let check = |held: u32, expected: &[Gesture]| {
        for start in [0, 12_345, u32::MAX - 700] {
            assert_eq!(play(&press(Key::Ok, 10, 10 + held), start, 5, false), expected, "held {held} ms from {start}");
        }
    };
    check(10, &[]);
    check(24, &[]);
    check(26, &[Gesture::Short(Key::Ok)]);
    check(599, &[Gesture::Short(Key::Ok)]);
    check(600, &[]);
    check(1_499, &[]);
    check(1_500, &[Gesture::Long(Key::Ok)]);
    check(9_000, &[Gesture::Long(Key::Ok)]);
}

#[test]
fn bounce_is_one_press() {
    let edges = [(0, true), (3, false), (5, true), (11, false), (12, true), (200, false), (204, true), (207, false)];
    let edges: Vec<_> = edges.iter().map(|(at, pressed)| (*at, Key::Up, *pressed)).collect();
    assert_eq!(play(&edges, 0, 5, false), [Gesture::Short(Key::Up)]);
}

#[test]
fn two_at_once_are_nothing_until_both_are_up() {
    let mut edges = Vec::from(press(Key::Ok, 0, 400));
    edges.extend(press(Key::Up, 100, 300));
    edges.extend(press(Key::Down, 600, 700));
    edges.sort_by_key(|edge| edge.0);
    assert_eq!(play(&edges, 0, 5, false), [Gesture::Short(Key::Down)]);
}

#[test]
fn a_stuck_key_is_ignored_and_the_others_work() {
    let mut buttons = Buttons::new(0);
    buttons.edge(0, Key::Back, true);
    let mut gestures = Vec::new();
    for now in (0..25_000).step_by(100) {
        gestures.extend(std::iter::from_fn(|| buttons.poll(now)).filter(|g| *g != Gesture::Touched));
    }
    assert_eq!(gestures, [Gesture::Long(Key::Back)]);
    assert_eq!(buttons.stuck(), Key::Back.bit());
    assert!(!buttons.looks_pressed(Key::Back));
    buttons.edge(25_000, Key::Ok, true);
    buttons.edge(25_100, Key::Ok, false);
    let short: Vec<_> = std::iter::from_fn(|| buttons.poll(25_100)).filter(|g| *g != Gesture::Touched).collect();
    assert_eq!(short, [Gesture::Short(Key::Ok)]);
    buttons.edge(26_000, Key::Back, false);
    assert_eq!(buttons.stuck(), 0);
}

#[test]
fn a_late_poll_misses_neither_short_nor_long() {
    let mut buttons = Buttons::new(DEBOUNCE_MS);
    buttons.edge(0, Key::Ok, true);
    buttons.edge(100, Key::Ok, false);
    buttons.edge(200, Key::Up, true);
    let found: Vec<_> = std::iter::from_fn(|| buttons.poll(5_000)).filter(|g| *g != Gesture::Touched).collect();
    assert_eq!(found, [Gesture::Short(Key::Ok), Gesture::Long(Key::Up)]);
    assert_eq!(buttons.hold(5_000), None, "nobody looked for 4.8 s: that hold proves nothing");
}

#[test]
fn a_hold_is_a_hold_only_while_it_is_alone_and_watched() {
    let mut buttons = Buttons::new(0);
    buttons.edge(0, Key::Ok, true);
    for now in (0..2_000).step_by(250) {
        buttons.poll(now);
        assert_eq!(buttons.hold(now).map(|hold| hold.for_ms), Some(now));
    }
    buttons.edge(2_000, Key::Up, true);
    assert_eq!(buttons.hold(2_000), None);
    buttons.edge(2_100, Key::Up, false);
    assert_eq!(buttons.hold(2_100), None, "OK must be let go first");
}

#[test]
fn editors_repeat_and_a_repeated_press_is_not_also_short() {
    assert_eq!(play(&press(Key::Up, 0, 550), 0, 5, true), [Gesture::Repeat(Key::Up)]);
    assert_eq!(play(&press(Key::Up, 0, 999), 0, 5, true), [Gesture::Repeat(Key::Up); 4]);
    assert_eq!(play(&press(Key::Up, 0, 100), 0, 5, true), [Gesture::Short(Key::Up)]);
    assert_eq!(play(&press(Key::Ok, 0, 1_600), 0, 5, true), [Gesture::Long(Key::Ok)]);
}

/// Edges of clean presses that follow each other, one key at a time, each with bounce at both ends.
fn presses() -> impl Strategy<Value = Vec<(usize, u32, u32, Vec<u32>)>> {
    prop::collection::vec((0usize..4, 40u32..3_000, 60u32..500, prop::collection::vec(1u32..20, 0..6)), 1..12)
}

proptest! {
    #[test]
    fn one_press_is_one_gesture_whatever_the_bounce(presses in presses(), start in any::<u32>(), step in 1u32..40) {
        let (mut at, mut edges, mut expected) = (0, Vec::new(), Vec::new());
        for (key, held, pause, bounce) in presses {
            let key = Key::ALL[key];
            let bouncing = |at: &mut u32, first: bool, edges: &mut Vec<_>| {
                let mut level = first;
                for gap in bounce.iter().take(bounce.len() / 2 * 2) {
                    edges.push((*at, key, level));
                    *at += gap;
                    level = !level;
                }
                edges.push((*at, key, level));
            };
            bouncing(&mut at, true, &mut edges);
            at += held;
            let released = at;
            let down_at = edges.last().unwrap().0;
            bouncing(&mut at, false, &mut edges);
            let up_at = edges.last().unwrap().0;
            // The press lasts from its last bounce in to its last bounce out.
            let lasted = up_at - down_at;
            let unclear = |limit: u32| (released - down_at..=lasted).contains(&limit) && bounce.len() > 1;
            prop_assume!(!unclear(SHORT_MS) && !unclear(LONG_MS));
            expected.extend(if lasted < SHORT_MS { Some(Gesture::Short(key)) } else if lasted >= LONG_MS { Some(Gesture::Long(key)) } else { None });
            at += DEBOUNCE_MS + pause;
        }
        prop_assert_eq!(play(&edges, start, step, false), expected);
    }

    #[test]
    fn random_edges_never_give_two_gestures_for_one_press(
        edges in prop::collection::vec((0u32..400, 0usize..4, any::<bool>()), 0..60), start in any::<u32>(), jumps in prop::collection::vec(0u32..30_000, 0..4)
    ) {
        let mut buttons = Buttons::new(DEBOUNCE_MS);
        let mut now = start;
        buttons.poll(now);
        let (mut downs, mut acts) = (0u32, 0u32);
        let mut raw = [false; 4];
        let mut jumps = jumps.into_iter();
        for (index, (gap, key, pressed)) in edges.into_iter().enumerate() {
            now = now.wrapping_add(gap);
            if index % 15 == 14 { now = now.wrapping_add(jumps.next().unwrap_or(0)); }
            if pressed && !raw[key] { downs += 1; }
            raw[key] = pressed;
            buttons.edge(now, Key::ALL[key], pressed);
            while let Some(gesture) = buttons.poll(now) {
                acts += u32::from(gesture != Gesture::Touched);
            }
            prop_assert!(acts <= downs, "{} gestures of {} presses", acts, downs);
            if let Some(hold) = buttons.hold(now) {
                prop_assert!(raw[hold.key as usize], "a hold of a key that is up");
                prop_assert_eq!(raw.iter().enumerate().filter(|(at, down)| **down && buttons.stuck() & (1 << at) == 0).count() >= 1, true);
            }
        }
        // All up: nothing is left behind.
        for key in Key::ALL { buttons.edge(now, key, false); }
        for _ in 0..100 { now = now.wrapping_add(50); while buttons.poll(now).is_some() {} }
        prop_assert_eq!(buttons.hold(now), None);
        prop_assert_eq!(buttons.stuck(), 0);
        prop_assert_eq!(buttons.next_in(now), None);
    }
}
