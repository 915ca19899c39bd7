//! What does not fit of a request, in words for who sent it: which field, what it is to be and what it is.
//!
//! serde says it for programmers. Its sentences are taken apart here; one that has another shape (a rule of one of our own types) is passed on
//! as it is. A text of the request is never repeated, since it may name a patient; numbers, choices and names of fields are.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use crate::problem::Problem;

/// Reads a JSON body.
///
/// # Errors
///
/// 400 where it is no JSON, 422 with the field where it is other JSON than it must be.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    read_part("", body)
}

/// Reads a part of a body that is JSON: its fields are named after the part (`manifest[3].size`, `manifest/3/size`).
///
/// # Errors
///
/// As [`read`].
pub(crate) fn read_part<T: DeserializeOwned>(part: &'static str, text: &[u8]) -> Result<T, Problem> {
    // Keeping account of the path takes time; it is read once more where that is needed.
    serde_json::from_slice(text).or_else(|error| {
        let whole = if part.is_empty() { "body" } else { part };
        if !error.is_data() {
            return Err(no_json(whole, &error));
        }
        let again = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(text));
        again.map_err(|error| Misfit::of(&error).within(part).into())
    })
}

/// Takes what was read already for what it is to be.
///
/// # Errors
///
/// The field that does not fit.
pub(crate) fn fit<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Misfit> {
    serde_path_to_error::deserialize(value).map_err(|error| Misfit::of(&error))
}

/// What does not fit of a JSON body.
pub(crate) fn of_body(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    if error.inner().is_data() { Misfit::of(error).into() } else { no_json("body", error.inner()) }
}

/// What does not fit of a query string.
pub(crate) fn of_query(error: &serde_path_to_error::Error<serde::de::value::Error>) -> Problem {
    let misfit = Misfit::of(error);
    let told = misfit.to_string();
    Problem::unreadable(told.clone()).and(misfit.name, told)
}

/// A body (or a part of one) that breaks off or has a sign too many.
pub(crate) fn no_json(whole: &str, error: &serde_json::Error) -> Problem {
    Problem::unreadable(format!("the {whole} is no JSON: {error}"))
}

/// One field that does not fit.
#[derive(Debug)]
pub(crate) struct Misfit {
    /// As people write it: `files[0].size`; empty: the whole.
    name: String,
    /// As RFC 6901 does: `/files/0/size`.
    pointer: String,
    rule: String,
}

impl Misfit {
    fn of<E: fmt::Display>(error: &serde_path_to_error::Error<E>) -> Self {
        Self::new(error.path(), &error.inner().to_string())
    }

    fn within(mut self, part: &str) -> Self {
        let dot = if part.is_empty() || self.name.is_empty() || self.name.starts_with('[') { "" } else { "." };
        self.name = format!("{part}{dot}{}", self.name);
        self.pointer.insert_str(0, part);
        self
    }

    fn new(path: &Path, message: &str) -> Self {
        let (mut name, mut pointer) = (String::new(), String::new());
        for segment in path {
            match segment {
                Segment::Seq { index } => enter(&mut name, &mut pointer, &format!("[{index}]"), &index.to_string()),
                Segment::Map { key } | Segment::Enum { variant: key } => enter(&mut name, &mut pointer, key, key),
                Segment::Unknown => {}
            }
        }
        // serde_json says where in the text; the field says it better.
        let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
        if let Some(field) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
            enter(&mut name, &mut pointer, field, field);
            return Self { name, pointer, rule: "it is missing".into() };
        }
        if let Some((field, known)) = unknown(message, "unknown field `") {
            if !name.ends_with(field) {
                enter(&mut name, &mut pointer, field, field);
            }
            return Self { name, pointer, rule: format!("it is not known here; known are {known}") };
        }
        Self { name, pointer, rule: rule(message) }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() { f.write_str(&self.rule) } else { write!(f, "{}: {}", self.name, self.rule) }
    }
}

impl From<Misfit> for Problem {
    fn from(misfit: Misfit) -> Self {
        let told = misfit.to_string();
        Self::invalid(misfit.pointer, told)
    }
}

fn enter(name: &mut String, pointer: &mut String, shown: &str, key: &str) {
    if !name.is_empty() && !shown.starts_with('[') {
        name.push('.');
    }
    name.push_str(shown);
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
}

/// The name that is none, and those that are: "unknown variant `boss`, expected one of `admin`, `clinician`".
fn unknown<'a>(message: &'a str, kind: &str) -> Option<(&'a str, String)> {
    let (found, known) = message.strip_prefix(kind)?.split_once("`, expected ")?;
    let known = known.strip_prefix("one of ").unwrap_or(known);
    Some((found, known.replace('`', "")))
}

fn rule(message: &str) -> String {
    if let Some((found, known)) = unknown(message, "unknown variant `") {
        return format!("{} is expected, not {found}", if known.contains([',', ' ']) { format!("one of {known}") } else { known });
    }
    if message.starts_with("invalid length ") && message.contains(", expected struct ") {
        // serde would take a list of the fields' values as well.
        return "an object is expected, not a list".into();
    }
    let odd = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    match (odd.and_then(|odd| odd.rsplit_once(", expected ")), message) {
        (Some((found, expected)), _) => format!("{} is expected, not {}", wanted(expected), given(found)),
        (None, "invalid digit found in string" | "cannot parse integer from empty string") => "a whole number from 0 on is expected".into(),
        (None, "number too large to fit in target type") => "the number is too large".into(),
        (None, "invalid IP address syntax") => "an IP address such as 192.0.2.7 is expected".into(),
        (None, "provided string was not `true` or `false`") => "true or false is expected".into(),
        (None, _) => message.to_owned(),
    }
}

fn wanted(expected: &str) -> &str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number from 0 on",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" | "a borrowed string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

fn given(found: &str) -> &str {
    match found {
        "map" => "an object",
        "sequence" => "a list",
        "null" => "null",
        text if text.starts_with("string ") => "this text",
        // "integer `-1`", "floating point `1.5`", "boolean `true`"
        other => other.split('`').nth(1).unwrap_or(other),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use relaypacs_domain::{AeTitle, Role};
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;
    use crate::extract::Query;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Asked {
        name: String,
        count: u16,
        #[serde(default)]
        files: Vec<File>,
        role: Option<Role>,
        ae_title: Option<AeTitle>,
        address: Option<std::net::IpAddr>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct File {
        size: u64,
        keep: bool,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Page {
        limit: Option<u32>,
        unread_only: Option<bool>,
    }

    async fn told(problem: Problem) -> Value {
        let body = problem.answer("/", "t").into_body();
        serde_json::from_slice(&to_bytes(body, 1 << 16).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_body_that_does_not_fit_names_the_field_and_the_rule_and_repeats_no_text() {
        let check = async |body: Value, pointer: &str, sentence: &str| {
            for problem in [read::<Asked>(body.to_string().as_bytes()).unwrap_err(), fit::<Asked>(body.clone()).unwrap_err().into()] {
                let told = told(problem).await;
                assert_eq!((&told["status"], &told["detail"]), (&json!(422), &json!(sentence)), "{told}");
                assert_eq!(told["errors"][0]["pointer"], pointer, "{told}");
                assert_eq!(told["errors"][0]["detail"], sentence, "{told}");
            }
        };
        let with = |field: &str, value: Value| {
            let mut body = json!({"name": "a", "count": 1});
            body[field] = value;
            body
        };
        check(json!({"name": "a"}), "/count", "count: it is missing").await;
        check(with("count", json!("DOE^JANE")), "/count", "count: a whole number from 0 to 65535 is expected, not this text").await;
        check(with("count", json!(-1)), "/count", "count: a whole number from 0 to 65535 is expected, not -1").await;
        check(with("name", json!(null)), "/name", "name: a text is expected, not null").await;
        check(with("files", json!([{"size": 1}])), "/files/0/keep", "files[0].keep: it is missing").await;
        check(with("files", json!([{"size": 1, "keep": 3}])), "/files/0/keep", "files[0].keep: true or false is expected, not 3").await;
        check(with("files", json!({})), "/files", "files: a list is expected, not an object").await;
        let roles = "role: one of clinician, radiographer, radiologist, admin is expected, not boss";
        check(with("role", json!("boss")), "/role", roles).await;
        let long = "ae_title: an AE title has at most 16 characters, this one has 17";
        check(with("ae_title", json!("ABCDEFGHIJKLMNOPQ")), "/ae_title", long).await;
        check(with("address", json!("room 7")), "/address", "address: an IP address such as 192.0.2.7 is expected").await;
        let known = "colour: it is not known here; known are name, count, files, role, ae_title, address";
        check(with("colour", json!(1)), "/colour", known).await;
        check(json!([]), "", "an object is expected, not a list").await;
        for text in ["{", "", "{} {}", "{\"name\": \"a\", \"count\": 1} x"] {
            let told = told(read::<Asked>(text.as_bytes()).unwrap_err()).await;
            assert!(told["status"] == 400 || text == "{} {}", "{text}: {told}");
        }
    }

    #[tokio::test]
    async fn a_query_that_does_not_fit_names_the_parameter() {
        use axum::extract::FromRequestParts;
        let check = async |query: &str, name: &str, sentence: &str| {
            let (mut parts, ()) = axum::http::Request::get(format!("/?{query}")).body(()).unwrap().into_parts();
            let Err(problem) = Query::<Page>::from_request_parts(&mut parts, &()).await else { panic!("{query}") };
            let told = told(problem).await;
            assert_eq!((&told["status"], &told["detail"]), (&json!(400), &json!(sentence)), "{told}");
            assert_eq!(told["errors"][0]["pointer"], name, "{told}");
        };
        check("limit=x", "limit", "limit: a whole number from 0 on is expected").await;
        check("limit=99999999999", "limit", "limit: the number is too large").await;
        check("unread_only=x", "unread_only", "unread_only: true or false is expected").await;
        check("patient_name=DOE", "patient_name", "patient_name: it is not known here; known are limit or unread_only").await;
    }
}
