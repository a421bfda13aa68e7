//! The check that a value in a path cannot lead to another path.

use std::borrow::Cow;

const EMPTY: &str = "is empty, which is not allowed in a path";

const LEADS_ELSEWHERE: &str = "has a segment that is `.`, `..` or empty, which a proxy could resolve to another path: \
                               remove it, since no escape of it is safe";

const CONTROL: &str = "has a control character, which proxies remove or end at, so that a segment could become `.`, \
                       `..` or empty: remove it";

const PARAMETERS: &str = "has a segment that is `.`, `..` or empty before `;`, `?` or `#`, which a proxy could resolve to \
                          another path: remove it, since no escape of it is safe";

const BACKSLASH: &str =
    "has a backslash, which proxies read as `/`, next to a segment that is `.`, `..` or empty: remove it";

const SPACES: &str =
    "has a segment that is `.`, `..` or empty without its spaces, which proxies could remove: remove it";

const NOT_UTF8: &str =
    "has `%` escapes that do not decode to UTF-8, which proxies read differently: remove them";

/// Checks that `value` stays below the path in front of it, whatever a proxy decodes and resolves.
///
/// Decoding never removes a separator or joins two segments, so the fully decoded value has every segment
/// that a proxy could find after decoding once or twice.
pub(super) fn check(value: &str) -> Result<(), &'static str> {
    if value.is_empty() {
        return Err(EMPTY);
    }
    let (decoded, had_line_breaks) = fully_decoded(value);
    if std::str::from_utf8(&decoded).is_err() {
        return Err(NOT_UTF8);
    }
    let Some(segment) = segment_elsewhere(&decoded, b"/\\") else { return Ok(()) };
    Err(if segment.iter().any(u8::is_ascii_control) || had_line_breaks {
        CONTROL
    } else if segment_elsewhere(&decoded, b"/").is_none() {
        BACKSLASH
    } else if segment.iter().any(|byte| b";?#".contains(byte)) {
        PARAMETERS
    } else if segment.contains(&b' ') {
        SPACES
    } else {
        LEADS_ELSEWHERE
    })
}

/// Returns the first segment that leads to another path, in a decoded value with these separators.
fn segment_elsewhere<'v>(decoded: &'v [u8], separators: &[u8]) -> Option<&'v [u8]> {
    let mut segments = decoded.split(|byte| separators.contains(byte)).peekable();
    let mut is_first = true;
    while let Some(segment) = segments.next() {
        let is_at_an_edge = std::mem::replace(&mut is_first, false) || segments.peek().is_none();
        // An empty segment inside, as of `https://`, only merges two slashes.
        if (is_at_an_edge || !segment.is_empty()) && leads_elsewhere(segment) {
            return Some(segment);
        }
    }
    None
}

/// Checks a value for the rest of a path, in which slashes separate segments. A slash at its end, as of a
/// folder, is kept.
pub(super) fn check_rest(value: &str) -> Result<(), &'static str> {
    if value.is_empty() {
        return Err(EMPTY);
    }
    let mut segments = value.strip_suffix('/').unwrap_or(value).split('/');
    segments.try_for_each(|segment| if segment.is_empty() { Err(LEADS_ELSEWHERE) } else { check(segment) })
}

/// Returns whether a segment is empty, `.` or `..` after removing its parameters and the characters that
/// parsers drop.
fn leads_elsewhere(segment: &[u8]) -> bool {
    let path = segment.iter().take_while(|byte| !matches!(byte, b';' | b'?' | b'#' | 0));
    let mut kept = path.filter(|byte| !byte.is_ascii_control() && **byte != b' ');
    matches!(
        (kept.next(), kept.next(), kept.next()),
        (None, _, _) | (Some(b'.'), None, _) | (Some(b'.'), Some(b'.'), None)
    )
}

/// Returns the value with its escapes decoded until none is left, without tabs and line breaks, which URL parsers
/// remove, and whether it had any of these.
///
/// One pass is enough: two escapes never overlap, so an escape can only be completed by the byte that was
/// written last.
fn fully_decoded(value: &str) -> (Cow<'_, [u8]>, bool) {
    let bytes = value.as_bytes();
    if !bytes.iter().any(|byte| matches!(byte, b'%' | b'\t' | b'\n' | b'\r')) {
        return (Cow::Borrowed(bytes), false);
    }
    let mut had_line_breaks = false;
    let mut decoded = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        decoded.push(byte);
        while let [.., b'%', high, low] = decoded[..]
            && let (Some(high), Some(low)) = (hex(high), hex(low))
        {
            decoded.truncate(decoded.len() - 3);
            decoded.push(high << 4 | low);
        }
        if let Some(b'\t' | b'\n' | b'\r') = decoded.last() {
            decoded.pop();
            had_line_breaks = true;
        }
    }
    (Cow::Owned(decoded), had_line_breaks)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
