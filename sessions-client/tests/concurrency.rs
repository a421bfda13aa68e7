//! The concurrency limit of the network transports of `wiretrait`, with this contract.

#![cfg(any(feature = "hyper", feature = "reqwest"))]

#[macro_use]
mod support;

use sessions_client::policy::{Deadline, Retry, RetryPolicy, Timeout, TokioTime};
use sessions_client::{
    CallOptions, ClientConfig, Error, ErrorKind, ISessionsV1, SessionsHttpClientV1, Value,
};
use std::time::Duration;
use support::network::Network;
use support::read_request;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

/// A server that passes each connection to the test after reading a request, and takes it back for the next
/// one.
async fn server() -> (String, UnboundedReceiver<TcpStream>, UnboundedSender<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, asking) = unbounded_channel();
    let (again, mut answered) = unbounded_channel();
    tokio::spawn(async move {
        loop {
            let mut stream = tokio::select! {
                accepted = listener.accept() => accepted.unwrap().0,
                Some(stream) = answered.recv() => stream,
            };
            let asked = asked.clone();
            tokio::spawn(async move {
                if read_request(&mut stream).await.is_some() {
                    let _ = asked.send(stream);
                }
            });
        }
    });
    (url, asking, again)
}

async fn concurrent_calls_do_not_exceed_the_limit<T: Network>() {
    const LIMIT: usize = 3;
    let (url, mut asking, again) = server().await;
    let config = ClientConfig::from_url(&url).unwrap().with_concurrency_limit(LIMIT);
    let client = T::client(&config);
    let mut calls = JoinSet::new();
    for _ in 0..10 {
        let client = client.clone();
        calls.spawn(async move { client.get_session_by_id(None, "1").await.unwrap() });
    }
    let mut waiting = Vec::new();
    for answered in 0..10 {
        while waiting.len() < LIMIT.min(10 - answered) {
            waiting.push(asking.recv().await.unwrap());
        }
        // Gives further requests time to arrive.
        for _ in 0..200 {
            yield_now().await;
        }
        assert!(asking.try_recv().is_err(), "more than {LIMIT} requests at once");
        let mut stream = waiting.remove(0);
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        again.send(stream).unwrap();
    }
    assert_eq!(calls.join_all().await, vec![None; 10]);
}

async fn a_dropped_call_releases_its_permit<T: Network>() {
    let (url, mut asking, again) = server().await;
    let config = ClientConfig::from_url(&url).unwrap().with_concurrency_limit(1);
    let client = T::client(&config);
    let call = |id: &'static str| {
        let client = client.clone();
        tokio::spawn(async move { client.get_session_by_id(None, id).await.unwrap() })
    };
    let first = call("1");
    let _unanswered = asking.recv().await.unwrap();
    let second = call("2");
    for _ in 0..200 {
        yield_now().await;
    }
    assert!(asking.try_recv().is_err(), "two requests at once");
    first.abort();
    let mut stream = asking.recv().await.unwrap();
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    again.send(stream).unwrap();
    assert_eq!(second.await.unwrap(), None);
}

async fn a_call_waiting_for_its_retry_releases_its_permit<T: Network>() {
    let (url, mut asking, again) = server().await;
    let config = ClientConfig::from_url(&url).unwrap().with_concurrency_limit(1);
    let hour = Duration::from_secs(3600);
    let attempt = Timeout::new(T::over(&config), Duration::MAX, TokioTime);
    let policy = RetryPolicy::new().with_backoff(hour, hour);
    let client: SessionsHttpClientV1<Value, Value, _> =
        SessionsHttpClientV1::new(Retry::with_random(attempt, policy, TokioTime, || 1.0));
    let call = |id: &'static str, timeout| {
        let client = client.clone();
        let options = CallOptions::new().timeout(timeout);
        tokio::spawn(async move { client.with(options).get_session_by_id(None, id).await })
    };
    let late = call("1", Duration::from_millis(20));
    let _unanswered = asking.recv().await.unwrap();
    let next = call("2", Duration::MAX);
    let asked = timeout(Duration::from_secs(10), asking.recv()).await;
    let mut stream = asked.expect("the timed-out call keeps its permit").unwrap();
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    again.send(stream).unwrap();
    assert_eq!(next.await.unwrap().unwrap(), None);
    late.abort();
}

/// Occupies the only permit of a client over `T` with its policies or without, and returns the error of the
/// next call, of an operation that is not idempotent.
async fn without_a_permit<C: ISessionsV1 + Clone + Send + 'static>(
    client: &C,
    asking: &mut UnboundedReceiver<TcpStream>,
    waiting: impl Future<Output = Error>,
) -> Error {
    let holder = client.clone();
    let first = tokio::spawn(async move { holder.close_expired_sessions(None).await });
    let _unanswered = asking.recv().await.unwrap();
    let error = waiting.await;
    assert!(!first.is_finished(), "the first call has ended");
    assert!(asking.try_recv().is_err(), "a request was sent without a permit");
    first.abort();
    error
}

async fn open<C: ISessionsV1>(client: &C) -> Error {
    client.open_session(None, "1", None, None, None, None, None).await.unwrap_err()
}

async fn a_call_without_a_permit_is_not_blamed_on_the_service<T: Network>() {
    let (url, mut asking, _again) = server().await;
    let config = ClientConfig::from_url(&url).unwrap().with_concurrency_limit(1);
    let client: SessionsHttpClientV1<Value, Value, T> = SessionsHttpClientV1::new(T::over(&config));
    let late = client.with(CallOptions::new().timeout(Duration::from_millis(20)));
    let error = without_a_permit(&client, &mut asking, open(&late)).await;
    assert_eq!(error.kind(), ErrorKind::ConcurrencyLimit);
    assert!(error.is_unprocessed() && error.is_retryable());
    assert_eq!(
        error.to_string(),
        "open_session: not sent, because `concurrency_limit` allows 1 call at once and none ended in time: raise it, or \
         make fewer calls at once"
    );
}

async fn a_call_without_a_permit_is_retried_with_policies<T: Network>() {
    let (url, mut asking, _again) = server().await;
    let config = ClientConfig::from_url(&url)
        .unwrap()
        .with_concurrency_limit(1)
        .with_retry_policy(RetryPolicy::new().with_backoff(Duration::ZERO, Duration::ZERO));
    let client = T::client(&config);
    let late = client.with(CallOptions::new().timeout(Duration::from_millis(20)));
    let error = without_a_permit(&client, &mut asking, open(&late)).await;
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::ConcurrencyLimit, 3));
}

async fn a_deadline_without_a_permit_names_the_concurrency_limit<T: Network>() {
    let (url, mut asking, _again) = server().await;
    let config = ClientConfig::from_url(&url).unwrap().with_concurrency_limit(1);
    let with_policies = T::client(&config);
    let late = with_policies.with(CallOptions::new().deadline(Duration::from_millis(30)));
    let error = without_a_permit(&with_policies, &mut asking, open(&late)).await;
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::ConcurrencyLimit, 1));

    let (url, mut asking, _again) = server().await;
    let config = ClientConfig::from_url(&url).unwrap().with_concurrency_limit(1);
    let transport = Deadline::new(T::over(&config), Duration::MAX, TokioTime);
    let only_a_deadline: SessionsHttpClientV1<Value, Value, _> = SessionsHttpClientV1::new(transport);
    let late = only_a_deadline.with(CallOptions::new().deadline(Duration::from_millis(30)));
    let error = without_a_permit(&only_a_deadline, &mut asking, open(&late)).await;
    assert_eq!(error.kind(), ErrorKind::ConcurrencyLimit);
}

async fn a_service_that_does_not_respond_is_a_timeout_with_a_permit<T: Network>() {
    let (url, _asking, _again) = server().await;
    let config = ClientConfig::from_url(&url).unwrap().with_concurrency_limit(1);
    let client = T::client(&config);
    let late = client.with(CallOptions::new().timeout(Duration::from_millis(20)));
    assert_eq!(open(&late).await.kind(), ErrorKind::Timeout);
}

async fn waiting_for_a_permit_counts_towards_the_timeout<T: Network>() {
    let (url, mut asking, again) = server().await;
    let config = ClientConfig::from_url(&url).unwrap().with_concurrency_limit(1);
    let client = T::client(&config);
    let holder = client.clone();
    let first = tokio::spawn(async move { holder.get_session_by_id(None, "1").await });
    let mut stream = asking.recv().await.unwrap();
    let second = tokio::spawn(async move {
        open(&client.with(CallOptions::new().timeout(Duration::from_millis(200)))).await
    });
    for _ in 0..200 {
        yield_now().await;
    }
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    again.send(stream).unwrap();
    assert_eq!(first.await.unwrap().unwrap(), None);
    // It has its permit and is sent, so the service may have processed it.
    let _unanswered = asking.recv().await.unwrap();
    let error = second.await.unwrap();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 1));
}

/// The future of a call is part of the future of each caller, so its size matters.
async fn the_future_of_a_call_is_small<T: Network>() {
    const MOST: usize = 2_320;
    let client = T::client(&ClientConfig::from_url("http://127.0.0.1:1").unwrap());
    let size = size_of_val(&client.get_session_by_id(None, "1"));
    assert!(size <= MOST, "{size} bytes over {}", T::NAME);
}

over_each_network! {
    the_future_of_a_call_is_small
    a_call_without_a_permit_is_not_blamed_on_the_service
    a_call_without_a_permit_is_retried_with_policies
    a_deadline_without_a_permit_names_the_concurrency_limit
    a_service_that_does_not_respond_is_a_timeout_with_a_permit
    waiting_for_a_permit_counts_towards_the_timeout
    a_call_waiting_for_its_retry_releases_its_permit
    concurrent_calls_do_not_exceed_the_limit
    a_dropped_call_releases_its_permit
}
