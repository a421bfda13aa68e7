//! Calls as values.

use super::{Arguments, BaseRoute, Request, Route, Unreadable};
use crate::error::Error;
use http::HeaderName;
use serde::{Serialize, de::DeserializeOwned};

/// The arguments of one call, which can be encoded as a request.
///
/// Implemented by the structs that [`http_api`](crate::http_api) generates.
pub trait Operation {
    /// The route of the operation.
    const ROUTE: &'static Route;

    /// Encodes the request as a client with `encoding` sends it.
    ///
    /// The target of the request is only path and query. The transport adds the address of the service.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Encode`](crate::ErrorKind::Encode), with the name of the argument that cannot be sent.
    fn encode_with(&self, encoding: &Encoding) -> Result<Request, Error>;

    /// Encodes the request as a client with default settings sends it.
    ///
    /// # Errors
    ///
    /// Those of [`encode_with`](Self::encode_with).
    fn encode(&self) -> Result<Request, Error> {
        self.encode_with(&Encoding::default())
    }
}

/// The arguments of one call, owned, as a service decodes them.
///
/// Implemented by the structs that [`http_api`](crate::http_api) generates in the module `received` next to
/// the operations. [`Incoming::receive`](super::Incoming::receive) decodes one from a request.
pub trait Received: Sized {
    /// The route of the operation.
    const ROUTE: &'static Route;

    /// Decodes all arguments. Those that cannot be read are recorded in `arguments`.
    ///
    /// # Errors
    ///
    /// If an argument is missing or has another type.
    fn receive(arguments: &mut Arguments<'_>) -> Result<Self, Unreadable>;
}

/// Settings of a client that affect how requests are encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Encoding {
    /// The part of a request that carries correlation ids.
    pub correlation_place: CorrelationPlace,
    /// The replacement for the contract's own name of correlation ids, if there is one.
    pub correlation_name: Option<HeaderName>,
    /// The replacement for the contract's own [prefix](Route::prefix), if there is one.
    pub base_route: Option<BaseRoute>,
    /// `true` if requests get headers of the client or of their calls, so that there is room for them.
    pub(crate) has_more_headers: bool,
}

/// The part of a request that carries the correlation id. A dispatcher reads the query first.
///
/// An id that the contract names with a `-`, such as `x-request-id`, is always sent as a header with this name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CorrelationPlace {
    /// The query, which no proxy removes.
    #[default]
    Query,
    /// A header with the same name. Some proxies remove headers with an underscore in their name.
    Headers,
    /// Both.
    Both,
}

/// A type that a contract can have as a type parameter: it can be serialized, deserialized and sent between
/// threads.
///
/// Implemented for all such types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a payload",
    label = "not `Serialize + DeserializeOwned + Send + Sync + 'static`",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it, without borrowed fields"
)]
pub trait Payload: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Payload for T {}
