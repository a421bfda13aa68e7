//! The offset of a worker's clock, measured by the `Date` of the service's responses.
//!
//! `Date` has whole seconds, and yet bounds the offset to milliseconds:
//!
//! 1. A response with the date `d` was made while the clock of the service was between `d` and `d + 1 s`.
//! 2. That was between its request and its arrival, on the clock of this machine. The response thus bounds the
//!    offset to a second and its round-trip time.
//! 3. Requests follow each other until the date changes. The last response of one second and the first of the
//!    next bound the offset from both sides, to the time between them.

use crate::client::UnmeasuredClient;
use crate::contract::Contract;
use crate::metrics::ClockOffset;
use chrono::{DateTime, TimeDelta, Utc};
use sessions_client::sessions_v1::{GET_SESSION_BY_ID, GetSessionById};
use sessions_client::{Call, Error, Operation, Transport};
use std::time::Duration;
use wiretrait::http_api;

/// The operation that returns a date in any service, whatever its status.
#[http_api(client = RootClient, module = root)]
#[allow(dead_code, reason = "only its route and its struct are used")]
trait Root {
    /// Requests the root of the service. Its name is that in the reports.
    #[get("/")]
    async fn get_root(&self) -> Result<(), Error>;
}

/// The pause between two requests, which bounds the uncertainty.
const PAUSE: Duration = Duration::from_millis(20);

/// The maximum number of requests: more than a second of them.
const MAX_REQUESTS: u32 = 80;

/// The maximum duration of the measurement, for a slow service.
const MAX_DURATION: TimeDelta = TimeDelta::seconds(5);

const SECOND_US: i64 = 1_000_000;

/// Measures the offset from the clock of the service, by requests that change nothing. `None` if its responses
/// have no `Date`.
///
/// A session that does not exist is read from the sessions service; of other contracts no operation is known, and
/// any response to `GET /` has a date.
pub(crate) async fn offset(
    client: &UnmeasuredClient,
    contract: &Contract,
    unknown_id: &str,
) -> Option<ClockOffset> {
    let ask = async || {
        let encoding = client.caller().encoding();
        let call = if contract.is_sessions {
            Call::new(GET_SESSION_BY_ID, GetSessionById::new(unknown_id).encode_with(encoding).ok()?)
        } else {
            Call::new(root::GET_ROOT, root::GetRoot::new().encode_with(encoding).ok()?)
        };
        let response = client.caller().transport().send(call).await.ok()?;
        let date = response.headers().get("date")?.to_str().ok()?;
        Some(DateTime::<Utc>::from(httpdate::parse_http_date(date).ok()?))
    };
    measure(Utc::now, ask, || tokio::time::sleep(PAUSE)).await
}

/// Measures the offset of the clock `now` from the dates that `ask` returns.
async fn measure(
    mut now: impl FnMut() -> DateTime<Utc>,
    mut ask: impl AsyncFnMut() -> Option<DateTime<Utc>>,
    mut pause: impl AsyncFnMut(),
) -> Option<ClockOffset> {
    let start = now();
    let (mut bounds, mut first) = (Bounds::default(), None);
    for _ in 0..MAX_REQUESTS {
        let sent = now();
        let Some(date) = ask().await else { break };
        let received = now();
        bounds.add(sent, date, received);
        if *first.get_or_insert(date) != date || received - start > MAX_DURATION {
            break;
        }
        pause().await;
    }
    bounds.offset()
}

/// The bounds of an offset in microseconds, by all responses.
#[derive(Debug, Default)]
struct Bounds {
    /// The bounds that all responses agree on; empty if they contradict each other.
    common: Option<[i64; 2]>,
    /// The bounds of any response.
    all: Option<[i64; 2]>,
}

impl Bounds {
    fn add(&mut self, sent: DateTime<Utc>, date: DateTime<Utc>, received: DateTime<Utc>) {
        let micros = |time: DateTime<Utc>| time.timestamp_micros();
        let low = micros(sent).saturating_sub(micros(date)).saturating_sub(SECOND_US);
        let high = micros(received).saturating_sub(micros(date));
        let [common_low, common_high] = self.common.unwrap_or([low, high]);
        self.common = Some([common_low.max(low), common_high.min(high)]);
        let [all_low, all_high] = self.all.unwrap_or([low, high]);
        self.all = Some([all_low.min(low), all_high.max(high)]);
    }

    /// The middle of the bounds. Contradicting responses come from instances with different clocks, or this
    /// clock was set meanwhile: the offset is then anywhere within the bounds of any of them.
    fn offset(&self) -> Option<ClockOffset> {
        let agree = self.common.filter(|[low, high]| low <= high);
        let [low, high] = agree.or(self.all)?;
        let width = high.saturating_sub(low);
        Some(ClockOffset {
            offset_us: low.saturating_add(width / 2),
            uncertainty_us: width.unsigned_abs().div_ceil(2),
        })
    }
}

impl ClockOffset {
    /// The time by which this clock is at least ahead of another one, given the uncertainty of both; negative
    /// if it is behind, and zero if it may be neither.
    pub(crate) fn ahead_of(self, other: Self) -> TimeDelta {
        let difference = self.offset_us.saturating_sub(other.offset_us);
        let uncertainty = self.uncertainty_with(other);
        let least = difference.unsigned_abs().saturating_sub(uncertainty);
        let least = i64::try_from(least).unwrap_or(i64::MAX);
        TimeDelta::microseconds(if difference < 0 { -least } else { least })
    }

    /// The uncertainty of the difference between two clocks, in microseconds.
    pub(crate) fn uncertainty_with(self, other: Self) -> u64 {
        self.uncertainty_us.saturating_add(other.uncertainty_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessions_service::{EmbeddedService, SessionStore};
    use std::cell::Cell;

    const MILLISECOND_US: i64 = 1_000;

    /// A machine with a clock that is ahead of that of the service.
    struct Machine {
        /// The time of the service.
        time_us: Cell<i64>,
        ahead_us: Cell<i64>,
        round_trip_us: i64,
        requests: Cell<u32>,
    }

    impl Machine {
        fn new(ahead_us: i64, round_trip_us: i64) -> Self {
            let time_us = Cell::new(1_764_072_000 * SECOND_US + 430_000);
            Self { time_us, ahead_us: Cell::new(ahead_us), round_trip_us, requests: Cell::new(0) }
        }

        fn now(&self) -> DateTime<Utc> {
            DateTime::from_timestamp_micros(self.time_us.get() + self.ahead_us.get()).unwrap()
        }

        fn date(&self) -> DateTime<Utc> {
            DateTime::from_timestamp(self.time_us.get() / SECOND_US, 0).unwrap()
        }

        fn pass(&self, micros: i64) {
            self.time_us.set(self.time_us.get() + micros);
        }

        async fn measure(&self) -> Option<ClockOffset> {
            let ask = async || {
                self.requests.set(self.requests.get() + 1);
                self.pass(self.round_trip_us / 2);
                let date = self.date();
                self.pass(self.round_trip_us / 2);
                Some(date)
            };
            measure(|| self.now(), ask, async || self.pass(20 * MILLISECOND_US)).await
        }
    }

    #[tokio::test]
    async fn an_offset_is_measured_to_a_fraction_of_a_second() {
        for ahead_us in [0, 3 * SECOND_US, -3 * SECOND_US, 123_456, -987_654, 3_600 * SECOND_US] {
            let machine = Machine::new(ahead_us, 2 * MILLISECOND_US);
            let ClockOffset { offset_us, uncertainty_us } = machine.measure().await.unwrap();
            assert!(uncertainty_us < 15_000, "{uncertainty_us}");
            assert!(offset_us.abs_diff(ahead_us) <= uncertainty_us, "{offset_us} {ahead_us}");
            assert!(machine.requests.get() < 60);
        }
    }

    #[tokio::test]
    async fn a_slow_service_makes_the_offset_uncertain_and_not_wrong() {
        let machine = Machine::new(-250_000, 900 * MILLISECOND_US);
        let ClockOffset { offset_us, uncertainty_us } = machine.measure().await.unwrap();
        assert!(uncertainty_us > 200_000, "{uncertainty_us}");
        assert!(offset_us.abs_diff(-250_000) <= uncertainty_us, "{offset_us}");
        assert!(machine.requests.get() < 5);
    }

    #[tokio::test]
    async fn instances_with_different_clocks_make_the_offset_uncertain() {
        let machine = Machine::new(0, 2 * MILLISECOND_US);
        let mut second_instance = false;
        let ask = async || {
            second_instance = !second_instance;
            Some(machine.date() + TimeDelta::seconds(if second_instance { 5 } else { 0 }))
        };
        let measured = measure(|| machine.now(), ask, async || machine.pass(20_000)).await.unwrap();
        assert!(measured.uncertainty_us > 2_500_000, "{measured:?}");
    }

    #[tokio::test]
    async fn without_a_date_nothing_is_measured() {
        let asked = measure(Utc::now, async || None, async || panic!("there is nothing to wait for"));
        assert_eq!(asked.await, None);
    }

    #[tokio::test]
    async fn the_number_of_requests_is_limited() {
        let machine = Machine::new(0, 0);
        let date = machine.date();
        let mut requests = 0;
        let ask = async || {
            requests += 1;
            Some(date)
        };
        measure(|| machine.now(), ask, async || ()).await.unwrap();
        assert_eq!(requests, MAX_REQUESTS);
    }

    #[tokio::test]
    async fn the_clock_of_the_embedded_service_is_that_of_this_machine() {
        let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
        let config = sessions_client::ClientConfig::from_url(&service.url()).unwrap();
        let other = Contract { name: "other", routes: &[], is_sessions: false };
        for (contract, operation) in [(Contract::SESSIONS, "get_session_by_id"), (other, "get_root")] {
            let counts = crate::metrics::other_calls::CallCounts::default();
            let client = crate::client::probe_client(&config, &counts).unwrap();
            let measured = offset(&client, &contract, "unknown").await.unwrap();
            let ClockOffset { offset_us, uncertainty_us } = measured;
            // Its `Date` may be a few milliseconds late.
            assert!(offset_us.unsigned_abs() <= uncertainty_us + 100_000, "{offset_us} ± {uncertainty_us}");
            assert_eq!(counts.get().into_keys().collect::<Vec<_>>(), [operation]);
        }
    }

    #[test]
    fn only_the_certain_part_of_a_difference_counts() {
        let clock = |offset_us, uncertainty_us| ClockOffset { offset_us, uncertainty_us };
        let (late, early) = (clock(-500_000, 30_000), clock(700_000, 20_000));
        assert_eq!(early.ahead_of(late), TimeDelta::microseconds(1_150_000));
        assert_eq!(late.ahead_of(early), TimeDelta::microseconds(-1_150_000));
        assert_eq!(clock(20_000, 15_000).ahead_of(clock(0, 6_000)), TimeDelta::zero());
    }
}
