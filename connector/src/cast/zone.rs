//! Between points on the time line and readings of a clock on some wall.

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

use crate::format::datetime::Timestamp;

/// What clocks in `zone` show at an instant.
pub(super) fn to_local(instant: Timestamp, zone: Tz) -> Timestamp {
    Timestamp { seconds: instant.seconds + offset_at(instant.seconds, zone), ..instant }
}

/// When clocks in `zone` show `local`: the first time if they show it twice; if they skip it, as if they had not been
/// put forward yet. That is what Java does.
pub(super) fn to_instant(local: Timestamp, zone: Tz) -> Timestamp {
    let Some(date_time) = date_time(local.seconds) else {
        return local;
    };
    let offset = zone.offset_from_local_datetime(&date_time).earliest();
    let offset = offset.map_or_else(
        || offset_at(local.seconds - LARGEST_OFFSET, zone),
        |offset| i64::from(offset.fix().local_minus_utc()),
    );
    Timestamp { seconds: local.seconds - offset, ..local }
}

/// Seconds east of UTC. Beyond the years that chrono knows there are no zones.
fn offset_at(seconds: i64, zone: Tz) -> i64 {
    let offset = date_time(seconds).map(|utc| zone.offset_from_utc_datetime(&utc));
    offset.map_or(0, |offset| i64::from(offset.fix().local_minus_utc()))
}

fn date_time(seconds: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(seconds, 0).map(|date_time| date_time.naive_utc())
}

/// No clock is further from UTC, so this long before a skipped time it has surely not been put forward yet.
const LARGEST_OFFSET: i64 = 15 * 3600;
