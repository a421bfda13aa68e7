//! Content negotiation by `Accept`.

use crate::request_headers::{header_value, leading_number};
use http::header::{ACCEPT, HeaderMap};
use std::cmp::Ordering;

/// The media types that the service claims to support. Responses are JSON, whichever the client accepts.
pub(super) const MEDIA_TYPES: [&str; 4] =
    ["application/json", "text/plain", "application/octet-stream", "application/javascript"];

/// Returns whether the client accepts any of [`MEDIA_TYPES`]. An absent or empty header accepts all.
pub(super) fn is_acceptable(headers: &HeaderMap) -> bool {
    let Some(first) = headers.get(ACCEPT) else { return true };
    // A shortcut for nearly all clients.
    if *first == MEDIA_TYPES[0] && headers.get_all(ACCEPT).iter().nth(1).is_none() {
        return true;
    }
    let Some(accept) = header_value(headers, ACCEPT) else { return true };
    let ranges: Vec<Range<'_>> = quoted_split(&accept, ',').filter_map(Range::parse).collect();
    MEDIA_TYPES.iter().any(|media_type| weight(media_type, &ranges) > 0.0)
}

/// Splits a header value at separators that are not within quotes. Without a closing quote, the rest is one
/// part. Like the service, it does not know escapes: a backslash is an ordinary character.
fn quoted_split(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    value.split(move |c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
}

/// Returns a value without its quotes, if it has both.
fn unquoted(value: &str) -> &str {
    match value.strip_prefix('"') {
        // A lone quote is both the first and the last character.
        Some("") => "",
        Some(rest) => rest.strip_suffix('"').unwrap_or(value),
        None => value,
    }
}

/// Returns the weight of the most specific range that includes the media type, or zero.
fn weight(media_type: &str, ranges: &[Range<'_>]) -> f64 {
    let by_rank =
        |a: &(u8, f64), b: &(u8, f64)| a.0.cmp(&b.0).then(a.1.partial_cmp(&b.1).unwrap_or(Ordering::Equal));
    let ranked = ranges.iter().filter_map(|range| Some((range.specificity(media_type)?, range.weight)));
    ranked.max_by(by_rank).map_or(0.0, |(_, weight)| weight)
}

/// A media range of the header.
struct Range<'h> {
    kind: &'h str,
    subtype: &'h str,
    /// The range has parameters, which none of the service's media types has.
    has_params: bool,
    weight: f64,
}

impl<'h> Range<'h> {
    fn parse(range: &'h str) -> Option<Self> {
        let (essence, params) = match range.split_once(';') {
            Some((essence, params)) => (essence, Some(params)),
            None => (range, None),
        };
        let (kind, subtype) = essence.trim().split_once('/')?;
        if kind.is_empty() || subtype.is_empty() || [kind, subtype].concat().contains(char::is_whitespace) {
            return None;
        }
        let mut range = Self { kind, subtype, has_params: false, weight: 1.0 };
        for param in params.into_iter().flat_map(|params| quoted_split(params, ';')) {
            let (name, value) = param.split_once('=').unwrap_or((param, ""));
            let value = unquoted(value.trim());
            if name.trim().eq_ignore_ascii_case("q") {
                range.weight = leading_number(value);
                break;
            }
            range.has_params |= !matches!(value, "" | "*");
        }
        Some(range)
    }

    /// Returns the rank of the range among those that include the media type, or `None` if it does not
    /// include it.
    fn specificity(&self, media_type: &str) -> Option<u8> {
        let (kind, subtype) = media_type.split_once('/')?;
        let part = |accepted: &str, offered: &str, rank| match accepted {
            _ if accepted.eq_ignore_ascii_case(offered) => Some(rank),
            "*" => Some(0),
            _ => None,
        };
        let specificity = part(self.kind, kind, 4)? + part(self.subtype, subtype, 2)?;
        (!self.has_params).then_some(specificity)
    }
}
