//! The moment when the workers of a run begin together.
//!
//! goose's `test_start` is the last place before the first user begins: by then all users are made, which takes each
//! worker its own time.

use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// A time in the words of the command line: RFC 3339, or milliseconds since 1970.
pub(crate) fn parse(text: &str) -> Result<DateTime<Utc>, String> {
    let time = match text.parse() {
        Ok(millis) => DateTime::from_timestamp_millis(millis),
        Err(_) => DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()),
    };
    time.ok_or_else(|| {
        "it must be a time such as 2026-01-31T12:00:00Z, or milliseconds since 1970".to_owned()
    })
}

/// How long it is until `start`.
///
/// # Errors
///
/// When it has passed: a worker that began late would make its load alone.
pub(crate) fn until(start: DateTime<Utc>, now: DateTime<Utc>) -> Result<Duration, String> {
    (start - now).to_std().map_err(|_| {
        let late = TimeDelta::num_milliseconds(&(now - start));
        format!(
            "the start time {} passed {late} ms ago: set it later, the users take time to be made",
            start.to_rfc3339()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_both_ways_that_schedulers_write_it() {
        let time = parse("2026-01-31T12:00:00.250+01:00").unwrap();
        assert_eq!(time.timestamp_millis(), 1_769_857_200_250);
        assert_eq!(parse("1769857200250"), Ok(time));
        for wrong in ["", "tomorrow", "12:00", "99999999999999999999"] {
            assert!(parse(wrong).unwrap_err().contains("2026-01-31T12:00:00Z"), "{wrong}");
        }
    }

    #[test]
    fn a_late_start_is_refused_with_how_late_it_is() {
        let start = parse("1000").unwrap();
        let at = |millis| DateTime::from_timestamp_millis(millis).unwrap();
        assert_eq!(until(start, at(400)), Ok(Duration::from_millis(600)));
        assert_eq!(until(start, at(1_000)), Ok(Duration::ZERO));
        assert!(until(start, at(1_250)).unwrap_err().contains("passed 250 ms ago"));
    }
}
