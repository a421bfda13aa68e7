//! The embedded service: any [`ISessionsV1`] behind HTTP, with the answers of the real service.
//!
//! [`router`] is for axum applications; [`EmbeddedService`] is a whole server in one line, for tests, load
//! tests and examples. What the real service does with a request for a command, odd or not, is done here: its
//! checks and their order, its messages and headers.
//!
//! What no client of the contract sends is not imitated: conditional, compressed, dated and signed requests
//! (`If-Match`, `Content-Encoding`, `Date`, `Content-MD5`) are answered as plain ones, what browsers ask for
//! (`Origin`, preflights) as if it was not there, and verbs that HTTP does not know as those that it knows. JSON
//! nested deeper than 127 is invalid, and an argument called `constructor` is one like any other. Idle
//! connections are not closed. Nor is there `/status`, or a request that ends the process.
//!
//! Half a surrogate pair, which no text of Rust can hold, is two characters in the sessions of `service`,
//! U+10FFFF and a private one, and half a pair again in the answers.

mod accept;
mod embedded;
mod javascript;
mod schema;
mod shadows;

pub use embedded::EmbeddedService;

use self::accept::{MEDIA_TYPES, accepts_answers};
use crate::contract::{ISessionsV1, sessions_v1};
use crate::data::to_text;
use crate::error::ServiceError;
use crate::runtime::{
    Handler, Incoming, Payload, Request, Response, Route, error_response, invalid_json, json,
    validation_error,
};
use axum::Router;
use axum::body::Body;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPIRES, HeaderMap,
    PRAGMA, SERVER, VARY,
};
use http::{HeaderValue, Method, StatusCode};
use serde_json::Value;
use std::sync::Arc;

/// The largest request body: more than the real service was seen to accept.
const MAX_BODY: usize = 128 << 20;

/// An axum router that answers for `service` as the real service does, under `/v1/sessions`, and with the
/// server's time under `/heartbeat`.
pub fn router<S, U, D>(service: S) -> Router
where
    S: ISessionsV1<U, D> + 'static,
    U: Payload,
    D: Payload,
{
    let service = Arc::new(sessions_v1::Handler::<S, U, D>::new(service));
    Router::new().fallback(move |request: axum::extract::Request| {
        let service = Arc::clone(&service);
        async move { answer(&*service, request).await.map(Body::from) }
    })
}

async fn answer(service: &impl Handler, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let closes = asks_to_close(&parts.headers);
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        let error = ServiceError::new("PayloadTooLarge", "the body is incomplete or too large");
        return with_headers(error_response(StatusCode::PAYLOAD_TOO_LARGE, &error), Reach::Server, closes);
    };
    let (response, reach) = route(service, http::Request::from_parts(parts, body)).await;
    with_headers(response.map(javascript::written), reach, closes)
}

fn asks_to_close(headers: &HeaderMap) -> bool {
    let options = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    options.flat_map(|value| value.split(',')).any(|option| option.trim().eq_ignore_ascii_case("close"))
}

/// How far a request came, which the headers of its answer show.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Server,
    Command,
}

/// The real service's order of checks: path, method, what is accepted, JSON, arguments.
async fn route(service: &impl Handler, request: Request) -> (Response, Reach) {
    let incoming = Incoming::from(request);
    let incoming = without_path_parameters(incoming.request()).unwrap_or(incoming);
    if incoming.request().uri().path() == HEARTBEAT.path {
        return heartbeat(&incoming);
    }
    let Some(route) = incoming.route(sessions_v1::ROUTES) else {
        return (unmatched(&incoming, sessions_v1::ROUTES), Reach::Server);
    };
    if !accepts_answers(incoming.request().headers()) {
        let error = ServiceError::new("NotAcceptable", format!("Server accepts: {}", MEDIA_TYPES.join(",")));
        return (error_response(StatusCode::NOT_ACCEPTABLE, &error), Reach::Server);
    }
    let mut arguments = match read_json(incoming.request()) {
        Ok(arguments) => arguments,
        Err(error) => {
            return (error_response(StatusCode::BAD_REQUEST, &invalid_json(error)), Reach::Server);
        }
    };
    if let Some((status, error)) = refusal(route, &mut arguments) {
        return (error_response(status, &error), Reach::Command);
    }
    (service.handle(incoming.with_json(arguments)).await, Reach::Command)
}

/// Why the arguments are refused, or why the command fails on them. Those that pass are put right.
fn refusal(route: &Route, arguments: &mut Value) -> Option<(StatusCode, ServiceError)> {
    let failed = |error| (StatusCode::INTERNAL_SERVER_ERROR, error);
    if let Some(error) = shadows::uncopied(arguments) {
        return Some(failed(error));
    }
    let failure = shadows::failure(route.name, arguments);
    let mut inherited = shadows::inherited(arguments);
    match schema::check(route, inherited.as_mut().unwrap_or(arguments)) {
        Err(problems) => Some((StatusCode::BAD_REQUEST, validation_error(&problems))),
        Ok(()) => failure.map(failed),
    }
}

/// The request to the path before a semicolon, where that path is known: for the service's router, what comes
/// after it is a query.
fn without_path_parameters(request: &Request) -> Option<Incoming> {
    let (path, _) = request.uri().path().split_once(';')?;
    let mut request = request.clone();
    *request.uri_mut() = path.parse().ok()?;
    let incoming = Incoming::from(request);
    let is_known = |routes| incoming.unmatched(routes).status() == StatusCode::METHOD_NOT_ALLOWED;
    (is_known(sessions_v1::ROUTES) || is_known(&[HEARTBEAT])).then_some(incoming)
}

/// The answer to a request that is for no route. An answer to `HEAD` does not speak of the body that it has not.
fn unmatched(incoming: &Incoming, routes: &[&Route]) -> Response {
    let mut response = incoming.unmatched(routes);
    if incoming.request().method() == Method::HEAD {
        response.headers_mut().remove(CONTENT_TYPE);
        response.body_mut().clear();
    }
    response
}

/// The arguments of a command. Without a JSON content type there are none, and nobody complains.
fn read_json(request: &Request) -> serde_json::Result<Value> {
    let Some(is_text) = is_json(request.headers()) else { return Ok(Value::Null) };
    // An empty body that was not announced as such is only noticed where it is a text.
    let is_announced = request.headers().contains_key(CONTENT_LENGTH);
    if request.body().is_empty() && (is_text || is_announced) {
        return Ok(Value::Null);
    }
    // Invalid UTF-8 is replaced, as the real service does.
    javascript::parse(&String::from_utf8_lossy(request.body()))
}

/// Whether the body is JSON, and whether the service reads it as a text, which it does with plain JSON alone.
/// Its rule is neither that of the standard nor blind to a space before a parameter.
fn is_json(headers: &HeaderMap) -> Option<bool> {
    let content_type = String::from_utf8_lossy(headers.get(CONTENT_TYPE)?.as_bytes()).to_ascii_lowercase();
    let subtype = content_type.split(';').next()?.strip_prefix("application/")?;
    let is_name =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'.');
    match subtype.split_once("+json") {
        None => (subtype == "json").then_some(true),
        Some((name, _)) => is_name(name).then_some(false),
    }
}

const HEARTBEAT: &Route = &Route {
    name: "heartbeat",
    doc: "",
    method: Method::GET,
    path: "/heartbeat",
    prefix: "",
    idempotent: true,
    timeout: None,
    has_body: false,
    params: &[],
};

fn heartbeat(incoming: &Incoming) -> (Response, Reach) {
    if incoming.route(&[HEARTBEAT]).is_none() {
        return (unmatched(incoming, &[HEARTBEAT]), Reach::Server);
    }
    let now = to_text(&chrono::Utc::now());
    (json(StatusCode::OK, format!("\"{now}\"").into_bytes()), Reach::Command)
}

/// The headers that every answer of the real service has, with those of its commands.
fn with_headers(mut response: Response, reach: Reach, closes: bool) -> Response {
    const CORS: &str = "origin,access-control-request-method,access-control-request-headers";
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static("restify"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if reach == Reach::Command {
        headers.insert(VARY, HeaderValue::from_static(CORS));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        headers.insert(EXPIRES, HeaderValue::from_static("0"));
    }
    // That it closes the connection, the server says itself.
    if !closes {
        headers.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
        headers.insert("keep-alive", HeaderValue::from_static("timeout=5"));
    }
    response
}
