//! Requests that the HTTP server of Node.js rejects before the service receives them, as far as hyper parses
//! them.

use super::date;
use super::response::{ServedBody, ServedResponse, insert_connection, wants_close};
use crate::request_headers::header_value;
use bytes::Bytes;
use http::header::{CONNECTION, DATE, EXPECT, HOST, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{StatusCode, Version};

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
    let closed = || HeaderMap::from_iter([(CONNECTION, HeaderValue::from_static("close"))]);
    let is_current = request.version == Version::HTTP_11;
    let empty = ServedBody::chunked(Bytes::new());
    let (status, headers, body) = if METHODS.binary_search(&request.method.as_str()).is_err() {
        // Node.js sends no length here; hyper always sends one.
        (StatusCode::BAD_REQUEST, closed(), ServedBody::sized(Bytes::new()))
    } else if is_current && !request.headers.contains_key(HOST) {
        let mut headers = closed();
        headers.insert(DATE, date::now());
        (StatusCode::BAD_REQUEST, headers, empty)
    } else if is_current && !is_expectation_supported(&request.headers) {
        let mut headers = HeaderMap::from_iter([(DATE, date::now())]);
        insert_connection(&mut headers, wants_close(request));
        (StatusCode::EXPECTATION_FAILED, headers, empty)
    } else {
        return None;
    };
    let mut response = ServedResponse::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Some(response)
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
