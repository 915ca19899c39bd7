//! Periods that end today, and which day a time belongs to.

use std::{fmt, str::FromStr};

use jiff::{Span, civil::Date, tz::TimeZone};
use relaypacs_domain::Timestamp;

/// A period that ends today, today included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// 7 days.
    OneWeek,
    /// 14 days.
    TwoWeeks,
    /// One calendar month.
    OneMonth,
    /// Three calendar months.
    ThreeMonths,
    /// Six calendar months.
    SixMonths,
    /// Everything there is.
    All,
}

/// A text that names no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a period is 1w, 2w, 1m, 3m, 6m or all")]
pub struct UnknownPeriod;

impl Period {
    /// All of them, shortest first.
    pub const ALL: [Self; 6] = [Self::OneWeek, Self::TwoWeeks, Self::OneMonth, Self::ThreeMonths, Self::SixMonths, Self::All];

    /// The name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneWeek => "1w",
            Self::TwoWeeks => "2w",
            Self::OneMonth => "1m",
            Self::ThreeMonths => "3m",
            Self::SixMonths => "6m",
            Self::All => "all",
        }
    }

    /// Its first and last day, `today` being the last.
    pub(super) fn days(self, today: i64) -> (i64, i64) {
        let back = |span: Span| date_of(today).saturating_sub(span).tomorrow().map_or(today, number_of);
        let first = match self {
            Self::OneWeek => today - 6,
            Self::TwoWeeks => today - 13,
            Self::OneMonth => back(Span::new().months(1)),
            Self::ThreeMonths => back(Span::new().months(3)),
            Self::SixMonths => back(Span::new().months(6)),
            Self::All => i64::MIN,
        };
        (first, today)
    }
}

impl FromStr for Period {
    type Err = UnknownPeriod;
    fn from_str(text: &str) -> Result<Self, UnknownPeriod> {
        Self::ALL.into_iter().find(|period| period.as_str() == text).ok_or(UnknownPeriod)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The number of the day (from 1970-01-01) on which people in `zone` see this time.
pub(super) fn day_of(at: Timestamp, zone: &TimeZone) -> i64 {
    let time = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    number_of(zone.to_datetime(time).date())
}

/// The date of a day's number; a number no calendar has becomes 1970-01-01.
pub(super) fn date_of(day: i64) -> Date {
    const EPOCH: Date = Date::constant(1970, 1, 1);
    Span::new().try_days(day).ok().and_then(|days| EPOCH.checked_add(days).ok()).unwrap_or(EPOCH)
}

fn number_of(date: Date) -> i64 {
    const EPOCH: Date = Date::constant(1970, 1, 1);
    EPOCH.until(date).map_or(0, |span| i64::from(span.get_days()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn a_day_is_the_site_s_day() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let check = |time: &str, zone: &TimeZone, date: &str| assert_eq!(date_of(day_of(at(time), zone)).to_string(), date, "{time}");
        check("2026-11-23T22:59:59Z", &berlin, "2026-11-23");
        check("2026-11-23T23:00:00Z", &berlin, "2026-11-24");
        // Summer time, whose days begin at 22:00 UTC, and the day that has 23 hours.
        check("2026-07-01T22:00:00Z", &berlin, "2026-07-02");
        check("2026-03-28T22:59:00Z", &berlin, "2026-03-28");
        check("2026-03-28T23:00:00Z", &berlin, "2026-03-29");
        check("2026-03-29T22:00:00Z", &berlin, "2026-03-30");
        check("1969-12-31T12:00:00Z", &TimeZone::UTC, "1969-12-31");
    }

    #[test]
    fn a_period_has_its_days() {
        let today = day_of(at("2026-03-31T12:00:00Z"), &TimeZone::UTC);
        let check = |period: Period, first: &str| {
            let (begins, ends) = period.days(today);
            assert_eq!((date_of(begins).to_string().as_str(), ends), (first, today), "{period}");
        };
        check(Period::OneWeek, "2026-03-25");
        check(Period::TwoWeeks, "2026-03-18");
        // February has no 31st: its last day counts as a month ago.
        check(Period::OneMonth, "2026-03-01");
        check(Period::ThreeMonths, "2026-01-01");
        check(Period::SixMonths, "2025-10-01");
        assert_eq!("6m".parse(), Ok(Period::SixMonths));
        assert_eq!("1y".parse::<Period>(), Err(UnknownPeriod));
    }
}
