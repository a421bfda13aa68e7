//! gzip, of requests and of answers.

use super::head;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, HeaderMap};
use std::io::{self, Read, Write};

/// Whether the client takes gzip.
pub(super) fn is_accepted(headers: &HeaderMap) -> bool {
    if !headers.contains_key(ACCEPT_ENCODING) {
        return false;
    }
    let accept = head::text(headers, ACCEPT_ENCODING).unwrap_or_default();
    // gzip by name before `*`, then the greater weight, then the later one. A weight that is none is equal to all.
    let best = accept.split(',').filter_map(weighted).reduce(|best, next| {
        let (by_name, weight) = next;
        let is_worse = (best.0 && !by_name) || (best.0 == by_name && weight < best.1);
        if is_worse { best } else { next }
    });
    best.is_some_and(|(_, weight)| weight > 0.0)
}

/// Whether it is gzip by name, and its weight; nothing of another encoding.
fn weighted(coding: &str) -> Option<(bool, f64)> {
    let (name, params) = coding.split_once(';').unwrap_or((coding, ""));
    let by_name = match name.trim() {
        "*" => false,
        name if name.eq_ignore_ascii_case("gzip") => true,
        _ => return None,
    };
    let weight = params.split(';').map(str::trim).find_map(|param| match param.split_once('=') {
        Some(("q", weight)) => Some(leading_number(weight)),
        None if param == "q" => Some(f64::NAN),
        _ => None,
    });
    Some((by_name, weight.unwrap_or(1.0)))
}

/// The number that a text begins with, as JavaScript reads it.
fn leading_number(text: &str) -> f64 {
    let text = text.trim_start();
    let end =
        text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-' | 'e' | 'E')).unwrap_or(text.len());
    (1..=end).rev().find_map(|end| text[..end].parse().ok()).unwrap_or(f64::NAN)
}

/// The most members that a text may be compressed in. Each has a decoder of its own, for as little as 20 bytes.
const MEMBERS: usize = 1000;

/// What was compressed.
///
/// # Errors
///
/// When it is no gzip or is cut short; [`io::ErrorKind::FileTooLarge`] when it is more than `limit` bytes, or in more
/// than a thousand members.
pub(super) fn gunzip(mut compressed: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    for _ in 0..MEMBERS {
        let mut member = GzDecoder::new(compressed);
        // One more, which tells what is too large.
        let left = limit + 1 - plain.len();
        member.by_ref().take(left as u64).read_to_end(&mut plain)?;
        if plain.len() > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        compressed = member.into_inner();
        // Members follow each other; what begins with a zero is padding.
        if matches!(compressed, [] | [0, ..]) {
            return Ok(plain);
        }
    }
    Err(io::ErrorKind::FileTooLarge.into())
}

pub(super) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 2), Compression::default());
    // A vector takes all that is written to it.
    let _ = encoder.write_all(plain);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{MEMBERS, gunzip, gzip, is_accepted};
    use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
    use std::io::ErrorKind;

    #[test]
    fn gzip_is_accepted_by_its_own_weight_or_that_of_all() {
        for (accept, accepted) in [
            ("gzip", true),
            ("GZIP", true),
            ("x-gzip", false),
            ("deflate, gzip ; q=0.5", true),
            ("gzip;q=0", false),
            ("*", true),
            ("*;q=0", false),
            ("gzip;q=0, *", false),
            ("*, gzip;q=0", false),
            ("gzip;q=0, gzip", true),
            ("gzip, gzip;q=0", true),
            ("gzip;q=x", false),
            ("gzip;q=x, gzip;q=1", true),
            ("gzip;q=0.5x", true),
            ("gzip;Q=0", true),
            ("gzip;q", false),
            ("gzip;q=-1", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accept))]);
            assert_eq!(is_accepted(&headers), accepted, "{accept:?}");
        }
    }

    #[test]
    fn members_follow_each_other_and_zeros_end_them() {
        let (one, two) = (gzip(b"one "), gzip(b"two"));
        let read = |parts: &[&[u8]]| gunzip(&parts.concat(), 100).ok();
        assert_eq!(read(&[&one, &two]).as_deref(), Some(&b"one two"[..]));
        assert_eq!(read(&[&one, &[0, 0], &two]).as_deref(), Some(&b"one "[..]));
        assert_eq!(read(&[&gzip(b"")]).as_deref(), Some(&b""[..]));
        assert_eq!(read(&[&one, b"x"]), None);
        assert_eq!(read(&[&one[..one.len() - 1]]), None);
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[b"plain"]), None);
    }

    #[test]
    fn what_grows_beyond_the_limit_is_refused() {
        let zeros = gzip(&[0; 1000]);
        assert!(gunzip(&zeros, 1000).is_ok());
        assert_eq!(gunzip(&zeros, 999).unwrap_err().kind(), ErrorKind::FileTooLarge);
        let both = zeros.repeat(2);
        assert!(gunzip(&both, 2000).is_ok());
        assert_eq!(gunzip(&both, 1999).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }

    #[test]
    fn more_members_than_anybody_needs_are_refused() {
        let empty = gzip(b"");
        assert!(gunzip(&empty.repeat(MEMBERS), 0).is_ok());
        assert_eq!(gunzip(&empty.repeat(MEMBERS + 1), 0).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }
}
