//! What people choose for themselves.

use relaypacs_domain::ServiceLevel;
use serde::{Deserialize, Serialize};

use super::AccountError;
use crate::notifications::NotificationKind;

/// Preferences of an account. Absent ones are the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// A language tag (BCP 47), at most 35 characters.
    pub language: String,
    /// `system`, `light` or `dark`.
    pub theme: String,
    /// An IANA name; absent: the site's.
    pub time_zone: Option<String>,
    /// What uploads start with.
    pub default_service_level: String,
    /// `comfortable` or `compact`.
    pub density: String,
    /// How to be told.
    pub notify: Notify,
}

/// How somebody wants to be told of things, beside the list on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notify {
    /// By web push.
    pub push: bool,
    /// By e-mail.
    pub email: bool,
    /// Of these notification types; empty: of all.
    pub types: Vec<String>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            language: "en".into(),
            theme: "system".into(),
            time_zone: None,
            default_service_level: "routine".into(),
            density: "comfortable".into(),
            notify: Notify::default(),
        }
    }
}

impl Default for Notify {
    fn default() -> Self {
        Self { push: true, email: false, types: Vec::new() }
    }
}

impl Preferences {
    /// Refuses what makes no sense, naming the field.
    pub(super) fn check(&self) -> Result<(), AccountError> {
        let is_tag = |text: &str| (1..=35).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
        let zone = self.time_zone.as_deref();
        match () {
            () if !is_tag(&self.language) => Err(wrong("preferences/language", "a language is a tag such as en or pt-BR")),
            () if !["system", "light", "dark"].contains(&self.theme.as_str()) => {
                Err(wrong("preferences/theme", "a theme is system, light or dark"))
            }
            () if zone.is_some_and(|zone| zone.len() > 64 || jiff::tz::TimeZone::get(zone).is_err()) => {
                Err(wrong("preferences/time_zone", "a time zone has an IANA name such as Europe/Lisbon"))
            }
            () if self.default_service_level.parse::<ServiceLevel>().is_err() => {
                Err(wrong("preferences/default_service_level", "a service level is stat, emergency, routine or subspecialty"))
            }
            () if !["comfortable", "compact"].contains(&self.density.as_str()) => {
                Err(wrong("preferences/density", "a density is comfortable or compact"))
            }
            // A name that is none would mean that nothing is told.
            () if self.notify.types.len() > 32 || !self.notify.types.iter().all(|kind| kind.parse::<NotificationKind>().is_ok()) => {
                let known = NotificationKind::ALL.map(NotificationKind::as_str).join(", ");
                Err(wrong("preferences/notify/types", &format!("notification types are {known}")))
            }
            () => Ok(()),
        }
    }
}

fn wrong(field: &'static str, rule: &str) -> AccountError {
    AccountError::Field { field, rule: rule.to_owned() }
}
