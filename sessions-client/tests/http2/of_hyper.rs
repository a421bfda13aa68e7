//! HTTP/2 over the hyper transport, whose connections are in memory where time is simulated.

use super::capture::Capture;
use super::support::frames::{
    HEADERS, NO_ERROR, PING, REFUSED_STREAM, SETTINGS, frame, go_away, next_frame, next_request, reset,
    serve_frames,
};
use super::support::network::Network;
use super::{SESSION, config, frames, h2_server, open, server as serve, session};
use bytes::Bytes;
use h2::server;
use hyper_util::rt::TokioIo;
use sessions_client::{
    Call, ClientConfig, Error, ErrorKind, HyperTransport, ISessionsV1, Policies, SessionsHttpClientV1,
    Transport as _, Value, sessions_v1,
};
use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower::service_fn;

type Client = SessionsHttpClientV1<Value, Value, Policies<HyperTransport>>;

/// A client over streams in memory, whose other ends `serve` handles by their number.
fn client_over<F: Future<Output = ()> + Send + 'static>(
    config: &ClientConfig,
    serve: impl Fn(DuplexStream, usize) -> F + Send + Sync + Clone + 'static,
) -> (Client, Arc<AtomicUsize>) {
    let opened = Arc::new(AtomicUsize::new(0));
    let counter = opened.clone();
    let connector = service_fn(move |_| {
        let (ours, theirs) = duplex(1 << 16);
        tokio::spawn(serve(theirs, counter.fetch_add(1, Ordering::SeqCst) + 1));
        ready(Ok::<_, Error>(TokioIo::new(ours)))
    });
    let transport = HyperTransport::with_connector(connector, config).unwrap();
    (SessionsHttpClientV1::new(Policies::new(transport, config)), opened)
}

/// A client whose first connection responds to one request, and then to nothing, not even a ping.
fn client_of_silent_connection(config: &ClientConfig) -> (Client, Arc<AtomicUsize>) {
    client_over(config, |mut stream, connection| async move {
        let (mut relay, served) = duplex(1 << 16);
        tokio::spawn(serve_frames(served, session));
        if connection > 1 {
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut relay).await;
            return;
        }
        let one_call = tokio::io::copy_bidirectional(&mut stream, &mut relay);
        assert!(tokio::time::timeout(Duration::from_secs(1), one_call).await.is_err());
        pending::<()>().await;
    })
}

async fn get(client: &Client) -> Result<(), Error> {
    client.get_session_by_id(None, "1").await.map(|session| assert_eq!(session.unwrap().id, "1"))
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_found_while_a_call_waits() {
    let (client, opened) = client_of_silent_connection(&config("http://localhost"));
    get(&client).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = tokio::time::Instant::now();
    get(&client).await.unwrap();
    assert!((5..=7).contains(&before.elapsed().as_secs()), "{:?}", before.elapsed());
    assert_eq!(opened.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_costs_one_call() {
    let config = config("http://localhost").with_timeout(Duration::from_secs(2));
    let (client, opened) = client_of_silent_connection(&config);
    open(&client).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(open(&client).await.unwrap_err().kind(), ErrorKind::Timeout);
    for _ in 0..8 {
        open(&client).await.unwrap();
    }
    assert_eq!(opened.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_responds_to_pings_is_kept_for_slow_calls() {
    let config = config("http://localhost").with_timeout(Duration::from_secs(25)).with_retries(0);
    let (client, opened) = client_over(&config, |stream, _| {
        serve_frames(stream, |stream| if stream == 1 { Vec::new() } else { session(stream) })
    });
    let error = open(&client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    open(&client).await.unwrap();
    assert_eq!(opened.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_after_the_timeout() {
    let (closed, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let (client, opened) = client_over(&config("http://localhost"), move |stream, connection| {
        let closed = closed.clone();
        async move {
            serve_frames(stream, session).await;
            let _ = closed.send(connection);
        }
    });
    open(&client).await.unwrap();
    let before = tokio::time::Instant::now();
    assert_eq!(ends.recv().await, Some(1));
    assert!((3..=8).contains(&before.elapsed().as_secs()), "{:?}", before.elapsed());
    open(&client).await.unwrap();
    assert_eq!(opened.load(Ordering::SeqCst), 2);
    drop(client);
    assert_eq!(ends.recv().await, Some(2));
}

/// A call each second, all of which are over when the task of the connection looks at them.
#[tokio::test(start_paused = true)]
async fn a_connection_in_use_is_not_closed_as_idle() {
    let config = config("http://localhost").with_max_connection_age(Duration::MAX);
    let (client, opened) = client_over(&config, |stream, _| serve_frames(stream, session));
    for _ in 0..60 {
        open(&client).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1300)).await;
    }
    assert_eq!(opened.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn an_old_connection_is_replaced_while_calls_continue() {
    let config = config("http://localhost").with_max_connection_age(Duration::from_secs(60));
    let (client, opened) = client_over(&config, |stream, _| serve_frames(stream, session));
    for _ in 0..100 {
        open(&client).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(opened.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn concurrent_calls_without_a_connection_fail_in_time() {
    let config = config("http://localhost").with_retries(0);
    let connector = service_fn(|_| pending::<Result<TokioIo<DuplexStream>, Error>>());
    let transport = HyperTransport::with_connector(connector, &config).unwrap();
    let client: Client = SessionsHttpClientV1::new(Policies::new(transport, &config));
    let mut calls = JoinSet::new();
    for _ in 0..20 {
        let client = client.clone();
        calls.spawn(async move { open(&client).await.unwrap_err().kind() });
    }
    assert_eq!(calls.join_all().await, [ErrorKind::Connect; 20]);
}

/// Starts `count` calls at once.
fn calls(client: &Client, count: usize) -> JoinSet<Result<(), ErrorKind>> {
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let client = client.clone();
        calls.spawn(async move { open(&client).await.map(drop).map_err(|error| error.kind()) });
    }
    calls
}

#[tokio::test(start_paused = true)]
async fn waiting_calls_get_the_error_of_the_connection() {
    // A call that waited by itself would not fail before its timeout.
    let config = config("http://localhost").with_retries(0).with_timeout(Duration::from_millis(5500));
    let connector = service_fn(|_| pending::<Result<TokioIo<DuplexStream>, Error>>());
    let transport = HyperTransport::with_connector(connector, &config).unwrap();
    let client: Client = SessionsHttpClientV1::new(Policies::new(transport, &config));
    assert_eq!(calls(&client, 20).join_all().await, [Err(ErrorKind::Connect); 20]);
}

/// A client whose connections are open after three seconds.
fn client_of_slow_connections(config: &ClientConfig) -> (Client, Arc<AtomicUsize>) {
    client_over(config, |stream, _| async move {
        tokio::time::sleep(Duration::from_secs(3)).await;
        serve_frames(stream, session).await;
    })
}

#[tokio::test(start_paused = true)]
async fn calls_share_a_connection_that_takes_seconds_to_open() {
    let (client, opened) = client_of_slow_connections(&config("http://localhost"));
    assert_eq!(calls(&client, 20).join_all().await, [Ok(()); 20]);
    assert_eq!(opened.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_leaves_the_connection_that_it_opens() {
    let (client, opened) = client_of_slow_connections(&config("http://localhost"));
    assert!(tokio::time::timeout(Duration::from_secs(2), open(&client)).await.is_err());
    open(&client).await.unwrap();
    assert_eq!(opened.load(Ordering::SeqCst), 1);
}

#[test]
fn a_runtime_does_not_wait_for_the_connection_of_another() {
    let (config, runtimes) = (config("http://localhost"), Arc::new(AtomicUsize::new(0)));
    let (first_waits, waiting) = std::sync::mpsc::channel();
    let connector = service_fn(move |_| {
        let is_first = runtimes.fetch_add(1, Ordering::SeqCst) == 0;
        let (ours, theirs) = duplex(1 << 16);
        tokio::spawn(serve_frames(theirs, session));
        let first_waits = first_waits.clone();
        async move {
            if is_first {
                first_waits.send(()).unwrap();
                pending::<()>().await;
            }
            Ok::<_, Error>(TokioIo::new(ours))
        }
    });
    let transport = HyperTransport::with_connector(connector, &config).unwrap();
    let client: Client = SessionsHttpClientV1::new(Policies::new(transport, &config));
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let other = client.clone();
    let _waiting = first.spawn(async move { open(&other).await });
    waiting.recv().unwrap();
    let in_time =
        second.block_on(async move { tokio::time::timeout(Duration::from_secs(3), open(&client)).await });
    in_time.expect("the call does not wait").unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_accepts_no_requests_gets_one_connection() {
    let config = config("http://localhost").with_retries(0).with_timeout(Duration::from_secs(2));
    let (client, opened) = client_over(&config, |stream, _| async move {
        let handshake = server::Builder::new().max_concurrent_streams(0).handshake::<_, Bytes>(stream);
        let mut requests = handshake.await.unwrap();
        while requests.accept().await.is_some() {}
    });
    for _ in 0..3 {
        assert_eq!(calls(&client, 5).join_all().await, [Err(ErrorKind::Timeout); 5]);
    }
    assert_eq!(opened.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_settings_is_a_connect_error() {
    let config = config("http://localhost").with_retries(0);
    let (client, _) = client_over(&config, |stream, _| async move {
        let _stream = stream;
        pending::<()>().await;
    });
    let error = open(&client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    let why = "no HTTP/2 settings of the service in time; the service may be overloaded, or its port may be for another protocol";
    assert!(error.to_string().contains(why), "{error}");
}

/// A server in another thread, which ends each connection with `end` on demand, while the thread of the client's
/// runtime is busy.
struct ClosingServer {
    url: String,
    close: tokio::sync::mpsc::UnboundedSender<()>,
    closed: std::sync::mpsc::Receiver<()>,
}

impl ClosingServer {
    fn start<F: Future<Output = ()>>(end: impl Fn(TcpStream) -> F + Send + 'static) -> Self {
        let (listens, address) = std::sync::mpsc::channel();
        let (close, mut demands) = tokio::sync::mpsc::unbounded_channel::<()>();
        let (ended, closed) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                listens.send(listener.local_addr().unwrap()).unwrap();
                for _ in 0..3 {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    stream.set_nodelay(true).unwrap();
                    tokio::select! {
                        () = serve_frames(&mut stream, session) => panic!("the client has closed it"),
                        _ = demands.recv() => {}
                    }
                    end(stream).await;
                    ended.send(()).unwrap();
                }
            });
        });
        Self { url: format!("http://{}", address.recv().unwrap()), close, closed }
    }

    /// Closes the connection, and returns when it is closed.
    fn close(&self) {
        self.close.send(()).unwrap();
        self.closed.recv().unwrap();
    }
}

#[tokio::test]
async fn a_call_is_sent_again_if_its_connection_had_been_closed() {
    let server = ClosingServer::start(|stream| async { drop(stream) });
    let client = HyperTransport::client(&config(&server.url).with_retries(0));
    for call in 0..3 {
        let opened = open(&client).await;
        assert_eq!(opened.unwrap_or_else(|error| panic!("{call}: {error}")).id, "1");
        let used_at = std::time::Instant::now();
        server.close();
        // A connection that was just used is not tested.
        while used_at.elapsed() < Duration::from_millis(12) {
            std::hint::spin_loop();
        }
    }
}

/// The calls begin together, before any of them has noticed the end of the connection.
#[tokio::test]
async fn concurrent_calls_notice_that_their_connection_had_been_closed() {
    let server = ClosingServer::start(|stream| async { drop(stream) });
    let client = HyperTransport::client(&config(&server.url).with_retries(0));
    for _ in 0..3 {
        assert_eq!(calls(&client, 8).join_all().await, [Ok(()); 8]);
        let used_at = std::time::Instant::now();
        server.close();
        while used_at.elapsed() < Duration::from_millis(12) {
            std::hint::spin_loop();
        }
    }
}

/// The request cannot be written, and the announcement is not read yet.
#[tokio::test]
async fn the_announced_end_of_a_connection_is_read_after_a_failed_write() {
    let server = ClosingServer::start(|mut stream| async move {
        stream.write_all(&go_away(1, NO_ERROR)).await.unwrap();
        stream.set_zero_linger().unwrap();
    });
    let client = HyperTransport::client(&config(&server.url).with_retries(0));
    for call in 0..3 {
        let opened = open(&client).await;
        assert_eq!(opened.unwrap_or_else(|error| panic!("{call}: {error}")).id, "1");
        server.close();
    }
}

#[tokio::test]
async fn an_attempt_that_was_not_processed_has_its_own_span() {
    let (url, _) = frames(|connection, stream| match connection {
        1 => go_away(0, NO_ERROR),
        _ => session(stream),
    })
    .await;
    let client = HyperTransport::client(&config(&url).with_retries(0));
    let (capture, _guard) = Capture::begin();
    open(&client).await.unwrap();
    let attempts = capture.spans("attempt");
    let field = |name: &str| attempts.iter().map(|it| it.field(name).to_owned()).collect::<Vec<_>>();
    assert_eq!(field("wiretrait.unprocessed"), ["true", ""]);
    assert_eq!(field("error.type"), ["transport", ""]);
    assert_eq!(field("http.request.resend_count"), ["", "1"]);
    assert_eq!(capture.spans("call")[0].field("wiretrait.attempts"), "2");
    let [event] = &capture.events()[..] else { panic!("{:?}", capture.events()) };
    assert_eq!((event.field("error.type"), event.field("pause")), ("transport", ""));
    assert_eq!(event.field("reason"), "Excluded");
}

#[tokio::test]
async fn a_request_that_http2_forbids_is_an_invalid_request() {
    let (url, requests) = frames(|_, stream| session(stream)).await;
    let config = config(&url);
    let transport = Policies::new(HyperTransport::new(&config).unwrap(), &config);
    let mut request = sessions_client::Request::default();
    *request.uri_mut() = http::Uri::from_static("/v1/sessions/get_sessions");
    request.headers_mut().insert(http::header::TE, http::HeaderValue::from_static("gzip"));
    let error = transport.send(Call::new(sessions_v1::ROUTES[0], request)).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), error.is_retryable()), (ErrorKind::Encode, 1, false));
    assert_eq!(requests.load(Ordering::SeqCst), 0);
}

/// A call whose first attempt was not processed has no retry, and the last attempt is the only one with an effect.
#[tokio::test]
async fn attempts_that_were_sent_again_at_once_are_not_retries() {
    let (url, _) = frames(|connection, stream| match connection {
        1 => go_away(0, NO_ERROR),
        _ => frame(HEADERS, 5, stream, &[0x8e]),
    })
    .await;
    let error = open(&HyperTransport::client(&config(&url))).await.unwrap_err();
    assert_eq!((error.attempts(), error.retries()), (2, 0), "{error}");
    let (url, _) = frames(|_, stream| reset(stream, REFUSED_STREAM)).await;
    let error = open(&HyperTransport::client(&config(&url))).await.unwrap_err();
    assert_eq!((error.attempts(), error.retries()), (4, 2), "{error}");
}

/// The service contradicts itself: it has begun to respond, and says that it has not processed the request.
#[tokio::test]
async fn a_call_with_a_part_of_its_response_is_not_sent_again() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    let url = serve(move |mut stream, _| {
        let requests = counted.clone();
        async move {
            stream.read_exact(&mut [0; 24]).await.unwrap();
            stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
            let id = next_request(&mut stream).await.unwrap();
            requests.fetch_add(1, Ordering::SeqCst);
            let begin = [frame(HEADERS, 4, id, &[0x88]), frame(PING, 0, 0, &[0; 8])].concat();
            stream.write_all(&begin).await.unwrap();
            // With its acknowledgement of the ping, the client has the head of the response.
            while next_frame(&mut stream).await.unwrap().kind != PING {}
            stream.write_all(&go_away(0, NO_ERROR)).await.unwrap();
            while next_frame(&mut stream).await.is_some() {}
        }
    })
    .await;
    let client = HyperTransport::client(&config(&url));
    let opened = tokio::spawn(async move { open(&client).await });
    let error = opened.await.unwrap().unwrap_err();
    assert!(error.to_string().ends_with("has ended it during the response (NO_ERROR)"), "{error}");
    assert_eq!((error.attempts(), requests.load(Ordering::SeqCst)), (1, 1), "{error}");
}

#[tokio::test]
async fn no_connection_has_more_requests_than_the_service_accepts() {
    let (url, mut received) = h2_server(2).await;
    let client = HyperTransport::client(&config(&url));
    let mut calls = JoinSet::new();
    for _ in 0..6 {
        let client = client.clone();
        calls.spawn(async move { open(&client).await.unwrap() });
    }
    let mut connections = Vec::new();
    let mut all = Vec::new();
    while all.len() < 6 {
        let received = received.recv().await.unwrap();
        connections.push(received.connection);
        all.push(received);
    }
    connections.sort_unstable();
    assert_eq!(connections, [1, 1, 2, 2, 3, 3]);
    for received in all {
        received.respond(SESSION);
    }
    calls.join_all().await;
}
