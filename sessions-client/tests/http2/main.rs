//! HTTP/2 over each network transport of `wiretrait`, with servers of h2 and servers that write frames themselves.

#![cfg(all(feature = "http2", feature = "rustls", any(feature = "hyper", feature = "reqwest")))]

#[path = "../support/capture.rs"]
mod capture;
#[cfg(feature = "hyper")]
mod of_hyper;
#[macro_use]
#[path = "../support/mod.rs"]
mod support;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::{self, SendResponse};
use http::{Request, Response, Version};
use sessions_client::auth::{Token, TokenProvider};
use sessions_client::policy::RetryPolicy;
use sessions_client::{ClientConfig, Error, ErrorKind, HttpVersion, ISessionsV1, Policies, SessionV1, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::frames::{
    DATA, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, INTERNAL_ERROR, NO_ERROR, PING, REFUSED_STREAM, SETTINGS,
    WINDOW_UPDATE, frame, go_away, headers, next_frame, reset, serve_frames,
};
use support::network::Network;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use wiretrait::{ResponseValue, http_api};

const SESSION: &str = r#"{"id":"1","active":true,"open_time":"2026-11-23T02:10:20.820Z","request_time":"2026-11-23T02:10:20.820Z"}"#;

fn config(url: &str) -> ClientConfig {
    ClientConfig::from_url(url)
        .unwrap()
        .with_http_version(HttpVersion::Http2)
        .with_retry_policy(RetryPolicy::new().with_backoff(Duration::ZERO, Duration::ZERO))
}

async fn open(client: &impl ISessionsV1) -> Result<SessionV1, Error> {
    client.open_session(None, "user-1", None, None, None, None, None).await
}

/// Starts a server that handles each connection with `serve`, which gets its number.
async fn server<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream, usize) -> F + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for connection in 1.. {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(serve(stream, connection));
        }
    });
    url
}

/// A request with its body, and the number of its connection.
struct Received {
    connection: usize,
    request: Request<Vec<u8>>,
    response: SendResponse<Bytes>,
}

impl Received {
    fn respond(mut self, body: impl Into<Bytes>) {
        let response = Response::builder().status(200).body(()).unwrap();
        let mut sender = self.response.send_response(response, false).unwrap();
        sender.send_data(body.into(), true).unwrap();
    }
}

/// Starts a server of h2 that accepts `max` requests at a time on each connection.
async fn h2_server(max: u32) -> (String, UnboundedReceiver<Received>) {
    let (sender, received) = unbounded_channel();
    let url = server(move |stream, connection| {
        let sender = sender.clone();
        async move {
            let mut requests =
                server::Builder::new().max_concurrent_streams(max).handshake(stream).await.unwrap();
            while let Some(Ok((request, response))) = requests.accept().await {
                let sender = sender.clone();
                tokio::spawn(async move {
                    let (head, body) = request.into_parts();
                    let request = Request::from_parts(head, read(body).await);
                    let _ = sender.send(Received { connection, request, response });
                });
            }
        }
    })
    .await;
    (url, received)
}

async fn read(mut body: RecvStream) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(Ok(data)) = body.data().await {
        body.flow_control().release_capacity(data.len()).unwrap();
        whole.extend_from_slice(&data);
    }
    whole
}

/// Returns the response with a session, whose status is the entry 8 of the static table.
fn session(stream: u32) -> Vec<u8> {
    [frame(HEADERS, 4, stream, &[0x88]), frame(DATA, 1, stream, SESSION.as_bytes())].concat()
}

/// Starts a server that responds to each request with the frames that `respond` returns for the number of the
/// connection and the stream.
async fn frames(respond: fn(usize, u32) -> Vec<u8>) -> (String, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    let url = server(move |stream, connection| {
        let requests = counted.clone();
        serve_frames(stream, move |stream| {
            requests.fetch_add(1, Ordering::SeqCst);
            respond(connection, stream)
        })
    })
    .await;
    (url, requests)
}

async fn all_calls_share_a_connection<T: Network>() {
    let (url, mut received) = h2_server(1000).await;
    let client = T::client(&config(&url));
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let client = client.clone();
        calls.spawn(async move { open(&client).await.unwrap().id });
    }
    let mut all = Vec::new();
    while all.len() < 50 {
        all.push(received.recv().await.unwrap());
    }
    for received in all {
        assert_eq!(received.connection, 1);
        assert_eq!(received.request.version(), Version::HTTP_2);
        received.respond(SESSION);
    }
    assert_eq!(calls.join_all().await.len(), 50);
}

async fn a_request_has_the_headers_of_http2<T: Network>() {
    let (url, mut received) = h2_server(10).await;
    let client = T::client(&config(&url.replace("http://", "http://me:secret@")));
    let respond = async {
        let received = received.recv().await.unwrap();
        let request = &received.request;
        let (uri, headers) = (request.uri().to_string(), request.headers());
        assert_eq!(uri, format!("{url}/v1/sessions/open_session"));
        assert_eq!(headers["authorization"], "Basic bWU6c2VjcmV0");
        assert_eq!(headers["content-length"], request.body().len().to_string().as_str());
        assert_eq!(headers["content-type"], "application/json");
        assert!(!headers.contains_key("host"), "{headers:?}");
        received.respond(SESSION);
    };
    let (opened, ()) = tokio::join!(open(&client), respond);
    assert_eq!(opened.unwrap().id, "1");
}

async fn large_bodies_are_sent_and_read<T: Network>() {
    let (url, mut received) = h2_server(10).await;
    let client = T::client(&config(&url));
    let data = Value::String("x".repeat(3 << 20));
    let respond = async {
        let received = received.recv().await.unwrap();
        assert!(received.request.body().len() > 3 << 20);
        let data = "y".repeat(9 << 20);
        received.respond(SESSION.replace("\"active\"", &format!("\"data\":\"{data}\",\"active\"")));
    };
    let (stored, ()) = tokio::join!(client.store_session_data(None, "1", &data), respond);
    assert_eq!(stored.unwrap().unwrap().data.unwrap().as_str().unwrap().len(), 9 << 20);
    let config = config(&url).with_max_response_bytes(1000);
    let client = T::client(&config);
    let respond = async { received.recv().await.unwrap().respond("x".repeat(100_000)) };
    let (opened, ()) = tokio::join!(open(&client), respond);
    assert_eq!(
        opened.unwrap_err().to_string(),
        "open_session: the response is larger than the limit of 1000 bytes"
    );
}

/// As a gateway rejects a request: with a response, and the end of the stream without an error, before it has read the body.
async fn a_response_before_the_end_of_the_request_is_read<T: Network>() {
    for (status, is_reset) in [(413, true), (413, false), (429, true)] {
        let url = server(move |stream, _| rejecting(stream, status, is_reset)).await;
        let client = T::client(&config(&url).with_retries(0).with_timeout(Duration::from_secs(5)));
        let data = Value::String("x".repeat(1 << 20));
        for call in 0..2 {
            let error = client.store_session_data(None, "1", &data).await.unwrap_err();
            let read = error.status().map(|status| status.as_u16());
            assert_eq!(
                (error.kind(), read),
                (ErrorKind::Service, Some(status)),
                "{call}, {is_reset}: {error}"
            );
            assert_eq!(error.attempts(), 1, "{error}");
        }
    }
}

/// Responds to the first bytes of each body, of which no more can be sent than the initial window of a stream.
async fn rejecting(mut stream: TcpStream, status: u16, is_reset: bool) {
    stream.read_exact(&mut [0; 24]).await.unwrap();
    stream.write_all(&[frame(SETTINGS, 0, 0, &[]), large_window()].concat()).await.unwrap();
    let mut rejected = 0;
    while let Some(received) = next_frame(&mut stream).await {
        let response = match received.kind {
            SETTINGS if received.flags & 1 == 0 => frame(SETTINGS, 1, 0, &[]),
            PING if received.flags & 1 == 0 => frame(PING, 1, 0, &received.payload),
            DATA if received.stream > rejected => {
                rejected = received.stream;
                let response = headers(rejected, END_STREAM, &[(":status", &status.to_string())]);
                if is_reset { [response, reset(rejected, NO_ERROR)].concat() } else { response }
            }
            _ => continue,
        };
        if stream.write_all(&response).await.is_err() {
            return;
        }
    }
}

/// Returns the frame that lets a client send as much over a connection as HTTP/2 allows.
fn large_window() -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0, 0])
}

/// Provides another token with each fetch.
struct Counter(AtomicUsize);

impl TokenProvider for Counter {
    async fn fetch(&self) -> Result<Token, Error> {
        Token::new(format!("token-{}", self.0.fetch_add(1, Ordering::SeqCst)))
    }
}

async fn a_token_that_is_rejected_before_the_end_of_the_request_is_replaced<T: Network>() {
    let rejected = Arc::new(AtomicUsize::new(0));
    let url = server(move |mut stream, _| {
        let rejected = rejected.clone();
        async move {
            stream.read_exact(&mut [0; 24]).await.unwrap();
            let windows = frame(SETTINGS, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff]);
            stream.write_all(&[windows, large_window()].concat()).await.unwrap();
            let mut first = None;
            while let Some(received) = next_frame(&mut stream).await {
                let response = match received.kind {
                    SETTINGS if received.flags & 1 == 0 => frame(SETTINGS, 1, 0, &[]),
                    PING if received.flags & 1 == 0 => frame(PING, 1, 0, &received.payload),
                    HEADERS if rejected.fetch_add(1, Ordering::SeqCst) == 0 => {
                        first = Some(received.stream);
                        let response = headers(received.stream, END_STREAM, &[(":status", "401")]);
                        [response, reset(received.stream, NO_ERROR)].concat()
                    }
                    DATA if received.flags & END_STREAM != 0 && first != Some(received.stream) => {
                        session(received.stream)
                    }
                    _ => continue,
                };
                stream.write_all(&response).await.unwrap();
            }
        }
    })
    .await;
    let config = config(&url).with_retries(0);
    let client = T::client(&config.with_token_provider(Counter(AtomicUsize::new(0))));
    let data = Value::String("x".repeat(1 << 20));
    for _ in 0..2 {
        assert_eq!(client.store_session_data(None, "1", &data).await.unwrap().unwrap().id, "1");
    }
}

async fn a_cancelled_call_does_not_affect_the_others<T: Network>() {
    let (url, mut received) = h2_server(10).await;
    let client = T::client(&config(&url));
    let mut cancelled = Box::pin(open(&client));
    let first = tokio::select! {
        biased;
        _ = &mut cancelled => panic!("there is no response yet"),
        first = received.recv() => first.unwrap(),
    };
    let other = client.clone();
    let other = tokio::spawn(async move { open(&other).await });
    let second = received.recv().await.unwrap();
    drop(cancelled);
    second.respond(SESSION);
    assert_eq!(other.await.unwrap().unwrap().id, "1");
    drop(first);
    let respond = async {
        let third = received.recv().await.unwrap();
        assert_eq!(third.connection, 1);
        third.respond(SESSION);
    };
    let (opened, ()) = tokio::join!(open(&client), respond);
    assert_eq!(opened.unwrap().id, "1");
}

/// A rolling restart: each connection processes one request, and announces its end when the next one arrives.
async fn a_request_after_the_last_processed_one_is_sent_again<T: Network>() {
    let gracefully = |_, stream| match stream {
        1 => session(1),
        _ => go_away(1, NO_ERROR),
    };
    let calming = |_, stream| match stream {
        1 => session(1),
        _ => go_away(1, ENHANCE_YOUR_CALM),
    };
    for (url, _) in [frames(gracefully).await, frames(calming).await] {
        let client = T::client(&config(&url));
        for call in 0..8 {
            let opened = open(&client).await;
            assert_eq!(opened.unwrap_or_else(|error| panic!("{call}: {error}")).id, "1");
        }
    }
}

async fn a_refused_request_is_sent_again<T: Network>() {
    let (url, requests) =
        frames(
            |connection, stream| {
                if (connection, stream) == (1, 1) { reset(1, REFUSED_STREAM) } else { session(stream) }
            },
        )
        .await;
    let client = T::client(&config(&url));
    assert_eq!(open(&client).await.unwrap().id, "1");
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

/// A gateway that ends each connection after ten requests, while forty wait for their responses.
async fn calls_that_a_connection_leaves_behind_are_sent_again_at_once<T: Network>() {
    let (url, requests) = frames(|_, stream| match stream {
        ..=19 => session(stream),
        21 => go_away(19, NO_ERROR),
        _ => Vec::new(),
    })
    .await;
    // A call is not retried, and one that paused would not end in time.
    let policy = RetryPolicy::new().with_retries(0).with_backoff(Duration::MAX, Duration::MAX);
    let client = T::client(&config(&url).with_retry_policy(policy));
    let mut calls = JoinSet::new();
    for _ in 0..40 {
        let client = client.clone();
        calls.spawn(async move { open(&client).await.unwrap().id });
    }
    assert_eq!(calls.join_all().await, ["1"; 40]);
    assert!(requests.load(Ordering::SeqCst) >= 40 + 3);
}

async fn a_written_call_is_sent_again_at_once_three_times_at_most<T: Network>() {
    let (url, requests) = frames(|_, _| go_away(0, NO_ERROR)).await;
    let error = open(&T::client(&config(&url).with_retries(0))).await.unwrap_err();
    assert_eq!((error.kind(), error.is_unprocessed()), (ErrorKind::Transport, true));
    assert_eq!((error.attempts(), requests.load(Ordering::SeqCst)), (4, 4), "{error}");
    // Two retries, for which the budget suffices.
    let policy = RetryPolicy::new().with_backoff(Duration::ZERO, Duration::ZERO).with_budget(10, 5, 0);
    let client = T::client(&config(&url).with_retry_policy(policy));
    let error = open(&client).await.unwrap_err();
    assert_eq!((error.attempts(), requests.load(Ordering::SeqCst)), (6, 10), "{error}");
    let error = open(&client).await.unwrap_err();
    assert_eq!(
        (error.attempts(), requests.load(Ordering::SeqCst)),
        (4, 14),
        "the budget is used up: {error}"
    );
}

/// A service that refuses streams may be overloaded, so that further attempts pause.
async fn a_refused_request_is_sent_again_at_once_only_once<T: Network>() {
    let (url, requests) = frames(|_, stream| reset(stream, REFUSED_STREAM)).await;
    let error = open(&T::client(&config(&url).with_retries(0))).await.unwrap_err();
    assert_eq!((error.kind(), error.is_unprocessed()), (ErrorKind::Transport, true));
    assert_eq!((error.attempts(), requests.load(Ordering::SeqCst)), (2, 2), "{error}");
    let error = open(&T::client(&config(&url).with_retries(2))).await.unwrap_err();
    assert_eq!((error.attempts(), requests.load(Ordering::SeqCst)), (4, 6), "{error}");
}

async fn a_service_that_demands_fewer_requests_gets_no_other_at_once<T: Network>() {
    let (url, requests) = frames(|_, _| go_away(0, ENHANCE_YOUR_CALM)).await;
    let error = open(&T::client(&config(&url).with_retries(0))).await.unwrap_err();
    assert_eq!((error.kind(), error.is_unprocessed()), (ErrorKind::Transport, true));
    assert_eq!((error.attempts(), requests.load(Ordering::SeqCst)), (1, 1), "{error}");
}

/// The service contradicts itself: it has begun to respond, and says that it has not processed the request.
async fn a_call_whose_response_has_begun_is_not_sent_again<T: Network>() {
    for end in [
        (|_, stream| [frame(HEADERS, 4, stream, &[0x88]), reset(stream, REFUSED_STREAM)].concat())
            as fn(usize, u32) -> Vec<u8>,
        |_, stream| [frame(HEADERS, 4, stream, &[0x88]), go_away(0, INTERNAL_ERROR)].concat(),
    ] {
        let (url, requests) = frames(end).await;
        let error = open(&T::client(&config(&url))).await.unwrap_err();
        assert!(error.to_string().contains("has ended it during the response"), "{error}");
        assert_eq!((error.attempts(), requests.load(Ordering::SeqCst)), (1, 1), "{error}");
        assert!(!error.is_unprocessed());
    }
}

async fn a_reset_request_is_a_transport_error<T: Network>() {
    let (url, requests) = frames(|_, stream| reset(stream, INTERNAL_ERROR)).await;
    let error = open(&T::client(&config(&url))).await.unwrap_err();
    assert_eq!((error.kind(), error.is_unprocessed()), (ErrorKind::Transport, false));
    assert_eq!(
        error.to_string(),
        format!(
            "open_session: the connection to {url} failed: the service has reset the request (INTERNAL_ERROR)"
        )
    );
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

async fn a_demand_for_http1_is_a_protocol_error<T: Network>() {
    let (url, _) = frames(|_, stream| reset(stream, 13)).await;
    let error = open(&T::client(&config(&url))).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Protocol, 1));
    assert!(error.to_string().ends_with("choose `HttpVersion::Http1`"), "{error}");
}

async fn invalid_frames_are_a_protocol_error<T: Network>() {
    for respond in [
        // An unknown entry of the table, data before the head, and an end before the announced length.
        (|_, stream| frame(HEADERS, 5, stream, &[0xff, 0xff, 0x7f])) as fn(usize, u32) -> Vec<u8>,
        |_, stream| frame(DATA, 1, stream, b"null"),
        |_, stream| {
            let head = [&[0x88, 0x0f, 0x0d, 3][..], b"100"].concat();
            [frame(HEADERS, 4, stream, &head), frame(DATA, 1, stream, b"null")].concat()
        },
        |_, stream| frame(HEADERS, 5, stream, b""),
    ] {
        let (url, requests) = frames(respond).await;
        let error = open(&T::client(&config(&url))).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Protocol, 1), "{error}");
        assert!(error.to_string().contains("is not valid HTTP/2"), "{error}");
        assert_eq!(requests.load(Ordering::SeqCst), 1);
    }
}

#[http_api(client = FilesClient, module = files, client_only)]
trait Files {
    #[head("/file")]
    async fn measure(&self) -> wiretrait::Result<ResponseValue<()>>;

    #[get("/file", none = 304)]
    async fn changed(&self) -> wiretrait::Result<ResponseValue<Option<String>>>;
}

/// Returns a response without a body, whose last frame is that of the headers or an empty DATA frame.
fn announcing(stream: u32, status: &str, has_data: bool) -> Vec<u8> {
    let announced = [(":status", status), ("content-length", "20000000")];
    if has_data {
        [headers(stream, 0, &announced), frame(DATA, END_STREAM, stream, &[])].concat()
    } else {
        headers(stream, END_STREAM, &announced)
    }
}

async fn an_announced_size_without_a_body_is_not_limited<T: Network>() {
    let (url, _) = frames(|_, stream| announcing(stream, "200", stream > 1)).await;
    let config = config(&url);
    let client = FilesClient::new(Policies::new(T::over(&config), &config));
    for _ in 0..2 {
        assert_eq!(client.measure().await.unwrap().header("content-length"), Some("20000000"));
    }
    let (url, _) = frames(|_, stream| announcing(stream, "304", false)).await;
    let config = ClientConfig::from_url(&url).unwrap().with_http_version(HttpVersion::Http2);
    let client = FilesClient::new(Policies::new(T::over(&config), &config));
    assert_eq!(client.changed().await.unwrap().into_inner(), None);
}

async fn a_service_without_http2_is_reported<T: Network>() {
    for response in
        ["HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "220 ESMTP ready\r\n"]
    {
        let url = server(move |mut stream, _| async move {
            stream.read_exact(&mut [0; 24]).await.unwrap();
            stream.write_all(response.as_bytes()).await.unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
        .await;
        let error = open(&T::client(&config(&url))).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Protocol, 1), "{error}");
        assert!(error.to_string().contains("the service may speak HTTP/1.1 only"), "{error}");
    }
}

async fn a_client_of_http1_reports_what_the_service_speaks<T: Network>() {
    let (url, _received) = h2_server(10).await;
    let error = open(&T::client(&config(&url).with_http_version(HttpVersion::Http1))).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Protocol, 1), "{error}");
    assert!(error.to_string().contains("HTTP/2 only (`HttpVersion::Http2`)"), "{error}");
}

async fn a_closed_connection_is_replaced<T: Network>() {
    let url = server(|stream, _| async move {
        let mut requests = server::handshake(stream).await.unwrap();
        let (_, response) = requests.accept().await.unwrap().unwrap();
        let mut response = response;
        let head = Response::builder().status(204).body(()).unwrap();
        response.send_response(head, true).unwrap();
        requests.graceful_shutdown();
        while requests.accept().await.is_some() {}
    })
    .await;
    let client = T::client(&config(&url));
    for _ in 0..8 {
        assert_eq!(client.get_session_by_id(None, "1").await.unwrap(), None);
    }
}

/// The connections end in the middle of the load, as those of a proxy do that is restarted.
async fn no_call_fails_while_connections_end<T: Network>() {
    let url = server(|stream, _| async move {
        let mut requests = server::handshake(stream).await.unwrap();
        let mut count = 0;
        while let Some(Ok((request, mut response))) = requests.accept().await {
            tokio::spawn(async move {
                read(request.into_body()).await;
                let head = Response::builder().status(200).body(()).unwrap();
                let mut sender = response.send_response(head, false).unwrap();
                sender.send_data(SESSION.into(), true).unwrap();
            });
            count += 1;
            if count == 10 {
                requests.graceful_shutdown();
            }
        }
    })
    .await;
    let client = T::client(&config(&url));
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let client = client.clone();
        tasks.spawn(async move {
            for _ in 0..25 {
                assert_eq!(open(&client).await.unwrap().id, "1");
            }
        });
    }
    tasks.join_all().await;
}

async fn many_headers_are_read<T: Network>() {
    let url = server(|stream, _| async move {
        let mut requests = server::handshake(stream).await.unwrap();
        while let Some(Ok((_, mut response))) = requests.accept().await {
            let head = (0..1000).fold(Response::builder().status(200), |head, number| {
                head.header(format!("x-header-{number}"), "1")
            });
            let mut sender = response.send_response(head.body(()).unwrap(), false).unwrap();
            sender.send_data(SESSION.into(), true).unwrap();
        }
    })
    .await;
    assert_eq!(open(&T::client(&config(&url))).await.unwrap().id, "1");
}

async fn http2_is_negotiated_over_tls<T: Network>() {
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use sessions_client::{Pem, TlsConfig};

    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let mut tls = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    tls.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let url = server(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            let protocol = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
            if protocol.as_deref() == Some(b"h2") {
                return serve_frames(stream, session).await;
            }
            assert_eq!(protocol.as_deref(), Some(&b"http/1.1"[..]));
            while support::read_request(&mut stream).await.is_some() {
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            }
        }
    })
    .await;
    let url = url.replace("http://127.0.0.1", "https://localhost");
    let config = config(&url).with_tls(TlsConfig::new().with_ca(Pem::content(cert.pem())));
    let session = T::client(&config).get_session_by_id(None, "1").await.unwrap();
    assert_eq!(session.unwrap().id, "1");
    // The feature does not change clients that have not chosen HTTP/2.
    let config = config.with_http_version(HttpVersion::Http1);
    assert_eq!(T::client(&config).get_session_by_id(None, "1").await.unwrap(), None);
}

/// Runs `call` in a new runtime, which ends then.
fn in_a_new_runtime<F: Future<Output = ()>>(call: F) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(call);
}

/// Starts a server in another thread, which responds with the frames that `respond` returns.
fn server_in_a_thread(respond: fn(usize, u32) -> Vec<u8>) -> (String, Arc<AtomicUsize>) {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        in_a_new_runtime(async move {
            sender.send(frames(respond).await).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receiver.recv().unwrap()
}

fn a_client_serves_many_runtimes<T: Network>() {
    let (url, _) = server_in_a_thread(|_, stream| session(stream));
    let client = T::client(&config(&url).with_retries(0));
    let calls = || {
        for _ in 0..20 {
            in_a_new_runtime(async {
                for _ in 0..2 {
                    assert_eq!(open(&client).await.unwrap().id, "1");
                }
            });
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(calls))));
}

fn a_stopped_runtime_does_not_block_a_client<T: Network>() {
    let (url, _) = server_in_a_thread(|_, stream| session(stream));
    let client = T::client(&config(&url).with_retries(0));
    let build = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (stopped, running) = (build(), build());
    stopped.block_on(open(&client)).unwrap();
    let call = running.block_on(async { tokio::time::timeout(Duration::from_secs(5), open(&client)).await });
    call.expect("the call waits for the other runtime").unwrap();
    stopped.block_on(open(&client)).unwrap();
}

/// Calls wait for their responses, and for a slot of the limit.
fn a_runtime_that_is_shut_down_does_not_block_a_client<T: Network>() {
    let (url, requests) =
        server_in_a_thread(|connection, stream| if connection == 1 { Vec::new() } else { session(stream) });
    let client = T::client(&config(&url).with_retries(0).with_concurrency_limit(2));
    let first = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for _ in 0..3 {
        let client = client.clone();
        first.spawn(async move { open(&client).await });
    }
    while requests.load(Ordering::SeqCst) < 2 {
        std::thread::yield_now();
    }
    first.shutdown_background();
    in_a_new_runtime(async {
        let call = tokio::time::timeout(Duration::from_secs(5), open(&client)).await;
        assert_eq!(call.expect("the call waits for the other runtime").unwrap().id, "1");
    });
}

/// Generates tests that start runtimes themselves.
macro_rules! over_each_network_without_a_runtime {
    ($($test:ident)*) => {
        #[cfg(feature = "hyper")]
        mod many_runtimes_over_hyper {
            $(#[test]
            fn $test() {
                super::$test::<sessions_client::HyperTransport>();
            })*
        }

        #[cfg(feature = "reqwest")]
        mod many_runtimes_over_reqwest {
            $(#[test]
            fn $test() {
                super::$test::<sessions_client::ReqwestTransport>();
            })*
        }
    };
}

over_each_network_without_a_runtime! {
    a_client_serves_many_runtimes
    a_stopped_runtime_does_not_block_a_client
    a_runtime_that_is_shut_down_does_not_block_a_client
}

over_each_network! {
    a_client_of_http1_reports_what_the_service_speaks
    http2_is_negotiated_over_tls
    no_call_fails_while_connections_end
    many_headers_are_read
    all_calls_share_a_connection
    a_response_before_the_end_of_the_request_is_read
    a_token_that_is_rejected_before_the_end_of_the_request_is_replaced
    a_request_has_the_headers_of_http2
    large_bodies_are_sent_and_read
    an_announced_size_without_a_body_is_not_limited
    a_cancelled_call_does_not_affect_the_others
    a_request_after_the_last_processed_one_is_sent_again
    a_refused_request_is_sent_again
    calls_that_a_connection_leaves_behind_are_sent_again_at_once
    a_written_call_is_sent_again_at_once_three_times_at_most
    a_refused_request_is_sent_again_at_once_only_once
    a_service_that_demands_fewer_requests_gets_no_other_at_once
    a_call_whose_response_has_begun_is_not_sent_again
    a_reset_request_is_a_transport_error
    a_demand_for_http1_is_a_protocol_error
    invalid_frames_are_a_protocol_error
    a_service_without_http2_is_reported
    a_closed_connection_is_replaced
}
