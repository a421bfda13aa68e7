//! A JSON value whose keys stay in the order of their insertion, as in JavaScript.
//!
//! Rejected alternative: the feature `preserve_order` of `serde_json`, because it would change the maps of
//! every other crate in the same build.

use foldhash::fast::RandomState;
use indexmap::IndexMap;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserialize, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Number};
use std::fmt;
use std::io::Write as _;

/// The keys and values of an object, in the order of their insertion.
pub(crate) type Map = IndexMap<String, Value, RandomState>;

/// A JSON value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Value {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Value>),
    Object(Map),
}

impl Value {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(crate) fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    pub(crate) fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&Map> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Writes the value like `JSON.stringify`, except for lone surrogates, which
    /// [`restore_surrogates`](crate::javascript::restore_surrogates) restores.
    pub(crate) fn write(&self, json: &mut Vec<u8>) {
        match self {
            Self::Null => json.extend_from_slice(b"null"),
            Self::Bool(true) => json.extend_from_slice(b"true"),
            Self::Bool(false) => json.extend_from_slice(b"false"),
            Self::Number(number) => write_number(number, json),
            Self::String(string) => write_string(string, json),
            Self::Array(items) => {
                json.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        json.push(b',');
                    }
                    item.write(json);
                }
                json.push(b']');
            }
            Self::Object(object) => {
                json.push(b'{');
                for (index, (key, value)) in object.iter().enumerate() {
                    if index > 0 {
                        json.push(b',');
                    }
                    write_string(key, json);
                    json.push(b':');
                    value.write(json);
                }
                json.push(b'}');
            }
        }
    }
}

/// Writes a number like JavaScript: `1` for `1.0`, and `100000000000000000000` for `1e20`.
fn write_number(number: &Number, json: &mut Vec<u8>) {
    match number.as_f64() {
        Some(double) if number.is_f64() => {
            json.extend_from_slice(ryu_js::Buffer::new().format_finite(double).as_bytes());
        }
        _ => {
            // Writing to a vector never fails.
            let _ = write!(json, "{number}");
        }
    }
}

/// Writes a string with its quotes.
pub(crate) fn write_string(string: &str, json: &mut Vec<u8>) {
    let written = serde_json::to_writer(json, string);
    debug_assert!(written.is_ok(), "a string is always valid JSON");
}

impl From<f64> for Value {
    /// Converts an infinite number to `null`, like `JSON.stringify`.
    fn from(number: f64) -> Self {
        Number::from_f64(number).map_or(Self::Null, Self::Number)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;

        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON value")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Bool(value))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Number(number.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(Value::Number(number.into()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
                Ok(number.into())
            }

            fn visit_str<E>(self, string: &str) -> Result<Value, E> {
                Ok(Value::String(string.to_owned()))
            }

            fn visit_string<E>(self, string: String) -> Result<Value, E> {
                Ok(Value::String(string))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut array = Vec::new();
                while let Some(item) = items.next_element()? {
                    array.push(item);
                }
                Ok(Value::Array(array))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut object = Map::default();
                // A duplicate key keeps its position and takes the later value.
                while let Some((key, value)) = map.next_entry()? {
                    object.insert(key, value);
                }
                Ok(Value::Object(object))
            }
        }

        deserializer.deserialize_any(ValueVisitor)
    }
}

impl<'de> Deserializer<'de> for Value {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Number(number) => number.deserialize_any(visitor),
            Self::String(string) => visitor.visit_string(string),
            Self::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter())),
            Self::Object(object) => visitor.visit_map(MapDeserializer::new(object.into_iter())),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Value;

    fn round_trip(json: &str) -> String {
        let mut written = Vec::new();
        serde_json::from_str::<Value>(json).unwrap().write(&mut written);
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn keys_stay_in_the_order_of_their_insertion() {
        assert_eq!(
            round_trip(r#"{"b":1,"a":{"d":null,"c":[true,"\n"]},"b":2}"#),
            r#"{"b":2,"a":{"d":null,"c":[true,"\n"]}}"#
        );
    }

    #[test]
    fn doubles_are_written_like_in_javascript() {
        assert_eq!(
            round_trip("[1.0,1e20,1e21,-0.0,18446744073709551615]"),
            "[1,100000000000000000000,1e+21,0,18446744073709551615]"
        );
    }
}
