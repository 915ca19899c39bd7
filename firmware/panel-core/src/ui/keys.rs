//! What keys mean, screen by screen.

use super::{
    HOLD_MS, HOLD_RESET_MS, Link, LocalRequest, Output, Panel, Screen,
    editor::{Editor, Step},
    lists::MenuItem,
    modal::{Danger, Modal, Result_},
};
use crate::{
    buttons::{Gesture, Key},
    wire::{Action, DestinationState, Lock, NetworkPlan, Update, Verdict},
};

impl Panel {
    pub(super) fn gesture(&mut self, now_ms: u32, gesture: Gesture) {
        self.dirty = true;
        self.touched_at = now_ms;
        if gesture == Gesture::Touched {
            return;
        }
        if let Link::Mismatch(_) = self.link {
            return;
        }
        if gesture == Gesture::Long(Key::Back) && !matches!(self.modal, Modal::Waiting { .. }) {
            return self.go_home();
        }
        match core::mem::replace(&mut self.modal, Modal::None) {
            Modal::None => self.on_screen(now_ms, gesture),
            modal => self.on_modal(now_ms, gesture, modal),
        }
    }

    fn on_screen(&mut self, now_ms: u32, gesture: Gesture) {
        if self.link != Link::Up {
            return self.on_gone(gesture);
        }
        if self.lock() == Lock::All {
            if gesture == Gesture::Short(Key::Ok) {
                self.modal = Modal::pin();
            }
            return;
        }
        match gesture {
            Gesture::Short(Key::Up) if self.row > 0 => self.row -= 1,
            Gesture::Short(Key::Up) => (self.screen, self.row) = (self.screen.before(), 0),
            Gesture::Short(Key::Down) if usize::from(self.row) + 1 < self.rows() => self.row += 1,
            Gesture::Short(Key::Down) => (self.screen, self.row) = (self.screen.next(), 0),
            Gesture::Short(Key::Back) => (self.screen, self.row) = (Screen::Home, 0),
            Gesture::Short(Key::Ok) => self.open(now_ms),
            Gesture::Long(Key::Ok) => self.open_long(now_ms),
            Gesture::Long(_) | Gesture::Repeat(_) | Gesture::Touched => {}
        }
    }

    /// OK.
    fn open(&mut self, now_ms: u32) {
        let Some(status) = &self.status else { return };
        let row = usize::from(self.row);
        match self.screen {
            Screen::Home if status.alerts.is_empty() => (self.screen, self.row) = (Screen::Actions, 0),
            Screen::Home | Screen::Alerts => {
                if let Some(alert) = status.alerts.get(row) {
                    self.modal = Modal::Todo { code: alert.code, about: alert.about.clone() };
                }
            }
            Screen::Scanners => match status.peers.get(row) {
                Some(peer) if peer.can_test => self.ask(now_ms, Action::TestPeer(peer.handle)),
                Some(peer) if peer.refused.is_some() => {
                    self.modal = Modal::Todo { code: crate::wire::Code::E11, about: crate::Text::new(peer.ae_title.as_str()) };
                }
                _ => {}
            },
            Screen::Destinations => {
                if let Some(destination) = status.destinations.get(row) {
                    self.ask(now_ms, Action::TestDestination(destination.handle));
                }
            }
            Screen::Queue => {
                if let Some(held) = status.held.get(row) {
                    self.ask(now_ms, Action::Retry(held.handle));
                }
            }
            Screen::Network if status.network.reverts_in_s > 0 => self.ask(now_ms, Action::KeepNetwork),
            Screen::Network if self.offers(MenuItem::Network) => self.modal = Modal::NetworkKind { row: 0 },
            Screen::Software if matches!(status.software.update, Update::RolledBack { .. }) => self.ask(now_ms, Action::AcknowledgeUpdate),
            Screen::Actions => self.choose(now_ms),
            Screen::Network | Screen::Software | Screen::LastStudy | Screen::Storage => {}
        }
    }

    /// Long OK.
    fn open_long(&mut self, now_ms: u32) {
        let Some(status) = &self.status else { return };
        match self.screen {
            Screen::Home if status.first_start => self.ask(now_ms, Action::ShowSetupCode),
            Screen::Queue if !status.held.is_empty() => self.ask(now_ms, Action::RetryAll),
            Screen::Destinations => {
                if let Some(destination) = status.destinations.get(usize::from(self.row)) {
                    let paused = destination.state == DestinationState::Paused;
                    let action = if paused { Action::Resume(destination.handle) } else { Action::Pause(destination.handle) };
                    self.modal = Modal::Confirm(action);
                }
            }
            Screen::Actions if self.menu().get(usize::from(self.row)) == Some(&MenuItem::SetupCode) => {
                self.ask(now_ms, Action::ShowSetupCode);
            }
            _ => {}
        }
    }

    /// OK on a row of ACTIONS.
    fn choose(&mut self, now_ms: u32) {
        let menu = self.menu();
        let Some(item) = menu.get(usize::from(self.row)) else { return };
        match item {
            MenuItem::TestAll => self.ask(now_ms, Action::TestAll),
            MenuItem::RetryAll => self.ask(now_ms, Action::RetryAll),
            MenuItem::Network => self.modal = Modal::NetworkKind { row: 0 },
            MenuItem::SetupCode => {} // long OK
            MenuItem::Support => self.ask(now_ms, Action::Support),
            MenuItem::Update => self.modal = Modal::Confirm(Action::Update),
            MenuItem::Rollback => self.modal = Modal::hold(Danger::Ask(Action::Rollback)),
            MenuItem::Reboot => self.modal = Modal::hold(Danger::Ask(Action::Reboot)),
            MenuItem::ShutDown => self.modal = Modal::hold(Danger::Ask(Action::ShutDown)),
            MenuItem::Reset => self.ask(now_ms, Action::ResetCode),
            MenuItem::Lock => {
                self.unlocked = false;
                self.ask(now_ms, Action::Lock);
            }
        }
    }

    /// Keys while the box does not answer.
    fn on_gone(&mut self, gesture: Gesture) {
        if !self.abilities.local_requests || self.link != Link::Gone {
            return;
        }
        match gesture {
            Gesture::Short(Key::Up) => self.row = 0,
            Gesture::Short(Key::Down) => self.row = 1,
            Gesture::Short(Key::Ok) => {
                let request = if self.row == 0 { LocalRequest::RestartService } else { LocalRequest::Reboot };
                self.modal = Modal::hold(Danger::Local(request));
            }
            Gesture::Short(Key::Back) | Gesture::Long(_) | Gesture::Repeat(_) | Gesture::Touched => {}
        }
    }

    /// Keys while something stands in front of the screen. It was taken away already; what stays is put back.
    fn on_modal(&mut self, now_ms: u32, gesture: Gesture, modal: Modal) {
        use Gesture::{Long, Repeat, Short};
        match (modal, gesture) {
            // Closed by any short key; a danger also by any other key than OK.
            (Modal::Todo { .. } | Modal::Result(_), Short(_))
            | (Modal::Hold { .. }, Short(Key::Up | Key::Down | Key::Back) | Long(Key::Up | Key::Down | Key::Back))
            | (Modal::Secret { .. } | Modal::Confirm(_) | Modal::Lose { .. } | Modal::NetworkKind { .. }, Short(Key::Back)) => {}
            (Modal::Confirm(action), Short(Key::Ok)) => self.ask(now_ms, action),
            (Modal::Lose { digits, .. }, Short(Key::Ok)) => {
                self.modal = Modal::hold(Danger::Ask(Action::Reset { digits, lose_studies: true }));
            }
            (Modal::NetworkKind { .. }, Short(Key::Up)) => self.modal = Modal::NetworkKind { row: 0 },
            (Modal::NetworkKind { .. }, Short(Key::Down)) => self.modal = Modal::NetworkKind { row: 1 },
            (Modal::NetworkKind { row: 0 }, Short(Key::Ok)) => self.modal = Modal::Confirm(Action::SetNetwork(NetworkPlan::Dhcp)),
            (Modal::NetworkKind { .. }, Short(Key::Ok)) => {
                if let Some(status) = &self.status {
                    self.modal = Modal::Network(Editor::new(&status.network));
                }
            }
            (Modal::Network(mut editor), Short(key) | Long(key) | Repeat(key)) => {
                let long = matches!(gesture, Long(_));
                let step = match key {
                    Key::Up | Key::Down => {
                        editor.turn(key == Key::Up);
                        Step::On
                    }
                    Key::Ok if long => editor.next_field(),
                    Key::Ok => editor.forward(),
                    Key::Back => editor.backward(),
                };
                self.modal = match step {
                    Step::On => Modal::Network(editor),
                    Step::Done => Modal::Confirm(Action::SetNetwork(editor.plan())),
                    Step::Left => Modal::NetworkKind { row: 1 },
                };
            }
            (Modal::Pin(mut pin), gesture) => {
                let stays = match gesture {
                    Short(Key::Up) | Repeat(Key::Up) => {
                        pin.up();
                        true
                    }
                    Short(Key::Down) | Repeat(Key::Down) => {
                        pin.down();
                        true
                    }
                    Short(Key::Ok) => {
                        pin.take();
                        true
                    }
                    Short(Key::Back) => pin.back(),
                    Long(Key::Ok) if pin.len() >= 4 => {
                        let action = Action::Unlock { pin: pin.value(), len: pin.len() };
                        let id = self.send(action.clone());
                        self.modal = Modal::Waiting { id, action, sent_at: now_ms, accepted: false };
                        return;
                    }
                    _ => true,
                };
                if stays {
                    self.modal = Modal::Pin(pin);
                } else {
                    self.after_unlock = None;
                }
            }
            (Modal::ResetCode { code, mut typed }, gesture) => {
                match gesture {
                    Short(Key::Up) | Repeat(Key::Up) => typed.up(),
                    Short(Key::Down) | Repeat(Key::Down) => typed.down(),
                    Short(Key::Ok) => drop(typed.take()),
                    Short(Key::Back) if !typed.back() => return,
                    _ => {}
                }
                self.modal = self.typed(code, typed);
            }
            (modal, _) => self.modal = modal,
        }
    }

    /// Four digits decide: the right ones lead on, others are refused here already.
    fn typed(&self, code: crate::Text<16>, typed: super::modal::Digits) -> Modal {
        if usize::from(typed.len()) < code.as_str().len() {
            return Modal::ResetCode { code, typed };
        }
        let same = code.as_str().bytes().eq(typed.digits().iter().map(|digit| b'0' + digit));
        let Some(digits) = u16::try_from(typed.value()).ok().filter(|_| same) else {
            return Modal::Result(Result_::Refused(Verdict::Invalid));
        };
        let waiting = self.status.as_ref().and_then(|status| status.queue).map_or(0, |queue| queue.studies.saturating_add(queue.held));
        if waiting > 0 {
            Modal::Lose { digits, studies: waiting }
        } else {
            Modal::hold(Danger::Ask(Action::Reset { digits, lose_studies: false }))
        }
    }

    /// A danger whose key is held: acts once it was held for long enough, ends when it is let go.
    pub(super) fn hold(&mut self, now_ms: u32) {
        let Modal::Hold { danger, held_ms } = &mut self.modal else { return };
        let needed = if matches!(danger, Danger::Ask(Action::Reset { .. })) { HOLD_RESET_MS } else { HOLD_MS };
        match self.buttons.hold(now_ms).filter(|hold| hold.key == Key::Ok) {
            Some(hold) if hold.for_ms >= needed => {
                let danger = danger.clone();
                self.buttons.consume();
                self.modal = Modal::None;
                match danger {
                    Danger::Ask(action) => self.ask(now_ms, action),
                    Danger::Local(request) => {
                        let _ = self.out.push_back(Output::Local(request));
                        self.modal = Modal::Result(Result_::Requested(request));
                    }
                }
                self.dirty = true;
            }
            Some(hold) => {
                self.dirty |= *held_ms / 100 != hold.for_ms / 100;
                *held_ms = hold.for_ms.max(1);
            }
            // It had begun and is over: cancelled.
            None if *held_ms > 0 => {
                self.modal = Modal::None;
                self.dirty = true;
            }
            None => {}
        }
    }
}
