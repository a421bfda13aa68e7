//! The bodies of error responses: of declared types, in usual and in foreign formats, and what an error keeps of
//! a response without showing it.
#![cfg(feature = "tower")]

use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderValue, Response, StatusCode};
use http_body::Frame;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use wiretrait::policy::RetryPolicy;
use wiretrait::{
    CallOptions, ClientConfig, Error, ErrorBody, ErrorFormat, ErrorKind, InProcessTransport, PlainErrors,
    Problem, Result, ServiceError, TowerTransport, Transport, http_api, transport_fn,
};

/// A value in headers and bodies, which no error may show.
const SECRET: &str = "s3cret";

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct GitHubError {
    message: String,
    #[serde(default)]
    errors: Vec<Invalid>,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Invalid {
    field: String,
    code: String,
}

impl ErrorBody for GitHubError {
    fn message(&self) -> Cow<'_, str> {
        match self.errors.first() {
            Some(Invalid { field, code }) => format!("{}: {field} is {code}", self.message).into(),
            None => self.message.as_str().into(),
        }
    }

    fn from_service(_status: StatusCode, error: &ServiceError) -> impl Serialize {
        Self { message: error.message.clone(), errors: Vec::new() }
    }
}

#[http_api(client = GitHubClient, module = github, error = GitHubError)]
trait GitHub {
    #[get("/users/{name}")]
    async fn user(&self, name: &str) -> Result<Option<String>>;
}

/// The type of an error of which clients need no more than the message.
#[derive(Deserialize)]
struct StripeError {
    error: Declined,
}

#[derive(Deserialize)]
struct Declined {
    code: String,
    message: String,
}

impl ErrorBody for StripeError {
    fn code(&self) -> Cow<'_, str> {
        self.error.code.as_str().into()
    }

    fn message(&self) -> Cow<'_, str> {
        self.error.message.as_str().into()
    }
}

#[http_api(client = StripeClient, module = stripe, error = StripeError)]
trait Stripe {
    #[post("/charges")]
    async fn charge(&self, #[field] amount: u64) -> Result<u64>;
}

#[http_api(client = BankClient, module = bank, error = Problem)]
trait Bank {
    #[get("/accounts/{id}")]
    async fn account(&self, id: u64) -> Result<u64>;
}

/// A contract without a declared error.
#[http_api(client = PlainClient, module = plain)]
trait Plain {
    #[get("/things/{id}")]
    async fn find(&self, id: u64) -> Result<u64>;
}

/// A transport that responds with `status`, a cookie, and `body` of a media type.
fn responding(status: u16, media_type: &'static str, body: impl Into<Vec<u8>>) -> impl Transport + Clone {
    let body = bytes::Bytes::from(body.into());
    transport_fn(move |_call| {
        let mut response = Response::new(body.clone());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let headers = response.headers_mut();
        if !media_type.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        }
        headers.insert(SET_COOKIE, HeaderValue::from_static(SECRET));
        std::future::ready(Ok(response))
    })
}

/// Checks that nothing that is displayed or logged has the secret, and that programs get it.
fn checked(error: Error) -> Error {
    let mut shown = vec![error.to_string(), format!("{error:?}"), format!("{error:#?}")];
    let mut source = error.source();
    while let Some(cause) = source {
        shown.push(cause.to_string());
        source = cause.source();
    }
    for text in shown {
        assert!(!text.contains(SECRET), "{text}");
    }
    assert_eq!(error.headers().unwrap()[SET_COOKIE], SECRET);
    error
}

async fn find(transport: impl Transport) -> Error {
    checked(PlainClient::new(transport).find(1).await.unwrap_err())
}

#[tokio::test]
async fn a_declared_body_is_shown_and_read() {
    let body = json!({
        "message": "Validation Failed",
        "errors": [{ "resource": SECRET, "field": "title", "code": "missing" }],
    });
    let client = GitHubClient::new(responding(422, "application/json", body.to_string()));
    let error = checked(client.user("ann").await.unwrap_err());
    assert_eq!(
        error.to_string(),
        "user: the service responded with 422 Unprocessable Entity: Validation Failed: title is missing"
    );
    assert_eq!(error.kind(), ErrorKind::Service);
    let typed: GitHubError = error.body_as().unwrap();
    assert_eq!(typed.errors, [Invalid { field: "title".to_owned(), code: "missing".to_owned() }]);
    assert_eq!(error.body_as::<Value>().unwrap(), body);
    assert_eq!(error.body_as::<Vec<u8>>(), None);
}

#[tokio::test]
async fn a_declared_body_may_only_be_read() {
    let body = json!({ "error": { "code": "card_declined", "message": "no funds", "charge": SECRET } });
    let client = StripeClient::new(responding(402, "application/json", body.to_string()));
    let error = checked(client.charge(5).await.unwrap_err());
    assert_eq!(error.service().unwrap().code, "card_declined");
    assert_eq!(
        error.to_string(),
        "charge: the service responded with 402 Payment Required: card_declined: no funds"
    );
}

struct Service;

impl GitHub for Service {
    async fn user(&self, name: &str) -> Result<Option<String>> {
        match name {
            "typed" => Err(Error::from_body(
                StatusCode::CONFLICT,
                &GitHubError {
                    message: "taken".to_owned(),
                    errors: vec![Invalid { field: "name".to_owned(), code: "already_exists".to_owned() }],
                },
            )),
            "plain" => Err(Error::from_service(StatusCode::GONE, ServiceError::new("gone", "has left"))),
            _ => Ok(None),
        }
    }
}

impl Bank for Service {
    async fn account(&self, id: u64) -> Result<u64> {
        match id {
            0 => {
                let problem = Problem::new(StatusCode::FORBIDDEN, "the balance is 30")
                    .with_type("https://bank.example/out-of-credit")
                    .with_title("Out of credit")
                    .with_instance("/accounts/0")
                    .with_extension("balance", 30)
                    .with_extension("status", 200);
                Err(Error::from_body(StatusCode::FORBIDDEN, &problem))
            }
            1 => {
                let error = ServiceError::new("locked", "the account is locked").with_detail("until", "noon");
                Err(Error::from_service(StatusCode::LOCKED, error))
            }
            id => Ok(id),
        }
    }
}

impl Stripe for Service {
    async fn charge(&self, _amount: u64) -> Result<u64> {
        Err(Error::from_service(StatusCode::CONFLICT, ServiceError::new("twice", "was charged")))
    }
}

#[tokio::test]
async fn a_service_responds_with_the_declared_body() {
    let client = GitHubClient::new(InProcessTransport::new(github::Handler::new(Service)));
    let error = client.user("typed").await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::CONFLICT));
    assert_eq!(error.body_as::<GitHubError>().unwrap().errors[0].code, "already_exists");
    assert_eq!(error.headers().unwrap()[CONTENT_TYPE], "application/json");

    let error = client.user("plain").await.unwrap_err();
    assert_eq!(error.body_as::<Value>().unwrap(), json!({ "message": "has left", "errors": [] }));
    assert_eq!(error.to_string(), "user: the service responded with 410 Gone: has left");
}

#[tokio::test]
async fn a_body_that_is_only_read_is_written_with_code_and_message() {
    let client = StripeClient::new(InProcessTransport::new(stripe::Handler::new(Service)));
    let error = client.charge(1).await.unwrap_err();
    assert_eq!(error.body_as::<Value>().unwrap(), json!({ "code": "twice", "message": "was charged" }));
}

#[tokio::test]
async fn problems_are_written_and_read() {
    let client = BankClient::new(InProcessTransport::new(bank::Handler::new(Service)));
    let error = client.account(0).await.unwrap_err();
    assert_eq!(error.headers().unwrap()[CONTENT_TYPE], "application/problem+json");
    assert_eq!(
        error.body_as::<Value>().unwrap(),
        json!({
            "type": "https://bank.example/out-of-credit",
            "title": "Out of credit",
            "status": 403,
            "detail": "the balance is 30",
            "instance": "/accounts/0",
            "balance": 30,
        })
    );
    let problem: Problem = error.body_as().unwrap();
    assert_eq!(problem.instance.as_deref(), Some("/accounts/0"));
    assert_eq!(problem.extensions["balance"], 30);
    assert_eq!(
        error.to_string(),
        "account: the service responded with 403 Forbidden: https://bank.example/out-of-credit: the balance is 30"
    );

    let error = client.account(1).await.unwrap_err();
    assert_eq!(error.service(), Some(&ServiceError::new("locked", "the account is locked")));
    assert_eq!(
        error.body_as::<Value>().unwrap(),
        json!({
            "type": "about:blank",
            "title": "Locked",
            "status": 423,
            "detail": "the account is locked",
            "code": "locked",
            "until": "noon",
        })
    );
}

#[test]
fn fields_of_a_problem_with_another_type_count_as_absent() {
    let body = json!({
        "type": 5, "title": ["x"], "status": "403", "detail": null, "instance": {}, "x": [1],
    });
    let problem: Problem = serde_json::from_value(body).unwrap();
    assert_eq!(problem.type_uri, "about:blank");
    assert_eq!((problem.title, problem.status, problem.detail, problem.instance), (None, None, None, None));
    assert_eq!(problem.extensions["x"], json!([1]));
    let problem: Problem = serde_json::from_value(json!({ "status": 70_000, "title": "t" })).unwrap();
    assert_eq!((problem.status, &*problem.message(), &*problem.code()), (None, "t", ""));
}

#[test]
fn the_debug_output_of_a_problem_has_no_extensions() {
    let problem = Problem::new(StatusCode::FORBIDDEN, "no\nfunds")
        .with_instance(SECRET)
        .with_extension("account", SECRET);
    let debug = format!("{problem:?}");
    assert!(debug.contains("no funds") && !debug.contains(SECRET), "{debug}");
}

#[test]
fn a_code_that_is_a_uri_is_the_type_of_a_problem() {
    let format = bank::CONTRACT.errors;
    let body = format.write(StatusCode::NOT_FOUND, &ServiceError::new("urn:problem:lost", "it is lost"));
    let problem: Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!((&*problem.type_uri, problem.extensions.len()), ("urn:problem:lost", 0));
    assert_eq!(format.read(&body), Some(ServiceError::new("urn:problem:lost", "it is lost")));
}

#[test]
fn plain_errors_find_code_and_message_in_the_usual_shapes() {
    for (body, code, message) in [
        (json!({ "code": "a", "message": "m" }), "a", "m"),
        (json!({ "message": "m", "documentation_url": "u" }), "", "m"),
        (json!({ "error": "it is lost" }), "", "it is lost"),
        (json!({ "error": "not_found" }), "not_found", "not_found"),
        (json!({ "error": "invalid_grant", "error_description": "expired" }), "invalid_grant", "expired"),
        (json!({ "error": { "code": "c", "message": "m", "type": "t" } }), "c", "m"),
        (json!({ "error": { "code": 404, "message": "m", "status": "NOT_FOUND" } }), "", "m"),
        (json!({ "error": { "type": "t", "message": "m" } }), "t", "m"),
        (json!({ "type": "about:blank", "title": "Gone", "detail": "d" }), "", "d"),
        (json!({ "title": "Gone", "status": 410 }), "", "Gone"),
        (json!({ "errors": [{ "code": "DENIED", "message": "m" }] }), "DENIED", "m"),
        (json!({ "errors": [{ "title": "t", "detail": "d" }] }), "", "d"),
        (json!({ "errors": ["m", "n"] }), "", "m"),
        (
            json!({ "detail": [{ "loc": ["query"], "msg": "field required", "type": "missing" }] }),
            "",
            "field required",
        ),
        (
            json!({ "statusCode": 400, "message": ["name is empty"], "error": "Bad Request" }),
            "",
            "name is empty",
        ),
        (json!({ "message": 5, "detail": "d" }), "", "d"),
        (json!({ "message": "", "error": "e!" }), "", "e!"),
        (json!({ "code": "only" }), "only", ""),
    ] {
        let read = PlainErrors.read(body.to_string().as_bytes());
        assert_eq!(read, Some(ServiceError::new(code, message)), "{body}");
    }
    for body in [
        "",
        "{}",
        "[]",
        r#"["m"]"#,
        r#""m""#,
        "5",
        r#"{"message":5}"#,
        r#"{"message":" "}"#,
        r#"{"a":"b"}"#,
        r#"{"message":"m"} x"#,
    ] {
        assert_eq!(PlainErrors.read(body.as_bytes()), None, "{body}");
    }
}

#[tokio::test]
async fn a_body_in_another_format_is_described_by_its_form() {
    let html = format!("<!doctype html><h1>{SECRET}</h1>");
    let xml = format!("<?xml version=\"1.0\"?><Error><Code>{SECRET}</Code></Error>");
    let json = json!({ "secret": SECRET }).to_string();
    for (media_type, body, form) in [
        ("text/html", html.clone(), "an HTML page (text/html)"),
        ("", html, "an HTML page"),
        ("text/html; charset=iso-8859-1", SECRET.to_owned(), "an HTML page (text/html)"),
        ("application/xml", xml.clone(), "an XML body (application/xml)"),
        ("", xml, "an XML body"),
        ("image/svg+xml", SECRET.to_owned(), "an XML body (image/svg+xml)"),
        (
            "application/json",
            json.clone(),
            "JSON in another form than the errors of the service (application/json)",
        ),
        (
            "application/vnd.x+json",
            json.clone(),
            "JSON in another form than the errors of the service (application/vnd.x+json)",
        ),
        ("", json.clone(), "JSON in another form than the errors of the service"),
        ("text/plain", json, "JSON in another form than the errors of the service (text/plain)"),
        ("application/json", format!("{{{SECRET}"), "a body that is not valid JSON (application/json)"),
        ("text/plain; charset=utf-8", SECRET.to_owned(), "a text body (text/plain)"),
        ("", SECRET.to_owned(), "a text body"),
        (
            "application/octet-stream",
            SECRET.to_owned(),
            "a body in another format than the errors of the service (application/octet-stream)",
        ),
        ("text/plain", String::new(), "an empty body (text/plain)"),
        ("", String::new(), "an empty body"),
    ] {
        let error = find(responding(500, media_type, body.clone())).await;
        assert_eq!(
            error.to_string(),
            format!("find: the response is 500 Internal Server Error with {form}"),
            "{media_type} {body}"
        );
        assert_eq!((error.kind(), error.service()), (ErrorKind::Service, None));
        assert_eq!(error.body().unwrap(), body.as_bytes());
    }
}

#[tokio::test]
async fn json_that_is_not_utf_8_is_described_by_its_charset() {
    for (media_type, why) in [
        ("application/json", "it is not UTF-8"),
        ("application/json; charset=iso-8859-1", "its charset is `iso-8859-1`, but JSON must be UTF-8"),
    ] {
        let error = find(responding(500, media_type, *b"{\"a\":\"caf\xe9\"}")).await;
        assert_eq!(
            error.to_string(),
            format!(
                "find: the response is 500 Internal Server Error with a body that cannot be read (application/json): {why}"
            )
        );
    }
}

#[tokio::test]
async fn an_unchanged_response_and_a_redirect_are_described() {
    let error = find(responding(304, "", "")).await;
    assert_eq!(
        error.to_string(),
        "find: the response is 304 Not Modified with no body, since the content is unchanged: expect it for a request \
         with `if-none-match` or `if-modified-since`, and otherwise check the caches in front of the service"
    );
    let error = find(responding(307, "text/html", SECRET)).await;
    assert_eq!(
        error.to_string(),
        "find: the response is 307 Temporary Redirect with a redirect, which is never followed (text/html): check the \
         address of the service"
    );
}

#[tokio::test]
async fn only_a_proxy_that_names_itself_is_named() {
    let denied = transport_fn(|_call| {
        let mut response = Response::new(bytes::Bytes::from_static(b"<html>"));
        *response.status_mut() = StatusCode::FORBIDDEN;
        response.headers_mut().insert("x-squid-error", HeaderValue::from_static("ERR_ACCESS_DENIED 0"));
        std::future::ready(Ok(response))
    });
    let error = PlainClient::new(denied).find(1).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "find: the response is 403 Forbidden with an HTML page: it comes from a proxy (ERR_ACCESS_DENIED)"
    );
}

#[tokio::test]
async fn a_response_that_cannot_be_decoded_is_kept() {
    let error = find(responding(200, "application/json", format!("\"{SECRET}\""))).await;
    assert_eq!((error.kind(), error.status()), (ErrorKind::Decode, Some(StatusCode::OK)));
    assert_eq!(error.body_as::<&str>(), Some(SECRET));
    let error = find(responding(200, "", "")).await;
    assert_eq!(error.body().unwrap(), "");
}

#[tokio::test]
async fn a_long_body_is_truncated() {
    const LIMIT: usize = 64 * 1024;
    for length in [LIMIT - 2, LIMIT - 1] {
        let body = format!("\"{}\"", "a".repeat(length));
        let error = find(responding(500, "application/json", body.clone())).await;
        let is_truncated = body.len() > LIMIT;
        assert_eq!(error.is_body_truncated(), is_truncated);
        assert_eq!(error.body().unwrap(), &body.as_bytes()[..body.len().min(LIMIT)]);
        assert_eq!(error.body_as::<String>().is_none(), is_truncated);
    }
}

/// A body whose size is not announced.
struct Unannounced(Option<bytes::Bytes>);

impl http_body::Body for Unannounced {
    type Data = bytes::Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|chunk| Ok(Frame::data(chunk))))
    }
}

#[tokio::test]
async fn the_start_of_a_body_over_the_size_limit_is_kept() {
    let config = ClientConfig::from_url("http://localhost").unwrap().with_max_response_bytes(10);
    let service = tower::service_fn(|_request: http::Request<http_body_util::Full<bytes::Bytes>>| {
        let mut response = Response::new(Unannounced(Some("0123456789ab".into())));
        *response.status_mut() = StatusCode::NOT_FOUND;
        std::future::ready(Ok::<_, Error>(response))
    });
    let client = PlainClient::new(TowerTransport::new(service, &config).unwrap());
    let error = client.find(1).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "find: the response is 404 Not Found with a body over the size limit, which was not read"
    );
    assert_eq!(error.body().unwrap(), "0123456789ab");
    assert_eq!((error.is_body_truncated(), error.body_as::<Value>()), (true, None));
}

#[tokio::test]
async fn policies_and_views_keep_the_response() {
    let config = ClientConfig::new()
        .with_retry_policy(RetryPolicy::new().with_retries(1).with_backoff(Duration::ZERO, Duration::ZERO));
    let transport = responding(503, "application/json", r#"{"message":"busy"}"#);
    let client = PlainClient::from_transport(transport, &config).unwrap();
    let error = checked(client.with(CallOptions::new().token("t")).find(1).await.unwrap_err());
    assert_eq!(error.attempts(), 2);
    assert_eq!(error.body_as::<Value>().unwrap()["message"], "busy");
    let dynamic: &dyn DynPlain = &client;
    let error = checked(dynamic.with(CallOptions::new()).find(1).await.unwrap_err());
    assert_eq!(error.body().unwrap(), r#"{"message":"busy"}"#);
    let error = checked(client.caller().call_raw(plain::Find::new(1)).await.unwrap_err());
    assert_eq!(error.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
}

#[tokio::test]
async fn an_error_without_a_response_has_no_body() {
    let transport = transport_fn(|_call| async { Err(Error::new(ErrorKind::Connect, "scripted")) });
    let error = PlainClient::new(transport).find(1).await.unwrap_err();
    assert!(error.headers().is_none() && error.body().is_none() && !error.is_body_truncated());
    assert_eq!(error.body_as::<Value>(), None);
}

#[tokio::test]
async fn a_body_without_code_and_message_is_not_in_the_declared_format() {
    let client = BankClient::new(responding(500, "application/json", r#"{"a":1}"#));
    let error = checked(client.account(1).await.unwrap_err());
    assert_eq!(
        error.to_string(),
        "account: the response is 500 Internal Server Error with JSON in another form than the errors of the service \
         (application/json)"
    );
    assert_eq!(error.body_as::<Problem>().unwrap().extensions["a"], 1);
}
