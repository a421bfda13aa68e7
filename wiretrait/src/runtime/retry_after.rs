//! The header `Retry-After`.

use http::header::{DATE, HeaderMap, RETRY_AFTER};
use std::time::{Duration, SystemTime};

/// Returns the delay that a response requests, or `None` if the header is missing or malformed. The longest of
/// several delays counts, in one header or in several: a gateway may add its own to that of the service.
///
/// A number of seconds may have decimals, which some gateways send against the standard. A date is relative to the
/// response's own `Date`, since the clocks may differ, or else to `wall_clock`. A date in the past is a delay of zero.
pub(crate) fn retry_after(
    headers: &HeaderMap,
    wall_clock: impl FnOnce() -> Option<SystemTime>,
) -> Option<Duration> {
    let values = || headers.get_all(RETRY_AFTER).iter().filter_map(|value| Some(value.to_str().ok()?.trim()));
    let seconds = values().flat_map(|value| value.split(',')).filter_map(seconds).max();
    let Some(until) = values().flat_map(dates).max() else {
        return seconds;
    };
    let date = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let pause = date.or_else(wall_clock).map(|now| until.duration_since(now).unwrap_or_default());
    seconds.max(pause)
}

/// Returns the dates in a header. Most formats have a comma, which also separates several delays.
fn dates(value: &str) -> Vec<SystemTime> {
    let parts: Vec<&str> = value.split(',').collect();
    let with_comma = parts.windows(2).map(|parts| parts.join(","));
    let without_comma = parts.iter().map(|part| (*part).to_owned());
    with_comma.chain(without_comma).filter_map(|date| httpdate::parse_http_date(date.trim()).ok()).collect()
}

/// Reads a number of seconds, which may have decimals. One that is too large for a `u64` is valid.
fn seconds(value: &str) -> Option<Duration> {
    let value = value.trim();
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match value.split_once('.') {
        None if is_number(value) => Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX))),
        Some((whole, decimals)) if is_number(whole) && is_number(decimals) => {
            let seconds = value.parse().ok()?;
            Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(u64::MAX)))
        }
        _ => None,
    }
}
