//! What is repeated, when, and for how long, in a time that the tests move themselves.

use http::StatusCode;
use serde_json::json;
use sessions_client::policy::{Deadline, Retry, RetryPolicy, Timeout};
use sessions_client::test_kit::VirtualTime;
use sessions_client::{
    Call, CallOptions, Caller, CorrelationPlace, Error, ErrorKind, ISessionsV1, Response, Result,
    SessionsHttpClientV1, Transport, Value,
};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A clock of the year that the dates below are of.
fn clock() -> VirtualTime {
    VirtualTime::starting_at(httpdate::parse_http_date("Mon, 23 Nov 2026 08:00:00 GMT").unwrap())
}

/// What was slept, in milliseconds.
fn slept(clock: &VirtualTime) -> Vec<u128> {
    clock.slept().iter().map(Duration::as_millis).collect()
}

/// How an attempt ends.
enum Step {
    Fails(ErrorKind),
    Answers(Response),
    AnswersAfter(Duration, Response),
    Hangs,
}
use Step::{Answers, AnswersAfter, Fails, Hangs};

/// Ends attempts by a list, and keeps what it was asked.
struct Script {
    clock: VirtualTime,
    steps: Mutex<VecDeque<Step>>,
    calls: Mutex<Vec<Call>>,
}

impl Script {
    fn new(clock: &VirtualTime, steps: impl IntoIterator<Item = Step>) -> Arc<Self> {
        let steps = Mutex::new(steps.into_iter().collect());
        Arc::new(Self { clock: clock.clone(), steps, calls: Mutex::default() })
    }

    fn attempts(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    /// The limits of the attempts, in milliseconds.
    fn limits(&self) -> Vec<u128> {
        self.calls.lock().unwrap().iter().map(|call| call.limit.unwrap().as_millis()).collect()
    }
}

impl Transport for Script {
    async fn send(&self, call: Call) -> Result<Response> {
        self.calls.lock().unwrap().push(call);
        let step = self.steps.lock().unwrap().pop_front();
        match step.expect("there is no attempt more in the script") {
            Fails(kind) => Err(Error::new(kind, "scripted")),
            Answers(response) => Ok(response),
            AnswersAfter(time, response) => {
                self.clock.advance(time);
                Ok(response)
            }
            Hangs => std::future::pending().await,
        }
    }
}

fn status(status: u16) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

fn retry_after(status_code: u16, value: &str) -> Response {
    let mut response = status(status_code);
    response.headers_mut().insert("retry-after", value.parse().unwrap());
    response
}

fn nothing() -> Step {
    Answers(status(204))
}

fn times(count: usize, step: impl Fn() -> Step) -> Vec<Step> {
    std::iter::repeat_with(step).take(count).collect()
}

type Stack = Deadline<Retry<Timeout<Arc<Script>, VirtualTime>, VirtualTime>, VirtualTime>;

/// Attempts of a second, calls of ten, pauses as long as they may be.
fn client(script: &Arc<Script>, policy: RetryPolicy) -> SessionsHttpClientV1<Value, Value, Stack> {
    let time = || script.clock.clone();
    let attempt = Timeout::new(script.clone(), ms(1000), time());
    let retry = Retry::with_random(attempt, policy, time(), || 1.0);
    SessionsHttpClientV1::new(Deadline::new(retry, ms(10_000), time()))
}

async fn get(client: &impl ISessionsV1) -> Result<()> {
    client.get_session_by_id(None, "1").await.map(|session| assert_eq!(session, None))
}

async fn open(client: &impl ISessionsV1) -> Error {
    client.open_session(None, "user-1", None, None, None, None, None).await.unwrap_err()
}

#[tokio::test]
async fn a_call_that_is_answered_neither_sleeps_nor_repeats() {
    let clock = clock();
    let script = Script::new(&clock, [nothing()]);
    get(&client(&script, RetryPolicy::new())).await.unwrap();
    assert_eq!((script.attempts(), slept(&clock)), (1, vec![]));
}

#[tokio::test]
async fn pauses_double_up_to_their_longest() {
    let clock = clock();
    let script = Script::new(&clock, times(8, || Fails(ErrorKind::Transport)));
    let error = get(&client(&script, RetryPolicy::new().with_retries(7))).await.unwrap_err();
    assert_eq!(slept(&clock), [100, 200, 400, 800, 1600, 2000, 2000]);
    assert_eq!(error.attempts(), 8);
}

#[tokio::test]
async fn a_pause_is_any_part_of_its_longest() {
    let clock = clock();
    let random = Mutex::new(VecDeque::from([0.0, 0.5, 0.25]));
    let script = Script::new(&clock, times(4, || Fails(ErrorKind::Transport)));
    let policy = RetryPolicy::new().with_retries(3);
    let retry = Retry::with_random(script.clone(), policy, clock.clone(), move || {
        random.lock().unwrap().pop_front().unwrap()
    });
    get(&SessionsHttpClientV1::new(retry)).await.unwrap_err();
    assert_eq!(slept(&clock), [0, 100, 100]);
}

#[tokio::test]
async fn randomness_that_is_no_part_makes_no_pause_longer_than_it_may_be() {
    for random in [-1.0, 7.0, f64::NAN, f64::INFINITY] {
        let clock = clock();
        let script = Script::new(&clock, times(3, || Fails(ErrorKind::Transport)));
        let retry = Retry::with_random(script.clone(), RetryPolicy::new(), clock.clone(), move || random);
        get(&SessionsHttpClientV1::new(retry)).await.unwrap_err();
        assert!(slept(&clock).into_iter().zip([100, 200]).all(|(pause, longest)| pause <= longest));
    }
}

#[tokio::test]
async fn an_idempotent_call_is_repeated_after_what_may_pass() {
    for kind in [ErrorKind::Connect, ErrorKind::Transport, ErrorKind::Timeout] {
        let script = Script::new(&clock(), [Fails(kind), nothing()]);
        get(&client(&script, RetryPolicy::new())).await.unwrap();
        assert_eq!(script.attempts(), 2, "{kind:?}");
    }
    for code in [408, 429, 502, 503, 504] {
        let script = Script::new(&clock(), [Answers(status(code)), nothing()]);
        get(&client(&script, RetryPolicy::new())).await.unwrap();
        assert_eq!(script.attempts(), 2, "{code}");
    }
}

#[tokio::test]
async fn an_answer_to_the_request_itself_is_not_repeated() {
    for kind in [ErrorKind::Decode, ErrorKind::Encode, ErrorKind::Config] {
        let script = Script::new(&clock(), [Fails(kind)]);
        let error = get(&client(&script, RetryPolicy::new())).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts(), error.is_retryable()), (kind, 1, false));
    }
    for code in [301, 400, 401, 404, 409, 500, 501, 505] {
        let script = Script::new(&clock(), [Answers(status(code))]);
        let error = get(&client(&script, RetryPolicy::new())).await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (code, 1));
        assert_eq!((error.is_retryable(), error.is_not_found()), (false, code == 404));
    }
}

#[tokio::test]
async fn a_call_that_is_not_idempotent_is_never_repeated_once_it_was_sent() {
    for kind in [ErrorKind::Transport, ErrorKind::Timeout, ErrorKind::Decode] {
        let script = Script::new(&clock(), [Fails(kind)]);
        let error = open(&client(&script, RetryPolicy::new().with_retries(9))).await;
        assert_eq!((error.kind(), error.attempts()), (kind, 1));
    }
    for code in [408, 429, 500, 502, 503, 504] {
        let script = Script::new(&clock(), [Answers(retry_after(code, "0"))]);
        let error = open(&client(&script, RetryPolicy::new().with_retries(9))).await;
        assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (code, 1));
        assert_eq!(error.is_retryable(), code != 500);
    }
    let script = Script::new(&clock(), [Hangs]);
    let error = open(&client(&script, RetryPolicy::new().with_retries(9))).await;
    assert_eq!((error.is_timeout(), error.attempts()), (true, 1));
}

#[tokio::test]
async fn any_call_is_repeated_when_there_was_no_connection() {
    let clock = clock();
    let script =
        Script::new(&clock, [Fails(ErrorKind::Connect), Fails(ErrorKind::Connect), Answers(status(400))]);
    let error = open(&client(&script, RetryPolicy::new())).await;
    assert_eq!(slept(&clock), [100, 200]);
    assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (400, 3));
}

#[tokio::test]
async fn a_repeat_stops_at_the_first_failure_that_is_not_safe_to_repeat() {
    let script = Script::new(&clock(), [Fails(ErrorKind::Connect), Fails(ErrorKind::Transport)]);
    let error = open(&client(&script, RetryPolicy::new())).await;
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 2));
}

#[tokio::test]
async fn the_last_failure_is_returned_with_the_number_of_attempts() {
    let body = json!({ "code": "BUSY", "message": "come back later" }).to_string();
    let mut last = status(503);
    *last.body_mut() = body.into();
    let script = Script::new(&clock(), [Fails(ErrorKind::Connect), Answers(status(429)), Answers(last)]);
    let error = get(&client(&script, RetryPolicy::new())).await.unwrap_err();
    assert_eq!(error.attempts(), 3);
    assert_eq!(error.service().unwrap().code, "BUSY");
    assert_eq!(
        error.to_string(),
        "get_session_by_id: the service answered 503 Service Unavailable: BUSY: come back later (3 attempts)"
    );
}

#[tokio::test]
async fn every_attempt_sends_the_same_request_and_knows_its_number() {
    let script = Script::new(&clock(), [Fails(ErrorKind::Transport), Fails(ErrorKind::Transport), nothing()]);
    get(&client(&script, RetryPolicy::new())).await.unwrap();
    let calls = script.calls.lock().unwrap();
    assert_eq!(calls.iter().map(|call| call.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    for call in &*calls {
        assert_eq!(call.request.uri(), calls[0].request.uri());
        assert_eq!(call.request.headers(), calls[0].request.headers());
        assert_eq!(call.request.body(), r#"{"session_id":"1"}"#);
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_after_repeats_counts_them() {
    let script = Script::new(&clock(), [Fails(ErrorKind::Connect), nothing()]);
    let error = open(&client(&script, RetryPolicy::new())).await;
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Decode, 2));
}

#[tokio::test]
async fn an_error_before_any_attempt_counts_none() {
    let script = Script::new(&clock(), []);
    let caller = Caller::new(script).with_correlation_place(CorrelationPlace::Headers);
    let client: SessionsHttpClientV1<Value, Value, _> = SessionsHttpClientV1::from_caller(caller);
    let error = client.get_session_by_id(Some("a\nb"), "1").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Encode, 0));
}

#[tokio::test]
async fn the_wish_of_the_service_makes_a_pause_longer_within_bounds() {
    for (wish, pause) in [
        ("1", 1000),
        ("0", 100),
        ("5", 5000),
        ("6", 5000),
        ("99999999999999999999999", 5000),
        ("Mon, 23 Nov 2026 08:00:03 GMT", 3000),
        ("Monday, 23-Nov-26 08:00:03 GMT", 3000),
        ("Mon, 23 Nov 2026 07:00:00 GMT", 100),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 5000),
        ("", 100),
        ("-1", 100),
        ("1.5", 100),
        ("soon", 100),
        ("Mon, 99 Nov 2026 08:00:03 GMT", 100),
    ] {
        for code in [429, 503] {
            let clock = clock();
            let script = Script::new(&clock, [Answers(retry_after(code, wish)), nothing()]);
            get(&client(&script, RetryPolicy::new())).await.unwrap();
            assert_eq!(slept(&clock), [pause], "{wish}");
        }
    }
}

#[tokio::test]
async fn the_wish_of_the_service_makes_no_pause_shorter() {
    let clock = clock();
    let script = Script::new(&clock, [Answers(retry_after(503, "1")), nothing()]);
    get(&client(&script, RetryPolicy::new().with_backoff(ms(1500), ms(1500)))).await.unwrap();
    assert_eq!(slept(&clock), [1500]);
}

#[tokio::test]
async fn a_date_counts_from_the_date_of_the_answer_whose_clock_may_be_another() {
    let clock = clock();
    let mut answer = retry_after(503, "Sun, 01 Jan 2023 00:00:02 GMT");
    answer.headers_mut().insert("date", "Sun, 01 Jan 2023 00:00:00 GMT".parse().unwrap());
    let script = Script::new(&clock, [Answers(answer.clone()), Answers(answer)]);
    let error = get(&client(&script, RetryPolicy::new().with_retries(1))).await.unwrap_err();
    assert_eq!(slept(&clock), [2000]);
    assert_eq!(error.retry_after(), Some(ms(2000)));
}

#[tokio::test]
async fn an_error_tells_the_wish_of_the_last_answer_unbounded() {
    let script = Script::new(&clock(), [Answers(retry_after(503, "1")), Answers(retry_after(429, "3600"))]);
    let error = get(&client(&script, RetryPolicy::new().with_retries(1))).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));

    let script = Script::new(&clock(), [Answers(retry_after(503, "1")), Fails(ErrorKind::Transport)]);
    let error = get(&client(&script, RetryPolicy::new().with_retries(1))).await.unwrap_err();
    assert_eq!(error.retry_after(), None);
}

#[tokio::test]
async fn a_pause_that_would_outlast_the_deadline_is_not_begun() {
    let clock = clock();
    let script = Script::new(&clock, [AnswersAfter(ms(900), retry_after(503, "2"))]);
    let client = client(&script, RetryPolicy::new());
    let error = get(&client.with(CallOptions::new().deadline(ms(2900)))).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (503, 1));
    assert_eq!((clock.passed(), slept(&clock)), (ms(900), vec![]));
}

#[tokio::test]
async fn a_pause_that_ends_before_the_deadline_is_taken() {
    let clock = clock();
    let script = Script::new(&clock, [AnswersAfter(ms(900), retry_after(503, "2")), nothing()]);
    let client = client(&script, RetryPolicy::new());
    get(&client.with(CallOptions::new().deadline(ms(2901)))).await.unwrap();
    assert_eq!(slept(&clock), [2000]);
}

#[tokio::test]
async fn an_attempt_has_its_limit_or_what_is_left_until_the_deadline() {
    let clock = clock();
    let script = Script::new(&clock, times(3, || Hangs));
    let client = client(&script, RetryPolicy::new().with_retries(5));
    let error = get(&client.with(CallOptions::new().deadline(ms(2500)))).await.unwrap_err();
    assert_eq!(script.limits(), [1000, 1000, 200]);
    assert_eq!(slept(&clock), [1000, 100, 1000, 200, 200]);
    assert_eq!((clock.passed(), error.kind(), error.attempts()), (ms(2500), ErrorKind::Timeout, 3));
    assert_eq!(
        error.to_string(),
        "get_session_by_id: no complete answer from the service before the deadline of 2.5s (3 attempts)"
    );
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_names_its_own_limit() {
    let script = Script::new(&clock(), [Hangs]);
    assert_eq!(
        open(&client(&script, RetryPolicy::new())).await.to_string(),
        "open_session: no complete answer from the service within 1s"
    );
}

#[tokio::test]
async fn a_limit_that_ends_with_the_deadline_is_the_deadline() {
    let script = Script::new(&clock(), [Hangs]);
    let client = client(&script, RetryPolicy::new());
    let error = get(&client.with(CallOptions::new().deadline(ms(1000)))).await.unwrap_err();
    assert!(error.to_string().ends_with("before the deadline of 1s"), "{error}");
    assert_eq!(error.attempts(), 1);
}

#[sessions_client::http_api(client = SlowClient, module = slow)]
trait Slow {
    #[get("/report", timeout = "3s")]
    async fn report(&self) -> Result<()>;
}

#[tokio::test]
async fn the_route_goes_before_the_client_and_the_call_before_the_route() {
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
async fn a_deadline_of_nothing_sends_nothing() {
    let script = Script::new(&clock(), []);
    let client = client(&script, RetryPolicy::new());
    let error = get(&client.with(CallOptions::new().deadline(Duration::ZERO))).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(script.attempts(), 0);
}

#[tokio::test]
async fn a_deadline_holds_around_any_transport() {
    let clock = clock();
    let script = Script::new(&clock, [Hangs]);
    let client = SessionsHttpClientV1::new(Deadline::new(script.clone(), ms(700), clock.clone()));
    let error = get(&client).await.unwrap_err();
    assert_eq!((error.is_timeout(), clock.passed()), (true, ms(700)));
}

#[tokio::test]
async fn of_two_deadlines_the_sooner_holds() {
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
async fn limits_without_end_are_none() {
    let clock = clock();
    let script = Script::new(&clock, [nothing()]);
    let attempt = Timeout::new(script.clone(), Duration::MAX, clock.clone());
    let policy = RetryPolicy::new().with_backoff(Duration::MAX, Duration::MAX);
    let retry = Retry::new(attempt, policy, clock.clone());
    get(&SessionsHttpClientV1::new(Deadline::new(retry, Duration::MAX, clock.clone()))).await.unwrap();
    assert_eq!(script.calls.lock().unwrap()[0].limit, None);
}

#[tokio::test]
async fn options_change_single_calls_and_leave_the_client_as_it_is() {
    let clock = clock();
    let script = Script::new(&clock, times(6, || Fails(ErrorKind::Transport)));
    let client = client(&script, RetryPolicy::new());
    let error = get(&client.with(CallOptions::new().retries(0))).await.unwrap_err();
    assert_eq!(error.attempts(), 1);
    let once = client.with(CallOptions::new().retries(1));
    // A view of a view keeps what it does not change.
    assert_eq!(get(&once.with(CallOptions::new().timeout(ms(10)))).await.unwrap_err().attempts(), 2);
    assert_eq!(get(&client).await.unwrap_err().attempts(), 3);
    assert_eq!(script.limits(), [1000, 10, 10, 1000, 1000, 1000]);
    let changed = once.with(CallOptions::new().retries(3).deadline(ms(5000)));
    assert_eq!(changed.caller().options(), CallOptions::new().retries(3).deadline(ms(5000)));
}

#[tokio::test]
async fn options_do_not_make_a_repeat_safe() {
    let script = Script::new(&clock(), [Fails(ErrorKind::Transport)]);
    let client = client(&script, RetryPolicy::none());
    assert_eq!(open(&client.with(CallOptions::new().retries(9))).await.attempts(), 1);
}

#[tokio::test]
async fn a_budget_that_is_empty_ends_repeats() {
    let script = Script::new(&clock(), times(9, || Fails(ErrorKind::Transport)));
    // Enough for three repeats.
    let client = client(&script, RetryPolicy::new().with_budget(17, 5, 1));
    let mut attempts = Vec::new();
    for _ in 0..4 {
        attempts.push(get(&client).await.unwrap_err().attempts());
    }
    assert_eq!(attempts, [3, 2, 1, 1]);
}

#[tokio::test]
async fn clones_and_views_share_one_budget() {
    let script = Script::new(&clock(), times(5, || Fails(ErrorKind::Connect)));
    let client = client(&script, RetryPolicy::new().with_budget(10, 5, 1));
    let clone = client.clone();
    assert_eq!(get(&client.with(CallOptions::new().retries(1))).await.unwrap_err().attempts(), 2);
    assert_eq!(get(&clone).await.unwrap_err().attempts(), 2);
    assert_eq!(open(&client).await.attempts(), 1);
}

#[tokio::test]
async fn answers_fill_the_budget_up_to_its_size() {
    let failing = || times(2, || Fails(ErrorKind::Transport));
    let mut steps = failing();
    // Whatever the service says to the request, it is there again.
    steps.extend([nothing(), Answers(status(500)), Answers(status(404)), nothing()]);
    steps.push(Fails(ErrorKind::Transport));
    steps.push(nothing());
    steps.extend(failing());
    steps.extend(times(100, nothing));
    steps.extend(failing());
    steps.push(Fails(ErrorKind::Transport));
    let script = Script::new(&clock(), steps);
    let client = client(&script, RetryPolicy::new().with_retries(1).with_budget(5, 5, 1));
    assert_eq!(get(&client).await.unwrap_err().attempts(), 2);
    for _ in 0..4 {
        let _ = get(&client).await;
    }
    // Four of five tokens are back.
    assert_eq!(get(&client).await.unwrap_err().attempts(), 1);
    get(&client).await.unwrap();
    assert_eq!(get(&client).await.unwrap_err().attempts(), 2);
    for _ in 0..100 {
        get(&client).await.unwrap();
    }
    assert_eq!(get(&client).await.unwrap_err().attempts(), 2);
    assert_eq!(get(&client).await.unwrap_err().attempts(), 1);
}

#[tokio::test]
async fn a_budget_is_never_fuller_than_full() {
    let script = Script::new(&clock(), {
        let mut steps = times(2, || Fails(ErrorKind::Transport));
        steps.extend(times(2, nothing));
        steps.extend(times(3, || Fails(ErrorKind::Transport)));
        steps
    });
    let client = client(&script, RetryPolicy::new().with_retries(1).with_budget(7, 5, 4));
    get(&client).await.unwrap_err();
    get(&client).await.unwrap();
    get(&client).await.unwrap();
    assert_eq!(get(&client).await.unwrap_err().attempts(), 2);
    assert_eq!(get(&client).await.unwrap_err().attempts(), 1);
}

#[tokio::test]
async fn a_pause_that_is_not_taken_costs_nothing() {
    let mut steps = vec![Answers(status(503)), Fails(ErrorKind::Transport)];
    steps.extend([Fails(ErrorKind::Transport), nothing()]);
    let script = Script::new(&clock(), steps);
    let client = client(&script, RetryPolicy::new().with_budget(5, 5, 0));
    get(&client.with(CallOptions::new().deadline(ms(100)))).await.unwrap_err();
    open(&client).await;
    get(&client).await.unwrap();
}

#[tokio::test]
async fn without_a_price_there_is_no_budget() {
    let script = Script::new(&clock(), times(300, || Fails(ErrorKind::Transport)));
    let client = client(&script, RetryPolicy::new().with_budget(0, 0, 0));
    for _ in 0..100 {
        assert_eq!(get(&client).await.unwrap_err().attempts(), 3);
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_on_its_way_leaves_the_client_usable() {
    let script = Script::new(&clock(), [Hangs, nothing()]);
    // Without limits, so that the attempt hangs in earnest.
    let retry = Retry::new(script.clone(), RetryPolicy::new(), script.clock.clone());
    let client = SessionsHttpClientV1::new(retry);
    {
        let mut call = std::pin::pin!(get(&client));
        let first = std::future::poll_fn(|context| std::task::Poll::Ready(call.as_mut().poll(context))).await;
        assert!(first.is_pending());
    }
    assert_eq!(script.attempts(), 1);
    get(&client).await.unwrap();
    assert_eq!(script.attempts(), 2);
}

#[tokio::test]
async fn policies_print_no_request() {
    let script = Script::new(&clock(), [nothing()]);
    client(&script, RetryPolicy::new()).get_session_by_id(Some("s3cret"), "s3cret").await.unwrap();
    let text = format!("{:?}", script.calls.lock().unwrap()[0]);
    assert!(text.contains("get_session_by_id") && !text.contains("s3cret"), "{text}");
}
