//! Bodies that are text.

use super::{Codec, CodecError, Content, Decode, Encode};
use crate::runtime::{unreadable, without_mark};
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;

/// Text in UTF-8, as `text/plain; charset=utf-8`.
///
/// Responses of any media type are read, such as HTML or CSV. A byte order mark at the start is removed when text is
/// read, by clients and by services. Text in another
/// charset is an error unless it is valid UTF-8; use [`Binary`](super::Binary) for it.
#[derive(Clone, Copy, Debug)]
pub struct Text;

impl Codec for Text {
    const MEDIA_TYPE: &'static str = "text/plain; charset=utf-8";
    const ACCEPT: &'static str = "text/plain, */*;q=0.5";

    /// Returns `false`: an empty body is a value.
    fn is_absent(_: &[u8]) -> bool {
        false
    }
}

fn text<'a>(content: &Content<'a>) -> Result<&'a str, CodecError> {
    std::str::from_utf8(without_mark(content.body())).map_err(|_| {
        let why = unreadable(content, "text").unwrap_or_else(|| "it is not UTF-8".to_owned());
        CodecError::new(format!("is not text: {why}"))
    })
}

macro_rules! written {
    ($($type:ty),*) => { $(
        impl Encode<$type> for Text {
            fn encode(value: &$type) -> Result<Bytes, CodecError> {
                Ok(Bytes::copy_from_slice(value.as_bytes()))
            }
        }
    )* };
}

written!(str, String, Box<str>, Arc<str>, Cow<'_, str>);

macro_rules! read {
    ($($type:ty),*) => { $(
        impl Decode<$type> for Text {
            fn decode(content: &Content<'_>) -> Result<$type, CodecError> {
                text(content).map(Into::into)
            }

            fn absent() -> Option<$type> {
                Some("".into())
            }
        }
    )* };
}

read!(String, Box<str>, Arc<str>);

impl Decode<Cow<'static, str>> for Text {
    fn decode(content: &Content<'_>) -> Result<Cow<'static, str>, CodecError> {
        text(content).map(|text| Cow::Owned(text.to_owned()))
    }

    fn absent() -> Option<Cow<'static, str>> {
        Some("".into())
    }
}

impl Encode<()> for Text {
    fn encode((): &()) -> Result<Bytes, CodecError> {
        Ok(Bytes::new())
    }
}

impl Decode<()> for Text {
    fn decode(_: &Content<'_>) -> Result<(), CodecError> {
        Ok(())
    }

    fn absent() -> Option<()> {
        Some(())
    }
}
