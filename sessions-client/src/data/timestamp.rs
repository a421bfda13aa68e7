//! Points in time, in every form that a sessions service writes.
//!
//! The Node services write `2026-11-23T02:10:20.820Z`; the Dart service writes local times without a zone
//! and with microseconds. A time without a zone is read as UTC: it is the only reading that does not depend
//! on where the client runs. chrono's own serde support was refused because it cannot read those.

use chrono::{DateTime, Datelike, NaiveDateTime, SecondsFormat, Timelike, Utc};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A point in time.
pub type Timestamp = DateTime<Utc>;

/// `YYYY-MM-DDTHH:MM:SS.mmmZ`, as the service writes it.
pub(crate) fn to_text(time: &Timestamp) -> String {
    match digits(time) {
        Some(digits) => digits.into_iter().map(char::from).collect(),
        None => time.to_rfc3339_opts(SecondsFormat::Millis, true),
    }
}

/// The same as a value that is written without a text of its own: a page has hundreds of them.
pub(super) struct Written<'t>(pub(super) &'t Timestamp);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match digits(self.0).as_ref().map(|digits| str::from_utf8(digits)) {
            Some(Ok(text)) => serializer.serialize_str(text),
            _ => serializer.serialize_str(&to_text(self.0)),
        }
    }
}

/// The bytes of the text, of years with four digits. chrono's formatter takes ten times as long.
fn digits(time: &Timestamp) -> Option<[u8; 24]> {
    let time = time.naive_utc();
    let year = u32::try_from(time.year()).ok().filter(|year| *year <= 9999)?;
    // A leap second is the second before it, once more.
    let millis = time.nanosecond() / 1_000_000;
    if millis >= 1000 {
        return None;
    }
    let mut text = *b"0000-00-00T00:00:00.000Z";
    for (end, mut number) in [
        (4, year),
        (7, time.month()),
        (10, time.day()),
        (13, time.hour()),
        (16, time.minute()),
        (19, time.second()),
        (23, millis),
    ] {
        let mut at = end;
        while number > 0 {
            at -= 1;
            // A digit fits.
            text[at] += (number % 10) as u8;
            number /= 10;
        }
    }
    Some(text)
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
