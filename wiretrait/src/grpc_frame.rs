//! The frame of the only message of a unary gRPC request or response.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;

/// The size of the prefix of a message: a flag for compression, and the length.
pub const PREFIX_BYTES: usize = 5;

/// An error of a body that should be a message with its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The body is shorter than a prefix.
    Missing,
    /// The message is compressed.
    Compressed,
    /// The message is incomplete, or there are further bytes.
    NotOne,
}

/// Returns a message with its prefix; `None` if it is larger than 4 GiB, the limit of gRPC.
///
/// ```
/// use wiretrait::grpc_frame;
///
/// let body = grpc_frame::encode(&7_u32).unwrap();
/// assert_eq!(body[..], [0, 0, 0, 0, 2, 8, 7]);
/// assert_eq!(grpc_frame::decode(body).unwrap()[..], [8, 7]);
/// ```
#[must_use]
pub fn encode(message: &impl Message) -> Option<Bytes> {
    let length = message.encoded_len();
    let prefix = u32::try_from(length).ok()?;
    let mut body = BytesMut::with_capacity(PREFIX_BYTES + length);
    body.put_u8(0);
    body.put_u32(prefix);
    message.encode_raw(&mut body);
    Some(body.freeze())
}

/// Returns the message in a body, without its prefix.
///
/// # Errors
///
/// If the body does not consist of one message without compression.
pub fn decode(mut body: Bytes) -> Result<Bytes, FrameError> {
    if body.len() < PREFIX_BYTES {
        return Err(FrameError::Missing);
    }
    if body.get_u8() != 0 {
        return Err(FrameError::Compressed);
    }
    if usize::try_from(body.get_u32()) != Ok(body.len()) {
        return Err(FrameError::NotOne);
    }
    Ok(body)
}
