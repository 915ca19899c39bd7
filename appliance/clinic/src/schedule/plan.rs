//! When a job is due: a cron pattern, with what a wrong clock must not do to it.

use std::str::FromStr;

use croner::Cron;
use jiff::{Zoned, tz::TimeZone};
use relaypacs_domain::Timestamp;

/// A time that the job last ran for and that lies further ahead than this came from a wrong clock.
const WRONG_CLOCK_MS: i64 = 25 * 60 * 60 * 1000;

/// A pattern that names no times.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is no cron pattern of five fields: {why}")]
pub struct PatternError {
    pattern: String,
    why: String,
}

/// The times of a job.
#[derive(Debug, Clone)]
pub(super) struct Plan(Cron);

impl Plan {
    pub(super) fn new(pattern: &str) -> Result<Self, PatternError> {
        Cron::from_str(pattern).map(Self).map_err(|why| PatternError { pattern: pattern.into(), why: why.to_string() })
    }

    /// The first time after `now` and after the time the job last ran for.
    pub(super) fn next(&self, now: Timestamp, last: Option<Timestamp>, zone: &TimeZone) -> Option<Timestamp> {
        let after = match last {
            Some(last) if last.as_millis() - now.as_millis() < WRONG_CLOCK_MS => now.max(last),
            _ => now,
        };
        self.0.find_next_occurrence(&zoned(after, zone)?, false).ok().map(|at| stamp(&at))
    }

    /// The last time up to `now`.
    pub(super) fn latest(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.0.find_previous_occurrence(&zoned(now, zone)?, true).ok().map(|at| stamp(&at))
    }

    /// The last time up to `now`, if the job ran before but not for it.
    pub(super) fn missed(&self, now: Timestamp, last: Option<Timestamp>, zone: &TimeZone) -> Option<Timestamp> {
        let latest = self.latest(now, zone)?;
        last.is_some_and(|last| last < latest).then_some(latest)
    }
}

fn zoned(at: Timestamp, zone: &TimeZone) -> Option<Zoned> {
    jiff::Timestamp::from_millisecond(at.as_millis()).ok().map(|at| at.to_zoned(zone.clone()))
}

fn stamp(at: &Zoned) -> Timestamp {
    Timestamp::from_millis(at.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn times_are_the_site_s_and_survive_summer_time() {
        let check = |pattern: &str, zone: &str, now: &str, last: Option<&str>, expected: &str| {
            let zone = TimeZone::get(zone).unwrap();
            let next = Plan::new(pattern).unwrap().next(at(now), last.map(at), &zone);
            assert_eq!(next, Some(at(expected)), "{pattern} {now}");
        };
        check("0 2 * * *", "UTC", "2026-11-23T07:50:00Z", None, "2026-11-24T02:00:00Z");
        check("0 2 * * *", "Europe/Berlin", "2026-11-23T07:50:00Z", None, "2026-11-24T01:00:00Z");
        check("*/5 * * * *", "UTC", "2026-11-23T07:50:00Z", None, "2026-11-23T07:55:00Z");
        // Clocks go forward at 02:00 on 2027-03-28: 02:30 does not exist, yet the job runs that day.
        check("30 2 * * *", "Europe/Berlin", "2027-03-27T22:00:00Z", None, "2027-03-28T01:00:00Z");
        // A clock that goes back an hour does not bring the same time again.
        check("0 2 * * *", "UTC", "2026-11-23T01:30:00Z", Some("2026-11-23T02:00:00Z"), "2026-11-24T02:00:00Z");
        // A clock that was years ahead is not waited for.
        check("0 2 * * *", "UTC", "2026-11-23T01:30:00Z", Some("2040-01-01T02:00:00Z"), "2026-11-23T02:00:00Z");
    }

    #[test]
    fn what_passed_while_the_box_was_off_is_missed_once() {
        let plan = Plan::new("0 2 * * *").unwrap();
        let missed = |last: Option<&str>| plan.missed(at("2026-11-23T07:50:00Z"), last.map(at), &TimeZone::UTC);
        assert_eq!(missed(None), None, "a new box has missed nothing");
        assert_eq!(missed(Some("2026-11-20T02:00:00Z")), Some(at("2026-11-23T02:00:00Z")));
        assert_eq!(missed(Some("2026-11-23T02:00:00Z")), None);
    }

    #[test]
    fn nonsense_is_refused() {
        for pattern in ["", "daily", "61 * * * *", "* * *"] {
            assert!(Plan::new(pattern).is_err(), "{pattern}");
        }
    }
}
