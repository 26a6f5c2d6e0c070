//! Dates, times and timestamps as text, in the standards of the formats' `timestamp-format.standard`.

use arrow_schema::TimeUnit;

/// How timestamps are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TimestampStandard {
    /// `2020-01-31 12:34:56.789`, zoned ones with a `Z`.
    #[default]
    Sql,
    /// `2020-01-31T12:34:56.789`, seconds optional, zoned ones with a `Z`.
    Iso8601,
    /// `2020-01-31T12:34:56.789+02:00`, brought to UTC, whether zoned or not.
    Iso8601WithOffset,
}

impl TimestampStandard {
    /// The standards by the names that options use.
    pub(crate) const ALL: [(&'static str, Self); 3] = [
        ("SQL", Self::Sql),
        ("ISO-8601", Self::Iso8601),
        ("ISO-8601-WITH-OFFSET", Self::Iso8601WithOffset),
    ];

    /// Reads a timestamp; a zoned one is a point on the time line, another the reading of a clock.
    #[inline]
    pub(crate) fn parse(self, dates: &mut Dates, text: &[u8], is_zoned: bool) -> Option<Timestamp> {
        let (days, rest) = dates.parse(text)?;
        let (separator, rest) = rest.split_first()?;
        let is_separator = match self {
            Self::Sql => *separator == b' ',
            Self::Iso8601 => *separator == b'T' || (!is_zoned && *separator == b't'),
            Self::Iso8601WithOffset => separator.eq_ignore_ascii_case(&b'T'),
        };
        if !is_separator {
            return None;
        }
        let (time, rest) = parse_time(rest, self != Self::Sql)?;
        let offset = self.parse_offset(rest, is_zoned)?;
        let seconds = days * SECONDS_PER_DAY + i64::from(time.seconds) - i64::from(offset);
        Some(Timestamp { seconds, nanos: time.nanos })
    }

    /// What may follow the time, in seconds east of UTC.
    fn parse_offset(self, text: &[u8], is_zoned: bool) -> Option<i32> {
        match self {
            Self::Iso8601WithOffset => parse_offset(text),
            _ if is_zoned => (text == b"Z").then_some(0),
            _ => text.is_empty().then_some(0),
        }
    }

    /// An example for messages.
    pub(crate) fn example(self, is_zoned: bool) -> &'static str {
        match (self, is_zoned) {
            (Self::Sql, false) => "a timestamp like '2020-01-31 12:34:56.789'",
            (Self::Sql, true) => "a timestamp like '2020-01-31 12:34:56.789Z'",
            (Self::Iso8601, false) => "a timestamp like '2020-01-31T12:34:56.789'",
            (Self::Iso8601, true) => "a timestamp like '2020-01-31T12:34:56.789Z'",
            (Self::Iso8601WithOffset, _) => "a timestamp like '2020-01-31T12:34:56.789+02:00'",
        }
    }

    /// Appends a timestamp with as few digits of a second as it needs.
    pub(crate) fn write(self, out: &mut Vec<u8>, timestamp: Timestamp, is_zoned: bool) {
        write_date(out, timestamp.seconds.div_euclid(SECONDS_PER_DAY));
        out.push(if self == Self::Sql { b' ' } else { b'T' });
        write_time(out, timestamp.seconds.rem_euclid(SECONDS_PER_DAY) as u32);
        write_fraction(out, timestamp.nanos);
        if is_zoned || self == Self::Iso8601WithOffset {
            out.push(b'Z');
        }
    }
}

/// Seconds since the start of 1970 and nanoseconds after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp {
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
}

impl Timestamp {
    /// The same instant counted in `unit`; finer digits are cut off. `None` if 64 bits are too few.
    pub(crate) fn count(self, unit: TimeUnit) -> Option<i64> {
        let per_second = units_per_second(unit);
        let part = i64::from(self.nanos) / (NANOS_PER_SECOND / per_second);
        if self.seconds < 0 {
            // One second later and back again, so that the smallest count does not overflow on the way.
            return (self.seconds + 1).checked_mul(per_second)?.checked_add(part - per_second);
        }
        self.seconds.checked_mul(per_second)?.checked_add(part)
    }

    /// The instant `count` units after 1970.
    pub(crate) fn from_count(count: i64, unit: TimeUnit) -> Self {
        let per_second = units_per_second(unit);
        let nanos = count.rem_euclid(per_second) * (NANOS_PER_SECOND / per_second);
        Self { seconds: count.div_euclid(per_second), nanos: nanos as u32 }
    }
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeOfDay {
    /// Since midnight; 86,400 is the end of the day.
    pub(crate) seconds: u32,
    pub(crate) nanos: u32,
}

/// Remembers the date read last, since the timestamps of a topic are seldom far apart.
#[derive(Default)]
pub(crate) struct Dates {
    last: Option<([u8; 10], i64)>,
}

impl Dates {
    /// The same as [`parse_date`].
    #[inline]
    fn parse<'t>(&mut self, text: &'t [u8]) -> Option<(i64, &'t [u8])> {
        let start = text.split_first_chunk::<10>();
        if let (Some((date, rest)), Some((last, days))) = (start, self.last)
            && *date == last
        {
            return Some((days, rest));
        }
        let (days, rest) = parse_date(text)?;
        // Not those of five digits for the year, which end elsewhere.
        self.last =
            start.filter(|(_, after)| after.len() == rest.len()).map(|(date, _)| (*date, days));
        Some((days, rest))
    }
}

/// Reads `yyyy-MM-dd` at the start of `text`: days since 1970, and what follows.
///
/// Years beyond 9999 have a `+`, years before 0 a `-`.
#[inline]
pub(crate) fn parse_date(text: &[u8]) -> Option<(i64, &[u8])> {
    let (year, rest) = parse_year(text)?;
    let (&[dash, m1, m0, dash_too, d1, d0], rest) = rest.split_first_chunk()?;
    if (dash, dash_too) != (b'-', b'-') {
        return None;
    }
    let (month, day) = (two_digits(m1, m0)?, two_digits(d1, d0)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    Some((days_since_epoch(year, month, day), rest))
}

#[inline]
fn parse_year(text: &[u8]) -> Option<(i64, &[u8])> {
    if let Some((&[y3, y2, y1, y0], rest @ [b'-', ..])) = text.split_first_chunk() {
        return Some((i64::from(two_digits(y3, y2)? * 100 + two_digits(y1, y0)?), rest));
    }
    let (sign, rest) = text.split_first()?;
    let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    let (digits, rest) = rest.split_at_checked(end).filter(|(digits, _)| digits.len() <= 9)?;
    let size = digits.iter().fold(0_i64, |size, digit| size * 10 + i64::from(digit - b'0'));
    match sign {
        b'+' if digits.len() > 4 => Some((size, rest)),
        b'-' if digits.len() >= 4 && size > 0 => Some((-size, rest)),
        _ => None,
    }
}

/// Reads `HH:mm:ss[.f{0,9}]` at the start of `text`, with optional seconds if `is_short_allowed`; and what follows.
#[inline]
pub(crate) fn parse_time(text: &[u8], is_short_allowed: bool) -> Option<(TimeOfDay, &[u8])> {
    let (&[h1, h0, colon, m1, m0], rest) = text.split_first_chunk()?;
    let (hours, minutes) = (two_digits(h1, h0)?, two_digits(m1, m0)?);
    let (seconds, nanos, rest) = match rest {
        [b':', s1, s0, rest @ ..] => {
            let (nanos, rest) = parse_fraction(rest)?;
            (two_digits(*s1, *s0)?, nanos, rest)
        }
        _ if is_short_allowed => (0, 0, rest),
        _ => return None,
    };
    let is_end_of_day = (hours, minutes, seconds, nanos) == (24, 0, 0, 0);
    if colon != b':' || minutes > 59 || seconds > 59 || (hours > 23 && !is_end_of_day) {
        return None;
    }
    Some((TimeOfDay { seconds: hours * 3600 + minutes * 60 + seconds, nanos }, rest))
}

/// Reads `[.f{0,9}]` as nanoseconds.
#[inline]
fn parse_fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some((b'.', digits)) = text.split_first() else {
        return Some((0, text));
    };
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    let missing = 9_u32.checked_sub(u32::try_from(digits.len()).ok()?)?;
    let value = digits.iter().fold(0_u32, |value, digit| value * 10 + u32::from(digit - b'0'));
    Some((value * 10_u32.pow(missing), rest))
}

/// Reads `Z`, `+HH`, `+HH:mm`, `+HHmm` or `+HH:mm:ss` to the end of `text`, at most 18 hours.
fn parse_offset(text: &[u8]) -> Option<i32> {
    if text.eq_ignore_ascii_case(b"Z") {
        return Some(0);
    }
    let (sign, rest) = text.split_first()?;
    let (hours, minutes, seconds) = match *rest {
        [h1, h0] => (two_digits(h1, h0)?, 0, 0),
        [h1, h0, m1, m0] | [h1, h0, b':', m1, m0] => (two_digits(h1, h0)?, two_digits(m1, m0)?, 0),
        [h1, h0, b':', m1, m0, b':', s1, s0] => {
            (two_digits(h1, h0)?, two_digits(m1, m0)?, two_digits(s1, s0)?)
        }
        _ => return None,
    };
    let size = (hours * 3600 + minutes * 60 + seconds) as i32;
    if minutes > 59 || seconds > 59 || size > 18 * 3600 {
        return None;
    }
    match sign {
        b'+' => Some(size),
        b'-' => Some(-size),
        _ => None,
    }
}

#[inline]
fn two_digits(high: u8, low: u8) -> Option<u32> {
    let (high, low) = (high.wrapping_sub(b'0'), low.wrapping_sub(b'0'));
    (high < 10 && low < 10).then(|| u32::from(high) * 10 + u32::from(low))
}

/// Appends the day `days` after the first of 1970.
pub(crate) fn write_date(out: &mut Vec<u8>, days: i64) {
    let (year, month, day) = civil_date(days);
    match year {
        0..=9999 => {
            write_two(out, (year / 100) as u32);
            write_two(out, (year % 100) as u32);
        }
        _ => {
            out.push(if year < 0 { b'-' } else { b'+' });
            out.extend_from_slice(format!("{:04}", year.unsigned_abs()).as_bytes());
        }
    }
    out.push(b'-');
    write_two(out, month);
    out.push(b'-');
    write_two(out, day);
}

/// Appends a time of day, given in seconds, as `HH:mm:ss`.
pub(crate) fn write_time(out: &mut Vec<u8>, seconds: u32) {
    write_two(out, seconds / 3600);
    out.push(b':');
    write_two(out, seconds / 60 % 60);
    out.push(b':');
    write_two(out, seconds % 60);
}

pub(crate) fn write_fraction(out: &mut Vec<u8>, nanos: u32) {
    if nanos == 0 {
        return;
    }
    out.push(b'.');
    let mut divisor = 100_000_000;
    let mut rest = nanos;
    while rest > 0 {
        out.push(b'0' + (rest / divisor) as u8);
        rest %= divisor;
        divisor /= 10;
    }
}

fn write_two(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&[b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8]);
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970 in the proleptic Gregorian calendar, counting years from March so that leap days come last.
#[inline]
fn days_since_epoch(year: i64, month: u32, day: u32) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let century_cycle = year.div_euclid(400);
    let year = year.rem_euclid(400);
    let day_of_year = (153 * i64::from(month) + 2) / 5 + i64::from(day) - 1;
    century_cycle * DAYS_PER_400_YEARS + year * 365 + year / 4 - year / 100 + day_of_year
        - DAYS_FROM_MARCH_0_TO_1970
}

/// The inverse: year, month and day of the day `days` after the first of 1970.
fn civil_date(days: i64) -> (i64, u32, u32) {
    let days = days + DAYS_FROM_MARCH_0_TO_1970;
    let cycle = days.div_euclid(DAYS_PER_400_YEARS);
    let day = days.rem_euclid(DAYS_PER_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month + 2) / 5 + 1) as u32;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (cycle * 400 + year, month as u32, day)
}

fn units_per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => NANOS_PER_SECOND,
    }
}

pub(crate) const SECONDS_PER_DAY: i64 = 86_400;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

const DAYS_PER_400_YEARS: i64 = 146_097;

const DAYS_FROM_MARCH_0_TO_1970: i64 = 719_468;

#[cfg(test)]
mod tests;
