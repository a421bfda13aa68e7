//! Retries and deadlines with a service that fails temporarily:
//! `cargo run -p sessions-client --example retries_and_deadlines`.
//!
//! The service is a function that rejects two of three requests, so nothing needs to be running.

use http::StatusCode;
use sessions_client::policy::RetryPolicy;
use sessions_client::{
    CallOptions, ClientConfig, ISessionsV1, Policies, Response, SessionsHttpClientV1, transport_fn,
};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let requests = AtomicU32::new(0);
    let busy_service = transport_fn(|call| {
        let number = requests.fetch_add(1, Ordering::Relaxed) + 1;
        println!("  request {number} is attempt {} of {}", call.attempt, call.route.name);
        let mut response = Response::default();
        *response.status_mut() =
            if number.is_multiple_of(3) { StatusCode::NO_CONTENT } else { StatusCode::SERVICE_UNAVAILABLE };
        std::future::ready(Ok(response))
    });

    // With a network transport: `SessionsHttpClientV1::from_config(&config)`.
    let policy = RetryPolicy::new().with_backoff(Duration::from_millis(50), Duration::from_secs(1));
    let config = ClientConfig::from_url("http://localhost:8080")?
        .with_timeout(Duration::from_secs(2)) // one attempt
        .with_deadline(Duration::from_secs(5)) // the whole call
        .with_retry_policy(policy);
    let sessions = SessionsHttpClientV1::new(Policies::new(busy_service, &config));

    println!("`get_session_by_id` is idempotent, so it is retried:");
    let begin = Instant::now();
    let found = sessions.get_session_by_id(None, "some id").await?;
    println!("  {found:?} after {:?}", begin.elapsed());

    println!("`open_session` is not, and the service has received the request:");
    let error = sessions.open_session(None, "user-1", None, None, None, None, None).await.unwrap_err();
    println!("  {error}");
    println!("  attempts: {}, retryable: {}", error.attempts(), error.is_retryable());

    println!("Options for a single call:");
    let hasty = sessions.with(CallOptions::new().deadline(Duration::from_millis(100)).retries(0));
    let error = hasty.get_session_by_id(None, "some id").await.unwrap_err();
    println!("  {error}");
    Ok(())
}
