//! Answers as a script that calls a function, for web pages older than CORS.
//!
//! The service has them for its own errors alone: commands answer with JSON whatever the query says.

use http::HeaderValue;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

pub(super) const SCRIPT: HeaderValue = HeaderValue::from_static("application/javascript");

/// The function that the query names, by `callback` or else `jsonp`.
///
/// Names in brackets, which the service reads as lists and objects, name nothing here.
pub(super) fn callback(query: Option<&str>) -> Option<String> {
    // An escape can be any letter.
    let query = query.filter(|query| ["callback", "jsonp", "%"].iter().any(|part| query.contains(part)))?;
    let pairs: Vec<_> = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    let named = |name: &str| {
        let of_name = pairs.iter().filter(|(key, _)| decoded(key) == name);
        let values: Vec<_> = of_name.map(|(_, value)| decoded(value)).collect();
        // What is there several times is a list, and a list is no empty text.
        (values.len() > 1 || values.iter().any(|value| !value.is_empty())).then(|| values.join(","))
    };
    named("callback").or_else(|| named("jsonp"))
}

/// A text that is no UTF-8 stays as it is.
fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().map_or_else(|_| spaced.clone(), Cow::into_owned)
}

/// The script that calls `callback` with `json`.
pub(super) fn script(callback: &str, json: &str) -> String {
    let script = format!("typeof {callback} === 'function' && {callback}({json});");
    // Two characters that JSON allows in a text and scripts did not.
    script.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}
