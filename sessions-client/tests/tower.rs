//! Tower services and layers as transports, and transports as tower services (`wiretrait`, with this
//! contract).

#![cfg(all(feature = "tower", feature = "tokio"))]

mod support;

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http::{Request, StatusCode, header};
use http_body_util::{Full, StreamBody};
use sessions_client::{
    Call, CallOptions, ClientConfig, Error, ErrorKind, ISessionsV1, Policies, Response, SessionsHttpClientV1,
    TowerTransport, Transport, TransportService, Value, transport_fn,
};
use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::{pending, ready};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};

const SECRET: &str = "s3cret";

type Sent = Request<Full<Bytes>>;
type Reply = http::Response<Full<Bytes>>;
type Client<T> = SessionsHttpClientV1<Value, Value, T>;

/// A configuration without pauses between attempts.
fn config(url: &str) -> ClientConfig {
    let policy = sessions_client::policy::RetryPolicy::new().with_backoff(Duration::ZERO, Duration::ZERO);
    ClientConfig::from_url(url).unwrap().with_retry_policy(policy)
}

/// A client with policies of `service` at `url`.
fn client<S>(service: S, url: &str) -> Client<Policies<TowerTransport<S>>>
where
    TowerTransport<S>: Transport,
{
    let config = config(url);
    SessionsHttpClientV1::new(Policies::new(TowerTransport::new(service, &config).unwrap(), &config))
}

fn no_content() -> Reply {
    let mut response = http::Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// A service that fails with the result of `error`.
fn failing<E: Into<BoxError>>(
    error: impl Fn(Sent) -> E + Clone + Send + Sync,
) -> impl Service<Sent, Response = Reply, Error = BoxError, Future: Send> + Clone + Send + Sync {
    service_fn(move |request| ready(Err(error(request).into())))
}

/// Returns the error of a call with secret arguments, after checking that no message contains them.
async fn error_over<S>(service: S) -> Error
where
    TowerTransport<S>: Transport,
{
    let client = client(service, "http://user:s3cret@localhost/base");
    let error = client.get_session_by_id(Some(SECRET), SECRET).await.unwrap_err();
    let mut texts = vec![error.to_string(), format!("{error:?}")];
    let mut source = error.source();
    while let Some(cause) = source {
        texts.push(cause.to_string());
        source = cause.source();
    }
    assert!(texts.iter().all(|text| !text.contains(SECRET)), "{texts:?}");
    error
}

/// An error with a source.
#[derive(Debug)]
struct Wrapped(BoxError);

impl std::fmt::Display for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a layer failed")
    }
}

impl StdError for Wrapped {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}

#[cfg(feature = "reqwest")]
mod over_the_network {
    use super::*;
    use axum::extract::Request as AxumRequest;
    use axum::middleware::map_request;
    use http::{HeaderName, HeaderValue};
    use sessions_client::ReqwestTransport;
    use sessions_service::{EmbeddedService, SessionStore};
    use tower::layer::layer_fn;
    use tower_http::set_header::SetRequestHeaderLayer;

    #[tokio::test]
    async fn every_attempt_passes_the_layers_around_reqwest() {
        let tenants = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&tenants);
        let router =
            sessions_service::router(SessionStore::new()).layer(map_request(move |request: AxumRequest| {
                kept.lock().unwrap().push(request.headers()["x-tenant"].clone());
                ready(request)
            }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });

        let attempts = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&attempts);
        // Only every third request arrives.
        let flaky = layer_fn(move |inner: TransportService<ReqwestTransport>| {
            let seen = Arc::clone(&seen);
            service_fn(move |request: Sent| {
                let attempt = request.extensions().get::<Call>().unwrap().attempt;
                seen.lock().unwrap().push(attempt);
                let inner = inner.clone();
                async move {
                    if !attempt.is_multiple_of(3) {
                        let mut response = http::Response::default();
                        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                        return Ok(response);
                    }
                    inner.oneshot(request).await
                }
            })
        });
        let tenant = HeaderName::from_static("x-tenant");
        let service = ServiceBuilder::new()
            .concurrency_limit(1)
            .layer(SetRequestHeaderLayer::overriding(tenant, HeaderValue::from_static("books")))
            .layer(flaky)
            .service(TransportService::new(ReqwestTransport::new(&config(&url)).unwrap()));
        let client = client(service, &url);
        let calls = (0..8).map(|_| client.get_session_by_id(None, "some id"));
        for found in futures_util::future::join_all(calls).await {
            assert_eq!(found.unwrap(), None);
        }
        assert_eq!(*tenants.lock().unwrap(), vec!["books"; 8]);
        let mut attempts = attempts.lock().unwrap().clone();
        attempts.sort_unstable();
        assert_eq!(attempts, [[1; 8], [2; 8], [3; 8]].concat());
    }

    #[tokio::test]
    async fn a_client_of_hyper_util_is_a_transport() {
        use hyper_util::{client::legacy, rt::TokioExecutor};

        let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
        let hyper = legacy::Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let sessions = client(hyper.clone(), &service.url());
        let opened = sessions.open_session(None, "user-1", None, None, None, None, None).await.unwrap();
        let found = sessions.get_session_by_id(None, &opened.id).await.unwrap();
        assert_eq!(found, Some(opened));

        let url = support::closed_port();
        let error = open(&client(hyper.clone(), &url)).await;
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 1), "it may have been sent");
        let begin = format!("open_session: the request to {url} failed: Connection refused");
        assert!(error.to_string().starts_with(&begin), "{error}");

        let honest = ServiceBuilder::new()
            .map_err(|error: legacy::Error| {
                let kind = if error.is_connect() { ErrorKind::Connect } else { ErrorKind::Transport };
                Error::new(kind, "the request failed").with_source(error)
            })
            .service(hyper);
        let error = open(&client(honest, &url)).await;
        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::Connect, 3),
            "the layer knows that it was not sent"
        );
    }

    async fn open<T: Transport>(client: &Client<T>) -> Error {
        client.open_session(None, "user-1", None, None, None, None, None).await.unwrap_err()
    }

    #[tokio::test]
    async fn an_axum_router_is_a_transport_below_any_path() {
        for (router, url) in [
            (sessions_service::router(SessionStore::new()), "http://localhost"),
            (
                axum::Router::new()
                    .nest_service("/apps/sessions", sessions_service::router(SessionStore::new())),
                "http://localhost:1/apps/sessions/",
            ),
        ] {
            let sessions = client(router, url);
            let opened =
                sessions.open_session(Some("a b"), "user-1", None, None, None, None, None).await.unwrap();
            assert_eq!(sessions.get_session_by_id(None, &opened.id).await.unwrap(), Some(opened));
            let error = sessions.store_session_data(None, "some id", &Value::from(1)).await;
            assert_eq!(error.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn the_call_survives_the_layers() {
    let (outer, inner) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
    let (outside, inside) = (Arc::clone(&outer), Arc::clone(&inner));
    let innermost = Arc::new(transport_fn(move |call| {
        *inside.lock().unwrap() = Some(call);
        ready(Ok(no_content().map(|_| Bytes::new())))
    }));
    let service = ServiceBuilder::new()
        .map_request(move |request: Sent| {
            *outside.lock().unwrap() = Some(request.clone());
            request
        })
        .service(TransportService::new(innermost));
    let client = client(service, "http://user:s3cret%21@sessions.test:8080/base/");
    let options = CallOptions::new().deadline(Duration::from_secs(7)).timeout(Duration::from_secs(3));
    client.with(options.clone()).get_session_by_id(Some("a b"), "some id").await.unwrap();

    let call = inner.lock().unwrap().take().unwrap();
    assert_eq!(call.route.name, "get_session_by_id");
    assert_eq!((call.options, call.attempt), (options, 1));
    assert_eq!(call.total, Some(Duration::from_secs(7)));
    assert!(call.deadline.is_some());
    assert_eq!(call.limit, Some(Duration::from_secs(3)));
    // The inner transport has its own address.
    assert_eq!(call.request.uri(), "/v1/sessions/get_session_by_id?correlation_id=a%20b");
    assert_eq!(call.request.body(), r#"{"session_id":"some id"}"#);

    let request = outer.lock().unwrap().take().unwrap();
    assert_eq!(
        request.uri(),
        "http://sessions.test:8080/base/v1/sessions/get_session_by_id?correlation_id=a%20b"
    );
    assert_eq!(request.method(), "POST");
    assert_eq!(request.headers()[header::CONTENT_TYPE], "application/json");
    // `user:s3cret!`, unescaped.
    assert_eq!(request.headers()[header::AUTHORIZATION], "Basic dXNlcjpzM2NyZXQh");
    assert!(request.headers()[header::AUTHORIZATION].is_sensitive());
    let travelling = request.extensions().get::<Call>().unwrap();
    assert_eq!(travelling.deadline, call.deadline);
    assert!(travelling.request.body().is_empty(), "the layer has the body itself");
}

#[tokio::test]
async fn changes_of_layers_to_a_request_are_sent() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&sent);
    let innermost = Arc::new(transport_fn(move |call| {
        seen.lock().unwrap().push(call.request.uri().to_string());
        ready(Ok(no_content().map(|_| Bytes::new())))
    }));
    for uri in ["http://other/base/v2/x?y=z", "http://other/basement", "http://other/base", "/elsewhere"] {
        let service = ServiceBuilder::new()
            .map_request(move |mut request: Sent| {
                *request.uri_mut() = uri.parse().unwrap();
                request
            })
            .service(TransportService::new(Arc::clone(&innermost)));
        client(service, "http://localhost/base").get_session_by_id(None, "some id").await.unwrap();
    }
    assert_eq!(*sent.lock().unwrap(), ["/v2/x?y=z", "/basement", "/base", "/elsewhere"]);
}

#[tokio::test]
async fn a_request_without_a_call_is_an_error() {
    let innermost = Arc::new(transport_fn(|_| async { unreachable!("nothing is sent") }));
    let service = TransportService::new(innermost);
    let error = service.clone().oneshot(Request::new(Full::default())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(
        error.to_string(),
        "the request has no `Call` in its extensions: send it with a client over a `TowerTransport`, and check that no layer drops the extensions"
    );

    let forgetful =
        ServiceBuilder::new().map_request(|request: Sent| Request::new(request.into_body())).service(service);
    let error = error_over(forgetful).await;
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Config, 1));
}

#[tokio::test]
async fn the_attempts_of_policies_inside_the_layers_are_counted() {
    let busy = Arc::new(transport_fn(|_| {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        ready(Ok(response))
    }));
    let config = config("http://localhost");
    let service = TransportService::new(Policies::new(busy, &config));
    let client = SessionsHttpClientV1::new(TowerTransport::new(service, &config).unwrap());
    let error = client.get_session_by_id(None, "some id").await.unwrap_err();
    assert_eq!(error.attempts(), 3);
}

#[tokio::test]
async fn a_wiretrait_error_passes_the_layers_unchanged() {
    let ours = || {
        let source = std::io::Error::other("the reason");
        Error::new(ErrorKind::Encode, "the layer says so").with_source(source)
    };
    // As the service's error type, and boxed, like by tower's timeout layer.
    let typed = service_fn(move |_: Sent| ready(Err::<Reply, _>(ours())));
    let boxed = failing(move |_| ours());
    for error in [error_over(typed).await, error_over(boxed).await] {
        assert_eq!(error.kind(), ErrorKind::Encode);
        assert_eq!(error.to_string(), "get_session_by_id: the layer says so");
        assert_eq!(error.source().unwrap().to_string(), "the reason");
    }

    // As the source of another error, it determines the kind.
    let error = error_over(failing(move |_| Wrapped(Box::new(ours())))).await;
    assert_eq!(error.kind(), ErrorKind::Encode);
}

#[tokio::test]
async fn timeouts_of_tower_and_tokio_are_timeout_errors() {
    let hanging = service_fn(|_: Sent| pending::<Result<Reply, BoxError>>());
    let error = error_over(ServiceBuilder::new().timeout(Duration::ZERO).service(hanging)).await;
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 3));
    assert_eq!(
        error.to_string(),
        "get_session_by_id: the request to http://localhost failed: request timed out (3 attempts)"
    );

    let elapsed = service_fn(|_: Sent| tokio::time::timeout(Duration::ZERO, pending::<Reply>()));
    assert_eq!(error_over(elapsed).await.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn any_other_error_is_a_transport_error_with_its_source() {
    let error = error_over(failing(|_| Wrapped("no room\nat all".into()))).await;
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert_eq!(
        error.to_string(),
        "get_session_by_id: the request to http://localhost failed: no room at all (3 attempts)"
    );
    assert!(error.source().unwrap().is::<Wrapped>());
}

#[tokio::test]
async fn an_error_that_quotes_the_request_is_not_quoted() {
    let quoting: [fn(Sent) -> String; 4] = [
        |request| format!("GET {}", request.uri()),
        |request| request.uri().query().unwrap().to_owned(),
        |request| format!("no {}", request.uri().path()),
        |request| {
            let query = request.uri().query().unwrap();
            let (_, id) = form_urlencoded::parse(query.as_bytes()).next().unwrap();
            format!("cannot send {id}")
        },
    ];
    for quote in quoting {
        for error in [
            error_over(failing(quote)).await,
            error_over(failing(move |request| Wrapped(quote(request).into()))).await,
        ] {
            assert_eq!(error.kind(), ErrorKind::Transport);
            assert_eq!(
                error.to_string(),
                "get_session_by_id: the request to http://localhost failed; the cause is hidden because it quotes arguments (3 attempts)"
            );
        }
    }
}

#[test]
fn debug_output_contains_no_credentials() {
    let transport = TowerTransport::new((), &config("https://user:s3cret@host:8443/path")).unwrap();
    assert_eq!(transport.origin(), "https://host:8443");
    let text = format!("{transport:?}");
    assert_eq!(text, r#"TowerTransport { origin: "https://host:8443", max_response_bytes: 16777216, .. }"#);
    assert_eq!(format!("{:?}", TransportService::new(SECRET)), "TransportService { .. }");
}

/// A service that becomes ready when it is opened, and only for the clone that was polled.
#[derive(Clone, Default)]
struct Gate {
    is_open: Arc<AtomicBool>,
    calls: Arc<AtomicU32>,
    was_ready: bool,
}

impl Service<Sent> for Gate {
    type Response = Reply;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.was_ready = self.is_open.load(Ordering::Relaxed);
        if self.was_ready { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn call(&mut self, _request: Sent) -> Self::Future {
        assert!(std::mem::take(&mut self.was_ready), "called before it was ready");
        self.calls.fetch_add(1, Ordering::Relaxed);
        ready(Ok(no_content()))
    }
}

#[tokio::test]
async fn a_service_is_called_only_when_it_is_ready() {
    let gate = Gate::default();
    let client =
        SessionsHttpClientV1::new(TowerTransport::new(gate.clone(), &config("http://localhost")).unwrap());
    let mut call = Box::pin(client.get_session_by_id(None, "some id"));
    assert!((&mut call).now_or_never().is_none());
    assert_eq!(gate.calls.load(Ordering::Relaxed), 0);
    gate.is_open.store(true, Ordering::Relaxed);
    assert_eq!(call.await.unwrap(), None);
    assert_eq!(client.get_session_by_id(None, "some id").await.unwrap(), None);
    assert_eq!(gate.calls.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_service_that_fails_to_become_ready_is_an_error() {
    #[derive(Clone)]
    struct Broken;
    impl Service<Sent> for Broken {
        type Response = Reply;
        type Error = BoxError;
        type Future = std::future::Ready<Result<Self::Response, BoxError>>;

        fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Err("closed".into()))
        }

        fn call(&mut self, _request: Sent) -> Self::Future {
            unreachable!("the service is not ready")
        }
    }
    let error = error_over(Broken).await;
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.to_string().contains("failed: closed"), "{error}");
}

#[tokio::test]
async fn dropping_a_call_drops_the_service_future() {
    struct Signal(Arc<AtomicBool>);
    impl Drop for Signal {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&dropped);
    let hanging = service_fn(move |_: Sent| {
        let signal = Signal(Arc::clone(&seen));
        async move {
            let _signal = signal;
            pending::<Result<Reply, Infallible>>().await
        }
    });
    let client = client(hanging, "http://localhost");
    let mut call = Box::pin(client.get_session_by_id(None, "some id"));
    assert!((&mut call).now_or_never().is_none());
    assert!(!dropped.load(Ordering::Relaxed));
    drop(call);
    assert!(dropped.load(Ordering::Relaxed));
}

/// A service whose response has `chunks` chunks of ten bytes and no announced length, and the number of
/// chunks read.
fn chunked(
    chunks: u32,
) -> (
    Arc<AtomicU32>,
    impl Service<
        Sent,
        Response = http::Response<impl http_body::Body<Error: Into<BoxError>> + Send>,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + Sync,
) {
    let taken = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&taken);
    let service = service_fn(move |_: Sent| {
        let seen = Arc::clone(&seen);
        let frames = (0..chunks).map(move |number| {
            seen.fetch_add(1, Ordering::Relaxed);
            let chunk = if number + 1 == chunks { "      null" } else { "          " };
            Ok::<_, Infallible>(http_body::Frame::data(Bytes::from(chunk)))
        });
        let trailers = Ok(http_body::Frame::trailers(http::HeaderMap::new()));
        let body = StreamBody::new(stream::iter(frames.chain([trailers])));
        ready(Ok::<_, Infallible>(http::Response::new(body)))
    });
    (taken, service)
}

#[tokio::test]
async fn a_body_of_unknown_length_is_read_up_to_the_limit() {
    let config = ClientConfig::from_url("http://localhost").unwrap().with_max_response_bytes(100);
    let (taken, service) = chunked(10);
    let client = SessionsHttpClientV1::new(TowerTransport::new(service, &config).unwrap());
    assert_eq!(client.get_session_by_id(None, "some id").await.unwrap(), None, "exactly the limit");
    assert_eq!(taken.load(Ordering::Relaxed), 10);

    let (taken, service) = chunked(1_000_000);
    let client = SessionsHttpClientV1::new(TowerTransport::new(service, &config).unwrap());
    let error = client.get_session_by_id(None, "some id").await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Decode, Some(StatusCode::OK)));
    assert_eq!(error.to_string(), "get_session_by_id: the response is larger than the limit of 100 bytes");
    assert_eq!(taken.load(Ordering::Relaxed), 11);
}

#[tokio::test]
async fn a_body_announced_over_the_limit_is_not_read() {
    struct Announced;
    impl http_body::Body for Announced {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
            unreachable!("the body is not read")
        }

        fn size_hint(&self) -> http_body::SizeHint {
            http_body::SizeHint::with_exact(16 * 1024 * 1024 + 1)
        }
    }
    let service = service_fn(|_: Sent| ready(Ok::<_, Infallible>(http::Response::new(Announced))));
    let error = error_over(service).await;
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Decode, 1));
}

#[tokio::test]
async fn a_broken_body_is_a_transport_error() {
    let service = service_fn(|_: Sent| {
        let frames: [Result<http_body::Frame<Bytes>, BoxError>; 2] =
            [Ok(http_body::Frame::data("nu".into())), Err("the peer is gone".into())];
        ready(Ok::<_, Infallible>(http::Response::new(StreamBody::new(stream::iter(frames)))))
    });
    let error = error_over(service).await;
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 3));
    assert!(error.to_string().contains("failed: the peer is gone"), "{error}");
}

#[test]
fn fallback_addresses_are_rejected_over_tower() {
    let config = config("http://localhost").with_fallback_url("http://other").unwrap();
    let error = TowerTransport::new((), &config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().starts_with("`with_fallback_url` is not supported"), "{error}");
}
