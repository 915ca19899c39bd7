//! `[report]`, `[mail]`, `[webhook]`, `[push]`: what is on a printed report, and by which ways people are told.

use std::{path::PathBuf, sync::Arc, time::Duration};

use relaypacs_clinic::{
    notifications::{ChannelOptions, MailOptions, MailSecurity, NotificationKind, WebhookOptions},
    reports::pdf::{Letterhead, Paper, check_logo},
};
use serde::{Deserialize, Serialize};

use super::{Site, values::Span};

/// `[report]`: printed reports.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Report {
    /// The facility's name; empty: the site's.
    pub(crate) facility: String,
    /// Its address and telephone, a line each.
    pub(crate) address: Vec<String>,
    /// Paper.
    pub(crate) paper: PaperName,
    /// Font files for characters that the embedded font does not have; none: the system's.
    pub(crate) fonts: Vec<PathBuf>,
}

/// Sizes of paper.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PaperName {
    /// 210 × 297 mm.
    #[default]
    A4,
    /// 8.5 × 11 in.
    Letter,
}

/// `[mail]`: e-mails to people who want them.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Mail {
    /// The mail server; empty: no e-mails.
    pub(crate) host: String,
    /// Its port; 0: the one of `security`.
    pub(crate) port: u16,
    /// How the line is protected.
    pub(crate) security: Security,
    /// As whom to sign in; empty: nobody.
    pub(crate) user: String,
    /// File with the password.
    pub(crate) password_file: PathBuf,
    /// Who sends.
    pub(crate) from: String,
    /// PEM file with an authority to trust beside the well-known ones; empty: none.
    pub(crate) ca_file: PathBuf,
    /// Pause before a letter that was not taken is tried the second time.
    pub(crate) first_retry: Span,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 0,
            security: Security::default(),
            user: String::new(),
            password_file: PathBuf::new(),
            from: String::new(),
            ca_file: PathBuf::new(),
            first_retry: Span(Duration::from_secs(5)),
        }
    }
}

/// How the line to the mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Security {
    /// TLS after a greeting.
    #[default]
    StartTls,
    /// TLS from the start.
    Tls,
    /// Nothing.
    None,
}

/// `[webhook]`: calls to another system.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Webhook {
    /// Where to; empty: no calls.
    pub(crate) url: String,
    /// File with the secret that signs.
    pub(crate) secret_file: PathBuf,
    /// Of these types; none: of all.
    pub(crate) types: Vec<String>,
}

/// `[push]`: web push to browsers.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Push {
    /// Whom a push service may write to; empty: nobody is named.
    pub(crate) contact: String,
    /// Whether push services may be in the own network or speak plain HTTP.
    pub(crate) private: bool,
}

impl Report {
    /// Each rule that is broken: key and what is wrong.
    pub(super) fn broken(&self, site: &Site) -> Vec<(&'static str, String)> {
        let mut broken = Vec::new();
        if self.facility.chars().count() > 120 || self.facility.chars().any(char::is_control) {
            broken.push(("report.facility", "a name has at most 120 characters on one line".into()));
        }
        if self.address.len() > 5 || self.address.iter().any(|line| line.chars().count() > 120) {
            broken.push(("report.address", "an address has at most five lines of 120 characters".into()));
        }
        if self.fonts.len() > 16 {
            broken.push(("report.fonts", "names at most 16 files".into()));
        }
        if !site.logo.as_os_str().is_empty()
            && let Err(rule) = logo(site)
        {
            broken.push(("site.logo", rule));
        }
        broken
    }

    /// What is on every printed report.
    pub(crate) fn letterhead(&self, site: &Site) -> Letterhead {
        Letterhead {
            facility: if self.facility.is_empty() { site.name.clone() } else { self.facility.clone() },
            address: self.address.clone(),
            logo: logo(site).ok().map(Arc::new),
            fonts: self.fonts.clone(),
            paper: match self.paper {
                PaperName::A4 => Paper::A4,
                PaperName::Letter => Paper::Letter,
            },
        }
    }
}

/// The site's logo, at most 4 MiB.
fn logo(site: &Site) -> Result<Vec<u8>, String> {
    const MOST: u64 = 4 << 20;
    let unreadable = |error: std::io::Error| format!("{}: {error}", site.logo.display());
    let length = std::fs::metadata(&site.logo).map_err(unreadable)?.len();
    if length > MOST {
        return Err(format!("{} has {length} bytes; at most {MOST} are taken", site.logo.display()));
    }
    let bytes = std::fs::read(&site.logo).map_err(unreadable)?;
    check_logo(&bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

impl Mail {
    /// Each rule that is broken: key and what is wrong.
    pub(super) fn broken(&self) -> Vec<(&'static str, String)> {
        let mut broken = Vec::new();
        if self.host.is_empty() {
            return broken;
        }
        if !self.from.contains('@') {
            broken.push(("mail.from", "names who sends, such as \"RelayPACS <relaypacs@clinic.example>\"".into()));
        }
        if !self.user.is_empty() && self.password_file.as_os_str().is_empty() {
            broken.push(("mail.password_file", "a user needs a password".into()));
        }
        if !self.user.is_empty() && self.security == Security::None {
            broken.push(("mail.security", "a password is not sent over an open line".into()));
        }
        if !(Duration::from_millis(100)..=Duration::from_hours(1)).contains(&self.first_retry.0) {
            broken.push(("mail.first_retry", format!("is 100ms to 1h, not {}", self.first_retry)));
        }
        broken
    }

    fn options(&self) -> Option<MailOptions> {
        let (port, security) = match self.security {
            Security::StartTls => (587, MailSecurity::StartTls),
            Security::Tls => (465, MailSecurity::Tls),
            Security::None => (25, MailSecurity::None),
        };
        (!self.host.is_empty()).then(|| MailOptions {
            host: self.host.clone(),
            port: if self.port == 0 { port } else { self.port },
            security,
            user: self.user.clone(),
            password_file: Some(self.password_file.clone()).filter(|file| !file.as_os_str().is_empty()),
            from: self.from.clone(),
            ca_file: Some(self.ca_file.clone()).filter(|file| !file.as_os_str().is_empty()),
            first_retry: self.first_retry.0,
        })
    }
}

impl Webhook {
    /// Each rule that is broken: key and what is wrong.
    pub(super) fn broken(&self) -> Vec<(&'static str, String)> {
        let mut broken = Vec::new();
        if self.url.is_empty() {
            return broken;
        }
        if !url::Url::parse(&self.url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            broken.push(("webhook.url", format!("{:?} is no http or https URL", self.url)));
        }
        if self.secret_file.as_os_str().is_empty() {
            broken.push(("webhook.secret_file", "calls are signed: name the file with the secret".into()));
        }
        if let Some(kind) = self.types.iter().find(|kind| kind.parse::<NotificationKind>().is_err()) {
            broken.push(("webhook.types", format!("{kind:?} is no type of notification")));
        }
        broken
    }

    fn options(&self) -> Option<WebhookOptions> {
        (!self.url.is_empty()).then(|| WebhookOptions {
            url: self.url.clone(),
            secret_file: self.secret_file.clone(),
            types: self.types.iter().filter_map(|kind| kind.parse().ok()).collect(),
        })
    }
}

impl Push {
    /// Each rule that is broken: key and what is wrong.
    pub(super) fn broken(&self) -> Vec<(&'static str, String)> {
        let good = self.contact.is_empty() || self.contact.starts_with("mailto:") || self.contact.starts_with("https://");
        if good { Vec::new() } else { vec![("push.contact", "a contact begins with mailto: or https://".into())] }
    }
}

/// By which ways notifications leave the box.
pub(crate) fn channels(site: &Site, mail: &Mail, webhook: &Webhook, push: &Push) -> ChannelOptions {
    ChannelOptions {
        site: site.name.clone(),
        push_contact: push.contact.clone(),
        push_private: push.private,
        mail: mail.options(),
        webhook: webhook.options(),
    }
}
