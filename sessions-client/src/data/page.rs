//! One page of a list.

use super::SessionV1;
use super::session::Listed;
use crate::object::Object;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// One page of a list.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub struct DataPage<T> {
    /// How many there are on all pages together, if the request asked for it
    /// ([`PagingParams::total`](crate::PagingParams::total)).
    #[serde(default)]
    pub total: Option<u64>,
    /// What is on this page.
    pub data: Vec<T>,
}

impl<T> DataPage<T> {
    /// A page of `data`, out of `total` if that is known.
    #[must_use]
    pub fn new(data: Vec<T>, total: Option<u64>) -> Self {
        Self { total, data }
    }
}

/// A page of nothing, not counted.
impl<T> Default for DataPage<T> {
    fn default() -> Self {
        Self::new(Vec::new(), None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for DataPage<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(Object(deserializer))
    }
}

/// `total` is written even where it is `null`, and the sessions without `user` and `data`, as the service
/// does.
impl<U: Serialize, D: Serialize> Serialize for DataPage<SessionV1<U, D>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct List<'s, U, D>(&'s [SessionV1<U, D>]);
        impl<U: Serialize, D: Serialize> Serialize for List<'_, U, D> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.iter().map(Listed))
            }
        }
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("total", &self.total)?;
        map.serialize_entry("data", &List(&self.data))?;
        map.end()
    }
}

impl<T> fmt::Debug for DataPage<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataPage")
            .field("total", &self.total)
            .field("len", &self.data.len())
            .finish_non_exhaustive()
    }
}
