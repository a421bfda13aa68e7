//! Request headers as Node.js passes them to a service: one string for each name, and numbers as JavaScript reads them.

use http::header::{AsHeaderName, HeaderMap, HeaderValue};
use std::borrow::Cow;

/// Returns the value of a header, or `None` if it is absent or empty, which JavaScript does not distinguish.
/// Several values are joined.
pub(super) fn header_value(headers: &HeaderMap, name: impl AsHeaderName) -> Option<Cow<'_, str>> {
    let mut values = headers.get_all(name).iter();
    let first = latin1(values.next()?);
    let joined = values.fold(first, |joined, next| Cow::Owned(format!("{joined}, {}", latin1(next))));
    Some(joined).filter(|value| !value.is_empty())
}

/// Decodes every byte of a header as one character.
fn latin1(value: &HeaderValue) -> Cow<'_, str> {
    match value.to_str() {
        Ok(ascii) => Cow::Borrowed(ascii),
        Err(_) => Cow::Owned(value.as_bytes().iter().copied().map(char::from).collect()),
    }
}

/// Returns the number at the start of a string, or NaN, like `parseFloat` of JavaScript.
pub(super) fn leading_number(string: &str) -> f64 {
    let string = string.trim_start();
    let (sign, unsigned) = match string.strip_prefix('-') {
        Some(unsigned) => (-1.0, unsigned),
        None => (1.0, string.strip_prefix('+').unwrap_or(string)),
    };
    if unsigned.starts_with("Infinity") {
        return sign * f64::INFINITY;
    }
    let end =
        string.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-' | 'e' | 'E')).unwrap_or(string.len());
    (1..=end).rev().find_map(|end| string[..end].parse().ok()).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::{header_value, leading_number};
    use http::header::{HeaderMap, HeaderValue, IF_MATCH};

    #[test]
    fn headers_of_one_name_are_joined_and_bytes_are_characters() {
        let mut headers = HeaderMap::new();
        assert_eq!(header_value(&headers, IF_MATCH), None);
        headers.append(IF_MATCH, HeaderValue::from_static(""));
        assert_eq!(header_value(&headers, IF_MATCH), None);
        headers.append(IF_MATCH, HeaderValue::from_bytes(b"\xe9").unwrap());
        assert_eq!(header_value(&headers, IF_MATCH).as_deref(), Some(", \u{e9}"));
    }

    #[test]
    fn a_number_ends_where_javascript_stops_to_parse_it() {
        for (string, number) in [
            (" 0.5", 0.5),
            (".5x", 0.5),
            ("1.", 1.0),
            ("+1e-1;", 0.1),
            ("0x1", 0.0),
            ("1e", 1.0),
            ("-Infinity", f64::NEG_INFINITY),
            ("Infinity and more", f64::INFINITY),
        ] {
            assert_eq!(leading_number(string).to_bits(), f64::to_bits(number), "{string}");
        }
        for string in ["", "x", "inf", "NaN", "-", "."] {
            assert!(leading_number(string).is_nan(), "{string}");
        }
    }
}
