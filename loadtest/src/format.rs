//! Numbers as people read them, and sentences where they read them.

use std::fmt::Display;
use std::io::{Write, stderr};

/// Tells people something while a run goes on. That nobody reads any more, as after `2> >(head -1)`, ends no run.
pub(crate) fn tell(what: impl Display) {
    let _ = writeln!(stderr(), "loadtest: {what}");
}

/// A number with commas between its thousands, as in goose's tables.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with what it counts.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A time, given in microseconds, with three digits and its unit.
pub(crate) fn micros(micros: f64) -> String {
    let (value, unit) = match micros {
        micros if micros < 1e3 => return format!("{micros:.0} µs"),
        micros if micros < 999_500.0 => (micros / 1e3, "ms"),
        micros => (micros / 1e6, "s"),
    };
    let decimals = match value {
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

/// A latency in microseconds, if there were calls.
pub(crate) fn latency(us: Option<u64>) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    us.map_or_else(|| "-".to_owned(), |us| micros(us as f64))
}

/// A number of percent, as exact as it needs to be.
pub(crate) fn percent(percent: f64) -> String {
    let decimals = if percent < 0.095 { 3 } else { 2 };
    let text = format!("{percent:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    // What happened once in a million calls has happened.
    if text == "0" && percent > 0.0 { "<0.001%".to_owned() } else { format!("{text}%") }
}

/// A change in percent, with its sign.
pub(crate) fn change(percent: f64) -> String {
    let whole = percent.round();
    if whole == 0.0 { "±0%".to_owned() } else { format!("{whole:+.0}%") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let numbers = [0, 999, 1_000, 12_345, 1_234_567];
        assert_eq!(numbers.map(count), ["0", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(counted(1, "mismatch", "mismatches"), "1 mismatch");
        assert_eq!(counted(0, "mismatch", "mismatches"), "0 mismatches");
    }

    #[test]
    fn times_have_three_digits_and_the_unit_that_suits_them() {
        for (time, shown) in [
            (0.0, "0 µs"),
            (640.4, "640 µs"),
            (1_234.0, "1.23 ms"),
            (9_999.0, "10.0 ms"),
            (50_250.0, "50.2 ms"),
            (123_456.0, "123 ms"),
            (999_900.0, "1.00 s"),
            (12_345_678.0, "12.3 s"),
            (300e6, "300 s"),
        ] {
            assert_eq!(micros(time), shown);
        }
    }

    #[test]
    fn percents_are_as_exact_as_they_need_to_be() {
        for (number, shown) in [
            (0.0, "0%"),
            (100.0, "100%"),
            (20.0, "20%"),
            (5.25, "5.25%"),
            (0.024, "0.024%"),
            (1e-7, "<0.001%"),
        ] {
            assert_eq!(percent(number), shown);
        }
        assert_eq!([12.4, -3.0, 0.2].map(change), ["+12%", "-3%", "±0%"]);
    }
}
