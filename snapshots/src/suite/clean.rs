//! Deleting what a case has opened.

use super::owner::{Opened, Owner};
use crate::record::Exchange;
use http::StatusCode;
use sessions_client::sessions_v1::{DeleteSessionById, GetSessions};
use sessions_client::{Call, FilterParams, Operation as _, Response, Transport};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// How often in a row a service may fail before it is given up.
const ATTEMPTS: u32 = 5;

/// Deletes every session that the exchanges say was opened, and those of the user whose answers were lost.
/// Returns a sentence or an id for all that is left behind: sessions that resist, those that are not ours to delete,
/// and the user if it cannot be told whether there are more.
///
/// A service that fails is asked again after `pause`, then after twice as long, and so on.
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
    let (mut left, mut deleted, mut told) = (VecDeque::new(), BTreeSet::new(), Vec::new());
    for opened in exchanges.iter().filter_map(|exchange| owner.opened(exchange)) {
        match opened {
            Opened::Own(id) => left.push_back(id),
            Opened::Other(id) => told.push(format!("{id}, which may be somebody else's and is not deleted")),
        }
    }
    loop {
        while !cleaner.has_given_up()
            && let Some(id) = left.pop_front()
        {
            if cleaner.delete(&id).await {
                deleted.insert(id);
            } else {
                left.push_back(id);
            }
        }
        let Some(listed) = cleaner.sessions_of(owner).await else {
            told.push(format!("those of the user {}, who cannot be asked for", owner.user_id));
            break;
        };
        if listed.contains(&None) {
            told.push(format!("those of the user {} that show no `id`", owner.user_id));
            break;
        }
        // A page is not the whole list, and an answer may have been lost: there may be more. One that is still listed
        // would be deleted for ever.
        let (stubborn, more): (Vec<_>, Vec<_>) =
            listed.into_iter().flatten().filter(|id| !left.contains(id)).partition(|id| deleted.contains(id));
        if more.is_empty() {
            left.extend(stubborn);
            break;
        }
        left.extend(more);
    }
    left.into_iter().chain(told).collect()
}

/// Reads as little of the answers as it can: a service that has changed is to be left clean as well.
struct Cleaner<T> {
    transport: T,
    pause: Duration,
    /// How many there were in a row.
    failures: u32,
}

impl<T: Transport + Clone + 'static> Cleaner<T> {
    fn has_given_up(&self) -> bool {
        self.failures >= ATTEMPTS
    }

    /// Whether the service has answered. What it has done is seen in the list.
    async fn delete(&mut self, id: &str) -> bool {
        let Ok(request) = DeleteSessionById::new(id).encode() else { return false };
        let call = Call::new(DeleteSessionById::ROUTE, request);
        let is_answer = |response: &Response| {
            response.status().is_success() || response.status() == StatusCode::NOT_FOUND
        };
        self.attempt(call, |response| is_answer(&response).then_some(())).await.is_some()
    }

    /// `None` if the service does not say.
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
            if self.has_given_up() {
                return None;
            }
        }
    }

    /// What `read` makes of the answer to `call`; `None` if there is none, or it makes nothing of it, after a pause.
    async fn attempt<V>(&mut self, call: Call, read: impl FnOnce(Response) -> Option<V>) -> Option<V> {
        let transport = self.transport.clone();
        // A task of its own, so that a panic in it is one failure more.
        let answer = tokio::spawn(async move { transport.send(call).await }).await;
        if let Some(value) = answer.ok().and_then(Result::ok).and_then(read) {
            self.failures = 0;
            return Some(value);
        }
        self.failures += 1;
        if !self.has_given_up() {
            tokio::time::sleep(self.pause * 2_u32.pow(self.failures - 1)).await;
        }
        None
    }
}
