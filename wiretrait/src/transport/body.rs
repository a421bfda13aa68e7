//! Collection and decoding of response bodies, up to the size limit.
//!
//! An announced size is only used to reject responses that are too large. Memory is allocated only for
//! received bytes.

use super::content_encoding::{self, Failure};
use crate::error::{Error, ErrorKind};
use crate::runtime::{BodyDamaged, BodyTooLarge, Response, is_range};
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::response::Parts;

pub(super) struct LimitedBody {
    status: StatusCode,
    limit: usize,
    /// The first chunk. It is not copied if it is the only one.
    first: Bytes,
    joined: BytesMut,
    is_too_large: bool,
}

impl LimitedBody {
    /// Creates an empty body of a response with `status`, to a HEAD request if `is_head`. `announced` is its size in
    /// `Content-Length`, or another lower bound.
    pub(super) fn new(
        is_head: bool,
        status: StatusCode,
        announced: u64,
        limit: usize,
    ) -> Result<Self, Error> {
        let (first, joined) = (Bytes::new(), BytesMut::new());
        let mut body = Self { status, limit, first, joined, is_too_large: false };
        let fits = usize::try_from(announced).is_ok_and(|announced| announced <= limit);
        // These responses announce the size of a body that is not sent.
        let has_no_body = || is_head || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if !fits && !has_no_body() {
            body.mark_too_large()?;
        }
        Ok(body)
    }

    /// Returns whether an error response is too large, so that the rest of its body is not read.
    pub(super) fn is_too_large(&self) -> bool {
        self.is_too_large
    }

    pub(super) fn push(&mut self, chunk: Bytes) -> Result<(), Error> {
        let Self { first, joined, .. } = self;
        let length = first.len().max(joined.len()) + chunk.len();
        if length > self.limit {
            if first.is_empty() {
                *first = chunk;
            }
            return self.mark_too_large();
        }
        if first.is_empty() {
            *first = chunk;
            return Ok(());
        }
        if joined.is_empty() {
            joined.extend_from_slice(first);
        }
        joined.extend_from_slice(&chunk);
        Ok(())
    }

    /// Returns the complete response, with its body decoded as `Content-Encoding` says, and without that header; one that
    /// cannot be decoded is returned unchanged. If the body was too large, it is marked in the extensions.
    pub(super) fn finish(mut self, mut parts: Parts) -> Result<Response, Error> {
        let mut body = std::mem::take(&mut self.first);
        if !self.joined.is_empty() {
            body = std::mem::take(&mut self.joined).freeze();
        }
        let is_encoded = parts.headers.contains_key(CONTENT_ENCODING);
        if is_encoded && !self.is_too_large && !is_range(parts.status, &parts.headers) {
            match content_encoding::decode(&parts.headers, &body, self.limit) {
                Ok(Some(decoded)) => {
                    body = decoded;
                    parts.headers.remove(CONTENT_ENCODING);
                    parts.headers.remove(CONTENT_LENGTH);
                }
                // It names no encoding, such as `identity`.
                Ok(None) if !body.is_empty() => drop(parts.headers.remove(CONTENT_ENCODING)),
                Ok(None) | Err(Failure::Unsupported) => {}
                Err(Failure::Damaged) => {
                    parts.extensions.insert(BodyDamaged);
                }
                Err(Failure::TooLarge) => self.mark_too_large()?,
            }
        }
        if self.is_too_large {
            parts.extensions.insert(BodyTooLarge(std::mem::take(&mut body)));
        }
        Ok(Response::from_parts(parts, body))
    }

    fn mark_too_large(&mut self) -> Result<(), Error> {
        if self.status.is_success() {
            let message = format!("the response is larger than the limit of {} bytes", self.limit);
            return Err(Error::new(ErrorKind::Decode, message).with_status(self.status));
        }
        self.is_too_large = true;
        Ok(())
    }
}
