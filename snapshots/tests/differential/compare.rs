//! Normalizes responses for comparison.
//!
//! Bodies are compared byte by byte, after ids, times and unstable parts are replaced by placeholders: each
//! string that [`Normalizer`] changes in the parsed value is replaced in the source of the body. Comparing
//! parsed values would not show the format of numbers or the order of keys.
//!
//! The differences that are neither compared nor generated are in [`snapshots::exceptions`], with their
//! reasons.

use chrono::{DateTime, Utc};
use snapshots::{Normalizer, Value};
use std::fmt;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NormalizedResponse {
    pub(crate) status: u16,
    /// In order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl fmt::Display for NormalizedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        for (name, value) in &self.headers {
            write!(f, " {name}={value}")?;
        }
        write!(f, " {}", self.body)
    }
}

/// Returns the body with the placeholders of `names`.
pub(crate) fn normalize(body: &str, names: &mut Normalizer) -> String {
    let mut text = readable(body);
    let Ok(before) = serde_json::from_str::<Value>(&text) else {
        return without_reason(&names.normalize(body));
    };
    if let Some(stable) = heartbeat(&before).or_else(|| status(&before)) {
        return stable;
    }
    let after = names.learn_and_normalize(before.clone());
    let mut changes = Vec::new();
    collect(&before, &after, &mut changes);
    let mut at = 0;
    for (before, after) in changes {
        let (shown, name) = (Value::from(before).to_string(), Value::from(after).to_string());
        if let Some(found) = text[at..].find(&shown) {
            text.replace_range(at + found..at + found + shown.len(), &name);
            at += found + name.len();
        }
    }
    text
}

/// Removes the reason from a JSONP script with an error, which is not JSON.
fn without_reason(script: &str) -> String {
    match script.split_once("Invalid JSON: ") {
        Some((before, _)) if script.starts_with("typeof ") => format!("{before}Invalid JSON: <reason>"),
        _ => script.to_owned(),
    }
}

/// Returns a placeholder for the body of `/heartbeat`, the only one that is a string.
fn heartbeat(body: &Value) -> Option<String> {
    let text = body.as_str()?;
    assert_eq!(text.len(), "2026-11-23T02:13:58.078Z".len(), "{text}");
    Some(format!("{:?}", text.parse::<DateTime<Utc>>().map(|_| "the time")))
}

/// Returns the keys of the body of `/status`, whose values are not part of the contract.
fn status(body: &Value) -> Option<String> {
    let status = body.as_object().filter(|status| status.contains_key("components"))?;
    let is_time = |key: &str| status[key].as_str().is_some_and(|time| time.parse::<DateTime<Utc>>().is_ok());
    assert!(is_time("start_time") && is_time("current_time") && status["uptime"].is_u64(), "{body}");
    assert!(status["components"].as_array().is_some_and(|all| all.iter().all(Value::is_string)), "{body}");
    Some(status.keys().map(String::as_str).collect::<Vec<_>>().join(","))
}

/// Collects the strings that differ, in document order.
fn collect<'v>(before: &'v Value, after: &'v Value, changes: &mut Vec<(&'v str, &'v str)>) {
    match (before, after) {
        (Value::String(before), Value::String(after)) if before != after => changes.push((before, after)),
        (Value::Array(before), Value::Array(after)) => {
            before.iter().zip(after).for_each(|(before, after)| collect(before, after, changes));
        }
        (Value::Object(before), Value::Object(after)) => {
            before.values().zip(after.values()).for_each(|(before, after)| collect(before, after, changes));
        }
        _ => {}
    }
}

/// Escapes the backslash of every `\ud8..`: in a response it is an unpaired surrogate, which a Rust string
/// cannot contain.
pub(crate) fn readable(json: &str) -> String {
    let mut readable = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        readable.push_str(&rest[..at]);
        let is_half = rest[at..].starts_with("\\ud");
        readable.push_str(if is_half { "\\\\" } else { &rest[at..at + 2] });
        rest = &rest[at + if is_half { 1 } else { 2 }..];
    }
    readable.push_str(rest);
    readable
}
