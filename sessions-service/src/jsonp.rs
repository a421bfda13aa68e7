//! JSONP: responses as a script that calls a function, for web pages older than CORS.
//!
//! The service supports it only for its own errors: commands respond with JSON whatever the query is.

use http::HeaderValue;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

pub(super) const SCRIPT: HeaderValue = HeaderValue::from_static("application/javascript");

/// Returns the function that the query names under `callback` or else `jsonp`.
///
/// Names in brackets, which the service reads as lists and objects, are ignored.
pub(super) fn callback(query: Option<&str>) -> Option<String> {
    // Any letter of a key can be percent-encoded.
    let query = query.filter(|query| ["callback", "jsonp", "%"].iter().any(|part| query.contains(part)))?;
    let pairs: Vec<_> = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    let named = |name: &str| {
        let pairs = pairs.iter().filter(|(key, _)| decode(key) == name);
        let values: Vec<_> = pairs.map(|(_, value)| decode(value)).collect();
        // Several values are a list for the service, and a list is truthy even if its values are empty.
        (values.len() > 1 || values.iter().any(|value| !value.is_empty())).then(|| values.join(","))
    };
    named("callback").or_else(|| named("jsonp"))
}

/// Decodes a key or value of a query. One that is not UTF-8 stays encoded.
fn decode(encoded: &str) -> String {
    let spaced = encoded.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().map_or_else(|_| spaced.clone(), Cow::into_owned)
}

/// Returns the script that calls `callback` with `json`.
pub(super) fn script(callback: &str, json: &str) -> String {
    let script = format!("typeof {callback} === 'function' && {callback}({json});");
    // JSON strings may contain these two characters, and strings of old scripts may not.
    script.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}
