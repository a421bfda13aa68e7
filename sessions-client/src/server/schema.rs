//! What the service checks before it runs a command, and what it makes of odd values.
//!
//! The types of the contract would refuse the same arguments, in other words and one at a time; the real
//! service's words, and all of them at once, are part of its contract.

use crate::runtime::{Param, Place, Route};
use serde_json::Value;

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

/// Checks the arguments of `route` and puts right what the service would take for something else.
///
/// The violations come in the order of the arguments, in the service's words.
pub(super) fn check(route: &Route, arguments: &mut Value) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    for param in route.params {
        if let Some(name) = field(param) {
            check_one(name, param.required, arguments, &mut problems);
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn field(param: &Param) -> Option<&'static str> {
    param.places.iter().find_map(|place| match place {
        Place::Field(name) => Some(*name),
        _ => None,
    })
}

fn check_one(name: &str, required: bool, arguments: &mut Value, problems: &mut Vec<String>) {
    let mut nothing = Value::Null;
    let value = arguments.get_mut(name).unwrap_or(&mut nothing);
    match (Rule::of(name), &*value) {
        (_, Value::Null) if required => problems.push(format!("{name} must not be null")),
        (_, Value::Null)
        | (Rule::Any, _)
        | (Rule::Text, Value::String(_))
        | (Rule::Map, Value::Object(_)) => {}
        (Rule::Text, other) => problems.push(mismatch(name, "string", other)),
        (Rule::Map, other) if is_falsy(other) => *value = Value::Null,
        (Rule::Map, _) => problems.push(format!("{name} type must be Map")),
        (Rule::Paging, Value::Object(paging)) => {
            let expected = [("skip", "long"), ("take", "long"), ("total", "boolean")];
            for (key, expected) in expected {
                match (expected, paging.get(key).unwrap_or(&Value::Null)) {
                    (_, Value::Null) | ("long", Value::Number(_)) | ("boolean", Value::Bool(_)) => {}
                    (_, other) => problems.push(mismatch(&format!("{name}.{key}"), expected, other)),
                }
            }
        }
        (Rule::Paging, _) => *value = Value::Null,
    }
}

fn mismatch(path: &str, expected: &str, found: &Value) -> String {
    format!("{path} type must be {expected} but found {}", type_name(found))
}

/// The framework's names for the types of JSON.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => "long",
        Value::Number(_) => "double",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "map",
    }
}

fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}
