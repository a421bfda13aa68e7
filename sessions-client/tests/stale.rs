//! Pooled connections that the service closes, over real sockets.
//!
//! The service may close an idle connection at any time. A request sent at the same moment gets no response,
//! and the client cannot know whether it arrived.

#![cfg(any(feature = "hyper", feature = "reqwest"))]

#[macro_use]
mod support;

#[cfg(feature = "hyper")]
use sessions_client::HyperTransport;
use sessions_client::{ClientConfig, ConfigParams, ErrorKind, ISessionsV1};
use std::sync::{Arc, Mutex};
use support::network::Network;
use support::read_request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const NO_CONTENT: &[u8] = b"HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=5\r\n\r\n";

/// The end of the first connection, after it has served one request.
#[derive(Clone, Copy)]
enum End {
    /// The next request is read to its end, and the connection is closed without a response.
    Unanswered,
    /// The connection is closed when the next request has started to arrive, which resets it.
    Reset,
    /// The connection is closed at once; the next request may or may not notice.
    Idle,
}

/// A server that ends its first connection in a given way and serves all others.
#[derive(Clone, Default)]
struct Server {
    /// The targets of complete requests, each with the number of its connection.
    received: Arc<Mutex<Vec<(usize, String)>>>,
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

    /// Reads a request; returns `false` if there are no more.
    async fn request(&self, connection: usize, stream: &mut TcpStream) -> bool {
        let Some(request) = read_request(stream).await else { return false };
        let target = request.split(' ').nth(1).unwrap().to_owned();
        self.received.lock().unwrap().push((connection, target));
        true
    }

    /// Returns the connections on which requests for `operation` arrived.
    fn connections(&self, operation: &str) -> Vec<usize> {
        let path = format!("/v1/sessions/{operation}");
        let received = self.received.lock().unwrap();
        received.iter().filter(|(_, target)| *target == path).map(|(connection, _)| *connection).collect()
    }
}

/// Leaves one idle connection in the pool of the client.
async fn warm_up(client: &impl ISessionsV1) {
    client.close_expired_sessions(None).await.unwrap();
}

async fn an_idempotent_call_survives_a_stale_connection<T: Network>() {
    for (end, connections) in [(End::Unanswered, &[1, 2][..]), (End::Reset, &[2])] {
        let server = Server::default();
        let client = server.start::<T>(end).await;
        warm_up(&client).await;
        assert_eq!(client.get_session_by_id(None, "1").await.unwrap(), None);
        assert_eq!(server.connections("get_session_by_id"), connections);
    }
}

async fn an_idempotent_call_survives_a_closing_connection<T: Network>() {
    for _ in 0..20 {
        let server = Server::default();
        let client = server.start::<T>(End::Idle).await;
        warm_up(&client).await;
        assert_eq!(client.get_session_by_id(None, "1").await.unwrap(), None);
        assert_eq!(server.connections("get_session_by_id"), [2]);
    }
}

async fn a_broken_connection_does_not_open_a_session_twice<T: Network>() {
    for (end, connections) in [(End::Unanswered, &[1][..]), (End::Reset, &[])] {
        let server = Server::default();
        let client = server.start::<T>(end).await;
        warm_up(&client).await;
        let error = client.open_session(None, "user-1", None, None, None, None, None).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 1));
        assert_eq!(server.connections("open_session"), connections);
        // The next call uses a new connection.
        assert_eq!(client.get_session_by_id(None, "1").await.unwrap(), None);
        assert_eq!(server.connections("get_session_by_id"), [2]);
    }
}

async fn a_closing_connection_does_not_open_a_session_twice<T: Network>() {
    for _ in 0..20 {
        let server = Server::default();
        let client = server.start::<T>(End::Idle).await;
        warm_up(&client).await;
        // If the client notices the close in time, its only request gets the response 204.
        let error = client.open_session(None, "user-1", None, None, None, None, None).await.unwrap_err();
        let arrived = server.connections("open_session");
        match error.kind() {
            ErrorKind::Decode => assert_eq!(arrived, [2]),
            kind => assert_eq!((kind, &*arrived), (ErrorKind::Transport, &[][..])),
        }
    }
}

async fn idempotent_calls_survive_a_pool_of_stale_connections<T: Network>() {
    const STALE: usize = 10;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let all_connected = Arc::new(Barrier::new(STALE));
    tokio::spawn(async move {
        for connection in 1.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let all_connected = all_connected.clone();
            tokio::spawn(async move {
                while read_request(&mut stream).await.is_some() {
                    if connection <= STALE {
                        all_connected.wait().await;
                    }
                    stream.write_all(NO_CONTENT).await.unwrap();
                    if connection <= STALE {
                        // The next request is read and gets no response.
                        read_request(&mut stream).await;
                        return;
                    }
                }
            });
        }
    });
    let config = ConfigParams::new()
        .with_pairs([("connection.uri", &*url), ("options.backoff", "0")])
        .unwrap()
        .build()
        .unwrap();
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

#[cfg(feature = "hyper")]
#[tokio::test]
async fn an_error_distinguishes_a_stale_connection_from_a_new_one() {
    for (end, message) in [
        (End::Unanswered, "failed: the idle connection was closed by the peer"),
        (End::Reset, "failed: Connection reset by peer (os error 104)"),
    ] {
        let server = Server::default();
        let client = server.start::<HyperTransport>(end).await;
        warm_up(&client).await;
        let error = client.open_session(None, "user-1", None, None, None, None, None).await.unwrap_err();
        assert!(error.is_stale_connection(), "{error}");
        assert!(error.to_string().ends_with(message), "{error}");
        assert!(!error.is_unprocessed(), "the request may have been processed");
    }
    let client = server_that_closes(b"").await;
    let error = client.open_session(None, "user-1", None, None, None, None, None).await.unwrap_err();
    assert!(!error.is_stale_connection(), "a new connection: {error}");
}

#[cfg(feature = "hyper")]
#[tokio::test]
async fn a_connection_that_breaks_in_a_response_is_not_stale() {
    for part in [&b"HTTP/1.1 200 O"[..], b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"] {
        let client = server_that_closes(part).await;
        warm_up(&client).await;
        let error = client.open_session(None, "user-1", None, None, None, None, None).await.unwrap_err();
        assert_eq!((error.kind(), error.is_stale_connection()), (ErrorKind::Transport, false), "{error}");
    }
}

/// Starts a server that closes each connection after part of a response to `open_session`.
#[cfg(feature = "hyper")]
async fn server_that_closes(part: &'static [u8]) -> impl ISessionsV1 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            while let Some(request) = read_request(&mut stream).await {
                if request.contains("open_session") {
                    stream.write_all(part).await.unwrap();
                    break;
                }
                stream.write_all(NO_CONTENT).await.unwrap();
            }
        }
    });
    HyperTransport::client(&ClientConfig::from_url(&url).unwrap())
}

over_each_network! {
    an_idempotent_call_survives_a_stale_connection
    an_idempotent_call_survives_a_closing_connection
    a_broken_connection_does_not_open_a_session_twice
    a_closing_connection_does_not_open_a_session_twice
    idempotent_calls_survive_a_pool_of_stale_connections
}
