//! Rules of expiry: how long a session may be idle, how long it may last, and when to keep it alive.

use sessions_client::Timestamp;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The limits of a session's age.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expiry {
    /// The time without a change after which a session has expired.
    pub(crate) idle_timeout: Duration,
    /// The time after its opening at which a session has expired.
    pub(crate) lifetime: Duration,
    /// The time without a change after which a request extends the session.
    pub(crate) touch_interval: Duration,
}

/// The age of a session, by the limits that matter for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Fresh,
    /// Valid, but its `request_time` is old: extend it.
    TouchDue,
    Expired,
}

impl Default for Expiry {
    fn default() -> Self {
        Self { idle_timeout: 24 * HOUR, lifetime: 7 * 24 * HOUR, touch_interval: HOUR / 12 }
    }
}

impl Expiry {
    /// Returns the age of a session. Times in the future count as now: the clocks of two machines differ.
    pub(crate) fn age(&self, open_time: Timestamp, request_time: Timestamp, now: Timestamp) -> Age {
        let idle = elapsed(request_time, now);
        if idle >= self.idle_timeout || elapsed(open_time, now) >= self.lifetime {
            Age::Expired
        } else if idle >= self.touch_interval.min(self.idle_timeout / 2) {
            Age::TouchDue
        } else {
            Age::Fresh
        }
    }

    /// Returns how long a session stays valid after a change at `now`.
    pub(crate) fn remaining(&self, open_time: Timestamp, now: Timestamp) -> Duration {
        self.lifetime.saturating_sub(elapsed(open_time, now)).min(self.idle_timeout)
    }
}

fn elapsed(time: Timestamp, now: Timestamp) -> Duration {
    now.signed_duration_since(time).to_std().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, TimeZone, Utc};

    fn at(seconds: i64) -> Timestamp {
        Utc.timestamp_opt(1_700_000_000, 0).unwrap() + TimeDelta::seconds(seconds)
    }

    const EXPIRY: Expiry = Expiry {
        idle_timeout: Duration::from_secs(100),
        lifetime: Duration::from_secs(1000),
        touch_interval: Duration::from_secs(10),
    };

    #[test]
    fn a_session_expires_exactly_at_the_idle_timeout() {
        assert_eq!(EXPIRY.age(at(0), at(0), at(99)), Age::TouchDue);
        assert_eq!(EXPIRY.age(at(0), at(0), at(100)), Age::Expired);
    }

    #[test]
    fn a_session_expires_at_the_end_of_its_lifetime_although_it_is_used() {
        assert_eq!(EXPIRY.age(at(0), at(999), at(999)), Age::Fresh);
        assert_eq!(EXPIRY.age(at(0), at(999), at(1000)), Age::Expired);
    }

    #[test]
    fn a_touch_is_due_after_the_interval() {
        assert_eq!(EXPIRY.age(at(0), at(50), at(59)), Age::Fresh);
        assert_eq!(EXPIRY.age(at(0), at(50), at(60)), Age::TouchDue);
    }

    #[test]
    fn a_touch_interval_beyond_the_idle_timeout_is_shortened() {
        let expiry = Expiry { touch_interval: Duration::from_secs(500), ..EXPIRY };
        assert_eq!(expiry.age(at(0), at(0), at(49)), Age::Fresh);
        assert_eq!(expiry.age(at(0), at(0), at(50)), Age::TouchDue);
    }

    #[test]
    fn times_in_the_future_count_as_now() {
        assert_eq!(EXPIRY.age(at(30), at(30), at(0)), Age::Fresh);
        assert_eq!(EXPIRY.remaining(at(30), at(0)), EXPIRY.idle_timeout);
    }

    #[test]
    fn the_remaining_time_ends_with_the_lifetime() {
        assert_eq!(EXPIRY.remaining(at(0), at(10)), Duration::from_secs(100));
        assert_eq!(EXPIRY.remaining(at(0), at(950)), Duration::from_secs(50));
        assert_eq!(EXPIRY.remaining(at(0), at(2000)), Duration::ZERO);
    }
}
