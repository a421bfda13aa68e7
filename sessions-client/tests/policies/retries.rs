//! Retries: which errors, which operations, and the pauses.

use super::*;

#[tokio::test]
async fn a_successful_call_makes_no_pause_and_no_retry() {
    let clock = clock();
    let script = Script::new(&clock, [nothing()]);
    get(&client(&script, RetryPolicy::new())).await.unwrap();
    assert_eq!((script.attempts(), slept(&clock)), (1, vec![]));
}

#[tokio::test]
async fn pauses_double_up_to_max_backoff() {
    let clock = clock();
    let script = Script::new(&clock, times(8, || Fails(ErrorKind::Transport)));
    let error = get(&client(&script, RetryPolicy::new().with_retries(7))).await.unwrap_err();
    assert_eq!(slept(&clock), [100, 200, 400, 800, 1600, 2000, 2000]);
    assert_eq!(error.attempts(), 8);
}

#[tokio::test]
async fn a_pause_is_a_random_fraction_of_the_backoff() {
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
async fn invalid_random_numbers_do_not_exceed_the_backoff() {
    for random in [-1.0, 7.0, f64::NAN, f64::INFINITY] {
        let clock = clock();
        let script = Script::new(&clock, times(3, || Fails(ErrorKind::Transport)));
        let retry = Retry::with_random(script.clone(), RetryPolicy::new(), clock.clone(), move || random);
        get(&SessionsHttpClientV1::new(retry)).await.unwrap_err();
        assert!(slept(&clock).into_iter().zip([100, 200]).all(|(pause, longest)| pause <= longest));
    }
}

#[tokio::test]
async fn an_idempotent_call_is_retried_after_a_retryable_error() {
    for kind in [ErrorKind::Connect, ErrorKind::Transport, ErrorKind::Timeout] {
        let script = Script::new(&clock(), [Fails(kind), nothing()]);
        get(&client(&script, RetryPolicy::new())).await.unwrap();
        assert_eq!(script.attempts(), 2, "{kind:?}");
    }
    for code in [408, 429, 502, 503, 504] {
        let script = Script::new(&clock(), [Responds(status(code)), nothing()]);
        get(&client(&script, RetryPolicy::new())).await.unwrap();
        assert_eq!(script.attempts(), 2, "{code}");
    }
}

#[tokio::test]
async fn other_errors_are_not_retried() {
    for kind in [ErrorKind::Decode, ErrorKind::Encode, ErrorKind::Config] {
        let script = Script::new(&clock(), [Fails(kind)]);
        let error = get(&client(&script, RetryPolicy::new())).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts(), error.is_retryable()), (kind, 1, false));
    }
    for code in [301, 400, 401, 404, 409, 500, 501, 505] {
        let script = Script::new(&clock(), [Responds(status(code))]);
        let error = get(&client(&script, RetryPolicy::new())).await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (code, 1));
        assert_eq!((error.is_retryable(), error.is_not_found()), (false, code == 404));
    }
}

#[tokio::test]
async fn a_call_that_is_not_idempotent_is_not_retried_once_sent() {
    for kind in [ErrorKind::Transport, ErrorKind::Timeout, ErrorKind::Decode] {
        let script = Script::new(&clock(), [Fails(kind)]);
        let error = open(&client(&script, RetryPolicy::new().with_retries(9))).await;
        assert_eq!((error.kind(), error.attempts()), (kind, 1));
    }
    for code in [408, 500, 502, 503, 504] {
        let script = Script::new(&clock(), [Responds(retry_after(code, "0"))]);
        let error = open(&client(&script, RetryPolicy::new().with_retries(9))).await;
        assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (code, 1));
        assert_eq!(error.is_retryable(), code != 500);
    }
    let script = Script::new(&clock(), [Hangs]);
    let error = open(&client(&script, RetryPolicy::new().with_retries(9))).await;
    assert_eq!((error.is_timeout(), error.attempts()), (true, 1));
}

#[tokio::test]
async fn any_call_is_retried_after_a_connect_error() {
    let clock = clock();
    let script =
        Script::new(&clock, [Fails(ErrorKind::Connect), Fails(ErrorKind::Connect), Responds(status(400))]);
    let error = open(&client(&script, RetryPolicy::new())).await;
    assert_eq!(slept(&clock), [100, 200]);
    assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (400, 3));
}

#[tokio::test]
async fn any_call_is_retried_after_a_rate_limit() {
    let clock = clock();
    let script = Script::new(&clock, [Responds(retry_after(429, "1")), Responds(status(400))]);
    let error = open(&client(&script, RetryPolicy::new())).await;
    assert_eq!(slept(&clock), [1000]);
    assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (400, 2));
}

#[tokio::test]
async fn retries_stop_at_the_first_error_that_is_unsafe_to_retry() {
    let script = Script::new(&clock(), [Fails(ErrorKind::Connect), Fails(ErrorKind::Transport)]);
    let error = open(&client(&script, RetryPolicy::new())).await;
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 2));
}

#[tokio::test]
async fn the_last_error_is_returned_with_the_number_of_attempts() {
    let body = json!({ "code": "BUSY", "message": "come back later" }).to_string();
    let mut last = status(503);
    *last.body_mut() = body.into();
    let script = Script::new(&clock(), [Fails(ErrorKind::Connect), Responds(status(429)), Responds(last)]);
    let error = get(&client(&script, RetryPolicy::new())).await.unwrap_err();
    assert_eq!(error.attempts(), 3);
    assert_eq!(error.service().unwrap().code, "BUSY");
    assert_eq!(
        error.to_string(),
        "get_session_by_id: the service responded with 503 Service Unavailable: BUSY: come back later (3 attempts)"
    );
}

#[tokio::test]
async fn every_attempt_has_the_same_request_and_its_number() {
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
async fn a_decode_error_after_retries_has_the_number_of_attempts() {
    let script = Script::new(&clock(), [Fails(ErrorKind::Connect), nothing()]);
    let error = open(&client(&script, RetryPolicy::new())).await;
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Decode, 2));
}

#[tokio::test]
async fn an_error_before_the_first_attempt_has_zero_attempts() {
    let script = Script::new(&clock(), []);
    let caller = Caller::new(script).with_correlation_place(CorrelationPlace::Headers);
    let client: SessionsHttpClientV1<Value, Value, _> = SessionsHttpClientV1::from_caller(caller);
    let error = client.get_session_by_id(Some("a\nb"), "1").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Encode, 0));
}

#[tokio::test]
async fn a_dropped_call_leaves_the_client_usable() {
    let script = Script::new(&clock(), [Hangs, nothing()]);
    // No timeout ends the attempt.
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
async fn debug_output_contains_no_request() {
    let script = Script::new(&clock(), [nothing()]);
    client(&script, RetryPolicy::new()).get_session_by_id(Some("s3cret"), "s3cret").await.unwrap();
    let text = format!("{:?}", script.calls.lock().unwrap()[0]);
    assert!(text.contains("get_session_by_id") && !text.contains("s3cret"), "{text}");
}
