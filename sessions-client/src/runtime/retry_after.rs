//! The header `Retry-After`.

use http::header::{DATE, HeaderMap, RETRY_AFTER};
use std::time::{Duration, SystemTime};

/// How long the sender of a response wants to be left alone; none if it does not say so readably.
///
/// A date is measured from the response's own `Date`, since the two clocks may differ, or else from
/// `wall_clock`. One that has passed is no time at all.
pub(crate) fn retry_after(
    headers: &HeaderMap,
    wall_clock: impl FnOnce() -> Option<SystemTime>,
) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a long time, not a mistake.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let date = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let now = date.or_else(wall_clock)?;
    Some(until.duration_since(now).unwrap_or_default())
}
