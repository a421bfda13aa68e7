//! What generated code calls: encoding, decoding and dispatching, with no I/O.
//!
//! Nothing here knows of sessions or of any HTTP library. A request is an [`http::Request`] and a response an
//! [`http::Response`], both with their whole bodies; whoever moves them is a [`Transport`], whoever answers
//! them a [`Handler`].

mod base_route;
mod caller;
mod correlation;
mod decode;
mod encode;
mod incoming;
mod members;
mod observer;
mod operation;
mod options;
mod outcome;
mod param;
mod raw_response;
mod report;
mod respond;
mod retry_after;
mod route;
mod segments;
mod span;
mod transport;

pub use base_route::BaseRoute;
pub(crate) use base_route::is_folded;
pub use caller::Caller;
pub use decode::decode;
pub(crate) use decode::{check_payload, read_back};
pub use encode::Encoder;
pub(crate) use encode::UNWRITABLE;
pub use incoming::{Arguments, Incoming, Unreadable};
pub use observer::{CallObserver, CallOutcome, FinishedCall};
pub use operation::{CorrelationPlace, Encoding, Operation, Payload, Received};
pub use options::CallOptions;
pub use outcome::{Failure, Outcome};
pub use param::{FromTexts, ParamValue, ParamValues};
pub use raw_response::RawResponse;
pub use respond::respond;
pub use route::{Param, Place, Route};
pub use transport::{Call, FnTransport, Handler, Transport, transport_fn};

pub(crate) use retry_after::retry_after;
pub(crate) use span::{OpenSpan, TARGET};
pub(crate) use transport::{Attempts, BodyGivenUp};

pub(crate) use incoming::validation_error;
#[cfg(feature = "server")]
pub(crate) use incoming::{invalid_json, receive, route_of};
#[cfg(feature = "server")]
pub(crate) use members::Members;
#[cfg(feature = "server")]
pub(crate) use respond::{empty, refuse};
#[cfg(any(feature = "server", feature = "test-kit"))]
pub(crate) use respond::{error_response, json};
pub(crate) use respond::{to_json, write_always};

/// A request whose body is complete.
pub type Request = http::Request<bytes::Bytes>;

/// A response whose body is complete.
pub type Response = http::Response<bytes::Bytes>;

/// What bodies are, in both directions.
pub(crate) const JSON: http::HeaderValue = http::HeaderValue::from_static("application/json");

#[doc(hidden)]
pub mod private;
