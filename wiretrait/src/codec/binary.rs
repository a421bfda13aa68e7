//! Bodies that are bytes.

use super::{Codec, CodecError, Content, Decode, Encode};
use bytes::Bytes;

/// Bytes, as `application/octet-stream`. [`Bytes`] is not copied in either direction.
///
/// Responses of any media type are read. [`ResponseValue`](crate::ResponseValue) has the media type.
#[derive(Clone, Copy, Debug)]
pub struct Binary;

impl Codec for Binary {
    const MEDIA_TYPE: &'static str = "application/octet-stream";
    const ACCEPT: &'static str = "application/octet-stream, */*;q=0.5";

    /// Returns `false`: an empty body is a value.
    fn is_absent(_: &[u8]) -> bool {
        false
    }
}

impl Encode<Bytes> for Binary {
    fn encode(value: &Bytes) -> Result<Bytes, CodecError> {
        Ok(value.clone())
    }
}

impl Encode<[u8]> for Binary {
    fn encode(value: &[u8]) -> Result<Bytes, CodecError> {
        Ok(Bytes::copy_from_slice(value))
    }
}

impl Encode<Vec<u8>> for Binary {
    fn encode(value: &Vec<u8>) -> Result<Bytes, CodecError> {
        Ok(Bytes::copy_from_slice(value))
    }
}

impl<const N: usize> Encode<[u8; N]> for Binary {
    fn encode(value: &[u8; N]) -> Result<Bytes, CodecError> {
        Ok(Bytes::copy_from_slice(value))
    }
}

impl Decode<Bytes> for Binary {
    fn decode(content: &Content<'_>) -> Result<Bytes, CodecError> {
        Ok(content.body().clone())
    }

    fn absent() -> Option<Bytes> {
        Some(Bytes::new())
    }
}

impl Decode<Vec<u8>> for Binary {
    fn decode(content: &Content<'_>) -> Result<Vec<u8>, CodecError> {
        Ok(content.body().to_vec())
    }

    fn absent() -> Option<Vec<u8>> {
        Some(Vec::new())
    }
}

impl<const N: usize> Decode<[u8; N]> for Binary {
    fn decode(content: &Content<'_>) -> Result<[u8; N], CodecError> {
        let body = content.body();
        body[..].try_into().map_err(|_| CodecError::new(format!("has {} bytes instead of {N}", body.len())))
    }
}

impl Encode<()> for Binary {
    fn encode((): &()) -> Result<Bytes, CodecError> {
        Ok(Bytes::new())
    }
}

impl Decode<()> for Binary {
    fn decode(_: &Content<'_>) -> Result<(), CodecError> {
        Ok(())
    }

    fn absent() -> Option<()> {
        Some(())
    }
}
