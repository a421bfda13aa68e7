//! Unary gRPC calls over a transport that speaks HTTP/2.
//!
//! A gRPC call is a request over HTTP/2 with a framed message as its body, and its status is in the trailers of the
//! response. So connections, TLS, proxies and limits are those of the inner transport. The messages are prost's and the
//! codes tonic's.
//!
//! Rejected alternative: the channel of tonic, because it would be a second implementation of connections, with other
//! errors, and without the settings for proxies, addresses and the age of connections. Rejected alternative: tonic's
//! client over this transport, because it needs an adapter in each direction, and copies each message twice.

use super::HyperTransport;
use super::failure::{CHECK_CREDENTIALS, CHECK_GRPC_PORT, GIVE_CREDENTIALS};
use crate::config::{ClientConfig, HttpVersion};
use crate::error::{Error, ErrorFormat, ErrorKind, PlainErrors, ServiceError, one_line};
use crate::grpc_frame::{self, FrameError};
use crate::runtime::{
    Advice, Call, DoNotRetry, Encoding, JSON, Request, RequestedDelay, Response, TARGET, Trailers, Transport,
    retry_after,
};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE,
};
use http::{Method, StatusCode, Uri};
use percent_encoding::percent_decode;
use prost::Message;
use std::fmt;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The media type of requests, and the beginning of that of responses.
const GRPC: &str = "application/grpc";

const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const PUSHBACK: &str = "grpc-retry-pushback-ms";
const STATUS: &str = "grpc-status";
const MESSAGE: &str = "grpc-message";
const DETAILS: &str = "grpc-status-details-bin";

/// Base64 with and without padding, since gRPC has both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Makes unary gRPC calls over a transport, in transports for services that speak gRPC.
///
/// The headers of a request become metadata, and the [limit](Call::limit) of the attempt is sent as `grpc-timeout`.
/// Compressed messages are not supported, and not asked for. Values are sent unchanged: that of a header whose name
/// ends in `-bin` must be base64 already.
#[derive(Clone)]
pub struct GrpcChannel<T = HyperTransport> {
    inner: T,
    timeout: Duration,
    has_authorization: bool,
}

/// The result of a gRPC call that was responded to.
#[derive(Clone, Debug)]
pub enum GrpcReply<M> {
    /// The status `OK`: its message, and the metadata before and after it.
    Message(M, HeaderMap),
    /// Any other status as the response of an HTTP service: with the status that corresponds to it, and a body that
    /// [`PlainErrors`] reads. The metadata are its headers. A response of a proxy that does not speak gRPC is
    /// unchanged.
    Response(Response),
}

impl GrpcChannel {
    /// Creates a channel over the network with the settings of `config`. Its version of HTTP is always HTTP/2.
    ///
    /// # Errors
    ///
    /// Those of [`HyperTransport::new`] and [`over`](Self::over).
    pub fn new(config: &ClientConfig) -> Result<Self, Error> {
        let config = config.clone().with_http_version(HttpVersion::Http2).without_grpc();
        Self::over(HyperTransport::new(&config)?, &config)
    }
}

impl<T: Transport> GrpcChannel<T> {
    /// Creates a channel over `inner`, which must speak HTTP/2 and add the [`Trailers`] of responses to their
    /// extensions, as [`HyperTransport`] does. A transport around it must pass on the extensions of responses.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if `config` asks for [compression](ClientConfig::with_compression), or has a header that
    /// is not valid metadata: its name begins with `grpc-`, its value is not ASCII, or its name ends in `-bin` and its
    /// value is not base64.
    pub fn over(inner: T, config: &ClientConfig) -> Result<Self, Error> {
        if let Some(why) = config.headers().iter().find_map(|(name, value)| invalid_metadata(name, value)) {
            return Err(Error::config("with_header", why));
        }
        if config.accepts_compression() {
            let why = "must not be set for gRPC, which this client speaks without compression: remove it";
            return Err(Error::config("with_compression", why));
        }
        let url: Option<Uri> = config.base_url().and_then(|url| url.parse().ok());
        let is_in_url = url.is_some_and(|url| url.authority().is_some_and(|it| it.as_str().contains('@')));
        let has_authorization = is_in_url || config.headers().contains_key(AUTHORIZATION);
        Ok(Self { inner, timeout: config.timeout(), has_authorization })
    }

    /// Returns the inner transport.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    /// Calls the method with the path `method`, such as `/library.Books/find`, in place of the HTTP request of `call`.
    ///
    /// # Errors
    ///
    /// Those of the inner transport; [`ErrorKind::Timeout`] for the status `DEADLINE_EXCEEDED`;
    /// [`ErrorKind::Protocol`] if the response is not gRPC; [`ErrorKind::Decode`] if its message is not an `M`;
    /// [`ErrorKind::Encode`] if a header of the call is not valid metadata.
    pub async fn unary<Q: Message, M: Message + Default>(
        &self,
        mut call: Call,
        method: &'static str,
        message: &Q,
    ) -> Result<GrpcReply<M>, Error> {
        let limit = call.limit.or_else(|| call.timeout()).unwrap_or(self.timeout);
        record("rpc.system.name", "grpc");
        record("rpc.method", method.trim_start_matches('/'));
        let has_authorization = self.has_authorization || call.request.headers().contains_key(AUTHORIZATION);
        call.request = request(std::mem::take(&mut call.request), method, message, limit)?;
        let response = self.inner.send(call).await.map_err(|error| {
            // Without gRPC, the advice is about versions of HTTP.
            let is_replaced = error.kind() == ErrorKind::Protocol || error.has_advice();
            error.with_advice(is_replaced.then(|| CHECK_GRPC_PORT.into()))
        })?;
        self.read(response, has_authorization)
    }

    /// Returns the address of the service for messages.
    pub fn peer(&self) -> &str {
        self.inner.peer()
    }

    /// Returns how requests are encoded, before they become messages.
    pub fn encoding(&self) -> Encoding {
        self.inner.encoding()
    }

    /// Returns whether requests share connections, as [`Transport::is_multiplexed`] describes.
    pub fn is_multiplexed(&self) -> bool {
        self.inner.is_multiplexed()
    }

    fn read<M: Message + Default>(
        &self,
        mut response: Response,
        has_authorization: bool,
    ) -> Result<GrpcReply<M>, Error> {
        let trailers = response.extensions_mut().remove::<Trailers>();
        // A response without a message has its status in the headers.
        let metadata = trailers.as_ref().map_or(response.headers(), |Trailers(trailers)| trailers);
        let status = status(metadata);
        if let Some(status) = &status {
            record("rpc.response.status_code", http_status(status).1);
        }
        match status {
            Some(status) if status.code() == Code::Ok => {
                let (parts, body) = response.into_parts();
                let mut metadata = parts.headers;
                metadata.remove(CONTENT_TYPE);
                metadata.remove(CONTENT_LENGTH);
                // Most services send only the status after a message.
                if let Some(Trailers(trailers)) = trailers.filter(|Trailers(trailers)| trailers.len() > 1) {
                    metadata.extend(trailers);
                    metadata.remove(STATUS);
                }
                Ok(GrpcReply::Message(self.message(body)?, metadata))
            }
            Some(status) => {
                let mut headers = response.headers().clone();
                if let Some(Trailers(trailers)) = trailers {
                    headers.extend(trailers);
                }
                self.failed(&status, headers, has_authorization).map(GrpcReply::Response)
            }
            None if !response.status().is_success() => Ok(GrpcReply::Response(response)),
            None if !is_grpc(response.headers()) => {
                Err(self.invalid("is not gRPC").with_advice(Some(CHECK_GRPC_PORT.into())))
            }
            None => Err(self.invalid("has no `grpc-status`, so it may be incomplete")),
        }
    }

    /// Returns the only message in the body of a response.
    fn message<M: Message + Default>(&self, body: Bytes) -> Result<M, Error> {
        let message = grpc_frame::decode(body).map_err(|error| {
            self.invalid(match error {
                FrameError::Missing => "has the status OK, but no message",
                FrameError::Compressed => "has a compressed message, which was not asked for",
                FrameError::NotOne => "does not consist of one message",
            })
        })?;
        M::decode(message).map_err(|error| {
            Error::new(
                ErrorKind::Decode,
                format!("the response is not a valid message: {}", one_line(&error.to_string())),
            )
        })
    }

    fn invalid(&self, what: &str) -> Error {
        Error::new(ErrorKind::Protocol, format!("the response from {} {what}", self.peer()))
    }

    /// Returns the response for a status other than `OK`.
    fn failed(
        &self,
        status: &Status,
        mut headers: HeaderMap,
        has_authorization: bool,
    ) -> Result<Response, Error> {
        let (code, name) = http_status(status);
        let error = ServiceError::new(name, status.message());
        let pushback = Pushback::of(status, &headers);
        headers.insert(CONTENT_TYPE, JSON);
        headers.remove(CONTENT_LENGTH);
        let mut response = Response::new(PlainErrors.write(code, &error).into());
        *response.status_mut() = code;
        *response.headers_mut() = headers;
        if status.code() == Code::DeadlineExceeded {
            let message = format!("{} responded with {error}", self.peer());
            let error = Error::new(ErrorKind::Timeout, message).with_content_of(&response);
            return Err(match pushback {
                Pushback::None => error,
                Pushback::Delay(delay) => error.with_retry_after(delay),
                Pushback::Never => error.with_retries_forbidden(),
            });
        }
        if code == StatusCode::UNAUTHORIZED {
            let advice = if has_authorization { CHECK_CREDENTIALS } else { GIVE_CREDENTIALS };
            response.extensions_mut().insert(Advice(advice.into()));
        }
        match pushback {
            // The call may have been processed, unless the service says that it may be sent again.
            Pushback::None if code == StatusCode::TOO_MANY_REQUESTS => {
                response.extensions_mut().insert(DoNotRetry);
            }
            Pushback::None => {}
            Pushback::Delay(delay) => {
                response.extensions_mut().insert(RequestedDelay(delay));
            }
            Pushback::Never => {
                response.extensions_mut().insert(DoNotRetry);
            }
        }
        Ok(response)
    }
}

/// Records an attribute of the call in the span of the attempt, if there is one: the current span may be the user's.
fn record(attribute: &'static str, value: &str) {
    let span = tracing::Span::current();
    if span.metadata().is_some_and(|span| span.target() == TARGET && span.name() == "attempt") {
        span.record(attribute, value);
    }
}

/// Returns the request for a method, with the headers of `request`.
fn request(
    request: Request,
    method: &'static str,
    message: &impl Message,
    limit: Duration,
) -> Result<Request, Error> {
    let (mut parts, _) = request.into_parts();
    if let Some(why) = parts.headers.iter().find_map(|(name, value)| invalid_metadata(name, value)) {
        return Err(Error::new(ErrorKind::Encode, format!("the headers of the call {why}")));
    }
    parts.method = Method::POST;
    parts.uri = Uri::from_static(method);
    parts.headers.remove(ACCEPT);
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(GRPC));
    parts.headers.insert(TE, HeaderValue::from_static("trailers"));
    if let Some(limit) = timeout(limit) {
        parts.headers.insert(TIMEOUT, limit);
    }
    let body = grpc_frame::encode(message).ok_or_else(|| {
        Error::new(ErrorKind::Encode, "the arguments are larger than 4 GiB, the limit of gRPC: send less")
    })?;
    Ok(Request::from_parts(parts, body))
}

/// Returns a limit as the value of `grpc-timeout`, which has at most eight digits; `None` for no limit.
fn timeout(limit: Duration) -> Option<HeaderValue> {
    let units = [(limit.as_micros(), 'u'), (limit.as_millis(), 'm'), (u128::from(limit.as_secs()), 'S')];
    let (number, unit) = units.into_iter().find(|(number, _)| *number < 100_000_000)?;
    HeaderValue::try_from(format!("{number}{unit}")).ok()
}

/// Returns why a header cannot be sent as metadata, as the end of a sentence.
fn invalid_metadata(name: &HeaderName, value: &HeaderValue) -> Option<String> {
    if name.as_str().starts_with("grpc-") {
        return Some(format!("must not set `{name}`, which belongs to gRPC: remove it"));
    }
    if name.as_str().ends_with("-bin") && BASE64.decode(value).is_err() {
        return Some(format!("must not set `{name}` to a value that is not base64: encode it"));
    }
    let why = || format!("must not set `{name}` to a value that is not ASCII: encode it");
    value.to_str().is_err().then(why)
}

/// Reads the status in the metadata of a response; `None` if it has none. Details that are not base64 are ignored.
///
/// Rejected alternative: `Status::from_header_map`, because it panics for such details, and copies all metadata.
fn status(metadata: &HeaderMap) -> Option<Status> {
    let code = Code::from_bytes(metadata.get(STATUS)?.as_bytes());
    let message = metadata.get(MESSAGE).map(|message| percent_decode(message.as_bytes()).decode_utf8_lossy());
    let details = metadata.get(DETAILS).and_then(|details| BASE64.decode(details).ok());
    let message = message.map(std::borrow::Cow::into_owned).unwrap_or_default();
    Some(Status::with_details(code, message, details.unwrap_or_default().into()))
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(GRPC.as_bytes()))
}

/// Returns the HTTP status for a status of gRPC, and its name in the specification of gRPC.
fn http_status(status: &Status) -> (StatusCode, &'static str) {
    match status.code() {
        Code::Ok => (StatusCode::OK, "OK"),
        Code::Cancelled => (CLIENT_CLOSED_REQUEST, "CANCELLED"),
        Code::Unknown => (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN"),
        Code::InvalidArgument => (StatusCode::BAD_REQUEST, "INVALID_ARGUMENT"),
        Code::DeadlineExceeded => (StatusCode::GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED"),
        Code::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
        Code::AlreadyExists => (StatusCode::CONFLICT, "ALREADY_EXISTS"),
        Code::PermissionDenied => (StatusCode::FORBIDDEN, "PERMISSION_DENIED"),
        // Another attempt with the same message would fail too.
        Code::ResourceExhausted if is_too_large(status.message()) => {
            (StatusCode::PAYLOAD_TOO_LARGE, "RESOURCE_EXHAUSTED")
        }
        Code::ResourceExhausted => (StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED"),
        Code::FailedPrecondition => (StatusCode::BAD_REQUEST, "FAILED_PRECONDITION"),
        Code::Aborted => (StatusCode::CONFLICT, "ABORTED"),
        Code::OutOfRange => (StatusCode::BAD_REQUEST, "OUT_OF_RANGE"),
        Code::Unimplemented => (StatusCode::NOT_IMPLEMENTED, "UNIMPLEMENTED"),
        Code::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"),
        Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
        Code::DataLoss => (StatusCode::INTERNAL_SERVER_ERROR, "DATA_LOSS"),
        Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
    }
}

/// The status for a request that the client has cancelled, which only proxies use.
const CLIENT_CLOSED_REQUEST: StatusCode = match StatusCode::from_u16(499) {
    Ok(status) => status,
    Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
};

/// Returns whether the message of `RESOURCE_EXHAUSTED` is about the size of a message. Libraries of gRPC also report
/// that with this status, so only their wording distinguishes it.
fn is_too_large(message: &str) -> bool {
    const WORDINGS: [&str; 6] = [
        // grpc-js, grpc-go, gRPC Core.
        "larger than max",
        // grpc-js.
        "size larger than",
        "exceeds maximum",
        // grpc-java, grpc-dotnet.
        "message exceeds",
        // gRPC Core.
        "metadata size exceeds",
        "too large",
    ];
    WORDINGS.iter().any(|wording| message.contains(wording))
}

/// The pause before a retry that a service asks for.
enum Pushback {
    None,
    Delay(Duration),
    Never,
}

impl Pushback {
    /// Reads the metadata that control retries, otherwise the details of the status, and otherwise the header of a gateway
    /// that has translated its own response.
    fn of(status: &Status, metadata: &HeaderMap) -> Self {
        if let Some(value) = metadata.get(PUSHBACK) {
            let millis = value.to_str().ok().and_then(|value| value.trim().parse().ok());
            return millis.map_or(Self::Never, |millis| Self::Delay(Duration::from_millis(millis)));
        }
        let delay = status.get_details_retry_info().and_then(|info| info.retry_delay);
        delay.or_else(|| retry_after(metadata, || None)).map_or(Self::None, Self::Delay)
    }
}

impl<T: fmt::Debug> fmt::Debug for GrpcChannel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcChannel").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_has_at_most_eight_digits() {
        let sent = |limit| timeout(limit).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(sent(Duration::from_secs(10)).as_deref(), Some("10000000u"));
        assert_eq!(sent(Duration::from_secs(100)).as_deref(), Some("100000m"));
        assert_eq!(sent(Duration::from_secs(100_000)).as_deref(), Some("100000S"));
        assert_eq!(sent(Duration::MAX), None);
    }
}
