//! Path templates of routes: matching of received paths, and the check that a value can be read back.
//!
//! A template is split at `/`. A part of it is literal, `{name}`, `{*name}` for the rest of the path, or a
//! mixture of literals and placeholders, such as `{name}.json`.

use super::segments;
use memchr::memchr;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// The values of placeholders, by the names of the placeholders.
pub(super) type PathValues<'p> = Vec<(&'static str, Cow<'p, str>)>;

/// Returns the decoded values of the placeholders in the order of `template`, or `None` if `path` does not
/// match.
pub(super) fn match_path<'p>(template: &'static str, path: &'p str) -> Option<PathValues<'p>> {
    // Fast path: most templates without placeholders have no escapes either.
    let has = |path: &str, byte| memchr(byte, path.as_bytes()).is_some();
    if !has(template, b'{') && (path == template || !(has(path, b'%') || has(template, b'%'))) {
        return (path == template).then(Vec::new);
    }
    let mut values = Vec::new();
    let mut rest = Some(path);
    for expected in template.split('/') {
        let remaining = rest?;
        if let Some(name) = expected.strip_prefix("{*").and_then(|name| name.strip_suffix('}')) {
            let value = percent_decode_str(remaining).decode_utf8().ok()?;
            segments::check_rest(&value).ok()?;
            values.push((name, value));
            return Some(values);
        }
        let (segment, after) = match remaining.split_once('/') {
            Some((segment, after)) => (segment, Some(after)),
            None => (remaining, None),
        };
        rest = after;
        match placeholder(expected) {
            Some(name) => {
                // No client sends an empty value, and `/things/` does not match `/things/{id}`.
                let value =
                    percent_decode_str(segment).decode_utf8().ok().filter(|value| !value.is_empty())?;
                values.push((name, value));
            }
            None if has(expected, b'{') => match_parts(expected, segment, &mut values)?,
            None if percent_decode_str(expected).eq(percent_decode_str(segment)) => {}
            None => return None,
        }
    }
    rest.is_none().then_some(values)
}

/// Returns the name of the placeholder, if the whole segment of a template is one.
fn placeholder(segment: &'static str) -> Option<&'static str> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    memchr(b'{', name.as_bytes()).is_none().then_some(name)
}

/// Appends the values of the placeholders in one segment.
///
/// A literal between two placeholders ends the first value at its first occurrence, except at the start,
/// because no value is empty.
fn match_parts(expected: &'static str, segment: &str, values: &mut PathValues<'_>) -> Option<()> {
    let mut rest = &units(segment)[..];
    let (first, mut parts) = expected.split_once('{')?;
    rest = rest.strip_prefix(&units(first)[..])?;
    loop {
        let (name, after) = parts.split_once('}')?;
        let (literal, next) = match after.split_once('{') {
            Some((literal, next)) => (literal, Some(next)),
            None => (after, None),
        };
        let literal = units(literal);
        let end = match next {
            Some(_) => find(rest, &literal)?,
            None => rest.len().checked_sub(literal.len()).filter(|&end| rest[end..] == literal[..])?,
        };
        if end == 0 {
            return None;
        }
        values.push((name, Cow::Owned(decoded(&rest[..end])?)));
        rest = &rest[end + literal.len()..];
        match next {
            Some(next) => parts = next,
            None => return Some(()),
        }
    }
}

/// Returns whether `value`, followed by `literal` and another value, can be read back.
pub(super) fn ends_at(value: &str, literal: &str) -> bool {
    let (value, literal) = (units_of_value(value), units(literal));
    find(&[&value[..], &literal].concat(), &literal) == Some(value.len())
}

/// Characters that RFC 3986 reserves: an escape of one differs from the character itself.
const RESERVED: &[u8] = b"!#$&'()*+,/:;=?@[]";

/// The mark of a reserved character that was escaped.
const ESCAPED: u16 = 0x100;

/// Decodes a segment, with a mark at each reserved character that was escaped.
fn units(segment: &str) -> Vec<u16> {
    let bytes = segment.as_bytes();
    let hex = |at: usize| char::from(*bytes.get(at)?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut units = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%').then(|| Some(hex(at + 1)? << 4 | hex(at + 2)?)).flatten();
        units.push(escaped.map_or(u16::from(byte), unit_of_escaped));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    units
}

/// Returns the units of a value, in which a client escapes all reserved characters.
fn units_of_value(value: &str) -> Vec<u16> {
    value.bytes().map(unit_of_escaped).collect()
}

fn unit_of_escaped(byte: u8) -> u16 {
    u16::from(byte) | if RESERVED.contains(&byte) { ESCAPED } else { 0 }
}

fn decoded(units: &[u16]) -> Option<String> {
    let bytes = units.iter().map(|unit| u8::try_from(unit & !ESCAPED).ok());
    String::from_utf8(bytes.collect::<Option<_>>()?).ok()
}

/// Returns the first index of `needle` after the start.
fn find(haystack: &[u16], needle: &[u16]) -> Option<usize> {
    (1..haystack.len()).find(|&at| haystack[at..].starts_with(needle))
}

#[cfg(test)]
mod tests {
    use super::match_path;

    #[test]
    fn a_path_matches_its_template_verbatim_or_decoded() {
        for (template, path) in [
            ("/a", "/a"),
            ("/a b", "/a%20b"),
            ("/caf%C3%A9", "/caf\u{e9}"),
            ("/a%20b", "/%61%20b"),
            // Not UTF-8, but verbatim equal.
            ("/a%FF", "/a%FF"),
        ] {
            assert!(match_path(template, path).is_some_and(|values| values.is_empty()), "{template} {path}");
        }
        for (template, path) in [("/a", "/b"), ("/a", "/a/"), ("/{a}", "/"), ("/a%FF", "/a%FE")] {
            assert_eq!(match_path(template, path), None, "{template} {path}");
        }
        let [(name, value)] = &match_path("/{a}", "/%7Ba%7D").unwrap()[..] else { panic!("one value") };
        assert_eq!((*name, &**value), ("a", "{a}"));
    }

    fn values(template: &'static str, path: &str) -> Option<Vec<String>> {
        let values = match_path(template, path)?;
        Some(values.into_iter().map(|(_, value)| value.into_owned()).collect())
    }

    #[test]
    fn parts_of_a_segment_are_values() {
        for (template, path, expected) in [
            ("/{a}.json", "/x.json", &["x"][..]),
            ("/{a}.json", "/x.json.json", &["x.json"]),
            ("/{a}.json", "/x%2ejson", &["x"]),
            ("/v{a}", "/v1.2", &["1.2"]),
            ("/{a}:cancel", "/7:cancel", &["7"]),
            ("/{a}:cancel", "/7%3Acancel:cancel", &["7:cancel"]),
            ("/{a}...{b}", "/main...topic", &["main", "topic"]),
            ("/{a}...{b}", "/main...a...b", &["main", "a...b"]),
            ("/{a}...{b}", "/....x", &[".", "x"]),
            ("/{a}.{b}.json/c", "/x.y.z.json/c", &["x", "y.z"]),
            ("/{a}%20{b}", "/x%20y", &["x", "y"]),
            ("/{a}@{b}", "/%40%2F@%C3%BC", &["@/", "ü"]),
            ("/{a}4{b}", "/%41%344x", &["A", "4x"]),
        ] {
            assert_eq!(
                values(template, path).as_deref(),
                Some(&expected.iter().map(ToString::to_string).collect::<Vec<_>>()[..]),
                "{template} {path}"
            );
        }
        for (template, path) in [
            ("/{a}.json", "/.json"),
            ("/{a}.json", "/x.xml"),
            ("/{a}.json", "/json"),
            ("/v{a}", "/v"),
            ("/v{a}", "/w1"),
            ("/{a}:cancel", "/7%3Acancel"),
            ("/{a}:cancel", "/7:cancel/x"),
            ("/{a}...{b}", "/main..topic"),
            ("/{a}...{b}", "/...topic"),
            ("/{a}...{b}", "/main..."),
            ("/{a}.json", "/%FF.json"),
        ] {
            assert_eq!(match_path(template, path), None, "{template} {path}");
        }
    }

    #[test]
    fn the_rest_of_a_path_is_one_value_without_dot_segments() {
        for (path, expected) in [
            ("/f/a", "a"),
            ("/f/a/b", "a/b"),
            ("/f/a/", "a/"),
            ("/f/a%2Fb/c%20d", "a/b/c d"),
            ("/f/..a/.b", "..a/.b"),
        ] {
            assert_eq!(values("/f/{*rest}", path).as_deref(), Some(&[expected.to_owned()][..]), "{path}");
        }
        for path in [
            "/f",
            "/f/",
            "/f//",
            "/f/a//b",
            "/f/..",
            "/f/a/../b",
            "/f/%2e%2e/a",
            "/f/a%2F..%2Fb",
            "/g/a",
            "/f/%FF",
        ] {
            assert_eq!(match_path("/f/{*rest}", path), None, "{path}");
        }
    }
}
