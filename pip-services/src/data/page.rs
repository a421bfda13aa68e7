//! One page of a list.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use wiretrait::ObjectDeserializer;

/// One page of a list.
///
/// ```
/// use pip_services::DataPage;
///
/// let page: DataPage<u32> = serde_json::from_str(r#"{"total":7,"data":[1,2,3]}"#)?;
/// assert_eq!((page.total, page.data), (Some(7), vec![1, 2, 3]));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub struct DataPage<T> {
    /// The number of items on all pages, if the request asked for it
    /// ([`PagingParams::total`](crate::PagingParams::total)). Without a value it is written as `null`.
    #[serde(default)]
    pub total: Option<u64>,
    /// The items on this page.
    pub data: Vec<T>,
}

impl<T> DataPage<T> {
    /// Creates a page of `data`, out of `total` if that is known.
    #[must_use]
    pub fn new(data: Vec<T>, total: Option<u64>) -> Self {
        Self { total, data }
    }
}

/// An empty page without a total.
impl<T> Default for DataPage<T> {
    fn default() -> Self {
        Self::new(Vec::new(), None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for DataPage<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(ObjectDeserializer(deserializer))
    }
}

impl<T: Serialize> Serialize for DataPage<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
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
