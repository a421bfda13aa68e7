//! JavaScript's `Date.parse`, with which the service reads the times in filters and in the `Date` header.
//!
//! The standard specifies only ISO 8601. The service's engine, V8, then falls back to a legacy parser that
//! accepts nearly any string with a number: `Nov 23, 2026`, `23 Nov 2026 02:10 PM`, `2026/11`, `12`. This
//! module follows the rules of both parsers. A time without a time zone is in UTC, which is the zone of most
//! servers.
//!
//! Rejected alternative: the formats of chrono, because even all of them together accept less.

mod iso;
mod legacy;
mod tokens;

use self::iso::{Outcome, parse_iso};
use self::legacy::parse_legacy;
use self::tokens::Tokens;
use chrono::{DateTime, NaiveDate, NaiveTime};
use pip_services::Timestamp;

/// The latest time of JavaScript in milliseconds since 1970, and negated the earliest.
const MAX_TIME: i64 = 8_640_000_000_000_000;

/// Returns the time that JavaScript parses from `string`, or `None` if it is invalid. Times out of the range
/// of [`Timestamp`] are its minimum or maximum.
pub(crate) fn date_parse(string: &str) -> Option<Timestamp> {
    let mut tokens = Tokens::new(string);
    let mut parts = Parts::default();
    if parse_iso(&mut tokens, &mut parts)? == Outcome::Incomplete {
        parse_legacy(&mut tokens, &mut parts)?;
    }
    parts.time()
}

/// The parts of a time that are parsed so far.
#[derive(Default)]
struct Parts {
    day: Vec<i64>,
    month: Option<i64>,
    /// Hour, minute, second, millisecond.
    time: Vec<i64>,
    /// The hours that `AM` or `PM` adds.
    half_day: Option<i64>,
    zone: Zone,
    iso: bool,
}

/// An offset from UTC.
#[derive(Default)]
struct Zone {
    sign: Option<i64>,
    hour: Option<i64>,
    minute: Option<i64>,
}

impl Zone {
    fn set(&mut self, hours: i64) {
        let sign = if hours < 0 { -1 } else { 1 };
        *self = Self { sign: Some(sign), hour: Some(hours * sign), minute: Some(0) };
    }

    fn is_utc(&self) -> bool {
        (self.hour, self.minute) == (Some(0), Some(0))
    }
}

/// Returns the milliseconds of a fraction of a second, of which three digits count.
fn milliseconds(number: i64, length: usize) -> i64 {
    match length {
        1 => number * 100,
        2 => number * 10,
        _ => (3..length.min(9)).fold(number, |number, _| number / 10),
    }
}

fn is_month(number: i64) -> bool {
    (1..=12).contains(&number)
}

fn is_day(number: i64) -> bool {
    (1..=31).contains(&number)
}

impl Parts {
    fn time(self) -> Option<Timestamp> {
        // Years far beyond `MAX_TIME` would overflow.
        let (year, month, day) = self.date().filter(|(year, ..)| year.abs() < 300_000)?;
        let [hour, minute, second, milli] = self.clock()?;
        // The calendar has a period of 400 years with 146,097 days, which maps all years to those that chrono
        // supports.
        let (cycles, year) = (year.div_euclid(400), i32::try_from(year.rem_euclid(400)).ok()?);
        let first = NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, 1)?.and_time(NaiveTime::MIN);
        // A day after the end of the month is in the next month.
        let days = cycles * 146_097 + day - 1;
        let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second - self.offset();
        let millis = first.and_utc().timestamp_millis() + seconds * 1000 + milli;
        let limit = if millis < 0 { Timestamp::MIN_UTC } else { Timestamp::MAX_UTC };
        (millis.abs() <= MAX_TIME).then(|| DateTime::from_timestamp_millis(millis).unwrap_or(limit))
    }

    fn date(&self) -> Option<(i64, i64, i64)> {
        let mut parts = self.day.clone();
        if parts.is_empty() {
            return None;
        }
        parts.resize(3, 1);
        let [first, second, third] = parts[..] else { return None };
        let (year, month, day) = match self.month {
            None if self.iso || !is_day(first) => (first, second, third),
            None => (third, first, second),
            Some(month) if !is_day(first) => (first, month, second),
            Some(month) => (second, month, first),
        };
        let year = match year {
            _ if self.iso => year,
            0..50 => year + 2000,
            50..100 => year + 1900,
            _ => year,
        };
        (is_month(month) && is_day(day)).then_some((year, month, day))
    }

    fn clock(&self) -> Option<[i64; 4]> {
        let mut clock = [0; 4];
        for (slot, number) in clock.iter_mut().zip(&self.time) {
            *slot = *number;
        }
        if let Some(hours) = self.half_day {
            if clock[0] > 12 {
                return None;
            }
            clock[0] = clock[0] % 12 + hours;
        }
        let [hour, minute, second, milli] = clock;
        let in_range = hour < 24 && minute < 60 && second < 60 && milli < 1000;
        (in_range || clock == [24, 0, 0, 0]).then_some(clock)
    }

    /// Returns the offset from UTC in seconds.
    fn offset(&self) -> i64 {
        let Zone { sign, hour, minute } = self.zone;
        sign.unwrap_or(0) * (hour.unwrap_or(0) * 3600 + minute.unwrap_or(0) * 60)
    }
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, date_parse};
    use chrono::SecondsFormat::Millis;

    #[test]
    fn strings_are_parsed_like_in_javascript() {
        for (string, expected) in [
            ("2026-11-23T02:10:20.820Z", "2026-11-23T02:10:20.820Z"),
            ("2026-11-23T02:10:20.8209999Z", "2026-11-23T02:10:20.820Z"),
            ("2026-11-23T02:10", "2026-11-23T02:10:00.000Z"),
            ("2026-11-23T04:10:20+0200", "2026-11-23T02:10:20.000Z"),
            ("2026-11-23T24:00", "2026-11-24T00:00:00.000Z"),
            ("2026-11-23", "2026-11-23T00:00:00.000Z"),
            ("2026-11", "2026-11-01T00:00:00.000Z"),
            ("2026", "2026-01-01T00:00:00.000Z"),
            ("+002026-11-23", "2026-11-23T00:00:00.000Z"),
            ("2026-02-30", "2026-03-02T00:00:00.000Z"),
            ("32", "2032-01-01T00:00:00.000Z"),
            ("12", "2001-12-01T00:00:00.000Z"),
            ("Nov 23 2026", "2026-11-23T00:00:00.000Z"),
            ("23-Nov-49", "2049-11-23T00:00:00.000Z"),
            ("1 January 50", "1950-01-01T00:00:00.000Z"),
            ("november 23, 2026 2:10 pm", "2026-11-23T14:10:00.000Z"),
            ("12:00 AM 11/23/2026", "2026-11-23T00:00:00.000Z"),
            ("2026/11/23 02:10:20.5 GMT-0330", "2026-11-23T05:40:20.500Z"),
            ("Mon, 23 Nov 2026 02:10:20 GMT", "2026-11-23T02:10:20.000Z"),
            ("Mon Nov 23 2026 02:10:20 GMT+0100 (Central (European) Time)", "2026-11-23T01:10:20.000Z"),
            ("23 Nov 2026 02:10 EST", "2026-11-23T07:10:00.000Z"),
            ("Nov 23 2026 7::", "2026-11-23T07:00:00.000Z"),
            ("on 2026-11-23 10:20", "2026-11-23T10:20:00.000Z"),
        ] {
            let time = date_parse(string).map(|time| time.to_rfc3339_opts(Millis, true));
            assert_eq!(time.as_deref(), Some(expected), "{string}");
        }
    }

    #[test]
    fn times_out_of_range_are_the_minimum_and_maximum() {
        assert_eq!(date_parse("+275760-09-13"), Some(Timestamp::MAX_UTC));
        assert_eq!(date_parse("-271821-04-20"), Some(Timestamp::MIN_UTC));
    }

    #[test]
    fn strings_that_javascript_rejects_are_invalid() {
        for string in [
            "",
            "soon",
            "2026-13",
            "2026-11-23T24:01",
            "2026-11-23T02",
            "2026-11-23T02:10:20.",
            "2026-11-23T02:10Z x",
            "2026-11-23 02:10 x",
            "26",
            "on1",
            "Nov 23 2026 13:00 PM",
            "2026-11-23 10:20:30:40:50",
            "2026-11-23)",
            "2026-11-23 10:20 +12345",
            "+275760-09-14",
            "275761",
        ] {
            assert_eq!(date_parse(string), None, "{string}");
        }
    }
}
