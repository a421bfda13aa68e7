//! The response that an error was made of.

use crate::runtime::{BodyTooLarge, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

/// The maximum size of the body in an error.
const LONGEST_BODY: usize = 64 * 1024;

/// The headers and the body of an error response.
pub(super) struct ErrorResponse {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) is_truncated: bool,
    /// The media type, if an implementation has written the body for its own response.
    pub(super) own_media_type: Option<HeaderValue>,
}

impl ErrorResponse {
    /// Copies the headers and shares the body. A longer body is copied up to its limit, because a slice would
    /// keep all of it in memory.
    pub(super) fn of(response: &Response) -> Self {
        let unread = response.extensions().get().map(|BodyTooLarge(start)| start);
        let body = unread.unwrap_or(response.body());
        let is_longer = body.len() > LONGEST_BODY;
        Self {
            headers: response.headers().clone(),
            body: if is_longer { Bytes::copy_from_slice(&body[..LONGEST_BODY]) } else { body.clone() },
            is_truncated: is_longer || unread.is_some(),
            own_media_type: None,
        }
    }
}
