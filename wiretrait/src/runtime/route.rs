//! The route table, which describes a contract as data.

use super::Contract;
use http::Method;
use std::fmt;
use std::time::Duration;

/// The description of an operation, from its annotations.
///
/// Spans, metrics and other descriptions of an operation are derived from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The contract that the operation belongs to.
    pub contract: &'static Contract,
    /// The name of the method, such as `open_session`.
    pub name: &'static str,
    /// The documentation of the method, in Markdown, without the space that `///` leaves at the start of each
    /// line.
    pub doc: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path with its prefix and its `{placeholders}`.
    pub path: &'static str,
    /// The prefix of all paths of the contract, such as `/v1`; may be empty. It has no placeholders, and a
    /// client can [replace](crate::Encoding::base_route) it.
    pub prefix: &'static str,
    /// `true` if a call can be retried without additional effects.
    pub idempotent: bool,
    /// Time limit for one attempt of the operation, instead of the client's.
    pub timeout: Option<Duration>,
    /// `true` if requests have a JSON body.
    pub has_body: bool,
    /// The arguments in the order of the signature.
    pub params: &'static [Param],
}

/// An argument of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// The name in the signature.
    pub name: &'static str,
    /// `false` for an `Option`.
    pub required: bool,
    /// The parts of the request that contain the value; at least one.
    pub places: &'static [Place],
}

impl Param {
    /// Returns the key in the JSON object of the body, if the argument is a field.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        self.places.iter().find_map(|place| match *place {
            Place::Field(name) => Some(name),
            _ => None,
        })
    }
}

/// The part of a request that contains an argument, and the argument's name in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A segment of the path.
    Path(&'static str),
    /// A query parameter, which occurs once for each of several values.
    Query(&'static str),
    /// A header.
    Header(&'static str),
    /// A key of the JSON object in the body.
    Field(&'static str),
    /// The whole body, as JSON.
    Body,
    /// The correlation id: a query parameter, a header or both, depending on the client's settings.
    Correlation(&'static str),
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
