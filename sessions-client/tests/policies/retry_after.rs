//! The effect of `Retry-After` on pauses and errors.

use super::*;

#[tokio::test]
async fn retry_after_extends_a_pause_up_to_its_limit() {
    for (delay, pause) in [
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
            let script = Script::new(&clock, [Responds(retry_after(code, delay)), nothing()]);
            get(&client(&script, RetryPolicy::new())).await.unwrap();
            assert_eq!(slept(&clock), [pause], "{delay}");
        }
    }
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
