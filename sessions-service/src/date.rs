//! `Date`: the check that a request is not too old, and the date of a response.

use crate::date_parse::date_parse;
use crate::request_headers::header_value;
use chrono::Utc;
use http::header::{DATE, HeaderMap, HeaderValue};
use pip_services::Timestamp;
use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wiretrait::ServiceError;

/// The maximum age of a request in milliseconds.
const MAX_AGE: i64 = 300_000;

/// Returns the error of a request that is too old. An unreadable date, or one in the future, is accepted.
pub(super) fn expired(headers: &HeaderMap) -> Option<ServiceError> {
    if !headers.contains_key(DATE) {
        return None;
    }
    let date = header_value(headers, DATE)?;
    is_too_old(&date, Utc::now())
        .then(|| ServiceError::new("RequestExpired", format!("Date header {date} is too old")))
}

fn is_too_old(date: &str, now: Timestamp) -> bool {
    date_parse(date).is_some_and(|sent| now.signed_duration_since(sent).num_milliseconds() > MAX_AGE)
}

/// Returns the date of a response. Formatting it costs more than all other headers together, so each thread
/// caches that of the current second.
pub(super) fn now() -> HeaderValue {
    thread_local! {
        static CACHED: RefCell<(Duration, HeaderValue)> =
            const { RefCell::new((Duration::ZERO, HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))) };
    }
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let second = Duration::from_secs(since_epoch.as_secs());
    CACHED.with_borrow_mut(|(cached, date)| {
        if *cached != second
            && let Ok(formatted) = HeaderValue::try_from(httpdate::fmt_http_date(UNIX_EPOCH + second))
        {
            (*cached, *date) = (second, formatted);
        }
        date.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::is_too_old;
    use chrono::{TimeDelta, Utc};

    #[test]
    fn a_request_is_too_old_after_more_than_five_minutes() {
        let now = Utc::now();
        let before = |milliseconds| (now - TimeDelta::milliseconds(milliseconds)).to_rfc3339();
        assert!(!is_too_old(&before(300_000), now));
        assert!(is_too_old(&before(300_001), now));
        assert!(!is_too_old(&before(-4_000_000), now));
        assert!(!is_too_old("garbage", now));
        assert!(is_too_old("1", now), "JavaScript reads it as a month");
    }
}
