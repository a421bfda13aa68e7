//! Requests that a contract shapes: constant headers and query parameters, HEAD and OPTIONS.

mod support;

use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use support::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wiretrait::bytes::Bytes;
use wiretrait::telemetry::FinishedCall;
use wiretrait::test_kit::{Reply, ScriptedTransport};
use wiretrait::{
    Call, Caller, ClientConfig, Error, HyperTransport, InProcessTransport, Operation, Place, Request,
    ReqwestTransport, Result, TowerTransport, Transport, http_api,
};

/// A contract with constants.
#[http_api(client = ForgeClient, module = forge, prefix = "/v1")]
#[header("Accept", "application/vnd.forge+json")]
#[header("X-Forge-Version", "2026-01-01")]
#[query("api-version", "2")]
trait Forge {
    #[get("/user")]
    async fn user(&self) -> Result<Option<String>>;

    #[get("/repos/{owner}/all", timeout = "1s")]
    #[query("per_page", "100")]
    #[query("expand[]", "a b")]
    #[query("expand[]", "ü&")]
    async fn list(&self, owner: &str, #[query] page: Option<u32>) -> Result<Option<String>>;

    #[get("/raw/{id}")]
    #[header("accept", "application/vnd.forge.raw")]
    #[query("api-version", "3")]
    async fn raw(&self, id: u64) -> Result<Option<String>>;

    #[patch("/repos/{owner}")]
    #[header("Content-Type", "application/merge-patch+json")]
    async fn rename(
        &self,
        owner: &str,
        #[field] name: &str,
        #[header("X-Reason")] why: &str,
    ) -> Result<Option<String>>;

    #[head("/files/{id}")]
    async fn check(&self, id: u64, #[query] deep: bool) -> Result<()>;

    #[options("/files")]
    async fn capabilities(&self) -> Result<Option<Vec<String>>>;

    #[get("/files/{id}")]
    async fn read(&self, id: u64) -> Result<String>;
}

/// Fails for file 404, and counts the calls of `check`.
#[derive(Default)]
struct Files(AtomicUsize);

impl Forge for Files {
    async fn user(&self) -> Result<Option<String>> {
        Ok(Some("ada".to_owned()))
    }
    async fn list(&self, owner: &str, page: Option<u32>) -> Result<Option<String>> {
        Ok(Some(format!("{owner} {page:?}")))
    }
    async fn raw(&self, id: u64) -> Result<Option<String>> {
        Ok(Some(id.to_string()))
    }
    async fn rename(&self, owner: &str, name: &str, why: &str) -> Result<Option<String>> {
        Ok(Some(format!("{owner} {name} {why}")))
    }
    async fn check(&self, id: u64, _deep: bool) -> Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let not_found = || wiretrait::ServiceError::new("NOT_FOUND", "there is no such file");
        if id == 404 { Err(Error::from_service(StatusCode::NOT_FOUND, not_found())) } else { Ok(()) }
    }
    async fn capabilities(&self) -> Result<Option<Vec<String>>> {
        Ok(Some(vec!["GET".to_owned(), "HEAD".to_owned()]))
    }
    async fn read(&self, id: u64) -> Result<String> {
        Ok(id.to_string())
    }
}

fn header<'r>(request: &'r Request, name: &str) -> Vec<&'r str> {
    request.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

#[test]
fn constants_of_the_contract_are_sent_with_every_operation() {
    let request = forge::User::new().encode().unwrap();
    assert_eq!(request.uri(), "/v1/user?api-version=2");
    assert_eq!(header(&request, "accept"), ["application/vnd.forge+json"]);
    assert_eq!(header(&request, "x-forge-version"), ["2026-01-01"]);
}

#[test]
fn constant_queries_precede_those_of_arguments_and_are_escaped() {
    let request = forge::List::new("ada").page(2).encode().unwrap();
    let query = "api-version=2&per_page=100&expand%5B%5D=a%20b&expand%5B%5D=%C3%BC%26&page=2";
    assert_eq!(request.uri().to_string(), format!("/v1/repos/ada/all?{query}"));
}

#[test]
fn a_constant_of_an_operation_replaces_that_of_the_contract() {
    let request = forge::Raw::new(1).encode().unwrap();
    assert_eq!(request.uri(), "/v1/raw/1?api-version=3");
    assert_eq!(header(&request, "accept"), ["application/vnd.forge.raw"]);
    assert_eq!(header(&request, "x-forge-version"), ["2026-01-01"]);
}

#[test]
fn a_constant_content_type_replaces_that_of_the_body() {
    let request = forge::Rename::new("ada", "b", "c").encode().unwrap();
    assert_eq!(header(&request, "content-type"), ["application/merge-patch+json"]);
    assert_eq!(request.body(), &r#"{"name":"b"}"#);
    assert_eq!(header(&request, "x-reason"), ["c"]);
}

#[test]
fn a_base_route_replaces_the_prefix_in_front_of_constants() {
    let mut encoding = wiretrait::Encoding::default();
    encoding.base_route = Some(wiretrait::BaseRoute::new("forge/v9").unwrap());
    let request = forge::User::new().encode_with(&encoding).unwrap();
    assert_eq!(request.uri(), "/forge/v9/user?api-version=2");
}

#[test]
fn routes_describe_constants_and_header_names_in_lower_case() {
    assert_eq!(
        forge::LIST.constants,
        [
            (Place::Header("accept"), "application/vnd.forge+json"),
            (Place::Header("x-forge-version"), "2026-01-01"),
            (Place::Query("api-version"), "2"),
            (Place::Query("per_page"), "100"),
            (Place::Query("expand[]"), "a b"),
            (Place::Query("expand[]"), "ü&"),
        ]
    );
    assert_eq!(forge::RENAME.params[2].places, [Place::Header("x-reason")]);
    assert_eq!((&forge::CHECK.method, forge::CHECK.idempotent), (&Method::HEAD, true));
    assert_eq!((&forge::CAPABILITIES.method, forge::CAPABILITIES.idempotent), (&Method::OPTIONS, true));
    assert!(!forge::CHECK.has_body && !forge::CAPABILITIES.has_body);
}

#[tokio::test]
async fn a_service_ignores_constants() {
    let service = forge::Handler::new(Files::default());
    for target in ["/v1/user", "/v1/user?api-version=7&api-version=8"] {
        let request = http::Request::get(target).body(Bytes::default()).unwrap();
        let response = wiretrait::Handler::handle(&service, request.into()).await;
        assert_eq!((response.status(), &response.body()[..]), (StatusCode::OK, &br#""ada""#[..]));
    }
}

#[tokio::test]
async fn headers_of_the_call_replace_constants() {
    let server = Server::start(forge::Handler::new(Files::default())).await;
    let options = wiretrait::CallOptions::new().header("accept", "text/plain");
    let client = ForgeClient::connect(&server.url).unwrap();
    client.with(options).user().await.unwrap();
    client.user().await.unwrap();
    let received = server.received();
    let accepted: Vec<_> = received.iter().map(|head| head.headers.get(ACCEPT).unwrap()).collect();
    assert_eq!(accepted, ["text/plain", "application/vnd.forge+json"]);
}

/// Calls `check` and `capabilities` over `transport`.
async fn check_and_options(transport: impl Transport) {
    let client = ForgeClient::new(transport);
    client.check(1, true).await.unwrap();
    let error = client.check(404, true).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND), "{error}");
    assert_eq!(client.capabilities().await.unwrap().unwrap(), ["GET", "HEAD"]);
    // The connection is still usable.
    assert_eq!(client.read(7).await.unwrap(), "7");
}

#[tokio::test]
async fn head_and_options_work_over_all_transports() {
    check_and_options(InProcessTransport::new(forge::Handler::new(Files::default()))).await;
    let server = Server::start(forge::Handler::new(Files::default())).await;
    let config = ClientConfig::from_url(&server.url).unwrap();
    check_and_options(ReqwestTransport::new(&config).unwrap()).await;
    check_and_options(HyperTransport::new(&config).unwrap()).await;
    let executor = hyper_util::rt::TokioExecutor::new();
    let service = hyper_util::client::legacy::Client::builder(executor).build_http();
    check_and_options(TowerTransport::new(service, &config).unwrap()).await;
    let methods: Vec<_> = server.received().into_iter().map(|head| head.method).collect();
    let expected = [Method::HEAD, Method::HEAD, Method::OPTIONS, Method::GET];
    assert_eq!(methods, [&expected[..], &expected, &expected].concat());
}

#[tokio::test]
async fn a_service_responds_to_head_without_a_body() {
    let service = forge::Handler::new(Files::default());
    let respond = |method, target: &str| {
        let request = http::Request::builder().method(method).uri(target).body(Bytes::default()).unwrap();
        wiretrait::Handler::handle(&service, Request::into(request))
    };
    // An error, an invalid argument, an unknown path and a path without HEAD.
    let failures =
        [("/v1/files/404?deep=true", 404), ("/v1/files/1", 400), ("/v1/none", 404), ("/v1/user", 405)];
    for (target, status) in failures {
        let response = respond(Method::HEAD, target).await;
        assert_eq!((response.status().as_u16(), response.body().len()), (status, 0), "{target}");
        let length: usize = response.headers()[CONTENT_LENGTH].to_str().unwrap().parse().unwrap();
        assert!(length > 0, "{target}");
    }
    assert_eq!(respond(Method::HEAD, "/v1/user").await.headers()["allow"], "GET");
    assert_eq!(respond(Method::POST, "/v1/files/1").await.headers()["allow"], "HEAD, GET");
    let response = respond(Method::OPTIONS, "/v1/files").await;
    assert_eq!(response.headers().get(CONTENT_TYPE), Some(&HeaderValue::from_static("application/json")));
}

/// Serves responses to HEAD that announce a large compressed body, over connections that stay open.
async fn large_files() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(respond_to_head(stream));
        }
    });
    url
}

async fn respond_to_head(mut stream: TcpStream) {
    let mut received = Vec::new();
    while stream.read_buf(&mut received).await.unwrap_or(0) > 0 {
        if received.ends_with(b"\r\n\r\n") {
            received.clear();
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\ncontent-encoding: gzip\r\n\
                        content-type: text/html\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn no_transport_waits_for_the_body_that_head_announces() {
    let url = large_files().await;
    let config = ClientConfig::from_url(&url).unwrap();
    let executor = hyper_util::rt::TokioExecutor::new();
    let service = hyper_util::client::legacy::Client::builder(executor).build_http();
    let request = || Call::new(forge::CHECK, forge::Check::new(1, false).encode().unwrap());
    let responses = [
        ReqwestTransport::new(&config).unwrap().send(request()).await,
        HyperTransport::new(&config).unwrap().send(request()).await,
        TowerTransport::new(service, &config).unwrap().send(request()).await,
    ];
    for response in responses {
        let response = response.unwrap();
        assert_eq!(response.headers()[CONTENT_LENGTH], "99999999999");
        assert!(forge::Check::decode(response).is_ok());
    }
    // Twice over the same connection.
    let client = ForgeClient::connect(&url).unwrap();
    client.check(1, false).await.unwrap();
    client.check(2, true).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn head_and_options_are_retried() {
    let script = Arc::new(ScriptedTransport::new());
    let unavailable_at_first = || Reply::status(503).then(Reply::status(204));
    script.on(forge::CHECK, unavailable_at_first()).on(forge::CAPABILITIES, unavailable_at_first());
    let config = ClientConfig::from_url("http://localhost:1").unwrap();
    let client = ForgeClient::from_transport(Arc::clone(&script), &config).unwrap();
    client.check(1, false).await.unwrap();
    assert_eq!(client.capabilities().await.unwrap(), None);
    script.assert_done();
}

/// A contract whose callers choose media types.
#[http_api(client = MediaClient, module = media)]
#[header("Accept", "application/vnd.media+json")]
trait Media {
    #[put("/media/{id}")]
    async fn store(
        &self,
        id: u64,
        #[header("Content-Type")] media_type: Option<&str>,
        #[body(wiretrait::codec::Binary)] content: &[u8],
    ) -> Result<()>;

    #[get("/media/{id}")]
    async fn negotiate(&self, id: u64, #[header("accept")] accept: Option<&str>) -> Result<Option<String>>;
}

impl Media for Files {
    async fn store(&self, _id: u64, media_type: Option<&str>, content: &[u8]) -> Result<()> {
        assert_eq!((media_type, content), (Some("image/png"), &b"x"[..]));
        Ok(())
    }
    async fn negotiate(&self, _id: u64, accept: Option<&str>) -> Result<Option<String>> {
        Ok(accept.map(str::to_owned))
    }
}

#[tokio::test]
async fn a_service_receives_the_media_types_of_arguments() {
    let client = MediaClient::new(InProcessTransport::new(media::Handler::new(Files::default())));
    client.store(1, Some("image/png"), b"x").await.unwrap();
    assert_eq!(client.negotiate(1, Some("text/html")).await.unwrap().as_deref(), Some("text/html"));
}

#[test]
fn media_types_of_arguments_replace_those_of_codecs_and_the_contract() {
    let stored = |operation: media::Store<'_>| header(&operation.encode().unwrap(), "content-type").join("|");
    assert_eq!(stored(media::Store::new(1, b"x")), "application/octet-stream");
    assert_eq!(stored(media::Store::new(1, b"x").media_type("image/png")), "image/png");
    let accepted = |operation: media::Negotiate<'_>| header(&operation.encode().unwrap(), "accept").join("|");
    assert_eq!(accepted(media::Negotiate::new(1)), "application/vnd.media+json");
    assert_eq!(accepted(media::Negotiate::new(1).accept("text/html")), "text/html");
    let error = media::Store::new(1, b"x").media_type("image/ü").encode().unwrap_err().to_string();
    assert!(error.contains("`media_type`"), "{error}");
}

#[tokio::test]
async fn a_call_starts_with_the_first_poll_of_its_future() {
    let (readings, reports) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (read, reported) = (Arc::clone(&readings), Arc::clone(&reports));
    let caller = Caller::new(InProcessTransport::new(forge::Handler::new(Files::default())))
        .with_clock(move || {
            read.fetch_add(1, Ordering::Relaxed);
            Instant::now()
        })
        .with_observer(Arc::new(move |_: &FinishedCall<'_>| {
            reported.fetch_add(1, Ordering::Relaxed);
        }));
    let client = ForgeClient::from_caller(caller);

    let call = client.user();
    assert_eq!(readings.load(Ordering::Relaxed), 0);
    call.await.unwrap();
    assert_eq!((readings.load(Ordering::Relaxed), reports.load(Ordering::Relaxed)), (2, 1));

    drop(client.user());
    assert_eq!((readings.load(Ordering::Relaxed), reports.load(Ordering::Relaxed)), (2, 1));
}

#[test]
fn the_first_argument_that_cannot_be_sent_is_reported() {
    for (owner, name, why, expected) in
        [("..", "n", "\n", "`owner`"), ("acme", "n", "\n", "`why`"), ("..", "n", "w", "`owner`")]
    {
        let error = forge::Rename::new(owner, name, why).encode().unwrap_err().to_string();
        assert!(error.contains(expected), "{expected} in {error}");
    }
}
