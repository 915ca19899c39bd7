//! From the model to a page: one function a screen.

mod modals;
mod screens;

use heapless::Vec;

use super::{
    Layout, Link, Panel, Screen,
    format::{Clock, Count},
    modal::Modal,
    page::{Header, Page, Role},
};
use crate::{
    Text,
    buttons::Key,
    wire::{Address, Lock, Status, Update, Word},
};

impl Panel {
    /// What is to be seen now on a display of this size.
    pub fn page(&self, now_ms: u32, layout: Layout) -> Page {
        let page = match (self.link, &self.status) {
            (Link::Mismatch(version), _) => self.mismatch(layout, version),
            (_, status) if self.modal != Modal::None => self.modal_page(now_ms, layout, status.as_ref()),
            (Link::Up, Some(status)) => self.screen_page(now_ms, layout, status),
            (Link::Waiting, _) | (Link::Up, None) => self.waiting(layout),
            (Link::Gone, status) => self.gone(layout, status.as_ref()),
        };
        debug_assert!(page.lines.len() <= usize::from(layout.rows) + 1, "{} lines", page.lines.len());
        page
    }

    fn screen_page(&self, now_ms: u32, layout: Layout, status: &Status) -> Page {
        let mut page = Page::new(layout, self.header(now_ms, status));
        if self.lock() == Lock::All {
            page.keys(None, Some((Key::Ok, self.words.ok_pin)));
            page.say(Role::Text, self.words.locked);
            return page;
        }
        if let Update::Running(percent) = status.software.update
            && self.screen == Screen::Home
        {
            self.updating(&mut page, status, percent);
            return page;
        }
        if layout.roomy && self.screen != Screen::Home {
            page.say(Role::Quiet, self.words.screens[self.screen as usize]);
        }
        match self.screen {
            Screen::Home if status.first_start && !screens::is_bad(status) => self.first_start(&mut page, status),
            Screen::Home => self.home(&mut page, status),
            Screen::Scanners => self.scanners(&mut page, status),
            Screen::Destinations => self.destinations(&mut page, status),
            Screen::Queue => self.queue(&mut page, status),
            Screen::LastStudy => self.last_study(&mut page, status),
            Screen::Storage => self.storage(&mut page, status),
            Screen::Network => self.network(&mut page, status),
            Screen::Software => self.software(&mut page, status),
            Screen::Alerts => self.alerts(&mut page, status),
            Screen::Actions => self.actions(&mut page),
        }
        page
    }

    /// The box's word, what waits, the clock.
    fn header(&self, now_ms: u32, status: &Status) -> Header {
        Header {
            word: status.word,
            title: Text::new(self.words.word(status.word)),
            queue: status.queue.map(|queue| queue.studies),
            clock: Some(self.clock(now_ms)),
        }
    }

    /// The header of something that is not a screen.
    fn titled(&self, title: &str) -> Header {
        let word = self.status.as_ref().map_or(Word::Ok, |status| status.word);
        Header { word, title: Text::new(title), queue: None, clock: None }
    }

    /// The same for what went wrong or is dangerous: never with the mark of a box that is well.
    fn warned(&self, title: &str) -> Header {
        let header = self.titled(title);
        Header { word: header.word.max(Word::Degraded), ..header }
    }

    fn waiting(&self, layout: Layout) -> Page {
        let mut page = Page::new(layout, Header { word: Word::Degraded, title: Text::new("RelayPACS"), queue: None, clock: None });
        page.say(Role::Quiet, self.words.working);
        page
    }

    fn mismatch(&self, layout: Layout, version: u8) -> Page {
        let words = self.words;
        let mut page = Page::new(layout, Header { word: Word::Degraded, title: Text::new(words.not_fit[1]), queue: None, clock: None });
        page.line(Role::Bad, format_args!("{} {} / {} {version}", words.panel, crate::wire::VERSION, words.box_));
        page.say(Role::Bad, words.not_fit[0]);
        page.say(Role::Bad, words.not_fit[1]);
        page.say(Role::Text, words.same_release);
        page
    }

    fn gone(&self, layout: Layout, status: Option<&Status>) -> Page {
        let words = self.words;
        let mut page = Page::new(layout, Header { word: Word::Stopped, title: Text::new(words.not_answering), queue: None, clock: None });
        if self.abilities.local_requests {
            page.keys(None, Some((Key::Ok, words.ok_choose)));
        }
        // The time of the last status is the last that is known.
        match status {
            Some(Status { now, queue: Some(queue), .. }) if now.0 > 0 && self.abilities.local_requests && !layout.roomy => {
                let count = Count(u64::from(queue.studies));
                page.line(Role::Bad, format_args!("{} {} {} Q{count}", words.since, Clock(*now), words.was));
            }
            Some(status) if status.now.0 > 0 => page.line(Role::Bad, format_args!("{} {}", words.since, Clock(status.now))),
            _ => page.line(Role::Bad, format_args!("{}", words.no_answer)),
        }
        if layout.roomy || !self.abilities.local_requests {
            self.remembered(&mut page, status);
        }
        if self.abilities.local_requests {
            if !layout.roomy
                && let Some(address) = status.and_then(|status| status.network.address)
            {
                page.line(Role::Quiet, format_args!("{} {address}", words.was));
            }
            page.row(self.row == 0, Role::Text, format_args!("{}", words.restart_service), format_args!(""));
            page.row(self.row == 1, Role::Text, format_args!("{}", words.menu[7]), format_args!(""));
        }
        page
    }

    /// What was known before the box fell silent, marked as old.
    fn remembered(&self, page: &mut Page, status: Option<&Status>) {
        let Some(status) = status else { return };
        if let Some(address) = status.network.address {
            page.line(Role::Quiet, format_args!("{} {address}", self.words.was));
        }
        if let Some(queue) = status.queue {
            page.line(Role::Quiet, format_args!("{} {}", self.words.then_waiting, queue.studies));
        }
    }

    fn updating(&self, page: &mut Page, status: &Status, percent: u8) {
        page.keys(Some((Key::Down, self.words.more)), None);
        page.say(Role::Warn, self.words.updating);
        page.line(Role::Text, format_args!("{percent} %  {}", status.software.version));
        page.say(Role::Warn, self.words.do_not_switch_off);
        page.bar = Some(percent.min(100));
    }

    /// `https://ADDRESS/`, with the port where it is not 443; upper case where a QR code is smaller for it. Empty: there is no web page.
    fn url(status: &Status, code: Option<&str>) -> Text<64> {
        use core::fmt::Write as _;
        let network = &status.network;
        let (Some(address), port @ 1..) = (network.address, network.https_port) else { return Text::default() };
        let mut url = Text::default();
        // A path and a fragment must keep their case; without them all of it may be upper case.
        let scheme = if code.is_some() { "https" } else { "HTTPS" };
        let _ = match address {
            Address::V4(_) => write!(url, "{scheme}://{address}"),
            Address::V6(_) if code.is_some() => write!(url, "{scheme}://[{address}]"),
            Address::V6(_) => write!(url, "{scheme}://[{}]", Upper(address)),
        };
        if port != 443 {
            let _ = write!(url, ":{port}");
        }
        let _ = match code {
            Some(code) => write!(url, "/setup#{code}"),
            None => write!(url, "/"),
        };
        url
    }
}

/// Shows something in upper case ASCII.
struct Upper<T>(T);

impl<T: core::fmt::Display> core::fmt::Display for Upper<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        struct Writer<'a, 'b>(&'a mut core::fmt::Formatter<'b>);
        impl core::fmt::Write for Writer<'_, '_> {
            fn write_str(&mut self, text: &str) -> core::fmt::Result {
                text.chars().try_for_each(|char| core::fmt::Write::write_char(self.0, char.to_ascii_uppercase()))
            }
        }
        core::fmt::Write::write_fmt(&mut Writer(f), format_args!("{}", self.0))
    }
}

/// The rows to show so that the selected one is among them: the first, for rows of these heights and so many lines.
fn first_row(heights: &Vec<u8, 16, u8>, selected: usize, lines: usize) -> usize {
    let mut first = selected.min(heights.len().saturating_sub(1));
    let mut used = heights.get(first).map_or(0, |height| usize::from(*height));
    while first > 0 && used + usize::from(heights[first - 1]) <= lines {
        first -= 1;
        used += usize::from(heights[first]);
    }
    first
}
