//! Bodies that are HTML forms.

use super::{Codec, CodecError, Content, Decode, DecodeField, DecodeFields, Encode, EncodeField, FieldCodec};
use crate::runtime::{FromParam, ParamValues, without_values};
use bytes::Bytes;
use form_urlencoded::Serializer;
use http::header::HeaderValue;
use serde::{Serialize, de::DeserializeOwned};
use std::borrow::Cow;
use std::fmt;

/// An HTML form, as `application/x-www-form-urlencoded`.
///
/// * `#[field]` arguments are like query parameters: a list has one pair for each of its values, and an
///   `Option` that is `None` is left out.
/// * A `#[body]` is a struct, a map or a list of pairs, by serde. Lists in it are sent in the same way, and
///   fields that are `None` are left out. Nested structs are an error.
///
/// An empty list is left out too, so a field that is one needs `#[serde(default)]` to be read.
#[derive(Clone, Copy, Debug)]
pub struct Form;

impl Codec for Form {
    const MEDIA_TYPE: &'static str = "application/x-www-form-urlencoded";

    /// Returns `false`: a form may have no fields.
    fn is_absent(_: &[u8]) -> bool {
        false
    }
}

impl<T: Serialize + ?Sized> Encode<T> for Form {
    fn encode(value: &T) -> Result<Bytes, CodecError> {
        // The serializer's message may quote the value.
        serde_html_form::to_string(value).map(Bytes::from).map_err(|_| CodecError::new(UNWRITABLE))
    }
}

const UNWRITABLE: &str = "cannot be written as a form: it must be a struct or a map whose values are strings, numbers, \
                          `bool`, or lists of them";

impl<T: DeserializeOwned> Decode<T> for Form {
    fn decode(content: &Content<'_>) -> Result<T, CodecError> {
        serde_html_form::from_bytes(content.body()).map_err(|error| {
            let what = without_values(&error.to_string());
            CodecError::new(format!("is not the expected form: {what}"))
        })
    }
}

/// The fields of a form.
#[derive(Clone, Default)]
pub struct FormFields(String);

/// Omits the fields, which may be private.
impl fmt::Debug for FormFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormFields").finish_non_exhaustive()
    }
}

impl FieldCodec for Form {
    type Writer = FormFields;
    type Reader = Vec<(String, String)>;

    fn finish(fields: FormFields) -> (HeaderValue, Bytes) {
        (HeaderValue::from_static(Self::MEDIA_TYPE), fields.0.into())
    }
}

impl<T: ParamValues + ?Sized> EncodeField<T> for Form {
    fn encode_field(fields: &mut FormFields, name: &'static str, value: &T) -> Result<(), CodecError> {
        let mut pairs = Serializer::new(std::mem::take(&mut fields.0));
        let outcome = value.for_each_value(&mut |value| {
            pairs.append_pair(name, value);
            Ok(())
        });
        fields.0 = pairs.finish();
        outcome.map_err(CodecError::new)
    }
}

impl DecodeFields for Form {
    fn decode_fields(content: &Content<'_>) -> Result<Self::Reader, CodecError> {
        Ok(form_urlencoded::parse(content.body()).into_owned().collect())
    }
}

impl<T: FromParam> DecodeField<T> for Form {
    fn decode_field(fields: &mut Self::Reader, name: &'static str) -> Result<T, CodecError> {
        let values = fields.iter().filter(|(field, _)| field == name);
        T::from_values(&mut values.map(|(_, value)| Cow::Borrowed(&**value))).map_err(CodecError::new)
    }
}
