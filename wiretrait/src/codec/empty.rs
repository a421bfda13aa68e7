//! Bodies that do not exist.

use super::{Codec, CodecError, Content, Decode, Encode};
use bytes::Bytes;

/// No body. `request = Empty` is for POST, PUT and PATCH without arguments in the body, which otherwise send
/// `{}`; `response = Empty` asks for no media type and ignores the body of a success.
#[derive(Clone, Copy, Debug)]
pub struct Empty;

impl Codec for Empty {
    const MEDIA_TYPE: &'static str = "";
}

impl Encode<()> for Empty {
    fn encode((): &()) -> Result<Bytes, CodecError> {
        Ok(Bytes::new())
    }
}

impl Decode<()> for Empty {
    fn decode(_: &Content<'_>) -> Result<(), CodecError> {
        Ok(())
    }

    fn absent() -> Option<()> {
        Some(())
    }
}
