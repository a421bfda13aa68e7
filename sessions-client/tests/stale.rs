//! Connections of the pool that the service closes, over real sockets.
//!
//! The service closes idle connections whenever it likes, and a request that crosses the close gets no answer:
//! whether it arrived, nobody can tell.

#![cfg(any(feature = "hyper", feature = "reqwest"))]

#[macro_use]
mod support;

use sessions_client::{ClientConfig, ErrorKind, ISessionsV1};
use std::sync::{Arc, Mutex};
use support::network::Network;
use support::read_request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const NO_CONTENT: &[u8] = b"HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=5\r\n\r\n";

/// How the first connection ends, after it has served one request.
#[derive(Clone, Copy)]
enum End {
    /// The next request is read to its end, and the connection is closed without an answer.
    Unanswered,
    /// The next request has begun to arrive when the connection is closed: that resets it.
    Reset,
    /// The connection is closed at once; the next request may or may not notice.
    Idle,
}

/// A server that ends its first connection as `end` says and serves all others.
#[derive(Clone, Default)]
struct Server {
    /// The targets of the requests that arrived whole, each with the number of its connection.
    seen: Arc<Mutex<Vec<(usize, String)>>>,
}

impl Server {
    async fn start<T: Network>(&self, end: End) -> impl ISessionsV1 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = self.clone();
        tokio::spawn(async move {
            server.first(listener.accept().await.unwrap().0, end).await;
            for connection in 2.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let server = server.clone();
                tokio::spawn(async move {
                    while server.request(connection, &mut stream).await {
                        stream.write_all(NO_CONTENT).await.unwrap();
                    }
                });
            }
        });
        T::client(&ClientConfig::from_url(&url).unwrap())
    }

    async fn first(&self, mut stream: TcpStream, end: End) {
        assert!(self.request(1, &mut stream).await);
        stream.write_all(NO_CONTENT).await.unwrap();
        match end {
            End::Unanswered => assert!(self.request(1, &mut stream).await),
            End::Reset => assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 1),
            End::Idle => {}
        }
    }

    /// Reads a request; false if there is none more.
    async fn request(&self, connection: usize, stream: &mut TcpStream) -> bool {
        let Some(request) = read_request(stream).await else { return false };
        let target = request.split(' ').nth(1).unwrap().to_owned();
        self.seen.lock().unwrap().push((connection, target));
        true
    }

    /// The connections at which requests for `operation` arrived.
    fn connections(&self, operation: &str) -> Vec<usize> {
        let path = format!("/v1/sessions/{operation}");
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|(_, target)| *target == path).map(|(connection, _)| *connection).collect()
    }
}

/// Leaves one idle connection in the pool of the client.
async fn warm_up(client: &impl ISessionsV1) {
    client.close_expired_sessions(None).await.unwrap();
}

async fn a_stale_connection_is_no_error_for_an_idempotent_call<T: Network>() {
    for (end, connections) in [(End::Unanswered, &[1, 2][..]), (End::Reset, &[2])] {
        let server = Server::default();
        let client = server.start::<T>(end).await;
        warm_up(&client).await;
        assert_eq!(client.get_session_by_id(None, "1").await.unwrap(), None);
        assert_eq!(server.connections("get_session_by_id"), connections);
    }
}

async fn a_connection_that_closes_around_the_request_is_no_error_for_an_idempotent_call<T: Network>() {
    for _ in 0..20 {
        let server = Server::default();
        let client = server.start::<T>(End::Idle).await;
        warm_up(&client).await;
        assert_eq!(client.get_session_by_id(None, "1").await.unwrap(), None);
        assert_eq!(server.connections("get_session_by_id"), [2]);
    }
}

async fn a_session_is_not_opened_again_when_the_connection_broke<T: Network>() {
    for (end, connections) in [(End::Unanswered, &[1][..]), (End::Reset, &[])] {
        let server = Server::default();
        let client = server.start::<T>(end).await;
        warm_up(&client).await;
        let error = client.open_session(None, "user-1", None, None, None, None, None).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 1));
        assert_eq!(server.connections("open_session"), connections);
        // The next call has a connection of its own.
        assert_eq!(client.get_session_by_id(None, "1").await.unwrap(), None);
        assert_eq!(server.connections("get_session_by_id"), [2]);
    }
}

async fn a_connection_that_closes_around_the_request_never_opens_two_sessions<T: Network>() {
    for _ in 0..20 {
        let server = Server::default();
        let client = server.start::<T>(End::Idle).await;
        warm_up(&client).await;
        // It may be seen in time that the connection is gone: then the only request has its answer, 204.
        let error = client.open_session(None, "user-1", None, None, None, None, None).await.unwrap_err();
        let arrived = server.connections("open_session");
        match error.kind() {
            ErrorKind::Decode => assert_eq!(arrived, [2]),
            kind => assert_eq!((kind, &*arrived), (ErrorKind::Transport, &[][..])),
        }
    }
}

async fn a_pool_full_of_stale_connections_is_no_error_for_an_idempotent_call<T: Network>() {
    const STALE: usize = 10;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let all_are_there = Arc::new(Barrier::new(STALE));
    tokio::spawn(async move {
        for connection in 1.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let all_are_there = all_are_there.clone();
            tokio::spawn(async move {
                while read_request(&mut stream).await.is_some() {
                    if connection <= STALE {
                        all_are_there.wait().await;
                    }
                    stream.write_all(NO_CONTENT).await.unwrap();
                    if connection <= STALE {
                        // The next request is read, and not answered.
                        read_request(&mut stream).await;
                        return;
                    }
                }
            });
        }
    });
    let config = ClientConfig::from_pairs([("connection.uri", &*url), ("options.backoff", "0")]).unwrap();
    let client = T::client(&config);
    let mut warm = JoinSet::new();
    for _ in 0..STALE {
        let client = client.clone();
        warm.spawn(async move { client.close_expired_sessions(None).await.unwrap() });
    }
    warm.join_all().await;
    for _ in 0..STALE {
        assert_eq!(client.get_session_by_id(None, "1").await.unwrap(), None);
    }
}

over_each_network! {
    a_stale_connection_is_no_error_for_an_idempotent_call
    a_connection_that_closes_around_the_request_is_no_error_for_an_idempotent_call
    a_session_is_not_opened_again_when_the_connection_broke
    a_connection_that_closes_around_the_request_never_opens_two_sessions
    a_pool_full_of_stale_connections_is_no_error_for_an_idempotent_call
}
