//! Deletes the entities that a case has created.

use super::created::Creations;
use super::owner::{Created, Owner};
use super::run::{LOST, panic_of};
use crate::contract::ServiceContract;
use crate::objects::json;
use crate::record::Exchange;
use futures_util::future::join_all;
use http::StatusCode;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use wiretrait::{Call, ErrorKind, Response, Transport};

/// Number of consecutive failures after which the clean-up stops.
const ATTEMPTS: u32 = 5;

/// The result of a clean-up.
#[derive(Debug, Default)]
pub(super) struct CleanUp {
    /// An id or a sentence for everything left behind.
    pub(super) left: Vec<String>,
    /// The reason why the entities of the owner are unknown, if so, as a sentence.
    pub(super) unlisted: Option<String>,
}

/// The entities of the owner that are left, as far as the service lists them.
enum Listed {
    /// Their ids; `None` for one without an id.
    Ids(Vec<Option<String>>),
    /// The contract has no operation that lists them.
    NoOperation,
    /// The service does not list them, for the reason in the sentence.
    Failed(String),
}

/// The reason why a request has no response, as a sentence.
enum Failure {
    /// The service is unreachable or silent.
    Lost(String),
    /// The service may have responded, such as with more than the client reads.
    Other(String),
}

/// Deletes every entity that the exchanges created, and those of the owner whose responses were lost.
///
/// The result lists entities that could not be deleted, those that may belong to another user, and the owner
/// if it may have more. Failures are retried with exponential backoff, which starts at `pause`. A case that created
/// nothing sends no request, unless it has `failed`: then the list of its entities shows whether the service still
/// responds.
pub(super) async fn clean_up<C, T>(
    contract: &C,
    transport: T,
    exchanges: &[Exchange],
    creations: &Creations,
    owner: &Owner,
    pause: Duration,
    failed: bool,
) -> CleanUp
where
    C: ServiceContract,
    T: Transport + Clone + 'static,
{
    if !creations.any_sent() && !failed {
        return CleanUp::default();
    }
    let mut cleaner = Cleaner { contract, transport, pause, failures: 0 };
    let (mut left, mut deleted, mut remarks) = (VecDeque::new(), BTreeSet::new(), Vec::new());
    for created in exchanges.iter().filter_map(|exchange| owner.created(contract, exchange)) {
        match created {
            Created::Own(id) => left.push_back(id),
            Created::Other(id) => {
                remarks.push(format!("{id}, which may belong to another user and is not deleted"));
            }
        }
    }
    let mut unlisted = None;
    loop {
        cleaner.delete_all(&mut left, &mut deleted).await;
        let listed = match cleaner.entities_of(owner).await {
            Listed::Ids(listed) => Some(listed),
            Listed::NoOperation => None,
            Listed::Failed(reason) => {
                unlisted = Some(reason);
                None
            }
        };
        let Some(listed) = listed else {
            if let Some(operation) = creations.uncertain() {
                remarks.push(format!(
                    "perhaps {} of the user {}: a response to `{operation}` was lost, and they could not be listed",
                    contract.entity().plural,
                    owner.id
                ));
            }
            break;
        };
        if listed.contains(&None) {
            remarks.push(format!("those of the user {} that have no `id`", owner.id));
            break;
        }
        // A page is not the whole list, and responses may have been lost, so there may be more. Entities that
        // are still listed after their deletion are not deleted again, which would not end.
        let (undeleted, more): (Vec<_>, Vec<_>) =
            listed.into_iter().flatten().filter(|id| !left.contains(id)).partition(|id| deleted.contains(id));
        if more.is_empty() {
            left.extend(undeleted);
            break;
        }
        left.extend(more);
    }
    CleanUp { left: left.into_iter().chain(remarks).collect(), unlisted }
}

/// Returns whether the service still shows an entity that no list contains.
pub(super) async fn exists<C, T>(contract: &C, transport: T, id: &str) -> bool
where
    C: ServiceContract,
    T: Transport + Clone + 'static,
{
    let Some(call) = contract.get(id) else { return false };
    let cleaner = Cleaner { contract, transport, pause: Duration::ZERO, failures: 0 };
    let Ok(response) = cleaner.send(call).await else { return false };
    let body = json(response.body()).filter(|_| response.status().is_success()).unwrap_or_default();
    contract.entity().all_in(&body).iter().any(|entity| contract.entity().id_of(entity) == Some(id))
}

/// Parses as little of the responses as possible, so that clean-up also works for a service that has changed.
struct Cleaner<'c, C, T> {
    contract: &'c C,
    transport: T,
    pause: Duration,
    /// Number of consecutive failures.
    failures: u32,
}

impl<C: ServiceContract, T: Transport + Clone + 'static> Cleaner<'_, C, T> {
    fn has_failed(&self) -> bool {
        self.failures >= ATTEMPTS
    }

    /// Deletes the entities in `left`, and moves the ids to `deleted`. After a failure, it sends one request at a
    /// time until the service responds again.
    async fn delete_all(&mut self, left: &mut VecDeque<String>, deleted: &mut BTreeSet<String>) {
        while !self.has_failed() && !left.is_empty() {
            let count = if self.failures == 0 { left.len() } else { 1 };
            let ids: Vec<String> = left.drain(..count).collect();
            let responded = join_all(ids.iter().map(|id| self.delete(id))).await;
            let any_responded = responded.contains(&true);
            for (id, has_responded) in ids.into_iter().zip(responded) {
                if has_responded {
                    deleted.insert(id);
                } else {
                    left.push_back(id);
                }
            }
            self.note(any_responded).await;
        }
    }

    /// Returns whether the service responded. Whether it deleted the entity follows from the list.
    async fn delete(&self, id: &str) -> bool {
        let Some(call) = self.contract.delete(id) else { return false };
        let response = self.send(call).await;
        let status = response.as_ref().map(Response::status);
        status.is_ok_and(|status| status.is_success() || status == StatusCode::NOT_FOUND)
    }

    /// Lists the entities of the owner.
    async fn entities_of(&mut self, owner: &Owner) -> Listed {
        let Some(call) = self.contract.list(&owner.id) else { return Listed::NoOperation };
        loop {
            let listed = self.list(call.clone(), owner).await;
            self.note(listed.is_ok()).await;
            match listed {
                Ok(listed) => return Listed::Ids(listed),
                Err(reason) if self.has_failed() => return Listed::Failed(reason),
                Err(_) => {}
            }
        }
    }

    /// Sends one request for the entities of the owner. The error is the reason why they are unknown.
    async fn list(&self, call: Call, owner: &Owner) -> Result<Vec<Option<String>>, String> {
        let plural = self.contract.entity().plural;
        let unlisted = |why: &str| format!("{plural} cannot be listed during clean-up ({why})");
        let response = self.send(call).await.map_err(|failure| match failure {
            Failure::Lost(why) => format!("{LOST} ({why})"),
            Failure::Other(why) => unlisted(&why),
        })?;
        let status = response.status();
        match status {
            // These are the responses of a gateway in front of it.
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                Err(format!("{LOST} ({status})"))
            }
            _ if !status.is_success() => Err(unlisted(&format!("the response is {status}"))),
            _ => {
                let body = json(response.body()).ok_or_else(|| unlisted("the response is not valid JSON"))?;
                let listed = owner.listed(self.contract, &body);
                listed.ok_or_else(|| unlisted("the response contains no list"))
            }
        }
    }

    async fn send(&self, call: Call) -> Result<Response, Failure> {
        let transport = self.transport.clone();
        // In a separate task, so that a panic counts as a failure.
        let sent = tokio::spawn(async move { transport.send(call).await }).await;
        sent.map_err(|error| Failure::Other(panic_of(error)))?.map_err(|error| match error.kind() {
            ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Transport => {
                Failure::Lost(error.to_string())
            }
            _ => Failure::Other(error.to_string()),
        })
    }

    /// Counts a failure and pauses after it, or forgets the earlier ones.
    async fn note(&mut self, succeeded: bool) {
        if succeeded {
            self.failures = 0;
            return;
        }
        self.failures += 1;
        if !self.has_failed() {
            tokio::time::sleep(self.pause * 2_u32.pow(self.failures - 1)).await;
        }
    }
}
