//! The embedded service: any [`ISessionsV1`] behind HTTP, with the answers of the real service.
//!
//! [`router`] is for axum applications; [`EmbeddedService`] is a whole server in one line, for tests, load
//! tests and examples. What the real service does with a request, odd or not, is done here: its checks and their
//! order, its messages and headers, what it makes of JSON, of compressed bodies and of browsers.
//!
//! What is deliberately not imitated is one list, each with its reason: `snapshots/src/exceptions.rs`.
//!
//! Half a surrogate pair, which no text of Rust can hold, is two characters in the sessions of `service`,
//! U+10FFFF and a private one, and half a pair again in the answers.

mod accept;
mod answer;
mod body;
mod commands;
mod compression;
mod conditions;
mod connection;
mod cors;
mod date;
mod digest;
mod embedded;
mod endpoints;
mod gather;
mod head;
mod javascript;
mod jsonp;
mod node;
mod schema;
mod shadows;

pub use embedded::EmbeddedService;

use self::accept::{MEDIA_TYPES, accepts_answers};
use self::answer::{Answer, Reach, Wishes};
use self::commands::Commands;
use crate::contract::{ISessionsV1, sessions_v1};
use crate::data::Timestamp;
use crate::error::ServiceError;
use crate::runtime::{
    Handler, Incoming, Members, Payload, Request, Response, Route, error_response, validation_error,
};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use chrono::Utc;
use http::{Method, StatusCode};
use std::error::Error;
use std::sync::Arc;

/// An axum router that answers for `service` as the real service does: under `/v1/sessions`, and with the
/// server's time and state under `/heartbeat` and `/status`.
pub fn router<S, U, D>(service: S) -> Router
where
    S: ISessionsV1<U, D> + 'static,
    U: Payload,
    D: Payload,
{
    let double = Arc::new(Double::new(Commands::new(service)));
    Router::new().fallback(move |request: axum::extract::Request| {
        let double = Arc::clone(&double);
        async move { double.answer(request).await.map(Body::new) }
    })
}

/// The real service's double, around what answers the commands.
struct Double<H> {
    commands: H,
    start: Timestamp,
}

impl<H: Handler> Double<H> {
    fn new(commands: H) -> Self {
        Self { commands, start: Utc::now() }
    }

    async fn answer<B>(&self, request: http::Request<B>) -> Answer
    where
        B: http_body::Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        let (parts, body) = request.into_parts();
        let wishes = Wishes::of(&parts);
        if let Some(permission) = cors::preflight(&parts.method, &parts.headers) {
            return wishes.permission(permission);
        }
        let Some(body) = body::received(body).await else {
            return wishes.answer(body::too_large("the body is incomplete or too large"), Reach::Server);
        };
        let (response, reach) = self.route(http::Request::from_parts(parts, body)).await;
        wishes.answer(response.map(javascript::written), reach)
    }

    /// The real service's order of checks: path, method, what the request says of itself, body, conditions,
    /// arguments.
    async fn route(&self, request: Request) -> (Response, Reach) {
        let incoming = Incoming::from(request);
        let incoming = without_path_parameters(incoming.request()).unwrap_or(incoming);
        let request = incoming.request();
        let command = incoming.route(sessions_v1::ROUTES);
        let Some(route) = command.or_else(|| incoming.route(endpoints::ROUTES)) else {
            return (unmatched(&incoming), Reach::Server);
        };
        if !accepts_answers(request.headers()) {
            let message = format!("Server accepts: {}", MEDIA_TYPES.join(","));
            let error = ServiceError::new("NotAcceptable", message);
            return (error_response(StatusCode::NOT_ACCEPTABLE, &error), Reach::Server);
        }
        if let Some(error) = date::expired(request.headers()) {
            return (error_response(StatusCode::BAD_REQUEST, &error), Reach::Server);
        }
        let mut arguments = match body::arguments(request, route) {
            Ok(arguments) => arguments,
            Err(refusal) => return (*refusal, Reach::Checks),
        };
        if let Some(refusal) = conditions::failed(request.method(), request.headers()) {
            return (refusal, Reach::Checks);
        }
        if command.is_none() {
            return (endpoints::answer(route, self.start), Reach::Command);
        }
        if let Some(error) = shadows::uncopied(&arguments) {
            return (error_response(StatusCode::INTERNAL_SERVER_ERROR, &error), Reach::Uncaught);
        }
        if let Some((status, error)) = refusal(route, &mut arguments) {
            return (error_response(status, &error), Reach::Command);
        }
        (self.commands.handle(incoming.with_members(route, arguments)).await, Reach::Command)
    }
}

/// Why the arguments are refused, or why the command fails on them. Those that pass are put right.
fn refusal(route: &Route, arguments: &mut Members) -> Option<(StatusCode, ServiceError)> {
    let failure = shadows::failure(route.name, arguments);
    let mut inherited = shadows::inherited(arguments);
    match schema::check(inherited.as_mut().unwrap_or(arguments)) {
        Err(problems) => Some((StatusCode::BAD_REQUEST, validation_error(&problems))),
        Ok(()) => failure.map(|error| (StatusCode::INTERNAL_SERVER_ERROR, error)),
    }
}

/// The request to the path before a semicolon, where that path is known: for the service's router, what comes
/// after it is a query.
fn without_path_parameters(request: &Request) -> Option<Incoming> {
    let (path, _) = request.uri().path().split_once(';')?;
    let mut request = request.clone();
    *request.uri_mut() = path.parse().ok()?;
    let incoming = Incoming::from(request);
    (unmatched(&incoming).status() == StatusCode::METHOD_NOT_ALLOWED).then_some(incoming)
}

/// The answer to a request that is for no route.
fn unmatched(incoming: &Incoming) -> Response {
    let request = incoming.request();
    if request.method() == Method::OPTIONS && request.uri().path() == "*" {
        return Response::new(Bytes::new());
    }
    let response = incoming.unmatched(sessions_v1::ROUTES);
    if response.status() == StatusCode::NOT_FOUND { incoming.unmatched(endpoints::ROUTES) } else { response }
}
