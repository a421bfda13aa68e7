//! The checks of arguments before a command is executed, and the normalization of odd values.
//!
//! The types of the contract would also reject invalid arguments, but with other messages and one at a time.
//! The real service's messages, and one response for all violations, are part of its contract.

use super::javascript::{as_infinity, is_falsy, normalize, to_js_string};
use crate::arguments::Arguments;
use crate::value::{Map, Value};

/// The type of an argument.
#[derive(Clone, Copy)]
enum Rule {
    /// A string.
    String,
    /// Any value.
    Any,
    /// An object.
    Map,
    /// An object of `skip`, `take` and `total`. Other values are ignored.
    Paging,
}

impl Rule {
    fn new(name: &str) -> Self {
        match name {
            "user" | "data" => Self::Any,
            "filter" => Self::Map,
            "paging" => Self::Paging,
            _ => Self::String,
        }
    }
}

/// Checks the arguments and replaces those that the service converts.
///
/// The violations have the order of the arguments and the service's messages.
pub(super) fn check(arguments: &mut Arguments) -> Result<(), Vec<String>> {
    let mut violations = Vec::new();
    for (name, required, argument) in arguments.fields_mut() {
        check_one(name, required, argument.as_mut().unwrap_or(&mut Value::Null), &mut violations);
    }
    if violations.is_empty() {
        if let Some(ignored) = arguments.get_mut("paging").filter(|paging| !paging.is_object()) {
            *ignored = Value::Null;
        }
        return Ok(());
    }
    violations.extend(unknown_keys(arguments));
    Err(violations)
}

/// Returns the unknown keys of `paging`, which are reported only together with other violations. Paging is
/// the last argument.
fn unknown_keys(arguments: &mut Arguments) -> Vec<String> {
    let keys = match arguments.get_mut("paging") {
        Some(paging @ Value::Object(_)) => {
            normalize(paging);
            paging.as_object().map(|paging| paging.keys().cloned().collect()).unwrap_or_default()
        }
        Some(array) if as_infinity(array).is_some() => Vec::new(),
        Some(Value::Array(items)) => (0..items.len()).map(|index| index.to_string()).collect(),
        _ => Vec::new(),
    };
    let known = ["skip", "take", "total"];
    let unknown = keys.iter().filter(|key| !known.contains(&&***key) && !key.starts_with('_'));
    unknown.map(|key| format!("paging contains unexpected property {key}")).collect()
}

fn check_one(name: &str, required: bool, value: &mut Value, violations: &mut Vec<String>) {
    match (Rule::new(name), value) {
        (_, Value::Null) if required => violations.push(format!("{name} must not be null")),
        (_, Value::Null) | (Rule::String, Value::String(_)) => {}
        // An infinite number is accepted and stored as none, like `false`.
        (Rule::Any, value) if as_infinity(value).is_some() => *value = Value::Bool(false),
        (Rule::Any, value) => normalize(value),
        (Rule::String, other) => violations.push(mismatch(name, "string", other)),
        (Rule::Map, Value::Object(filter)) => {
            for condition in filter.values_mut() {
                *condition = to_js_string(condition).map_or(Value::Null, Value::String);
            }
        }
        (Rule::Map, other) if is_falsy(other) => *other = Value::Null,
        (Rule::Map, _) => violations.push(format!("{name} type must be Map")),
        (Rule::Paging, Value::Object(paging)) => check_paging(name, paging, violations),
        (Rule::Paging, _) => {}
    }
}

fn check_paging(name: &str, paging: &mut Map, violations: &mut Vec<String>) {
    for (key, expected) in [("skip", "long"), ("take", "long"), ("total", "boolean")] {
        match (expected, paging.get_mut(key).unwrap_or(&mut Value::Null)) {
            (_, Value::Null) | ("long", Value::Number(_)) | ("boolean", Value::Bool(_)) => {}
            (_, other) => match as_infinity(other).filter(|_| expected == "long") {
                Some(infinity) => *other = infinity.clamp(f64::MIN, f64::MAX).into(),
                None => violations.push(mismatch(&format!("{name}.{key}"), expected, other)),
            },
        }
    }
}

fn mismatch(path: &str, expected: &str, found: &Value) -> String {
    format!("{path} type must be {expected} but found {}", type_name(found))
}

/// The framework's names for the types of JSON.
fn type_name(value: &Value) -> &'static str {
    match value {
        value if as_infinity(value).is_some() => "double",
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => "long",
        Value::Number(_) => "double",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "map",
    }
}
