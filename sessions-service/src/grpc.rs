//! The gRPC interfaces of the service: commandable gRPC, and the methods of `sessions_v1.Sessions`.
//!
//! A call is executed as the HTTP request with the same arguments. So a session that is opened over gRPC with an empty
//! string has `null` instead, and missing payloads are rejected, where the real service stores them. `grpc-timeout` is
//! ignored, since no call waits.

use crate::Service;
use crate::commands::{Commands, JSON};
use crate::javascript::{replace_surrogates, restore_surrogates, restore_surrogates_in};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{HeaderName, Request, Response, StatusCode};
use http_body_util::combinators::WithTrailers;
use http_body_util::{BodyExt, Either, Empty, Full, Limited};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use pip_services::PipErrors;
use pip_services::grpc::{ErrorDescription, InvokeReply, InvokeRequest};
use prost::Message;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sessions_client::grpc::messages::{
    self, Session, SessionIdRequest, SessionObjectReply, SessionOpenRequest, SessionPage, SessionPageReply,
    SessionPageRequest, SessionPayloadRequest,
};
use sessions_client::sessions_v1;
use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::future::{Ready, ready};
use std::sync::Arc;
use tokio::net::TcpStream;
use wiretrait::grpc_frame::{self, FrameError, PREFIX_BYTES};
use wiretrait::{ErrorFormat, ServiceError};

/// The maximum size of a message.
const MAX_MESSAGE_BYTES: usize = 4 << 20;

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc+proto");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The characters of ASCII that are escaped in a message.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// The statuses of gRPC that the service responds with.
const OK: i32 = 0;
const UNKNOWN: i32 = 2;
const RESOURCE_EXHAUSTED: i32 = 8;
const UNIMPLEMENTED: i32 = 12;
const INTERNAL: i32 = 13;

/// A message with its trailers, or nothing after a head that ends the stream: clients of gRPC reject a status in a head
/// that does not.
pub(crate) type Body =
    Either<Empty<Bytes>, WithTrailers<Full<Bytes>, Ready<Option<Result<HeaderMap, Infallible>>>>>;

/// The body of a request, over a connection or in memory.
pub(crate) trait RequestBody: http_body::Body<Error: Into<Box<dyn Error + Send + Sync>>> {}

impl<B: http_body::Body<Error: Into<Box<dyn Error + Send + Sync>>>> RequestBody for B {}

/// A status with its message.
struct Failure(i32, String);

/// Serves the calls on `stream` until the client closes it.
pub(crate) async fn serve<C: Commands + 'static>(stream: TcpStream, service: Arc<Service<C>>) {
    let service = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(respond(&service, request).await) }
    });
    // Errors of a connection concern only its client.
    let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// Responds to a call.
pub(crate) async fn respond<B: RequestBody>(
    service: &Service<impl Commands>,
    request: Request<B>,
) -> Response<Body> {
    let is_grpc = |value: &HeaderValue| value.as_bytes().starts_with(b"application/grpc");
    if !request.headers().get(CONTENT_TYPE).is_some_and(is_grpc) {
        let mut response = Response::new(Body::Left(Empty::new()));
        *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return response;
    }
    let mut response = match call(service, request).await {
        Ok(message) => {
            let trailers = HeaderMap::from_iter([(STATUS, OK.into())]);
            Response::new(Body::Right(Full::new(message).with_trailers(ready(Some(Ok(trailers))))))
        }
        Err(failure) => failed_call(failure),
    };
    response.headers_mut().insert(CONTENT_TYPE, GRPC);
    response
}

fn failed_call(Failure(status, message): Failure) -> Response<Body> {
    let mut response = Response::new(Body::Left(Empty::new()));
    response.headers_mut().insert(STATUS, status.into());
    let message = utf8_percent_encode(&message, ESCAPED).to_string();
    if let Ok(message) = HeaderValue::try_from(message) {
        response.headers_mut().insert(MESSAGE, message);
    }
    response
}

/// A method of one of the interfaces.
#[derive(Clone, Copy)]
enum Method {
    Invoke,
    List,
    Open,
    StoreData,
    UpdateUser,
    CloseExpired,
    /// A command whose only argument is the id of a session.
    WithId(&'static str),
}

impl Method {
    fn of(path: &str) -> Result<Self, Failure> {
        Ok(match path {
            "/commandable.Commandable/invoke" => Self::Invoke,
            "/sessions_v1.Sessions/get_sessions" => Self::List,
            "/sessions_v1.Sessions/open_session" => Self::Open,
            "/sessions_v1.Sessions/store_session_data" => Self::StoreData,
            "/sessions_v1.Sessions/update_session_user" => Self::UpdateUser,
            "/sessions_v1.Sessions/close_expired_sessions" => Self::CloseExpired,
            "/sessions_v1.Sessions/get_session_by_id" => Self::WithId("get_session_by_id"),
            "/sessions_v1.Sessions/close_session" => Self::WithId("close_session"),
            "/sessions_v1.Sessions/delete_session_by_id" => Self::WithId("delete_session_by_id"),
            _ => {
                return Err(Failure(
                    UNIMPLEMENTED,
                    format!("The server does not implement the method {path}"),
                ));
            }
        })
    }
}

async fn call<B: RequestBody>(
    service: &Service<impl Commands>,
    request: Request<B>,
) -> Result<Bytes, Failure> {
    let (parts, body) = request.into_parts();
    // Before the message, because a client of an unknown streaming method may wait for a response to it.
    let method = Method::of(parts.uri.path())?;
    let message = read(body).await?;
    match method {
        Method::Invoke => frame(&invoke(service, decode(message)?).await),
        Method::List => {
            let SessionPageRequest { filter, paging, .. } = decode(message)?;
            let paging = paging.map(|messages::Paging { skip, take, total }| Paging { skip, take, total });
            let arguments = Arguments { filter: Some(filter), paging, ..Arguments::default() };
            frame(&listed(execute(service, "get_sessions", &arguments).await)?)
        }
        Method::Open => {
            let SessionOpenRequest { user_id, user_name, address, client, user, data, .. } = decode(message)?;
            let arguments = Arguments {
                // The service does not distinguish absent strings from empty ones.
                user_id: Some(user_id.as_deref().unwrap_or_default()),
                user_name: Some(user_name.as_deref().unwrap_or_default()),
                address: Some(address.as_deref().unwrap_or_default()),
                client: Some(client.as_deref().unwrap_or_default()),
                user: payload(user.as_deref().unwrap_or_default())?,
                data: payload(data.as_deref().unwrap_or_default())?,
                ..Arguments::default()
            };
            frame(&object(execute(service, "open_session", &arguments).await)?)
        }
        Method::StoreData => {
            let SessionPayloadRequest { session_id, payload: data, .. } = decode(message)?;
            let data = payload(&data)?;
            let arguments = Arguments { session_id: Some(&session_id), data, ..Arguments::default() };
            frame(&object(execute(service, "store_session_data", &arguments).await)?)
        }
        Method::UpdateUser => {
            let SessionPayloadRequest { session_id, payload: user, .. } = decode(message)?;
            let user = payload(&user)?;
            let arguments = Arguments { session_id: Some(&session_id), user, ..Arguments::default() };
            frame(&object(execute(service, "update_session_user", &arguments).await)?)
        }
        Method::CloseExpired => {
            frame(&object(execute(service, "close_expired_sessions", &Arguments::default()).await)?)
        }
        Method::WithId(command) => {
            let SessionIdRequest { session_id, .. } = decode(message)?;
            let arguments = Arguments { session_id: Some(&session_id), ..Arguments::default() };
            frame(&object(execute(service, command, &arguments).await)?)
        }
    }
}

/// Reads the only message of a request.
async fn read(body: impl RequestBody) -> Result<Bytes, Failure> {
    let incomplete = || Failure(INTERNAL, "the request does not consist of one message".to_owned());
    let body = Limited::new(body, MAX_MESSAGE_BYTES + PREFIX_BYTES).collect().await;
    let body = body.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            Failure(
                RESOURCE_EXHAUSTED,
                format!("Received message larger than max ({MAX_MESSAGE_BYTES} bytes)"),
            )
        } else {
            incomplete()
        }
    })?;
    grpc_frame::decode(body.to_bytes()).map_err(|error| match error {
        FrameError::Compressed => Failure(UNIMPLEMENTED, "compressed messages are not supported".to_owned()),
        FrameError::Missing | FrameError::NotOne => incomplete(),
    })
}

fn decode<M: Message + Default>(message: Bytes) -> Result<M, Failure> {
    M::decode(message).map_err(|error| Failure(INTERNAL, error.to_string()))
}

fn frame(message: &impl Message) -> Result<Bytes, Failure> {
    grpc_frame::encode(message)
        .ok_or_else(|| Failure(RESOURCE_EXHAUSTED, "the reply is larger than 4 GiB".to_owned()))
}

/// Executes the command of the HTTP interface with this name.
async fn run(service: &Service<impl Commands>, command: &str, arguments: Bytes) -> wiretrait::Response {
    let mut request = Request::new(arguments);
    *request.method_mut() = http::Method::POST;
    let path = sessions_v1::ROUTES.iter().find(|route| route.name == command).map_or("/", |route| route.path);
    *request.uri_mut() = http::Uri::from_static(path);
    request.headers_mut().insert(CONTENT_TYPE, JSON);
    service.route(request).await.0
}

async fn invoke(service: &Service<impl Commands>, request: InvokeRequest) -> InvokeReply {
    let command = request.method.strip_prefix("v1/sessions.").unwrap_or_default();
    if !sessions_v1::ROUTES.iter().any(|route| route.name == command) {
        let error = ServiceError::new("METHOD_NOT_FOUND", format!("Method {} was not found", request.method))
            .with_category("FailedInvocation")
            .with_detail("method", request.method);
        return failed(StatusCode::INTERNAL_SERVER_ERROR, error, request.correlation_id);
    }
    // The service treats arguments that it cannot parse as none.
    let is_valid = !request.args_empty && serde_json::from_slice::<&RawValue>(&request.args_json).is_ok();
    let arguments = if is_valid { request.args_json } else { Bytes::from_static(b"{}") };
    let response = run(service, command, arguments).await;
    let (status, body) = (response.status(), response.into_body());
    if status.is_success() {
        InvokeReply { error: None, result_empty: body.is_empty(), result_json: restore_surrogates(body) }
    } else {
        failed(status, PipErrors.read(&body).unwrap_or_default(), request.correlation_id)
    }
}

fn failed(status: StatusCode, error: ServiceError, correlation_id: String) -> InvokeReply {
    let error = ErrorDescription {
        category: error.category.unwrap_or_else(|| "Unknown".to_owned()),
        code: error.code,
        correlation_id,
        status: status.as_u16().into(),
        message: error.message,
        cause: error.cause.unwrap_or_default(),
        details: error.details.into_iter().collect(),
    };
    InvokeReply { error: Some(error), result_empty: true, result_json: Bytes::new() }
}

/// The arguments of a command as JSON.
#[derive(Default, Serialize)]
struct Arguments<'a> {
    session_id: Option<&'a str>,
    user_id: Option<&'a str>,
    user_name: Option<&'a str>,
    address: Option<&'a str>,
    client: Option<&'a str>,
    user: Option<&'a RawValue>,
    data: Option<&'a RawValue>,
    filter: Option<HashMap<String, String>>,
    paging: Option<Paging>,
}

#[derive(Serialize)]
struct Paging {
    skip: i64,
    take: i32,
    total: bool,
}

/// Returns a payload, or `None` for an empty string.
fn payload(json: &str) -> Result<Option<&RawValue>, Failure> {
    let json = Some(json).filter(|json| !json.is_empty());
    json.map(serde_json::from_str).transpose().map_err(|error| Failure(UNKNOWN, format!("{error}")))
}

/// Executes a command of the typed interface.
async fn execute(
    service: &Service<impl Commands>,
    command: &str,
    arguments: &Arguments<'_>,
) -> Result<Bytes, messages::ErrorDescription> {
    // All keys are strings, so this is always valid JSON.
    let arguments = serde_json::to_vec(arguments).unwrap_or_default();
    let response = run(service, command, arguments.into()).await;
    if response.status().is_success() {
        return Ok(response.into_body());
    }
    let error = PipErrors.read(response.body()).unwrap_or_default();
    // The real service sends neither the status nor the details.
    Err(messages::ErrorDescription {
        category: error.category.unwrap_or_else(|| "Unknown".to_owned()),
        code: error.code,
        message: error.message,
        cause: error.cause.unwrap_or_default(),
        ..messages::ErrorDescription::default()
    })
}

fn object(result: Result<Bytes, messages::ErrorDescription>) -> Result<SessionObjectReply, Failure> {
    Ok(match result {
        Ok(json) if json.is_empty() => SessionObjectReply::default(),
        Ok(json) => SessionObjectReply { error: None, session: Some(parse::<Written<'_>>(&json)?.into()) },
        Err(error) => SessionObjectReply { error: Some(error), session: None },
    })
}

fn listed(result: Result<Bytes, messages::ErrorDescription>) -> Result<SessionPageReply, Failure> {
    #[derive(Deserialize)]
    struct Page<'j> {
        total: Option<i64>,
        #[serde(borrow)]
        data: Vec<Written<'j>>,
    }

    Ok(match result {
        Ok(json) => {
            let Page { total, data } = parse(&json)?;
            let data = data.into_iter().map(Session::from).collect();
            let page = SessionPage { total: total.unwrap_or_default(), data };
            SessionPageReply { error: None, page: Some(page) }
        }
        Err(error) => SessionPageReply { error: Some(error), page: None },
    })
}

fn parse<'j, T: Deserialize<'j>>(json: &'j [u8]) -> Result<T, Failure> {
    serde_json::from_slice(json).map_err(|error| Failure(UNKNOWN, error.to_string()))
}

/// A session as the service writes it over HTTP.
#[derive(Deserialize)]
struct Written<'j> {
    id: String,
    user_id: Option<String>,
    user_name: Option<String>,
    active: bool,
    open_time: String,
    request_time: String,
    close_time: Option<String>,
    address: Option<String>,
    client: Option<String>,
    #[serde(borrow)]
    user: Option<&'j RawValue>,
    #[serde(borrow)]
    data: Option<&'j RawValue>,
}

impl From<Written<'_>> for Session {
    fn from(session: Written<'_>) -> Self {
        let payload = |json: Option<&RawValue>| {
            let json = json.map(RawValue::get).filter(|json| !is_lost(json)).unwrap_or_default();
            restore_surrogates_in(json).into_owned()
        };
        let string = |string: Option<String>| string.map(replace_surrogates).unwrap_or_default();
        Self {
            id: session.id,
            user_id: string(session.user_id),
            user_name: string(session.user_name),
            active: session.active,
            open_time: session.open_time,
            close_time: session.close_time.unwrap_or_default(),
            request_time: session.request_time,
            address: string(session.address),
            client: string(session.client),
            user: payload(session.user),
            data: payload(session.data),
        }
    }
}

/// Returns whether the real service leaves out a payload because it equals an empty string in JavaScript: an empty array,
/// or an array with such a value or `null` as its only item.
fn is_lost(json: &str) -> bool {
    let inner = json.trim_start_matches('[').trim_end_matches(']');
    inner.len() < json.len() && matches!(inner, "" | "null" | "\"\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionStore;

    /// Calls a method, and returns the message of its reply.
    async fn call_with<M: Message + Default>(store: &SessionStore, path: &str, message: &impl Message) -> M {
        let request = Request::post(path)
            .header(CONTENT_TYPE, GRPC)
            .body(Full::new(frame(message).ok().unwrap()))
            .unwrap();
        let body = respond(&Service::new(store.clone()), request).await.into_body().collect().await;
        M::decode(body.unwrap().to_bytes().slice(PREFIX_BYTES..)).unwrap()
    }

    #[tokio::test]
    async fn characters_that_are_escaped_in_the_store_are_returned_unchanged() {
        let store = SessionStore::new();
        let (name, data) =
            ("a\u{10ffff}".to_owned(), r#"["\ud800","\u{10ffff}"]"#.replace("\\u{10ffff}", "\u{10ffff}"));
        let request = SessionOpenRequest {
            user_id: Some("1".to_owned()),
            user_name: Some(name.clone()),
            data: Some(data.clone()),
            ..SessionOpenRequest::default()
        };
        let opened: SessionObjectReply =
            call_with(&store, "/sessions_v1.Sessions/open_session", &request).await;
        let opened = opened.session.unwrap();
        assert_eq!((opened.user_name, opened.data), (name, data.clone()));

        let request = InvokeRequest {
            method: "v1/sessions.get_session_by_id".to_owned(),
            args_json: format!(r#"{{"session_id":"{}"}}"#, opened.id).into(),
            ..InvokeRequest::default()
        };
        let reply: InvokeReply = call_with(&store, "/commandable.Commandable/invoke", &request).await;
        let json = String::from_utf8(reply.result_json.into()).unwrap();
        assert!(json.contains(&data), "{json}");
    }

    #[tokio::test]
    async fn a_lone_surrogate_in_a_string_is_a_replacement_character() {
        let store = SessionStore::new();
        let request = InvokeRequest {
            method: "v1/sessions.open_session".to_owned(),
            args_json: r#"{"user_id":"1","user_name":"a\ud800"}"#.into(),
            ..InvokeRequest::default()
        };
        let _: InvokeReply = call_with(&store, "/commandable.Commandable/invoke", &request).await;
        let request = SessionPageRequest::default();
        let listed: SessionPageReply =
            call_with(&store, "/sessions_v1.Sessions/get_sessions", &request).await;
        assert_eq!(listed.page.unwrap().data[0].user_name, "a\u{fffd}");
    }

    #[test]
    fn messages_of_failures_are_percent_encoded() {
        let response = failed_call(Failure(UNIMPLEMENTED, "no method /a%20\n\u{e9}".to_owned()));
        assert_eq!(response.headers()[MESSAGE], "no method /a%2520%0A%C3%A9");
    }

    #[test]
    fn arrays_that_equal_an_empty_string_in_javascript_are_left_out() {
        for lost in ["[]", "[[]]", "[null]", "[\"\"]"] {
            assert!(is_lost(lost), "{lost}");
        }
        for kept in ["{}", "[1]", "[0]", "[[],[]]", "true", "[null,null]", "\"a\""] {
            assert!(!is_lost(kept), "{kept}");
        }
    }
}
