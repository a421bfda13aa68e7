//! Points in time, in every form that a sessions service writes.
//!
//! The Node services write `2026-11-23T02:10:20.820Z`; the Dart service writes local times without a zone
//! and with microseconds. A time without a zone is read as UTC: it is the only reading that does not depend
//! on where the client runs. chrono's own serde support was refused because it cannot read those.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Timelike, Utc};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// A point in time.
pub type Timestamp = DateTime<Utc>;

/// `YYYY-MM-DDTHH:MM:SS.mmmZ`, as the service writes it.
pub(crate) fn to_text(time: &Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The time as it survives the wire, which carries whole milliseconds.
pub(crate) fn truncate_to_millis(time: Timestamp) -> Timestamp {
    time.with_nanosecond(time.nanosecond() / 1_000_000 * 1_000_000).unwrap_or(time)
}

fn parse(text: &str) -> Option<Timestamp> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok().map(|local| local.and_utc())
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time such as 2026-11-23T02:10:20.820Z")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
        parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// A time that is always there.
pub(super) fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    deserializer.deserialize_str(Text)
}

/// A time that may be null; combined with `#[serde(default)]`, one that may be absent.
pub(super) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    struct Required(Timestamp);
    impl<'de> Deserialize<'de> for Required {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            required(deserializer).map(Self)
        }
    }
    Ok(Option::<Required>::deserialize(deserializer)?.map(|Required(time)| time))
}

#[cfg(test)]
mod tests {
    use super::{parse, to_text};

    #[test]
    fn every_form_that_a_server_writes_is_read() {
        for (text, utc) in [
            ("2026-11-23T02:10:20.820Z", "2026-11-23T02:10:20.820Z"),
            ("2026-11-23T02:10:20Z", "2026-11-23T02:10:20.000Z"),
            ("2026-11-23T02:10:20.820123Z", "2026-11-23T02:10:20.820Z"),
            ("2026-11-23T02:10:20.123456789Z", "2026-11-23T02:10:20.123Z"),
            ("2026-11-23T04:10:20.5+02:00", "2026-11-23T02:10:20.500Z"),
            ("2020-12-07T12:00:00.123456", "2020-12-07T12:00:00.123Z"),
            ("2020-12-07T12:00:00", "2020-12-07T12:00:00.000Z"),
        ] {
            assert_eq!(parse(text).map(|time| to_text(&time)).as_deref(), Some(utc), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-11-23", "1763863820"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
