//! Points in time, in every form that a sessions service writes.
//!
//! The Node services write `2026-11-23T02:10:20.820Z`; the Dart service writes local times without a zone
//! and with microseconds. A time without a zone is read as UTC: it is the only reading that does not depend
//! on where the client runs. chrono's own serde support was refused because it cannot read those.

mod exact;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Timelike, Utc};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A point in time.
pub type Timestamp = DateTime<Utc>;

/// `YYYY-MM-DDTHH:MM:SS.mmmZ`, as the service writes it.
pub(crate) fn to_text(time: &Timestamp) -> String {
    with_text(time, str::to_owned)
}

/// What `then` makes of the text, for which there is no allocation. In JSON, it has nothing to escape.
pub(crate) fn with_text<T>(time: &Timestamp, then: impl FnOnce(&str) -> T) -> T {
    match exact::write(time, &mut exact::Exact::default()) {
        Some(text) => then(text),
        None => then(&time.to_rfc3339_opts(SecondsFormat::Millis, true)),
    }
}

/// The time as it survives the wire, which carries whole milliseconds.
pub(crate) fn truncate_to_millis(time: Timestamp) -> Timestamp {
    time.with_nanosecond(time.nanosecond() / 1_000_000 * 1_000_000).unwrap_or(time)
}

fn parse(text: &str) -> Option<Timestamp> {
    exact::read(text).or_else(|| parse_other(text))
}

fn parse_other(text: &str) -> Option<Timestamp> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    // A year that has a sign, being before the year 0 or of more than four digits, has none of its own in that parser.
    let local = text.strip_suffix('Z').filter(|local| local.starts_with(['+', '-'])).unwrap_or(text);
    NaiveDateTime::parse_from_str(local, "%Y-%m-%dT%H:%M:%S%.f").ok().map(|local| local.and_utc())
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

/// A time on its way into JSON.
pub(super) struct WrittenTime<'t>(pub(super) &'t Timestamp);

impl Serialize for WrittenTime<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        with_text(self.0, |text| serializer.serialize_str(text))
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
    use super::{Timestamp, exact, parse, parse_other, to_text};
    use chrono::{DateTime, SecondsFormat};
    use proptest::prelude::*;

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
            // With a sign before the year, as JavaScript writes it.
            ("+010000-01-01T00:00:00.000Z", "+10000-01-01T00:00:00.000Z"),
            ("-000001-12-31T23:59:59.999Z", "-0001-12-31T23:59:59.999Z"),
            ("-0001-12-31T23:59:59.999", "-0001-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(parse(text).map(|time| to_text(&time)).as_deref(), Some(utc), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-13-01T00:00:00Z",
            "2026-11-23",
            "1763863820",
            "2026-02-30T00:00:00.000Z",
            "+2026-1-1 0:0:0 UTC",
            "+012026-11-23",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_form_of_the_service_needs_no_general_parser() {
        for text in ["2026-11-23T02:10:20.820Z", "0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"] {
            assert!(exact::read(text).is_some(), "{text}");
        }
    }

    #[test]
    fn times_that_have_no_place_in_that_form_are_written_all_the_same() {
        for (seconds, nanos, text) in [
            (253_402_300_800, 0, "+10000-01-01T00:00:00.000Z"),
            (-62_167_219_201, 0, "-0001-12-31T23:59:59.000Z"),
            (1_483_228_799, 1_500_000_000, "2016-12-31T23:59:60.500Z"),
        ] {
            assert_eq!(to_text(&DateTime::from_timestamp(seconds, nanos).unwrap()), text);
        }
    }

    /// The form of the service, and what is like it but for one character.
    fn nearly_exact() -> impl Strategy<Value = String> {
        let form = "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\\.[0-9]{3}Z";
        (form, 0..24usize, "[0-9TtZz:. +é-]?").prop_map(|(mut text, place, other)| {
            text.replace_range(place..=place, &other);
            text
        })
    }

    fn times() -> impl Strategy<Value = Timestamp> {
        let seconds = Timestamp::MIN_UTC.timestamp()..Timestamp::MAX_UTC.timestamp();
        (seconds, 0..2_000_000_000_u32)
            .prop_filter_map("no leap second", |(seconds, nanos)| DateTime::from_timestamp(seconds, nanos))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn fixed_places_and_the_general_parser_read_the_same(text in nearly_exact()) {
            prop_assert_eq!(parse(&text), parse_other(&text));
        }

        #[test]
        fn fixed_places_and_the_general_formatter_write_the_same(time in times()) {
            prop_assert_eq!(to_text(&time), time.to_rfc3339_opts(SecondsFormat::Millis, true));
        }

        #[test]
        fn what_was_written_is_read_back_to_the_millisecond(time in times()) {
            let written = to_text(&time);
            prop_assert_eq!(parse(&written), Some(super::truncate_to_millis(time)));
        }
    }
}
