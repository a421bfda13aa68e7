//! An embedded sessions microservice for tests and load tests, with the responses of the real service.
//!
//! [`EmbeddedService`] is a whole server in one line; [`router`] is for axum applications. The program
//! `sessions-service` is for tests in any language:
//!
//! ```text
//! cargo run -p sessions-service -- --port 8080
//! ```
//!
//! The sessions are in a [`SessionStore`] or in any other implementation of the contract
//! ([`EmbeddedService::start_with`], [`router_with`]). The crate imitates the real service even where it is
//! odd: its checks and their order, its messages and headers, its handling of JSON, compressed bodies, CORS
//! and JSONP. Differential tests compare it with the real service; `snapshots/src/exceptions.rs` lists the
//! deliberate differences with their reasons.
//!
//! Rust strings cannot contain a lone surrogate (half of a surrogate pair). Another implementation receives
//! it as two characters, U+10FFFF and one of a private-use area, and the responses contain the surrogate
//! again.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `cli` (default) | the program `sessions-service` |
//! | `grpc` | the service's gRPC interfaces: `EmbeddedService::start_grpc`, and `--grpc-port` of the program |
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

mod accept;
mod arguments;
mod body;
mod commands;
mod compression;
mod conditions;
mod connection;
mod cors;
mod date;
mod date_parse;
mod digest;
mod embedded;
mod endpoints;
mod errors;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod gather;
#[cfg(feature = "grpc")]
mod grpc;
mod javascript;
mod jsonp;
mod load_shedding;
mod node;
mod options;
mod request_headers;
mod response;
mod schema;
mod shadowing;
mod store;
mod value;

pub use embedded::EmbeddedService;
pub use options::ServiceOptions;
pub use store::SessionStore;

use self::accept::{MEDIA_TYPES, is_acceptable};
use self::arguments::Arguments;
use self::body::Unreadable;
use self::commands::{Commands, Dispatched};
use self::errors::error_response;
use self::load_shedding::LoadShedding;
use self::response::{ResponseOptions, ServedResponse, Stage};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use chrono::Utc;
use http::{Method, StatusCode};
use pip_services::Timestamp;
use sessions_client::{ISessionsV1, Payload, semantics, sessions_v1};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use wiretrait::{Incoming, Request, Response, Route, ServiceError};

/// Returns an axum router that serves the sessions of `store` under `/v1/sessions`, and the server's time and
/// state under `/heartbeat` and `/status`.
pub fn router(store: SessionStore) -> Router {
    fallback(store)
}

/// Returns an axum router like [`router`] for any implementation of the contract.
pub fn router_with<S, U, D>(implementation: S) -> Router
where
    S: ISessionsV1<U, D> + 'static,
    U: Payload,
    D: Payload,
{
    fallback(Dispatched::new(implementation))
}

/// Returns a router whose every request goes to a [`Service`], which does its own routing.
fn fallback(commands: impl Commands + 'static) -> Router {
    let service = Arc::new(Service::new(commands));
    Router::new().fallback(move |request: axum::extract::Request| {
        let service = Arc::clone(&service);
        async move { service.respond(request).await.map(Body::new) }
    })
}

/// The service: everything between a request and the execution of its command.
struct Service<C> {
    commands: C,
    start_time: Timestamp,
    /// `None` for any number of requests at once.
    shedding: Option<LoadShedding>,
    response_delay: Duration,
}

impl<C: Commands> Service<C> {
    fn new(commands: C) -> Self {
        Self { commands, start_time: Utc::now(), shedding: None, response_delay: Duration::ZERO }
    }

    fn with_options(mut self, options: ServiceOptions) -> Self {
        self.shedding = options.max_concurrent_requests.map(LoadShedding::new);
        self.response_delay = options.response_delay;
        self
    }

    async fn respond<B>(&self, request: http::Request<B>) -> ServedResponse
    where
        B: http_body::Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        let (parts, body) = request.into_parts();
        let options = ResponseOptions::new(&parts);
        if let Some(permission) = cors::preflight(&parts.method, &parts.headers) {
            return options.preflight(permission);
        }
        let _permit = match self.shedding.as_ref().map(|shedding| shedding.admit(&parts.uri)).transpose() {
            Ok(permit) => permit,
            Err(rejection) => return options.finish(*rejection, Stage::Routing),
        };
        let body = match body::read(body).await {
            Ok(body) => body,
            Err(Unreadable::Malformed) => return node::malformed(),
            Err(Unreadable::TooLarge) => {
                return options.finish(body::too_large("the body is too large"), Stage::Routing);
            }
        };
        let (response, stage) = self.route(http::Request::from_parts(parts, body)).await;
        options.finish(response.map(javascript::restore_surrogates), stage)
    }

    /// Checks a request in the order of the real service (path, method, `Accept`, `Date`, body,
    /// preconditions, arguments) and executes its command.
    async fn route(&self, request: Request) -> (Response, Stage) {
        let incoming = Incoming::from(request);
        let incoming = without_path_parameters(incoming.request()).unwrap_or(incoming);
        let request = incoming.request();
        let command = incoming.route(sessions_v1::ROUTES);
        let Some(route) = command.or_else(|| incoming.route(endpoints::ROUTES)) else {
            return (unmatched(&incoming), Stage::Routing);
        };
        if !is_acceptable(request.headers()) {
            let message = format!("Server accepts: {}", MEDIA_TYPES.join(","));
            let error = ServiceError::new("NotAcceptable", message);
            return (error_response(StatusCode::NOT_ACCEPTABLE, &error), Stage::Routing);
        }
        if let Some(error) = date::expired(request.headers()) {
            return (error_response(StatusCode::BAD_REQUEST, &error), Stage::Routing);
        }
        let mut arguments = match body::arguments(request, route) {
            Ok(arguments) => arguments,
            Err(rejection) => return (*rejection, Stage::Checks),
        };
        if let Some(failed) = conditions::failed_precondition(request.method(), request.headers()) {
            return (failed, Stage::Checks);
        }
        if command.is_none() {
            return (endpoints::respond(route, self.start_time), Stage::Command);
        }
        if let Some(error) = shadowing::copy_error(&arguments) {
            return (error_response(StatusCode::INTERNAL_SERVER_ERROR, &error), Stage::Unhandled);
        }
        if let Some((status, error)) = argument_error(route, &mut arguments) {
            return (error_response(status, &error), Stage::Command);
        }
        if !self.response_delay.is_zero() {
            tokio::time::sleep(self.response_delay).await;
        }
        let response = self.commands.execute(route, arguments, request).await;
        (errors::with_properties(response), Stage::Command)
    }
}

/// Checks the arguments and normalizes them. Returns the error of the check, or the one with which the
/// command fails.
fn argument_error(route: &Route, arguments: &mut Arguments) -> Option<(StatusCode, ServiceError)> {
    let failure = shadowing::command_error(route.name, arguments);
    let mut inherited = shadowing::with_prototype(arguments);
    match schema::check(inherited.as_mut().unwrap_or(arguments)) {
        Err(violations) => Some((StatusCode::BAD_REQUEST, semantics::invalid_arguments(&violations))),
        Ok(()) => failure.map(|error| (StatusCode::INTERNAL_SERVER_ERROR, error)),
    }
}

/// Returns the request without the part of its path after a semicolon, if there is a route for the rest. The
/// service's router treats that part as a query.
fn without_path_parameters(request: &Request) -> Option<Incoming> {
    let (path, _) = request.uri().path().split_once(';')?;
    let mut request = request.clone();
    *request.uri_mut() = path.parse().ok()?;
    let incoming = Incoming::from(request);
    (unmatched(&incoming).status() == StatusCode::METHOD_NOT_ALLOWED).then_some(incoming)
}

/// Returns the response to a request without a route.
fn unmatched(incoming: &Incoming) -> Response {
    let request = incoming.request();
    if request.method() == Method::OPTIONS && request.uri().path() == "*" {
        return Response::new(Bytes::new());
    }
    let response = incoming.unmatched(sessions_v1::ROUTES);
    let is_unknown = response.status() == StatusCode::NOT_FOUND;
    let mut response = if is_unknown { incoming.unmatched(endpoints::ROUTES) } else { response };
    // The real service does not send the length of a body that a response to HEAD would have had.
    response.headers_mut().remove(http::header::CONTENT_LENGTH);
    response
}
