//! The route table: what a contract says, as data.

use http::Method;
use std::fmt;
use std::time::Duration;

/// An operation as its annotation describes it.
///
/// Metric names, spans, snapshots and documents are made from it, so that nothing about an operation is
/// written twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The name of the method, such as `open_session`.
    pub name: &'static str,
    /// The documentation of the method, in Markdown, without the spaces that `///` leaves before each line.
    pub doc: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path as it was annotated, with its prefix and its `{placeholders}`.
    pub path: &'static str,
    /// What every path of the contract begins with, such as `/v1/sessions`; empty if there is nothing. It has no
    /// placeholders, and a client can have [another](crate::Encoding::base_route).
    pub prefix: &'static str,
    /// Whether a repeat does no more than the first call did.
    pub idempotent: bool,
    /// The longest time that one attempt of the operation may take, where it is not the client's.
    pub timeout: Option<Duration>,
    /// Whether a request carries a JSON body.
    pub has_body: bool,
    /// The arguments in the order of the signature.
    pub params: &'static [Param],
}

/// An argument of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name in the signature.
    pub name: &'static str,
    /// Whether a call must have it.
    pub required: bool,
    /// Where its value travels, one place at least.
    pub places: &'static [Place],
}

impl Param {
    /// The key of the JSON object that the argument travels as, if it does.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        self.places.iter().find_map(|place| match *place {
            Place::Field(name) => Some(name),
            _ => None,
        })
    }
}

/// Where in a request a value travels, with its name there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A segment of the path.
    Path(&'static str),
    /// A query parameter; repeated for several values.
    Query(&'static str),
    /// A header.
    Header(&'static str),
    /// A key of the JSON object in the body.
    Field(&'static str),
    /// The whole body, as JSON.
    Body,
    /// The correlation id: query parameter, header or both, as the client is set up.
    Correlation(&'static str),
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
