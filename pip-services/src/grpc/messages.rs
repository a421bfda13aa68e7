//! The messages of commandable gRPC, in package `commandable`.
//!
//! JSON is a `string` on the wire. It is described as `bytes`, which look the same there, so that it is not copied.

use bytes::Bytes;
use std::collections::HashMap;
use std::fmt;

/// The invocation of a command.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct InvokeRequest {
    /// The name of the service and that of the command, such as `v1/orders.get_orders`.
    #[prost(string, tag = "1")]
    pub method: String,
    /// The id of the call in the logs of the service; may be empty.
    #[prost(string, tag = "2")]
    pub correlation_id: String,
    /// `true` for a call without arguments.
    #[prost(bool, tag = "3")]
    pub args_empty: bool,
    /// The arguments as a JSON object.
    #[prost(bytes = "bytes", tag = "4")]
    pub args_json: Bytes,
}

/// The reply to an invocation: an error, or a result.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct InvokeReply {
    /// The error, if the command has failed.
    #[prost(message, optional, tag = "1")]
    pub error: Option<ErrorDescription>,
    /// `true` if the result is `null`.
    #[prost(bool, tag = "2")]
    pub result_empty: bool,
    /// The result as JSON.
    #[prost(bytes = "bytes", tag = "3")]
    pub result_json: Bytes,
}

/// Omits the arguments, which may be secrets.
impl fmt::Debug for InvokeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvokeRequest")
            .field("method", &self.method)
            .field("args_empty", &self.args_empty)
            .finish_non_exhaustive()
    }
}

/// Omits the result, which may be a secret.
impl fmt::Debug for InvokeReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvokeReply")
            .field("error", &self.error)
            .field("result_empty", &self.result_empty)
            .finish_non_exhaustive()
    }
}

/// An error of a command. Field 7, a stack trace of the service, is not read.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ErrorDescription {
    /// The class of the error, such as `BadRequest`.
    #[prost(string, tag = "1")]
    pub category: String,
    /// The code for programs, such as `INVALID_DATA`.
    #[prost(string, tag = "2")]
    pub code: String,
    /// The correlation id of the call.
    #[prost(string, tag = "3")]
    pub correlation_id: String,
    /// The status that the error has over HTTP; 0 if it is not known.
    #[prost(int32, tag = "4")]
    pub status: i32,
    /// The message for people.
    #[prost(string, tag = "5")]
    pub message: String,
    /// The message of the error that this one wraps.
    #[prost(string, tag = "6")]
    pub cause: String,
    /// Further information, by name.
    #[prost(map = "string, string", tag = "8")]
    pub details: HashMap<String, String>,
}

impl ErrorDescription {
    /// Returns whether it describes an error: a message without one may have all fields empty.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !(self.category.is_empty() && self.code.is_empty() && self.message.is_empty()) || self.status >= 400
    }
}
