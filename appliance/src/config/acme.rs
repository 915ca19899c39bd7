//! `[acme]`: TLS certificates that come by themselves.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[acme]`: where certificates come from by themselves (RFC 8555, challenge HTTP-01).
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Acme {
    /// URL of the service's directory; empty: off.
    pub(crate) directory: String,
    /// Host names to ask for; each leads to this box.
    pub(crate) names: Vec<String>,
    /// E-mail address the service writes to; empty: none.
    pub(crate) contact: String,
    /// PEM file with the authority to trust for the directory instead of the system's; empty: the system's.
    pub(crate) ca_file: PathBuf,
}

impl Acme {
    /// Each rule that is broken: key and what is wrong.
    pub(super) fn broken(&self) -> Vec<(&'static str, String)> {
        if self.directory.is_empty() {
            return Vec::new();
        }
        let mut broken = Vec::new();
        if !self.directory.starts_with("https://") || url::Url::parse(&self.directory).is_err() {
            broken.push(("acme.directory", format!("{:?} is no https URL", self.directory)));
        }
        if self.names.is_empty() || self.names.len() > 100 {
            broken.push(("acme.names", "names the host names to ask for, 1 to 100".into()));
        }
        if let Some(name) = self.names.iter().find(|name| name.contains('*') || !name.contains('.')) {
            broken.push(("acme.names", format!("{name:?} is no host name that HTTP-01 can prove")));
        }
        broken
    }
}
