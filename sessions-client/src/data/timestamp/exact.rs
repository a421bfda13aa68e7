//! The one form in which the Node services write times, read and written by its fixed places.
//!
//! A page of a hundred sessions has two hundred times, and nearly all of them are in this form. A general formatter for
//! them is a fifth of what it costs to write the page, a general parser a twentieth of what it costs to read it. What is
//! not exactly in this form is left to those.

use super::Timestamp;
use chrono::{Datelike, NaiveDate, Timelike};

/// `YYYY-MM-DDTHH:MM:SS.mmmZ`.
pub(super) type Exact = [u8; 24];

/// `None` when `text` has another form, or the form but no time in it: the 30th of February.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let text: &Exact = text.as_bytes().try_into().ok()?;
    let marks = [text[4], text[7], text[10], text[13], text[16], text[19], text[23]];
    let mut are_digits = true;
    let mut digit = |place: usize| {
        let digit = text[place].wrapping_sub(b'0');
        are_digits &= digit < 10;
        u32::from(digit)
    };
    let mut pair = |place| digit(place) * 10 + digit(place + 1);
    let (century, year, month, day) = (pair(0), pair(2), pair(5), pair(8));
    let (hour, minute, second) = (pair(11), pair(14), pair(17));
    let milli = pair(20) * 10 + digit(22);
    if !are_digits || marks != *b"--T::.Z" {
        return None;
    }
    let year = i32::try_from(century * 100 + year).ok()?;
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    Some(date.and_hms_milli_opt(hour, minute, second, milli)?.and_utc())
}

/// `None` for what the form has no place for: a year of other than four digits, a leap second.
pub(super) fn write<'b>(time: &Timestamp, buffer: &'b mut Exact) -> Option<&'b str> {
    let (date, time) = (time.naive_utc().date(), time.naive_utc().time());
    let year = u32::try_from(date.year()).ok().filter(|&year| year < 10_000)?;
    let milli = Some(time.nanosecond() / 1_000_000).filter(|&milli| milli < 1_000)?;
    let mut digit = |place: usize, number: u32| buffer[place] = b'0' + (number % 10) as u8;
    let mut pair = |place, number| {
        digit(place, number / 10);
        digit(place + 1, number);
    };
    pair(0, year / 100);
    pair(2, year);
    pair(5, date.month());
    pair(8, date.day());
    pair(11, time.hour());
    pair(14, time.minute());
    pair(17, time.second());
    pair(20, milli / 10);
    digit(22, milli);
    for (place, mark) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')] {
        buffer[place] = mark;
    }
    std::str::from_utf8(buffer).ok()
}
