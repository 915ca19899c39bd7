//! How people read numbers: bytes, counts, ages.

use std::time::Duration;

/// Bytes in binary units with one decimal.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}

/// A duration in its two largest units.
pub(crate) fn age(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let Some(first) = UNITS.iter().position(|(unit, _)| seconds >= *unit) else { return "0 s".into() };
    let (unit, name) = UNITS[first];
    let shown = format!("{} {name}", seconds / unit);
    match UNITS.get(first + 1).map(|(small, name)| (seconds % unit / small, name)) {
        Some((rest, name)) if rest > 0 => format!("{shown} {rest} {name}"),
        _ => shown,
    }
}

/// A short duration in milliseconds or seconds.
pub(crate) fn took(duration: Duration) -> String {
    if duration < Duration::from_secs(1) { format!("{} ms", duration.as_millis()) } else { format!("{:.1} s", duration.as_secs_f64()) }
}

/// `1 study`, `2 studies`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// An RFC 3339 time without fractions of a second, in the machine's time zone where that is known.
pub(crate) fn time(rfc3339: &str) -> String {
    let Ok(time) = rfc3339.parse::<jiff::Timestamp>() else { return rfc3339.to_owned() };
    time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// How long ago an RFC 3339 time was.
pub(crate) fn since(rfc3339: &str) -> String {
    let Ok(time) = rfc3339.parse::<jiff::Timestamp>() else { return rfc3339.to_owned() };
    age(u64::try_from(jiff::Timestamp::now().duration_since(time).as_secs()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_two_units_at_most() {
        let check = |seconds, expected: &str| assert_eq!(age(seconds), expected);
        check(0, "0 s");
        check(59, "59 s");
        check(61, "1 min 1 s");
        check(7_200, "2 h");
        check(90_061, "1 d 1 h");
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(count(1, "study", "studies"), "1 study");
        assert_eq!(count(0, "study", "studies"), "0 studies");
    }
}
