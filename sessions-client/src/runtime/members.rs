//! The JSON of a request, taken apart as far as its arguments are.
//!
//! An object is told into its members: each argument has a place, and gives its [`Value`] away. One `Value` of the whole
//! was refused: it owns and hashes every key, which costs more than all that is done with the arguments.

use super::{Param, Place, Route};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Value;
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
    pub(super) fn read(json: &[u8], route: &'static Route) -> serde_json::Result<Self> {
        let is_whole = || route.params.iter().any(|param| param.places.contains(&Place::Body));
        match std::str::from_utf8(json) {
            Ok(text) if text.trim_ascii_start().starts_with('{') && !is_whole() => {
                Members::read(text, route).map(Self::Members)
            }
            // Of bytes that are no text, it says where they are none.
            _ => serde_json::from_slice(json).map(Self::Whole),
        }
    }

    /// The value of the argument at `index`, which is gone then; `null` where there is none.
    pub(super) fn take(&mut self, index: usize, param: &Param) -> Value {
        let value = match (self, param.field()) {
            (Self::Members(members), _) => members.arguments.get_mut(index).and_then(Option::take),
            (Self::Whole(value), Some(name)) => value.get_mut(name).map(Value::take),
            (Self::Whole(value), None) => Some(value.take()),
        };
        value.unwrap_or_default()
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::Whole(Value::Null)
    }
}

/// The members of an object. Of two with one key, the latter counts.
#[derive(Clone)]
pub(crate) struct Members {
    params: &'static [Param],
    /// A place for each parameter.
    arguments: Vec<Option<Value>>,
    /// What is under other keys.
    others: Vec<(String, Value)>,
}

impl Members {
    /// Nothing for `route`.
    pub(crate) fn none(route: &Route) -> Self {
        let Route { params, .. } = *route;
        Self { params, arguments: vec![None; params.len()], others: Vec::new() }
    }

    /// Reads an object for `route`.
    pub(crate) fn read(json: &str, route: &Route) -> serde_json::Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let members = deserializer.deserialize_map(Self::none(route))?;
        deserializer.end()?;
        Ok(members)
    }
}

#[cfg(feature = "server")]
impl Members {
    pub(crate) fn argument(&self, name: &str) -> Option<&Value> {
        self.arguments[self.place(name)?].as_ref()
    }

    pub(crate) fn argument_mut(&mut self, name: &str) -> Option<&mut Value> {
        let place = self.place(name)?;
        self.arguments[place].as_mut()
    }

    /// The fields among the parameters, in their order.
    pub(crate) fn fields_mut(&mut self) -> impl Iterator<Item = (&'static str, bool, &mut Option<Value>)> {
        let fields = self.params.iter().zip(&mut self.arguments);
        fields.filter_map(|(param, argument)| Some((param.field()?, param.required, argument)))
    }

    /// What is under a key that is no argument's.
    pub(crate) fn other(&self, key: &str) -> Option<&Value> {
        self.others.iter().rev().find(|(other, _)| other == key).map(|(_, value)| value)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.arguments.iter_mut().flatten().chain(self.others.iter_mut().map(|(_, value)| value))
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.params.iter().position(|param| param.field() == Some(name))
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        let Self { params, .. } = self;
        let mut next = 0;
        while let Some(key) = map.next_key_seed(Key { params, next })? {
            let value = map.next_value()?;
            match key {
                Ok(place) => {
                    self.arguments[place] = Some(value);
                    next = place + 1;
                }
                Err(key) => self.others.push((key, value)),
            }
        }
        Ok(self)
    }
}

/// Reads a key: the place of its parameter, or else the key itself. Clients send arguments in their order, so that most
/// often it is the place after the last one.
struct Key {
    params: &'static [Param],
    next: usize,
}

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        let Self { params, next } = self;
        let mut places = (next..params.len()).chain(0..next);
        Ok(places.find(|&place| params[place].field() == Some(key)).ok_or_else(|| key.to_owned()))
    }
}
