//! Deletes the sessions that a case has opened.

use super::owner::{Opened, Owner};
use crate::record::Exchange;
use http::StatusCode;
use sessions_client::sessions_v1::{DeleteSessionById, GetSessions};
use sessions_client::{Call, FilterParams, Operation as _, Response, Transport};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Number of consecutive failures after which the clean-up stops.
const ATTEMPTS: u32 = 5;

/// Deletes every session that the exchanges opened, and those of the user whose responses were lost.
///
/// Returns an id or a sentence for everything left behind: sessions that could not be deleted, those that may
/// belong to another user, and the user if it is unknown whether there are more. Failures are retried with
/// exponential backoff, which starts at `pause`.
pub(super) async fn clean_up<T>(
    transport: T,
    exchanges: &[Exchange],
    owner: &Owner,
    pause: Duration,
) -> Vec<String>
where
    T: Transport + Clone + 'static,
{
    let mut cleaner = Cleaner { transport, pause, failures: 0 };
    let (mut left, mut deleted, mut remarks) = (VecDeque::new(), BTreeSet::new(), Vec::new());
    for opened in exchanges.iter().filter_map(|exchange| owner.opened(exchange)) {
        match opened {
            Opened::Own(id) => left.push_back(id),
            Opened::Other(id) => {
                remarks.push(format!("{id}, which may belong to another user and is not deleted"));
            }
        }
    }
    loop {
        while !cleaner.has_failed()
            && let Some(id) = left.pop_front()
        {
            if cleaner.delete(&id).await {
                deleted.insert(id);
            } else {
                left.push_back(id);
            }
        }
        let Some(listed) = cleaner.sessions_of(owner).await else {
            remarks.push(format!("those of the user {}, which could not be listed", owner.user_id));
            break;
        };
        if listed.contains(&None) {
            remarks.push(format!("those of the user {} that have no `id`", owner.user_id));
            break;
        }
        // A page is not the whole list, and responses may have been lost, so there may be more. Sessions that
        // are still listed after their deletion are not deleted again, which would not end.
        let (undeleted, more): (Vec<_>, Vec<_>) =
            listed.into_iter().flatten().filter(|id| !left.contains(id)).partition(|id| deleted.contains(id));
        if more.is_empty() {
            left.extend(undeleted);
            break;
        }
        left.extend(more);
    }
    left.into_iter().chain(remarks).collect()
}

/// Parses as little of the responses as possible, so that clean-up also works for a service that has changed.
struct Cleaner<T> {
    transport: T,
    pause: Duration,
    /// Number of consecutive failures.
    failures: u32,
}

impl<T: Transport + Clone + 'static> Cleaner<T> {
    fn has_failed(&self) -> bool {
        self.failures >= ATTEMPTS
    }

    /// Returns whether the service responded. Whether it deleted the session follows from the list.
    async fn delete(&mut self, id: &str) -> bool {
        let Ok(request) = DeleteSessionById::new(id).encode() else { return false };
        let call = Call::new(DeleteSessionById::ROUTE, request);
        let has_responded = |response: &Response| {
            response.status().is_success() || response.status() == StatusCode::NOT_FOUND
        };
        self.attempt(call, |response| has_responded(&response).then_some(())).await.is_some()
    }

    /// Returns the ids of the user's sessions, or `None` if the service cannot list them.
    async fn sessions_of(&mut self, owner: &Owner) -> Option<Vec<Option<String>>> {
        let mine = FilterParams::new().user_id(&*owner.user_id);
        let request = GetSessions::new().filter(&mine).encode().ok()?;
        let call = Call::new(GetSessions::ROUTE, request);
        loop {
            let list = |response: Response| {
                let is_list = response.status().is_success();
                is_list.then(|| owner.listed(&serde_json::from_slice(response.body()).ok()?))?
            };
            if let Some(listed) = self.attempt(call.clone(), list).await {
                return Some(listed);
            }
            if self.has_failed() {
                return None;
            }
        }
    }

    /// Sends `call` and returns the result of `read`. If there is no response, or `read` returns `None`,
    /// pauses and returns `None`.
    async fn attempt<V>(&mut self, call: Call, read: impl FnOnce(Response) -> Option<V>) -> Option<V> {
        let transport = self.transport.clone();
        // In a separate task, so that a panic counts as a failure.
        let response = tokio::spawn(async move { transport.send(call).await }).await;
        if let Some(value) = response.ok().and_then(Result::ok).and_then(read) {
            self.failures = 0;
            return Some(value);
        }
        self.failures += 1;
        if !self.has_failed() {
            tokio::time::sleep(self.pause * 2_u32.pow(self.failures - 1)).await;
        }
        None
    }
}
