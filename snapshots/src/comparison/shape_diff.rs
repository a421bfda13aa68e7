//! Compares the shapes of all responses of an operation: which keys they have, and with which types.

use super::difference::{Change, Evidence, Location, Reading, Source};
use super::reading::{Reader, Segment};
use super::snapshot_diff::Found;
use crate::{json, objects};
use contract_tests::ObjectKind;
use contract_tests::{Map, Value};
use std::collections::BTreeSet;

/// The line of a key in a shape.
#[derive(Default)]
struct Line<'s> {
    presence: &'s str,
    types: BTreeSet<&'s str>,
}

/// Returns whether a step of a snapshot is the shape of responses with a status.
pub(super) fn is_shape(title: &str, lines: &[&str]) -> bool {
    title.len() == 3
        && title.bytes().all(|byte| byte.is_ascii_digit())
        && lines.iter().any(|line| line.starts_with("body "))
}

/// Returns the lines of shapes without those of keys that no response has, which may be left out, and without
/// alignment.
pub(super) fn without_absent_keys(snapshot: &str) -> String {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines = snapshot.lines().map(words).filter(|line| !line.ends_with(" never"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Compares two shapes of the responses of `operation` with a status.
pub(super) fn compare(operation: &str, status: &str, was: &[&str], is: &[&str], found: &mut Found<'_>) {
    let (was, is) = (parse(was), parse(is));
    let status: u16 = status.parse().unwrap_or_default();
    let is_page = was.iter().chain(&is).any(|(path, _)| *path == "data[]");
    let sample = sample(status, is_page);
    let reader = Reader::new(operation, status, &sample);
    let paths: BTreeSet<&str> = was.iter().chain(&is).map(|(path, _)| *path).collect();
    let absent = Line::default();
    for path in paths {
        let line = |lines: &'_ [(&str, Line<'_>)]| lines.iter().position(|(other, _)| *other == path);
        let (old, new) =
            (line(&was).map_or(&absent, |at| &was[at].1), line(&is).map_or(&absent, |at| &is[at].1));
        let at = Path::new(path, status, is_page);
        let evidence =
            Evidence { source: Source::Shape, object: at.object, key: at.key.clone(), ..Evidence::default() };
        let mut add = |change, was: &str, is: &str, reading| {
            let evidence = Evidence { reading, ..evidence.clone() };
            found.add_with(Location::Body(at.location()), change, was, is, evidence);
        };
        let reading = |value: Option<&Value>| {
            reader.as_ref().map_or(Reading::Unknown, |reader| reader.with(&at.segments, value))
        };
        if path_is_gone(path, &was, &is) || path_is_gone(path, &is, &was) {
            continue;
        }
        match (presence(old), presence(new)) {
            (0, 0) => continue,
            (before, after) if after < before => {
                // An absent key in place of `null` may be the same to the client.
                let was_null = old.types.contains("null") && !new.types.contains("null");
                let reading = match reading(None) {
                    Reading::Other if was_null && reading(Some(&Value::Null)) == Reading::Other => {
                        Reading::Same
                    }
                    reading => reading,
                };
                add(Change::Removed, old.presence(), new.presence(), reading);
            }
            (0, _) => add(Change::Added, old.presence(), new.presence(), Reading::Unknown),
            (before, after) if after > before => {
                add(Change::Narrower, old.presence(), new.presence(), Reading::Same);
            }
            _ => {}
        }
        if presence(old) == 0 || presence(new) == 0 || old.types == new.types {
            continue;
        }
        let more: Vec<&str> = new.types.difference(&old.types).copied().collect();
        let worst = more.iter().map(|of_type| match sample_of(of_type) {
            Some(value) => reading(Some(&value)),
            None => Reading::Unknown,
        });
        // A string of the client may have any value: only whether it can be read counts here.
        let worst =
            worst.map(|reading| if reading == Reading::Other { Reading::Same } else { reading }).max();
        // A key that was absent in some responses and is `null` there now is the same to clients.
        let is_null_for_absent = more == ["null"] && presence(new) > presence(old);
        let change = if more.is_empty() || is_null_for_absent { Change::Narrower } else { Change::Type };
        let types = |line: &Line<'_>| line.types.iter().copied().collect::<Vec<_>>().join(" | ");
        add(change, &types(old), &types(new), worst.unwrap_or(Reading::Same));
    }
}

impl Line<'_> {
    fn presence(&self) -> &str {
        if self.presence.is_empty() { "never" } else { self.presence }
    }
}

/// Returns whether a value around `path` is only in `was`, so that the difference is that of the value around it.
fn path_is_gone(path: &str, was: &[(&str, Line<'_>)], is: &[(&str, Line<'_>)]) -> bool {
    let has = |lines: &[(&str, Line<'_>)], around: &str| {
        lines.iter().any(|(other, line)| *other == around && presence(line) > 0)
    };
    let ends = path.match_indices(['.', '[']).map(|(end, _)| &path[..end]);
    let lists = path.match_indices('.').map(|(end, _)| &path[..end]);
    let is_object = |lines: &[(&str, Line<'_>)]| {
        let body = lines.iter().find(|(other, _)| *other == "body");
        body.is_some_and(|(_, line)| line.types.contains("object"))
    };
    (path != "body" && is_object(was) && !is_object(is))
        || ends.chain(lists).any(|around| has(was, around) && !has(is, around))
}

/// Returns a rank of the presence of a key: never, sometimes, always.
fn presence(line: &Line<'_>) -> u8 {
    match line.presence {
        "always" | "each" | "body" => 2,
        "sometimes" => 1,
        _ => 0,
    }
}

fn parse<'s>(lines: &[&'s str]) -> Vec<(&'s str, Line<'s>)> {
    let line = |line: &&'s str| {
        let (path, rest) = line.split_once("  ")?;
        let rest = rest.trim();
        let (presence, types) = match rest.split_once("  ") {
            Some((presence, types)) => (presence, types),
            None if rest == "never" => (rest, ""),
            None => ("body", rest),
        };
        let types = types.split(" | ").map(str::trim).filter(|name| !name.is_empty()).collect();
        Some((path, Line { presence, types }))
    };
    lines.iter().filter_map(line).collect()
}

/// The path of a key in a shape, such as `data[].user_id`.
struct Path<'s> {
    label: &'s str,
    segments: Vec<Segment>,
    object: ObjectKind,
    key: String,
}

impl<'s> Path<'s> {
    fn new(path: &'s str, status: u16, is_page: bool) -> Self {
        let mut segments = Vec::new();
        let keys = path.split('.').filter(|_| path != "body");
        for part in keys {
            let (key, items) =
                part.split_once("[]").map_or((part, 0), |(key, rest)| (key, 1 + rest.matches("[]").count()));
            if !key.is_empty() {
                segments.push(Segment::Key(key.to_owned()));
            }
            segments.extend(std::iter::repeat_n(Segment::Index(0), items));
        }
        let (object, key) = match (is_page, path.strip_prefix("data[].")) {
            _ if path == "body" => (ObjectKind::Other, ""),
            _ if status >= 400 => (ObjectKind::Error, path),
            (true, Some(key)) => (ObjectKind::Entity, key),
            (true, None) => (ObjectKind::Page, path.trim_end_matches("[]")),
            (false, _) => (ObjectKind::Entity, path),
        };
        let key = match key.split(['.', '[']).next() {
            Some(payload) if object == ObjectKind::Entity && objects::is_payload(payload) => payload,
            _ => key,
        };
        Self { label: path, segments, object, key: key.to_owned() }
    }

    fn location(&self) -> String {
        if self.label == "body" { String::new() } else { self.label.to_owned() }
    }
}

/// Returns a body with all keys of the contract.
fn sample(status: u16, is_page: bool) -> Value {
    let session = || {
        json!({
            "id": "<id:1>", "user_id": "u", "user_name": "n", "active": true, "open_time": "<t1>",
            "request_time": "<t1>", "close_time": "<t1>", "address": "a", "client": "c", "user": 1, "data": 1,
        })
    };
    match status {
        400.. => json!({
            "code": "X", "status": 400, "message": "m", "name": "X", "stack": "s", "category": "C", "cause": "c",
            "details": {"results": "r", "command": "c"},
        }),
        _ if is_page => Map::from_iter([
            ("total".to_owned(), Value::from(1)),
            ("data".to_owned(), Value::Array(vec![session()])),
        ])
        .into(),
        _ => session(),
    }
}

/// Returns a value of a type in a shape.
fn sample_of(name: &str) -> Option<Value> {
    Some(match name {
        "null" => Value::Null,
        "boolean" => true.into(),
        "number" => 1.5.into(),
        "whole number" => 1.into(),
        "time" => "2001-02-03T04:05:06.789Z".into(),
        "id" => "00000000000000000000000000000000".into(),
        "list" => json!([]),
        "object" => json!({}),
        // A string is most probably a time or an id in another form, which responses show.
        _ => return None,
    })
}
