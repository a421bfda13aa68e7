//! `Date`, in both directions: requests that come too late are refused, and answers are dated.

use super::head;
use crate::data::{Timestamp, date_parse};
use crate::error::ServiceError;
use chrono::Utc;
use http::header::{DATE, HeaderMap, HeaderValue};
use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How far a request may be behind the clock, in milliseconds.
const SKEW: i64 = 300_000;

/// Why the request comes too late. A date that cannot be read, or is yet to come, is no reason.
pub(super) fn expired(headers: &HeaderMap) -> Option<ServiceError> {
    if !headers.contains_key(DATE) {
        return None;
    }
    let date = head::text(headers, DATE)?;
    is_too_old(&date, Utc::now())
        .then(|| ServiceError::new("RequestExpired", format!("Date header {date} is too old")))
}

fn is_too_old(date: &str, now: Timestamp) -> bool {
    date_parse(date).is_some_and(|sent| now.signed_duration_since(sent).num_milliseconds() > SKEW)
}

/// The date of an answer. Writing it costs more than all other headers together, so that of the running second
/// is kept.
pub(super) fn now() -> HeaderValue {
    thread_local! {
        static LATEST: RefCell<(Duration, HeaderValue)> =
            const { RefCell::new((Duration::ZERO, HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))) };
    }
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let second = Duration::from_secs(since_epoch.as_secs());
    LATEST.with_borrow_mut(|(written, date)| {
        if *written != second
            && let Ok(text) = HeaderValue::try_from(httpdate::fmt_http_date(UNIX_EPOCH + second))
        {
            (*written, *date) = (second, text);
        }
        date.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::is_too_old;
    use chrono::{TimeDelta, Utc};

    #[test]
    fn a_date_more_than_five_minutes_ago_is_too_old() {
        let now = Utc::now();
        let before = |milliseconds| (now - TimeDelta::milliseconds(milliseconds)).to_rfc3339();
        assert!(!is_too_old(&before(300_000), now));
        assert!(is_too_old(&before(300_001), now));
        assert!(!is_too_old(&before(-4_000_000), now));
        assert!(!is_too_old("garbage", now));
        assert!(is_too_old("1", now), "a month, to JavaScript");
    }
}
