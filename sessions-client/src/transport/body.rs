//! The body of an answer as it arrives, within the limit of its size.
//!
//! What the service says of the size is believed at once if it is too much, and only counted otherwise.

use crate::error::{Error, ErrorKind};
use bytes::{Bytes, BytesMut};
use http::StatusCode;

pub(super) struct LimitedBody {
    status: StatusCode,
    limit: usize,
    announced: usize,
    /// A small answer arrives in one piece, which is not copied.
    first: Bytes,
    joined: BytesMut,
}

impl LimitedBody {
    /// No byte yet of the body of an answer with `status`. `announced` are the bytes that will come, as far as
    /// that is known.
    pub(super) fn new(status: StatusCode, announced: u64, limit: usize) -> Result<Self, Error> {
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        let body = Self { status, limit, announced, first: Bytes::new(), joined: BytesMut::new() };
        if announced > limit { Err(body.too_large()) } else { Ok(body) }
    }

    pub(super) fn push(&mut self, chunk: Bytes) -> Result<(), Error> {
        let Self { first, joined, .. } = self;
        let length = first.len().max(joined.len()) + chunk.len();
        if length > self.limit {
            return Err(self.too_large());
        }
        if first.is_empty() {
            *first = chunk;
            return Ok(());
        }
        if joined.is_empty() {
            joined.reserve(self.announced.max(length));
            joined.extend_from_slice(first);
        }
        joined.extend_from_slice(&chunk);
        Ok(())
    }

    pub(super) fn finish(self) -> Bytes {
        if self.joined.is_empty() { self.first } else { self.joined.freeze() }
    }

    fn too_large(&self) -> Error {
        let message = format!("the answer is larger than the limit of {} bytes", self.limit);
        Error::new(ErrorKind::Decode, message).with_status(self.status)
    }
}
