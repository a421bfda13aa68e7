//! `If-Match` and `If-None-Match`. No answer of the service has an `ETag`, and to them that is an empty one.

use super::head;
use crate::error::ServiceError;
use crate::runtime::{Response, error_response};
use http::header::{HeaderMap, IF_MATCH, IF_NONE_MATCH};
use http::{Method, StatusCode};

/// The answer where a condition does not hold. Conditions of time always do: no answer says when its session
/// was changed.
pub(super) fn failed(method: &Method, headers: &HeaderMap) -> Option<Response> {
    if let Some(tags) = head::text(headers, IF_MATCH)
        && !matches_none(&tags)
    {
        return Some(refusal(format!("if-match '{tags}' didn't match etag ''")));
    }
    let tags = head::text(headers, IF_NONE_MATCH).filter(|tags| matches_none(tags))?;
    if matches!(*method, Method::GET | Method::HEAD) {
        let mut unchanged = Response::default();
        *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
        return Some(unchanged);
    }
    Some(refusal(format!("if-none-match '{tags}' matched etag ''")))
}

fn refusal(message: String) -> Response {
    error_response(StatusCode::PRECONDITION_FAILED, &ServiceError::new("PreconditionFailed", message))
}

/// Whether the tag of an answer without one is among `tags`.
fn matches_none(tags: &str) -> bool {
    tags.split(',')
        .map(str::trim)
        .any(|tag| matches!(tag.strip_prefix("W/").unwrap_or(tag), "*" | "" | "\"\""))
}
