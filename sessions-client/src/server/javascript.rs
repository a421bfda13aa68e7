//! JSON as JavaScript reads and writes it, and what its operators make of a value.
//!
//! The real service hands payloads through, but it holds them as JavaScript values on the way: numbers are
//! doubles, texts may hold half a surrogate pair, and keys that are array indices come before all others.
//! Numbers are put right where they are. But [`Value`] can hold neither an infinite number nor half a pair: where
//! there may be one, the text of the JSON is put right before `serde_json` reads it and, where there are halves, after
//! it has written it. That doubles are written as JavaScript does is the formatter's affair (`runtime/respond.rs`).
//!
//! What [`Value`] cannot hold travels behind [`ESCAPE`], which no other text contains: half a pair as a
//! character of a private area, an infinite number as a list of one such text. Both come out again as
//! JavaScript writes them. A JSON reader of our own was refused: the text alone is much less to get right.

use crate::runtime::{Members, Route};
use bytes::Bytes;
use memchr::{memchr, memchr2};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt::Write as _;

/// What is inexpressible follows. The character itself is no character, and is written twice where it comes in.
const ESCAPE: char = '\u{10FFFF}';

/// The first of its bytes, which few other characters have.
const LEAD: u8 = 0xF4;

/// Half a pair, as a character: its number from here on is that of the half from the first one on.
const HALVES: u32 = 0xF_0000;
const END_OF_HALVES: u32 = HALVES + 0x800;

const FIRST_HALF: u32 = 0xD800;

/// Reads the arguments for `route`, of which there are none in what is no object. Infinite numbers are for [`settle`],
/// [`infinite`] and [`text`] to tell.
pub(super) fn parse(json: &str, route: &Route) -> serde_json::Result<Members> {
    let mut members = read(json, |json| {
        if json.trim_ascii_start().starts_with('{') {
            return Members::read(json, route);
        }
        serde_json::from_str::<Value>(json).map(|_| Members::none(route))
    })?;
    members.values_mut().for_each(doubled);
    Ok(members)
}

/// What `read` makes of the JSON, or else of the JSON with nothing in it that [`Value`] cannot hold.
fn read<T>(json: &str, read: impl Fn(&str) -> serde_json::Result<T>) -> serde_json::Result<T> {
    let has_odd_texts = memchr2(b'\\', LEAD, json.as_bytes()).is_some();
    if !has_odd_texts && let Ok(value) = read(json) {
        return Ok(value);
    }
    read(&rewrite(json, |token| match token {
        Token::Number(number) => infinite_number(number),
        Token::Text(text) => incoming_text(text),
    }))
}

/// Makes a double of each number, whole where JavaScript writes it so.
fn doubled(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let is_exact = number.as_i64().is_some_and(|whole| whole.unsigned_abs() < 1 << 53);
            if !is_exact
                && let Some(whole) = number.as_f64().filter(|double| double.fract() == 0.0)
                && let Ok(written) = number_text(whole).parse()
            {
                *number = written;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(doubled),
        Value::Object(object) => object.values_mut().for_each(doubled),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The body of an answer as JavaScript writes it, but for its numbers: those the runtime writes so. It is sound JSON.
pub(super) fn written(body: Bytes) -> Bytes {
    if memchr(LEAD, &body).is_none() {
        return body;
    }
    let Ok(json) = std::str::from_utf8(&body) else { return body };
    let rewritten = rewrite(json, |token| match token {
        Token::Text(text) => outgoing_text(text),
        Token::Number(_) => None,
    });
    match rewritten {
        Cow::Borrowed(_) => body,
        Cow::Owned(rewritten) => rewritten.into(),
    }
}

/// What [`rewrite`] looks at.
enum Token<'j> {
    /// A run of the characters that numbers are made of.
    Number(&'j str),
    /// What is between two quotes.
    Text(&'j str),
}

/// The same JSON with what `replace` has for its numbers and texts. What is no JSON stays none.
fn rewrite<'j>(json: &'j str, replace: impl Fn(Token<'j>) -> Option<String>) -> Cow<'j, str> {
    let bytes = json.as_bytes();
    let mut rewritten = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        let (start, end, replaced) = match byte {
            b'"' => {
                let (start, end) = (at + 1, end_of_text(bytes, at + 1));
                (start, end, replace(Token::Text(&json[start..end])))
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
        // Past the closing quote.
        at = if byte == b'"' { end + 1 } else { end };
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    rewritten.push_str(&json[copied..]);
    Cow::Owned(rewritten)
}

/// Where the text that begins at `at` has its closing quote.
fn end_of_text(bytes: &[u8], mut at: usize) -> usize {
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

/// A number beyond all doubles, as a text that stands for it; nothing of any other.
fn infinite_number(number: &str) -> Option<String> {
    if !is_number(number) {
        return None;
    }
    let double: f64 = number.parse().ok()?;
    // In a list, since that cannot be taken for a key.
    double.is_infinite().then(|| format!("[\"{ESCAPE}{}\"]", if double > 0.0 { '+' } else { '-' }))
}

/// Whether the text is a number by the grammar of JSON, which is narrower than Rust's.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

/// What JavaScript writes for a number.
fn number_text(double: f64) -> String {
    ryu_js::Buffer::new().format(double).to_owned()
}

/// The text with its half pairs, and its escape characters, as characters.
fn incoming_text(text: &str) -> Option<String> {
    if !text.contains("\\u") && !text.contains(ESCAPE) {
        return None;
    }
    let (mut escaped, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(['\\', ESCAPE]) {
        escaped.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xDBFF), Some(0xDFFF)) => {
                escaped.extend([ESCAPE, ESCAPE]);
                12
            }
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => {
                escaped.push_str(&rest[..12]);
                12
            }
            (Some(half @ 0xD800..=0xDFFF), _) => {
                escaped.push(ESCAPE);
                escaped.extend(char::from_u32(HALVES + half - FIRST_HALF));
                6
            }
            _ if rest.starts_with(ESCAPE) => {
                escaped.extend([ESCAPE, ESCAPE]);
                ESCAPE.len_utf8()
            }
            // An escape of another kind, whose second character may be a backslash.
            _ => {
                let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                escaped.push_str(&rest[..length]);
                length
            }
        };
        rest = &rest[length..];
    }
    escaped.push_str(rest);
    Some(escaped).filter(|escaped| escaped != text)
}

/// The number of a `\u....` that the text begins with.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| all)
}

/// The way back of [`incoming_text`].
fn outgoing_text(text: &str) -> Option<String> {
    if !text.contains(ESCAPE) {
        return None;
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(ESCAPE) {
        plain.push_str(before);
        let mut following = after.chars();
        match following.next().map(u32::from) {
            Some(half @ HALVES..END_OF_HALVES) => {
                // A text takes all that is written to it.
                let _ = write!(plain, "\\u{:04x}", half - HALVES + FIRST_HALF);
                rest = following.as_str();
            }
            Some(escape) if escape == u32::from(ESCAPE) => {
                plain.push(ESCAPE);
                rest = following.as_str();
            }
            // It did not come in by `incoming_text`.
            _ => {
                plain.push(ESCAPE);
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    Some(plain)
}

/// Whether it is a number beyond all doubles, and whether that is a positive one.
pub(super) fn infinite(value: &Value) -> Option<bool> {
    let [Value::String(text)] = value.as_array()?.as_slice() else { return None };
    match text.strip_prefix(ESCAPE)? {
        "+" => Some(true),
        "-" => Some(false),
        _ => None,
    }
}

/// The value as JavaScript writes it again: indices come first among the keys, and what is infinite is `null`.
pub(super) fn settle(value: &mut Value) {
    if infinite(value).is_some() {
        *value = Value::Null;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::Object(object) => {
            object.values_mut().for_each(settle);
            if object.keys().any(|key| index(key).is_some()) {
                *object = indices_first(std::mem::take(object));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn indices_first(object: Map<String, Value>) -> Map<String, Value> {
    let (mut indices, others): (Vec<_>, Vec<_>) =
        object.into_iter().partition(|(key, _)| index(key).is_some());
    indices.sort_by_key(|(key, _)| index(key));
    indices.into_iter().chain(others).collect()
}

/// The key as an array index: a whole number below 2^32 - 1, written in the one usual way.
fn index(key: &str) -> Option<u32> {
    let usual = key == "0" || !key.starts_with(['0', '+']);
    key.parse().ok().filter(|&index| usual && index != u32::MAX)
}

/// Whether the value is taken for `false`.
pub(super) fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Bool(true) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// What `toString` makes of the value; nothing of `null`.
pub(super) fn text(value: &Value) -> Option<String> {
    match (value, infinite(value)) {
        (_, Some(true)) => Some("Infinity".to_owned()),
        (_, Some(false)) => Some("-Infinity".to_owned()),
        (Value::Null, _) => None,
        (Value::Bool(flag), _) => Some(flag.to_string()),
        (Value::Number(number), _) => number.as_f64().map(number_text),
        (Value::String(text), _) => Some(text.clone()),
        (Value::Array(items), _) => {
            let texts = items.iter().map(|item| text(item).unwrap_or_default());
            Some(texts.collect::<Vec<_>>().join(","))
        }
        (Value::Object(_), _) => Some("[object Object]".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{doubled, read, settle, text, written};
    use crate::runtime::to_json;
    use serde_json::Value;

    fn parse(json: &str) -> serde_json::Result<Value> {
        let mut value = read(json, |json| serde_json::from_str(json))?;
        doubled(&mut value);
        Ok(value)
    }

    /// What JavaScript writes that has read `json`.
    fn passed(json: &str) -> String {
        let mut value = parse(json).unwrap_or_else(|error| panic!("{json}: {error}"));
        settle(&mut value);
        String::from_utf8(written(to_json(&value).unwrap().into()).into()).unwrap()
    }

    #[test]
    fn numbers_are_written_as_the_doubles_that_they_were() {
        for (sent, kept) in [
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
            assert_eq!(passed(sent), kept, "{sent}");
        }
    }

    #[test]
    fn texts_keep_every_unit_of_theirs() {
        for (sent, kept) in [
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
            assert_eq!(passed(sent), kept, "{sent}");
        }
    }

    #[test]
    fn what_is_no_json_does_not_become_any() {
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
    fn keys_that_are_indices_come_first_and_the_others_keep_their_order() {
        let sent = r#"{"b":1,"a":2,"10":3,"2":4,"01":5,"+1":6,"-1":7,"0":8,"4294967295":9,"4294967294":10}"#;
        let kept = r#"{"0":8,"2":4,"10":3,"4294967294":10,"b":1,"a":2,"01":5,"+1":6,"-1":7,"4294967295":9}"#;
        assert_eq!(passed(sent), kept);
    }

    #[test]
    fn values_are_reached_however_deep_they_are() {
        assert_eq!(passed(r#"[{"a":[{"b":1.0,"1":2.0}]}]"#), r#"[{"a":[{"1":2,"b":1}]}]"#);
    }

    #[test]
    fn values_have_the_texts_of_javascript() {
        for (json, expected) in [
            ("1.0", "1"),
            ("1e21", "1e+21"),
            ("1e400", "Infinity"),
            ("-1e400", "-Infinity"),
            ("[1,[2,null],true,{}]", "1,2,,true,[object Object]"),
            ("[[]]", ""),
        ] {
            assert_eq!(text(&parse(json).unwrap()).as_deref(), Some(expected), "{json}");
        }
        assert_eq!(text(&parse("null").unwrap()), None);
    }
}
