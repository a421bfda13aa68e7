//! `Content-MD5`.

use super::head;
use crate::error::ServiceError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderMap, HeaderName};
use md5::{Digest, Md5};

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// Why the body is not the one that was sent, if the request says what that was. `received` is the body before
/// anything was made of it.
pub(super) fn mismatch(headers: &HeaderMap, received: &[u8]) -> Option<ServiceError> {
    let sent = head::text(headers, CONTENT_MD5)?;
    let found = STANDARD.encode(Md5::digest(received));
    let error = || ServiceError::new("BadDigest", format!("Content-MD5 '{sent}' didn't match '{found}'"));
    (sent != found).then(error)
}
