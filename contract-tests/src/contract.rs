//! The contract that the cases of a service belong to.

use crate::objects::Entity;
use crate::value::Map;
use http::Method;
use std::fmt::Debug;
use wiretrait::{Call, Error, Response, Route, Transport};

/// A contract, and what the runner of its cases must know about it.
///
/// Only the first three functions are required. The others describe entities that a case opens and the service can
/// delete; without them, nothing is deleted after a case, and a run needs a dedicated service.
pub trait ServiceContract: Clone + Debug + Send + Sync + 'static {
    /// Returns the operations, as the generated module lists them.
    fn routes(&self) -> &'static [&'static Route];

    /// Returns the description of the entities.
    fn entity(&self) -> &'static Entity;

    /// Calls the typed client with the arguments of a request, and returns the result as the service would encode
    /// it.
    ///
    /// The generated dispatcher does both, with the client as the implementation that it calls:
    /// `orders_v1::dispatch(&OrdersClient::new(transport), Incoming::from(call.request))`.
    ///
    /// # Errors
    ///
    /// If the arguments are not those of the operation. An error of the call itself is a response.
    fn call<T>(&self, transport: T, call: Call) -> impl Future<Output = Result<Response, Error>> + Send
    where
        T: Transport + Clone + 'static;

    /// Returns whether a request only reads. By default, requests with a method that is safe, and those of idempotent
    /// operations whose names begin with `get_`.
    fn only_reads(&self, method: &Method, path: &str) -> bool {
        let reads = |route: &Route| route.idempotent && route.name.starts_with("get_");
        method.is_safe() || route_of(self.routes(), method, path).is_some_and(reads)
    }

    /// Returns whether a request creates an entity that must be deleted after its case.
    fn creates(&self, method: &Method, path: &str) -> bool {
        let _ = (method, path);
        false
    }

    /// Returns whether a request may change entities of others, so that a case with it may only run at a service
    /// without other users.
    fn affects_others(&self, method: &Method, path: &str) -> bool {
        let _ = (method, path);
        false
    }

    /// Returns whether an entity in a response belongs to the owner. By default, if one of its values is the owner's
    /// id, whatever its key: a service that renamed the key still has entities of the owner.
    fn is_owned(&self, entity: &Map, owner: &str) -> bool {
        entity.values().any(|value| value == owner)
    }

    /// Returns the request that deletes an entity; `None` if the contract has no such operation.
    fn delete(&self, id: &str) -> Option<Call> {
        let _ = id;
        None
    }

    /// Returns the request that reads an entity; `None` if the contract has no such operation.
    fn get(&self, id: &str) -> Option<Call> {
        let _ = id;
        None
    }

    /// Returns the request that lists the entities of an owner; `None` if the contract has no such operation.
    fn list(&self, owner: &str) -> Option<Call> {
        let _ = owner;
        None
    }
}

/// Returns whether a run can delete what its cases create.
pub(crate) fn deletes(contract: &impl ServiceContract) -> bool {
    contract.delete("1").is_some()
}

/// Returns the operation that a request belongs to: by its path and method, else by its path, else by the beginning
/// of its path.
pub(crate) fn route_of(
    routes: &'static [&'static Route],
    method: &Method,
    path: &str,
) -> Option<&'static Route> {
    let find = |is_it: &dyn Fn(&Route) -> bool| routes.iter().copied().find(|route| is_it(route));
    find(&|route| route.method == *method && route.matches_path(path))
        .or_else(|| find(&|route| route.matches_path(path)))
        .or_else(|| find(&|route| path.starts_with(route.path)))
}
