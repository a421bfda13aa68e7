//! Bodies that are multipart forms, for uploads of files.

use super::{Codec, CodecError, DecodeField, EncodeField, FieldCodec};
use crate::runtime::ParamValues;
use bytes::Bytes;
use http::header::HeaderValue;
use memchr::memmem;
use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;

/// A form with files, as `multipart/form-data` (RFC 7578), for `#[field]` arguments of clients.
///
/// A field is a [`Part`], or any type that can be a query parameter, which is sent as text. A list has one part
/// for each of its values, and an `Option` that is `None` is left out. Services cannot read it, so the contract
/// has to be `client_only`.
///
/// The same arguments always make the same body, so recorded requests match: the boundary is the first of a
/// fixed series that does not occur in the content.
#[derive(Clone, Copy, Debug)]
pub struct Multipart;

/// A file, or another value with a media type, in a [`Multipart`] body.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    bytes: Bytes,
    file_name: Option<Cow<'static, str>>,
    media_type: Option<Cow<'static, str>>,
}

impl Part {
    /// Creates a part without a file name or a media type.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), file_name: None, media_type: None }
    }

    /// Creates the part of a file, with the media type `application/octet-stream`.
    pub fn file(name: impl Into<Cow<'static, str>>, bytes: impl Into<Bytes>) -> Self {
        Self::new(bytes).with_file_name(name).with_media_type("application/octet-stream")
    }

    /// Sets the name of the file.
    #[must_use]
    pub fn with_file_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.file_name = Some(name.into());
        self
    }

    /// Sets the media type. One that is not valid in a header is an error of the call.
    #[must_use]
    pub fn with_media_type(mut self, media_type: impl Into<Cow<'static, str>>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }

    /// Returns the content.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the name of the file.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.file_name.as_deref()
    }

    /// Returns the media type.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.media_type.as_deref()
    }
}

/// Omits the content and the names, which may be private.
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// The fields of a multipart form.
#[derive(Clone, Default)]
pub struct MultipartFields(Vec<Encoded>);

/// A part with its headers.
#[derive(Clone)]
struct Encoded {
    head: String,
    bytes: Bytes,
}

/// Omits the fields, which may be private.
impl fmt::Debug for MultipartFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MultipartFields").field("len", &self.0.len()).finish_non_exhaustive()
    }
}

impl MultipartFields {
    fn add(&mut self, name: &str, part: &Part) -> Result<(), CodecError> {
        let mut head = format!("Content-Disposition: form-data; name=\"{}\"", escaped(name));
        if let Some(file_name) = &part.file_name {
            head = format!("{head}; filename=\"{}\"", escaped(file_name));
        }
        if let Some(media_type) = &part.media_type {
            if HeaderValue::from_str(media_type).is_err() || media_type.is_empty() {
                return Err(CodecError::new("has a media type that is not valid in a header"));
            }
            head = format!("{head}\r\nContent-Type: {media_type}");
        }
        self.0.push(Encoded { head, bytes: part.bytes.clone() });
        Ok(())
    }

    /// Returns the first boundary of the series that does not occur in the content, which is searched once.
    fn boundary(&self) -> String {
        let finder = memmem::Finder::new(BOUNDARY);
        let mut taken: Vec<u64> = Vec::new();
        for text in self.0.iter().flat_map(|part| [part.head.as_bytes(), &part.bytes]) {
            taken.extend(
                finder.find_iter(text).filter_map(|start| number_at(&text[start + BOUNDARY.len()..])),
            );
        }
        taken.sort_unstable();
        taken.dedup();
        let free = (0..).zip(&taken).find_map(|(number, taken)| (number != *taken).then_some(number));
        format!("{BOUNDARY}{:016x}", free.unwrap_or(taken.len() as u64))
    }
}

/// The start of every boundary, which a number of 16 hexadecimal digits follows.
const BOUNDARY: &str = "wiretrait-part-";

/// Returns the number of a boundary at the start of `text`.
fn number_at(text: &[u8]) -> Option<u64> {
    let digits =
        text.get(..16).filter(|digits| digits.iter().all(|digit| b"0123456789abcdef".contains(digit)))?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Escapes a name as browsers do (HTML, "multipart/form-data encoding algorithm").
fn escaped(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

impl Codec for Multipart {
    const MEDIA_TYPE: &'static str = "multipart/form-data";
}

impl FieldCodec for Multipart {
    type Writer = MultipartFields;
    type Reader = Infallible;

    fn finish(fields: MultipartFields) -> (HeaderValue, Bytes) {
        let boundary = fields.boundary();
        let length: usize =
            fields.0.iter().map(|part| part.head.len() + part.bytes.len() + boundary.len() + 8).sum();
        let mut body = Vec::with_capacity(length + boundary.len() + 6);
        for Encoded { head, bytes } in &fields.0 {
            body.extend_from_slice(b"--");
            body.extend_from_slice(boundary.as_bytes());
            body.extend_from_slice(b"\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(b"\r\n\r\n");
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--");
        body.extend_from_slice(boundary.as_bytes());
        body.extend_from_slice(b"--\r\n");
        let content_type = HeaderValue::try_from(format!("{}; boundary={boundary}", Self::MEDIA_TYPE));
        // The boundary consists of ASCII letters and digits.
        (content_type.unwrap_or(HeaderValue::from_static(Self::MEDIA_TYPE)), body.into())
    }
}

impl<T: ParamValues + ?Sized> EncodeField<T> for Multipart {
    fn encode_field(fields: &mut MultipartFields, name: &'static str, value: &T) -> Result<(), CodecError> {
        let mut outcome = Ok(());
        let written = value.for_each_value(&mut |value| {
            if outcome.is_ok() {
                outcome = fields.add(name, &Part::new(Bytes::copy_from_slice(value.as_bytes())));
            }
            Ok(())
        });
        written.map_err(CodecError::new).and(outcome)
    }
}

macro_rules! parts {
    ($($type:ty: |$value:ident| $parts:expr;)*) => { $(
        impl EncodeField<$type> for Multipart {
            #[allow(clippy::ref_option_ref, reason = "the trait takes every type by reference")]
            fn encode_field(
                fields: &mut MultipartFields,
                name: &'static str,
                $value: &$type,
            ) -> Result<(), CodecError> {
                $parts.into_iter().try_for_each(|part| fields.add(name, part))
            }
        }
    )* };
}

parts! {
    Part: |part| [part];
    &Part: |part| [*part];
    Option<Part>: |part| part;
    Option<&Part>: |part| part.iter().copied();
    [Part]: |parts| parts;
    &[Part]: |parts| *parts;
    Vec<Part>: |parts| parts;
    Option<&[Part]>: |parts| parts.iter().copied().flatten();
    Option<Vec<Part>>: |parts| parts.iter().flatten();
}

/// For a single error where a service would read the fields: that of [`DecodeFields`](super::DecodeFields).
impl<T> DecodeField<T> for Multipart {
    fn decode_field(fields: &mut Infallible, _: &'static str) -> Result<T, CodecError> {
        match *fields {}
    }
}
