//! Timeouts and deadlines, and the options of a call.

use super::*;
use sessions_client::policy::Time;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Instant, SystemTime};

#[tokio::test]
async fn a_pause_beyond_the_deadline_is_not_started() {
    let clock = clock();
    let script = Script::new(&clock, [RespondsAfter(ms(900), retry_after(503, "2"))]);
    let client = client(&script, RetryPolicy::new());
    let error = get(&client.with(CallOptions::new().deadline(ms(2900)))).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (503, 1));
    assert_eq!(error.retry_after(), Some(ms(2000)));
    assert_eq!((clock.passed(), slept(&clock)), (ms(900), vec![]));
}

#[tokio::test]
async fn a_pause_that_ends_before_the_deadline_is_taken() {
    let clock = clock();
    let script = Script::new(&clock, [RespondsAfter(ms(900), retry_after(503, "2")), nothing()]);
    let client = client(&script, RetryPolicy::new());
    get(&client.with(CallOptions::new().deadline(ms(2901)))).await.unwrap();
    assert_eq!(slept(&clock), [2000]);
}

#[tokio::test]
async fn an_attempt_has_its_limit_or_the_rest_of_the_deadline() {
    let clock = clock();
    let script = Script::new(&clock, times(3, || Hangs));
    let client = client(&script, RetryPolicy::new().with_retries(5));
    let error = get(&client.with(CallOptions::new().deadline(ms(2500)))).await.unwrap_err();
    assert_eq!(script.limits(), [1000, 1000, 200]);
    assert_eq!(slept(&clock), [1000, 100, 1000, 200, 200]);
    assert_eq!((clock.passed(), error.kind(), error.attempts()), (ms(2500), ErrorKind::Timeout, 3));
    assert_eq!(
        error.to_string(),
        "get_session_by_id: no complete response from the service before the deadline of 2.5s (3 attempts)"
    );
}

#[tokio::test]
async fn a_timed_out_attempt_names_its_limit() {
    let script = Script::new(&clock(), [Hangs]);
    assert_eq!(
        open(&client(&script, RetryPolicy::new())).await.to_string(),
        "open_session: no complete response from the service within 1s"
    );
}

#[tokio::test]
async fn a_timeout_equal_to_the_deadline_is_reported_as_the_deadline() {
    let script = Script::new(&clock(), [Hangs]);
    let client = client(&script, RetryPolicy::new());
    let error = get(&client.with(CallOptions::new().deadline(ms(1000)))).await.unwrap_err();
    assert!(error.to_string().ends_with("before the deadline of 1s"), "{error}");
    assert_eq!(error.attempts(), 1);
}

#[wiretrait::http_api(client = SlowClient, module = slow)]
trait Slow {
    #[get("/report", timeout = "3s")]
    async fn report(&self) -> Result<()>;
}

#[tokio::test]
async fn the_call_overrides_the_route_and_the_route_the_client() {
    let script = Script::new(&clock(), [nothing(), nothing(), nothing()]);
    let time = || script.clock.clone();
    let attempt = Timeout::new(script.clone(), ms(1000), time());
    let client = SlowClient::new(Deadline::new(attempt, ms(2000), time()));
    client.with(CallOptions::new().deadline(ms(10_000))).report().await.unwrap();
    client.with(CallOptions::new().deadline(ms(10_000)).timeout(ms(50))).report().await.unwrap();
    client.report().await.unwrap();
    assert_eq!(script.limits(), [3000, 50, 2000]);
}

#[tokio::test]
async fn a_deadline_of_zero_sends_no_request() {
    let script = Script::new(&clock(), []);
    let client = client(&script, RetryPolicy::new());
    let error = get(&client.with(CallOptions::new().deadline(Duration::ZERO))).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(script.attempts(), 0);
}

#[tokio::test]
async fn a_deadline_applies_to_any_transport() {
    let clock = clock();
    let script = Script::new(&clock, [Hangs]);
    let client = SessionsHttpClientV1::new(Deadline::new(script.clone(), ms(700), clock.clone()));
    let error = get(&client).await.unwrap_err();
    assert_eq!((error.is_timeout(), clock.passed()), (true, ms(700)));
}

#[tokio::test]
async fn the_earlier_of_two_deadlines_applies_to_any_transport() {
    for (outer, inner) in [(300, 700), (700, 300)] {
        let clock = clock();
        let script = Script::new(&clock, [Hangs]);
        let within = Deadline::new(script.clone(), ms(inner), clock.clone());
        let client = SessionsHttpClientV1::new(Deadline::new(within, ms(outer), clock.clone()));
        assert!(get(&client).await.unwrap_err().is_timeout());
        assert_eq!(clock.passed(), ms(300));
    }
}

/// A clock that counts its timers.
struct Counting(VirtualTime, AtomicUsize);

impl Time for Counting {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn wall_clock(&self) -> SystemTime {
        self.0.wall_clock()
    }

    fn sleep_until(&self, moment: Instant) -> impl Future<Output = ()> + Send {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.sleep_until(moment)
    }
}

#[tokio::test]
async fn an_attempt_and_its_call_share_one_timer() {
    let time = Counting(clock(), AtomicUsize::new(0));
    let script = Script::new(&time.0, [Hangs]);
    let attempt = Timeout::new(script, ms(1000), &time);
    let client = SessionsHttpClientV1::new(Deadline::new(attempt, ms(700), &time));
    assert!(get(&client).await.unwrap_err().is_timeout());
    assert_eq!((time.0.passed(), time.1.into_inner()), (ms(700), 1));
}

#[tokio::test]
async fn the_earlier_of_two_deadlines_applies() {
    for (outer, inner) in [(300, 700), (700, 300)] {
        let clock = clock();
        let script = Script::new(&clock, [Hangs]);
        let attempt = Timeout::new(script.clone(), Duration::MAX, clock.clone());
        let within = Deadline::new(attempt, ms(inner), clock.clone());
        let client = SessionsHttpClientV1::new(Deadline::new(within, ms(outer), clock.clone()));
        let error = get(&client).await.unwrap_err();
        assert_eq!(script.limits(), [300]);
        assert!(error.to_string().ends_with("before the deadline of 300ms"), "{error}");
    }
}

#[tokio::test]
async fn a_timeout_of_duration_max_never_expires() {
    let clock = clock();
    let script = Script::new(&clock, [nothing()]);
    let attempt = Timeout::new(script.clone(), Duration::MAX, clock.clone());
    let policy = RetryPolicy::new().with_backoff(Duration::MAX, Duration::MAX);
    let retry = Retry::new(attempt, policy, clock.clone());
    get(&SessionsHttpClientV1::new(Deadline::new(retry, Duration::MAX, clock.clone()))).await.unwrap();
    assert_eq!(script.calls.lock().unwrap()[0].limit, None);
}

#[tokio::test]
async fn options_change_single_calls_and_not_the_client() {
    let clock = clock();
    let script = Script::new(&clock, times(6, || Fails(ErrorKind::Transport)));
    let client = client(&script, RetryPolicy::new());
    let error = get(&client.with(CallOptions::new().retries(0))).await.unwrap_err();
    assert_eq!(error.attempts(), 1);
    let once = client.with(CallOptions::new().retries(1));
    // A view of a view keeps the options that it does not set.
    assert_eq!(get(&once.with(CallOptions::new().timeout(ms(10)))).await.unwrap_err().attempts(), 2);
    assert_eq!(get(&client).await.unwrap_err().attempts(), 3);
    assert_eq!(script.limits(), [1000, 10, 10, 1000, 1000, 1000]);
    let changed = once.with(CallOptions::new().retries(3).deadline(ms(5000)));
    assert_eq!(changed.caller().options(), &CallOptions::new().retries(3).deadline(ms(5000)));
}

#[tokio::test]
async fn an_owned_client_can_have_its_own_options() {
    let script = Script::new(&clock(), times(2, || Fails(ErrorKind::Transport)));
    let client = client(&script, RetryPolicy::new()).with_options(CallOptions::new().retries(1));
    let kept: Arc<dyn DynISessionsV1> = Arc::new(client.clone());
    assert_eq!(get(&kept).await.unwrap_err().attempts(), 2);
}

#[tokio::test]
async fn options_do_not_enable_unsafe_retries() {
    let script = Script::new(&clock(), [Fails(ErrorKind::Transport)]);
    let client = client(&script, RetryPolicy::none());
    assert_eq!(open(&client.with(CallOptions::new().retries(9))).await.attempts(), 1);
}
