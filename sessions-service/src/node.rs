//! Requests that the HTTP server of Node.js rejects before the service receives them, as far as hyper parses
//! them.

use super::date;
use super::response::{ServedBody, ServedResponse, insert_connection, wants_close};
use crate::request_headers::header_value;
use bytes::Bytes;
use http::header::{CONNECTION, DATE, EXPECT, HOST, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{StatusCode, Version};

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// The only supported expectation.
const CONTINUE: &str = "100-continue";

/// The methods that Node.js knows, sorted.
const METHODS: &[&str] = &[
    "ACL",
    "BIND",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LINK",
    "LOCK",
    "M-SEARCH",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "NOTIFY",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
];

/// Returns the response to a request that Node.js rejects. It has no body.
pub(super) fn rejection(request: &Parts) -> Option<ServedResponse> {
    let is_current = request.version == Version::HTTP_11;
    let (status, headers) = if METHODS.binary_search(&request.method.as_str()).is_err() {
        return Some(malformed());
    } else if is_current && !request.headers.contains_key(HOST) {
        (StatusCode::BAD_REQUEST, HeaderMap::from_iter([(CONNECTION, CLOSE), (DATE, date::now())]))
    } else if is_current && !is_expectation_supported(&request.headers) {
        let mut headers = HeaderMap::from_iter([(DATE, date::now())]);
        insert_connection(&mut headers, wants_close(request));
        (StatusCode::EXPECTATION_FAILED, headers)
    } else {
        return None;
    };
    Some(empty(status, headers, ServedBody::chunked(Bytes::new())))
}

/// Returns the response to malformed HTTP, after which the connection is closed. Node.js sends no length
/// here; hyper always sends one.
pub(super) fn malformed() -> ServedResponse {
    let headers = HeaderMap::from_iter([(CONNECTION, CLOSE)]);
    empty(StatusCode::BAD_REQUEST, headers, ServedBody::sized(Bytes::new()))
}

fn empty(status: StatusCode, headers: HeaderMap, body: ServedBody) -> ServedResponse {
    let mut response = ServedResponse::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Returns whether the request has no `Expect`, or one that contains [`CONTINUE`] as a word anywhere, like
/// Node.js.
fn is_expectation_supported(headers: &HeaderMap) -> bool {
    if !headers.contains_key(EXPECT) {
        return true;
    }
    let expected = header_value(headers, EXPECT).unwrap_or_default().to_ascii_lowercase();
    let is_word_char = |c: char| c.is_ascii_alphanumeric() || c == '_';
    expected.match_indices(CONTINUE).any(|(start, found)| {
        !expected[..start].ends_with(is_word_char)
            && !expected[start + found.len()..].starts_with(is_word_char)
    })
}
