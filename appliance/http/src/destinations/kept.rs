//! Destinations that are kept in the box: between the JSON that the API takes, what is stored, and what the forwarder is given.
//!
//! The forwarder reads secrets from files. A kept destination's secrets are stored encrypted and written, mode 0600, into a folder of its own
//! under `destinations/` in the data directory; each change gets a new folder, so that a running destination never sees half of it. Files that
//! the box itself can read are not to be named over the API: else an admin of the API could have any of them sent away.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use relaypacs_clinic::{Settings, settings::KeptDestination};
use relaypacs_domain::DestinationName;
use relaypacs_forward::{DestinationConfig, Forwarder};
use serde_json::{Map, Value};

use crate::{
    extract::misfit::{self, Misfit},
    problem::Problem,
};

/// Secrets: where they stand in the API's body, the file's name, and the key of the configuration that names the file.
const SECRETS: [(&str, &str, &str); 6] = [
    ("/auth/password", "password", "password_file"),
    ("/auth/token", "token", "token_file"),
    ("/auth/client_secret", "client-secret", "client_secret_file"),
    ("/auth/certificate", "certificate.pem", "cert_file"),
    ("/auth/key", "key.pem", "key_file"),
    ("/ca", "ca.pem", "ca_file"),
];
/// Longest secret in bytes.
const MAX_SECRET: usize = 64 * 1024;

/// What the API was asked for: settings without secrets, and the secrets that came with it (`None`: to be forgotten).
#[derive(Debug)]
pub(super) struct Asked {
    settings: Map<String, Value>,
    secrets: BTreeMap<String, Option<String>>,
}

impl Asked {
    /// Takes a body apart.
    pub(super) fn read(mut body: Map<String, Value>) -> Result<Self, Problem> {
        let mut secrets = BTreeMap::new();
        for (pointer, name, file_key) in SECRETS {
            let (table, key) = match pointer.strip_prefix("/auth/") {
                Some(key) => (body.get_mut("auth").and_then(Value::as_object_mut), key),
                None => (Some(&mut body), &pointer[1..]),
            };
            let Some(table) = table else { continue };
            if table.contains_key(file_key) {
                let text = format!("files of the box are not named over the API: send what is in it as {key}");
                return Err(Problem::invalid(format!("{}{file_key}", &pointer[..(pointer.len() - key.len())]), text));
            }
            match table.remove(key) {
                None => {}
                Some(Value::Null) => drop(secrets.insert(name.to_owned(), None)),
                Some(Value::String(text)) if (1..=MAX_SECRET).contains(&text.len()) => {
                    secrets.insert(name.to_owned(), Some(text));
                }
                Some(_) => return Err(Problem::invalid(pointer, "expected a text of 1 to 65536 bytes")),
            }
        }
        Ok(Self { settings: body, secrets })
    }

    /// The destination as it is to be kept when nothing was there.
    pub(super) fn begin(self) -> Result<KeptDestination, Problem> {
        let name = name_of(&self.settings)?;
        let secrets = self.secrets.into_iter().filter_map(|(name, secret)| Some((name, secret?))).collect();
        Ok(KeptDestination { name, settings: Value::Object(self.settings), secrets })
    }

    /// The destination as it is to be kept from now on: a merge patch (RFC 7396); a secret that is not named stays.
    pub(super) fn change(self, mut kept: KeptDestination) -> Result<KeptDestination, Problem> {
        if self.settings.get("name").is_some_and(|name| name.as_str() != Some(kept.name.as_str())) {
            return Err(Problem::invalid("/name", "a destination keeps its name: delete it and add another"));
        }
        merge(&mut kept.settings, Value::Object(self.settings));
        for (name, secret) in self.secrets {
            match secret {
                Some(secret) => drop(kept.secrets.insert(name, secret)),
                None => drop(kept.secrets.remove(&name)),
            }
        }
        Ok(kept)
    }
}

fn name_of(settings: &Map<String, Value>) -> Result<DestinationName, Problem> {
    let text = settings.get("name").and_then(Value::as_str).ok_or_else(|| Problem::invalid("/name", "a name is needed"))?;
    text.parse().map_err(|error| Problem::invalid("/name", format!("{error}")))
}

/// A JSON merge patch (RFC 7396 §2).
pub(crate) fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            fields.remove(&key);
        } else {
            merge(fields.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// The folder that holds the secrets' files.
#[derive(Debug, Clone)]
pub(crate) struct SecretFiles(PathBuf);

/// Why a kept destination cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    /// Its settings break a rule.
    #[error("{0}")]
    Settings(Misfit),
    /// Its settings break a rule of this field.
    #[error("{1}")]
    Field(String, String),
    /// Its files cannot be written.
    #[error("its secrets cannot be written: {0}")]
    Files(#[from] io::Error),
}

impl SecretFiles {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self(data_dir.join("destinations"))
    }

    /// Writes a destination's secrets into a folder of their own and gives the configuration that names them; checks all of it. On an error
    /// nothing stays. Blocking.
    pub(super) fn write(&self, kept: &KeptDestination) -> Result<DestinationConfig, Unusable> {
        let folder = self.0.join(format!("{}.{}", kept.name, uuid::Uuid::new_v4().simple()));
        let written = self.write_into(&folder, kept);
        if written.is_err() {
            // What could not be written whole is of no use; the next start clears what is left.
            let _ = fs::remove_dir_all(&folder);
        }
        written
    }

    fn write_into(&self, folder: &Path, kept: &KeptDestination) -> Result<DestinationConfig, Unusable> {
        let mut settings = kept.settings.clone();
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        if !kept.secrets.is_empty() {
            DirBuilder::new().mode(0o700).create(folder)?;
        }
        for (pointer, name, file_key) in SECRETS {
            let Some(secret) = kept.secrets.get(name) else { continue };
            let path = folder.join(name);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(secret.as_bytes())?;
            let patch = if pointer.starts_with("/auth/") {
                serde_json::json!({ "auth": { file_key: path } })
            } else {
                serde_json::json!({ file_key: path })
            };
            merge(&mut settings, patch);
        }
        let config: DestinationConfig = misfit::fit(settings).map_err(Unusable::Settings)?;
        Forwarder::check(&config).map_err(|error| Unusable::Field(pointer_of(&error.field), format!("{} {}", error.field, error.rule)))?;
        Ok(config)
    }

    /// Removes every folder of a destination but the one that `config` names. Blocking.
    pub(super) fn tidy(&self, name: &DestinationName, config: Option<&DestinationConfig>) {
        let in_use = config.map(|config| serde_json::to_string(config).unwrap_or_default()).unwrap_or_default();
        let prefix = format!("{name}.");
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let file_name = entry.file_name().to_string_lossy().into_owned();
            let is_its = file_name.strip_prefix(&prefix).is_some_and(|rest| rest.len() == 32 && !rest.contains('.'));
            if is_its && !in_use.contains(&file_name) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Writes the files of every kept destination anew and gives their configurations; one that cannot be used is left out with an error in
    /// the log. To be called before anything is forwarded. Blocking.
    fn restore(&self, settings: &Settings, taken: &[DestinationConfig]) -> Vec<DestinationConfig> {
        let _ = fs::remove_dir_all(&self.0);
        let kept = settings.destinations().unwrap_or_else(|error| {
            tracing::error!(%error, "destinations kept in the box cannot be read");
            Vec::new()
        });
        let mut configs = Vec::new();
        for kept in kept {
            match kept {
                Ok(kept) if taken.iter().any(|config| config.name == kept.name) => {
                    tracing::warn!(destination = %kept.name, "the configuration file has a destination of this name: it wins over the one kept in the box");
                }
                Ok(kept) => match self.write(&kept) {
                    Ok(config) => configs.push(config),
                    Err(error) => tracing::error!(destination = %kept.name, %error, "a destination kept in the box cannot be used"),
                },
                Err(error) => tracing::error!(%error, "a destination kept in the box cannot be used"),
            }
        }
        configs
    }
}

/// Configurations of the destinations kept in the box, for the start; `taken`: those of the configuration file, which win. Blocking.
pub fn kept_destinations(settings: &Settings, data_dir: &Path, taken: &[DestinationConfig]) -> Vec<DestinationConfig> {
    SecretFiles::new(data_dir).restore(settings, taken)
}

/// The place in the API's body of a key of the configuration (`auth.password_file` → `/auth/password`).
fn pointer_of(field: &str) -> String {
    let pointer = format!("/{}", field.replace('.', "/"));
    let secret = SECRETS.iter().find(|(_, _, file_key)| pointer.ends_with(&format!("/{file_key}")));
    secret.map_or(pointer, |(place, _, _)| (*place).to_owned())
}

impl From<Unusable> for Problem {
    fn from(error: Unusable) -> Self {
        match error {
            Unusable::Settings(misfit) => misfit.into(),
            Unusable::Field(pointer, text) => Self::invalid(pointer, text),
            Unusable::Files(error) => Self::internal(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!("no object") };
        map
    }

    #[test]
    fn secrets_are_taken_apart_and_files_are_not_named() {
        let body =
            json!({"name": "pacs", "kind": "stow", "url": "http://a/", "auth": {"kind": "basic", "user": "joe", "password": "geheim"}});
        let kept = Asked::read(object(body)).unwrap().begin().unwrap();
        assert_eq!(kept.settings["auth"], json!({"kind": "basic", "user": "joe"}));
        assert_eq!(kept.secrets["password"], "geheim");
        for body in [json!({"auth": {"password_file": "/etc/shadow"}}), json!({"ca_file": "/etc/shadow"})] {
            assert!(Asked::read(object(body)).is_err());
        }
        let changed = Asked::read(object(json!({"auth": {"user": "ann"}, "url": "http://b/"}))).unwrap().change(kept.clone()).unwrap();
        assert_eq!(
            (&changed.settings["auth"]["user"], &changed.secrets),
            (&json!("ann"), &kept.secrets),
            "a secret that is not named stays"
        );
        let none = Asked::read(object(json!({"auth": {"password": null}}))).unwrap().change(changed).unwrap();
        assert!(none.secrets.is_empty());
        assert!(Asked::read(object(json!({"name": "other"}))).unwrap().change(kept).is_err());
    }

    #[test]
    fn files_are_closed_and_go_with_the_destination() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let files = SecretFiles::new(dir.path());
        let body =
            json!({"name": "pacs", "kind": "stow", "url": "http://a/", "auth": {"kind": "basic", "user": "joe", "password": "geheim"}});
        let kept = Asked::read(object(body)).unwrap().begin().unwrap();
        let config = files.write(&kept).unwrap();
        let path = config.auth.password_file.clone().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "geheim");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let newer = files.write(&kept).unwrap();
        files.tidy(&kept.name, Some(&newer));
        assert!(!path.exists() && newer.auth.password_file.clone().unwrap().exists());
        files.tidy(&kept.name, None);
        assert_eq!(fs::read_dir(dir.path().join("destinations")).unwrap().count(), 0);
    }

    #[test]
    fn what_breaks_a_rule_names_the_field_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let files = SecretFiles::new(dir.path());
        let check = |body: Value, expected: &str| {
            let kept = Asked::read(object(body)).unwrap().begin().unwrap();
            match files.write(&kept).unwrap_err() {
                Unusable::Field(pointer, _) => assert_eq!(pointer, expected),
                other => assert_eq!(expected, "", "{other}"),
            }
            assert_eq!(fs::read_dir(dir.path().join("destinations")).unwrap().count(), 0);
        };
        check(json!({"name": "a", "kind": "stow"}), "/url");
        check(json!({"name": "a", "kind": "stow", "url": "http://a/", "max_requests": 0}), "/max_requests");
        check(json!({"name": "a", "kind": "stow", "url": "http://a/", "xyzzy": 0}), "");
        check(json!({"name": "a", "kind": "stow", "url": "http://a/", "auth": {"kind": "basic", "user": "joe"}}), "/auth/password");
        check(json!({"name": "a", "kind": "stow", "url": "https://a/", "ca": "rubbish"}), "/ca");
    }
}
