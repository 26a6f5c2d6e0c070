//! Reads the values of options as Flink does.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;
use std::time::Duration;

use super::definition::{invalid, invalid_choice};
use crate::error::Error;

/// The word of `words` that `value` is, in any case.
pub(super) fn choice(
    name: &str,
    value: &str,
    words: &[&'static str],
) -> Result<&'static str, Error> {
    let found = words.iter().find(|word| word.eq_ignore_ascii_case(value.trim()));
    found.copied().ok_or_else(|| invalid_choice(name, value, words))
}

/// A whole number that is at least `least`.
pub(super) fn integer(name: &str, value: &str, least: i64) -> Result<i64, Error> {
    let number = value.trim().parse().ok().filter(|number| *number >= least);
    number.ok_or_else(|| invalid(name, value, format_args!("a whole number of at least {least}")))
}

/// `5 min`, `100ms`, `PT5M` or a number of milliseconds.
pub(super) fn duration(name: &str, value: &str) -> Result<Duration, Error> {
    let text = value.trim();
    let parsed =
        if text.starts_with(['P', 'p']) { iso_duration(text) } else { unit_duration(text) };
    parsed.ok_or_else(|| invalid(name, value, "a duration such as '5 min', '100 ms' or 'PT5M'"))
}

fn unit_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let unit = unit.trim().to_lowercase();
    let nanos = match unit.as_str() {
        "d" | "day" | "days" => 86_400 * NANOS_PER_SECOND,
        "h" | "hour" | "hours" => 3_600 * NANOS_PER_SECOND,
        "m" | "min" | "minute" | "minutes" => 60 * NANOS_PER_SECOND,
        "s" | "sec" | "secs" | "second" | "seconds" => NANOS_PER_SECOND,
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1_000_000,
        "µs" | "micro" | "micros" | "microsecond" | "microseconds" => 1_000,
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => 1,
        _ => return None,
    };
    let nanos = u128::from(number) * u128::from(nanos);
    Some(Duration::new(u64::try_from(nanos / SECOND).ok()?, u32::try_from(nanos % SECOND).ok()?))
}

/// `PnDTnHnMnS`, with a fraction allowed in the seconds.
fn iso_duration(text: &str) -> Option<Duration> {
    let text = text.to_ascii_uppercase();
    let (date, time) = match text.strip_prefix('P')?.split_once('T') {
        Some((date, time)) if !time.is_empty() => (date, time),
        Some(_) => return None,
        None => (text.strip_prefix('P')?, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let mut seconds = 0_f64;
    let mut rest = date;
    for (unit, length) in [("D", 86_400.0), ("T", 0.0), ("H", 3_600.0), ("M", 60.0), ("S", 1.0)] {
        if unit == "T" {
            if !rest.is_empty() {
                return None;
            }
            rest = time;
        } else if let Some((number, after)) = rest.split_once(unit) {
            seconds += iso_number(number, unit)? * length;
            rest = after;
        }
    }
    if rest.is_empty() { Duration::try_from_secs_f64(seconds).ok() } else { None }
}

fn iso_number(text: &str, unit: &str) -> Option<f64> {
    let may_hold = |c: char| c.is_ascii_digit() || (c == '.' && unit == "S");
    if text.is_empty() || !text.chars().all(may_hold) { None } else { text.parse().ok() }
}

/// Texts separated by `;`, trimmed. In quotes, which are doubled to stand for themselves, `;` is a letter.
pub(super) fn list(name: &str, value: &str) -> Result<Vec<String>, Error> {
    let mut elements = Vec::new();
    let mut chars = value.trim().trim_start_matches(';').chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let element = match chars.peek().copied() {
            None => return Ok(elements),
            Some(quote @ ('\'' | '"')) => quoted(&mut chars, quote),
            Some(_) => Some(unquoted(&mut chars)),
        };
        let Some(element) = element else {
            return Err(invalid(
                name,
                value,
                "quotes that are closed right before a ';' or the end",
            ));
        };
        elements.push(element);
    }
}

/// The text up to the closing quote and the `;` behind it; `None` when something else follows.
fn quoted(chars: &mut Peekable<Chars<'_>>, quote: char) -> Option<String> {
    chars.next();
    let mut element = String::new();
    loop {
        let next = chars.next()?;
        if next != quote {
            element.push(next);
        } else if chars.next_if_eq(&quote).is_some() {
            element.push(quote);
        } else {
            break;
        }
    }
    while chars.next_if(|c| c.is_whitespace()).is_some() {}
    matches!(chars.next(), None | Some(';')).then_some(element)
}

fn unquoted(chars: &mut Peekable<Chars<'_>>) -> String {
    let element: String = chars.take_while(|c| *c != ';').collect();
    element.trim_end().to_owned()
}

/// `partition:0,offset:42;partition:1,offset:300`; the last of several for one partition counts.
pub(super) fn offsets(name: &str, value: &str) -> Result<BTreeMap<i32, i64>, Error> {
    let pairs = value.trim_end_matches(';');
    let parsed: Option<BTreeMap<i32, i64>> = pairs.split(';').map(offset_pair).collect();
    parsed.ok_or_else(|| {
        Error::option(format!(
            "Invalid properties '{name}' should follow the format \
             'partition:0,offset:42;partition:1,offset:300', but is '{value}'."
        ))
    })
}

fn offset_pair(pair: &str) -> Option<(i32, i64)> {
    let (partition, offset) = pair.trim_end_matches(',').split_once(',')?;
    let partition =
        partition.strip_prefix("partition:")?.parse().ok().filter(|number| *number >= 0)?;
    Some((partition, offset.strip_prefix("offset:")?.parse().ok()?))
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;
const SECOND: u128 = NANOS_PER_SECOND as u128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_split_trimmed_and_unquoted() {
        for (text, elements) in [
            ("", &[] as &[&str]),
            ("a", &["a"]),
            ("address; name", &["address", "name"]),
            (" a ;b; ", &["a", "b"]),
            (";a;", &["a"]),
            ("a;;b", &["a", "", "b"]),
            ("'a;b';\"c\"", &["a;b", "c"]),
            ("'it''s' ; \"say \"\"hi\"\"\"", &["it's", "say \"hi\""]),
            ("it's", &["it's"]),
        ] {
            assert_eq!(list("key.fields", text).unwrap(), elements, "{text}");
        }
        for text in ["'a", "'a'b", "\"a';b"] {
            let error = list("key.fields", text).unwrap_err().to_string();
            let expected = format!(
                "Invalid value '{text}' for option 'key.fields': \
                 expected quotes that are closed right before a ';' or the end."
            );
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn durations_are_read_in_every_form() {
        for (text, millis) in [
            ("0", Some(0)),
            ("250", Some(250)),
            ("100 ms", Some(100)),
            ("1s", Some(1_000)),
            ("2 sec", Some(2_000)),
            ("5 min", Some(300_000)),
            ("5 Minutes", Some(300_000)),
            ("3m", Some(180_000)),
            ("1 h", Some(3_600_000)),
            ("1d", Some(86_400_000)),
            ("2000 µs", Some(2)),
            ("5000000 ns", Some(5)),
            ("PT5M", Some(300_000)),
            ("p1dt2h3m4.5s", Some(93_784_500)),
            ("P1D", Some(86_400_000)),
            ("P", None),
            ("PT", None),
            ("P1DT", None),
            ("PT5", None),
            ("PT1.5M", None),
            ("PT-1S", None),
            ("", None),
            ("-1", None),
            ("5 fortnights", None),
            ("min", None),
            ("1.5 s", None),
        ] {
            let parsed = duration("d", text);
            assert_eq!(parsed.ok(), millis.map(Duration::from_millis), "{text}");
        }
        assert_eq!(
            duration("scan.topic-partition-discovery.interval", "soon").unwrap_err().to_string(),
            "Invalid value 'soon' for option 'scan.topic-partition-discovery.interval': \
             expected a duration such as '5 min', '100 ms' or 'PT5M'."
        );
    }

    #[test]
    fn offsets_are_read_as_flink_reads_them() {
        for (text, expected) in [
            ("partition:0,offset:42;partition:1,offset:300", Some(&[(0, 42), (1, 300)][..])),
            ("partition:0,offset:42;", Some(&[(0, 42)])),
            ("partition:0,offset:42,", Some(&[(0, 42)])),
            ("partition:0,offset:1;partition:0,offset:2", Some(&[(0, 2)])),
            ("partition:0,offset:-2", Some(&[(0, -2)])),
            ("", None),
            (";", None),
            ("partition:0,offset:1;;partition:1,offset:1", None),
            ("partition:0", None),
            ("partition:0;offset:1", None),
            ("offset:1,partition:0", None),
            ("partition:0,offset:1,x:2", None),
            ("partition:0,offset: 1", None),
            ("partition:0, offset:1", None),
            ("partition:x,offset:1", None),
            ("partition:-1,offset:1", None),
            ("partition:0,offset:9223372036854775808", None),
        ] {
            let expected =
                expected.map(|pairs| pairs.iter().copied().collect::<BTreeMap<i32, i64>>());
            assert_eq!(offsets("o", text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn words_are_read_in_any_case_and_the_nearest_is_suggested() {
        assert_eq!(
            choice("value.fields-include", "except_key", &["ALL", "EXCEPT_KEY"]).unwrap(),
            "EXCEPT_KEY"
        );
        assert_eq!(
            choice("value.fields-include", "EXCEPT-KEY", &["ALL", "EXCEPT_KEY"])
                .unwrap_err()
                .to_string(),
            "Invalid value for option 'value.fields-include'. Could not parse value for enum 'EXCEPT-KEY'. \
             Expected one of: [[ALL, EXCEPT_KEY]], did you mean \"EXCEPT_KEY\"?"
        );
    }

    #[test]
    fn a_number_below_its_least_value_is_refused() {
        assert_eq!(integer("sink.parallelism", " 4 ", 1).unwrap(), 4);
        for text in ["0", "-1", "four", "1.0", ""] {
            assert_eq!(
                integer("sink.parallelism", text, 1).unwrap_err().to_string(),
                format!(
                    "Invalid value '{text}' for option 'sink.parallelism': expected a whole number of at least 1."
                )
            );
        }
    }
}
