//! Numbers formatted for people.

/// A number with commas between its thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut formatted = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            formatted.push(',');
        }
        formatted.push(digit);
    }
    formatted
}

/// A number followed by its noun in the singular or plural.
pub(crate) fn counted(number: u64, singular: &str, plural: &str) -> String {
    format!("{} {}", count(number), if number == 1 { singular } else { plural })
}

/// A time in microseconds, with three digits and its unit.
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

/// A latency in microseconds, or `-` without calls.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(crate) fn latency(us: Option<u64>) -> String {
    us.map_or_else(|| "-".to_owned(), |us| micros(us as f64))
}

/// A rate for tables, or `-` if the run had no duration.
pub(crate) fn rate(rate: Option<f64>) -> String {
    match rate {
        None => "-".to_owned(),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate of calls")]
        Some(rate) if rate >= 1_000.0 => count(rate.round() as u64),
        Some(rate) => format!("{rate:.1}"),
    }
}

/// A percentage with two decimals, or three below 0.1%.
pub(crate) fn percent(percent: f64) -> String {
    let decimals = if percent < 0.095 { 3 } else { 2 };
    let number = format!("{percent:.decimals$}");
    let number =
        if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { &number };
    // One failure in a million calls must not be shown as 0%.
    if number == "0" && percent > 0.0 { "<0.001%".to_owned() } else { format!("{number}%") }
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
    fn thousands_are_separated() {
        let numbers = [0, 999, 1_000, 12_345, 1_234_567];
        assert_eq!(numbers.map(count), ["0", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn nouns_agree_with_their_number() {
        assert_eq!(counted(1, "mismatch", "mismatches"), "1 mismatch");
        assert_eq!(counted(0, "mismatch", "mismatches"), "0 mismatches");
    }

    #[test]
    fn times_have_three_digits_and_a_suitable_unit() {
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
    fn percentages_have_as_many_decimals_as_needed() {
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
