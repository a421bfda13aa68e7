//! `If-Match` and `If-None-Match`. Responses of the service have no `ETag`, which these checks treat as an
//! empty one.

use crate::errors::error_response;
use crate::request_headers::header_value;
use http::header::{HeaderMap, IF_MATCH, IF_NONE_MATCH};
use http::{Method, StatusCode};
use wiretrait::{Response, ServiceError};

/// Returns the response to a request whose precondition fails. Conditions on times always hold, since no
/// response has a `Last-Modified`.
pub(super) fn failed_precondition(method: &Method, headers: &HeaderMap) -> Option<Response> {
    if let Some(tags) = header_value(headers, IF_MATCH)
        && !has_empty_tag(&tags)
    {
        return Some(precondition_failed(format!("if-match '{tags}' didn't match etag ''")));
    }
    let tags = header_value(headers, IF_NONE_MATCH).filter(|tags| has_empty_tag(tags))?;
    if matches!(*method, Method::GET | Method::HEAD) {
        let mut not_modified = Response::default();
        *not_modified.status_mut() = StatusCode::NOT_MODIFIED;
        return Some(not_modified);
    }
    Some(precondition_failed(format!("if-none-match '{tags}' matched etag ''")))
}

fn precondition_failed(message: String) -> Response {
    error_response(StatusCode::PRECONDITION_FAILED, &ServiceError::new("PreconditionFailed", message))
}

/// Returns whether the empty tag, which every response has, is among `tags`.
fn has_empty_tag(tags: &str) -> bool {
    tags.split(',')
        .map(str::trim)
        .any(|tag| matches!(tag.strip_prefix("W/").unwrap_or(tag), "*" | "" | "\"\""))
}
