//! Rules that a value's type alone does not hold: ranges, and what must fit together.

use std::{collections::HashSet, time::Duration};

use super::{
    Config, Problem,
    values::{Auto, Size, Span},
};
use crate::logs;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Every broken rule, with the place where the value was set.
pub(super) fn broken(config: &Config) -> Vec<Problem> {
    let mut rules = Rules { config, problems: Vec::new() };
    rules.dicom();
    rules.buffer();
    rules.lists();
    rules.others();
    rules.problems
}

struct Rules<'a> {
    config: &'a Config,
    problems: Vec<Problem>,
}

impl Rules<'_> {
    fn dicom(&mut self) {
        let dicom = &self.config.dicom;
        self.number("dicom.max_associations", dicom.max_associations, 1, 4096);
        self.number("dicom.max_associations_per_peer", dicom.max_associations_per_peer, 1, 4096);
        self.number("dicom.max_unassociated", dicom.max_unassociated, 1, 4096);
        self.span("dicom.idle_timeout", dicom.idle_timeout, "1s", "1d");
        self.span("dicom.artim", dicom.artim, "1s", "10m");
        self.span("dicom.study_idle", dicom.study_idle, "1s", "1h");
        self.size("dicom.max_pdu", dicom.max_pdu, 4 * KIB, MIB);
        let ports = [dicom.port, dicom.tls_port, self.config.http.port, self.config.http.plain_port];
        let names = ["dicom.port", "dicom.tls_port", "http.port", "http.plain_port"];
        for (at, port) in ports.iter().enumerate().filter(|(_, port)| **port != 0) {
            if let Some(other) = ports[..at].iter().position(|earlier| earlier == port) {
                self.add(names[at], format!("port {port} is taken by {}", names[other]));
            }
        }
    }

    fn buffer(&mut self) {
        let buffer = &self.config.buffer;
        self.size("buffer.segment_bytes", buffer.segment_bytes, MIB, 1024 * MIB);
        self.span("buffer.retention", buffer.retention, "0s", "3650d");
        self.span("buffer.history", buffer.history, "1d", "36500d");
        let smallest = Size(buffer.segment_bytes.0.saturating_mul(4));
        if let Auto::Fixed(most) = buffer.max_bytes
            && most < smallest
        {
            self.add("buffer.max_bytes", format!("{most} is too little: at least four segments ({smallest})"));
        }
    }

    fn lists(&mut self) {
        let mut names = HashSet::new();
        for (index, destination) in self.config.destination.iter().enumerate() {
            if !names.insert(&destination.name) {
                self.add(&format!("destination.{index}.name"), format!("a destination named {} is there already", destination.name));
            }
            if let Err(wrong) = destination.check() {
                let value = wrong.value.map(|value| format!("{value:?} ")).unwrap_or_default();
                self.add(&format!("destination.{index}.{}", wrong.field), format!("{value}{}", wrong.rule));
            }
        }
        let mut titles = HashSet::new();
        for (index, modality) in self.config.modality.iter().enumerate() {
            if !titles.insert(&modality.ae_title) {
                self.add(&format!("modality.{index}.ae_title"), format!("a modality with AE title {} is there already", modality.ae_title));
            }
            if let Some(most) = modality.max_associations {
                self.number(&format!("modality.{index}.max_associations"), most, 1, 4096);
            }
        }
    }

    fn others(&mut self) {
        let http = &self.config.http;
        if http.cert_file.as_os_str().is_empty() != http.key_file.as_os_str().is_empty() {
            self.add("http.cert_file", "cert_file and key_file belong together: set both or none".into());
        }
        let limits = &self.config.limits;
        self.number("limits.max_connections", limits.max_connections, 8, 65_536);
        self.number("limits.max_connections_per_address", limits.max_connections_per_address, 1, 65_536);
        self.span("limits.header_timeout", limits.header_timeout, "1s", "10m");
        self.span("limits.stall_timeout", limits.stall_timeout, "1s", "10m");
        let (accounts, uploads) = (&self.config.accounts, &self.config.uploads);
        self.span("accounts.access_ttl", accounts.access_ttl, "1m", "1d");
        self.span("accounts.refresh_ttl", accounts.refresh_ttl, "1h", "90d");
        self.span("accounts.upload_ttl", accounts.upload_ttl, "1h", "30d");
        self.size("uploads.max_bytes", uploads.max_bytes, MIB, 1024 * 1024 * MIB);
        self.number("uploads.max_files", uploads.max_files as usize, 1, 10_000);
        self.span("uploads.expiry", uploads.expiry, "1h", "90d");
        self.span("uploads.duplicates", uploads.duplicates, "0s", "3650d");
        let config = self.config;
        let people = [config.report.broken(&config.site), config.mail.broken(), config.webhook.broken(), config.push.broken()];
        for (path, rule) in people.into_iter().flatten() {
            self.add(path, rule);
        }
        for (path, rule) in self.config.acme.broken() {
            self.add(path, rule);
        }
        for (path, rule) in self.config.sentry.broken() {
            self.add(path, rule);
        }
        self.span("panel.network_confirm", self.config.panel.network_confirm, "1s", "1h");
        for (path, rule) in self.config.panel.broken() {
            self.add(path, rule);
        }
        if let Err(rule) = logs::directives(&self.config.log.level) {
            self.add("log.level", rule);
        }
        let zone = &self.config.site.time_zone;
        if !zone.is_empty() && jiff::tz::TimeZone::get(zone).is_err() {
            self.add("site.time_zone", format!("{zone:?} is no time zone that this machine knows; write it like \"Europe/Berlin\""));
        }
        if self.config.site.name.chars().count() > 64 || self.config.site.name.chars().any(char::is_control) {
            self.add("site.name", "a name has at most 64 characters on one line".into());
        }
    }

    /// Notes a broken rule. A key that was not set is reported at the table in which it is missing.
    fn add(&mut self, path: &str, message: String) {
        let origin = self.config.origin(path).or_else(|| self.config.origin(path.rsplit_once('.')?.0));
        self.problems.push(Problem::at(path, origin, message));
    }

    fn number(&mut self, path: &str, value: usize, least: usize, most: usize) {
        if !(least..=most).contains(&value) {
            self.add(path, format!("{value} is out of range: {least} to {most}"));
        }
    }

    fn size(&mut self, path: &str, value: Size, least: u64, most: u64) {
        if !(least..=most).contains(&value.0) {
            self.add(path, format!("{value} is out of range: {} to {}", Size(least), Size(most)));
        }
    }

    fn span(&mut self, path: &str, value: Span, least: &str, most: &str) {
        let bound = |text: &str| text.parse::<Span>().map_or(Duration::ZERO, |span| span.0);
        if !(bound(least)..=bound(most)).contains(&value.0) {
            self.add(path, format!("{value} is out of range: {least} to {most}"));
        }
    }
}
