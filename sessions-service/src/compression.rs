//! gzip for requests and responses.

use crate::request_headers::{header_value, leading_number};
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, HeaderMap};
use std::io::{self, Read, Write};

/// Returns whether the client accepts gzip.
pub(super) fn is_accepted(headers: &HeaderMap) -> bool {
    if !headers.contains_key(ACCEPT_ENCODING) {
        return false;
    }
    let accept = header_value(headers, ACCEPT_ENCODING).unwrap_or_default();
    // `gzip` counts before `*`, then the greater weight, then the later coding. NaN, the weight of an invalid
    // `q`, is neither greater nor less than any other.
    let best = accept.split(',').filter_map(weight_of_gzip).reduce(|best, next| {
        let (by_name, weight) = next;
        let is_worse = (best.0 && !by_name) || (best.0 == by_name && weight < best.1);
        if is_worse { best } else { next }
    });
    best.is_some_and(|(_, weight)| weight > 0.0)
}

/// Returns the weight of a coding that is `gzip` (`true`) or `*` (`false`), and `None` for others.
fn weight_of_gzip(coding: &str) -> Option<(bool, f64)> {
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

/// The maximum number of gzip members in a body. Each member costs a decoder and takes only 20 bytes.
const MAX_MEMBERS: usize = 1000;

/// Decompresses a body.
///
/// # Errors
///
/// If the body is not gzip or is truncated; [`io::ErrorKind::FileTooLarge`] if the result has more than
/// `limit` bytes, or the body more than [`MAX_MEMBERS`] members.
pub(super) fn gunzip(mut compressed: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    for _ in 0..MAX_MEMBERS {
        let mut member = GzDecoder::new(compressed);
        // One byte more than the limit, to notice a body that exceeds it.
        let room = limit + 1 - plain.len();
        member.by_ref().take(room as u64).read_to_end(&mut plain)?;
        if plain.len() > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        compressed = member.into_inner();
        // Another member may follow; a zero byte starts padding.
        if matches!(compressed, [] | [0, ..]) {
            return Ok(plain);
        }
    }
    Err(io::ErrorKind::FileTooLarge.into())
}

pub(super) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 2), Compression::default());
    // Writing to a vector never fails.
    let _ = encoder.write_all(plain);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{MAX_MEMBERS, gunzip, gzip, is_accepted};
    use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
    use std::io::ErrorKind;

    #[test]
    fn gzip_is_accepted_by_its_weight_or_that_of_any_coding() {
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
    fn members_are_concatenated_until_the_padding() {
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
    fn a_body_beyond_the_limit_is_rejected() {
        let zeros = gzip(&[0; 1000]);
        assert!(gunzip(&zeros, 1000).is_ok());
        assert_eq!(gunzip(&zeros, 999).unwrap_err().kind(), ErrorKind::FileTooLarge);
        let both = zeros.repeat(2);
        assert!(gunzip(&both, 2000).is_ok());
        assert_eq!(gunzip(&both, 1999).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }

    #[test]
    fn too_many_members_are_rejected() {
        let empty = gzip(b"");
        assert!(gunzip(&empty.repeat(MAX_MEMBERS), 0).is_ok());
        assert_eq!(gunzip(&empty.repeat(MAX_MEMBERS + 1), 0).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }
}
