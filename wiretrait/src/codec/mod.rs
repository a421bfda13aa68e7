//! Codecs: the formats of the bodies of requests and responses.
//!
//! A codec is a type without values. [`Encode`] and [`Decode`] say which types it writes and reads; the same
//! implementation serves clients and services. A contract names codecs by their paths:
//!
//! ```
//! use wiretrait::bytes::Bytes;
//! use wiretrait::codec::{Binary, Form, Text};
//! use wiretrait::{Result, http_api};
//!
//! #[http_api(client = FilesClient, module = files)]
//! pub trait Files {
//!     /// Reads bytes.
//!     #[get("/files/{name}", response = Binary, none = 404)]
//!     async fn read(&self, name: &str) -> Result<Option<Bytes>>;
//!
//!     /// Sends bytes.
//!     #[put("/files/{name}")]
//!     async fn write(&self, name: &str, #[body(Binary)] content: &Bytes) -> Result<()>;
//!
//!     /// Sends a form, and reads text.
//!     #[post("/login", request = Form, response = Text)]
//!     async fn login(&self, #[field] name: &str, #[field] scopes: &[String]) -> Result<String>;
//! }
//! # fn main() {}
//! ```
//!
//! | codec | media type | types |
//! |---|---|---|
//! | [`Json`] (default) | `application/json` | `Serialize`, `Deserialize` |
//! | [`Form`] | `application/x-www-form-urlencoded` | the same; `#[field]`s are like query parameters |
//! | [`Text`] | `text/plain; charset=utf-8` | `str`, `String` and other owned strings |
//! | [`Binary`] | `application/octet-stream` | `[u8]`, `Vec<u8>` and [`Bytes`], which is not copied |
//! | [`Multipart`] | `multipart/form-data` | `#[field]`s: files ([`Part`]) and text; only for clients |
//! | [`Empty`] | none | `()` |
//!
//! # Custom codecs
//!
//! A codec for another format implements three traits:
//!
//! ```
//! use serde::{Serialize, de::DeserializeOwned};
//! use wiretrait::bytes::Bytes;
//! use wiretrait::codec::{Codec, CodecError, Content, Decode, Encode};
//!
//! /// JSON Lines with one line. A codec of MessagePack or XML calls another library in the same places.
//! pub struct Line;
//!
//! impl Codec for Line {
//!     const MEDIA_TYPE: &'static str = "application/jsonl";
//! }
//!
//! impl<T: Serialize + ?Sized> Encode<T> for Line {
//!     fn encode(value: &T) -> Result<Bytes, CodecError> {
//!         let mut line = serde_json::to_vec(value).map_err(CodecError::of_serde)?;
//!         line.push(b'\n');
//!         Ok(line.into())
//!     }
//! }
//!
//! impl<T: DeserializeOwned> Decode<T> for Line {
//!     fn decode(content: &Content<'_>) -> Result<T, CodecError> {
//!         serde_json::from_slice(content.body()).map_err(CodecError::of_serde)
//!     }
//! }
//!
//! # use wiretrait::{Operation, http_api};
//! #[http_api(client = EchoClient, module = echo, request = Line, response = Line)]
//! pub trait Echo {
//!     #[post("/echo")]
//!     async fn echo(&self, #[body] numbers: &[u32]) -> wiretrait::Result<Option<Vec<u32>>>;
//! }
//!
//! # fn main() -> wiretrait::Result<()> {
//! let request = echo::Echo::new(&[1, 2]).encode()?;
//! assert_eq!(request.headers()["content-type"], "application/jsonl");
//! assert_eq!(request.body(), "[1,2]\n");
//! # Ok(())
//! # }
//! ```
//!
//! A codec that differs only in its media type forwards to another one, for example to [`Binary`] for
//! `image/png`.
//!
//! # Media types
//!
//! `Content-Type` and `Accept` are those of the codecs. The `Content-Type` of what is received is not compared
//! with them: many services send a wrong one, and [`Text`] and [`Binary`] can read every body. It is part of
//! the error if a body cannot be decoded.

mod binary;
mod empty;
mod form;
mod json;
mod multipart;
mod text;

pub use binary::Binary;
pub use empty::Empty;
pub use form::{Form, FormFields};
pub use json::{Json, JsonFields};
pub use multipart::{Multipart, MultipartFields, Part};
pub use text::Text;

use crate::error::BoxError;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Extensions, Request, Response};
use std::borrow::Cow;
use std::fmt;

/// The format of a body.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a codec",
    label = "does not implement `Codec`",
    note = "codecs are in `wiretrait::codec`, such as `Form`; implement `Codec`, `Encode` and `Decode` for a custom one"
)]
pub trait Codec {
    /// The `Content-Type` of bodies; an empty string for none.
    const MEDIA_TYPE: &'static str;

    /// The `Accept` header of requests whose response has this codec; an empty string for none.
    const ACCEPT: &'static str = Self::MEDIA_TYPE;

    /// The body of a POST, PUT or PATCH request without arguments in its body. `None`, the default, sends no
    /// body and no `Content-Type`.
    const WITHOUT_ARGUMENTS: Option<&'static [u8]> = None;

    /// Returns whether `body` means that there is no value, for return types with an `Option`. An empty body,
    /// by default.
    #[must_use]
    fn is_absent(body: &[u8]) -> bool {
        body.is_empty()
    }
}

/// A codec that writes values of the type `T`: bodies of requests for clients, of responses for services.
#[diagnostic::on_unimplemented(
    message = "the codec `{Self}` cannot write `{T}`",
    label = "cannot be written by `{Self}`",
    note = "choose another type, or another codec: `#[body(Json)]` for an argument, `response = Json` for a return type"
)]
pub trait Encode<T: ?Sized>: Codec {
    /// Writes `value` as a body.
    ///
    /// # Errors
    ///
    /// If the value cannot be written in this format.
    fn encode(value: &T) -> Result<Bytes, CodecError>;
}

/// A codec that reads values of the type `T`: bodies of responses for clients, of requests for services.
#[diagnostic::on_unimplemented(
    message = "the codec `{Self}` cannot read `{T}`",
    label = "cannot be read by `{Self}`",
    note = "choose another type, or another codec: `#[body(Json)]` for an argument, `response = Json` for a return type"
)]
pub trait Decode<T>: Codec {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// If the body is not a `T` in this format.
    fn decode(content: &Content<'_>) -> Result<T, CodecError>;

    /// Returns the value for a response without a body, such as 204. `None`, the default, makes it an error.
    /// Return types with an `Option` do not need it.
    #[must_use]
    fn absent() -> Option<T> {
        None
    }
}

/// A codec of bodies that consist of named fields, for `#[field]` arguments.
#[diagnostic::on_unimplemented(
    message = "the codec `{Self}` has no fields",
    label = "cannot write `#[field]` arguments",
    note = "use `Json`, `Form` or `Multipart`, or annotate a single argument with `#[body]`"
)]
pub trait FieldCodec: Codec {
    /// The fields of a request that is being written.
    type Writer: Default;

    /// The fields of a request that has been received.
    type Reader;

    /// Returns the `Content-Type` and the body.
    fn finish(fields: Self::Writer) -> (HeaderValue, Bytes);
}

/// A codec whose fields can be of the type `T`.
#[diagnostic::on_unimplemented(
    message = "a field of the codec `{Self}` cannot be `{T}`",
    label = "cannot be a field of `{Self}`",
    note = "fields of `Form` are like query parameters: strings, numbers, `bool`, an `Option`, slice or `Vec` of them; those \
            of `Multipart` can also be a `Part`"
)]
pub trait EncodeField<T: ?Sized>: FieldCodec {
    /// Adds a field.
    ///
    /// # Errors
    ///
    /// If the value cannot be written in this format.
    fn encode_field(fields: &mut Self::Writer, name: &'static str, value: &T) -> Result<(), CodecError>;
}

/// A codec whose fields can be absent, `null` or a value, for `#[field]` arguments of type `Option<Option<T>>`.
#[diagnostic::on_unimplemented(
    message = "a field of the codec `{Self}` cannot be `null`",
    label = "has an `Option` in an `Option`",
    note = "write `Option<T>`; its `None` is left out"
)]
pub trait NullableFields: FieldCodec {
    /// Returns whether a field is there and `null`.
    fn is_null(fields: &Self::Reader, name: &str) -> bool;
}

/// A codec whose fields a service can read.
#[diagnostic::on_unimplemented(
    message = "a service cannot read the fields of the codec `{Self}`",
    label = "only for clients",
    note = "write `client_only` in `#[http_api(…)]`"
)]
pub trait DecodeFields: FieldCodec {
    /// Splits a body into its fields.
    ///
    /// # Errors
    ///
    /// If the body is not in this format.
    fn decode_fields(content: &Content<'_>) -> Result<Self::Reader, CodecError>;
}

/// A codec whose fields can be read as the type `T`.
#[diagnostic::on_unimplemented(
    message = "a field of the codec `{Self}` cannot be read as `{T}`",
    label = "cannot be a field of `{Self}`"
)]
pub trait DecodeField<T>: FieldCodec {
    /// Takes a field. A missing one of type `Option<T>` is `None`, since clients may leave it out.
    ///
    /// # Errors
    ///
    /// If the field is required but missing, or cannot be read.
    fn decode_field(fields: &mut Self::Reader, name: &'static str) -> Result<T, CodecError>;
}

/// A received body, with the headers that describe it.
#[derive(Clone, Copy)]
pub struct Content<'a> {
    body: &'a Bytes,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
}

impl<'a> Content<'a> {
    /// Returns the body.
    #[must_use]
    pub fn body(&self) -> &'a Bytes {
        self.body
    }

    /// Returns the headers of the request or response.
    #[must_use]
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// Returns the `Content-Type`, if it is valid UTF-8.
    #[must_use]
    pub fn content_type(&self) -> Option<&'a str> {
        self.headers.get(CONTENT_TYPE).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    }

    pub(crate) fn extensions(&self) -> &'a Extensions {
        self.extensions
    }
}

impl<'a> From<&'a Response<Bytes>> for Content<'a> {
    fn from(response: &'a Response<Bytes>) -> Self {
        Self { body: response.body(), headers: response.headers(), extensions: response.extensions() }
    }
}

impl<'a> From<&'a Request<Bytes>> for Content<'a> {
    fn from(request: &'a Request<Bytes>) -> Self {
        Self { body: request.body(), headers: request.headers(), extensions: request.extensions() }
    }
}

/// Omits the body and the headers, which may be private.
impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("len", &self.body.len()).finish_non_exhaustive()
    }
}

/// The reason why a body cannot be written or read.
#[derive(Debug)]
pub struct CodecError {
    message: Cow<'static, str>,
    source: Option<BoxError>,
}

impl CodecError {
    /// Creates an error. `message` is the end of a sentence that begins with the body or the argument, such as
    /// "is not valid XML". It must not contain values, which may be private.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// Creates an error from an error of a serde format. Values that it quotes are omitted.
    pub fn of_serde(error: impl fmt::Display) -> Self {
        let what = crate::runtime::without_values(&error.to_string());
        Self::new(format!("does not have the expected form: {what}"))
    }

    /// Sets the source.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the source.
    pub(crate) fn into_source(self) -> Option<BoxError> {
        self.source
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CodecError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

/// Returns a header value that is validated at compile time; `None` for an empty string.
const fn header(value: &'static str) -> Option<HeaderValue> {
    if value.is_empty() { None } else { Some(HeaderValue::from_static(value)) }
}

/// Returns the `Content-Type` of `C`.
pub(crate) const fn content_type<C: Codec>() -> Option<HeaderValue> {
    const { header(C::MEDIA_TYPE) }
}

/// Returns the `Accept` header of `C`.
pub(crate) const fn accept<C: Codec>() -> Option<HeaderValue> {
    const { header(C::ACCEPT) }
}
