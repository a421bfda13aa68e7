//! The paging parameters of a list request.

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The part of a list to return, and whether to count the whole list.
///
/// Services of the framework return at most 100 items a page by default, also without paging parameters.
///
/// ```
/// use pip_services::PagingParams;
///
/// let second_page = PagingParams::new().skip(20).take(20).total(true);
/// assert_eq!(serde_json::to_string(&second_page)?, r#"{"skip":20,"take":20,"total":true}"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PagingParams {
    #[serde(default, deserialize_with = "whole")]
    skip: Option<i64>,
    #[serde(default, deserialize_with = "whole")]
    take: Option<i64>,
    #[serde(default, deserialize_with = "flag")]
    total: bool,
}

impl PagingParams {
    /// Creates parameters for the first page, of the service's page size and without a total.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of items to skip.
    #[must_use]
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = Some(skip.into());
        self
    }

    /// Sets the maximum number of items. 0 means the service's page size, and travels as `null`.
    #[must_use]
    pub fn take(mut self, take: u32) -> Self {
        self.take = Some(take.into()).filter(|&take: &i64| take > 0);
        self
    }

    /// Sets whether to count the items on all pages: [`DataPage::total`](crate::DataPage::total).
    #[must_use]
    pub fn total(mut self, total: bool) -> Self {
        self.total = total;
        self
    }

    /// Returns the number of items to skip.
    #[must_use]
    pub fn skipped(self) -> usize {
        usize::try_from(self.skip.unwrap_or(0).max(0)).unwrap_or(usize::MAX)
    }

    /// Returns the number of items on the page of a service whose pages have `default` items unless requested
    /// otherwise, and at most `largest`. A negative number, which only a received request can have, means an
    /// empty page.
    #[must_use]
    pub fn taken(self, default: usize, largest: usize) -> usize {
        match self.take {
            None | Some(0) => default,
            Some(take) => usize::try_from(take).unwrap_or(0).min(largest),
        }
    }

    /// Returns whether the total is requested.
    #[must_use]
    pub fn wants_total(self) -> bool {
        self.total
    }
}

/// Rounds fractions half up, as the framework's Node.js services do.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match Option::<Value>::deserialize(deserializer)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            let rounded = number.as_i64().or_else(|| {
                #[expect(clippy::cast_possible_truncation, reason = "saturates: no list has 2^63 items")]
                number.as_f64().map(|number| half_up(number) as i64)
            });
            Ok(rounded)
        }
        Some(_) => Err(D::Error::custom("invalid type: another value, expected a number")),
    }
}

/// Rounds halves up. `f64::round` rounds them away from zero, and adding 0.5 before `floor` already rounds
/// the sum.
fn half_up(number: f64) -> f64 {
    if number - number.floor() >= 0.5 { number.ceil() } else { number.floor() }
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or(false))
}
