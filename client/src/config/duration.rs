//! Durations as ISO 8601 writes them, in the form that Java's `Duration` reads.

use std::time::Duration;

/// The duration in `text`: `P`, days, `T`, hours, minutes and seconds, each with its letter and the
/// seconds with a fraction if need be, like `P1DT2H30M` or `PT0.5S`. `None` for anything else, and for
/// parts below zero.
pub(super) fn iso_duration(text: &str) -> Option<Duration> {
    let text = text.strip_prefix(['P', 'p'])?;
    let (days, time) = match text.split_once(['T', 't']) {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (text, ""),
    };
    let is_empty = days.is_empty() && time.is_empty();
    let (days, rest) = whole(days, 'D')?;
    let is_over = rest.is_empty();
    let (hours, time) = whole(time, 'H')?;
    let (minutes, time) = whole(time, 'M')?;
    let seconds = seconds(time)?;
    let minutes =
        days.checked_mul(24)?.checked_add(hours)?.checked_mul(60)?.checked_add(minutes)?;
    let whole = Duration::from_secs(minutes.checked_mul(60)?);
    whole.checked_add(seconds).filter(|_| is_over && !is_empty)
}

/// The number in front of `unit` and what follows; 0 if `text` has no such part.
fn whole(text: &str, unit: char) -> Option<(u64, &str)> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = text.split_at(digits);
    match rest.strip_prefix([unit, unit.to_ascii_lowercase()]) {
        Some(rest) => Some((number.parse().ok()?, rest)),
        None => Some((0, text)),
    }
}

fn seconds(text: &str) -> Option<Duration> {
    if text.is_empty() {
        return Some(Duration::ZERO);
    }
    let text = text.strip_suffix(['S', 's'])?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || fraction.len() > NANOS_DIGITS {
        return None;
    }
    let nanos = format!("{fraction:0<NANOS_DIGITS$}").parse().ok()?;
    Some(Duration::new(whole.parse().ok()?, nanos))
}

/// How many digits a fraction of a second can have.
const NANOS_DIGITS: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_java_reads_is_read() {
        for (text, millis) in [
            ("PT1H", 3_600_000),
            ("P1D", 86_400_000),
            ("P1DT2H30M4S", 86_400_000 + 9_000_000 + 4000),
            ("PT90M", 5_400_000),
            ("PT0.5S", 500),
            ("PT20.345S", 20_345),
            ("pt1h1s", 3_601_000),
            ("PT0S", 0),
        ] {
            assert_eq!(iso_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "P",
            "PT",
            "P1",
            "1H",
            "PT1",
            "PT1D",
            "P1H",
            "PT1S1H",
            "PT-1H",
            "-PT1H",
            "PT1.5H",
            "PT1.1234567890S",
            "P1DT",
            "PT H",
            "one hour",
            "PT99999999999999999999S",
            "PT.S",
            "P1DD",
        ] {
            assert_eq!(iso_duration(text), None, "{text}");
        }
    }
}
