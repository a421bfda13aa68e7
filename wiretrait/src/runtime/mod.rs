//! The functions that generated code calls: encoding, decoding and dispatching, without I/O.
//!
//! This module does not depend on any HTTP library. Requests are [`http::Request`]s and responses
//! [`http::Response`]s, both with complete bodies. A [`Transport`] sends requests, a [`Handler`] responds to
//! them.

mod absence;
mod active_call;
mod base_route;
mod caller;
mod contract;
mod correlation;
mod decode;
mod encode;
mod fields;
mod formatted;
mod headers;
mod ignorable;
mod incoming;
mod link;
mod observer;
mod operation;
mod options;
mod outcome;
mod param;
mod path;
mod raw_response;
mod respond;
mod response_value;
mod retry_after;
mod return_type;
mod route;
mod scalar;
mod segments;
mod span;
mod transport;
mod with_options;

pub use base_route::BaseRoute;
pub(crate) use base_route::is_folded;
pub use caller::Caller;
pub use contract::Contract;
pub use decode::decode;
pub use encode::{Encoder, RequestBody};
#[cfg(feature = "tokio")]
pub(crate) use headers::bearer;
pub use incoming::{Arguments, Incoming, Unreadable};
pub use observer::{CallObserver, CallOutcome, FinishedCall};
pub use operation::{CorrelationPlace, Encoding, Operation, Payload, Received};
pub use options::CallOptions;
pub use outcome::{Failure, Outcome};
pub use param::{FromParam, ParamValue, ParamValues};
pub use raw_response::RawResponse;
pub use respond::{error_response, respond};
pub use response_value::ResponseValue;
pub use route::{NoneAs, Param, Place, Route};
#[cfg(feature = "grpc")]
pub use transport::Trailers;
pub use transport::{Call, FnTransport, Handler, Transport, transport_fn};
pub use with_options::WithOptions;

#[cfg(any(feature = "hyper", feature = "reqwest", feature = "tower"))]
pub(crate) use decode::{is_coding, is_range};
pub(crate) use decode::{parse_json, unreadable, without_mark, without_values};
pub(crate) use encode::UNWRITABLE;
pub(crate) use retry_after::retry_after;
pub(crate) use span::{OpenSpan, TARGET};
#[cfg(feature = "grpc")]
pub(crate) use transport::DoNotRetry;
pub(crate) use transport::{
    Advice, Attempts, BodyDamaged, BodyTooLarge, Forwarder, RequestedDelay, forbids_retry,
};

#[cfg(feature = "test-kit")]
pub(crate) use respond::json;

/// A request with its complete body.
pub type Request = http::Request<bytes::Bytes>;

/// A response with its complete body.
pub type Response = http::Response<bytes::Bytes>;

/// The media type of JSON as the value of a header.
pub(crate) const JSON: http::HeaderValue = http::HeaderValue::from_static(JSON_TYPE);

/// The media type of JSON.
const JSON_TYPE: &str = "application/json";

#[doc(hidden)]
pub mod private;
