//! The arguments of a command, parsed from the JSON object of a request.

use crate::value::{Map, Value};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use std::fmt;
use wiretrait::{Param, Route};

/// The arguments of a command and the other keys of its request. Of two values with the same key, the later
/// one counts.
#[derive(Clone)]
pub(crate) struct Arguments {
    params: &'static [Param],
    /// A value for each parameter.
    values: Vec<Option<Value>>,
    /// The values under other keys.
    others: Map,
}

impl Arguments {
    /// Creates an empty set of arguments for `route`.
    pub(crate) fn none(route: &Route) -> Self {
        let Route { params, .. } = *route;
        Self { params, values: vec![None; params.len()], others: Map::default() }
    }

    /// Parses an object with the arguments for `route`.
    pub(crate) fn parse(json: &str, route: &Route) -> serde_json::Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let arguments = deserializer.deserialize_map(Self::none(route))?;
        deserializer.end()?;
        Ok(arguments)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.values[self.index(name)?].as_ref()
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        let index = self.index(name)?;
        self.values[index].as_mut()
    }

    /// Removes an argument and returns it. `null` counts as absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let index = self.index(name)?;
        self.values[index].take().filter(|value| !value.is_null())
    }

    /// Removes an argument and returns it if it is a string.
    pub(crate) fn take_string(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(string) => Some(string),
            _ => None,
        }
    }

    /// Returns name, requiredness and value of each parameter in the body, in their order.
    pub(crate) fn fields_mut(&mut self) -> impl Iterator<Item = (&'static str, bool, &mut Option<Value>)> {
        let fields = self.params.iter().zip(&mut self.values);
        fields.filter_map(|(param, value)| Some((param.field()?, param.required, value)))
    }

    /// Returns the value under a key that is not a parameter.
    pub(crate) fn other(&self, key: &str) -> Option<&Value> {
        self.others.get(key)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.values.iter_mut().flatten().chain(self.others.values_mut())
    }

    /// Writes the arguments as a JSON object.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::with_capacity(256);
        json.push(b'{');
        for (param, value) in self.params.iter().zip(&self.values) {
            if let (Some(name), Some(value)) = (param.field(), value) {
                if json.len() > 1 {
                    json.push(b',');
                }
                crate::value::write_string(name, &mut json);
                json.push(b':');
                value.write(&mut json);
            }
        }
        json.push(b'}');
        json
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.params.iter().position(|param| param.field() == Some(name))
    }
}

impl<'de> Visitor<'de> for Arguments {
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
                Ok(index) => {
                    self.values[index] = Some(value);
                    next = index + 1;
                }
                Err(key) => drop(self.others.insert(key, value)),
            }
        }
        Ok(self)
    }
}

/// A visitor of a key that returns the index of its parameter, or the key itself if it is not a parameter.
/// The search starts at `next`, the index after the previous one, because clients send arguments in the order
/// of the parameters.
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
        let mut indices = (next..params.len()).chain(0..next);
        Ok(indices.find(|&index| params[index].field() == Some(key)).ok_or_else(|| key.to_owned()))
    }
}
