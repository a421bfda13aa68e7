//! From a response to a result.

use super::{Attempts, BodyGivenUp, Outcome, Response, Route, retry_after};
use crate::error::{Error, ErrorKind, ServiceError, Status};
use http::header::CONTENT_TYPE;
use serde::de::{Deserialize, DeserializeOwned};
use serde_json::de::SliceRead;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

/// Reads what a response promises, status first.
///
/// * An empty success, such as 204, reads as JSON `null`: `Option<T>` is `None`, `()` is `()`, and any other
///   type was promised a value, which is an error.
/// * Any other success is JSON.
/// * Everything else is an error, whatever its body looks like.
#[expect(clippy::needless_pass_by_value, reason = "a response is read once")]
pub fn decode<R>(route: &'static Route, response: Response) -> R
where
    R: Outcome<Ok: DeserializeOwned, Err: From<Error>>,
{
    R::from_result(read(route, &response).map_err(Into::into))
}

/// [`decode`] before the error becomes the contract's own, and what is read may borrow from the response.
pub(super) fn read<'r, T>(route: &'static Route, response: &'r Response) -> Result<T, Error>
where
    T: Deserialize<'r>,
{
    check(route, response)?;
    value(response).map_err(|error| explained(error, route, response))
}

/// An error for every status that is no success.
pub(super) fn check(route: &'static Route, response: &Response) -> Result<(), Error> {
    if response.status().is_success() {
        return Ok(());
    }
    Err(explained(refusal(response), route, response))
}

/// The error with what is known about the call.
fn explained(error: Error, route: &'static Route, response: &Response) -> Error {
    error
        .with_operation(route.name)
        .with_attempts(Attempts::of(response))
        // Decoding has no clock: a date counts from the `Date` beside it.
        .with_retry_after(retry_after(response.headers(), || None))
}

fn value<'r, T: Deserialize<'r>>(response: &'r Response) -> Result<T, Error> {
    let status = response.status();
    let body = &response.body()[..];
    if body.is_empty() {
        return serde_json::from_str("null").map_err(|_| {
            let message = format!("the answer {} is empty, but a value was promised", Status(status));
            Error::new(ErrorKind::Decode, message).with_status(status)
        });
    }
    parse(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = match error.classify() {
            Category::Data => format!("is not what was promised: {}", mismatch::<T>(body)),
            Category::Eof => format!("ends in the middle of its JSON (line {line} column {column})"),
            Category::Syntax if is_too_deep(&error) => TOO_DEEP.to_owned(),
            Category::Syntax | Category::Io => {
                format!("is not JSON{} (line {line} column {column})", media_type(response))
            }
        };
        Error::new(ErrorKind::Decode, format!("the answer {} {what}", Status(status))).with_status(status)
    })
}

/// Reads what was written here.
pub(crate) fn read_back<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    parse(json).map_err(|error| {
        let message = format!("what is kept {}", unreadable::<T>(&error, json));
        Error::new(ErrorKind::Decode, message)
    })
}

/// Whether a payload of a session can be read from its JSON. The error is the end of a sentence that begins with it.
pub(crate) fn check_payload<T: DeserializeOwned>(json: &[u8]) -> Result<(), String> {
    // A session is a level around it.
    let session = [b"[", json, b"]"].concat();
    parse::<[T; 1]>(&session).map(|_| ()).map_err(|error| unreadable::<T>(&error, json))
}

fn unreadable<'b, T: Deserialize<'b>>(error: &serde_json::Error, json: &'b [u8]) -> String {
    if is_too_deep(error) {
        TOO_DEEP.to_owned()
    } else {
        format!("cannot be read back from its JSON: {}", mismatch::<T>(json))
    }
}

const TOO_DEEP: &str = "is nested deeper than the 127 levels that are read";

fn is_too_deep(error: &serde_json::Error) -> bool {
    error.classify() == Category::Syntax && error.to_string().starts_with("recursion limit exceeded")
}

/// Reads a body of UTF-8 as text: one check of all of it costs a tenth of one for each string in it. A body of other
/// bytes is read as bytes, since they may stand where nobody reads them.
fn parse<'b, T: Deserialize<'b>>(body: &'b [u8]) -> serde_json::Result<T> {
    if let Ok(text) = std::str::from_utf8(body) {
        return serde_json::from_str(text);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = tracked(&mut deserializer).map_err(serde_path_to_error::Error::into_inner)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads with the path in the error. Only failures pay for it, and bodies that are no UTF-8, so that reading bytes is
/// compiled once for a type.
fn tracked<'b, T: Deserialize<'b>>(
    deserializer: &mut serde_json::Deserializer<SliceRead<'b>>,
) -> Result<T, serde_path_to_error::Error<serde_json::Error>> {
    serde_path_to_error::deserialize(deserializer)
}

/// Reads the body once more, to say where and how it differs.
fn mismatch<'b, T: Deserialize<'b>>(body: &'b [u8]) -> String {
    match tracked::<T>(&mut serde_json::Deserializer::from_slice(body)) {
        Ok(_) => "text follows the value".to_owned(),
        Err(error) => {
            let what = without_values(&error.inner().to_string());
            match place(error.path()) {
                path if path.is_empty() => what,
                path => format!("`{path}`: {what}"),
            }
        }
    }
}

/// The path as far as it cannot be a payload's, whose keys may be anybody's: a key, and an index behind it.
fn place(path: &Path) -> String {
    let mut segments = path.iter();
    let first = match segments.next() {
        Some(Segment::Map { key }) => key.clone(),
        Some(Segment::Seq { index }) => format!("[{index}]"),
        Some(_) => "…".to_owned(),
        None => return String::new(),
    };
    match segments.next() {
        Some(Segment::Seq { index }) if segments.next().is_some() => format!("{first}[{index}]…"),
        Some(Segment::Seq { index }) => format!("{first}[{index}]"),
        Some(_) => format!("{first}…"),
        None => first,
    }
}

/// serde's message without the values it quotes, which may be anybody's.
///
/// Names of fields are the program's own and stay; what was found is told by its kind alone. Messages that
/// are not serde's own may quote anything.
pub(super) fn without_values(message: &str) -> String {
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
        None => "a value of another form was expected".to_owned(),
    }
}

/// What an error status means: the service's own words where they can be read, the status where not.
fn refusal(response: &Response) -> Error {
    let status = response.status();
    if let Some(service) = ServiceError::from_body(response.body()) {
        return Error::from_service(status, service);
    }
    let what = if status.is_redirection() {
        "a redirect, which is never followed: is the address of the service right?"
    } else if response.extensions().get::<BodyGivenUp>().is_some() {
        "a body over the limit, which was not read"
    } else if response.body().is_empty() {
        "nothing more"
    } else {
        "a body that is not the service's: a proxy or another server may be in the way"
    };
    let kind = if status.is_informational() { ErrorKind::Transport } else { ErrorKind::Service };
    let media_type = media_type(response);
    Error::new(kind, format!("the answer is {} and {what}{media_type}", Status(status))).with_status(status)
}

/// ` (text/html)`, if the response says what it is in the usual form.
fn media_type(response: &Response) -> String {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.map(|text| text.split(';').next().unwrap_or_default().trim());
    let plain = |text: &&str| {
        text.len() <= 60 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/+-._".contains(&b))
    };
    essence
        .filter(|text| !text.is_empty())
        .filter(plain)
        .map_or_else(String::new, |text| format!(" ({text})"))
}
