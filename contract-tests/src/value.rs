//! A JSON value whose keys stay in the order in which they were parsed or inserted.
//!
//! The order of keys is part of the contract, and the maps of `serde_json` sort them. Rejected alternative: the
//! feature `preserve_order` of `serde_json`, because Cargo enables it for every crate in the same build, and
//! the tests of the other crates would use maps that their users do not have.

use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Number;
use std::fmt;
use std::ops::{Index, IndexMut};

/// The keys and values of an object, in order. Equality ignores the order.
pub type Map = IndexMap<String, Value>;

/// A JSON value with the interface of [`serde_json::Value`]. Equality ignores the order of keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object.
    Object(Map),
}

impl Value {
    /// Returns the value of a key, if this is an object that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.get(key)
    }

    /// Returns whether this is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Returns whether this is a string.
    #[must_use]
    pub fn is_string(&self) -> bool {
        matches!(self, Self::String(_))
    }

    /// Returns whether this is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Returns whether this is a whole number that is not negative.
    #[must_use]
    pub fn is_u64(&self) -> bool {
        matches!(self, Self::Number(number) if number.is_u64())
    }

    /// Returns the string, if this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(string) => Some(string),
            _ => None,
        }
    }

    /// Returns the items, if this is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&Vec<Value>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the keys and values, if this is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Map> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Returns the keys and values for changes, if this is an object.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }
}

/// Writes compact JSON, and indented JSON for `{:#}`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json =
            if f.alternate() { serde_json::to_string_pretty(self) } else { serde_json::to_string(self) };
        f.write_str(&json.map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(string) => serializer.serialize_str(string),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(object) => serializer.collect_map(object),
        }
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
                Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
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

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
                let mut object = Map::new();
                // A duplicate key keeps its position and takes the later value.
                while let Some((key, value)) = entries.next_entry()? {
                    object.insert(key, value);
                }
                Ok(Value::Object(object))
            }
        }

        deserializer.deserialize_any(ValueVisitor)
    }
}

/// The value of a key; `null` if the key is missing.
impl Index<&str> for Value {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or(&Self::Null)
    }
}

/// The value of a key; `null` if the key is missing.
impl Index<String> for Value {
    type Output = Value;

    fn index(&self, key: String) -> &Value {
        &self[&*key]
    }
}

/// An item of an array; `null` after its end.
impl Index<usize> for Value {
    type Output = Value;

    fn index(&self, index: usize) -> &Value {
        self.as_array().and_then(|items| items.get(index)).unwrap_or(&Self::Null)
    }
}

/// The value of a key, which is inserted if it is missing. Panics if this is not an object.
impl IndexMut<&str> for Value {
    fn index_mut(&mut self, key: &str) -> &mut Value {
        match self {
            Self::Object(object) => object.entry(key.to_owned()).or_default(),
            other => panic!("a key `{key}` needs an object: {other}"),
        }
    }
}

/// The value of a key, which is inserted if it is missing. Panics if this is not an object.
impl IndexMut<String> for Value {
    fn index_mut(&mut self, key: String) -> &mut Value {
        &mut self[&*key]
    }
}

impl PartialEq<str> for Value {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl From<&Value> for Value {
    fn from(value: &Value) -> Self {
        value.clone()
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<f64> for Value {
    /// Converts an infinite number to `null`.
    fn from(number: f64) -> Self {
        Number::from_f64(number).map_or(Self::Null, Self::Number)
    }
}

impl From<&str> for Value {
    fn from(string: &str) -> Self {
        Self::String(string.to_owned())
    }
}

impl From<String> for Value {
    fn from(string: String) -> Self {
        Self::String(string)
    }
}

impl From<Map> for Value {
    fn from(object: Map) -> Self {
        Self::Object(object)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl FromIterator<(String, Value)> for Value {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(entries: I) -> Self {
        Self::Object(entries.into_iter().collect())
    }
}

/// Creates a [`Value`] from a JSON literal, like [`serde_json::json!`], with the keys in the order of the
/// literal. An expression in it is converted by [`From`].
#[macro_export]
macro_rules! json {
    (@items [$($done:expr,)*]) => {
        ::std::vec![$($done),*]
    };
    (@items [$($done:expr,)*] null $(, $($rest:tt)*)?) => {
        $crate::json!(@items [$($done,)* $crate::Value::Null,] $($($rest)*)?)
    };
    (@items [$($done:expr,)*] [$($inner:tt)*] $(, $($rest:tt)*)?) => {
        $crate::json!(@items [$($done,)* $crate::json!([$($inner)*]),] $($($rest)*)?)
    };
    (@items [$($done:expr,)*] {$($inner:tt)*} $(, $($rest:tt)*)?) => {
        $crate::json!(@items [$($done,)* $crate::json!({$($inner)*}),] $($($rest)*)?)
    };
    (@items [$($done:expr,)*] $item:expr $(, $($rest:tt)*)?) => {
        $crate::json!(@items [$($done,)* $crate::Value::from($item),] $($($rest)*)?)
    };
    (@entries $object:ident) => {};
    (@entries $object:ident $key:tt : null $(, $($rest:tt)*)?) => {
        $object.insert(($key).to_owned(), $crate::Value::Null);
        $crate::json!(@entries $object $($($rest)*)?);
    };
    (@entries $object:ident $key:tt : [$($inner:tt)*] $(, $($rest:tt)*)?) => {
        $object.insert(($key).to_owned(), $crate::json!([$($inner)*]));
        $crate::json!(@entries $object $($($rest)*)?);
    };
    (@entries $object:ident $key:tt : {$($inner:tt)*} $(, $($rest:tt)*)?) => {
        $object.insert(($key).to_owned(), $crate::json!({$($inner)*}));
        $crate::json!(@entries $object $($($rest)*)?);
    };
    (@entries $object:ident $key:tt : $value:expr $(, $($rest:tt)*)?) => {
        $object.insert(($key).to_owned(), $crate::Value::from($value));
        $crate::json!(@entries $object $($($rest)*)?);
    };
    (null) => {
        $crate::Value::Null
    };
    ([$($inner:tt)*]) => {
        $crate::Value::Array($crate::json!(@items [] $($inner)*))
    };
    ({}) => {
        $crate::Value::Object($crate::Map::new())
    };
    ({$($inner:tt)*}) => {{
        let mut object = $crate::Map::new();
        $crate::json!(@entries object $($inner)*);
        $crate::Value::Object(object)
    }};
    ($value:expr) => {
        $crate::Value::from($value)
    };
}

#[cfg(test)]
mod tests {
    use super::Value;

    #[test]
    fn keys_stay_in_the_order_in_which_they_were_parsed() {
        let json = r#"{"b":1,"a":{"d":null,"c":[true,-1,1.5,"\n"]}}"#;
        assert_eq!(serde_json::from_str::<Value>(json).unwrap().to_string(), json);
    }

    #[test]
    fn a_duplicate_key_keeps_its_position_and_the_later_value() {
        let value: Value = serde_json::from_str(r#"{"b":1,"a":2,"b":3}"#).unwrap();
        assert_eq!(value.to_string(), r#"{"b":3,"a":2}"#);
    }

    #[test]
    fn literals_keep_the_order_of_their_keys() {
        let key = "key";
        let value = json!({"b": [null, [], {}, 1, "s"], key: {"z": "z".repeat(2), "y": 1.5}, "a": null,});
        assert_eq!(value.to_string(), r#"{"b":[null,[],{},1,"s"],"key":{"z":"zz","y":1.5},"a":null}"#);
    }

    #[test]
    fn equality_ignores_the_order_of_keys() {
        assert_eq!(json!({"a": 1, "b": [2]}), json!({"b": [2], "a": 1}));
        assert_ne!(json!({"a": 1}), json!({"a": 1, "b": [2]}));
    }

    #[test]
    fn values_are_printed_as_serde_json_prints_them() {
        let json = r#"{"a":[],"b":{},"c":[1e300,0.1,{"d":"ü\u0000\"/"}]}"#;
        let (ours, theirs): (Value, serde_json::Value) =
            (serde_json::from_str(json).unwrap(), serde_json::from_str(json).unwrap());
        assert_eq!(ours.to_string(), theirs.to_string());
        assert_eq!(format!("{ours:#}"), format!("{theirs:#}"));
    }

    #[test]
    fn a_missing_key_is_null_until_it_is_set() {
        let mut value = json!({});
        assert!(value["a"]["b"][0].is_null());
        value["a"] = json!([1]);
        assert_eq!(value["a"][0], json!(1));
    }
}
