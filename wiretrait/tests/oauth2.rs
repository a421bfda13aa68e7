//! Tokens of an OAuth 2.0 server, over a real socket.

#![cfg(all(feature = "oauth2", any(feature = "hyper", feature = "reqwest")))]

#[path = "support/manual_time.rs"]
mod manual_time;
mod support;

use manual_time::ManualTime;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::Server;
use wiretrait::auth::{ClientCredentials, TokenProvider, Tokens};
use wiretrait::http::StatusCode;
use wiretrait::http::header::{AUTHORIZATION, HeaderName, HeaderValue, RETRY_AFTER};
use wiretrait::policy::RetryPolicy;
use wiretrait::{ClientConfig, Error, ErrorKind, Handler, Incoming, Proxy, Response, http_api};

const SECRET: &str = "zebra:s3cret";

#[http_api(client = BooksClient, module = books)]
trait Books {
    #[post("/books")]
    async fn add(&self) -> wiretrait::Result<()>;
}

/// A token server with given responses, which records the bodies of requests.
#[derive(Clone, Default)]
struct TokenServer {
    responses: Arc<Mutex<VecDeque<Response>>>,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Handler for TokenServer {
    async fn handle(&self, request: Incoming) -> Response {
        let body = String::from_utf8_lossy(request.request().body()).into_owned();
        self.bodies.lock().unwrap().push(body);
        self.responses.lock().unwrap().pop_front().unwrap_or_else(|| response(500, "text/plain", ""))
    }
}

fn response(status: u16, content_type: &str, body: &str) -> Response {
    let mut response = Response::new(body.to_owned().into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert("content-type", content_type.parse().unwrap());
    response
}

fn json(status: u16, body: &str) -> Response {
    response(status, "application/json", body)
}

fn granted(token: &str, lifetime: u32) -> Response {
    json(200, &format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{lifetime}}}"#))
}

async fn server(responses: impl IntoIterator<Item = Response>) -> (Server, TokenServer) {
    let handler = TokenServer::default();
    handler.responses.lock().unwrap().extend(responses);
    (Server::start(handler.clone()).await, handler)
}

/// The settings of the service, which the token server must not see, apart from proxy and limits.
fn config() -> ClientConfig {
    ClientConfig::from_url("https://books.staging/base")
        .unwrap()
        .with_header(HeaderName::from_static("x-api-key"), HeaderValue::from_static("k3y"))
        .with_proxy(Proxy::none())
        .with_timeout(Duration::from_secs(5))
        .with_retry_policy(RetryPolicy::new().with_backoff(Duration::ZERO, Duration::ZERO))
}

fn credentials(server: &Server) -> ClientCredentials {
    ClientCredentials::new(&format!("{}/oauth2/token?tenant=a", server.url), "my client", SECRET).unwrap()
}

async fn message(provider: impl TokenProvider) -> String {
    let error = provider.fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
    error.to_string()
}

#[tokio::test]
async fn a_token_is_requested_with_the_credentials_of_the_client() {
    let (server, handler) = server([granted("t0ken", 60)]).await;
    let provider =
        credentials(&server).with_scope("a").with_scope("b").with_audience("books").connect(&config());
    let token = provider.unwrap().fetch().await.unwrap();
    assert_eq!(token.header(), "Bearer t0ken");
    assert_eq!(format!("{token:?}"), "Token { expiry: Some(After(60s)), .. }");
    let [request] = &server.received()[..] else { panic!("one request") };
    assert_eq!(
        (request.method.as_str(), request.uri.to_string()),
        ("POST", "/oauth2/token?tenant=a".to_owned())
    );
    // `my+client:zebra%3As3cret`
    assert_eq!(request.headers[AUTHORIZATION], "Basic bXkrY2xpZW50OnplYnJhJTNBczNjcmV0");
    assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
    assert!(!request.headers.contains_key("x-api-key"), "that belongs to the service");
    assert_eq!(*handler.bodies.lock().unwrap(), ["grant_type=client_credentials&scope=a+b&audience=books"]);
}

#[tokio::test]
async fn the_secret_can_be_in_the_body() {
    let (server, handler) = server([granted("t0ken", 60)]).await;
    credentials(&server).with_secret_in_body().connect(&config()).unwrap().fetch().await.unwrap();
    assert!(!server.received()[0].headers.contains_key(AUTHORIZATION));
    let body = handler.bodies.lock().unwrap().remove(0);
    assert!(body.contains("client_id=my+client&client_secret=zebra%3As3cret"), "{body}");
}

#[tokio::test]
async fn an_error_of_the_token_server_names_host_code_and_description() {
    for (response, expected) in [
        (
            json(401, r#"{"error":"invalid_client","error_description":"unknown\nclient"}"#),
            "the token server {url} responded with `invalid_client`: unknown client",
        ),
        (
            json(400, r#"{"error":"invalid_client"}"#),
            "the token server {url} responded with `invalid_client`: check id and secret of the client",
        ),
        (
            json(400, r#"{"error":"invalid_scope"}"#),
            "the token server {url} responded with `invalid_scope`: check the scopes",
        ),
        (
            json(400, r#"{"error":"invalid_client","error_description":"secret zebra:s3cret is wrong"}"#),
            "the token server {url} responded with `invalid_client`: a message that contains the client secret",
        ),
        (
            response(404, "text/html", "<h1>zebra:s3cret</h1>"),
            "no token from the token server {url}: it responded with 404 Not Found: check the token URL",
        ),
        (
            response(403, "text/plain", ""),
            "no token from the token server {url}: it responded with 403 Forbidden: check id and secret of the client, and the token URL",
        ),
        (
            response(401, "text/html", "<h1>Unauthorized</h1>"),
            "no token from the token server {url}: it responded with 401 Unauthorized: check id and secret of the client, and the token URL",
        ),
        (
            response(401, "application/json", r#"{"message":"zebra:s3cret"}"#),
            "no token from the token server {url}: it responded with 401 Unauthorized: check id and secret of the client, and the token URL",
        ),
        (
            json(400, "\u{feff}{\"error\":\"invalid_scope\"}"),
            "the token server {url} responded with `invalid_scope`: check the scopes",
        ),
        (
            json(200, r#"{"error":"invalid_client","error_description":"unknown client"}"#),
            "the token server {url} responded with `invalid_client`: unknown client",
        ),
        (
            json(200, r#"{"error":"invalid_client","access_token":null}"#),
            "the token server {url} responded with `invalid_client`: check id and secret of the client",
        ),
        (
            json(200, r#"{"token":"zebra:s3cret"}"#),
            "the response of the token server {url} is not that of OAuth 2.0: check the token URL",
        ),
        (
            json(200, "zebra:s3cret"),
            "the response of the token server {url} is not that of OAuth 2.0: check the token URL",
        ),
        (
            json(200, r#"{"access_token":"zebra:s3cret","token_type":"mac"}"#),
            "the token server {url} returned a token that is not a bearer token",
        ),
        (
            json(200, r#"{"access_token":"zebra:s3cret\n","token_type":"bearer"}"#),
            "the token server {url} returned a token that cannot be sent in a header",
        ),
    ] {
        let (server, handler) = server([response]).await;
        let provider = credentials(&server).connect(&config()).unwrap();
        assert_eq!(message(provider).await, expected.replace("{url}", &server.url));
        assert_eq!(handler.bodies.lock().unwrap().len(), 1, "it is not requested again in vain");
    }
}

#[tokio::test]
async fn responses_that_differ_from_the_standard_are_read() {
    for (body, expiry) in [
        (r#"{"access_token":"t","token_type":"BEARER","expires_in":"3599"}"#, "Some(After(3599s))"),
        (r#"{"access_token":"t","token_type":"bearer","expires_in":60.5,"scope":["a"]}"#, "Some(After(60s))"),
        (r#"{"access_token":"t","token_type":null,"expires_in":null,"refresh_token":null}"#, "None"),
        (r#"{"access_token":"t"}"#, "None"),
        ("\u{feff}{\"access_token\":\"t\",\"token_type\":\"Bearer\"}", "None"),
        (r#"{"access_token":"t","token_type":"BearerToken","expires_in":"3599"}"#, "Some(After(3599s))"),
        (r#"{"access_token":"t","token_type":"Bearer","error":""}"#, "None"),
        (r#"{"access_token":"t","expires_in":-1}"#, "None"),
    ] {
        let (server, _) = server([json(201, body)]).await;
        let token = credentials(&server).connect(&config()).unwrap().fetch().await.unwrap();
        assert_eq!(format!("{token:?}"), format!("Token {{ expiry: {expiry}, .. }}"), "{body}");
    }
}

#[tokio::test]
async fn a_token_server_that_is_down_is_named() {
    let (server, _) = server([]).await;
    let url = server.url.clone();
    let provider = credentials(&server).connect(&config()).unwrap();
    drop(server);
    tokio::task::yield_now().await;
    let message = message(provider).await;
    assert!(message.starts_with(&format!("no token from the token server {url}: ")), "{message}");
}

#[tokio::test]
async fn a_transient_failure_of_the_token_server_is_retried() {
    let (server, handler) = server([response(503, "text/html", "busy"), granted("t0ken", 60)]).await;
    credentials(&server).connect(&config()).unwrap().fetch().await.unwrap();
    assert_eq!(handler.bodies.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn the_token_url_is_not_blamed_for_too_many_requests() {
    let (server, _) = server([response(429, "text/html", "")]).await;
    let provider = credentials(&server).connect(&config().with_retries(0)).unwrap();
    let expected =
        format!("no token from the token server {}: it responded with 429 Too Many Requests", server.url);
    assert_eq!(message(provider).await, expected);
}

#[tokio::test]
async fn the_retry_after_of_the_token_server_delays_the_next_fetch() {
    let mut busy = response(503, "text/html", "busy");
    busy.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("20"));
    let (server, handler) = server([busy, granted("t0ken", 60)]).await;
    let time = ManualTime::new();
    let provider = credentials(&server).connect(&config().with_retries(0)).unwrap();
    let tokens = Tokens::with_time(provider, time.clone());
    for (seconds, requests) in [(0, 1), (19, 1)] {
        time.advance(Duration::from_secs(seconds));
        tokens.get().await.unwrap_err();
        assert_eq!(handler.bodies.lock().unwrap().len(), requests);
    }
    time.advance(Duration::from_secs(1));
    tokens.get().await.unwrap();
}

#[tokio::test]
async fn a_call_gets_a_token_and_a_new_one_when_it_is_rejected() {
    struct Service;
    impl Handler for Service {
        async fn handle(&self, request: Incoming) -> Response {
            let token = request.request().headers().get(AUTHORIZATION).cloned();
            if token == Some(HeaderValue::from_static("Bearer second")) {
                json(200, "null")
            } else {
                json(401, "{}")
            }
        }
    }
    let (tokens, handler) = server([granted("first", 60), granted("second", 60)]).await;
    let service = Server::start(Service).await;
    let config = ClientConfig::from_url(&service.url).unwrap();
    let config = config.clone().with_token_provider(credentials(&tokens).connect(&config).unwrap());
    let client = BooksClient::from_config(&config).unwrap();
    client.add().await.unwrap();
    assert_eq!((service.received().len(), handler.bodies.lock().unwrap().len()), (2, 2));
}

#[test]
fn a_client_secret_over_plain_http_to_another_machine_is_rejected() {
    let credentials = || ClientCredentials::new("http://login.staging/token", "id", SECRET).unwrap();
    let error = credentials().connect(&config()).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().contains("http://login.staging,")),
        (ErrorKind::Config, true)
    );
    credentials().connect(&config().with_http_credentials_allowed(true)).unwrap();
}

#[tokio::test]
async fn tokens_for_a_service_over_grpc_are_requested_over_http() {
    let (server, handler) = server([granted("first", 60)]).await;
    let provider = credentials(&server).connect(&config().with_grpc()).unwrap();
    provider.fetch().await.unwrap();
    assert_eq!(handler.bodies.lock().unwrap().len(), 1);
}

#[test]
fn an_invalid_token_url_is_a_configuration_error() {
    let error = |url: &str| -> Error { ClientCredentials::new(url, "id", SECRET).unwrap_err() };
    for url in [
        "",
        "login.staging/token",
        "ftp://login.staging",
        "https://",
        "https://a/b#c",
        "https://u:s3cret@a/b",
    ] {
        let error = error(url);
        assert_eq!(error.kind(), ErrorKind::Config, "{url}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("token URL") && !shown.contains("s3cret"), "{shown}");
    }
}

#[tokio::test]
async fn debug_output_of_the_credentials_has_no_secrets() {
    let credentials = ClientCredentials::new("https://login.staging/s3cret", "s3cret", SECRET).unwrap();
    let shown = format!("{credentials:?} {:?}", credentials.clone().connect(&config()).unwrap());
    assert!(shown.contains("login.staging") && !shown.contains("s3cret"), "{shown}");
}
