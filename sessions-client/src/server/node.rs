//! What Node.js refuses before the service hears of it, as far as hyper reads it as HTTP.

use super::answer::{AnswerBody, closes, keep_alive};
use super::{date, head};
use bytes::Bytes;
use http::header::{CONNECTION, DATE, EXPECT, HOST, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode, Version};

/// The one expectation that is met.
const CONTINUE: &str = "100-continue";

/// The verbs that there are, in the order of the alphabet.
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

/// The answer without a body that refuses the request.
pub(super) fn refusal(request: &Parts) -> Option<Response<AnswerBody>> {
    let closed = || HeaderMap::from_iter([(CONNECTION, HeaderValue::from_static("close"))]);
    let is_current = request.version == Version::HTTP_11;
    let empty = AnswerBody::unsized_of(Bytes::new());
    let (status, headers, body) = if METHODS.binary_search(&request.method.as_str()).is_err() {
        // Node.js says nothing of its length, and hyper must.
        (StatusCode::BAD_REQUEST, closed(), AnswerBody::sized(Bytes::new()))
    } else if is_current && !request.headers.contains_key(HOST) {
        let mut headers = closed();
        headers.insert(DATE, date::now());
        (StatusCode::BAD_REQUEST, headers, empty)
    } else if is_current && !expects_nothing_else(&request.headers) {
        let mut headers = HeaderMap::from_iter([(DATE, date::now())]);
        keep_alive(&mut headers, closes(request));
        (StatusCode::EXPECTATION_FAILED, headers, empty)
    } else {
        return None;
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Some(response)
}

/// Whether the request expects nothing, or to be told to go on: Node.js looks for those words anywhere in the header.
fn expects_nothing_else(headers: &HeaderMap) -> bool {
    if !headers.contains_key(EXPECT) {
        return true;
    }
    let expected = head::text(headers, EXPECT).unwrap_or_default().to_ascii_lowercase();
    let is_in_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    expected.match_indices(CONTINUE).any(|(start, found)| {
        !expected[..start].ends_with(is_in_word) && !expected[start + found.len()..].starts_with(is_in_word)
    })
}
