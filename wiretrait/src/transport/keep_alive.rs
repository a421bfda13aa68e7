//! The time that a service keeps an idle connection open, from its header `Keep-Alive`.

use http::header::{HeaderMap, HeaderName};
use std::time::Duration;

static KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Returns how long a connection may be idle after a response with these headers, or `None` if they do not
/// limit it.
///
/// It is a second shorter than the time of the service, so that the client closes the connection first: a
/// request that is sent while the service closes is lost. Of a second, a half remains.
pub(super) fn idle_limit(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get_all(&KEEP_ALIVE).iter().filter_map(|value| timeout(value.as_bytes())).min()?;
    Some(match seconds {
        0 => Duration::ZERO,
        1 => Duration::from_millis(500),
        more => Duration::from_secs(more - 1),
    })
}

/// Returns the smallest valid `timeout` of a header value, in seconds.
fn timeout(value: &[u8]) -> Option<u64> {
    // Most values have only this parameter.
    if let Some(seconds) = seconds(value) {
        return Some(seconds);
    }
    let parameters = value.split(|byte| matches!(byte, b',' | b';'));
    parameters.filter_map(|parameter| seconds(parameter.trim_ascii())).min()
}

fn seconds(parameter: &[u8]) -> Option<u64> {
    const NAME: usize = "timeout".len();
    let (name, value) = parameter.split_at_checked(NAME)?;
    let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    let digits = quoted.unwrap_or(value);
    let is_valid =
        name.eq_ignore_ascii_case(b"timeout") && !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let add = |sum: u64, digit: &u8| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    is_valid.then(|| digits.iter().fold(0, add))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle_millis(values: &[&str]) -> Option<u128> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&KEEP_ALIVE, value.parse().unwrap());
        }
        idle_limit(&headers).map(|limit| limit.as_millis())
    }

    #[test]
    fn an_idle_time_is_a_second_shorter_than_the_timeout() {
        for (value, millis) in [
            ("timeout=5", 4000),
            ("timeout=5, max=1000", 4000),
            ("max=1000,timeout=5", 4000),
            ("timeout = 5", 4000),
            ("Timeout=5", 4000),
            (" timeout=\"5\" ", 4000),
            ("timeout=5;max=3", 4000),
            ("timeout=2", 1000),
            ("timeout=1", 500),
            ("timeout=0", 0),
            ("timeout=005", 4000),
            ("timeout=5, timeout=3", 2000),
        ] {
            assert_eq!(idle_millis(&[value]), Some(millis), "{value}");
        }
    }

    #[test]
    fn a_timeout_that_is_too_large_for_a_number_is_the_largest() {
        assert_eq!(idle_millis(&["timeout=99999999999999999999999"]), Some(u128::from(u64::MAX - 1) * 1000));
    }

    #[test]
    fn a_malformed_keep_alive_does_not_limit_the_idle_time() {
        for value in [
            "",
            "max=5",
            "5",
            "timeout",
            "timeout=",
            "timeout=-1",
            "timeout=5s",
            "timeout=1.5",
            "timeout=\"5",
            "timeout==5",
            "timeouts=5",
            "x-timeout=5",
            "timeout=+5",
            "timeout=\u{fc}",
            ",,;",
            "timeout=5 6",
        ] {
            assert_eq!(idle_millis(&[value]), None, "{value}");
        }
        assert_eq!(idle_millis(&[]), None);
    }

    #[test]
    fn the_shortest_of_several_keep_alive_headers_applies() {
        assert_eq!(idle_millis(&["timeout=9", "max=2", "timeout=x", "timeout=4"]), Some(3000));
    }
}
