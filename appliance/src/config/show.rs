//! The effective configuration for people and programs, secrets hidden.

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::Config;

/// What stands where a secret would.
const HIDDEN: &str = "(hidden)";

/// The effective configuration as one object: every key with its value.
pub(crate) fn show(config: &Config) -> Json {
    let mut shown = json!({
        "dicom": plain(&config.dicom),
        "http": plain(&config.http),
        "buffer": plain(&config.buffer),
        "destination": plain(&config.destination),
        "modality": plain(&config.modality),
        "log": plain(&config.log),
        "site": plain(&config.site),
        "acme": plain(&config.acme),
        "accounts": plain(&config.accounts),
        "uploads": plain(&config.uploads),
        "report": plain(&config.report),
        "mail": plain(&config.mail),
        "webhook": plain(&config.webhook),
        "push": plain(&config.push),
        "sentry": plain(&config.sentry),
        "limits": plain(&config.limits),
        "panel": plain(&config.panel),
    });
    hide(&mut shown);
    shown
}

fn plain(section: &impl Serialize) -> Json {
    serde_json::to_value(section).unwrap_or(Json::Null)
}

/// Hides what must not be shown: values of keys that name a secret (not those that name its file), and credentials inside URLs.
fn hide(value: &mut Json) {
    match value {
        Json::Object(entries) => {
            for (key, value) in entries {
                if is_secret(key) { *value = json!(HIDDEN) } else { hide(value) }
            }
        }
        Json::Array(list) => list.iter_mut().for_each(hide),
        Json::String(text) => {
            if let Some(hidden) = without_credentials(text) {
                *text = hidden;
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

fn is_secret(key: &str) -> bool {
    let names_one = ["password", "secret", "token"].iter().any(|word| key.contains(word));
    names_one && !key.ends_with("_file") && !key.ends_with("_url")
}

fn without_credentials(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let at = rest[..authority_end].rfind('@')?;
    Some(format!("{scheme}://{HIDDEN}{}", &rest[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_their_files_are_not() {
        let mut value = json!({
            "url": "https://joe:geheim@pacs.example/rs",
            "password": "geheim", "client_secret": "geheim",
            "password_file": "/etc/relaypacs/pacs", "token_url": "https://id.example/token", "mail": "a@b.example",
        });
        hide(&mut value);
        assert!(!value.to_string().contains("geheim"), "{value}");
        assert_eq!(value["url"], "https://(hidden)@pacs.example/rs");
        assert_eq!(value["password_file"], "/etc/relaypacs/pacs");
        assert_eq!(value["token_url"], "https://id.example/token");
        assert_eq!(value["mail"], "a@b.example");
    }
}
