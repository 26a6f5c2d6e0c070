//! Small helpers for machines that wait for more than one thing.

use std::time::Instant;

/// The earliest of the times that are set.
pub(crate) fn earliest(times: impl IntoIterator<Item = Option<Instant>>) -> Option<Instant> {
    times.into_iter().flatten().min()
}

/// Whether `time` is set and has been reached at `now`.
pub(crate) fn is_reached(time: Option<Instant>, now: Instant) -> bool {
    time.is_some_and(|time| time <= now)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_earliest_ignores_what_is_not_set() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        assert_eq!(earliest([None, Some(later), Some(now)]), Some(now));
        assert_eq!(earliest([None, None]), None);
    }

    #[test]
    fn a_time_is_reached_at_the_very_instant() {
        let now = Instant::now();
        assert!(is_reached(Some(now), now));
        assert!(!is_reached(Some(now + Duration::from_nanos(1)), now));
        assert!(!is_reached(None, now));
    }
}
