//! The JSON of a request, taken apart as far as its arguments are.
//!
//! An object is told into its members, and what they are is a [`Value`] each, which an argument takes away. One `Value`
//! of the whole was refused: it owns and hashes every key, which costs more than all that is done with the arguments.

use super::{Param, Place, Route};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// What is in a body.
#[derive(Clone)]
pub(super) enum Body {
    /// An object.
    Members(Members),
    /// Anything else, or what is one argument as a whole.
    Whole(Value),
}

impl Body {
    /// Reads what was received for `route`.
    pub(super) fn read(json: &[u8], route: &Route) -> serde_json::Result<Self> {
        let is_whole = || route.params.iter().any(|param| param.places.contains(&Place::Body));
        match std::str::from_utf8(json) {
            Ok(text) if text.trim_ascii_start().starts_with('{') && !is_whole() => {
                Members::read(text, route).map(Self::Members)
            }
            // Of bytes that are no text, it says where they are none.
            _ => serde_json::from_slice(json).map(Self::Whole),
        }
    }

    /// The value of an argument, which is gone then; `null` where there is none.
    pub(super) fn take(&mut self, param: &Param) -> Value {
        let value = match (self, param.field()) {
            (Self::Members(members), Some(name)) => members.get_mut(name),
            (Self::Whole(value), Some(name)) => value.get_mut(name),
            (Self::Whole(value), None) => Some(value),
            (Self::Members(_), None) => None,
        };
        value.map(Value::take).unwrap_or_default()
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::Whole(Value::Null)
    }
}

/// The members of an object, in the order of their keys. Of two with one key, the latter counts.
#[derive(Clone, Default)]
pub(crate) struct Members(Vec<(Cow<'static, str>, Value)>);

impl Members {
    /// Reads an object. The keys that `route` has arguments for need no memory.
    pub(crate) fn read(json: &str, route: &Route) -> serde_json::Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let members = deserializer.deserialize_map(Of(route))?;
        deserializer.end()?;
        Ok(members)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.iter_mut().rev().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    #[cfg(feature = "server")]
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// All of these, and those of `others` that are under other keys.
    #[cfg(feature = "server")]
    pub(crate) fn over(&self, others: &serde_json::Map<String, Value>) -> Self {
        let others = others.iter().map(|(key, value)| (Cow::Owned(key.clone()), value.clone()));
        Self(others.chain(self.0.iter().cloned()).collect())
    }
}

/// Reads the members of an object for a route.
struct Of<'r>(&'r Route);

impl<'de> Visitor<'de> for Of<'_> {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let params = self.0.params;
        let (mut members, mut next) = (Vec::with_capacity(params.len()), 0);
        while let Some(key) = map.next_key_seed(Key { params, next: &mut next })? {
            members.push((key, map.next_value()?));
        }
        Ok(Members(members))
    }
}

/// Reads a key. Clients send arguments in their order, so that most often it is that of the parameter after the last.
struct Key<'r> {
    params: &'static [Param],
    next: &'r mut usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Cow<'static, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Cow<'static, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        let Self { params, next } = self;
        for _ in params {
            let field = params[*next].field();
            *next = (*next + 1) % params.len();
            if let Some(field) = field.filter(|field| *field == key) {
                return Ok(Cow::Borrowed(field));
            }
        }
        Ok(Cow::Owned(key.to_owned()))
    }
}
