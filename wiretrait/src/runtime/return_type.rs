//! The forms of return types: how a response becomes a value, and the reverse.
//!
//! The macro derives a form from the names in a return type, such as `Optional<Text>` for
//! `Result<Option<String>>` of an operation with `response = Text`. Rejected alternative: implementations for
//! `Option<T>` and [`ResponseValue<T>`] themselves, because they would overlap with codecs for all types of
//! serde.

use super::decode::{
    check, is_empty, is_encoded, is_range, means_none, media_type, undecodable, unreadable, with_context,
};
use super::{Response, ResponseValue, Route};
use crate::codec::{self, Codec, CodecError, Content, Decode, Encode, Json};
use crate::config::BELONGS_TO_CONNECTION;
use crate::error::Error;
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// A form that reads values of the type `T`.
pub trait ReadResponse<T> {
    /// Reads a response to a call of `route`.
    ///
    /// # Errors
    ///
    /// If it is an error response, or cannot be decoded.
    fn read(route: &'static Route, response: &Response) -> Result<T, Error>;
}

/// A form that writes values of the type `T`.
pub trait WriteResponse<T> {
    /// Writes the response to a call of `route`.
    fn write(route: &Route, value: T) -> Response;

    /// Returns whether a `None` can be written as a success with `status` and no body.
    fn can_be_none(_status: StatusCode) -> bool {
        true
    }
}

/// JSON, the default. An `Option` and `()` are handled by their deserialization.
#[derive(Debug)]
pub enum JsonValue {}

/// A value with the codec `C`.
#[derive(Debug)]
pub struct Value<C>(PhantomData<C>);

/// An `Option` of a value with the codec `C`.
#[derive(Debug)]
pub struct Optional<C>(PhantomData<C>);

/// `()`, whose response may have any body.
#[derive(Debug)]
pub enum Nothing {}

/// `Option<()>` of an operation that declares the statuses of `None`: every other success is `Some`, also one
/// without a body.
#[derive(Debug)]
pub enum Exists {}

/// A [`ResponseValue`] around the form `F`.
#[derive(Debug)]
pub struct WithHead<F>(PhantomData<F>);

impl<T: DeserializeOwned> ReadResponse<T> for JsonValue {
    fn read(route: &'static Route, response: &Response) -> Result<T, Error> {
        super::decode::read(route, response)
    }
}

impl<T> WriteResponse<T> for JsonValue
where
    Json: Encode<T>,
{
    fn write(route: &Route, value: T) -> Response {
        match Json::encode(&value) {
            Ok(body) if body == "null" => absent(route),
            Ok(body) => with_body::<Json>(body),
            Err(_) => unwritable(),
        }
    }
}

impl<T, C: Decode<T>> ReadResponse<T> for Value<C> {
    fn read(route: &'static Route, response: &Response) -> Result<T, Error> {
        check(route, response)?;
        let value = if has_no_value::<C>(route, response) {
            C::absent().ok_or_else(|| is_empty(response))
        } else {
            decode::<C, T>(response)
        };
        value.map_err(|error| with_context(error, route, response))
    }
}

impl<T, C: Encode<T>> WriteResponse<T> for Value<C> {
    fn write(_: &Route, value: T) -> Response {
        match C::encode(&value) {
            Ok(body) => with_body::<C>(body),
            Err(_) => unwritable(),
        }
    }
}

impl<T, C: Decode<T>> ReadResponse<Option<T>> for Optional<C> {
    fn read(route: &'static Route, response: &Response) -> Result<Option<T>, Error> {
        check(route, response)?;
        if has_no_value::<C>(route, response) {
            return Ok(None);
        }
        decode::<C, T>(response).map(Some).map_err(|error| with_context(error, route, response))
    }
}

impl<T, C: Encode<T>> WriteResponse<Option<T>> for Optional<C> {
    fn write(route: &Route, value: Option<T>) -> Response {
        match value {
            Some(value) => Value::<C>::write(route, value),
            None => absent(route),
        }
    }

    fn can_be_none(status: StatusCode) -> bool {
        C::is_absent(b"") || has_no_body(status)
    }
}

impl ReadResponse<()> for Nothing {
    fn read(route: &'static Route, response: &Response) -> Result<(), Error> {
        check(route, response)
    }
}

impl WriteResponse<()> for Nothing {
    fn write(route: &Route, (): ()) -> Response {
        absent(route)
    }
}

impl ReadResponse<Option<()>> for Exists {
    fn read(route: &'static Route, response: &Response) -> Result<Option<()>, Error> {
        check(route, response)?;
        Ok((!means_none(route, response)).then_some(()))
    }
}

impl WriteResponse<Option<()>> for Exists {
    fn write(route: &Route, value: Option<()>) -> Response {
        match value {
            Some(()) => super::respond::empty(StatusCode::NO_CONTENT),
            None => absent(route),
        }
    }

    fn can_be_none(_: StatusCode) -> bool {
        false
    }
}

impl<T, F: ReadResponse<T>> ReadResponse<ResponseValue<T>> for WithHead<F> {
    fn read(route: &'static Route, response: &Response) -> Result<ResponseValue<T>, Error> {
        let value = F::read(route, response)?;
        Ok(ResponseValue::from_parts(response.status(), response.headers().clone(), value))
    }
}

impl<T, F: WriteResponse<T>> WriteResponse<ResponseValue<T>> for WithHead<F> {
    fn write(route: &Route, value: ResponseValue<T>) -> Response {
        let (chosen, headers, value) = value.into_chosen();
        let mut response = F::write(route, value);
        if let Some(status) = chosen {
            if status.is_informational()
                || is_unwritable(route, &response)
                || loses_value(route, &response, status)
            {
                return unwritable();
            }
            let is_none = response.status() == status_of_none(route);
            let is_lost =
                is_none && status.is_success() && !route.none.contains(&status) && !F::can_be_none(status);
            if !is_lost {
                *response.status_mut() = status;
            }
        }
        for name in headers.keys().filter(|name| !BELONGS_TO_CONNECTION.contains(name)) {
            response.headers_mut().remove(name);
            for value in headers.get_all(name) {
                response.headers_mut().append(name, value.clone());
            }
        }
        if has_no_body(response.status()) {
            response.headers_mut().remove(CONTENT_TYPE);
        }
        response
    }
}

/// Returns whether the value that `response` was written for would be lost in a response with `status`.
fn loses_value(route: &Route, response: &Response, status: StatusCode) -> bool {
    let is_none = route.none.contains(&response.status());
    let has_body = !response.body().is_empty();
    (has_no_body(status) && has_body) || (route.none.contains(&status) && !is_none)
}

/// Returns whether `response` is [`unwritable`], and not a `None`.
fn is_unwritable(route: &Route, response: &Response) -> bool {
    response.status() == StatusCode::INTERNAL_SERVER_ERROR && !route.none.contains(&response.status())
}

/// Returns whether HTTP forbids a body in a response with `status`.
fn has_no_body(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Returns whether a response stands for `None`.
fn has_no_value<C: Codec>(route: &Route, response: &Response) -> bool {
    means_none(route, response)
        || matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT)
        || C::is_absent(response.body())
}

/// Decodes a body. One whose content encoding no transport could decode is an error for every codec: `Text` and
/// `Binary` would return it unchanged.
fn decode<C: Decode<T>, T>(response: &Response) -> Result<T, Error> {
    let content = Content::from(response);
    // `Binary` returns a range of an encoded body unchanged.
    if is_encoded(response.headers())
        && !is_range(response.status(), response.headers())
        && let Some(why) = unreadable(&content, "")
    {
        return Err(undecodable(response, CodecError::new(format!("cannot be read: {why}"))));
    }
    C::decode(&content).map_err(|error| {
        let (text, media_type) = (error.to_string(), media_type(&content));
        let named =
            CodecError::new(format!("{text}{}", if text.contains(&media_type) { "" } else { &media_type }));
        undecodable(
            response,
            match error.into_source() {
                Some(source) => named.with_source(source),
                None => named,
            },
        )
    })
}

/// Returns the response for `None`.
fn absent(route: &Route) -> Response {
    super::respond::empty(status_of_none(route))
}

/// Returns the first status that the operation declares for `None`, or else 204.
fn status_of_none(route: &Route) -> StatusCode {
    route.none.first().copied().unwrap_or(StatusCode::NO_CONTENT)
}

fn with_body<C: Codec>(body: Bytes) -> Response {
    let mut response = http::Response::new(body);
    if let Some(media_type) = codec::content_type::<C>() {
        response.headers_mut().insert(CONTENT_TYPE, media_type);
    }
    response
}

/// The call succeeded, but its value cannot be serialized. There is no error that would describe this to the
/// caller.
fn unwritable() -> Response {
    super::respond::empty(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A return type that can be `None`, for operations with the flag `none`.
#[diagnostic::on_unimplemented(
    message = "`none` requires a return type with an `Option`, not `{Self}`",
    label = "has no `Option`",
    note = "write `Result<Option<…>>`, or remove `none`"
)]
pub trait MaybeNone {}

impl<T> MaybeNone for Option<T> {}
impl<T> MaybeNone for ResponseValue<Option<T>> {}
