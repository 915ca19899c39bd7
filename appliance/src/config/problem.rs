//! What is wrong with the configuration, said so that somebody can mend it: which key, where it was set, the rule.

use std::fmt;

use serde::de;

use super::node::Origin;

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The key, outermost part first: `destination`, `0`, `url`.
    pub(crate) path: Vec<String>,
    /// Where the value (or the key) came from, where that is known.
    pub(crate) origin: Option<Origin>,
    /// What is wrong, as the end of a sentence that begins with the key.
    pub(crate) message: String,
}

/// Everything that is wrong with the configuration, in the order in which it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl Problem {
    /// A problem of the value at `path` (dotted).
    pub(crate) fn at(path: &str, origin: Option<&Origin>, message: impl Into<String>) -> Self {
        Self { path: path.split('.').map(str::to_owned).collect(), origin: origin.cloned(), message: message.into() }
    }

    /// The same problem seen from one level further out.
    pub(crate) fn inside(mut self, key: &str, origin: &Origin) -> Self {
        self.path.insert(0, key.to_owned());
        self.origin.get_or_insert_with(|| origin.clone());
        self
    }

    /// An unknown key or word, with the nearest known one.
    pub(crate) fn unknown(what: &str, given: &str, known: &[&str]) -> Self {
        let hint = match nearest(given, known) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("known are: {}", known.join(", ")),
        };
        Self { path: Vec::new(), origin: None, message: format!("unknown {what} {given:?}; {hint}") }
    }
}

/// The known word nearest to what was written, if any is near enough to be what was meant.
pub(crate) fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = known.iter().map(|word| (strsim::jaro_winkler(&given.to_lowercase(), word), *word));
    near.filter(|(score, _)| *score > 0.75).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, word)| word)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path.join("."))?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
impl std::error::Error for Problems {}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl de::Error for Problem {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { path: Vec::new(), origin: None, message: message.to_string() }
    }

    fn invalid_type(given: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("expected {}, not {}", wanted(expected), shown(&given)))
    }

    fn invalid_value(given: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("{} does not do; expected {}", shown(&given), wanted(expected)))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown("key", field, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown("value", variant, expected)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("the key {field:?} is missing"))
    }
}

/// What serde expects, in words of somebody who writes the file.
fn wanted(expected: &dyn de::Expected) -> String {
    match expected.to_string().as_str() {
        "u8" => "a whole number from 0 to 255".into(),
        "u16" => "a whole number from 0 to 65535".into(),
        "u32" | "u64" | "usize" => "a whole number, not negative".into(),
        "f64" => "a number".into(),
        other if other.starts_with("struct ") => "a table of keys".into(),
        other => other.to_owned(),
    }
}

fn shown(given: &de::Unexpected<'_>) -> String {
    match given {
        de::Unexpected::Str(text) => format!("{text:?}"),
        de::Unexpected::Bool(value) => value.to_string(),
        de::Unexpected::Unsigned(value) => value.to_string(),
        de::Unexpected::Signed(value) => value.to_string(),
        de::Unexpected::Float(value) => value.to_string(),
        de::Unexpected::Map => "a table".into(),
        de::Unexpected::Seq => "a list".into(),
        other => other.to_string(),
    }
}
