//! gRPC and commandable gRPC: the requests that a server receives, and every fault of a server or of its connections.
//!
//! Each test makes its calls over both protocols. The tests of `sessions-service` and `snapshots` make them to services.

#![cfg(feature = "grpc")]

use bytes::{BufMut, Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, server};
use http::{HeaderMap, HeaderValue, Request, Response};
use pip_services::grpc::{ErrorDescription, InvokeReply, InvokeRequest};
use prost::Message;
use serde_json::{Value, json};
use sessions_client::auth::{Token, TokenProvider};
use sessions_client::grpc::messages::{
    self, Session, SessionObjectReply, SessionOpenRequest, SessionPage, SessionPageReply, SessionPageRequest,
    SessionPayloadRequest,
};
use sessions_client::http::HeaderName;
use sessions_client::policy::RetryPolicy;
use sessions_client::{
    CallOptions, ClientConfig, ClientKind, CorrelationPlace, DynISessionsV1, Error, ErrorKind, FilterParams,
    ISessionsV1, PagingParams, Result, SessionV1, SessionsClientFactory, SessionsCommandableGrpcClientV1,
    SessionsGrpcClientV1, SessionsGrpcTransportV1, Transport as _, WithOptions,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const KINDS: [ClientKind; 2] = [ClientKind::Grpc, ClientKind::CommandableGrpc];

const SESSION: &str = r#"{"id":"1","active":true,"open_time":"2026-11-23T02:10:20.820Z","request_time":"2026-11-23T02:10:20.820Z"}"#;

/// The reaction of a server to a call.
enum Reaction {
    /// A message, and the status OK.
    Message(Vec<u8>),
    /// An unchanged body, with these trailers.
    Body(Vec<u8>, HeaderMap),
    /// A status without a message, with further metadata.
    Status(u16, &'static str, Vec<(&'static str, &'static str)>),
    /// A response of HTTP that is not gRPC.
    Http(u16, &'static str),
    Reset(Reason),
    Silence,
}

/// A request that a server has received.
struct Received {
    path: String,
    headers: HeaderMap,
    message: Bytes,
}

/// A server with a reaction to the n-th call, beginning with 1.
struct Server {
    url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    async fn start(reaction: impl Fn(usize, &Received) -> Reaction + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let (log, reaction) = (received.clone(), Arc::new(reaction));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (log, reaction) = (log.clone(), reaction.clone());
                tokio::spawn(async move {
                    let Ok(mut requests) = server::handshake(stream).await else { return };
                    let mut silent = Vec::new();
                    while let Some(Ok((request, mut response))) = requests.accept().await {
                        let request = received_from(request, &mut requests).await;
                        let number = log.lock().unwrap().len() + 1;
                        let reaction = reaction(number, &request);
                        log.lock().unwrap().push(request);
                        if matches!(reaction, Reaction::Silence) {
                            silent.push(response);
                        } else {
                            respond(&mut response, reaction);
                        }
                    }
                });
            }
        });
        Self { url, received }
    }

    /// Starts a server whose every call succeeds with a session.
    async fn good() -> Self {
        Self::start(|_, request| good(&request.path)).await
    }

    fn calls(&self) -> usize {
        self.received.lock().unwrap().len()
    }

    /// Returns the message of the n-th call, beginning with 0.
    fn message<M: Message + Default>(&self, number: usize) -> M {
        M::decode(self.received.lock().unwrap()[number].message.clone()).unwrap()
    }

    fn header(&self, number: usize, name: &str) -> Option<String> {
        let received = self.received.lock().unwrap();
        received[number].headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    }
}

async fn received_from(
    request: Request<RecvStream>,
    connection: &mut server::Connection<tokio::net::TcpStream, Bytes>,
) -> Received {
    let (head, mut body) = request.into_parts();
    let mut frame = BytesMut::new();
    loop {
        // The connection has to be polled for the body to arrive.
        let data = tokio::select! {
            data = body.data() => data,
            _ = std::future::poll_fn(|context| connection.poll_closed(context)) => None,
        };
        let Some(Ok(data)) = data else { break };
        body.flow_control().release_capacity(data.len()).unwrap();
        frame.extend_from_slice(&data);
    }
    let message = frame.freeze();
    assert_eq!(message[0], 0, "messages are not compressed");
    assert_eq!(u32::from_be_bytes(message[1..5].try_into().unwrap()) as usize, message.len() - 5);
    Received { path: head.uri.path().to_owned(), headers: head.headers, message: message.slice(5..) }
}

fn respond(response: &mut SendResponse<Bytes>, reaction: Reaction) {
    let head = || Response::builder().status(200).header("content-type", "application/grpc");
    match reaction {
        Reaction::Message(message) => {
            let trailers =
                HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from(0))]);
            respond(response, Reaction::Body(frame(0, &message), trailers));
        }
        Reaction::Body(body, trailers) => {
            let mut sender = response.send_response(head().body(()).unwrap(), false).unwrap();
            sender.send_data(body.into(), false).unwrap();
            sender.send_trailers(trailers).unwrap();
        }
        Reaction::Status(status, message, metadata) => {
            let mut head = head().header("grpc-status", status).header("grpc-message", message);
            for (name, value) in metadata {
                head = head.header(name, value);
            }
            response.send_response(head.body(()).unwrap(), true).unwrap();
        }
        Reaction::Http(status, body) => {
            let head = Response::builder().status(status).header("content-type", "text/html");
            let mut sender = response.send_response(head.body(()).unwrap(), false).unwrap();
            sender.send_data(Bytes::from_static(body.as_bytes()), true).unwrap();
        }
        Reaction::Reset(reason) => response.send_reset(reason),
        Reaction::Silence => {}
    }
}

fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let mut body = vec![flag];
    body.put_u32(u32::try_from(message.len()).unwrap());
    body.extend_from_slice(message);
    body
}

/// Returns the message of a call that returns a session.
fn good(path: &str) -> Reaction {
    Reaction::Message(if path.starts_with("/commandable") {
        InvokeReply { result_json: SESSION.into(), ..InvokeReply::default() }.encode_to_vec()
    } else {
        SessionObjectReply { error: None, session: Some(session()) }.encode_to_vec()
    })
}

fn session() -> Session {
    let time = "2026-11-23T02:10:20.820Z".to_owned();
    Session {
        id: "1".to_owned(),
        active: true,
        open_time: time.clone(),
        request_time: time,
        ..Session::default()
    }
}

type Client = Arc<dyn DynISessionsV1>;

fn config(url: &str) -> ClientConfig {
    let policy = RetryPolicy::new().with_backoff(Duration::ZERO, Duration::ZERO);
    ClientConfig::from_url(url).unwrap().with_retry_policy(policy)
}

fn client(kind: ClientKind, config: &ClientConfig) -> Client {
    SessionsClientFactory::new().create(kind, config).unwrap()
}

async fn open(client: &Client) -> Result<SessionV1> {
    client.open_session(Some("id-7"), "user-1", None, None, None, None, None).await
}

async fn get(client: &Client) -> Result<Option<SessionV1>> {
    client.get_session_by_id(None, "1").await
}

/// Returns the errors of `get` over both protocols with a server, and the numbers of calls that it received.
async fn errors(reaction: fn() -> Reaction) -> Vec<(Error, usize)> {
    let mut errors = Vec::new();
    for kind in KINDS {
        let server = Server::start(move |_, _| reaction()).await;
        let error = get(&client(kind, &config(&server.url))).await.unwrap_err();
        errors.push((error, server.calls()));
    }
    errors
}

#[tokio::test]
async fn a_call_becomes_the_message_of_its_operation() {
    let server = Server::good().await;
    let sessions = client(ClientKind::Grpc, &config(&server.url));
    let (user, cart) = (json!({ "name": "Änn" }), json!([1.50, "a"]));
    sessions
        .open_session(Some("id-7"), "user-1", Some("Ann"), None, Some("test"), Some(&user), Some(&cart))
        .await
        .unwrap();
    sessions.store_session_data(None, "1", &cart).await.unwrap();
    sessions.update_session_user(None, "2", &user).await.unwrap();
    let request: SessionOpenRequest = server.message(0);
    let expected = SessionOpenRequest {
        correlation_id: "id-7".to_owned(),
        user_id: "user-1".to_owned(),
        user_name: "Ann".to_owned(),
        address: String::new(),
        client: "test".to_owned(),
        user: r#"{"name":"Änn"}"#.to_owned(),
        data: r#"[1.5,"a"]"#.to_owned(),
    };
    assert_eq!(request, expected);
    let payload = |session_id: &str, payload: &str| SessionPayloadRequest {
        correlation_id: String::new(),
        session_id: session_id.to_owned(),
        payload: payload.to_owned(),
    };
    assert_eq!(server.message::<SessionPayloadRequest>(1), payload("1", r#"[1.5,"a"]"#));
    assert_eq!(server.message::<SessionPayloadRequest>(2), payload("2", r#"{"name":"Änn"}"#));
    let paths: Vec<String> = server.received.lock().unwrap().iter().map(|call| call.path.clone()).collect();
    let names = ["open_session", "store_session_data", "update_session_user"];
    assert_eq!(paths, names.map(|name| format!("/sessions_v1.Sessions/{name}")));
}

#[tokio::test]
async fn a_page_has_a_total_only_if_it_was_asked_for() {
    let server = Server::start(|_, _| {
        let page = SessionPage { total: 7, data: vec![session()] };
        Reaction::Message(SessionPageReply { error: None, page: Some(page) }.encode_to_vec())
    })
    .await;
    let sessions = client(ClientKind::Grpc, &config(&server.url));
    let filter = FilterParams::new().user_id("user-1").set("none", None);
    let paging = PagingParams::new().skip(3).take(5).total(true);
    let counted = sessions.get_sessions(None, Some(&filter), Some(&paging)).await.unwrap();
    let all = sessions.get_sessions(None, None, None).await.unwrap();
    assert_eq!((counted.total, counted.data.len(), all.total), (Some(7), 1, None));
    let request: SessionPageRequest = server.message(0);
    assert_eq!(request.filter.into_iter().collect::<Vec<_>>(), [("user_id".to_owned(), "user-1".to_owned())]);
    assert_eq!(request.paging, Some(messages::Paging { skip: 3, take: 5, total: true }));
    assert_eq!(server.message::<SessionPageRequest>(1), SessionPageRequest::default());
}

#[tokio::test]
async fn a_command_is_invoked_with_the_body_of_the_http_request() {
    let server = Server::good().await;
    let base = sessions_client::BaseRoute::new("tenant%207/sessions").unwrap();
    for config in [config(&server.url), config(&server.url).with_base_route(base)] {
        open(&client(ClientKind::CommandableGrpc, &config)).await.unwrap();
    }
    let request: InvokeRequest = server.message(0);
    let arguments: Value = serde_json::from_slice(&request.args_json).unwrap();
    assert_eq!((&*request.method, &*request.correlation_id), ("v1/sessions.open_session", "id-7"));
    assert_eq!((request.args_empty, &arguments["user_id"]), (false, &json!("user-1")));
    assert_eq!(server.message::<InvokeRequest>(1).method, "tenant 7/sessions.open_session");
    assert_eq!(server.received.lock().unwrap()[0].path, "/commandable.Commandable/invoke");
}

#[tokio::test]
async fn headers_and_limits_become_metadata() {
    let key = HeaderName::from_static("x-api-key");
    for kind in KINDS {
        let server = Server::good().await;
        let config = config(&server.url)
            .with_header(key.clone(), HeaderValue::from_static("k1"))
            .with_correlation_place(CorrelationPlace::Both)
            .with_timeout(Duration::from_secs(7));
        let options = CallOptions::new().header("x-tenant", "t1").token("t0k3n");
        open(&client(kind, &config)).await.unwrap();
        get(&(Arc::new(WithOptions::new(client(kind, &config), options)) as Client)).await.unwrap();
        let header = |name| server.header(0, name);
        assert_eq!(header("content-type").as_deref(), Some("application/grpc"));
        assert_eq!(header("te").as_deref(), Some("trailers"));
        assert_eq!(header("accept"), None);
        assert_eq!(header("x-api-key").as_deref(), Some("k1"));
        assert_eq!(header("correlation_id").as_deref(), Some("id-7"));
        assert!(header("user-agent").unwrap().starts_with("sessions-client/"), "{:?}", header("user-agent"));
        let limit = header("grpc-timeout").unwrap();
        let micros: u64 = limit.strip_suffix('u').unwrap().parse().unwrap();
        assert!((6_900_000..=7_000_000).contains(&micros), "{limit}");
        assert_eq!(server.header(1, "x-tenant").as_deref(), Some("t1"));
        assert_eq!(server.header(1, "authorization").as_deref(), Some("Bearer t0k3n"));
    }
}

#[tokio::test]
async fn a_renamed_correlation_id_stays_in_its_field_of_the_message() {
    for place in [CorrelationPlace::Query, CorrelationPlace::Headers, CorrelationPlace::Both] {
        for kind in KINDS {
            let server = Server::good().await;
            let config = config(&server.url)
                .with_correlation_place(place)
                .with_correlation_name(HeaderName::from_static("trace_id"));
            open(&client(kind, &config)).await.unwrap();
            let id = match kind {
                ClientKind::Grpc => server.message::<SessionOpenRequest>(0).correlation_id,
                _ => server.message::<InvokeRequest>(0).correlation_id,
            };
            assert_eq!(id, "id-7", "{kind} {place:?}");
            let metadata = (place != CorrelationPlace::Query).then(|| "id-7".to_owned());
            assert_eq!((server.header(0, "trace_id"), server.header(0, "correlation_id")), (metadata, None));
        }
    }
}

#[tokio::test]
async fn an_absent_result_becomes_none() {
    for kind in KINDS {
        let server = Server::start(|_, request| {
            Reaction::Message(if request.path.starts_with("/commandable") {
                InvokeReply { result_empty: true, ..InvokeReply::default() }.encode_to_vec()
            } else {
                Vec::new()
            })
        })
        .await;
        let sessions = client(kind, &config(&server.url));
        assert_eq!(get(&sessions).await.unwrap(), None, "{kind}");
        sessions.close_expired_sessions(None).await.unwrap();
        let error = open(&sessions).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "an opened session must not be absent: {error}");
    }
}

#[tokio::test]
async fn an_error_in_a_reply_is_that_of_the_http_response() {
    let details = [("results".to_owned(), "x".to_owned())];
    for kind in KINDS {
        let details = details.clone();
        let server = Server::start(move |_, request| {
            let details = details.clone().into();
            let (category, code, message) = ("Conflict".to_owned(), "TAKEN".to_owned(), "taken".to_owned());
            let (correlation_id, cause) = ("id-7".to_owned(), "why".to_owned());
            Reaction::Message(if request.path.starts_with("/commandable") {
                let error =
                    ErrorDescription { category, code, correlation_id, status: 409, message, cause, details };
                InvokeReply { error: Some(error), result_empty: true, ..InvokeReply::default() }
                    .encode_to_vec()
            } else {
                let (r#type, status) = (String::new(), String::new());
                let error = messages::ErrorDescription {
                    r#type,
                    category,
                    code,
                    correlation_id,
                    status,
                    message,
                    cause,
                    details,
                };
                SessionObjectReply { error: Some(error), session: None }.encode_to_vec()
            })
        })
        .await;
        let error = open(&client(kind, &config(&server.url))).await.unwrap_err();
        let service = error.service().unwrap();
        assert_eq!(error.status().unwrap().as_u16(), 409, "{kind}");
        assert_eq!((&*service.code, &*service.message), ("TAKEN", "taken"));
        assert_eq!((service.category.as_deref(), service.cause.as_deref()), (Some("Conflict"), Some("why")));
        assert_eq!(service.details.get("results").map(String::as_str), Some("x"));
        assert_eq!(error.correlation_id(), Some("id-7"));
    }
}

#[tokio::test]
async fn an_unknown_command_is_not_found() {
    let server = Server::start(|_, _| {
        let code = "METHOD_NOT_FOUND".to_owned();
        let error =
            ErrorDescription { code, message: "m".to_owned(), status: 500, ..ErrorDescription::default() };
        Reaction::Message(InvokeReply { error: Some(error), ..InvokeReply::default() }.encode_to_vec())
    })
    .await;
    let error = get(&client(ClientKind::CommandableGrpc, &config(&server.url))).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn each_status_has_its_counterpart_in_http() {
    const STATUSES: [(u16, &str, Option<u16>); 16] = [
        (1, "CANCELLED", Some(499)),
        (2, "UNKNOWN", Some(500)),
        (3, "INVALID_ARGUMENT", Some(400)),
        (4, "DEADLINE_EXCEEDED", None),
        (5, "NOT_FOUND", Some(404)),
        (6, "ALREADY_EXISTS", Some(409)),
        (7, "PERMISSION_DENIED", Some(403)),
        (8, "RESOURCE_EXHAUSTED", Some(429)),
        (9, "FAILED_PRECONDITION", Some(400)),
        (10, "ABORTED", Some(409)),
        (11, "OUT_OF_RANGE", Some(400)),
        (12, "UNIMPLEMENTED", Some(501)),
        (13, "INTERNAL", Some(500)),
        (14, "UNAVAILABLE", Some(503)),
        (15, "DATA_LOSS", Some(500)),
        (16, "UNAUTHENTICATED", Some(401)),
    ];
    for kind in KINDS {
        let server = Server::start(|number, _| {
            let (code, ..) = STATUSES[number - 1];
            Reaction::Status(code, "caf%C3%A9", vec![("x-trace", "t1")])
        })
        .await;
        let sessions = client(kind, &config(&server.url).with_retries(0));
        for (_, name, status) in STATUSES {
            let error = get(&sessions).await.unwrap_err();
            assert_eq!(error.status().map(|status| status.as_u16()), status, "{name}: {error}");
            let Some(service) = error.service() else {
                assert_eq!(error.kind(), ErrorKind::Timeout, "{name}: {error}");
                continue;
            };
            assert_eq!((&*service.code, &*service.message), (name, "café"));
            assert_eq!(error.headers().unwrap()["x-trace"], "t1");
        }
    }
}

#[tokio::test]
async fn only_idempotent_calls_are_retried_if_the_service_is_unavailable() {
    for kind in KINDS {
        for reaction in
            [|| Reaction::Status(14, "down", Vec::new()), || Reaction::Status(4, "late", Vec::new())]
        {
            let server = Server::start(move |_, _| reaction()).await;
            let sessions = client(kind, &config(&server.url));
            assert_eq!(get(&sessions).await.unwrap_err().attempts(), 3);
            assert_eq!(server.calls(), 3);
            assert_eq!(open(&sessions).await.unwrap_err().attempts(), 1, "{kind}");
            assert_eq!(server.calls(), 4);
        }
    }
}

#[tokio::test]
async fn a_refused_stream_is_sent_again_and_a_reset_one_is_not() {
    for kind in KINDS {
        let server = Server::start(|number, request| match number {
            1 => Reaction::Reset(Reason::REFUSED_STREAM),
            2 => good(&request.path),
            _ => Reaction::Reset(Reason::CANCEL),
        })
        .await;
        let sessions = client(kind, &config(&server.url));
        assert_eq!(open(&sessions).await.unwrap().id, "1");
        let error = open(&sessions).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts(), server.calls()), (ErrorKind::Transport, 1, 3), "{kind}");
        assert_eq!(get(&sessions).await.unwrap_err().attempts(), 3);
    }
}

/// `google.rpc.Status` with `RetryInfo` and a delay of 5 ms.
const RETRY_INFO: &str = "CAgaMwoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIHCgUQwJaxAg==";

#[tokio::test]
async fn the_delay_that_a_service_asks_for_is_kept() {
    for (metadata, delay) in [
        (("grpc-status-details-bin", RETRY_INFO), Duration::from_millis(5)),
        (("grpc-retry-pushback-ms", "3"), Duration::from_millis(3)),
    ] {
        for kind in KINDS {
            let server = Server::start(move |number, request| match number {
                1 => Reaction::Status(8, "quota", vec![metadata]),
                _ => good(&request.path),
            })
            .await;
            let started_at = std::time::Instant::now();
            // The service has rejected the call before it was processed.
            assert_eq!(open(&client(kind, &config(&server.url))).await.unwrap().id, "1", "{kind}");
            assert!(started_at.elapsed() >= delay);
            assert_eq!(server.calls(), 2);
        }
    }
}

#[tokio::test]
async fn nothing_is_retried_if_the_service_asks_for_no_retry() {
    for (error, calls) in
        errors(|| Reaction::Status(14, "overload", vec![("grpc-retry-pushback-ms", "-1")])).await
    {
        assert_eq!((error.status().unwrap().as_u16(), error.attempts(), calls), (503, 1, 1));
        assert_eq!(
            error.to_string(),
            "get_session_by_id: the service responded with 503 Service Unavailable: UNAVAILABLE: overload"
        );
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_for_the_service_is_not_sent_again() {
    for (error, calls) in
        errors(|| Reaction::Status(8, "Received message larger than max (9 vs 4)", Vec::new())).await
    {
        assert_eq!((error.status().unwrap().as_u16(), calls), (413, 1), "{error}");
    }
}

#[tokio::test]
async fn a_silent_service_is_given_up_in_time() {
    for kind in KINDS {
        let server = Server::start(|_, _| Reaction::Silence).await;
        let config = config(&server.url).with_timeout(Duration::from_millis(60)).with_retries(0);
        let error = open(&client(kind, &config)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.to_string().ends_with("within 60ms"), "{error}");
    }
}

#[tokio::test]
async fn an_unreachable_service_is_a_connect_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for kind in KINDS {
        let error = open(&client(kind, &config(&url))).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Connect, 3), "{error}");
    }
}

/// Starts a server that responds with these bytes to the first of each connection, and closes it. Returns its URL.
async fn closing_server(response: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(response).await;
        }
    });
    url
}

#[tokio::test]
async fn a_service_that_speaks_http1_is_named() {
    let url = closing_server(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
    for kind in KINDS {
        let error = open(&client(kind, &config(&url))).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Protocol, 1));
        let message = error.to_string();
        assert!(
            message.contains("is not valid HTTP/2")
                && message.contains("check that the port is that of gRPC"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_response_that_is_not_grpc_is_named() {
    for (error, calls) in errors(|| Reaction::Http(200, "<html>")).await {
        assert_eq!((error.kind(), calls), (ErrorKind::Protocol, 1));
        assert!(error.to_string().contains("is not gRPC; check that the port is that of gRPC"), "{error}");
    }
}

#[tokio::test]
async fn an_error_response_of_a_proxy_keeps_its_status() {
    for (error, calls) in errors(|| Reaction::Http(502, "<html>bad gateway")).await {
        assert_eq!((error.status().unwrap().as_u16(), calls), (502, 3), "{error}");
        assert_eq!(&error.body().unwrap()[..], b"<html>bad gateway");
    }
}

#[tokio::test]
async fn damaged_responses_are_protocol_errors() {
    fn ok() -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from(0))])
    }
    for (reaction, why) in [
        (
            (|| Reaction::Body(frame(0, b""), HeaderMap::new())) as fn() -> Reaction,
            "has no `grpc-status`, so it may be incomplete",
        ),
        (|| Reaction::Body(Vec::new(), ok()), "has the status OK, but no message"),
        (|| Reaction::Body(frame(1, b""), ok()), "has a compressed message, which was not asked for"),
        (|| Reaction::Body([frame(0, b""), frame(0, b"")].concat(), ok()), "does not consist of one message"),
        (|| Reaction::Body(frame(0, b"abc")[..7].to_vec(), ok()), "does not consist of one message"),
    ] {
        for (error, calls) in errors(reaction).await {
            assert_eq!((error.kind(), calls), (ErrorKind::Protocol, 1), "{error}");
            assert!(error.to_string().ends_with(why), "{error}");
        }
    }
    for (error, calls) in errors(|| Reaction::Message(vec![0xff, 0xff])).await {
        assert_eq!((error.kind(), calls), (ErrorKind::Decode, 1), "{error}");
    }
}

#[tokio::test]
async fn a_response_over_the_size_limit_is_an_error() {
    for kind in KINDS {
        let server = Server::good().await;
        let config = config(&server.url).with_max_response_bytes(40);
        let error = open(&client(kind, &config)).await.unwrap_err();
        assert_eq!(error.to_string(), "open_session: the response is larger than the limit of 40 bytes");
    }
}

#[tokio::test]
async fn a_payload_that_is_not_json_is_an_error_without_the_payload() {
    let server = Server::start(|_, _| {
        let session = Session { data: "zebra {".to_owned(), ..session() };
        Reaction::Message(SessionObjectReply { error: None, session: Some(session) }.encode_to_vec())
    })
    .await;
    let error = get(&client(ClientKind::Grpc, &config(&server.url))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.to_string(), "get_session_by_id: the response has a `data` that is not valid JSON");
    assert!(!format!("{error:?}").contains("zebra"));
}

/// Returns another token for each call.
struct Counter(AtomicUsize);

impl TokenProvider for Counter {
    async fn fetch(&self) -> Result<Token> {
        Token::new(format!("zebra-{}", self.0.fetch_add(1, Ordering::SeqCst)))
    }
}

#[tokio::test]
async fn a_rejected_token_is_replaced() {
    for kind in KINDS {
        let server = Server::start(|number, request| match number {
            1 => Reaction::Status(16, "expired", Vec::new()),
            _ => good(&request.path),
        })
        .await;
        let config = config(&server.url).with_token_provider(Counter(AtomicUsize::new(0)));
        let sessions = client(kind, &config);
        assert_eq!(open(&sessions).await.unwrap().id, "1");
        let sent = [0, 1].map(|number| server.header(number, "authorization").unwrap());
        assert_eq!(sent, ["Bearer zebra-0", "Bearer zebra-1"]);
    }
}

#[tokio::test]
async fn secrets_are_not_displayed() {
    let server = Server::start(|_, _| Reaction::Status(13, "failed", vec![("set-cookie", "zebra")])).await;
    let config =
        config(&server.url).with_header(HeaderName::from_static("x-key"), HeaderValue::from_static("zebra"));
    let grpc: SessionsGrpcClientV1 = SessionsGrpcClientV1::grpc(&config).unwrap();
    let commandable: SessionsCommandableGrpcClientV1 =
        SessionsCommandableGrpcClientV1::commandable_grpc(&config).unwrap();
    let secret = json!("zebra");
    let errors = [
        grpc.store_session_data(Some("zebra"), "zebra", &secret).await.unwrap_err(),
        commandable.store_session_data(Some("zebra"), "zebra", &secret).await.unwrap_err(),
    ];
    let errors = errors.map(|error| format!("{error} {error:?}"));
    let displayed = format!("{grpc:?} {commandable:?} {}", errors.concat());
    assert!(!displayed.contains("zebra"), "{displayed}");
}

#[tokio::test]
async fn settings_without_a_counterpart_are_errors() {
    let compressing = config("http://localhost:1").with_compression(true);
    let moved = config("http://localhost:1").with_base_route(sessions_client::BaseRoute::new("v2").unwrap());
    let factory = SessionsClientFactory::new();
    let error = |kind, config| factory.create(kind, config).map(drop).unwrap_err().to_string();
    for kind in KINDS {
        let why = "`with_compression` must not be set for gRPC, which this client speaks without compression: remove it";
        assert_eq!(error(kind, &compressing), why);
    }
    assert_eq!(
        error(ClientKind::Grpc, &moved),
        "`with_base_route` has no effect over gRPC, whose methods have fixed names: remove it, or choose commandable gRPC"
    );
}

#[tokio::test]
async fn invalid_details_of_a_status_are_ignored() {
    for (error, _) in errors(|| Reaction::Status(13, "x", vec![("grpc-status-details-bin", "!!!")])).await {
        assert_eq!(error.status().unwrap().as_u16(), 500, "{error}");
    }
}

#[tokio::test]
async fn a_direct_client_ignores_the_name_of_correlation_ids() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let implementation = sessions_client::SessionsHttpClientV1::<Value, Value, _>::new(
        sessions_client::transport_fn(move |call: sessions_client::Call| {
            log.lock().unwrap().push(call.request.uri().to_string());
            async { Ok(Response::new(Bytes::from_static(b"null"))) }
        }),
    );
    let config = ClientConfig::new().with_correlation_name(HeaderName::from_static("trace_id"));
    let factory = SessionsClientFactory::new().with_implementation(implementation);
    let client = factory.create(ClientKind::Direct, &config).unwrap();
    client.get_session_by_id(Some("id-7"), "1").await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen[0].ends_with("?correlation_id=id-7"), "{seen:?}");
}

#[tokio::test]
async fn a_reply_without_a_page_is_an_error() {
    let server = Server::start(|_, _| Reaction::Message(Vec::new())).await;
    let page = client(ClientKind::Grpc, &config(&server.url)).get_sessions(None, None, None).await;
    assert!(page.is_err(), "{page:?}");
}

#[tokio::test]
async fn an_error_that_has_only_a_code_is_a_failure() {
    let server = Server::start(|_, request| {
        let code = "FAILED".to_owned();
        Reaction::Message(if request.path.starts_with("/commandable") {
            let error = ErrorDescription { code, status: 500, ..ErrorDescription::default() };
            InvokeReply { error: Some(error), result_empty: true, ..InvokeReply::default() }.encode_to_vec()
        } else {
            let error = messages::ErrorDescription { code, ..messages::ErrorDescription::default() };
            SessionObjectReply { error: Some(error), session: None }.encode_to_vec()
        })
    })
    .await;
    for kind in KINDS {
        let outcome = client(kind, &config(&server.url)).close_expired_sessions(None).await;
        assert!(outcome.is_err(), "{kind}: {outcome:?}");
    }
}

#[test]
fn messages_do_not_display_payloads_and_ids() {
    let secret = || "zebra".to_owned();
    let open = SessionOpenRequest { user: secret(), data: secret(), ..SessionOpenRequest::default() };
    let payload = SessionPayloadRequest { session_id: secret(), ..SessionPayloadRequest::default() };
    let invoke = InvokeRequest { args_json: "zebra".into(), ..InvokeRequest::default() };
    let session = Session { id: secret(), user: secret(), ..session() };
    let displayed = format!("{open:?} {payload:?} {invoke:?} {session:?}");
    assert!(!displayed.contains("zebra"), "{displayed}");
}

#[test]
fn the_settings_of_a_client_over_grpc_show_http2() {
    let pairs = [("kind", "grpc"), ("connection.uri", "http://localhost:8090")];
    let settings = sessions_client::ConfigParams::new().with_pairs(pairs).unwrap().settings();
    let shown = settings.iter().find(|it| it.key() == "options.http_version").map(|it| it.value().to_owned());
    assert_eq!(shown.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_missing_token_is_named() {
    for (error, _) in errors(|| Reaction::Status(16, "no token", Vec::new())).await {
        assert!(error.to_string().contains("credential.token_file"), "{error}");
    }
}

#[tokio::test]
async fn a_closed_connection_is_a_hint_at_the_port_of_grpc() {
    let url = closing_server(b"").await;
    let error = get(&client(ClientKind::Grpc, &config(&url).with_retries(0))).await.unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("check that the port is that of gRPC") && !message.contains("Http1"),
        "{message}"
    );
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn a_gateway_that_speaks_http1_over_tls_is_a_hint_at_http2() {
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use sessions_client::{Pem, TlsConfig};

    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let mut tls = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            assert!(acceptor.accept(stream).await.is_err());
        }
    });
    let config = config(&url).with_tls(TlsConfig::new().with_ca(Pem::content(cert.pem())));
    for kind in KINDS {
        let error = open(&client(kind, &config)).await.unwrap_err();
        let message = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Tls, "{message}");
        assert!(message.contains("gateways speak HTTP/2") && !message.contains("http_version"), "{message}");
    }
}

#[tokio::test]
async fn the_message_of_deadline_exceeded_is_displayed() {
    let server = Server::start(|_, _| Reaction::Status(4, "the database was slow", Vec::new())).await;
    let error = open(&client(ClientKind::Grpc, &config(&server.url))).await.unwrap_err();
    assert!(error.to_string().contains("the database was slow"), "{error}");
}
#[tokio::test]
async fn an_exhausted_resource_is_retried_only_if_the_service_asks_for_it() {
    for (error, calls) in errors(|| Reaction::Status(8, "Bandwidth exhausted", Vec::new())).await {
        assert_eq!((error.status().unwrap().as_u16(), error.attempts(), calls), (429, 1, 1), "{error}");
    }
}

#[tokio::test]
async fn headers_that_are_not_valid_metadata_are_errors() {
    let invalid = |name: &'static str, value: &str| {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        config("http://localhost:1").with_header(HeaderName::from_static(name), value)
    };
    for kind in KINDS {
        for (name, value, why) in [
            ("grpc-accept-encoding", "gzip", "which belongs to gRPC"),
            ("x-key-bin", "not base64 !", "to a value that is not base64"),
            ("x-name", "café", "to a value that is not ASCII"),
        ] {
            let created = SessionsClientFactory::new().create(kind, &invalid(name, value));
            let message = created.map(drop).unwrap_err().to_string();
            assert!(message.starts_with(&format!("`with_header` must not set `{name}`")), "{message}");
            assert!(message.contains(why) && !message.contains(value), "{message}");
        }
        let server = Server::good().await;
        let sessions = client(kind, &config(&server.url));
        let options = CallOptions::new().header("grpc-encoding", "gzip");
        let error = get(&(Arc::new(WithOptions::new(sessions, options)) as Client)).await.unwrap_err();
        assert_eq!((error.kind(), server.calls()), (ErrorKind::Encode, 0), "{error}");
    }
}

#[test]
fn a_client_over_http_rejects_a_description_of_grpc() {
    for kind in ["grpc", "commandable-grpc"] {
        let pairs = [("kind", kind), ("connection.uri", "http://localhost:8090")];
        let config = sessions_client::ConfigParams::new().with_pairs(pairs).unwrap().build().unwrap();
        let error = sessions_client::SessionsHttpClientV1::from_config(&config).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().starts_with("the configuration is for gRPC (`kind`,"), "{error}");
        SessionsGrpcClientV1::<Value, Value>::grpc(&config).unwrap();
        SessionsClientFactory::new().create(ClientKind::Grpc, &config).unwrap();
    }
}

#[tokio::test]
async fn metadata_after_a_message_becomes_headers() {
    let server = Server::start(|_, request| {
        let trailers = [("grpc-status", "0"), ("x-cost", "7")];
        let trailers =
            trailers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let Reaction::Message(message) = good(&request.path) else { unreachable!() };
        Reaction::Body(frame(0, &message), HeaderMap::from_iter(trailers))
    })
    .await;
    let transport = SessionsGrpcTransportV1::new(&config(&server.url)).unwrap();
    let received = Arc::new(Mutex::new(HeaderMap::new()));
    let log = received.clone();
    let sessions = sessions_client::SessionsHttpClientV1::<Value, Value, _>::new(
        sessions_client::transport_fn(move |call| {
            let (transport, log) = (transport.clone(), log.clone());
            async move {
                let response = transport.send(call).await?;
                log.lock().unwrap().clone_from(response.headers());
                Ok(response)
            }
        }),
    );
    sessions.get_session_by_id(None, "1").await.unwrap();
    let headers = received.lock().unwrap();
    assert_eq!(
        (headers.get("x-cost").unwrap(), headers.get("grpc-status")),
        (&HeaderValue::from_static("7"), None)
    );
}
