//! `[sentry]`: where errors are reported.

use relaypacs_http::{TelemetryOptions, check_dsn};
use serde::{Deserialize, Serialize};

/// `[sentry]`: error tracking.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sentry {
    /// Where to; empty: errors are reported to nobody.
    pub(crate) dsn: String,
    /// What they are filed under.
    pub(crate) environment: String,
    /// Which part of them is reported.
    pub(crate) sample_rate: f32,
}

impl Default for Sentry {
    fn default() -> Self {
        Self { dsn: String::new(), environment: "production".into(), sample_rate: 1.0 }
    }
}

impl Sentry {
    /// Each rule that is broken: key and what is wrong.
    pub(super) fn broken(&self) -> Vec<(&'static str, String)> {
        let mut broken = Vec::new();
        if !self.dsn.is_empty()
            && let Err(error) = check_dsn(&self.dsn)
        {
            broken.push(("sentry.dsn", error.to_string()));
        }
        let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if self.environment.is_empty() || self.environment.len() > 64 || !self.environment.chars().all(good) {
            broken.push(("sentry.environment", "an environment has 1 to 64 letters, digits, dots, underscores or hyphens".into()));
        }
        if !(0.0..=1.0).contains(&self.sample_rate) {
            broken.push(("sentry.sample_rate", format!("{} is out of range: 0 to 1", self.sample_rate)));
        }
        broken
    }

    /// What the box reports errors with, when it does.
    pub(crate) fn options(&self, version: &str, build: &str) -> Option<TelemetryOptions> {
        (!self.dsn.is_empty()).then(|| TelemetryOptions {
            dsn: self.dsn.clone(),
            environment: self.environment.clone(),
            sample_rate: self.sample_rate,
            version: version.into(),
            build: build.into(),
        })
    }
}
