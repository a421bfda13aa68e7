//! The JSON body of a request, split into its arguments.
//!
//! An object is deserialized into one slot per argument, from which its [`Value`] is taken. Rejected
//! alternative: one `Value` for the whole object, because it owns and hashes every key, which costs more than
//! the rest of the decoding.

use super::{Param, Place, Route};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// The parsed body of a request.
#[derive(Clone)]
pub(super) enum Body {
    /// The fields of an object.
    Fields(Fields),
    /// Any other value, or an object that is the value of one argument.
    Whole(Value),
}

impl Body {
    /// Parses the body of a request for `route`.
    pub(super) fn read(json: &[u8], route: &'static Route) -> serde_json::Result<Self> {
        let is_whole = || route.params.iter().any(|param| param.places.contains(&Place::Body));
        match std::str::from_utf8(json) {
            Ok(json) if json.trim_ascii_start().starts_with('{') && !is_whole() => {
                Fields::read(json, route).map(Self::Fields)
            }
            // If the body is not UTF-8, its error has the position.
            _ => serde_json::from_slice(json).map(Self::Whole),
        }
    }

    /// Takes the value of the argument at `index`, if there is one.
    pub(super) fn take(&mut self, index: usize, param: &Param) -> Option<Value> {
        match (self, param.field()) {
            (Self::Fields(fields), _) => fields.arguments.get_mut(index).and_then(Option::take),
            (Self::Whole(value), Some(name)) => value.get_mut(name).map(Value::take),
            (Self::Whole(value), None) => Some(value.take()),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::Whole(Value::Null)
    }
}

/// The fields of an object. If a key is duplicated, the last value counts.
#[derive(Clone)]
pub(super) struct Fields {
    params: &'static [Param],
    /// One slot for each parameter.
    arguments: Vec<Option<Value>>,
}

impl Fields {
    /// Parses an object for `route`.
    fn read(json: &str, route: &Route) -> serde_json::Result<Self> {
        let Route { params, .. } = *route;
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let fields = deserializer.deserialize_map(Self { params, arguments: vec![None; params.len()] })?;
        deserializer.end()?;
        Ok(fields)
    }
}

impl<'de> Visitor<'de> for Fields {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        let Self { params, .. } = self;
        let mut next = 0;
        while let Some(key) = map.next_key_seed(Key { params, next })? {
            match key {
                Some(index) => {
                    self.arguments[index] = Some(map.next_value()?);
                    next = index + 1;
                }
                // The value is validated and dropped.
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(self)
    }
}

/// Deserializes a key as the index of its parameter, or `None` for an unknown key. Clients send arguments in
/// the order of the signature, so the search starts after the last match.
struct Key {
    params: &'static [Param],
    next: usize,
}

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        let Self { params, next } = self;
        let mut indices = (next..params.len()).chain(0..next);
        Ok(indices.find(|&index| params[index].field() == Some(key)))
    }
}
