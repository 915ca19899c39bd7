//! The ten screens.

use heapless::Vec;

use super::first_row;
use crate::{
    buttons::Key,
    ui::{
        Panel,
        format::{Age, Bytes, Clock, Count, Hex, Left, Since, percent},
        lists::MenuItem,
        page::{Page, Role},
    },
    wire::{Alert, Capability, Code, Destination, DestinationState, FailureKind, Io, Level, Status, StudyState, Update},
};

/// A scanner from which nothing came for so many seconds is worth a word.
const SILENT_S: u32 = 3_600;

impl Panel {
    pub(super) fn home(&self, page: &mut Page, status: &Status) {
        let words = self.words;
        let ok = if status.alerts.is_empty() { words.ok_menu } else { words.ok_todo };
        page.keys(Some((Key::Down, words.more)), Some((Key::Ok, ok)));
        if let Some(alert) = status.alerts.first() {
            self.trouble(page, status, alert);
            if !page.layout.roomy {
                return;
            }
        }
        page.line(Role::Text, format_args!("{}", status.name));
        self.address_line(page, status);
        let tls = if status.tls_port > 0 { " +TLS" } else { "" };
        page.line(Role::Text, format_args!("{}:{}{tls}", status.ae_title, status.dicom_port));
        match &status.last_sent {
            Some(sent) => {
                let at = Since { at: sent.at, now: status.now };
                page.line(Role::Text, format_args!("{} {at}  {}", words.last_sent, sent.modality));
            }
            None => page.say(Role::Quiet, words.nothing_sent),
        }
        if page.layout.roomy {
            if let Some(study) = &status.last_study
                && page.room() > 3
            {
                let state = words.study(study.state);
                page.line(Role::Quiet, format_args!("{} {} {} {}: {state}", study.modality, Clock(study.at), study.images, words.images));
            }
            page.chart = Some((status.history, status.history_most));
        }
    }

    /// The worst alert: what, since when, whether anything is in danger, when it is tried again.
    fn trouble(&self, page: &mut Page, status: &Status, alert: &Alert) {
        let words = self.words;
        let (number, title, todo) = words.code(alert.code);
        let role = level(alert.code);
        page.line(role, format_args!("E{number:02} {title}"));
        let about = if alert.about.is_empty() { "" } else { " " };
        page.line(role, format_args!("{}{about}{} {}", alert.about, words.since, Since { at: alert.since, now: status.now }));
        let storage = &status.storage;
        match (alert.code, status.queue) {
            (Code::E21 | Code::E22 | Code::E23, Some(queue)) => {
                page.line(Role::Text, format_args!("{} {} {}", words.safe_here, queue.studies.saturating_add(queue.held), words.studies));
            }
            (Code::E31 | Code::E32, _) => {
                page.line(Role::Text, format_args!("{} {} %", words.disk, percent(storage.used, storage.total)));
            }
            _ => page.line(Role::Text, format_args!("{} {}", todo[0], todo[1])),
        }
        let down = status.destinations.iter().find(|destination| {
            destination.next_try_s > 0 && destination.name.as_str().starts_with(alert.about.as_str()) && !alert.about.is_empty()
        });
        let more = status.alerts.len().saturating_sub(1);
        match (down, storage.days_left) {
            (Some(destination), _) => {
                page.line(Role::Text, format_args!("{} {}", words.next_try, Left(u32::from(destination.next_try_s))));
            }
            (None, Some(days)) if matches!(alert.code, Code::E31 | Code::E32) => {
                page.line(Role::Text, format_args!("{days} {}", words.days_left));
            }
            (None, _) if more > 0 => page.line(Role::Text, format_args!("{more} {}", words.more_alerts)),
            (None, _) => {}
        }
    }

    /// Address and speed; without a link the cable first.
    fn address_line(&self, page: &mut Page, status: &Status) {
        let (words, network) = (self.words, &status.network);
        let Some(address) = network.address else {
            let cable = if network.link == Some(false) { words.cable } else { "" };
            return page.line(Role::Bad, format_args!("{cable} {}", words.no_address));
        };
        if network.link == Some(false) {
            page.line(Role::Bad, format_args!("{} {address}", words.cable));
        } else if network.mbit > 0 {
            page.line(Role::Text, format_args!("{address}  {}M", network.mbit));
        } else {
            page.line(Role::Text, format_args!("{address}"));
        }
    }

    pub(super) fn first_start(&self, page: &mut Page, status: &Status) {
        let words = self.words;
        page.keys(Some((Key::Down, words.more)), Some((Key::Ok, words.hold_ok)));
        page.say(Role::Warn, words.first_start);
        page.say(Role::Text, words.hold_for_code);
        self.address_line(page, status);
        page.line(Role::Text, format_args!("{}:{}", status.ae_title, status.dicom_port));
        if page.layout.roomy {
            page.line(Role::Text, format_args!("{}", status.name));
        }
    }

    pub(super) fn scanners(&self, page: &mut Page, status: &Status) {
        let words = self.words;
        let at_row = status.peers.get(usize::from(self.row));
        let ok = match at_row {
            Some(peer) if peer.can_test => words.ok_test,
            Some(peer) if peer.refused.is_some() => words.ok_detail,
            _ => "",
        };
        page.keys(Some((Key::Down, words.more)), if ok.is_empty() { Some((Key::Back, words.back_home)) } else { Some((Key::Ok, ok)) });
        page.pair(Role::Text, format_args!("AE {}", status.ae_title), format_args!(":{}", status.dicom_port));
        // The latest is long ago: that is what the technician came for.
        let latest = status.peers.iter().map(|peer| peer.at).max();
        match latest {
            None => {
                page.say(Role::Warn, words.nothing_heard);
                return page.say(Role::Quiet, words.check_scanner);
            }
            Some(at) if status.now.0.saturating_sub(at.0) > SILENT_S && !status.peers.iter().any(|peer| peer.connected) => {
                page.line(Role::Warn, format_args!("{} {}", words.nothing_since, Since { at, now: status.now }));
                if page.layout.roomy {
                    page.say(Role::Quiet, words.check_scanner);
                }
            }
            Some(_) => {}
        }
        let heights: Vec<u8, 16, u8> = status.peers.iter().map(|peer| 1 + u8::from(peer.refused.is_some())).collect();
        let row = usize::from(self.row);
        for (index, peer) in status.peers.iter().enumerate().skip(first_row(&heights, row, page.room())) {
            let at = Since { at: peer.at, now: status.now };
            if let Some(refusal) = peer.refused {
                page.row(index == row, Role::Bad, format_args!("{} {}", words.rejected, peer.ae_title), format_args!("{at}"));
                page.line(Role::Bad, format_args!(" E11 {}", words.refusal(refusal)));
            } else if peer.connected {
                page.row(
                    index == row,
                    Role::Good,
                    format_args!("{}", peer.ae_title),
                    format_args!("{} {}", words.connected, Count(u64::from(peer.images))),
                );
            } else {
                page.row(
                    index == row,
                    Role::Text,
                    format_args!("{}", peer.ae_title),
                    format_args!("{at} {}", Count(u64::from(peer.images))),
                );
            }
        }
        if status.more_peers > 0 {
            page.line(Role::Quiet, format_args!(" +{}", status.more_peers));
        }
    }

    pub(super) fn destinations(&self, page: &mut Page, status: &Status) {
        let words = self.words;
        if status.destinations.is_empty() {
            page.keys(Some((Key::Down, words.more)), Some((Key::Back, words.back_home)));
            return page.say(Role::Warn, words.no_destinations);
        }
        let pause = if self.capabilities.has(Capability::Pause) { words.long_pause } else { words.back_home };
        page.keys(Some((Key::Ok, words.ok_test)), Some((Key::Ok, pause)));
        let row = usize::from(self.row);
        let shown = |destination: &Destination, index: usize| page.layout.roomy || index == row || destination.failure.is_some();
        let two = |(index, destination): (usize, &Destination)| 1 + u8::from(shown(destination, index) && destination.failure.is_some());
        let heights: Vec<u8, 16, u8> = status.destinations.iter().enumerate().map(two).collect();
        for (index, destination) in status.destinations.iter().enumerate().skip(first_row(&heights, row, page.room())) {
            self.destination(page, status, destination, index == row);
        }
        if status.more_destinations > 0 {
            page.line(Role::Quiet, format_args!(" +{}", status.more_destinations));
        }
    }

    fn destination(&self, page: &mut Page, status: &Status, destination: &Destination, selected: bool) {
        let (words, name, queue) = (self.words, &destination.name, Count(u64::from(destination.waiting)));
        let age = Age(status.now.0.saturating_sub(destination.since.0));
        match destination.state {
            DestinationState::Up if destination.latency_ms > 0 => {
                page.row(selected, Role::Good, format_args!("{name}"), format_args!("{} {}ms Q{queue}", words.up, destination.latency_ms));
            }
            DestinationState::Up => page.row(selected, Role::Good, format_args!("{name}"), format_args!("{} Q{queue}", words.up)),
            DestinationState::Down => page.row(selected, Role::Bad, format_args!("{name}"), format_args!("{} {age} Q{queue}", words.down)),
            DestinationState::Refused => page.row(selected, Role::Bad, format_args!("{name}"), format_args!("{} Q{queue}", words.refuses)),
            DestinationState::Paused => page.row(selected, Role::Warn, format_args!("{name}"), format_args!("{} Q{queue}", words.paused)),
            DestinationState::Unknown => {
                page.row(selected, Role::Quiet, format_args!("{name}"), format_args!("{} Q{queue}", words.unknown));
            }
        }
        match destination.failure {
            Some(FailureKind::Http(code)) => page.line(Role::Bad, format_args!("   HTTP {code}")),
            Some(failure) => page.line(Role::Bad, format_args!("   {}", words.failure(failure))),
            None => {}
        }
    }

    pub(super) fn queue(&self, page: &mut Page, status: &Status) {
        let words = self.words;
        if status.held.is_empty() {
            page.keys(Some((Key::Down, words.more)), Some((Key::Back, words.back_home)));
        } else {
            page.keys(Some((Key::Ok, words.ok_retry)), Some((Key::Ok, words.long_all)));
        }
        let Some(queue) = status.queue else { return page.say(Role::Bad, words.queue_unknown) };
        // What is held must not scroll away.
        let under_way = format_args!("{} {} {} {}", words.wait, queue.studies, words.send, queue.sending);
        if queue.held > 0 {
            page.pair(Role::Warn, under_way, format_args!("{} {}", words.held, Count(u64::from(queue.held))));
        } else {
            page.line(Role::Text, under_way);
        }
        if queue.studies > 0 {
            page.line(Role::Text, format_args!("{} {}  {}", words.oldest, Age(queue.oldest_s), Bytes(queue.bytes)));
        } else {
            page.say(Role::Quiet, words.nothing_waits);
        }
        if status.held.is_empty() {
            return page.say(Role::Quiet, words.nothing_held);
        }
        let row = usize::from(self.row);
        let lines = if page.layout.roomy && status.held.iter().any(|held| !held.label.is_empty()) { 2 } else { 1 };
        let heights: Vec<u8, 16, u8> = status.held.iter().map(|_| lines).collect();
        for (index, held) in status.held.iter().enumerate().skip(first_row(&heights, row, page.room())) {
            let at = Since { at: held.at, now: status.now };
            let reason = words.reason(held.reason);
            page.row(index == row, Role::Bad, format_args!("{} {at} {}", held.modality, held.images), format_args!("{reason}"));
            if lines == 2 {
                page.line(Role::Text, format_args!("   {}", held.label));
            }
        }
        if queue.held as usize > status.held.len() {
            page.line(Role::Quiet, format_args!(" +{}", queue.held as usize - status.held.len()));
        }
    }

    pub(super) fn last_study(&self, page: &mut Page, status: &Status) {
        let words = self.words;
        page.keys(Some((Key::Down, words.more)), Some((Key::Back, words.back_home)));
        let Some(study) = &status.last_study else { return page.say(Role::Quiet, words.no_study) };
        let at = Since { at: study.at, now: status.now };
        page.line(Role::Text, format_args!("{} {at}  {} {}", study.modality, study.images, words.images));
        page.line(Role::Text, format_args!("{} {}  {}", words.from, study.ae_title, Bytes(study.bytes)));
        let role = match study.state {
            StudyState::Delivered => Role::Good,
            StudyState::Held => Role::Bad,
            StudyState::Arriving | StudyState::Queued | StudyState::Sending => Role::Text,
        };
        page.pair(
            role,
            format_args!("{}", words.study(study.state)),
            format_args!("{}/{}", Count(u64::from(study.done)), Count(u64::from(study.total))),
        );
        if !study.label.is_empty() {
            page.line(Role::Text, format_args!("{}", study.label));
        }
        page.bar = Some(percent(u64::from(study.done), u64::from(study.total)).min(100) as u8).filter(|_| page.room() > 0);
    }

    pub(super) fn storage(&self, page: &mut Page, status: &Status) {
        let (words, storage) = (self.words, &status.storage);
        page.keys(Some((Key::Down, words.more)), Some((Key::Back, words.back_home)));
        let used = percent(storage.used, storage.total);
        let role = match (storage.refusing, storage.low) {
            (true, _) => Role::Bad,
            (false, true) => Role::Warn,
            (false, false) => Role::Text,
        };
        let full = if storage.refusing { words.refusing } else { "" };
        page.pair(role, format_args!("{} {used} % {} {}", words.disk, words.of, Bytes(storage.total)), format_args!("{full}"));
        let days = |page: &mut Page| match storage.days_left {
            Some(days) => page.line(Role::Warn, format_args!("{days} {}", words.days_left)),
            None if page.layout.roomy => page.say(Role::Quiet, words.not_filling),
            None => {}
        };
        days(page);
        page.line(Role::Text, format_args!("{} {}", words.waiting, Bytes(storage.waiting)));
        // On a small display the last line is the machine's: delivered studies go first when days are counted.
        if page.room() > 1 {
            page.line(Role::Text, format_args!("{} {}", words.delivered, Bytes(storage.used.saturating_sub(storage.waiting))));
        }
        self.machine(page, status);
    }

    /// Temperature, wear, unclean stops, voltage.
    fn machine(&self, page: &mut Page, status: &Status) {
        use core::fmt::Write as _;
        let (words, storage) = (self.words, &status.storage);
        let low = storage.undervoltage == Some(true);
        let mut text = crate::Text::<64>::default();
        let mut part = |shown: core::fmt::Arguments<'_>| {
            let _ = write!(text, "{}{shown}", if text.is_empty() { "" } else { "  " });
        };
        if low {
            part(format_args!("{}", words.low_voltage));
        }
        if let Some(celsius) = storage.celsius {
            part(format_args!("{celsius} °C"));
        }
        if let Some(wear) = storage.wear_percent {
            part(format_args!("{} {wear} %", words.wear));
        }
        if storage.unclean_stops > 0 {
            part(format_args!("{} {}", storage.unclean_stops, words.unclean_stops));
        }
        if !text.is_empty() {
            let hot = storage.celsius.is_some_and(|celsius| celsius >= 80);
            page.line(if low || hot { Role::Bad } else { Role::Text }, format_args!("{text}"));
        }
    }

    pub(super) fn network(&self, page: &mut Page, status: &Status) {
        let (words, network) = (self.words, &status.network);
        let url = Self::url(status, None);
        // Without a cable nobody could follow the code.
        if !url.is_empty() && network.link != Some(false) {
            page.code(url);
        }
        if network.reverts_in_s > 0 {
            page.keys(None, Some((Key::Ok, words.ok_keep)));
        } else if self.offers(MenuItem::Network) {
            page.keys(None, Some((Key::Ok, words.ok_change)));
        }
        if network.link == Some(false) {
            page.line(Role::Bad, format_args!("{}", words.cable));
        }
        match network.address {
            Some(address) => {
                let mut text = crate::Text::<64>::default();
                let _ = core::fmt::Write::write_fmt(&mut text, format_args!("{address}"));
                page.fold(Role::Text, text.as_str(), 2);
            }
            None => page.line(Role::Bad, format_args!("{}", words.no_address)),
        }
        if network.reverts_in_s > 0 {
            page.line(Role::Warn, format_args!("{} {}", words.keep, Left(u32::from(network.reverts_in_s))));
        }
        let kind = network.dhcp.map_or("", |dhcp| if dhcp { words.dhcp } else { words.fixed });
        match (network.link, network.mbit) {
            _ if kind.is_empty() && network.mbit == 0 => {}
            (Some(false), _) | (_, 0) => page.line(Role::Text, format_args!("{kind}")),
            (_, mbit) => page.line(Role::Text, format_args!("{kind}{}{mbit}M", if kind.is_empty() { "" } else { " " })),
        }
        let (gateway, dns, clock) = (self.io(network.gateway), self.io(network.dns), self.io(network.clock));
        let role = if [network.gateway, network.dns].contains(&Io::Bad) { Role::Warn } else { Role::Text };
        if page.layout.cols == 21 {
            // No code beside it: one line takes all three.
            page.line(role, format_args!("{} {gateway} {} {dns} {} {clock}", words.gateway, words.dns, words.clock));
        } else {
            page.line(role, format_args!("{} {gateway} {} {dns}", words.gateway, words.dns));
            page.line(if network.clock == Io::Bad { Role::Warn } else { Role::Text }, format_args!("{} {clock}", words.clock));
        }
        page.line(Role::Text, format_args!("{}.local", network.host));
        if page.layout.roomy {
            // "TLS" and eight bytes: a line, or two beside a QR code. They count more than the hardware address.
            let wide = page.layout.cols >= 27;
            if network.mac != [0; 6] && page.room() > if wide { 1 } else { 2 } {
                page.line(Role::Quiet, format_args!("{}", Hex(&network.mac, ":")));
            }
            if network.fingerprint != [0; 8] && wide {
                page.line(Role::Quiet, format_args!("TLS {}", Hex(&network.fingerprint, " ")));
            } else if network.fingerprint != [0; 8] {
                let (first, second) = network.fingerprint.split_at(4);
                page.line(Role::Quiet, format_args!("TLS {}", Hex(first, " ")));
                page.line(Role::Quiet, format_args!("    {}", Hex(second, " ")));
            }
        }
    }

    const fn io(&self, io: Io) -> &'static str {
        match io {
            Io::Good => self.words.good,
            Io::Bad => self.words.bad,
            Io::Unknown => self.words.unknown,
        }
    }

    pub(super) fn software(&self, page: &mut Page, status: &Status) {
        let (words, software) = (self.words, &status.software);
        let read = matches!(software.update, Update::RolledBack { .. });
        page.keys(Some((Key::Down, words.more)), Some(if read { (Key::Ok, words.ok_read) } else { (Key::Back, words.back_home) }));
        page.line(Role::Text, format_args!("RelayPACS {}", software.version));
        let up = Age(status.uptime_s);
        if software.slot.is_empty() {
            page.line(Role::Text, format_args!("{} {up}  {}", words.running, software.build));
        } else {
            page.line(Role::Text, format_args!("{} {} {} {up} {}", words.slot, software.slot, words.running, software.build));
        }
        match &software.update {
            Update::None => {}
            Update::Running(percent) => page.line(Role::Warn, format_args!("{} {percent} %", words.updating)),
            Update::Ready(version) => page.line(Role::Good, format_args!("{} {version}", words.update_ready)),
            Update::RolledBack { failed, at } => {
                page.line(Role::Bad, format_args!("{failed} {}", words.update_failed));
                page.line(Role::Bad, format_args!("{} {}", words.back_since, Since { at: *at, now: status.now }));
            }
        }
    }

    pub(super) fn alerts(&self, page: &mut Page, status: &Status) {
        let words = self.words;
        if status.alerts.is_empty() {
            page.keys(Some((Key::Down, words.more)), Some((Key::Back, words.back_home)));
            return page.say(Role::Good, words.no_alerts);
        }
        page.keys(Some((Key::Down, words.more)), Some((Key::Ok, words.ok_todo)));
        let row = usize::from(self.row);
        let heights: Vec<u8, 16, u8> = status.alerts.iter().map(|_| 1).collect();
        for (index, alert) in status.alerts.iter().enumerate().skip(first_row(&heights, row, page.room())) {
            let (number, title, _) = words.code(alert.code);
            let at = Since { at: alert.since, now: status.now };
            page.row(index == row, level(alert.code), format_args!("E{number:02} {title} {}", alert.about), format_args!("{at}"));
        }
    }

    pub(super) fn actions(&self, page: &mut Page) {
        let words = self.words;
        let menu = self.menu();
        let row = usize::from(self.row);
        let ok = match menu.get(row) {
            Some(MenuItem::SetupCode) => words.hold_ok,
            Some(_) => words.ok_do,
            None => "",
        };
        page.keys(Some((Key::Back, words.back_home)), Some((Key::Ok, ok)));
        if menu.is_empty() {
            return page.say(Role::Quiet, words.not_allowed);
        }
        let heights: Vec<u8, 16, u8> = menu.iter().map(|_| 1).collect();
        for (index, item) in menu.iter().enumerate().skip(first_row(&heights, row, page.room())) {
            page.row(index == row, Role::Text, format_args!("{}", words.menu[*item as usize]), format_args!(""));
        }
    }
}

/// Whether something does not work, so that even a first start has to wait.
pub(super) fn is_bad(status: &Status) -> bool {
    status.alerts.first().is_some_and(|alert| level(alert.code) == Role::Bad)
}

/// The colour of an alert.
const fn level(code: Code) -> Role {
    match code.level() {
        Level::Info => Role::Text,
        Level::Warning => Role::Warn,
        Level::Error => Role::Bad,
    }
}
