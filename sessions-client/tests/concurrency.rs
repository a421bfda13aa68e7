//! The concurrency limit of the network transports of `wiretrait`, with this contract.

#![cfg(any(feature = "hyper", feature = "reqwest"))]

#[macro_use]
mod support;

use sessions_client::policy::{Retry, RetryPolicy, Timeout, TokioTime};
use sessions_client::{CallOptions, ClientConfig, ErrorKind, ISessionsV1, SessionsHttpClientV1, Value};
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

async fn waiting_for_a_permit_counts_towards_the_timeout<T: Network>() {
    let (url, mut asking, _) = server().await;
    let config = ClientConfig::from_url(&url).unwrap().with_concurrency_limit(1);
    let client: SessionsHttpClientV1<Value, Value, T> = SessionsHttpClientV1::new(T::over(&config));
    let call = |timeout| {
        let client = client.clone();
        let options = CallOptions::new().timeout(timeout);
        tokio::spawn(async move { client.with(options).get_session_by_id(None, "1").await })
    };
    let first = call(Duration::MAX);
    let _unanswered = asking.recv().await.unwrap();
    let late = call(Duration::from_millis(20)).await.unwrap().unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Timeout);
    assert!(!first.is_finished(), "the first call has no timeout");
    first.abort();
}

/// The future of a call is part of the future of each caller, so its size matters.
async fn the_future_of_a_call_is_small<T: Network>() {
    const MOST: usize = 2_304;
    let client = T::client(&ClientConfig::from_url("http://127.0.0.1:1").unwrap());
    let size = size_of_val(&client.get_session_by_id(None, "1"));
    assert!(size <= MOST, "{size} bytes over {}", T::NAME);
}

over_each_network! {
    the_future_of_a_call_is_small
    waiting_for_a_permit_counts_towards_the_timeout
    a_call_waiting_for_its_retry_releases_its_permit
    concurrent_calls_do_not_exceed_the_limit
    a_dropped_call_releases_its_permit
}
