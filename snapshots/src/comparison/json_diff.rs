//! Compares JSON values and describes each difference by its path.

use super::difference::{Change, Evidence, Location, Reading, Source};
use super::reading::{Reader, Segment, TIME_FORM};
use super::snapshot_diff::Found;
use crate::objects::{is_payload, kind_of};
use contract_tests::ObjectKind;
use contract_tests::{Map, Value};

/// The form of the ids of the contract.
const ID_FORM: &str = "32 hexadecimal digits";

/// A comparison of two JSON values.
pub(super) struct JsonDiff<'a, 'd> {
    /// Reads the response with one difference at a time, if the client can.
    pub(super) reader: Option<&'a Reader<'a>>,
    /// The differences so far.
    pub(super) found: &'a mut Found<'d>,
    /// The evidence that all differences have in common.
    pub(super) evidence: Evidence,
}

/// A position in a JSON value.
#[derive(Clone, Default)]
struct Position {
    /// The path for people, such as `data[0].user_id`.
    path: String,
    segments: Vec<Segment>,
    object: ObjectKind,
    /// The key in that object.
    key: String,
}

impl Position {
    fn item(&self, index: usize) -> Self {
        let mut at = self.clone();
        at.path = format!("{}[{index}]", self.path);
        at.segments.push(Segment::Index(index));
        at
    }

    /// The position of a key in an object at this one.
    fn inside(&self, object: ObjectKind, key: &str) -> Self {
        let mut at = self.clone();
        at.path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        at.segments.push(Segment::Key(key.to_owned()));
        if self.is_in_payload() {
            // Payloads are opaque: all of their keys are the same to the contract.
        } else if object == ObjectKind::Other && !self.key.is_empty() {
            at.key = format!("{}.{key}", self.key);
        } else {
            (at.object, at.key) = (object, key.to_owned());
        }
        at
    }

    fn is_in_payload(&self) -> bool {
        self.object == ObjectKind::Entity && is_payload(&self.key)
    }
}

impl JsonDiff<'_, '_> {
    /// Compares two bodies.
    pub(super) fn compare(&mut self, was: &Value, is: &Value) {
        let is = match wrapped(was, is) {
            Some((inner, outside)) => {
                let reading = self.reading(&Position::default(), Some(is));
                self.add(&Position::default(), Change::Wrapped, "a value", &outside, reading, (was, is));
                inner
            }
            None => is,
        };
        self.value(&Position::default(), was, is);
    }

    fn reading(&self, at: &Position, value: Option<&Value>) -> Reading {
        self.reader.map_or(Reading::Unknown, |reader| reader.with(&at.segments, value))
    }

    fn location(&self, path: &str) -> Location {
        match self.evidence.source {
            Source::Decoded => Location::Decoded(path.to_owned()),
            Source::Request => Location::RequestBody(path.to_owned()),
            _ => Location::Body(path.to_owned()),
        }
    }

    fn add(
        &mut self,
        at: &Position,
        change: Change,
        was: &str,
        is: &str,
        reading: Reading,
        values: (&Value, &Value),
    ) {
        let evidence = Evidence {
            object: at.object,
            key: at.key.clone(),
            reading,
            was_json: Some(values.0.to_string()),
            is_json: Some(values.1.to_string()),
            ..self.evidence.clone()
        };
        self.found.add_with(self.location(&at.path), change, was, is, evidence);
    }

    fn value(&mut self, at: &Position, was: &Value, is: &Value) {
        let is = &self.form(at, is);
        match (was, is) {
            (Value::Object(was), Value::Object(is)) => self.object(at, was, is),
            (Value::Array(old), Value::Array(new)) => self.list(at, was, is, old, new),
            _ if type_name(was) != type_name(is) => {
                let reading = self.reading(at, Some(is));
                self.add(at, Change::Type, type_name(was), type_name(is), reading, (was, is));
            }
            _ if was != is => {
                let reading = self.reading(at, Some(is));
                self.add(at, Change::Value, &brief(was), &brief(is), reading, (was, is));
            }
            _ => {}
        }
    }

    /// Reports an id or a time in another form, and returns the value with the usual placeholder.
    fn form(&mut self, at: &Position, is: &Value) -> Value {
        let Value::String(observed) = is else { return is.clone() };
        let (usual, form) = without_form(observed);
        let Some(form) = form else { return is.clone() };
        let usual = Value::String(usual);
        // An id may have any form, for the client.
        let is_time = observed.starts_with("<t");
        let (was, reading) =
            if is_time { (TIME_FORM, self.form_reading(at, &usual, is)) } else { (ID_FORM, Reading::Same) };
        self.add(at, Change::Form, was, &form, reading, (&usual, is));
        usual
    }

    /// Returns whether the client reads a time the same in its usual and in its observed form.
    fn form_reading(&self, at: &Position, usual: &Value, is: &Value) -> Reading {
        let (usual, observed) = (self.reading(at, Some(usual)), self.reading(at, Some(is)));
        match observed {
            Reading::Failed(why) => Reading::Failed(why),
            // The time itself may differ, too, which is another difference.
            observed if observed == usual => Reading::Same,
            observed => observed,
        }
    }

    fn list(&mut self, at: &Position, was: &Value, is: &Value, old: &[Value], new: &[Value]) {
        let words = |items: &[Value]| {
            if items.len() == 1 { "1 item".to_owned() } else { format!("{} items", items.len()) }
        };
        if old.len() != new.len() {
            let reading = self.reading(at, Some(is));
            self.add(at, Change::Length, &words(old), &words(new), reading, (was, is));
        }
        if !at.is_in_payload()
            && let (Some(before), Some(after)) = (ids(old), ids(new))
            && before.iter().any(|id| after.contains(id))
        {
            let common = |ids: &[String], other: &[String]| {
                ids.iter().filter(|id| other.contains(id)).cloned().collect::<Vec<_>>()
            };
            let (old_order, new_order) = (common(&before, &after), common(&after, &before));
            if old_order != new_order {
                let order = |ids: &[String]| format!("({})", ids.join(", "));
                let reading = self.reading(at, Some(is));
                self.add(at, Change::Order, &order(&old_order), &order(&new_order), reading, (was, is));
            }
            // Items that are only missing or only additional are a difference of the length.
            let only = |ids: &[String], other: &[String]| {
                let only: Vec<&str> =
                    ids.iter().filter(|id| !other.contains(id)).map(String::as_str).collect();
                start(&format!("({})", only.join(", ")))
            };
            let is_other = |ids: &[String], other: &[String]| ids.iter().any(|id| !other.contains(id));
            if is_other(&before, &after) && is_other(&after, &before) {
                let reading = self.reading(at, Some(is));
                let (gone, new) = (only(&before, &after), only(&after, &before));
                self.add(at, Change::Value, &gone, &new, reading, (was, is));
            }
            for (index, id) in before.iter().enumerate() {
                if let Some(other) = after.iter().position(|other| other == id) {
                    self.value(&at.item(index), &old[index], &new[other]);
                }
            }
            return;
        }
        for (index, (was, is)) in old.iter().zip(new).enumerate() {
            self.value(&at.item(index), was, is);
        }
    }

    fn object(&mut self, at: &Position, was: &Map, is: &Map) {
        let kind = match kind_of(was.keys().map(String::as_str)) {
            ObjectKind::Other => kind_of(is.keys().map(String::as_str)),
            kind => kind,
        };
        let kind = match (at.object, &*at.key) {
            // A row shows little of an item.
            (ObjectKind::Page, "data") => ObjectKind::Entity,
            (_, "") => kind,
            _ if kind == ObjectKind::Entity => kind,
            // The objects inside of errors are not errors themselves.
            _ => ObjectKind::Other,
        };
        for (key, old) in was {
            let at = at.inside(kind, key);
            if let Some(new) = is.get(key) {
                self.value(&at, old, new);
                continue;
            }
            let reading = self.reading(&at, None);
            self.add(&at, Change::Removed, type_name(old), "absent", reading, (old, &Value::Null));
        }
        for (key, new) in is.iter().filter(|(key, _)| !was.contains_key(*key)) {
            let at = at.inside(kind, key);
            let reading = self.reading(&at, Some(new));
            let new = match new {
                Value::String(new) => &Value::String(without_form(new).0),
                new => new,
            };
            self.add(&at, Change::Added, "absent", type_name(new), reading, (&Value::Null, new));
        }
        self.key_order(at, kind, was, is);
    }

    fn key_order(&mut self, at: &Position, kind: ObjectKind, was: &Map, is: &Map) {
        let order = |object: &Map, other: &Map| {
            let common = object.keys().filter(|key| other.contains_key(*key));
            format!("({})", common.cloned().collect::<Vec<_>>().join(", "))
        };
        let (old, new) = (order(was, is), order(is, was));
        if old != new {
            let location = match self.evidence.source {
                Source::Decoded => Location::DecodedKeyOrder(at.path.clone()),
                _ => Location::KeyOrder(at.path.clone()),
            };
            let object = if at.is_in_payload() { ObjectKind::Other } else { kind };
            let evidence = Evidence { object, reading: Reading::Same, ..self.evidence.clone() };
            self.found.add_with(location, Change::Order, &old, &new, evidence);
        }
    }
}

/// Returns the value inside of an object or list that a service has put around it, and where it is.
fn wrapped<'v>(was: &Value, is: &'v Value) -> Option<(&'v Value, String)> {
    let kind = |value: &Value| value.as_object().map(|object| kind_of(object.keys().map(String::as_str)));
    let is_same = |inner: &Value| {
        inner == was || (kind(was).is_some_and(|kind| kind != ObjectKind::Other) && kind(was) == kind(inner))
    };
    if kind(was) == kind(is) || matches!(was, Value::Null) {
        return None;
    }
    match is {
        Value::Object(object) => {
            let (key, inner) = object.iter().find(|(_, inner)| is_same(inner))?;
            Some((inner, format!("`{key}`")))
        }
        Value::Array(items) => match &items[..] {
            [inner] if is_same(inner) => Some((inner, "a list".to_owned())),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the ids of the items, if each has a different one.
fn ids(items: &[Value]) -> Option<Vec<String>> {
    let ids: Option<Vec<String>> =
        items.iter().map(|item| Some(without_form(item.get("id")?.as_str()?).0)).collect();
    let ids = ids?;
    let is_unique = ids.iter().enumerate().all(|(index, id)| !ids[..index].contains(id));
    is_unique.then_some(ids)
}

/// Returns a string with the usual placeholders of ids and times, and the form of the first that has another.
pub(super) fn without_form(text: &str) -> (String, Option<String>) {
    let (mut usual, mut form) = (String::with_capacity(text.len()), None);
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, placeholder) = rest.split_at(start);
        usual.push_str(before);
        let end = placeholder.find('>').map_or(placeholder.len(), |end| end + 1);
        let (placeholder, after) = placeholder.split_at(end);
        match placeholder.split_once(" as ") {
            Some((name, other)) if name.starts_with("<id:") || name.starts_with("<t") => {
                usual.push_str(name);
                usual.push('>');
                form = form.or_else(|| Some(other.trim_end_matches('>').to_owned()));
            }
            _ => usual.push_str(placeholder),
        }
        rest = after;
    }
    usual.push_str(rest);
    (usual, form)
}

/// Returns the name of a JSON type, with its article.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn brief(value: &Value) -> String {
    start(&value.to_string())
}

/// Returns the start of a long string.
pub(super) fn start(text: &str) -> String {
    const LONGEST: usize = 120;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}
