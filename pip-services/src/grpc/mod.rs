//! Commandable gRPC: the protocol by which services of the framework offer all of their commands as one method.

mod messages;

pub use messages::{ErrorDescription, InvokeReply, InvokeRequest};

use crate::PipErrors;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;
use std::fmt;
use wiretrait::{
    Call, ClientConfig, Encoding, Error, ErrorKind, GrpcChannel, GrpcReply, HyperTransport, Place, Response,
    Route, ServiceError, Transport,
};

/// The path of the only method of the protocol.
const INVOKE: &str = "/commandable.Commandable/invoke";

/// The media type of JSON.
const JSON: &str = "application/json";

/// The code of the error for a command that the service does not have.
const METHOD_NOT_FOUND: &str = "METHOD_NOT_FOUND";

/// Sends the calls of any contract of the framework over commandable gRPC.
///
/// A call of the route `POST /v1/orders/get_orders` invokes the command `v1/orders.get_orders`, with the body of the
/// request as its arguments. The result is the body of a response with the status 200, or 204 if it is empty. An error
/// has the same status and body as over HTTP, except that the service has no status for an unknown command, which gets
/// 404. The statuses of gRPC become those of HTTP, see [`GrpcReply`].
///
/// ```
/// use pip_services::{CommandableGrpcTransport, PipErrors};
/// use wiretrait::{ClientConfig, Policies, Result, http_api};
///
/// #[http_api(prefix = "/v1/orders", client = OrdersClient, module = orders, errors = PipErrors)]
/// pub trait Orders {
///     #[post("/get_order_by_id", idempotent)]
///     async fn get_order_by_id(
///         &self,
///         #[correlation] correlation_id: Option<&str>,
///         #[field] order_id: &str,
///     ) -> Result<Option<String>>;
/// }
///
/// fn connect(url: &str) -> Result<OrdersClient<Policies<CommandableGrpcTransport>>> {
///     let config = ClientConfig::from_url(url)?;
///     OrdersClient::from_transport(CommandableGrpcTransport::new(&config)?, &config)
/// }
/// # fn main() { connect("http://localhost:8090").unwrap(); }
/// ```
#[derive(Clone)]
pub struct CommandableGrpcTransport<T = HyperTransport> {
    channel: GrpcChannel<T>,
}

impl CommandableGrpcTransport {
    /// Creates a transport over the network with the settings of `config`. Its version of HTTP is always HTTP/2.
    ///
    /// # Errors
    ///
    /// Those of [`GrpcChannel::new`].
    pub fn new(config: &ClientConfig) -> Result<Self, Error> {
        GrpcChannel::new(config).map(Self::over)
    }
}

impl<T: Transport> CommandableGrpcTransport<T> {
    /// Creates a transport over `channel`.
    #[must_use]
    pub fn over(channel: GrpcChannel<T>) -> Self {
        Self { channel }
    }

    /// Returns the channel.
    pub fn get_ref(&self) -> &GrpcChannel<T> {
        &self.channel
    }
}

impl<T: Transport> Transport for CommandableGrpcTransport<T> {
    /// The future is boxed, because it is larger than a kilobyte.
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        Box::pin(async move {
            check_arguments(call.route)?;
            let request = invocation(&call, &self.encoding());
            Ok(match self.channel.unary(call, INVOKE, &request).await? {
                GrpcReply::Message(reply, metadata) => with_metadata(response(reply), metadata),
                GrpcReply::Response(response) => response,
            })
        })
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

impl<T: fmt::Debug> fmt::Debug for CommandableGrpcTransport<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandableGrpcTransport").field("channel", &self.channel).finish()
    }
}

/// Checks that all arguments are in the JSON body, since a command gets nothing else. Constant headers are metadata.
fn check_arguments(route: &Route) -> Result<(), Error> {
    if let Some(name) = route.constants.iter().find_map(|(place, _)| match *place {
        Place::Query(name) => Some(name),
        _ => None,
    }) {
        let why = format!(
            "the query parameter `{name}` cannot be sent over commandable gRPC, which has only the fields of the body: use a \
             client over HTTP"
        );
        return Err(Error::new(ErrorKind::Encode, why));
    }
    let is_sent = |place: &Place| matches!(place, Place::Field(_) | Place::Body | Place::Correlation(_));
    if let Some(param) = route.params.iter().find(|param| !param.places.iter().any(is_sent)) {
        let why = format!(
            "the argument `{}` cannot be sent over commandable gRPC, which has only the fields of the body: use a client \
             over HTTP",
            param.name
        );
        return Err(Error::new(ErrorKind::Encode, why));
    }
    if route.has_body && route.content_type != JSON {
        let why = format!(
            "the body is `{}`, but commandable gRPC has only JSON: use a client over HTTP",
            route.content_type
        );
        return Err(Error::new(ErrorKind::Encode, why));
    }
    Ok(())
}

/// Returns the message for a request.
fn invocation(call: &Call, encoding: &Encoding) -> InvokeRequest {
    let path = call.request.uri().path().trim_start_matches('/');
    let (service, command) = path.rsplit_once('/').unwrap_or(("", path));
    let method = format!("{service}.{command}");
    let args_json = call.request.body().clone();
    InvokeRequest {
        method: percent_decode_str(&method).decode_utf8_lossy().into_owned(),
        correlation_id: call.correlation_id(encoding).unwrap_or_default(),
        args_empty: args_json.is_empty(),
        args_json,
    }
}

/// Returns the response that the service would send over HTTP.
fn response(reply: InvokeReply) -> Response {
    match reply.error {
        Some(error) if error.is_set() => error.into(),
        _ if reply.result_empty || reply.result_json.is_empty() => no_content(),
        _ => json(StatusCode::OK, reply.result_json),
    }
}

impl From<ErrorDescription> for Response {
    fn from(description: ErrorDescription) -> Self {
        let status = u16::try_from(description.status).ok().filter(|status| *status >= 400);
        let status = match status.and_then(|status| StatusCode::from_u16(status).ok()) {
            _ if description.code == METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
            Some(status) => status,
            None => status_of(&description.category),
        };
        let mut error =
            ServiceError::new(description.code, description.message).with_category(description.category);
        error.cause = Some(description.cause).filter(|cause| !cause.is_empty());
        error.correlation_id = Some(description.correlation_id).filter(|id| !id.is_empty());
        error.details = description.details.into_iter().collect();
        error_response(status, &error)
    }
}

/// Returns the response of a service of the framework for an error in a message of gRPC.
#[must_use]
pub fn error_response(status: StatusCode, error: &ServiceError) -> Response {
    json(status, PipErrors.write_like_node(status, error).into())
}

/// Returns the status that the framework gives to errors of a category.
fn status_of(category: &str) -> StatusCode {
    match category {
        "BadRequest" => StatusCode::BAD_REQUEST,
        "Unauthorized" => StatusCode::UNAUTHORIZED,
        "NotFound" => StatusCode::NOT_FOUND,
        "Conflict" => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Returns a response with the metadata of a reply as further headers.
#[must_use]
pub fn with_metadata(mut response: Response, mut metadata: HeaderMap) -> Response {
    if metadata.is_empty() {
        return response;
    }
    metadata.extend(std::mem::take(response.headers_mut()));
    *response.headers_mut() = metadata;
    response
}

/// Returns the response for no result.
#[must_use]
pub fn no_content() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Returns a response with a JSON body.
#[must_use]
pub fn json(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}
