//! The header `Retry-After`.

use http::header::{DATE, HeaderMap, RETRY_AFTER};
use std::time::{Duration, SystemTime};

/// Returns the delay that a response requests, or `None` if the header is missing or malformed.
///
/// A date is relative to the response's own `Date`, since the clocks may differ, or else to `wall_clock`. A
/// date in the past is a delay of zero.
pub(crate) fn retry_after(
    headers: &HeaderMap,
    wall_clock: impl FnOnce() -> Option<SystemTime>,
) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit into a `u64` is valid.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let date = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let now = date.or_else(wall_clock)?;
    Some(until.duration_since(now).unwrap_or_default())
}
