//! The retry budget.

use super::*;

#[tokio::test]
async fn an_empty_budget_ends_retries() {
    let script = Script::new(&clock(), times(9, || Fails(ErrorKind::Transport)));
    // Enough for three retries.
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
async fn responses_refill_the_budget() {
    let failing = || times(2, || Fails(ErrorKind::Transport));
    let mut steps = failing();
    // Any response shows that the service is available again.
    steps.extend([nothing(), Responds(status(500)), Responds(status(404)), nothing()]);
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
    // The budget has four of five tokens again.
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
async fn a_budget_is_not_refilled_beyond_its_size() {
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
async fn a_retry_that_is_not_made_costs_nothing() {
    let mut steps = vec![Responds(status(503)), Fails(ErrorKind::Transport)];
    steps.extend([Fails(ErrorKind::Transport), nothing()]);
    let script = Script::new(&clock(), steps);
    let client = client(&script, RetryPolicy::new().with_budget(5, 5, 0));
    get(&client.with(CallOptions::new().deadline(ms(100)))).await.unwrap_err();
    open(&client).await;
    get(&client).await.unwrap();
}

#[tokio::test]
async fn a_cost_of_zero_disables_the_budget() {
    let script = Script::new(&clock(), times(300, || Fails(ErrorKind::Transport)));
    let client = client(&script, RetryPolicy::new().with_budget(0, 0, 0));
    for _ in 0..100 {
        assert_eq!(get(&client).await.unwrap_err().attempts(), 3);
    }
}
