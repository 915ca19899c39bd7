//! `[[destination]]`: what people write about a destination, and the check that makes it a [`Checked`] one.
//!
//! Keys and defaults are listed in the annotated example configuration. Secrets never stand in the configuration: it names files.

use std::{fmt, path::PathBuf, time::Duration};

use relaypacs_domain::{AeTitle, DestinationName, MatchRule, SourceKind};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    backoff::{Backoff, RetryConfig},
    duration, size,
};

/// One `[[destination]]` as written. Unknown keys are errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DestinationConfig {
    /// Its name: 1 to 32 letters, digits, dots, underscores or hyphens.
    pub name: DestinationName,
    /// What it is.
    pub kind: Kind,
    /// Base URL of the DICOMweb service (kind `stow`), to which `/studies` is appended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The folder (kind `folder`); it must exist, for a mount that is missing must not be written beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Which objects it takes; absent: all.
    #[serde(default, rename = "match")]
    pub matching: MatchConfig,
    /// How the box proves who it is.
    #[serde(default)]
    pub auth: AuthConfig,
    /// PEM file with the certificate authorities to trust for it instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Most requests at once, 1 to 64 (4). With two or more, one is kept free for urgent studies.
    #[serde(default = "default_max_requests")]
    pub max_requests: usize,
    /// Most bytes of one request, 64KiB to 16GiB (64MiB). A larger object goes alone.
    #[serde(default = "default_max_request_bytes", with = "size")]
    pub max_request_bytes: u64,
    /// Most megabits per second (10⁶ bits) sent to it; 0: no limit.
    #[serde(default)]
    pub mbit_per_s: f64,
    /// Longest wait for a connection (10s).
    #[serde(default = "default_connect_timeout", with = "duration")]
    pub connect_timeout: Duration,
    /// Longest time without progress within a request (60s).
    #[serde(default = "default_stall_timeout", with = "duration")]
    pub stall_timeout: Duration,
    /// When an instance is tried again.
    #[serde(default)]
    pub retry: RetryConfig,
    /// How it is verified that a PACS has what it says it stored (none).
    #[serde(default)]
    pub verify: Verify,
}

/// How it is verified that a destination has what it names as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verify {
    /// Its word is enough: named in ReferencedSOPSequence.
    #[default]
    None,
    /// QIDO-RS must find the instance.
    Qido,
    /// The instance is retrieved by WADO-RS and must be equal byte for byte.
    Retrieve,
}

/// What a destination is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A PACS that takes STOW-RS (PS3.18 §10.5).
    Stow,
    /// A folder of Part-10 files, `study/series/instance.dcm`.
    Folder,
}

/// Which objects a destination takes: everything that is asked must hold; an empty list or text asks nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MatchConfig {
    /// The sender's AE title is one of these.
    pub calling_ae: Vec<AeTitle>,
    /// The data set's modality is one of these.
    pub modality: Vec<String>,
    /// It came by this entrance: `dicom`, `http` or nothing.
    pub source: String,
}

/// How the box proves who it is. `cert_file` and `key_file` may accompany every kind (mutual TLS beside a token).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// Which way.
    pub kind: AuthKind,
    /// User name (`basic`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// File with the password (`basic`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// File with the token (`bearer`); read again when it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// Token endpoint (`oauth2`, RFC 6749 §4.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// Client identifier (`oauth2`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// File with the client's secret (`oauth2`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret_file: Option<PathBuf>,
    /// Scopes to ask for, separated by spaces (`oauth2`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// PEM file with the client certificate and its chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<PathBuf>,
    /// PEM file with the client certificate's private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
}

/// Ways to prove who the box is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthKind {
    /// Not at all.
    #[default]
    None,
    /// User and password (RFC 7617).
    Basic,
    /// A token from a file (RFC 6750).
    Bearer,
    /// Client credentials (RFC 6749 §4.4).
    Oauth2,
    /// A TLS client certificate.
    Certificate,
}

/// What is wrong with a destination's configuration: which, where, what it says and what it should say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("destination {destination}: {field}{} {rule}", shown(value.as_deref()))]
pub struct ConfigError {
    /// The destination's name.
    pub destination: DestinationName,
    /// The key, such as `auth.token_url`.
    pub field: String,
    /// Its value as written; `None` when it is missing. Never a secret.
    pub value: Option<String>,
    /// The rule it breaks, or what the system said about the file it names.
    pub rule: String,
}

fn shown(value: Option<&str>) -> String {
    value.map(|value| format!(" = {value:?}:")).unwrap_or_default()
}

/// A destination whose configuration makes sense (its files are not read yet).
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub(crate) name: DestinationName,
    pub(crate) target: Target,
    pub(crate) matching: MatchRule,
    pub(crate) max_requests: usize,
    pub(crate) max_request_bytes: u64,
    /// Bytes per second.
    pub(crate) rate: Option<f64>,
    pub(crate) connect_timeout: Duration,
    pub(crate) stall_timeout: Duration,
    pub(crate) backoff: Backoff,
    pub(crate) verify: Verify,
}

/// Where it leads.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Stow { url: Url, auth: Box<Auth>, ca_file: Option<PathBuf>, client_certificate: Option<ClientCertificate> },
    Folder { path: PathBuf },
}

/// How the box proves who it is, with what that way needs.
#[derive(Debug, Clone)]
pub(crate) enum Auth {
    None,
    Basic { user: String, password_file: PathBuf },
    Bearer { token_file: PathBuf },
    Oauth2 { token_url: Url, client_id: String, client_secret_file: PathBuf, scope: Option<String> },
}

#[derive(Debug, Clone)]
pub(crate) struct ClientCertificate {
    pub(crate) cert_file: PathBuf,
    pub(crate) key_file: PathBuf,
}

const fn default_max_requests() -> usize {
    4
}
const fn default_max_request_bytes() -> u64 {
    64 << 20
}
const fn default_connect_timeout() -> Duration {
    Duration::from_secs(10)
}
const fn default_stall_timeout() -> Duration {
    Duration::from_mins(1)
}

impl Kind {
    /// The name used in configuration, API and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stow => "stow",
            Self::Folder => "folder",
        }
    }
}

impl Verify {
    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Qido => "qido",
            Self::Retrieve => "retrieve",
        }
    }
}

impl AuthKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::Oauth2 => "oauth2",
            Self::Certificate => "certificate",
        }
    }
}

impl DestinationConfig {
    /// A STOW-RS destination with all defaults.
    pub fn stow(name: DestinationName, url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::bare(name, Kind::Stow) }
    }

    /// A folder with all defaults.
    pub fn folder(name: DestinationName, path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()), ..Self::bare(name, Kind::Folder) }
    }

    fn bare(name: DestinationName, kind: Kind) -> Self {
        Self {
            name,
            kind,
            url: None,
            path: None,
            matching: MatchConfig::default(),
            auth: AuthConfig::default(),
            ca_file: None,
            max_requests: default_max_requests(),
            max_request_bytes: default_max_request_bytes(),
            mbit_per_s: 0.0,
            connect_timeout: default_connect_timeout(),
            stall_timeout: default_stall_timeout(),
            retry: RetryConfig::default(),
            verify: Verify::default(),
        }
    }

    /// Checks everything that can be checked without touching file or network, as [`crate::Forwarder::new`] does too.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.checked().map(|_| ())
    }

    pub(crate) fn checked(&self) -> Result<Checked, ConfigError> {
        self.check_limits()?;
        Ok(Checked {
            name: self.name.clone(),
            target: match self.kind {
                Kind::Stow => self.stow_target()?,
                Kind::Folder => self.folder_target()?,
            },
            matching: self.match_rule()?,
            max_requests: self.max_requests,
            max_request_bytes: self.max_request_bytes,
            rate: (self.mbit_per_s > 0.0).then_some(self.mbit_per_s * 1_000_000.0 / 8.0),
            connect_timeout: self.connect_timeout,
            stall_timeout: self.stall_timeout,
            backoff: Backoff::new(self.retry).map_err(|e| self.wrong(e.field, duration::format(e.value), e.rule))?,
            verify: self.verify,
        })
    }

    fn wrong(&self, field: &str, value: impl fmt::Display, rule: impl fmt::Display) -> ConfigError {
        ConfigError { destination: self.name.clone(), field: field.into(), value: Some(value.to_string()), rule: rule.to_string() }
    }

    fn missing(&self, field: &str, rule: &str) -> ConfigError {
        ConfigError { destination: self.name.clone(), field: field.into(), value: None, rule: rule.into() }
    }

    fn check_limits(&self) -> Result<(), ConfigError> {
        if !(1..=64).contains(&self.max_requests) {
            return Err(self.wrong("max_requests", self.max_requests, "must be 1 to 64"));
        }
        if !(64 << 10..=16 << 30).contains(&self.max_request_bytes) {
            return Err(self.wrong("max_request_bytes", size::format(self.max_request_bytes), "must be 64KiB to 16GiB"));
        }
        if !(self.mbit_per_s == 0.0 || (0.001..=1_000_000.0).contains(&self.mbit_per_s)) {
            return Err(self.wrong("mbit_per_s", self.mbit_per_s, "must be 0 (no limit) or 0.001 to 1000000"));
        }
        let hour = Duration::from_hours(1);
        for (field, value) in [("connect_timeout", self.connect_timeout), ("stall_timeout", self.stall_timeout)] {
            if value < Duration::from_millis(10) || value > hour {
                return Err(self.wrong(field, duration::format(value), "must be 10ms to 1h"));
            }
        }
        Ok(())
    }

    fn match_rule(&self) -> Result<MatchRule, ConfigError> {
        let source: Option<SourceKind> = match self.matching.source.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|rule| self.wrong("match.source", text, rule))?),
        };
        Ok(MatchRule { calling_ae: self.matching.calling_ae.clone(), modality: self.matching.modality.clone(), source })
    }

    fn folder_target(&self) -> Result<Target, ConfigError> {
        if let Some(url) = &self.url {
            return Err(self.wrong("url", url, "belongs to kind stow; a folder has a path"));
        }
        if self.auth != AuthConfig::default() {
            return Err(self.wrong("auth.kind", self.auth.kind.as_str(), "belongs to kind stow"));
        }
        if let Some(file) = &self.ca_file {
            return Err(self.wrong("ca_file", file.display(), "belongs to kind stow"));
        }
        if self.verify != Verify::None {
            return Err(self.wrong("verify", self.verify.as_str(), "belongs to kind stow; what goes to a folder is always read back"));
        }
        match &self.path {
            Some(path) if path.is_absolute() => Ok(Target::Folder { path: path.clone() }),
            Some(path) => Err(self.wrong("path", path.display(), "must be absolute")),
            None => Err(self.missing("path", "is missing: a folder needs one")),
        }
    }

    fn stow_target(&self) -> Result<Target, ConfigError> {
        if let Some(path) = &self.path {
            return Err(self.wrong("path", path.display(), "belongs to kind folder; a stow destination has a url"));
        }
        let text = self.url.as_deref().ok_or_else(|| self.missing("url", "is missing: a stow destination needs one"))?;
        let url = self.web_url("url", text)?;
        let client_certificate = self.client_certificate()?;
        if url.scheme() == "http" && (self.ca_file.is_some() || client_certificate.is_some()) {
            return Err(self.wrong("url", text, "must be https where ca_file, auth.cert_file or auth.key_file is set"));
        }
        Ok(Target::Stow { url, auth: Box::new(self.auth()?), ca_file: self.ca_file.clone(), client_certificate })
    }

    /// A URL of http or https without credentials, query or fragment; its path has no slash at the end.
    fn web_url(&self, field: &str, text: &str) -> Result<Url, ConfigError> {
        let parsed = Url::parse(text);
        if parsed.as_ref().is_ok_and(|url| !url.username().is_empty() || url.password().is_some()) {
            return Err(self.missing(field, "must not hold credentials: use auth"));
        }
        let mut url = parsed.map_err(|error| self.wrong(field, text, format_args!("is no URL ({error})")))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(self.wrong(field, text, "must begin with http:// or https:// and name a host"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(self.wrong(field, text, "must not have a query or fragment"));
        }
        let path = url.path().trim_end_matches('/').to_string();
        url.set_path(&path);
        Ok(url)
    }

    fn client_certificate(&self) -> Result<Option<ClientCertificate>, ConfigError> {
        match (&self.auth.cert_file, &self.auth.key_file) {
            (Some(cert_file), Some(key_file)) => Ok(Some(ClientCertificate { cert_file: cert_file.clone(), key_file: key_file.clone() })),
            (Some(_), None) => Err(self.missing("auth.key_file", "is missing: auth.cert_file needs its key")),
            (None, Some(_)) => Err(self.missing("auth.cert_file", "is missing: auth.key_file needs its certificate")),
            (None, None) if self.auth.kind == AuthKind::Certificate => {
                Err(self.missing("auth.cert_file", "is missing: auth.kind certificate needs it"))
            }
            (None, None) => Ok(None),
        }
    }

    fn auth(&self) -> Result<Auth, ConfigError> {
        let auth = &self.auth;
        self.only_for(AuthKind::Basic, "auth.user", auth.user.as_ref())?;
        self.only_for(AuthKind::Basic, "auth.password_file", auth.password_file.as_ref().map(|f| f.display()).as_ref())?;
        self.only_for(AuthKind::Bearer, "auth.token_file", auth.token_file.as_ref().map(|f| f.display()).as_ref())?;
        self.only_for(AuthKind::Oauth2, "auth.token_url", auth.token_url.as_ref())?;
        self.only_for(AuthKind::Oauth2, "auth.client_id", auth.client_id.as_ref())?;
        self.only_for(AuthKind::Oauth2, "auth.client_secret_file", auth.client_secret_file.as_ref().map(|f| f.display()).as_ref())?;
        self.only_for(AuthKind::Oauth2, "auth.scope", auth.scope.as_ref())?;
        Ok(match auth.kind {
            AuthKind::None | AuthKind::Certificate => Auth::None,
            AuthKind::Basic => {
                let user = self.needed("auth.user", auth.user.as_ref())?;
                if user.contains(':') || user.chars().any(char::is_control) {
                    return Err(self.wrong("auth.user", user, "must not hold a colon or a control character (RFC 7617)"));
                }
                Auth::Basic { user, password_file: self.needed("auth.password_file", auth.password_file.as_ref())? }
            }
            AuthKind::Bearer => Auth::Bearer { token_file: self.needed("auth.token_file", auth.token_file.as_ref())? },
            AuthKind::Oauth2 => Auth::Oauth2 {
                token_url: self.web_url("auth.token_url", &self.needed("auth.token_url", auth.token_url.as_ref())?)?,
                client_id: self.needed("auth.client_id", auth.client_id.as_ref())?,
                client_secret_file: self.needed("auth.client_secret_file", auth.client_secret_file.as_ref())?,
                scope: auth.scope.clone().filter(|scope| !scope.is_empty()),
            },
        })
    }

    fn only_for(&self, kind: AuthKind, field: &str, value: Option<&impl fmt::Display>) -> Result<(), ConfigError> {
        match value {
            Some(value) if self.auth.kind != kind => {
                Err(self.wrong(field, value, format_args!("belongs to auth.kind {}, not {}", kind.as_str(), self.auth.kind.as_str())))
            }
            _ => Ok(()),
        }
    }

    fn needed<T: Clone>(&self, field: &str, value: Option<&T>) -> Result<T, ConfigError> {
        value.cloned().ok_or_else(|| self.missing(field, &format!("is missing: auth.kind {} needs it", self.auth.kind.as_str())))
    }
}

#[cfg(test)]
mod tests;
