//! When two answers are the same.
//!
//! Bodies are compared byte by byte, once the names of ids and times, and what nobody can rely on, stand in
//! their place: what [`Normalizer`] changes in the values is changed in the text. Values alone would not show
//! how a number is written, or in which order keys come.
//!
//! Deliberately alike, because nobody can rely on them, are the texts that [`Normalizer`] replaces:
//!
//! * stack traces: those of the real service name its files;
//! * what a parser says of bad JSON: it depends on the version of Node.js.
//!
//! What is not even generated, since the embedded service is not meant to imitate it: requests that are no HTTP
//! or that end the process of the real service, unknown verbs, compressed or signed bodies, protocol upgrades,
//! preflights of browsers, JSON nested deeper than 127, and names of JavaScript's own (`constructor`,
//! `toString` in a condition) where the real service trips over them.

use serde_json::Value;
use snapshots::Normalizer;
use std::fmt;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) allow: Option<String>,
    pub(crate) body: String,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        for header in [&self.content_type, &self.allow].into_iter().flatten() {
            write!(f, " {header}")?;
        }
        write!(f, " {}", self.body)
    }
}

/// The body as text, with the names of `names` in it.
pub(crate) fn normalize(body: &str, names: &mut Normalizer) -> String {
    let mut text = readable(body);
    let Ok(before) = serde_json::from_str::<Value>(&text) else { return names.text(body) };
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
