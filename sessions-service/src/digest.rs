//! The check of `Content-MD5`.

use crate::request_headers::header_value;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderMap, HeaderName};
use md5::{Digest, Md5};
use wiretrait::ServiceError;

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// Returns the error of a body whose digest differs from the header's. `received` is the body before
/// decompression.
pub(super) fn mismatch(headers: &HeaderMap, received: &[u8]) -> Option<ServiceError> {
    let expected = header_value(headers, CONTENT_MD5)?;
    let actual = STANDARD.encode(Md5::digest(received));
    let error =
        || ServiceError::new("BadDigest", format!("Content-MD5 '{expected}' didn't match '{actual}'"));
    (expected != actual).then(error)
}
