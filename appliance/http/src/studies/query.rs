//! What the study lists can be asked. Names and ids of patients are not among it: a query string ends up in logs.

use relaypacs_buffer::StudyQuery;
use relaypacs_dicom::preview::{MAX_SIZE, PreviewOptions};
use relaypacs_domain::{SourceKind, Timestamp};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    problem::Problem,
    time::{self, DayEnd},
};

/// Longest cursor taken, in bytes.
const MAX_CURSOR: usize = 512;
/// Page size unless asked for another.
const DEFAULT_LIMIT: usize = 50;
/// Largest page.
const MAX_LIMIT: usize = 500;

/// `GET /studies`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only studies with an instance of this modality (0008,0060).
    #[param(example = "CT", max_length = 16)]
    pub(super) modality: Option<String>,
    /// Only studies that came in this way: `dicom` or `http`.
    pub(super) source: Option<String>,
    /// Only studies with a delivery in this state: `queued`, `forwarding`, `delivered`, `retrying` or `held`.
    pub(super) state: Option<String>,
    /// Received at or after: RFC 3339 time, or a date (UTC).
    pub(super) from: Option<String>,
    /// Received at or before: RFC 3339 time, or a date (UTC, all of it).
    pub(super) to: Option<String>,
    /// Page size.
    #[param(minimum = 1, maximum = 500, default = 50, value_type = Option<u16>)]
    pub(super) limit: Option<String>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// `GET /studies/{uid}/ledger`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LedgerQuery {
    /// Page size.
    #[param(minimum = 1, maximum = 500, default = 500, value_type = Option<u16>)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl ListQuery {
    /// The question to the catalogue, or what is wrong with this one.
    pub(super) fn checked(self) -> Result<StudyQuery, Problem> {
        let source = match self.source.as_deref() {
            None => None,
            Some(text) => Some(text.parse::<SourceKind>().map_err(|error| Problem::invalid("source", error))?),
        };
        Ok(StudyQuery {
            modality: self.modality.map(modality).transpose()?,
            source,
            state: self.state.map(state).transpose()?,
            from: self.from.map(|text| moment("from", &text, DayEnd::First)).transpose()?,
            to: self.to.map(|text| moment("to", &text, DayEnd::Last)).transpose()?,
            limit: limit(self.limit.as_deref(), DEFAULT_LIMIT)?,
            cursor: self.cursor.map(cursor).transpose()?,
            ..StudyQuery::default()
        })
    }
}

impl LedgerQuery {
    /// Cursor and page size, or what is wrong with them.
    pub(super) fn checked(self) -> Result<(Option<String>, usize), Problem> {
        Ok((self.cursor.map(cursor).transpose()?, limit(self.limit.as_deref(), MAX_LIMIT)?))
    }
}

/// How it is to be shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PreviewQuery {
    /// Which frame, from 0.
    #[param(minimum = 0, value_type = Option<u32>)]
    frame: Option<String>,
    /// Window centre (0028,1050); with `ww`.
    #[param(value_type = Option<f64>)]
    wc: Option<String>,
    /// Window width (0028,1051); with `wc`.
    #[param(value_type = Option<f64>)]
    ww: Option<String>,
    /// Longest side in pixels (4096 at most; the image's own if absent).
    #[param(minimum = 16, maximum = 4096, value_type = Option<u32>)]
    size: Option<String>,
}

impl PreviewQuery {
    /// What is to be shown, or what is wrong with the question.
    pub(super) fn checked(self) -> Result<PreviewOptions, Problem> {
        let real = |name: &str, text: Option<String>| match text {
            None => Ok(None),
            Some(text) => match text.parse::<f64>() {
                Ok(number) if number.is_finite() && number.abs() < 1e9 => Ok(Some(number)),
                _ => Err(Problem::invalid(name, format!("{name} is a number"))),
            },
        };
        let window = match (real("wc", self.wc)?, real("ww", self.ww)?) {
            (Some(centre), Some(width)) if width >= 1.0 => Some((centre, width)),
            (None, None) => None,
            _ => return Err(Problem::invalid("ww", "wc and ww belong together, and ww is at least 1")),
        };
        let frame = self.frame.map_or(Ok(0), |text| text.parse().map_err(|_| Problem::invalid("frame", "a frame is a number from 0")))?;
        let size = match self.size.map(|text| text.parse::<u32>()) {
            None => None,
            Some(Ok(size)) if (16..=MAX_SIZE).contains(&size) => Some(size),
            Some(_) => return Err(Problem::invalid("size", format!("size is 16 to {MAX_SIZE}"))),
        };
        Ok(PreviewOptions { frame, window, size })
    }
}

fn modality(text: String) -> Result<String, Problem> {
    let good = (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'_'));
    if good { Ok(text) } else { Err(Problem::invalid("modality", "a modality has 1 to 16 letters, digits, spaces or underscores")) }
}

fn state(text: String) -> Result<String, Problem> {
    if ["queued", "forwarding", "delivered", "retrying", "held"].contains(&text.as_str()) {
        return Ok(text);
    }
    Err(Problem::invalid("state", "a state is queued, forwarding, delivered, retrying or held"))
}

fn moment(name: &str, text: &str, day: DayEnd) -> Result<Timestamp, Problem> {
    time::parse(text, day).ok_or_else(|| Problem::invalid(name, "a time looks like 2026-11-23T02:13:20Z or 2026-11-23"))
}

fn limit(text: Option<&str>, default: usize) -> Result<usize, Problem> {
    let Some(text) = text else { return Ok(default) };
    let within = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    within.ok_or_else(|| Problem::invalid("limit", "the limit is a number from 1 to 500"))
}

fn cursor(text: String) -> Result<String, Problem> {
    if text.len() <= MAX_CURSOR { Ok(text) } else { Err(Problem::invalid("cursor", "the cursor is not one this box gave")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_taken_and_nonsense_is_named() {
        let good = ListQuery::default().checked().unwrap();
        assert_eq!((good.limit, good.modality, good.from), (50, None, None));
        let check = |query: ListQuery, good: bool| assert_eq!(query.checked().is_ok(), good);
        let with_limit = |text: &str| ListQuery { limit: Some(text.into()), ..ListQuery::default() };
        check(with_limit("1"), true);
        check(with_limit("500"), true);
        check(with_limit("0"), false);
        check(with_limit("501"), false);
        check(with_limit("-1"), false);
        check(with_limit("all"), false);
        check(ListQuery { state: Some("held".into()), ..ListQuery::default() }, true);
        check(ListQuery { state: Some("lost".into()), ..ListQuery::default() }, false);
        check(ListQuery { source: Some("fax".into()), ..ListQuery::default() }, false);
        check(ListQuery { modality: Some("CT".into()), ..ListQuery::default() }, true);
        check(ListQuery { modality: Some("DOE^JOHN".into()), ..ListQuery::default() }, false);
        check(ListQuery { to: Some("yesterday".into()), ..ListQuery::default() }, false);
        check(ListQuery { cursor: Some("c".repeat(513)), ..ListQuery::default() }, false);
    }
}
