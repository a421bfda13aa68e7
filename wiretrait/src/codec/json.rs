//! Bodies that are JSON.

use super::{
    Codec, CodecError, Content, Decode, DecodeField, DecodeFields, Encode, EncodeField, FieldCodec,
    NullableFields,
};
use crate::runtime::{UNWRITABLE, parse_json, without_values};
use bytes::Bytes;
use http::header::HeaderValue;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::fmt;

/// JSON, the default.
///
/// `#[field]` arguments are the keys of an object. A response without a body is read as `null`, and a `null`
/// is sent as 204. [`()`](unit) accepts any body.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl Codec for Json {
    const MEDIA_TYPE: &'static str = "application/json";
    const WITHOUT_ARGUMENTS: Option<&'static [u8]> = Some(b"{}");

    /// Returns whether the body is empty or `null`.
    fn is_absent(body: &[u8]) -> bool {
        matches!(body.trim_ascii(), b"" | b"null")
    }
}

impl<T: Serialize + ?Sized> Encode<T> for Json {
    fn encode(value: &T) -> Result<Bytes, CodecError> {
        // The serializer's message may quote the value.
        serde_json::to_vec(value).map(Bytes::from).map_err(|_| CodecError::new(UNWRITABLE))
    }
}

impl<T: DeserializeOwned> Decode<T> for Json {
    fn decode(content: &Content<'_>) -> Result<T, CodecError> {
        parse_json(content)
    }

    fn absent() -> Option<T> {
        serde_json::from_str("null").ok()
    }
}

/// The fields of a JSON object.
#[derive(Clone, Default)]
pub struct JsonFields(Vec<u8>);

/// Omits the fields, which may be private.
impl fmt::Debug for JsonFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonFields").finish_non_exhaustive()
    }
}

impl FieldCodec for Json {
    type Writer = JsonFields;
    type Reader = Map<String, Value>;

    fn finish(JsonFields(mut json): JsonFields) -> (HeaderValue, Bytes) {
        json.extend_from_slice(if json.is_empty() { b"{}" } else { b"}" });
        (HeaderValue::from_static(Self::MEDIA_TYPE), json.into())
    }
}

impl<T: Serialize + ?Sized> EncodeField<T> for Json {
    fn encode_field(fields: &mut JsonFields, name: &'static str, value: &T) -> Result<(), CodecError> {
        let json = &mut fields.0;
        json.push(if json.is_empty() { b'{' } else { b',' });
        let key = serde_json::to_writer(&mut *json, name);
        json.push(b':');
        key.and_then(|()| serde_json::to_writer(json, value)).map_err(|_| CodecError::new(UNWRITABLE))
    }
}

impl NullableFields for Json {
    fn is_null(fields: &Map<String, Value>, name: &str) -> bool {
        fields.get(name).is_some_and(Value::is_null)
    }
}

impl DecodeFields for Json {
    fn decode_fields(content: &Content<'_>) -> Result<Self::Reader, CodecError> {
        if content.body().is_empty() { Ok(Map::new()) } else { parse_json(content) }
    }
}

impl<T: DeserializeOwned> DecodeField<T> for Json {
    fn decode_field(fields: &mut Self::Reader, name: &'static str) -> Result<T, CodecError> {
        let value = fields.remove(name).unwrap_or_default();
        T::deserialize(value).map_err(|error| CodecError::new(without_values(&error.to_string())))
    }
}
