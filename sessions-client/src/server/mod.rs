//! The embedded service: any [`ISessionsV1`] behind HTTP, with the answers of the real service.
//!
//! [`router`] is for axum applications; [`EmbeddedService`] is a whole server in one line, for tests, load
//! tests and examples. What the real service does with a request for a command, odd or not, is done here: its
//! checks and their order, its messages and headers.
//!
//! What no client of the contract sends is not imitated: conditional, compressed, dated and signed requests
//! (`If-Match`, `Content-Encoding`, `Date`, `Content-MD5`) are answered as plain ones, preflights of browsers as
//! any other wrong method, and numbers and texts beyond what `serde_json` reads (`1e400`, lone surrogates) are
//! invalid JSON. Idle connections are not closed. Nor is there `/status`, or a request that ends the process.

mod embedded;
mod javascript;
mod schema;

pub use embedded::EmbeddedService;

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
    ACCEPT, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, EXPIRES, HeaderMap, PRAGMA,
    SERVER, VARY,
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
    with_headers(response, reach, closes)
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
    if incoming.request().uri().path() == HEARTBEAT.path {
        return heartbeat(&incoming);
    }
    let Some(route) = incoming.route(sessions_v1::ROUTES) else {
        return (incoming.unmatched(sessions_v1::ROUTES), Reach::Server);
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
    if let Err(problems) = schema::check(route, &mut arguments) {
        return (error_response(StatusCode::BAD_REQUEST, &validation_error(&problems)), Reach::Command);
    }
    (service.handle(incoming.with_json(arguments)).await, Reach::Command)
}

/// The arguments of a command. Without a JSON content type there are none, and nobody complains.
fn read_json(request: &Request) -> serde_json::Result<Value> {
    if request.body().is_empty() || !is_json(request.headers()) {
        return Ok(Value::Null);
    }
    // Invalid UTF-8 is replaced, as the real service does.
    let mut json = serde_json::from_str(&String::from_utf8_lossy(request.body()))?;
    javascript::pass_through(&mut json);
    Ok(json)
}

/// What the service says that it can answer with. It is JSON, whichever is asked for.
const MEDIA_TYPES: [&str; 4] =
    ["application/json", "text/plain", "application/octet-stream", "application/javascript"];

/// Whether one of the ranges in `Accept` takes in what the service offers. Without one, anything goes.
fn accepts_answers(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(ACCEPT).iter().peekable();
    values.peek().is_none()
        || values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|range| {
            let range = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            matches!(&*range, "" | "*/*" | "application/*" | "text/*") || MEDIA_TYPES.contains(&&*range)
        })
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
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
        return (incoming.unmatched(&[HEARTBEAT]), Reach::Server);
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
