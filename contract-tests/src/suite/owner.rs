//! Decides which entities in responses belong to a case.
//!
//! The content of an entity decides, not the path of the request: the responder may be a cache, a proxy or another
//! version of the service, and return an entity of another user. Such an entity is neither changed nor deleted.

use crate::contract::ServiceContract;
use crate::objects::json;
use crate::record::Exchange;
use crate::value::Value;
use wiretrait::Response;

/// The owner of the entities of a case.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// The id of the owner.
    pub(super) id: String,
    /// `true` if the run has the service to itself. Then every entity that it reports as created is
    /// the owner's.
    pub(super) is_exclusive: bool,
}

/// The id of an entity in the response to its creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Created {
    /// An entity of the owner.
    Own(String),
    /// An entity that may belong to another user.
    Other(String),
}

impl Created {
    /// Returns the id of an entity of the owner.
    pub(super) fn into_own(self) -> Option<String> {
        match self {
            Self::Own(id) => Some(id),
            Self::Other(_) => None,
        }
    }
}

impl Owner {
    /// Returns the entity that an exchange created, if any.
    pub(super) fn created(&self, contract: &impl ServiceContract, exchange: &Exchange) -> Option<Created> {
        let request = &exchange.request;
        let creates = contract.creates(request.method(), request.uri().path());
        if creates { self.created_by(contract, &exchange.response) } else { None }
    }

    /// Returns the entity in the response to a request that creates one, if any.
    pub(super) fn created_by(&self, contract: &impl ServiceContract, response: &Response) -> Option<Created> {
        if !response.status().is_success() {
            return None;
        }
        let body = json(response.body())?;
        // A service that has changed may write the entity inside of another object, or without the usual keys.
        let kind = contract.entity();
        let entity = kind.all_in(&body).first().copied().or_else(|| body.as_object())?;
        let id = kind.id_of(entity)?.to_owned();
        let is_own = self.is_exclusive || contract.is_owned(entity, &self.id);
        Some(if is_own { Created::Own(id) } else { Created::Other(id) })
    }

    /// Returns the ids of the owner's entities in a list, `None` for one without an id; `None` if `body` has no
    /// list.
    pub(super) fn listed(
        &self,
        contract: &impl ServiceContract,
        body: &Value,
    ) -> Option<Vec<Option<String>>> {
        let entities = list(body, 0)?.iter().filter_map(Value::as_object);
        let ours = entities.filter(|entity| contract.is_owned(entity, &self.id));
        Some(ours.map(|entity| Some(contract.entity().id_of(entity)?.to_owned())).collect())
    }
}

/// Returns the first list in a body, which may be inside of other objects.
fn list(body: &Value, depth: usize) -> Option<&Vec<Value>> {
    match body {
        Value::Array(items) => Some(items),
        Value::Object(object) if depth < 3 => {
            let direct = object.values().find_map(Value::as_array);
            direct.or_else(|| object.values().find_map(|value| list(value, depth + 1)))
        }
        _ => None,
    }
}
