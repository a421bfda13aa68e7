//! Arguments that shadow methods of the service.
//!
//! The service copies arguments into its own objects, where a key shadows the method of the same name, and
//! `__proto__` replaces all methods. The call of a shadowed method fails, and the command with it. This
//! module imitates that for the methods that commands call, but not for `constructor`, which makes the checks
//! fail with another error.

use super::javascript::as_infinity;
use crate::arguments::Arguments;
use crate::value::{Map, Value};
use std::borrow::Cow;
use wiretrait::ServiceError;

/// The methods that the service calls, in this order, by the object on which it calls them.
const ON_ARGUMENTS: &[&str] = &["args.getAsNullableString", "this.get"];
const ON_ARGUMENTS_OF_LISTS: &[&str] = &["args.get"];
const ON_PAGING: &[&str] = &["map.getAsNullableInteger", "this.get", "map.getAsBooleanWithDefault"];
const ON_FILTER: &[&str] = &[
    "filter.getAsNullableString",
    "this.get",
    "filter.getAsNullableBoolean",
    "filter.getAsNullableDateTime",
];

/// Returns the error of copying the arguments, which happens before everything else.
pub(super) fn copy_error(arguments: &Arguments) -> Option<ServiceError> {
    let message = copying(arguments)?;
    Some(ServiceError::new("Internal", format!("TypeError: {message}")))
}

/// Returns the arguments together with those of their prototype, as the service checks them, if `__proto__`
/// is among them.
pub(super) fn with_prototype(arguments: &Arguments) -> Option<Arguments> {
    let prototype =
        arguments.other("__proto__").filter(|prototype| prototype.is_null() || prototype.is_object())?;
    let mut all = arguments.clone();
    for (name, _, argument) in all.fields_mut() {
        match prototype.as_object() {
            Some(prototype) if argument.is_none() => *argument = prototype.get(name).cloned(),
            Some(_) => {}
            None => *argument = None,
        }
    }
    Some(all)
}

/// Returns the error of a command whose arguments are valid otherwise.
pub(super) fn command_error(command: &str, arguments: &Arguments) -> Option<ServiceError> {
    let message = match command {
        "close_expired_sessions" => None,
        "get_sessions" => calling(arguments, is_object, ON_ARGUMENTS_OF_LISTS).or_else(|| listing(arguments)),
        _ => calling(arguments, is_object, ON_ARGUMENTS),
    }?;
    let error = ServiceError::new("EXEC_FAILED", format!("Execution {command} failed: TypeError: {message}"));
    let mut error = error.with_category("FailedInvocation").with_detail("command", command);
    error.cause = Some(message.into_owned());
    Some(error)
}

/// A lookup of values by key.
trait Keys {
    fn value(&self, key: &str) -> Option<&Value>;
}

/// Only keys that are not parameters: no parameter has the name of a method.
impl Keys for Arguments {
    fn value(&self, key: &str) -> Option<&Value> {
        self.other(key)
    }
}

impl Keys for Map {
    fn value(&self, key: &str) -> Option<&Value> {
        self.get(key)
    }
}

/// Returns the error of reading filter and paging. Both are copied before the filter is read.
fn listing(arguments: &Arguments) -> Option<Cow<'static, str>> {
    let object = |name| arguments.get(name).and_then(Value::as_object);
    let (filter, paging) = (object("filter"), object("paging"));
    filter
        .and_then(|filter| {
            copying(filter).or_else(|| filter.values().find_map(|value| converting(value, true)))
        })
        .or_else(|| {
            paging.and_then(|paging| copying(paging).or_else(|| calling(paging, is_object, ON_PAGING)))
        })
        // The copy has only strings and `null`, so only `null` can replace the prototype.
        .or_else(|| filter.and_then(|filter| calling(filter, Value::is_null, ON_FILTER)))
}

/// Returns the error of copying an object.
fn copying(object: &impl Keys) -> Option<Cow<'static, str>> {
    object.value("hasOwnProperty").is_some().then_some("map.hasOwnProperty is not a function".into())
}

/// Returns the error of the first of `calls` that fails. `is_prototype` decides which values of `__proto__`
/// replace the prototype, so that no method is left.
fn calling(
    object: &impl Keys,
    is_prototype: impl Fn(&Value) -> bool,
    calls: &[&str],
) -> Option<Cow<'static, str>> {
    let all_shadowed = object.value("__proto__").is_some_and(is_prototype);
    let is_shadowed =
        |call: &str| call.split_once('.').is_some_and(|(_, method)| object.value(method).is_some());
    let call = calls.iter().find(|call| all_shadowed || is_shadowed(call))?;
    Some(format!("{call} is not a function").into())
}

/// Returns whether the type of the value is `object` in JavaScript, which includes `null`.
fn is_object(value: &Value) -> bool {
    as_infinity(value).is_none() && (value.is_null() || value.is_object() || value.is_array())
}

/// Returns the error of converting a condition to a string. `is_condition` is false for the items of a list.
fn converting(value: &Value, is_condition: bool) -> Option<Cow<'static, str>> {
    match value {
        Value::Array(items) => items.iter().find_map(|item| converting(item, false)),
        Value::Object(object) if object.contains_key("toString") => Some(if is_condition {
            "value.toString is not a function".into()
        } else {
            "Cannot convert object to primitive value".into()
        }),
        _ => None,
    }
}
