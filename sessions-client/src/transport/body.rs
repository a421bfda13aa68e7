//! The body of an answer as it arrives, within the limit of its size.
//!
//! What the service says of the size is believed at once if it is too much, and only counted otherwise: no memory is
//! set aside for what has not arrived.

use crate::error::{Error, ErrorKind};
use crate::runtime::{BodyGivenUp, Response};
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::response::Parts;

pub(super) struct LimitedBody {
    status: StatusCode,
    limit: usize,
    /// A small answer arrives in one piece, which is not copied.
    first: Bytes,
    joined: BytesMut,
    is_given_up: bool,
}

impl LimitedBody {
    /// No byte yet of the body of an answer with `status`. `announced` are the bytes that will come, as far as
    /// that is known.
    pub(super) fn new(status: StatusCode, announced: u64, limit: usize) -> Result<Self, Error> {
        let (first, joined) = (Bytes::new(), BytesMut::new());
        let mut body = Self { status, limit, first, joined, is_given_up: false };
        if usize::try_from(announced).is_ok_and(|announced| announced <= limit) {
            Ok(body)
        } else {
            body.give_up()?;
            Ok(body)
        }
    }

    /// Whether the body of an error is too large to be read on: its status says enough.
    pub(super) fn is_given_up(&self) -> bool {
        self.is_given_up
    }

    pub(super) fn push(&mut self, chunk: Bytes) -> Result<(), Error> {
        let Self { first, joined, .. } = self;
        let length = first.len().max(joined.len()) + chunk.len();
        if length > self.limit {
            return self.give_up();
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

    /// The whole answer. That its body was given up is noted in it.
    pub(super) fn finish(self, mut parts: Parts) -> Response {
        let body = match (self.is_given_up, self.joined.is_empty()) {
            (true, _) => {
                parts.extensions.insert(BodyGivenUp);
                Bytes::new()
            }
            (false, true) => self.first,
            (false, false) => self.joined.freeze(),
        };
        Response::from_parts(parts, body)
    }

    fn give_up(&mut self) -> Result<(), Error> {
        if self.status.is_success() {
            let message = format!("the answer is larger than the limit of {} bytes", self.limit);
            return Err(Error::new(ErrorKind::Decode, message).with_status(self.status));
        }
        self.is_given_up = true;
        Ok(())
    }
}
