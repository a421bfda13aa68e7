//! What the service checks before it runs a command, and what it makes of odd values.
//!
//! The types of the contract would refuse the same arguments, in other words and one at a time; the real
//! service's words, and all of them at once, are part of its contract.

use super::javascript::{infinite, is_falsy, settle, text};
use crate::runtime::Members;
use serde_json::{Map, Value};

/// What an argument may be.
#[derive(Clone, Copy)]
enum Rule {
    /// A string.
    Text,
    /// Anything.
    Any,
    /// An object.
    Map,
    /// An object of `skip`, `take` and `total`. Anything that is no object is ignored.
    Paging,
}

impl Rule {
    fn of(name: &str) -> Self {
        match name {
            "user" | "data" => Self::Any,
            "filter" => Self::Map,
            "paging" => Self::Paging,
            _ => Self::Text,
        }
    }
}

/// Checks the arguments and puts right what the service would take for something else.
///
/// The violations come in the order of the arguments, in the service's words.
pub(super) fn check(arguments: &mut Members) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    for (name, required, argument) in arguments.fields_mut() {
        check_one(name, required, argument.as_mut().unwrap_or(&mut Value::Null), &mut problems);
    }
    if problems.is_empty() {
        if let Some(ignored) = arguments.argument_mut("paging").filter(|paging| !paging.is_object()) {
            *ignored = Value::Null;
        }
        return Ok(());
    }
    problems.extend(unexpected(arguments));
    Err(problems)
}

/// What is no problem by itself, but is told along with those that are. Paging is the last argument.
fn unexpected(arguments: &mut Members) -> Vec<String> {
    let keys = match arguments.argument_mut("paging") {
        Some(paging @ Value::Object(_)) => {
            settle(paging);
            paging.as_object().map(|paging| paging.keys().cloned().collect()).unwrap_or_default()
        }
        Some(array) if infinite(array).is_some() => Vec::new(),
        Some(Value::Array(items)) => (0..items.len()).map(|index| index.to_string()).collect(),
        _ => Vec::new(),
    };
    let known = ["skip", "take", "total"];
    let unexpected = keys.iter().filter(|key| !known.contains(&&***key) && !key.starts_with('_'));
    unexpected.map(|key| format!("paging contains unexpected property {key}")).collect()
}

fn check_one(name: &str, required: bool, value: &mut Value, problems: &mut Vec<String>) {
    match (Rule::of(name), value) {
        (_, Value::Null) if required => problems.push(format!("{name} must not be null")),
        (_, Value::Null) | (Rule::Text, Value::String(_)) => {}
        // What is infinite is not refused, and kept as `null`, which is what becomes of `false`.
        (Rule::Any, value) if infinite(value).is_some() => *value = Value::Bool(false),
        (Rule::Any, value) => settle(value),
        (Rule::Text, other) => problems.push(mismatch(name, "string", other)),
        (Rule::Map, Value::Object(filter)) => {
            for condition in filter.values_mut() {
                *condition = text(condition).map_or(Value::Null, Value::String);
            }
        }
        (Rule::Map, other) if is_falsy(other) => *other = Value::Null,
        (Rule::Map, _) => problems.push(format!("{name} type must be Map")),
        (Rule::Paging, Value::Object(paging)) => check_paging(name, paging, problems),
        (Rule::Paging, _) => {}
    }
}

fn check_paging(name: &str, paging: &mut Map<String, Value>, problems: &mut Vec<String>) {
    for (key, expected) in [("skip", "long"), ("take", "long"), ("total", "boolean")] {
        match (expected, paging.get_mut(key).unwrap_or(&mut Value::Null)) {
            (_, Value::Null) | ("long", Value::Number(_)) | ("boolean", Value::Bool(_)) => {}
            ("long", number) if infinite(number).is_some() => {
                *number = if infinite(number) == Some(true) { f64::MAX } else { f64::MIN }.into();
            }
            (_, other) => problems.push(mismatch(&format!("{name}.{key}"), expected, other)),
        }
    }
}

fn mismatch(path: &str, expected: &str, found: &Value) -> String {
    format!("{path} type must be {expected} but found {}", type_name(found))
}

/// The framework's names for the types of JSON.
fn type_name(value: &Value) -> &'static str {
    match value {
        value if infinite(value).is_some() => "double",
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => "long",
        Value::Number(_) => "double",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "map",
    }
}
