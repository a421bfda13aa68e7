//! Properties of a contract as a whole: its name, its user agent, and the format of its errors.

use crate::error::ErrorFormat;
use std::fmt;

/// Properties that all routes of a contract share.
///
/// The attribute [`http_api`](crate::http_api) generates one as the constant `CONTRACT` of the contract's
/// module.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Contract {
    /// The name of the trait, such as `Shelves`. Spans and metrics are labeled with it.
    pub name: &'static str,
    /// Package and version of the crate that declares the contract, such as `library-client/1.2.0`: the
    /// default `User-Agent` of its clients.
    pub user_agent: &'static str,
    /// The format of error bodies.
    pub errors: &'static dyn ErrorFormat,
}

impl Contract {
    /// Creates a contract from its name, user agent and error format.
    #[must_use]
    pub const fn new(name: &'static str, user_agent: &'static str, errors: &'static dyn ErrorFormat) -> Self {
        Self { name, user_agent, errors }
    }
}

impl PartialEq for Contract {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.user_agent == other.user_agent
    }
}

impl Eq for Contract {}

impl fmt::Debug for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contract")
            .field("name", &self.name)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}
