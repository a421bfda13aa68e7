//! A call as a value.

use super::{Arguments, BaseRoute, Request, Route, Unreadable};
use crate::error::Error;
use serde::{Serialize, de::DeserializeOwned};

/// The arguments of one call, ready to be encoded.
///
/// Implemented by the structs that [`http_api`](crate::http_api) generates.
pub trait Operation {
    /// The route that the call takes.
    const ROUTE: &'static Route;

    /// Writes the request as a client with `encoding` sends it.
    ///
    /// The target of the request is its path and query alone: where the service lives is for the transport
    /// to add.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Encode`](crate::ErrorKind::Encode), with the name of the argument that cannot be sent.
    fn encode_with(&self, encoding: &Encoding) -> Result<Request, Error>;

    /// Writes the request as a client with default settings sends it.
    ///
    /// # Errors
    ///
    /// Those of [`encode_with`](Self::encode_with).
    fn encode(&self) -> Result<Request, Error> {
        self.encode_with(&Encoding::default())
    }
}

/// The arguments of one call as they were received, which own what they hold.
///
/// Implemented by the structs that [`http_api`](crate::http_api) generates, in the module `received` beside the
/// operations. [`Incoming::receive`](super::Incoming::receive) reads one from a request.
pub trait Received: Sized {
    /// The route that the call has taken.
    const ROUTE: &'static Route;

    /// Reads all the arguments. What cannot be read is noted in `arguments`.
    ///
    /// # Errors
    ///
    /// When one of them is missing or of another type.
    fn receive(arguments: &mut Arguments<'_>) -> Result<Self, Unreadable>;
}

/// The client's own say in how a request is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Encoding {
    /// Where correlation ids travel.
    pub correlation_place: CorrelationPlace,
    /// What stands in front of every path in place of the contract's own [prefix](Route::prefix), if anything.
    pub base_route: Option<BaseRoute>,
}

/// Where a correlation id travels (the official clients' `options.correlation_id_place`).
///
/// It only labels the log lines of the service, which looks into the query first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CorrelationPlace {
    /// In the query: no proxy drops it there.
    #[default]
    Query,
    /// In the header `correlation_id`. Some proxies drop headers with an underscore.
    Headers,
    /// In both.
    Both,
}

/// What a contract can have as a type parameter: any type that goes through JSON and can be sent between
/// threads.
///
/// Implemented for every such type; there is nothing to implement.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a payload",
    label = "not `Serialize + DeserializeOwned + Send + Sync + 'static`",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it, and let it own its parts"
)]
pub trait Payload: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Payload for T {}
