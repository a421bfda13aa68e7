//! Which page of a list to return.

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which part of a list to return, and whether to count all of it.
///
/// The service returns 100 sessions at most, which is also what it returns when nothing is said.
///
/// ```
/// use sessions_client::PagingParams;
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
    /// The first page, of the service's own size, not counted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves out the first `skip`.
    #[must_use]
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = Some(skip.into());
        self
    }

    /// Returns `take` at most. 0 means the service's own page size, and travels as `null`.
    #[must_use]
    pub fn take(mut self, take: u32) -> Self {
        self.take = Some(take.into()).filter(|&take: &i64| take > 0);
        self
    }

    /// Whether to count what is on all pages: [`DataPage::total`](crate::DataPage::total).
    #[must_use]
    pub fn total(mut self, total: bool) -> Self {
        self.total = total;
        self
    }

    /// How many to leave out.
    #[must_use]
    pub fn skipped(self) -> usize {
        usize::try_from(self.skip.unwrap_or(0).max(0)).unwrap_or(usize::MAX)
    }

    /// How many to return, for a service whose pages have `default` sessions where nothing is said and
    /// `largest` at most. A negative number, which no setter takes but a request can have, is an empty page.
    #[must_use]
    pub fn taken(self, default: usize, largest: usize) -> usize {
        match self.take {
            None | Some(0) => default,
            Some(take) => usize::try_from(take).unwrap_or(0).min(largest),
        }
    }

    /// Whether the total is asked for.
    #[must_use]
    pub fn wants_total(self) -> bool {
        self.total
    }
}

/// Fractions are rounded as JavaScript does, half up.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match Option::<Value>::deserialize(deserializer)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            let rounded = number.as_i64().or_else(|| {
                #[expect(clippy::cast_possible_truncation, reason = "a page beyond 2^63 is the last one")]
                number.as_f64().map(|number| half_up(number) as i64)
            });
            Ok(rounded)
        }
        Some(_) => Err(D::Error::custom("invalid type: another value, expected a number")),
    }
}

/// A sum with a half would be rounded itself, and `round` takes a half away from zero.
fn half_up(number: f64) -> f64 {
    if number - number.floor() >= 0.5 { number.ceil() } else { number.floor() }
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or(false))
}
