//! Times, durations and sizes as they stand on a small screen. Integers only.

use core::fmt;

use crate::wire::Moment;

const DAY: u32 = 86_400;

/// `14:05`; `--:--` for never.
#[derive(Debug, Clone, Copy)]
pub struct Clock(pub Moment);

/// `14:05` today, `3d ago` before that.
#[derive(Debug, Clone, Copy)]
pub struct Since {
    /// The moment.
    pub at: Moment,
    /// Now.
    pub now: Moment,
}

/// `45s`, `9m`, `3h`, `2d`.
#[derive(Debug, Clone, Copy)]
pub struct Age(pub u32);

/// `0:42`, `12:07`, `3:12:07`: counted down by the second.
#[derive(Debug, Clone, Copy)]
pub struct Left(pub u32);

/// `999 B`, `1.9 GB`, `412 GB`: powers of ten, as disks are sold.
#[derive(Debug, Clone, Copy)]
pub struct Bytes(pub u64);

/// `999`, `1k`, `99k`, `>99k`: at most four characters, for where there is no room.
#[derive(Debug, Clone, Copy)]
pub struct Count(pub u64);

/// Bytes as two hexadecimal digits each, with something between.
#[derive(Debug, Clone, Copy)]
pub struct Hex<'a>(pub &'a [u8], pub &'a str);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes, between) = self;
        bytes.iter().enumerate().try_for_each(|(index, byte)| write!(f, "{}{byte:02X}", if index > 0 { between } else { "" }))
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            count @ 0..1_000 => write!(f, "{count}"),
            count @ 1_000..100_000 => write!(f, "{}k", count / 1_000),
            _ => f.write_str(">99k"),
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.0 {
            0 => f.write_str("--:--"),
            seconds => write!(f, "{:02}:{:02}", seconds % DAY / 3600, seconds % 3600 / 60),
        }
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = (self.now.0 / DAY).saturating_sub(self.at.0 / DAY);
        if self.at.0 == 0 || days == 0 { Clock(self.at).fmt(f) } else { write!(f, "{days}d ago") }
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds @ 0..60 => write!(f, "{seconds}s"),
            seconds @ 60..3_600 => write!(f, "{}m", seconds / 60),
            seconds @ 3_600..DAY => write!(f, "{}h", seconds / 3_600),
            seconds => write!(f, "{}d", seconds / DAY),
        }
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (self.0 / 3_600, self.0 % 3_600 / 60, self.0 % 60);
        if hours > 0 { write!(f, "{hours}:{minutes:02}:{seconds:02}") } else { write!(f, "{minutes}:{seconds:02}") }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
        let (mut whole, mut tenth, mut unit) = (self.0, 0, 0);
        while whole >= 1000 && unit + 1 < UNITS.len() {
            (tenth, whole, unit) = (whole % 1000 / 100, whole / 1000, unit + 1);
        }
        if unit > 0 && whole < 10 { write!(f, "{whole}.{tenth} {}", UNITS[unit]) } else { write!(f, "{whole} {}", UNITS[unit]) }
    }
}

/// `part` of `whole` in percent; 0 when there is no whole.
pub(crate) fn percent(part: u64, whole: u64) -> u64 {
    // More than an exabyte need not be exact.
    if whole > u64::MAX / 100 { part / (whole / 100) } else { part.saturating_mul(100).checked_div(whole).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn shows_what_people_read() {
        let check = |shown: &dyn fmt::Display, expected: &str| assert_eq!(shown.to_string(), expected);
        check(&Clock(Moment(0)), "--:--");
        check(&Clock(Moment(14 * 3600 + 5 * 60 + 59)), "14:05");
        let now = Moment(5 * DAY + 100);
        check(&Since { at: Moment(5 * DAY), now }, "00:00");
        check(&Since { at: Moment(5 * DAY - 1), now }, "1d ago");
        check(&Since { at: Moment(0), now }, "--:--");
        check(&Since { at: Moment(9 * DAY), now }, "00:00");
        check(&Age(59), "59s");
        check(&Age(3_599), "59m");
        check(&Age(90_000), "1d");
        check(&Left(42), "0:42");
        check(&Left(3_661), "1:01:01");
        check(&Count(999), "999");
        check(&Count(99_999), "99k");
        check(&Count(100_000), ">99k");
        check(&Bytes(999), "999 B");
        check(&Bytes(1_950_000_000), "1.9 GB");
        check(&Bytes(412_000_000_000), "412 GB");
        check(&Bytes(u64::MAX), "18446 PB");
        assert_eq!(percent(43, 100), 43);
        assert_eq!(percent(1, 0), 0);
        assert_eq!(percent(u64::MAX / 2, u64::MAX), 50);
    }
}
