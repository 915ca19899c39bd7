//! Destinations: their names and which objects go where.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{AeTitle, HeaderFacts, Source, SourceKind};

/// A destination's name: 1 to 32 characters of `a-z A-Z 0-9 . _ -`, beginning with a letter or digit. Safe in a path, a URL and a metric label.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DestinationName(Arc<str>);

/// A text that is no destination name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a destination name has 1 to 32 letters, digits, dots, underscores or hyphens and begins with a letter or digit")]
pub struct DestinationNameError;

impl DestinationName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DestinationName {
    type Err = DestinationNameError;
    fn from_str(text: &str) -> Result<Self, DestinationNameError> {
        let good = text.len() <= 32
            && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if good { Ok(Self(Arc::from(text))) } else { Err(DestinationNameError) }
    }
}

impl TryFrom<String> for DestinationName {
    type Error = DestinationNameError;
    fn try_from(text: String) -> Result<Self, DestinationNameError> {
        text.parse()
    }
}

impl From<DestinationName> for String {
    fn from(name: DestinationName) -> Self {
        name.0.as_ref().into()
    }
}

impl fmt::Display for DestinationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DestinationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which objects a destination takes. An empty list or `None` asks nothing; everything that is asked must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MatchRule {
    /// The sender's AE title is one of these.
    pub calling_ae: Vec<AeTitle>,
    /// The data set's modality is one of these.
    pub modality: Vec<String>,
    /// It came by this entrance.
    pub source: Option<SourceKind>,
}

impl MatchRule {
    /// Whether an object from `source` with this header goes to the destination.
    pub fn matches(&self, source: &Source, facts: &HeaderFacts) -> bool {
        let calling_ae = || self.calling_ae.is_empty() || source.calling_ae().is_some_and(|ae| self.calling_ae.contains(ae));
        let modality = || self.modality.is_empty() || facts.modality.as_ref().is_some_and(|m| self.modality.contains(m));
        self.source.is_none_or(|kind| kind == source.kind()) && calling_ae() && modality()
    }
}

/// Every configured destination with its rule, in the order of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routing(pub Vec<(DestinationName, MatchRule)>);

impl Routing {
    /// The destinations an object goes to; none means that it is held.
    pub fn matching(&self, source: &Source, facts: &HeaderFacts) -> Vec<DestinationName> {
        self.0.iter().filter(|(_, rule)| rule.matches(source, facts)).map(|(name, _)| name.clone()).collect()
    }

    /// Whether a destination of this name is configured.
    pub fn knows(&self, name: &DestinationName) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    #[test]
    fn names_are_safe_everywhere() {
        let check = |text: &str, good| assert_eq!(text.parse::<DestinationName>().is_ok(), good, "{text:?}");
        check("pacs1", true);
        check("Main-PACS_2.eu", true);
        check("", false);
        check("..", false);
        check("a/b", false);
        check("a b", false);
        check(&"a".repeat(33), false);
    }

    #[test]
    fn all_that_a_rule_asks_must_hold() {
        let source = Source::Dicom {
            calling_ae: "CT1".parse().unwrap(),
            called_ae: "RELAYPACS".parse().unwrap(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        let facts = HeaderFacts { modality: Some("CT".into()), ..HeaderFacts::default() };
        let check = |ae: &[&str], modality: &[&str], kind, expected| {
            let rule = MatchRule {
                calling_ae: ae.iter().map(|ae| ae.parse().unwrap()).collect(),
                modality: modality.iter().map(ToString::to_string).collect(),
                source: kind,
            };
            assert_eq!(rule.matches(&source, &facts), expected, "{rule:?}");
        };
        check(&[], &[], None, true);
        check(&["CT1", "MR1"], &[], None, true);
        check(&["MR1"], &["CT"], None, false);
        check(&["CT1"], &["MR"], None, false);
        check(&["CT1"], &["CT"], Some(SourceKind::Dicom), true);
        check(&[], &[], Some(SourceKind::Http), false);
    }
}
