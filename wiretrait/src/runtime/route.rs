//! The route table, which describes a contract as data.

use super::Contract;
use super::path::match_path;
use http::{Method, StatusCode};
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
    /// The path with its prefix and its `{placeholders}`, of which the last may be `{*rest}`.
    pub path: &'static str,
    /// The prefix of all paths of the contract, such as `/v1`; may be empty. It has no placeholders, and a
    /// client can [replace](crate::Encoding::base_route) it.
    pub prefix: &'static str,
    /// `true` if a call can be retried without additional effects.
    pub idempotent: bool,
    /// Time limit for one attempt of the operation, instead of the client's.
    pub timeout: Option<Duration>,
    /// `true` if requests have a body. A DELETE whose fields are all left out has none.
    pub has_body: bool,
    /// The media type of the body of requests; an empty string if there is none.
    pub content_type: &'static str,
    /// The media types of successful responses, as in the header `Accept`; an empty string for any.
    pub accept: &'static str,
    /// The statuses, besides 204, of a response that stands for `None`. A service sends the first one.
    pub none: &'static [StatusCode],
    /// The constant headers and query parameters of requests, with their values. A service ignores them, and they
    /// do not select a route.
    pub constants: &'static [(Place, &'static str)],
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
    /// The form of a `None` in the body. Outside of the body, a `None` is always left out.
    pub none_as: NoneAs,
}

/// The form of an absent field in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoneAs {
    /// A `None` is `null`.
    Null,
    /// A `None` is left out.
    Omitted,
    /// The outer `None` of an `Option<Option<T>>` is left out, the inner one is `null`.
    OmittedOrNull,
}

impl Param {
    /// Creates an argument whose `None` is `null` in the body.
    #[must_use]
    pub const fn new(name: &'static str, required: bool, places: &'static [Place]) -> Self {
        Self { name, required, places, none_as: NoneAs::Null }
    }

    /// Sets the form of a `None` in the body.
    #[must_use]
    pub const fn with_none_as(self, none_as: NoneAs) -> Self {
        Self { none_as, ..self }
    }

    /// Returns the name of the field in the body, if the argument is a field.
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
    /// A query parameter with all values of a list, separated by commas.
    QueryList(&'static str),
    /// A query parameter for each field of a struct, key of a map or pair of a list.
    QueryFields,
    /// A header, which occurs once for each of several values.
    Header(&'static str),
    /// A header with all values of a list, separated by commas.
    HeaderList(&'static str),
    /// A field of the body: a key of the JSON object, or a field of the form.
    Field(&'static str),
    /// The whole body.
    Body,
    /// The correlation id: a query parameter, a header or both, depending on the client's settings.
    Correlation(&'static str),
}

impl Route {
    /// Returns whether a path, without a query, is one of this operation.
    ///
    /// It has the prefix of the contract; a client that replaces the prefix sends other paths.
    #[must_use]
    pub fn matches_path(&self, path: &str) -> bool {
        match_path(self.path, path).is_some()
    }

    /// Returns whether the query parameter `name` belongs to an argument by its name, or is a constant.
    pub(crate) fn claims_query(&self, name: &str) -> bool {
        let places = self.params.iter().flat_map(|param| param.places);
        places.chain(self.constants.iter().map(|(place, _)| place)).any(|place| match *place {
            Place::Query(claimed) | Place::QueryList(claimed) | Place::Correlation(claimed) => {
                claimed == name
            }
            _ => false,
        })
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
