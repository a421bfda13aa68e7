//! Decoding of compressed bodies.

use crate::runtime::is_coding;
use brotli_decompressor::Decompressor;
use bytes::Bytes;
use flate2::{Crc, Decompress, FlushDecompress, Status};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use std::io::{ErrorKind, Read};

/// The value of `Accept-Encoding` that asks for all supported codings.
pub(super) const SUPPORTED: &str = "gzip, deflate, br";

/// The maximum number of codings, one around another.
const MAX_CODINGS: usize = 5;

/// The output grows by at most this many bytes at a time, so that a small body cannot allocate much memory.
const STEP: usize = 64 << 10;

/// The reason why a body cannot be decoded.
#[derive(Debug, PartialEq)]
pub(super) enum Failure {
    /// The decoded body is larger than the limit.
    TooLarge,
    /// A coding is not supported.
    Unsupported,
    /// The body is not valid in its coding.
    Damaged,
}

/// Decodes a body with the header `Content-Encoding`, whose result has at most `limit` bytes. Returns `None`
/// if there is nothing to decode.
pub(super) fn decode(headers: &HeaderMap, body: &Bytes, limit: usize) -> Result<Option<Bytes>, Failure> {
    let mut codings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        let value = value.to_str().map_err(|_| Failure::Unsupported)?;
        codings.extend(value.split(',').map(|coding| coding.trim().to_ascii_lowercase()));
    }
    codings.retain(|coding| is_coding(coding));
    if codings.is_empty() || body.is_empty() {
        return Ok(None);
    }
    let is_supported = |coding: &String| matches!(&**coding, "gzip" | "x-gzip" | "deflate" | "br");
    if codings.len() > MAX_CODINGS || !codings.iter().all(is_supported) {
        return Err(Failure::Unsupported);
    }
    let mut decoded = body.clone();
    // The last coding was applied last.
    for coding in codings.iter().rev() {
        decoded = match &**coding {
            "gzip" | "x-gzip" => gzip(&decoded, limit),
            "deflate" => deflate(&decoded, limit),
            "br" => brotli(&decoded, limit),
            _ => Err(Failure::Unsupported),
        }?
        .into();
    }
    Ok(Some(decoded))
}

/// Decodes all parts of a gzip file. Padding after the last one is ignored, as browsers do.
fn gzip(mut body: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
    let mut output = Vec::new();
    loop {
        let start = output.len();
        let head = gzip_head(body).ok_or(Failure::Damaged)?;
        let rest = inflate(Decompress::new(false), &body[head..], &mut output, limit)?;
        let (trailer, rest) = rest.split_first_chunk::<8>().ok_or(Failure::Damaged)?;
        let mut checksum = Crc::new();
        checksum.update(&output[start..]);
        let expected = [checksum.sum().to_le_bytes(), checksum.amount().to_le_bytes()].concat();
        if expected != trailer {
            return Err(Failure::Damaged);
        }
        if !rest.starts_with(&[0x1f, 0x8b]) {
            return Ok(output);
        }
        body = rest;
    }
}

/// Returns the length of the header of a gzip member, as in RFC 1952.
fn gzip_head(body: &[u8]) -> Option<usize> {
    let [0x1f, 0x8b, 8, flags, ..] = *body else { return None };
    let mut end = 10;
    if flags & 4 != 0 {
        let length = body.get(end..end + 2)?;
        end += 2 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    }
    // The name of the file and a comment, each ended by a zero byte.
    for flag in [8, 16] {
        if flags & flag != 0 {
            end += memchr::memchr(0, body.get(end..)?)? + 1;
        }
    }
    if flags & 2 != 0 {
        end += 2;
    }
    (end <= body.len()).then_some(end)
}

/// Decodes `deflate`: with the header of zlib, as specified, or without it, as some servers send it.
fn deflate(body: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
    let has_header = matches!(*body, [first, second, ..] if first & 15 == 8 && u16::from_be_bytes([first, second]) % 31 == 0);
    let mut output = Vec::new();
    if has_header {
        match inflate(Decompress::new(true), body, &mut output, limit) {
            Err(Failure::Damaged) => output.clear(),
            outcome => return outcome.map(|_| output),
        }
    }
    inflate(Decompress::new(false), body, &mut output, limit)?;
    Ok(output)
}

/// Appends the decoded data to `output`, and returns what follows the end of the stream.
fn inflate<'b>(
    mut decoder: Decompress,
    body: &'b [u8],
    output: &mut Vec<u8>,
    limit: usize,
) -> Result<&'b [u8], Failure> {
    let mut rest = body;
    loop {
        grow(output, limit);
        let (read, written) = (decoder.total_in(), output.len());
        let status = decoder.decompress_vec(rest, output, FlushDecompress::None);
        let status = status.map_err(|_| Failure::Damaged)?;
        let consumed = usize::try_from(decoder.total_in() - read).map_err(|_| Failure::Damaged)?;
        rest = &rest[consumed..];
        if output.len() > limit {
            return Err(Failure::TooLarge);
        }
        match status {
            Status::StreamEnd => return Ok(rest),
            // The stream is truncated.
            _ if consumed == 0 && output.len() == written => return Err(Failure::Damaged),
            _ => {}
        }
    }
}

fn brotli(body: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
    let mut decoder = Decompressor::new(body, body.len().min(STEP));
    let mut output = Vec::new();
    loop {
        let written = output.len();
        grow(&mut output, limit);
        output.resize(output.capacity(), 0);
        match decoder.read(&mut output[written..]) {
            Ok(read) => output.truncate(written + read),
            Err(error) if error.kind() == ErrorKind::Interrupted => output.truncate(written),
            Err(_) => return Err(Failure::Damaged),
        }
        if output.len() > limit {
            return Err(Failure::TooLarge);
        }
        if output.len() == written {
            return Ok(output);
        }
    }
}

/// Makes room for more output, up to one byte over the limit.
fn grow(output: &mut Vec<u8>, limit: usize) {
    if output.len() == output.capacity() {
        let room = limit.saturating_sub(output.len()).saturating_add(1);
        output.reserve_exact(room.min(STEP.max(output.len())));
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, decode};
    use bytes::Bytes;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::header::CONTENT_ENCODING;
    use http::{HeaderMap, HeaderValue};
    use std::io::Write;

    const JSON: &[u8] = br#"{"id":"1","data":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#;
    /// `{"id":"1"}`, which no encoder wrote: an uncompressed block.
    const BROTLI: &[u8] = b"\x8b\x04\x80{\"id\":\"1\"}\x03";

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(body: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(body: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn decoded(coding: &str, body: &[u8], limit: usize) -> Result<Option<Bytes>, Failure> {
        let mut headers = HeaderMap::new();
        for value in coding.split('|') {
            headers.append(CONTENT_ENCODING, HeaderValue::try_from(value).unwrap());
        }
        decode(&headers, &Bytes::copy_from_slice(body), limit)
    }

    #[test]
    fn all_supported_codings_are_decoded() {
        let json = || Ok(Some(Bytes::from_static(JSON)));
        for coding in ["gzip", "GZip", "x-gzip", " gzip ", "gzip, identity", "gzip, UTF-8", ",gzip,"] {
            assert_eq!(decoded(coding, &gzip(JSON), 1000), json(), "{coding}");
        }
        assert_eq!(decoded("deflate", &zlib(JSON), 1000), json());
        assert_eq!(decoded("deflate", &raw(JSON), 1000), json());
        assert_eq!(decoded("br", BROTLI, 1000), Ok(Some(Bytes::from_static(br#"{"id":"1"}"#))));
    }

    #[test]
    fn codings_are_decoded_in_the_reverse_order() {
        for coding in ["deflate, gzip", "deflate|gzip"] {
            assert_eq!(
                decoded(coding, &gzip(&zlib(JSON)), 1000),
                Ok(Some(Bytes::from_static(JSON))),
                "{coding}"
            );
        }
        assert_eq!(decoded("gzip, gzip, gzip, gzip, gzip, gzip", b"x", 1000), Err(Failure::Unsupported));
    }

    #[test]
    fn a_gzip_file_with_all_optional_fields_is_decoded() {
        let plain = gzip(JSON);
        let mut full = vec![0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 3];
        full.extend(b"\x03\x00abcname\0comment\0\xff\xff");
        full.extend(&plain[10..]);
        assert_eq!(decoded("gzip", &full, 1000), Ok(Some(Bytes::from_static(JSON))));
        for length in 0..full.len() {
            let outcome = decoded("gzip", &full[..length], 1000);
            assert_eq!(outcome, if length == 0 { Ok(None) } else { Err(Failure::Damaged) }, "{length}");
        }
    }

    #[test]
    fn all_parts_of_a_gzip_file_are_decoded() {
        let (first, second) = JSON.split_at(20);
        let mut members = gzip(first);
        members.extend(gzip(second));
        members.extend([0; 7]);
        assert_eq!(decoded("gzip", &members, 1000), Ok(Some(Bytes::from_static(JSON))));
    }

    #[test]
    fn a_truncated_body_is_damaged() {
        for (coding, body) in
            [("gzip", gzip(JSON)), ("deflate", zlib(JSON)), ("deflate", raw(JSON)), ("br", BROTLI.to_vec())]
        {
            for length in 1..body.len() {
                let outcome = decoded(coding, &body[..length], 1000);
                assert_eq!(outcome, Err(Failure::Damaged), "{coding} {length} of {}", body.len());
            }
        }
    }

    #[test]
    fn damaged_and_unsupported_bodies_have_different_errors() {
        let mut damaged = gzip(JSON);
        let checksum = damaged.len() - 8;
        damaged[checksum] ^= 1;
        for (coding, body) in [("gzip", &damaged[..]), ("gzip", JSON), ("deflate", JSON), ("br", JSON)] {
            assert_eq!(decoded(coding, body, 1000), Err(Failure::Damaged), "{coding}");
        }
        for coding in ["zstd", "compress", "gzip, zstd", "é"] {
            assert_eq!(decoded(coding, &gzip(JSON), 1000), Err(Failure::Unsupported), "{coding}");
        }
    }

    #[test]
    fn the_limit_is_that_of_the_decoded_body() {
        for (coding, body) in [("gzip", gzip(JSON)), ("deflate", zlib(JSON)), ("deflate", raw(JSON))] {
            assert_eq!(decoded(coding, &body, JSON.len()), Ok(Some(Bytes::from_static(JSON))), "{coding}");
            assert_eq!(decoded(coding, &body, JSON.len() - 1), Err(Failure::TooLarge), "{coding}");
        }
        assert_eq!(decoded("br", BROTLI, 9), Err(Failure::TooLarge));
        let bomb = gzip(&gzip(&vec![0; 50 << 20]));
        assert!(bomb.len() < 1000);
        assert_eq!(decoded("gzip, gzip", &bomb, 1 << 20), Err(Failure::TooLarge));
        assert!(decoded("gzip", &gzip(JSON), usize::MAX).is_ok());
    }
}
