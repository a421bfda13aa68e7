//! The start time that all workers of a run share.

use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// Parses a time in RFC 3339, or in milliseconds since 1970.
pub(crate) fn parse(text: &str) -> Result<DateTime<Utc>, String> {
    let time = match text.parse() {
        Ok(millis) => DateTime::from_timestamp_millis(millis),
        Err(_) => DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()),
    };
    time.ok_or_else(|| "expected a time such as 2026-01-31T12:00:00Z, or milliseconds since 1970".to_owned())
}

/// Returns the time until `start`.
///
/// # Errors
///
/// When `start` has passed: a worker that starts late would not overlap with the others.
pub(crate) fn until(start: DateTime<Utc>, now: DateTime<Utc>) -> Result<Duration, String> {
    (start - now).to_std().map_err(|_| {
        let late = TimeDelta::num_milliseconds(&(now - start));
        let start = start.to_rfc3339();
        format!("the start time {start} passed {late} ms ago: set a later one, starting the users takes time")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3339_and_milliseconds_are_valid() {
        let time = parse("2026-01-31T12:00:00.250+01:00").unwrap();
        assert_eq!(time.timestamp_millis(), 1_769_857_200_250);
        assert_eq!(parse("1769857200250"), Ok(time));
        for wrong in ["", "tomorrow", "12:00", "99999999999999999999"] {
            assert!(parse(wrong).unwrap_err().contains("2026-01-31T12:00:00Z"), "{wrong}");
        }
    }

    #[test]
    fn a_past_start_time_is_rejected() {
        let start = parse("1000").unwrap();
        let at = |millis| DateTime::from_timestamp_millis(millis).unwrap();
        assert_eq!(until(start, at(400)), Ok(Duration::from_millis(600)));
        assert_eq!(until(start, at(1_000)), Ok(Duration::ZERO));
        assert!(until(start, at(1_250)).unwrap_err().contains("passed 250 ms ago"));
    }
}
