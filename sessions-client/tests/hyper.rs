//! The hyper transport of `wiretrait`, with this contract: its connection pool, requests and errors.

#![cfg(feature = "hyper")]

#[macro_use]
mod support;

use hyper_util::rt::TokioIo;
use sessions_client::policy::RetryPolicy;
use sessions_client::{
    ClientConfig, Error, ErrorKind, HyperTransport, ISessionsV1, Policies, SessionsHttpClientV1, Value,
};
use std::collections::BTreeSet;
use std::future::{pending, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::network::Network;
use support::read_request;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tower::service_fn;

type Client = SessionsHttpClientV1<Value, Value, Policies<HyperTransport>>;

const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
/// The head of a response over any size limit.
const LARGE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 70000000\r\n\r\n";

/// An event at the server, with the number of the connection.
#[derive(Debug, PartialEq)]
enum Event {
    Request(usize, String),
    /// The client has closed the connection.
    End(usize),
}

use Event::{End, Request};

impl Event {
    /// Returns the number of the connection of a request.
    fn connection(self) -> usize {
        match self {
            Request(connection, _) => connection,
            End(connection) => panic!("connection {connection} was closed"),
        }
    }
}

/// A server whose response is a function of the number of the connection. An empty string sends nothing.
async fn server(response: fn(usize) -> &'static str) -> (String, UnboundedReceiver<Event>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (events, seen) = unbounded_channel();
    tokio::spawn(async move {
        for connection in 1.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, connection, response(connection), events.clone()));
        }
    });
    (url, seen)
}

async fn serve(mut stream: TcpStream, connection: usize, response: &str, events: UnboundedSender<Event>) {
    while let Some(request) = read_request(&mut stream).await {
        // The test may have dropped the receiver.
        let _ = events.send(Request(connection, request));
        stream.write_all(response.as_bytes()).await.unwrap();
    }
    let _ = events.send(End(connection));
}

fn config(url: &str) -> ClientConfig {
    ClientConfig::from_url(url)
        .unwrap()
        .with_retry_policy(RetryPolicy::new().with_backoff(Duration::ZERO, Duration::ZERO))
}

fn client(url: &str) -> Client {
    HyperTransport::client(&config(url))
}

/// A client whose connections are `streams`, without a network.
fn client_over(streams: impl IntoIterator<Item = DuplexStream>, config: &ClientConfig) -> Client {
    let mut streams: Vec<_> = streams.into_iter().map(TokioIo::new).collect();
    streams.reverse();
    let streams = Arc::new(Mutex::new(streams));
    let connector = service_fn(move |_| {
        let stream = streams.lock().unwrap().pop();
        ready(stream.ok_or_else(|| Error::new(ErrorKind::Connect, "no more streams")))
    });
    let transport = HyperTransport::with_connector(connector, config).unwrap();
    SessionsHttpClientV1::new(Policies::new(transport, config))
}

async fn get(client: &Client) {
    assert_eq!(client.get_session_by_id(None, "1").await.unwrap(), None);
}

/// Responds to one request at the other end of a stream, and returns it.
async fn respond_once(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), response: &str) -> String {
    let request = read_request(stream).await.unwrap();
    stream.write_all(response.as_bytes()).await.unwrap();
    request
}

#[tokio::test]
async fn sequential_calls_share_a_connection() {
    let (url, mut seen) = server(|_| NO_CONTENT).await;
    let client = client(&url);
    for _ in 0..3 {
        get(&client.clone()).await;
        assert_eq!(seen.recv().await.unwrap().connection(), 1);
    }
}

#[tokio::test]
async fn concurrent_calls_use_separate_connections() {
    let (url, mut seen) = server(|_| NO_CONTENT).await;
    let client = client(&url);
    let mut calls = JoinSet::new();
    for _ in 0..8 {
        let client = client.clone();
        calls.spawn(async move { get(&client).await });
    }
    calls.join_all().await;
    let mut connections = Vec::new();
    for _ in 0..8 {
        connections.push(seen.recv().await.unwrap().connection());
    }
    connections.sort_unstable();
    connections.dedup();
    assert_eq!(connections.len(), 8);
}

#[tokio::test]
async fn a_dropped_call_closes_its_connection() {
    let (url, mut seen) = server(|connection| if connection == 1 { "" } else { NO_CONTENT }).await;
    let client = client(&url);
    let mut call = Box::pin(client.get_session_by_id(None, "1"));
    tokio::select! {
        biased;
        _ = &mut call => panic!("the server has not responded"),
        request = seen.recv() => assert_eq!(request.unwrap().connection(), 1),
    }
    drop(call);
    assert_eq!(seen.recv().await, Some(End(1)));
    get(&client).await;
    assert_eq!(seen.recv().await.unwrap().connection(), 2);
}

#[tokio::test]
async fn a_connection_is_not_reused_after_connection_close() {
    let (url, mut seen) = server(|_| "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
    let client = client(&url);
    for connection in [1, 2] {
        get(&client).await;
        assert_eq!(seen.recv().await.unwrap().connection(), connection);
        assert_eq!(seen.recv().await, Some(End(connection)));
    }
}

#[tokio::test]
async fn a_connection_is_not_reused_after_an_unread_response() {
    let (url, mut seen) = server(|connection| if connection == 1 { LARGE } else { NO_CONTENT }).await;
    let client = client(&url);
    let error = client.get_session_by_id(None, "1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(seen.recv().await.unwrap().connection(), 1);
    assert_eq!(seen.recv().await, Some(End(1)));
    get(&client).await;
    assert_eq!(seen.recv().await.unwrap().connection(), 2);
}

#[tokio::test]
async fn a_retry_uses_a_new_connection_which_is_kept() {
    let (url, mut seen) = server(|connection| if connection == 1 { BUSY } else { NO_CONTENT }).await;
    let client = client(&url);
    get(&client).await;
    get(&client).await;
    // The first connection is idle as well, but the newer one is preferred.
    for connection in [1, 2, 2] {
        assert_eq!(seen.recv().await.unwrap().connection(), connection);
    }
}

const TOO_LARGE: &str = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n";

/// Calls with a body that does not fit into the buffers of a connection, and returns the error.
async fn store_much(client: &Client) -> Error {
    let data = Value::String("x".repeat(12 << 20));
    client.store_session_data(None, "1", &data).await.unwrap_err()
}

#[tokio::test]
async fn an_early_response_is_read_although_the_request_cannot_be_sent() {
    for is_read in [false, true] {
        let (ours, mut theirs) = duplex(1 << 16);
        let client = client_over([ours], &config("http://localhost"));
        let respond = async move {
            if is_read {
                theirs.read_exact(&mut [0; 1000]).await.unwrap();
            }
            theirs.write_all(TOO_LARGE.as_bytes()).await.unwrap();
        };
        let (error, ()) = tokio::join!(store_much(&client), respond);
        assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Service, 413), "{error}");
    }
}

#[tokio::test]
async fn an_early_response_is_read_while_the_request_is_not() {
    let (ours, mut theirs) = duplex(1 << 16);
    let client = client_over([ours], &config("http://localhost"));
    let respond = async {
        theirs.read_exact(&mut [0; 1000]).await.unwrap();
        theirs.write_all(TOO_LARGE.as_bytes()).await.unwrap();
    };
    let (error, ()) = tokio::join!(store_much(&client), respond);
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Service, 413), "{error}");
    // The rest of the request was not sent, so the connection is not used again.
    let mut rest = Vec::new();
    theirs.read_to_end(&mut rest).await.unwrap();
    assert!(rest.len() < 12 << 20);
}

#[tokio::test]
async fn an_early_response_with_a_malformed_line_is_read() {
    let (ours, mut theirs) = duplex(1 << 16);
    let client = client_over([ours], &config("http://localhost"));
    let response = TOO_LARGE.replacen("\r\n", "\r\nPHP Warning\r\n", 1);
    let respond = async {
        theirs.read_exact(&mut [0; 1000]).await.unwrap();
        theirs.write_all(response.as_bytes()).await.unwrap();
    };
    let (error, ()) = tokio::join!(store_much(&client), respond);
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Service, 413), "{error}");
}

/// The service would wait for the rest of the request, which is lost when its response is repaired.
#[tokio::test]
async fn an_early_success_with_a_malformed_line_is_not_waited_for() {
    let (ours, mut theirs) = duplex(1 << 16);
    let client = client_over([ours], &config("http://localhost").with_retries(0));
    let respond = async {
        theirs.read_exact(&mut [0; 1000]).await.unwrap();
        let head = "HTTP/1.1 200 OK\r\nPHP Warning\r\nContent-Length: 2\r\n\r\n";
        theirs.write_all(head.as_bytes()).await.unwrap();
    };
    let (error, ()) = tokio::join!(store_much(&client), respond);
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
}

#[tokio::test]
async fn an_early_response_over_tcp_survives_a_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client(&format!("http://{}", listener.local_addr().unwrap()));
    for round in 0..6 {
        let respond = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_exact(&mut [0; 100]).await.unwrap();
            stream.write_all(TOO_LARGE.as_bytes()).await.unwrap();
            // Unread bytes, so that it is a reset.
            if round % 2 == 0 {
                stream.set_zero_linger().unwrap();
            }
        };
        let (error, ()) = tokio::join!(store_much(&client), respond);
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Service, 1), "{error}");
    }
}

#[tokio::test]
async fn a_reset_without_a_response_is_a_transport_error() {
    let (ours, mut theirs) = duplex(1 << 16);
    let client = client_over([ours], &config("http://localhost").with_retries(0));
    let close = async move {
        theirs.read_exact(&mut [0; 1000]).await.unwrap();
    };
    let (error, ()) = tokio::join!(store_much(&client), close);
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
}

#[tokio::test]
async fn an_unsolicited_response_closes_an_idle_connection() {
    let (ours, mut theirs) = duplex(1 << 16);
    let (spare, mut other) = duplex(1 << 16);
    let client = client_over([ours, spare], &config("http://localhost"));
    tokio::join!(get(&client), respond_once(&mut theirs, NO_CONTENT));
    theirs.write_all(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n").await.unwrap();
    // `open_session` is never retried, so this is the response to its only request.
    let (opened, request) = tokio::join!(
        client.open_session(None, "user-1", None, None, None, None, None),
        respond_once(&mut other, NO_CONTENT),
    );
    assert!(request.starts_with("POST /v1/sessions/open_session HTTP/1.1\r\n"), "{request}");
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(read_request(&mut theirs).await, None);
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_the_timeout() {
    let (ours, mut theirs) = duplex(1 << 16);
    let (spare, mut other) = duplex(1 << 16);
    tokio::time::pause();
    let client = client_over([ours, spare], &config("http://localhost"));
    tokio::join!(get(&client), respond_once(&mut theirs, NO_CONTENT));
    let before = tokio::time::Instant::now();
    assert_eq!(read_request(&mut theirs).await, None);
    // Timers of tokio have a resolution of a millisecond.
    assert_eq!(before.elapsed().as_millis() / 10, 400);
    tokio::join!(get(&client), respond_once(&mut other, NO_CONTENT));
}

#[tokio::test]
async fn the_idle_timeout_is_configurable() {
    let (ours, mut theirs) = duplex(1 << 16);
    tokio::time::pause();
    let config = config("http://localhost").with_pool_idle_timeout(Duration::MAX);
    let client = client_over([ours], &config.with_max_connection_age(Duration::MAX));
    for _ in 0..2 {
        tokio::join!(get(&client), respond_once(&mut theirs, NO_CONTENT));
        tokio::time::advance(Duration::from_secs(1 << 30)).await;
    }
}

#[tokio::test]
async fn no_more_idle_connections_are_kept_than_the_limit() {
    let (url, mut seen) = server(|_| NO_CONTENT).await;
    let config = config(&url);
    let transport = HyperTransport::new(&config).unwrap().with_max_idle(1);
    let client: Client = SessionsHttpClientV1::new(Policies::new(transport, &config));
    tokio::join!(get(&client), get(&client), get(&client));
    let (mut requests, mut ends) = (0, 0);
    while requests < 3 || ends < 2 {
        match seen.recv().await.unwrap() {
            Request(..) => requests += 1,
            End(_) => ends += 1,
        }
    }
    get(&client).await;
    assert!(seen.recv().await.unwrap().connection() <= 3);
}

#[tokio::test]
async fn idle_connections_of_ended_runtimes_fill_the_pool_until_they_expire() {
    let (url, mut seen) = server(|_| NO_CONTENT).await;
    let config = config(&url);
    let transport = HyperTransport::new(&config).unwrap().with_max_idle(2);
    let client: Client = SessionsHttpClientV1::new(Policies::new(transport, &config));
    for _ in 0..3 {
        let client = client.clone();
        let other = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { tokio::join!(get(&client), get(&client)) });
        });
        other.await.unwrap();
    }
    tokio::time::pause();
    tokio::time::advance(2 * config.pool_idle_timeout()).await;
    tokio::time::resume();
    while seen.try_recv().is_ok() {}
    for _ in 0..4 {
        get(&client).await;
    }
    let mut connections = BTreeSet::new();
    let mut requests = 0;
    while requests < 4 {
        if let Request(connection, _) = seen.recv().await.unwrap() {
            connections.insert(connection);
            requests += 1;
        }
    }
    assert_eq!(connections.len(), 1);
}

#[tokio::test]
async fn a_runtime_does_not_close_idle_connections_of_another_one() {
    let (url, mut seen) = server(|_| NO_CONTENT).await;
    let config = config(&url);
    let transport = HyperTransport::new(&config).unwrap().with_max_idle(1);
    let client: Client = SessionsHttpClientV1::new(Policies::new(transport, &config));
    get(&client).await;
    let of_other = client.clone();
    let other = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(get(&of_other));
        // It still runs while the first connection is used again.
        runtime
    });
    let runtime = other.await.unwrap();
    get(&client).await;
    runtime.shutdown_background();
    let mut connections = Vec::new();
    while connections.len() < 3 {
        if let Request(connection, _) = seen.recv().await.unwrap() {
            connections.push(connection);
        }
    }
    assert_eq!(connections[0], connections[2]);
    assert_ne!(connections[0], connections[1]);
}

#[tokio::test]
async fn dropping_the_last_clone_closes_all_connections() {
    let (url, mut seen) = server(|_| NO_CONTENT).await;
    let client = client(&url);
    let clone = client.clone();
    get(&client).await;
    drop(client);
    get(&clone).await;
    assert_eq!([seen.recv().await.unwrap().connection(), seen.recv().await.unwrap().connection()], [1, 1]);
    drop(clone);
    assert_eq!(seen.recv().await, Some(End(1)));
}

#[test]
fn a_client_outlives_the_runtime_of_its_connections() {
    let service = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (url, mut seen) = service.block_on(server(|_| NO_CONTENT));
    let client = client(&url);
    for connection in [1, 2] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(get(&client));
        drop(runtime);
        let request = std::iter::from_fn(|| seen.blocking_recv()).find(|seen| matches!(seen, Request(..)));
        assert_eq!(request.unwrap().connection(), connection);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connect_timeout_is_a_connect_error() {
    let config = config("http://localhost").with_retries(0).with_connect_timeout(Duration::from_secs(3));
    let connector = service_fn(|_| pending::<Result<TokioIo<DuplexStream>, Error>>());
    let transport = HyperTransport::with_connector(connector, &config).unwrap();
    let before = tokio::time::Instant::now();
    let error = SessionsHttpClientV1::new(transport).get_session_by_id(None, "1").await.unwrap_err();
    assert_eq!(before.elapsed().as_secs(), 3);
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert_eq!(error.to_string(), "get_session_by_id: cannot connect to http://localhost: timed out");
}

#[tokio::test]
async fn a_connector_error_is_a_connect_error_with_its_root_cause() {
    let error = client_over([], &config("http://localhost")).get_session_by_id(None, "1").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Connect, 3));
    assert_eq!(
        error.to_string(),
        "get_session_by_id: cannot connect to http://localhost: no more streams (3 attempts)"
    );
}

/// Returns the first line of a request to a service at `url`, and its headers in alphabetical order.
async fn head(url: &str) -> (String, Vec<String>) {
    let (ours, mut theirs) = duplex(1 << 16);
    let client = client_over([ours], &config(url).with_user_agent("test/1.0"));
    let ((), request) = tokio::join!(get(&client), respond_once(&mut theirs, NO_CONTENT));
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, r#"{"session_id":"1"}"#);
    let mut lines = head.lines().map(str::to_owned);
    let first = lines.next().unwrap();
    let mut rest: Vec<_> = lines.collect();
    rest.sort_unstable();
    (first, rest)
}

#[tokio::test]
async fn a_request_has_only_the_required_headers() {
    let (line, headers) = head("http://sessions.example:8080").await;
    assert_eq!(line, "POST /v1/sessions/get_session_by_id HTTP/1.1");
    let expected = [
        "accept: application/json",
        "content-length: 18",
        "content-type: application/json",
        "host: sessions.example:8080",
        "user-agent: test/1.0",
    ];
    assert_eq!(headers, expected);
}

#[tokio::test]
async fn the_host_header_omits_the_default_port() {
    for (url, host) in [
        ("http://sessions.example:80", "host: sessions.example"),
        ("http://sessions.example:443", "host: sessions.example:443"),
        ("https://sessions.example:443", "host: sessions.example"),
        ("https://sessions.example", "host: sessions.example"),
        ("http://[::1]:80", "host: [::1]"),
        ("http://[::1]:8080", "host: [::1]:8080"),
        ("http://Sessions.EXAMPLE:8080", "host: sessions.example:8080"),
    ] {
        let (_, headers) = head(url).await;
        assert!(headers.iter().any(|header| header == host), "{url}: {headers:?}");
    }
}

#[cfg(feature = "reqwest")]
#[test]
fn messages_show_the_same_origin_as_the_reqwest_transport() {
    for url in [
        "http://sessions.example:80",
        "https://Sessions.Example:443/path",
        "http://me:secret@SESSIONS.example:8080",
        "http://[0:0:0:0::1]:80",
        "https://[::FFFF]:8443",
        "http://127.0.0.1",
    ] {
        let config = ClientConfig::from_url(url).unwrap();
        let hyper = HyperTransport::new(&config).unwrap();
        let reqwest = sessions_client::ReqwestTransport::new(&config).unwrap();
        assert_eq!(hyper.origin(), reqwest.origin(), "{url}");
    }
}

#[tokio::test]
async fn the_path_and_the_credentials_of_the_address_are_sent() {
    let (line, headers) = head("http://us%65r:p%40ss@sessions.example/proxy/").await;
    assert_eq!(line, "POST /proxy/v1/sessions/get_session_by_id HTTP/1.1");
    assert!(headers.contains(&"authorization: Basic dXNlcjpwQHNz".to_owned()), "{headers:?}");
    assert!(headers.contains(&"host: sessions.example".to_owned()), "{headers:?}");
}

#[tokio::test]
async fn an_ipv6_address_is_supported() {
    let listener = TcpListener::bind("[::1]:0").await.unwrap();
    let client = client(&format!("http://{}", listener.local_addr().unwrap()));
    let serve = async { respond_once(&mut listener.accept().await.unwrap().0, NO_CONTENT).await };
    tokio::join!(get(&client), serve);
}

#[cfg(not(feature = "rustls"))]
#[test]
fn https_without_tls_is_an_error_of_the_constructor() {
    let error = HyperTransport::new(&config("https://localhost")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("enable the feature `rustls`"), "{error}");
}
