//! The panel's model: what it has heard, what it shows, what keys mean there, what it asks for.
//!
//! ```text
//! frames ──► Panel::hear ──┐                        ┌──► Panel::page ──► paint
//! edges ───► Panel::edge ──┼──► screen, row, modal ─┤
//! time ────► Panel::tick ──┘                        └──► Panel::next_output (commands, requests)
//! ```
//! The danger ladder: test, retry: OK · pause: and a confirmation · set-up code: long OK · network: confirmation, goes back after 60 s ·
//! reboot, shut down, previous release: hold OK for 3 s · factory reset: type the digits the box shows, confirm the loss of what was not
//! sent, hold OK for 10 s. A command that needs the PIN asks for it first and then goes on.

mod compose;
mod editor;
pub mod format;
mod keys;
mod lists;
mod modal;
mod page;
#[cfg(test)]
mod tests;
mod words;

use heapless::Deque;

use self::modal::{Modal, Result_};
pub use self::{
    page::{Header, Label, Layout, Line, Page, Role},
    words::{EN, Words},
};
use crate::{
    buttons::{Buttons, Key},
    wire::{
        Ack, Action, Alive, Capabilities, Command, Done, FrameError, FromBox, Lock, MessageError, Moment, SILENCE_MS, Secret, Status,
        Verdict,
    },
};

/// Without a key for this long the panel goes back to HOME, in milliseconds.
pub const HOME_AFTER_MS: u32 = 60_000;
/// Without a key for this long the display is dimmed.
pub const DIM_AFTER_MS: u32 = 300_000;
/// The picture moves by a pixel this often, so that none burns in.
pub const SHIFT_EVERY_MS: u32 = 60_000;
/// A command that is not acknowledged for this long has no answer.
pub const ACK_WITHIN_MS: u32 = 2_000;
/// A command that has not ended for this long has no answer.
pub const DONE_WITHIN_MS: u32 = 20_000;
/// Reboot and the like need OK held for this long.
pub const HOLD_MS: u32 = 3_000;
/// Factory reset needs OK held for this long.
pub const HOLD_RESET_MS: u32 = 10_000;

/// The screens, in the order in which DOWN goes through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// The box in five seconds.
    Home,
    /// Who sends, who was rejected.
    Scanners,
    /// Where studies go.
    Destinations,
    /// What waits and what is held.
    Queue,
    /// The study that came last.
    LastStudy,
    /// Disk and machine.
    Storage,
    /// Addresses, and a QR code to the web page.
    Network,
    /// Release and update.
    Software,
    /// What needs somebody.
    Alerts,
    /// What can be done.
    Actions,
}

impl Screen {
    /// All screens.
    pub const ALL: [Self; 10] = [
        Self::Home,
        Self::Scanners,
        Self::Destinations,
        Self::Queue,
        Self::LastStudy,
        Self::Storage,
        Self::Network,
        Self::Software,
        Self::Alerts,
        Self::Actions,
    ];

    const fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    const fn before(self) -> Self {
        Self::ALL[(self as usize + Self::ALL.len() - 1) % Self::ALL.len()]
    }
}

/// How the link to the box is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Nothing was heard yet.
    Waiting,
    /// Frames come.
    Up,
    /// No valid frame for [`SILENCE_MS`].
    Gone,
    /// The box speaks this other version.
    Mismatch(u8),
}

/// What the panel wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A command for the box.
    Send(Command),
    /// Something for the machine under a box that does not answer.
    Local(LocalRequest),
}

/// What is asked of the machine itself, past the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalRequest {
    /// Start the daemon anew.
    RestartService,
    /// Start the machine anew.
    Reboot,
}

/// How bright the display is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brightness {
    /// Somebody is there, or something is new.
    Full,
    /// Nobody has touched it for long.
    Dim,
}

/// What this panel can do beyond talking to the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Abilities {
    /// It can ask the machine for a restart when the daemon does not answer.
    pub local_requests: bool,
}

/// The model of one panel.
#[derive(Debug)]
pub struct Panel {
    words: &'static Words,
    abilities: Abilities,
    buttons: Buttons,
    link: Link,
    /// When the last valid frame came, or the panel began.
    heard_at: u32,
    status: Option<Status>,
    /// When that came.
    status_at: u32,
    capabilities: Capabilities,
    screen: Screen,
    row: u8,
    modal: Modal,
    next_id: u16,
    /// The PIN was accepted on this panel.
    unlocked: bool,
    /// What waits for the PIN.
    after_unlock: Option<Action>,
    /// When a key was last touched or something new came up.
    touched_at: u32,
    dropped: u16,
    out: Deque<Output, 4>,
    dirty: bool,
}

impl Panel {
    /// A panel that has heard nothing yet. `debounce_ms`: 0 where the kernel or the keyboard debounces.
    pub const fn new(words: &'static Words, abilities: Abilities, debounce_ms: u32, now_ms: u32) -> Self {
        Self {
            words,
            abilities,
            buttons: Buttons::new(debounce_ms),
            link: Link::Waiting,
            heard_at: now_ms,
            status: None,
            status_at: now_ms,
            capabilities: Capabilities(0),
            screen: Screen::Home,
            row: 0,
            modal: Modal::None,
            next_id: 1,
            unlocked: false,
            after_unlock: None,
            touched_at: now_ms,
            dropped: 0,
            out: Deque::new(),
            dirty: true,
        }
    }

    /// How the link is.
    pub const fn link(&self) -> Link {
        self.link
    }

    /// The last status, however old.
    pub const fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    /// The screen below whatever modal is open.
    pub const fn screen(&self) -> Screen {
        self.screen
    }

    /// Whether a key is to look pressed.
    pub fn looks_pressed(&self, key: Key) -> bool {
        self.buttons.looks_pressed(key)
    }

    /// A message came.
    pub fn hear(&mut self, now_ms: u32, mut message: FromBox) {
        self.heard_at = now_ms;
        self.link = Link::Up;
        self.dirty = true;
        match &mut message {
            FromBox::Hello(hello) => self.capabilities = hello.capabilities,
            FromBox::Status(status) => self.take(now_ms, status),
            FromBox::Ack(ack) => self.acknowledged(now_ms, ack),
            FromBox::Done(done) => self.ended(now_ms, done),
            FromBox::Secret(secret) => self.secret(now_ms, secret),
            FromBox::Bye(crate::wire::Bye::Version(version)) => self.link = Link::Mismatch(*version),
            // The status that follows an event tells; the end of the link shows by itself.
            FromBox::Event(_) | FromBox::Bye(_) => {}
        }
    }

    /// A frame came that is no message.
    pub fn hear_nonsense(&mut self, now_ms: u32, error: MessageError) {
        if let MessageError::Version(version) = error {
            self.heard_at = now_ms;
            self.link = Link::Mismatch(version);
            self.dirty = true;
        }
        self.dropped = self.dropped.saturating_add(1);
    }

    /// Bytes came that are no frame.
    pub fn hear_noise(&mut self, _: FrameError) {
        self.dropped = self.dropped.saturating_add(1);
    }

    /// The link was made anew: ids begin anew too, and nothing asked before will be answered.
    pub fn connected(&mut self) {
        self.dropped = 0;
        self.unlocked = false;
    }

    /// A contact opened or closed at `at_ms`.
    pub fn edge(&mut self, at_ms: u32, key: Key, pressed: bool) {
        self.buttons.edge(at_ms, key, pressed);
    }

    /// Lets time pass: gestures, silence, deadlines.
    pub fn tick(&mut self, now_ms: u32) {
        self.buttons.set_repeating(self.modal.is_editor());
        while let Some(gesture) = self.buttons.poll(now_ms) {
            self.gesture(now_ms, gesture);
        }
        self.hold(now_ms);
        if matches!(self.link, Link::Waiting | Link::Up) && now_ms.wrapping_sub(self.heard_at) > SILENCE_MS {
            self.link = Link::Gone;
            self.modal = Modal::None;
            self.after_unlock = None;
            self.row = 0;
            self.dirty = true;
        }
        self.deadlines(now_ms);
        if now_ms.wrapping_sub(self.touched_at) > HOME_AFTER_MS
            && !self.modal.stays()
            && (self.screen, &self.modal) != (Screen::Home, &Modal::None)
        {
            self.go_home();
            if core::mem::take(&mut self.unlocked) {
                self.send(Action::Lock);
            }
        }
    }

    /// What the panel wants done next.
    pub fn next_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// What the panel says about itself every second.
    pub fn alive(&self, display_ok: bool) -> Alive {
        Alive { stuck_keys: self.buttons.stuck(), display_ok, dropped: self.dropped }
    }

    /// Whether the picture may have changed since this was last asked.
    pub fn take_dirty(&mut self) -> bool {
        core::mem::take(&mut self.dirty)
    }

    /// Milliseconds until [`Self::tick`] is wanted, frames and edges apart.
    pub fn next_in(&self, now_ms: u32) -> u32 {
        self.buttons.next_in(now_ms).map_or(250, |soon| soon.clamp(1, 250))
    }

    /// How bright the display is to be.
    pub const fn brightness(&self, now_ms: u32) -> Brightness {
        if now_ms.wrapping_sub(self.touched_at) > DIM_AFTER_MS { Brightness::Dim } else { Brightness::Full }
    }

    /// The clinic's clock, as far as it is known.
    fn clock(&self, now_ms: u32) -> Moment {
        let known = self.status.as_ref().map_or(0, |status| status.now.0);
        Moment(if known == 0 { 0 } else { known.saturating_add(now_ms.wrapping_sub(self.status_at) / 1000) })
    }

    /// Takes a status; leaves the one before in its place, which spares a copy of it.
    fn take(&mut self, now_ms: u32, status: &mut Status) {
        let known = |code, about: &str| {
            self.status.as_ref().is_some_and(|old| old.alerts.iter().any(|alert| alert.code == code && alert.about.as_str() == about))
        };
        if status.alerts.iter().any(|alert| !known(alert.code, alert.about.as_str())) {
            // Something new: light, and back to where it can be seen unless somebody is at work.
            if now_ms.wrapping_sub(self.touched_at) > HOME_AFTER_MS {
                self.touched_at = now_ms.wrapping_sub(HOME_AFTER_MS);
            }
        }
        core::mem::swap(self.status.get_or_insert_default(), status);
        self.status_at = now_ms;
        self.row = self.row.min(u8::try_from(self.rows()).unwrap_or(u8::MAX).saturating_sub(1));
    }

    /// Whether the panel may show and do things without its PIN.
    fn lock(&self) -> Lock {
        self.status.as_ref().map_or(Lock::Open, |status| if self.unlocked { Lock::Open } else { status.lock })
    }

    /// Asks the box for something, after the PIN where it is locked.
    fn ask(&mut self, now_ms: u32, action: Action) {
        if action.needs().is_some_and(|needed| !self.capabilities.has(needed)) {
            self.modal = Modal::Result(Result_::Refused(Verdict::NotAllowed));
            return;
        }
        if action.needs().is_some() && self.lock() != Lock::Open {
            self.after_unlock = Some(action);
            self.modal = Modal::pin();
            return;
        }
        let id = self.send(action.clone());
        self.modal = Modal::Waiting { id, action, sent_at: now_ms, accepted: false };
        self.dirty = true;
    }

    fn send(&mut self, action: Action) -> u16 {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1).max(1);
        // A link that takes nothing keeps the oldest; the newest then has no answer, and the screen says so.
        let _ = self.out.push_back(Output::Send(Command { id, action }));
        id
    }

    fn acknowledged(&mut self, now_ms: u32, ack: &Ack) {
        let Modal::Waiting { id, action, accepted, .. } = &mut self.modal else { return };
        if *id != ack.id {
            return;
        }
        match ack.verdict {
            Verdict::Accepted if matches!(action, Action::Unlock { .. }) => {
                self.unlocked = true;
                self.modal = Modal::None;
                if let Some(action) = self.after_unlock.take() {
                    self.ask(now_ms, action);
                }
            }
            Verdict::Accepted => *accepted = true,
            Verdict::Locked => {
                let action = action.clone();
                self.unlocked = false;
                self.after_unlock = Some(action);
                self.modal = Modal::pin();
            }
            Verdict::WouldLose(studies) => {
                if let Action::Reset { digits, .. } = *action {
                    self.modal = Modal::Lose { digits, studies };
                }
            }
            refused => self.modal = Modal::Result(Result_::Refused(refused)),
        }
    }

    fn ended(&mut self, now_ms: u32, done: &Done) {
        if let Modal::Waiting { id, action, .. } = &self.modal
            && *id == done.id
        {
            self.touched_at = now_ms;
            self.modal = Modal::Result(Result_::Ended { action: action.clone(), outcome: done.outcome.clone(), took_ms: done.took_ms });
        }
    }

    fn secret(&mut self, now_ms: u32, secret: &Secret) {
        let Modal::Waiting { id, action, .. } = &self.modal else { return };
        if *id != secret.id {
            return;
        }
        let until = now_ms.wrapping_add(u32::from(secret.expires_s) * 1000);
        self.modal = match action {
            Action::ResetCode => Modal::reset_code(secret.code.clone()),
            _ => Modal::Secret { code: secret.code.clone(), until },
        };
    }

    /// Ends what has waited for too long.
    fn deadlines(&mut self, now_ms: u32) {
        let over = match &self.modal {
            Modal::Waiting { sent_at, accepted, .. } => {
                let waited = now_ms.wrapping_sub(*sent_at);
                waited > if *accepted { DONE_WITHIN_MS } else { ACK_WITHIN_MS }
            }
            Modal::Secret { until, .. } => now_ms.wrapping_sub(*until) < u32::MAX / 2,
            _ => return,
        };
        if over {
            let secret = matches!(self.modal, Modal::Secret { .. });
            self.modal = if secret { Modal::None } else { Modal::Result(Result_::NoAnswer) };
            self.dirty = true;
        }
    }

    fn go_home(&mut self) {
        (self.screen, self.row, self.modal) = (Screen::Home, 0, Modal::None);
        self.after_unlock = None;
        self.dirty = true;
    }
}
