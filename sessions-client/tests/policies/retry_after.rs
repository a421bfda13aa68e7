//! What a `Retry-After` does to a pause.

use super::*;

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
