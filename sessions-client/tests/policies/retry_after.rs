//! The effect of `Retry-After` on pauses and errors.

use super::*;

#[tokio::test]
async fn retry_after_extends_a_pause() {
    for (delay, pause) in [
        ("1", 1000),
        ("0", 100),
        ("5", 5000),
        ("Mon, 23 Nov 2026 08:00:03 GMT", 3000),
        ("Monday, 23-Nov-26 08:00:03 GMT", 3000),
        ("Mon, 23 Nov 2026 07:00:00 GMT", 100),
        ("", 100),
        ("-1", 100),
        ("1.5", 1500),
        ("2.0", 2000),
        ("1.0625", 1062),
        ("0.05", 100),
        ("1, 3", 3000),
        (" 1 ", 1000),
        ("1.", 100),
        (".5", 100),
        ("1.5.5", 100),
        ("1e3", 100),
        ("+2", 100),
        ("inf", 100),
        ("NaN", 100),
        ("soon", 100),
        ("Mon, 99 Nov 2026 08:00:03 GMT", 100),
    ] {
        for code in [429, 503] {
            let clock = clock();
            let script = Script::new(&clock, [Responds(retry_after(code, delay)), nothing()]);
            get(&client(&script, RetryPolicy::new())).await.unwrap();
            assert_eq!(slept(&clock), [pause], "{delay}");
        }
    }
}

#[tokio::test]
async fn a_call_is_not_retried_before_a_long_retry_after() {
    for (delay, seconds) in [
        ("6", 6),
        ("60", 60),
        ("60.0", 60),
        ("99999999999999999999999", u64::MAX),
        ("99999999999999999999999.9", u64::MAX),
        ("Mon, 23 Nov 2026 08:00:06 GMT", 6),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 2_307_024_000),
    ] {
        for code in [429, 503] {
            let clock = clock();
            let script = Script::new(&clock, [Responds(retry_after(code, delay))]);
            let error = get(&client(&script, RetryPolicy::new())).await.unwrap_err();
            let delay = Duration::from_secs(seconds);
            assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (code, 1));
            assert_eq!((error.retry_after(), error.is_retryable()), (Some(delay), true));
            assert!(error.to_string().ends_with(&format!("; the service asks to wait {delay:?}")), "{error}");
            assert_eq!(slept(&clock), [0; 0]);
        }
    }
}

#[tokio::test]
async fn the_longest_of_several_delays_counts() {
    for (delays, pause) in [
        (["1", "3"], 3000),
        (["3", "1"], 3000),
        (["soon", "2"], 2000),
        (["2", "soon"], 2000),
        (["1.5", "1"], 1500),
        (["1", "Mon, 23 Nov 2026 08:00:04 GMT"], 4000),
        (["Mon, 23 Nov 2026 08:00:04 GMT", "5"], 5000),
        (["1", "Mon Nov 23 08:00:04 2026"], 4000),
        (["Mon, 23 Nov 2026 08:00:02 GMT", "Mon, 23 Nov 2026 08:00:03 GMT"], 3000),
        (["Mon, 23 Nov 2026 07:00:00 GMT", "2"], 2000),
    ] {
        let mut separate = retry_after(503, delays[0]);
        separate.headers_mut().append("retry-after", delays[1].parse().unwrap());
        let joined = retry_after(503, &delays.join(", "));
        for response in [separate, joined] {
            let clock = clock();
            let script = Script::new(&clock, [Responds(response), nothing()]);
            get(&client(&script, RetryPolicy::new())).await.unwrap();
            assert_eq!(slept(&clock), [pause], "{delays:?}");
        }
    }
}

#[tokio::test]
async fn a_long_retry_after_ends_the_retries_of_a_call() {
    let clock = clock();
    let script = Script::new(&clock, [Responds(retry_after(503, "1")), Responds(retry_after(429, "60"))]);
    let error = get(&client(&script, RetryPolicy::new().with_retries(5))).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (429, 2));
    assert_eq!(slept(&clock), [1000]);
    assert!(error.to_string().ends_with("; the service asks to wait 60s (2 attempts)"), "{error}");
}

#[tokio::test]
async fn an_error_of_a_transport_with_a_long_delay_is_not_retried() {
    let clock = clock();
    let script = Script::new(&clock, [FailsWithDelay(ErrorKind::Connect, ms(60_000))]);
    let error = get(&client(&script, RetryPolicy::new())).await.unwrap_err();
    assert_eq!((error.attempts(), error.retry_after()), (1, Some(ms(60_000))));
}

#[tokio::test]
async fn a_limit_of_zero_ignores_retry_after() {
    let clock = clock();
    let script = Script::new(&clock, [Responds(retry_after(503, "60")), nothing()]);
    get(&client(&script, RetryPolicy::new().with_max_retry_after(Duration::ZERO))).await.unwrap();
    assert_eq!(slept(&clock), [100]);
}

#[tokio::test]
async fn a_longer_retry_after_can_be_waited_for() {
    let clock = clock();
    let script = Script::new(&clock, [Responds(retry_after(429, "8")), nothing()]);
    let policy = RetryPolicy::new().with_max_retry_after(Duration::from_secs(600));
    get(&client(&script, policy)).await.unwrap();
    assert_eq!(slept(&clock), [8000]);
}

#[tokio::test]
async fn an_operation_that_is_not_retried_has_the_delay_of_a_date() {
    let script = Script::new(&clock(), [Responds(retry_after(503, "Mon, 23 Nov 2026 08:01:00 GMT"))]);
    let error = open(&client(&script, RetryPolicy::new())).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
}

#[tokio::test]
async fn retry_after_does_not_shorten_a_pause() {
    let clock = clock();
    let script = Script::new(&clock, [Responds(retry_after(503, "1")), nothing()]);
    get(&client(&script, RetryPolicy::new().with_backoff(ms(1500), ms(1500)))).await.unwrap();
    assert_eq!(slept(&clock), [1500]);
}

#[tokio::test]
async fn a_date_in_retry_after_is_relative_to_the_date_header() {
    let clock = clock();
    let mut response = retry_after(503, "Sun, 01 Jan 2023 00:00:02 GMT");
    response.headers_mut().insert("date", "Sun, 01 Jan 2023 00:00:00 GMT".parse().unwrap());
    let script = Script::new(&clock, [Responds(response.clone()), Responds(response)]);
    let error = get(&client(&script, RetryPolicy::new().with_retries(1))).await.unwrap_err();
    assert_eq!(slept(&clock), [2000]);
    assert_eq!(error.retry_after(), Some(ms(2000)));
}

#[tokio::test]
async fn an_error_has_the_unlimited_delay_of_the_last_response() {
    let script = Script::new(&clock(), [Responds(retry_after(503, "1")), Responds(retry_after(429, "3600"))]);
    let error = get(&client(&script, RetryPolicy::new().with_retries(1))).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));

    let script = Script::new(&clock(), [Responds(retry_after(503, "1")), Fails(ErrorKind::Transport)]);
    let error = get(&client(&script, RetryPolicy::new().with_retries(1))).await.unwrap_err();
    assert_eq!(error.retry_after(), None);
}
