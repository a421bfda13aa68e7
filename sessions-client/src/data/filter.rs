//! Which sessions to list.

use super::Timestamp;
use super::timestamp::to_text;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::fmt;

/// Conditions on the sessions to list, all of which must hold.
///
/// On the wire it is a map of strings: numbers and booleans travel as text, times in UTC with milliseconds.
/// The service looks at `id`, `user_id`, `active`, `from_time` and `to_time` and ignores every other key.
///
/// ```
/// use sessions_client::FilterParams;
///
/// let filter = FilterParams::new().user_id("user-1").active(true);
/// assert_eq!(serde_json::to_string(&filter)?, r#"{"user_id":"user-1","active":"true"}"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct FilterParams(Vec<(String, Option<String>)>);

impl FilterParams {
    /// No condition.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only the session with this id.
    #[must_use]
    pub fn id(self, id: impl Into<String>) -> Self {
        self.set("id", Some(id.into()))
    }

    /// Only sessions of this user.
    #[must_use]
    pub fn user_id(self, user_id: impl Into<String>) -> Self {
        self.set("user_id", Some(user_id.into()))
    }

    /// Only open sessions, or only closed ones.
    #[must_use]
    pub fn active(self, active: bool) -> Self {
        self.set("active", Some(active.to_string()))
    }

    /// Only sessions last changed at this time or after it.
    ///
    /// **The service with in-memory persistence has it backwards:** it keeps those changed *before* this time.
    /// With MongoDB it is as it says. A client cannot tell which one it talks to, so this is not corrected.
    #[must_use]
    pub fn from_time(self, time: Timestamp) -> Self {
        self.set("from_time", Some(to_text(&time)))
    }

    /// Only sessions last changed before this time.
    ///
    /// **The service with in-memory persistence has it backwards:** it keeps those changed *at this time or
    /// after it*. With MongoDB it is as it says.
    #[must_use]
    pub fn to_time(self, time: Timestamp) -> Self {
        self.set("to_time", Some(to_text(&time)))
    }

    /// Any condition, for services that know more of them. `None` travels as `null`, which is no condition.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: Option<String>) -> Self {
        let key = key.into();
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, slot)) => *slot = value,
            None => self.0.push((key, value)),
        }
        self
    }

    /// The value of a condition, if there is one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key)?.1.as_deref()
    }
}

impl Serialize for FilterParams {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// Values of other types are read as their text, as the service does.
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
                    filter = filter.set(key, text_of(&value));
                }
                Ok(filter)
            }
        }
        deserializer.deserialize_map(Map)
    }
}

/// The text that JavaScript makes of a value.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let texts = items.iter().map(|item| text_of(item).unwrap_or_default());
            Some(texts.collect::<Vec<_>>().join(","))
        }
        Value::Object(_) => Some("[object Object]".to_owned()),
        other => Some(other.to_string()),
    }
}

/// Shows which conditions there are, not what they ask for.
impl fmt::Debug for FilterParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FilterParams")?;
        f.debug_set().entries(self.0.iter().map(|(key, _)| key)).finish()
    }
}
