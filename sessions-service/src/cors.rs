//! CORS: the service allows every origin, method and header.

use http::Method;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap,
    HeaderValue, ORIGIN,
};

/// The headers that pages may send, and those that they may read.
pub(super) const HEADERS: HeaderValue = HeaderValue::from_static(
    "correlation_id,api-version,content-length,content-md5,content-type,date,request-id,response-time,\
     accept,accept-version,origin,x-api-version,x-request-id,x-requested-with",
);

/// The request headers on which a response depends.
pub(super) const VARY: HeaderValue =
    HeaderValue::from_static("origin,access-control-request-method,access-control-request-headers");

/// Returns the origin of the page that sends the request.
pub(super) fn origin(headers: &HeaderMap) -> Option<HeaderValue> {
    joined(headers, ORIGIN)
}

/// Returns the headers that permit the request which the browser asks for with a preflight, for any path.
pub(super) fn preflight(
    method: &Method,
    headers: &HeaderMap,
) -> Option<[(http::HeaderName, HeaderValue); 5]> {
    if *method != Method::OPTIONS {
        return None;
    }
    let origin = origin(headers)?;
    let requested = joined(headers, ACCESS_CONTROL_REQUEST_METHOD)?;
    let methods = HeaderValue::from_bytes(&[requested.as_bytes(), b",OPTIONS"].concat()).ok()?;
    Some([
        (ACCESS_CONTROL_ALLOW_ORIGIN, origin),
        (ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true")),
        (ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("5")),
        (ACCESS_CONTROL_ALLOW_METHODS, methods),
        (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
    ])
}

/// Returns a header whose bytes are sent back, or `None` if it is absent or empty.
fn joined(headers: &HeaderMap, name: http::HeaderName) -> Option<HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    let all = match values.next() {
        None => first.clone(),
        Some(second) => {
            let all: Vec<&[u8]> =
                [first, second].into_iter().chain(values).map(HeaderValue::as_bytes).collect();
            HeaderValue::from_bytes(&all.join(&b", "[..])).ok()?
        }
    };
    Some(all).filter(|all| !all.is_empty())
}
