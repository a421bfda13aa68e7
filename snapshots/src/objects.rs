//! Recognizes the kinds of JSON objects in the contract, such as sessions, by their keys.

use crate::contract::SESSION;
use contract_tests::ObjectKind;
pub(crate) use contract_tests::objects::{folded, is_same_key};

/// Returns the kind of an object with these keys.
pub(crate) fn kind_of<'k>(keys: impl Iterator<Item = &'k str>) -> ObjectKind {
    SESSION.kind_of(keys)
}

/// Returns whether a key of a session has a payload, which the service stores without a look at it.
pub(crate) fn is_payload(key: &str) -> bool {
    SESSION.is_payload(key)
}

/// Returns whether a key of a session may have a time, whatever its name.
pub(crate) fn may_be_time(key: &str) -> bool {
    SESSION.may_be_time(key)
}
