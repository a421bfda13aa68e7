//! Arguments with the names of the service's own methods.
//!
//! The service copies what it is sent into objects of its own, where a member hides the method of the same
//! name, and `__proto__` all of them. The call of that method then fails, and with it the command. Imitated are
//! the methods that it calls; `constructor`, over which its checks stumble with another error, is not.

use super::javascript::infinite;
use crate::error::ServiceError;
use crate::runtime::Members;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// What the service calls, in this order, and on which object of its own.
const ON_ARGUMENTS: &[&str] = &["args.getAsNullableString", "this.get"];
const ON_ARGUMENTS_OF_LISTS: &[&str] = &["args.get"];
const ON_PAGING: &[&str] = &["map.getAsNullableInteger", "this.get", "map.getAsBooleanWithDefault"];
const ON_FILTER: &[&str] = &[
    "filter.getAsNullableString",
    "this.get",
    "filter.getAsNullableBoolean",
    "filter.getAsNullableDateTime",
];

/// The error of copying the arguments, which comes before everything else.
pub(super) fn uncopied(arguments: &Members) -> Option<ServiceError> {
    let why = copying(arguments)?;
    Some(ServiceError::new("Internal", format!("TypeError: {why}")))
}

/// The arguments as the service checks them: together with those of their prototype, if one of them is it.
pub(super) fn inherited(arguments: &Members) -> Option<Members> {
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

/// The error of a command that finds nothing else wrong with its arguments.
pub(super) fn failure(command: &str, arguments: &Members) -> Option<ServiceError> {
    let why = match command {
        "close_expired_sessions" => None,
        "get_sessions" => calling(arguments, is_object, ON_ARGUMENTS_OF_LISTS).or_else(|| listing(arguments)),
        _ => calling(arguments, is_object, ON_ARGUMENTS),
    }?;
    let error = ServiceError::new("EXEC_FAILED", format!("Execution {command} failed: TypeError: {why}"));
    let error = error.with_category("FailedInvocation").with_detail("command", command);
    Some(ServiceError { cause: Some(why.into_owned()), ..error })
}

/// What has members under keys.
trait Keys {
    fn value(&self, key: &str) -> Option<&Value>;
}

/// No argument has the name of a method.
impl Keys for Members {
    fn value(&self, key: &str) -> Option<&Value> {
        self.other(key)
    }
}

impl Keys for Map<String, Value> {
    fn value(&self, key: &str) -> Option<&Value> {
        self.get(key)
    }
}

/// Filter and paging are copied before the filter is read.
fn listing(arguments: &Members) -> Option<Cow<'static, str>> {
    let object = |name| arguments.argument(name).and_then(Value::as_object);
    let (filter, paging) = (object("filter"), object("paging"));
    filter
        .and_then(|filter| {
            copying(filter).or_else(|| filter.values().find_map(|value| converting(value, true)))
        })
        .or_else(|| {
            paging.and_then(|paging| copying(paging).or_else(|| calling(paging, is_object, ON_PAGING)))
        })
        // Its members are texts in the copy, so that no other than `null` is a prototype.
        .or_else(|| filter.and_then(|filter| calling(filter, Value::is_null, ON_FILTER)))
}

fn copying(object: &impl Keys) -> Option<Cow<'static, str>> {
    object.value("hasOwnProperty").is_some().then_some("map.hasOwnProperty is not a function".into())
}

/// `hides_all` says which values of `__proto__` become the prototype, which has none of the methods.
fn calling(
    object: &impl Keys,
    hides_all: impl Fn(&Value) -> bool,
    calls: &[&str],
) -> Option<Cow<'static, str>> {
    let all_hidden = object.value("__proto__").is_some_and(hides_all);
    let hidden = |call: &str| call.split_once('.').is_some_and(|(_, method)| object.value(method).is_some());
    let call = calls.iter().find(|call| all_hidden || hidden(call))?;
    Some(format!("{call} is not a function").into())
}

/// What JavaScript calls an object, `null` included.
fn is_object(value: &Value) -> bool {
    infinite(value).is_none() && (value.is_null() || value.is_object() || value.is_array())
}

/// The error of making a text of a condition.
fn converting(value: &Value, is_whole: bool) -> Option<Cow<'static, str>> {
    match value {
        Value::Array(items) => items.iter().find_map(|item| converting(item, false)),
        Value::Object(object) if object.contains_key("toString") => Some(if is_whole {
            "value.toString is not a function".into()
        } else {
            "Cannot convert object to primitive value".into()
        }),
        _ => None,
    }
}
