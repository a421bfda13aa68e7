//! JSON as JavaScript parses and writes it, and JavaScript's conversions of values.
//!
//! The real service passes payloads on, but as JavaScript values in between: numbers are doubles, strings may
//! contain lone surrogates, and keys that are array indices come before all others. [`round_to_doubles`] and
//! [`normalize`] do the same with a [`Value`], and `value.rs` writes doubles like JavaScript.
//!
//! A [`Value`] can contain neither infinite numbers nor lone surrogates. JSON that may have them is rewritten
//! before it is parsed, and again after it was written:
//!
//! - A lone surrogate is [`ESCAPE`] and a character of a private-use area.
//! - An infinite number is a list of one string that begins with [`ESCAPE`].
//! - [`ESCAPE`] itself is doubled, so that a single one always introduces an escape.
//!
//! Rejected alternative: a custom JSON parser, because rewriting the JSON is much less code.

use crate::arguments::Arguments;
use crate::value::{Map, Value};
use bytes::Bytes;
use memchr::{memchr, memchr2};
use std::borrow::Cow;
use std::fmt::Write as _;
use wiretrait::Route;

/// The escape character, a noncharacter of Unicode.
const ESCAPE: char = '\u{10FFFF}';

/// The first byte of [`ESCAPE`] in UTF-8, which few other characters have.
const ESCAPE_LEAD: u8 = 0xF4;

/// The private-use characters that represent the surrogates, in the same order.
const ESCAPED_SURROGATES: u32 = 0xF_0000;
const ESCAPED_SURROGATES_END: u32 = ESCAPED_SURROGATES + 0x800;

const FIRST_SURROGATE: u32 = 0xD800;

/// Parses the arguments for `route`; a value that is not an object has none. Infinite numbers stay escaped:
/// see [`as_infinity`].
pub(super) fn parse(json: &str, route: &Route) -> serde_json::Result<Arguments> {
    let mut arguments = parse_escaped(json, |json| {
        if json.trim_ascii_start().starts_with('{') {
            return Arguments::parse(json, route);
        }
        serde_json::from_str::<Value>(json).map(|_| Arguments::none(route))
    })?;
    arguments.values_mut().for_each(round_to_doubles);
    Ok(arguments)
}

/// Calls `parse` with the JSON, or with the JSON in which everything is escaped that a [`Value`] cannot
/// contain.
fn parse_escaped<T>(json: &str, parse: impl Fn(&str) -> serde_json::Result<T>) -> serde_json::Result<T> {
    let may_need_escapes = memchr2(b'\\', ESCAPE_LEAD, json.as_bytes()).is_some();
    if !may_need_escapes && let Ok(value) = parse(json) {
        return Ok(value);
    }
    parse(&rewrite(json, |token| match token {
        Token::Number(number) => escape_infinity(number),
        Token::String(string) => escape_string(string),
    }))
}

/// Rounds each number to a double. One that JavaScript writes without a fraction or exponent becomes an
/// integer.
fn round_to_doubles(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let is_exact = number.as_i64().is_some_and(|whole| whole.unsigned_abs() < 1 << 53);
            if !is_exact
                && let Some(whole) = number.as_f64().filter(|double| double.fract() == 0.0)
                && let Ok(written) = number_to_string(whole).parse()
            {
                *number = written;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(round_to_doubles),
        Value::Object(object) => object.values_mut().for_each(round_to_doubles),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Returns the body of a response, which is valid JSON, with its lone surrogates restored.
pub(super) fn restore_surrogates(body: Bytes) -> Bytes {
    if memchr(ESCAPE_LEAD, &body).is_none() {
        return body;
    }
    let Ok(json) = std::str::from_utf8(&body) else { return body };
    match restore_surrogates_in(json) {
        Cow::Borrowed(_) => body,
        Cow::Owned(restored) => restored.into(),
    }
}

/// Returns a part of a response, which is valid JSON, with its lone surrogates restored.
pub(super) fn restore_surrogates_in(json: &str) -> Cow<'_, str> {
    rewrite(json, |token| match token {
        Token::String(string) => unescape_string(string),
        Token::Number(_) => None,
    })
}

/// Returns a string of a response, in which a lone surrogate is a replacement character, for formats other than JSON.
#[cfg(feature = "grpc")]
pub(super) fn replace_surrogates(string: String) -> String {
    if !string.contains(ESCAPE) {
        return string;
    }
    let mut chars = string.chars();
    let mut plain = String::with_capacity(string.len());
    while let Some(char) = chars.next() {
        if char != ESCAPE {
            plain.push(char);
            continue;
        }
        // After the escape character is either itself or the character of a surrogate.
        plain.push(if chars.next() == Some(ESCAPE) { ESCAPE } else { char::REPLACEMENT_CHARACTER });
    }
    plain
}

/// Returns the body of a response with its doubles in the format of JavaScript: `1` for `1.0`.
pub(super) fn format_doubles(body: Bytes) -> Bytes {
    let Ok(json) = std::str::from_utf8(&body) else { return body };
    let rewritten = rewrite(json, |token| match token {
        Token::Number(number) if number.contains(['.', 'e', 'E']) => {
            number.parse().ok().map(number_to_string)
        }
        Token::Number(_) | Token::String(_) => None,
    });
    match rewritten {
        Cow::Borrowed(_) => body,
        Cow::Owned(rewritten) => rewritten.into(),
    }
}

/// A token that [`rewrite`] may replace.
enum Token<'j> {
    /// A run of characters that occur in numbers.
    Number(&'j str),
    /// The characters between two quotes.
    String(&'j str),
}

/// Returns the JSON with the replacements of `replace` for its numbers and strings. Invalid JSON stays
/// invalid.
fn rewrite<'j>(json: &'j str, replace: impl Fn(Token<'j>) -> Option<String>) -> Cow<'j, str> {
    let bytes = json.as_bytes();
    let mut rewritten = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        let (start, end, replaced) = match byte {
            b'"' => {
                let (start, end) = (at + 1, end_of_string(bytes, at + 1));
                (start, end, replace(Token::String(&json[start..end])))
            }
            b'-' | b'0'..=b'9' => {
                let end = bytes[at..].iter().position(|byte| !is_numeric(*byte));
                let end = end.map_or(bytes.len(), |length| at + length);
                (at, end, replace(Token::Number(&json[at..end])))
            }
            _ => {
                at += 1;
                continue;
            }
        };
        if let Some(replaced) = replaced {
            rewritten.push_str(&json[copied..start]);
            rewritten.push_str(&replaced);
            copied = end;
        }
        // Skips the closing quote.
        at = if byte == b'"' { end + 1 } else { end };
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    rewritten.push_str(&json[copied..]);
    Cow::Owned(rewritten)
}

/// Returns the offset of the closing quote of the string that starts at `at`.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return at;
        }
        at += 2;
    }
    bytes.len()
}

fn is_numeric(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')
}

/// Returns the escaped form of a number that is infinite as a double, or `None` for any other.
fn escape_infinity(number: &str) -> Option<String> {
    if !is_number(number) {
        return None;
    }
    let double: f64 = number.parse().ok()?;
    // In a list, so that it is not valid as a key.
    double.is_infinite().then(|| format!("[\"{ESCAPE}{}\"]", if double > 0.0 { '+' } else { '-' }))
}

/// Returns whether the string is a number by the grammar of JSON, which is stricter than Rust's.
fn is_number(string: &str) -> bool {
    let unsigned = string.strip_prefix('-').unwrap_or(string);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

/// Formats a number like JavaScript.
fn number_to_string(double: f64) -> String {
    ryu_js::Buffer::new().format(double).to_owned()
}

/// Escapes the lone surrogates and escape characters of a string in JSON, or returns `None` if it has
/// neither.
fn escape_string(string: &str) -> Option<String> {
    if !string.contains("\\u") && !string.contains(ESCAPE) {
        return None;
    }
    let (mut escaped, mut rest) = (String::with_capacity(string.len()), string);
    while let Some(at) = rest.find(['\\', ESCAPE]) {
        escaped.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match (utf16_unit(rest), rest.get(6..).and_then(utf16_unit)) {
            (Some(0xDBFF), Some(0xDFFF)) => {
                escaped.extend([ESCAPE, ESCAPE]);
                12
            }
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => {
                escaped.push_str(&rest[..12]);
                12
            }
            (Some(surrogate @ 0xD800..=0xDFFF), _) => {
                escaped.push(ESCAPE);
                escaped.extend(char::from_u32(ESCAPED_SURROGATES + surrogate - FIRST_SURROGATE));
                6
            }
            _ if rest.starts_with(ESCAPE) => {
                escaped.extend([ESCAPE, ESCAPE]);
                ESCAPE.len_utf8()
            }
            // Another escape sequence, whose second character may be a backslash.
            _ => {
                let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                escaped.push_str(&rest[..length]);
                length
            }
        };
        rest = &rest[length..];
    }
    escaped.push_str(rest);
    Some(escaped).filter(|escaped| escaped != string)
}

/// Returns the UTF-16 code unit of the `\u....` at the start of a string.
fn utf16_unit(string: &str) -> Option<u32> {
    let digits = string.strip_prefix("\\u")?.get(..4)?;
    let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| all)
}

/// Reverts [`escape_string`], or returns `None` if there is nothing to revert.
fn unescape_string(string: &str) -> Option<String> {
    if !string.contains(ESCAPE) {
        return None;
    }
    let mut plain = String::with_capacity(string.len());
    let mut rest = string;
    while let Some((before, after)) = rest.split_once(ESCAPE) {
        plain.push_str(before);
        let mut following = after.chars();
        match following.next().map(u32::from) {
            Some(surrogate @ ESCAPED_SURROGATES..ESCAPED_SURROGATES_END) => {
                // Writing to a string never fails.
                let _ = write!(plain, "\\u{:04x}", surrogate - ESCAPED_SURROGATES + FIRST_SURROGATE);
                rest = following.as_str();
            }
            Some(escape) if escape == u32::from(ESCAPE) => {
                plain.push(ESCAPE);
                rest = following.as_str();
            }
            // Not from `escape_string`.
            _ => {
                plain.push(ESCAPE);
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    Some(plain)
}

/// Returns an escaped infinite number, or `None` for any other value.
pub(super) fn as_infinity(value: &Value) -> Option<f64> {
    let [Value::String(string)] = value.as_array()? else { return None };
    match string.strip_prefix(ESCAPE)? {
        "+" => Some(f64::INFINITY),
        "-" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Changes the value to what JavaScript writes for it: array indices come first among keys, and infinite
/// numbers are `null`.
pub(super) fn normalize(value: &mut Value) {
    if as_infinity(value).is_some() {
        *value = Value::Null;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(normalize),
        Value::Object(object) => {
            object.values_mut().for_each(normalize);
            if object.keys().any(|key| array_index(key).is_some()) {
                *object = indices_first(std::mem::take(object));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn indices_first(object: Map) -> Map {
    let (mut indices, others): (Vec<_>, Vec<_>) =
        object.into_iter().partition(|(key, _)| array_index(key).is_some());
    indices.sort_by_key(|(key, _)| array_index(key));
    indices.into_iter().chain(others).collect()
}

/// Returns the key as an array index: an integer below 2^32 - 1 in its canonical form.
fn array_index(key: &str) -> Option<u32> {
    let is_canonical = key == "0" || !key.starts_with(['0', '+']);
    key.parse().ok().filter(|&index| is_canonical && index != u32::MAX)
}

/// Returns whether the value is falsy in JavaScript.
pub(super) fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(string) => string.is_empty(),
        Value::Bool(true) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Returns the result of `toString`, or `None` for `null`.
pub(super) fn to_js_string(value: &Value) -> Option<String> {
    if let Some(infinity) = as_infinity(value) {
        return Some(number_to_string(infinity));
    }
    match value {
        Value::Null => None,
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => number.as_f64().map(number_to_string),
        Value::String(string) => Some(string.clone()),
        Value::Array(items) => {
            let strings = items.iter().map(|item| to_js_string(item).unwrap_or_default());
            Some(strings.collect::<Vec<_>>().join(","))
        }
        Value::Object(_) => Some("[object Object]".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{normalize, parse_escaped, restore_surrogates, round_to_doubles, to_js_string};
    use crate::value::Value;

    fn parse(json: &str) -> serde_json::Result<Value> {
        let mut value = parse_escaped(json, |json| serde_json::from_str(json))?;
        round_to_doubles(&mut value);
        Ok(value)
    }

    /// Returns the JSON that JavaScript writes after parsing `json`.
    fn round_trip(json: &str) -> String {
        let mut value = parse(json).unwrap_or_else(|error| panic!("{json}: {error}"));
        normalize(&mut value);
        let mut json = Vec::new();
        value.write(&mut json);
        String::from_utf8(restore_surrogates(json.into()).into()).unwrap()
    }

    #[test]
    fn numbers_are_rounded_to_doubles() {
        for (sent, stored) in [
            ("1.0", "1"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("-1.50", "-1.5"),
            ("0.1", "0.1"),
            ("0.000001", "0.000001"),
            ("1.5e-6", "0.0000015"),
            ("1e-7", "1e-7"),
            ("5e-324", "5e-324"),
            ("1e-400", "0"),
            ("1e3", "1000"),
            ("1E+3", "1000"),
            ("9007199254740993", "9007199254740992"),
            ("-9007199254740993", "-9007199254740992"),
            ("12345678901234567890", "12345678901234567000"),
            ("18446744073709551616", "18446744073709552000"),
            ("-18446744073709551616", "-18446744073709552000"),
            ("123456789012345678901", "123456789012345680000"),
            ("999999999999999999999", "1e+21"),
            ("1e20", "100000000000000000000"),
            ("1e21", "1e+21"),
            ("1e30", "1e+30"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("1e400", "null"),
            ("[-1e400,1]", "[null,1]"),
        ] {
            assert_eq!(round_trip(sent), stored, "{sent}");
        }
    }

    #[test]
    fn strings_keep_all_utf16_units() {
        for (sent, stored) in [
            (r#""\ud800""#, r#""\ud800""#),
            (r#""a\uDFFFb""#, r#""a\udfffb""#),
            (r#""\ud83d\ude00""#, "\"\u{1f600}\""),
            (r#""\ude00\ud83d""#, r#""\ude00\ud83d""#),
            (r#""\ud83d\ud83d\ude00""#, "\"\\ud83d\u{1f600}\""),
            (r#""\\ud800""#, r#""\\ud800""#),
            (r#""\\\ud800""#, r#""\\\ud800""#),
            (r#""\udbff\udfff""#, "\"\u{10ffff}\""),
            ("\"\u{10ffff}\u{f0000}\"", "\"\u{10ffff}\u{f0000}\""),
            ("[\"\u{10ffff}+\"]", "[\"\u{10ffff}+\"]"),
            (r#"{"\ud800":"\u0041\/\u2028\u007f\u001F"}"#, "{\"\\ud800\":\"A/\u{2028}\u{7f}\\u001f\"}"),
            (r#""1.0 1e400""#, r#""1.0 1e400""#),
            (r#""\"1.0\" \\""#, r#""\"1.0\" \\""#),
        ] {
            assert_eq!(round_trip(sent), stored, "{sent}");
        }
    }

    #[test]
    fn invalid_json_stays_invalid() {
        for json in [
            "01",
            "1.",
            ".5",
            "+1",
            "-",
            "1e",
            "1e+",
            "--1",
            "1.0.0",
            "00e400",
            "{1e400:1}",
            "1e400 1",
            "\"\\ud80\"",
            "\"\\u+800\"",
            "\"\\",
            "\"1.0",
            "\"\\ud800",
            "NaN",
            "\u{feff}1",
        ] {
            assert!(parse(json).is_err(), "{json}");
        }
    }

    #[test]
    fn array_indices_come_first_and_other_keys_keep_their_order() {
        let sent = r#"{"b":1,"a":2,"10":3,"2":4,"01":5,"+1":6,"-1":7,"0":8,"4294967295":9,"4294967294":10}"#;
        let stored =
            r#"{"0":8,"2":4,"10":3,"4294967294":10,"b":1,"a":2,"01":5,"+1":6,"-1":7,"4294967295":9}"#;
        assert_eq!(round_trip(sent), stored);
    }

    #[test]
    fn nested_values_are_normalized() {
        assert_eq!(round_trip(r#"[{"a":[{"b":1.0,"1":2.0}]}]"#), r#"[{"a":[{"1":2,"b":1}]}]"#);
    }

    #[test]
    fn values_are_converted_to_strings_like_in_javascript() {
        for (json, expected) in [
            ("1.0", "1"),
            ("1e21", "1e+21"),
            ("1e400", "Infinity"),
            ("-1e400", "-Infinity"),
            ("[1,[2,null],true,{}]", "1,2,,true,[object Object]"),
            ("[[]]", ""),
        ] {
            assert_eq!(to_js_string(&parse(json).unwrap()).as_deref(), Some(expected), "{json}");
        }
        assert_eq!(to_js_string(&parse("null").unwrap()), None);
    }
}
