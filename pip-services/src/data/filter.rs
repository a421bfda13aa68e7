//! The filter of a list request.

use super::timestamp::{self, Timestamp};
use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::fmt;

/// Conditions on the items to list, all of which must hold.
///
/// On the wire it is a map of strings: numbers and booleans travel as strings, times in UTC with
/// milliseconds. The order of the conditions is kept.
///
/// ```
/// use pip_services::FilterParams;
///
/// let filter = FilterParams::new().set("user_id", "user-1").set("active", true.to_string());
/// assert_eq!(serde_json::to_string(&filter)?, r#"{"user_id":"user-1","active":"true"}"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct FilterParams(IndexMap<String, Option<String>>);

impl FilterParams {
    /// Creates a filter without conditions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a condition.
    #[must_use]
    pub fn set(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.set_optional(key, Some(value.into()))
    }

    /// Sets a condition on a time.
    #[must_use]
    pub fn set_time(self, key: impl Into<String>, time: Timestamp) -> Self {
        self.set(key, timestamp::to_string(&time))
    }

    /// Sets a condition that may have no value. `None` travels as `null`, which services ignore.
    #[must_use]
    pub fn set_optional(mut self, key: impl Into<String>, value: Option<String>) -> Self {
        self.0.insert(key.into(), value);
        self
    }

    /// Returns the value of a condition, if it has one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_deref()
    }
}

impl Serialize for FilterParams {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.0)
    }
}

/// Reads values of other types as strings, as the framework does.
impl<'de> Deserialize<'de> for FilterParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = FilterParams;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of conditions")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FilterParams, A::Error> {
                let mut filter = FilterParams::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    filter = filter.set_optional(key, to_string(&value));
                }
                Ok(filter)
            }
        }
        deserializer.deserialize_map(Map)
    }
}

/// Returns a value as JavaScript's `toString` writes it.
fn to_string(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(string) => Some(string.clone()),
        Value::Array(items) => {
            let strings = items.iter().map(|item| to_string(item).unwrap_or_default());
            Some(strings.collect::<Vec<_>>().join(","))
        }
        Value::Object(_) => Some("[object Object]".to_owned()),
        other => Some(other.to_string()),
    }
}

/// Shows the keys of the conditions, without their values.
impl fmt::Debug for FilterParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FilterParams")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}
