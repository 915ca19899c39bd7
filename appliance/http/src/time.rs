//! Points of time in bodies and queries: RFC 3339 in UTC with `Z`.

use std::time::Duration;

use relaypacs_domain::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// A point of time in a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-23T02:13:20.123Z")]
pub(crate) struct Time(pub(crate) Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Time {
    /// The time `ago` before `now`.
    pub(crate) fn before(now: Timestamp, ago: Duration) -> Self {
        Self(Timestamp::from_millis(now.as_millis().saturating_sub(millis(ago))))
    }

    /// The time `ahead` after `now`.
    pub(crate) fn after(now: Timestamp, ahead: Duration) -> Self {
        Self(Timestamp::from_millis(now.as_millis().saturating_add(millis(ahead))))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Which end of a day a date without a time means.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DayEnd {
    /// 00:00:00.000.
    First,
    /// 23:59:59.999.
    Last,
}

/// Reads an RFC 3339 time, or a date (in UTC) as one end of it.
pub(crate) fn parse(text: &str, day: DayEnd) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_millis(time.as_millisecond()));
    }
    if text.len() != "2026-11-23".len() {
        return None;
    }
    let date = text.parse::<jiff::civil::Date>().ok()?;
    let start = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond();
    Some(Timestamp::from_millis(match day {
        DayEnd::First => start,
        DayEnd::Last => start.saturating_add(86_400_000 - 1),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_dates_are_read() {
        let check = |text: &str, day, expected: Option<&str>| {
            assert_eq!(parse(text, day).map(|time| time.to_string()).as_deref(), expected, "{text:?}");
        };
        check("2026-11-23T02:13:20.123Z", DayEnd::First, Some("2026-11-23T02:13:20.123Z"));
        check("2026-11-23T02:13:20+01:00", DayEnd::First, Some("2026-11-23T01:13:20.000Z"));
        check("2026-11-23", DayEnd::First, Some("2026-11-23T00:00:00.000Z"));
        check("2026-11-23", DayEnd::Last, Some("2026-11-23T23:59:59.999Z"));
        check("2026-13-23", DayEnd::First, None);
        check("23.11.2026", DayEnd::First, None);
        check("2026-11-23T02:13:20", DayEnd::First, None);
        check("", DayEnd::First, None);
    }

    #[test]
    fn a_time_is_shown_with_z() {
        let now = Timestamp::from_millis(1_795_400_000_123);
        assert_eq!(serde_json::to_string(&Time::before(now, Duration::from_secs(20))).unwrap(), "\"2026-11-23T02:13:00.123Z\"");
        assert_eq!(serde_json::to_string(&Time::after(now, Duration::from_millis(877))).unwrap(), "\"2026-11-23T02:13:21.000Z\"");
    }
}
