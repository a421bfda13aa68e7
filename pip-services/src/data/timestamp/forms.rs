//! Times in all forms but the common one: those of ISO 8601, RFC 3339, RFC 9557, RFC 2822, JavaScript's `Date`, Go and
//! Java that have one meaning only.
//!
//! | part | forms |
//! |---|---|
//! | date | `2026-11-23`, `2026-W48-1`, `2026-327`, with a signed year of four to six digits too |
//! | separator | `T`, `t`, a space |
//! | time of day | `02`, `02:10`, `02:10:20`, `02:10:20.82`, `02:10:20,82`; `24:00` is the end of the day; `23:59:60` in UTC is a leap second |
//! | offset | none for UTC, `Z`, `z`, `+01:00`, `+0100`, `+01`; after a space also `UTC` and `GMT` |
//! | suffix | `[Europe/Berlin]` after an offset, which is ignored |
//! | basic format | `20261123T021020.82Z`, `2026W481T0210Z`, `2026327T02+01` |
//! | RFC 2822 | `Mon, 23 Nov 2026 02:10:20 +0100`, also with `GMT`, `UTC` or `UT`, without the weekday, without seconds, with a day of one digit, and with a comment in parentheses at the end |
//! | JavaScript | that of RFC 2822, `Mon Nov 23 2026`, `Mon Nov 23 2026 02:10:20 GMT+0000 (Coordinated Universal Time)` |
//! | Go | `2026-11-23 02:10:20.82 +0000 UTC`, also with the reading of the monotonic clock: ` m=+0.01` |
//! | Unix, Java | `Mon Nov 23 02:10:20 UTC 2026`, also with `GMT` or `+0100` |
//!
//! Without a time of day, it is midnight in UTC. Digits only are rejected, because they can be a date, seconds or
//! milliseconds. Fractions of hours and minutes are rejected too. Rejected alternative: chrono's formats, which accept
//! numbers with fewer digits than they should have, so that a basic date would have several meanings and
//! `Mon, 23 Nov 26` would be in the year 26.

use super::Timestamp;
use chrono::{Datelike, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike, Weekday};

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Parses a time. Returns `None` for other strings, and for dates and times of day that do not exist.
pub(super) fn read(string: &str) -> Option<Timestamp> {
    iso_8601(string).or_else(|| rfc_2822(string)).or_else(|| javascript(string)).or_else(|| unix(string))
}

fn iso_8601(string: &str) -> Option<Timestamp> {
    let mut rest = Rest(string.as_bytes());
    let (date, format) = rest.date()?;
    if rest.0.is_empty() {
        return (format == Format::Extended).then(|| date.and_time(NaiveTime::MIN).and_utc());
    }
    rest.one_of(b"Tt ")?;
    let (time, days) = rest.time_of_day(format)?;
    let offset = rest.offset()?;
    let time = in_utc(date.checked_add_days(Days::new(days))?.and_time(time), offset)?;
    let is_leap_second = time.nanosecond() >= 1_000_000_000;
    let is_valid = !is_leap_second || (time.hour(), time.minute()) == (23, 59);
    (rest.0.is_empty() && is_valid).then_some(time)
}

/// Parses the form of e-mails and of HTTP. JavaScript's `toUTCString` returns it too.
fn rfc_2822(string: &str) -> Option<Timestamp> {
    let mut rest = Rest(string.as_bytes());
    let weekday = rest.name(&WEEKDAYS);
    if weekday.is_some() && !rest.take(b", ") {
        return None;
    }
    let day = rest.number(rest.digits().clamp(1, 2))?;
    rest.one_of(b" ")?;
    let month = rest.name(&MONTHS)?;
    rest.one_of(b" ")?;
    let date = date(rest.number(4)?, month, day, weekday)?;
    rest.one_of(b" ")?;
    let (hour, minute) = (rest.number(2)?, rest.part(true, b":", 2)?);
    let second = if rest.0.starts_with(b":") { rest.part(true, b":", 2)? } else { 0 };
    rest.one_of(b" ")?;
    let offset = rest.offset_of_text(&[b"GMT", b"UTC", b"UT"])?;
    rest.is_comment().then(|| in_utc(date.and_hms_opt(hour, minute, second)?, offset))?
}

/// Parses what JavaScript's `toString` and `toDateString` return.
fn javascript(string: &str) -> Option<Timestamp> {
    let mut rest = Rest(string.as_bytes());
    let (weekday, month, day) = rest.weekday_month_day()?;
    rest.one_of(b" ")?;
    let date = date(rest.number(4)?, month, day, Some(weekday))?;
    if rest.0.is_empty() {
        return Some(date.and_time(NaiveTime::MIN).and_utc());
    }
    rest.one_of(b" ")?;
    let time = rest.hour_minute_second()?;
    if !rest.take(b" GMT") {
        return None;
    }
    let offset = rest.offset_of_text(&[])?;
    rest.is_comment().then(|| in_utc(date.and_time(time), offset))?
}

/// Parses the form of the command `date`, Java's `Date` and Go's `UnixDate` and `RubyDate`. The names of other time zones
/// are not unique.
fn unix(string: &str) -> Option<Timestamp> {
    let mut rest = Rest(string.as_bytes());
    let (weekday, month, day) = rest.weekday_month_day()?;
    rest.one_of(b" ")?;
    let time = rest.hour_minute_second()?;
    rest.one_of(b" ")?;
    let offset = rest.offset_of_text(&[b"GMT", b"UTC"])?;
    rest.one_of(b" ")?;
    let date = date(rest.number(4)?, month, day, Some(weekday))?;
    rest.0.is_empty().then(|| in_utc(date.and_time(time), offset))?
}

/// Returns a date with an index of its month, if it is one of this weekday.
fn date(year: u32, month: u32, day: u32, weekday: Option<u32>) -> Option<NaiveDate> {
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month + 1, day)?;
    let is_valid = weekday.is_none_or(|weekday| date.weekday().num_days_from_monday() == weekday);
    is_valid.then_some(date)
}

fn in_utc(local: NaiveDateTime, offset: i32) -> Option<Timestamp> {
    let offset = FixedOffset::east_opt(offset)?;
    offset.from_local_datetime(&local).single().map(|time| time.to_utc())
}

/// Returns the seconds of an offset.
fn seconds(is_negative: bool, hours: u32, minutes: u32) -> Option<i32> {
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    Some(if is_negative { -seconds } else { seconds })
}

/// The formats of ISO 8601, which are not mixed.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    /// With separators, such as `2026-11-23T02:10:20`.
    Extended,
    /// Without separators, such as `20261123T021020`.
    Basic,
}

/// The part of a string that is not parsed yet.
struct Rest<'s>(&'s [u8]);

impl Rest<'_> {
    fn take(&mut self, prefix: &[u8]) -> bool {
        let rest = self.0.strip_prefix(prefix);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let byte = self.0.first().copied().filter(|byte| bytes.contains(byte))?;
        self.0 = &self.0[1..];
        Some(byte)
    }

    /// Parses one of `names`, and returns its index.
    fn name(&mut self, names: &[&str]) -> Option<u32> {
        let index = names.iter().position(|name| self.take(name.as_bytes()))?;
        u32::try_from(index).ok()
    }

    /// Returns the number of digits at the start.
    fn digits(&self) -> usize {
        self.0.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }

    /// Parses the first `count` bytes, at most nine, as a number.
    fn number(&mut self, count: usize) -> Option<u32> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let digit = |byte: &u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
        let number = digits.iter().try_fold(0, |number, byte| Some(number * 10 + digit(byte)?))?;
        self.0 = rest;
        Some(number)
    }

    fn date(&mut self) -> Option<(NaiveDate, Format)> {
        let sign = self.one_of(b"+-");
        let digits = self.digits();
        let (year_digits, format) = match (sign, digits) {
            (Some(_), 4..=6) => (digits, Format::Extended),
            (None, 4) if self.0.get(4) == Some(&b'W') => (4, Format::Basic),
            (None, 4) => (4, Format::Extended),
            (None, 7 | 8) => (4, Format::Basic),
            _ => return None,
        };
        let year = i32::try_from(self.number(year_digits)?).ok()?;
        let year = match sign {
            // Year 0 has no negative form.
            Some(b'-') if year == 0 => return None,
            Some(b'-') => -year,
            _ => year,
        };
        let is_extended = format == Format::Extended;
        if is_extended && !self.take(b"-") {
            return None;
        }
        let date = if self.take(b"W") {
            let week = self.number(2)?;
            let weekday = self.part(is_extended, b"-", 1)?;
            let weekday = Weekday::try_from(u8::try_from(weekday.checked_sub(1)?).ok()?).ok()?;
            NaiveDate::from_isoywd_opt(year, week, weekday)?
        } else if self.digits() == 3 {
            NaiveDate::from_yo_opt(year, self.number(3)?)?
        } else {
            let month = self.number(2)?;
            NaiveDate::from_ymd_opt(year, month, self.part(is_extended, b"-", 2)?)?
        };
        Some((date, format))
    }

    /// Parses a number of `count` digits, after `separator` in the extended format.
    fn part(&mut self, is_extended: bool, separator: &[u8], count: usize) -> Option<u32> {
        if is_extended && !self.take(separator) { None } else { self.number(count) }
    }

    /// Returns the time of day, and the number of days to add.
    fn time_of_day(&mut self, format: Format) -> Option<(NaiveTime, u64)> {
        let is_extended = format == Format::Extended;
        let hour = self.number(2)?;
        let has_more = |rest: &Self| if is_extended { rest.0.starts_with(b":") } else { rest.digits() > 0 };
        let has_minutes = has_more(self);
        let minute = if has_minutes { self.part(is_extended, b":", 2)? } else { 0 };
        let has_seconds = has_minutes && has_more(self);
        let (mut second, mut nanos) = (0, 0);
        if has_seconds {
            second = self.part(is_extended, b":", 2)?;
            if self.one_of(b".,").is_some() {
                nanos = self.fraction()?;
            }
        }
        if (hour, minute, second, nanos) == (24, 0, 0, 0) {
            return Some((NaiveTime::MIN, 1));
        }
        if second == 60 {
            // chrono's form of a leap second.
            (second, nanos) = (59, nanos + 1_000_000_000);
        }
        Some((NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)?, 0))
    }

    /// Returns the nanoseconds of a fraction of a second. Further digits are cut off.
    fn fraction(&mut self) -> Option<u32> {
        let digits = self.digits();
        let kept = digits.min(9);
        let number = self.number(kept).filter(|_| kept > 0)?;
        self.0 = &self.0[digits - kept..];
        Some((kept..9).fold(number, |nanos, _| nanos * 10))
    }

    /// Returns the seconds east of UTC, 0 without an offset, and skips the names of time zones after it.
    fn offset(&mut self) -> Option<i32> {
        if self.0.is_empty() {
            return Some(0);
        }
        let is_apart = self.take(b" ");
        let offset = if self.one_of(b"Zz").is_some() || is_apart && (self.take(b"UTC") || self.take(b"GMT")) {
            0
        } else {
            let written = self.0;
            let offset = self.signed_offset()?;
            if is_apart && self.take(b" ") {
                self.name_of_go(offset, &written[..written.len() - self.0.len() - 1])?;
            }
            offset
        };
        while self.take(b"[") {
            let end = self.0.iter().position(|byte| *byte == b']')?;
            // A mark for names that must not be ignored.
            if self.0.starts_with(b"!") {
                return None;
            }
            self.0 = &self.0[end + 1..];
        }
        Some(offset)
    }

    /// Skips the name of the time zone after an offset, which Go writes, and the reading of its monotonic clock. The name is
    /// an abbreviation, or the offset again, without minutes if there are none.
    fn name_of_go(&mut self, offset: i32, written: &[u8]) -> Option<()> {
        let length = self.0.iter().position(|byte| *byte == b' ').unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(length);
        let is_known = match name {
            b"UTC" | b"GMT" => offset == 0,
            [b'+' | b'-', ..] => matches!(length, 3 | 5) && written.starts_with(name),
            _ => matches!(length, 3..=5) && name.iter().all(u8::is_ascii_uppercase),
        };
        self.0 = rest;
        if self.take(b" m=") {
            self.one_of(b"+-")?;
            let is_number = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
            let is_valid = self.digits() > 0 && self.0.iter().all(is_number);
            self.0 = &[];
            return (is_known && is_valid).then_some(());
        }
        is_known.then_some(())
    }

    /// Parses the offset of a form with names of months: one of `names`, which are those of UTC, or `+0100`.
    fn offset_of_text(&mut self, names: &[&[u8]]) -> Option<i32> {
        if names.iter().any(|name| self.take(name)) {
            return Some(0);
        }
        let is_negative = self.one_of(b"+-")? == b'-';
        seconds(is_negative, self.number(2)?, self.number(2)?)
    }

    /// Parses `Mon Nov 23`, also with a blank in place of the first digit of the day.
    fn weekday_month_day(&mut self) -> Option<(u32, u32, u32)> {
        let weekday = self.name(&WEEKDAYS)?;
        self.one_of(b" ")?;
        let month = self.name(&MONTHS)?;
        self.one_of(b" ")?;
        let day = if self.take(b" ") { self.number(1)? } else { self.number(2)? };
        Some((weekday, month, day))
    }

    fn hour_minute_second(&mut self) -> Option<NaiveTime> {
        let hour = self.number(2)?;
        NaiveTime::from_hms_opt(hour, self.part(true, b":", 2)?, self.part(true, b":", 2)?)
    }

    /// Returns whether the rest is a comment in parentheses, or nothing.
    fn is_comment(&self) -> bool {
        self.0.is_empty() || self.0.starts_with(b" (") && self.0.ends_with(b")")
    }

    fn signed_offset(&mut self) -> Option<i32> {
        // The minus sign U+2212 is the one of ISO 8601.
        let is_negative = self.take(b"-") || self.take("\u{2212}".as_bytes());
        if !is_negative && !self.take(b"+") {
            return None;
        }
        let hours = self.number(2)?;
        let has_minutes = self.take(b":") || self.digits() > 0;
        let minutes = if has_minutes { self.number(2)? } else { 0 };
        seconds(is_negative, hours, minutes)
    }
}
