//! Deleting what a case has opened.

use super::owner::{Opened, Owner};
use crate::record::Exchange;
use serde_json::Value;
use sessions_client::{
    Error, ErrorKind, FilterParams, ISessionsV1, PagingParams, SessionsHttpClientV1, Transport,
};
use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
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
    let mut cleaner = Cleaner { client: SessionsHttpClientV1::new(transport), pause, failures: 0 };
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
        let Some(listed) = cleaner.sessions_of(&owner.user_id).await else {
            told.push(format!("those of the user {}, who cannot be asked for", owner.user_id));
            break;
        };
        // A page is not the whole list, and an answer may have been lost: there may be more. One that is still listed
        // would be deleted for ever.
        let (stubborn, more): (Vec<_>, Vec<_>) =
            listed.into_iter().filter(|id| !left.contains(id)).partition(|id| deleted.contains(id));
        if more.is_empty() {
            left.extend(stubborn);
            break;
        }
        left.extend(more);
    }
    left.into_iter().chain(told).collect()
}

struct Cleaner<T> {
    client: SessionsHttpClientV1<Value, Value, T>,
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
        let (client, id) = (self.client.clone(), id.to_owned());
        let call = async move {
            match client.delete_session_by_id(None, &id).await {
                Err(error) if error.kind() == ErrorKind::Decode => Ok(None),
                answer => answer,
            }
        };
        self.attempt(call).await.is_some()
    }

    /// `None` if the service does not say.
    async fn sessions_of(&mut self, user_id: &str) -> Option<Vec<String>> {
        loop {
            let (client, mine) = (self.client.clone(), FilterParams::new().user_id(user_id));
            let call =
                async move { client.get_sessions(None, Some(&mine), Some(&PagingParams::new())).await };
            if let Some(page) = self.attempt(call).await {
                // A service that filters wrongly lists sessions that are not ours to delete.
                let ours =
                    page.data.into_iter().filter(|session| session.user_id.as_deref() == Some(user_id));
                return Some(ours.map(|session| session.id).collect());
            }
            if self.has_given_up() {
                return None;
            }
        }
    }

    /// What the service answers; `None` if it fails, after a pause.
    async fn attempt<V: Send + 'static>(
        &mut self,
        call: impl Future<Output = Result<V, Error>> + Send + 'static,
    ) -> Option<V> {
        // A task of its own, so that a panic in it is one failure more.
        if let Ok(Ok(value)) = tokio::spawn(call).await {
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
