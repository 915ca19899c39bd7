//! What people choose for themselves.

use relaypacs_domain::ServiceLevel;
use serde::{Deserialize, Serialize};

use super::{AccountError, language::is_well_formed};
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
    /// Refuses what makes no sense, naming field, value and rule.
    pub(super) fn check(&self) -> Result<(), AccountError> {
        let Self { language, theme, time_zone, default_service_level, density, notify } = self;
        let zone = time_zone.as_deref();
        match () {
            () if !is_well_formed(language) => {
                Err(wrong("preferences/language", language, "a language is a tag of BCP 47, such as en or pt-BR, of at most 35 characters"))
            }
            () if !["system", "light", "dark"].contains(&theme.as_str()) => {
                Err(wrong("preferences/theme", theme, "a theme is system, light or dark"))
            }
            () if zone.is_some_and(|zone| zone.len() > 64 || jiff::tz::TimeZone::get(zone).is_err()) => {
                let rule = "a time zone has an IANA name such as Europe/Lisbon";
                Err(wrong("preferences/time_zone", zone.unwrap_or_default(), rule))
            }
            () if default_service_level.parse::<ServiceLevel>().is_err() => {
                let rule = "a service level is stat, emergency, routine or subspecialty";
                Err(wrong("preferences/default_service_level", default_service_level, rule))
            }
            () if !["comfortable", "compact"].contains(&density.as_str()) => {
                Err(wrong("preferences/density", density, "a density is comfortable or compact"))
            }
            () if notify.types.len() > 32 => {
                let rule = "at most 32 notification types are named";
                Err(wrong("preferences/notify/types", &notify.types.len().to_string(), rule))
            }
            // A name that is none would mean that nothing is told.
            () => match notify.types.iter().find(|kind| kind.parse::<NotificationKind>().is_err()) {
                Some(kind) => {
                    let known = NotificationKind::ALL.map(NotificationKind::as_str).join(", ");
                    Err(wrong("preferences/notify/types", kind, &format!("notification types are {known}")))
                }
                None => Ok(()),
            },
        }
    }
}

/// Characters of a refused value that are shown.
const MOST_SHOWN: usize = 40;

fn wrong(field: &'static str, value: &str, rule: &str) -> AccountError {
    let shown: String = value.chars().take(MOST_SHOWN).collect();
    AccountError::Field { field, rule: format!("{rule}, not {shown:?}") }
}
