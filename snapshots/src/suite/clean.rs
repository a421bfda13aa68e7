//! Deleting what a case has opened.

use crate::record::Exchange;
use serde_json::Value;
use sessions_client::{ErrorKind, FilterParams, ISessionsV1, PagingParams, SessionsHttpClientV1, Transport};
use std::collections::BTreeSet;

/// How often a service that fails is asked again before a session is given up.
const ATTEMPTS: usize = 5;

/// Deletes every session that the exchanges say was opened, and those of the user whose answers were lost.
/// Returns those that resist, and the user if it cannot be told whether there are more.
pub(super) async fn clean_up<T: Transport>(
    transport: &T,
    exchanges: &[Exchange],
    user_id: &str,
) -> Vec<String> {
    let client = SessionsHttpClientV1::<Value, Value, _>::new(transport);
    let (mut tried, mut left_behind) = (BTreeSet::new(), BTreeSet::new());
    let opened = exchanges.iter().filter(|exchange| exchange.request.uri().path().ends_with("/open_session"));
    let mut ids: Vec<String> = opened
        .filter_map(|exchange| {
            let session: Value = serde_json::from_slice(exchange.response.body()).ok()?;
            session["id"].as_str().map(str::to_owned)
        })
        .collect();
    loop {
        for id in ids {
            if !delete(&client, &id).await {
                left_behind.insert(id.clone());
            }
            tried.insert(id);
        }
        let Some(listed) = sessions_of(&client, user_id).await else {
            left_behind.insert(format!("those of the user {user_id}, who cannot be asked for"));
            break;
        };
        // A page is not the whole list, and an answer may have been lost: there may be more. One that is still listed
        // would be deleted for ever.
        let (stubborn, more): (Vec<_>, Vec<_>) = listed.into_iter().partition(|id| tried.contains(id));
        left_behind.extend(stubborn);
        if more.is_empty() {
            break;
        }
        ids = more;
    }
    left_behind.into_iter().collect()
}

async fn delete<T: Transport>(client: &SessionsHttpClientV1<Value, Value, &T>, id: &str) -> bool {
    for _ in 0..ATTEMPTS {
        match client.delete_session_by_id(None, id).await {
            Ok(_) => return true,
            // The service has answered, though not as it should: whether the session is there is seen in the list.
            Err(error) if error.kind() == ErrorKind::Decode => return true,
            Err(_) => {}
        }
    }
    false
}

/// `None` if the service does not say.
async fn sessions_of<T: Transport>(
    client: &SessionsHttpClientV1<Value, Value, &T>,
    user_id: &str,
) -> Option<Vec<String>> {
    let mine = FilterParams::new().user_id(user_id);
    for _ in 0..ATTEMPTS {
        if let Ok(page) = client.get_sessions(None, Some(&mine), Some(&PagingParams::new())).await {
            // A service that filters wrongly lists sessions that are not ours to delete.
            let ours = page.data.into_iter().filter(|session| session.user_id.as_deref() == Some(user_id));
            return Some(ours.map(|session| session.id).collect());
        }
    }
    None
}
