//! Four buttons: from edges to gestures.
//!
//! ```text
//!            edge           25 ms quiet            released < 600 ms ──► Short
//! contact ─────────► raw ───────────────► down ──┬ 600 ms – 1.5 s ─────► nothing
//!                                                ├ ≥ 1.5 s ────────────► Long, at that moment
//!                                                └ > 20 s ─────────────► stuck: ignored until let go
//! ```
//! Two keys at once are no gesture at all until both are up again. Where a screen asks for it, a held UP or DOWN repeats instead.
//!
//! Time is `now_ms`, a counter that wraps; edges carry their own time and come in order. A hold during which nobody polled for [`GAP_MS`] (the
//! program stood still, the machine slept) is cancelled: it cannot be known that it was unbroken.

use heapless::Deque;

/// The keys, in the order of their bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Up, or one more.
    Up,
    /// Down, or one less.
    Down,
    /// Open, act.
    Ok,
    /// Back, away.
    Back,
}

impl Key {
    /// All keys.
    pub const ALL: [Self; 4] = [Self::Up, Self::Down, Self::Ok, Self::Back];

    /// Its bit in [`crate::wire::Alive::stuck_keys`].
    pub const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// What somebody did with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gesture {
    /// Pressed and let go within [`SHORT_MS`].
    Short(Key),
    /// Held for [`LONG_MS`].
    Long(Key),
    /// Held, and it repeats.
    Repeat(Key),
    /// Any key went down or up, or a hold was cancelled: a picture that shows keys may change.
    Touched,
}

/// How long a contact must be quiet before it counts, in milliseconds.
pub const DEBOUNCE_MS: u32 = 25;
/// A press that ends before this is short.
pub const SHORT_MS: u32 = 600;
/// A press that lasts this long is long.
pub const LONG_MS: u32 = 1_500;
/// A repeating key repeats after this time …
pub const REPEAT_AFTER_MS: u32 = 500;
/// … and then this often.
pub const REPEAT_EVERY_MS: u32 = 125;
/// A key held for longer is stuck.
pub const STUCK_MS: u32 = 20_000;
/// Longest time between two polls in which a hold counts as unbroken.
pub const GAP_MS: u32 = 1_000;

/// One contact.
#[derive(Debug, Clone, Copy, Default)]
struct Contact {
    /// As last heard.
    raw: bool,
    /// When that changed.
    changed_at: u32,
    /// As it counts.
    down: bool,
    stuck: bool,
}

/// What the keys together are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// All are up.
    Idle,
    /// One is down.
    Down { key: Key, since: u32, long: bool, repeats: u32, unbroken: bool },
    /// Whatever is down means nothing until all are up.
    Void,
}

/// The button machine.
#[derive(Debug)]
pub struct Buttons {
    contacts: [Contact; 4],
    debounce_ms: u32,
    state: State,
    /// Counts presses, so that a hold can be told from the one before it.
    press: u8,
    repeating: bool,
    polled_at: u32,
    gestures: Deque<Gesture, 8>,
}

/// A key that is down, alone and without a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// Which.
    pub key: Key,
    /// For how long, in milliseconds.
    pub for_ms: u32,
    /// Which press it is: another number than any hold shortly before.
    pub press: u8,
}

impl Buttons {
    /// All keys up. `debounce_ms`: [`DEBOUNCE_MS`], or 0 where the kernel or the keyboard has done it.
    pub const fn new(debounce_ms: u32) -> Self {
        let contact = Contact { raw: false, changed_at: 0, down: false, stuck: false };
        Self { contacts: [contact; 4], debounce_ms, state: State::Idle, press: 0, repeating: false, polled_at: 0, gestures: Deque::new() }
    }

    /// Whether a held UP or DOWN repeats (editors) or is one press.
    pub fn set_repeating(&mut self, repeating: bool) {
        self.repeating = repeating;
    }

    /// A contact opened or closed at `at_ms`.
    pub fn edge(&mut self, at_ms: u32, key: Key, pressed: bool) {
        self.settle(at_ms);
        let contact = &mut self.contacts[key as usize];
        if contact.raw != pressed {
            (contact.raw, contact.changed_at) = (pressed, at_ms);
            self.tell(Gesture::Touched);
        }
        self.settle(at_ms);
    }

    /// Lets time pass; answers the next gesture. Call until there is none.
    pub fn poll(&mut self, now_ms: u32) -> Option<Gesture> {
        self.settle(now_ms);
        self.gestures.pop_front()
    }

    /// Whether a key is to look pressed: at once, before it counts.
    pub fn looks_pressed(&self, key: Key) -> bool {
        let contact = self.contacts[key as usize];
        contact.raw && !contact.stuck
    }

    /// The key that is held alone without a break, if one is.
    pub fn hold(&self, now_ms: u32) -> Option<Hold> {
        match self.state {
            State::Down { key, since, unbroken: true, .. } if self.contacts[key as usize].raw => {
                Some(Hold { key, for_ms: now_ms.wrapping_sub(since), press: self.press })
            }
            State::Idle | State::Void | State::Down { .. } => None,
        }
    }

    /// What is held was acted upon: it means nothing more until it is let go.
    pub fn consume(&mut self) {
        if let State::Down { .. } = self.state {
            self.state = State::Void;
        }
    }

    /// Keys that are stuck, a bit each.
    pub fn stuck(&self) -> u8 {
        Key::ALL.iter().filter(|key| self.contacts[**key as usize].stuck).fold(0, |bits, key| bits | key.bit())
    }

    /// Milliseconds until something may happen by time alone; `None`: all keys are up.
    pub fn next_in(&self, now_ms: u32) -> Option<u32> {
        let bouncing = self.contacts.iter().filter(|contact| contact.raw != contact.down);
        let quiet = bouncing.map(|contact| self.debounce_ms.saturating_sub(now_ms.wrapping_sub(contact.changed_at))).min();
        let held = (self.state != State::Idle).then_some(50);
        quiet.into_iter().chain(held).min()
    }

    /// Carries everything out that has become true by `now`.
    fn settle(&mut self, now: u32) {
        if let State::Down { unbroken, .. } = &mut self.state
            && now.wrapping_sub(self.polled_at) > GAP_MS
        {
            *unbroken = false;
        }
        self.polled_at = now;
        // In the order of time: a key that settled earlier counts first.
        while let Some((key, at)) = self.quiet(now) {
            self.held(at);
            let contact = &mut self.contacts[key as usize];
            contact.down = contact.raw;
            if contact.down {
                self.goes_down(key, at, now.wrapping_sub(at) <= GAP_MS);
            } else {
                self.goes_up(key, at);
            }
        }
        self.held(now);
    }

    /// The contact that has been quiet for long enough since it changed, the earliest first, and when it changed.
    fn quiet(&self, now: u32) -> Option<(Key, u32)> {
        let age = |key: &Key| now.wrapping_sub(self.contacts[*key as usize].changed_at);
        let changed = Key::ALL.into_iter().filter(|key| {
            let contact = self.contacts[*key as usize];
            contact.raw != contact.down && age(key) >= self.debounce_ms
        });
        changed.max_by_key(age).map(|key| (key, self.contacts[key as usize].changed_at))
    }

    fn goes_down(&mut self, key: Key, at: u32, unbroken: bool) {
        self.press = self.press.wrapping_add(1);
        self.state = match self.state {
            State::Idle => State::Down { key, since: at, long: false, repeats: 0, unbroken },
            State::Down { .. } | State::Void => State::Void,
        };
        self.tell(Gesture::Touched);
    }

    fn goes_up(&mut self, key: Key, at: u32) {
        let was_stuck = core::mem::take(&mut self.contacts[key as usize].stuck);
        if let State::Down { key: held, since, long: false, repeats: 0, .. } = self.state
            && held == key
            && at.wrapping_sub(since) < SHORT_MS
        {
            self.tell(Gesture::Short(key));
        }
        if !was_stuck && !self.contacts.iter().any(|contact| contact.down && !contact.stuck) {
            self.state = State::Idle;
        }
        self.tell(Gesture::Touched);
    }

    /// What a held key has become by `now`.
    fn held(&mut self, now: u32) {
        let State::Down { key, since, long, repeats, unbroken } = self.state else {
            return self.void(now);
        };
        let contact = self.contacts[key as usize];
        // Let go, only not yet for long enough: it counts until then, no longer.
        let until = if contact.raw { now } else { contact.changed_at };
        let for_ms = until.wrapping_sub(since);
        if contact.raw && for_ms > STUCK_MS {
            self.contacts[key as usize].stuck = true;
            self.state = State::Idle;
            return self.tell(Gesture::Touched);
        }
        if self.repeating && matches!(key, Key::Up | Key::Down) {
            let due = for_ms.checked_sub(REPEAT_AFTER_MS).map_or(0, |over| 1 + over / REPEAT_EVERY_MS);
            if due > repeats {
                // One at a time however late: a jump of time is no burst of presses.
                self.state = State::Down { key, since, long, repeats: due, unbroken };
                self.tell(Gesture::Repeat(key));
            }
        } else if !long && repeats == 0 && for_ms >= LONG_MS {
            self.state = State::Down { key, since, long: true, repeats, unbroken };
            self.tell(Gesture::Long(key));
        }
    }

    /// Keys that mean nothing may still be stuck.
    fn void(&mut self, now: u32) {
        for contact in &mut self.contacts {
            if contact.down && contact.raw && !contact.stuck && now.wrapping_sub(contact.changed_at) > STUCK_MS {
                contact.stuck = true;
            }
        }
        if self.state == State::Void && !self.contacts.iter().any(|contact| contact.down && !contact.stuck) {
            self.state = State::Idle;
        }
    }

    /// Notes a gesture. A queue that nobody empties keeps the oldest: what comes later finds the screen in a state nobody saw.
    fn tell(&mut self, gesture: Gesture) {
        if gesture != Gesture::Touched || self.gestures.back() != Some(&Gesture::Touched) {
            let _ = self.gestures.push_back(gesture);
        }
    }
}

#[cfg(test)]
mod tests;
