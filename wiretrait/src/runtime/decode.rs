//! Decoding of responses into results.

use super::ignorable::Ignorable;
use super::return_type::ReadResponse;
use super::{
    Advice, Attempts, BodyDamaged, BodyTooLarge, Forwarder, Outcome, RequestedDelay, Response, Route,
    forbids_retry, retry_after,
};
use crate::codec::{CodecError, Content};
use crate::error::{Error, ErrorKind, Status, one_line};
use http::header::{CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::de::{Deserialize, DeserializeOwned, IgnoredAny};
use serde_json::de::SliceRead;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};
use std::fmt;

/// Decodes a response to a call of `route`.
///
/// * A success without a body, such as 204, is read as JSON `null`: `Option<T>` is `None`, `()` is `()`, and
///   any other type is an error.
/// * Any other success must be JSON. `()` accepts any body.
/// * A status in [`Route::none`] is read as `null`, regardless of its body.
/// * Every other status is an error, regardless of its body.
#[expect(clippy::needless_pass_by_value, reason = "a response is read once")]
pub fn decode<R>(route: &'static Route, response: Response) -> R
where
    R: Outcome<Ok: DeserializeOwned, Err: From<Error>>,
{
    R::from_result(read(route, &response).map_err(Into::into))
}

/// Decodes a response like [`decode`], with the value in the form `F`.
#[expect(clippy::needless_pass_by_value, reason = "a response is read once")]
pub fn decode_as<F, R>(route: &'static Route, response: Response) -> R
where
    F: ReadResponse<R::Ok>,
    R: Outcome<Err: From<Error>>,
{
    R::from_result(F::read(route, &response).map_err(Into::into))
}

/// Decodes a response like [`decode`]. The value may borrow from the response, and the error is not converted
/// yet.
pub(super) fn read<'r, T>(route: &'static Route, response: &'r Response) -> Result<T, Error>
where
    T: Deserialize<'r>,
{
    check(route, response)?;
    value(route, response).map_err(|error| with_context(error, route, response))
}

/// Returns an error unless the status is a success, or one of those that mean `None`.
pub(super) fn check(route: &'static Route, response: &Response) -> Result<(), Error> {
    if response.status().is_success() || means_none(route, response) {
        return Ok(());
    }
    Err(with_context(status_error(route, response), route, response))
}

/// Returns whether the operation declares the status of the response as `None`.
pub(super) fn means_none(route: &Route, response: &Response) -> bool {
    route.none.contains(&response.status())
}

/// Adds the response, the operation, the attempts and the `Retry-After` delay to an error.
pub(super) fn with_context(error: Error, route: &'static Route, response: &Response) -> Error {
    let attempts = Attempts::of(response);
    let error = match response.status() {
        StatusCode::TOO_MANY_REQUESTS if forbids_retry(response) => error.with_possible_effect(),
        _ => error,
    };
    error
        .with_response(response)
        .with_operation(route.name)
        .with_attempts(attempts.number)
        .with_sent_again(attempts.sent_again)
        // There is no clock here, so without policies a date is relative to the `Date` header of the same response.
        .with_retry_after(RequestedDelay::of(response).or_else(|| retry_after(response.headers(), || None)))
        .with_advice(response.extensions().get().map(|Advice(advice)| advice.clone()))
}

fn value<'r, T: Deserialize<'r>>(route: &Route, response: &'r Response) -> Result<T, Error> {
    if means_none(route, response) || without_mark(response.body()).trim_ascii().is_empty() {
        return serde_json::from_str("null").map_err(|_| is_empty(response));
    }
    parse_json(&Content::from(response)).map_err(|error| undecodable(response, error))
}

/// Returns the error for a response without a body to an operation that needs one.
pub(super) fn is_empty(response: &Response) -> Error {
    let status = response.status();
    let message = format!("the response {} is empty, but the operation returns a value", Status(status));
    Error::new(ErrorKind::Decode, message).with_status(status)
}

/// Returns the error for a response whose body cannot be decoded.
pub(super) fn undecodable(response: &Response, error: CodecError) -> Error {
    let status = response.status();
    let message = format!("the response {} {error}", Status(status));
    let decode = Error::new(ErrorKind::Decode, message).with_status(status);
    match error.into_source() {
        Some(source) => decode.with_source(source),
        None => decode,
    }
}

/// Parses a JSON body that is not empty.
pub(crate) fn parse_json<'r, T: Deserialize<'r>>(content: &Content<'r>) -> Result<T, CodecError> {
    let body = without_mark(content.body());
    parse(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        CodecError::new(match error.classify() {
            Category::Data => format!("does not have the expected form: {}", mismatch::<T>(body)),
            Category::Eof => format!("ends in the middle of its JSON (line {line} column {column})"),
            Category::Syntax if is_too_deep(&error) => TOO_DEEP.to_owned(),
            Category::Syntax | Category::Io => {
                let why = unreadable(content, "JSON").map_or_else(String::new, |why| format!(": {why}"));
                format!("is not JSON{} (line {line} column {column}){why}", media_type(content))
            }
        })
    })
}

/// Returns a body without its byte order mark, which some servers write.
#[inline]
pub(crate) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// Returns whether a body has a content encoding, which no transport has decoded.
pub(super) fn is_encoded(headers: &HeaderMap) -> bool {
    let is_one = |value: &HeaderValue| value.to_str().map_or(true, |value| value.split(',').any(is_coding));
    headers.get_all(CONTENT_ENCODING).iter().any(is_one)
}

/// Returns whether a response contains bytes of an encoded body, which cannot be decoded. Other units are those of an API
/// that returns a list in pages, each encoded as a whole.
pub(crate) fn is_range(status: StatusCode, headers: &HeaderMap) -> bool {
    let begins = |name, start: &[u8]| {
        let value = headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
        value.get(..start.len()).is_some_and(|value| value.eq_ignore_ascii_case(start))
    };
    status == StatusCode::PARTIAL_CONTENT
        && (begins(CONTENT_RANGE, b"bytes") || begins(CONTENT_TYPE, b"multipart/byteranges"))
}

/// Returns whether a name in `Content-Encoding` is that of an encoding. Some servers write a charset there, or an encoding
/// of e-mails that changes nothing.
pub(crate) fn is_coding(name: &str) -> bool {
    const NOT_ENCODED: [&str; 8] = ["", "identity", "none", "binary", "8bit", "utf-8", "utf8", "iso-8859-1"];
    !NOT_ENCODED.iter().any(|known| name.trim().eq_ignore_ascii_case(known))
}

/// Returns why a body that is not in `format` cannot be read, if it is the encoding or the charset.
pub(crate) fn unreadable(content: &Content<'_>, format: &str) -> Option<String> {
    let header = |name| content.headers().get(name).and_then(|value| value.to_str().ok());
    let plain = |value: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:., ".contains(&byte);
        value.len() <= 60 && value.bytes().all(is_plain)
    };
    if is_encoded(content.headers())
        && let Some(coding) = content.headers().get(CONTENT_ENCODING)
    {
        let coding = coding.to_str().ok().filter(|coding| plain(coding)).unwrap_or("unknown");
        if content.extensions().get::<BodyDamaged>().is_some() {
            return Some(format!("its content encoding is `{coding}`, but the body is damaged or truncated"));
        }
        // The status of the response is unknown here, and the header means the same without it.
        if is_range(StatusCode::PARTIAL_CONTENT, content.headers()) {
            return Some(format!(
                "its content encoding `{coding}` is that of a body of which it is a range: read it as `Binary`"
            ));
        }
        return Some(format!("its content encoding `{coding}` cannot be decoded; gzip, deflate and br can"));
    }
    let body = &content.body()[..];
    let is_utf16 = body.starts_with(b"\xff\xfe")
        || body.starts_with(b"\xfe\xff")
        || body.iter().take(4).any(|byte| *byte == 0);
    if !is_utf16 && std::str::from_utf8(body).is_ok() {
        return None;
    }
    let charset = header(CONTENT_TYPE).and_then(|value| {
        value.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
        })
    });
    let charset = charset.filter(|charset| plain(charset) && !charset.eq_ignore_ascii_case("utf-8"));
    Some(match (is_utf16, charset) {
        (_, Some(charset)) => format!("its charset is `{charset}`, but {format} must be UTF-8"),
        (true, None) => format!("it is UTF-16 or UTF-32, but {format} must be UTF-8"),
        (false, None) => "it is not UTF-8".to_owned(),
    })
}

const TOO_DEEP: &str = "is nested deeper than the limit of 127 levels";

fn is_too_deep(error: &serde_json::Error) -> bool {
    error.classify() == Category::Syntax && error.to_string().starts_with("recursion limit exceeded")
}

/// Parses a UTF-8 body as a string: one check of the whole body costs a tenth of a check for each string in
/// it. Any other body is parsed as bytes, since the invalid bytes may be in a part that is skipped.
fn parse<'b, T: Deserialize<'b>>(body: &'b [u8]) -> serde_json::Result<T> {
    let mut is_ignored = false;
    if let Ok(json) = std::str::from_utf8(body) {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let value = T::deserialize(Ignorable { inner: &mut deserializer, is_ignored: &mut is_ignored })?;
        if !is_ignored {
            deserializer.end()?;
        }
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let ignorable = Ignorable { inner: &mut deserializer, is_ignored: &mut is_ignored };
    let value = tracked(ignorable).map_err(serde_path_to_error::Error::into_inner)?;
    if !is_ignored {
        deserializer.end()?;
    }
    Ok(value)
}

/// Parses with path tracking. Only failures and bodies that are not UTF-8 pay for it, so that parsing from
/// bytes is compiled once per type.
fn tracked<'b, T: Deserialize<'b>>(
    deserializer: Ignorable<'_, &mut serde_json::Deserializer<SliceRead<'b>>>,
) -> Result<T, serde_path_to_error::Error<serde_json::Error>> {
    serde_path_to_error::deserialize(deserializer)
}

/// Parses the body again, and returns where and how it differs from the expected type.
fn mismatch<'b, T: Deserialize<'b>>(body: &'b [u8]) -> String {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    match tracked::<T>(Ignorable { inner: &mut deserializer, is_ignored: &mut false }) {
        Ok(_) => "there is more data after the value".to_owned(),
        Err(error) => {
            let what = without_values(&error.inner().to_string());
            match public_path(error.path()) {
                path if path.is_empty() => what,
                path => format!("`{path}`: {what}"),
            }
        }
    }
}

/// Returns the part of the path that cannot belong to a payload, whose keys may be private: one key, and in a list
/// under it the index and one key of the item.
fn public_path(path: &Path) -> String {
    let mut segments = path.iter().peekable();
    let (mut shown, is_named) = match segments.next() {
        Some(Segment::Map { key }) => (one_line(key), true),
        Some(Segment::Seq { index }) => (format!("[{index}]"), false),
        Some(_) => ("…".to_owned(), false),
        None => return String::new(),
    };
    if let Some(Segment::Seq { index }) = segments.peek() {
        shown = format!("{shown}[{index}]");
        segments.next();
        if let Some(Segment::Map { key }) = segments.peek()
            && is_named
            && is_field_name(key)
        {
            shown = format!("{shown}.{key}");
            segments.next();
        }
    }
    if segments.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Returns whether a key has the form of the name of a field. Keys of maps are often ids or addresses.
fn is_field_name(key: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    key.len() <= 40 && key.bytes().all(is_letter)
}

/// Returns serde's message without the values it quotes, which may be private.
///
/// Names of fields are part of the program and stay; for a value, only its kind stays. Messages that do not
/// come from serde may quote anything, so they are replaced.
pub(crate) fn without_values(message: &str) -> String {
    let message = message.rfind(" at line ").map_or(message, |end| &message[..end]);
    if ["missing field ", "duplicate field "].iter().any(|known| message.starts_with(known)) {
        return message.to_owned();
    }
    let found = ["invalid type: ", "invalid value: "].iter().find_map(|known| message.strip_prefix(known));
    match found.and_then(|found| found.rsplit_once(", expected ")) {
        Some((found, expected)) => {
            let kind = found.split(['`', '"']).next().unwrap_or_default().trim();
            format!("found {kind}, expected {expected}")
        }
        None => "expected a value of another form".to_owned(),
    }
}

/// Returns the error for an error status: the service's own error if the body can be read, otherwise one that
/// describes the response.
fn status_error(route: &Route, response: &Response) -> Error {
    let status = response.status();
    if let Some(service) = route.contract.errors.read(without_mark(response.body())) {
        return Error::from_service(status, service);
    }
    let kind = if status.is_informational() { ErrorKind::Transport } else { ErrorKind::Service };
    let content = Content::from(response);
    let (form, media_type) = (Form::of(response), media_type(&content));
    let explanation = match form {
        Form::Unchanged => Some(UNCHANGED.to_owned()),
        Form::Redirect => Some("check the address of the service".to_owned()),
        Form::Unreadable => unreadable(&content, "JSON"),
        Form::TooLarge | Form::Json | Form::InvalidJson => None,
        Form::Empty | Form::Html | Form::Xml | Form::Text | Form::Other => maker(response),
    };
    let explanation = explanation.map_or_else(String::new, |why| format!(": {why}"));
    Error::new(kind, format!("the response is {} with {form}{media_type}{explanation}", Status(status)))
}

const UNCHANGED: &str = "expect it for a request with `if-none-match` or `if-modified-since`, and otherwise check the \
                         caches in front of the service";

/// The form of an error response that is not in the format of the contract.
#[derive(Clone, Copy)]
enum Form {
    Unchanged,
    Redirect,
    TooLarge,
    Empty,
    Unreadable,
    Html,
    Xml,
    Json,
    InvalidJson,
    Text,
    Other,
}

impl Form {
    fn of(response: &Response) -> Self {
        let (status, body) = (response.status(), without_mark(response.body()));
        if status == StatusCode::NOT_MODIFIED {
            return Self::Unchanged;
        }
        if status.is_redirection() {
            return Self::Redirect;
        }
        if response.extensions().get::<BodyTooLarge>().is_some() {
            return Self::TooLarge;
        }
        if body.is_empty() {
            return Self::Empty;
        }
        if is_encoded(response.headers()) {
            return Self::Unreadable;
        }
        let content = Content::from(response);
        let essence = essence(&content).unwrap_or_default().to_ascii_lowercase();
        let has_type =
            |name: &str| essence.ends_with(&format!("/{name}")) || essence.ends_with(&format!("+{name}"));
        let start = body.trim_ascii_start();
        let starts_with = |tag: &[u8]| start.get(..tag.len()).is_some_and(|it| it.eq_ignore_ascii_case(tag));
        if essence.contains("html") || starts_with(b"<!doctype html") || starts_with(b"<html") {
            return Self::Html;
        }
        if has_type("xml") || starts_with(b"<?xml") {
            return Self::Xml;
        }
        if has_type("json") || essence.is_empty() || starts_with(b"{") {
            // The strings of ignored values are not checked to be UTF-8.
            return if unreadable(&content, "JSON").is_some() {
                Self::Unreadable
            } else if serde_json::from_slice::<IgnoredAny>(body).is_ok() {
                Self::Json
            } else if has_type("json") {
                Self::InvalidJson
            } else {
                Self::Text
            };
        }
        if essence.starts_with("text/") { Self::Text } else { Self::Other }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unchanged => "no body, since the content is unchanged",
            Self::Redirect => "a redirect, which is never followed",
            Self::TooLarge => "a body over the size limit, which was not read",
            Self::Empty => "an empty body",
            Self::Unreadable => "a body that cannot be read",
            Self::Html => "an HTML page",
            Self::Xml => "an XML body",
            Self::Json => "JSON in another form than the errors of the service",
            Self::InvalidJson => "a body that is not valid JSON",
            Self::Text => "a text body",
            Self::Other => "a body in another format than the errors of the service",
        })
    }
}

/// Returns the proxy that has made an error response or may have made it, and the remedy; `None` without evidence of
/// one.
fn maker(response: &Response) -> Option<String> {
    // Squid names its own errors, such as `ERR_ACCESS_DENIED 0`.
    let name = response.headers().get("x-squid-error").and_then(|value| value.to_str().ok());
    let name = name.and_then(|value| value.split(' ').next());
    let plain =
        |name: &&str| name.len() <= 60 && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let name = name.filter(|name| !name.is_empty()).filter(plain);
    let proxy = response.extensions().get().map(|Forwarder(proxy)| proxy);
    let remedy = match response.status() {
        StatusCode::FORBIDDEN => "allow the service there, or exclude its host with NO_PROXY",
        _ => "check that it can reach the service",
    };
    match (proxy, name) {
        (Some(proxy), Some(name)) => {
            Some(format!("it comes from a proxy ({name}), probably {proxy}: {remedy}"))
        }
        (Some(proxy), None) => {
            Some(format!("it came through the proxy {proxy}, which may have made it: {remedy}"))
        }
        (None, Some(name)) => Some(format!("it comes from a proxy ({name})")),
        (None, None) => None,
    }
}

/// Returns ` (text/html)` if the response has a media type of the usual form, or an empty string.
pub(super) fn media_type(content: &Content<'_>) -> String {
    let plain = |essence: &&str| {
        essence.len() <= 60 && essence.bytes().all(|b| b.is_ascii_alphanumeric() || b"/+-._".contains(&b))
    };
    essence(content).filter(plain).map_or_else(String::new, |essence| format!(" ({essence})"))
}

/// Returns the media type without its parameters.
fn essence<'c>(content: &Content<'c>) -> Option<&'c str> {
    let content_type = content.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    content_type.split(';').next().map(str::trim).filter(|essence| !essence.is_empty())
}
