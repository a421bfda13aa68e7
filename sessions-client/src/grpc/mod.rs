//! The service's own gRPC interface, with a method and typed messages for each operation.

pub mod messages;

use crate::contract::{SessionsHttpClientV1, sessions_v1};
use crate::{
    ClientConfig, Encoding, Error, ErrorKind, PagingParams, Payload, Policies, Response, Result, Value,
    semantics,
};
use http::StatusCode;
use messages::{
    ErrorDescription, Paging, Session, SessionEmptyRequest, SessionIdRequest, SessionObjectReply,
    SessionOpenRequest, SessionPageReply, SessionPageRequest, SessionPayloadRequest,
};
use pip_services::grpc::{CommandableGrpcTransport, error_response, json, no_content, with_metadata};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;
use wiretrait::{Call, GrpcChannel, GrpcReply, HyperTransport, Transport};

/// A client over the service's own gRPC interface. [`grpc`](SessionsHttpClientV1::grpc) creates one.
pub type SessionsGrpcClientV1<U = Value, D = Value> =
    SessionsHttpClientV1<U, D, Policies<SessionsGrpcTransportV1>>;

/// A client over commandable gRPC. [`commandable_grpc`](SessionsHttpClientV1::commandable_grpc) creates one.
pub type SessionsCommandableGrpcClientV1<U = Value, D = Value> =
    SessionsHttpClientV1<U, D, Policies<CommandableGrpcTransport>>;

impl<U: Payload, D: Payload> SessionsGrpcClientV1<U, D> {
    /// Creates a client over gRPC with the settings of `config`.
    ///
    /// ```
    /// use sessions_client::{ClientConfig, SessionsGrpcClientV1};
    ///
    /// let config = ClientConfig::from_url("http://localhost:8090")?;
    /// let sessions: SessionsGrpcClientV1 = SessionsGrpcClientV1::grpc(&config)?;
    /// # Ok::<_, sessions_client::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`SessionsGrpcTransportV1::new`].
    pub fn grpc(config: &ClientConfig) -> Result<Self> {
        let config = named(config);
        Self::over(SessionsGrpcTransportV1::new(&config)?, &config)
    }
}

impl<U: Payload, D: Payload> SessionsCommandableGrpcClientV1<U, D> {
    /// Creates a client over commandable gRPC with the settings of `config`.
    ///
    /// # Errors
    ///
    /// Those of [`CommandableGrpcTransport::new`].
    pub fn commandable_grpc(config: &ClientConfig) -> Result<Self> {
        let config = named(config);
        Self::over(CommandableGrpcTransport::new(&config)?, &config)
    }
}

impl<U: Payload, D: Payload, T: Transport> SessionsHttpClientV1<U, D, Policies<T>> {
    fn over(transport: T, config: &ClientConfig) -> Result<Self> {
        config.validate()?;
        Ok(Self::from_caller(crate::Caller::new(Policies::new(transport, config))))
    }
}

/// Returns a configuration with the user agent of the contract, unless it has its own.
fn named(config: &ClientConfig) -> ClientConfig {
    match config.user_agent() {
        Some(_) => config.clone(),
        None => config.clone().with_user_agent(sessions_v1::CONTRACT.user_agent),
    }
}

/// Sends the calls of [`ISessionsV1`](crate::ISessionsV1) over the service's own gRPC interface.
///
/// The results are those of HTTP, except for what the messages of the service cannot express:
/// empty arrays and falsy values as `user` or `data` are read as `None`. The guide to gRPC lists all differences.
///
/// The service does not check over gRPC whether arguments are missing, so the transport itself does, with the error that
/// the service responds with over HTTP.
#[derive(Clone)]
pub struct SessionsGrpcTransportV1<T = HyperTransport> {
    channel: GrpcChannel<T>,
}

impl SessionsGrpcTransportV1 {
    /// Creates a transport over the network with the settings of `config`. Its version of HTTP is always HTTP/2.
    ///
    /// # Errors
    ///
    /// Those of [`GrpcChannel::new`], and [`ErrorKind::Config`] if `config` has a base route.
    pub fn new(config: &ClientConfig) -> Result<Self> {
        if config.base_route().is_some() {
            let why = "`with_base_route` has no effect over gRPC, whose methods have fixed names: remove it, or choose \
                       commandable gRPC";
            return Err(Error::new(ErrorKind::Config, why));
        }
        GrpcChannel::new(config).map(Self::over)
    }
}

impl<T: Transport> SessionsGrpcTransportV1<T> {
    /// Creates a transport over `channel`.
    #[must_use]
    pub fn over(channel: GrpcChannel<T>) -> Self {
        Self { channel }
    }

    async fn call(&self, call: Call) -> Result<Response> {
        let correlation_id = call.correlation_id(&self.encoding()).unwrap_or_default();
        if call.route.name == "close_expired_sessions" {
            let request = SessionEmptyRequest { correlation_id };
            return self.object(call, "/sessions_v1.Sessions/close_expired_sessions", &request).await;
        }
        let body = call.request.body().clone();
        if call.route.name == "open_session" {
            let request = SessionOpenRequest { correlation_id, ..arguments(&body)? };
            if request.user_id.is_none() {
                return Ok(refusal(&["user_id"]));
            }
            return self.object(call, "/sessions_v1.Sessions/open_session", &request).await;
        }
        let arguments: Arguments<'_> = arguments(&body)?;
        if let Some(refusal) = arguments.refusal(call.route.name) {
            return Ok(refusal);
        }
        match call.route.name {
            "get_sessions" => {
                let counts = arguments.paging.is_some_and(PagingParams::wants_total);
                let request = arguments.page_request(correlation_id);
                let path = "/sessions_v1.Sessions/get_sessions";
                match self.channel.unary(call, path, &request).await? {
                    GrpcReply::Message(reply, metadata) => {
                        Ok(with_metadata(page_response(reply, counts)?, metadata))
                    }
                    GrpcReply::Response(response) => Ok(response),
                }
            }
            "store_session_data" => {
                let request = arguments.payload_request(correlation_id, arguments.data);
                self.object(call, "/sessions_v1.Sessions/store_session_data", &request).await
            }
            "update_session_user" => {
                let request = arguments.payload_request(correlation_id, arguments.user);
                self.object(call, "/sessions_v1.Sessions/update_session_user", &request).await
            }
            name => {
                let path = match name {
                    "get_session_by_id" => "/sessions_v1.Sessions/get_session_by_id",
                    "close_session" => "/sessions_v1.Sessions/close_session",
                    "delete_session_by_id" => "/sessions_v1.Sessions/delete_session_by_id",
                    _ => {
                        let why =
                            format!("`{name}` is not an operation of sessions: use another transport for it");
                        return Err(Error::new(ErrorKind::Encode, why));
                    }
                };
                let session_id = arguments.session_id.unwrap_or_default();
                self.object(call, path, &SessionIdRequest { correlation_id, session_id }).await
            }
        }
    }

    /// Calls a method that returns a session or nothing.
    async fn object(
        &self,
        call: Call,
        path: &'static str,
        request: &impl prost::Message,
    ) -> Result<Response> {
        let (reply, metadata): (SessionObjectReply, _) = match self.channel.unary(call, path, request).await?
        {
            GrpcReply::Message(reply, metadata) => (reply, metadata),
            GrpcReply::Response(response) => return Ok(response),
        };
        let response = match (error_of(reply.error), reply.session) {
            (Some(response), _) => response,
            (None, Some(session)) => to_json(&session.written(true)?),
            (None, None) => no_content(),
        };
        Ok(with_metadata(response, metadata))
    }
}

impl<T: Transport> Transport for SessionsGrpcTransportV1<T> {
    /// The future is boxed, because it is larger than a kilobyte.
    fn send(&self, call: Call) -> impl Future<Output = Result<Response>> + Send {
        Box::pin(self.call(call))
    }

    fn peer(&self) -> &str {
        self.channel.peer()
    }

    fn encoding(&self) -> Encoding {
        self.channel.encoding()
    }

    fn is_multiplexed(&self) -> bool {
        self.channel.is_multiplexed()
    }
}

impl<T: fmt::Debug> fmt::Debug for SessionsGrpcTransportV1<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsGrpcTransportV1").field("channel", &self.channel).finish()
    }
}

/// Reads arguments from the body of a request. An empty body has the meaning of an empty object, as at the service over HTTP.
fn arguments<'b, A: Deserialize<'b>>(body: &'b [u8]) -> Result<A> {
    serde_json::from_slice(if body.is_empty() { b"{}" } else { body }).map_err(|error| {
        Error::new(ErrorKind::Encode, format!("the request cannot be sent over gRPC: {error}"))
    })
}

/// The arguments of all operations other than `open_session`.
#[derive(Deserialize)]
struct Arguments<'b> {
    session_id: Option<String>,
    #[serde(borrow)]
    user: Option<&'b RawValue>,
    #[serde(borrow)]
    data: Option<&'b RawValue>,
    filter: Option<HashMap<String, Option<String>>>,
    paging: Option<PagingParams>,
}

impl Arguments<'_> {
    fn page_request(self, correlation_id: String) -> SessionPageRequest {
        let conditions = self.filter.unwrap_or_default().into_iter();
        SessionPageRequest {
            correlation_id,
            filter: conditions.filter_map(|(name, value)| Some((name, value?))).collect(),
            paging: self.paging.map(|paging| Paging {
                skip: i64::try_from(paging.skipped()).unwrap_or(i64::MAX),
                take: i32::try_from(paging.taken(0, usize::MAX)).unwrap_or(i32::MAX),
                total: paging.wants_total(),
            }),
        }
    }

    fn payload_request(&self, correlation_id: String, payload: Option<&RawValue>) -> SessionPayloadRequest {
        let session_id = self.session_id.clone().unwrap_or_default();
        SessionPayloadRequest { correlation_id, session_id, payload: json_of(payload) }
    }

    /// Returns the [`refusal`] of an operation whose arguments are missing.
    fn refusal(&self, operation: &str) -> Option<Response> {
        let id = ("session_id", self.session_id.is_some());
        let required: &[(&str, bool)] = match operation {
            "get_session_by_id" | "close_session" | "delete_session_by_id" => &[id],
            "store_session_data" => &[id, ("data", self.data.is_some())],
            "update_session_user" => &[id, ("user", self.user.is_some())],
            _ => &[],
        };
        let missing: Vec<&str> =
            required.iter().filter(|(_, is_given)| !is_given).map(|(name, _)| *name).collect();
        (!missing.is_empty()).then(|| refusal(&missing))
    }
}

/// Returns the response with which the service rejects missing arguments over HTTP. Over gRPC it does not check them, since
/// its messages cannot express that an argument is missing.
fn refusal(missing: &[&str]) -> Response {
    let problems: Vec<String> = missing.iter().map(|name| format!("{name} must not be null")).collect();
    error_response(StatusCode::BAD_REQUEST, &semantics::invalid_arguments(&problems))
}

fn json_of(payload: Option<&RawValue>) -> String {
    payload.map(|payload| payload.get().to_owned()).unwrap_or_default()
}

/// The status is a string in this interface.
impl From<ErrorDescription> for pip_services::grpc::ErrorDescription {
    fn from(error: ErrorDescription) -> Self {
        Self {
            category: error.category,
            code: error.code,
            correlation_id: error.correlation_id,
            status: error.status.parse().unwrap_or_default(),
            message: error.message,
            cause: error.cause,
            details: error.details,
        }
    }
}

/// Returns the response for an error; `None` if the message describes none.
fn error_of(error: Option<ErrorDescription>) -> Option<Response> {
    error
        .map(pip_services::grpc::ErrorDescription::from)
        .filter(pip_services::grpc::ErrorDescription::is_set)
        .map(Response::from)
}

fn page_response(reply: SessionPageReply, counts: bool) -> Result<Response> {
    #[derive(Serialize)]
    struct Page<'p> {
        total: Option<i64>,
        data: Vec<Written<'p>>,
    }

    if let Some(response) = error_of(reply.error) {
        return Ok(response);
    }
    let page = reply.page.ok_or_else(|| {
        Error::new(ErrorKind::Decode, "the response has neither a page nor an error, so it is incomplete")
    })?;
    let data = page.data.iter().map(|session| session.written(false)).collect::<Result<_>>()?;
    Ok(to_json(&Page { total: counts.then_some(page.total), data }))
}

/// A session as the service writes it over HTTP.
#[derive(Serialize)]
struct Written<'s> {
    id: &'s str,
    user_id: Option<&'s str>,
    user_name: Option<&'s str>,
    active: bool,
    open_time: &'s str,
    request_time: &'s str,
    address: Option<&'s str>,
    client: Option<&'s str>,
    #[serde(skip_serializing_if = "WrittenPayload::is_left_out")]
    user: WrittenPayload<'s>,
    #[serde(skip_serializing_if = "WrittenPayload::is_left_out")]
    data: WrittenPayload<'s>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_time: Option<&'s str>,
}

/// A payload, which sessions in lists do not have.
#[derive(Serialize)]
#[serde(untagged)]
enum WrittenPayload<'s> {
    #[serde(skip)]
    LeftOut,
    Value(Option<&'s RawValue>),
}

impl WrittenPayload<'_> {
    fn is_left_out(&self) -> bool {
        matches!(self, Self::LeftOut)
    }
}

impl Session {
    /// Returns the session for a response, with its payloads unless it is one of a list.
    fn written(&self, has_payloads: bool) -> Result<Written<'_>> {
        Ok(Written {
            id: &self.id,
            user_id: present(&self.user_id),
            user_name: present(&self.user_name),
            active: self.active,
            open_time: &self.open_time,
            request_time: &self.request_time,
            address: present(&self.address),
            client: present(&self.client),
            user: if has_payloads { payload("user", &self.user)? } else { WrittenPayload::LeftOut },
            data: if has_payloads { payload("data", &self.data)? } else { WrittenPayload::LeftOut },
            close_time: present(&self.close_time),
        })
    }
}

fn present(value: &str) -> Option<&str> {
    Some(value).filter(|value| !value.is_empty())
}

fn payload<'s>(name: &str, value: &'s str) -> Result<WrittenPayload<'s>> {
    // The error is not part of the message, because it may quote the payload.
    let invalid =
        |_| Error::new(ErrorKind::Decode, format!("the response has a `{name}` that is not valid JSON"));
    present(value).map(serde_json::from_str).transpose().map(WrittenPayload::Value).map_err(invalid)
}

/// Returns the response with a value that can always be written as JSON: it has only strings as keys.
fn to_json(value: &impl Serialize) -> Response {
    json(StatusCode::OK, serde_json::to_vec(value).unwrap_or_default().into())
}
