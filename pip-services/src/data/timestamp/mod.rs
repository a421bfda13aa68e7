//! Points in time, in every form that services of the framework write.
//!
//! A number is always one of milliseconds since 1970, as in JavaScript: a number of seconds is read as a time in 1970. The
//! contract check reports such a service.
//!
//! Node.js services write `2026-11-23T02:10:20.820Z`; Dart services write local times without a zone and with
//! microseconds. Other services, gateways and databases write other forms of ISO 8601, most of which [`parse`] reads too.
//! A time without a zone is read as UTC: this is the only reading that does not depend on where the client runs.
//! Rejected alternative: chrono's own serde support, because it cannot read times without a zone.
//!
//! ```
//! use pip_services::Timestamp;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Order {
//!     #[serde(with = "pip_services::timestamp")]
//!     create_time: Timestamp,
//!     #[serde(
//!         default,
//!         serialize_with = "pip_services::timestamp::serialize_optional",
//!         deserialize_with = "pip_services::timestamp::optional"
//!     )]
//!     ship_time: Option<Timestamp>,
//! }
//!
//! let order: Order = serde_json::from_str(r#"{"create_time":"2026-11-23T02:10:20.82"}"#)?;
//! let json = r#"{"create_time":"2026-11-23T02:10:20.820Z","ship_time":null}"#;
//! assert_eq!(serde_json::to_string(&order)?, json);
//! # Ok::<_, serde_json::Error>(())
//! ```

mod exact;
mod forms;

use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A point in time, in UTC. [`deserialize`] reads strings in the forms of [`parse`], and numbers as milliseconds since 1970.
pub type Timestamp = DateTime<Utc>;

/// Returns the time as `YYYY-MM-DDTHH:MM:SS.mmmZ`, as Node.js services write it. A leap second is written as the last
/// millisecond before it, because JavaScript reads no leap seconds.
#[must_use]
pub fn to_string(time: &Timestamp) -> String {
    with_str(time, str::to_owned)
}

/// Calls `then` with the time as [`to_string`] writes it, without an allocation. JSON needs no escapes for
/// it.
pub fn with_str<T>(time: &Timestamp, then: impl FnOnce(&str) -> T) -> T {
    match exact::write(time, &mut exact::Exact::default()) {
        Some(string) => then(string),
        None => then(&other_form(time)),
    }
}

/// Returns a time that the common form does not fit. Years before 0 and after 9999 have a sign and six digits, as
/// JavaScript writes and reads them.
fn other_form(time: &Timestamp) -> String {
    let time = truncate_to_millis(*time);
    match time.year() {
        0..=9_999 => time.to_rfc3339_opts(SecondsFormat::Millis, true),
        year => format!("{year:+07}{}", time.format("-%m-%dT%H:%M:%S%.3fZ")),
    }
}

/// Returns the time without fractions of milliseconds, as [`to_string`] writes it.
#[must_use]
pub fn truncate_to_millis(time: Timestamp) -> Timestamp {
    time.with_nanosecond(exact::millis(&time) * 1_000_000).unwrap_or(time)
}

/// Parses a time. Returns `None` for strings in other forms, and for times that do not exist.
///
/// - All forms of RFC 3339, with names of time zones as in RFC 9557 after the offset, which are ignored.
/// - ISO 8601: a date of year, month and day, of year, week and weekday, or of year and day; then hours, minutes and
///   seconds, of which the last may be missing, and an offset from UTC, also in the basic format. Fractions are only those
///   of seconds. A date in the basic format needs a time of day. Without a time of day, it is midnight; without an
///   offset, it is UTC.
/// - RFC 2822, the form of e-mails and of HTTP, with a year of four digits and an offset, `GMT`, `UTC` or `UT`.
/// - The strings of JavaScript's `toISOString`, `toUTCString`, `toString` and `toDateString`, of the years 0 to 9999.
/// - The strings of Go's `Time.String`, and in UTC or with an offset those of Java's `Date.toString` and Go's `UnixDate`.
///
/// A leap second is only read at 23:59:60 UTC, in ISO 8601. Numbers without separators, years with two digits and dates such as
/// `23/11/2026` have several meanings and are rejected.
///
/// ```
/// use pip_services::timestamp::parse;
///
/// let time = parse("2026-11-23T02:10:20.820Z");
/// for form in ["2026-11-23 03:10:20,82+01", "20261123T021020.82Z", "2026-11-23 02:10:20.82 +0000 UTC"] {
///     assert_eq!(parse(form), time);
/// }
/// assert_eq!(parse("23/11/26"), None);
/// ```
#[must_use]
pub fn parse(string: &str) -> Option<Timestamp> {
    exact::read(string).or_else(|| forms::read(string))
}

/// Returns the time of a number of milliseconds since 1970, the number that JavaScript's `Date` reads and
/// `JSON.stringify` writes for `Date.now()`.
fn from_epoch_millis<E: Error>(millis: i64) -> Result<Timestamp, E> {
    DateTime::from_timestamp_millis(millis)
        .ok_or_else(|| E::invalid_value(Unexpected::Signed(millis), &TimeVisitor))
}

struct TimeVisitor;

impl Visitor<'_> for TimeVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time such as 2026-11-23T02:10:20.820Z")
    }

    fn visit_str<E: Error>(self, string: &str) -> Result<Timestamp, E> {
        parse(string).ok_or_else(|| E::invalid_value(Unexpected::Str(string), &self))
    }

    fn visit_i64<E: Error>(self, millis: i64) -> Result<Timestamp, E> {
        from_epoch_millis(millis)
    }

    fn visit_u64<E: Error>(self, millis: u64) -> Result<Timestamp, E> {
        let millis =
            i64::try_from(millis).map_err(|_| E::invalid_value(Unexpected::Unsigned(millis), &self))?;
        from_epoch_millis(millis)
    }

    /// JavaScript also writes milliseconds with a fraction, for example for a high-resolution time.
    fn visit_f64<E: Error>(self, millis: f64) -> Result<Timestamp, E> {
        // The greatest time of JavaScript.
        const LIMIT: f64 = 8.64e15;
        if millis.abs() > LIMIT || millis.is_nan() {
            return Err(E::invalid_value(Unexpected::Float(millis), &self));
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is within the limit")]
        from_epoch_millis(millis.trunc() as i64)
    }
}

/// Writes a time.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    with_str(time, |string| serializer.serialize_str(string))
}

/// Writes a time, or null.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize_optional<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.as_ref().map(WrittenTime).serialize(serializer)
}

/// A time as a value for `Serialize` implementations written by hand.
#[derive(Debug)]
pub struct WrittenTime<'t>(pub &'t Timestamp);

impl Serialize for WrittenTime<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self.0, serializer)
    }
}

/// Reads a time.
///
/// # Errors
///
/// If the value is neither a string that [`parse`] reads nor a number of milliseconds since 1970.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    deserializer.deserialize_any(TimeVisitor)
}

/// Reads a time that may be null or, with `#[serde(default)]`, absent.
///
/// # Errors
///
/// If the value is neither null, nor a string that [`parse`] reads, nor a number of milliseconds since 1970.
pub fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    struct Required(Timestamp);
    impl<'de> Deserialize<'de> for Required {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserialize(deserializer).map(Self)
        }
    }
    Ok(Option::<Required>::deserialize(deserializer)?.map(|Required(time)| time))
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, exact, forms, parse, to_string};
    use chrono::{DateTime, Timelike};
    use proptest::prelude::*;

    #[test]
    fn all_known_forms_are_parsed() {
        for (string, utc) in [
            ("2026-11-23T02:10:20.820Z", "2026-11-23T02:10:20.820Z"),
            ("2026-11-23T02:10:20Z", "2026-11-23T02:10:20.000Z"),
            ("2026-11-23T02:10:20.820123Z", "2026-11-23T02:10:20.820Z"),
            ("2026-11-23T02:10:20.123456789Z", "2026-11-23T02:10:20.123Z"),
            ("2026-11-23T04:10:20.5+02:00", "2026-11-23T02:10:20.500Z"),
            ("2020-12-07T12:00:00.123456", "2020-12-07T12:00:00.123Z"),
            ("2020-12-07T12:00:00", "2020-12-07T12:00:00.000Z"),
            ("2026-11-23T02:10:20.820+0000", "2026-11-23T02:10:20.820Z"),
            ("2026-11-23T02:10:20+0000", "2026-11-23T02:10:20.000Z"),
            ("2026-11-23T04:10:20.5+0200", "2026-11-23T02:10:20.500Z"),
            ("2026-11-23T02:10:20+01", "2026-11-23T01:10:20.000Z"),
            ("2026-11-22T22:40:20.123456-0330", "2026-11-23T02:10:20.123Z"),
            ("2026-11-23T02:10:20-00", "2026-11-23T02:10:20.000Z"),
            ("2026-11-23 02:10:20.82+00", "2026-11-23T02:10:20.820Z"),
            ("2026-11-23 02:10:20+00:00", "2026-11-23T02:10:20.000Z"),
            // JavaScript writes a sign in front of such years.
            ("+010000-01-01T00:00:00.000Z", "+010000-01-01T00:00:00.000Z"),
            ("-000001-12-31T23:59:59.999Z", "-000001-12-31T23:59:59.999Z"),
            ("-0001-12-31T23:59:59.999", "-000001-12-31T23:59:59.999Z"),
            ("+10000-01-01T00:00:00.000Z", "+010000-01-01T00:00:00.000Z"),
            ("+012026-11-23", "+012026-11-23T00:00:00.000Z"),
            // A comma, the minus sign of ISO 8601, small letters, no seconds.
            ("2026-11-23T02:10:20,82Z", "2026-11-23T02:10:20.820Z"),
            ("2026-11-22T22:40:20\u{2212}03:30", "2026-11-23T02:10:20.000Z"),
            ("2026-11-23t02:10:20.82z", "2026-11-23T02:10:20.820Z"),
            ("2026-11-23T02:10Z", "2026-11-23T02:10:00.000Z"),
            ("2026-11-23 04:10+02", "2026-11-23T02:10:00.000Z"),
            ("2026-11-23T02:10:20.1234567891011Z", "2026-11-23T02:10:20.123Z"),
            ("2026-11-23T02:10:20-00:00", "2026-11-23T02:10:20.000Z"),
            // The end of a day, and leap seconds.
            ("2026-11-22T24:00:00Z", "2026-11-23T00:00:00.000Z"),
            ("2026-12-31T24:00:00.000+01:00", "2026-12-31T23:00:00.000Z"),
            ("2026-11-22T24:00", "2026-11-23T00:00:00.000Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"),
            ("2016-12-31T23:59:60.5Z", "2016-12-31T23:59:59.999Z"),
            ("2017-01-01T00:59:60+01:00", "2016-12-31T23:59:59.999Z"),
            ("2017-01-01T00:29:60+00:30", "2016-12-31T23:59:59.999Z"),
            // Hours only.
            ("2026-11-23T02Z", "2026-11-23T02:00:00.000Z"),
            ("2026-11-23T02", "2026-11-23T02:00:00.000Z"),
            ("2026-11-23 02-03:30", "2026-11-23T05:30:00.000Z"),
            ("2026-11-22T24", "2026-11-23T00:00:00.000Z"),
            ("20261123T02Z", "2026-11-23T02:00:00.000Z"),
            ("2026327T02+0100", "2026-11-23T01:00:00.000Z"),
            // Dates, weeks, days of a year, the basic format.
            ("2026-11-23", "2026-11-23T00:00:00.000Z"),
            ("2026-W48-1", "2026-11-23T00:00:00.000Z"),
            ("2026-W01-1T02:10:20Z", "2025-12-29T02:10:20.000Z"),
            ("2026-W53-7T02:10:20Z", "2027-01-03T02:10:20.000Z"),
            ("2026-327T02:10:20+01:00", "2026-11-23T01:10:20.000Z"),
            ("2024-366", "2024-12-31T00:00:00.000Z"),
            ("20261123T021020.82Z", "2026-11-23T02:10:20.820Z"),
            ("20261123T0210+0100", "2026-11-23T01:10:00.000Z"),
            ("2026W481T021020", "2026-11-23T02:10:20.000Z"),
            ("2026327T021020-01", "2026-11-23T03:10:20.000Z"),
            // Names of time zones, as Java and Temporal write them.
            ("2026-11-23T03:10:20.82+01:00[Europe/Berlin]", "2026-11-23T02:10:20.820Z"),
            ("2026-11-23T02:10:20Z[UTC][u-ca=gregory]", "2026-11-23T02:10:20.000Z"),
            // Ruby, databases, and three forms of JavaScript.
            ("2026-11-23 02:10:20 UTC", "2026-11-23T02:10:20.000Z"),
            ("2026-11-23 02:10:20 Z", "2026-11-23T02:10:20.000Z"),
            ("2026-11-23 03:10:20.82 +0100", "2026-11-23T02:10:20.820Z"),
            ("Mon, 23 Nov 2026 02:10:20 GMT", "2026-11-23T02:10:20.000Z"),
            ("Mon Nov 23 2026 03:10:20 GMT+0100 (Mitteleurop\u{e4}ische Zeit)", "2026-11-23T02:10:20.000Z"),
            ("Mon Nov 23 2026 02:10:20 GMT+0000", "2026-11-23T02:10:20.000Z"),
            ("Sun Nov 22 2026 22:40:20 GMT-0330 (NST)", "2026-11-23T02:10:20.000Z"),
            ("Mon Nov 23 2026", "2026-11-23T00:00:00.000Z"),
            ("Sat, 01 Jan 0000 00:00:00 GMT", "0000-01-01T00:00:00.000Z"),
            // RFC 2822, as mail programs, Python, PHP, Ruby and Java write it.
            ("Mon, 23 Nov 2026 02:10:20 +0000", "2026-11-23T02:10:20.000Z"),
            ("Mon, 23 Nov 2026 02:10:20 -0000", "2026-11-23T02:10:20.000Z"),
            ("Mon, 23 Nov 2026 03:40:20 +0130", "2026-11-23T02:10:20.000Z"),
            ("Sun, 22 Nov 2026 22:40:20 -0330", "2026-11-23T02:10:20.000Z"),
            ("Mon, 23 Nov 2026 02:10:20 UTC", "2026-11-23T02:10:20.000Z"),
            ("Mon, 23 Nov 2026 02:10:20 UT", "2026-11-23T02:10:20.000Z"),
            ("Mon, 23 Nov 2026 02:10:20 +0000 (UTC)", "2026-11-23T02:10:20.000Z"),
            ("Mon, 23 Nov 2026 02:10 GMT", "2026-11-23T02:10:00.000Z"),
            ("Tue, 3 Nov 2026 02:10:20 GMT", "2026-11-03T02:10:20.000Z"),
            ("3 Nov 2026 02:10 +0100", "2026-11-03T01:10:00.000Z"),
            // Go.
            ("2026-11-23 02:10:20.82 +0000 UTC", "2026-11-23T02:10:20.820Z"),
            ("2026-11-23 03:10:20.820123456 +0100 CET", "2026-11-23T02:10:20.820Z"),
            ("2026-11-23 04:10:20 +0200 CEST m=+0.000012345", "2026-11-23T02:10:20.000Z"),
            ("2026-11-22 23:10:20 -0300 -03", "2026-11-23T02:10:20.000Z"),
            ("2026-11-23 07:40:20 +0530 +0530 m=-1.5", "2026-11-23T02:10:20.000Z"),
            // Java, Go and the command `date`.
            ("Mon Nov 23 02:10:20 UTC 2026", "2026-11-23T02:10:20.000Z"),
            ("Mon Nov 23 02:10:20 GMT 2026", "2026-11-23T02:10:20.000Z"),
            ("Mon Nov 23 03:10:20 +0100 2026", "2026-11-23T02:10:20.000Z"),
            ("Tue Nov  3 02:10:20 UTC 2026", "2026-11-03T02:10:20.000Z"),
        ] {
            assert_eq!(parse(string).map(|time| to_string(&time)).as_deref(), Some(utc), "{string}");
        }
    }

    #[test]
    fn other_strings_are_not_times() {
        for string in [
            "",
            "yesterday",
            "2026-13-01T00:00:00Z",
            "1763863820",
            "1763863820820",
            "20261123",
            "2026327",
            "2026W481",
            "2026-11",
            "2026",
            "2026-W48",
            "2026-W54-1",
            "2025-W53-1",
            "2026-W48-0",
            "2026-W48-8",
            "2026-366",
            "2026-000",
            "23/11/2026",
            "11/23/2026 02:10:20",
            "23.11.2026",
            "2026/11/23",
            "26-11-23T02:10:20Z",
            "2026-1-2T02:10:20Z",
            "2026-11-23T2:10:20Z",
            "2026-11-23T2Z",
            "2026-11-23T02:",
            "2026-11-23T02:10:",
            "2026-11-23T02.5Z",
            "2026-11-23T02:10.5Z",
            "20261123T02:10Z",
            "20261123T021Z",
            "2026-11-23T25Z",
            "2026-11-23T02:10:20.Z",
            " 2026-11-23T02:10:20Z",
            "2026-11-23T02:10:20Z ",
            "2026-11-23  02:10:20",
            "2026-11-23T021020Z",
            "20261123T02:10:20Z",
            "+20261123T021020Z",
            "-000000-01-01T00:00:00Z",
            "2026-11-23T24:00:01Z",
            "2026-11-23T24:00:00.001Z",
            "2026-11-23T25:00:00Z",
            "2026-11-23T02:60:00Z",
            "2026-11-23T02:10:61Z",
            // Leap seconds that are not at the end of a day in UTC.
            "2026-11-23T12:30:60Z",
            "2016-12-31T22:59:60Z",
            "2016-12-31T23:59:60+01:00",
            "2016-12-31T23:58:60.5",
            "20161231T235960+0030",
            "2026-11-23T02:10:20+24:00",
            "2026-11-23T02:10:20+01:60",
            "2026-11-23T02:10:20 CET",
            "2026-11-23T02:10:20[Europe/Berlin]",
            "2026-11-23T02:10:20Z[!Europe/Berlin]",
            "2026-11-23T02:10:20Z[UTC",
            "2026-11-23T02:10:20 AM",
            "Tue, 23 Nov 2026 02:10:20 GMT",
            "Mon, 23 Nov 2026 02:10:20",
            "Mon, 23 Nov 2026 02:10:20 EST",
            "Mon Nov 23 2026 02:10:20",
            "Mon Nov 23 2026 02:10:20 GMT+0100 (CET",
            "2026-02-30T00:00:00.000Z",
            "+2026-1-1 0:0:0 UTC",
            "2026-11-23T02:10:20+1",
            "2026-11-23T02:10:20+010",
            "2026-11-23T02:10:20+01000",
            "2026-11-23T02:10:20+2500",
            "2026-11-23T02:10:20+0160",
            "2026-11-23T02:10:20+\u{e9}",
            "2026-11-23T02:10:20+\u{1f600}",
            "2026-11-23T02:10:20+",
            "2026-11-23+01",
            "T+01",
        ] {
            assert_eq!(parse(string), None, "{string}");
        }
    }

    #[test]
    fn strings_with_names_of_months_in_other_forms_are_not_times() {
        for string in [
            "Mon, 23 Nov 26 02:10:20 GMT",
            "23 Nov 26 02:10 +0000",
            "Mon Nov 23 26 02:10:20 GMT+0000",
            "Mon Nov 23 26",
            "Mon, 23 Nov 12026 02:10:20 GMT",
            "Tue Nov 3 2026 02:10:20 GMT+0000",
            "Mon, 23 Nov 2026 2:10:20 GMT",
            "Mon, 23 Nov 2026 02:10:60 GMT",
            "Mon, 23 Nov 2026 23:59:60 GMT",
            "Mon, 23 Nov 2026 24:00:00 GMT",
            "Mon, 23 Nov 2026 +2:10:20 GMT",
            "Mon, 23 Nov 2026 02 GMT",
            "Mon, 23 Nov 2026 02:10: GMT",
            "Mon, 23 Nov 2026",
            "23 Nov 2026",
            "mon, 23 Nov 2026 02:10:20 GMT",
            "Mon, 23 NOV 2026 02:10:20 GMT",
            "Monday, 23 Nov 2026 02:10:20 GMT",
            "Mon, 23 November 2026 02:10:20 GMT",
            "Mon, 023 Nov 2026 02:10:20 GMT",
            "Mon, 0 Nov 2026 02:10:20 GMT",
            "Mon, 31 Nov 2026 02:10:20 GMT",
            "Mon, 23  Nov 2026 02:10:20 GMT",
            "Mon,  23 Nov 2026 02:10:20 GMT",
            "Mon,23 Nov 2026 02:10:20 GMT",
            "Mon, 23 Nov 2026 02:10:20  GMT",
            "Mon, 23 Nov 2026 02:10:20 gmt",
            "Mon, 23 Nov 2026 02:10:20 GMT ",
            "Mon, 23 Nov 2026 02:10:20 GMT+0000",
            "Mon, 23 Nov 2026 02:10:20 +01:00",
            "Mon, 23 Nov 2026 02:10:20 +2400",
            "Mon, 23 Nov 2026 02:10:20 +0160",
            "Mon, 23 Nov 2026 02:10:20 CET",
            "Mon, 23 Nov 2026 02:10:20 A",
            "Mon, 23 Nov 2026 02:10:20 +0000 UTC",
            "Mon, 23 Nov 2026 02:10:20 +0000 (UTC",
            "Mon, 23 Nov 2026 02:10:20+0000",
            "Mon, Nov 23 2026 02:10:20 GMT",
            "Mon Nov 23 02:10:20 2026",
            "Mon Nov 23 02:10:20 EST 2026",
            "Mon Nov 23 02:10:20 UTC 26",
            "Mon Nov 23 02:10:20 UTC 12026",
            "Mon Nov 23 02:10:20 UTC 2026 ",
            "Mon Nov 3 02:10:20 UTC 2026",
            "Tue Nov 23 02:10:20 UTC 2026",
            "Tue Nov 23 2026",
            "Mon Nov 23 2026 ",
            "Mon Nov 23 2026 02:10:20 GMT",
            "Mon Nov 23 2026 03:10:20 GMT+01:00",
            "Mon Nov 23 2026 03:10:20 GMT +0100",
            "Mon Nov 23 2026 03:10:20 GMT\u{2212}0100",
            "Mon Nov 23 2026 03:10:20 GMT+2400",
            "Mon Nov 23 2026 03:10:20 GMT+0160",
            "Mon Nov 23 2026 03:10:20 GMT+0100(CET)",
            "Mon Nov 23 2026 03:10:20 GMT+0100  (CET)",
        ] {
            assert_eq!(parse(string), None, "{string}");
        }
    }

    #[test]
    fn the_name_of_a_time_zone_must_not_contradict_its_offset() {
        for name in [
            "+0100 UTC",
            "+0100 GMT",
            "+0100 +02",
            "+0100 +0200",
            "+0100 +0",
            "+0100 ",
            "+0100 cet",
            "+0100 CE",
            "+0100 EUROPE",
            "+0100 CET ",
            "+0100 CET m=",
            "+0100 CET m=+",
            "+0100 CET m=+1s",
            "+0100  CET",
            "UTC UTC",
            "Z UTC",
        ] {
            assert_eq!(parse(&format!("2026-11-23 02:10:20 {name}")), None, "{name}");
        }
        assert_eq!(parse("2026-11-23 02:10:20+0000 UTC"), None);
    }

    #[test]
    fn numbers_are_milliseconds_since_1970() {
        let read = |json: &str| {
            let mut deserializer = serde_json::Deserializer::from_str(json);
            super::optional(&mut deserializer)
        };
        for (json, utc) in [
            ("1795399820820", "2026-11-23T02:10:20.820Z"),
            ("1795399820820.0", "2026-11-23T02:10:20.820Z"),
            ("1.79539982082e12", "2026-11-23T02:10:20.820Z"),
            ("1795399820820.75", "2026-11-23T02:10:20.820Z"),
            ("0", "1970-01-01T00:00:00.000Z"),
            ("-1", "1969-12-31T23:59:59.999Z"),
            // Seconds are not recognized.
            ("1795399869", "1970-01-21T18:43:19.869Z"),
        ] {
            assert_eq!(read(json).unwrap().map(|time| to_string(&time)).as_deref(), Some(utc), "{json}");
        }
        assert_eq!(read("null").unwrap(), None);
        for json in ["9223372036854775807", "18446744073709551615", "1e300", "-1e16", "true", "{}", "[1]"] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains("expected a time such as"), "{error}");
        }
    }

    #[test]
    fn the_common_form_needs_no_general_parser() {
        for string in ["2026-11-23T02:10:20.820Z", "0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"] {
            assert!(exact::read(string).is_some(), "{string}");
        }
    }

    #[test]
    fn times_outside_the_common_form_are_written_too() {
        for (seconds, nanos, string) in [
            (253_402_300_800, 0, "+010000-01-01T00:00:00.000Z"),
            (8_210_266_876_799, 0, "+262142-12-31T23:59:59.000Z"),
            (-62_167_219_201, 0, "-000001-12-31T23:59:59.000Z"),
            (1_483_228_799, 1_500_000_000, "2016-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(to_string(&DateTime::from_timestamp(seconds, nanos).unwrap()), string);
        }
    }

    /// Strings in the common form with one character changed or removed.
    fn nearly_exact() -> impl Strategy<Value = String> {
        let form = "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\\.[0-9]{3}Z";
        (form, 0..24usize, "[0-9TtZz:. +é-]?").prop_map(|(mut string, offset, other)| {
            string.replace_range(offset..=offset, &other);
            string
        })
    }

    /// Strings in the form of RFC 3339, most of which are times. That of chrono accepts a leap second at any minute.
    fn rfc_3339() -> impl Strategy<Value = String> {
        let date = "[0-9]{4}-(0[0-9]|1[0-3])-([0-2][0-9]|3[0-2])";
        let time = "([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\\.[0-9]{1,12})?";
        let offset = "[Zz]|[-+\u{2212}]([01][0-9]|2[0-4]):[0-6][0-9]";
        (date, "[Tt ]", time, offset)
            .prop_map(|(date, separator, time, offset)| date + &separator + &time + &offset)
    }

    fn times() -> impl Strategy<Value = Timestamp> {
        let seconds = Timestamp::MIN_UTC.timestamp()..Timestamp::MAX_UTC.timestamp();
        (seconds, 0..2_000_000_000_u32).prop_filter_map("valid leap seconds only", |(seconds, nanos)| {
            DateTime::from_timestamp(seconds, nanos)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn fixed_offsets_and_the_general_parser_agree(string in nearly_exact()) {
            prop_assert_eq!(parse(&string), forms::read(&string));
        }

        #[test]
        fn all_times_of_rfc_3339_are_read(time in rfc_3339()) {
            let is_possible = |time: &Timestamp| {
                time.nanosecond() < 1_000_000_000 || (time.hour(), time.minute()) == (23, 59)
            };
            let expected = DateTime::parse_from_rfc3339(&time).ok().map(|time| time.to_utc());
            let expected = expected.filter(is_possible);
            prop_assert_eq!(parse(&time), expected, "{}", time);
        }

        #[test]
        fn any_string_is_read_without_a_panic(string in prop_oneof!["[-+0-9TtWZz:., \\[\\]!\u{2212}é]{0,30}", any::<String>()]) {
            if let Some(time) = parse(&string) {
                prop_assert_eq!(parse(&to_string(&time)), Some(super::truncate_to_millis(time)));
            }
        }

        #[test]
        fn fixed_offsets_and_the_general_formatter_agree(time in times()) {
            prop_assert_eq!(to_string(&time), super::other_form(&time));
        }

        #[test]
        fn written_times_are_read_back_to_the_millisecond(time in times()) {
            let written = to_string(&time);
            prop_assert_eq!(parse(&written), Some(super::truncate_to_millis(time)));
        }
    }
}
