//! The life of connections: idle time, greatest age, several addresses, several runtimes.

#![cfg(any(feature = "hyper", feature = "reqwest"))]

#[macro_use]
mod support;

use sessions_client::policy::RetryPolicy;
use sessions_client::{CallOptions, ClientConfig, Error, ErrorKind, ISessionsV1};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::network::Network;
use support::{closed_port, read_request};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::{JoinHandle, JoinSet};

const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// A service that responds to everything with `response`.
struct Service {
    url: String,
    /// The number of the connection of each request, and its text.
    requests: UnboundedReceiver<(usize, String)>,
    accepting: JoinHandle<()>,
}

impl Service {
    fn start(response: impl Into<String>) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), response)
    }

    fn at(address: SocketAddr, response: impl Into<String>) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        Self::over(socket, response)
    }

    fn over(socket: TcpSocket, response: impl Into<String>) -> Self {
        let listener = socket.listen(64).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let response: Arc<str> = response.into().into();
        let (sender, requests) = unbounded_channel();
        let accepting = tokio::spawn(async move {
            for connection in 1.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (sender, response) = (sender.clone(), response.clone());
                tokio::spawn(async move {
                    while let Some(request) = read_request(&mut stream).await {
                        let _ = sender.send((connection, request));
                        stream.write_all(response.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        Self { url, requests, accepting }
    }

    fn address(&self) -> SocketAddr {
        self.url.strip_prefix("http://").unwrap().parse().unwrap()
    }

    /// Stops to accept connections. Those that are open are served.
    async fn stop_accepting(&mut self) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
    }

    /// Returns the connections of the requests so far.
    fn connections(&mut self) -> Vec<usize> {
        let received = std::iter::from_fn(|| self.requests.try_recv().ok());
        received.map(|(connection, _)| connection).collect()
    }
}

fn config(url: &str) -> ClientConfig {
    ClientConfig::from_url(url)
        .unwrap()
        .with_retry_policy(RetryPolicy::new().with_backoff(Duration::ZERO, Duration::ZERO))
}

async fn get(client: &impl ISessionsV1) {
    assert_eq!(client.get_session_by_id(None, "1").await.unwrap(), None);
}

/// Advances the clock of the client by `time`.
async fn pass(time: Duration) {
    // reqwest returns its connection to the pool in another task.
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

async fn a_keep_alive_timeout_shortens_the_idle_time<T: Network>() {
    let millis = Duration::from_millis;
    for (header, kept, expired) in [
        ("Keep-Alive: timeout=1", 300, 600),
        ("Keep-Alive: timeout=2", 800, 1_100),
        ("keep-alive: max=9, timeout = \"3\"", 1_800, 2_100),
        ("Keep-Alive: timeout=60\r\nKeep-Alive: timeout=3", 1_800, 2_100),
        ("Keep-Alive: timeout=60", 3_800, 4_100),
        ("Keep-Alive: soon", 3_800, 4_100),
        ("X: y", 3_800, 4_100),
    ] {
        assert_eq!(idle_connections::<T>(header, millis(kept)).await, 1, "{header} after {kept} ms");
        assert_eq!(idle_connections::<T>(header, millis(expired)).await, 2, "{header} after {expired} ms");
    }
}

/// Returns the number of connections of a call before a pause of `idle` and one after it.
async fn idle_connections<T: Network>(keep_alive: &str, idle: Duration) -> usize {
    let mut service = Service::start(format!("HTTP/1.1 204 No Content\r\n{keep_alive}\r\n\r\n"));
    let client = T::client(&config(&service.url).with_max_connection_age(Duration::MAX));
    // Over reqwest, a response shortens the idle time of the connections that follow.
    get(&client).await;
    service.connections();
    get(&client).await;
    pass(idle).await;
    get(&client).await;
    service.connections().into_iter().collect::<BTreeSet<_>>().len()
}

async fn a_keep_alive_timeout_of_zero_closes_the_connection<T: Network>() {
    let mut service = Service::start("HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=0\r\n\r\n");
    let client = T::client(&config(&service.url));
    for _ in 0..3 {
        get(&client).await;
    }
    assert_eq!(service.connections(), [1, 2, 3]);
}

/// A gateway that is drained announces it once.
async fn a_single_keep_alive_timeout_of_zero_does_not_last<T: Network>() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, mut connections) = unbounded_channel();
    tokio::spawn(async move {
        for connection in 1.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let sender = sender.clone();
            tokio::spawn(async move {
                while read_request(&mut stream).await.is_some() {
                    let _ = sender.send(connection);
                    let header = if connection == 1 { "Keep-Alive: timeout=0\r\n" } else { "" };
                    let response = format!("HTTP/1.1 204 No Content\r\n{header}\r\n");
                    stream.write_all(response.as_bytes()).await.unwrap();
                }
            });
        }
    });
    let client = T::client(&config(&url));
    get(&client).await;
    pass(Duration::from_secs(61)).await;
    // Over reqwest, the client without a pool is replaced at its greatest age.
    get(&client).await;
    pass(Duration::from_secs(61)).await;
    while connections.try_recv().is_ok() {}
    get(&client).await;
    get(&client).await;
    assert_eq!(connections.recv().await, connections.recv().await);
}

async fn an_idle_connection_is_closed_when_its_keep_alive_ends<T: Network>() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = T::client(&config(&format!("http://{}", listener.local_addr().unwrap())));
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=1\r\n\r\n").await.unwrap();
        stream
    };
    let (mut stream, ()) = tokio::join!(serve, get(&client));
    if T::NAME == "reqwest" {
        // The client behind the transport is replaced at the next call.
        let second = async { serve_once(&listener).await };
        tokio::join!(second, get(&client));
    }
    let closed = tokio::time::timeout(Duration::from_secs(3), read_request(&mut stream));
    assert_eq!(closed.await.expect("the connection is still open"), None);
}

async fn serve_once(listener: &TcpListener) {
    let (mut stream, _) = listener.accept().await.unwrap();
    read_request(&mut stream).await.unwrap();
    stream.write_all(NO_CONTENT.as_bytes()).await.unwrap();
}

async fn a_busy_connection_is_replaced_at_its_greatest_age<T: Network>() {
    let mut service = Service::start(NO_CONTENT);
    let client = T::client(&config(&service.url));
    for _ in 0..70 {
        get(&client).await;
        pass(Duration::from_secs(1)).await;
    }
    let connections = service.connections();
    let replaced = connections.iter().position(|connection| *connection == 2).unwrap();
    assert!((48..=61).contains(&replaced), "after {replaced} s");
    assert_eq!(connections.into_iter().max(), Some(2));
}

async fn clients_that_started_together_reconnect_at_different_times<T: Network>() {
    let mut ages = BTreeSet::new();
    for _ in 0..8 {
        let mut service = Service::start(NO_CONTENT);
        let client = T::client(&config(&service.url).with_max_connection_age(Duration::from_secs(1_000)));
        let mut age = 0;
        while !service.connections().contains(&2) {
            get(&client).await;
            pass(Duration::from_secs(3)).await;
            age += 3;
        }
        assert!((797..=1_006).contains(&age), "after {age} s");
        ages.insert(age);
    }
    assert!(ages.len() > 2, "{ages:?}");
}

async fn a_connection_without_a_greatest_age_is_used_for_days<T: Network>() {
    let mut service = Service::start(NO_CONTENT);
    let config = config(&service.url).with_max_connection_age(Duration::MAX);
    let client = T::client(&config.with_pool_idle_timeout(Duration::MAX));
    for _ in 0..3 {
        get(&client).await;
        pass(Duration::from_secs(100_000)).await;
    }
    assert_eq!(service.connections(), [1, 1, 1]);
}

async fn a_service_that_moves_is_followed_by_a_busy_client<T: Network>() {
    let mut old = Service::start(NO_CONTENT);
    let client = T::client(&config(&old.url));
    get(&client).await;
    // The name leads elsewhere now, but the open connection is still served.
    old.stop_accepting().await;
    let mut new = Service::at(old.address(), NO_CONTENT);
    let mut age = 0;
    while new.connections().is_empty() {
        pass(Duration::from_secs(1)).await;
        get(&client).await;
        age += 1;
        assert!(age <= 61, "still on the old connection after {age} s");
    }
    assert!(age >= 48, "a new connection after {age} s");
    old.connections();
    get(&client).await;
    assert_eq!(old.connections(), [0; 0]);
}

async fn calls_in_progress_finish_on_a_connection_that_is_too_old<T: Network>() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = T::client(&config(&url).with_timeout(Duration::MAX).with_deadline(Duration::MAX));
    let first = client.clone();
    let first = tokio::spawn(async move { get(&first).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    read_request(&mut stream).await.unwrap();
    pass(Duration::from_secs(100)).await;
    let (second, ()) = tokio::join!(get(&client), serve_once(&listener));
    let () = second;
    stream.write_all(NO_CONTENT.as_bytes()).await.unwrap();
    first.await.unwrap();
}

async fn a_fallback_is_used_while_the_first_address_is_down<T: Network>() {
    let mut second = Service::start(NO_CONTENT);
    let config = config(&closed_port()).with_retries(0).with_fallback_url(&second.url).unwrap();
    let client = T::client(&config);
    for _ in 0..3 {
        client
            .open_session(None, "1", None, None, None, None, None)
            .await
            .map_err(|error| {
                // It was sent: the response is 204.
                assert_eq!((error.kind(), error.attempts()), (ErrorKind::Decode, 1));
            })
            .unwrap_err();
    }
    assert_eq!(second.connections(), [1, 1, 1]);
}

async fn each_address_has_its_path_and_credentials<T: Network>() {
    let mut second = Service::start(NO_CONTENT);
    let first = closed_port().replace("http://", "http://a:b@") + "/first";
    let fallback = second.url.replace("http://", "http://c:d@") + "/second/";
    let client = T::client(&config(&first).with_fallback_url(&fallback).unwrap());
    get(&client).await;
    let (_, request) = second.requests.recv().await.unwrap();
    let lower = request.to_lowercase();
    assert!(request.starts_with("POST /second/v1/sessions/get_session_by_id "), "{request}");
    assert!(lower.contains(&format!("host: {}\r\n", second.address())), "{request}");
    // "c:d"
    assert!(request.contains("Basic Yzpk\r\n") && !request.contains("YTpi"), "{request}");
}

async fn an_error_names_all_addresses_without_credentials<T: Network>() {
    let urls = [closed_port(), closed_port(), closed_port()];
    let secret = |url: &str| url.replace("http://", "http://user:s3cret@");
    let mut config = config(&secret(&urls[0]));
    for url in &urls[1..] {
        config = config.with_fallback_url(&secret(url)).unwrap();
    }
    let client = T::client(&config.with_retries(1));
    let error: Error = client.get_session_by_id(None, "1").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Connect, 2));
    let message = error.to_string();
    for url in urls {
        assert!(message.contains(&format!("cannot connect to {url}: ")), "{message}");
    }
    assert!(!format!("{message}{error:?}{client:?}").contains("s3cret"));
}

async fn the_first_address_is_tried_again_after_a_while<T: Network>() {
    let mut second = Service::start(NO_CONTENT);
    let first = closed_port_to_open();
    let url = format!("http://{}", first.local_addr().unwrap());
    let client = T::client(&config(&url).with_fallback_url(&second.url).unwrap());
    get(&client).await;
    let mut first = Service::over(first, NO_CONTENT);
    pass(Duration::from_secs(29)).await;
    get(&client).await;
    assert_eq!((first.connections().len(), second.connections().len()), (0, 2));
    pass(Duration::from_secs(2)).await;
    get(&client).await;
    get(&client).await;
    assert_eq!((first.connections().len(), second.connections().len()), (2, 0));
}

/// Returns a socket that refuses connections until it listens.
fn closed_port_to_open() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

async fn a_fallback_that_goes_down_leads_back_to_the_first_address<T: Network>() {
    let mut second = Service::start("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    let first = closed_port_to_open();
    let url = format!("http://{}", first.local_addr().unwrap());
    let client = T::client(&config(&url).with_retries(0).with_fallback_url(&second.url).unwrap());
    get(&client).await;
    let mut first = Service::over(first, NO_CONTENT);
    second.stop_accepting().await;
    get(&client).await;
    get(&client).await;
    assert_eq!((first.connections().len(), second.connections().len()), (2, 1));
}

/// An address that drops packets, because its backlog is full.
struct Dead {
    url: String,
    _listener: TcpListener,
    _filling: JoinSet<std::io::Result<TcpStream>>,
}

impl Dead {
    async fn start() -> Self {
        let socket = closed_port_to_open();
        let address = socket.local_addr().unwrap();
        let listener = socket.listen(0).unwrap();
        let mut filling = JoinSet::new();
        for _ in 0..4 {
            filling.spawn(TcpStream::connect(address));
        }
        let _open = filling.join_next().await;
        Self { url: format!("http://{address}"), _listener: listener, _filling: filling }
    }
}

async fn an_address_that_does_not_respond_leaves_time_for_the_next<T: Network>() {
    let (first, mut second) = (Dead::start().await, Service::start(NO_CONTENT));
    let config = config(&first.url).with_timeout(Duration::from_secs(1)).with_retries(0);
    let client = T::client(&config.with_fallback_url(&second.url).unwrap());
    get(&client).await;
    assert_eq!(second.connections(), [1]);
}

async fn a_short_call_reaches_the_last_of_three_addresses<T: Network>() {
    for limit in [
        CallOptions::new().timeout(Duration::from_millis(800)),
        CallOptions::new().deadline(Duration::from_millis(800)),
    ] {
        let (first, second) = (Dead::start().await, Dead::start().await);
        let mut third = Service::start(NO_CONTENT);
        let config = config(&first.url).with_retries(0).with_fallback_url(&second.url).unwrap();
        let client = T::client(&config.with_fallback_url(&third.url).unwrap());
        get(&client.with(limit)).await;
        assert_eq!(third.connections(), [1]);
    }
}

/// The program itself gives up before the address does.
async fn an_address_that_a_given_up_call_waited_for_is_left<T: Network>() {
    let (first, mut second) = (Dead::start().await, Service::start(NO_CONTENT));
    let client = T::client(&config(&first.url).with_fallback_url(&second.url).unwrap());
    let limit = Duration::from_millis(300);
    assert!(tokio::time::timeout(limit, get(&client)).await.is_err());
    tokio::time::timeout(limit, get(&client)).await.unwrap();
    assert_eq!(second.connections(), [1]);
}

async fn a_cancelled_call_does_not_leave_an_address<T: Network>() {
    let (first, mut second) = (Dead::start().await, Service::start(NO_CONTENT));
    let client = T::client(&config(&first.url).with_fallback_url(&second.url).unwrap());
    for _ in 0..3 {
        assert!(tokio::time::timeout(Duration::from_millis(10), get(&client)).await.is_err());
    }
    assert!(second.connections().is_empty());
}

async fn an_error_response_is_not_a_reason_for_a_fallback<T: Network>() {
    let mut first = Service::start("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    let mut second = Service::start(NO_CONTENT);
    let client = T::client(&config(&first.url).with_fallback_url(&second.url).unwrap());
    let error = client.get_session_by_id(None, "1").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Service, 3));
    assert_eq!((first.connections().len(), second.connections().len()), (3, 0));
}

over_each_network! {
    a_keep_alive_timeout_shortens_the_idle_time
    a_keep_alive_timeout_of_zero_closes_the_connection
    a_single_keep_alive_timeout_of_zero_does_not_last
    an_idle_connection_is_closed_when_its_keep_alive_ends
    a_busy_connection_is_replaced_at_its_greatest_age
    clients_that_started_together_reconnect_at_different_times
    a_connection_without_a_greatest_age_is_used_for_days
    a_service_that_moves_is_followed_by_a_busy_client
    calls_in_progress_finish_on_a_connection_that_is_too_old
    a_fallback_is_used_while_the_first_address_is_down
    each_address_has_its_path_and_credentials
    an_error_names_all_addresses_without_credentials
    the_first_address_is_tried_again_after_a_while
    a_fallback_that_goes_down_leads_back_to_the_first_address
    an_address_that_does_not_respond_leaves_time_for_the_next
    a_short_call_reaches_the_last_of_three_addresses
    an_address_that_a_given_up_call_waited_for_is_left
    a_cancelled_call_does_not_leave_an_address
    an_error_response_is_not_a_reason_for_a_fallback
}

/// Runs `call` in a new runtime, which ends then.
fn in_a_new_runtime<F: Future<Output = ()>>(call: F) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(call);
}

/// Starts a service on another thread.
fn service_on_a_thread() -> String {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        in_a_new_runtime(async move {
            let service = Service::start(NO_CONTENT);
            sender.send(service.url.clone()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receiver.recv().unwrap()
}

fn shared_by_many_runtimes<T: Network>() {
    let client = T::client(&config(&service_on_a_thread()).with_retries(0));
    let failures = Arc::new(Mutex::new(Vec::new()));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (client, failures) = (client.clone(), failures.clone());
            std::thread::spawn(move || {
                for _ in 0..25 {
                    in_a_new_runtime(async {
                        for _ in 0..2 {
                            if let Err(error) = client.get_session_by_id(None, "1").await {
                                failures.lock().unwrap().push(error.to_string());
                            }
                        }
                    });
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(*failures.lock().unwrap(), [""; 0]);
}

fn shared_with_a_runtime_that_does_not_run<T: Network>() {
    let client = T::client(&config(&service_on_a_thread()).with_retries(0));
    let build = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (stopped, running) = (build(), build());
    stopped.block_on(get(&client));
    running.block_on(async {
        let call = tokio::time::timeout(Duration::from_secs(5), get(&client));
        call.await.expect("the call waits for the other runtime");
    });
    stopped.block_on(get(&client));
}

/// Returns the URL of a service that reads requests and never responds, and the requests.
fn silent_service_on_a_thread() -> (String, std::sync::mpsc::Receiver<String>) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let (arrived, arrivals) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        in_a_new_runtime(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(format!("http://{}", listener.local_addr().unwrap())).unwrap();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let arrived = arrived.clone();
                tokio::spawn(async move {
                    if let Some(request) = read_request(&mut stream).await {
                        let _ = arrived.send(request);
                    }
                    std::future::pending::<()>().await;
                });
            }
        });
    });
    (receiver.recv().unwrap(), arrivals)
}

/// A runtime is shut down while calls wait for their responses and for a connection of a full limit.
fn shared_with_a_runtime_that_is_shut_down<T: Network>() {
    let (url, arrivals) = silent_service_on_a_thread();
    let limited = config(&url).with_retries(0).with_concurrency_limit(2);
    let client = T::client(&limited);
    let first = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for id in ["1", "2", "3"] {
        let client = client.clone();
        first.spawn(async move { client.get_session_by_id(None, id).await });
    }
    (0..2).for_each(|_| drop(arrivals.recv().unwrap()));
    first.shutdown_background();
    in_a_new_runtime(async {
        let call = tokio::spawn(async move { client.get_session_by_id(None, "next").await });
        let arrived = move || {
            let until = Duration::from_secs(8);
            std::iter::from_fn(|| arrivals.recv_timeout(until).ok()).any(|request| request.contains("next"))
        };
        assert!(tokio::task::spawn_blocking(arrived).await.unwrap(), "the call waits for the other runtime");
        call.abort();
    });
}

/// Generates tests that start their own runtimes.
macro_rules! without_a_runtime {
    ($($test:ident: $function:ident<$transport:ident> if $feature:literal)*) => {
        $(#[cfg(feature = $feature)]
        #[test]
        fn $test() {
            $function::<sessions_client::$transport>();
        })*
    };
}

without_a_runtime! {
    a_reqwest_client_serves_many_runtimes: shared_by_many_runtimes<ReqwestTransport> if "reqwest"
    a_hyper_client_serves_many_runtimes: shared_by_many_runtimes<HyperTransport> if "hyper"
    a_runtime_that_is_shut_down_does_not_block_a_reqwest_client: shared_with_a_runtime_that_is_shut_down<ReqwestTransport> if "reqwest"
    a_runtime_that_is_shut_down_does_not_block_a_hyper_client: shared_with_a_runtime_that_is_shut_down<HyperTransport> if "hyper"
    a_stopped_runtime_does_not_block_a_reqwest_client: shared_with_a_runtime_that_does_not_run<ReqwestTransport> if "reqwest"
    a_stopped_runtime_does_not_block_a_hyper_client: shared_with_a_runtime_that_does_not_run<HyperTransport> if "hyper"
}
