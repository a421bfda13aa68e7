//! What the service makes of an `Accept` header.

use http::header::{ACCEPT, HeaderMap};
use std::cmp::Ordering;

/// What the service says that it can answer with. It is JSON, whichever is asked for.
pub(super) const MEDIA_TYPES: [&str; 4] =
    ["application/json", "text/plain", "application/octet-stream", "application/javascript"];

/// Whether the client accepts any of [`MEDIA_TYPES`]. Without the header, or with an empty one, it does.
pub(super) fn accepts_answers(headers: &HeaderMap) -> bool {
    let Some(first) = headers.get(ACCEPT) else { return true };
    let all = headers.get_all(ACCEPT);
    // Nearly all clients say no more than that.
    if *first == MEDIA_TYPES[0] && all.iter().nth(1).is_none() {
        return true;
    }
    let values = all.iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let accept = values.collect::<Vec<_>>().join(", ");
    let ranges: Vec<Range<'_>> = accept.split(',').filter_map(Range::read).collect();
    accept.is_empty() || MEDIA_TYPES.iter().any(|media_type| weight(media_type, &ranges) > 0.0)
}

/// That of the narrowest range that takes in the media type.
fn weight(media_type: &str, ranges: &[Range<'_>]) -> f64 {
    let by_rank =
        |a: &(u8, f64), b: &(u8, f64)| a.0.cmp(&b.0).then(a.1.partial_cmp(&b.1).unwrap_or(Ordering::Equal));
    let ranked = ranges.iter().filter_map(|range| Some((range.narrowness(media_type)?, range.weight)));
    ranked.max_by(by_rank).map_or(0.0, |(_, weight)| weight)
}

/// One of the ranges of the header.
struct Range<'h> {
    kind: &'h str,
    subtype: &'h str,
    /// Whether it asks for a parameter, which none of the service's media types has.
    has_params: bool,
    weight: f64,
}

impl<'h> Range<'h> {
    fn read(text: &'h str) -> Option<Self> {
        let (essence, params) = match text.split_once(';') {
            Some((essence, params)) => (essence, Some(params)),
            None => (text, None),
        };
        let (kind, subtype) = essence.trim().split_once('/')?;
        if kind.is_empty() || subtype.is_empty() || [kind, subtype].concat().contains(char::is_whitespace) {
            return None;
        }
        let mut range = Self { kind, subtype, has_params: false, weight: 1.0 };
        for param in params.into_iter().flat_map(|params| params.split(';')) {
            let (name, value) = param.split_once('=').unwrap_or((param, ""));
            let value = value.trim().trim_matches('"');
            if name.trim().eq_ignore_ascii_case("q") {
                range.weight = value.parse().unwrap_or(f64::NAN);
                break;
            }
            range.has_params |= !matches!(value, "" | "*");
        }
        Some(range)
    }

    /// How narrowly it takes in the media type, if it does.
    fn narrowness(&self, media_type: &str) -> Option<u8> {
        let (kind, subtype) = media_type.split_once('/')?;
        let part = |asked: &str, offered: &str, rank| match asked {
            _ if asked.eq_ignore_ascii_case(offered) => Some(rank),
            "*" => Some(0),
            _ => None,
        };
        let narrowness = part(self.kind, kind, 4)? + part(self.subtype, subtype, 2)?;
        (!self.has_params).then_some(narrowness)
    }
}
