//! What stands in front of a screen.

use crate::{
    Text,
    buttons::Key,
    ui::{
        HOLD_MS, HOLD_RESET_MS, Layout, LocalRequest, Panel,
        editor::{Editor, Field},
        format::Left,
        modal::{Danger, Digits, Modal, Result_},
        page::{Header, Page, Role},
    },
    wire::{Action, Address, NetworkPlan, Outcome, Status, Verdict, Word},
};

impl Panel {
    pub(super) fn modal_page(&self, now_ms: u32, layout: Layout, status: Option<&Status>) -> Page {
        let words = self.words;
        match &self.modal {
            Modal::None => self.waiting(layout), // not reached: the caller asks for a modal
            Modal::Todo { code, about } => {
                let (number, title, todo) = words.code(*code);
                let mut page = Page::new(layout, self.titled(title));
                page.keys(None, Some((Key::Back, words.back_away)));
                page.line(Role::Warn, format_args!("E{number:02} {about}"));
                for line in todo {
                    page.say(Role::Text, line);
                }
                page
            }
            Modal::Waiting { action, .. } => {
                let mut page = Page::new(layout, self.titled(words.action(action)));
                self.about(&mut page, action);
                page.say(Role::Quiet, words.working);
                page
            }
            Modal::Result(result) => self.result(layout, result),
            Modal::Confirm(action) => self.confirm(layout, action),
            Modal::Hold { danger, held_ms } => self.hold_page(layout, danger, *held_ms),
            Modal::Pin(digits) => {
                let mut page = Page::new(layout, self.titled(words.pin));
                page.keys(Some((Key::Ok, words.ok_next)), Some((Key::Ok, words.long_enter)));
                page.big = Some(typed(digits, true));
                page
            }
            Modal::ResetCode { code, typed: digits } => {
                let mut page = Page::new(layout, self.warned(words.menu[9]));
                page.keys(Some((Key::Ok, words.ok_next)), Some((Key::Back, words.back_no)));
                page.big = Some(typed(digits, false));
                page.pair(Role::Text, format_args!("{}", words.type_digits), format_args!(""));
                page.line(Role::Warn, format_args!("        {code}"));
                page
            }
            Modal::Lose { studies, .. } => {
                let mut page = Page::new(layout, self.warned(words.menu[9]));
                page.keys(Some((Key::Ok, words.ok_yes)), Some((Key::Back, words.back_no)));
                page.line(Role::Bad, format_args!("{studies} {}", words.lost[0]));
                page.say(Role::Bad, words.lost[1]);
                page.say(Role::Text, words.sure);
                page
            }
            Modal::Secret { code, until } => self.secret_page(now_ms, layout, status, code, *until),
            Modal::NetworkKind { row } => {
                let mut page = Page::new(layout, self.titled(words.menu[2]));
                page.keys(Some((Key::Back, words.back_away)), Some((Key::Ok, words.ok_choose)));
                page.row(*row == 0, Role::Text, format_args!("{}", words.use_dhcp), format_args!(""));
                page.row(*row == 1, Role::Text, format_args!("{}", words.use_fixed), format_args!(""));
                page
            }
            Modal::Network(editor) => self.editor_page(layout, editor),
        }
    }

    /// What a command is about.
    fn about(&self, page: &mut Page, action: &Action) {
        let Some(status) = &self.status else { return };
        match action {
            Action::TestDestination(handle) | Action::Pause(handle) | Action::Resume(handle) => {
                if let Some(destination) = status.destinations.iter().find(|destination| destination.handle == *handle) {
                    page.line(Role::Text, format_args!("{}", destination.name));
                }
            }
            Action::TestPeer(handle) => {
                if let Some(peer) = status.peers.iter().find(|peer| peer.handle == *handle) {
                    page.line(Role::Text, format_args!("{}", peer.ae_title));
                }
            }
            Action::SetNetwork(NetworkPlan::Dhcp) => page.say(Role::Text, self.words.use_dhcp),
            Action::SetNetwork(NetworkPlan::Static { address, prefix, .. }) => {
                page.line(Role::Text, format_args!("{}/{prefix}", Address::V4(*address)));
            }
            _ => {}
        }
    }

    fn result(&self, layout: Layout, result: &Result_) -> Page {
        let words = self.words;
        let title = match result {
            Result_::Ended { action, .. } => words.action(action),
            Result_::Refused(_) | Result_::NoAnswer => words.failed_at,
            Result_::Requested(LocalRequest::RestartService) => words.restart_service,
            Result_::Requested(LocalRequest::Reboot) => words.menu[7],
        };
        let good = !matches!(result, Result_::Refused(_) | Result_::NoAnswer | Result_::Ended { outcome: Outcome::Failed { .. }, .. });
        let mut page = Page::new(layout, if good { self.titled(title) } else { self.warned(title) });
        page.keys(None, Some((Key::Back, words.back_away)));
        match result {
            Result_::NoAnswer => page.say(Role::Bad, words.no_answer),
            Result_::Requested(_) => page.say(Role::Text, words.requested),
            Result_::Refused(verdict) => self.verdict(&mut page, *verdict),
            Result_::Ended { action, outcome, took_ms } => {
                self.about(&mut page, action);
                self.outcome(&mut page, action, outcome, *took_ms);
            }
        }
        page
    }

    fn outcome(&self, page: &mut Page, action: &Action, outcome: &Outcome, took_ms: u32) {
        let words = self.words;
        match outcome {
            Outcome::Good if matches!(action, Action::TestDestination(_) | Action::TestPeer(_)) => {
                page.line(Role::Good, format_args!("{} {took_ms} ms", words.answers));
            }
            Outcome::Good => page.say(Role::Good, words.done),
            Outcome::Count(count) => page.line(Role::Good, format_args!("{} {count}", words.touched)),
            Outcome::Some { good, asked } => {
                let role = if good == asked { Role::Good } else { Role::Bad };
                page.line(role, format_args!("{good} / {asked} {}", words.answers));
            }
            Outcome::Failed { step, detail } => {
                page.line(Role::Bad, format_args!("{} {}", words.failed_at, words.step(*step)));
                wrap(page, detail.as_str());
            }
        }
    }

    fn verdict(&self, page: &mut Page, verdict: Verdict) {
        let words = self.words;
        match verdict {
            Verdict::Accepted => page.say(Role::Good, words.done),
            Verdict::NotAllowed => page.say(Role::Bad, words.not_allowed),
            Verdict::Locked => page.say(Role::Bad, words.locked),
            Verdict::NotAvailable => page.say(Role::Bad, words.not_available),
            Verdict::Unknown => page.say(Role::Bad, words.gone),
            Verdict::Busy => page.say(Role::Bad, words.busy),
            Verdict::Invalid => page.say(Role::Bad, words.invalid),
            Verdict::WrongPin(left) => {
                page.say(Role::Bad, words.wrong_pin);
                page.line(Role::Text, format_args!("{left} {}", words.tries_left));
            }
            Verdict::Wait(seconds) => {
                page.say(Role::Bad, words.too_many);
                page.line(Role::Text, format_args!("{}", Left(u32::from(seconds))));
            }
            Verdict::WouldLose(studies) => {
                page.line(Role::Bad, format_args!("{studies} {}", words.lost[0]));
                page.say(Role::Bad, words.lost[1]);
            }
        }
    }

    fn confirm(&self, layout: Layout, action: &Action) -> Page {
        let words = self.words;
        let mut page = Page::new(layout, self.titled(words.action(action)));
        page.keys(Some((Key::Ok, words.ok_yes)), Some((Key::Back, words.back_no)));
        self.about(&mut page, action);
        match action {
            Action::Pause(_) => page.say(Role::Warn, words.paused),
            Action::Resume(_) => page.say(Role::Good, words.up),
            Action::SetNetwork(_) => page.say(Role::Warn, words.reverts),
            _ => {}
        }
        page.say(Role::Text, words.sure);
        page
    }

    fn hold_page(&self, layout: Layout, danger: &Danger, held_ms: u32) -> Page {
        let words = self.words;
        let (title, needed, loses) = match danger {
            Danger::Local(LocalRequest::RestartService) => (words.restart_service, HOLD_MS, false),
            Danger::Local(LocalRequest::Reboot) => (words.menu[7], HOLD_MS, false),
            Danger::Ask(action @ Action::Reset { .. }) => (words.action(action), HOLD_RESET_MS, true),
            Danger::Ask(action) => (words.action(action), HOLD_MS, false),
        };
        let mut page = Page::new(layout, self.warned(title));
        page.keys(None, Some((Key::Ok, words.let_go)));
        page.line(Role::Warn, format_args!("{} {} s", words.hold_ok, needed.saturating_sub(held_ms).div_ceil(1000)));
        let waiting = self.status.as_ref().and_then(|status| status.queue).map_or(0, |queue| queue.studies);
        if loses {
            page.say(Role::Bad, words.all_erased);
        } else if waiting > 0 {
            page.line(Role::Text, format_args!("{waiting} {}", words.studies_wait));
            page.say(Role::Text, words.nothing_lost);
        } else {
            page.say(Role::Text, words.nothing_lost);
        }
        page.bar = Some((held_ms.saturating_mul(100) / needed).min(100) as u8);
        page
    }

    fn secret_page(&self, now_ms: u32, layout: Layout, status: Option<&Status>, code: &Text<16>, until: u32) -> Page {
        let words = self.words;
        let word = status.map_or(Word::Ok, |status| status.word);
        let mut page = Page::new(layout, Header { word, title: Text::new(words.setup_title), queue: None, clock: None });
        if layout.roomy
            && let Some(url) = status.map(|status| Self::url(status, Some(code.as_str()))).filter(|url| !url.is_empty())
        {
            page.code(url);
        }
        page.keys(None, Some((Key::Back, words.back_hides)));
        page.big = Some(code.clone());
        if let Some(status) = status {
            place_to_type(&mut page, status);
        }
        let left = until.wrapping_sub(now_ms).div_ceil(1000);
        page.pair(Role::Text, format_args!("{}", words.one_use), format_args!("{} {}", Left(left), words.left));
        page
    }

    fn editor_page(&self, layout: Layout, editor: &Editor) -> Page {
        let words = self.words;
        let title = match editor.field {
            Field::Address => words.address,
            Field::Prefix => words.prefix,
            Field::Gateway => words.gateway_long,
            Field::Dns => words.dns_long,
        };
        let mut page = Page::new(layout, self.titled(title));
        page.keys(Some((Key::Ok, words.ok_next)), Some((Key::Ok, words.long_enter)));
        match editor.octets() {
            Some([a, b, c, d]) => {
                page.line(Role::Text, format_args!("{a:03}.{b:03}.{c:03}.{d:03}"));
                // Under the digit at hand; a dot follows every third.
                let at = usize::from(editor.digit + editor.digit / 3);
                page.line(Role::Warn, format_args!("{:>1$}", "^", at + 1));
            }
            None => page.line(Role::Text, format_args!("/{}", editor.prefix())),
        }
        if let NetworkPlan::Static { address, prefix, .. } = editor.plan() {
            page.line(Role::Quiet, format_args!("{}/{prefix}", Address::V4(address)));
        }
        page
    }
}

/// Where the code is typed in, for those who do not take the QR code; the last line is left free. Where there is one line only and the whole
/// does not fit, browsers know `https://` by themselves.
fn place_to_type(page: &mut Page, status: &Status) {
    use core::fmt::Write as _;
    const SCHEME: &str = "https://";
    let network = &status.network;
    let Some(address) = network.address else { return };
    let mut url = Text::<64>::default();
    let _ = match (address, network.https_port) {
        (address, 0) => write!(url, "{address}"),
        (Address::V4(_), 443) => write!(url, "{SCHEME}{address}"),
        (Address::V4(_), port) => write!(url, "{SCHEME}{address}:{port}"),
        (Address::V6(_), 443) => write!(url, "{SCHEME}[{address}]"),
        (Address::V6(_), port) => write!(url, "{SCHEME}[{address}]:{port}"),
    };
    let most = page.room().saturating_sub(1);
    let fits = most > 1 || url.chars() <= usize::from(page.layout.cols) || network.https_port == 0;
    let text = if fits { url.as_str() } else { url.as_str().get(SCHEME.len()..).unwrap_or_default() };
    page.fold(Role::Text, text, most.min(3));
}

/// Digits typed so far and the one at hand: `* * 4` or `1 7 4`.
fn typed(digits: &Digits, hidden: bool) -> Text<16> {
    use core::fmt::Write as _;
    let mut text = Text::default();
    for digit in digits.digits() {
        let _ = if hidden { text.write_str("*") } else { write!(text, "{digit}") };
    }
    if usize::from(digits.len()) < Digits::MOST {
        let _ = write!(text, "{}", digits.at_hand);
    }
    text
}

/// A text over as many lines as there is room for, cut between words where that is possible.
fn wrap(page: &mut Page, text: &str) {
    let cols = usize::from(page.layout.cols);
    let mut rest = text.trim_ascii();
    while !rest.is_empty() && page.room() > 0 {
        let end = rest.char_indices().nth(cols).map_or(rest.len(), |(at, _)| at);
        let cut = if end == rest.len() || page.room() == 1 { end } else { rest[..end].rfind(' ').map_or(end, |space| space + 1) };
        // The last line scrolls what is left.
        let cut = if page.room() == 1 { rest.len() } else { cut };
        page.line(Role::Text, format_args!("{}", rest[..cut].trim_ascii_end()));
        rest = rest[cut..].trim_ascii_start();
    }
}
