//! Contracts behind a real server: `HandlerService` over a loopback socket, and the errors of the dispatcher in the
//! format of each contract.
#![cfg(all(feature = "reqwest", feature = "tower"))]

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::convert::Infallible;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tower::{Service, ServiceExt};
use wiretrait::{
    Error, ErrorBody, Handler, HandlerService, Incoming, Problem, Response, Result, ServiceError, http_api,
};

/// A contract without a declared error.
#[http_api(prefix = "/v1", client = BooksClient, module = books)]
trait Books {
    #[get("/books/new")]
    async fn template(&self) -> Result<String>;

    #[get("/books/{id}")]
    async fn find(&self, id: u64) -> Result<Option<String>>;

    #[put("/books/{id}")]
    async fn rename(&self, id: u64, #[field] title: &str, #[field] year: u16) -> Result<String>;
}

#[http_api(prefix = "/v2", client = FilmsClient, module = films, error = Problem)]
trait Films {
    #[post("/films")]
    async fn add(&self, #[field] title: &str) -> Result<u64>;
}

#[derive(Deserialize, Serialize)]
struct Failure {
    fault: String,
}

impl ErrorBody for Failure {
    fn message(&self) -> Cow<'_, str> {
        self.fault.as_str().into()
    }

    fn from_service(_status: StatusCode, error: &ServiceError) -> impl Serialize {
        Self { fault: error.message.clone() }
    }
}

#[http_api(prefix = "/v3", client = SongsClient, module = songs, error = Failure)]
trait Songs {
    #[post("/songs")]
    async fn add(&self, #[field] title: &str) -> Result<u64>;
}

struct Library;

impl Books for Library {
    async fn find(&self, id: u64) -> Result<Option<String>> {
        Ok((id == 1).then(|| "Emma".to_owned()))
    }

    async fn rename(&self, _id: u64, title: &str, _year: u16) -> Result<String> {
        Ok(title.to_owned())
    }

    async fn template(&self) -> Result<String> {
        Ok("untitled".to_owned())
    }
}

impl Films for Library {
    async fn add(&self, title: &str) -> Result<u64> {
        Ok(title.len() as u64)
    }
}

impl Songs for Library {
    async fn add(&self, title: &str) -> Result<u64> {
        Ok(title.len() as u64)
    }
}

struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(handler: impl Handler + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = HandlerService::new(handler).with_max_request_bytes(100);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                let service = service_fn(move |request| service.clone().call(request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, task }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends a request, and returns the response.
    async fn send(&self, method: &str, path: &str, body: &str) -> Response {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            client::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::from(body.to_owned()))
            .unwrap();
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        drop(sender);
        connection.await.unwrap().unwrap();
        Response::from_parts(parts, body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn json_of(response: &Response) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

#[tokio::test]
async fn a_client_calls_a_service_behind_a_server() {
    let server = Server::start(books::Handler::new(Library)).await;
    let client = BooksClient::connect(&server.url()).unwrap();
    assert_eq!(client.find(1).await.unwrap().as_deref(), Some("Emma"));
    assert_eq!(client.find(2).await.unwrap(), None);
    assert_eq!(client.rename(1, "Persuasion", 1817).await.unwrap(), "Persuasion");
}

#[tokio::test]
async fn errors_without_a_declared_type_have_code_and_message_only() {
    let server = Server::start(books::Handler::new(Library)).await;
    let unknown = server.send("GET", "/v1/films", "").await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert_eq!(json_of(&unknown), json!({ "code": "not_found", "message": "/v1/films does not exist" }));

    let method = server.send("DELETE", "/v1/books/new", "").await;
    assert_eq!(method.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(method.headers()["allow"], "GET, PUT, HEAD, OPTIONS");
    assert_eq!(json_of(&method), json!({ "code": "method_not_allowed", "message": "DELETE is not allowed" }));

    let invalid = server.send("PUT", "/v1/books/x", r#"{"year":"old"}"#).await;
    assert_eq!(invalid.status(), StatusCode::BAD_REQUEST);
    let invalid = json_of(&invalid);
    assert_eq!(invalid.as_object().unwrap().len(), 2);
    assert_eq!(invalid["code"], "invalid_arguments");
    for argument in ["id must be a whole number", "title must not be null", "year: "] {
        assert!(invalid["message"].as_str().unwrap().contains(argument), "{argument} in {invalid}");
    }

    let malformed = server.send("PUT", "/v1/books/1", "{").await;
    assert_eq!(
        (malformed.status(), &json_of(&malformed)["code"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_json"))
    );
}

#[tokio::test]
async fn errors_have_the_declared_type_and_its_media_type() {
    let server = Server::start(films::Handler::new(Library)).await;
    let invalid = server.send("POST", "/v2/films", "{}").await;
    assert_eq!(invalid.headers()["content-type"], "application/problem+json");
    assert_eq!(
        json_of(&invalid),
        json!({
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "detail": "title must not be null",
            "code": "invalid_arguments",
        })
    );
    let server = Server::start(songs::Handler::new(Library)).await;
    let unknown = server.send("GET", "/", "").await;
    assert_eq!(unknown.headers()["content-type"], "application/json");
    assert_eq!(json_of(&unknown), json!({ "fault": "/ does not exist" }));
}

#[tokio::test]
async fn a_body_over_the_limit_is_rejected_in_the_format_of_the_contract() {
    let server = Server::start(films::Handler::new(Library)).await;
    let body = |length: usize| format!("{{\"title\":\"{}\"}}", "a".repeat(length - 12));
    assert_eq!(server.send("POST", "/v2/films", &body(100)).await.body(), "88");
    let announced = server.send("POST", "/v2/films", &body(101)).await;
    assert_eq!(announced.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let problem: Problem = serde_json::from_slice(announced.body()).unwrap();
    assert_eq!(problem.detail.as_deref(), Some("the body is larger than the limit of 100 bytes"));
    assert_eq!(problem.extensions["code"], "body_too_large");

    let chunked = format!("65\r\n{}\r\n0\r\n\r\n", body(101));
    let response = exchange(&server, &format!("transfer-encoding: chunked\r\n\r\n{chunked}")).await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    assert!(response.contains("body_too_large"), "{response}");
}

#[tokio::test]
async fn an_incomplete_body_is_rejected_in_the_format_of_the_contract() {
    let server = Server::start(films::Handler::new(Library)).await;
    let response = exchange(&server, "transfer-encoding: chunked\r\n\r\nnot a size\r\n").await;
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    assert!(response.contains("incomplete_body"), "{response}");
}

/// Sends a POST whose head ends with `rest`, and returns the response as text.
async fn exchange(server: &Server, rest: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!("POST /v2/films HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{rest}");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn head_has_the_headers_of_get() {
    let server = Server::start(books::Handler::new(Library)).await;
    let get = server.send("GET", "/v1/books/1", "").await;
    let head = server.send("HEAD", "/v1/books/1", "").await;
    assert_eq!((head.status(), head.body().len()), (StatusCode::OK, 0));
    for name in ["content-type", "content-length"] {
        assert_eq!(head.headers()[name], get.headers()[name]);
    }
    let unknown = server.send("HEAD", "/v1/films", "").await;
    assert_eq!((unknown.status(), unknown.body().len()), (StatusCode::NOT_FOUND, 0));
    let films = Server::start(films::Handler::new(Library)).await;
    assert_eq!(films.send("HEAD", "/v2/films", "").await.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn options_returns_the_methods_of_a_path() {
    let server = Server::start(books::Handler::new(Library)).await;
    let options = server.send("OPTIONS", "/v1/books/1", "").await;
    assert_eq!((options.status(), options.body().len()), (StatusCode::NO_CONTENT, 0));
    assert_eq!(options.headers()["allow"], "GET, PUT, HEAD, OPTIONS");
    assert_eq!(server.send("OPTIONS", "/v1/films", "").await.status(), StatusCode::NOT_FOUND);
    let films = Server::start(films::Handler::new(Library)).await;
    let options = films.send("OPTIONS", "/v2/films", "").await;
    assert_eq!(options.headers()["allow"], "POST, OPTIONS");
}

/// A handler that responds to all methods itself.
struct Echo;

impl Handler for Echo {
    async fn handle(&self, request: Incoming) -> Response {
        Response::new(request.request().method().as_str().to_owned().into())
    }
}

#[tokio::test]
async fn a_handler_with_its_own_head_and_options_keeps_them() {
    let server = Server::start(Echo).await;
    assert_eq!(server.send("OPTIONS", "/", "").await.body(), "OPTIONS");
    assert_eq!(server.send("HEAD", "/", "").await.headers()["content-length"], "4");
}

/// Has the bounds of axum's `Router::fallback_service`.
async fn as_axum_calls_it<S>(mut service: S, path: &str) -> StatusCode
where
    S: Service<Request<Empty<Bytes>>, Response = http::Response<Full<Bytes>>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = path.parse().unwrap();
    let Ok(response) = service.ready().await.unwrap().call(request).await;
    response.status()
}

#[tokio::test]
async fn it_is_a_service_as_axum_requires() {
    let service = HandlerService::new(books::Handler::new(Library));
    assert_eq!(as_axum_calls_it(service.clone(), "/v1/books/1").await, StatusCode::OK);
    assert_eq!(as_axum_calls_it(service, "/v1/books").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_error_of_another_call_is_written_in_the_format_of_the_contract() {
    struct Relay;
    impl Songs for Relay {
        async fn add(&self, _title: &str) -> Result<u64> {
            let mut response = Response::new(Bytes::from_static(b"<html>"));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            let error = Error::new(wiretrait::ErrorKind::Service, "the response is an HTML page");
            Err(error.with_response(&response))
        }
    }
    let server = Server::start(songs::Handler::new(Relay)).await;
    let response = server.send("POST", "/v3/songs", r#"{"title":"x"}"#).await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(json_of(&response), json!({ "fault": "add failed: the response is an HTML page" }));
}
