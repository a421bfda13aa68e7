//! When two answers are the same.
//!
//! Bodies are compared byte by byte, once the names of ids and times, and what nobody can rely on, stand in
//! their place: what [`Normalizer`] changes in the values is changed in the text. Values alone would not show
//! how a number is written, or in which order keys come.
//!
//! What is not compared, and what is not even generated, is in [`snapshots::exceptions`], with its reasons.

use chrono::{DateTime, Utc};
use serde_json::Value;
use snapshots::Normalizer;
use std::fmt;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In their order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        for (name, value) in &self.headers {
            write!(f, " {name}={value}")?;
        }
        write!(f, " {}", self.body)
    }
}

/// The body as text, with the names of `names` in it.
pub(crate) fn normalize(body: &str, names: &mut Normalizer) -> String {
    let mut text = readable(body);
    let Ok(before) = serde_json::from_str::<Value>(&text) else { return without_reason(&names.text(body)) };
    if let Some(of_the_moment) = heartbeat(&before).or_else(|| status(&before)) {
        return of_the_moment;
    }
    let after = names.json(before.clone());
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

/// A script with an error in it is no JSON, and so is not looked into.
fn without_reason(script: &str) -> String {
    match script.split_once("Invalid JSON: ") {
        Some((before, _)) if script.starts_with("typeof ") => format!("{before}Invalid JSON: <reason>"),
        _ => script.to_owned(),
    }
}

/// The answer of `/heartbeat`, which is the only one that is a text.
fn heartbeat(body: &Value) -> Option<String> {
    let text = body.as_str()?;
    assert_eq!(text.len(), "2026-11-23T02:13:58.078Z".len(), "{text}");
    Some(format!("{:?}", text.parse::<DateTime<Utc>>().map(|_| "the time")))
}

/// The answer of `/status`, of which only the form is the contract's.
fn status(body: &Value) -> Option<String> {
    let status = body.as_object().filter(|status| status.contains_key("components"))?;
    let is_time = |key: &str| status[key].as_str().is_some_and(|time| time.parse::<DateTime<Utc>>().is_ok());
    assert!(is_time("start_time") && is_time("current_time") && status["uptime"].is_u64(), "{body}");
    assert!(status["components"].as_array().is_some_and(|all| all.iter().all(Value::is_string)), "{body}");
    Some(status.keys().map(String::as_str).collect::<Vec<_>>().join(","))
}

/// The texts that differ, in the order of the document.
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

/// The JSON with every `\ud8..` as plain text: in an answer it is half a pair, which no Rust text can hold.
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
