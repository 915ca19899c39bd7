//! What can be asked of the audit trail.

use relaypacs_clinic::audit::AuditQuery;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    problem::Problem,
    time::{DayEnd, parse},
};

/// Entries of a page when nothing is said, and at most.
const USUAL: usize = 50;
const MOST: usize = 500;

/// Which entries to show.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditParams {
    /// At most this many, 1 to 500; default 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(minimum = 1)]
    cursor: Option<u64>,
    /// Only of this actor.
    #[param(max_length = 200, example = "ada")]
    actor: Option<String>,
    /// Only this action.
    #[param(max_length = 100, example = "sign_in")]
    action: Option<String>,
    /// Only about this object.
    #[param(max_length = 200, example = "user ada")]
    object: Option<String>,
    /// Not before: a time (RFC 3339) or a day.
    #[param(example = "2026-11-23")]
    from: Option<String>,
    /// Not after: a time (RFC 3339) or a day.
    #[param(example = "2026-11-23")]
    to: Option<String>,
}

impl AuditParams {
    pub(super) fn checked(self) -> Result<AuditQuery, Problem> {
        let limit = self.limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(Problem::invalid("limit", "limit is 1 to 500"));
        }
        let time = |name: &'static str, text: Option<String>, day| match text {
            None => Ok(None),
            Some(text) => {
                parse(&text, day).map(Some).ok_or_else(|| Problem::invalid(name, "a time is RFC 3339 or a day such as 2026-11-23"))
            }
        };
        Ok(AuditQuery {
            before: self.cursor,
            limit,
            actor: self.actor,
            action: self.action,
            object: self.object,
            from: time("from", self.from, DayEnd::First)?,
            to: time("to", self.to, DayEnd::Last)?,
        })
    }
}
